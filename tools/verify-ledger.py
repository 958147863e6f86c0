#!/usr/bin/env python3
"""Verifies a dispatch ledger, from its specification alone.

Written from ledger/FORMAT.md (and the list of types of ledger/EVENTS.md) and nothing else, with
Python's standard library only, so that nobody has to trust the programs that wrote a ledger. A
section sign here names a section of FORMAT.md.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import sys
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

HELP = """\
usage: verify-ledger.py LEDGER_DIRECTORY

Reads every byte of a ledger's log and prints one line of canonical JSON: what is durable, the root
of the events, and every damage that was found. Explanations go to standard error. Nothing is
written, locked or repaired.

exit status
   0  clean or torn, no damage         64  wrong usage
   4  corrupt or lost-tail, or damage  65  LEDGER can't be read, or another format
   5  head-lost or suspect             66  no ledger there
                                       74  a file couldn't be read
"""

TYPES = frozenset("""
    acknowledgement.recorded.v1 delivery.recorded.v1 delivery.settled.v1 delivery.unknown.v1
    dispatch.cancelled.v1 dispatch.ended.v1 dispatch.missed.v1 dispatch.modified.v1
    dispatch.rejected.v1 dispatch.requested.v1 dispatch.scheduled.v1 dispatch.triggered.v1
    ledger.archived.v1 ledger.attached.v1 ledger.correction-recorded.v1 ledger.created.v1
    ledger.disposed.v1 ledger.export-issued.v1 ledger.key-changed.v1 ledger.recovered.v1
    ledger.repaired.v1 ledger.time-stamped.v1 legal-hold.placed.v1 legal-hold.released.v1
    market-event-type.defined.v1 market-event-type.retired.v1 notification.attempted.v1
    notification.deferred.v1 notification.escalated.v1 notification.suppressed.v1
    program.defined.v1 program.retired.v1 recipients.resolved.v1 rule.published.v1
    rule.withdrawn.v1 signal.observed.v1 template.published.v1 template.withdrawn.v1
    user-group.defined.v1 user-group.retired.v1 user.defined.v1 user.enrolled.v1 user.erased.v1
    user.opted-in.v1 user.opted-out.v1 user.withdrawn.v1
""".split())

COMMIT_LINE, SEAL_LINE, HEADER_LEAST = 257, 131, 158  # §3
LINE_MOST = HEADER_LEAST + 64 * 54  # a header whose first has 54 one-bits, the most of 16 digits
EVENT_MOST, COUNT_MOST, BYTES_MOST = 65_535, 65_536, 8_388_608  # §8
INTEGER_MOST, DEPTH_MOST, STRING_MOST = 2**53 - 1, 16, 16_384  # §4.1
SLOT, SECTOR, TEAR = 4_096, 512, 257  # §5, §9, §6.2
READ_AHEAD = 1 << 18


class Unusable(Exception):
    """Ends the program before a report, with an exit status of §7."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# CRC32C, RFC 3720 §B.4. Bytes are read as one little-endian integer, whose lowest bit is then the
# highest power of x, and the first half is folded onto the second: F(x)·x^n + R(x) has the
# remainder of F(x)·(x^n mod P) + R(x). Python shifts and adds long integers at memory speed.

POLYNOMIAL = 0x82F63B78


def _multiplied(a: int, b: int) -> int:
    """The product of two remainders modulo the polynomial, bit 31 - i for x^i."""
    product = 0
    for power in range(31, -1, -1):
        if a >> power & 1:
            product ^= b
        b = b >> 1 ^ (POLYNOMIAL if b & 1 else 0)
    return product


def _byte_table() -> List[int]:
    """The remainders of each byte, to take a message byte by byte."""
    table = []
    for remainder in range(256):
        for _ in range(8):
            remainder = remainder >> 1 ^ (POLYNOMIAL if remainder & 1 else 0)
        table.append(remainder)
    return table


def _folds() -> List[Tuple[int, List[int]]]:
    """For k = 5 to 31: 2^k, and how far to shift its first 2^k bits to fold 2^(k+1) + 32 bits."""
    folds, power = [], 1 << 30  # x^1
    for k in range(32):
        if k >= 5:
            constant = _multiplied(power, POLYNOMIAL)  # x^(2^k) · x^32
            folds.append((1 << k, [i + 1 for i in range(32) if constant >> i & 1]))
        power = _multiplied(power, power)
    return folds


