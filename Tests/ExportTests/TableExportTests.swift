import Audit
import Bytes
import EventLog
import Events
import Export
import Foundation
import Merkle
import Platform
import Simulation
import Testing

/// The golden ledger that the tests export.
private enum Golden {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  static func reader(_ story: String = "first-day") throws -> LogReader {
    let storage = try FileStorage.openForReading(
      directory: "\(root)/ledger/golden/\(story)/ledger")
    return try LogReader(storage, identity: LedgerIdentity.read(from: storage))
  }
}

/// Makes files without a name on a disk of their own.
private func scratch() -> Scratch {
  let disk = SimulatedDisk()
  var count = 0
  return { () throws(StorageError) in
    count += 1
    return try disk.open("\(count)", for: .creating)
  }
}

extension ExportSink {
  /// Takes a row as it is filled.
  mutating func take(_ row: ExportRow, of table: ExportTable) throws(ExportError) {
    var (maker, bytes) = (maker, [] as [UInt8])
    maker.append(row, of: table, to: &bytes)
    if !bytes.isEmpty { try take(bytes[...], of: table) }
  }
}

@Suite("Tables of an export")
struct TableExportTests {
  private func files(
    _ disk: SimulatedDisk, resumes: Bool = false, eventsInLane: UInt64 = 65_536
  ) throws -> [String: [UInt8]] {
    var sink = try CSVSink(ExportTable.all, in: disk, resumes: resumes)
    let export = TableExport(
      ExportScope(try Golden.reader("recheck-sound")), eventsInLane: eventsInLane,
      scratch: scratch())
    let written = try export.write(to: &sink)
    var files: [String: [UInt8]] = [:]
    for file in written.files {
      let bytes = try #require(disk.bytes(of: file.path))
      #expect(UInt64(bytes.count) == file.length)
      #expect(SHA256.hash(bytes) == file.digest)
      #expect(disk.bytes(of: file.path + ".partial") == nil)
      files[file.path] = bytes
    }
    return files
  }

  @Test("FORMAT.md lists each column of each table, its kind and whether it may be empty")
  func documented() throws {
    let format = try String(contentsOfFile: Golden.root + "/ledger/FORMAT.md", encoding: .utf8)
    for table in ExportTable.all {
      let rows = table.columns.map { column in
        let mayBeEmpty = column.isNullable ? "yes" : "no"
        return
          "| `\(column.name)` | \(column.kind.rawValue) | \(mayBeEmpty) | \(column.meaning) |\n"
      }
      let text =
        "### `\(table.name)`\n\n| column | kind | may be empty | meaning |\n|---|---|---|---|\n"
        + rows.joined()
      #expect(format.contains(text + "\n"), "\(text)")
      #expect(Set(table.columns.map(\.name)).count == table.columns.count)
    }
  }

  @Test("rows fill every column of their table with a value of its kind, none where it must be")
  func columns() throws {
    struct Checker: ExportSink {
      var rows = 0
      var maker: RowKeeper { RowKeeper(ExportTable.all) }
      mutating func take(_ made: ArraySlice<UInt8>, of table: ExportTable) throws(ExportError) {
        var row = ExportRow()
        row.read(made)
        rows += 1
        #expect(row.cells.count == table.columns.count)
        for (cell, column) in zip(row.cells, table.columns) {
          let place = "\(table.name).\(column.name)"
          switch (cell, column.kind) {
          case (.null, _): #expect(column.isNullable, "\(place)")
          case (.text, .text), (.integer, .integer), (.boolean, .boolean), (.instant, .instant):
            break
          default: Issue.record("\(place) holds \(cell)")
          }
        }
      }
      mutating func finish(_ range: ExportRange) throws(ExportError) -> [ExportedFile] { [] }
    }
    for story in ["first-day", "recheck-sound", "small-segments"] {
      var checker = Checker()
      let findings = [
        Finding(
          event: 3, kind: .differs, dispatch: nil, message: "m",
          differences: [Difference(path: "p", expected: nil, found: "1")]),
        Finding(event: 3, kind: .books, dispatch: nil, message: "m", differences: []),
      ]
      _ = try TableExport(
        ExportScope(try Golden.reader(story)), findings: findings, scratch: scratch()
      ).write(to: &checker)
      #expect(checker.rows > 2)
    }
  }

