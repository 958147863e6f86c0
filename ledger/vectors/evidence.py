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


# Proofs in one file (c2sp.org/tlog-proof)

def hash_lines(hashes):
    return "".join(base64(item) + "\n" for item in hashes)


def proof_text(index, hashes, note, extra=None):
    line = "" if extra is None else f"extra {base64(extra)}\n"
    return f"c2sp.org/tlog-proof@v1\n{line}index {index}\n{hash_lines(hashes)}\n{note}"


def proof_file():
    good, bad = [], []
    keys = {"logs": [LOG.vkey], "cosigners": [W1.vkey, W2.vkey]}

    def accept(what, size, index, *cosigners, extra=None, key=LOG, **others):
        note = checkpoint(size, *cosigners, key=key)
        text = proof_text(index, path(index, LEAVES[:size]), note, extra)
        more = {} if extra is None else {"extra": extra.hex()}
        good.append({"what": what, "proof": text, **keys, **others, "leaf": LEAVES[index].hex(),
                     "index": str(index), "size": str(size), **more,
                     "cosigned": [signer(w.vkey, TIME) for w in cosigners if w is not W3]})

    def refuse(what, why, text, leaf=LEAVES[37], **others):
        bad.append({"what": what, "why": why, "proof": text, **keys, **others, "leaf": leaf.hex()})

    for size, index in ((1, 0), (2, 1), (42, 0), (42, 37), (42, 41), (256, 255), (300, 299)):
        accept(f"leaf {index} of {size}", size, index)
    accept("two witnesses", 42, 37, W1, W2)
    accept("a witness that isn't known", 42, 37, W3, W2)
    accept("extra bytes", 42, 37, extra=b"anything \0\xff")
    accept("no extra bytes, but their line", 42, 37, extra=b"")
    accept("an origin beyond ASCII", 42, 37, key=KOELN, logs=[KOELN.vkey])

    hashes, note = path(37, LEAVES[:42]), checkpoint(42, W1)
    text = proof_text(37, hashes, note)
    refuse("another leaf", "not in the tree", text, leaf=LEAVES[36])
    refuse("another index", "not in the tree", proof_text(36, hashes, note))
    refuse("an index beyond the size", "not in the tree", proof_text(42, hashes, note))
    refuse("the greatest index", "not in the tree", proof_text(2**63 - 1, hashes, note))
    refuse("a hash missing", "not in the tree", proof_text(37, hashes[1:], note))
    refuse("no hashes", "not in the tree", proof_text(37, [], note))
    refuse("a hash too many", "not in the tree", proof_text(37, hashes + [stranger("x")], note))
    refuse("sixty-three hashes", "not in the tree",
           proof_text(37, (hashes * 20)[:63], note))
    refuse("a checkpoint of another size", "not in the tree", proof_text(37, hashes,
                                                                         checkpoint(200)))
    refuse("another tree of that size", "not in the tree",
           proof_text(37, hashes, checkpoint(42, tree_root=stranger("root"))))
    refuse("a checkpoint that nobody signed whose key is known", "no known signature",
           proof_text(37, hashes, signed_note(head_text(42), STRANGE)))
    refuse("a checkpoint of another log", "unknown origin",
           proof_text(37, hashes, checkpoint(42, key=OTHER)))
    refuse("witnesses without the log", "not signed by the log",
           proof_text(37, hashes, signed_note(head_text(42), W1.line(head_text(42), TIME))))
    refuse("a false signature", "false signature",
           proof_text(37, hashes, signed_note(head_text(42), LOG.line(head_text(41)))))
    refuse("sixty-four hashes", "malformed", proof_text(37, (hashes * 20)[:64], note))
    refuse("nothing", "malformed", "")
    refuse("the checkpoint alone", "malformed", note)
    refuse("no checkpoint", "malformed", text[:text.index("\n\n") + 2])
    for what, old, new in (
            ("another version", "@v1", "@v2"), ("a space behind the title", "@v1\n", "@v1 \n"),
            ("no index", "index 37\n", ""), ("an index with a zero before", "index 37", "index 037"),
            ("an index beyond 2^63 - 1", "index 37", f"index {2**63}"),
            ("no number", "index 37", "index "), ("two spaces", "index 37", "index  37"),
            ("a capital", "index 37", "Index 37"), ("a size too", "index 37", "index 37\nsize 42"),
            ("an extra line behind the index", "index 37", "index 37\nextra AA=="),
            ("two extra lines", "index 37", "extra AA==\nextra AA==\nindex 37"),
            ("an extra line that isn't base 64", "index 37", "extra A\nindex 37"),
            ("an extra line without bytes and space", "index 37", "extra\nindex 37"),
            ("a hash of 31 bytes", hash_lines(hashes[:1]), base64(bytes(31)) + "\n"),
            ("a hash in hex", hash_lines(hashes[:1]), hashes[0].hex() + "\n"),
            ("a space behind a hash", hash_lines(hashes[:1]), base64(hashes[0]) + " \n"),
            ("carriage returns", "\n", "\r\n"),
            ("two empty lines", "\n\nexample", "\n\n\nexample")):
        refuse(what, "malformed", text.replace(old, new, 1 if new != "\r\n" else -1))
    refuse("no empty line", "malformed", text.replace("\n\n", "\n", 1))
    refuse("a newline missing at the end", "malformed", text[:-1])
    return {
        "about": "Proofs that an entry is in a log (c2sp.org/tlog-proof): the tree of the "
                 "checkpoint has the leaf hash `leaf` at `index`. Keys as in checkpoints.json; "
                 "`why` is also: not in the tree.",
        "vectors": good, "refused": bad}


