"""Proofs that stand without the ledger: FORMAT.md §13, for verify-ledger.py.

Written from FORMAT.md and RFC 9162 §2.1.3-2.1.4 alone. A proof is checked by walking down from the
root, as the definitions of PATH and PROOF do, not up from the leaf.
"""

import hashlib
import json
from typing import List, NamedTuple, Optional, Tuple

from _evidence import Checkpoint, Key, decoded, holds, read_checkpoint, read_note

HASHES_MOST, PROOF_MOST = 63, 2 << 20


class Proof(NamedTuple):
    """A `.tlog-proof`."""

    index: int
    hashes: List[bytes]
    checkpoint: Checkpoint


def leaf_hash(line: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + line).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The greatest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def root_with(leaf: bytes, index: int, size: int, hashes: List[bytes]) -> Optional[bytes]:
    """The root that PATH(index, D[size]) leads to, or None where it has another length."""
    if size == 1:
        return None if hashes else leaf
    if not hashes:
        return None
    half, last, rest = _split(size), hashes[-1], hashes[:-1]
    if index < half:
        left = root_with(leaf, index, half, rest)
        return left and _node(left, last)
    right = root_with(leaf, index - half, size - half, rest)
    return right and _node(last, right)


def roots_of_growth(old: int, new: int, root: bytes, hashes: List[bytes], whole: bool = True
                    ) -> Optional[Tuple[bytes, bytes]]:
    """The roots of the first `old` and of all `new` leaves by SUBPROOF(old, D[new], whole).

    `root` is what the older tree's is said to be. None where the proof has another length.
    """
    if old == new:
        if whole:
            return None if hashes else (root, root)
        return (hashes[0], hashes[0]) if len(hashes) == 1 else None
    if not hashes:
        return None
    half, last, rest = _split(new), hashes[-1], hashes[:-1]
    if old <= half:
        below = roots_of_growth(old, half, root, rest, whole)
        return below and (below[0], _node(below[1], last))
    below = roots_of_growth(old - half, new - half, root, rest, False)
    return below and (_node(last, below[0]), _node(last, below[1]))


def read_proof(data: bytes) -> Optional[Proof]:
    """The form of §13, or None."""
    parts = data.split(b"\n\n", 1)
    if len(data) > PROOF_MOST or len(parts) != 2:
        return None
    lines = parts[0].split(b"\n")
    if lines.pop(0) != b"c2sp.org/tlog-proof@v1" or not lines:
        return None
    if lines[0].startswith(b"extra "):
        if decoded(lines.pop(0)[6:]) is None or not lines:
            return None
    word, _, number = lines.pop(0).partition(b" ")
    if word != b"index" or not number.isdigit() or str(int(number)).encode() != number:
        return None
    hashes = [decoded(line) for line in lines]
    if len(hashes) > HASHES_MOST or any(h is None or len(h) != 32 for h in hashes):
        return None
    note = read_note(parts[1])
    checkpoint = note and read_checkpoint(note)
    return Proof(int(number), hashes, checkpoint) if checkpoint else None


def proof_fault(proof: Proof, line: bytes, key: Key) -> Optional[str]:
    """Why the proof doesn't show that `line` is an event of the key's ledger, or None: it does."""
    checkpoint = proof.checkpoint
    if checkpoint.origin != key.name:
        return f"the checkpoint is of {checkpoint.origin}, the key of {key.name}"
    signed = [value for name, ident, value in checkpoint.note.signatures
              if (name, ident) == (key.name, key.ident)]
    if not signed or not all(holds(key, checkpoint.note.text, value) for value in signed):
        return "the checkpoint has no signature of the key that holds"
    if proof.index >= checkpoint.size:
        return f"index {proof.index} isn't in a tree of {checkpoint.size} events"
    if root_with(leaf_hash(line), proof.index, checkpoint.size, proof.hashes) != checkpoint.root:
        return "the hashes don't lead from the event to the checkpoint's root"
    return None


def growth_fault(text: bytes) -> Optional[str]:
    """Why the document of a consistency proof doesn't prove its own roots, or None: it does.

    Raises ValueError where it is no such document.
    """
    try:
        given = json.loads(text)
        old, new = int(given["size1"]), int(given["size2"])
        first, second = decoded(given["root1"].encode()), decoded(given["root2"].encode())
        hashes = [decoded(each.encode()) for each in given["hashes"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no consistency proof: {error}") from error
    if not 0 < old <= new or any(h is None or len(h) != 32 for h in [first, second] + hashes):
        raise ValueError("no consistency proof: a size or a hash isn't one")
    if roots_of_growth(old, new, first, hashes) != (first, second):
        return f"the hashes don't lead from the root of {old} events to that of {new}"
    return None
