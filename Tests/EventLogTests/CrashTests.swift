import Bytes
import EventLog
import Simulation
import Testing

@Suite("After a crash")
struct CrashTests {
  static let operations = {
    let disk = Workload.finishedDisk()
    return 0..<disk.operationCount
  }()

  @Test("the power fails at any call, and exactly the acknowledged commits are there")
  func everyCall() throws {
    var images = 0
    for operation in Self.operations {
      let disk = SimulatedDisk()
      disk.faults[operation] = .crash
      var workload = Workload()
      workload.run(on: disk)
      try forEachSubset(of: disk.choiceCount, limit: 256, seed: UInt64(operation)) { isKept in
        images += 1
        let image = disk.crashImage(keeping: isKept)
        try check(image, workload, "crash at call \(operation), \(disk.trace.last ?? "")")
      }
    }
    #expect(images > 10_000)
  }

  @Test("the power fails among commits that share a sync, written into fill that ends anywhere")
  func groupsAndFill() throws {
    let whole = SimulatedDisk()
    var workload = Workload()
    workload.runGroups(on: whole)
    #expect(workload.errors.isEmpty)
    var states: Set<RecoveryState> = []
    for operation in 0..<whole.operationCount {
      let disk = SimulatedDisk()
      disk.faults[operation] = .crash
      var workload = Workload()
      workload.runGroups(on: disk)
      try forEachSubset(of: disk.choiceCount, limit: 48, seed: UInt64(operation)) { isKept in
        let image = disk.crashImage(keeping: isKept)
        if !workload.acknowledged.isEmpty { states.insert(try Workload.report(image).state) }
        try check(image, workload, "crash at call \(operation), \(disk.trace.last ?? "")")
      }
    }
    #expect(states == [.clean, .torn])
  }

  @Test("a crash that loses the newest slots, and one flipped bit: no acknowledged event is cut")
  func crashAndFlip() throws {
    for groups: UInt64 in 1...5 {
      let disk = SimulatedDisk()
      var workload = Workload()
      workload.runGroups(on: disk, groups: groups)
      // Only what was synchronized is left, and `head` last was when the log was made.
      let image = disk.crashImage { _ in false }
      #expect(try Workload.report(image).mark < UInt64(workload.acknowledged.count))
      let path = "log/0000000000000000.log"
      var bytes = try #require(image.bytes(of: path))
      let end = (bytes.lastIndex { $0 != 0x0A } ?? 0) + 2
      for index in (end - 1_500)..<end {
        for bit in 0..<8 where groups == 5 || bit == index % 8 {
          bytes[index] ^= 1 << bit
          defer { bytes[index] ^= 1 << bit }
          image.setBytes(of: path, to: bytes)
          let copy = image.copy()
          do {
            let size = try Workload.open(copy).size
            #expect(size >= UInt64(workload.acknowledged.count), "byte \(index), bit \(bit)")
          } catch {
            guard case .needsRepair = error else { throw error }
            #expect(copy.bytes(of: path) == bytes)
          }
        }
      }
    }
  }

  @Test("the power fails again while the log is being recovered, at any call")
  func crashInRecovery() throws {
    var random = SeededRandom(seed: 1)
    for operation in Self.operations where operation % 7 == 0 {
      let disk = SimulatedDisk()
      disk.faults[operation] = .crash
      var workload = Workload()
      workload.run(on: disk)
      for _ in 0..<4 {
        let first = disk.crashImage { _ in Bool.random(using: &random) }
        var call = 0
        while true {
          let again = first.copy()
          again.faults[call] = .crash
          if (try? Workload.open(again)) != nil { break }
          if again.operationCount <= call { break }
          let second = again.crashImage { _ in Bool.random(using: &random) }
          try check(second, workload, "crash at \(operation), again at call \(call) of opening")
          call += 1
        }
      }
    }
  }

