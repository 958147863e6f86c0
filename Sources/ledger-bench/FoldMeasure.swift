import Audit
import Bytes
import CSQLite
import EventLog
import Events
import Platform

/// What it costs to fold all events of a ledger, with all checksums; beside it SQLite's scan of the same
/// events.
///
/// `ledger-bench fold DIRECTORY DATABASE` puts the events of the ledger into DATABASE, unless it is there,
/// with the columns that are folded, and says for each measure nanoseconds an event: of the wall clock and
/// of all processors, the least of five runs.
enum FoldMeasure {
  static func run(_ arguments: [String]) throws {
    guard arguments.count == 2 else { throw PlatformError.argumentNotText(position: 2) }
    let storage = try FileStorage.openForReading(directory: arguments[0])
    let identity = try LedgerIdentity.read(from: storage)
    if try !exists(arguments[1]) { try fill(arguments[1], from: storage, identity) }
    let database = FoldDatabase(arguments[1])
    var report = JSONObject()
    var events: UInt64 = 0

    func measure(_ name: String, _ once: () throws -> UInt64) rethrows {
      var (wall, processor) = (UInt64.max, UInt64.max)
      for _ in 0..<5 {
        let (start, spent) = (SystemClock.monotonicNanoseconds(), SystemClock.processNanoseconds())
        events = try once()
        wall = min(wall, SystemClock.monotonicNanoseconds() - start)
        processor = min(processor, SystemClock.processNanoseconds() - spent)
      }
      let count = Double(max(1, events))
      report["\(name)"] = [
        "processor": .integer(Int64(Double(processor) * 1_000 / count)),
        "wall": .integer(Int64(Double(wall) * 1_000 / count)),
      ]
    }

    for key in EventCounter.Key.allCases {
      try measure("fold_\(key.rawValue)") {
        let counter = EventCounter(identity, by: key)
        var verifier = LogVerifier(
          storage, identity: identity, judge: counter, checksTree: false,
          workers: { doAtOnce($0, $1) })
        counter.finish(size: try verifier.verify().size)
        return counter.eventCount
      }
    }
    try measure("verify") {
      var verifier = LogVerifier(
        storage, identity: identity, judge: EventCheck(identity),
        workers: { doAtOnce($0, $1) })
      return try verifier.verify().size
    }
    let columns = "id, type, dispatch, user, channel"
    measure("sqlite_scan") { database.scan("SELECT \(columns), line FROM event") }
    measure("sqlite_columns") { database.scan("SELECT \(columns) FROM event") }
    measure("sqlite_group_type") {
      _ = database.scan("SELECT type, count(*) FROM event GROUP BY type")
      return events
    }
    measure("sqlite_group_dispatch") {
      _ = database.scan("SELECT dispatch, count(*) FROM event GROUP BY dispatch")
      return events
    }
    report["events"] = .integer(Int64(events))
    let members = report.members.sorted { $0.key < $1.key }
    _ = StandardStream.output.write(JSON.object(JSONObject(members)).canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }

  private static func fill(
    _ path: String, from storage: any Storage, _ identity: LedgerIdentity
  ) throws {
    let database = FoldDatabase(path)
    database.execute(
      "CREATE TABLE event (id INTEGER PRIMARY KEY, type TEXT, dispatch TEXT, user TEXT, "
        + "channel TEXT, line TEXT)")
    database.execute("BEGIN")
    var reader = EnvelopeReader()
    var cursor = try LogReader(storage, identity: identity).events(from: 0)
    while let stored = try cursor.read() {
      let line = stored.line
      guard let view = unsafe reader.read(line.span.bytes) else { continue }
      let texts = unsafe reader.texts(in: line.span.bytes, view)
      let subject = line[view.subject]
      database.insert([
        Array(line[view.type]),
        subject.starts(with: "dispatch/".utf8) ? Array(subject.dropFirst(9)) : nil,
        texts.user.map { Array(line[$0]) }, texts.channel.map { Array(line[$0]) }, line,
      ])
    }
    database.execute("COMMIT")
  }
}

/// A database whose rows are gone over.
@safe private final class FoldDatabase {
  private var connection: OpaquePointer?
  private var insertion: OpaquePointer?

  init(_ path: String) { unsafe sqlite3_open(path, &connection) }

  deinit {
    _ = unsafe sqlite3_finalize(insertion)
    _ = unsafe sqlite3_close(connection)
  }

  func execute(_ sql: String) {
    let code = unsafe sqlite3_exec(connection, sql, nil, nil, nil)
    if code != SQLITE_OK { fatalError("invariant broken: \(sql): \(code)") }
  }

  func insert(_ texts: [[UInt8]?]) {
    if unsafe insertion == nil {
      unsafe sqlite3_prepare_v2(
        connection,
        "INSERT INTO event (type, dispatch, user, channel, line) VALUES (?, ?, ?, ?, ?)", -1,
        &insertion, nil)
    }
    // What is bound stays where it is until the step.
    let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for (index, text) in texts.enumerated() {
      guard let text else {
        _ = unsafe sqlite3_bind_null(insertion, Int32(index + 1))
        continue
      }
      unsafe text.withUnsafeBytes { bytes in
        _ = unsafe sqlite3_bind_text(
          insertion, Int32(index + 1), bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
          Int32(bytes.count), transient)
      }
    }
    let code = unsafe sqlite3_step(insertion)
    _ = unsafe sqlite3_reset(insertion)
    if code != SQLITE_DONE { fatalError("invariant broken: SQLite says \(code)") }
  }

  /// Steps over all rows, and reads each column as a text.
  func scan(_ sql: String) -> UInt64 {
    var statement: OpaquePointer?
    unsafe sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
    let columns = unsafe sqlite3_column_count(statement)
    var rows: UInt64 = 0
    var work: UInt64 = 0
    while unsafe sqlite3_step(statement) == SQLITE_ROW {
      for column in 0..<columns {
        if let text = unsafe sqlite3_column_text(statement, column) {
          work &+= UInt64(unsafe text.pointee)
        }
      }
      rows += 1
    }
    _ = unsafe sqlite3_finalize(statement)
    return work == 1 ? 0 : rows
  }
}
