#!/usr/bin/env python3
"""Damages a copy of a ledger as a story under ledger/damaged says, one operation a line.

usage: damage-ledger.py LEDGER STORY COPY

  flip PATH OFFSET BIT     cut PATH LENGTH        append PATH TEXT (\\n and \\0 are bytes)
  remove PATH              copy PATH PATH         drop PATH FROM TO
  swap PATH A B C          the bytes A to B behind the bytes B to C
  fill PATH FROM TO \\n|\\0  these bytes with newlines or zeros, beyond the file's end too
  put PATH OFFSET TEXT     these bytes in place of those that stand there
  move PATH PATH
"""

import os
import shutil
import sys


def text_of(word: str) -> bytes:
    return word.replace("\\n", "\n").replace("\\0", "\0").encode()


def apply(copy: str, line: str) -> None:
    word, path, *rest = line.split(" ", {"append": 2, "put": 3}.get(line.split(" ")[0], -1))
    path = os.path.join(copy, path)
    if word == "remove":
        os.remove(path)
        return
    if word == "move":
        os.rename(path, os.path.join(copy, rest[0]))
        return
    if word == "copy":
        shutil.copyfile(path, os.path.join(copy, rest[0]))
        return
    with open(path, "rb") as file:
        data = bytearray(file.read())
    numbers = [int(number) for number in rest if number.isdigit()]
    if word == "flip":
        data[numbers[0]] ^= 1 << numbers[1]
    elif word == "cut":
        del data[numbers[0]:]
    elif word == "append":
        data += text_of(rest[0])
    elif word == "put":
        data[numbers[0]:numbers[0] + len(text_of(rest[1]))] = text_of(rest[1])
    elif word == "fill":
        start, end = numbers
        data += bytes(max(0, end - len(data)))
        data[start:end] = text_of(rest[2]) * (end - start)
    elif word == "drop":
        del data[numbers[0]:numbers[1]]
    elif word == "swap":
        a, b, c = numbers
        data[a:c] = data[b:c] + data[a:b]
    else:
        raise ValueError(f"no such operation: {line}")
    with open(path, "wb") as file:
        file.write(data)


def main(arguments: list) -> int:
    if len(arguments) != 3:
        sys.stderr.write((__doc__ or "").lstrip())
        return 0 if arguments in (["--help"], ["-h"]) else 64
    ledger, story, copy = arguments
    shutil.copytree(ledger, copy)
    with open(os.path.join(story, "damage"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            apply(copy, line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
