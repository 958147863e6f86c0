import Bytes
import EventLog
import Events
import Export
import Foundation
import Merkle
import Parquet
import Simulation
import Testing

@Suite("Parquet exports")
struct ParquetSinkTests {
  private static let tables: [ExportTable] = [.dispatches, .attempts, .findings]

  private let identity: LedgerIdentity
  private let range: ExportRange

  init() throws {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 5, count: 32)))
    let ledgerID: EventLog.LedgerID? = .init(hex: "8899aabbccddeeff0011223344556677")
    let id = try #require(ledgerID)
    let created = try #require(Instant(text: "2026-11-23T17:00:00.000000Z".utf8))
    let vkey = try #require(VerifierKey(name: "example.com/dr", key: key.publicKey))
    identity = try #require(
      LedgerIdentity(id: id, origin: "example.com/dr", created: created, verifierKey: vkey))
    range = ExportRange(
      identity: identity, head: TreeHead(size: 9_000, root: MerkleTree.emptyRoot),
      events: 7...8_999, count: 8_000)
  }

  /// Attempts over four months, two days in five without any, and some findings.
  private func forEachRow(
    _ take: (ExportRow, ExportTable) throws(ExportError) -> Void
  ) throws(ExportError) {
    var random = SeededRandom(seed: 24)
    var row = ExportRow()
    var time = identity.created
    for event in 7..<9_000 as Range<UInt64> {
      let isPause = Int.random(in: 0..<200, using: &random) == 0
      time = time.adding(
        seconds: Int64.random(in: 0..<(isPause ? 400_000 : 300), using: &random))
      row.begin()
      row.add(event)
      row.add(time)
      let texts = [
        "d-\(event / 40)", "u-\(event % 40)",
        ["sms", "", "-=\"x\"\r\n,é"].randomElement(using: &random),
      ]
      row.add(texts[0])
      row.add(1)
      for text in texts[1...] { row.add(text) }
      row.add(Int(event % 3))
      row.add("start")
      row.add(event % 2 == 0)
      row.add(false)
      row.add(event / 2)
      row.add("builtin/1")
      row.add("twilio")
      row.add(event % 5 == 0 ? nil : "api.example.com")
      row.add("delivered")
      row.add(3)
      try take(row, .attempts)
    }
    for event in 0..<20 as Range<UInt64> {
      row.begin()
      row.add(event)
      for text in ["differs", nil, "is something else", nil, nil, nil] as [String?] {
        row.add(text)
      }
      try take(row, .findings)
    }
  }

  @discardableResult
  private func export<Sink: ExportSink>(
    _ sink: consuming Sink, stoppingAfter limit: Int = .max
  ) throws(ExportError) -> [ExportedFile] {
    var sink = sink
    var count = 0
    try sink.begin(range)
    try forEachRow { (row, table) throws(ExportError) in
      guard count < limit else { throw .stopped }
      try sink.take(row, of: table)
      count += 1
    }
    return try sink.finish(range)
  }

  private func sink(
    _ disk: SimulatedDisk, _ partition: ParquetSink.Partition?,
    _ compression: ParquetCompression = .zstd, resumes: Bool = false
  ) -> ParquetSink {
    ParquetSink(
      Self.tables, in: disk, compression, partition: partition, program: "test version 1",
      resumes: resumes)
  }

  /// Puts the files of a simulated disk where other programs find them.
  private func copy(_ files: [ExportedFile], of disk: SimulatedDisk, to folder: URL) throws {
    for file in files {
      let place = folder.appendingPathComponent(file.path)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(try #require(disk.bytes(of: file.path))).write(to: place)
    }
  }

  @Test(
    "readers find in the files of each day or month what the CSV says",
    arguments: [nil] + ParquetSink.Partition.allCases, ParquetCompression.allCases)
  func sameAsCSV(partition: ParquetSink.Partition?, compression: ParquetCompression) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("export-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let (text, disk) = (SimulatedDisk(), SimulatedDisk())
    let (csv, parquet) = (folder.appendingPathComponent("c"), folder.appendingPathComponent("p"))
    let csvSink = try CSVSink(Self.tables, in: text, resumes: false)
    try copy(try export(csvSink), of: text, to: csv)
    let files = try export(sink(disk, partition, compression))
    try copy(files, of: disk, to: parquet)
    let manifest: JSON = [
      "ledger_id": .string(identity.id.hex), "origin": .string(identity.origin), "size": "9000",
      "root": .string(range.head.root.base64), "first": "7", "last": "8999",
      "compression": .string(compression.rawValue),
      "files": .array(
        files.map {
          ["path": .string($0.path), "rows": .string(String($0.rows ?? 0))]
        }),
    ]
    try Data(manifest.canonicalBytes).write(to: parquet.appendingPathComponent("manifest.json"))
    let said = try runTestPython(
      "compare_tables.py", [csv.path, parquet.path] + (partition.map { [$0.rawValue] } ?? []))
    #expect(said.status == 0, "\(said.output)")
    #expect(said.output.hasPrefix("9013 rows"))
    switch partition {
    case nil: #expect(files.count == 3)
    case .month: #expect(files.count > 3 && files.count < 12)
    case .day: #expect(files.count > 30)
    }
  }

  @Test(
    "an interrupted export that is gone on with gives the same files",
    arguments: [nil] + ParquetSink.Partition.allCases)
  func resumed(partition: ParquetSink.Partition?) throws {
    let whole = SimulatedDisk()
    let files = try export(sink(whole, partition))
    for limit in [0, 1, 5_000, 8_993, 9_012] {
      let disk = SimulatedDisk()
      #expect(throws: ExportError.self) {
        try export(sink(disk, partition), stoppingAfter: limit)
      }
      #expect(try export(sink(disk, partition, resumes: true)) == files)
      for file in files { #expect(disk.bytes(of: file.path) == whole.bytes(of: file.path)) }
      #expect(try export(sink(disk, partition, resumes: true)) == files)
    }
  }

  @Test("files that are there already are left alone")
  func existing() throws {
    let disk = SimulatedDisk()
    let files = try export(sink(disk, nil))
    let bytes = disk.bytes(of: "attempts.parquet")
    #expect(throws: ExportError.self) { try export(sink(disk, nil)) }
    #expect(throws: ExportError.self) { try export(sink(disk, nil, .none, resumes: true)) }
    #expect(disk.bytes(of: "attempts.parquet") == bytes)
    #expect(files.map(\.path) == Self.tables.map { "\($0.name).parquet" })
    #expect(files.map(\.rows) == [0, 8_993, 20])
  }
}