# Witnesses (c2sp.org/tlog-witness)

def request_text(old, hashes, note):
    return f"old {old}\n{hash_lines(hashes)}\n{note}"


def witness_file():
    cases = []
    trees = {"fork": LEAVES[:10] + [stranger("leaf")] + LEAVES[11:]}

    def case(what, request, status, known=None, answer=None, body=None, logs=None):
        entry_ = {"what": what, "request": request, "status": status,
                  "logs": logs or [LOG.vkey, KOELN.vkey]}
        if known:
            entry_["known"] = {"size": str(known[0]), "root": known[1].hex()}
        if answer:
            entry_["answer"] = answer
        if body is not None:
            entry_["known_size"] = body
        cases.append(entry_)

    def cosigned(what, old, new, known, key=LOG, extensions=""):
        text = head_text(new, origin=key.name, extensions=extensions)
        hashes = subproof(old, LEAVES[:new], True) if old > 0 else []
        case(what, request_text(old, hashes, signed_note(text, key.line(text))), 200, known,
             W1.line(text, TIME))

    def state(size, leaves=None):
        return size, root((leaves or LEAVES)[:size])

    def proof(old, new, leaves=None):
        return subproof(old, (leaves or LEAVES)[:new], True)

    cosigned("the first checkpoint", 0, 42, None)
    cosigned("the first checkpoint, of one event", 0, 1, None)
    cosigned("the first checkpoint, of no events", 0, 0, None)
    cosigned("the first events after a checkpoint of none", 0, 7, state(0))
    cosigned("a checkpoint of no events again", 0, 0, state(0))
    cosigned("growth", 42, 100, state(42))
    cosigned("growth from a power of two", 64, 100, state(64))
    cosigned("growth by one", 42, 43, state(42))
    cosigned("the same tree again", 42, 42, state(42))
    cosigned("a log with a name beyond ASCII", 3, 9, state(3), key=KOELN)
    cosigned("extension lines are cosigned too", 3, 9, state(3), extensions="one\n")
    text = head_text(42)
    note = signed_note(text, LOG.line(text))
    case("other signatures are ignored", request_text(
        7, proof(7, 42), signed_note(text, STRANGE, OTHER.line(text), LOG.line(text))),
         200, state(7), W1.line(text, TIME))

    right = request_text(7, proof(7, 42), note)
    case("an unknown log", request_text(7, proof(7, 42), checkpoint(42, key=OTHER)), 404, state(7))
    case("no log is known but another", right, 404, state(7), logs=[KOELN.vkey])
    case("no known signature", request_text(7, proof(7, 42), signed_note(text, STRANGE)), 403,
         state(7))
    case("another key of the log", request_text(7, proof(7, 42), signed_note(
        text, LOG2.line(text))), 403, state(7))
    case("a false signature", request_text(7, proof(7, 42), signed_note(
        text, LOG.line(head_text(41)))), 403, state(7))
    case("the signature of another known log", request_text(7, proof(7, 42), signed_note(
        text, KOELN.line(text))), 403, state(7))
    case("an old size greater than the new one", request_text(43, [], note), 400, state(43))
    case("an old size greater than the new one, and unknown", request_text(43, [], note), 400,
         state(7))
    case("an old size that isn't the known one", request_text(8, proof(8, 42), note), 409,
         state(7), body="7")
    case("an old size where nothing is known", right, 409, None, body="0")
    case("old size 0 where something is known", request_text(0, [], note), 409, state(7), body="7")
    case("a smaller tree than the known one", request_text(7, proof(7, 42), note), 409, state(43),
         body="43")
    case("another root of the known size", request_text(
        42, [], checkpoint(42, tree_root=root(trees["fork"][:42]))), 409, state(42))
    case("another root of the known size, with a proof", request_text(
        42, proof(7, 42), checkpoint(42, tree_root=root(trees["fork"][:42]))), 409, state(42))
    case("a fork, with its own proof", request_text(
        20, proof(20, 42, trees["fork"]), checkpoint(42, tree_root=root(trees["fork"][:42]))), 422,
         state(20))
    case("a fork, with the true proof", request_text(
        20, proof(20, 42), checkpoint(42, tree_root=root(trees["fork"][:42]))), 422, state(20))
    case("no proof", request_text(7, [], note), 422, state(7))
    case("a hash too many", request_text(7, proof(7, 42) + [stranger("x")], note), 422, state(7))
    case("a hash missing", request_text(7, proof(7, 42)[1:], note), 422, state(7))
    case("a hash changed", request_text(
        7, [flipped(proof(7, 42)[0], 5)] + proof(7, 42)[1:], note), 422, state(7))
    case("sixty-three hashes", request_text(7, (proof(7, 42) * 20)[:63], note), 422, state(7))
    case("a proof from nothing", request_text(0, [stranger("x")], note), 422, None)
    case("a proof from a checkpoint of no events", request_text(0, [stranger("x")], note), 422,
         state(0))
    case("a proof to the same tree", request_text(42, [stranger("x")], note), 422, state(42))
    case("no events with another root", request_text(
        0, [], checkpoint(0, tree_root=stranger("root"))), 422, None)
    case("no events with another root, after none", request_text(
        0, [], checkpoint(0, tree_root=stranger("root"))), 409, state(0))
    for what, request in (
            ("nothing", ""), ("the checkpoint alone", note),
            ("no empty line", f"old 7\n{hash_lines(proof(7, 42))}{note}"),
            ("no checkpoint", f"old 7\n{hash_lines(proof(7, 42))}\n"),
            ("sixty-four hashes", request_text(7, (proof(7, 42) * 20)[:64], note)),
            ("a zero before the size", request_text("07", proof(7, 42), note)),
            ("no size", request_text("", proof(7, 42), note)),
            ("a negative size", request_text("-1", [], note)),
            ("a size beyond 2^63 - 1", request_text(2**63, [], note)),
            ("two spaces", request_text(" 7", proof(7, 42), note)),
            ("a capital", right.replace("old", "Old", 1)),
            ("carriage returns", right.replace("\n", "\r\n")),
            ("a hash of 31 bytes", request_text(7, [bytes(31)], note)),
            ("a hash without padding", right.replace("=\n", "\n", 1)),
            ("a note that is no checkpoint", request_text(0, [], signed_note(
                "A text.\n", LOG.line("A text.\n")))),
            ("a checkpoint without signatures", request_text(7, proof(7, 42), text)),
            ("no newline at the end", right[:-1])):
        case(what, request, 400, state(7))
    return {
        "about": "Requests to a witness (c2sp.org/tlog-witness, add-checkpoint). It knows the keys "
                 "`logs`, and for the origin the head `known`; where that is absent it never "
                 "cosigned. 200: `answer` is its line, and the checkpoint's head is stored; else "
                 "`status` is the refusal's, and `known_size` the body of a 409.",
        "witness": {"key": W1.vkey, "seed": W1.seed.hex(), "time": str(TIME)}, "requests": cases}


