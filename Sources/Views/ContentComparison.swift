package import Bytes

extension ViewStore {
  /// A digest of all that the views hold: equal where, and only where, the content is.
  ///
  /// Rows are taken by primary key, so that the order in which they were written doesn't matter.
  package func contentDigest() throws(ViewError) -> Digest {
    var hasher = SHA256Hasher()
    for table in Self.comparedTables {
      hasher.update(Array("\(table.name)\n".utf8))
      var rows = try database.cursor(table.query)
      while let row = try rows.next() {
        for value in row { hasher.update(value.tagged) }
        hasher.update([UInt8(ascii: "\n")])
      }
    }
    return hasher.finish()
  }

  /// The first row, in the order of tables and keys, that isn't the same in both; `nil` where all
  /// are.
  package func firstDifference(from other: ViewStore) throws(ViewError) -> ContentDifference? {
    for table in Self.comparedTables {
      var ours = try database.cursor(table.query)
      var theirs = try other.database.cursor(table.query)
      while true {
        let here = try ours.next()
        let there = try theirs.next()
        if here == there {
          if here == nil { break }
          continue
        }
        return ContentDifference(table: table, here: here, there: there)
      }
    }
    return nil
  }

  /// What SQLite itself finds wrong with the database's pages and indexes, at most ten sentences;
  /// none where it finds nothing.
  package func damage() throws(ViewError) -> [String] {
    let lines: [String] = try database.rows("PRAGMA integrity_check(10)") { row throws(ViewError) in
      try row.next()
    }
    return lines.filter { !sameBytes($0, "ok") }
  }

  // The cursor comes last: where rows differ as well, they say more.
  static let comparedTables: [ViewDefinition.Table] =
    [.init(name: "projection", keyColumns: 1)] + ViewDefinition.all.flatMap(\.tables)
    + [.init(name: "cursor", keyColumns: 1)]
}

/// The first row in which the content of two view stores differs.
package struct ContentDifference: Hashable, Sendable {
  package var table: String
  /// The values of the row's primary key, as a person reads them.
  package var key: [String]
  /// The row's values; `nil` where it is missing.
  package var here: [StoredValue]?
  package var there: [StoredValue]?

  /// Two rows of different keys mean that the one with the smaller key is missing on the other
  /// side.
  init(table: ViewDefinition.Table, here: [StoredValue]?, there: [StoredValue]?) {
    self.table = table.name
    let ourKey = here.map { $0.prefix(table.keyColumns) }
    let theirKey = there.map { $0.prefix(table.keyColumns) }
    var isHere = ourKey != nil
    var isThere = theirKey != nil
    if let ourKey, let theirKey, ourKey != theirKey {
      isHere = ourKey.lexicographicallyPrecedes(theirKey)
      isThere = !isHere
    }
    key = (isHere ? ourKey : theirKey)?.map(\.text) ?? []
    self.here = isHere ? here : nil
    self.there = isThere ? there : nil
  }
}

extension ViewDefinition.Table {
  /// All rows by primary key.
  var query: String {
    let key = (1...keyColumns).map(String.init).joined(separator: ", ")
    return "SELECT * FROM \(name) ORDER BY \(key)"
  }
}

extension StoredValue: Comparable {
  /// In SQLite's order: null, numbers, texts by bytes, blobs by bytes.
  package static func < (one: StoredValue, other: StoredValue) -> Bool {
    switch (one, other) {
    case (.integer(let a), .integer(let b)): a < b
    case (.text(let a), .text(let b)), (.blob(let a), .blob(let b)): a.lexicographicallyPrecedes(b)
    default: one.rank < other.rank
    }
  }

  private var rank: Int {
    switch self {
    case .null: 0
    case .integer: 1
    case .fraction: 2
    case .text: 3
    case .blob: 4
    }
  }

  /// As a person reads it.
  package var text: String {
    switch self {
    case .null: "null"
    case .integer(let value): String(value)
    case .fraction: "a fraction"
    case .text(let bytes): String(decoding: bytes, as: UTF8.self)
    case .blob(let bytes): Hex.encode(bytes)
    }
  }

  /// Kind, length and bytes: no two values are written alike, nor any two rows of them.
  var tagged: [UInt8] {
    switch self {
    case .null: Array("n;".utf8)
    case .integer(let value): Array("i\(value);".utf8)
    case .fraction: Array("f;".utf8)
    case .text(let bytes): Array("t\(bytes.count):".utf8) + bytes
    case .blob(let bytes): Array("b\(bytes.count):".utf8) + bytes
    }
  }
}

extension SHA256Hasher {
  fileprivate mutating func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }
}
