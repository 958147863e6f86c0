"""The part `processes` of tools/torture: the programs themselves on real files, with system calls that
fail, processes that are killed, disks that are full and file systems that are cut off.

Each case is named by its number: its kind and what is done in it follow from that and the seed.
"""

import contextlib
import fcntl
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What an import adds to that.
MORE = {"user_groups": [{"id": "more", "name": "More"}, {"id": "others", "name": "Others"}],
        "users": [{"id": f"more-{number}", "name": f"N{number}", "user_group_ids": ["more"],
                   "contacts": {"console": f"c-{number}"}} for number in range(40)]}
CATALOGUE = os.path.join(ROOT, "ledger/golden/catalogue.json")
REQUEST = os.path.join(ROOT, "ledger/golden/requests/open-ended.json")
REJECTED = os.path.join(ROOT, "ledger/golden/requests/unknown-program.json")
CONFIGURATION = {"channels": {code: {"kind": "console"} for code in ("console", "email", "sms")}}
SYSTEM_CALLS = ("openat", "pwrite64", "write", "fsync", "fdatasync", "rename", "renameat",
                "renameat2", "ftruncate")
FAULTS = ("error=EIO", "error=ENOSPC", "error=EINTR", "signal=KILL")
# What a command may answer to a fault: README, "exit-codes". 70 is a bug of the program's.
ANSWERS = {0, 1, 4, 5, 65, 66, 69, 73, 74, 75, 76, 77, 78}
EXT4_SHUTDOWN, XFS_SHUTDOWN = 0x8004587D, 0x8004587D


# Once it is set, no further case begins: what is mounted is given up, and what runs is ended.
STOP = threading.Event()


