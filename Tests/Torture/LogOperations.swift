import Bytes
import EventLog
import Merkle
import Simulation

/// Makes a log, or opens one and appends commits.
struct LogOperation: TorturedOperation {
  let name: String
  /// Empty: the log is made.
  let base: SimulatedDisk
  let size: Int
  /// How many events the commits have.
  let steps: [Int]
  var segmentBytes: UInt64 = 1_500
  /// How many events there may be before, beside those that were acknowledged.
  var ends: Set<Int> = []
  /// What verifying may find before it was opened.
  var states: Set<RecoveryState> = [.clean, .torn]

  func begin() -> Trial { Trial(base.copy(), size: size, ends: ends) }

  func perform(on trial: Trial) {
    do {
      if size == 0 {
        var writer = try LogWriter.create(in: trial.disk, identity: Workload.identity)
        try append(1, to: &writer, trial)
        trial.phase = .closing
        try writer.synchronizeHead()
      } else {
        var writer = try Workload.open(trial.disk, segmentBytes: segmentBytes)
        // What was there and not known to be durable is now.
        trial.acknowledged = Int(writer.size)
        trial.ends = []
        for count in steps { try append(count, to: &writer, trial) }
        trial.phase = .closing
        try writer.synchronizeHead()
      }
      trial.phase = .done
    } catch {
      trial.error = error
    }
  }

  private func append(
    _ count: Int, to writer: inout LogWriter, _ trial: Trial
  ) throws(LogError) {
    let ids = writer.size..<writer.size + UInt64(count)
    let time = max(writer.lastTime, Workload.time(writer.size))
    do {
      trial.phase = .appending
      trial.ends = [Int(ids.upperBound)]
      _ = try writer.append(ids.map(Workload.line), time: time)
      trial.phase = .synchronizing
      try writer.synchronize()
    } catch {
      // It refuses whatever is asked of it from here on.
      let calls = trial.disk.operationCount
      do {
        _ = try writer.append([Workload.line(writer.size)], time: writer.lastTime)
        trial.wentOn = true
      } catch let again {
        trial.wentOn = again != .writerStopped || trial.disk.operationCount > calls
      }
      throw error
    }
    trial.acknowledged = Int(ids.upperBound)
    trial.ends = []
  }

  func judge(
    _ trial: Trial, _ tally: inout Tally, _ random: inout SeededRandom, _ what: String
  ) throws {
    tally.expect(!trial.wentOn, "\(what): the writer went on after it had failed")
    tally.expect(isRight(trial), "\(what): \(trial.phase) ended with \(trial.error as Any)")
    var isNotWritten = false
    if case .notWritten? = trial.error { isNotWritten = true }
    let states = trial.phase == .opening ? self.states : [.clean, .torn]
    for (name, image) in images(of: trial.disk, &tally, &random) {
      try Workload.judge(
        image, acknowledged: trial.acknowledged, ends: trial.ends, states: states,
        isNotWritten: isNotWritten, &tally, "\(what), \(name)")
    }
    try judgeRestart(trial, &tally, what)
  }

  /// Whether the error says what is so: not written, or nobody knows.
  private func isRight(_ trial: Trial) -> Bool {
    switch (trial.phase, trial.error) {
    case (.done, nil), (.opening, .storage), (.closing, .storage), (.appending, .notWritten),
      (.synchronizing, .outcomeUnknown):
      true
    default: false
    }
  }

  /// The disk works again, the next process finds what the page cache holds, and then the power fails.
  private func judgeRestart(_ trial: Trial, _ tally: inout Tally, _ what: String) throws {
    trial.disk.faults = [:]
    trial.disk.faultForEver = nil
    do {
      try Workload.openAndAppend(1, to: trial.disk)
    } catch {
      if trial.acknowledged > 0 {
        tally.lose("\(what), opened again: \(error)")
      }
      return
    }
    tally.crashes += 1
    let written = try Workload.lines(trial.disk).count
    let image = trial.disk.crashImage { _ in false }
    try Workload.judge(
      image, acknowledged: written, ends: [], states: states, &tally,
      "\(what), opened again, power lost")
  }
}

/// Adds a signed checkpoint to two that are there.
struct CheckpointOperation: TorturedOperation {
  let name = "checkpoint"
  private let base: SimulatedDisk
  private let notes: [SignedNote]

  init(base: SimulatedDisk, size: UInt64) {
    var notes: [SignedNote] = []
    let disk = base.copy()
    let key = Workload.signingKey
    for number: UInt64 in 1...3 {
      let lines = (0..<size - 3 + number).map { MerkleTree.leafHash(Workload.line($0)) }
      var frontier = Frontier()
      for leaf in lines { frontier.append(leaf: leaf) }
      guard let checkpoint = Checkpoint(origin: Workload.identity.origin, head: frontier.head),
        let note = checkpoint.signed(by: Workload.identity.verifierKey, sign: key.signature)
      else { fatalError("a checkpoint of the tests can't be signed") }
      notes.append(note)
      if number < 3 { try? CheckpointFiles(disk).append(note) }
    }
    self.notes = notes
    self.base = disk.copy()
  }

