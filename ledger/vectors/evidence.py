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
from base64 import b64encode

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


# Ed25519 (RFC 8032 section 5.1)

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME


def point_from_y(y):
    """The point with this y and an even x."""
    square = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME != 0:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return (PRIME - x if x % 2 else x), y


BASE = point_from_y(4 * pow(5, PRIME - 2, PRIME) % PRIME)


def point_sum(one, other):
    """The sum of two points in projective coordinates (x, y, z)."""
    (x1, y1, z1), (x2, y2, z2) = one, other
    a = z1 * z2 % PRIME
    b = a * a % PRIME
    c, d = x1 * x2 % PRIME, y1 * y2 % PRIME
    e = D * c * d % PRIME
    f, g = b - e, b + e
    x3 = a * f * ((x1 + y1) * (x2 + y2) - c - d) % PRIME
    return x3, a * g * (d + c) % PRIME, f * g % PRIME


def encoded_multiple(scalar):
    """The bytes of scalar times the base point."""
    result, power = (0, 1, 1), (*BASE, 1)
    while scalar:
        if scalar & 1:
            result = point_sum(result, power)
        power = point_sum(power, power)
        scalar >>= 1
    inverse = pow(result[2], PRIME - 2, PRIME)
    x, y = result[0] * inverse % PRIME, result[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expanded(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & (1 << 254) - 8 | 1 << 254, digest[32:]


def public_key(seed):
    return encoded_multiple(expanded(seed)[0])


def sign(seed, message):
    scalar, prefix = expanded(seed)
    key = encoded_multiple(scalar)
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % ORDER
    commitment = encoded_multiple(nonce)
    challenge = hashlib.sha512(commitment + key + message).digest()
    answer = (nonce + int.from_bytes(challenge, "little") * scalar) % ORDER
    return commitment + answer.to_bytes(32, "little")


# Notes (c2sp.org/signed-note), checkpoints and cosignatures

def base64(data):
    return b64encode(data).decode()


class Key:
    """A key pair under a name; its seed is the SHA-256 of a text."""

    def __init__(self, name, seed, kind=1):
        self.name, self.kind, self.seed = name, kind, sha256(seed.encode())
        self.public = public_key(self.seed)
        self.id = sha256(name.encode() + b"\n" + bytes([kind]) + self.public)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64(bytes([kind]) + self.public)}"

    def line(self, text, time=None, name=None):
        """The signature line; of a cosigner, with a time."""
        if self.kind == 4:
            message = f"cosignature/v1\ntime {time}\n".encode() + text.encode()
            signature = time.to_bytes(8, "big") + sign(self.seed, message)
        else:
            signature = sign(self.seed, text.encode())
        return line(name or self.name, self.id, signature)


def line(name, key_id, signature):
    return f"\u2014 {name} {base64(key_id + signature)}\n"


LOG = Key("example.com/dr", "log")
LOG2 = Key("example.com/dr", "log's next key")
OTHER = Key("example.org/other", "other log")
KOELN = Key("k\u00f6ln.example/\u65e5\u672c", "unicode")
W1 = Key("witness.example/w1", "witness 1", 4)
W2 = Key("witness.example/w2", "witness 2", 4)
W3 = Key("witness.example/w3", "witness 3", 4)
TIME = 1764040000
STRANGE = line("example.com/dr", b"\1\2\3\4", b"anything")

SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_TEXT = "This is an example message.\n"
SPEC_LINE = ("\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXs"
             "YjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n")


def signer(vkey, time):
    return {"key": vkey} if time is None else {"key": vkey, "time": str(time)}


def note_file():
    good, bad = [], []

    def accept(what, text, lines, keys, signed):
        good.append({"what": what, "note": text + "\n" + "".join(lines), "keys": keys,
                     "text": text, "signed": [signer(*pair) for pair in signed]})

    def refuse(what, why, note, keys=(LOG.vkey,)):
        bad.append({"what": what, "why": why, "note": note, "keys": list(keys)})

    text = "A text.\n"
    signed = LOG.line(text)
    accept("the example of C2SP signed-note", SPEC_TEXT, [SPEC_LINE], [SPEC_KEY],
           [(SPEC_KEY, None)])
    accept("one line", text, [signed], [LOG.vkey], [(LOG.vkey, None)])
    accept("two keys, one of them known", text, [signed, OTHER.line(text)], [OTHER.vkey],
           [(OTHER.vkey, None)])
    accept("two keys under one name", text, [LOG2.line(text), signed], [LOG.vkey, LOG2.vkey],
           [(LOG2.vkey, None), (LOG.vkey, None)])
    accept("an unknown key of the known name", text, [STRANGE, signed], [LOG.vkey],
           [(LOG.vkey, None)])
    accept("an unknown name with the known key id", text,
           [line("example.net/x", LOG.id, b"false"), signed], [LOG.vkey], [(LOG.vkey, None)])
    accept("a name beyond ASCII", text, [KOELN.line(text)], [KOELN.vkey], [(KOELN.vkey, None)])
    accept("the composed name isn't the decomposed one", text,
           [line("ko\u0308ln.example/\u65e5\u672c", KOELN.id, b"false"), KOELN.line(text)],
           [KOELN.vkey], [(KOELN.vkey, None)])
    for what, body in (("a text with empty lines", "\nA\n\n\nB\n"),
                       ("a text that looks like signatures", f"A\n\n{SPEC_LINE}"),
                       ("a text of one empty line", "\n"),
                       ("a text that ends with an empty line", "A\n\n"),
                       ("a text beyond ASCII, with DEL and C1", "\u00e9\U0001f600\x7f\x85\n")):
        accept(what, body, [LOG.line(body)], [LOG.vkey], [(LOG.vkey, None)])
    accept("a cosignature", text, [W1.line(text, TIME)], [W1.vkey], [(W1.vkey, TIME)])
    accept("cosignatures at the least and the greatest time", text,
           [W1.line(text, 0), W2.line(text, 2**63 - 1)], [W1.vkey, W2.vkey],
           [(W1.vkey, 0), (W2.vkey, 2**63 - 1)])
    accept("one key twice", text, [signed, signed], [LOG.vkey], [(LOG.vkey, None)] * 2)
    accept("one key as log and as cosigner", text,
           [LOG.line(text), Key("example.com/dr", "log", 4).line(text, TIME)],
           [LOG.vkey, Key("example.com/dr", "log", 4).vkey],
           [(LOG.vkey, None), (Key("example.com/dr", "log", 4).vkey, TIME)])
    many = [line("example.net/x", i.to_bytes(4, "big"), b"x") for i in range(99)]
    accept("a hundred signatures", text, many + [signed], [LOG.vkey], [(LOG.vkey, None)])
    unknown = "example.com/dr+01020304+" + base64(b"\x06" + bytes(1312))
    accept("a known key of a type that nobody here knows", text, [STRANGE, signed],
           [unknown, LOG.vkey], [(LOG.vkey, None)])

    note = text + "\n" + signed
    refuse("nothing", "malformed", "")
    refuse("a newline", "malformed", "\n")
    refuse("two newlines", "malformed", "\n\n")
    refuse("a text alone", "malformed", text)
    refuse("a text and an empty line", "malformed", text + "\n")
    refuse("no empty line", "malformed", text + signed)
    refuse("a signature without a text", "malformed", "\n" + LOG.line(""))
    refuse("a text without its newline", "malformed", "A text." + signed)
    refuse("no newline at the end", "malformed", note[:-1])
    refuse("an empty line at the end", "malformed", note + "\n")
    refuse("an empty line between signatures: the first belongs to the text", "false signature",
           note + "\n" + signed)
    refuse("something behind the signatures", "malformed", note + "x\n")
    for character in "\0\t\r\x1f":
        refuse(f"the control character {ord(character)} in the text", "malformed",
               note.replace(" ", character, 1))
    refuse("a carriage return in a signature line", "malformed", note[:-1] + "\r\n")
    for what, mangled in (("a hyphen for the dash", signed.replace("\u2014", "-")),
                          ("an en dash", signed.replace("\u2014", "\u2013")),
                          ("no space behind the dash", signed.replace("\u2014 ", "\u2014")),
                          ("two spaces behind the dash", signed.replace("\u2014 ", "\u2014  ")),
                          ("a space before the dash", " " + signed),
                          ("two spaces before the signature", signed.replace("dr ", "dr  ")),
                          ("a space at the end", signed[:-1] + " \n"),
                          ("no name", signed.replace("example.com/dr", "")),
                          ("no signature", "\u2014 example.com/dr \n"),
                          ("no signature and no space", "\u2014 example.com/dr\n"),
                          ("a key id alone", line("example.com/dr", LOG.id, b"")),
                          ("three bytes", line("example.com/dr", LOG.id[:3], b"")),
                          ("a plus in the name", LOG.line(text, name="example.com+dr")),
                          ("a no-break space in the name", LOG.line(text, name="x\u00a0y")),
                          ("a thin space in the name", LOG.line(text, name="x\u2009y")),
                          ("no padding", signed.replace("=", "")),
                          ("base64url", signed.replace("/", "_").replace("+", "-")
                           .replace("com_dr", "com/dr")),
                          ("another word behind", signed[:-1] + " x\n")):
        refuse(what, "malformed", text + "\n" + mangled)
        refuse(what + ", behind a true signature", "malformed", note + mangled)
    refuse("a hundred and one signatures", "malformed", text + "\n" + "".join(many + [signed] * 2))
    refuse("a changed text", "false signature", note.replace("A", "B", 1))
    refuse("a signature of another text", "false signature", text + "\n" + LOG.line("B\n"))
    refuse("a signature cut off", "false signature",
           text + "\n" + line(LOG.name, LOG.id, sign(LOG.seed, text.encode())[:-1]))
    refuse("a signature and a byte", "false signature",
           text + "\n" + line(LOG.name, LOG.id, sign(LOG.seed, text.encode()) + b"\0"))
    refuse("a true signature, then a false one of the same key", "false signature",
           note + LOG.line("B\n"))
    refuse("a true signature, then a false one of another known key", "false signature",
           note + line(OTHER.name, OTHER.id, bytes(64)), [LOG.vkey, OTHER.vkey])
    refuse("a plain signature under a cosigner's key", "false signature",
           text + "\n" + line(W1.name, W1.id, sign(W1.seed, text.encode())), [W1.vkey])
    refuse("a cosignature of another time", "false signature", text + "\n" + line(
        W1.name, W1.id, (TIME + 1).to_bytes(8, "big")
        + sign(W1.seed, f"cosignature/v1\ntime {TIME}\n{text}".encode())), [W1.vkey])
    refuse("a cosignature at a time beyond 2^63 - 1", "false signature",
           text + "\n" + W1.line(text, 2**63), [W1.vkey])
    refuse("a cosignature of another text", "false signature",
           text + "\n" + W1.line("B\n", TIME), [W1.vkey])
    refuse("a cosignature under a log's key", "false signature", text + "\n" + line(
        LOG.name, LOG.id, TIME.to_bytes(8, "big") + sign(
            LOG.seed, f"cosignature/v1\ntime {TIME}\n{text}".encode())), [LOG.vkey])
    refuse("no known key", "no known signature", note, [OTHER.vkey])
    refuse("no key", "no known signature", note, [])
    refuse("only a key of a type that nobody here knows", "no known signature",
           text + "\n" + STRANGE, [unknown])
    refuse("the right name, another key", "no known signature", note, [LOG2.vkey])
    refuse("the right key, another name", "no known signature", note,
           [Key("example.net/x", "log").vkey])
    return {
        "about": "Signed notes (c2sp.org/signed-note): `note` is signed by `signed` of the known "
                 "`keys`, with the decimal time where the signature says it; what is signed is `text`. "
                 "`why` is malformed, false signature or no known signature.",
        "vectors": good, "refused": bad}


def head_text(size, tree_root=None, origin=None, extensions=""):
    tree_root = root(LEAVES[:size]) if tree_root is None else tree_root
    return f"{origin or LOG.name}\n{size}\n{base64(tree_root)}\n{extensions}"


def signed_note(text, *lines):
    return text + "\n" + "".join(lines)


def checkpoint(size, *cosigners, key=LOG, tree_root=None, time=TIME, extensions=""):
    text = head_text(size, tree_root, key.name, extensions)
    return signed_note(text, key.line(text), *(w.line(text, time) for w in cosigners))


def checkpoint_file():
    good, bad = [], []
    keys = {"logs": [LOG.vkey], "cosigners": [W1.vkey, W2.vkey]}

    def accept(what, note, size, tree_root, signed=(LOG,), cosigned=(), extensions=(), origin=None,
               **others):
        good.append({"what": what, "note": note, **keys, **others, "origin": origin or LOG.name,
                     "size": str(size), "root": tree_root.hex(), "extensions": list(extensions),
                     "signed": [key.vkey for key in signed],
                     "cosigned": [signer(key.vkey, TIME) for key in cosigned]})

    def refuse(what, why, note, **others):
        bad.append({"what": what, "why": why, "note": note, **keys, **others})

    for size in (1, 42, 300):
        accept(f"size {size}", checkpoint(size), size, root(LEAVES[:size]))
    accept("no events", checkpoint(0), 0, root([]))
    accept("the greatest size", checkpoint(2**63 - 1, tree_root=LEAVES[0]), 2**63 - 1, LEAVES[0])
    accept("two witnesses", checkpoint(42, W2, W1), 42, root(LEAVES[:42]), cosigned=(W2, W1))
    accept("an unknown witness", checkpoint(42, W3, W1), 42, root(LEAVES[:42]), cosigned=(W1,))
    accept("extensions", checkpoint(42, W1, extensions="one\n two \n"), 42, root(LEAVES[:42]),
           cosigned=(W1,), extensions=("one", " two "))
    accept("an origin beyond ASCII", checkpoint(42, key=KOELN), 42, root(LEAVES[:42]),
           signed=(KOELN,), origin=KOELN.name, logs=[LOG.vkey, KOELN.vkey])
    text = head_text(42)
    accept("both of the log's keys", signed_note(text, LOG.line(text), LOG2.line(text)), 42,
           root(LEAVES[:42]), signed=(LOG, LOG2), logs=[LOG2.vkey, LOG.vkey])
    accept("the next key alone", signed_note(text, STRANGE, LOG2.line(text)), 42,
           root(LEAVES[:42]), signed=(LOG2,), logs=[LOG2.vkey, LOG.vkey])
    accept("another log signed too", signed_note(text, LOG.line(text), OTHER.line(text)), 42,
           root(LEAVES[:42]), logs=[OTHER.vkey, LOG.vkey])

    def mangled(what, text):
        refuse(what, "malformed", signed_note(text, LOG.line(text)))

    tree_root = base64(root(LEAVES[:42]))
    for size in ("", "042", "00", "+42", "-1", " 42", "42 ", "4 2", "0x2a", "42.0", "4e1",
                 str(2**63), str(2**64), "9" * 30, "\u0664\u0662"):
        mangled(f"the size {size!r}", f"{LOG.name}\n{size}\n{tree_root}\n")
    for what, value in (("no root", ""), ("a root of 31 bytes", base64(bytes(31))),
                        ("a root of 33 bytes", base64(bytes(33))),
                        ("a root without padding", tree_root[:-1]),
                        ("a root with stray bits", base64(bytes(32))[:-2] + "B="),
                        ("a root in hex", root(LEAVES[:42]).hex()),
                        ("a space behind the root", tree_root + " ")):
        mangled(what, f"{LOG.name}\n42\n{value}\n")
    mangled("no origin", f"\n42\n{tree_root}\n")
    mangled("an origin alone", LOG.name + "\n")
    mangled("no third line", LOG.name + "\n42\n")
    mangled("an empty extension", text + "\n")
    mangled("an empty extension between others", text + "a\n\nb\n")
    refuse("another origin", "unknown origin", checkpoint(42, key=OTHER))
    refuse("another origin, signed by this log", "unknown origin",
           signed_note(head_text(42, origin=OTHER.name), LOG.line(head_text(42, origin=OTHER.name))))
    refuse("witnesses without the log", "not signed by the log",
           signed_note(text, W1.line(text, TIME), W2.line(text, TIME)))
    refuse("another key of the log", "no known signature", signed_note(text, LOG2.line(text)))
    refuse("a signature of another size", "false signature",
           signed_note(text, LOG.line(head_text(41))))
    refuse("a cosignature of another size", "false signature",
           signed_note(text, LOG.line(text), W1.line(head_text(41), TIME)))
    refuse("another log's signature alone", "no known signature",
           signed_note(text, OTHER.line(text)), logs=[OTHER.vkey, LOG.vkey])
    return {
        "about": "Checkpoints (c2sp.org/tlog-checkpoint) with cosignatures: of the keys `logs` "
                 "those in `signed` signed, of the `cosigners` those in `cosigned`, each with its "
                 "time. `why` is as in signed-notes.json, or unknown origin, or not signed by the "
                 "log.",
        "vectors": good, "refused": bad}


# Tiles (c2sp.org/tlog-tiles)

TILE_SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000]
TILE_LEAVES = [sha256(b"\x00" + entry(index)) for index in range(max(TILE_SIZES))]
ALIGNED = {}


