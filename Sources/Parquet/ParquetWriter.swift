import Bytes

/// Writes one table as an Apache Parquet file (`FORMAT.md` has the subset), handing its bytes to a
/// sink in order.
///
/// The same rows and options give the same bytes, with the same version of libzstd. It holds the
/// rows of one row group, and of the groups before about 100 bytes a column. After the sink threw,
/// the file is lost, and nothing more may be appended.
package struct ParquetWriter<Failure: Error> {
  private let options: ParquetOptions
  private let columns: [ParquetColumn]
  private var file: FileSink<Failure>
  private var chunks: [ColumnChunk]
  private var groups: [GroupRecord] = []
  private var rowCount = 0
  private var footprint = 0
  /// Whether the rows of the group are in order so far, and the number of the last one.
  private var isSorted = true
  private var last = Int64.min

  private static var magic: [UInt8] { Array("PAR1".utf8) }

  /// Begins a file of `columns`, each with another name; at least one.
  package init(
    _ columns: [ParquetColumn], _ options: ParquetOptions = ParquetOptions(),
    sink: @escaping ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    invariant(!columns.isEmpty, "a table without columns")
    if let index = options.sortedBy {
      invariant(columns[index].kind == .integer, "only integers are sorted by")
    }
    self.columns = columns
    self.options = options
    file = FileSink(sink)
    chunks = columns.map { ColumnChunk($0) }
    try file.write(Self.magic)
  }

  /// Appends a row: a value for each column, in their order.
  ///
  /// - Parameter texts: The UTF-8 of the row's texts; the values say where each stands.
  package mutating func append(_ row: [ParquetValue], texts: [UInt8]) throws(Failure) {
    invariant(row.count == chunks.count, "\(row.count) values for \(chunks.count) columns")
    footprint = 0
    for index in chunks.indices {
      chunks[index].append(row[index], texts: texts)
      footprint += chunks[index].footprint
    }
    rowCount += 1
    if let index = options.sortedBy { checkOrder(row[index]) }
    if rowCount >= options.rowsInGroup || footprint >= options.bytesInGroup { try endGroup() }
  }

  /// Writes what is left, and the footer: the file is whole then, and nothing may follow.
  ///
  /// - Parameter metadata: Texts that a reader finds in the file's metadata, in this order; each key
  ///   once.
  package mutating func finish(
    metadata: [(key: String, value: String)] = []
  ) throws(Failure) {
    if rowCount > 0 { try endGroup() }
    let footer = Footer(columns: columns, groups: groups, options: options, metadata: metadata)
    var end = footer.bytes
    end.append(littleEndian: UInt32(end.count))
    try file.write(end + Self.magic)
  }

  private mutating func checkOrder(_ value: ParquetValue) {
    guard case .integer(let number) = value, number >= last else {
      isSorted = false
      return
    }
    last = number
  }

  private mutating func endGroup() throws(Failure) {
    var records: [ChunkRecord] = []
    for index in chunks.indices {
      records.append(try chunks[index].write(options.compression, to: &file))
      chunks[index].removeAll()
    }
    groups.append(GroupRecord(rowCount: Int64(rowCount), chunks: records, isSorted: isSorted))
    rowCount = 0
    isSorted = true
    last = .min
  }
}
