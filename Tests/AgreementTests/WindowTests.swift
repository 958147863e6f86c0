import Bytes
import EventLog
import Foundation
import Platform
import Simulation
import Testing
import Torture

@Suite("A log that is verified window by window")
struct WindowTests {
  /// The last piece first, so that nothing can rely on an order.
  private static let backwards: Workers = { count, work in
    for piece in (0..<count).reversed() { work(piece) }
  }
  private static let threads: Workers = { doAtOnce($0, $1) }
  private static let whole: UInt64 = 1 << 30

  @Test("comes to the same whatever a window's length and the workers are")
  func lengths() throws {
    let disk = try WrittenLedger.make(bytes: 60_000)
    let expected = try WrittenLedger.report(of: disk, windowBytes: Self.whole)
    #expect(expected.state == .clean && expected.damage.isEmpty && expected.size > 60)
    // Threads need files of the system: a simulated disk notes each call, for one thread alone.
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("windows-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try WrittenLedger.write(disk, to: directory)
    let files = try FileStorage.openForReading(directory: directory.path)
    for length: UInt64 in [1, 7, 256, 300, 1_000, 4_096, 16_384] {
      for report in [
        try WrittenLedger.report(of: disk, windowBytes: length, workers: Self.backwards),
        try WrittenLedger.report(of: files, windowBytes: length, workers: Self.threads),
      ] {
        #expect(report == expected, "windows of \(length) bytes")
      }
    }
  }

  /// Counts what it is asked about itself, and has others for windows.
  private final class Judge: EventJudge {
    private(set) var judged = 0

    func another() -> any EventJudge { Judge() }

    func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool {
      judged += 1
      return true
    }
  }

  @Test("takes all of a valid log by windows, and nothing of it one commit after the other")
  func windowsAlone() throws {
    let disk = try WrittenLedger.make(bytes: 60_000)
    for length: UInt64 in [300, 1_000, 4_096, Self.whole] {
      let judge = Judge()
      var verifier = LogVerifier(
        disk, identity: WrittenLedger.identity, judge: judge, windowBytes: length)
      #expect(try verifier.verify().state == .clean)
      #expect(judge.judged == 0, "windows of \(length) bytes")
    }
  }

  @Test("finds the same damage whatever a window's length is")
  func damage() throws {
    let whole = try WrittenLedger.make(bytes: 12_000)
    let fork = try WrittenLedger.make(bytes: 12_000, forkedAt: 7)
    var damaged = 0
    for seed in 0..<amount(400, long: 20_000) {
      var random = SeededRandom(seed: UInt64(seed))
      let disk = whole.copy()
      guard let damage = RandomDamage.allCases.randomElement(using: &random) else { continue }
      let what = damage.apply(to: disk, from: fork, &random)
      // A window of one byte never holds a commit that another one could follow.
      let expected = try WrittenLedger.report(of: disk, windowBytes: 1)
      if !expected.damage.isEmpty { damaged += 1 }
      for length: UInt64 in [300, 2_000, Self.whole] {
        let report = try WrittenLedger.report(
          of: disk, windowBytes: length, workers: Self.backwards)
        #expect(report == expected, "seed \(seed), \(what), windows of \(length) bytes")
      }
    }
    #expect(damaged > 200)
  }
}
