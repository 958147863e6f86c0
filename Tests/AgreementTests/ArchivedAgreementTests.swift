import Bytes
import EventLog
import Events
import Merkle
import Simulation
import Testing
import Torture

/// Ledgers whose beginning is archived, whole and tampered with.
@Suite("The second implementation agrees on archived ledgers")
struct ArchivedAgreementTests {
  /// A ledger of several segments, the newest commit of which says that the first two are archived;
  /// with their files and the snapshot.
  private struct Archived {
    let disk = SimulatedDisk()
    let segments: [UInt64]
    let snapshot: String
    var end: UInt64 { segments[2] }

    init(_ change: (inout LedgerArchived) -> Void = { _ in }) throws {
      let identity = WrittenLedger.identity
      var writer = try LogWriter.create(in: disk, identity: identity, segmentBytes: 2_600)
      var roots: [TreeHead] = []
      while writer.size < 18 {
        let time = writer.lastTime.adding(seconds: writer.size == 0 ? 0 : 1)
        let lines = (writer.size...writer.size + writer.size % 3).map {
          WrittenLedger.line($0, time: time)
        }
        _ = try writer.append(lines, time: time)
        try writer.synchronize()
        roots.append(writer.frontier.head)
      }
      segments = disk.paths.filter { $0.hasPrefix("log/") }.compactMap { path in
        UInt64(path.dropFirst(4).prefix(16))
      }
      let end = segments[2]
      let head = try LogArchive(of: disk, identity: identity, in: disk).frontier(at: end).head
      let kept = [(id: UInt64(0), line: WrittenLedger.line(0, time: identity.created))]
      let text =
        LogSnapshot.beginning(
          head, of: identity.id, roots: roots.filter { $0.size <= end }, events: kept)
        + Array("#table none\n#end\n".utf8)
      snapshot = SHA256.hash(text).hex
      disk.setBytes(of: "snapshot/\(snapshot)", to: text)
      var event = try Self.event(head, segments, disk, snapshot)
      change(&event)
      let time = writer.lastTime.adding(seconds: 1)
      let line = Event(
        id: writer.size, time: time, source: identity.origin, payload: .ledgerArchived(event)
      ).encodeLine()
      _ = try writer.append([line], time: time)
      try writer.synchronize()
      disk.setBytes(of: "LEDGER", to: identity.encoded)
    }