BYTE_TABLE, FOLDS = _byte_table(), _folds()


def crc32c(data: bytes) -> int:
    """The CRC32C of `data`, which is at most 256 MiB long."""
    table = BYTE_TABLE
    if len(data) < 64:
        crc = 0xFFFFFFFF
        for byte in data:
            crc = table[(crc ^ byte) & 255] ^ crc >> 8
        return crc ^ 0xFFFFFFFF
    bits, level = len(data) * 8, 0
    while FOLDS[level][0] + 32 < bits:
        level += 1
    # Zeros before the message change nothing once the initial value has been added to it.
    rest = (int.from_bytes(data, "little") ^ 0xFFFFFFFF) << (FOLDS[level][0] + 32 - bits)
    for half, shifts in reversed(FOLDS[:level]):
        first = rest & (1 << half) - 1
        rest >>= half
        for shift in shifts:
            rest ^= first << shift
    crc = 0
    for byte in rest.to_bytes(8, "little"):
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Tree:
    """The RFC 6962 tree of §4.4, as its frontier."""

    def __init__(self, size: int = 0, frontier: Tuple[bytes, ...] = ()) -> None:
        self.size, self.frontier = size, list(frontier)

    def append(self, leaf: bytes) -> None:
        size, frontier = self.size, self.frontier
        while size & 1:
            leaf = hashlib.sha256(b"\1" + frontier.pop() + leaf).digest()
            size >>= 1
        frontier.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.frontier:
            return hashlib.sha256(b"").digest()
        root = self.frontier[-1]
        for left in self.frontier[-2::-1]:
            root = hashlib.sha256(b"\1" + left + root).digest()
        return root


# Canonical JSON (§4.1): Python's parser takes the line apart, and the line must be what Python's
# encoder makes of the parts. So only what both let pass is checked by hand.

NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef%s]" % "".join(chr(p << 16 | low) for p in range(17) for low in (65534, 65535)))


def _object(pairs: List[Tuple[str, object]]) -> Dict[str, object]:
    """An object of the parser, whose keys must stand in order, each once."""
    keys = [key.encode("utf-16-be") for key, _ in pairs]
    for before, after in zip(keys, keys[1:]):
        if before >= after:
            raise ValueError("keys aren't sorted, or one stands twice")
    return dict(pairs)


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > INTEGER_MOST:
        raise ValueError("an integer is beyond 2^53 - 1")
    return int(text)


def _refused(text: str) -> None:
    raise ValueError("a number isn't an integer")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_refused,
                           parse_constant=_refused)
ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def _check_limits(value: object, depth: int = 1) -> None:
    """Checks depths and lengths (§8)."""
    if isinstance(value, str):
        if len(value.encode("utf-8")) > STRING_MOST:
            raise ValueError("a string is longer than 16,384 bytes")
    elif isinstance(value, (dict, list)):
        if depth > DEPTH_MOST:
            raise ValueError("more than 16 containers stand within each other")
        for part in value:
            _check_limits(part, depth + 1)
        if isinstance(value, dict):
            for part in value.values():
                _check_limits(part, depth + 1)


def canonical_object(line: bytes) -> Dict[str, object]:
    """The object that `line` is the canonical form of; raises ValueError where it is of none."""
    text = line.decode("utf-8")
    try:
        value = DECODER.decode(text)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        if len(line) > STRING_MOST or line.count(b"{") + line.count(b"[") > DEPTH_MOST:
            _check_limits(value)
        if ENCODER.encode(value).encode("utf-8") != line:
            raise ValueError("not in canonical form")
    except RecursionError:
        raise ValueError("more than 16 containers stand within each other") from None
    if not line.isascii() and NONCHARACTER.search(text):
        raise ValueError("a noncharacter")
    return value


# Forms of values.

INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{6}Z", re.ASCII)
LONG_AGO = "0000-01-01T00:00:00.000000Z"
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_instant(text: object) -> bool:
    """Whether `text` is an instant (§4.2) that exists; there are no leap seconds."""
    match = INSTANT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return False
    year, month, day, hour, minute, second = map(int, match.groups())
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (1 <= month <= 12 and 1 <= day <= DAYS[month - 1] + leap
            and hour < 24 and minute < 60 and second < 60)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_event_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("0|[1-9][0-9]*", value) is not None


