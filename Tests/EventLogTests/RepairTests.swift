import Bytes
import EventLog
import Simulation
import Testing

@Suite("Repairing a damaged ledger")
struct RepairTests {
  private func plan(
    _ disk: SimulatedDisk, _ choices: RepairChoices = RepairChoices(),
    from copy: SimulatedDisk? = nil
  ) throws(LogError) -> RepairPlan {
    try RepairPlan(
      for: disk, identity: Workload.identity, choices: choices, copy: copy,
      judge: Workload.Judge())
  }

  @discardableResult
  private func apply(
    _ plan: RepairPlan, to disk: SimulatedDisk
  ) throws(LogError) -> [QuarantinedFile] {
    let head: any StorageFile
    do {
      head = try Head.open(in: disk)
    } catch {
      throw .storage(error)
    }
    return try plan.apply(to: disk, identity: Workload.identity, head: head)
  }

  private func isWhole(_ disk: SimulatedDisk, _ size: UInt64) throws -> Bool {
    let report = try Workload.report(disk)
    return report.state == .clean && report.damage.isEmpty && report.size == size
  }

  private func segments(_ disk: SimulatedDisk) -> [String] {
    disk.paths.filter { $0.hasPrefix("log/") }
  }

  @Test("any flipped bit is mended from a copy, and every byte is what it was")
  func flips() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    for path in segments(whole) {
      let sound = try #require(whole.bytes(of: path))
      for index in stride(from: 0, to: sound.count, by: amount(3, long: 1)) {
        let disk = whole.copy()
        var bytes = sound
        bytes[index] ^= 1 << (index % 8)
        disk.setBytes(of: path, to: bytes)
        let before = disk.copy()
        let plan = try plan(disk, from: whole)
        #expect(plan.after.state == .clean && plan.after.damage.isEmpty && plan.isWritable)
        #expect(before.paths.allSatisfy { before.bytes(of: $0) == disk.bytes(of: $0) })
        let setAside = try apply(plan, to: disk)
        #expect(disk.bytes(of: path) == sound, "\(path), byte \(index)")
        #expect(setAside.map(\.reason) == [.replaced])
        #expect(setAside.first.flatMap { disk.bytes(of: $0.path) } == bytes)
        #expect(try isWhole(disk, 9), "\(path), byte \(index)")
      }
    }
  }

  @Test("whatever was cut off, blanked, taken away or put in a wrong place comes back from a copy")
  func manyDamages() throws {
    let whole = Workload.finishedDisk(sizes: [6, 14, 23])
    let names = segments(whole)
    for seed in 0..<amount(UInt64(400), long: 20_000) {
      var random = SeededRandom(seed: seed)
      let disk = whole.copy()
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let path = names.randomElement(using: &random) ?? ""
        guard var bytes = disk.bytes(of: path), !bytes.isEmpty else { continue }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] ^= UInt8.random(in: 1...255, using: &random)
        case 1: bytes.removeSubrange(place...)
        case 2:
          let end = min(bytes.count, place + Int.random(in: 1...900, using: &random))
          bytes.replaceSubrange(place..<end, with: [UInt8](repeating: 0, count: end - place))
        case 3: bytes = whole.bytes(of: names.randomElement(using: &random) ?? "") ?? []
        default:
          disk.remove(path)
          continue
        }
        disk.setBytes(of: path, to: bytes)
      }
      let choices = RepairChoices(acceptsTail: true, rebuildsHead: true)
      let plan = try plan(disk, choices, from: whole)
      try apply(plan, to: disk)
      #expect(try isWhole(disk, 23), "seed \(seed): \(plan.before.damage) \(plan.refused)")
      for path in names {
        let isSame = disk.bytes(of: path) == whole.bytes(of: path)
        #expect(isSame, "seed \(seed), \(path)")
      }
    }
  }

  @Test("what an interrupted repair has renamed is durable once it was repaired again")
  func interruptedRename() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    let disk = whole.copy()
    let path = segments(whole)[0]
    var bytes = try #require(whole.bytes(of: path))
    bytes[400] ^= 1
    disk.setBytes(of: path, to: bytes)
    let trial = disk.copy()
    try apply(plan(trial, from: whole), to: trial)
    let call = try #require(trial.trace.lastIndex(of: "synchronizeDirectory log"))
    disk.faults[call] = .error(5)
    #expect(throws: LogError.self) { try apply(plan(disk, from: whole), to: disk) }
    let again = try plan(disk, from: whole)
    #expect(again.steps.isEmpty)
    try apply(again, to: disk)
    #expect(try isWhole(disk.crashImage { _ in false }, 9))
  }

  @Test("where no log is left, nor its folder, all of it comes from a copy")
  func nothingLeft() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    let disk = SimulatedDisk()
    disk.setBytes(of: "head", to: try #require(whole.bytes(of: "head")))
    let plan = try plan(disk, from: whole)
    #expect(plan.before.state == .lostTail && plan.steps.count == 3 && plan.isWritable)
    #expect(try apply(plan, to: disk).isEmpty)
    #expect(try isWhole(disk, 9))
    for path in segments(whole) { #expect(disk.bytes(of: path) == whole.bytes(of: path)) }
  }

  @Test("a copy whose own last segment can't be read still gives what else it has")
  func copyWithoutEnd() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    let names = segments(whole)
    let copy = whole.copy()
    let last = try #require(names.last)
    var header = try #require(copy.bytes(of: last))
    header[20] ^= 1
    copy.setBytes(of: last, to: header)
    copy.remove("head")
    let disk = whole.copy()
    var bytes = try #require(disk.bytes(of: names[0]))
    bytes[300] ^= 1
    disk.setBytes(of: names[0], to: bytes)
    try apply(try plan(disk, from: copy), to: disk)
    #expect(try isWhole(disk, 9))
  }

  @Test("an older copy mends what it holds; what came since has to be sound")
  func olderCopy() throws {
    let older = Workload.finishedDisk(sizes: [6, 14])
    let whole = older.copy()
    try Workload.openAndAppend(9, to: whole)
    for path in segments(whole) {
      let sound = try #require(whole.bytes(of: path))
      for index in stride(from: 7, to: sound.count, by: amount(41, long: 1)) {
        let disk = whole.copy()
        var bytes = sound
        bytes[index] ^= 0x20
        disk.setBytes(of: path, to: bytes)
        let isInCopy = older.bytes(of: path).map { index < $0.count } ?? false
        let plan = try plan(disk, from: older)
        #expect(plan.steps.isEmpty == !isInCopy, "\(path), byte \(index)")
        try apply(plan, to: disk)
        #expect(try isWhole(disk, 23) == isInCopy, "\(path), byte \(index)")
        #expect(disk.bytes(of: path) == (isInCopy ? sound : bytes))
      }
    }
  }

  @Test("bytes that don't lead to the recorded roots are refused, and nothing is changed")
  func otherHistory() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    let fork = try BackupTests.fork()
    for path in segments(whole) {
      var bytes = try #require(whole.bytes(of: path))
      for index in stride(from: 2, to: bytes.count, by: amount(19, long: 1)) {
        bytes[index] ^= 1
        defer { bytes[index] ^= 1 }
        let disk = whole.copy()
        disk.setBytes(of: path, to: bytes)
        let plan = try plan(disk, from: fork)
        if plan.steps.isEmpty {
          try apply(plan, to: disk)
          #expect(disk.bytes(of: path) == bytes)
        } else {
          // The damage is before the fork, where both are the same.
          #expect(plan.refused.isEmpty)
          try apply(plan, to: disk)
          #expect(try isWhole(disk, 9), "\(path), byte \(index)")
          #expect(disk.bytes(of: path) == whole.bytes(of: path))
        }
      }
    }
    // What was lost at the end is taken only where it reaches what the head says was there.
    let disk = whole.copy()
    disk.remove(try #require(segments(disk).last))
    let plan = try plan(disk, from: fork)
    #expect(plan.steps.isEmpty && !plan.refused.isEmpty && !plan.isWritable)
  }

  /// A log of one segment, its acknowledged lines, and another history of it that parts after the
  /// third group of commits and is longer.
  private func oneSegment() throws -> (whole: SimulatedDisk, fork: SimulatedDisk, size: UInt64) {
    let (whole, fork) = (SimulatedDisk(), SimulatedDisk())
    var workload = Workload()
    workload.runGroups(on: whole)
    var shorter = Workload()
    shorter.runGroups(on: fork, groups: 3)
    var writer = try Workload.open(fork, segmentBytes: 1 << 20)
    for id in 0..<80 {
      let receipt = try writer.append(
        [Array("{\"other\":\(id)}".utf8)], time: Workload.time(60))
      #expect(receipt.size == writer.size)
      try writer.synchronize()
    }
    return (whole, fork, UInt64(workload.acknowledged.count))
  }

  @Test("of a copy that parts on the way, what comes before is taken, and what comes after isn't")
  func partOfOtherHistory() throws {
    let (whole, fork, size) = try oneSegment()
    let path = "log/0000000000000000.log"
    let sound = try #require(whole.bytes(of: path))
    let end = (sound.lastIndex { $0 != 0x0A } ?? 0) - 900
    var bytes = Array(sound[..<end])
    bytes[500] ^= 1
    let disk = whole.copy()
    disk.setBytes(of: path, to: bytes)
    let plan = try plan(disk, from: fork)
    #expect(plan.refused == [0] && plan.steps.count == 1 && !plan.isWritable)
    try apply(plan, to: disk)
    #expect(disk.bytes(of: path) == Array(sound[..<end]))
    // What was lost at the end comes from a copy that has it.
    try apply(try self.plan(disk, from: whole), to: disk)
    #expect(try isWhole(disk, size))
  }

  @Test("a log that was cut where a commit ends comes back to its mark from a copy, or not at all")
  func lostTail() throws {
    let (whole, fork, size) = try oneSegment()
    let path = "log/0000000000000000.log"
    let sound = try #require(whole.bytes(of: path))
    let text = String(decoding: sound, as: UTF8.self)
    let starts = text.ranges(of: "#commit ").map {
      text.utf8.distance(from: text.startIndex, to: $0.lowerBound)
    }
    for start in starts.dropFirst() {
      let disk = whole.copy()
      disk.setBytes(of: path, to: Array(sound[..<start]))
      #expect(try Workload.report(disk).state == .lostTail)
      #expect(try plan(disk, from: disk.copy()).steps.isEmpty == true)
      #expect(try plan(disk, from: fork).steps.isEmpty == true)
      // A copy whose own end is damaged has the bytes all the same.
      let damaged = whole.copy()
      damaged.setBytes(of: path, to: sound + [UInt8](repeating: 0x41, count: 1_500))
      let plan = try plan(disk, RepairChoices(acceptsTail: true), from: damaged)
      #expect(plan.isWritable)
      try apply(plan, to: disk)
      #expect(try isWhole(disk, size))
    }
    // An older copy of the segment that was lost ends before the mark.
    let rolled = Workload.finishedDisk(sizes: [6, 14])
    let older = rolled.copy()
    var writer = try Workload.open(rolled, segmentBytes: 1 << 20)
    var workload = Workload()
    try workload.append(to: &writer, until: 18)
    rolled.remove(try #require(segments(rolled).last))
    let refused = try plan(rolled, from: older)
    #expect(refused.steps.isEmpty && !refused.refused.isEmpty)
  }

  @Test("a segment of another history that is sound in itself doesn't lead to the next one")
  func soundSegmentOfOtherHistory() throws {
    let whole = Workload.finishedDisk(sizes: [5, 20])
    let fork = Workload.finishedDisk(sizes: [5])
    var writer = try Workload.open(fork)
    while writer.size < 20 {
      var line = Workload.line(writer.size)
      line[line.count - 2] = UInt8(ascii: " ")
      _ = try writer.append([line], time: Workload.time(60))
      try writer.synchronize()
    }
    let path = try #require(segments(whole).dropFirst().first)
    let sound = try #require(whole.bytes(of: path))
    for length in stride(from: 0, to: sound.count, by: amount(31, long: 1)) {
      let disk = whole.copy()
      disk.setBytes(of: path, to: Array(sound[..<length]))
      let plan = try plan(disk, from: fork)
      #expect(plan.steps.isEmpty || plan.after.damage.isEmpty)
      try apply(plan, to: disk)
      let isUnchanged = disk.bytes(of: path) == Array(sound[..<length])
      #expect(isUnchanged == plan.steps.isEmpty)
      if !isUnchanged { #expect(try isWhole(disk, 20)) }
    }
  }

  @Test("a copy that changes between the plan and the repair is found out before it is used")
  func changedCopy() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    let copy = whole.copy()
    let disk = whole.copy()
    let path = try #require(segments(disk).first)
    var bytes = try #require(disk.bytes(of: path))
    bytes[300] ^= 1
    disk.setBytes(of: path, to: bytes)
    let plan = try plan(disk, from: copy)
    var other = try #require(copy.bytes(of: path))
    other[301] ^= 1
    copy.setBytes(of: path, to: other)
    #expect(throws: LogError.self) { try apply(plan, to: disk) }
    #expect(disk.bytes(of: path) == bytes)
    try apply(try self.plan(disk, from: whole), to: disk)
    #expect(try isWhole(disk, 9))
  }

  @Test("a suspect tail is cut only if that is asked for, and lies in quarantine then")
  func acceptedTail() throws {
    let disk = Workload.finishedDisk(sizes: [5, 9])
    let path = try #require(segments(disk).last)
    let sound = try #require(disk.bytes(of: path))
    let tail = [UInt8](repeating: 0x41, count: 1_500)
    disk.setBytes(of: path, to: sound + tail)
    #expect(try Workload.report(disk).state == .suspect)
    let refused = try plan(disk)
    #expect(refused.steps.isEmpty && !refused.isWritable && refused.after.state == .suspect)
    let plan = try plan(disk, RepairChoices(acceptsTail: true))
    #expect(plan.steps.count == 1 && plan.isWritable && plan.after.state == .clean)
    let setAside = try apply(plan, to: disk)
    #expect(disk.bytes(of: path) == sound)
    #expect(setAside.map(\.reason) == [.suspect])
    #expect(setAside.first.flatMap { disk.bytes(of: $0.path) } == tail)
    #expect(
      try setAside.map { $0.path }
        == setAside.map {
          let name = String($0.path.dropFirst("quarantine/".count))
          return try #require(try QuarantinedFile(named: name, in: disk)).path
        })
    try Workload.openAndAppend(3, to: disk)
    #expect(try isWhole(disk, 12))
  }

  @Test("head is made anew where it is lost or tells of another log, and nothing else is wrong")
  func rebuiltHead() throws {
    let whole = Workload.finishedDisk(sizes: [5, 9])
    let path = try #require(segments(whole).last)
    let sound = try #require(whole.bytes(of: path))
    let other = try #require(BackupTests.fork().bytes(of: "head"))
    let heads = [nil, [], [UInt8](repeating: 0, count: 8_192), other]
    let torn = Array("#commit first=9".utf8)
    for head in heads {
      for tail in [[], torn, [UInt8](repeating: 0x41, count: 1_500)] {
        let disk = whole.copy()
        if let head { disk.setBytes(of: "head", to: head) } else { disk.remove("head") }
        disk.setBytes(of: path, to: sound + tail)
        let isAtOdds = head == other
        let cut = RepairChoices(acceptsTail: true)
        #expect(try plan(disk, cut).steps.isEmpty == true)
        let all = RepairChoices(acceptsTail: tail.count > 100, rebuildsHead: true)
        let plan = try plan(disk, all)
        guard tail.isEmpty || !isAtOdds else {
          // With a slot that tells of another log, a tail is no tail: somebody has to look.
          #expect(plan.steps.isEmpty && !plan.isWritable)
          continue
        }
        #expect(plan.steps.last == .rebuildHead)
        let setAside = try apply(plan, to: disk)
        #expect(try isWhole(disk, 9))
        #expect(disk.bytes(of: path) == sound)
        #expect(setAside.contains { $0.reason == .suspect } == !tail.isEmpty)
        #expect(setAside.contains { $0.reason == .head } == (head?.isEmpty == false))
        try Workload.openAndAppend(2, to: disk)
        #expect(try isWhole(disk, 11))
      }
    }
    #expect(try plan(whole, RepairChoices(acceptsTail: true, rebuildsHead: true)).steps.isEmpty)
  }

  @Test("the power fails or a call fails at any point of a repair: the next one finishes it")
  func interrupted() throws {
    let whole = Workload.finishedDisk(sizes: [6, 14, 23])
    let damaged = whole.copy()
    let names = segments(whole)
    for (path, place) in [(names[0], 300), (names[1], 40)] {
      var bytes = try #require(damaged.bytes(of: path))
      bytes[place] ^= 0x11
      damaged.setBytes(of: path, to: bytes)
    }
    damaged.remove(names[2])
    damaged.remove("head")
    let last = try #require(names.last)
    damaged.setBytes(
      of: last, to: try #require(whole.bytes(of: last)) + [UInt8](repeating: 0x41, count: 700))
    let choices = RepairChoices(acceptsTail: true, rebuildsHead: true)
    let quiet = damaged.copy()
    let steps = try plan(quiet, choices, from: whole)
    #expect(steps.steps.count == 5)
    let first = quiet.operationCount
    try apply(steps, to: quiet)
    #expect(try isWhole(quiet, 23))
    var images = 0
    for operation in 0..<quiet.operationCount - first {
      for fault in [SimulatedDisk.Fault.crash, .error(5), .shortWrite(1)] {
        let disk = damaged.copy()
        let plan = try plan(disk, choices, from: whole)
        disk.faults[disk.operationCount + operation] = fault
        _ = try? apply(plan, to: disk)
        try forEachSubset(of: disk.choiceCount, limit: 16, seed: UInt64(operation)) { isKept in
          images += 1
          let image = disk.crashImage(keeping: isKept)
          try apply(try self.plan(image, choices, from: whole), to: image)
          #expect(
            try isWhole(image, 23), "\(fault) at \(operation), \(disk.trace.last ?? "")")
          for path in names { #expect(image.bytes(of: path) == whole.bytes(of: path)) }
        }
      }
    }
    #expect(images > 500)
  }
}
