import Bytes
import CSQLite
import EventLog
import Platform

/// Reads the histories of dispatches one by one, by the stream indexes and from a database of SQLite,
/// in turn.
///
/// `ledger-bench streams DIRECTORY DATABASE`: standard input names the subjects, a line each; the
/// database has a table `event` (id, subject, line) with an index on subject and id. It prints the
/// nanoseconds of both, without the first look-up, and fails where the two tell other lines.
enum StreamMeasure {
  static func run(_ arguments: [String]) throws {
    let storage = try FileStorage.openForReading(directory: arguments[0])
    let identity = try LedgerIdentity.read(from: storage)
    var reader = StreamReader(try LogReader(storage, identity: identity))
    let database = try EventDatabase(arguments[1])
    var input: [UInt8] = []
    while let line = readLine() { input += Array(line.utf8) + [10] }
    let subjects = String(decoding: input, as: UTF8.self).split(separator: "\n").map(String.init)
    var (ours, theirs): ([UInt64], [UInt64]) = ([], [])
    var events = 0
    for subject in subjects {
      let start = SystemClock.monotonicNanoseconds()
      let found = try reader.events(about: subject)
      let middle = SystemClock.monotonicNanoseconds()
      let rows = try database.lines(about: subject)
      ours.append(middle - start)
      theirs.append(SystemClock.monotonicNanoseconds() - middle)
      guard found.map(\.line) == rows else { throw StreamMeasureError.differ(subject) }
      events += rows.count
    }
    let report: JSON = [
      "events": .integer(Int64(events)), "index": figures(ours), "sqlite": figures(theirs),
      "subjects": .integer(Int64(subjects.count)),
    ]
    _ = StandardStream.output.write(report.canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }

  /// The first two look-ups open what the others use.
  private static func figures(_ times: [UInt64]) -> JSON {
    let sorted = times.dropFirst(2).sorted()
    guard let last = sorted.last else { return [:] }
    return [
      "longest": .integer(Int64(last)), "p50": .integer(Int64(sorted[sorted.count / 2])),
      "p99": .integer(Int64(sorted[sorted.count * 99 / 100])),
    ]
  }
}

enum StreamMeasureError: Error {
  case differ(String)
  case sqlite(String)
}

/// A database that is read by one prepared statement.
@safe private final class EventDatabase {
  private var connection: OpaquePointer?
  private var statement: OpaquePointer?

  init(_ path: String) throws {
    guard unsafe sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY, nil) == SQLITE_OK,
      unsafe sqlite3_prepare_v2(
        connection, "SELECT line FROM event WHERE subject = ? ORDER BY id", -1, &statement, nil)
        == SQLITE_OK
    else { throw unsafe StreamMeasureError.sqlite(String(cString: sqlite3_errmsg(connection))) }
  }

  deinit {
    unsafe sqlite3_finalize(statement)
    unsafe sqlite3_close(connection)
  }

  func lines(about subject: String) throws -> [[UInt8]] {
    let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    guard unsafe sqlite3_bind_text(statement, 1, subject, -1, transient) == SQLITE_OK else {
      throw StreamMeasureError.sqlite("a subject can't be bound")
    }
    defer { unsafe sqlite3_reset(statement) }
    var lines: [[UInt8]] = []
    while unsafe sqlite3_step(statement) == SQLITE_ROW {
      let count = unsafe Int(sqlite3_column_bytes(statement, 0))
      guard let text = unsafe sqlite3_column_text(statement, 0) else { continue }
      unsafe lines.append(Array(UnsafeBufferPointer(start: text, count: count)))
    }
    return lines
  }
}
