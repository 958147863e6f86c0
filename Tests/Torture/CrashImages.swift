import EventLog
import Simulation

/// Disks as they may be found after the power failed at some call: any of the unsynced sectors kept
/// or lost, read as zeros, or holding anything at all.
enum CrashImages {
  /// What may stand where something was written and not yet synced.
  private enum Flavour: Int, CaseIterable { case sectors, zeroes, garbage }

  /// A workload that was cut off, and its disk.
  struct Crash {
    let disk: SimulatedDisk
    let workload: Workload
    let name: String
    /// What was durable for certain, and all that may be.
    let least: SimulatedDisk
    let most: SimulatedDisk
  }

  /// The workload cut off at each of its calls, in both of its forms.
  static func crashes() -> [Crash] {
    var crashes: [Crash] = []
    for isGrouped in [false, true] {
      var call = 0
      while true {
        let disk = SimulatedDisk()
        disk.faults[call] = .crash
        var workload = Workload()
        if isGrouped { workload.runGroups(on: disk) } else { workload.run(on: disk) }
        if workload.errors.isEmpty { break }
        crashes.append(
          Crash(
            disk: disk, workload: workload,
            name: "crash at call \(call), \(disk.trace.last ?? "")"
              + (isGrouped ? " of groups" : ""),
            least: disk.crashImage { _ in false }, most: disk.crashImage { _ in true }))
        call += 1
      }
    }
    return crashes
  }

  static func part(seed: UInt64) -> Part {
    let crashes = crashes()
    return Part("images", count: 100_000, isEndless: true) { number, tally in
      var random = SeededRandom(seed: seed, case: number)
      let crash = crashes[number % crashes.count]
      let flavour = Flavour.allCases[number / crashes.count % Flavour.allCases.count]
      let image = crash.disk.crashImage { _ in Bool.random(using: &random) }
      tally.crashes += 1
      let workload = crash.workload
      let what = "\(crash.name), \(flavour)"
      switch flavour {
      case .sectors: break
      case .zeroes: change(image, crash, &random) { _ in 0 }
      case .garbage:
        change(image, crash, &random) { UInt8.random(in: 0...255, using: &$0) }
        return try judgeGarbage(image, workload, &tally, what)
      }
      try Workload.judge(
        image, acknowledged: workload.acknowledged.count, ends: possibleEnds(workload), &tally, what
      )
    }
  }

  static func possibleEnds(_ workload: Workload) -> Set<Int> {
    workload.commitEnds.filter {
      (workload.acknowledged.count...max(workload.attempted.count, workload.acknowledged.count))
        .contains($0)
    }
  }

  /// Puts something else where an unsynced sector reaches beyond what was durable.
  private static func change(
    _ image: SimulatedDisk, _ crash: Crash, _ random: inout SeededRandom,
    _ byte: (inout SeededRandom) -> UInt8
  ) {
    for path in image.paths where path.hasPrefix("log/") && path.hasSuffix(".log") {
      guard var bytes = image.bytes(of: path), let least = crash.least.bytes(of: path),
        let most = crash.most.bytes(of: path)
      else { continue }
      // Fill that was durable is written over in place: what stands there is in doubt as well.
      let end = least.lastIndex { $0 != 0x0A && $0 != 0 }.map { $0 + 2 } ?? 0
      let start = min(end, least.count)
      guard most.count > start else { continue }
      for sector in start / SimulatedDisk.sectorBytes...most.count / SimulatedDisk.sectorBytes {
        guard Bool.random(using: &random) else { continue }
        let first = max(start, sector * SimulatedDisk.sectorBytes)
        for index in first..<max(first, min(bytes.count, (sector + 1) * SimulatedDisk.sectorBytes))
        { bytes[index] = byte(&random) }
      }
      image.setBytes(of: path, to: bytes)
    }
  }

  /// No crash leaves this: it may be refused, but not without saying so, and nothing that was
  /// acknowledged is gone.
  private static func judgeGarbage(
    _ image: SimulatedDisk, _ workload: Workload, _ tally: inout Tally, _ what: String
  ) throws {
    let acknowledged = workload.acknowledged.count
    guard acknowledged > 0 else { return }
    let report = try Workload.report(image)
    tally.expect(
      report.damage.isEmpty && [.clean, .torn, .suspect, .headLost].contains(report.state),
      "\(what): \(report.state), \(report.damage)")
    let before = image.copy()
    do {
      try Workload.openAndAppend(1, to: image)
    } catch {
      guard case .needsRepair(let end) = error else { throw error }
      tally.expect(end.state == report.state, "\(what): \(end.state), verified as \(report.state)")
      for path in before.paths where before.bytes(of: path) != image.bytes(of: path) {
        tally.mistake("\(what): refused, and \(path) was changed")
      }
      let choices = RepairChoices(acceptsTail: true, rebuildsHead: true)
      let plan = try RepairPlan(
        for: image, identity: Workload.identity, choices: choices, judge: Workload.Judge())
      _ = try plan.apply(
        to: image, identity: Workload.identity, head: try Head.open(in: image))
      try Workload.openAndAppend(1, to: image)
    }
    let lines = try Workload.lines(image)
    if lines.count - 1 < acknowledged
      || lines != lines.indices.map({ Workload.line(UInt64($0)) })
    {
      tally.lose("\(what): \(lines.count - 1) events of \(acknowledged)")
    }
  }
}

/// A crash, another while the log is being recovered, one while that is recovered from, and one more.
enum CrashedRecoveries {
  private static let depth = 3

  static func part(seed: UInt64) -> Part {
    let crashes = CrashImages.crashes().filter { !$0.workload.acknowledged.isEmpty }
    return Part("recoveries", count: 50_000, isEndless: true) { number, tally in
      var random = SeededRandom(seed: seed, case: number)
      let crash = crashes[Int.random(in: 0..<crashes.count, using: &random)]
      var what = crash.name
      var image = crash.disk.crashImage { _ in Bool.random(using: &random) }
      tally.crashes += 1
      for _ in 0..<depth {
        // How many calls opening has; one more, and the crash comes after it.
        let whole = image.copy()
        _ = try? Workload.open(whole)
        let call = Int.random(in: 0...whole.operationCount, using: &random)
        image.faults[call] = .crash
        _ = try? Workload.open(image)
        what += ", again at call \(call)"
        image = image.crashImage { _ in Bool.random(using: &random) }
        tally.crashes += 1
      }
      try Workload.judge(
        image, acknowledged: crash.workload.acknowledged.count,
        ends: CrashImages.possibleEnds(crash.workload), &tally, what)
    }
  }
}