class Failed(Exception):
    """What a case found to be wrong: `kind` is lost, wrong or traps."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class Ledger:
    """One ledger in a directory, and the programs that work on it."""

    def __init__(self, programs, path):
        self.operator = os.path.join(programs, "dispatch-ledger")
        self.auditor = os.path.join(programs, "ledger-audit")
        self.path = path

    def command(self, *arguments):
        return [self.operator, *arguments, "-C", self.path]

    def run(self, *arguments, under=(), check=False):
        ended = subprocess.run([*under, *self.command(*arguments)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if check and ended.returncode != 0:
            raise Failed("wrong", f"{arguments}: {ended.returncode} {ended.stderr.decode()}")
        return ended

    def begin(self):
        self.run("init", "--origin", "example.com/dr", check=True)
        with open(os.path.join(self.path, "config.json"), "w", encoding="utf-8") as file:
            json.dump(CONFIGURATION, file)
        self.run("import", CATALOGUE, "--key", "catalogue", "-q", check=True)
        self.run("dispatch", REQUEST, "--key", "first", "-q", check=True)

    def events(self):
        lines = []
        log = os.path.join(self.path, "log")
        for name in sorted(os.listdir(log)) if os.path.isdir(log) else []:
            if name.endswith(".log"):
                with open(os.path.join(log, name), "rb") as file:
                    lines += [line for line in file.read().split(b"\n") if line[:1] == b"{"]
        return lines

    def verify(self):
        ended = subprocess.run([self.auditor, "verify", "-q", "-C", self.path],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return ended.returncode, (ended.stdout + ended.stderr).decode()

    def expect_sound(self, before, what):
        """The next process puts right what a fault left; all that was there is there."""
        status, text = self.verify()
        if status != 0:
            raise Failed("wrong", f"{what}: verify says {status}: {text[-400:]}")
        self.run("status", "-q")
        ended = self.run("checkpoint", "-q")
        if ended.returncode != 0:
            raise Failed("wrong", f"{what}: not usable: {ended.stderr.decode()[-400:]}")
        if self.events()[:len(before)] != before:
            raise Failed("lost", f"{what}: {len(self.events())} events of {len(before)}")
        status, text = self.verify()
        if status != 0:
            raise Failed("wrong", f"{what}: verify says {status} afterwards: {text[-400:]}")

    def count(self, key):
        return sum(b'"idempotencykey":"%s"' % key.encode() in line for line in self.events())


def expect_answer(ended, what, is_killed=False):
    if ended.returncode in ANSWERS or is_killed and ended.returncode in (-9, 137):
        return
    raise Failed("traps", f"{what}: ended with {ended.returncode}: "
                          f"{ended.stderr.decode(errors='replace')[-400:]}")


class SystemCalls:
    """Each system call of a run of commands, by kind and number, fails or is its process's last."""

    COMMANDS = {
        "init": ("init", "--origin", "example.com/dr"),
        "import": ("import", "MORE", "--key", "again", "-q"),
        "dispatch": ("dispatch", REQUEST, "--key", "second", "-q"),
        "deliver": ("deliver", "--once", "-q"),
        "checkpoint": ("checkpoint", "-q"),
        "backup": ("backup", "COPY", "-q"),
        "erase": ("erase", "u-4", "--reason", "asked for", "--yes", "--key", "gone", "-q"),
    }

    def __init__(self, programs, place, seed):
        self.programs, self.place = programs, place
        self.template = os.path.join(place, "template")
        Ledger(programs, self.template).begin()
        with open(os.path.join(place, "more.json"), "w", encoding="utf-8") as file:
            json.dump(MORE, file)
        self.cases = []
        for name in self.COMMANDS:
            for call, count in self.counts(name).items():
                for number in range(1, count + 1):
                    # A program opens libraries and zones by the dozen: each gets one fault only.
                    faults = (FAULTS if call != "openat"
                              else (FAULTS[(number + seed) % len(FAULTS)],))
                    self.cases += [(name, call, number, fault) for fault in faults]

    def fresh(self, name):
        path = os.path.join(self.place, "ledger")
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path + "-copy", ignore_errors=True)
        if name != "init":
            shutil.copytree(self.template, path, symlinks=True)
        return Ledger(self.programs, path)

    def arguments(self, name, ledger):
        places = {"COPY": ledger.path + "-copy", "MORE": os.path.join(self.place, "more.json")}
        return [places.get(part, part) for part in self.COMMANDS[name]]

    def counts(self, name):
        """How often a command makes each call."""
        ledger = self.fresh(name)
        trace = os.path.join(self.place, "trace")
        calls = ",".join(SYSTEM_CALLS)
        ledger.run(*self.arguments(name, ledger), check=True,
                   under=("strace", "-f", "-o", trace, "-e", f"trace={calls}"))
        counts = {}
        with open(trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                call = line.split("(")[0].split()[-1]
                if call in SYSTEM_CALLS and "resumed" not in line.split("(")[0]:
                    counts[call] = counts.get(call, 0) + 1
        return counts

    def run(self, number, tally):
        name, call, when, fault = self.cases[number]
        what = f"{name}, {call} {when}, {fault}"
        ledger = self.fresh(name)
        before = ledger.events()
        arguments = self.arguments(name, ledger)
        ended = ledger.run(*arguments, under=(
            "strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}",
            "-e", f"inject={call}:{fault}:when={when}"))
        tally["faults"] += 1
        is_killed = fault == "signal=KILL"
        if ended.returncode == 127 or ended.returncode == 1 and not ended.stderr and is_killed:
            return
        expect_answer(ended, what, is_killed)
        if name == "init" and ended.returncode != 0:
            # Another try ends it; where the first one came to its end after all, it says so.
            again = ledger.run(*arguments)
            if again.returncode not in (0, 73):
                raise Failed("wrong", f"{what}: init again: {again.returncode} "
                                      f"{again.stderr.decode()[-300:]}")
        if name in ("import", "dispatch", "erase"):
            key = self.COMMANDS[name][self.COMMANDS[name].index("--key") + 1]
            self.expect_once(ledger, arguments, key, ended, what)
        ledger.expect_sound(before, what)
        if name == "backup" and ended.returncode == 0:
            copy = Ledger(self.programs, ledger.path + "-copy")
            if copy.events()[:len(before)] != before or copy.verify()[0] != 0:
                raise Failed("lost", f"{what}: the copy isn't whole")

    @staticmethod
    def expect_once(ledger, arguments, key, ended, what):
        """What was answered is there; what wasn't is there once when it was asked for again."""
        if ended.returncode in (0, 1) and ledger.count(key) != 1:
            raise Failed("lost", f"{what}: answered, and not there")
        again = ledger.run(*arguments)
        if again.returncode not in (0, 1) or ledger.count(key) != 1:
            raise Failed("wrong", f"{what}: again: {again.returncode}, {ledger.count(key)} times "
                                  f"there: {again.stderr.decode()[-300:]}")


class Writers:
    """Several writers and a follower, all killed at some moment."""

    CASES = 20

    def __init__(self, programs, place, seed):
        self.programs, self.place, self.seed = programs, place, seed
        self.template = os.path.join(place, "writers-template")
        Ledger(programs, self.template).begin()
        self.cases = range(self.CASES)

    def run(self, number, tally):
        path = os.path.join(self.place, "writers")
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.template, path, symlinks=True)
        ledger = Ledger(self.programs, path)
        before = ledger.events()
        chance = random.Random(self.seed * 1_000 + number)
        seen_path = os.path.join(self.place, "seen")
        with open(seen_path, "wb") as seen:
            follower = subprocess.Popen(ledger.command("log", "-f", "--json"), stdout=seen,
                                        stderr=subprocess.DEVNULL)
        answered, count = [], 0
        end = time.monotonic() + 1.5
        running = {}
        try:
            while time.monotonic() < end:
                while len(running) < 3:
                    count += 1
                    key = f"w{count}"
                    running[key] = subprocess.Popen(
                        ledger.command("dispatch", REQUEST, "--key", key, "-q"),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for key, process in list(running.items()):
                    if process.poll() is None and chance.random() < 0.05:
                        process.kill()
                        tally["crashes"] += 1
                    if process.poll() is not None:
                        if process.returncode in (0, 1):
                            answered.append(key)
                        elif process.returncode not in (-9, 75):
                            raise Failed("traps", f"a writer ended with {process.returncode}")
                        del running[key]
                time.sleep(0.002)
        finally:
            for process in [*running.values(), follower]:
                process.kill()
                process.wait()
        for key in answered:
            if ledger.count(key) != 1:
                raise Failed("lost", f"{key} was answered, and stands {ledger.count(key)} times")
        ledger.expect_sound(before, "killed writers")
        with open(seen_path, "rb") as file:
            seen = file.read().split(b"\n")[:-1]
        if seen and ledger.events()[:len(seen)] != seen:
            raise Failed("wrong", "the follower saw what isn't in the log")


@contextlib.contextmanager
def mounted(*arguments):
    subprocess.run(["mount", *arguments], check=True, stderr=subprocess.PIPE)
    try:
        yield arguments[-1]
    finally:
        for _ in range(50):
            if subprocess.run(["umount", arguments[-1]], check=False,
                              stderr=subprocess.PIPE).returncode == 0:
                break
            time.sleep(0.1)


def fill(path, leave=0):
    """Takes all room there is in a file system, but so many bytes."""
    with open(path, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                if file.write(bytes(4_096)) < 4_096:
                    break
        if leave:
            file.truncate(max(0, file.tell() - leave))
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())


class FullDisk:
    """A tmpfs that has room for no more, at whichever of the last bytes of a commit a page ends."""

    CASES = 512

    def __init__(self, programs, place):
        self.programs, self.place = programs, place
        self.mount = os.path.join(place, "full")
        os.makedirs(self.mount)
        self.cases = range(self.CASES)

    def run(self, number, tally):
        with mounted("-t", "tmpfs", "-o", "size=6m", "torture", self.mount):
            ledger = Ledger(self.programs, os.path.join(self.mount, "dr"))
            ledger.begin()
            # The log grows by steps of a few hundred bytes until a page ends within the next commit;
            # the note's length moves that place by a byte a case.
            log = os.path.join(ledger.path, "log", "0" * 16 + ".log")
            request = os.path.join(self.mount, "request.json")
            with open(REQUEST, encoding="utf-8") as file:
                document = json.load(file)
            document["note"] = "x" * number
            with open(request, "w", encoding="utf-8") as file:
                json.dump(document, file)
            before = ledger.events()
            filler = os.path.join(self.mount, "filler")
            fill(filler, leave=os.path.getsize(log) % 2 * 4_096)
            for step in range(12):
                ended = ledger.run("dispatch", request, "--key", f"full{step}", "-q")
                expect_answer(ended, f"a full disk, case {number}")
                if ended.returncode not in (0, 1):
                    break
                before = ledger.events()
            tally["faults"] += 1
            os.remove(filler)
            ledger.run("dispatch", request, "--key", f"full{step}", "-q")
            if ledger.count(f"full{step}") != 1:
                raise Failed("wrong", f"a full disk, case {number}: {ended.returncode}, then "
                                      f"{ledger.count(f'full{step}')} times there")
            ledger.expect_sound(before, f"a full disk, case {number}")


class FileLimit:
    """No file may grow beyond a number of bytes (ulimit -f): at each of the last ones of a commit."""

    COMMANDS = {
        "dispatch": ("dispatch", REQUEST, "--key", "limited", "-q"),
        "import": ("import", "MORE", "--key", "limited", "-q"),
        "erase": ("erase", "u-4", "--reason", "limited", "--yes", "--key", "limited", "-q"),
        "deliver": ("deliver", "--once", "-q"),
        "backup": ("backup", "COPY", "-q"),
    }
    # Bytes that the file that the command makes longer may still grow by.
    ROOMS = (0, 1, 100, 256, 257, 258, 300, 500, 900, 1_500, 4_000, 12_000)
    # Their lines make the log longer than all else that is written, whose limit would be met first.
    NOTES = 24

    def __init__(self, programs, place):
        self.programs, self.place = programs, place
        self.template = os.path.join(place, "limited-template")
        ledger = Ledger(programs, self.template)
        ledger.begin()
        self.more = os.path.join(place, "more-limited.json")
        with open(self.more, "w", encoding="utf-8") as file:
            json.dump(MORE, file)
        many = os.path.join(place, "many.jsonl")
        # What is rejected makes the log long, and the views not.
        with open(REJECTED, encoding="utf-8") as file:
            document = json.load(file)
        with open(many, "w", encoding="utf-8") as file:
            for _ in range(self.NOTES):
                document["note"] = ["x" * 16_000] * 2
                file.write(json.dumps(document) + "\n")
        ledger.run("dispatch", many, "--key", "many", "-q")
        self.cases = [(name, room) for name in self.COMMANDS for room in self.ROOMS]

    def run(self, number, tally):
        name, room = self.cases[number]
        what = f"{name} with room for {room} bytes"
        path = os.path.join(self.place, "limited")
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path + "-copy", ignore_errors=True)
        shutil.copytree(self.template, path, symlinks=True)
        ledger = Ledger(self.programs, path)
        log = os.path.join(path, "log", "0" * 16 + ".log")
        before = ledger.events()
        places = {"COPY": path + "-copy", "MORE": self.more}
        arguments = [places.get(part, part) for part in self.COMMANDS[name]]
        # A backup's copy of the log is as long as the log itself.
        limit = os.path.getsize(log) // (2 if name == "backup" else 1) + room
        ended = ledger.run(*arguments, under=("prlimit", f"--fsize={limit}:unlimited"))
        tally["faults"] += 1
        expect_answer(ended, what)
        if ended.returncode not in (0, 1, 74, 76):
            raise Failed("wrong", f"{what}: answered {ended.returncode}: "
                                  f"{ended.stderr.decode(errors='replace')[-300:]}")
        if name in ("dispatch", "import", "erase"):
            SystemCalls.expect_once(ledger, arguments, "limited", ended, what)
        ledger.expect_sound(before, what)


