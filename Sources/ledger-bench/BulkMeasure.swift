import Bytes
import EventLog
import Ledger
import Merkle
import Platform
import Synchronization

/// What a commit of many lines costs, durably: the log beside the bare write, and SQLite.
///
/// `ledger-bench bulk DIRECTORY SECONDS LINES` works on the ledger in DIRECTORY and makes files beside
/// it; each measure takes so long, in eight turns, with commits of so many lines.
enum BulkMeasure {
  static func run(_ arguments: [String]) throws {
    guard arguments.count == 3, let seconds = Int(arguments[1]), let lines = Int(arguments[2])
    else { throw PlatformError.argumentNotText(position: 3) }
    let bench = try BulkBench(arguments[0], lines: lines)
    let names = ["bare", "log", "pipeline", "sqlite"]
    var figures = [BulkFigure](repeating: BulkFigure(), count: names.count)
    let turns = 8
    for _ in 0..<turns {
      let span = Span(milliseconds: seconds * 1_000 / turns)
      try bench.bare(span, into: &figures[0])
      try bench.log(span, into: &figures[1])
      try bench.pipeline(span, into: &figures[2])
      try bench.sqlite(span, into: &figures[3])
    }
    let members = zip(names, figures)
      .map { JSONObject.Member(key: $0, value: $1.document(lines: lines)) }
      .sorted { $0.key < $1.key }
    _ = StandardStream.output.write(JSON.object(JSONObject(members)).canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }
}

/// How long commits took, and what the processors spent on them.
struct BulkFigure {
  private var samples = Samples()
  private var commits = 0
  private var processor: UInt64 = 0

  mutating func measure(_ span: Span, _ once: (Int) throws -> Void) rethrows {
    var times: [UInt64] = []
    let spent = SystemClock.processNanoseconds()
    let (start, end) = (SystemClock.monotonicNanoseconds(), span.end)
    var before = start
    while before < end {
      try once(times.count)
      let now = SystemClock.monotonicNanoseconds()
      times.append(now - before)
      before = now
    }
    samples.add(times, finished: times.count, in: before - start)
    commits += times.count
    processor += SystemClock.processNanoseconds() - spent
  }

  /// As ``Samples/document`` has it, of commits; and picoseconds of all processors for each line.
  func document(lines: Int) -> JSON {
    guard case .object(var document) = samples.document else { return samples.document }
    document["processor"] = .integer(
      Int64(Double(processor) * 1_000 / Double(max(1, commits * lines))))
    return .object(document)
  }
}

private final class BulkBench {
  private let directory: String
  private let storage: FileStorage
  private let identity: LedgerIdentity
  private let now = SystemClock.now()
  /// Lines as long as those of events are, 300 to 500 bytes.
  private let lines: [[UInt8]]
  private let byteCount: Int

  init(_ directory: String, lines count: Int) throws {
    self.directory = directory
    storage = try FileStorage.open(directory: directory)
    identity = try LedgerIdentity.read(from: storage)
    lines = (0..<count).map { number in
      let start = #"{"data":"\#(number)"#
      let fill = String(repeating: "x", count: 300 + number * 37 % 200 - start.utf8.count - 2)
      return Array((start + fill + #""}"#).utf8)
    }
    byteCount = lines.reduce(0) { $0 + $1.count + 1 } + CommitLine.length
  }

  /// As many bytes, written and synchronized into a file that is filled already.
  func bare(_ span: Span, into figure: inout BulkFigure) throws {
    let path = "bare"
    let file = try storage.openOrCreate(path)
    let filled = max(64 << 20, 2 * byteCount)
    try file.writeFully([UInt8](repeating: 10, count: filled), at: 0)
    try file.synchronize()
    let bytes = [UInt8](repeating: 120, count: byteCount)
    try figure.measure(span) { number in
      let offset = number % (filled / byteCount) * byteCount
      try file.writeFully(bytes, at: UInt64(offset))
      try file.synchronize()
    }
    try storage.removeFile(path)
  }

  private func withWriter(_ body: (inout LogWriter) throws -> Void) throws {
    let path = directory + "/bench"
    try createDirectories(path)
    let files = try FileStorage.open(directory: path)
    defer {
      for folder in ["log", "quarantine", "."] {
        for file in (try? files.list(folder)) ?? [] {
          try? files.removeFile(folder == "." ? file : "\(folder)/\(file)")
        }
      }
    }
    var writer = try LogWriter.create(in: files, identity: identity)
    try body(&writer)
  }

  /// A log, commit by commit.
  func log(_ span: Span, into figure: inout BulkFigure) throws {
    try withWriter { writer in
      try figure.measure(span) { _ in
        _ = try writer.stage(lines, time: max(now, writer.lastTime))
        try writer.synchronize()
      }
    }
  }

  /// The same, with the next commit made ready while one is synchronized.
  func pipeline(_ span: Span, into figure: inout BulkFigure) throws {
    let lines = lines
    let next = Mutex<PreparedCommit?>(nil)
    try withWriter { writer in
      try figure.measure(span) { _ in
        let commit = try next.withLock { $0.take() } ?? PreparedCommit(lines)
        _ = try writer.stage(commit, time: max(now, writer.lastTime))
        try writer.synchronize(with: { doAtOnce($0, $1) }) {
          if let made = try? PreparedCommit(lines) { next.withLock { $0 = made } }
        }
      }
    }
  }

  /// A transaction for as many rows; ids are unique, and so are keys, of which each transaction has one.
  func sqlite(_ span: Span, into figure: inout BulkFigure) throws {
    let path = directory + "/bulk.db"
    for file in [path, path + "-wal", path + "-shm"] where try exists(file) {
      try removeFile(file)
    }
    let connection = SQLiteWriter(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, key TEXT UNIQUE, line TEXT)")
    figure.measure(span) { number in
      connection.execute("BEGIN IMMEDIATE")
      for line in lines { connection.insert(line) }
      connection.execute("UPDATE event SET key = 'k\(number)' WHERE id = last_insert_rowid()")
      connection.execute("COMMIT")
    }
  }
}
