import Bytes
import EventLog
import Merkle
import Simulation
import Testing

@Suite("Moving segments to an archive and back")
struct ArchiveTests {
  /// A log of several segments, and its archive on another disk.
  private struct Both {
    let ledger: SimulatedDisk
    let archive: SimulatedDisk

    init(_ ledger: SimulatedDisk, _ archive: SimulatedDisk = SimulatedDisk()) {
      self.ledger = ledger
      self.archive = archive
    }

    var mover: LogArchive {
      LogArchive(of: ledger, identity: Workload.identity, in: archive)
    }

    /// Copies segments and removes them, as an archiving that is repeated does.
    func moveAway(_ segments: [Range<UInt64>]) throws(LogError) {
      _ = try mover.copy(segments)
      try mover.removeFromLedger(before: segments.last?.upperBound ?? 0)
    }
  }

  private static let late = Workload.time(1_000)
  private let whole = Workload.finishedDisk()

  private func segments() throws -> [Range<UInt64>] {
    try Both(whole.copy()).mover.segments(before: Self.late)
  }

  private func described(_ segments: [Range<UInt64>]) throws -> [LogArchive.Segment] {
    segments.map { range in
      let bytes = whole.bytes(of: LogPath.segment(range.lowerBound)) ?? []
      return LogArchive.Segment(
        first: range.lowerBound, end: range.upperBound, bytes: UInt64(bytes.count),
        digest: SHA256.hash(bytes))
    }
  }

  /// The names of segments, in order.
  private func names(_ disk: SimulatedDisk) -> [String] {
    disk.paths.filter { $0.hasPrefix("log/") && $0.hasSuffix(".log") }
  }

  @Test("only closed segments go, and only those of which every event is old enough")
  func selection() throws {
    let segments = try segments()
    #expect(segments.count >= 3 && segments[0].lowerBound == 0)
    #expect(names(whole).count == segments.count + 1)
    for (index, segment) in segments.enumerated() {
      let reader = try LogReader(whole, identity: Workload.identity)
      var cursor = reader.events(from: segment.upperBound - 1)
      let last = try #require(try cursor.read()).commit.time
      let mover = Both(whole.copy()).mover
      #expect(try mover.segments(before: last).count == index)
      #expect(try mover.segments(before: last.adding(seconds: 1)).count >= index + 1)
    }
  }

  @Test("an archive's place holds nothing else, and no other ledger's archive")
  func place() throws {
    for path in ["head", "log/notes.txt", "config.json", "snapshot.txt"] {
      let both = Both(whole.copy())
      both.archive.setBytes(of: path, to: [1])
      #expect(throws: LogError.copyExists, "\(path)") { try both.mover.checkPlace() }
    }
    let both = Both(whole.copy())
    try both.mover.checkPlace()
    try both.moveAway(try segments())
    try both.mover.checkPlace()
    both.archive.setBytes(of: LogPath.segment(0), to: [1, 2, 3])
    let other = Both(whole.copy(), both.archive)
    #expect(throws: LogError.copyDiffers(segment: 0)) { try other.moveAway(try self.segments()) }
  }

  @Test("the power fails at any call of a move, on either disk, and repeating the move finishes it")
  func crashAway() throws {
    let segments = try segments()
    let described = try described(segments)
    let calls = try operations { try $0.moveAway(segments) }
    var images = 0
    for (isLedger, count) in [(true, calls.ledger), (false, calls.archive)] {
      for operation in 0..<count {
        let both = Both(whole.copy())
        let failing = isLedger ? both.ledger : both.archive
        failing.faults[operation] = .crash
        // The machine has both disks.
        #expect(throws: LogError.self) { try both.moveAway(segments) }
        for kept in [true, false] {
          images += 1
          let after = Both(
            both.ledger.crashImage { _ in kept }, both.archive.crashImage { _ in kept })
          // Nothing is gone that isn't in the archive.
          let left = names(after.ledger)
          #expect(left == Array(names(whole).suffix(left.count)), "call \(operation)")
          for segment in segments where !left.contains(LogPath.segment(segment.lowerBound)) {
            let path = LogPath.segment(segment.lowerBound)
            #expect(after.archive.bytes(of: path) == whole.bytes(of: path))
          }
          try after.moveAway(segments.filter { left.contains(LogPath.segment($0.lowerBound)) })
          #expect(try after.mover.firstDifferent(described) == nil)
          #expect(names(after.ledger).count == 1)
          // The writer goes on with what is left.
          try Workload.openAndAppend(2, to: after.ledger)
        }
      }
    }
    #expect(images > 100)
  }

  @Test("the power fails at any call on the way back, and repeating it makes the log whole again")
  func crashBack() throws {
    let segments = try segments()
    let described = try described(segments)
    let away = Both(whole.copy())
    try away.moveAway(segments)
    let calls = try operations(from: away) { try $0.mover.bringBack(described) }
    for operation in 0..<calls.ledger {
      for kept in [true, false] {
        let both = Both(away.ledger.copy(), away.archive.copy())
        both.ledger.faults[operation] = .crash
        #expect(throws: LogError.self) { try both.mover.bringBack(described) }
        let after = Both(both.ledger.crashImage { _ in kept }, both.archive)
        let left = names(after.ledger)
        #expect(left == Array(names(whole).suffix(left.count)), "call \(operation)")
        try Workload.openAndAppend(1, to: after.ledger.copy())
        try after.mover.bringBack(described)
        #expect(try Workload.lines(after.ledger) == Workload.lines(whole))
        #expect(try Workload.report(after.ledger).damage.isEmpty)
      }
    }
  }