class ReadOnly:
    """A file system that is made read-only between two commands."""

    def __init__(self, programs, place):
        self.programs = programs
        self.mount = os.path.join(place, "read-only")
        os.makedirs(self.mount)
        self.cases = range(1)

    def run(self, _, tally):
        with mounted("-t", "tmpfs", "torture", self.mount):
            ledger = Ledger(self.programs, os.path.join(self.mount, "dr"))
            ledger.begin()
            before = ledger.events()
            subprocess.run(["mount", "-o", "remount,ro", self.mount], check=True)
            for arguments in (("dispatch", REQUEST, "--key", "ro"), ("checkpoint",),
                              ("deliver", "--once")):
                ended = ledger.run(*arguments)
                tally["faults"] += 1
                expect_answer(ended, f"read-only, {arguments}")
                if ended.returncode == 0:
                    raise Failed("wrong", f"read-only: {arguments} says that it is done")
            status, text = ledger.verify()
            if status != 0 or ledger.events() != before:
                raise Failed("wrong", f"read-only: verify says {status}: {text}")
            subprocess.run(["mount", "-o", "remount,rw", self.mount], check=True)
            ledger.expect_sound(before, "read-only")


class FailingSync:
    """ext4 on a backing store that is full: writes go well, and the sync fails, once."""

    CASES = 10

    def __init__(self, programs, place):
        self.programs = programs
        self.store, self.mount = os.path.join(place, "store"), os.path.join(place, "ext4")
        os.makedirs(self.store)
        os.makedirs(self.mount)
        self.cases = range(self.CASES)

    def run(self, number, tally):
        with mounted("-t", "tmpfs", "-o", "size=48m", "torture", self.store):
            image = os.path.join(self.store, "image")
            with open(image, "wb") as file:
                file.truncate(128 << 20)
            subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,discard", image],
                           check=True)
            ledger = Ledger(self.programs, os.path.join(self.mount, "dr"))
            with mounted("-o", "loop", image, self.mount):
                kept, key = self.torture(ledger, number, tally)
            # Mounted again, so that what the page cache held and the disk doesn't is gone.
            with mounted("-o", "loop", image, self.mount):
                if key is None:
                    return
                status, text = ledger.verify()
                if ledger.events()[:len(kept)] != kept or status != 0:
                    raise Failed("lost", f"failing sync {number}: {len(ledger.events())} events "
                                         f"of {len(kept)}; verify says {status}: {text[-300:]}")
                ledger.run("dispatch", REQUEST, "--key", key, "-q")
                if ledger.count(key) != 1:
                    raise Failed("wrong", f"failing sync {number}: {key} stands "
                                          f"{ledger.count(key)} times in the log")
                ledger.expect_sound(kept, f"failing sync {number}")

    @staticmethod
    def torture(ledger, number, tally):
        """What was acknowledged, and the key of the call that was not; `None` where all were."""
        ledger.begin()
        ledger.run("deliver", "--once", "-q")
        subprocess.run(["sync", "-f", ledger.path], check=True)
        filler = os.path.join(ledger.path, "../../store/filler")
        fill(os.path.normpath(filler))
        try:
            kept = ledger.events()
            for step in range(number % 5 + 30):
                ended = ledger.run("dispatch", REQUEST, "--key", f"sync{step}", "-q")
                tally["faults"] += 1
                expect_answer(ended, f"failing sync {number}")
                if ended.returncode in (0, 1):
                    kept = ledger.events()
                    continue
                if ended.returncode != 76:
                    raise Failed("wrong", f"failing sync {number}: answered {ended.returncode}")
                return kept, f"sync{step}"
            return kept, None
        finally:
            os.remove(os.path.normpath(filler))


