import Bytes

/// The values of one column in the row group that is being filled.
struct ColumnChunk {
  let column: ParquetColumn
  private var values: PlainValues
  /// For each row whether there is a value, 1 or 0; empty where there always is.
  private var levels: [UInt8] = []
  private var rowCount = 0

  /// A page is cut at so many rows, if not before.
  private static let rowsInPage = 20_000
  /// A page is cut when its plain values fill so many bytes.
  private static let bytesInPage = 1 << 20

  init(_ column: ParquetColumn) {
    self.column = column
    values = PlainValues(column.kind)
  }

  /// About how many bytes of memory it takes.
  var footprint: Int { values.footprint + levels.count }

  mutating func append(_ value: ParquetValue, texts: [UInt8]) {
    rowCount += 1
    if column.isOptional { levels.append(value == .null ? 0 : 1) }
    switch (value, column.kind) {
    case (.null, _) where column.isOptional: break
    case (.integer(let number), .integer): values.append(number)
    case (.boolean(let flag), .boolean): values.append(flag)
    case (.instant(let instant), .instant): values.append(instant.microseconds)
    case (.text(let range), .text): values.append(text: texts[range])
    default: fatalError("invariant broken: column \(column.name) got \(value)")
    }
  }

  mutating func removeAll() {
    values.removeAll()
    levels.removeAll(keepingCapacity: true)
    rowCount = 0
  }

  /// Writes the column's pages.
  func write<Failure>(
    _ compression: ParquetCompression, to file: inout FileSink<Failure>
  ) throws(Failure) -> ChunkRecord {
    let dictionary = ValueDictionary(values)
    var record = ChunkRecord(
      column: column, compression: compression, valueCount: Int64(rowCount),
      statistics: ChunkStatistics(
        nullCount: Int64(rowCount - values.count), of: dictionary?.values ?? values))
    if let values = dictionary?.values {
      let page = Page(kind: .dictionary, count: values.count, body: values.bytes)
      record.dictionaryOffset = file.offset
      record.add(try page.write(compression, to: &file))
    }
    record.dataOffset = file.offset
    var (row, value) = (0, 0)
    while row < rowCount {
      let next = pageEnd(row, value)
      let page = page(row..<next.row, value..<next.value, dictionary)
      record.add(try page.write(compression, to: &file))
      (row, value) = next
    }
    return record
  }

  /// Where the page that begins with `row`, and with the value at `value`, ends.
  private func pageEnd(_ row: Int, _ value: Int) -> (row: Int, value: Int) {
    var (endRow, endValue) = (row, value)
    while endRow < rowCount, endRow - row < Self.rowsInPage,
      values.start(endValue) - values.start(value) < Self.bytesInPage
    {
      endValue += column.isOptional ? Int(levels[endRow]) : 1
      endRow += 1
    }
    return (endRow, endValue)
  }

  private func page(
    _ rows: Range<Int>, _ valueRange: Range<Int>, _ dictionary: ValueDictionary?
  ) -> Page {
    var body: [UInt8] = []
    if column.isOptional {
      var runs: [UInt8] = []
      HybridRuns.append(levels[rows], width: 1, to: &runs)
      body.append(littleEndian: UInt32(runs.count))
      body += runs
    }
    if let dictionary {
      let width = HybridRuns.width(of: dictionary.values.count - 1)
      body.append(UInt8(width))
      HybridRuns.append(dictionary.indices[valueRange], width: width, to: &body)
      return Page(kind: .data(.dictionary), count: rows.count, body: body)
    }
    let (start, end) = (values.start(valueRange.lowerBound), values.start(valueRange.upperBound))
    let plain = values.bytes[start..<end]
    if column.kind == .boolean {
      HybridRuns.pack(plain, width: 1, to: &body)
    } else {
      body += plain
    }
    return Page(kind: .data(.plain), count: rows.count, body: body)
  }
}

/// What the footer says of a column's values in one row group.
struct ChunkStatistics {
  let nullCount: Int64
  /// Absent where there is no value, and where either is long.
  let bounds: (least: [UInt8], greatest: [UInt8])?

  /// A longer bound isn't cut but left out with the other: some readers take a cut one for a value.
  private static let lengthLimit = 64

  /// - Parameter values: Each value at least once.
  init(nullCount: Int64, of values: PlainValues) {
    self.nullCount = nullCount
    var (least, greatest) = (0, 0)
    for index in 0..<values.count {
      if values.precedes(index, least) { least = index }
      if values.precedes(greatest, index) { greatest = index }
    }
    guard values.count > 0, values.value(least).count <= Self.lengthLimit,
      values.value(greatest).count <= Self.lengthLimit
    else {
      bounds = nil
      return
    }
    bounds = (Array(values.value(least)), Array(values.value(greatest)))
  }
}

/// What the footer says of a column in one row group.
struct ChunkRecord {
  let column: ParquetColumn
  let compression: ParquetCompression
  /// Missing ones too.
  let valueCount: Int64
  let statistics: ChunkStatistics
  var dictionaryOffset: Int64?
  var dataOffset: Int64 = 0
  private(set) var compressed: Int64 = 0
  private(set) var uncompressed: Int64 = 0

  mutating func add(_ sizes: (compressed: Int64, uncompressed: Int64)) {
    compressed += sizes.compressed
    uncompressed += sizes.uncompressed
  }
}