OPTIONAL = {
    "actor": _is_text,
    "causationid": _is_event_id,
    "clock": is_instant,
    "correlationid": _is_text,
    "decider": lambda value: isinstance(value, int) and value is not True and value >= 1,
    "idempotencyhash": lambda value: _is_text(value) and re.fullmatch("[0-9a-f]{64}", value),
    "idempotencykey": _is_text,
}
REQUIRED = {
    "data": lambda value: isinstance(value, dict),
    "id": _is_event_id,
    "source": _is_text,
    "specversion": lambda value: value == "1.0",
    "subject": _is_text,
    "time": is_instant,
    "type": _is_text,
}
ENVELOPE = {**OPTIONAL, **REQUIRED}


def event_fault(line: bytes, position: int, identity: "Identity", time: str, first: bool
                ) -> Optional[str]:
    """Why an event line isn't well formed (§4.2), or None. `first`: it begins its commit."""
    try:
        event = canonical_object(line)
    except ValueError as error:
        return str(error)
    for key in REQUIRED:
        if key not in event:
            return f"{key} is missing"
    for key, value in event.items():
        if key not in ENVELOPE:
            return "there is a key that no event has"
        if not ENVELOPE[key](value):
            return f"{key} hasn't the form of one"
    if event["type"] not in TYPES:
        return f"its type {json.dumps(event['type'][:64])} isn't known"
    if event["id"] != str(position):
        return f"its id {event['id'][:24]} isn't its position"
    if event["source"] != identity.origin:
        return "its source isn't the ledger's origin"
    if event["time"] != time:
        return "its time isn't its commit's"
    if "clock" in event and event["clock"] >= time:
        return "its clock isn't earlier than its time"
    if ("idempotencyhash" in event) != ("idempotencykey" in event):
        return "idempotencyhash and idempotencykey don't stand together"
    if "idempotencykey" in event and not first:
        return "it has an idempotencykey and isn't the first of its commit"
    if position == 0:  # §2
        repeated = {"format": 1, **identity._asdict()}
        if event["type"] != "ledger.created.v1" or any(
                ENCODER.encode(event["data"].get(key)) != ENCODER.encode(value)
                for key, value in repeated.items()):
            return "it isn't the ledger.created that repeats what LEDGER says"
    return None


# The log's own lines (§3, §5), by the word they begin with.

_TIME, _CRC = r"(?P<time>[0-9T:.Z-]{27})", r" crc=(?P<crc>[0-9a-f]{8})\n"
FORMS = {kind: re.compile(form, re.ASCII) for kind, form in {
    "segment": r"#segment format=1 ledger=(?P<ledger>[0-9a-f]{32}) first=(?P<first>\d{16})"
               r" created=" + _TIME + r" previous=(?P<previous>[0-9a-f]{8})"
               r" frontier=(?P<frontier>(?:[0-9a-f]{64})*)" + _CRC,
    "commit": r"#commit first=(?P<first>\d{16}) count=(?P<count>\d{5}) bytes=(?P<bytes>\d{7})"
              r" time=" + _TIME + r" body=(?P<body>[0-9a-f]{8}) root=(?P<root>[0-9a-f]{64})"
              r" durable=(?P<durable>\d{16}) segment=\d{16} offset=\d{12}" + _CRC,
    "seal": r"#seal count=(?P<count>\d{16}) bytes=(?P<bytes>\d{12}) root=(?P<root>[0-9a-f]{64})"
            + _CRC,
    "head": r"#head generation=(?P<generation>\d{16}) size=(?P<size>\d{16}) segment=\d{16}"
            r" offset=\d{12} commit=\d{12} root=[0-9a-f]{64}" + _CRC,
}.items()}


class Line(NamedTuple):
    """One of the log's own lines, valid by itself: its grammar and its checksum hold."""

    kind: str
    offset: int
    fields: Dict[str, str]

    def number(self, name: str) -> int:
        return int(self.fields[name])


def own_line(kind: str, data: bytes, ledger: str, path: str, offset: int) -> Optional[Line]:
    """The line that `data` begins with, where it is valid by itself at this place (§3)."""
    data = data[: data.find(b"\n") + 1]
    match = FORMS[kind].fullmatch(data.decode("latin-1"))
    if match is None or not is_instant(match.groupdict().get("time", LONG_AGO)):
        return None
    place = f"{ledger} {path} {offset}\n".encode("ascii")
    if crc32c(place + data[:-9]) != int(match["crc"], 16):
        return None
    return Line(kind, offset, match.groupdict())


