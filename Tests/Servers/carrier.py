#!/usr/bin/env python3
"""A command that carries notices; what it does with one, the address says."""

import json
import os
import sys

for line in sys.stdin:
    message = json.loads(line)
    attempt, address = message["attempt"], message["address"]
    if address == "die":
        os._exit(3)
    if address == "silent":
        continue
    if address == "nonsense":
        print("hello")
        print(json.dumps({"attempt": "1", "outcome": "accepted"}))
        print(json.dumps({"attempt": attempt, "outcome": "accepted", "colour": "red"}))
    if address == "flood":
        print("x" * 70000, end="", flush=True)
        continue
    if address == "refused":
        print(json.dumps({"attempt": attempt, "outcome": "failed", "code": "E7", "retryable": False}))
    else:
        notice = message["notice"]
        print(json.dumps({"attempt": attempt, "outcome": "delivered", "evidence": 3,
                          "provider_id": f"{notice['id']} {os.getpid()}",
                          "occurred_at": "2026-11-23T17:23:58.000000Z", "detail": address}))
    sys.stdout.flush()