  @Test("however many lanes the history is divided into, the files are the same")
  func lanes() throws {
    let whole = try files(SimulatedDisk())
    #expect(whole.count == 6)
    for eventsInLane in [1, 2, 7, 30] as [UInt64] {
      #expect(try files(SimulatedDisk(), eventsInLane: eventsInLane) == whole)
    }
  }

  /// The files of an export into a folder, by their names.
  private func files(
    of story: String, _ scope: (LogReader) -> ExportScope, eventsInLane: UInt64 = 65_536,
    workers: @escaping Workers = oneByOne
  ) throws -> [String: Data] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("export-\(UUID().uuidString)")
    let storage = try FileStorage.create(directory: folder.path)
    defer { try? FileManager.default.removeItem(at: folder) }
    let scope = scope(try Golden.reader(story))
    let scratch: Scratch = { () throws(StorageError) in try storage.openScratch() }
    var sink = try CSVSink(ExportTable.all, in: storage, resumes: false)
    var files = try TableExport(
      scope, eventsInLane: eventsInLane, workers: workers, scratch: scratch
    ).write(to: &sink).files
    files.append(
      try LineExport(scope, .jsonl, leafHashes: false, workers: workers)
        .write(to: "lines", in: storage, resumes: false).file)
    var contents: [String: Data] = [:]
    for file in files {
      let data = try Data(contentsOf: folder.appendingPathComponent(file.path))
      #expect(SHA256.hash(Array(data)) == file.digest, "\(file.path)")
      contents[file.path] = data
    }
    return contents
  }

  @Test(
    "threads, parts of the log and whole commits give the files that one event after another gives",
    arguments: ["first-day", "recheck-sound", "small-segments"])
  func threads(story: String) throws {
    // A filter, be it one that lets all through, is shown event after event.
    let slow = try files(of: story) { ExportScope($0, admits: { _ in true }) }
    #expect(slow.count == 7)
    for eventsInLane in [1, 3, 65_536] as [UInt64] {
      let workers: Workers = { doAtOnce($0, $1) }
      let fast = try files(
        of: story, { ExportScope($0) }, eventsInLane: eventsInLane, workers: workers)
      #expect(fast == slow, "\(eventsInLane)")
    }
    let size = try Golden.reader(story).size
    for id in 0..<size {
      let slow = try files(of: story) { ExportScope($0, at: .event(id), admits: { _ in true }) }
      #expect(try files(of: story) { ExportScope($0, at: .event(id)) } == slow, "as of \(id)")
    }
  }

  @Test("the log is read in parts that begin where segments do, and is whole together")
  func parts() throws {
    let reader = try Golden.reader("small-segments")
    #expect(reader.segments.count > 2)
    for most in 1...6 {
      let parts = ExportScope(reader).parts(most)
      #expect((1...most).contains(parts.count))
      #expect(parts.first?.lowerBound == 0 && parts.last?.upperBound == reader.size)
      #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
      #expect(parts.allSatisfy { reader.segments.contains($0.lowerBound) })
    }
    #expect(ExportScope(reader).parts(4).count > 1)
    #expect(ExportScope(reader, admits: { _ in true }).parts(4).count == 1)
  }

  @Test("CSV quotes what needs it, and no cell begins a formula")
  func cells() throws {
    let disk = SimulatedDisk()
    var sink = try CSVSink([.rejections], in: disk, resumes: false)
    let texts = [
      ("plain", "plain"), ("", "\"\""), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""),
      ("a\r\nb", "\"a\r\nb\""), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"),
      ("\tx", "'\tx"), ("\rx", "\"'\rx\""), ("=\"a\"", "\"'=\"\"a\"\"\""), ("a=b", "a=b"),
      ("'=1", "'=1"), ("é\u{2028}", "é\u{2028}"),
    ]
    var row = ExportRow()
    var expected = ExportTable.rejections.columns.map(\.name).joined(separator: ",") + "\r\n"
    for (number, (text, cell)) in texts.enumerated() {
      row.begin()
      row.add(UInt64(number))
      row.add(Instant(microseconds: 0))
      row.add(nil as String?)
      row.add(text)
      row.add("request")
      row.add(-number)
      for _ in 0..<3 { row.add(text) }
      try sink.take(row, of: .rejections)
      let last = [cell, cell, cell].joined(separator: ",")
      expected += "\(number),1970-01-01T00:00:00.000000Z,,\(cell),request,\(-number),\(last)\r\n"
    }
    let range = ExportRange(
      identity: try Golden.reader().identity,
      head: TreeHead(size: 0, root: MerkleTree.emptyRoot), events: nil, count: 0)
    let finished = try sink.finish(range)
    #expect(disk.bytes(of: "rejections.csv") == Array(expected.utf8))
    #expect(finished.map(\.rows) == [UInt64(texts.count)])
  }

  @Test("an export that a crash cut anywhere is gone on with to the same bytes")
  func crashes() throws {
    let whole = try files(SimulatedDisk())
    let counter = SimulatedDisk()
    _ = try files(counter)
    for crash in 0..<counter.operationCount {
      for seed in 0..<3 as Range<UInt64> {
        let disk = SimulatedDisk()
        disk.faultForEver = (from: crash, fault: .crash)
        #expect(throws: ExportError.self) { _ = try files(disk) }
        var random = SeededRandom(seed: UInt64(crash) * 7 + seed)
        let image = disk.crashImage { _ in Bool.random(using: &random) }
        // Whatever has its final name is whole, before anybody goes on.
        for (path, bytes) in whole {
          if let standing = image.bytes(of: path) { #expect(standing == bytes, "\(path)") }
        }
        #expect(try files(image, resumes: true) == whole, "call \(crash), seed \(seed)")
      }
    }
  }

  @Test("what stands there is left alone, unless it is to be gone on with and is the same")
  func otherFiles() throws {
    for name in ["attempts.csv", "attempts.csv.partial"] {
      let disk = SimulatedDisk()
      disk.setBytes(of: name, to: Array("mine".utf8))
      #expect {
        _ = try files(disk)
      } throws: { error in
        if case ExportError.exists(let path) = error { path == name } else { false }
      }
      #expect(disk.bytes(of: name) == Array("mine".utf8))
    }
    let disk = SimulatedDisk()
    disk.setBytes(of: "attempts.csv", to: Array("mine".utf8))
    #expect {
      _ = try files(disk, resumes: true)
    } throws: { error in
      if case ExportError.otherContent(let path) = error { path == "attempts.csv" } else { false }
    }
    #expect(disk.bytes(of: "attempts.csv") == Array("mine".utf8))
  }

  @Test("lines are the stored ones, and without their leaf hash they are again")
  func lines() throws {
    let reader = try Golden.reader()
    var stored: [[UInt8]] = []
    var cursor = reader.events(from: 0)
    while let event = try cursor.read() { stored.append(event.line) }
    func lines(_ style: LineExport.Style, _ leafHashes: Bool) throws -> [[UInt8]] {
      var bytes: [UInt8] = []
      let export = LineExport(ExportScope(reader), style, leafHashes: leafHashes)
      let range = try export.write { bytes += $0 }
      #expect(range.count == UInt64(stored.count))
      #expect(range.head.size == reader.size)
      return bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
    }
    #expect(try lines(.jsonl, false) == stored)
    #expect(try lines(.cloudEvents, false) == stored)
    let hashes = stored.map { MerkleTree.leafHash($0).base64 }
    let wrapped = zip(stored, hashes).map { line, hash in
      Array("{\"event\":".utf8) + line + Array(",\"leaf\":\"\(hash)\"}".utf8)
    }
    #expect(try lines(.jsonl, true) == wrapped)
    for (line, (original, hash)) in zip(try lines(.cloudEvents, true), zip(stored, hashes)) {
      let text = String(decoding: line, as: UTF8.self)
      #expect(text.components(separatedBy: ",\"leafhash\":\"\(hash)\"").count == 2)
      #expect(
        text.replacingOccurrences(of: ",\"leafhash\":\"\(hash)\"", with: "")
          == String(decoding: original, as: UTF8.self))
      // It is canonical, too.
      #expect(try JSON(parsing: line).canonicalBytes == line)
    }
  }
}

