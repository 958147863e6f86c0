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
from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple

from _evidence import Chain, Evidence, Key, read_checkpoint, read_key, read_note
from _proofs import growth_fault, proof_fault, read_proof
from _streams import Rules, wrong_indexes

HELP = """\
usage: verify-ledger.py [--vkey KEY] [--pinned NOTE]... [--authorities FILE] [--with ARCHIVE]...
                        LEDGER_DIRECTORY
       verify-ledger.py --proof FILE --event FILE --vkey KEY
       verify-ledger.py --growth FILE

Reads every byte of a ledger's log and prints one line of canonical JSON: what is durable, the root
of the events, and every damage that was found. Explanations go to standard error. Nothing is
written, locked or repaired. Of events that are archived only the root is known, unless --with names
the archive.

--proof checks a proof that an event is in a ledger, --growth one that a ledger's older root grew
into its newer one; neither needs the ledger. Each answers in one line; 4 means: it proves nothing.

exit status
   0  clean or torn, no damage         64  wrong usage
   4  corrupt or lost-tail, or damage  65  LEDGER can't be read, or another format
   5  head-lost or suspect             66  no ledger there
                                       74  a file couldn't be read
"""

TYPES = frozenset("""
    acknowledgement.recorded.v1 delivery.recorded.v1 delivery.settled.v1 delivery.unknown.v1
    delivery.unmatched.v1
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
SLOT, SECTOR = 4_096, 512  # §5, §9
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
        created = repeated.pop("created")
        if event["type"] != "ledger.created.v1" or time != created or any(
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
    "head": r"#head generation=(?P<generation>\d{16}) size=(?P<size>\d{16})"
            r" segment=(?P<segment>\d{16}) offset=(?P<offset>\d{12}) commit=(?P<commit>\d{12})"
            r" root=(?P<root>[0-9a-f]{64})" + _CRC,
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

    created: str
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
    return Identity(fields["created"], fields["ledger_id"], fields["origin"], fields["vkey"])


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
    """A file of which only what is looked at is held."""

    def __init__(self, file) -> None:
        self.file, self.size = file, os.fstat(file.fileno()).st_size
        self.base, self.buffer = 0, b""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes there, fewer where the file ends."""
        start = offset - self.base
        if start < 0 or start + length > len(self.buffer):
            self.buffer = self._pread(offset, max(length, READ_AHEAD))
            self.base, start = offset, 0
        return self.buffer[start : start + length]

    def _pread(self, offset: int, length: int) -> bytes:
        pieces, length = [], min(length, self.size - offset)
        while length > 0:
            piece = os.pread(self.file.fileno(), length, offset)
            if not piece:
                break
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def search(self, pattern: "re.Pattern", offset: int, end: int) -> int:
        """Where a pattern of one or two bytes is first found in `offset` to `end`, or -1."""
        while offset < end:
            self.read(offset, min(2, end - offset))
            start, stop = offset - self.base, min(end - self.base, len(self.buffer))
            match = pattern.search(self.buffer, start, stop)
            if match:
                return self.base + match.start()
            if stop - start < 2 or self.base + stop == end:
                break
            offset = self.base + stop - 1
        return -1

    def pieces(self, offset: int) -> Iterator[Tuple[int, bytes]]:
        """The bytes from `offset` on, cut at the ends of sectors."""
        while offset < self.size:
            piece = self.read(offset, READ_AHEAD - offset % SECTOR)
            if not piece:
                break
            yield offset, piece
            offset += len(piece)


SHARP, NOT_NEWLINE = re.compile(b"#"), re.compile(b"[^\n]")
UNLIKE_EVENTS = re.compile(b"[^}]\n|\n[^{]")


class Damage(NamedTuple):
    """A damage of §7: of the ids `first` to `last`, or of none where `last` is less."""

    what: str
    segment: int
    offset: int
    first: int
    last: int
    why: str


class Segment(NamedTuple):
    """A segment while it is read."""

    first: int
    successor: Optional[int]  # the next one's name; None: this is the last
    window: Window

    @property
    def path(self) -> str:
        return f"log/{self.first:016d}.log"


TELLING = (b'"type":"ledger.key-changed.v1"}', b'"type":"ledger.time-stamped.v1"}')
ARCHIVED = b'"type":"ledger.archived.v1"}'


class Claim(NamedTuple):
    """What an event says of an archive, as §7 asks."""

    ends: FrozenSet[int]  # the ids after its segments
    end: int
    root: str
    snapshot: str


def read_claim(text: bytes) -> Optional[Claim]:
    """What a well-formed event says of an archive, or None."""
    if not text.endswith(ARCHIVED):
        return None
    event = canonical_object(text)
    data = event["data"]
    forms = {"archive_id": r"[A-Za-z0-9_-]{1,128}", "first": POSITION, "last": POSITION,
             "root": r"[A-Za-z0-9+/]{43}=", "snapshot": r"[0-9a-f]{64}"}
    if event["subject"] != "ledger" or set(data) != {*forms, "before", "segments"} \
            or not is_instant(data["before"]) or not _has_forms(data, forms):
        return None
    root, segments = base64.b64decode(data["root"]), data["segments"]
    if base64.b64encode(root).decode() != data["root"] or int(data["first"]) > int(data["last"]) \
            or not isinstance(segments, list) or not 1 <= len(segments) <= 256 \
            or not all(map(_is_archived_segment, segments)):
        return None
    names = [int(part["segment"]) for part in segments]
    if any(before >= after for before, after in zip(names, names[1:])):
        return None
    ends = frozenset(int(part["segment"]) + part["events"] for part in segments)
    return Claim(ends, int(data["last"]) + 1, root.hex(), data["snapshot"])


POSITION = r"0|[1-9][0-9]{0,15}"


def _has_forms(data: Dict[str, object], forms: Dict[str, str]) -> bool:
    """Whether each of these members is a text of its form, and no position beyond 2^53 - 1."""
    return all(_is_text(data[key]) and re.fullmatch(form, data[key], re.ASCII)
               and (form != POSITION or int(data[key]) <= INTEGER_MOST)
               for key, form in forms.items())


def _is_archived_segment(part: object) -> bool:
    """EVENTS.md, archived segment."""
    return (isinstance(part, dict) and set(part) == {"bytes", "events", "segment", "sha256"}
            and all(isinstance(part[key], int) and not isinstance(part[key], bool)
                    and part[key] >= 0 for key in ("bytes", "events"))
            and _has_forms(part, {"segment": POSITION, "sha256": r"[0-9a-f]{64}"}))


SNAPSHOT_LINES = {kind: re.compile(form, re.ASCII) for kind, form in {
    "header": r"#snapshot format=1 ledger=(?P<ledger>[0-9a-f]{32}) size=(?P<size>\d{16})"
              r" root=(?P<root>[0-9a-f]{64})\n",
    "checkpoint": r"#checkpoint size=(?P<size>\d{16}) root=(?P<root>[0-9a-f]{64})\n",
    "event": r"#event id=(?P<id>\d{16})\n",
}.items()}


class Snapshot:
    """What a snapshot keeps of archived events (§28)."""

    def __init__(self, file, ledger: str) -> None:
        """Reads up to what the views hold; raises ValueError where it isn't a snapshot."""
        self.file = file
        self.roots: Dict[int, bytes] = {}
        self.events: List[Tuple[int, bytes]] = []
        header = self._match("header", self._line())
        if header is None or header["ledger"] != ledger or int(header["size"]) > INTEGER_MOST:
            raise ValueError("its first line isn't that of this ledger's snapshot")
        self.size, self.root = int(header["size"]), header["root"]
        self._read()

    @staticmethod
    def _match(kind: str, line: bytes) -> Optional["re.Match"]:
        return SNAPSHOT_LINES[kind].fullmatch(line.decode("latin-1"))

    def _line(self) -> bytes:
        line = self.file.readline(EVENT_MOST + 2)
        if not line.endswith(b"\n") or len(line) > EVENT_MOST + 1:
            raise ValueError("a line is too long or has no end")
        return line

    def _read(self) -> None:
        while True:
            line = self._line()
            if line == b"#views\n":
                return
            checkpoint = self._match("checkpoint", line)
            if checkpoint is not None:
                size = int(checkpoint["size"])
                if self.events or not max(self.roots, default=0) < size <= self.size:
                    raise ValueError("its checkpoints don't ascend")
                self.roots[size] = bytes.fromhex(checkpoint["root"])
                continue
            event = self._match("event", line)
            last = self.events[-1][0] if self.events else -1
            if event is None or not last < int(event["id"]) < self.size:
                raise ValueError("its events don't ascend")
            text = self._line()[:-1]
            if not (text.startswith(b"{") and text.endswith(b"}") and len(text) > 1):
                raise ValueError("a line isn't an event's")
            self.events.append((int(event["id"]), text))


class Verifier:
    """Reads a ledger as §7 says."""

    def __init__(self, directory: str, identity: Identity, archives: Tuple[str, ...] = ()) -> None:
        self.directory, self.identity = directory, identity
        self.archives = archives
        self.beginning: Optional[int] = None  # the first segment's name, where it isn't 0
        self.header_roots: Dict[int, str] = {}  # what headers fold to, where it isn't
        self.claims: List[Claim] = []
        self.proven: Optional[Claim] = None  # what says that the events before are archived
        self.count = 0  # n
        self.tree: Optional[Tree] = Tree()  # None: not known
        self.previous: Optional[str] = "00000000"  # the last seal's checksum; None: not known
        self.time = ""  # the last commit's
        self.damage: List[Damage] = []
        self.slots: List[Line] = []
        self.unmet: List[Line] = []  # slots of which the valid log hasn't reached the size
        self.odd: List[Line] = []  # slots that don't agree with the log
        self.mark = 1  # W
        self.marked = Tree()  # the first W events, as far as the valid log reaches
        self.valid_count: Optional[int] = None  # n(X), once something wasn't valid
        self.tail: Optional[str] = None  # the state that the tail makes
        self.end: Optional[Tuple[int, int]] = None  # where the newlines begin that end the log
        self.short = self.broken = False  # the log ends before W; there is worse damage than that
        self.segment: Optional[Segment] = None
        self.segments: List[Tuple[int, str]] = []  # names and files
        self.looked_to = 0  # up to where the segment was looked through for lines
        # §18: the roots of these sizes, and the events that evidence is judged by
        self.wanted: FrozenSet[int] = frozenset()
        self.roots: Dict[int, bytes] = {}
        self.telling: List[Tuple[int, Dict[str, object]]] = []

    # §5

    def read_head(self) -> None:
        """Reads the slots of `head`."""
        try:
            with open(os.path.join(self.directory, "head"), "rb") as file:
                content = file.read(2 * SLOT)
        except FileNotFoundError:
            content = b""
        for parity in (0, 1):
            slot = content[parity * SLOT : parity * SLOT + LINE_MOST]
            line = own_line("head", slot, self.identity.ledger_id, "head", parity * SLOT)
            if line is not None and line.number("generation") % 2 == parity:
                self.slots.append(line)
                self.mark = max(self.mark, line.number("size"))
        if not self.slots:
            self.mark = max(self.mark, self._checkpoint_size())
        self.unmet = list(self.slots)
        self._compare_slots(0, hashlib.sha256(b"").hexdigest(), None)

    def _checkpoint_size(self) -> int:
        """§6.1: what the newest checkpoint says of the log, where no slot does."""
        try:
            with open(os.path.join(self.directory, "checkpoint"), "rb") as file:
                note = read_note(file.read())
        except FileNotFoundError:
            return 0
        point = read_checkpoint(note) if note else None
        known = point is not None and point.origin == self.identity.origin
        return point.size if point and known and point.size < 2**53 else 0

    def _compare_slots(self, count: int, root: str, commit: Optional[Line]) -> None:
        """Compares the slots with a log of `count` events, of which `commit` holds the last."""
        for slot in [slot for slot in self.unmet if slot.number("size") <= count]:
            self.unmet.remove(slot)
            segment, offset, begin = map(slot.number, ("segment", "offset", "commit"))
            header = HEADER_LEAST + 64 * bin(count).count("1")
            agrees = segment == count and offset == begin == header
            if commit is not None and self.segment is not None:
                end = commit.offset + COMMIT_LINE + commit.number("bytes")
                agrees = agrees or (segment == self.segment.first and begin == commit.offset
                                    and offset in (end, end + SEAL_LINE))
            if slot.number("size") != count or slot.fields["root"] != root or not agrees:
                self.odd.append(slot)

    # §7

    def read_log(self) -> None:
        """Reads the segments in the order of their names."""
        names = set()
        for directory in (self.directory, *self.archives):
            try:
                names.update(os.listdir(os.path.join(directory, "log")))
            except FileNotFoundError:
                pass
        firsts = sorted(int(n[:16]) for n in names if re.fullmatch(r"[0-9]{16}\.log", n))
        firsts = [first for first in firsts if first <= INTEGER_MOST]
        self.segments = [(first, self._path("log", f"{first:016d}.log")) for first in firsts]
        if firsts:
            with self._opened(firsts[-1], None) as file:
                self._look_for_mark(Segment(firsts[-1], None, Window(file)))
        for first, successor in zip(firsts, firsts[1:] + [None]):
            if first < self.count:
                self._report("surplus", first, 0, f"{self.count} events come before it")
                continue
            if first > self.count and first == firsts[0]:
                self.beginning = first
                self._pass(first)
                self.previous = None
            elif first > self.count:
                self._report("missing", self.count, 0, f"the next segment is {first:016d}",
                             first - 1)
                self._pass(first)
                self.previous = None
            with self._opened(first, successor) as file:
                self.segment, self.looked_to = Segment(first, successor, Window(file)), 0
                self._read_segment()
        self._end_log()

    def _opened(self, first: int, successor: Optional[int]):
        return open(self._path("log", f"{first:016d}.log"), "rb", buffering=0)

    def _path(self, folder: str, name: str) -> str:
        """Where a file lies, in the ledger or else in one of its archives."""
        paths = [os.path.join(d, folder, name) for d in (self.directory, *self.archives)]
        return next((path for path in paths if os.path.exists(path)), paths[0])

    def _look_for_mark(self, segment: Segment) -> None:
        """Looks through the last segment for what shows how much was durable (§6.1)."""
        self.segment = segment
        line = self._line("segment", 0)
        if line is not None and self._header_form(line) is None:
            self.mark = max(self.mark, segment.first)
        for line in self._lines_from(0):
            if line.kind == "commit":
                self.mark = max(self.mark, line.number("durable"))

    def _end_log(self) -> None:
        """What is to be said once all segments are read."""
        if self.beginning is not None:
            self._judge_beginning(self.beginning)
        self.short = self.count < self.mark
        self.broken = self.valid_count is not None or bool(self.odd)
        if self.short:
            segment, offset = self.end or (self.count, 0)
            self._report("missing", segment, offset, "the log ends here", self.mark - 1)
        for slot in sorted(self.odd, key=lambda slot: slot.offset):
            self._report("head", slot.number("segment"), slot.offset, "the log isn't as it says")
        if self.proven is not None:
            self._check_snapshot(self.proven)

    def _begin(self, tree: Tree, hashes: int) -> None:
        """Takes what the first segment's header says of the events before it."""
        self.marked, first = tree, tree.size
        if first in self.wanted:
            self.roots[first] = tree.root()
        for slot in [slot for slot in self.unmet if slot.number("size") <= first]:
            self.unmet.remove(slot)
            segment, offset, begin = map(slot.number, ("segment", "offset", "commit"))
            at_header = segment != first or offset == begin == HEADER_LEAST + hashes
            agrees = slot.fields["root"] == tree.root().hex() and at_header
            if slot.number("size") == first and not agrees:
                self.odd.append(slot)

    def _judge_beginning(self, first: int) -> None:
        """Whether the events before the first segment are archived, or missing."""
        known = [claim for claim in self.claims
                 if first in claim.ends and self.header_roots.get(claim.end) == claim.root]
        if known and first in self.header_roots:
            self.proven = known[-1]
            return
        self.damage.insert(0, Damage("missing", 0, 0, 0, first - 1, "the log begins behind them"))
        self.valid_count, self.marked = 0, Tree()
        self.roots, self.telling = {}, []
        self.unmet, self.odd = list(self.slots), []
        self._compare_slots(0, hashlib.sha256(b"").hexdigest(), None)

    def _check_snapshot(self, claim: Claim) -> None:
        """Checks the snapshot that an event names (§7), and takes what §18 asks for from it."""
        try:
            with open(self._path("snapshot", claim.snapshot), "rb") as file:
                digest = hashlib.sha256()
                for piece in iter(lambda: file.read(1 << 20), b""):
                    digest.update(piece)
                if digest.hexdigest() != claim.snapshot:
                    raise ValueError("its bytes aren't those that its name says")
                file.seek(0)
                snapshot = Snapshot(file, self.identity.ledger_id)
            if self.header_roots.get(snapshot.size) != snapshot.root:
                raise ValueError("its root isn't the log's")
        except FileNotFoundError:
            self._report("snapshot", self.beginning, 0, f"{claim.snapshot} isn't there")
            return
        except ValueError as error:
            self._report("snapshot", self.beginning, 0, str(error))
            return
        self.roots.update((s, r) for s, r in snapshot.roots.items() if s < self.beginning)
        told = []
        for event, text in snapshot.events:
            if event < self.beginning and text.endswith(TELLING):
                try:
                    told.append((event, canonical_object(text)))
                except ValueError:
                    pass
        self.telling = told + self.telling

    def _report(self, what: str, segment: int, offset: int, why: str, last: int = -1,
                first: Optional[int] = None) -> None:
        """Notes a damage, before which the valid log ends, but for three words."""
        self.damage.append(
            Damage(what, segment, offset, self.count if first is None else first, last, why))
        if what not in ("event", "surplus", "head", "snapshot") and self.valid_count is None:
            self.valid_count = self.count

    def _pass(self, count: int) -> None:
        """Goes on behind ids that are lost, if there are any, which makes the tree unknown."""
        if count > self.count:
            self.count, self.tree = count, None

    def _read_segment(self) -> None:
        """Reads a segment (§3) from its header to its end."""
        segment = self.segment
        at = self._read_header()
        while at is not None:
            commit, seal = self._line("commit", at), self._line("seal", at)
            if commit is not None:
                fault = self._commit_fault(commit)
                at = self._look_on(at, "commit", fault) if fault else self._read_commit(commit)
            elif seal is not None and self._seal_fault(seal) is None:
                at = self._read_after_seal(at + SEAL_LINE, seal)
            elif segment.successor is None and self._only_newlines(at):
                self.end, at = (segment.first, at), None
            else:
                why = "neither a commit nor a seal stands here"
                at = self._look_on(at, "commit", self._seal_fault(seal) if seal else why)

    def _only_newlines(self, at: int) -> bool:
        return self.segment.window.search(NOT_NEWLINE, at, self.segment.window.size) < 0

    def _line(self, kind: str, at: int) -> Optional[Line]:
        """The line there, where it is valid by itself."""
        data = self.segment.window.read(at, LINE_MOST if kind == "segment" else COMMIT_LINE)
        return own_line(kind, data, self.identity.ledger_id, self.segment.path, at)

    def _lines_from(self, at: int) -> Iterator[Line]:
        """The commit lines and seals that are valid by themselves, wherever they stand (§6.1)."""
        window = self.segment.window
        while True:
            at = window.search(SHARP, at, window.size)
            if at < 0:
                return
            line = self._line("commit", at) or self._line("seal", at)
            at += 1
            if line is not None:
                yield line

    def _read_header(self) -> Optional[int]:
        """Checks the header (§3.1) and returns where reading goes on."""
        line = self._line("segment", 0)
        fault = self._header_form(line)
        if fault is not None:
            return self._look_on(0, "header", fault)
        frontier = self._frontier(line)
        if self.previous not in (None, line.fields["previous"]):
            fault = "previous isn't the checksum of the seal before"
        if self.tree is not None and tuple(self.tree.frontier) != frontier:
            fault = "its frontier isn't that of the events before"
        if fault is not None:
            self._report("header", self.segment.first, 0, fault)
        self.tree = Tree(self.segment.first, frontier)
        if self.beginning is not None:
            self.header_roots[self.segment.first] = self.tree.root().hex()
            if self.segment.first == self.beginning:
                self._begin(Tree(self.segment.first, frontier), len(line.fields["frontier"]))
        return HEADER_LEAST + len(line.fields["frontier"])

    @staticmethod
    def _frontier(line: Line) -> Tuple[bytes, ...]:
        """The hashes of a header's frontier."""
        hashes = bytes.fromhex(line.fields["frontier"])
        return tuple(hashes[i : i + 32] for i in range(0, len(hashes), 32))

    def _header_form(self, line: Optional[Line]) -> Optional[str]:
        """Why a header isn't valid by itself, or None."""
        if line is None:
            return "its grammar or its checksum doesn't hold"
        if line.fields["ledger"] != self.identity.ledger_id:
            return "it names another ledger"
        if line.number("first") != self.segment.first:
            return "its first event isn't the one that the file is named by"
        if len(line.fields["frontier"]) != 64 * bin(self.segment.first).count("1"):
            return "its frontier hasn't a hash for each one-bit of first"
        return None

    def _look_on(self, at: int, what: str, why: str) -> Optional[int]:
        """Reports what isn't valid at `at`, unless it is the tail, and returns where to go on."""
        segment = self.segment
        if what != "header" and self._is_tail(at):
            return None
        for line in self._lines_from(max(at + 1, self.looked_to)):
            self.looked_to = line.offset + 1
            first = (line.number("first") if line.kind == "commit"
                     else segment.first + line.number("count"))
            if first >= self.count:
                self._report(what, segment.first, at, why, first - 1)
                self._pass(first)
                return line.offset
        self.looked_to = segment.window.size
        end = max(self.count, self.mark if segment.successor is None else segment.successor)
        what = "seal" if what == "commit" and end == self.count else what
        self._report(what, segment.first, at, why, end - 1)
        self._pass(end)
        self.previous = None
        return None

    def _read_commit(self, line: Line) -> Optional[int]:
        """Takes a commit that satisfies rules 1 to 3 of §3.2; returns where reading goes on."""
        segment, at, count = self.segment, line.offset, line.number("count")
        length = line.number("bytes")
        lines = segment.window.read(at + COMMIT_LINE, length).split(b"\n")[:-1]
        leaves = [hashlib.sha256(b"\0" + text).digest() for text in lines]
        tree = None
        if self.tree is not None:
            tree = Tree(self.tree.size, tuple(self.tree.frontier))
            for leaf in leaves:
                tree.append(leaf)
            if tree.root().hex() != line.fields["root"]:
                if self._is_tail(at):
                    return None
                self._report("root", segment.first, at, "its root isn't the tree's",
                             self.count + count - 1)
                tree = None
        if self.valid_count is None:
            for text, leaf in zip(lines[: max(self.mark - self.count, 0)], leaves):
                self.marked.append(leaf)
                self._note_evidence(text)
            self._compare_slots(self.count + count, line.fields["root"], line)
        self._check_events(line, lines)
        self.count, self.tree = self.count + count, tree
        return at + COMMIT_LINE + length

    def _note_evidence(self, text: bytes) -> None:
        """Keeps what §18 asks for, of the event that `marked` has just taken in."""
        size = self.marked.size
        if size in self.wanted or text.endswith(TELLING):
            self.roots[size] = self.marked.root()
        if text.endswith(TELLING):
            try:
                self.telling.append((size - 1, canonical_object(text)))
            except ValueError:
                pass

    def _commit_fault(self, line: Line) -> Optional[str]:
        """Which of the rules 2 and 3 of §3.2 a commit breaks, or None."""
        count, length = line.number("count"), line.number("bytes")
        if line.number("first") != self.count:
            return f"its first event isn't {self.count}"
        if not 1 <= count <= COUNT_MOST or length > BYTES_MOST:
            return "count or bytes is out of bounds"
        if line.number("durable") > self.count:
            return "it calls more events durable than there were"
        window, start = self.segment.window, line.offset + COMMIT_LINE
        # Behind damage, a body that can't be one is refused before it is read in whole, so that a
        # file of lines that each claim 8 MiB costs no more than any other.
        if self.valid_count is not None and (
                window.read(start, 1) != b"{"
                or window.search(UNLIKE_EVENTS, start, start + length) >= 0):
            return "a line of its body isn't that of an event"
        body = window.read(start, length)
        if len(body) < length or crc32c(body) != int(line.fields["body"], 16):
            return "its body is cut off, or isn't what the checksum says"
        lines = body.split(b"\n")
        if lines.pop() != b"" or len(lines) != count:
            return f"its body isn't {count} lines"
        if not all(text.startswith(b"{") and text.endswith(b"}") and 2 <= len(text) <= EVENT_MOST
                   for text in lines):
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
                self._report("event", self.segment.first, at, fault, position, position)
            elif self.beginning is not None:
                claim = read_claim(text)
                self.claims += [claim] if claim else []
            at += len(text) + 1
        self.time = time

    def _seal_fault(self, line: Line) -> Optional[str]:
        """What is wrong with a seal (§3.3) that is valid by itself, or None."""
        if line.number("count") != self.count - self.segment.first:
            return f"its count isn't {self.count - self.segment.first}"
        if line.number("bytes") != line.offset:
            return "its bytes isn't its own offset"
        if self.tree is not None and line.fields["root"] != self.tree.root().hex():
            return "its root isn't the tree's"
        return None

    def _read_after_seal(self, at: int, seal: Line) -> None:
        """Checks what follows a valid seal, and ends the segment."""
        segment = self.segment
        self.previous = seal.fields["crc"]
        if segment.successor is None:
            follows = not self._only_newlines(at) and not self._is_tail(at)
        else:
            follows = segment.window.size > at
        if follows:
            self._report("seal", segment.first, at, "something follows the seal")

    # §6.2

    def _is_tail(self, at: int) -> bool:
        """Whether what isn't valid there is the log's tail, which then makes the state."""
        segment = self.segment
        if segment.successor is not None or self.count < self.mark:
            return False
        end, blank_end = at, None
        for offset, piece in segment.window.pieces(at):
            text = piece.rstrip(b"\n\0")
            end = offset + len(text) if text else end
            start = 0
            while blank_end is None and start < len(piece):
                stop = start + SECTOR - (offset + start) % SECTOR
                if stop <= len(piece) and not piece[start:stop].strip(b"\n\0"):
                    blank_end = offset + stop
                start = stop
        cut, line = end <= at + 256, self._line("commit", at)
        if line is not None:
            last = at + 256 + line.number("bytes")
            cut = cut or end < last or end == last and segment.window.read(end, 1) != b"\n"
        torn = cut or blank_end is not None and blank_end <= end
        self.tail = "torn" if torn else "suspect"
        return True

    # §6.3

    def state(self) -> str:
        """The first state that applies."""
        if self.broken:
            return "corrupt"
        if self.short:
            return "lost-tail"
        return "head-lost" if not self.slots else self.tail or "clean"


class Asked(NamedTuple):
    """What the verifier was given: a ledger and what to hold it against (§18), or a proof."""

    directory: Optional[str]
    pinned: List[str]
    archives: Tuple[str, ...] = ()
    vkey: Optional[str] = None
    authorities: Optional[str] = None
    proof: Optional[str] = None
    event: Optional[str] = None
    growth: Optional[str] = None


def read_arguments(arguments: List[str]) -> Optional[Asked]:
    """The arguments' meaning, or None where they have none."""
    single: Dict[str, str] = {}
    pinned, names, archives = [], [], []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--pinned" and rest:
            pinned.append(rest.pop(0))
        elif word == "--with" and rest:
            archives.append(rest.pop(0))
        elif word.startswith("--") and word[2:] in Asked._fields[3:] and rest:
            if word[2:] in single:
                return None
            single[word[2:]] = rest.pop(0)
        elif word.startswith("-"):
            return None
        else:
            names.append(word)
    asked = set(single) | ({"pinned"} if pinned else set()) | ({"with"} if archives else set())
    alone = {"proof": {"proof", "event", "vkey"}, "growth": {"growth"}}
    for kind, all_of_it in alone.items():
        if kind in asked:
            return Asked(None, [], **single) if asked == all_of_it and not names else None
    if len(names) != 1 or "event" in asked:
        return None
    return Asked(names[0], pinned, tuple(archives), **single)


def text_or_file(text: str) -> bytes:
    """What a file of that name holds, or else the text itself."""
    if os.path.exists(text):
        with open(text, "rb") as file:
            return file.read()
    return text.encode()


def given_key(text: str) -> Key:
    """The verifier key of `--vkey`."""
    key = read_key(text_or_file(text).decode("utf-8", "replace").rstrip("\n"))
    if key is None:
        raise Unusable(65, "--vkey isn't a verifier key")
    return key


def check_proof(asked: Asked) -> int:
    """Checks a proof that stands alone (§13), and returns the exit status."""
    if asked.growth is not None:
        try:
            fault = growth_fault(text_or_file(asked.growth))
        except ValueError as error:
            raise Unusable(65, str(error)) from error
    else:
        proof = read_proof(text_or_file(asked.proof))
        if proof is None:
            raise Unusable(65, "--proof isn't a tlog-proof")
        line = text_or_file(asked.event)
        fault = proof_fault(proof, line[:-1] if line.endswith(b"\n") else line,
                            given_key(asked.vkey))
    sys.stdout.write(f"false: {fault}\n" if fault else "proved\n")
    return 4 if fault else 0


def read_trust(asked: Asked, identity: Identity) -> Evidence:
    """The keys and checkpoints that the verifier was given."""
    key, pinned = None, []
    if asked.vkey is not None:
        key = given_key(asked.vkey)
    for text in asked.pinned:
        note = read_note(text_or_file(text))
        if note is None:
            raise Unusable(65, "--pinned isn't a checkpoint")
        pinned.append(note)
    return Evidence(asked.directory, identity.origin, key, pinned)


def main(arguments: List[str]) -> int:
    """Verifies the ledger that the arguments name, and returns the exit status (§7)."""
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(HELP)
        return 0
    asked = read_arguments(arguments)
    if asked is None:
        sys.stderr.write(HELP)
        return 64
    try:
        if asked.directory is None:
            return check_proof(asked)
        identity = read_identity(asked.directory)
        evidence = read_trust(asked, identity)
        for archive in asked.archives:
            if read_identity(archive) != identity:
                raise Unusable(65, f"{archive}: an archive of another ledger")
        verifier = Verifier(asked.directory, identity, asked.archives)
        verifier.wanted = frozenset(evidence.wanted())
        verifier.read_head()
        verifier.read_log()
        members = judge(verifier, evidence, asked.authorities)
        indexes = wrong_indexes(asked.directory, identity.ledger_id, verifier.segments,
                                {d.segment for d in verifier.damage}, Rules(own_line, crc32c))
        if indexes:
            members["indexes"] = indexes
    except Unusable as error:
        sys.stderr.write(f"verify-ledger: {error}\n")
        return error.status
    except OSError as error:
        sys.stderr.write(f"verify-ledger: {error}\n")
        return 74
    return print_report(verifier, members)


def judge(verifier: Verifier, evidence: Evidence, authorities: Optional[str]) -> Dict[str, object]:
    """The members of the report that §18 adds."""
    chain = Chain(verifier.identity.vkey)
    for event, envelope in verifier.telling:
        if envelope["type"] == "ledger.key-changed.v1":
            chain.add(event, envelope["data"])
        else:
            evidence.stamps.append((event, envelope["data"]))
    size = verifier.marked.size
    archived = verifier.beginning or 0 if verifier.proven else 0
    sizes = {int(data["size"]) for _, data in evidence.stamps}
    if any(size >= s >= archived and s not in verifier.roots for s in sizes):
        again = Verifier(verifier.directory, verifier.identity, verifier.archives)
        again.wanted = verifier.wanted | sizes
        again.read_head()
        again.read_log()
        verifier.roots = again.roots
    return evidence.report(chain, size, verifier.roots.get, authorities, archived)


def print_report(verifier: Verifier, members: Dict[str, object]) -> int:
    """Prints the report (§7), and returns the exit status."""
    entries = []
    for d in verifier.damage:
        entry = {"first": str(d.first), "last": str(d.last)} if d.first <= d.last else {}
        entry.update(offset=d.offset, segment=f"{d.segment:016d}", what=d.what)
        entries.append(entry)
        ids = f"events {d.first} to {d.last}" if d.first <= d.last else "no events"
        place = (d.what if d.what in ("head", "snapshot") else f"log/{d.segment:016d}.log")
        sys.stderr.write(f"{d.what}: {place}, byte {d.offset}: {d.why}; {ids}\n")
    state, mark = verifier.state(), verifier.mark
    valid = verifier.count if verifier.valid_count is None else verifier.valid_count
    report = {
        "damage": entries,
        "durable": str(mark),
        "ledger_id": verifier.identity.ledger_id,
        "not_durable": str(max(valid - mark, 0)),
        "origin": verifier.identity.origin,
        "root": base64.b64encode(verifier.marked.root()).decode("ascii"),
        "size": str(min(valid, mark)),
        "state": state,
        "v": 1,
        **members,
    }
    if verifier.proven is not None:
        report["archived"] = str(verifier.beginning)
    if state != "clean":
        sys.stderr.write(f"{state}: {valid} events are valid from the first on, "
                         f"{mark} were durable\n")
    sys.stdout.write(ENCODER.encode(dict(sorted(report.items()))) + "\n")
    if (state in ("corrupt", "lost-tail") or entries or members["evidence"]
            or "indexes" in members):
        return 4
    return 5 if state in ("head-lost", "suspect") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
