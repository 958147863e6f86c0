import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Foundation
import Platform
import Simulation
import Testing

/// Passes over shares of the dispatches, against one pass over all of them.
@Suite("Rechecking in several passes", .timeLimit(.minutes(30)))
struct RecheckPassTests {
  private static let counts = [2, 3, 7]

  private static let atOnce: Workers = { doAtOnce($0, $1) }

  /// All that a recheck tells.
  private struct Told: Equatable {
    let findings: [Finding]
    let notes: [Note]
    let counts: [Int]
    let omissions: [String]
    let report: String

    init(_ recheck: Recheck) throws {
      findings = recheck.findings
      notes = recheck.notes
      counts = [recheck.findingCount, recheck.noteCount, recheck.examined, recheck.rechecked]
      omissions = recheck.omissions.map { "\($0.what): \($0.why)" }
      report = String(decoding: try recheck.report(), as: UTF8.self)
    }
  }

  /// Holds several passes to tell what one tells.
  ///
  /// - Returns: How many counts of passes were held to, and didn't end in a single pass.
  @discardableResult
  private static func compare(
    _ reader: LogReader, _ name: String, counts: [Int] = counts
  ) throws -> Int {
    let one = try Recheck(reader, passes: 1, today: Zones.today)
    let told = try Told(one)
    var divided = 0
    for count in counts {
      let several = try Recheck(
        reader, passes: count, workers: count == 2 ? atOnce : oneByOne, today: Zones.today)
      let others = try Told(several)
      #expect(others.findings == told.findings, "\(name), \(count) passes")
      #expect(others == told, "\(name), \(count) passes")
      let alone = try Recheck(
        reader, keepsAccounts: false, passes: count, today: Zones.today)
      #expect(alone.findings == told.findings, "\(name), \(count) passes")
      if several.passes == count { divided += 1 }
    }
    return divided
  }

  @discardableResult
  private static func compare(
    _ commits: [[Event]], _ name: String, counts: [Int] = counts
  ) throws -> Int {
    let disk = try RecordedHistory.disk(commits)
    return try compare(
      LogReader(disk, identity: AuditedHistory.identity), name, counts: counts)
  }

