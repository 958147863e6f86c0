import Bytes
package import EventLog
import Merkle
package import Parquet

/// Writes each table as `NAME.parquet`, or as a file for each day or month (`FORMAT.md` §24).
package struct ParquetSink: ExportSink {
  /// By what rows are put into files: the day or the month, in UTC, of their `time`.
  package enum Partition: String, CaseIterable, Sendable { case day, month }

  private let storage: any Storage
  private let resumes: Bool
  private var tables: [TableFiles]
  private var row = ExportRow()

  /// - Parameters:
  ///   - partition: `nil`: a file for each table.
  ///   - program: Name and version of what writes, as in `ledger-audit version 1.0.0`.
  ///   - resumes: Whether to go on with what an interrupted run of the same export left.
  package init(
    _ tables: [ExportTable], in storage: any Storage, _ compression: ParquetCompression,
    partition: Partition?, program: String, resumes: Bool
  ) {
    self.storage = storage
    self.resumes = resumes
    self.tables = tables.map { TableFiles($0, compression, partition, program) }
  }

  package mutating func begin(_ range: ExportRange) throws(ExportError) {
    var metadata: [(key: String, value: String)] = [
      ("ledger.id", range.identity.id.hex), ("ledger.origin", range.identity.origin),
      ("ledger.size", String(range.head.size)), ("ledger.root", range.head.root.base64),
    ]
    if let events = range.events {
      metadata.append(("ledger.first", String(events.lowerBound)))
      metadata.append(("ledger.last", String(events.upperBound)))
    }
    for index in tables.indices {
      tables[index].metadata = metadata
      try tables[index].begin(in: storage, resumes: resumes)
    }
  }

  package var maker: RowKeeper { RowKeeper(tables.map(\.table)) }

  package mutating func take(
    _ made: ArraySlice<UInt8>, of table: ExportTable
  ) throws(ExportError) {
    guard let index = tables.firstIndex(where: { $0.table.number == table.number }) else { return }
    row.read(made)
    try tables[index].take(row, in: storage, resumes: resumes)
  }

  package mutating func finish(_ range: ExportRange) throws(ExportError) -> [ExportedFile] {
    var files: [ExportedFile] = []
    for index in tables.indices {
      try tables[index].endFile()
      files += tables[index].files
    }
    return files
  }
}

/// The files of one table, of which one is open at a time: rows ascend by `event`, and so by `time`.
private struct TableFiles {
  let table: ExportTable
  var metadata: [(key: String, value: String)] = []
  /// Those that are whole.
  private(set) var files: [ExportedFile] = []

  private let columns: [ParquetColumn]
  private let options: ParquetOptions
  private let partition: ParquetSink.Partition?
  /// Which column says when.
  private let time: Int?
  private var file: ExportFile?
  private var writer: ParquetWriter<ExportError>?
  /// The day since 1970, and the part of the table, that the last row was of.
  private var day: Int64?
  private var part: String?
  private var values: [ParquetValue] = []

  private static let microsecondsInDay: Int64 = 86_400_000_000

  init(
    _ table: ExportTable, _ compression: ParquetCompression, _ partition: ParquetSink.Partition?,
    _ program: String
  ) {
    self.table = table
    columns = table.columns.map { column in
      ParquetColumn(column.name, column.kind.ofParquet, isOptional: column.isNullable)
    }
    time = partition == nil ? nil : table.columns.firstIndex { $0.name == "time" }
    self.partition = time == nil ? nil : partition
    var options = ParquetOptions()
    options.createdBy = program
    options.compression = compression
    // `event`, which every table has first.
    options.sortedBy = 0
    self.options = options
  }

  /// Begins the one file of a table that isn't partitioned; it is there without rows, too.
  mutating func begin(in storage: any Storage, resumes: Bool) throws(ExportError) {
    if partition == nil {
      try beginFile("\(table.name).parquet", in: storage, resumes: resumes)
    } else {
      try makeDirectory(table.name, in: storage, resumes: resumes)
    }
  }

  mutating func take(
    _ row: ExportRow, in storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    if let time, case .instant(let instant) = row.cells[time] {
      try choosePart(instant, in: storage, resumes: resumes)
    }
    values.removeAll(keepingCapacity: true)
    for cell in row.cells {
      switch cell {
      case .null: values.append(.null)
      case .integer(let value): values.append(.integer(value))
      case .boolean(let value): values.append(.boolean(value))
      case .instant(let value): values.append(.instant(value))
      case .text(let range): values.append(.text(range))
      }
    }
    file?.countRow()
    try writer?.append(values, texts: row.texts)
  }

  /// Sees to it that the open file is the one for rows of that moment.
  private mutating func choosePart(
    _ instant: Instant, in storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    let day = floorDivide(instant.microseconds, Self.microsecondsInDay).quotient
    if day == self.day { return }
    self.day = day
    // `2026-11-30`, of which a month has the beginning.
    let date = instant.civil.text.prefix(10)
    let part = partition == .month ? "month=\(date.prefix(7))" : "date=\(date)"
    if part == self.part { return }
    self.part = part
    try endFile()
    try makeDirectory("\(table.name)/\(part)", in: storage, resumes: resumes)
    try beginFile("\(table.name)/\(part)/\(table.name).parquet", in: storage, resumes: resumes)
  }

  private mutating func beginFile(
    _ path: String, in storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    let file = try ExportFile(path, in: storage, resumes: resumes)
    file.count(0)
    self.file = file
    writer = try ParquetWriter(columns, options) { (bytes) throws(ExportError) in
      try file.write(bytes)
    }
  }

  /// Makes the open file whole, where there is one.
  mutating func endFile() throws(ExportError) {
    try writer?.finish(metadata: metadata)
    writer = nil
    if let file { files.append(try file.finish()) }
    file = nil
  }

  private func makeDirectory(
    _ path: String, in storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    do throws(StorageError) {
      try storage.createDirectory(path)
      try storage.synchronizeDirectory(parentPath(of: path))
    } catch {
      guard error.alreadyExists, resumes else { throw .storage(error) }
    }
  }
}

extension ExportTable.Kind {
  fileprivate var ofParquet: ParquetColumn.Kind {
    switch self {
    case .text: .text
    case .integer: .integer
    case .boolean: .boolean
    case .instant: .instant
    }
  }
}
