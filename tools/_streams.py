"""Stream indexes (FORMAT.md §31): which of those that a reader would take aren't the log's."""

import hashlib
import os
import re
from typing import Callable, List, NamedTuple, Set, Tuple

RECORD, ENTRY, OPEN_RECORD = 24, 8, 32
_CLOSED = re.compile(
    rb"#streams format=1 ledger=(?P<ledger>[0-9a-f]{32}) segment=(?P<segment>\d{16})"
    rb" count=(?P<count>\d{16}) root=(?P<root>[0-9a-f]{64}) seal=(?P<seal>[0-9a-f]{8})"
    rb" crc=(?P<crc>[0-9a-f]{8})\n")
_OPEN = re.compile(
    rb"#open-streams format=1 ledger=(?P<ledger>[0-9a-f]{32}) segment=(?P<segment>\d{16})"
    rb" crc=(?P<crc>[0-9a-f]{8})\n")


class Rules(NamedTuple):
    """What the verifier knows of the log's own lines."""

    own_line: Callable  # kind, data, ledger, path, offset
    crc32c: Callable[[bytes], int]


def subject(line: bytes) -> bytes:
    """The text of a line's subject, as it is stored; none where it has none."""
    start = line.rfind(b'"subject":"')
    end = line.find(b'"', start + 11)
    if start < 0 or end < 0:
        return b""
    rest = line[end + 1:]
    return line[start + 11:end] if rest.startswith(b',"time":"') and b"}" not in rest[:-1] else b""


class Reading:
    """One undamaged segment, from its header up to a seal or to its end."""

    def __init__(self, rules: Rules, ledger: str, segment: int, data: bytes) -> None:
        self.rules, self.ledger, self.segment, self.data = rules, ledger, segment, data
        self.path = f"log/{segment:016d}.log"
        self.records: List[bytes] = []
        at = 158 + 64 * bin(segment).count("1")
        while True:
            commit = self.line("commit", at)
            start = at + 257
            body = data[start:start + commit.number("bytes")] if commit else b""
            if (commit is None or commit.number("first") != segment + len(self.records)
                    or rules.crc32c(body) != int(commit.fields["body"], 16)):
                break
            offset = start
            for line in body.split(b"\n")[:-1]:
                self.records.append(
                    rules.crc32c(subject(line)).to_bytes(4, "big")
                    + hashlib.sha256(b"\0" + line).digest()[:4]
                    + offset.to_bytes(6, "big") + len(line).to_bytes(2, "big")
                    + (offset - at).to_bytes(4, "big") + len(self.records).to_bytes(4, "big"))
                offset += len(line) + 1
            at = start + len(body)
        self.seal = self.line("seal", at) if at + 131 == len(data) else None

    def line(self, kind: str, at: int):
        return self.rules.own_line(kind, self.data[at:at + 257], self.ledger, self.path, at)


def closed_is_wrong(reading: Reading, path: str, found: bytes) -> bool:
    """Whether the index of a closed segment would be taken and isn't what the segment says."""
    match, rules, records = _CLOSED.match(found), reading.rules, reading.records
    if match is None or not _holds(reading, path, match) or reading.seal is None:
        return False
    bits = 0
    while 2 << bits < len(records):
        bits += 1
    if (any(reading.seal.fields[name] != match[of].decode()
            for name, of in (("count", "count"), ("root", "root"), ("crc", "seal")))
            or len(found) != match.end() + (ENTRY << bits) + RECORD * len(records)):
        return False
    buckets: List[List[bytes]] = [[] for _ in range(1 << bits)]
    for record in records:
        buckets[int.from_bytes(record[:4], "big") >> 32 - bits].append(record)
    table, end = b"", 0
    for number, bucket in enumerate(buckets):
        end += len(bucket)
        checksum = rules.crc32c(_seed(match) + number.to_bytes(4, "big") + end.to_bytes(4, "big")
                                + b"".join(bucket))
        table += end.to_bytes(4, "big") + checksum.to_bytes(4, "big")
    return found[match.end():] != table + b"".join(map(b"".join, buckets))


def open_is_wrong(reading: Reading, path: str, found: bytes) -> bool:
    """Whether the index of an active segment would be taken and isn't what the segment says."""
    match = _OPEN.match(found)
    if match is None or not _holds(reading, path, match):
        return False
    taken: List[bytes] = []
    root = b""
    for at in range(match.end(), len(found) - OPEN_RECORD + 1, OPEN_RECORD):
        record = found[at:at + OPEN_RECORD]
        if (reading.rules.crc32c(_seed(match) + record[:28]) != int.from_bytes(record[28:], "big")
                or int.from_bytes(record[20:24], "big") != len(taken)):
            break
        taken.append(record[:RECORD])
        root = record[RECORD:28]
    if not taken:
        return False
    offset, back = (int.from_bytes(taken[-1][at:to], "big") for at, to in ((8, 14), (16, 20)))
    commit = reading.line("commit", max(0, offset - back))
    last = reading.segment + len(taken) - 1
    if commit is None or not commit.fields["root"].startswith(root.hex()):
        return False
    first, end = commit.number("first"), commit.number("first") + commit.number("count")
    if not max(first, reading.segment) <= last < end:
        return False
    count = min(end if last + 1 == end else first, reading.segment + len(reading.records))
    return taken[:count - reading.segment] != reading.records[:count - reading.segment]


def _seed(match: "re.Match") -> bytes:
    """What checksums take first: the header's own, in eight bytes."""
    return int(match["crc"], 16).to_bytes(8, "big")


def _holds(reading: Reading, path: str, match: "re.Match") -> bool:
    """Whether a header is right in its place, ledger and segment."""
    place = f"{reading.ledger} {path} 0\n".encode()
    return (match["ledger"].decode() == reading.ledger and int(match["segment"]) == reading.segment
            and reading.rules.crc32c(place + match.group()[:-9]) == int(match["crc"], 16))


def wrong_indexes(directory: str, ledger: str, segments: List[Tuple[int, str]],
                  damaged: Set[int], rules: Rules) -> List[str]:
    """The paths of indexes that may hide events; `segments` are names and the files of segments."""
    wrong = []
    for segment, file in segments:
        if segment in damaged:
            continue
        reading = None
        for ending, is_wrong in (("", closed_is_wrong), (".open", open_is_wrong)):
            path = f"index/streams/{segment:016d}{ending}"
            try:
                with open(os.path.join(directory, path), "rb") as index:
                    found = index.read()
            except OSError:
                continue  # nobody has to have one
            if reading is None:
                with open(file, "rb") as log:
                    reading = Reading(rules, ledger, segment, log.read())
            if is_wrong(reading, path, found):
                wrong.append(path)
    return wrong
