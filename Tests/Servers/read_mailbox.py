#!/usr/bin/env python3
"""Reads the relay's mailbox with Python's own parser: `read_mailbox.py FILE COUNT`."""

import email.header
import email.policy
import email.utils
import json
import mailbox
import sys
import time

while True:
    box = mailbox.mbox(sys.argv[1])
    if len(box) >= int(sys.argv[2]):
        break
    time.sleep(0.05)

letters = []
for letter in box:
    raw = letter.as_bytes().split(b"\n\n", 1)
    ours = raw[0][raw[0].index(b"\nDate:"):].split(b"\n") + raw[1].split(b"\n")
    name = email.utils.parseaddr(letter["From"])[0]
    letters.append({
        "attempt": int(letter["Message-ID"].split("-")[1].split("@")[0]),
        "subject": str(email.header.make_header(email.header.decode_header(letter["Subject"]))),
        "from": str(email.header.make_header(email.header.decode_header(name))),
        "body": letter.get_payload(decode=True).decode(),
        "headers": letter.keys(),
        "longest": max(len(line) for line in ours),
    })
print(json.dumps(letters, separators=(",", ":"), ensure_ascii=False), end="")
