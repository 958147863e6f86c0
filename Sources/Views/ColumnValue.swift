package import Bytes
import CSQLite
package import Events

/// A value that a column holds.
///
/// `bind` and `init(of:at:)` are each other's inverse. SQLite knows integers, texts, blobs and
/// null; a value of another type is one of these in its canonical form.
package protocol ColumnValue {
  /// Gives the value to the parameter `index`, from 1; answers SQLite's result code.
  func bind(to statement: OpaquePointer, at index: Int32) -> Int32

  /// The value of the column `index`, from 0, or `nil` where the column holds no such value.
  init?(of statement: OpaquePointer, at index: Int32)
}

extension Int64: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe sqlite3_bind_int64(statement, index, self)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard unsafe sqlite3_column_type(statement, index) == SQLITE_INTEGER else { return nil }
    self = unsafe sqlite3_column_int64(statement, index)
  }
}

extension Int: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe Int64(self).bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard let value = unsafe Int64(of: statement, at: index) else { return nil }
    self.init(exactly: value)
  }
}

/// Positions and offsets; a value beyond 2^63 - 1, which no log has, is refused as too big.
extension UInt64: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    guard let value = Int64(exactly: self) else { return SQLITE_TOOBIG }
    return unsafe value.bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard let value = unsafe Int64(of: statement, at: index) else { return nil }
    self.init(exactly: value)
  }
}

extension Bool: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe sqlite3_bind_int(statement, index, self ? 1 : 0)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    switch unsafe Int64(of: statement, at: index) {
    case 0: self = false
    case 1: self = true
    default: return nil
    }
  }
}

extension String: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    let code = unsafe utf8.withContiguousStorageIfAvailable { bytes in
      unsafe bindText(bytes, to: statement, at: index)
    }
    if let code { return code }
    return unsafe Array(utf8).withUnsafeBufferPointer { bytes in
      unsafe bindText(bytes, to: statement, at: index)
    }
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard unsafe sqlite3_column_type(statement, index) == SQLITE_TEXT else { return nil }
    // In this order: the length is that of the form which the call before it made.
    let start = unsafe sqlite3_column_text(statement, index)
    let count = unsafe sqlite3_column_bytes(statement, index)
    let bytes = unsafe UnsafeBufferPointer(start: start, count: Int(count))
    guard let text = unsafe String(validating: bytes, as: UTF8.self) else { return nil }
    self = text
  }
}

/// SQLite takes a text of no bytes for null unless it is given an address.
func bindText(
  _ bytes: UnsafeBufferPointer<UInt8>, to statement: OpaquePointer, at index: Int32
) -> Int32 {
  guard let length = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
  guard length > 0, let start = bytes.baseAddress else {
    var nothing: UInt8 = 0
    return unsafe ledger_sqlite_bind_text(statement, index, &nothing, 0)
  }
  return unsafe ledger_sqlite_bind_text(statement, index, start, length)
}

extension [UInt8]: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    guard let length = Int32(exactly: count) else { return SQLITE_TOOBIG }
    guard length > 0 else { return unsafe sqlite3_bind_zeroblob(statement, index, 0) }
    return unsafe withUnsafeBufferPointer { bytes in
      unsafe ledger_sqlite_bind_blob(statement, index, bytes.baseAddress, length)
    }
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard unsafe sqlite3_column_type(statement, index) == SQLITE_BLOB else { return nil }
    let start = unsafe sqlite3_column_blob(statement, index)
    let count = unsafe sqlite3_column_bytes(statement, index)
    self = unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(count)))
  }
}

extension Optional: ColumnValue where Wrapped: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    guard let value = self else { return unsafe sqlite3_bind_null(statement, index) }
    return unsafe value.bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    if unsafe sqlite3_column_type(statement, index) == SQLITE_NULL {
      self = Optional<Wrapped>.none
      return
    }
    guard let value = unsafe Wrapped(of: statement, at: index) else { return nil }
    self = .some(value)
  }
}

/// Microseconds since 1970.
extension Instant: ColumnValue {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe microseconds.bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard let value = unsafe Int64(of: statement, at: index) else { return nil }
    self.init(microseconds: value)
  }
}

extension ColumnValue where Self: CheckedText {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe text.bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard let text = unsafe String(of: statement, at: index) else { return nil }
    self.init(text)
  }
}

extension ColumnValue where Self: RawRepresentable<String> {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe rawValue.bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard let text = unsafe String(of: statement, at: index) else { return nil }
    self.init(rawValue: text)
  }
}

extension ColumnValue where Self: RawRepresentable<Int> {
  package func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe rawValue.bind(to: statement, at: index)
  }

  package init?(of statement: OpaquePointer, at index: Int32) {
    guard let number = unsafe Int(of: statement, at: index) else { return nil }
    self.init(rawValue: number)
  }
}

extension EntityID: ColumnValue {}
extension ChannelCode: ColumnValue {}
extension DecimalText: ColumnValue {}
extension CodeWord: ColumnValue {}
extension HexDigest: ColumnValue {}
extension SealedText: ColumnValue {}
extension EventType: ColumnValue {}
