import Foundation
import Simulation
import Testing
import Torture

/// Some of each part of the torture; `tools/torture` runs all of it, and goes on for as long as one
/// likes.
@Suite("Under torture", .timeLimit(.minutes(60)))
struct TortureTests {
  private static let seed: UInt64 = 2_026

  /// Runs cases of a part, and expects that nothing is lost and nothing untrue is said.
  @discardableResult
  private func expectSound(
    _ name: String, every step: Int = 1, upTo limit: Int = .max
  ) throws -> Tally {
    let part = try #require(try Part.named(name, seed: Self.seed, isSmall: !isLongRun))
    let tally = part.run(stride(from: 0, to: min(part.count, limit), by: step))
    for failure in tally.failures {
      Issue.record("tools/torture --replay \(name):\(Self.seed):\(failure.number)\n\(failure.text)")
    }
    #expect(tally.isSound)
    #expect(tally.runs > 0)
    return tally
  }

  @Test("no call that fails, whichever, however and for how long, loses or misreports anything")
  func calls() throws {
    let tally = try expectSound("calls", every: amount(7, long: 1))
    #expect(tally.faults == tally.runs)
  }

  @Test("no disk that a crash leaves, whatever is kept of it, loses an acknowledged event")
  func images() throws {
    try expectSound("images", upTo: amount(12_000, long: 100_000))
  }

  @Test("crashes within recoveries from crashes, three deep, lose nothing")
  func recoveries() throws {
    try expectSound("recoveries", upTo: amount(4_000, long: 50_000))
  }

  @Test("every bit that flips in a ledger at rest is found, and the ids that it concerns")
  func bits() throws {
    try expectSound("bits")
  }

  @Test("every length that a segment is cut to is found, and what is gone")
  func cuts() throws {
    try expectSound("cuts")
  }

  @Test("lines that are swapped, dropped, doubled or copied are found, and segments from elsewhere")
  func lines() throws {
    try expectSound("lines")
  }

  @Test("whole histories, whatever happens to the disk, keep each promise that they made")
  func histories() throws {
    let tally = try expectSound("histories", upTo: amount(60, long: 2_000))
    #expect(tally.crashes > tally.runs)
    #expect(tally.faults > tally.runs)
  }

  @Test(
    "a bug that is planted is found",
    arguments: [Histories.Canary.answersBeforeSync, .forgetsResult]
      + (Histories.seesKeys ? [.keysBeforeSync] : []))
  func canary(_ canary: Histories.Canary) throws {
    let tally = try Histories(seed: Self.seed, canary: canary).part().run(0..<20)
    #expect(!tally.isSound)
  }

  @Test("the same damages lose records of a log that stops at the first bad one")
  func stoppingLog() throws {
    let part = try #require(try Part.named("stops-at-first-bad", seed: 0))
    let tally = part.run(stride(from: 0, to: part.count, by: 5))
    // All but those in the last record lose more than what they hit.
    #expect(tally.lost == tally.runs)
  }

  @Test("the same damages lose rows of SQLite's write-ahead log, and its check says ok")
  func writeAheadLog() throws {
    let (status, output) = try runTestPython("sqlite_wal.py", ["--every", "199"])
    #expect(status == 0, "\(output)")
    let numbers = try JSONDecoder().decode([String: Int].self, from: Data(output.utf8))
    let runs = try #require(numbers["runs"])
    #expect(try #require(numbers["lost"]) > runs / 2)
  }
}
