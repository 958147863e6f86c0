import Bytes
import Foundation
import Parquet
import Simulation
import Testing

/// A value as a test has it: its text is a string.
enum TestValue: Hashable {
  case null
  case integer(Int64)
  case boolean(Bool)
  case instant(Instant)
  case text(String)

  /// As `read_parquet.py` expects it.
  func append(to line: inout [UInt8]) {
    switch self {
    case .null: line += "null".utf8
    // Python's reader takes integers of any size.
    case .integer(let number): line += String(number).utf8
    case .boolean(let flag): line += (flag ? "true" : "false").utf8
    case .instant(let instant): line += String(instant.microseconds).utf8
    case .text(let text): JSON.string(text).appendCanonical(to: &line)
    }
  }
}

/// A table that is written as Parquet, and as JSON beside it.
struct TestTable {
  let name: String
  var columns: [ParquetColumn]
  var rows: [[TestValue]]
  var options = ParquetOptions()
  let metadata: [(key: String, value: String)] = [("ledger.id", "5f0c"), ("ledger.root", "ä=\n")]
  /// What is to be known of the file: the rows of each group; whether a column has a dictionary in
  /// each; the most that a group's pages may take.
  var groups: [Int]?
  var dictionaries: [String: Bool] = [:]
  var mostBytes: Int?

  init(_ name: String, _ columns: [ParquetColumn], _ rows: [[TestValue]]) {
    self.name = name
    self.columns = columns
    self.rows = rows
    options.createdBy = "dispatch-ledger version 1.2.3"
  }

  /// The file, in the pieces that the sink got.
  func pieces() -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    write { pieces.append($0) }
    return pieces
  }

  private func write(to sink: @escaping ([UInt8]) -> Void) {
    var writer = ParquetWriter<Never>(columns, options, sink: sink)
    for row in rows { append(row, to: &writer) }
    writer.finish(metadata: metadata)
  }

  func append<Failure>(
    _ row: [TestValue], to writer: inout ParquetWriter<Failure>
  ) throws(Failure) {
    var texts: [UInt8] = []
    var values: [ParquetValue] = []
    for value in row {
      switch value {
      case .null: values.append(.null)
      case .integer(let number): values.append(.integer(number))
      case .boolean(let flag): values.append(.boolean(flag))
      case .instant(let instant): values.append(.instant(instant))
      case .text(let text):
        let start = texts.count
        texts += text.utf8
        values.append(.text(start..<texts.count))
      }
    }
    try writer.append(values, texts: texts)
  }

  /// Writes the file, its rows, and what its metadata must say.
  func write(in directory: URL) throws {
    func file(_ ending: String) -> URL { directory.appendingPathComponent("\(name).\(ending)") }
    try Data(pieces().joined()).write(to: file("parquet"))
    var lines: [UInt8] = []
    for row in rows {
      for (index, value) in row.enumerated() {
        lines.append(UInt8(ascii: index == 0 ? "[" : ","))
        value.append(to: &lines)
      }
      lines += "]\n".utf8
    }
    try Data(lines).write(to: file("jsonl"))
    try Data(facts.canonicalBytes).write(to: file("json"))
  }

  private var facts: JSON {
    let columns = self.columns.map { column -> JSON in
      var object = JSONObject()
      object["name"] = .string(column.name)
      object["kind"] = .string("\(column.kind)")
      object["optional"] = .bool(column.isOptional)
      if let has = dictionaries[column.name] { object["dictionary"] = .bool(has) }
      return .object(object)
    }
    return [
      "columns": .array(columns), "rows": .integer(Int64(rows.count)),
      "created_by": .string(options.createdBy),
      "metadata": .array(metadata.map { [.string($0.key), .string($0.value)] }),
      "sorted_by": options.sortedBy.map { .integer(Int64($0)) } ?? .null,
      "compression": options.compression == .zstd ? "ZSTD" : "UNCOMPRESSED",
      "groups": groups.map { .array($0.map { .integer(Int64($0)) }) } ?? .null,
      "most_bytes": mostBytes.map { .integer(Int64($0)) } ?? .null,
    ]
  }
}

/// A directory that goes with the last reference.
final class TestFolder {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("parquet-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(at: url) }
}

/// What `read_parquet.py` says, with pyarrow, DuckDB and polars; the test fails where it finds a
/// difference.
func readers(_ arguments: [String]) throws -> String {
  let said = try runTestPython("read_parquet.py", arguments)
  #expect(said.status == 0, "\(said.output.suffix(6_000))")
  return said.output
}

/// Writes the tables and has them read.
func expectReadersAgree(_ tables: [TestTable]) throws -> String {
  let folder = try TestFolder()
  for table in tables { try table.write(in: folder.url) }
  return try readers(["rows", folder.url.path])
}
