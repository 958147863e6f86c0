"""What signatures and time stamps prove of a ledger: FORMAT.md §11 and §18, for verify-ledger.py.

Written from FORMAT.md alone, with Python's standard library; Ed25519 and RFC 3161 are left to the
`openssl` command.
"""

import base64
import binascii
import hashlib
import os
import subprocess
import tempfile
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

DASH = "\u2014 ".encode()
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: an Ed25519 key follows
IMPRINT = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 3161: a SHA-256 follows
NOTE_MOST, SIGNATURES_MOST, ENTRY_MOST = 1 << 20, 100, 64 << 10


class Key(NamedTuple):
    """A C2SP verifier key of type 0x01."""

    name: str
    ident: bytes
    public: bytes
    text: str


class Note(NamedTuple):
    text: bytes
    signatures: List[Tuple[str, bytes, bytes]]  # name, key id, signature


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes
    note: Note


def decoded(text: bytes) -> Optional[bytes]:
    """Base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data) == text else None


def read_key(text: str) -> Optional[Key]:
    parts = text.split("+", 2)
    if len(parts) != 3:
        return None
    name, ident, data = parts[0], parts[1], decoded(parts[2].encode())
    if data is None or len(data) != 33 or data[0] != 1 or not name:
        return None
    own = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    return Key(name, own, data[1:], text) if own.hex() == ident else None


def read_note(data: bytes) -> Optional[Note]:
    """§11: a text, an empty line (the last one), and signature lines."""
    if len(data) > NOTE_MOST or not data.endswith(b"\n"):
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    if any(byte < 0x20 and byte != 0x0A for byte in data):
        return None
    end = data.rfind(b"\n\n")
    if end < 0:
        return None
    lines = data[end + 2:].split(b"\n")[:-1]
    if not 1 <= len(lines) <= SIGNATURES_MOST:
        return None
    signatures = []
    for line in lines:
        parts = line[len(DASH):].split(b" ") if line.startswith(DASH) else []
        value = decoded(parts[1]) if len(parts) == 2 else None
        name = parts[0].decode() if parts else ""
        if value is None or len(value) <= 4 or not name or "+" in name or name.split() != [name]:
            return None
        signatures.append((name, value[:4], value[4:]))
    return Note(data[:end + 1], signatures)


def read_checkpoint(note: Note) -> Optional[Checkpoint]:
    lines = note.text[:-1].split(b"\n")
    if len(lines) < 3 or not all(lines):
        return None
    size, root = lines[1], decoded(lines[2])
    if not size.isdigit() or str(int(size)).encode() != size or int(size) >= 2**64:
        return None
    if root is None or len(root) != 32:
        return None
    return Checkpoint(lines[0].decode(), int(size), root, note)


def own_notes(directory: str) -> Iterator[Note]:
    """The notes of `checkpoints.log` (§18)."""
    try:
        with open(os.path.join(directory, "checkpoints.log"), "rb") as file:
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return
    entry: List[bytes] = []
    for line in lines:
        if not line and entry and entry[-1].startswith(DASH):
            note = read_note(b"\n".join(entry) + b"\n")
            if note is not None:
                yield note
            entry = []
        else:
            entry.append(line)


def holds(key: Key, text: bytes, signature: bytes) -> bool:
    """Ed25519 (RFC 8032), by openssl."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "text", "signature")]
        for path, data in zip(paths, (SPKI + key.public, text, signature)):
            with open(path, "wb") as file:
                file.write(data)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0],
             "-rawin", "-in", paths[1], "-sigfile", paths[2]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


class Chain:
    """The keys of a ledger (§18), and whose signatures count."""

    def __init__(self, first: str) -> None:
        key = read_key(first)
        self.keys: List[Key] = [key] if key else []
        self.since: List[int] = [-1] * len(self.keys)
        self.distrusted: List[Optional[int]] = [None] * len(self.keys)

    def add(self, event: int, data: Dict[str, object]) -> None:
        """Takes in a `ledger.key-changed`."""
        key = read_key(str(data.get("vkey")))
        if key is None or not self.keys or key.name != self.keys[-1].name:
            return
        size = data.get("distrusted_from")
        self.distrusted[-1] = size if isinstance(size, int) else None
        self.keys.append(key)
        self.since.append(event)
        self.distrusted.append(None)

    def in_force(self, size: int) -> int:
        return max(place for place, since in enumerate(self.since) if since < size)

    def signers(self, point: Checkpoint, also: Optional[Key] = None) -> Set[int]:
        """The places of keys whose signatures count; -1 for `also`."""
        found: Set[int] = set()
        places = list(enumerate(self.keys)) + ([(-1, also)] if also else [])
        for name, ident, signature in point.note.signatures:
            for place, key in places:
                if key is None or (name, ident) != (key.name, key.ident):
                    continue
                if not holds(key, point.note.text, signature):
                    return set()
                limit = self.distrusted[place] if place >= 0 else None
                if limit is None or point.size <= limit:
                    found.add(place)
        return found


