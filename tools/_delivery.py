"""What tools/bench measures of delivering: rates beside libcurl's own, and memory by recipients."""

import base64
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START = "2099-01-01T00:00:00Z"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def smtp_sink():
    """Postfix's smtp-sink and its environment; from the package's archive where it isn't installed,
    since a mail server of the machine's own would have to go for it."""
    found = shutil.which("smtp-sink", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found:
        return found, dict(os.environ)
    place = os.path.join(ROOT, ".build-postfix")
    program = os.path.join(place, "usr/sbin/smtp-sink")
    if not os.path.exists(program):
        os.makedirs(place, exist_ok=True)
        subprocess.run("apt-get download -q postfix && dpkg-deb -x postfix_*.deb . && rm *.deb",
                       shell=True, check=True, cwd=place, stdout=sys.stderr)
    return program, {**os.environ, "LD_LIBRARY_PATH": os.path.join(place, "usr/lib/postfix")}


@contextlib.contextmanager
def mail_sink():
    program, environment = smtp_sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([program, *user, "-m", "512", f"127.0.0.1:{port}", "256"],
                            env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        sink.terminate()
        sink.wait()


@contextlib.contextmanager
def web_sink():
    sink = subprocess.Popen([sys.executable, os.path.join(ROOT, "Tests/Servers/sink.py")],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield json.loads(sink.stdout.readline())["http"]
    finally:
        sink.stdin.close()
        sink.wait()
        sink.stdout.close()


def peak_kilobytes(process):
    """The most that a process has held so far. (What wait4 tells begins with its parent's size.)"""
    with contextlib.suppress(OSError, StopIteration), open(f"/proc/{process.pid}/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    return 0


def measured(arguments, text=""):
    """Runs a program to its end: its output, seconds, and the most kilobytes that it held."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(text.encode())
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(arguments, stdin=given, stdout=printed,
                                   stderr=subprocess.DEVNULL)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_kilobytes(process))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        seconds = time.perf_counter() - start
        printed.seek(0)
        output = printed.read()
    if process.returncode != 0:
        raise SystemExit(f"tools/bench: {arguments} exited {process.returncode}")
    return output, seconds, peak


class Story:
    """A ledger whose one program tells users on one channel."""

    def __init__(self, programs, work, channel, settings):
        self.operator = os.path.join(programs, "dispatch-ledger")
        self.bench = os.path.join(programs, "ledger-bench")
        self.channel = channel
        self.directory = os.path.join(work, f"{channel}-{time.monotonic_ns()}")
        self.call("init")
        with open(os.path.join(self.directory, "keys/hook"), "w", encoding="utf-8") as file:
            os.chmod(file.name, 0o600)
            file.write(SECRET)
        self.settings = os.path.join(self.directory, "config.json")
        with open(self.settings, "w", encoding="utf-8") as file:
            json.dump({"channels": {channel: settings}}, file)

    def call(self, *arguments, text=""):
        return measured([self.operator, *arguments, "-q", "-C", self.directory], text)

    def import_users(self, count, address, batch=None):
        users = [{"id": f"u{number}", "name": f"User {number}", "user_group_ids": ["all"],
                  "contacts": {self.channel: address(number)}} for number in range(count)]
        catalogue = {
            "user_groups": [{"id": "all", "name": "All"}],
            "event_types": [{"id": "all", "name": "All", "user_group_ids": ["all"]}],
            "programs": [{"id": "p", "name": "P", "time_zone": "UTC", "lead_time": "PT30M",
                          "communication_codes": [self.channel]}],
            "users": users}
        more = ["--batch", str(batch)] if batch else []
        return self.call("import", "-", *more, text=json.dumps(catalogue))

    def request(self):
        request = {"start_time": START, "program_id": "p", "event_type_id": "all"}
        output, seconds, peak = self.call("dispatch", "-", "--json", text=json.dumps(request))
        return json.loads(output)["results"][0]["dispatch"], seconds, peak

    def deliver(self, count):
        output, seconds, peak = self.call("deliver", "--once", "--json")
        accepted = json.loads(output)["accepted"]
        if accepted != count:
            raise SystemExit(f"tools/bench: {accepted} of {count} notices were accepted")
        return seconds, peak

    def send_bare(self, address, count):
        """Seconds for as many messages through the same channel with no ledger behind them."""
        run = subprocess.run([self.bench, "send", self.settings, self.channel, address, str(count)],
                             check=True, stdout=subprocess.PIPE, cwd=self.directory)
        said = json.loads(run.stdout)
        if said["accepted"] != count:
            raise SystemExit(f"tools/bench: {said} of {count} messages")
        return said["milliseconds"] / 1_000


def measure_rate(report, story, name, address, count, runs):
    story.import_users(count, address, 10_000)
    rounds = []
    for _ in range(runs):
        story.request()
        seconds, peak = story.deliver(count)
        rounds.append((seconds, story.send_bare(address(0), count), peak))
    seconds, bare, peak = (statistics.median(column) for column in zip(*rounds))
    report(f"deliver: {name}", seconds, bare, "as many through libcurl without a ledger", count, 0,
           messages_a_second=count / seconds, bare_messages_a_second=count / bare,
           seconds=seconds, peak_kilobytes=peak)


def measure_rates(report, programs, work, count=20_000, runs=3):
    with web_sink() as port:
        settings = {"kind": "webhook", "secret": {"file": "keys/hook"}, "allow_http": True,
                    "allow_private": ["127.0.0.0/8"]}
        measure_rate(report, Story(programs, work, "webhook", settings), "webhook",
                     lambda number: f"http://127.0.0.1:{port}/u{number}", count, runs)
    with mail_sink() as port:
        # A relay of one's own takes more at once than the eight that others are asked for.
        settings = {"kind": "smtp", "host": "127.0.0.1", "port": port, "tls": "none",
                    "from": "dr@example.com", "concurrency": 32}
        measure_rate(report, Story(programs, work, "email", settings), "mail",
                     lambda number: f"u{number}@example.com", count, runs)


def measure_memory(report, programs, work, few=25_000, many=100_000):
    """The most that one dispatch's recipients cost at once, as they grow fourfold."""
    peaks = []
    with web_sink() as port:
        settings = {"kind": "webhook", "secret": {"file": "keys/hook"}, "allow_http": True,
                    "allow_private": ["127.0.0.0/8"]}
        for count in (few, many):
            story = Story(programs, work, "webhook", settings)
            story.import_users(count, lambda number: f"http://127.0.0.1:{port}/u{number}", 10_000)
            story.request()
            seconds, peak = story.deliver(count)
            peaks.append(peak)
            shutil.rmtree(story.directory)
    report("deliver: memory", peaks[1], peaks[0], f"the peak with {few} recipients", many, 0,
           peak_kilobytes=peaks[1], few_peak_kilobytes=peaks[0], seconds=seconds)


def measure_many(report, programs, work, count=300_000):
    """Many users from their import to a spool of one folder, and a change that concerns them all."""
    story = Story(programs, work, "pager", {"kind": "spool", "directory": "spool"})
    figures, total = {}, 0.0

    def note(name, seconds, peak):
        nonlocal total
        figures[f"{name}_seconds"], figures[f"{name}_peak_kilobytes"] = seconds, peak
        total += seconds

    note("import", *story.import_users(count, lambda number: f"p{number}", 10_000)[1:])
    dispatch, *cost = story.request()
    note("dispatch", *cost)
    note("deliver", *story.deliver(count))
    note("modify", *story.call("modify", dispatch, "--start", "2099-01-02T00:00:00Z", "--reason",
                               "later")[1:])
    note("cancel", *story.call("cancel", dispatch, "--reason", "over")[1:])
    spooled = len(os.listdir(os.path.join(story.directory, "spool")))
    if spooled != count:
        raise SystemExit(f"tools/bench: {spooled} files of {count}")
    report("many users", total, count / 1_000, "1 ms a user", count, 0, **figures)
    shutil.rmtree(story.directory)
