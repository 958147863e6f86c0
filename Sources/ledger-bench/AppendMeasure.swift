import Bytes
import Dispatching
import EventLog
import Ledger
import Merkle
import Platform
import Synchronization

/// What a durable append costs whoever waits for it: one writer, many in this process, many on a
/// server's socket; beside it the bare write, and SQLite.
///
/// `ledger-bench append DIRECTORY SECONDS WRITERS` works on the ledger in DIRECTORY, which nobody
/// else has, and makes files beside it; `ledger-bench socket DIRECTORY SECONDS WRITERS` asks the
/// server that has it. Each measure takes so long, in four turns.
enum AppendMeasure {
  static func run(_ arguments: [String]) throws {
    guard arguments.count == 3, let seconds = Int(arguments[1]), let writers = Int(arguments[2])
    else { throw PlatformError.argumentNotText(position: 3) }
    let bench = try AppendBench(arguments[0])
    var figures: [String: Samples] = [:]
    let turns = 4
    for _ in 0..<turns {
      let end = Span(milliseconds: seconds * 1_000 / turns)
      try bench.bare(end, into: &figures["bare", default: Samples()])
      try bench.oneLine(end, into: &figures["writer", default: Samples()])
      try bench.oneCall(end, into: &figures["call", default: Samples()])
      try bench.sqlite(end, writers: 1, into: &figures["sqlite_one", default: Samples()])
      try bench.sqlite(end, writers: writers, into: &figures["sqlite", default: Samples()])
      try bench.sqliteGroup(
        end, writers: writers, into: &figures["sqlite_group", default: Samples()])
      try bench.manyLines(end, writers: writers, into: &figures["lines", default: Samples()])
      try bench.manyCalls(end, writers: writers, into: &figures["calls", default: Samples()])
    }
    print(figures)
  }

  static func runSocket(_ arguments: [String]) throws {
    guard arguments.count == 3, let seconds = Int(arguments[1]), let writers = Int(arguments[2])
    else { throw PlatformError.argumentNotText(position: 3) }
    var figures: [String: Samples] = [:]
    for (name, count) in [("socket_one", 1), ("socket", writers)] {
      var samples = Samples()
      try SocketWriters(arguments[0], count: count).run(
        Span(milliseconds: seconds * 1_000), into: &samples)
      figures[name] = samples
    }
    print(figures)
  }

  private static func print(_ figures: [String: Samples]) {
    let members = figures.sorted { $0.key < $1.key }
      .map { JSONObject.Member(key: $0.key, value: $0.value.document) }
    _ = StandardStream.output.write(JSON.object(JSONObject(members)).canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }
}

/// A stretch of time that begins with each measure.
struct Span {
  let nanoseconds: UInt64

  init(milliseconds: Int) { nanoseconds = UInt64(max(1, milliseconds)) * 1_000_000 }

  var end: UInt64 { SystemClock.monotonicNanoseconds() + nanoseconds }
}

/// How long each append took, and how many there were in which time.
struct Samples: Sendable {
  private var nanoseconds: [UInt64] = []
  private var count = 0
  private var span: UInt64 = 0

  /// - Parameters:
  ///   - finished: How many of them were finished within the time; those that others kept waiting
  ///     beyond it count among the longest, and not for the rate.
  mutating func add(_ more: [UInt64], finished: Int, in time: UInt64) {
    nanoseconds += more
    count += finished
    span += time
  }

  /// Nanoseconds of the median, the 99th of a hundred and the longest, and how many a second.
  var document: JSON {
    let sorted = nanoseconds.sorted()
    func at(_ percent: Int) -> JSON {
      guard !sorted.isEmpty else { return 0 }
      return .integer(Int64(sorted[min(sorted.count - 1, sorted.count * percent / 100)]))
    }
    return [
      "a_second": .integer(Int64(Double(count) * 1e9 / Double(max(1, span)))),
      "longest": at(100), "p50": at(50), "p99": at(99),
    ]
  }
}

/// Commits of many tasks that each wait for their own.
final class SharedCommits<Request: Sendable>: Sendable {
  private struct State {
    var waiting: [(request: Request, task: CheckedContinuation<Void, Never>)] = []
    var isLed = false
  }

  private let state = Mutex(State())
  private let perform: @Sendable ([Request]) -> Void

  init(_ perform: @escaping @Sendable ([Request]) -> Void) { self.perform = perform }

  /// Returns once the request is durable.
  func submit(_ request: Request) async {
    await withCheckedContinuation { (task: CheckedContinuation<Void, Never>) in
      let leads = state.withLock { state in
        state.waiting.append((request, task))
        defer { state.isLed = true }
        return !state.isLed
      }
      if leads { Task.detached { self.lead() } }
    }
  }

  private func lead() {
    while true {
      let batch = state.withLock { state in
        defer { state.waiting = [] }
        if state.waiting.isEmpty { state.isLed = false }
        return state.waiting
      }
      if batch.isEmpty { return }
      perform(batch.map { $0.request })
      for (_, task) in batch { task.resume() }
    }
  }
}

/// How long each of one writer's appends took.
struct Laps {
  private(set) var times: [UInt64] = []
  private var before = SystemClock.monotonicNanoseconds()
  private let end: UInt64

  init(until end: UInt64) { self.end = end }

  var isOver: Bool { before >= end }

  /// How many were done by the end; the last one may have been done later.
  var finished: Int { before > end ? max(0, times.count - 1) : times.count }

  mutating func lap() {
    let now = SystemClock.monotonicNanoseconds()
    times.append(now - before)
    before = now
  }
}

/// What the tasks or threads of one measure have in common.
final class Tally: Sendable {
  private struct State {
    var times: [UInt64] = []
    var finished = 0
    var left: Int
  }

  private let state: Mutex<State>
  private let span: Span
  private let end: UInt64

  init(_ writers: Int, _ span: Span) {
    state = Mutex(State(left: writers))
    self.span = span
    end = span.end
  }

  /// Has one of them ask again and again until the time is over, and is done with it.
  func run(_ once: (_ number: Int) async -> Void) async {
    var own = Laps(until: end)
    while !own.isOver {
      await once(own.times.count)
      own.lap()
    }
    add(own)
  }

  /// As above, on a thread of its own.
  func run(_ once: (_ number: Int) -> Void) {
    var own = Laps(until: end)
    while !own.isOver {
      once(own.times.count)
      own.lap()
    }
    add(own)
  }

  private func add(_ own: Laps) {
    state.withLock {
      $0.times += own.times
      $0.finished += own.finished
      $0.left -= 1
    }
  }

  func wait(into samples: inout Samples) {
    while state.withLock({ $0.left }) > 0 { SystemClock.sleep(microseconds: 1_000) }
    state.withLock { samples.add($0.times, finished: $0.finished, in: span.nanoseconds) }
  }
}

/// Runs so many tasks, each of which waits for its own before it asks again.
func runTasks(
  _ count: Int, _ span: Span, into samples: inout Samples,
  _ once: @escaping @Sendable (_ writer: Int, _ number: Int) async -> Void
) {
  let tally = Tally(count, span)
  for writer in 0..<count {
    Task.detached { await tally.run { number in await once(writer, number) } }
  }
  tally.wait(into: &samples)
}
