"""Builds the fuzz targets, runs them and gives what came of each: for tools/fuzz and tools/torture."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, ".build-fuzz")
CORPUS = os.path.join(ROOT, "Tests/Corpus")
# What was found to be worth keeping on this machine, beside what the repository has.
WORK = os.path.join(BUILD, "corpus")
FOUND = os.path.join(BUILD, "found")
CANARY = "canary"
# No input may take longer, or more memory.
INPUT_SECONDS = 1
MEGABYTES = 1_024
# What `--merge` leaves in the repository for a target.
KEPT_BYTES, KEPT_FILES = 22_000, 24

# Once it is set, no further target begins, and what runs is ended.
STOP = threading.Event()


class Outcome:
    """What the runs of one target came to."""

    def __init__(self, name):
        self.name = name
        self.runs = self.seconds = self.coverage = self.inputs = 0
        self.crashes = []

    def line(self):
        cells = (self.runs, self.seconds, self.coverage, self.inputs, len(self.crashes))
        return f"{self.name:18}" + "".join(f"{cell:>11}" for cell in cells)


HEADER = f"{'target':18}" + "".join(
    f"{title:>11}" for title in ("runs", "seconds", "coverage", "inputs", "crashes"))


def build():
    """Builds with libFuzzer and the address sanitizer; gives the program's path."""
    subprocess.run([os.path.join(ROOT, "tools/install-libraries"), "python3"], check=True,
                   stdout=sys.stderr)
    # Its main is libFuzzer's: the flag leaves out the program's own.
    command = ["swift", "build", "-c", "release", "--package-path", ROOT, "--scratch-path", BUILD,
               "--sanitize=fuzzer", "-Xswiftc", "-DFUZZING", "--product", "ledger-fuzz"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    found = subprocess.run([*command, "--show-bin-path"], check=True, stdout=subprocess.PIPE)
    return os.path.join(found.stdout.decode().strip(), "ledger-fuzz")


def environment(target):
    # Swift's own printing of crashes would take them from libFuzzer.
    return {**os.environ, "LEDGER_FUZZ_TARGET": target, "SWIFT_BACKTRACE": "enable=no"}


def targets(program):
    """The names of all targets, each with the longest input, without the canary."""
    listed = subprocess.run([program], env=environment("--targets"), check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    limits = dict(line.split() for line in listed.splitlines())
    limits.pop(CANARY)
    return {name: int(limit) for name, limit in limits.items()}


def call(program, name, limit, *arguments, seconds=None):
    """Runs libFuzzer, and gives how it ended and all that it said."""
    options = [f"-max_len={limit}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEGABYTES}",
               f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1"]
    if seconds is not None:
        options.append(f"-max_total_time={seconds}")
    process = subprocess.Popen(
        [program, *options, *arguments], env=environment(name), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stopper = threading.Thread(target=stop_when_told, args=(process,), daemon=True)
    stopper.start()
    text = process.communicate()[1].decode(errors="replace")
    return process.returncode, text


def stop_when_told(process):
    while process.poll() is None:
        if STOP.wait(0.5):
            process.terminate()
            return


def number(pattern, text):
    """The last number that the text has behind the pattern; 0 where it has none."""
    found = re.findall(pattern + r"\s*(\d+)", text)
    return int(found[-1]) if found else 0


def fuzz(program, name, limit, seconds, seed):
    """Runs one target for so many seconds; every input that breaks something ends one run of it."""
    outcome = Outcome(name)
    work, seeds = os.path.join(WORK, name), os.path.join(CORPUS, name)
    os.makedirs(work, exist_ok=True)
    os.makedirs(FOUND, exist_ok=True)
    folders = [work, seeds] if os.path.isdir(seeds) else [work]
    status, text = call(program, name, limit, f"-seed={seed % 2**31 + 1}", *folders,
                        seconds=seconds)
    outcome.runs = number(r"stat::number_of_executed_units:", text)
    outcome.seconds = number(r"Done \d+ runs in", text) or seconds
    outcome.coverage = number(r" cov:", text)
    outcome.inputs = number(r"stat::new_units_added:", text)
    if status != 0 and not STOP.is_set():
        outcome.crashes.append(minimized(program, name, limit, text))
    return outcome


def minimized(program, name, limit, text):
    """The least input that does the same as the one that was found, and what was said of it."""
    said = [line for line in text.splitlines()
            if "Fatal error" in line or "ERROR: libFuzzer" in line or "SUMMARY" in line]
    found = re.findall(r"Test unit written to (\S+)", text)
    if not found:
        return "\n".join(said or text.splitlines()[-5:])
    path = found[-1]
    least = path + "-least"
    call(program, name, limit, "-minimize_crash=1", f"-exact_artifact_path={least}", path,
         seconds=30)
    if not os.path.exists(least):
        least = path
    return "\n".join([*said[:4], f"  {least}"])


def finds_canary(program):
    """Whether a bug that is planted is found: else the fuzzer doesn't see what the code does."""
    with tempfile.TemporaryDirectory() as folder:
        status, _ = call(program, CANARY, 64, f"-artifact_prefix={folder}/", folder, seconds=60)
    return status != 0


def merge(program, name, limit):
    """Puts into the repository some of what adds to the coverage, short and long, up to a limit.

    Files with a name of their own stay; those that an earlier merge left are chosen anew.
    """
    seeds = os.path.join(CORPUS, name)
    os.makedirs(seeds, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        call(program, name, limit, "-merge=1", folder, seeds, os.path.join(WORK, name))
        found = {file: os.path.getsize(os.path.join(folder, file)) for file in os.listdir(folder)}
        named = [file for file in os.listdir(seeds) if not re.fullmatch("[0-9a-f]{16}", file)]
        for file in set(os.listdir(seeds)) - set(named):
            os.remove(os.path.join(seeds, file))
        size = sum(os.path.getsize(os.path.join(seeds, file)) for file in named)
        for file in chosen(found, KEPT_FILES - len(named), KEPT_BYTES - size):
            shutil.copyfile(os.path.join(folder, file), os.path.join(seeds, file[:16]))


def chosen(sizes, count, room):
    """So many files from the shortest to the longest, as far as there is room for them."""
    order = sorted(sizes, key=lambda file: (sizes[file], file))
    step = max(1, -(-len(order) // max(1, count)))
    kept = []
    for file in order[::step] if count > 0 else []:
        if sizes[file] <= room:
            kept.append(file)
            room -= sizes[file]
    return kept


def run(program, names, seconds, seed, report):
    """Runs targets side by side, each for so many seconds, and reports each when it is done."""
    limits = targets(program)
    wanted = {name: limit for name, limit in limits.items() if not names or name in names}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = [pool.submit(fuzz, program, name, limit, seconds, seed)
                for name, limit in wanted.items()]
        for done in concurrent.futures.as_completed(runs):
            report(done.result())
