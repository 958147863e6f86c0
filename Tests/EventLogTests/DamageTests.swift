import Bytes
import EventLog
import Simulation
import Testing

@Suite("Damage to a ledger at rest")
struct DamageTests {
  static let sizes: [UInt64] = [5, 9]

  private func segments(_ disk: SimulatedDisk) -> [String] {
    disk.paths.filter { $0.hasPrefix("log/") }
  }

  /// The commits of a segment: where each begins, and the ids that it holds.
  private func commits(_ bytes: [UInt8]) -> [(offset: Int, ids: Range<UInt64>)] {
    let text = String(decoding: bytes, as: UTF8.self)
    var offset = 0
    var commits: [(offset: Int, ids: Range<UInt64>)] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let fields = line.split(separator: " ").map { $0.split(separator: "=").last ?? "" }
      if line.hasPrefix("#commit "), let first = UInt64(fields[1]), let count = UInt64(fields[2]) {
        commits.append((offset, first..<first + count))
      }
      offset += line.utf8.count + 1
    }
    return commits
  }

  /// What every answer to a damaged ledger must satisfy: nothing that was acknowledged disappears silently.
  private func checkHonest(
    _ disk: SimulatedDisk, _ acknowledged: [[UInt8]], _ what: @autoclosure () -> String
  ) throws {
    let report = try Workload.report(disk)
    let isWhole = report.size == UInt64(acknowledged.count) && report.damage.isEmpty
    let saysSo =
      !report.damage.isEmpty || report.state == .corrupt || report.state == .lostTail
    #expect(isWhole || saysSo, "\(what()): \(report.state), size \(report.size)")
    let before = disk.copy()
    do {
      let writer = try Workload.open(disk)
      #expect(writer.size >= UInt64(acknowledged.count), "\(what()): opened and shorter")
    } catch {
      guard case .needsRepair = error else { throw error }
      for path in before.paths {
        #expect(disk.bytes(of: path) == before.bytes(of: path), "\(what()): \(path) was changed")
      }
    }
  }

  @Test("every truncation of every segment is detected, and none loses an event silently")
  func truncations() throws {
    let whole = Workload.finishedDisk(sizes: Self.sizes)
    let acknowledged = (0..<9).map { Workload.line($0) }
    #expect(segments(whole).count == 3)
    for path in segments(whole) {
      let bytes = try #require(whole.bytes(of: path))
      for length in 0..<bytes.count {
        let disk = whole.copy()
        disk.setBytes(of: path, to: Array(bytes[..<length]))
        try checkHonest(disk, acknowledged, "\(path) cut to \(length)")
        // A commit is lost with its last byte; all that is lost is named, and nothing else.
        let ends = commits(bytes).dropFirst().map(\.offset) + [bytes.count]
        let isSealed = path != segments(whole).last
        let lost = zip(commits(bytes), ends).filter { commit, end in
          length < (isSealed && end == bytes.count ? end - 131 : end)
        }.flatMap { Array($0.0.ids) }
        #expect(
          try Workload.report(disk).damage.flatMap { Array($0.ids) } == lost,
          "\(path) cut to \(length)")
        #expect(
          try Workload.report(disk).state != .clean || !Workload.report(disk).damage.isEmpty,
          "\(path) cut to \(length) passes as clean")
      }
    }
  }

  @Test("every flipped bit of the log is detected, and only the events of its commit are named")
  func flips() throws {
    let whole = Workload.finishedDisk(sizes: Self.sizes)
    let acknowledged = (0..<9).map { Workload.line($0) }
    for path in segments(whole) {
      var bytes = try #require(whole.bytes(of: path))
      let commits = commits(bytes)
      for index in bytes.indices {
        for bit in 0..<8 {
          bytes[index] ^= 1 << bit
          defer { bytes[index] ^= 1 << bit }
          let disk = whole.copy()
          disk.setBytes(of: path, to: bytes)
          try checkHonest(disk, acknowledged, "\(path), byte \(index), bit \(bit)")
          let report = try Workload.report(disk)
          let isSeal = index >= bytes.count - 131 && path != segments(whole).last
          let hit = isSeal ? nil : commits.last { $0.offset <= index }
          #expect(
            report.damage.map(\.ids).filter { !$0.isEmpty } == [hit?.ids].compactMap { $0 }
              && report.damage.count == 1,
            "\(path), byte \(index), bit \(bit): \(report.damage)")
          #expect(report.state == .corrupt, "\(path), byte \(index), bit \(bit)")
        }
      }
    }
  }

  @Test("every flipped bit of head leaves the other slot to go by")
  func headFlips() throws {
    let whole = Workload.finishedDisk(sizes: Self.sizes)
    let acknowledged = (0..<9).map { Workload.line($0) }
    var bytes = try #require(whole.bytes(of: "head"))
    for index in bytes.indices {
      bytes[index] ^= 0x10
      defer { bytes[index] ^= 0x10 }
      let disk = whole.copy()
      disk.setBytes(of: "head", to: bytes)
      var writer = try Workload.open(disk)
      let size = writer.size
      #expect(size == 9, "byte \(index)")
      var workload = Workload()
      try workload.append(to: &writer, until: 11)
      #expect(
        try Workload.lines(disk).prefix(9).elementsEqual(acknowledged), "byte \(index)")
      #expect(try Workload.report(disk).state == .clean, "byte \(index)")
    }
  }

  @Test("damage within one commit names its events, and those after it are still checked")
  func namesIDs() throws {
    let disk = Workload.finishedDisk(sizes: [20])
    let path = try #require(segments(disk).first)
    var bytes = try #require(disk.bytes(of: path))
    bytes[try #require(offset(of: "{\"id\":\"1\"", in: bytes)) + 4] ^= 1
    disk.setBytes(of: path, to: bytes)
    let report = try Workload.report(disk)
    #expect(report.state == .corrupt)
    #expect(report.damage.map(\.ids) == [1..<3])
    #expect(report.damage.map(\.kind) == [.commit])
    #expect(report.size == 1)
    #expect(report.mark == 20)
  }

  @Test("a missing, a doubled and a foreign segment are each named")
  func segmentsMoved() throws {
    let whole = Workload.finishedDisk(sizes: [20])
    let names = segments(whole)
    #expect(names.count >= 4)

    let missing = whole.copy()
    missing.remove(names[1])
    #expect(try Workload.report(missing).damage.map(\.kind) == [.missing])

    let doubled = whole.copy()
    doubled.setBytes(of: "log/0000000000000001.log", to: try #require(whole.bytes(of: names[0])))
    #expect(try Workload.report(doubled).damage.map(\.kind) == [.surplus])

    let swapped = whole.copy()
    swapped.setBytes(of: names[1], to: try #require(whole.bytes(of: names[2])))
    #expect(try Workload.report(swapped).damage.first?.kind == .header)

    let withoutLast = whole.copy()
    let lastName = try #require(names.last)
    withoutLast.remove(lastName)
    let report = try Workload.report(withoutLast)
    #expect(report.state == .lostTail)
    let first = try #require(UInt64(lastName.dropFirst(4).dropLast(4)))
    #expect(
      report.damage.map { "\($0.kind) \($0.ids) \($0.segment) \($0.offset)" } == [
        "missing \(first..<20) \(first) 0"
      ])
    #expect(throws: LogError.self) { _ = try Workload.open(withoutLast).size }

    let withoutAll = whole.copy()
    for name in names { withoutAll.remove(name) }
    #expect(try Workload.report(withoutAll).state == .lostTail)
    #expect(try Workload.report(withoutAll).damage.map(\.ids) == [0..<20])
    withoutAll.remove("head")
    #expect(try Workload.report(withoutAll).state == .lostTail)
    #expect(try Workload.report(withoutAll).damage.map(\.ids) == [0..<1])
  }

  @Test("a last segment without a valid header is damage, never torn: its name came after it")
  func lastHeader() throws {
    let disk = Workload.finishedDisk(sizes: [9])
    let segment = "log/0000000000000009.log"
    for bytes in [[], Array("#segment format=1".utf8), [UInt8](repeating: 0, count: 222)] {
      let copy = disk.copy()
      copy.setBytes(of: segment, to: bytes)
      let report = try Workload.report(copy)
      #expect(report.state == .corrupt)
      #expect(report.damage.map(\.kind) == [.seal, .header])
      #expect(throws: LogError.self) { _ = try Workload.open(copy).size }
    }
  }

  @Test("a slot that tells of another log than this is damage, whichever of both it is")
  func headAtOdds() throws {
    let whole = Workload.finishedDisk(sizes: [9])
    let own = try #require(whole.bytes(of: "head"))
    // Another log of the same ledger: it was put back from an old copy, and went on otherwise.
    let fork = Workload.finishedDisk(sizes: [5])
    var writer = try Workload.open(fork)
    for id: UInt64 in 5..<9 {
      _ = try writer.append([Workload.line(id)], time: Workload.time(20))
      try writer.synchronize()
    }
    let other = try #require(fork.bytes(of: "head"))
    for kept in [
      [other[..<4_096], own[4_096...]], [own[..<4_096], other[4_096...]], [other[...]],
    ] {
      let disk = whole.copy()
      disk.setBytes(of: "head", to: kept.flatMap { Array($0) })
      let report = try Workload.report(disk)
      #expect(report.state == .corrupt)
      #expect(!report.damage.isEmpty && report.damage.allSatisfy { $0.kind == .head })
      #expect(report.size == 9)
    }
    let disk = whole.copy()
    disk.setBytes(of: "head", to: other)
    #expect {
      _ = try Workload.open(disk).size
    } throws: { error in
      guard case LogError.needsRepair(let end) = error else { return false }
      return end.isHeadAtOdds && end.state == .corrupt
    }
  }

  @Test("an event line that isn't what its place demands is named, though every checksum holds")
  func illFormedEvent() throws {
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: Workload.identity)
    _ = try writer.append([Workload.line(0)], time: Workload.time(0))
    _ = try writer.append([Workload.line(0), Workload.line(2)], time: Workload.time(1))
    try writer.synchronize()
    let report = try Workload.report(disk)
    #expect(report.damage.map(\.kind) == [.event])
    #expect(report.damage.map(\.ids) == [1..<2])
    #expect(report.size == 3)
    #expect(report.state == .clean)
  }
}