  @Test("a torn tail holds the only mark: it goes once a slot is durable, and a loss then is seen")
  func markInTail() throws {
    let path = "log/0000000000000000.log"
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: Workload.identity)
    for range: Range<UInt64> in [0..<1, 1..<13] {
      _ = try writer.append(range.map(Workload.line), time: Workload.time(range.lowerBound))
      try writer.synchronize()
    }
    let acknowledged = writer.end
    _ = try writer.append((13..<25).map(Workload.line), time: Workload.time(13))
    // Of the last commit, the sectors with its commit line are kept, and of `head` nothing.
    let image = disk.crashImage { _ in false }
    let lineEnd = (Int(acknowledged.offset) + 257 + 511) / 512 * 512
    let live = try #require(disk.bytes(of: path))
    try #require(lineEnd < live.count)
    image.setBytes(of: path, to: Array(live[..<lineEnd]))
    let report = try Workload.report(image)
    #expect(report.state == .torn && report.mark == 13)
    var calls = 0
    var isOpened = false
    while !isOpened {
      for isKept in [false, true] {
        let opening = image.copy()
        opening.faults[calls] = .crash
        isOpened = (try? Workload.open(opening)) != nil
        let after = opening.crashImage { _ in isKept }
        var damaged = try #require(after.bytes(of: path))
        let sector = Int(acknowledged.offset) / 512 * 512 - 512
        damaged.replaceSubrange(sector..<sector + 512, with: repeatElement(0, count: 512))
        after.setBytes(of: path, to: damaged)
        #expect(throws: LogError.self, "crash at call \(calls), all kept: \(isKept)") {
          _ = try Workload.open(after)
        }
        let isAsItWas = after.bytes(of: path) == damaged
        #expect(isAsItWas)
      }
      calls += 1
    }
    #expect(calls > 10)
  }

  /// Opens an image, looks for all that was acknowledged, appends, and verifies.
  private func check(
    _ image: SimulatedDisk, _ workload: Workload, _ what: String
  ) throws {
    let comment = Comment(rawValue: what)
    if !workload.acknowledged.isEmpty {
      let found = try Workload.report(image)
      #expect([.clean, .torn].contains(found.state) && found.damage.isEmpty, comment)
    }
    do {
      try Workload.openAndAppend(2, to: image)
    } catch {
      // Where nothing was acknowledged, making the log may not have ended: `LEDGER` isn't there.
      if workload.acknowledged.isEmpty { return }
      Issue.record("\(what): opening failed with \(error)")
      return
    }
    let lines = try Workload.lines(image)
    let acknowledged = workload.acknowledged
    #expect(Array(lines.prefix(acknowledged.count)) == acknowledged, comment)
    let size = lines.count - 2
    #expect(
      size == acknowledged.count
        || workload.commitEnds.contains(size)
          && (acknowledged.count...workload.attempted.count).contains(size),
      "\(what): a commit is whole or absent")
    let report = try Workload.report(image)
    #expect(report.state == .clean, comment)
    #expect(report.damage.isEmpty, comment)
    #expect(report.size == UInt64(lines.count), comment)
  }

  @Test("a torn commit is set aside before it is cut, under the hash of its bytes")
  func quarantine() throws {
    let disk = Workload.finishedDisk()
    let segment = try #require(disk.paths.filter { $0.hasPrefix("log/") }.last)
    let whole = try #require(disk.bytes(of: segment))
    let torn = Array("#commit first=0000000000000014 cou".utf8)
    disk.setBytes(of: segment, to: whole + torn)

    let writer = try Workload.open(disk)

    let aside = try #require(writer.recovery.quarantined.first)
    #expect(disk.bytes(of: aside.path) == torn)
    #expect(aside.digest == SHA256.hash(torn))
    #expect(aside.offset == UInt64(whole.count))
    #expect(aside.path.hasPrefix("quarantine/"))
    #expect(disk.bytes(of: segment) == whole)
  }

  @Test("a segment whose making was interrupted is moved to quarantine")
  func unfinishedSegment() throws {
    let disk = Workload.finishedDisk()
    disk.setBytes(of: "log/0000000000000014.log.new", to: Array("#segm".utf8))
    let writer = try Workload.open(disk)
    #expect(writer.recovery.quarantined.map(\.segment) == [14])
    #expect(disk.paths.contains { $0.hasPrefix("quarantine/0000000000000014.log.new-") })
    #expect(!disk.paths.contains { $0.hasPrefix("log/") && $0.hasSuffix(".new") })
  }
}