  @Test("tells of each ledger that is kept here what one pass tells")
  func kept() throws {
    var (divided, held) = (0, 0)
    for kind in ["golden", "damaged"] {
      let folder = RecheckStory.repository.appendingPathComponent("ledger/\(kind)").path
      for story in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
        let directory = "\(folder)/\(story)/ledger"
        guard FileManager.default.fileExists(atPath: directory) else { continue }
        guard let storage = try? FileStorage.openForReading(directory: directory),
          let identity = try? LedgerIdentity.read(from: storage),
          let reader = try? LogReader(storage, identity: identity),
          // Damaged beyond reading: that is told by other tests.
          (try? Recheck(reader, today: Zones.today)) != nil
        else { continue }
        held += Self.counts.count
        divided += try Self.compare(reader, "\(kind)/\(story)")
      }
    }
    #expect(held >= 3 * 15)
    #expect(divided > held / 2, "\(divided) of \(held)")
  }

  private static let seeds: [UInt64] = Array(1...amount(10, long: 200))

  @Test("tells of random histories what one pass tells", arguments: seeds)
  func random(seed: UInt64) throws {
    let made = try RandomHistory(
      seed: 700 + seed, steps: 120, users: seed % 5 == 4 ? 600 : 24, strays: seed % 2 == 1,
      rules: seed % 4 < 2)
    try Self.compare(made.history.commits, "seed \(seed)")
  }

  @Test("divides sound histories")
  func divides() throws {
    var divided = 0
    for seed in Self.seeds.prefix(10) {
      let made = try RandomHistory(seed: 800 + seed, steps: 100, rules: true)
      divided += try Self.compare(made.history.commits, "seed \(seed)")
    }
    #expect(divided > 10 * Self.counts.count / 2, "\(divided)")
  }

  @Test(
    "tells of any well-formed ledger what one pass tells", arguments: 1...amount(12, long: 400))
  func shuffled(seed: Int) throws {
    let history = try RecheckPropertyTests.shuffledHistory(seed: UInt64(seed))
    try Self.compare(history.commits, "seed \(seed)")
  }

  @Test("names each event that was changed as one pass does", arguments: Mutation.all)
  func mutated(mutation: Mutation) throws {
    let made = try RandomHistory(seed: 5, steps: 120, rules: true).history
    var found = 0
    for (index, commit) in made.commits.enumerated() {
      for (place, event) in commit.enumerated() where found < 3 {
        let next = place + 1 < commit.count ? commit[place + 1] : nil
        guard let changed = mutation.change(event, next, made), changed != event else { continue }
        var commits = made.commits
        commits[index][place] = changed
        try Self.compare(commits, "\(mutation) of event \(event.id)", counts: [2])
        found += 1
      }
    }
  }

  @Test("counts the dispatches of a program with a cap, whoever holds them")
  func caps() throws {
    var history = try RandomHistory(seed: 3, steps: 0).history
    for number in 1...7 {
      try history.request("2026-12-0\(number)T10:00:00Z", program: "3")
      history.advance(seconds: 10)
      if number == 2 { try history.perform(RecordedHistory.change("cancel", history.lastDispatch)) }
      if number == 4 {
        try history.perform(
          RecordedHistory.modify(
            history.dispatchID(3), #""start_time":"2027-05-01T10:00:00Z","open_ended":true"#))
      }
    }
    #expect(history.events.contains { $0.type == .dispatchRejected })
    #expect(try Self.compare(history.commits, "caps") == Self.counts.count)
  }

  @Test("knows the dispatch that a hold names, whoever holds that")
  func holds() throws {
    var history = try RandomHistory(seed: 3, steps: 0).history
    for number in 1...6 { try history.request("2026-12-0\(number)T10:00:00Z") }
    func hold(_ id: String, _ dispatch: EntityID) -> EventPayload {
      .legalHoldPlaced(
        LegalHoldPlaced(id: AuditedHistory.id(id), reason: "a claim", dispatchID: dispatch))
    }
    for number in 1...6 { try history.record(hold("h\(number)", history.dispatchID(number))) }
    #expect(try Self.compare(history.commits, "holds") == Self.counts.count)
    #expect(try history.recheck().findings == [])
    try history.record(hold("h9", AuditedHistory.id("never")))
    #expect(try Self.compare(history.commits, "a hold of nothing") == Self.counts.count)
    #expect(try history.recheck().findings.count == 1)
  }

  @Test("finds keys that were used twice by different dispatches' calls, and notes runs of clocks")
  func sequence() throws {
    var history = try RandomHistory(seed: 3, steps: 0).history
    for number in 1...9 {
      history.advance(seconds: 5)
      try history.perform(
        RecordedHistory.request("2026-12-0\(number)T10:00:00Z"),
        clockBehind: (3...5).contains(number) || number == 9 ? 2 : nil)
    }
    var commits = history.commits
    let keyed = commits.indices.filter { commits[$0][0].idempotencyKey != nil }
    for index in keyed.suffix(4) { commits[index][0].idempotencyKey = "a \"key\" of all" }
    #expect(try Self.compare(commits, "keys") == Self.counts.count)
    let recheck = try RecordedHistory.recheck(commits)
    #expect(recheck.findings.map(\.kind) == [.keyRepeated, .keyRepeated, .keyRepeated])
    #expect(recheck.notes.count { $0.kind == .clock } == 2)
  }

  @Test("tells which dispatch's attempt a result of another dispatch names")
  func anothersAttempt() throws {
    var history = try RandomHistory(seed: 3, steps: 0).history
    for number in 1...6 { try history.request("2026-11-23T18:0\(number):00Z") }
    try history.deliver()
    let attempts = history.events.filter { $0.type == .notificationAttempted }
    #expect(attempts.count > 6)
    for (attempt, other) in zip(attempts, attempts.reversed()).prefix(6) {
      guard case .notificationAttempted(let said) = attempt.payload else { continue }
      try history.record(
        .deliveryRecorded(
          DeliveryRecorded(
            attempt: other.id, dispatchID: said.dispatchID, outcome: .delivered,
            evidence: .confirmedByCarrier)))
    }
    #expect(try Self.compare(history.commits, "results") == Self.counts.count)
    let messages = try history.recheck().findings.map(\.message)
    #expect(messages.contains { $0.contains("is an attempt of another dispatch") })
  }

  @Test("reads once where only two dispatches together show what is out of order")
  func entangled() throws {
    var history = try RandomHistory(seed: 3, steps: 0, users: 700).history
    try history.request("2026-12-01T10:00:00Z", parts: 2)
    let last = try #require(history.commits.last)
    var commits = Array(history.commits.dropLast())
    history = RecordedHistory.copy(of: commits, at: history.now, dispatches: 1)
    for number in 2...5 { try history.request("2026-12-0\(number)T10:00:00Z") }
    try history.record(last.map(RecordedHistory.draft))
    commits = history.commits
    let reader = try LogReader(
      try RecordedHistory.disk(commits), identity: AuditedHistory.identity)
    #expect(try history.recheck().findings.contains { $0.kind == .order })
    let passes = try (2...9).map { try Recheck(reader, passes: $0, today: Zones.today).passes }
    // Some have the dispatches in the same share.
    #expect(passes.count { $0 == 1 } > 4, "\(passes)")
    try Self.compare(commits, "an interrupted resolution", counts: Array(2...9))
  }

  @Test("stops at the first line that is no event, whichever pass reads it", arguments: [2, 5])
  func unreadable(count: Int) throws {
    var history = try RandomHistory(seed: 3, steps: 0).history
    for number in 1...8 { try history.request("2026-12-0\(number)T10:00:00Z") }
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: AuditedHistory.identity)
    var bad: [EventID] = []
    for commit in history.commits {
      let lines = commit.map { event -> [UInt8] in
        guard event.type == .dispatchRequested, event.id > 40 else { return event.encodeLine() }
        bad.append(event.id)
        let text = String(decoding: event.encodeLine(), as: UTF8.self)
        return Array(text.replacingOccurrences(of: "\"late\":", with: "\"lame\":").utf8)
      }
      _ = try writer.append(lines, time: commit[0].time)
    }
    try writer.synchronize()
    try writer.synchronizeHead()
    disk.setBytes(of: "LEDGER", to: AuditedHistory.identity.encoded)
    let reader = try LogReader(disk, identity: AuditedHistory.identity)
    #expect(bad.count > 3)
    let error = #expect(throws: AuditError.self) {
      try Recheck(reader, passes: count, today: Zones.today)
    }
    guard case .unreadableEvent(let id, _)? = error else {
      Issue.record("it stops elsewhere")
      return
    }
    #expect(id == bad.first)
  }
}