def aligned_root(start, end):
    """MTH(D[start:end]) of leaves that all trees have, computed once."""
    if (start, end) not in ALIGNED:
        if end - start <= 256:
            ALIGNED[start, end] = root(TILE_LEAVES[start:end])
        else:
            middle = start + split(end - start)
            ALIGNED[start, end] = node(aligned_root(start, middle), aligned_root(middle, end))
    return ALIGNED[start, end]


def tile_path(place, index, width):
    digits = str(index)
    digits = digits.zfill((len(digits) + 2) // 3 * 3)
    groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    name = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{place}/{name}" + ("" if width == 256 else f".p/{width}")


def tiles(size):
    """Each tile of a tree, by the definition: level, index, width, bytes."""
    for level in range(64):
        span = 256**level
        count = size // span
        for index in range((count + 255) // 256):
            width = min(256, count - index * 256)
            numbers = range(index * 256, index * 256 + width)
            yield level, index, width, b"".join(
                aligned_root(i * span, (i + 1) * span) for i in numbers)


def tile_file():
    trees, bundles, bad_bundles = [], [], []
    for size in TILE_SIZES:
        listing, partials, full = b"", [], {}
        for level, index, width, data in tiles(size):
            path = tile_path(level, index, width)
            listing += f"{sha256(data).hex()}  {path}\n".encode()
            if width == 256:
                full[level] = full.get(level, 0) + 1
            else:
                partials.append({"path": path, "sha256": sha256(data).hex()})
        trees.append({"size": str(size), "root": aligned_root(0, size).hex(),
                      "full": [full[level] for level in sorted(full)], "partials": partials,
                      "listing": sha256(listing).hex()})
    paths = [{"path": tile_path(place, index, width), "level": str(place), "index": str(index),
              "width": width}
             for place, index, width in (
                 (0, 0, 256), (0, 0, 1), (0, 999, 256), (0, 1000, 256), (1, 273, 112),
                 (0, 1234067, 256), (0, 1234067, 8), (63, 5, 255), ("entries", 0, 256),
                 ("entries", 1234067, 17), (7, 10**6, 256), (0, 10**9 + 1, 200),
                 (0, 2**63 - 1, 256))]
    refused_paths = [
        "", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000",
        "tiles/0/000", "tile/00/000", "tile/01/000", "tile/64/000", "tile/-1/000", "tile/+1/000",
        "tile/data/000", "tile/entries", "tile/Entries/000", "tile/0/0", "tile/0/00", "tile/0/0000",
        "tile/0/x000", "tile/0/x000/000", "tile/0/x000/001", "tile/0/001/000", "tile/0/x001",
        "tile/0/x001/x000", "tile/0/X001/000", "tile/0/x01/000", "tile/0/ab1", "tile/0/-01",
        "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/257",
        "tile/0/000.p/01", "tile/0/000.p/+1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1",
        "tile/0/000/p/1", "tile/0/.p/1", "tile/0/000/1", "tile/0/000.q/1", "tile/8/0/000",
        "tile/0/x009/x223/x372/x036/x854/x775/808", "tile/0/" + "x999/" * 9 + "999",
        "tile/0/000 ", " tile/0/000", "tile/0/\u0660\u0660\u0660"]
    for entries in ([b""], [b"a"], [b"entry 0", b"", b"{}"], [b"x" * 300]):
        bundles.append({"entries": [item.hex() for item in entries], "bundle": b"".join(
            len(item).to_bytes(2, "big") + item for item in entries).hex()})
    for what, width, data in (("nothing", 1, b""), ("half a length", 1, b"\0"),
                              ("no entry behind a length", 1, b"\0\1"),
                              ("an entry cut off", 1, b"\0\5abcd"),
                              ("an entry too many", 1, b"\0\1a\0\1b"),
                              ("an entry too few", 3, b"\0\1a\0\1b"),
                              ("a byte behind", 1, b"\0\1ab"),
                              ("the lesser byte first", 1, b"\1\0a")):
        bad_bundles.append({"what": what, "width": width, "bundle": data.hex()})
    return {
        "about": "Tiles (c2sp.org/tlog-tiles). `trees`: how many `full` tiles each level has, and "
                 "the partial ones; `listing` is the SHA-256 of the lines `<sha256>  <path>` of all "
                 "tiles, levels ascending. Leaf i is SHA-256(00 || \"entry i\"). `paths`: level "
                 "(or entries), index and width. `bundles`: the bytes of a tile of entries.",
        "trees": trees, "paths": paths,
        "refused_paths": [{"path": path} for path in refused_paths],
        "bundles": bundles, "refused_bundles": bad_bundles}


FILES = {
    "inclusion-proofs": inclusion_file,
    "consistency-proofs": consistency_file,
    "signed-notes": note_file,
    "checkpoints": checkpoint_file,
    "tiles": tile_file,
}


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
