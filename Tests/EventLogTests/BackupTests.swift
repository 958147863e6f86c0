import Bytes
import EventLog
import Simulation
import Testing

@Suite("Backups and comparisons")
struct BackupTests {
  @discardableResult
  private func backUp(
    _ source: SimulatedDisk, to target: SimulatedDisk, isIncremental: Bool = false,
    files: [String] = ["checkpoint", "checkpoints.log", "config.json"]
  ) throws(LogError) -> LogBackup.Outcome {
    try LogBackup.make(
      of: source, identity: Workload.identity, in: target, isIncremental: isIncremental,
      files: files, judge: Workload.Judge())
  }

  private func compare(
    _ first: SimulatedDisk, _ second: SimulatedDisk
  ) throws(LogError) -> LogComparison {
    try LogComparison(
      LogReader(first, identity: Workload.identity),
      LogReader(second, identity: Workload.identity))
  }

  /// Another history of the same ledger: it parts from the workload's at event 5.
  static func fork() throws -> SimulatedDisk {
    let fork = Workload.finishedDisk(sizes: [5])
    var writer = try Workload.open(fork)
    for id: UInt64 in 5..<9 {
      _ = try writer.append([Array("{\"other\":\(id)}".utf8)], time: Workload.time(20))
      try writer.synchronize()
    }
    return fork
  }

  @Test("a copy is a ledger of its own, and what has come since can be added")
  func wholeAndIncremental() throws {
    let source = Workload.finishedDisk(sizes: [6, 14])
    source.setBytes(of: "checkpoint", to: Array("signed".utf8))
    source.setBytes(of: "quarantine/0000000000000000-000000000400-aa", to: [1, 2, 3])
    let target = SimulatedDisk()
    let first = try backUp(source, to: target)
    #expect(first.end.size == 14 && first.keptSegments.isEmpty)
    #expect(first.root == (try Workload.report(source).root))
    #expect(target.bytes(of: "checkpoint") == source.bytes(of: "checkpoint"))
    #expect(target.bytes(of: "quarantine/0000000000000000-000000000400-aa") == [1, 2, 3])
    #expect(target.bytes(of: "LEDGER") == Workload.identity.encoded)
    #expect(!target.paths.contains { $0.hasSuffix(".new") || $0 == "config.json" })
    #expect(try compare(source, target) == .same(size: 14))

    try Workload.openAndAppend(9, to: source)
    #expect(try compare(target, source) == .firstIsPrefix(size: 14))
    #expect(try compare(source, target) == .secondIsPrefix(size: 14))
    let second = try backUp(source, to: target, isIncremental: true)
    #expect(second.end.size == 23)
    #expect(second.keptSegments == Array(first.copiedSegments.dropLast()))
    #expect(try Workload.lines(target) == (0..<23).map { Workload.line($0) })
    // Nothing came since.
    #expect(try backUp(source, to: target, isIncremental: true).copiedBytes == 0)
    // It can be written to like any other.
    try Workload.openAndAppend(2, to: target)
    #expect(try Workload.report(target).size == 25)
  }

