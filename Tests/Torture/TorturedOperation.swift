import EventLog
import Merkle
import Simulation

/// What an operation works on, and what it answered.
final class Trial {
  /// The disk whose calls are counted and fail.
  let disk: SimulatedDisk
  /// The other one, where there are two; it never fails.
  let other: SimulatedDisk?
  /// How many events were acknowledged.
  var acknowledged: Int
  /// How many there may be beside those that were acknowledged.
  var ends: Set<Int>
  var phase = Phase.opening
  var error: LogError?
  /// Whether a writer went on after it had failed.
  var wentOn = false

  enum Phase { case opening, appending, synchronizing, closing, done }

  init(_ disk: SimulatedDisk, other: SimulatedDisk? = nil, size: Int = 0, ends: Set<Int> = []) {
    self.disk = disk
    self.other = other
    acknowledged = size
    self.ends = ends
  }

  /// What the calls were, in order.
  var calls: [String] { disk.trace }
}

/// Something that a log does, whose calls of the disk may fail.
protocol TorturedOperation {
  var name: String { get }

  /// The disks as they are before.
  func begin() -> Trial

  /// Does it, and notes in the trial how it ended.
  func perform(on trial: Trial)

  /// Looks at what is left, with the page cache, without, and in between.
  func judge(
    _ trial: Trial, _ tally: inout Tally, _ random: inout SeededRandom, _ what: String
  ) throws
}

extension TorturedOperation {
  /// The trial's other ledger, where the trial ended as it may: done, or before both were open.
  func other(of trial: Trial, _ tally: inout Tally, _ what: String) -> SimulatedDisk? {
    switch (trial.phase, trial.error) {
    case (.done, nil), (.opening, .storage): break
    default: tally.mistake("\(what): ended with \(trial.error as Any)")
    }
    return trial.other
  }

  /// The disk as whoever comes next may find it: as the system showed it, and after the power failed.
  func images(
    of disk: SimulatedDisk, _ tally: inout Tally, _ random: inout SeededRandom
  ) -> [(name: String, disk: SimulatedDisk)] {
    tally.crashes += 4
    return [
      ("as it is", disk.copy()),
      ("power lost, nothing kept", disk.crashImage { _ in false }),
      ("power lost, all kept", disk.crashImage { _ in true }),
      ("power lost, some kept", disk.crashImage { _ in Bool.random(using: &random) }),
      ("power lost, others kept", disk.crashImage { _ in Bool.random(using: &random) }),
    ]
  }
}

extension Workload {
  /// Opens a log and appends commits of so many events, each synchronized.
  static func append(
    _ counts: [Int], to disk: SimulatedDisk, segmentBytes: UInt64
  ) throws(LogError) {
    var writer = try open(disk, segmentBytes: segmentBytes)
    for count in counts {
      let ids = writer.size..<writer.size + UInt64(count)
      _ = try writer.append(ids.map(line), time: max(writer.lastTime, time(writer.size)))
      try writer.synchronize()
    }
  }

  /// What a log that was left like this must satisfy.
  ///
  /// - Parameters:
  ///   - acknowledged: How many events must be there.
  ///   - ends: How many there may be else.
  ///   - states: What verifying may find before anybody opens it.
  ///   - isNotWritten: Whether whoever wrote was told that nothing else is there.
  static func judge(
    _ image: SimulatedDisk, acknowledged: Int, ends: Set<Int>,
    states: Set<RecoveryState> = [.clean, .torn], isNotWritten: Bool = false,
    _ tally: inout Tally, _ what: String
  ) throws {
    if acknowledged > 0 {
      let found = try report(image)
      tally.expect(
        states.contains(found.state) && found.damage.isEmpty,
        "\(what): found \(found.state), \(found.damage)")
    }
    do {
      try openAndAppend(1, to: image)
    } catch {
      // Where nothing was acknowledged, making the log may not have ended: it is made again.
      if acknowledged > 0 { return tally.lose("\(what): opening failed with \(error)") }
      var again = Workload()
      again.remake(on: image)
      if let error = again.errors.first { tally.mistake("\(what): making it again: \(error)") }
      return
    }
    let found = try lines(image)
    let expected = found.indices.map { line(UInt64($0)) }
    if found.count - 1 < acknowledged || found != expected {
      return tally.lose("\(what): \(found.count - 1) events of \(acknowledged)")
    }
    let size = found.count - 1
    tally.expect(
      size == acknowledged || !isNotWritten && ends.contains(size),
      "\(what): \(size) events, \(acknowledged) acknowledged, or \(ends)")
    let report = try report(image)
    tally.expect(
      report.state == .clean && report.damage.isEmpty && report.size == UInt64(found.count),
      "\(what): verifying after it was opened: \(report.state), \(report.damage)")
  }
}
