"""Runs the tests under the address sanitizer, and those with threads under the thread sanitizer: the
part `sanitizers` of tools/torture."""

import os
import random
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KINDS = ("address", "thread")
# Where there are threads that share anything.
THREADED = ("ChannelsTests.", "ExportTests.", "LedgerTests.", "ParquetTests.", "PlatformTests.")
# What can't run so, and why. A test of the whole programs runs them as they were built here.
LEFT_OUT = {
    # They run programs with a gigabyte of addresses, and the sanitizer's shadow takes terabytes.
    "address": [r"HostileWorldTests/(sparse|depth|claims)\("],
    "thread": [],
}
# No suite takes longer on a machine that does nothing else.
SUITE_SECONDS = 1_800

STOP = threading.Event()


def command(kind, *arguments):
    return ["swift", *arguments, "-c", "release", "--package-path", ROOT, f"--sanitize={kind}",
            "--scratch-path", os.path.join(ROOT, f".build-{kind}")]


def build():
    for kind in KINDS:
        subprocess.run(command(kind, "build", "--build-tests"), check=True, stdout=sys.stderr)


def suites(kind):
    """The tests that run under a sanitizer, by their suites."""
    listed = subprocess.run([*command(kind, "test", "list"), "--skip-build"], check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    found = {}
    for test in listed.splitlines():
        suite, _, name = test.rpartition("/")
        if not suite or kind == "thread" and not test.startswith(THREADED):
            continue
        if any(re.search(pattern, test) for pattern in LEFT_OUT[kind]):
            continue
        found.setdefault(suite, []).append(name)
    return found


def run(kind, tests, seed, deadline):
    """Runs suite by suite, in an order that the seed gives, until the deadline has passed."""
    order = sorted(tests)
    random.Random(seed).shuffle(order)
    # Swift frees nothing at its end, which the search for leaks would tell of; and what it prints of
    # crashes would come before the sanitizer.
    options = {"address": "ASAN_OPTIONS", "thread": "TSAN_OPTIONS"}[kind]
    settings = {"address": "detect_leaks=0", "thread": "halt_on_error=0"}[kind]
    environment = {**os.environ, options: settings, "SWIFT_BACKTRACE": "enable=no"}
    skipped = [word for pattern in LEFT_OUT[kind] for word in ("--skip", pattern)]
    for suite in order:
        if STOP.is_set() or deadline is not None and time.monotonic() > deadline:
            return
        started = time.monotonic()
        try:
            ended = subprocess.run(
                [*command(kind, "test"), "--skip-build", "--filter", f"^{re.escape(suite)}/",
                 *skipped], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=SUITE_SECONDS, check=False)
            text, status = ended.stdout.decode(errors="replace"), ended.returncode
        except subprocess.TimeoutExpired as expired:
            text, status = (expired.stdout or b"").decode(errors="replace"), "no end"
        yield tally(suite, len(tests[suite]), text, status, time.monotonic() - started)


def tally(suite, count, text, status, seconds):
    reports = re.findall(r"(?:ERROR: AddressSanitizer|WARNING: ThreadSanitizer)[^\n]*", text)
    said = [f"{suite}: {report}" for report in sorted(set(reports))]
    failed = [line for line in text.splitlines() if "recorded an issue" in line]
    if status != 0 and not reports:
        said += [f"{suite} ended with {status} after {seconds:.0f} s", *failed[:5]]
        if not failed:
            said += text.splitlines()[-5:]
    return {"runs": count, "traps": len(reports), "wrong": 0 if status == 0 or reports else 1,
            "texts": said}
