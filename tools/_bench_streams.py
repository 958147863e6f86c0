"""The history of one dispatch, for tools/bench: whole commands, and in process beside SQLite."""

import json
import os
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import time

SUBJECTS = 3_000
RUNS = 41


def _spent(arguments):
    """Wall and processor seconds of a program."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def _database(auditor, ledger, path):
    """All events in a table with an index on their subjects; returns how many there are, and
    the subjects of dispatches."""
    if os.path.exists(path):
        os.remove(path)
    events = subprocess.Popen([auditor, "log", "--json", "--no-pager", "-C", ledger],
                              stdout=subprocess.PIPE)
    with sqlite3.connect(path) as database:
        database.execute("create table event (id integer primary key, subject text, line text)")

        def rows():
            for line in events.stdout:
                event = json.loads(line)
                yield int(event["id"]), event["subject"], line.decode().rstrip("\n")

        database.executemany("insert into event values (?, ?, ?)", rows())
        database.execute("create index event_subject on event (subject, id)")
        subjects = [subject for subject, in database.execute(
            "select distinct subject from event where subject like 'dispatch/%'")]
        (size,), = database.execute("select count(*) from event")
    if events.wait() != 0:
        raise SystemExit("tools/bench: ledger-audit log failed")
    return size, subjects


def _copy(programs, ledger, target, how):
    """The same events again; picoseconds that appending and indexing one took."""
    os.makedirs(target)
    shutil.copy(os.path.join(ledger, "LEDGER"), target)
    return json.loads(subprocess.run(
        [os.path.join(programs, "ledger-bench"), "copy", ledger, target, how],
        check=True, stdout=subprocess.PIPE).stdout)


def measure_streams(report, make_ledger, programs, work, events, keep):
    """One dispatch of a ledger of so many events, of one of a tenth of them, and of small commits."""
    operator = os.path.join(programs, "dispatch-ledger")
    large = keep or os.path.join(work, "streams")
    tenth = os.path.join(work, "streams-tenth")
    for ledger, count in ((tenth, events // 10), (large, events)):
        if not os.path.exists(os.path.join(ledger, "LEDGER")):
            make_ledger(programs, ledger, count)
        # Who writes makes what indexes are missing.
        subprocess.run([operator, "status", "-C", ledger], check=True, stdout=subprocess.DEVNULL)
    small = os.path.join(work, "streams-small")
    for target, how in ((os.path.join(work, "streams-whole"), "whole"), (small, "split")):
        spent = _copy(programs, large, target, how)
        report(f"the log's appending with stream indexes, processor, commits {how}",
               spent["append"] + spent["index"], spent["append"], "the same without them", events,
               0, commits=spent["commits"], append_nanoseconds=spent["append"] / 1e3,
               index_nanoseconds=spent["index"] / 1e3)
    measure_checks(report, programs, large, events)
    for ledger, name in ((tenth, "a tenth"), (large, "large commits"), (small, "small commits")):
        measure_dispatch(report, programs, work, ledger, name)


def measure_checks(report, programs, ledger, events):
    """What the indexes add to verify."""
    verify = [os.path.join(programs, "ledger-audit"), "verify", "-C", ledger]
    folder, aside = os.path.join(ledger, "index", "streams"), os.path.join(ledger, "index", "aside")
    runs = []
    for _ in range(11):
        with_them = _spent(verify)
        os.rename(folder, aside)
        try:
            runs.append((with_them, _spent(verify)))
        finally:
            os.rename(aside, folder)
    (wall, spent), (other, other_spent) = (
        [statistics.median(values) for values in zip(*column)] for column in zip(*runs))
    report("verify with stream indexes, processor", spent, other_spent, "verify without them",
           events, 0, wall_seconds=wall, wall_seconds_without=other, processor_seconds=spent,
           processor_seconds_without=other_spent)


def measure_dispatch(report, programs, work, ledger, kind):
    """One dispatch in process and by whole commands, beside SQLite with the same lines."""
    auditor = os.path.join(programs, "ledger-audit")
    log = os.path.join(ledger, "log")
    length = sum(os.path.getsize(os.path.join(log, name)) for name in os.listdir(log))
    database = os.path.join(work, "streams.db")
    size, subjects = _database(auditor, ledger, database)
    # In no order, as they are asked for.
    chosen = random.Random(1).sample(subjects, min(SUBJECTS, len(subjects)))
    found = json.loads(subprocess.run(
        [os.path.join(programs, "ledger-bench"), "streams", ledger, database], check=True,
        input="".join(f"{subject}\n" for subject in chosen).encode(),
        stdout=subprocess.PIPE).stdout)
    ours, sqlite = found["index"]["p50"] / 1e9, found["sqlite"]["p50"] / 1e9
    report(f"history of one dispatch, in process, {kind}", ours, sqlite,
           "SQLite's indexed read of the same lines", size, length,
           p50_seconds=ours, p99_seconds=found["index"]["p99"] / 1e9,
           sqlite_p50_seconds=sqlite, sqlite_p99_seconds=found["sqlite"]["p99"] / 1e9,
           events_a_dispatch=found["events"] / found["subjects"])
    identity = subjects[len(subjects) // 2].removeprefix("dispatch/")
    query = f"select line from event where subject = 'dispatch/{identity}' order by id"
    for name, arguments in (
            ("replay", [auditor, "replay", identity]),
            ("show dispatch", [auditor, "show", "dispatch", identity]),
            ("log --dispatch", [auditor, "log", "--dispatch", identity, "--json"])):
        runs = []
        for _ in range(RUNS):
            runs.append((_spent([*arguments, "-C", ledger]),
                         _spent(["sqlite3", "-readonly", database, query])))
        (wall, spent), (other, other_spent) = (
            [statistics.median(values) for values in zip(*column)] for column in zip(*runs))
        report(f"{name} of one dispatch, {kind}", wall, other,
               "sqlite3 that prints the same lines", size, length, wall_seconds=wall,
               processor_seconds=spent, sqlite3_wall_seconds=other,
               sqlite3_processor_seconds=other_spent)