@Suite("Proofs of many events")
struct TreeProofTests {
  private func leaves(_ count: Int) -> [Digest] {
    (0..<count).map { MerkleTree.leafHash(Array("\($0)".utf8)) }
  }

  private func proof(_ leaves: [Digest], _ told: (Int) -> Bool) throws -> [TreeProof.Part] {
    var parts: [TreeProof.Part] = []
    var proof = TreeProof()
    for (index, leaf) in leaves.enumerated() {
      try proof.append(leaf: leaf, isTold: told(index)) { parts.append($0) }
    }
    try proof.finish { parts.append($0) }
    return parts
  }

  private func fold(_ parts: [TreeProof.Part]) -> TreeHead? {
    var reader = TreeProofReader()
    for part in parts where reader.take(Array(part.text.utf8)) == nil { return nil }
    return TreeHead(size: reader.size, root: reader.root)
  }

  @Test("of every choice of events in every tree of up to 9 the parts fold to its root")
  func all() throws {
    for count in 0...9 {
      let leaves = leaves(count)
      var frontier = Frontier()
      for leaf in leaves { frontier.append(leaf: leaf) }
      for choice in 0..<(1 << count) {
        let parts = try proof(leaves) { choice >> $0 & 1 == 1 }
        #expect(fold(parts) == frontier.head)
        for index in 0..<count where choice >> index & 1 == 1 {
          #expect(parts.contains { $0.level == 0 && $0.hash == leaves[index] })
        }
        // Without the chosen ones no two neighbours could be one.
        #expect(parts.count <= max(1, choice.nonzeroBitCount * 7 + 4))
      }
    }
  }

