import Simulation

/// What a number of cases came to; every number in it was counted.
package struct Tally: Codable, Sendable {
  package var runs = 0
  /// Calls that failed, wrote short or lied.
  package var faults = 0
  /// Disks as they were found after the power failed.
  package var crashes = 0
  /// Damages to a ledger at rest: flipped bits, cut, moved and foreign bytes.
  package var flips = 0
  /// Runs after which an acknowledged event was gone, and nothing said so.
  package private(set) var lost = 0
  /// Runs with an answer that wasn't true: of what is durable, of what is damaged, or of how it ended.
  package private(set) var wrong = 0
  /// What went wrong, the first few of each.
  package private(set) var failures: [Failure] = []

  /// One run that failed.
  package struct Failure: Codable, Sendable {
    package let number: Int
    package let text: String
  }

  /// The case that runs now.
  fileprivate var number = 0
  private var isLost = false
  private var isWrong = false
  private static let shownFailures = 40

  package init() {}

  private enum CodingKeys: String, CodingKey {
    case runs, faults, crashes, flips, lost, wrong, failures
  }

  /// Whether neither anything was lost nor any answer wrong.
  package var isSound: Bool { lost == 0 && wrong == 0 }

  package mutating func lose(_ text: @autoclosure () -> String) {
    if isLost { return }
    isLost = true
    lost += 1
    if lost <= Self.shownFailures {
      failures.append(Failure(number: number, text: "lost: \(text())"))
    }
  }

  package mutating func mistake(_ text: @autoclosure () -> String) {
    if isWrong { return }
    isWrong = true
    wrong += 1
    if wrong <= Self.shownFailures { failures.append(Failure(number: number, text: text())) }
  }

  package mutating func expect(_ isTrue: Bool, _ text: @autoclosure () -> String) {
    if !isTrue { mistake(text()) }
  }

  /// Runs one case; an error that nothing foresaw is a mistake.
  mutating func run(_ number: Int, _ body: (inout Tally) throws -> Void) {
    self.number = number
    (isLost, isWrong) = (false, false)
    runs += 1
    do {
      try body(&self)
    } catch {
      mistake("stopped by \(error)")
    }
  }
}

/// A kind of torture: cases that are numbered from 0, each of which follows from its number and the
/// seed alone.
package struct Part {
  package let name: String
  /// How many cases there are, or for those that have no end how many make one pass.
  package let count: Int
  /// Whether there are as many cases as one likes.
  package let isEndless: Bool
  private let run: (_ number: Int, inout Tally) throws -> Void

  init(
    _ name: String, count: Int, isEndless: Bool = false,
    run: @escaping (_ number: Int, inout Tally) throws -> Void
  ) {
    self.name = name
    self.count = count
    self.isEndless = isEndless
    self.run = run
  }

  package func run(_ numbers: some Sequence<Int>) -> Tally {
    var tally = Tally()
    for number in numbers where isEndless || number < count {
      tally.run(number) { try run(number, &$0) }
    }
    return tally
  }

  /// All of them, by name.
  package static let names = [
    "calls", "images", "recoveries", "bits", "cuts", "lines", "histories", "stops-at-first-bad",
  ]

  /// - Parameter isSmall: Whether ledgers are small, as for tests.
  /// - Returns: `nil` where there is no part of that name.
  package static func named(_ name: String, seed: UInt64, isSmall: Bool = false) throws -> Part? {
    switch name {
    case "calls": try FailingCalls.part(seed: seed)
    case "images": CrashImages.part(seed: seed)
    case "recoveries": CrashedRecoveries.part(seed: seed)
    case "bits": try AtRest(bytes: isSmall ? 10_240 : 65_536).bits()
    case "cuts": try AtRest(bytes: isSmall ? 10_240 : 40_960).cuts()
    case "lines": try AtRest(bytes: isSmall ? 10_240 : 40_960).linesAndSegments()
    case "histories": try Histories(seed: seed).part()
    case "stops-at-first-bad": StoppingLog.part()
    default: nil
    }
  }
}

extension SeededRandom {
  /// The sequence of one case: near numbers have nothing in common.
  init(seed: UInt64, case number: Int) {
    var mixer = SeededRandom(seed: seed)
    self.init(seed: mixer.next() ^ UInt64(number) &* 0x9E6C_63D0_876A_68EE)
  }
}
