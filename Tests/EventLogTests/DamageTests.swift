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
        #expect(
          try Workload.report(disk).state != .clean || !Workload.report(disk).damage.isEmpty,
          "\(path) cut to \(length) passes as clean")
      }
    }
  }

  @Test("every flipped bit of the log is detected, with the right event named")
  func flips() throws {
    let whole = Workload.finishedDisk(sizes: Self.sizes)
    let acknowledged = (0..<9).map { Workload.line($0) }
    for path in segments(whole) {
      var bytes = try #require(whole.bytes(of: path))
      for index in bytes.indices {
        for bit in 0..<8 {
          bytes[index] ^= 1 << bit
          defer { bytes[index] ^= 1 << bit }
          let disk = whole.copy()
          disk.setBytes(of: path, to: bytes)
          try checkHonest(disk, acknowledged, "\(path), byte \(index), bit \(bit)")
          let report = try Workload.report(disk)
          #expect(
            !report.damage.isEmpty, "\(path), byte \(index), bit \(bit): \(report.state)")
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
    withoutLast.remove(try #require(names.last))
    #expect(try Workload.report(withoutLast).state == .lostTail)
    #expect(throws: LogError.self) { _ = try Workload.open(withoutLast).size }
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
