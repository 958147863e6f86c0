package import Bytes

/// One column of a table: what its name is, and what it may hold.
package struct ParquetColumn: Hashable, Sendable {
  package enum Kind: Hashable, Sendable, CaseIterable {
    case integer
    case boolean
    case instant
    case text
  }

  package let name: String
  package let kind: Kind
  /// Whether a value may be missing.
  package let isOptional: Bool

  package init(_ name: String, _ kind: Kind, isOptional: Bool = false) {
    self.name = name
    self.kind = kind
    self.isOptional = isOptional
  }
}

/// One value of a row; its kind must be its column's.
package enum ParquetValue: Hashable, Sendable {
  /// Missing; only where the column is optional.
  case null
  case integer(Int64)
  case boolean(Bool)
  case instant(Instant)
  /// Where the UTF-8 stands in the texts of the row: at most 2^24 bytes.
  case text(Range<Int>)
}

/// How pages are compressed.
package enum ParquetCompression: String, CaseIterable, Sendable { case zstd, none }

/// What a file says of itself, and how it is cut.
package struct ParquetOptions: Sendable {
  /// The program that writes; some readers want `NAME version NUMBER`.
  package var createdBy = "dispatch-ledger"
  package var compression: ParquetCompression = .zstd
  /// The column of integers that the rows are in the rising order of.
  ///
  /// It is told of those row groups alone that are: a reader may skip rows by it.
  package var sortedBy: Int?
  /// A row group is closed when it has so many rows, if not before.
  package var rowsInGroup = 131_072
  /// A row group is closed when its values fill so many bytes: about what the writer holds.
  package var bytesInGroup = 32 << 20

  package init() {}
}
