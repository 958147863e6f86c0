"""Durable appends of many writers, for tools/bench: in one process and on a server's socket."""

import json
import os
import signal
import subprocess
import time

WRITERS = 64
SECONDS = 8


def measure_append(report, programs, work):
    """One writer beside the bare write; many beside SQLite, in the same process and run."""
    operator = os.path.join(programs, "dispatch-ledger")
    bench = os.path.join(programs, "ledger-bench")
    ledger = os.path.join(work, "append")
    subprocess.run([operator, "init", "-q", "-C", ledger], check=True, stdout=subprocess.DEVNULL)

    def figures(part):
        return json.loads(subprocess.run(
            [bench, part, ledger, str(SECONDS), str(WRITERS)], check=True,
            stdout=subprocess.PIPE).stdout)

    found = figures("append")
    server = subprocess.Popen([operator, "serve", "-q", "-C", ledger])
    try:
        while not os.path.exists(os.path.join(ledger, "serve.sock")):
            time.sleep(0.01)
        found.update(figures("socket"))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()

    def p50(name):
        return found[name]["p50"] / 1e9

    def seconds(name):
        return 1 / max(1, found[name]["a_second"])

    def figure(name):
        values = found[name]
        return {"a_second": values["a_second"], "p50_seconds": values["p50"] / 1e9,
                "p99_seconds": values["p99"] / 1e9, "longest_seconds": values["longest"] / 1e9}

    def say(name, value, baseline, against, of):
        report(name, value, baseline, against, found[of]["a_second"] * SECONDS, 0, **figure(of))

    bare = "write and fdatasync of as many bytes into a file that is filled"
    say("append, one writer, lines", p50("writer"), p50("bare"), bare, "writer")
    say("append, one writer, calls", p50("call"), p50("bare"), bare, "call")
    say("append, one writer, socket", p50("socket_one"), p50("bare"), bare, "socket_one")
    one = f"SQLite (WAL, synchronous=FULL), {WRITERS} connections"
    group = f"SQLite behind a group commit, {WRITERS} tasks"
    for name, of in (("lines", "lines"), ("calls", "calls"), ("socket", "socket")):
        for against, baseline in ((one, "sqlite"), (group, "sqlite_group")):
            # Time for each: less than 1 is faster than what it stands beside.
            say(f"append, {WRITERS} writers, {name}", seconds(of), seconds(baseline), against, of)
    say("SQLite, one connection", p50("sqlite_one"), p50("bare"), bare, "sqlite_one")
    say(one, seconds("sqlite"), seconds("sqlite_one"), "one connection", "sqlite")
    say(group, seconds("sqlite_group"), seconds("sqlite"), one, "sqlite_group")
