package import Bytes
package import EventLog
package import Events
package import Merkle

/// A table of an export (`FORMAT.md` §22): what its columns are, whatever file its rows go to.
///
/// Columns are only ever added, at the end. Rows stand in ascending order of the first column,
/// `event`, the id of the event that the row is of; one event may have several rows.
package struct ExportTable: Hashable, Sendable {
  /// What the values of a column are.
  package enum Kind: String, Hashable, Sendable {
    /// UTF-8, never longer than a line of the log.
    case text
    /// Within plus and minus 2^53 - 1.
    case integer
    case boolean
    /// Microseconds since 1970 in UTC, within the years 1...9999.
    case instant
  }

  /// One column.
  package struct Column: Hashable, Sendable {
    /// `snake_case`; no other column of the table has it.
    package let name: String
    package let kind: Kind
    /// Whether a row may have no value here.
    package let isNullable: Bool
    /// One sentence, as `FORMAT.md` has it.
    package let meaning: String
  }

  /// `dispatches`; the name of its file, too.
  package let name: String
  package let columns: [Column]
  /// Its place in ``all``.
  package let number: Int

  init(_ number: Int, _ name: String, _ columns: [Column]) {
    self.number = number
    self.name = name
    self.columns = columns
  }
}

/// One row on its way to a file: a cell for each column of its table, in their order.
///
/// It is filled anew for every row; its buffers stay, so that a row costs no allocation.
package struct ExportRow: Sendable {
  /// The value of a column.
  package enum Cell: Hashable, Sendable {
    case null
    case integer(Int64)
    case boolean(Bool)
    case instant(Instant)
    /// Where the UTF-8 stands in ``ExportRow/texts``.
    case text(Range<Int>)
  }

  /// One for each column once the row is whole.
  package private(set) var cells: [Cell] = []
  /// The bytes of all texts of the row.
  package private(set) var texts: [UInt8] = []

  package init() {}

  /// Forgets the row before.
  package mutating func begin() {
    cells.removeAll(keepingCapacity: true)
    texts.removeAll(keepingCapacity: true)
  }

  package mutating func add(_ value: Int64?) {
    cells.append(value.map { .integer($0) } ?? .null)
  }

  package mutating func add(_ value: Int?) { add(value.map { Int64($0) }) }

  /// Adds an event's id, which is at most 2^53 - 1.
  package mutating func add(_ value: UInt64?) { add(value.map { Int64(clamping: $0) }) }

  package mutating func add(_ value: Bool?) {
    cells.append(value.map { .boolean($0) } ?? .null)
  }

  package mutating func add(_ value: Instant?) {
    cells.append(value.map { .instant($0) } ?? .null)
  }

  package mutating func add(_ value: String?) {
    guard let value else {
      cells.append(.null)
      return
    }
    let start = texts.count
    texts.append(contentsOf: value.utf8)
    cells.append(.text(start..<texts.count))
  }
}

extension ExportRow {
  /// Adds a text's UTF-8.
  mutating func add(text: some Collection<UInt8>) {
    let start = texts.count
    texts.append(contentsOf: text)
    cells.append(.text(start..<texts.count))
  }

  /// Adds words with a space between, as one text.
  mutating func add(words: some Sequence<String>) {
    let start = texts.count
    for word in words {
      if texts.count > start { texts.append(UInt8(ascii: " ")) }
      texts.append(contentsOf: word.utf8)
    }
    cells.append(.text(start..<texts.count))
  }
}

/// Makes of rows what their files are to hold, or what may become that, while others wait.
package protocol RowMaker: Sendable {
  /// Appends what a row comes to; nothing where its table isn't written.
  mutating func append(_ row: ExportRow, of table: ExportTable, to bytes: inout [UInt8])
}

/// Takes the rows of an export, each as it is filled, into files of one format.
package protocol ExportSink {
  associatedtype Maker: RowMaker

  /// Makes rows ready, in any order; each thread has its own.
  var maker: Maker { get }

  /// Takes in what the export is of, before the first row.
  mutating func begin(_ range: ExportRange) throws(ExportError)

  /// Takes what ``maker`` made of a whole row of a table; rows of one table come in their order,
  /// tables in any.
  mutating func take(_ made: ArraySlice<UInt8>, of table: ExportTable) throws(ExportError)

  /// Takes in that there are no more rows: makes all files whole and durable, under their names.
  ///
  /// - Returns: The files, in the order of the tables.
  mutating func finish(_ range: ExportRange) throws(ExportError) -> [ExportedFile]
}

extension ExportSink {
  /// Does nothing.
  package mutating func begin(_ range: ExportRange) throws(ExportError) {}
}

/// What part of which history an export is of; known once the log was read.
package struct ExportRange: Hashable, Sendable {
  package let identity: LedgerIdentity
  /// How many events were read, and the root of these.
  package let head: TreeHead
  /// The first and the last event that passed the filters; `nil` where none did.
  package let events: ClosedRange<EventID>?
  /// How many passed.
  package let count: UInt64

  package init(
    identity: LedgerIdentity, head: TreeHead, events: ClosedRange<EventID>?, count: UInt64
  ) {
    self.identity = identity
    self.head = head
    self.events = events
    self.count = count
  }
}

/// A file of an export, whole and durable.
package struct ExportedFile: Hashable, Sendable {
  /// Relative to the export's directory, `/` between the parts.
  package let path: String
  package let length: UInt64
  package let digest: Digest
  /// How many rows or lines it holds, beside a header; `nil` where it isn't made of such.
  package let rows: UInt64?
}
