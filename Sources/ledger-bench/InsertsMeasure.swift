import Bytes
import CSQLite
import Platform

/// Bare prepared inserts of all rows of a database into an empty one with the same tables and indexes.
///
/// `ledger-bench inserts DATABASE COPY`: the seconds that the inserts take, 10,000 rows a transaction
/// with the settings of the views (WAL, synchronous=NORMAL). Rows are read before, and not counted.
@safe final class InsertsMeasure {
  private var source: OpaquePointer?
  private var target: OpaquePointer?
  private var rows = 0
  private var nanoseconds: UInt64 = 0

  private static let rowsInTransaction = 10_000

  static func run(_ arguments: [String]) {
    let measure = InsertsMeasure(arguments[0], arguments[1])
    measure.copyAll()
    let report: JSON = [
      "nanoseconds": .integer(Int64(measure.nanoseconds)), "rows": .integer(Int64(measure.rows)),
    ]
    _ = StandardStream.output.write(report.canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }

  private init(_ from: String, _ to: String) {
    check(unsafe sqlite3_open(from, &source))
    check(unsafe sqlite3_open(to, &target))
    execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")
  }

  deinit {
    _ = unsafe sqlite3_close(source)
    _ = unsafe sqlite3_close(target)
  }

  private func check(_ code: Int32) {
    if code != SQLITE_OK { fatalError("invariant broken: SQLite says \(code)") }
  }

  private func execute(_ sql: String) { check(unsafe sqlite3_exec(target, sql, nil, nil, nil)) }

  private func texts(_ sql: String) -> [String] {
    let statement = unsafe prepare(sql, on: source)
    defer { _ = unsafe sqlite3_finalize(statement) }
    var texts: [String] = []
    while unsafe sqlite3_step(statement) == SQLITE_ROW {
      texts.append(unsafe String(cString: sqlite3_column_text(statement, 0)))
    }
    return texts
  }

  private func prepare(_ sql: String, on database: OpaquePointer?) -> OpaquePointer? {
    var statement: OpaquePointer?
    check(unsafe sqlite3_prepare_v2(database, sql, -1, &statement, nil))
    return unsafe statement
  }

  private func copyAll() {
    for sql in texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL") { execute(sql) }
    for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table'") { copy(table) }
  }

  private func copy(_ table: String) {
    let reading = unsafe prepare("SELECT * FROM \(table)", on: source)
    let columns = unsafe sqlite3_column_count(reading)
    let places = (0..<columns).map { _ in "?" }.joined(separator: ", ")
    let writing = unsafe prepare("INSERT INTO \(table) VALUES (\(places))", on: target)
    defer {
      _ = unsafe sqlite3_finalize(reading)
      _ = unsafe sqlite3_finalize(writing)
    }
    var values = unsafe [OpaquePointer?]()
    repeat {
      unsafe values.removeAll(keepingCapacity: true)
      while unsafe values.count < Self.rowsInTransaction * Int(columns),
        unsafe sqlite3_step(reading) == SQLITE_ROW
      {
        for column in 0..<columns {
          unsafe values.append(sqlite3_value_dup(sqlite3_column_value(reading, column)))
        }
      }
      unsafe insert(values, columns, by: writing)
      for place in unsafe values.indices { unsafe sqlite3_value_free(values[place]) }
    } while unsafe !values.isEmpty
  }

  private func insert(_ values: [OpaquePointer?], _ columns: Int32, by writing: OpaquePointer?) {
    let start = SystemClock.threadNanoseconds()
    execute("BEGIN")
    for place in unsafe values.indices {
      let index = Int32(place) % columns + 1
      _ = unsafe sqlite3_bind_value(writing, index, values[place])
      if index < columns { continue }
      if unsafe sqlite3_step(writing) != SQLITE_DONE { fatalError("invariant broken: no row") }
      _ = unsafe sqlite3_reset(writing)
    }
    execute("COMMIT")
    nanoseconds += SystemClock.threadNanoseconds() - start
    rows += unsafe values.count / Int(columns)
  }
}