# Policies (c2sp.org/tlog-policy)

def policy_file():
    good, bad = [], []
    witnesses = (f"witness w1 {W1.vkey}\nwitness w2 {W2.vkey} https://w2.example/\n"
                 f"witness w3 {W3.vkey}\n")
    everyone = [W1, W2, W3]
    unknown = "x+01020304+" + base64(b"\6" + bytes(1312))

    def sets(wanted):
        """A verdict for each set of witnesses that may have cosigned."""
        for bits in range(8):
            chosen = [w for i, w in enumerate(everyone) if bits >> i & 1]
            yield {"note": checkpoint(42, *chosen), "valid": wanted(*(w in chosen for w in everyone))}

    def accept(what, text, wanted):
        good.append({"what": what, "policy": text, "notes": list(sets(wanted))})

    def refuse(what, text, line_):
        bad.append({"what": what, "policy": text, "line": line_})

    start = f"log {LOG.vkey}\n" + witnesses
    accept("no witnesses", f"log {LOG.vkey}\nquorum none\n", lambda a, b, c: True)
    accept("witnesses that aren't needed", start + "quorum none\n", lambda a, b, c: True)
    accept("one witness", start + "quorum w2\n", lambda a, b, c: b)
    accept("any", start + "group g any w1 w2 w3\nquorum g\n", lambda a, b, c: a or b or c)
    accept("all", start + "group g all w1 w2 w3\nquorum g\n", lambda a, b, c: a and b and c)
    accept("two of three", start + "group g 2 w1 w2 w3\nquorum g\n",
           lambda a, b, c: a + b + c >= 2)
    accept("one of one", start + "group g 1 w3\nquorum g\n", lambda a, b, c: c)
    accept("groups of groups",
           start + "group x any w1 w2\ngroup y all w3\ngroup z all x y\nquorum z\n",
           lambda a, b, c: (a or b) and c)
    accept("a group that isn't in the quorum", start + "group g all w1 w2\nquorum w3\n",
           lambda a, b, c: c)
    accept("spaces, tabs, comments, empty lines, lines behind the quorum",
           f"# a policy\n\n \t\n\t# more\n  log\t{LOG.vkey}  https://log.example/x \n{witnesses}"
           f"group  g\tany w1\t w2\nquorum g\t\nlog {OTHER.vkey}\ngroup h all w3\n#end\n",
           lambda a, b, c: a or b)
    accept("names beyond ASCII, and like keywords",
           f"log {LOG.vkey}\nwitness \u00e9 {W1.vkey}\nwitness e\u0301 {W2.vkey}\n"
           f"witness quorum {W3.vkey} \u65e5\ngroup all all \u00e9 quorum\nquorum all\n",
           lambda a, b, c: a and c)
    accept("a witness of a type that nobody here knows",
           start + f"witness m {unknown}\n"
           "group g 2 w1 w2 m\nquorum g\n", lambda a, b, c: a and b)
    accept("a log of another name doesn't count", f"log {OTHER.vkey}\nquorum none\n",
           lambda a, b, c: False)
    accept("the next key of the log", f"log {LOG2.vkey}\nlog {LOG.vkey}\nquorum none\n",
           lambda a, b, c: True)

    count = 5
    refuse("nothing", "", 1)
    refuse("no quorum", start, count)
    refuse("two quorums", start + "quorum w1\nquorum w1\n", count + 1)
    refuse("two quorums, both none", start + "quorum none\nquorum none\n", count + 1)
    refuse("no newline at the end", start + "quorum w1", count)
    for what, text in (
            ("an unknown quorum", "quorum w4"), ("a quorum without a name", "quorum"),
            ("a quorum of two names", "quorum w1 w2"), ("an unknown word", "threshold 2"),
            ("a capital", "Quorum w1"), ("a carriage return", "quorum w1\r"),
            ("a form feed", "quorum\fw1"), ("DEL", "quorum w1 \x7f"), ("a zero byte", "#\0"),
            ("a comment behind", "quorum w1 # it"),
            ("an unknown member", "group g any w1 w4"), ("none as a member", "group g any none"),
            ("a group that holds itself", "group g any w1 g"), ("a member twice", "group g any w1 w1"),
            ("no members", "group g any"), ("no threshold", "group g"), ("no name", "group"),
            ("a threshold of none", "group g 0 w1"), ("a threshold too great", "group g 3 w1 w2"),
            ("a threshold with a zero before", "group g 01 w1"), ("a sign", "group g +1 w1"),
            ("a threshold in another word", "group g most w1 w2"),
            ("a threshold beyond all", f"group g {2**64} w1"), ("ALL", "group g ALL w1"),
            ("a name that is taken", "group w1 any w2"), ("none as a name", "group none any w1"),
            ("a witness called none", f"witness none {Key('w', 'w4', 4).vkey}"),
            ("a witness's name that is taken", f"witness w1 {Key('w', 'w4', 4).vkey}"),
            ("a witness's key twice", f"witness w4 {W1.vkey}"),
            ("a witness's key under another name", f"witness w4 {Key('w', 'witness 1', 4).vkey}"),
            ("a log's key as a witness's", f"witness w4 {Key('w', 'w4').vkey}"),
            ("a witness without a key", "witness w4"), ("a witness's key alone", f"witness {W1.vkey}"),
            ("four words for a witness", f"witness w4 {Key('w', 'w4', 4).vkey} url more"),
            ("a log without a key", "log"), ("a log's key twice", f"log {LOG.vkey}"),
            ("a log's key under another name", f"log {Key('x', 'log').vkey}"),
            ("three words for a log", f"log {OTHER.vkey} url more"),
            ("a key with another id", f"log {OTHER.vkey.replace(OTHER.id.hex(), '00000000')}"),
            ("half a key", f"log {OTHER.vkey[:-8]}")):
        refuse(what, start + text + "\nquorum w1\n", count)
    refuse("a member of two groups",
           start + "group g any w1 w2\ngroup h any w1 w3\nquorum g\n", count + 1)
    refuse("a group that is a member of two",
           start + "group g any w1\ngroup h any g w2\ngroup i any g w3\nquorum h\n", count + 2)
    refuse("a group before its member", f"log {LOG.vkey}\ngroup g any w1\n{witnesses}quorum g\n", 2)
    refuse("a quorum before its group", f"quorum g\n{start}group g any w1\n", 1)
    refuse("two groups that hold each other",
           start + "group g any h\ngroup h any g\nquorum g\n", count)
    return {
        "about": "Policies (c2sp.org/tlog-policy): each of `notes` is `valid` by the policy, or "
                 "isn't. A refused one is malformed at `line`.",
        "vectors": good, "refused": bad}


FILES = {
    "inclusion-proofs": inclusion_file,
    "consistency-proofs": consistency_file,
    "signed-notes": note_file,
    "checkpoints": checkpoint_file,
    "tiles": tile_file,
    "event-proofs": proof_file,
    "witness-requests": witness_file,
    "policies": policy_file,
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
