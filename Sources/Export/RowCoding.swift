import Bytes

/// Keeps rows as they are, for sinks that have to see them in order.
package struct RowKeeper: RowMaker {
  private let isWanted: [Bool]

  /// - Parameter tables: Those that are written.
  package init(_ tables: [ExportTable]) {
    isWanted = ExportTable.all.map { tables.contains($0) }
  }

  package mutating func append(_ row: ExportRow, of table: ExportTable, to bytes: inout [UInt8]) {
    if isWanted[table.number] { row.append(to: &bytes) }
  }
}

/// A row as it waits in a ``Lane``: written here and read back at once, never kept.
extension ExportRow {
  private enum Mark: UInt8 {
    case null, integer, no, yes, instant, text
  }

  /// Appends the row's bytes: its event first.
  func append(to bytes: inout [UInt8]) {
    for cell in cells {
      switch cell {
      case .null: bytes.append(Mark.null.rawValue)
      case .integer(let value): Self.append(.integer, value, to: &bytes)
      case .boolean(let value): bytes.append((value ? Mark.yes : .no).rawValue)
      case .instant(let value): Self.append(.instant, value.microseconds, to: &bytes)
      case .text(let range):
        Self.append(.text, Int64(range.count), to: &bytes)
        bytes.append(contentsOf: texts[range])
      }
    }
  }

  private static func append(_ mark: Mark, _ value: Int64, to bytes: inout [UInt8]) {
    bytes.append(mark.rawValue)
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> Int64(shift)))
    }
  }

  /// Takes the row of such bytes in place of its own.
  package mutating func read(_ bytes: ArraySlice<UInt8>) {
    begin()
    var rest = bytes
    func number() -> Int64 {
      var value: Int64 = 0
      for (index, byte) in rest.prefix(8).enumerated() { value |= Int64(byte) << Int64(8 * index) }
      rest = rest.dropFirst(8)
      return value
    }
    while let byte = rest.popFirst() {
      switch Mark(rawValue: byte) {
      case .null, nil: add(nil as Int64?)
      case .integer: add(number())
      case .no: add(false)
      case .yes: add(true)
      case .instant: add(Instant(microseconds: number()))
      case .text:
        let count = Int(number())
        add(text: rest.prefix(count))
        rest = rest.dropFirst(count)
      }
    }
  }
}
