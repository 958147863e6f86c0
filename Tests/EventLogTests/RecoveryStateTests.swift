import Bytes
import EventLog
import Merkle
import Simulation
import Testing

@Suite("The states of a log's end")
struct RecoveryStateTests {
  @Test("every combination of what can be known has its state, by the table of FORMAT.md")
  func table() {
    for tail in TailKind.allCases {
      for bits in 0..<8 {
        let (isShort, hasSlot, isBroken) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0)
        let state = RecoveryState(
          isBroken: isBroken, isShort: isShort, hasSlot: hasSlot, tail: tail)
        let expected: RecoveryState =
          switch (isBroken, isShort, hasSlot, tail) {
          case (true, _, _, _): .corrupt
          case (_, true, _, _): .lostTail
          case (_, _, false, _): .headLost
          case (_, _, _, .fill): .clean
          case (_, _, _, .explained): .torn
          case (_, _, _, .unexplained): .suspect
          }
        #expect(state == expected, "\(tail) \(bits)")
      }
    }
  }

  private func lastSegment(_ disk: SimulatedDisk) throws -> (path: String, bytes: [UInt8]) {
    let path = try #require(disk.paths.filter { $0.hasPrefix("log/") }.last)
    return (path, try #require(disk.bytes(of: path)))
  }

  /// The bytes of one more commit, as a writer would have written it after the workload's last one.
  private func nextCommit(_ disk: SimulatedDisk, count: UInt64 = 1) throws -> [UInt8] {
    let copy = disk.copy()
    let before = try lastSegment(copy).bytes.count
    var writer = try Workload.open(copy, segmentBytes: 1 << 20)
    let lines = (writer.size..<writer.size + count).map(Workload.line)
    _ = try writer.append(lines, time: writer.lastTime)
    return Array(try lastSegment(copy).bytes[before...])
  }

  private func state(_ disk: SimulatedDisk) throws -> RecoveryState {
    try Workload.report(disk).state
  }

  @Test("newlines after the last commit are fill: cut, and nothing else happens")
  func fill() throws {
    let disk = Workload.finishedDisk()
    let (path, bytes) = try lastSegment(disk)
    disk.setBytes(of: path, to: bytes + [UInt8](repeating: 0x0A, count: 3_000))
    #expect(try state(disk) == .clean)
    let writer = try Workload.open(disk)
    #expect(writer.recovery.quarantined.isEmpty)
    #expect(disk.bytes(of: path) == bytes)
  }

  @Test("a commit above the mark that is whole is adopted: written again, synchronized, kept")
  func adopted() throws {
    let disk = Workload.finishedDisk()
    let (path, bytes) = try lastSegment(disk)
    let commit = try nextCommit(disk)
    disk.setBytes(of: path, to: bytes + commit)
    let before = try Workload.report(disk)
    #expect(before.state == .clean)
    #expect(before.notDurable == 1)
    #expect(try Workload.lines(disk).count == 14)
    let writer = try Workload.open(disk)
    #expect(writer.recovery.adopted == 14..<15)
    #expect(try Workload.lines(disk).count == 15)
  }

  @Test("a commit cut anywhere is torn", arguments: [1, 20, 256, 257, 258, 300, .max])
  func cut(length: Int) throws {
    let disk = Workload.finishedDisk()
    let (path, bytes) = try lastSegment(disk)
    let commit = try nextCommit(disk)
    let kept = min(length, commit.count - 1)
    for padding in [[], [UInt8](repeating: 0x0A, count: 700), [0], [0x0A, 0x0A, 0, 0]] {
      if kept == commit.count - 1, padding.first == 0x0A { continue }  // That makes it whole.
      let tail = Array(commit[..<kept]) + padding
      disk.setBytes(of: path, to: bytes + tail)
      #expect(try state(disk) == .torn, "\(kept) bytes and \(padding)")
      let copy = disk.copy()
      let writer = try Workload.open(copy)
      #expect(writer.recovery.quarantined.count == 1)
      #expect(copy.bytes(of: path) == bytes)
    }
  }

  @Test("a blank sector within a commit is torn, a flipped bit is suspect")
  func blankOrSuspect() throws {
    let disk = Workload.finishedDisk()
    let (path, bytes) = try lastSegment(disk)
    let commit = try nextCommit(disk, count: 12)
    #expect(commit.count > 1_600)
    var blank = bytes + commit
    let sector = (bytes.count / 512 + 2) * 512
    for (start, split) in [(sector, 0), (sector, 512), (sector, 100), (bytes.count, 1)] {
      // Where fill ended within the sector, newlines stand before it and zeros after.
      blank = bytes + commit
      let end = (start / 512 + 1) * 512
      for index in start..<end { blank[index] = index < start + split ? 0x0A : 0 }
      disk.setBytes(of: path, to: blank)
      #expect(try state(disk) == .torn, "\(split) newlines from \(start) on")
      blank[end - 1] = UInt8(ascii: "x")
      disk.setBytes(of: path, to: blank)
      #expect(try state(disk) == .suspect, "and not all blank")
    }

    for index in [10, 300, commit.count - 3] {
      var flipped = bytes + commit
      flipped[bytes.count + index] ^= 4
      disk.setBytes(of: path, to: flipped)
      #expect(try state(disk) == .suspect, "byte \(index) of the commit")
      #expect(throws: LogError.self) { _ = try Workload.open(disk).size }
      #expect(disk.bytes(of: path) == flipped)
    }
  }

  @Test(
    "before another of its group, a commit with a lost sector is torn, with a flipped bit suspect")
  func group() throws {
    let disk = Workload.finishedDisk()
    let (path, bytes) = try lastSegment(disk)
    let copy = disk.copy()
    var writer = try Workload.open(copy, segmentBytes: 1 << 20)
    _ = try writer.append([Workload.line(14)], time: writer.lastTime)
    let first = try lastSegment(copy).bytes.count
    _ = try writer.append([Workload.line(15)], time: writer.lastTime)
    var damaged = try lastSegment(copy).bytes
    damaged[first - 5] ^= 1
    disk.setBytes(of: path, to: damaged)
    #expect(try state(disk) == .suspect)
    damaged[first - 5] ^= 1
    for index in bytes.count..<(bytes.count / 512 + 1) * 512 { damaged[index] = 0 }
    disk.setBytes(of: path, to: damaged)
    #expect(try state(disk) == .torn)
    let recovered = try Workload.open(disk)
    #expect(recovered.size == 14)
    #expect(disk.bytes(of: path) == bytes)
  }

  @Test("a damaged commit is corrupt when a later one says that it was durable")
  func durableFieldSaysMore() throws {
    let disk = Workload.finishedDisk()
    let head = try #require(disk.bytes(of: "head"))
    var writer = try Workload.open(disk, segmentBytes: 1 << 20)
    var workload = Workload()
    try workload.append(to: &writer, until: 18)
    let (path, bytes) = try lastSegment(disk)
    // The slots are put back as after a power failure; only the commit lines know better.
    disk.setBytes(of: "head", to: head)
    var damaged = bytes
    damaged[try #require(offset(of: "{\"id\":\"14\"", in: bytes)) + 3] ^= 1
    disk.setBytes(of: path, to: damaged)
    #expect(try state(disk) == .corrupt)
    #expect(throws: LogError.self) { _ = try Workload.open(disk).size }
    #expect(disk.bytes(of: path) == damaged)
  }

  @Test(
    "both slots lost, or the file: made anew where the log is clean, refused where bytes follow",
    arguments: [true, false])
  func headLost(isThere: Bool) throws {
    let disk = Workload.finishedDisk()
    if isThere { disk.setBytes(of: "head", to: []) } else { disk.remove("head") }
    #expect(try state(disk) == .headLost)
    let torn = disk.copy()
    torn.setBytes(of: "head", to: [])
    let writer = try Workload.open(disk)
    #expect(writer.recovery.isHeadRebuilt)
    #expect(writer.size == 14)
    #expect(try state(disk) == .clean)

    let (path, bytes) = try lastSegment(torn)
    torn.setBytes(of: path, to: bytes + Array("#com".utf8))
    #expect(throws: LogError.self) { _ = try Workload.open(torn).size }
    #expect(torn.bytes(of: "head") == [])
  }

  /// A note that says how many events there are; of what it says else nothing is believed.
  private func checkpoint(of size: UInt64, origin: String = "test/log") throws -> [UInt8] {
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 7, count: 32)))
    let root = TreeHead(size: size, root: MerkleTree.emptyRoot)
    let vkey = try #require(VerifierKey(name: origin, key: key.publicKey))
    let checkpoint = try #require(Checkpoint(origin: origin, head: root))
    return try #require(checkpoint.signed(by: vkey) { key.signature(of: $0) }).bytes
  }

  @Test("where both slots are lost, the newest checkpoint says how many events there were")
  func checkpointWithoutHead() throws {
    let whole = Workload.finishedDisk()
    let beyond = try checkpoint(of: 15)
    for (head, note, mark) in [
      (nil, try checkpoint(of: 14), 14), (nil, beyond, 15),
      (nil, try checkpoint(of: 15, origin: "test/other"), 13), (nil, Array("text\n".utf8), 13),
      (nil, try checkpoint(of: 1 << 53), 13), (whole.bytes(of: "head"), beyond, 14),
      (nil, try checkpoint(of: LogLimit.greatestID), LogLimit.greatestID),
    ] as [([UInt8]?, [UInt8], UInt64)] {
      let disk = whole.copy()
      disk.setBytes(of: "head", to: head ?? [])
      disk.setBytes(of: "checkpoint", to: note)
      let report = try Workload.report(disk)
      let isShort = mark > 14
      #expect(report.mark == mark && report.size == min(14, mark))
      #expect(report.state == (isShort ? .lostTail : head == nil ? .headLost : .clean))
      #expect(try LogReader(disk, identity: Workload.identity).size == report.size)
      #expect((try? Workload.open(disk).size) == (isShort ? nil : 14))
    }
  }

  @Test("a mark within a commit is taken by its word: so many of its events count")
  func markWithinCommit() throws {
    let disk = Workload.finishedDisk(sizes: [6, 9])
    let root = try #require(
      (0..<8).reduce(into: Frontier() as Frontier?) { tree, id in
        tree?.append(leaf: MerkleTree.leafHash(Workload.line(id)))
      }?.root)
    disk.setBytes(of: "head", to: [])
    disk.setBytes(of: "checkpoint", to: try checkpoint(of: 8))
    let report = try Workload.report(disk)
    #expect(report.mark == 8 && report.size == 8 && report.notDurable == 1)
    #expect(report.root == root)
    #expect(report.state == .headLost)
    #expect(try Workload.lines(disk) == (0..<8).map { Workload.line($0) })
  }

  @Test("something outside that knows of more durable events makes the tail lost")
  func knownDurable() throws {
    let disk = Workload.finishedDisk()
    let head = try disk.open("head", for: .writing)
    #expect {
      _ = try LogWriter.open(
        disk, identity: Workload.identity, head: head, knownDurable: 15
      ).size
    } throws: { error in
      guard case LogError.needsRepair(let end) = error else { return false }
      return end.state == .lostTail && end.mark == 15 && end.valid.size == 14
    }
  }
}