class PowerCut:
    """A file system that is shut down while writers write, and mounted again."""

    CASES = 200

    def __init__(self, programs, place, kind):
        self.programs, self.kind = programs, kind
        self.image, self.mount = os.path.join(place, f"cut-{kind}"), os.path.join(place, kind)
        os.makedirs(self.mount, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate((320 if kind == "xfs" else 64) << 20)
        subprocess.run([f"mkfs.{kind}", "-q", self.image], check=True)
        self.cases = range(self.CASES)
        with mounted("-o", "loop", self.image, self.mount):
            Ledger(programs, os.path.join(self.mount, "dr")).begin()

    def run(self, number, tally):
        chance = random.Random(number)
        answered = []
        with mounted("-o", "loop", self.image, self.mount):
            ledger = Ledger(self.programs, os.path.join(self.mount, "dr"))
            before = ledger.events()
            moment = time.monotonic() + chance.uniform(0.01, 0.25)
            step = 0
            writer = None
            while time.monotonic() < moment:
                step += 1
                writer = subprocess.Popen(
                    ledger.command("dispatch", REQUEST, "--key", f"cut{number}-{step}", "-q"),
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                while writer.poll() is None and time.monotonic() < moment:
                    time.sleep(0.001)
                if writer.poll() in (0, 1):
                    answered.append(f"cut{number}-{step}")
            directory = os.open(self.mount, os.O_RDONLY)
            # 2: nothing that isn't in the journal is written any more.
            fcntl.ioctl(directory, EXT4_SHUTDOWN, struct.pack("I", 2))
            os.close(directory)
            tally["crashes"] += 1
            if writer is not None:
                writer.wait()
        with mounted("-o", "loop", self.image, self.mount):
            ledger = Ledger(self.programs, os.path.join(self.mount, "dr"))
            for key in answered:
                if ledger.count(key) != 1:
                    raise Failed("lost", f"{self.kind} cut off: {key} was answered")
            ledger.expect_sound(before, f"{self.kind} cut off")


def kinds(programs, place, seed):
    """What can be done on this machine, and the names of what can't."""
    made, missing = {}, []

    def add(name, needs, make):
        if all(needs):
            made[name] = make()
        else:
            missing.append(name)

    is_root = os.geteuid() == 0
    has = shutil.which
    add("system-calls", [has("strace")], lambda: SystemCalls(programs, place, seed))
    add("killed-writers", [True], lambda: Writers(programs, place, seed))
    add("file-limit", [has("prlimit")], lambda: FileLimit(programs, place))
    add("full-tmpfs", [is_root, has("mount")], lambda: FullDisk(programs, place))
    add("read-only", [is_root, has("mount")], lambda: ReadOnly(programs, place))
    add("failing-sync", [is_root, has("mkfs.ext4")], lambda: FailingSync(programs, place))
    for kind in ("ext4", "xfs"):
        add(f"cut-{kind}", [is_root, has(f"mkfs.{kind}")],
            lambda kind=kind: PowerCut(programs, place, kind))
    return made, missing


def run(programs, seed, add, share=(0, 1), only=None, deadline=None):
    """Runs every so many cases from the one with that index on, or one of a part.

    `add` is given a part's name and a tally for each case. With a deadline the cases come in an order
    that the seed gives, until it has passed. Gives how many cases each part has.
    """
    place = tempfile.mkdtemp(prefix="torture-")
    try:
        made, missing = kinds(programs, place, seed)
        for name in missing if share[0] == 0 else []:
            print(f"{name}: not here, for want of a program or of root's powers", flush=True)
        cases = [(name, number) for name, kind in made.items()
                 for number in range(share[0], len(kind.cases), share[1])]
        if deadline is not None:
            random.Random(seed + share[0]).shuffle(cases)
        for name, number in cases:
            if STOP.is_set() or deadline is not None and time.monotonic() > deadline:
                break
            if not only or only == (name, number):
                run_case(made[name], name, number, add)
        return {name: len(kind.cases) for name, kind in made.items()}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def run_case(kind, name, number, add):
    tally = {"runs": 1, "faults": 0, "crashes": 0, "failures": []}
    try:
        kind.run(number, tally)
    except Failed as failure:
        tally[failure.kind] = 1
        tally["failures"].append({"number": number, "text": str(failure)})
    except (OSError, subprocess.SubprocessError) as error:
        tally["wrong"] = 1
        tally["failures"].append({"number": number, "text": f"{error}"})
    add(name, tally)