  @Test("a flipped bit, a part left out, doubled or moved gives another root or none")
  func altered() throws {
    let leaves = leaves(21)
    let parts = try proof(leaves) { [0, 5, 6, 13, 20].contains($0) }
    let head = try #require(fold(parts))
    for index in parts.indices {
      let part = parts[index]
      var bytes = part.hash.bytes
      bytes[index % 32] ^= 1
      var changed = parts.map(\.text)
      let digest = try #require(Digest(bytes: Array(bytes)))
      changed[index] = "\(part.level) \(part.index) \(digest.base64)"
      #expect(fold(texts: changed) != head)
      var shorter = parts
      shorter.remove(at: index)
      #expect(fold(shorter) != head)
      var longer = parts
      longer.insert(part, at: index)
      #expect(fold(longer) == nil)
    }
    for line in [
      "", "0 0", "0 0 x", "0 1 \(head.root.base64)", "53 0 \(head.root.base64)",
      "-1 0 \(head.root.base64)", "00 0 \(head.root.base64)", "0 0 \(head.root.base64) ",
      "52 9007199254740991 \(head.root.base64)",
    ] {
      var reader = TreeProofReader()
      #expect(reader.take(Array(line.utf8)) == nil, "\(line)")
    }
  }

  private func fold(texts: [String]) -> TreeHead? {
    var reader = TreeProofReader()
    for text in texts where reader.take(Array(text.utf8)) == nil { return nil }
    return TreeHead(size: reader.size, root: reader.root)
  }
}
