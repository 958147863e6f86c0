import Bytes

/// All that views hold as one text, which is the same where, and only where, the content is.
///
/// `#table NAME`, then a line a row by primary key, table by table, and `#end`. Each value of a row has its kind and
/// its length in front: `n;`, `i42;`, `t5:hello`, `b2:` and two bytes.
extension ViewStore {
  /// Writes the text in pieces.
  ///
  /// - Parameter write: Takes the next piece; false from it ends the writing.
  /// - Returns: Whether all of it was written.
  package func writeText(_ write: ([UInt8]) -> Bool) throws(ViewError) -> Bool {
    var piece: [UInt8] = []
    for table in Self.comparedTables {
      piece += Array("#table \(table.name)\n".utf8)
      var rows = try database.cursor(table.query)
      while let row = try rows.next() {
        for value in row { piece += value.tagged }
        piece.append(UInt8(ascii: "\n"))
        if piece.count > 1 << 18 {
          guard write(piece) else { return false }
          piece = []
        }
      }
    }
    return write(piece + Array("#end\n".utf8))
  }

  /// Makes the views hold what a text says, in place of all that they held, in one transaction.
  ///
  /// - Parameter next: Gives the next piece of the text; none ends it.
  /// - Throws: `.otherText` where it isn't such a text, or another release wrote it.
  package func load(_ next: @escaping () -> [UInt8]) throws(ViewError) {
    try make { () throws(ViewError) in
      var reader = TextReader(next)
      for table in Self.comparedTables {
        guard reader.take("#table \(table.name)\n") else { throw .otherText(table: table.name) }
        try database.execute("DELETE FROM \(table.name)")
        let writer = try database.writer(of: table.name)
        while !reader.isAtMark {
          guard let row = reader.row(columns: writer.columns) else {
            throw .otherText(table: table.name)
          }
          try writer.put(row)
        }
        if table.name == "projection", try !hasOwnVersions() {
          throw .otherText(table: table.name)
        }
      }
      guard reader.take("#end\n"), reader.isAtEnd else { throw .otherText(table: "") }
    }
  }

  private func hasOwnVersions() throws(ViewError) -> Bool {
    let found: [String] = try database.rows("SELECT name, version FROM projection ORDER BY name") {
      row throws(ViewError) in
      let name: String = try row.next()
      let version: Int = try row.next()
      return "\(name) \(version)"
    }
    let own = ViewDefinition.all.map { "\($0.name) \($0.version)" }.sorted {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.elementsEqual(own) {
      sameBytes($0, $1)
    }
  }
}

/// Reads a text that comes in pieces; it holds the piece and the value that it is in.
private struct TextReader {
  private let next: () -> [UInt8]
  private var buffer: [UInt8] = []
  private var index = 0

  init(_ next: @escaping () -> [UInt8]) { self.next = next }

  /// Makes so many bytes stand in the buffer, if there are as many.
  private mutating func load(_ count: Int) -> Bool {
    while buffer.count - index < count {
      let more = next()
      if more.isEmpty { return false }
      buffer.removeFirst(index)
      index = 0
      buffer += more
    }
    return true
  }

  private mutating func byte() -> UInt8? {
    guard load(1) else { return nil }
    defer { index += 1 }
    return buffer[index]
  }

  var isAtMark: Bool {
    mutating get { load(1) ? buffer[index] == UInt8(ascii: "#") : true }
  }

  var isAtEnd: Bool { mutating get { !load(1) } }

  mutating func take(_ text: String) -> Bool {
    let count = text.utf8.count
    guard load(count), buffer[index..<index + count].elementsEqual(text.utf8) else { return false }
    index += count
    return true
  }

  /// The values of the row that comes next, or `nil` where none of so many values does.
  mutating func row(columns: Int) -> [StoredValue]? {
    var values: [StoredValue] = []
    for _ in 0..<columns {
      guard let value = value() else { return nil }
      values.append(value)
    }
    return byte() == UInt8(ascii: "\n") ? values : nil
  }

  private mutating func value() -> StoredValue? {
    switch byte() {
    case UInt8(ascii: "n"): return byte() == UInt8(ascii: ";") ? .null : nil
    case UInt8(ascii: "i"): return number(until: ";").map { .integer($0) }
    case UInt8(ascii: "t"): return bytes().map { .text($0) }
    case UInt8(ascii: "b"): return bytes().map { .blob($0) }
    default: return nil
    }
  }

  private mutating func number(until mark: Unicode.Scalar) -> Int64? {
    var text = ""
    while text.utf8.count < 21, let byte = byte() {
      if byte == UInt8(ascii: mark) { return Int64(text).flatMap { String($0) == text ? $0 : nil } }
      text.unicodeScalars.append(Unicode.Scalar(byte))
    }
    return nil
  }

  private mutating func bytes() -> [UInt8]? {
    // No allocation is sized by what the text says: bytes come as they are there.
    guard let count = number(until: ":"), count >= 0, count <= 1 << 30, load(Int(count)) else {
      return nil
    }
    defer { index += Int(count) }
    return Array(buffer[index..<index + Int(count)])
  }
}