  @Test("what an interrupted backup has named is durable once another one has ended")
  func interruptedRename() throws {
    let source = Workload.finishedDisk(sizes: [6, 14])
    let trial = SimulatedDisk()
    try backUp(source, to: trial)
    let call = try #require(
      trial.trace.indices.first {
        trial.trace[$0] == "synchronizeDirectory log" && trial.trace[$0 - 1].hasPrefix("rename ")
      })
    let target = SimulatedDisk()
    target.faults[call] = .error(5)
    #expect(throws: LogError.self) { try backUp(source, to: target) }
    for path in trial.paths where path.hasPrefix("log/") && target.bytes(of: path) == nil {
      // As if the whole log had come so far.
      try target.open(path, for: .creating).writeFully(trial.bytes(of: path) ?? [], at: 0)
      try target.open(path, for: .writing).synchronize()
    }
    try backUp(source, to: target)
    let image = target.crashImage { _ in false }
    #expect(try Workload.report(image).state == .clean && Workload.report(image).size == 14)
  }

  @Test("what isn't known to be durable isn't copied, nor is what a crash tore")
  func durableOnly() throws {
    let source = Workload.finishedDisk(sizes: [6, 9])
    var writer = try Workload.open(source, segmentBytes: 1 << 20)
    _ = try writer.append([Workload.line(9), Workload.line(10)], time: Workload.time(30))
    let target = SimulatedDisk()
    #expect(try backUp(source, to: target).end.size == 9)
    #expect(try compare(source, target) == .same(size: 9))
    // The writer, which is still at it, makes them durable.
    try writer.synchronize()
    #expect(try backUp(source, to: target, isIncremental: true).end.size == 11)
    // In a new segment, nothing of which is durable yet.
    let rolled = Workload.finishedDisk(sizes: [6, 9])
    var another = try Workload.open(rolled, segmentBytes: 600)
    _ = try another.append([Workload.line(9)], time: Workload.time(30))
    #expect(try backUp(rolled, to: SimulatedDisk()).end.size == 9)
  }

  @Test("a copy is never written over by what doesn't continue it")
  func refusals() throws {
    let source = Workload.finishedDisk(sizes: [6, 14])
    let target = SimulatedDisk()
    try backUp(source, to: target)
    let before = target.copy()
    func refuses(
      _ error: LogError, _ from: SimulatedDisk, isIncremental: Bool = true
    ) {
      #expect(throws: error) { try backUp(from, to: target, isIncremental: isIncremental) }
      #expect(target.paths.filter { !$0.hasSuffix(".new") } == before.paths)
      for path in before.paths { #expect(target.bytes(of: path) == before.bytes(of: path)) }
    }
    refuses(.copyExists, source, isIncremental: false)
    // Put back from an older copy, so that the backup holds what the ledger has lost.
    refuses(.copyDiffers(segment: 4), Workload.finishedDisk(sizes: [6]))
    let longer = try Self.fork()
    try Workload.openAndAppend(12, to: longer)
    #expect(throws: LogError.self) { try backUp(longer, to: target, isIncremental: true) }
    for path in before.paths { #expect(target.bytes(of: path) == before.bytes(of: path)) }
    // Another ledger's copy.
    let other = target.copy()
    other.setBytes(
      of: "LEDGER",
      to: Workload.identity.encoded.map { $0 == UInt8(ascii: "0") ? UInt8(ascii: "1") : $0 })
    #expect(throws: LogError.self) { try backUp(source, to: other, isIncremental: true) }
  }

  @Test("a ledger that is damaged is found out, and leaves the older copy as it was")
  func damagedSource() throws {
    let source = Workload.finishedDisk(sizes: [6, 14])
    let older = SimulatedDisk()
    try backUp(source, to: older)
    try Workload.openAndAppend(9, to: source)
    for path in source.paths where path.hasPrefix("log/") {
      var bytes = try #require(source.bytes(of: path))
      for index in stride(from: 0, to: bytes.count, by: amount(23, long: 1)) {
        bytes[index] ^= 4
        defer { bytes[index] ^= 4 }
        let damaged = source.copy()
        damaged.setBytes(of: path, to: bytes)
        #expect(throws: LogError.self, "\(path), byte \(index)") {
          try backUp(damaged, to: SimulatedDisk())
        }
        let target = older.copy()
        do {
          try backUp(damaged, to: target, isIncremental: true)
          // The damage is in what the copy holds already.
          #expect(try Workload.report(target).size == 23)
        } catch {
          for path in older.paths { #expect(target.bytes(of: path) == older.bytes(of: path)) }
        }
      }
    }
  }

  @Test("damage within the open segment is found out, and what isn't there isn't asked for")
  func damagedOpenSegment() throws {
    let source = SimulatedDisk()
    var workload = Workload()
    workload.runGroups(on: source)
    // As somebody might put it together by hand: without a folder for what is set aside.
    let bare = SimulatedDisk()
    try bare.createDirectory("log")
    for path in source.paths { bare.setBytes(of: path, to: try #require(source.bytes(of: path))) }
    #expect(try backUp(bare, to: SimulatedDisk()).end.size == workload.acknowledged.count)
    let path = "log/0000000000000000.log"
    var bytes = try #require(source.bytes(of: path))
    bytes[700] ^= 1
    source.setBytes(of: path, to: bytes)
    #expect(throws: LogError.self) { try backUp(source, to: SimulatedDisk()) }
  }

  @Test("a copy that has a segment more than the ledger is left alone")
  func segmentMore() throws {
    let whole = Workload.finishedDisk(sizes: [6, 14])
    let calls = whole.operationCount
    var isTried = false
    for operation in 0..<calls where !isTried {
      let disk = SimulatedDisk()
      disk.faults[operation] = .crash
      var workload = Workload()
      workload.run(on: disk)
      let image = disk.crashImage { _ in true }
      // The first segment is sealed, and the second one isn't there yet.
      guard image.paths.filter({ $0.hasPrefix("log/") && $0.hasSuffix(".log") }).count == 1,
        let bytes = image.bytes(of: "log/0000000000000000.log"), bytes.count > 1_200,
        bytes == whole.bytes(of: "log/0000000000000000.log")
      else { continue }
      isTried = true
      let target = SimulatedDisk()
      try backUp(whole, to: target)
      #expect(throws: LogError.copyDiffers(segment: 4)) {
        try backUp(image, to: target, isIncremental: true)
      }
    }
    #expect(isTried)
  }

  @Test("the power fails or a call fails at any point of a backup: then comes the next one")
  func interrupted() throws {
    let source = Workload.finishedDisk(sizes: [6, 14])
    let whole = SimulatedDisk()
    try backUp(source, to: whole)
    let grown = source.copy()
    try Workload.openAndAppend(9, to: grown)
    let incremental = whole.copy()
    try backUp(grown, to: incremental, isIncremental: true)
    var images = 0
    for (older, source, calls) in [
      (SimulatedDisk(), source, whole.operationCount),
      (whole, grown, incremental.operationCount),
    ] {
      for operation in 0..<calls {
        for fault in [SimulatedDisk.Fault.crash, .error(28)] {
          let target = older.copy()
          target.faults[operation] = fault
          guard (try? backUp(source, to: target, isIncremental: true)) == nil else { continue }
          try forEachSubset(of: target.choiceCount, limit: 8, seed: UInt64(operation)) { isKept in
            images += 1
            let image = target.crashImage(keeping: isKept)
            let what: Comment = "\(fault) at \(operation), \(target.trace.last ?? "")"
            if image.bytes(of: "LEDGER") != nil {
              let report = try Workload.report(image)
              #expect(report.state == .clean && report.damage.isEmpty, what)
            }
            try backUp(source, to: image, isIncremental: true)
            let size = try Workload.report(source).size
            #expect(try compare(source, image) == .same(size: size), what)
          }
        }
      }
    }
    #expect(images > 500)
  }

  @Test("two histories are told apart at the first event that differs, whatever their roots say")
  func comparisons() throws {
    let source = Workload.finishedDisk(sizes: [6, 14])
    #expect(try compare(source, Self.fork()) == .forked(at: 5))
    #expect(try compare(Self.fork(), source) == .forked(at: 5))
    #expect(try compare(source, Workload.finishedDisk(sizes: [5])) == .secondIsPrefix(size: 5))
    let id = try #require(LedgerID(hex: "ffeeddccbbaa99887766554433221100"))
    let other = try #require(
      LedgerIdentity(
        id: id, origin: "test/log",
        created: Workload.identity.created, verifierKey: Workload.identity.verifierKey))
    let stranger = SimulatedDisk()
    _ = try LogWriter.create(in: stranger, identity: other).size
    #expect(
      try LogComparison(
        LogReader(source, identity: Workload.identity), LogReader(stranger, identity: other))
        == .otherLedger)
  }
}
