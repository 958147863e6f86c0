#!/usr/bin/env python3
"""Runs a command on a terminal of a given size, and prints all that the terminal was sent.

usage: terminal.py [--columns N] [--lines N] [--await TEXT | --type TEXT]... COMMAND [ARGUMENT ...]

Steps are taken in their order: to await TEXT is to read until it has come since the step before; to
type TEXT is to press these keys, with \\t, \\r and \\x.. for those without a letter. The exit status is
the command's, or 254 where it didn't end, or didn't say what was awaited, in two minutes.
"""
import argparse
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


class Step(argparse.Action):
    def __call__(self, parser, namespace, value, option_string=None):
        text = value.encode().decode("unicode_escape").encode("latin-1")
        namespace.steps = namespace.steps + [(option_string, text)]


parser = argparse.ArgumentParser()
parser.add_argument("--columns", type=int, default=80)
parser.add_argument("--lines", type=int, default=24)
parser.add_argument("--await", dest="steps", action=Step, default=[])
parser.add_argument("--type", dest="steps", action=Step, default=[])
parser.add_argument("command", nargs=argparse.REMAINDER)
arguments = parser.parse_args()

process, terminal = pty.fork()
if process == 0:
    # The size is set before the command can ask for it.
    size = struct.pack("HHHH", arguments.lines, arguments.columns, 0, 0)
    fcntl.ioctl(0, termios.TIOCSWINSZ, size)
    os.execvp(arguments.command[0], arguments.command)

steps = arguments.steps
output, seen, over = bytearray(), 0, False
deadline = time.monotonic() + 120
while not over and time.monotonic() < deadline:
    while steps:
        kind, text = steps[0]
        if kind == "--type":
            os.write(terminal, text)
        else:
            place = output.find(text, seen)
            if place < 0:
                break
            seen = place + len(text)
        steps.pop(0)
    if select.select([terminal], [], [], 1)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: the command has ended.
            piece = b""
        output += piece
        over = not piece
if not over:
    os.kill(process, 9)
sys.stdout.buffer.write(output)
sys.stdout.flush()
_, status = os.waitpid(process, 0)
sys.exit(os.WEXITSTATUS(status) if over and os.WIFEXITED(status) and not steps else 254)
