import Bytes
import CSQLite
import Dispatching
import EventLog
import Events
import Ledger
import Merkle
import Platform
import Synchronization

/// The measures of ``AppendMeasure`` that need no server.
final class AppendBench {
  private let directory: String
  private let storage: FileStorage
  private let identity: LedgerIdentity
  private let now = SystemClock.now()

  /// About what an observation comes to as an event's line.
  private static let lineBytes = 420

  init(_ directory: String) throws {
    self.directory = directory
    storage = try FileStorage.open(directory: directory)
    identity = try LedgerIdentity.read(from: storage)
  }

  private static func line(_ text: String) -> [UInt8] {
    let start = #"{"data":""# + text
    return Array((start + String(repeating: "x", count: lineBytes - start.utf8.count - 2)).utf8)
      + Array(#""}"#.utf8)
  }

  private func measure(
    _ span: Span, into samples: inout Samples, _ once: (Int) throws -> Void
  ) rethrows {
    var own = Laps(until: span.end)
    while !own.isOver {
      try once(own.times.count)
      own.lap()
    }
    samples.add(own.times, finished: own.finished, in: span.nanoseconds)
  }

  // MARK: - One

  /// The least there is: as many bytes written into a file that is filled already, and fdatasync.
  func bare(_ span: Span, into samples: inout Samples) throws {
    let length = Self.lineBytes + 258
    let path = "bare"
    let file = try storage.openOrCreate(path)
    let filled = 32 << 20
    try file.writeFully([UInt8](repeating: 10, count: filled), at: 0)
    try file.synchronize()
    let bytes = [UInt8](repeating: 120, count: length)
    try measure(span, into: &samples) { number in
      try file.writeFully(bytes, at: UInt64(number * length % (filled - length)))
      try file.synchronize()
    }
    try storage.removeFile(path)
  }

  /// A log of its own, which ends with the measure.
  private func withWriter<Result>(
    _ body: (consuming LogWriter) throws -> Result
  ) throws -> Result {
    let name = "bench"
    let path = directory + "/" + name
    try createDirectories(path)
    let files = try FileStorage.open(directory: path)
    defer {
      for folder in ["log", "quarantine", "."] {
        for file in (try? files.list(folder)) ?? [] {
          try? files.removeFile(folder == "." ? file : "\(folder)/\(file)")
        }
      }
    }
    return try body(try LogWriter.create(in: files, identity: identity))
  }

  func oneLine(_ span: Span, into samples: inout Samples) throws {
    var found = samples
    try withWriter { writer in
      var writer = writer
      writer.fillAhead(1 << 20)
      try measure(span, into: &found) { number in
        _ = try writer.stage([Self.line("\(number)")], time: max(now, writer.lastTime))
        try writer.synchronize()
        writer.fillAhead(1 << 20)
      }
    }
    samples = found
  }

  private func group() throws -> CommitGroup {
    try CommitGroup(Ledger(LedgerPath(directory), surroundings: .system(), usesServer: false))
  }

  /// One observation, decided, recorded and acknowledged.
  func oneCall(_ span: Span, into samples: inout Samples) throws {
    let group = try group()
    let random = try newPrefix()
    try measure(span, into: &samples) { number in
      try Self.require(group.perform([Self.call("\(random)/\(number)")]))
      group.settle(isIdle: false)
    }
    try group.close()
  }

  private func newPrefix() throws -> String { Hex.encode(try Platform.randomBytes(8)) }

  private static func call(_ key: String) -> GroupedCall {
    let line = #"{"command":"observe","signal":"load","value":"42.5"}"#
    guard let command = try? Command(parsing: Array(line.utf8)) else {
      fatalError("invariant broken: \(line) is no command")
    }
    return GroupedCall(
      commands: [command], entries: 1, key: key, expected: nil, actor: "user:bench@localhost")
  }

  private static func require(_ answers: [GroupedAnswer]) throws {
    for case .failed(let error) in answers { throw error }
  }

  // MARK: - Many

  /// Of what is in it only the task that leads makes use, one at a time.
  private final class Box {
    var writer: LogWriter
    init(_ writer: consuming LogWriter) { self.writer = writer }
  }

  func manyLines(_ span: Span, writers: Int, into samples: inout Samples) throws {
    var found = samples
    let time = now
    try withWriter { writer in
      nonisolated(unsafe) let box = Box(writer)
      let commits = SharedCommits<[UInt8]> { lines in
        let box = unsafe box
        do {
          for line in lines {
            _ = try box.writer.stage([line], time: max(time, box.writer.lastTime))
          }
          try box.writer.synchronize()
          box.writer.fillAhead(1 << 20)
        } catch {
          fatalError("invariant broken: \(error)")
        }
      }
      runTasks(writers, span, into: &found) { writer, number in
        await commits.submit(Self.line("\(writer)/\(number)"))
      }
    }
    samples = found
  }

  func manyCalls(_ span: Span, writers: Int, into samples: inout Samples) throws {
    let random = try newPrefix()
    nonisolated(unsafe) let group = try group()
    let commits = SharedCommits<String> { keys in
      let group = unsafe group
      do { try Self.require(group.perform(keys.map { Self.call($0) })) } catch {
        fatalError("invariant broken: \(error)")
      }
      group.settle(isIdle: false)
    }
    runTasks(writers, span, into: &samples) { writer, number in
      await commits.submit("\(random)/\(writer)/\(number)")
    }
    unsafe try group.close()
  }

  // MARK: - SQLite

  /// Each writer with a connection of its own, as SQLite is used: a transaction an event.
  func sqlite(_ span: Span, writers: Int, into samples: inout Samples) throws {
    let path = try newDatabase()
    let tally = Tally(writers, span)
    for writer in 0..<writers {
      let isStarted = startThread {
        let connection = SQLiteWriter(path)
        tally.run { number in connection.insert(Self.line("\(writer)/\(number)")) }
      }
      if !isStarted { fatalError("invariant broken: no thread") }
    }
    tally.wait(into: &samples)
  }

  /// All writers behind one connection, a transaction for all that wait.
  func sqliteGroup(_ span: Span, writers: Int, into samples: inout Samples) throws {
    nonisolated(unsafe) let connection = SQLiteWriter(try newDatabase())
    let commits = SharedCommits<[UInt8]> { lines in
      let connection = unsafe connection
      connection.execute("BEGIN IMMEDIATE")
      for line in lines { connection.insert(line) }
      connection.execute("COMMIT")
    }
    runTasks(writers, span, into: &samples) { writer, number in
      await commits.submit(Self.line("\(writer)/\(number)"))
    }
  }

  private func newDatabase() throws -> String {
    let path = directory + "/bench.db"
    for file in [path, path + "-wal", path + "-shm"] where try exists(file) {
      try removeFile(file)
    }
    let connection = SQLiteWriter(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, line TEXT)")
    return path
  }
}

/// A connection that appends rows, durably (WAL, synchronous=FULL).
@safe final class SQLiteWriter {
  private var connection: OpaquePointer?
  private var statement: OpaquePointer?

  init(_ path: String) {
    unsafe sqlite3_open(path, &connection)
    _ = unsafe sqlite3_busy_timeout(connection, 60_000)
    execute("PRAGMA synchronous=FULL")
  }

  deinit {
    _ = unsafe sqlite3_finalize(statement)
    _ = unsafe sqlite3_close(connection)
  }

  func execute(_ sql: String) {
    let code = unsafe sqlite3_exec(connection, sql, nil, nil, nil)
    if code != SQLITE_OK { fatalError("invariant broken: \(sql): \(code)") }
  }

  func insert(_ line: [UInt8]) {
    if unsafe statement == nil {
      let code = unsafe sqlite3_prepare_v2(
        connection, "INSERT INTO event (line) VALUES (?)", -1, &statement, nil)
      if code != SQLITE_OK { fatalError("invariant broken: SQLite says \(code)") }
    }
    let code = unsafe line.withUnsafeBytes { bytes in
      _ = unsafe sqlite3_bind_blob(statement, 1, bytes.baseAddress, Int32(bytes.count), nil)
      return unsafe sqlite3_step(statement)
    }
    _ = unsafe sqlite3_reset(statement)
    if code != SQLITE_DONE { fatalError("invariant broken: SQLite says \(code)") }
  }
}
