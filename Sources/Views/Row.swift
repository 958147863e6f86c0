import Bytes
import CSQLite
import Events

/// A row of a statement's answer, read from its first column to its last.
///
/// It holds only while the statement stands on it: it doesn't leave the closure that it is handed
/// to.
@safe package struct Row {
  private let statement: OpaquePointer
  private let sql: StaticString
  private var column: Int32 = 0

  init(statement: OpaquePointer, sql: StaticString) {
    unsafe self.statement = unsafe statement
    self.sql = sql
  }

  /// The next column's value.
  ///
  /// - Throws: `.malformed` where the column doesn't hold a value of this type.
  package mutating func next<Value: ColumnValue>(
    _ type: Value.Type = Value.self
  ) throws(ViewError) -> Value {
    guard let value = unsafe Value(of: statement, at: column) else { throw malformed() }
    column += 1
    return value
  }

  /// The next column's value, made into another by `make`; `nil` from it is `.malformed`.
  package mutating func next<Value: ColumnValue, Result>(
    _ make: (Value) -> Result?
  ) throws(ViewError) -> Result {
    let value: Value = try next()
    guard let result = make(value) else {
      column -= 1
      throw malformed()
    }
    return result
  }

  private func malformed() -> ViewError {
    .malformed(statement: "\(sql)", column: Int(column))
  }
}

/// A value as SQLite keeps it, whatever its column should hold.
package enum StoredValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case text([UInt8])
  case blob([UInt8])
  /// A fraction, which nothing here ever writes: damage.
  case fraction
}

/// Walks over the rows of one statement without knowing what they hold.
@safe package struct RowCursor: ~Copyable {
  private let owner: Database
  private let statement: OpaquePointer
  private let sql: String

  init(owner: Database, statement: OpaquePointer, sql: String) {
    self.owner = owner
    unsafe self.statement = unsafe statement
    self.sql = sql
  }

  deinit { _ = unsafe sqlite3_finalize(statement) }

  /// The next row's values, or `nil` after the last row.
  package mutating func next() throws(ViewError) -> [StoredValue]? {
    switch unsafe sqlite3_step(statement) {
    case SQLITE_ROW:
      return unsafe (0..<sqlite3_column_count(statement)).map { value(at: $0) }
    case SQLITE_DONE: return nil
    case let code: throw owner.error(code, sql)
    }
  }

  private func value(at index: Int32) -> StoredValue {
    switch unsafe sqlite3_column_type(statement, index) {
    case SQLITE_NULL: return .null
    case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(statement, index))
    case SQLITE_FLOAT: return .fraction
    case SQLITE_TEXT: return .text(bytes(at: index))
    default: return .blob(bytes(at: index))
    }
  }

  private func bytes(at index: Int32) -> [UInt8] {
    let start = unsafe sqlite3_column_blob(statement, index)
    let count = unsafe sqlite3_column_bytes(statement, index)
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(count)))
  }
}

/// Puts rows into one table without knowing what they hold.
@safe struct RowWriter: ~Copyable {
  private let owner: Database
  private let statement: OpaquePointer
  private let sql: String
  let columns: Int

  init(owner: Database, statement: OpaquePointer, sql: String) {
    self.owner = owner
    unsafe self.statement = unsafe statement
    self.sql = sql
    columns = Int(unsafe sqlite3_bind_parameter_count(statement))
  }

  deinit { _ = unsafe sqlite3_finalize(statement) }

  /// - Parameter values: One for each column.
  func put(_ values: [StoredValue]) throws(ViewError) {
    for (index, value) in values.enumerated() {
      let code = unsafe value.bind(to: statement, at: Int32(index + 1))
      guard code == SQLITE_OK else { throw owner.error(code, sql) }
    }
    let code = unsafe sqlite3_step(statement)
    let end = unsafe sqlite3_reset(statement)
    guard code == SQLITE_DONE, end == SQLITE_OK else {
      throw owner.error(end == SQLITE_OK ? code : end, sql)
    }
  }
}

extension StoredValue {
  fileprivate func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    switch self {
    case .null, .fraction: unsafe sqlite3_bind_null(statement, index)
    case .integer(let value): unsafe value.bind(to: statement, at: index)
    case .text(let bytes):
      unsafe bytes.withUnsafeBufferPointer { unsafe bindText($0, to: statement, at: index) }
    case .blob(let bytes): unsafe bytes.bind(to: statement, at: index)
    }
  }
}

/// A record as a column holds it: its canonical JSON.
struct RecordText<Value: Record>: ColumnValue {
  let value: Value

  init(_ value: Value) { self.value = value }

  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe value.canonicalBytes.withUnsafeBufferPointer { bytes in
      unsafe bindText(bytes, to: statement, at: index)
    }
  }

  init?(of statement: OpaquePointer, at index: Int32) {
    guard let text = unsafe String(of: statement, at: index),
      let json = try? JSON(parsing: Array(text.utf8)), let value = try? Value(json: json)
    else { return nil }
    self.value = value
  }
}

extension Row {
  /// The next column's record, from its canonical JSON.
  mutating func record<Value: Record>(_ type: Value.Type = Value.self) throws(ViewError) -> Value {
    try next(RecordText<Value>.self).value
  }
}