class Evidence:
    """Judges checkpoints against the roots that a verifier found."""

    def __init__(self, directory: str, origin: str, trusted: Optional[Key],
                 pinned: List[Note]) -> None:
        points = (read_checkpoint(note) for note in own_notes(directory))
        self.own = sorted((p for p in points if p and p.origin == origin), key=lambda p: p.size)
        self.origin, self.trusted, self.pinned = origin, trusted, pinned
        self.chain: Optional[Chain] = None
        self.stamps: List[Tuple[int, Dict[str, object]]] = []
        self.findings: List[Dict[str, str]] = []

    def wanted(self) -> Set[int]:
        """The sizes whose roots a verifier must remember."""
        pinned = (read_checkpoint(note) for note in self.pinned)
        return {p.size for p in self.own} | {p.size for p in pinned if p}

    def report(self, chain: Chain, size: int, root: Callable[[int], Optional[bytes]],
               authorities: Optional[str] = None, archived: int = 0) -> Dict[str, object]:
        """The members that §18 adds to the report of a log of `size` events, `archived` of them
        known by their root only."""
        self.own = [p for p in self.own if p.size >= archived or root(p.size) is not None]
        agrees = {id(p): p.size <= size and root(p.size) == p.root for p in self.own}
        self.findings = []
        start = 0
        found: Optional[Tuple[int, int]] = None
        if self.trusted is not None and self.trusted not in chain.keys:
            self._find("other-key", 0, size)
        else:
            if self.trusted is not None:
                start = chain.keys.index(self.trusted)
            found = self._newest(chain, agrees, start)
            if found is None and self.trusted is not None:
                self._find("unsigned", 0, size)
            self._contradicted(chain, agrees, size)
        for note in self.pinned:
            self._judge(note, chain, agrees, size, root, archived)
        stamps = [self._stamp(event, data, size, root, authorities) for event, data in self.stamps]
        members: Dict[str, object] = {
            "authenticated": found is not None and self.trusted is not None,
            "evidence": self.findings, "signed": str(found[0] if found else 0),
            "time_stamps": stamps}
        if found:
            members["signer"] = chain.keys[found[1]].text
        return members

    def _find(self, what: str, first: int, end: int) -> None:
        ids = {"first": str(first), "last": str(end - 1)} if end > first else {}
        self.findings.append({**ids, "what": what})

    def _newest(self, chain: Chain, agrees: Dict[int, bool], place: int
                ) -> Optional[Tuple[int, int]]:
        newest = None
        while True:
            for point in reversed(self.own):
                if agrees[id(point)] and chain.in_force(point.size) == place \
                        and place in chain.signers(point):
                    newest = (point.size, place)
                    break
            if place + 1 == len(chain.keys):
                return newest
            led = False
            for point in self.own:
                if point.size > chain.since[place + 1] and agrees[id(point)]:
                    signers = chain.signers(point)
                    led = {place, place + 1} <= signers
                    if led or place not in signers:
                        break
            if not led:
                return newest
            place += 1

    def _contradicted(self, chain: Chain, agrees: Dict[int, bool], size: int) -> None:
        for index, point in enumerate(self.own):
            if agrees[id(point)] or not chain.signers(point):
                continue
            if point.size > size:
                self._find("rollback", size, point.size)
                return
            earlier = (p.size for p in reversed(self.own[:index])
                       if agrees[id(p)] and chain.signers(p))
            self._find("fork", next(earlier, 0), point.size)
            return

    def _judge(self, note: Note, chain: Chain, agrees: Dict[int, bool], size: int,
               root: Callable[[int], Optional[bytes]], archived: int) -> None:
        point = read_checkpoint(note)
        if point is None or point.origin != self.origin \
                or not chain.signers(point, self.trusted):
            self._find("pinned", 0, 0)
        elif point.size > size:
            self._find("rollback", size, point.size)
        elif point.size < archived and root(point.size) is None:
            self._find("archived", 0, point.size)
        elif root(point.size) != point.root:
            lower = [p.size for p in self.own if agrees[id(p)] and p.size < point.size]
            self._find("fork", max(lower, default=0), point.size)

    def _stamp(self, event: int, data: Dict[str, object], size: int,
               root: Callable[[int], Optional[bytes]], authorities: Optional[str]
               ) -> Dict[str, str]:
        count, own = int(str(data["size"])), decoded(str(data["root"]).encode())
        standing = "void"
        if count <= size and own is not None and root(count) == own:
            text = f"{self.origin}\n{count}\n{data['root']}\n".encode()
            standing = stamped(str(data["token"]), text, str(data["stamped_at"]), authorities)
        return {"authority": str(data["authority"]), "event": str(event), "size": str(count),
                "stamped_at": str(data["stamped_at"]), "standing": standing}


def stamped(token: str, text: bytes, time: str, authorities: Optional[str]) -> str:
    """Whether a TimeStampToken stamps a text at a time: §18's word for it."""
    der = decoded(token.encode())
    if der is None:
        return "void"
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("token", "text", "content")]
        for path, data in zip(paths, (der, text)):
            with open(path, "wb") as file:
                file.write(data)

        def succeeds(*arguments: str) -> bool:
            return subprocess.run(["openssl", *arguments], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False).returncode == 0

        if not succeeds("cms", "-verify", "-noverify", "-inform", "DER", "-in", paths[0],
                        "-out", paths[2]):
            return "void"
        with open(paths[2], "rb") as file:
            content = file.read()
        digits = "".join(c for c in time.split(".")[0] if c.isdigit())
        if IMPRINT + hashlib.sha256(text).digest() not in content \
                or digits.encode() not in content:
            return "void"
        if authorities is not None and succeeds(
                "ts", "-verify", "-data", paths[1], "-in", paths[0], "-token_in",
                "-CAfile", authorities):
            return "trusted"
        return "unvouched"
