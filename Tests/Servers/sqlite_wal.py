#!/usr/bin/env python3
"""SQLite's write-ahead log under the same damages as a ledger at rest: what is lost without a word.

usage: sqlite_wal.py [--every N] [--offset M]

Rows are committed one by one with synchronous=FULL and lie in the write-ahead log only. Each bit of it
is flipped, each length cut to, each sector blanked, one at a time; then the real library opens it. A row
that was committed and is gone counts as lost where neither opening nor integrity_check says anything.
Every Nth damage from the Mth on is done. Prints one JSON object of numbers.
"""

import argparse
import json
import os
import shutil
import sqlite3
import tempfile

ROWS = 16
SECTOR = 512


def make(directory):
    """The bytes of a database and its write-ahead log as a process that died left them."""
    path = os.path.join(directory, "made.db")
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA page_size=512")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, line TEXT NOT NULL)")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(ROWS):
        database.execute("INSERT INTO event VALUES (?, ?)", (number, "x" * (number * 37 % 90)))
    with open(path, "rb") as file, open(path + "-wal", "rb") as log:
        made = file.read(), log.read()
    database.close()
    return made


def damages(log):
    """Each damage: what it is, and the bytes that it leaves."""
    total = len(log) * 8 + len(log) + len(log) // SECTOR

    def damaged(number):
        if number < len(log) * 8:
            changed = bytearray(log)
            changed[number // 8] ^= 1 << number % 8
            return bytes(changed)
        number -= len(log) * 8
        if number < len(log):
            return log[:number]
        start = (number - len(log)) * SECTOR
        return log[:start] + bytes(SECTOR) + log[start + SECTOR:]

    return total, damaged


def look(directory, content, log):
    """The rows that are left, and whether SQLite says that something is wrong."""
    path = os.path.join(directory, "found.db")
    for name, data in ((path, content), (path + "-wal", log)):
        with open(name, "wb") as file:
            file.write(data)
    if os.path.exists(path + "-shm"):
        os.remove(path + "-shm")
    try:
        database = sqlite3.connect(path)
        try:
            count = database.execute("SELECT count(*) FROM event").fetchone()[0]
            checks = database.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            database.close()
        return count, checks != "ok"
    except sqlite3.DatabaseError:
        return 0, True


def main():
    parser = argparse.ArgumentParser(add_help=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--offset", type=int, default=0)
    options = parser.parse_args()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    directory = tempfile.mkdtemp(prefix="torture-", dir=memory)
    tally = {"runs": 0, "flips": 0, "lost": 0, "rows": 0, "said": 0}
    try:
        content, log = make(directory)
        total, damaged = damages(log)
        for number in range(options.offset, total, options.every):
            count, has_said = look(directory, content, damaged(number))
            tally["runs"] += 1
            tally["flips"] += 1
            tally["said"] += has_said
            if not has_said and count < ROWS:
                tally["lost"] += 1
                tally["rows"] += ROWS - count
    finally:
        shutil.rmtree(directory)
    print(json.dumps(tally))


if __name__ == "__main__":
    main()
