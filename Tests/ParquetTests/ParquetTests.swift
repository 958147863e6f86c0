import Bytes
import Foundation
import Parquet
import Simulation
import Testing

@Suite("Parquet files")
struct ParquetTests {
  private static let kinds = ParquetColumn.Kind.allCases

  private enum Gaps: String, CaseIterable { case none, all, some }

  /// A value that differs from its neighbours, extremes among the first.
  private static func value(_ kind: ParquetColumn.Kind, _ index: Int) -> TestValue {
    switch kind {
    case .integer:
      let extremes: [Int64] = [.min, .max, 0, -1, 1]
      return .integer(index < extremes.count ? extremes[index] : Int64(index) * 7_919 - 1_000)
    case .boolean: return .boolean(index % 3 == 1)
    case .instant:
      let extremes: [Int64] = [-62_135_596_800_000_000, 253_402_300_799_999_999, -1, 0]
      let number = index < extremes.count ? extremes[index] : Int64(index) * 86_399_999_999
      return Instant(microseconds: number).map { .instant($0) } ?? .null
    case .text:
      let odd = ["", "\u{0}", "é", "e\u{301}", "🜁", "\"\\\r\n,", "z", "\u{7F}", "\u{FFFD}", " "]
      return .text(index < odd.count ? odd[index] : "user-\(index % 50)")
    }
  }

  private static func columns() -> [ParquetColumn] {
    [ParquetColumn("id", .integer)] + kinds.map { ParquetColumn("needed \($0)", $0) }
      + kinds.map { ParquetColumn("Optional, \"\($0)\"", $0, isOptional: true) }
  }

  @Test("every kind of column is read as written, at every number of rows around a byte's bits")
  func smallTables() throws {
    var tables: [TestTable] = []
    for count in [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 255, 256, 257] {
      for gaps in Gaps.allCases {
        for compression in ParquetCompression.allCases {
          let rows = (0..<count).map { index -> [TestValue] in
            let isGap = gaps == .all || gaps == .some && (index % 3 == 0 || index > 40)
            let values = Self.kinds.map { Self.value($0, index) }
            return [.integer(Int64(index))] + values + (isGap ? values.map { _ in .null } : values)
          }
          var table = TestTable("\(count)-\(gaps)-\(compression)", Self.columns(), rows)
          table.options.compression = compression
          table.options.sortedBy = 0
          table.groups = count == 0 ? [] : [count]
          tables.append(table)
        }
      }
    }
    #expect(try expectReadersAgree(tables).hasPrefix("90 files, 84 row groups"))
  }

  /// Where runs of equal values end in all ways, in one file: a column for each way, whose values
  /// make the runs, and another whose gaps make them.
  @Test("runs of every length beside runs of every other are read as written")
  func runs() throws {
    let lengths = [1, 2, 7, 8, 9, 15, 16, 17]
    var ways: [[Int]] = []
    for first in lengths {
      for second in lengths { for third in lengths { ways.append([first, second, third]) } }
    }
    let height = 60
    let columns = ways.indices.flatMap { way in
      [ParquetColumn("v\(way)", .text), ParquetColumn("g\(way)", .boolean, isOptional: true)]
    }
    var rows = [[TestValue]](repeating: [], count: height)
    for way in ways {
      // Texts of three, and then of nine: indices of two bits, and of four.
      let isWide = way[0] > 8
      var numbers = way.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
      while numbers.count < height { numbers.append(isWide ? numbers.count % 9 : 0) }
      for (row, number) in numbers.enumerated() {
        rows[row].append(.text("text \(number)"))
        rows[row].append(number % 2 == 0 ? .null : .boolean(number % 3 == 0))
      }
    }
    var table = TestTable("runs", columns, rows)
    for way in ways.indices { table.dictionaries["v\(way)"] = true }
    #expect(try expectReadersAgree([table]).hasPrefix("1 files, 1 row groups"))
  }

