"""What others do with the same events, for tools/bench --peers: SQLite, LMDB, RocksDB, PostgreSQL.

A peer is a C program of tools/_peers; each states its settings at its head. One method of Peers a
measure returns what each peer took, so that what the ledger takes can be set beside it in one run.
"""

import glob
import json
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGES = ("liblmdb-dev", "librocksdb-dev", "libpq-dev", "postgresql", "zstd")
# How each is asked; more at the head of each program.
APPENDS = {
    "SQLite": "WAL, synchronous=FULL, a connection a thread",
    "LMDB": "synchronous commits, a thread a writer",
    "RocksDB": "WriteOptions.sync, a thread a writer",
    "PostgreSQL": "fsync, synchronous_commit, a connection a thread, unix socket"}
LOADS = {
    "SQLite": "WAL, synchronous=FULL, prepared statement",
    "LMDB": "synchronous commits", "RocksDB": "WriteOptions.sync, write batches",
    "PostgreSQL": "fsync, synchronous_commit, binary COPY"}
SCANS = {
    "SQLite": "mapped file, rows stepped through", "LMDB": "cursor",
    "RocksDB": "iterator, blocks cached unpacked",
    "PostgreSQL": "GROUP BY in the server, one process"}
HISTORIES = {
    "SQLite": "mapped file, prepared statement", "LMDB": "cursors",
    "RocksDB": "iterator, then get_pinned, blocks cached unpacked",
    "PostgreSQL": "prepared statement, unix socket"}
SIZES = {
    "SQLite": "checkpointed", "LMDB": "as it is", "RocksDB": "compacted, Snappy",
    "PostgreSQL": "vacuumed, without its WAL"}
COMPILED = {
    "SQLite": ("sqlite", ["-lsqlite3"]), "LMDB": ("lmdb", ["-llmdb"]),
    "RocksDB": ("rocksdb", ["-lrocksdb"]),
    "PostgreSQL": ("postgres", ["-I/usr/include/postgresql", "-lpq"])}
SERVER = {
    "listen_addresses": "", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
    "shared_buffers": "1GB", "max_wal_size": "4GB", "max_parallel_workers_per_gather": "0"}
WRITERS = 64
BATCH = 1_000
ROUNDS = 3
MILLISECONDS = 1_500


