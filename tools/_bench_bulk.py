"""Many lines a commit, and folds of all events, for tools/bench: each beside SQLite in the same run."""

import json
import os
import subprocess
import tempfile

LINES = 1_000
SECONDS = 16

COUNTER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
static atomic_ulong calls;
static void *(*next_malloc)(size_t);
static void *(*next_realloc)(void *, size_t);
static int (*next_memalign)(void **, size_t, size_t);
void *malloc(size_t n) {
  if (!next_malloc) next_malloc = dlsym(RTLD_NEXT, "malloc");
  atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  return next_malloc(n);
}
void *realloc(void *p, size_t n) {
  if (!next_realloc) next_realloc = dlsym(RTLD_NEXT, "realloc");
  atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  return next_realloc(p, n);
}
int posix_memalign(void **p, size_t a, size_t n) {
  if (!next_memalign) next_memalign = dlsym(RTLD_NEXT, "posix_memalign");
  atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
  return next_memalign(p, a, n);
}
__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("ALLOCATIONS_FILE");
  FILE *file = path ? fopen(path, "w") : 0;
  if (file) { fprintf(file, "%lu", (unsigned long)calls); fclose(file); }
}
"""


def measure_bulk(report, programs, work):
    """Commits of a thousand lines: the log alone, and with the next made ready meanwhile."""
    operator = os.path.join(programs, "dispatch-ledger")
    ledger = os.path.join(work, "bulk")
    subprocess.run([operator, "init", "-q", "-C", ledger], check=True, stdout=subprocess.DEVNULL)
    found = json.loads(subprocess.run(
        [os.path.join(programs, "ledger-bench"), "bulk", ledger, str(SECONDS), str(LINES)],
        check=True, stdout=subprocess.PIPE).stdout)

    def say(name, of, against, baseline, per="p50"):
        # Time, so that less than 1 is faster; processor time beside it is of all processors.
        report(name, found[of][per] / 1e9, found[baseline][per] / 1e9, against, LINES, 400,
               a_second=found[of]["a_second"] * LINES, p50_seconds=found[of]["p50"] / 1e9,
               processor_nanoseconds_a_line=found[of]["processor"] / 1e3)

    bare = "write and fdatasync of as many bytes into a file that is filled"
    rows = "SQLite (WAL, synchronous=FULL), a transaction for as many rows"
    for name, of in (("one after the other", "log"), ("pipelined", "pipeline")):
        say(f"append, {LINES} lines a commit, {name}", of, bare, "bare")
        say(f"append, {LINES} lines a commit, {name}", of, rows, "sqlite")
        say(f"append, {LINES} lines a commit, {name}, processor", of, rows, "sqlite", "processor")
    say(rows, "sqlite", bare, "bare")


def measure_fold(report, programs, work, ledger, events):
    """Folds of a ledger, checksums included, and what they allocate."""
    found = json.loads(subprocess.run(
        [os.path.join(programs, "ledger-bench"), "fold", ledger, os.path.join(work, "fold.db")],
        check=True, stdout=subprocess.PIPE).stdout)
    scan = "SQLite's step over all rows, their columns and lines read"
    for name in ("verify", "fold_type", "fold_dispatch", "fold_user", "fold_channel",
                 "sqlite_columns", "sqlite_group_type", "sqlite_group_dispatch"):
        report(name.replace("_", ", by ", 1) if name.startswith("fold") else name,
               found[name]["wall"], found["sqlite_scan"]["wall"], scan, found["events"], 0,
               nanoseconds_an_event=found[name]["wall"] / 1e3,
               processor_nanoseconds_an_event=found[name]["processor"] / 1e3,
               scan_nanoseconds_an_event=found["sqlite_scan"]["wall"] / 1e3)
    auditor = os.path.join(programs, "ledger-audit")
    with tempfile.TemporaryDirectory(dir=work) as folder:
        library = os.path.join(folder, "counter.so")
        subprocess.run(["clang", "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", library, "-ldl"],
                       input=COUNTER, text=True, check=True)
        path = os.path.join(folder, "count")
        for name, command in (("verify", ["verify"]), ("count", ["count"]),
                              ("count, by dispatch", ["count", "--by", "dispatch"]),
                              ("count, by user", ["count", "--by", "user"])):
            arguments = [auditor, *command, "-C", ledger]
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, env={
                **os.environ, "LD_PRELOAD": library, "ALLOCATIONS_FILE": path})
            with open(path, encoding="ascii") as file:
                calls = int(file.read())
            report(f"{name}: allocations an event", calls / events, 0.001, "0.001", events, 0,
                   allocations=calls, peak_kilobytes=peak(arguments))


def peak(arguments):
    """The most memory that a program has at once, in kilobytes."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, arguments)
    return usage.ru_maxrss