  @Test("many rows are read as written, over row groups, with dictionaries where they pay")
  func manyRows() throws {
    var random = SeededRandom(seed: 1_867)
    let columns = [
      ParquetColumn("event", .integer), ParquetColumn("time", .instant),
      ParquetColumn("channel", .text), ParquetColumn("dispatch_id", .text, isOptional: true),
      ParquetColumn("unique", .text), ParquetColumn("number", .integer, isOptional: true),
      ParquetColumn("random", .integer), ParquetColumn("late", .boolean, isOptional: true),
      ParquetColumn("long", .text, isOptional: true),
      ParquetColumn("never", .text, isOptional: true),
    ]
    let count = 300_001
    let rows = (0..<count).map { index -> [TestValue] in
      let time = Instant(microseconds: 1_790_000_000_000_000 + Int64(index) * 1_234)
      let isLong = Int.random(in: 0..<500, using: &random) == 0
      return [
        .integer(Int64(index / 3)), time.map { .instant($0) } ?? .null,
        .text(["sms", "email", "console", ""][Int.random(in: 0..<4, using: &random)]),
        index % 11 == 0 ? .null : .text("0192-\(index / 1_000)"),
        .text("\(UInt64.random(in: 0...UInt64.max, using: &random))"),
        Bool.random(using: &random) ? .null : .integer(Int64.random(in: 0..<20, using: &random)),
        .integer(Int64.random(in: .min ... .max, using: &random)),
        index % 5 == 0 ? .null : .boolean(Bool.random(using: &random)),
        isLong
          ? .text(String(repeating: "ü€", count: Int.random(in: 0..<6_000, using: &random)))
          : .null, .null,
      ]
    }
    var table = TestTable("many", columns, rows)
    table.options.sortedBy = 0
    table.groups = [131_072, 131_072, count - 262_144]
    table.dictionaries = [
      "channel": true, "dispatch_id": true, "unique": false, "number": true, "random": false,
      "late": false, "never": false, "event": true, "time": false,
    ]
    #expect(try expectReadersAgree([table]).hasPrefix("1 files, 3 row groups"))
  }

  @Test("a dictionary has at most a mebibyte, to the last value")
  func dictionaryLimit() throws {
    // 1,024 bytes a value with its length.
    func table(_ name: String, _ distinct: Int, hasDictionary: Bool) -> TestTable {
      let rows = (0..<2 * distinct).map { index -> [TestValue] in
        let number = String(index % distinct)
        return [.text(number + String(repeating: "x", count: 1_020 - number.utf8.count))]
      }
      var table = TestTable(name, [ParquetColumn("text", .text)], rows)
      table.dictionaries = ["text": hasDictionary]
      return table
    }
    _ = try expectReadersAgree([
      table("at", 1_024, hasDictionary: true), table("above", 1_025, hasDictionary: false),
    ])
  }

  @Test("a row group ends where its values fill the bytes that it may hold")
  func boundedGroups() throws {
    let rows = (0..<2_000).map { index -> [TestValue] in
      [.integer(Int64(index)), .text(String(repeating: "\(index % 7)", count: index % 1_500))]
    }
    let columns = [ParquetColumn("id", .integer), ParquetColumn("text", .text)]
    var table = TestTable("bounded", columns, rows)
    table.options.compression = .none
    table.options.bytesInGroup = 100_000
    table.options.sortedBy = 0
    // What is held beside the values is held too; one row, and the pages' headers, may be more.
    table.mostBytes = 102_000
    let said = try expectReadersAgree([table])
    #expect(said.hasPrefix("1 files, 13 row groups"), "\(said)")
  }

  @Test("a row group whose rows aren't in order isn't said to be")
  func disorder() throws {
    let ids: [Int64] = [1, 2, 2, 9, 8, 9, -5, -5, -4, 3]
    var table = TestTable(
      "disorder", [ParquetColumn("x", .boolean), ParquetColumn("id", .integer, isOptional: true)],
      ids.map { [.boolean(true), .integer($0)] } + [[.boolean(false), .null]])
    table.options.sortedBy = 1
    table.options.rowsInGroup = 3
    table.groups = [3, 3, 3, 2]
    _ = try expectReadersAgree([table])
  }

  @Test("bounds of more than 64 bytes are left out, both")
  func longBounds() throws {
    let tables = [64, 65].map { count in
      TestTable(
        "bounds-\(count)", [ParquetColumn("text", .text)],
        [[.text("a")], [.text(String(repeating: "b", count: count))]])
    }
    _ = try expectReadersAgree(tables)
  }

  @Test("random tables are read as written", arguments: [0..<amount(40, long: 2_000)])
  func randomTables(seeds: Range<Int>) throws {
    for chunk in stride(from: seeds.lowerBound, to: seeds.upperBound, by: 100) {
      let end = min(chunk + 100, seeds.upperBound)
      _ = try expectReadersAgree((chunk..<end).map { Self.randomTable(seed: UInt64($0)) })
    }
  }