class Server:
    """A PostgreSQL of its own in a folder, run by an unprivileged user, until it is stopped."""

    def __init__(self, place):
        programs = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(
            path.split("/")[4]))
        self.place = place
        self.data = os.path.join(place, "data")
        self.options = {"cwd": place, "stdout": subprocess.DEVNULL}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(place, owner.pw_uid, owner.pw_gid)
            self.options.update(user="postgres", group="postgres", extra_groups=[])
        subprocess.run(
            [os.path.join(programs, "initdb"), "-D", self.data, "-U", "postgres", "-A", "trust",
             "-E", "UTF8", "--locale=C", "--data-checksums"], check=True, **self.options)
        settings = [f"--{name}={value}" for name, value in SERVER.items()]
        self.process = subprocess.Popen(
            [os.path.join(programs, "postgres"), "-D", self.data, "-k", place, *settings],
            stderr=subprocess.DEVNULL, **self.options)
        ready = [os.path.join(programs, "pg_isready"), "-q", "-h", place]
        while subprocess.run(ready, check=False).returncode != 0:
            if self.process.poll() is not None:
                raise SystemExit("tools/bench: PostgreSQL didn't start")
            time.sleep(0.05)
        self.psql = [os.path.join(programs, "psql"), "-h", place, "-U", "postgres", "-Atqc"]
        self.address = f"host={place} user=postgres dbname=postgres"

    def ask(self, query):
        return subprocess.run([*self.psql, query], check=True, stdout=subprocess.PIPE).stdout

    def processor_seconds(self):
        """What the server's processes have spent, those that are gone included."""
        ticks = 0
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    number, rest = file.read().split(" (", 1)
            except OSError:
                continue
            fields = rest.rsplit(") ", 1)[1].split()
            if int(number) == self.process.pid:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self.process.pid:
                ticks += sum(map(int, fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """At once, since what it holds is thrown away."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()


class Peers:
    """The peers' programs and stores in a folder of their own, over one ledger's segments."""

    def __init__(self, log):
        self.log = log
        self.place = tempfile.mkdtemp(prefix="peers-")
        self.server = None
        os.chmod(self.place, 0o711)

    def __enter__(self):
        try:
            kind = ["stat", "-f", "-c", "%T", self.place]
            if subprocess.run(kind, check=True, stdout=subprocess.PIPE).stdout == b"tmpfs\n":
                raise SystemExit("tools/bench: TMPDIR must lie on a disk, not in memory")
            for name, options in COMPILED.values():
                source = os.path.join(ROOT, "tools/_peers", f"{name}.c")
                subprocess.run(
                    ["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o",
                     os.path.join(self.place, name), source, *options], check=True)
            folder = os.path.join(self.place, "server")
            os.mkdir(folder)
            self.server = Server(folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.stop()
        shutil.rmtree(self.place)

    def store(self, peer):
        if peer == "PostgreSQL":
            return self.server.address
        return os.path.join(self.place, COMPILED[peer][0] + ".store")

    def call(self, peer, measure, *arguments):
        """A measure's figures; the times of them in seconds, and "processor" those of an event."""
        if measure != "read" and peer != "PostgreSQL":
            shutil.rmtree(self.store(peer), ignore_errors=True)
            os.mkdir(self.store(peer))
        program = os.path.join(self.place, COMPILED[peer][0])
        before = self.server.processor_seconds()
        run = subprocess.run(
            [program, measure, self.log, self.store(peer), *map(str, arguments)], check=True,
            stdout=subprocess.PIPE)
        found = json.loads(run.stdout)
        found["server_seconds"] = self.server.processor_seconds() - before
        return found

    def append(self, writers, rounds=ROUNDS, milliseconds=MILLISECONDS):
        """Each event its own transaction: medians of the peers' rounds, which take turns."""
        rows = {peer: [] for peer in COMPILED}
        for _ in range(rounds):
            for peer, found in rows.items():
                found.append(self.call(peer, "append", milliseconds, writers))
        return {peer: {
            "a_second": statistics.median(row["a_second"] for row in found),
            "p50_seconds": statistics.median(row["p50"] for row in found) / 1e9,
            "p99_seconds": statistics.median(row["p99"] for row in found) / 1e9,
            "longest_seconds": max(row["longest"] for row in found) / 1e9,
            "events": sum(row["events"] for row in found),
        } for peer, found in rows.items()}

    def load(self, batch=BATCH):
        """All events, so many a transaction; what is loaded is then there to be read."""
        figures = {}
        for peer in COMPILED:
            found = self.call(peer, "load", batch)
            figures[peer] = {
                "a_second": found["a_second"], "p50_seconds": found["p50"] / 1e9,
                "longest_seconds": found["longest"] / 1e9,
                "events": found["events"],
                "processor_nanoseconds_an_event":
                    found["processor"] + found["server_seconds"] * 1e9 / found["events"]}
        return figures

    def read(self, rounds=ROUNDS):
        """All events once, as nanoseconds an event; and one dispatch's history, by the index."""
        rows = {peer: [] for peer in COMPILED}
        for _ in range(rounds):
            for peer, found in rows.items():
                found.append(self.call(peer, "read"))

        def median(peer, name):
            return statistics.median(row[name] for row in rows[peer])

        scan = {peer: {"nanoseconds_an_event": median(peer, "scan"),
                       "events": median(peer, "events")} for peer in COMPILED}
        for peer in COMPILED:
            if peer != "PostgreSQL":
                scan[peer]["processor_nanoseconds_an_event"] = median(peer, "scan_processor")
        history = {peer: {
            "p50_seconds": median(peer, "history_p50") / 1e9,
            "p99_seconds": median(peer, "history_p99") / 1e9,
            "events": median(peer, "events")} for peer in COMPILED}
        return scan, history

    def sizes(self):
        """Bytes of what was loaded, settled as each peer's program says."""
        sizes = {peer: files_size(self.store(peer)) for peer in COMPILED if peer != "PostgreSQL"}
        sizes["PostgreSQL"] = int(self.server.ask("select pg_total_relation_size('event')"))
        return sizes


def files_size(directory):
    paths = glob.glob(os.path.join(directory, "**"), recursive=True)
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))


def lines_of(segment):
    with open(segment, "rb") as file:
        return [line for line in file if line.startswith(b"{")]


def packed(segment, level):
    """The bytes of a segment under zstd."""
    process = subprocess.Popen(["zstd", f"-{level}", "-c", "-q", segment], stdout=subprocess.PIPE)
    size = sum(len(piece) for piece in iter(lambda: process.stdout.read(1 << 20), b""))
    if process.wait() != 0:
        raise SystemExit("tools/bench: zstd failed")
    return size


def ledger_append(programs, work, seconds=4):
    """The ledger's own appends, as ledger-bench measures them: of one, and of many at once."""
    ledger = os.path.join(work, "peers-append")
    operator, bench = (os.path.join(programs, name) for name in ("dispatch-ledger", "ledger-bench"))
    subprocess.run([operator, "init", "-q", "-C", ledger], check=True, stdout=subprocess.DEVNULL)
    run = subprocess.run([bench, "append", ledger, str(seconds), str(WRITERS)], check=True,
                         stdout=subprocess.PIPE)
    return json.loads(run.stdout)


