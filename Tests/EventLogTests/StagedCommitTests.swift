import Bytes
import EventLog
import Simulation
import Testing

@Suite("Commits that are written together and share a sync")
struct StagedCommitTests {
  /// A resident writer's life: groups of commits into fill that it writes ahead, segments that roll in
  /// the midst of a group, and its end.
  struct Life {
    private(set) var acknowledged: [[UInt8]] = []
    private(set) var attempted: [[UInt8]] = []
    private(set) var commitEnds: Set<Int> = []
    private(set) var errors: [LogError] = []
    /// How many events whole commits held that were handed over, when a group failed.
    private(set) var handedOver: Int?

    mutating func run(on disk: SimulatedDisk, segmentBytes: UInt64 = 4_000) {
      do throws(LogError) {
        var writer = try LogWriter.create(
          in: disk, identity: Workload.identity, segmentBytes: segmentBytes)
        writer.fillAhead(1_800)
        for group: UInt64 in 0..<7 {
          do throws(LogError) {
            for count in group == 0 ? [1] : [1, 2 + group % 3, 1] {
              let lines = (writer.size..<writer.size + count).map(Workload.line)
              attempted += lines
              commitEnds.insert(attempted.count)
              _ = try writer.stage(lines, time: max(writer.lastTime, Workload.time(writer.size)))
            }
            try writer.synchronize()
          } catch {
            handedOver = Int(writer.handedOver)
            throw error
          }
          acknowledged = attempted
          writer.fillAhead(1_800)
        }
        try writer.cutFill()
        try writer.synchronizeHead()
      } catch {
        errors.append(error)
      }
    }
  }

  private func check(_ image: SimulatedDisk, _ life: Life, _ what: String) throws {
    let comment = Comment(rawValue: what)
    if !life.acknowledged.isEmpty {
      let found = try Workload.report(image)
      #expect([.clean, .torn].contains(found.state) && found.damage.isEmpty, comment)
    }
    do {
      try Workload.openAndAppend(2, to: image)
    } catch {
      if !life.acknowledged.isEmpty { Issue.record("\(what): opening failed with \(error)") }
      return
    }
    let lines = try Workload.lines(image)
    let count = life.acknowledged.count
    #expect(Array(lines.prefix(count)) == life.acknowledged, comment)
    let size = lines.count - 2
    #expect(
      size == count
        || life.commitEnds.contains(size) && (count...life.attempted.count).contains(size),
      "\(what): a commit is whole or absent")
    let report = try Workload.report(image)
    #expect(report.state == .clean && report.damage.isEmpty, comment)
  }

  @Test("the power fails at any call, and exactly the acknowledged ones are sure to be there")
  func crash() throws {
    let whole = SimulatedDisk()
    var life = Life()
    life.run(on: whole)
    #expect(life.errors.isEmpty && life.acknowledged.count > 20)
    #expect(whole.paths.count { $0.hasPrefix("log/") } > 1)
    for operation in 0..<whole.operationCount {
      let disk = SimulatedDisk()
      disk.faults[operation] = .crash
      var life = Life()
      life.run(on: disk)
      try forEachSubset(of: disk.choiceCount, limit: 48, seed: UInt64(operation)) { isKept in
        try check(
          disk.crashImage(keeping: isKept), life,
          "crash at call \(operation), \(disk.trace.last ?? "")")
      }
    }
  }

  @Test("a call fails: what was handed over as a whole is unknown, all else of the group is absent")
  func failures() throws {
    let whole = SimulatedDisk()
    var life = Life()
    life.run(on: whole)
    var hasUnknown = false
    for operation in 0..<whole.operationCount {
      for fault: SimulatedDisk.Fault in [.error(5), .error(28), .halfWrite, .shortBy(1)] {
        let disk = SimulatedDisk()
        disk.faults[operation] = fault
        // The rest of a write that was cut short fails.
        if case .error = fault {} else { disk.faults[operation + 1] = .error(28) }
        var life = Life()
        life.run(on: disk)
        let what = "\(fault) at call \(operation)"
        let image = disk.copy()
        try check(image, life, what)
        guard let failure = life.errors.first, let handedOver = life.handedOver else { continue }
        let lines = try Workload.lines(image).count - 2
        switch failure {
        case .notWritten where !life.acknowledged.isEmpty:
          #expect(lines == handedOver, "\(what)")
        case .outcomeUnknown:
          hasUnknown = true
          #expect(lines <= handedOver, "\(what)")
        default: break
        }
      }
    }
    #expect(hasUnknown)
  }

  @Test("fill is newlines at the active segment's end, and gone at rest and behind a seal")
  func fill() throws {
    let disk = SimulatedDisk()
    var life = Life()
    life.run(on: disk)
    for path in disk.paths where path.hasPrefix("log/") {
      let bytes = try #require(disk.bytes(of: path))
      #expect(!bytes.starts(with: [0x0A]) && bytes.suffix(2) != [0x0A, 0x0A], "\(path)")
    }
    var writer = try Workload.open(disk, segmentBytes: 64_000)
    let end = Int(writer.end.offset)
    writer.fillAhead(5_000)
    let path = "log/\(String(repeating: "0", count: 16))".dropLast(2) + "\(writer.end.segment).log"
    let filled = try #require(disk.bytes(of: String(path)))
    #expect(filled[end...].elementsEqual(repeatElement(0x0A, count: 5_000)))
    _ = try writer.stage([Workload.line(writer.size)], time: writer.lastTime)
    try writer.synchronize()
    #expect(disk.bytes(of: String(path))?.count == filled.count)
    #expect(try Workload.report(disk).state == .clean)
    // A second is not needed before half of it is used.
    let count = disk.operationCount
    writer.fillAhead(5_000)
    #expect(disk.operationCount == count)
  }

  @Test("without room for fill the log goes on")
  func noRoom() throws {
    let disk = Workload.finishedDisk()
    var writer = try Workload.open(disk, segmentBytes: 64_000)
    disk.faults[disk.operationCount] = .error(28)
    writer.fillAhead(5_000)
    _ = try writer.stage([Workload.line(writer.size)], time: writer.lastTime)
    try writer.synchronize()
    try writer.cutFill()
    #expect(try Workload.lines(disk).count == 15)
  }
}