  private static func randomTable(seed: UInt64) -> TestTable {
    var random = SeededRandom(seed: seed)
    let columns = (0..<Int.random(in: 1...20, using: &random)).map { index in
      ParquetColumn(
        "c\(index)", index == 0 ? .integer : kinds[Int.random(in: 0..<4, using: &random)],
        isOptional: index > 0 && Bool.random(using: &random))
    }
    // How many different values a column has, and how seldom it has none, and how often it changes.
    let traits = columns.map { _ in
      (
        Int.random(in: 1...(Bool.random(using: &random) ? 4 : 5_000), using: &random),
        Int.random(in: 1...20, using: &random), Int.random(in: 1...12, using: &random)
      )
    }
    var last = columns.map { _ in TestValue.null }
    let count = Int.random(in: 0...(Bool.random(using: &random) ? 40 : 3_000), using: &random)
    let rows = (0..<count).map { row -> [TestValue] in
      for (index, column) in columns.enumerated() {
        let (variety, gaps, change) = traits[index]
        if row > 0, Int.random(in: 0..<change, using: &random) > 0 { continue }
        let isGap = column.isOptional && Int.random(in: 0..<gaps, using: &random) == 0
        let choice = Int.random(in: 0..<variety, using: &random)
        last[index] = isGap ? .null : value(column.kind, choice)
      }
      last[0] = .integer(Int64(row / 2) + (seed % 3 == 0 && row == 11 ? 100 : 0))
      return last
    }
    var table = TestTable("seed-\(seed)", columns, rows)
    table.options.compression = Bool.random(using: &random) ? .zstd : .none
    table.options.sortedBy = Bool.random(using: &random) ? 0 : nil
    table.options.rowsInGroup = Int.random(in: 1...4_000, using: &random)
    table.options.bytesInGroup = Int.random(in: 1...1_000_000, using: &random)
    // Row groups of a row or two, but not thousands of them.
    if count > 100 {
      table.options.rowsInGroup = max(table.options.rowsInGroup, 100)
      table.options.bytesInGroup = max(table.options.bytesInGroup, 20_000)
    }
    return table
  }

  @Test(
    "a flipped bit in a page is refused by its checksum", arguments: ParquetCompression.allCases)
  func flippedBits(compression: ParquetCompression) throws {
    let rows = (0..<60).map { index -> [TestValue] in
      [.text("\(index % 20) x"), index % 4 == 0 ? .null : .integer(Int64(index * index))]
    }
    var table = TestTable(
      "flips", [ParquetColumn("text", .text), ParquetColumn("number", .integer, isOptional: true)],
      rows)
    table.options.compression = compression
    let folder = try TestFolder()
    try table.write(in: folder.url)
    var starts: [Int] = []
    var offset = 0
    for piece in table.pieces() {
      starts.append(offset)
      offset += piece.count
    }
    // The first piece is the magic number, the last the footer; the pages lie between.
    let said = try readers(
      ["flips", folder.url.path + "/flips.parquet"] + starts.dropFirst().map(String.init))
    #expect(starts.count == 5)
    if compression == .none { #expect(!said.contains("checksums 0 would pass")) }
  }

  @Test("the same rows give the same bytes")
  func sameBytes() {
    let tables = (0..<2).map { _ in
      (100..<110).map { Self.randomTable(seed: $0).pieces() }
    }
    #expect(tables[0] == tables[1])
  }

  @Test("what the sink throws is thrown, whichever piece it refuses")
  func refusal() throws {
    struct Full: Error {}
    let table = TestTable("full", [ParquetColumn("id", .integer)], (0..<9).map { [.integer($0)] })
    var options = table.options
    options.rowsInGroup = 4
    let pieces = 5
    for refused in 0...pieces {
      var taken = 0
      var failure: Full?
      do throws(Full) {
        var writer = try ParquetWriter<Full>(table.columns, options) { _ throws(Full) in
          if taken == refused { throw Full() }
          taken += 1
        }
        for row in table.rows { try table.append(row, to: &writer) }
        try writer.finish()
      } catch {
        failure = error
      }
      #expect(taken == refused)
      #expect((failure == nil) == (refused == pieces))
    }
  }
}