def ledger_bulk(programs, work, seconds=8):
    """Commits of as many lines as a peer's transaction has events."""
    ledger = os.path.join(work, "peers-bulk")
    operator, bench = (os.path.join(programs, name) for name in ("dispatch-ledger", "ledger-bench"))
    subprocess.run([operator, "init", "-q", "-C", ledger], check=True, stdout=subprocess.DEVNULL)
    run = subprocess.run([bench, "bulk", ledger, str(seconds), str(BATCH)], check=True,
                         stdout=subprocess.PIPE)
    return json.loads(run.stdout)


def ledger_fold(programs, work, large):
    run = subprocess.run(
        [os.path.join(programs, "ledger-bench"), "fold", large, os.path.join(work, "fold.db")],
        check=True, stdout=subprocess.PIPE)
    return json.loads(run.stdout)


class Report:
    """Says a measure of the peers: each beside SQLite, or the ledger beside each."""

    def __init__(self, report, count, length):
        self.report, self.average = report, length // count

    def say(self, name, value, baseline, against, events, **figures):
        self.report(name, value, baseline, against, events, self.average * events, **figures)

    def beside_sqlite(self, name, settings, figures, time_of):
        for peer, row in figures.items():
            row = dict(row)
            events = row.pop("events")
            self.say(f"{name}: {peer}", time_of(row), time_of(figures["SQLite"]),
                     f"SQLite ({settings['SQLite']})" if peer == "SQLite" else
                     f"SQLite ({settings['SQLite']}); {peer}: {settings[peer]}", events, **row)

    def ledger_beside(self, name, settings, figures, time_of, seconds, **own):
        """`seconds` is what the ledger takes where `time_of` says it of a peer's row."""
        for peer, row in figures.items():
            self.say(name, seconds, time_of(row), f"{peer} ({settings[peer]})", row["events"],
                     peer_seconds=time_of(row), seconds=seconds, **own)


def p50(row):
    return row["p50_seconds"]


def time_of_each(row):
    return 1 / row["a_second"]


def scan_seconds(row):
    return row["nanoseconds_an_event"] / 1e9


def measure_peers(report, programs, work, large):
    """All measures, in their order: those of the disk first, then those of what is warm."""
    subprocess.run([os.path.join(ROOT, "tools/install-libraries"), *PACKAGES], check=True,
                   stdout=sys.stderr)
    log = os.path.join(large, "log")
    segments = [os.path.join(log, name) for name in sorted(os.listdir(log))]
    count = length = 0
    for segment in segments:
        lines = lines_of(segment)
        count, length = count + len(lines), length + sum(map(len, lines))
    say = Report(report, count, length)
    with Peers(log) as peers:
        measure_appends(say, peers, ledger_append(programs, work))
        bulk, load = ledger_bulk(programs, work), peers.load()
        name = f"bulk append, {BATCH} events a transaction"
        say.beside_sqlite(name, LOADS, load, time_of_each)
        say.ledger_beside(f"{name}, lines", LOADS, load, time_of_each,
                          1 / (BATCH * bulk["pipeline"]["a_second"]))
        fold = ledger_fold(programs, work, large)
        scan, history = peers.read()
        say.beside_sqlite("scan", SCANS, scan, scan_seconds)
        for key in ("type", "dispatch"):
            # Picoseconds of an event.
            say.ledger_beside(f"count by {key}, checksums included", SCANS, scan, scan_seconds,
                              fold[f"fold_{key}"]["wall"] / 1e12)
        say.beside_sqlite("history of a dispatch", HISTORIES, history, p50)
        sizes = {f"{peer} ({SIZES[peer]})": size for peer, size in peers.sizes().items()}
    measure_sizes(report, large, segments, count, {**sizes, "JSON Lines": length})


def measure_appends(say, peers, own):
    one, many = peers.append(1), peers.append(WRITERS)
    say.beside_sqlite("append, one writer", APPENDS, one, p50)
    say.beside_sqlite(f"append, {WRITERS} writers", APPENDS, many, time_of_each)
    for kind, single in (("lines", "writer"), ("calls", "call")):
        say.ledger_beside(f"append, one writer, {kind}", APPENDS, one, p50,
                          own[single]["p50"] / 1e9)
        say.ledger_beside(f"append, {WRITERS} writers, {kind}", APPENDS, many, time_of_each,
                          1 / own[kind]["a_second"])


def measure_sizes(report, large, segments, count, sizes):
    own = sum(map(os.path.getsize, segments))
    sizes["the ledger with its indexes"] = own + files_size(os.path.join(large, "index"))
    for name, size in {"the ledger's segments": own, **sizes}.items():
        report(f"size: {name}", size, own, "the ledger's segments", count, size,
               bytes_an_event=size / count)
    # One sealed segment stands for all: the strongest compression takes minutes for the whole.
    segment = segments[max(0, len(segments) // 2 - 1)]
    whole, events = os.path.getsize(segment), len(lines_of(segment))
    for level in (3, 19):
        size = packed(segment, level)
        report(f"size: a segment, zstd -{level}", size, whole, "the segment", events, size,
               bytes_an_event=size / events)