  func begin() -> Trial { Trial(base.copy()) }

  func perform(on trial: Trial) {
    do {
      try CheckpointFiles(trial.disk).append(notes[2])
      trial.phase = .done
    } catch {
      trial.error = .storage(error)
    }
  }

  func judge(
    _ trial: Trial, _ tally: inout Tally, _ random: inout SeededRandom, _ what: String
  ) throws {
    tally.expect((trial.phase == .done) == (trial.error == nil), "\(what): no answer")
    for (name, image) in images(of: trial.disk, &tally, &random) {
      let files = CheckpointFiles(image)
      var kept: [SignedNote] = []
      try files.forEach { note, _ in kept.append(note) }
      let newest = try files.readNewest()
      if kept.count < 2 || kept[0] != notes[0] || kept[1] != notes[1] {
        tally.lose("\(what), \(name): \(kept.count) checkpoints are left")
      }
      tally.expect(
        newest == notes[2] || trial.phase != .done && newest == notes[1],
        "\(what), \(name): the newest checkpoint is another")
      tally.expect(
        kept.dropFirst(2).allSatisfy { $0 == notes[2] }
          && (newest != notes[2] || kept.count > 2),
        "\(what), \(name): \(kept.count) checkpoints")
      try files.append(notes[2])
      let again = try files.readNewest()
      var all: [SignedNote] = []
      try files.forEach { note, _ in all.append(note) }
      tally.expect(
        again == notes[2] && Array(all.prefix(3)) == notes, "\(what), \(name): not made good")
    }
    trial.disk.faults = [:]
    trial.disk.faultForEver = nil
    try CheckpointFiles(trial.disk).append(notes[2])
    tally.crashes += 1
    let image = trial.disk.crashImage { _ in false }
    var kept: [SignedNote] = []
    try CheckpointFiles(image).forEach { note, _ in kept.append(note) }
    let newest = try CheckpointFiles(image).readNewest()
    if newest != notes[2] || !notes.allSatisfy(kept.contains) {
      tally.lose("\(what), added again, power lost: \(kept.count) checkpoints are left")
    }
  }
}

/// Repairs a damaged ledger.
struct RepairOperation: TorturedOperation {
  let name: String
  let base: SimulatedDisk
  /// What it was before, and the copy that is repaired from.
  let whole: SimulatedDisk
  var isCopyGiven = true
  /// Whether the calls of the copy's disk fail and not those of the ledger's.
  var isCopyTortured = false

  private static let choices = RepairChoices(acceptsTail: true, rebuildsHead: true)

  func begin() -> Trial {
    isCopyTortured
      ? Trial(whole.copy(), other: base.copy()) : Trial(base.copy(), other: whole.copy())
  }

  func perform(on trial: Trial) {
    guard let other = trial.other else { return }
    let (ledger, copy) = isCopyTortured ? (other, trial.disk) : (trial.disk, other)
    do {
      try repair(ledger, from: isCopyGiven ? copy : nil)
      trial.phase = .done
    } catch {
      trial.error = error
    }
  }

  private func repair(_ disk: SimulatedDisk, from copy: SimulatedDisk?) throws(LogError) {
    let head: any StorageFile
    do {
      head = try Head.open(in: disk)
      _ = try head.tryLock()
    } catch {
      throw .storage(error)
    }
    let plan = try RepairPlan(
      for: disk, identity: Workload.identity, choices: Self.choices, copy: copy,
      judge: Workload.Judge())
    _ = try plan.apply(to: disk, identity: Workload.identity, head: head)
  }

  func judge(
    _ trial: Trial, _ tally: inout Tally, _ random: inout SeededRandom, _ what: String
  ) throws {
    guard let other = other(of: trial, &tally, what) else { return }
    let size = try Workload.report(whole).size
    let ledger = isCopyTortured ? other : trial.disk
    for (name, image) in images(of: ledger, &tally, &random) {
      let report = try Workload.report(image)
      let isWhole = report.state == .clean && report.damage.isEmpty && report.size == size
      let saysSo =
        !report.damage.isEmpty || report.state != .clean && report.size == size
        || report.state == .headLost
      tally.expect(isWhole || saysSo, "\(what), \(name): found \(report.state), \(report.size)")
      tally.expect(
        isWhole || trial.phase != .done, "\(what), \(name): said to be repaired: \(report.damage)")
      try repair(image, from: isCopyGiven ? whole.copy() : nil)
      for path in whole.paths where path.hasPrefix("log/") {
        if image.bytes(of: path) != whole.bytes(of: path) {
          tally.lose("\(what), \(name): \(path) isn't what it was, repaired again")
        }
      }
      let after = try Workload.report(image)
      tally.expect(
        after.state == .clean && after.damage.isEmpty && after.size == size,
        "\(what), \(name): repaired again: \(after.state), \(after.damage)")
    }
    try judgeRestart(ledger, Int(size), &tally, what)
    if isCopyTortured {
      for path in whole.paths where trial.disk.bytes(of: path) != whole.bytes(of: path) {
        tally.mistake("\(what): the copy was changed")
      }
    }
  }
}

