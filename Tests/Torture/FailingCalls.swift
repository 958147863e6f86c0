import EventLog
import Merkle
import Simulation

/// Each operation of a log, with each kind of fault at each of its calls of the disk, once and for
/// ever after.
enum FailingCalls {
  /// What happens to a call.
  enum Kind: CaseIterable {
    case inputOutput, noSpace, interrupted, tooManyFiles, shortByOne, half, halfThenNoSpace
    case failingSync, failingRename

    /// Whether it can happen to such a call.
    func hits(_ call: String) -> Bool {
      switch self {
      case .shortByOne, .half, .halfThenNoSpace: call.hasPrefix("write ")
      case .failingSync: call.hasPrefix("synchronize")
      case .failingRename: call.hasPrefix("rename")
      default: true
      }
    }

    /// The faults by their calls, and the one from a call on.
    func faults(
      at call: Int, isForEver: Bool
    ) -> ([Int: SimulatedDisk.Fault], (from: Int, fault: SimulatedDisk.Fault)?) {
      let fault: SimulatedDisk.Fault =
        switch self {
        case .inputOutput: .error(5)
        case .noSpace: .error(28)
        case .interrupted: .error(4)
        case .tooManyFiles: .error(24)
        case .shortByOne: .shortBy(1)
        case .half, .halfThenNoSpace: .halfWrite
        case .failingSync, .failingRename: .falseError(5)
        }
      return switch (self, isForEver) {
      case (.halfThenNoSpace, true): ([call: fault], (call + 1, .error(28)))
      case (.halfThenNoSpace, false): ([call: fault, call + 1: .error(28)], nil)
      case (_, true): ([:], (call, fault))
      case (_, false): ([call: fault], nil)
      }
    }

    func plan(at call: Int, isForEver: Bool, on disk: SimulatedDisk) {
      (disk.faults, disk.faultForEver) = faults(at: call, isForEver: isForEver)
    }
  }

  private struct Case {
    let name: String
    let run: (_ name: String, inout Tally, inout SeededRandom) throws -> Void
  }

  /// Lives of the log that end at other places of a sector and of a segment.
  private static let lives: [[UInt64]] = [[6, 14], [5, 9], [3, 4], [6, 14, 23], [8, 11, 19]]

  static func part(seed: UInt64) throws -> Part {
    var cases: [Case] = []
    for sizes in lives {
      for operation in try operations(after: sizes) {
        let trial = operation.begin()
        operation.perform(on: trial)
        if let error = trial.error { throw Broken("\(operation.name) fails by itself: \(error)") }
        forEachFault(of: trial.calls) { call, kind, isForEver, what in
          cases.append(
            Case(name: "\(operation.name) after \(sizes): \(what)") { name, tally, random in
              let trial = operation.begin()
              kind.plan(at: call, isForEver: isForEver, on: trial.disk)
              operation.perform(on: trial)
              try operation.judge(trial, &tally, &random, name)
            })
        }
      }
    }
    cases += try erasures()
    return Part("calls", count: cases.count) { number, tally in
      guard cases.indices.contains(number) else { return }
      tally.faults += 1
      var random = SeededRandom(seed: seed, case: number)
      try cases[number].run(cases[number].name, &tally, &random)
    }
  }

  private static func forEachFault(
    of calls: [String],
    _ body: (_ call: Int, _ kind: Kind, _ isForEver: Bool, _ what: String) -> Void
  ) {
    for (call, what) in calls.enumerated() {
      for kind in Kind.allCases where kind.hits(what) {
        for isForEver in [false, true] {
          let times = isForEver ? "for ever" : "once"
          body(call, kind, isForEver, "\(kind) at call \(call), \(what), \(times)")
        }
      }
    }
  }

  /// An erasure, on the log's disk and on the files of keys and views beside it.
  private static func erasures() throws -> [Case] {
    guard WatchedFiles.isPossible else { return [] }
    let erasure = try Erasure()
    let trial = try erasure.begin()
    try erasure.perform(on: trial)
    if let error = trial.error { throw Broken("an erasure fails by itself: \(error)") }
    var cases: [Case] = []
    for isBeside in [false, true] {
      forEachFault(of: isBeside ? trial.files.trace : trial.held.disk.trace) {
        call, kind, isForEver, what in
        // On real files a call is repeated for as long as it is interrupted.
        if isBeside, isForEver, kind == .interrupted { return }
        cases.append(
          Case(name: "erase: \(what)") { name, tally, random in
            let trial = try erasure.begin()
            let plan = kind.faults(at: call, isForEver: isForEver)
            if isBeside {
              (trial.files.faults, trial.files.faultForEver) = plan
            } else {
              (trial.held.disk.faults, trial.held.disk.faultForEver) = plan
            }
            try erasure.perform(on: trial)
            try erasure.judge(trial, &tally, &random, name)
          })
      }
    }
    return cases
  }

