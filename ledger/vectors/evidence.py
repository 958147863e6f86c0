#!/usr/bin/env python3
"""Writes the vectors of the ledger's evidence from the definitions alone.

usage: evidence.py DIRECTORY

Everything is computed here in the way that the specification defines it, by recursion over all
leaves (RFC 6962 section 2.1), with nothing but the standard library; the ledger's own code computes
none of it. The files that are kept beside this program are what it writes.
"""

import hashlib
import json
import os
import sys

SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 255, 256, 257]


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


def entry(index):
    return b"entry %d" % index


LEAVES = [sha256(b"\x00" + entry(index)) for index in range(300)]


# RFC 6962 section 2.1: the tree, its proofs, and what a proof says

def split(count):
    """The largest power of two below count."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def path(index, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return path(index, leaves[:k]) + [root(leaves[k:])]
    return path(index - k, leaves[k:]) + [root(leaves[:k])]


def subproof(old, leaves, whole):
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return subproof(old, leaves[:k], whole) + [root(leaves[k:])]
    return subproof(old - k, leaves[k:], False) + [root(leaves[:k])]


def root_by_path(index, size, leaf, hashes):
    """The root that an inclusion proof of the right length implies."""
    if size == 1:
        return leaf
    k = split(size)
    if index < k:
        return node(root_by_path(index, k, leaf, hashes[:-1]), hashes[-1])
    return node(hashes[-1], root_by_path(index - k, size - k, leaf, hashes[:-1]))


def path_length(index, size):
    if size == 1:
        return 0
    k = split(size)
    return 1 + (path_length(index, k) if index < k else path_length(index - k, size - k))


def flipped(data, bit):
    data = bytearray(data)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def stranger(text):
    """A hash that stands in no tree."""
    return sha256(b"stranger " + text.encode())


# Inclusion

def inclusion(what, index, size, leaf, tree_root, hashes):
    return {"what": what, "index": str(index), "size": str(size), "leaf": leaf.hex(),
            "root": tree_root.hex(), "hashes": [h.hex() for h in hashes]}


def false_inclusions(index, size):
    leaves = LEAVES[:size]
    leaf, tree_root, hashes = leaves[index], root(leaves), path(index, leaves)
    name = f"leaf {index} of {size}: "

    def case(what, index=index, size=size, leaf=leaf, tree_root=tree_root, hashes=hashes):
        return inclusion(name + what, index, size, leaf, tree_root, hashes)

    yield case("another leaf", leaf=LEAVES[index + 1])
    yield case("a bit of the leaf", leaf=flipped(leaf, 0))
    yield case("a bit of the root", tree_root=flipped(tree_root, 255))
    yield case("the root of no leaves", tree_root=sha256(b""))
    yield case("the next index", index=index + 1)
    yield case("an index beyond the size", index=size)
    yield case("the greatest index", index=2**64 - 1)
    yield case("no leaves", size=0)
    yield case("a hash too many, behind", hashes=hashes + [stranger("behind")])
    yield case("a hash too many, before", hashes=[stranger("before")] + hashes)
    yield case("the root behind", hashes=hashes + [tree_root])
    yield case("a hash too many, and the root that it makes on the left",
               hashes=hashes + [stranger("behind")], tree_root=node(stranger("behind"), tree_root))
    yield case("a hash too many, and the root that it makes on the right",
               hashes=hashes + [stranger("behind")], tree_root=node(tree_root, stranger("behind")))
    yield case("twice the size", size=size * 2 if size > 1 else 2)
    if hashes:
        yield case("no hashes", hashes=[])
        yield case("the first hash missing", hashes=hashes[1:])
        yield case("the last hash missing", hashes=hashes[:-1])
        yield case("a bit of the first hash", hashes=[flipped(hashes[0], 7)] + hashes[1:])
        yield case("a bit of the last hash", hashes=hashes[:-1] + [flipped(hashes[-1], 128)])
        yield case("a node instead of the leaf, one level up", index=index // 2,
                   leaf=node(*((leaf, hashes[0]) if index % 2 == 0 else (hashes[0], leaf))),
                   hashes=hashes[1:])
    if index > 0:
        yield case("the index before", index=index - 1)
    if len(hashes) > 1:
        yield case("the hashes in reverse", hashes=hashes[::-1])
    yield case("sixty-five hashes", hashes=(hashes + [stranger(str(i)) for i in range(65)])[:65])


def inclusion_file():
    good, bad = [], []
    for size in SIZES:
        leaves = LEAVES[:size]
        for index in sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size))):
            good.append(inclusion(f"leaf {index} of {size}", index, size, leaves[index],
                                  root(leaves), path(index, leaves)))
    for size in (2**32 + 1, 2**63 - 1, 2**63, 2**64 - 1):
        for index in (0, 1, size // 3, size - 2, size - 1):
            hashes = [stranger(f"{index} {i}") for i in range(path_length(index, size))]
            good.append(inclusion(f"leaf {index} of {size}, made of any hashes", index, size,
                                  LEAVES[0], root_by_path(index, size, LEAVES[0], hashes), hashes))
            bad.append(inclusion(f"leaf {index} of {size}, a bit of the last hash", index, size,
                                 LEAVES[0], root_by_path(index, size, LEAVES[0], hashes),
                                 hashes[:-1] + [flipped(hashes[-1], 3)]))
    for index, size in ((0, 1), (0, 2), (1, 2), (2, 3), (3, 7), (6, 7), (5, 8), (16, 17)):
        bad.extend(case for case in false_inclusions(index, size))
    bad = [case for case in bad if not same_shape(case)]
    return {
        "about": "Inclusion proofs (RFC 9162 2.1.3): the tree of `size` leaves with `root` has the "
                 "leaf hash `leaf` at `index`. `hashes` begins with the leaf's sibling. Leaf i is "
                 "SHA-256(00 || \"entry i\"). Index and size are decimal.",
        "vectors": good, "refused": bad}


def same_shape(case):
    """Whether a changed size makes no difference: the way up to the root is the same."""
    index, size = int(case["index"]), int(case["size"])
    hashes = [bytes.fromhex(h) for h in case["hashes"]]
    if index >= size or len(hashes) != path_length(index, size):
        return False
    leaf = bytes.fromhex(case["leaf"])
    return root_by_path(index, size, leaf, hashes).hex() == case["root"]


# Consistency

def consistency(what, old, new, old_root, new_root, hashes):
    return {"what": what, "old_size": str(old), "new_size": str(new), "old_root": old_root.hex(),
            "new_root": new_root.hex(), "hashes": [h.hex() for h in hashes]}


def false_consistencies(old, new):
    leaves = LEAVES[:new]
    old_root, new_root, hashes = root(leaves[:old]), root(leaves), subproof(old, leaves, True)
    name = f"{old} to {new}: "

    def case(what, old=old, new=new, old_root=old_root, new_root=new_root, hashes=hashes):
        return consistency(name + what, old, new, old_root, new_root, hashes)

    yield case("a bit of the old root", old_root=flipped(old_root, 9))
    yield case("a bit of the new root", new_root=flipped(new_root, 9))
    yield case("no old leaves", old=0, old_root=sha256(b""))
    yield case("no old leaves and no hashes", old=0, old_root=sha256(b""), hashes=[])
    yield case("no leaves", old=0, new=0, old_root=sha256(b""), new_root=sha256(b""), hashes=[])
    yield case("a hash too many, behind", hashes=hashes + [stranger("behind")])
    yield case("a hash too many, before", hashes=[stranger("before")] + hashes)
    yield case("the old root behind", hashes=hashes + [old_root])
    behind = stranger("behind")
    yield case("a hash too many, and the roots that it makes", hashes=hashes + [behind],
               old_root=node(behind, old_root), new_root=node(behind, new_root))
    yield case("a hash too many, and the new root that it makes", hashes=hashes + [behind],
               new_root=node(new_root, behind))
    yield case("the new root behind", hashes=hashes + [new_root])
    if old != new:
        yield case("the roots exchanged", old_root=new_root, new_root=old_root)
        yield case("the trees exchanged", old=new, new=old, old_root=new_root, new_root=old_root)
        yield case("no hashes", hashes=[])
        yield case("the sizes equal, the roots not", old=new)
        yield case("the first hash missing", hashes=hashes[1:])
        yield case("the last hash missing", hashes=hashes[:-1])
        yield case("a bit of the first hash", hashes=[flipped(hashes[0], 7)] + hashes[1:])
        yield case("a bit of the last hash", hashes=hashes[:-1] + [flipped(hashes[-1], 128)])
        other = LEAVES[:old - 1] + [stranger("leaf")] + LEAVES[old:new]
        yield case("a new tree with another old leaf", new_root=root(other))
        yield case("that tree, with its own proof", new_root=root(other),
                   hashes=subproof(old, other, True))
        yield case("the old root before", hashes=[old_root] + hashes)
    else:
        yield case("the root as a hash", hashes=[old_root])


def consistency_file():
    good, bad = [], []
    for new in SIZES:
        leaves = LEAVES[:new]
        for old in sorted({1, 2, 3, new // 2, new - 1, new} & set(range(1, new + 1))):
            good.append(consistency(f"{old} to {new}", old, new, root(leaves[:old]), root(leaves),
                                    subproof(old, leaves, True)))
    for old, new in ((1, 1), (1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 8), (8, 9), (5, 5)):
        bad.extend(false_consistencies(old, new))
    return {
        "about": "Consistency proofs (RFC 9162 2.1.4): the tree of `new_size` leaves with "
                 "`new_root` begins with the `old_size` leaves of `old_root`. Leaf i is "
                 "SHA-256(00 || \"entry i\"). Sizes are decimal.",
        "vectors": good, "refused": bad}


FILES = {"inclusion-proofs": inclusion_file, "consistency-proofs": consistency_file}


def text(content):
    """One line an entry, as in the other files."""
    lines = ["{"]
    fields = list(content.items())
    for number, (key, value) in enumerate(fields):
        comma = "," if number + 1 < len(fields) else ""
        if isinstance(value, list):
            lines.append(f"  {json.dumps(key)}: [")
            for index, item in enumerate(value):
                lines.append("    " + json.dumps(item) + ("," if index + 1 < len(value) else ""))
            lines.append("  ]" + comma)
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}{comma}")
    return "\n".join(lines + ["}"]) + "\n"


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.strip())
        return 0 if arguments in (["--help"], ["-h"]) else 64
    for name, make in FILES.items():
        with open(os.path.join(arguments[0], name + ".json"), "w", encoding="utf-8") as file:
            file.write(text(make()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