class Identity(NamedTuple):
    """What LEDGER says (§2)."""

    ledger_id: str
    origin: str
    vkey: str


def read_identity(directory: str) -> Identity:
    """Reads and checks LEDGER (§2)."""
    path = os.path.join(directory, "LEDGER")
    try:
        with open(path, "rb") as file:
            content = file.read(16_385)
    except (FileNotFoundError, NotADirectoryError):
        raise Unusable(66, f"{directory}: no ledger there, LEDGER is missing") from None
    except (OSError, ValueError) as error:
        raise Unusable(65, f"{path}: {error}") from None
    try:
        if not content.endswith(b"\n"):
            raise ValueError("it doesn't end with a newline")
        fields = canonical_object(content[:-1])
        if fields.get("format") != 1 or fields.get("format") is True:
            raise ValueError(f"its format is {json.dumps(fields.get('format'))}; this reads 1")
        if sorted(fields) != ["created", "format", "ledger_id", "origin", "vkey"]:
            raise ValueError("its keys aren't created, format, ledger_id, origin and vkey")
        _check_identity(fields)
    except ValueError as error:
        raise Unusable(65, f"{path}: {error}") from None
    return Identity(fields["ledger_id"], fields["origin"], fields["vkey"])


def _check_identity(fields: Dict[str, object]) -> None:
    """Checks the values of LEDGER (§2); raises ValueError."""
    if not is_instant(fields["created"]):
        raise ValueError("created isn't an instant")
    for key, form in (("ledger_id", "[0-9a-f]{32}"), ("origin", "[A-Za-z0-9._/-]{1,128}")):
        if not _is_text(fields[key]) or not re.fullmatch(form, fields[key]):
            raise ValueError(f"{key} hasn't the form of one")
    origin, vkey = fields["origin"].encode("ascii"), fields["vkey"]
    parts = vkey.split("+", 2) if _is_text(vkey) else []
    if len(parts) != 3 or parts[0] != fields["origin"] or not vkey.isascii():
        raise ValueError("vkey isn't a verifier key of the origin")
    try:
        key = base64.b64decode(parts[2], validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 33 or key[0] != 1 or base64.b64encode(key).decode("ascii") != parts[2]:
        raise ValueError("vkey holds no Ed25519 key")
    if hashlib.sha256(origin + b"\n" + key).hexdigest()[:8] != parts[1]:
        raise ValueError("vkey's key id isn't its key's")


class Window:
    """A file read once, forwards, of which only what is still needed is held."""

    def __init__(self, file, size: int) -> None:
        self.file, self.size = file, size
        self.base, self.end, self.buffer = 0, 0, b""
        self.solid_end = 0  # where the last byte that isn't a newline ends
        self.text_end = 0  # the same for the last that is neither a newline nor a zero byte
        self.watched: Optional[int] = None
        self.blank_end: Optional[int] = None

    def read(self, offset: int, length: int) -> bytes:
        """The bytes there, fewer where the file ends."""
        self._reach(offset + length)
        return self.buffer[offset - self.base : offset - self.base + length]

    def find(self, pattern: bytes, start: int, end: Optional[int] = None) -> int:
        """Where `pattern` stands next, or -1. Without an `end`, lets go of what lies before."""
        if end is not None:
            self._reach(end)
            found = self.buffer.find(pattern, start - self.base, end - self.base)
            return found if found < 0 else found + self.base
        while True:
            found = self.buffer.find(pattern, max(start - self.base, 0))
            if found >= 0 or self.end >= self.size:
                return found if found < 0 else found + self.base
            start = max(start, self.end - len(pattern) + 1)
            self.release(start)
            self._reach(self.end + 1)

    def release(self, offset: int) -> None:
        """Lets go of what lies before `offset`, and isn't being watched."""
        if self.watched is not None:
            offset = min(offset, self.watched)
        if offset - self.base >= READ_AHEAD or offset >= self.end:
            self.buffer = self.buffer[max(offset - self.base, 0) :]
            self.base = min(max(offset, self.base), self.end)

    def watch(self, offset: int) -> None:
        """From here on, looks for the blank stretches of §6.2, rule 2."""
        if self.watched is None:
            self.watched = offset
            self._look_for_blanks()

    def _reach(self, offset: int) -> None:
        pieces = [self.buffer]
        while self.end < min(offset, self.size):
            want = min(max(offset - self.end, READ_AHEAD), self.size - self.end)
            piece = self.file.read(want)
            if not piece:
                self.size = self.end
            if piece.rstrip(b"\n"):
                self.solid_end = self.end + len(piece.rstrip(b"\n"))
            if piece.rstrip(b"\n\0"):
                self.text_end = self.end + len(piece.rstrip(b"\n\0"))
            self.end += len(piece)
            pieces.append(piece)
        if len(pieces) > 1:
            self.buffer = b"".join(pieces)
            self._look_for_blanks()

    def _look_for_blanks(self) -> None:
        """Notes the first stretch between multiples of 512 that is all newlines or all zeros."""
        while self.watched is not None and self.watched // SECTOR * SECTOR + SECTOR <= self.end:
            end = self.watched // SECTOR * SECTOR + SECTOR
            stretch = self.buffer[self.watched - self.base : end - self.base]
            if self.blank_end is None and not (stretch.strip(b"\n") and stretch.strip(b"\0")):
                self.blank_end = end
            self.watched = end


class Damage(NamedTuple):
    """A damage of §7: of the ids `first` to `last`, or of none where `last` is less."""

    what: str
    segment: int
    offset: int
    first: int  # also the number of events so far
    last: Optional[int]  # None: up to W - 1
    beyond: bool  # it lies beyond X
    why: str


class Segment:
    """A segment while it is read, and what §6 wants to know of it afterwards."""

    def __init__(self, first: int, successor: Optional[int], window: Window) -> None:
        self.first, self.successor, self.window = first, successor, window
        self.path = f"log/{first:016d}.log"
        self.stop: Optional[int] = None  # X, where it lies in this segment
        self.stop_line: Optional[Line] = None  # the commit line at X, where it is valid by itself
        self.least_durable = 10**16  # of the commit lines beyond X

    def is_torn(self, count: int) -> bool:
        """Whether tearing explains the bytes from X on (§6.2); `count` is n(X)."""
        start, end, size = self.stop, max(self.window.text_end, self.stop), self.window.size
        cut = end - start < TEAR
        if self.stop_line is not None:
            body = self.stop_line.number("bytes")
            cut = cut or end < start + 256 + body or size < start + 257 + body
        blank = self.window.blank_end is not None and self.window.blank_end <= end
        return cut or blank or self.least_durable <= count


class Verifier:
    """Reads a ledger as §7 says."""

    def __init__(self, directory: str, identity: Identity) -> None:
        self.directory, self.identity = directory, identity
        self.count = 0  # the number of events so far
        self.tree: Optional[Tree] = Tree()  # None while a gap makes it unknown
        self.previous: Optional[str] = "00000000"  # the last seal's checksum; None: not known
        self.time = ""  # the last commit's
        self.damage: List[Damage] = []
        self.valid = True  # nothing invalid was met
        self.valid_count = 0  # n(X)
        self.mark = 0  # W, as far as it was read
        self.marked = Tree()  # the tree of the first W events that are valid
        self.unmarked = bytearray()  # the leaves after those: what one sync makes durable
        self.segment: Optional[Segment] = None  # the one being read, or read last

    # §6.1

    def read_head(self) -> bool:
        """Reads the slots of `head` (§5), and says whether one is valid."""
        try:
            with open(os.path.join(self.directory, "head"), "rb") as file:
                content = file.read(2 * SLOT)
        except FileNotFoundError:
            return False
        found = False
        for parity in (0, 1):
            slot = content[parity * SLOT : parity * SLOT + LINE_MOST]
            line = own_line("head", slot, self.identity.ledger_id, "head", parity * SLOT)
            if line is not None and line.number("generation") % 2 == parity:
                found = True
                self._note_mark(line.number("size"))
        return found

    def _note_mark(self, mark: int) -> None:
        """Raises W (§6.1)."""
        if mark > self.mark:
            self.mark = mark
            self._follow_mark()

    def _follow_mark(self) -> None:
        """Moves the leaves up to W into the marked tree, so that its root is known at the end."""
        taken = 0
        while self.marked.size < self.mark and taken < len(self.unmarked):
            self.marked.append(bytes(self.unmarked[taken : taken + 32]))
            taken += 32
        del self.unmarked[:taken]

    # §7

    def read_log(self) -> None:
        """Reads the segments in the order of their names."""
        try:
            names = os.listdir(os.path.join(self.directory, "log"))
        except FileNotFoundError:
            names = []
        firsts = sorted(int(n[:16]) for n in names if re.fullmatch(r"[0-9]{16}\.log", n))
        for first, successor in zip(firsts, firsts[1:] + [None]):
            if first < self.count:
                self._report("surplus", first, 0, f"{self.count} events come before it", ends=False)
                continue
            if first > self.count:
                self._report("missing", self.count, 0, f"the next segment is {first:016d}",
                             last=first - 1)
                self._jump(first)
                self.previous = None
            path = os.path.join(self.directory, "log", f"{first:016d}.log")
            with open(path, "rb", buffering=0) as file:
                window = Window(file, os.fstat(file.fileno()).st_size)
                self.segment = Segment(first, successor, window)
                self._read_segment()

    def _report(self, what: str, segment: int, offset: int, why: str, last: Optional[int] = -1,
                first: Optional[int] = None, ends: bool = True) -> None:
        """Notes a damage, before which the valid log `ends`."""
        first = self.count if first is None else first
        self.damage.append(Damage(what, segment, offset, first, last, not self.valid, why))
        self.valid = self.valid and not ends

    def _jump(self, count: int) -> None:
        """Goes on behind a gap, which makes the tree unknown."""
        if count > self.count:
            self.count, self.tree = count, None

    def _read_segment(self) -> None:
        """Reads a segment (§3) from its header to its end."""
        at = self._read_header()
        while at is not None:
            start = self.segment.window.read(at, 8)
            if start == b"#commit ":
                at = self._read_commit(at)
            elif start.startswith(b"#seal "):
                at = self._read_seal(at, self._line("seal", at))
            else:
                self._stop(at)
                at = self._look_for_commits(at, "commit", "neither a commit nor a seal stands here")

    def _stop(self, at: int) -> None:
        """The valid log ends here (X), unless it ended before."""
        segment = self.segment
        if segment.stop is None:
            segment.stop = at
            segment.window.watch(at)
            segment.stop_line = self._line("commit", at)

    def _line(self, kind: str, at: int) -> Optional[Line]:
        """The line there, where it is valid by itself; what a commit line shows counts for §6."""
        segment = self.segment
        data = segment.window.read(at, LINE_MOST if kind == "segment" else COMMIT_LINE)
        line = own_line(kind, data, self.identity.ledger_id, segment.path, at)
        if line is not None and kind == "commit":
            self._note_mark(line.number("durable"))
            if segment.stop is not None and at > segment.stop:
                segment.least_durable = min(segment.least_durable, line.number("durable"))
        return line

    def _lines_from(self, at: int) -> Iterator[Line]:
        """The commit and seal lines valid by themselves that stand after a newline."""
        window = self.segment.window
        while True:
            at = window.find(b"\n#", at) + 1
            if at == 0:
                return
            word = window.read(at, 8)
            kind = "commit" if word == b"#commit " else "seal" if word[:6] == b"#seal " else None
            line = self._line(kind, at) if kind is not None else None
            if line is not None:
                yield line

    def _read_header(self) -> Optional[int]:
        """Checks the header (§3.1) and returns where reading goes on."""
        line = self._line("segment", 0)
        fault = "its grammar or its checksum doesn't hold"
        if line is not None:
            self._note_mark(line.number("first"))
            fault = self._header_fault(line)
        if fault is not None:
            self._stop(0)
            return self._look_for_commits(0, "header", fault)
        if self.tree is None:
            self.tree = Tree(self.segment.first, self._frontier(line))
        return HEADER_LEAST + len(line.fields["frontier"])

    @staticmethod
    def _frontier(line: Line) -> Tuple[bytes, ...]:
        """The hashes of a header's frontier."""
        hashes = bytes.fromhex(line.fields["frontier"])
        return tuple(hashes[i : i + 32] for i in range(0, len(hashes), 32))

    def _header_fault(self, line: Line) -> Optional[str]:
        """What is wrong with a header (§3.1) that is valid by itself, or None."""
        if line.fields["ledger"] != self.identity.ledger_id:
            return "it names another ledger"
        if line.number("first") != self.segment.first:
            return "its first event isn't the one that the file is named by"
        frontier = self._frontier(line)
        if len(frontier) != bin(self.segment.first).count("1"):
            return "its frontier hasn't a hash for each one-bit of first"
        if self.previous not in (None, line.fields["previous"]):
            return "previous isn't the checksum of the seal before"
        if self.tree is not None and tuple(self.tree.frontier) != frontier:
            return "its frontier isn't that of the events before"
        return None

    def _look_for_commits(self, at: int, what: str, why: str) -> Optional[int]:
        """Reports what is damaged at `at`, and returns where the next commit is (§7)."""
        segment, seal = self.segment, None
        for line in self._lines_from(at):
            if line.kind == "seal":
                seal = seal or line
            elif line.number("first") >= self.count:
                self._report(what, segment.first, at, why, last=line.number("first") - 1)
                self._jump(line.number("first"))
                return line.offset
        if what == "commit" and segment.window.solid_end <= at:  # only fill
            if segment.successor is not None:
                self._report("seal", segment.first, at, "it ends without a seal")
        elif segment.successor is not None:
            self._report(what, segment.first, at, why, last=segment.successor - 1)
            self._jump(segment.successor)
        else:
            self._report(what, segment.first, at, why, last=None)
            self.tree = None
        self.previous = None
        return None if seal is None else self._read_seal(seal.offset, seal)

    def _read_commit(self, at: int) -> Optional[int]:
        """Checks a commit (§3.2) and its events, and returns where reading goes on."""
        segment, window = self.segment, self.segment.window
        line = self._line("commit", at)
        fault = self._commit_fault(line)
        if fault is not None:
            self._stop(at)
            return self._look_for_commits(at, "commit", fault)
        count, length = line.number("count"), line.number("bytes")
        lines = window.read(at + COMMIT_LINE, length).split(b"\n")[:-1]
        leaves = [hashlib.sha256(b"\0" + text).digest() for text in lines]
        if self.tree is not None:
            for leaf in leaves:
                self.tree.append(leaf)
            if self.tree.root().hex() != line.fields["root"]:
                self._stop(at)
                self._report("root", segment.first, at, "its root isn't the tree's",
                             last=self.count + count - 1)
                self.tree = None
        if self.valid and segment.stop is None:
            self.valid_count = self.count + count
            self.unmarked += b"".join(leaves)
            self._follow_mark()
        self._check_events(line, lines)
        self.count += count
        window.release(at + COMMIT_LINE + length)
        return at + COMMIT_LINE + length

    def _commit_fault(self, line: Optional[Line]) -> Optional[str]:
        """Which of the rules 1 to 3 of §3.2 a commit breaks, or None."""
        if line is None:
            return "its line's grammar or checksum doesn't hold"
        count, length = line.number("count"), line.number("bytes")
        if line.number("first") != self.count:
            return f"its first event isn't {self.count}"
        if not 1 <= count <= COUNT_MOST or length > BYTES_MOST:
            return "count or bytes is out of bounds"
        if line.number("durable") > self.count:
            return "it calls more events durable than there were"
        window, start = self.segment.window, line.offset + COMMIT_LINE
        # A body that holds another commit line is refused before its checksum is computed, so that
        # a file of lines that each claim 8 MiB costs no more than any other.
        if window.find(b"\n#", start - 1, start + length) >= 0:
            return "a line of the log's own stands in its body"
        body = window.read(start, length)
        if len(body) < length or crc32c(body) != int(line.fields["body"], 16):
            return "its body is cut off, or isn't what the checksum says"
        lines = body.split(b"\n")
        if lines.pop() != b"" or len(lines) != count:
            return f"its body isn't {count} lines"
        if not all(text.startswith(b"{") and len(text) <= EVENT_MOST for text in lines):
            return "a line of its body isn't that of an event, or is too long"
        return None

    def _check_events(self, line: Line, lines: List[bytes]) -> None:
        """Checks that the lines of a commit are well formed (§4.2)."""
        at, time = line.offset + COMMIT_LINE, line.fields["time"]
        for index, text in enumerate(lines):
            position = self.count + index
            fault = event_fault(text, position, self.identity, time, index == 0)
            if fault is None and time < self.time:
                fault = "its commit's time is before the last commit's"
            if fault is not None:
                self._report("event", self.segment.first, at, fault, last=position,
                             first=position, ends=False)
            at += len(text) + 1
        self.time = time

    def _read_seal(self, at: int, line: Optional[Line]) -> None:
        """Checks a seal (§3.3) and what follows it, and ends the segment."""
        segment, window = self.segment, self.segment.window
        fault = self._seal_fault(line)
        if fault is None:
            at += SEAL_LINE
        if fault is not None or segment.successor is None:
            self._stop(at)
        for _ in self._lines_from(at):  # Commit lines count for §6 wherever they stand.
            pass
        end = window.solid_end if segment.successor is None else window.size
        if fault is None and end > at:
            fault = "something follows the seal"
        if fault is not None:
            self._report("seal", segment.first, at, fault)
        self.previous = line.fields["crc"] if fault is None else None

    def _seal_fault(self, line: Optional[Line]) -> Optional[str]:
        """What is wrong with a seal (§3.3), or None; behind a gap not everything can be checked."""
        if line is None:
            return "its grammar or its checksum doesn't hold"
        known = self.tree is not None or self.segment.successor is not None
        if known and line.number("count") != self.count - self.segment.first:
            return f"its count isn't {self.count - self.segment.first}"
        if line.number("bytes") != line.offset:
            return "its bytes isn't its own offset"
        if self.tree is not None and line.fields["root"] != self.tree.root().hex():
            return "its root isn't the tree's"
        return None

    # §6.3 and the report of §7

    def real_damage(self) -> List[Damage]:
        """What is damaged, without what is but the log's tail."""
        last = self.segment
        return [d for d in self.damage
                if last is None or d.segment != last.first or last.successor is not None
                or d.what in ("missing", "surplus") or d.first < self.mark
                or d.what == "event" and not d.beyond]

    def state(self, damage: List[Damage], head: bool) -> str:
        """The first state of §6.3 that applies."""
        last = self.segment
        broken = any(d.what not in ("event", "surplus") for d in damage)
        dirty = last is not None and last.stop is not None and last.window.solid_end > last.stop
        if broken or self.valid_count < self.mark and dirty:
            return "corrupt"
        if self.valid_count < self.mark or last is None:
            return "lost-tail"
        if not head:
            return "head-lost"
        if dirty:
            return "torn" if last.is_torn(self.valid_count) else "suspect"
        return "clean"


def main(arguments: List[str]) -> int:
    """Verifies the ledger that the arguments name, and returns the exit status (§7)."""
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(HELP)
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(HELP)
        return 64
    try:
        identity = read_identity(arguments[0])
        verifier = Verifier(arguments[0], identity)
        head = verifier.read_head()
        verifier.read_log()
    except Unusable as error:
        sys.stderr.write(f"verify-ledger: {error}\n")
        return error.status
    except OSError as error:
        sys.stderr.write(f"verify-ledger: {error}\n")
        return 74
    return print_report(verifier, head)


def print_report(verifier: Verifier, head: bool) -> int:
    """Prints the report (§7), and returns the exit status."""
    entries, damage = [], verifier.real_damage()
    for d in damage:
        last = verifier.mark - 1 if d.last is None else d.last
        entry = {"first": str(d.first), "last": str(last)} if d.first <= last else {}
        entry.update(offset=d.offset, segment=f"{d.segment:016d}", what=d.what)
        entries.append(entry)
        ids = f"events {d.first} to {last}" if d.first <= last else "no events"
        sys.stderr.write(f"{d.what}: log/{d.segment:016d}.log, byte {d.offset}: {d.why}; {ids}\n")
    state = verifier.state(damage, head)
    report = {
        "damage": entries,
        "durable": str(verifier.mark),
        "ledger_id": verifier.identity.ledger_id,
        "not_durable": str(max(verifier.valid_count - verifier.mark, 0)),
        "origin": verifier.identity.origin,
        "root": base64.b64encode(verifier.marked.root()).decode("ascii"),
        "size": str(min(verifier.valid_count, verifier.mark)),
        "state": state,
        "v": 1,
    }
    if state != "clean":
        sys.stderr.write(f"{state}: {verifier.valid_count} events are valid from the first on, "
                         f"{verifier.mark} were durable\n")
    sys.stdout.write(ENCODER.encode(report) + "\n")
    if state in ("corrupt", "lost-tail") or damage:
        return 4
    return 5 if state in ("head-lost", "suspect") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