  @Test("what isn't what was recorded is neither brought back nor overlooked")
  func tampered() throws {
    let segments = try segments()
    let described = try described(segments)
    for segment in segments {
      let path = LogPath.segment(segment.lowerBound)
      let both = Both(whole.copy())
      try both.moveAway(segments)
      var bytes = try #require(both.archive.bytes(of: path))
      bytes[bytes.count / 2] ^= 1
      both.archive.setBytes(of: path, to: bytes)
      let different = try #require(try both.mover.firstDifferent(described))
      #expect(different.segment.first == segment.lowerBound && !different.isMissing)
      #expect(throws: LogError.self) { try both.mover.bringBack(described) }
      #expect(both.ledger.bytes(of: path) == nil)
      both.archive.remove(path)
      #expect(try both.mover.firstDifferent(described)?.isMissing == true)
      #expect(throws: LogError.self) { try both.mover.bringBack(described) }
    }
  }

  @Test("the power fails at any call of a destruction, and what describes the archive goes last")
  func crashDestroying() throws {
    let segments = try segments()
    let described = try described(segments)
    let away = Both(whole.copy())
    try away.moveAway(segments)
    away.archive.setBytes(of: "ARCHIVE", to: [1])
    away.archive.setBytes(of: "LEDGER", to: Workload.identity.encoded)
    away.archive.setBytes(of: "snapshot/x", to: [2])
    let calls = try operations(from: away) { try $0.mover.destroy(described, leaving: [3]) }
    for operation in 0..<calls.archive {
      for kept in [true, false] {
        let both = Both(away.ledger.copy(), away.archive.copy())
        both.archive.faults[operation] = .crash
        #expect(throws: LogError.self) { try both.mover.destroy(described, leaving: [3]) }
        let after = Both(both.ledger, both.archive.crashImage { _ in kept })
        if after.archive.bytes(of: "ARCHIVE") == nil {
          #expect(after.archive.paths == ["DISPOSED"])
        }
        try after.mover.destroy(described, leaving: [3])
        #expect(after.archive.paths == ["DISPOSED"])
        #expect(after.archive.bytes(of: "DISPOSED") == [3])
      }
    }
  }

  /// How many calls each disk gets.
  private func operations(
    from start: Both? = nil, _ body: (Both) throws -> Void
  ) throws -> (ledger: Int, archive: Int) {
    let both = Both(start?.ledger.copy() ?? whole.copy(), start?.archive.copy() ?? SimulatedDisk())
    try body(both)
    return (both.ledger.operationCount, both.archive.operationCount)
  }

  // MARK: - A log without its beginning

  @Test("what a reader is asked for before the log's beginning is archived, or else damaged")
  func reading() throws {
    let segments = try segments()
    let both = Both(whole.copy())
    try both.moveAway(segments)
    let end = try #require(segments.last).upperBound
    var reader = try LogReader(both.ledger, identity: Workload.identity)
    #expect(reader.first == end)
    func read(_ id: UInt64) throws(LogError) {
      var cursor = reader.events(from: id)
      _ = try cursor.read()
    }
    try read(end)
    #expect(throws: LogError.damaged(ids: 2..<end, segment: 2, offset: 0)) { try read(2) }
    let name = SHA256.hash([1]).hex
    both.ledger.setBytes(of: LogPath.snapshot(name), to: [1])
    #expect(throws: LogError.archived(ids: 2..<end, archive: nil, isDisposed: false)) {
      try read(2)
    }
    // With the archive it is as it was.
    reader = try LogReader(
      UnionStorage(both.ledger, with: [both.archive]), identity: Workload.identity)
    try read(0)
    #expect(reader.first == 0)
  }

  @Test("each event that is left is proven in each tree that holds it, by the frontier alone")
  func proofs() throws {
    let segments = try segments()
    let both = Both(whole.copy())
    try both.moveAway(segments)
    let end = try #require(segments.last).upperBound
    let reader = try LogReader(both.ledger, identity: Workload.identity)
    let complete = try LogReader(whole, identity: Workload.identity)
    try both.ledger.createDirectory("index")
    let index = try TreeIndex(writing: both.ledger)
    var frontier = try reader.beginning()
    try index.begin(at: frontier)
    for id in end..<reader.size {
      try index.append([MerkleTree.leafHash(Workload.line(id))], to: &frontier)
    }
    for size in end + 1...reader.size {
      for id in end..<size {
        let subtrees = try #require(InclusionProof.subtrees(index: id, size: size))
        let hashes = try reader.hashes(of: subtrees, upTo: size)
        let all = try complete.hashes(of: subtrees, upTo: size)
        for subtree in subtrees {
          #expect(hashes.hash(of: subtree) == all.hash(of: subtree), "\(id) in \(size)")
          #expect(try index.hash(of: subtree) == all.hash(of: subtree))
        }
      }
    }
  }
}
