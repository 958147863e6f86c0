import Bytes
package import EventLog

/// Writes each table as `NAME.csv` (RFC 4180, `FORMAT.md` §22).
package struct CSVSink: ExportSink {
  private var files: [(table: ExportTable, file: ExportFile)] = []

  /// Begins the files.
  ///
  /// - Parameters:
  ///   - prefix: Stands before each name: empty, or a directory that exists and a `/`.
  ///   - resumes: Whether to go on with what an interrupted run of the same export left.
  package init(
    _ tables: [ExportTable], in storage: any Storage, prefix: String = "", resumes: Bool
  ) throws(ExportError) {
    for table in tables {
      let file = try ExportFile("\(prefix)\(table.name).csv", in: storage, resumes: resumes)
      let header = table.columns.map(\.name).joined(separator: ",")
      try file.write(Array("\(header)\r\n".utf8))
      file.count(0)
      files.append((table, file))
    }
  }

  package mutating func take(
    _ row: ExportRow, of table: ExportTable
  ) throws(ExportError) {
    guard let file = files.first(where: { $0.table.name == table.name })?.file else { return }
    file.countRow()
    try file.write { bytes in row.appendCSV(to: &bytes) }
  }

  package mutating func finish(_ range: ExportRange) throws(ExportError) -> [ExportedFile] {
    var finished: [ExportedFile] = []
    for (_, file) in files { finished.append(try file.finish()) }
    return finished
  }
}

extension ExportRow {
  /// Appends the row as a line of CSV with its line ending.
  func appendCSV(to bytes: inout [UInt8]) {
    var isFirst = true
    for cell in cells {
      if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
      switch cell {
      case .null: break
      case .integer(let value): appendDecimal(value, to: &bytes)
      case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
      case .instant(let value): value.append(to: &bytes)
      case .text(let range): appendCSV(text: range, to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "\r"))
    bytes.append(UInt8(ascii: "\n"))
  }

  /// A text in quotes where it needs some, and behind an apostrophe where a spreadsheet would take
  /// it for a formula. The empty text stands in quotes, so that it isn't taken for no value.
  private func appendCSV(text range: Range<Int>, to bytes: inout [UInt8]) {
    let text = texts[range]
    let needsQuotes = text.isEmpty || text.contains { Self.isSpecial($0) }
    let isFormula = text.first.map(Self.beginsFormula) ?? false
    if needsQuotes { bytes.append(UInt8(ascii: "\"")) }
    if isFormula { bytes.append(UInt8(ascii: "'")) }
    if needsQuotes {
      for byte in text {
        if byte == UInt8(ascii: "\"") { bytes.append(byte) }
        bytes.append(byte)
      }
      bytes.append(UInt8(ascii: "\""))
    } else {
      bytes.append(contentsOf: text)
    }
  }

  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\r")
      || byte == UInt8(ascii: "\n")
  }

  private static func beginsFormula(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"),
      UInt8(ascii: "\t"), UInt8(ascii: "\r"):
      true
    default: false
    }
  }
}

/// Appends a number without making a text of it.
private func appendDecimal(_ value: Int64, to bytes: inout [UInt8]) {
  if value < 0 { bytes.append(UInt8(ascii: "-")) }
  let start = bytes.count
  var magnitude = value.magnitude
  repeat {
    bytes.append(UInt8(ascii: "0") + UInt8(magnitude % 10))
    magnitude /= 10
  } while magnitude > 0
  bytes[start...].reverse()
}
