import Bytes
import EventLog
import Platform

/// Copies a ledger's log, and measures what its stream indexes add to appending.
///
/// `ledger-bench copy DIRECTORY TARGET split|whole`: TARGET holds a copy of `LEDGER` and gets the rest;
/// the commits are as they were, or split where the subject changes. It prints picoseconds of all
/// processors for each event: what appending them took, with few syncs, and what their indexes took
/// beside it, those of full segments included.
enum StreamCopy {
  /// So many events, or more, share a sync.
  private static let batch = 4_000

  static func run(_ arguments: [String]) throws {
    let source = try FileStorage.openForReading(directory: arguments[0])
    let target = try FileStorage.open(directory: arguments[1])
    let identity = try LedgerIdentity.read(from: source)
    let writer = try LogWriter.create(in: target, identity: identity)
    try target.ensureDirectory("index")
    let streams = try StreamIndexes(
      catchingUp: target, identity: identity, to: writer.durable)
    var copy = Copy(writer, streams)
    var cursor = try LogReader(source, identity: identity).events(from: 0)
    var lines: [[UInt8]] = []
    var subject: [UInt8] = []
    let splits = arguments[2] == "split"
    var last: CommitLine?
    while let stored = try cursor.read() {
      let range = EventLine.subject(in: stored.line, 0..<stored.line.count) ?? 0..<0
      let next = Array(stored.line[range])
      if let last, last != stored.commit || splits && next != subject {
        copy.take(lines, last.time)
        lines = []
        if copy.waiting >= batch { try copy.write() }
      }
      (subject, last) = (next, stored.commit)
      lines.append(stored.line)
    }
    if let last { copy.take(lines, last.time) }
    try copy.write()
    let report: JSON = [
      "append": .integer(copy.picoseconds(copy.appended)), "commits": .integer(copy.commits),
      "index": .integer(copy.picoseconds(copy.indexed)),
    ]
    _ = StandardStream.output.write(report.canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }

  private struct Copy: ~Copyable {
    private var writer: LogWriter
    private var streams: StreamIndexes
    private var staged: [(lines: [[UInt8]], time: Instant)] = []
    private(set) var commits: Int64 = 0
    private(set) var appended: UInt64 = 0
    private(set) var indexed: UInt64 = 0

    init(_ writer: consuming LogWriter, _ streams: StreamIndexes) {
      self.writer = writer
      self.streams = streams
    }

    private(set) var waiting = 0

    mutating func take(_ lines: [[UInt8]], _ time: Instant) {
      staged.append((lines, time))
      waiting += lines.count
    }

    mutating func write() throws {
      let start = SystemClock.processNanoseconds()
      var written: [(receipt: Receipt, lines: [[UInt8]])] = []
      for (lines, time) in staged { written.append((try writer.stage(lines, time: time), lines)) }
      try writer.synchronize()
      let middle = SystemClock.processNanoseconds()
      try streams.append(written)
      appended += middle - start
      indexed += SystemClock.processNanoseconds() - middle
      commits += Int64(staged.count)
      staged = []
      waiting = 0
    }

    func picoseconds(_ nanoseconds: UInt64) -> Int64 {
      Int64(nanoseconds) * 1_000 / Int64(max(1, writer.size))
    }
  }
}
