"""The views built again from the log, beside bare inserts of the rows that come of it; for tools/bench."""

import json
import os
import resource
import subprocess

RUNS = 3


def spent(arguments):
    """Seconds of processor time that a program takes, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = subprocess.run(arguments, check=True, stdout=subprocess.PIPE).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), printed


def measure_views(report, programs, work, ledger, events, size):
    """Processor time of both: they write the same file system, and neither waits for a disk."""
    operator = os.path.join(programs, "dispatch-ledger")
    bench = os.path.join(programs, "ledger-bench")
    views, copy = os.path.join(ledger, "index/views.db"), os.path.join(work, "inserts.db")
    rebuilds, inserts = [], []
    for _ in range(RUNS):
        rebuilds.append(spent([operator, "view", "rebuild", "-q", "-C", ledger])[0])
        found = json.loads(spent([bench, "inserts", views, copy])[1])
        inserts.append(found["nanoseconds"] / 1e9)
        for name in os.listdir(work):
            if name.startswith("inserts.db"):
                os.remove(os.path.join(work, name))
    rebuild, insert = min(rebuilds), min(inserts)
    report("view rebuild", rebuild, insert, "bare prepared inserts of the same rows", events, size,
           program_seconds=rebuild, inserts_seconds=insert, rows=found["rows"])
