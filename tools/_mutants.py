"""Makes mutants of the code that the ledger's word rests on, and has the tests run with each: for
tools/mutants and the part `mutants` of tools/torture.

A mutant differs in one place: a comparison flipped, an `and` for an `or`, off by one, a check skipped, a
sync, cut or rename left out. All are built at once into a copy of the package, and an environment
variable says which one runs; it is killed when a test fails, traps or doesn't end.
"""

import concurrent.futures
import glob
import os
import random
import re
import shutil
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What is mutated, and the suites that should notice, the quickest first.
PLACES = [
    ("Sources/EventLog/*.swift",
     ["LedgerTests", "EventLogTests", "AgreementTests.WindowTests", "AgreementTests"]),
    ("Sources/Merkle/*.swift", ["MerkleTests", "LedgerTests", "EventLogTests"]),
    *((f"Sources/Dispatching/{name}.swift", ["LedgerTests", "DispatchingTests", "AuditTests"])
      for name in ("Decide*", "NoticePlan*", "Resolution", "RetrySchedule")),
]
COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
JOINED = {"&&": "||", "||": "&&"}
# Decimal digits as characters that an operator's name may have.
DIGITS = "⊕⊖⊗⊘⊙⊚⊛⊜⊝⊞"
# How many of them the tests should kill.
LEAST_SHARE = 0.95
SECONDS_A_SUITE = 900

# Once it is set, no further mutant begins, and what runs is ended.
STOP = threading.Event()

COMPARISON = re.compile(r"(?<=[\w)\]]) (<=|>=|==|!=|<|>) (?=[\w(])(?!nil\b)")
CONJUNCTION = re.compile(r"(?<=[\w)\]]) (&&|\|\|) (?=[\w(!])")
STEP = re.compile(r"(?<=[\w)\]]) ([+-]) 1\b")
CHECK = re.compile(r"^(\s*guard )([^,]+)( else \{.*)$")
CALL = re.compile(
    r"^(\s*)((?:try )?[\w.]*\b(?:synchronize\w*|truncate|rename|remove|writeHead|writeAgain)\(.*\))$")
NOT_CODE = re.compile(r'^\s*(//|///|\*|#)|"|\bfunc\b|\bextension\b|\binvariant\(|\btypealias\b|\bcase \.')


class BuildError(Exception):
    """The copy can't be built; what the compiler said."""


class Mutant:
    def __init__(self, path, line, start, end, operator, kind):
        self.path, self.line, self.start, self.end = path, line, start, end
        self.operator, self.kind, self.number = operator, kind, 0

    def overlaps(self, other):
        return ((self.path, self.line) == (other.path, other.line)
                and self.start < other.end and other.start < self.end)

    def __str__(self):
        with open(os.path.join(ROOT, self.path), encoding="utf-8") as file:
            line = file.read().split("\n")[self.line].strip()
        return (f"mutant {self.number}: {self.path}:{self.line + 1} {self.kind} {self.operator}: "
                f"{line}")

    @property
    def tag(self):
        return self.operator + "".join(DIGITS[int(digit)] for digit in str(self.number))

    def text(self, line):
        """What stands in the place of `line[start:end]`."""
        if self.kind == "check":
            return f"(mutant == {self.number} || ({line[self.start:self.end]}))"
        if self.kind == "call":
            return f"if mutant != {self.number} {{ {line[self.start:self.end]} }}"
        return self.tag

    def declaration(self):
        n, tag = self.number, self.tag
        if self.kind == "comparison":
            needs = "Equatable" if self.operator in ("==", "!=") else "Comparable"
            return (f"infix operator {tag}: ComparisonPrecedence\n"
                    f"func {tag} <T: {needs}>(a: T, b: T) -> Bool "
                    f"{{ mutant == {n} ? a {COMPARED[self.operator]} b : a {self.operator} b }}\n")
        if self.kind == "conjunction":
            group = "Conjunction" if self.operator == "&&" else "Disjunction"
            return (f"infix operator {tag}: Logical{group}Precedence\n"
                    f"func {tag} (a: Bool, b: @autoclosure () -> Bool) -> Bool "
                    f"{{ mutant == {n} ? a {JOINED[self.operator]} b() : a {self.operator} b() }}\n")
        if self.kind == "step":
            return (f"infix operator {tag}: AdditionPrecedence\n"
                    f"func {tag} <T: BinaryInteger>(a: T, b: T) -> T "
                    f"{{ mutant == {n} ? a : a {self.operator} b }}\n")
        return ""


def places():
    """All places that could be otherwise, in the order of the files."""
    found = []
    for pattern, _ in PLACES:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            name = os.path.relpath(path, ROOT)
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file.read().split("\n")):
                    if not NOT_CODE.search(line):
                        found += in_line(name, number, line)
    return found


def in_line(path, number, line):
    for expression, kind in ((COMPARISON, "comparison"), (CONJUNCTION, "conjunction"), (STEP, "step")):
        for match in expression.finditer(line):
            yield Mutant(path, number, match.start(1), match.end(1), match.group(1), kind)
    match = CHECK.match(line)
    if match and not re.search(r"\b(let|case|try|var)\b", match.group(2)):
        yield Mutant(path, number, match.start(2), match.end(2), "guard", "check")
    match = CALL.match(line)
    if match and "=" not in line:
        yield Mutant(path, number, match.start(2), match.end(2), "call", "call")