  private static func operations(after sizes: [UInt64]) throws -> [any TorturedOperation] {
    let whole = Workload.finishedDisk(sizes: sizes)
    let size = Int(sizes.last ?? 0)
    var operations: [any TorturedOperation] = [
      LogOperation(name: "create", base: SimulatedDisk(), size: 0, steps: []),
      LogOperation(name: "append 1", base: whole, size: size, steps: [1], segmentBytes: 1 << 20),
      LogOperation(name: "append 10", base: whole, size: size, steps: [10], segmentBytes: 1 << 20),
      LogOperation(name: "roll", base: whole, size: size, steps: [1, 2], segmentBytes: 400),
      LogOperation(name: "seal", base: try sealed(whole), size: size, steps: [1]),
      CheckpointOperation(base: whole, size: UInt64(size)),
    ]
    operations += try recoveries(whole, size)
    operations += repairs(whole, UInt64(size))
    operations += BackupOperation.all(whole)
    return operations
  }

  /// A disk as a crash leaves it between the seal and the next segment.
  private static func sealed(_ whole: SimulatedDisk) throws -> SimulatedDisk {
    for call in 0..<200 {
      let disk = whole.copy()
      disk.faults[call] = .crash
      _ = try? Workload.append([1], to: disk, segmentBytes: 400)
      let image = disk.crashImage { _ in true }
      let last = image.paths.filter { $0.hasPrefix("log/") && $0.hasSuffix(".log") }.last
      let bytes = last.flatMap { image.bytes(of: $0) } ?? []
      if bytes.suffix(131).starts(with: "#seal ".utf8), disk.operationCount > call { return image }
    }
    throw Broken("no crash leaves a log that ends with a seal")
  }

  /// What a crash, or somebody who deletes `head`, left for the next one to put right.
  private static func recoveries(
    _ whole: SimulatedDisk, _ size: Int
  ) throws -> [LogOperation] {
    guard let segment = whole.paths.filter({ $0.hasPrefix("log/") }).last,
      let bytes = whole.bytes(of: segment)
    else { throw Broken("no segment") }
    let torn = whole.copy()
    torn.setBytes(of: segment, to: bytes + Array("#commit first=0000000000000".utf8))
    torn.setBytes(of: "log/\(String(repeating: "9", count: 16)).log.new", to: [0x23, 0x73])
    let blank = whole.copy()
    blank.setBytes(of: segment, to: bytes + [UInt8](repeating: 0, count: 1_300) + [0x78])
    let whollyWritten = whole.copy()
    do {
      var writer = try Workload.open(whollyWritten, segmentBytes: 1 << 20)
      let ids = writer.size..<writer.size + 2
      _ = try writer.append(ids.map(Workload.line), time: Workload.time(99))
    }
    let headless = whole.copy()
    headless.remove("head")
    return [
      LogOperation(name: "recover a torn tail", base: torn, size: size, steps: [1]),
      LogOperation(name: "recover a blank tail", base: blank, size: size, steps: []),
      LogOperation(
        name: "recover what isn't known to be durable", base: whollyWritten, size: size,
        steps: [1], ends: [size + 2]),
      LogOperation(
        name: "recover a lost head", base: headless, size: size, steps: [1],
        states: [.clean, .torn, .headLost]),
    ]
  }

  private static func repairs(_ whole: SimulatedDisk, _ size: UInt64) -> [RepairOperation] {
    let names = whole.paths.filter { $0.hasPrefix("log/") }
    let (first, last) = (names[0], names[names.count - 1])
    let flipped = whole.copy()
    var bytes = whole.bytes(of: first) ?? []
    bytes[bytes.count / 2] ^= 4
    flipped.setBytes(of: first, to: bytes)
    let missing = flipped.copy()
    missing.remove(last)
    let suspect = whole.copy()
    suspect.setBytes(
      of: last, to: (whole.bytes(of: last) ?? []) + [UInt8](repeating: 0x78, count: 1_900))
    let headless = flipped.copy()
    headless.remove("head")
    return [
      RepairOperation(name: "repair from a copy", base: missing, whole: whole),
      RepairOperation(
        name: "repair a suspect tail", base: suspect, whole: whole, isCopyGiven: false),
      RepairOperation(name: "repair all", base: headless, whole: whole),
      RepairOperation(
        name: "repair from a copy that fails", base: missing, whole: whole, isCopyTortured: true),
    ]
  }
}

/// Why a part can't even begin.
struct Broken: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