    private static func event(
      _ head: TreeHead, _ segments: [UInt64], _ disk: SimulatedDisk, _ snapshot: String
    ) throws -> LedgerArchived {
      let files = try zip(segments.prefix(2), segments.dropFirst()).map { first, next in
        let bytes = disk.bytes(of: LogPath.segment(first)) ?? []
        return ArchivedSegment(
          segment: first, events: Int(next - first), bytes: bytes.count,
          digest: try #require(HexDigest(SHA256.hash(bytes).hex)))
      }
      return LedgerArchived(
        archiveID: try #require(EntityID("0-1")), before: WrittenLedger.identity.created,
        first: 0, last: head.size - 1, root: try #require(TreeRoot(head.root.base64)),
        segments: files, snapshot: try #require(HexDigest(snapshot)))
    }

    /// The same without the first so many segments.
    func without(_ count: Int) -> SimulatedDisk {
      let pruned = disk.copy()
      for segment in segments.prefix(count) { pruned.remove(LogPath.segment(segment)) }
      return pruned
    }
  }

  private let suite = AgreementTests()

  @Test("one that lacks what it says is archived is whole; one that lacks more or less isn't")
  func segments() throws {
    let archived = try Archived()
    #expect(archived.segments.count >= 4)
    var cases: [(name: String, disk: SimulatedDisk)] = []
    for count in 0..<archived.segments.count {
      let disk = archived.without(count)
      cases.append(("without \(count) segments", disk))
      let answer = try WrittenLedger.answer(of: disk)
      #expect((answer.status == 0) == (count <= 2), "\(count): \(answer.report)")
      let isSaid = answer.report.contains("\"archived\":\"\(archived.segments[count])\"")
      #expect(isSaid == (count == 1 || count == 2), "\(count): \(answer.report)")
    }
    let gap = archived.without(3)
    gap.setBytes(
      of: LogPath.segment(archived.segments[1]),
      to: archived.disk.bytes(of: LogPath.segment(archived.segments[1])) ?? [])
    cases.append(("with a gap", gap))
    #expect(try WrittenLedger.answer(of: gap).status == 4)
    try suite.compare(cases)
  }

  @Test("one whose event says something else doesn't account for what is missing")
  func otherEvents() throws {
    let other = SHA256.hash(Array("other".utf8))
    let changes: [(String, (inout LedgerArchived) -> Void)] = [
      ("another root", { $0.root = TreeRoot(other.base64) ?? $0.root }),
      ("another last", { $0.last += 1 }), ("an earlier last", { $0.last -= 1 }),
      ("a segment less", { $0.segments.removeLast() }),
      ("more events", { $0.segments[1].events += 1 }),
      ("no events", { $0.segments[1].events = 0 }),
      ("another first", { $0.first = 1 }), ("other bytes", { $0.segments[0].bytes += 1 }),
      ("another snapshot", { $0.snapshot = HexDigest(other.hex) ?? $0.snapshot }),
    ]
    var cases: [(name: String, disk: SimulatedDisk)] = []
    for (name, change) in changes {
      let archived = try Archived(change)
      for count in 1...2 { cases.append(("\(name), without \(count)", archived.without(count))) }
      let status = try WrittenLedger.answer(of: archived.without(2)).status
      // What only the archive itself can contradict isn't seen here.
      let isUnseen = ["another first", "other bytes"].contains(name)
      #expect((status == 0) == isUnseen, "\(name)")
    }
    #expect(try suite.compare(cases).isSuperset(of: ["missing", "snapshot", "archived"]))
  }

  @Test("a flipped bit, a cut or a lost file anywhere, and the snapshot's too, is seen by both")
  func damaged() throws {
    let archived = try Archived()
    let whole = archived.without(2)
    var cases: [(name: String, disk: SimulatedDisk)] = []
    func add(_ name: String, _ path: String, _ bytes: [UInt8]?) throws {
      let disk = whole.copy()
      if let bytes { disk.setBytes(of: path, to: bytes) } else { disk.remove(path) }
      cases.append((name, disk))
      let answer = try WrittenLedger.answer(of: disk)
      if path != "head" { #expect(answer.status != 0 || name.contains("cut"), "\(name)") }
    }
    for path in whole.paths where path != "LEDGER" {
      let bytes = try #require(whole.bytes(of: path))
      for index in stride(from: 0, to: bytes.count, by: path == "head" ? 251 : 31) {
        var flipped = bytes
        flipped[index] ^= 1 << UInt8(index % 8)
        try add("\(path): a bit of byte \(index)", path, flipped)
        if index % 5 == 0 { try add("\(path): cut to \(index)", path, Array(bytes[..<index])) }
      }
      if path != "head" { try add("\(path): missing", path, nil) }
    }
    // The first header's frontier, by somebody who makes its checksum right again.
    let path = LogPath.segment(archived.end)
    var forged = try #require(whole.bytes(of: path))
    let place = 150
    forged[place] = forged[place] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
    let length = try #require(forged.firstIndex(of: 0x0A)) + 1
    var crc = CRC32C()
    crc.update(Array("\(WrittenLedger.identity.id.hex) \(path) 0\n".utf8))
    crc.update(Array(forged[..<(length - 9)]))
    let digits = Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: crc.value >> (24 - 8 * $0)) })
    forged.replaceSubrange(length - 9..<length - 1, with: Array(digits.utf8))
    try add("a forged frontier", path, forged)
    #expect(
      try suite.compare(cases).isSuperset(of: ["missing", "snapshot", "archived", "header"]))
  }

  @Test("on seeded damages to archived ledgers")
  func seeded() throws {
    let archived = try Archived()
    let fork = try Archived { $0.before = $0.before.adding(seconds: 1) }
    for seed: UInt64 in 100..<103 {
      var random = SeededRandom(seed: seed)
      var cases: [(name: String, disk: SimulatedDisk)] = []
      for number in 0..<200 {
        let count = 1 + number % 2
        let disk = archived.without(count)
        var names: [String] = []
        for _ in 0...number % 3 {
          let damage = RandomDamage.allCases.randomElement(using: &random) ?? .flip
          names.append("\(damage) \(damage.apply(to: disk, from: fork.without(count), &random))")
        }
        cases.append(("seed \(seed), case \(number): \(names.joined(separator: "; "))", disk))
      }
      try suite.compare(cases)
    }
  }
}