def chosen(count, seed):
    """A place in each of `count` stretches of about the same length."""
    every = places()
    generator = random.Random(seed)
    count = min(count, len(every))
    picked = []
    for index in range(count):
        first, last = index * len(every) // count, (index + 1) * len(every) // count
        one = every[generator.randrange(first, last)]
        if not any(one.overlaps(other) for other in picked):
            picked.append(one)
    for number, mutant in enumerate(picked, 1):
        mutant.number = number
    return picked


def write_copy(copy, mutants):
    """The package with all mutants in it, none of which runs unless it is named."""
    tracked = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], check=True, stdout=subprocess.PIPE).stdout
    written = set()
    for name in tracked.decode().split("\0"):
        source, target = os.path.join(ROOT, name), os.path.join(copy, name)
        if not name or not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as file:
            data = file.read()
        if name == "Package.swift":
            data = data.replace(b"  .treatAllWarnings(as: .error),\n", b"")
        put(target, mutated(data, [mutant for mutant in mutants if mutant.path == name]))
        shutil.copymode(source, target)
        written.add(target)
    for module in {mutant.path.split("/")[1] for mutant in mutants}:
        text = ("import Glibc\n\nlet mutant: Int = {\n"
                "  guard let name = unsafe getenv(\"MUTANT\") else { return 0 }\n"
                "  return unsafe Int(atoi(name))\n}()\n\n")
        text += "".join(one.declaration() for one in mutants if one.path.split("/")[1] == module)
        target = os.path.join(copy, "Sources", module, "Mutants.swift")
        put(target, text.encode())
        written.add(target)
    # A copy that is used again may have files of an earlier state of the package.
    for top in ("Sources", "Tests"):
        for folder, _, names in os.walk(os.path.join(copy, top)):
            for path in (os.path.join(folder, name) for name in names):
                if path not in written:
                    os.remove(path)


def mutated(data, mutants):
    """A file's bytes with mutants in them, all of that file."""
    if not mutants:
        return data
    lines = data.decode().split("\n")
    for mutant in sorted(mutants, key=lambda one: (one.line, one.start), reverse=True):
        line = lines[mutant.line]
        lines[mutant.line] = line[:mutant.start] + mutant.text(line) + line[mutant.end:]
    return "\n".join(lines).encode()


def put(path, data):
    """Writes a file unless it holds just this, so that what didn't change isn't built again."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    with open(path, "wb") as file:
        file.write(data)


def build(copy, count, seed):
    """Builds a copy with so many mutants, and gives those that compile.

    Raises `BuildError` where the copy can't be built, whatever is left out of it.
    """
    mutants = chosen(count, seed)
    while True:
        write_copy(copy, mutants)
        result = subprocess.run(
            ["swift", "build", "-c", "release", "--build-tests", "--package-path", copy],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode == 0:
            return mutants
        broken = set()
        for path, line in re.findall(r"^(\S+?\.swift):(\d+):\d+: error:", result.stdout, re.M):
            broken.add((os.path.relpath(path, copy), int(line) - 1))
        left = [one for one in mutants if (one.path, one.line) not in broken]
        if len(left) == len(mutants):
            raise BuildError(result.stdout[-4_000:])
        mutants = left


def suites_of(mutant):
    return next(suites for pattern, suites in PLACES
                if os.path.join(ROOT, mutant.path) in glob.glob(os.path.join(ROOT, pattern)))


def fails(copy, suite, number):
    """Whether a suite notices; it is stopped at its first failure."""
    tests = os.path.join(copy, ".build/release/dispatch-ledgerPackageTests.xctest")
    process = subprocess.Popen(
        ["timeout", "--kill-after=5", str(SECONDS_A_SUITE), tests,
         "--testing-library", "swift-testing", "--filter", f"^{suite}[./]"],
        env=dict(os.environ, MUTANT=str(number), SWIFT_BACKTRACE="enable=no"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    with process:
        try:
            noticed = any(STOP.is_set() or "recorded an issue" in line for line in process.stdout)
        except BaseException:
            process.terminate()
            raise
        if noticed:
            process.terminate()
    return process.returncode != 0 or noticed


def broken_suites(copy, mutants):
    """The suites that fail without a mutant, and so would kill each."""
    suites = sorted({suite for mutant in mutants for suite in suites_of(mutant)})
    return [suite for suite in suites if fails(copy, suite, 0)]


def share(killed):
    """How many of the mutants were killed, as a fraction; 0 of none."""
    return sum(killed) / max(1, len(killed))


def run(copy, mutants, deadline, report):
    """Has as many mutants at once as there are cores, and hands each over with whether it was killed."""
    def judge(mutant):
        if STOP.is_set() or deadline is not None and time.monotonic() > deadline:
            return None
        return any(fails(copy, suite, mutant.number) for suite in suites_of(mutant))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            for mutant, killed in zip(mutants, pool.map(judge, mutants)):
                if killed is not None:
                    report(mutant, killed)
        except BaseException:
            # The pool is waited for: those that wait in it must not begin.
            STOP.set()
            raise
