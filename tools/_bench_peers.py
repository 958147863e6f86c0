"""What others do with the same events, for tools/bench --peers: SQLite, LMDB, RocksDB, PostgreSQL.

A peer is a C program of tools/peers; each states its settings at its head. One method of Peers a
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
SETTINGS = {
    "SQLite": "WAL, synchronous=FULL, prepared statements",
    "LMDB": "synchronous commits",
    "RocksDB": "WriteOptions.sync, 2 GB block cache, Snappy",
    "PostgreSQL": "fsync, synchronous_commit, data checksums, socket, prepared statements"}
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


def stated(peer):
    return f"{peer} ({SETTINGS[peer]})"


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
                source = os.path.join(ROOT, "tools/peers", f"{name}.c")
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
        rows = {peer: [] for peer in SETTINGS}
        for _ in range(rounds):
            for peer, found in rows.items():
                found.append(self.call(peer, "append", milliseconds, writers))
        return {peer: {
            "a_second": statistics.median(row["a_second"] for row in found),
            "p50_seconds": statistics.median(row["p50"] for row in found) / 1e9,
            "p99_seconds": statistics.median(row["p99"] for row in found) / 1e9,
            "longest_seconds": max(row["longest"] for row in found) / 1e9,
        } for peer, found in rows.items()}

    def load(self, batch=BATCH):
        """All events, so many a transaction; what is loaded is then there to be read."""
        figures = {}
        for peer in SETTINGS:
            found = self.call(peer, "load", batch)
            figures[peer] = {
                "a_second": found["a_second"], "p50_seconds": found["p50"] / 1e9,
                "longest_seconds": found["longest"] / 1e9,
                "processor_nanoseconds_an_event": found["processor"]}
            if peer == "PostgreSQL":
                figures[peer]["server_processor_seconds"] = found["server_seconds"]
        return figures

    def read(self, rounds=ROUNDS):
        """All events once, as nanoseconds an event; and one dispatch's history, by the index."""
        rows = {peer: [] for peer in SETTINGS}
        for _ in range(rounds):
            for peer, found in rows.items():
                found.append(self.call(peer, "read"))

        def median(peer, name):
            return statistics.median(row[name] for row in rows[peer])

        scan = {peer: {"nanoseconds_an_event": median(peer, "scan")} for peer in SETTINGS}
        for peer in SETTINGS:
            if peer != "PostgreSQL":
                scan[peer]["processor_nanoseconds_an_event"] = median(peer, "scan_processor")
        history = {peer: {
            "p50_seconds": median(peer, "history_p50") / 1e9,
            "p99_seconds": median(peer, "history_p99") / 1e9} for peer in SETTINGS}
        return scan, history

    def sizes(self):
        """Bytes of what was loaded, settled as each peer's program says."""
        sizes = {peer: files_size(self.store(peer)) for peer in SETTINGS if peer != "PostgreSQL"}
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
    """The ledger's own appends, as tools/bench measures them: median and time for each of many."""
    ledger = os.path.join(work, "peers-append")
    operator, bench = (os.path.join(programs, name) for name in ("dispatch-ledger", "ledger-bench"))
    subprocess.run([operator, "init", "-q", "-C", ledger], check=True, stdout=subprocess.DEVNULL)
    run = subprocess.run([bench, "append", ledger, str(seconds), str(WRITERS)], check=True,
                         stdout=subprocess.PIPE)
    found = json.loads(run.stdout)
    return {name: {"p50": row["p50"] / 1e9, "each": 1 / max(1, row["a_second"])}
            for name, row in found.items()}


def measure_peers(report, programs, work, large):
    """All measures, in their order. The first three are of the disk, the others of what is warm."""
    subprocess.run([os.path.join(ROOT, "tools/install-libraries"), *PACKAGES], check=True,
                   stdout=sys.stderr)
    log = os.path.join(large, "log")
    segments = [os.path.join(log, name) for name in sorted(os.listdir(log))]
    count = length = 0
    for segment in segments:
        lines = lines_of(segment)
        count, length = count + len(lines), length + sum(map(len, lines))

    def beside_sqlite(name, figures, time_of):
        """Less than 1 takes less time than SQLite."""
        for peer, row in figures.items():
            report(f"{name}: {stated(peer)}", time_of(row), time_of(figures["SQLite"]),
                   stated("SQLite"), count, length, **row)

    with Peers(log) as peers:
        one, many = peers.append(1), peers.append(WRITERS)
        beside_sqlite("append, one writer", one, lambda row: row["p50_seconds"])
        beside_sqlite(f"append, {WRITERS} writers", many, lambda row: 1 / row["a_second"])
        own = ledger_append(programs, work)
        for kind, single in (("lines", "writer"), ("calls", "call")):
            for peer in SETTINGS:
                report(f"append, one writer, {kind}", own[single]["p50"],
                       one[peer]["p50_seconds"], stated(peer), count, length,
                       p50_seconds=own[single]["p50"])
                report(f"append, {WRITERS} writers, {kind}", own[kind]["each"],
                       1 / many[peer]["a_second"], stated(peer), count, length,
                       a_second=1 / own[kind]["each"])
        beside_sqlite(f"bulk append, {BATCH} events a transaction", peers.load(),
                      lambda row: 1 / row["a_second"])
        scan, history = peers.read()
        beside_sqlite("scan", scan, lambda row: row["nanoseconds_an_event"])
        beside_sqlite("history of a dispatch", history, lambda row: row["p50_seconds"])
        sizes = peers.sizes()

    own_size = sum(map(os.path.getsize, segments))
    sizes["JSON Lines"] = length
    sizes["the ledger with its indexes"] = own_size + files_size(os.path.join(large, "index"))
    for name, size in sizes.items():
        report(f"size: {name}", size, own_size, "the ledger's segments", count, size,
               bytes_an_event=size / count)
    # One segment stands for all: the strongest compression takes a minute for the whole.
    segment = segments[len(segments) // 2 - 1] if len(segments) > 2 else segments[0]
    whole = os.path.getsize(segment)
    for level in (3, 19):
        size = packed(segment, level)
        report(f"size: a segment, zstd -{level}", size, whole, "the segment", count, size,
               bytes_an_event=size / len(lines_of(segment)))