extension RepairOperation {
  /// The disk works again, the next process finds what the page cache holds and goes on if it may, and
  /// then the power fails.
  private func judgeRestart(
    _ disk: SimulatedDisk, _ size: Int, _ tally: inout Tally, _ what: String
  ) throws {
    disk.faults = [:]
    disk.faultForEver = nil
    do {
      try repair(disk, from: isCopyGiven ? whole.copy() : nil)
      try Workload.openAndAppend(1, to: disk)
    } catch {
      return tally.mistake("\(what), repaired again and opened: \(error)")
    }
    tally.crashes += 1
    try Workload.judge(
      disk.crashImage { _ in false }, acknowledged: size + 1, ends: [],
      states: [.clean, .torn, .headLost], &tally, "\(what), repaired again and opened, power lost")
  }
}

/// Copies a ledger, into an empty directory or onto an older copy.
struct BackupOperation: TorturedOperation {
  let name: String
  let source: SimulatedDisk
  let target: SimulatedDisk
  /// Whether the calls of the ledger's own disk fail and not those of the copy's.
  let isSourceTortured: Bool

  static func all(_ whole: SimulatedDisk) -> [BackupOperation] {
    let source = whole.copy()
    let older = SimulatedDisk()
    _ = try? backUp(source, to: older)
    try? Workload.append([3, 2, 4, 1], to: source, segmentBytes: 1_100)
    source.setBytes(of: "config.json", to: Array("{}\n".utf8))
    return [SimulatedDisk(), older.copy()].flatMap { target in
      [false, true].map { isSourceTortured in
        BackupOperation(
          name: (target.paths.isEmpty ? "backup" : "backup onto an older one")
            + (isSourceTortured ? " of a disk that fails" : ""),
          source: source.copy(), target: target, isSourceTortured: isSourceTortured)
      }
    }
  }

  @discardableResult
  private static func backUp(
    _ source: SimulatedDisk, to target: SimulatedDisk
  ) throws(LogError) -> LogBackup.Outcome {
    try LogBackup.make(
      of: source, identity: Workload.identity, in: target, isIncremental: true,
      files: ["config.json"], judge: Workload.Judge())
  }

  func begin() -> Trial {
    isSourceTortured
      ? Trial(source.copy(), other: target.copy()) : Trial(target.copy(), other: source.copy())
  }

  func perform(on trial: Trial) {
    guard let other = trial.other else { return }
    do {
      if isSourceTortured {
        try Self.backUp(trial.disk, to: other)
      } else {
        try Self.backUp(other, to: trial.disk)
      }
      trial.phase = .done
    } catch {
      trial.error = error
    }
  }

  func judge(
    _ trial: Trial, _ tally: inout Tally, _ random: inout SeededRandom, _ what: String
  ) throws {
    guard let other = other(of: trial, &tally, what) else { return }
    let (ledger, copy) = isSourceTortured ? (trial.disk, other) : (other, trial.disk)
    for path in source.paths where ledger.bytes(of: path) != source.bytes(of: path) {
      tally.lose("\(what): \(path) of the ledger was changed")
    }
    let older = target.paths.isEmpty ? [] : try Workload.lines(target)
    let all = try Workload.lines(source)
    for (name, image) in images(of: copy, &tally, &random) {
      if image.bytes(of: "LEDGER") != nil {
        let report = try Workload.report(image)
        let lines = try Workload.lines(image)
        tally.expect(
          report.damage.isEmpty && [.clean, .torn].contains(report.state),
          "\(what), \(name): the copy is \(report.state), \(report.damage)")
        if lines.count < older.count || lines != Array(all.prefix(lines.count)) {
          tally.lose("\(what), \(name): the older copy had more")
        }
        tally.expect(
          trial.phase != .done || lines == all, "\(what), \(name): not all of it is there")
      } else {
        tally.expect(trial.phase != .done && older.isEmpty, "\(what), \(name): no copy")
      }
      try Self.backUp(source.copy(), to: image)
      tally.expect(try Workload.lines(image) == all, "\(what), \(name): not made good")
      let report = try Workload.report(image)
      tally.expect(
        report.state == .clean && report.damage.isEmpty,
        "\(what), \(name): made again: \(report.state)")
    }
    copy.faults = [:]
    copy.faultForEver = nil
    try Self.backUp(source.copy(), to: copy)
    tally.crashes += 1
    let image = copy.crashImage { _ in false }
    let report = try Workload.report(image)
    if image.bytes(of: "LEDGER") == nil || report.state != .clean || !report.damage.isEmpty
      || report.size != UInt64(all.count)
    {
      tally.lose("\(what), made again, power lost: \(report.state), \(report.size)")
    }
  }
}
