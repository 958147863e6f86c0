import Bytes
package import EventLog

/// Writes each table as `NAME.csv` (RFC 4180, `FORMAT.md` §22).
package struct CSVSink: ExportSink {
  /// By the number of the table; `nil` where it isn't written.
  private var files: [ExportFile?] = Array(repeating: nil, count: ExportTable.all.count)

  /// Spells rows as lines.
  package struct Maker: RowMaker {
    /// By the number of the table.
    fileprivate let isWanted: [Bool]
    private var instants = InstantTexts()

    fileprivate init(isWanted: [Bool]) { self.isWanted = isWanted }

    package mutating func append(
      _ row: ExportRow, of table: ExportTable, to bytes: inout [UInt8]
    ) {
      if isWanted[table.number] { row.appendCSV(to: &bytes, &instants) }
    }
  }

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
      files[table.number] = file
    }
  }

  package var maker: Maker { Maker(isWanted: files.map { $0 != nil }) }

  package mutating func take(
    _ made: ArraySlice<UInt8>, of table: ExportTable
  ) throws(ExportError) {
    guard let file = files[table.number] else { return }
    file.countRow()
    try file.write { bytes in bytes += made }
  }

  package mutating func finish(_ range: ExportRange) throws(ExportError) -> [ExportedFile] {
    var finished: [ExportedFile] = []
    for case let file? in files { finished.append(try file.finish()) }
    return finished
  }
}

extension ExportRow {
  /// Appends the row as a line of CSV with its line ending.
  func appendCSV(to bytes: inout [UInt8], _ instants: inout InstantTexts) {
    unsafe texts.withUnsafeBufferPointer { texts in
      var isFirst = true
      for cell in cells {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
        switch cell {
        case .null: break
        case .integer(let value): appendDecimal(value, to: &bytes)
        case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .instant(let value): instants.append(value, to: &bytes)
        case .text(let range):
          unsafe Self.appendCSV(UnsafeBufferPointer(rebasing: texts[range]), to: &bytes)
        }
      }
    }
    bytes.append(UInt8(ascii: "\r"))
    bytes.append(UInt8(ascii: "\n"))
  }

  /// A text in quotes where it needs some.
  ///
  /// It stands behind an apostrophe where a spreadsheet would take it for a formula; the empty text
  /// stands in quotes, so that it isn't taken for no value.
  private static func appendCSV(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    var needsQuotes = text.isEmpty
    for place in 0..<text.count where unsafe isSpecial(text[place]) { needsQuotes = true }
    let isFormula = unsafe text.first.map(beginsFormula) ?? false
    if needsQuotes { bytes.append(UInt8(ascii: "\"")) }
    if isFormula { bytes.append(UInt8(ascii: "'")) }
    if needsQuotes {
      for place in 0..<text.count {
        let byte = unsafe text[place]
        if byte == UInt8(ascii: "\"") { bytes.append(byte) }
        bytes.append(byte)
      }
      bytes.append(UInt8(ascii: "\""))
    } else {
      unsafe bytes.append(contentsOf: text)
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

/// The texts of the last few instants: neighbours share most of theirs, and a calendar is slow.
struct InstantTexts {
  private var known: [(microseconds: Int64, text: [UInt8])] = Array(
    repeating: (.min, []), count: 16)

  /// Appends the instant's text.
  mutating func append(_ instant: Instant, to bytes: inout [UInt8]) {
    let mixed = UInt64(bitPattern: instant.microseconds) &* 0x9E37_79B9_7F4A_7C15
    let place = Int(mixed >> 60)
    if known[place].microseconds != instant.microseconds {
      known[place].text.removeAll(keepingCapacity: true)
      instant.append(to: &known[place].text)
      known[place].microseconds = instant.microseconds
    }
    bytes += known[place].text
  }
}

/// Appends a number without making a text of it.
private func appendDecimal(_ value: Int64, to bytes: inout [UInt8]) {
  if value < 0 { bytes.append(UInt8(ascii: "-")) }
  var digits = InlineArray<20, UInt8>(repeating: 0)
  var first = digits.count
  var magnitude = value.magnitude
  repeat {
    first -= 1
    digits[first] = UInt8(ascii: "0") + UInt8(magnitude % 10)
    magnitude /= 10
  } while magnitude > 0
  for place in first..<digits.count { bytes.append(digits[place]) }
}
