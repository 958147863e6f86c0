import Foundation
import Simulation
import Testing

@Suite("A worker that is killed at any moment", .timeLimit(.minutes(60)))
struct KillTests {
  private static let users = 2_000

  /// Requests one more dispatch that concerns everybody.
  private func request(_ ledger: ProgramLedger) throws {
    let answer = try ledger.operate(["dispatch", "-", "-q"], input: MessageSink.request)
    #expect(answer.status == 0, "\(answer.talk)")
  }

  private func deliverAll(_ ledger: ProgramLedger) throws {
    let answer = try ledger.operate(["deliver", "--once", "-q"])
    #expect(answer.status == 0, "\(answer.talk)")
  }

  /// Starts a worker again and again and kills it after up to 60 ms; where one comes to the end of
  /// its work before, there is another dispatch to tell of.
  private func killWorkers(_ ledger: ProgramLedger, times: Int) throws {
    var random = SeededRandom(seed: 2_026)
    var kills = 0
    while kills < times {
      let worker = Shell.process("dispatch-ledger", ["deliver", "--once", "-C", ledger.path])
      worker.standardOutput = FileHandle.nullDevice
      worker.standardError = FileHandle.nullDevice
      try worker.run()
      usleep(UInt32.random(in: 0..<60_000, using: &random))
      kill(worker.processIdentifier, SIGKILL)
      worker.waitUntilExit()
      if worker.terminationReason == .uncaughtSignal {
        kills += 1
      } else {
        #expect(worker.terminationStatus == 0)
        try request(ledger)
      }
    }
  }

  /// Whatever came had its attempt durable before, and is what that attempt was to send.
  private func expectRecordedBefore(
    _ taken: [MessageSink.Taken], _ recorded: RecordedAttempts
  ) throws {
    for message in taken {
      let attempt = try #require(recorded.attempts[message.attempt])
      #expect(attempt.id < message.durable)
      #expect(
        attempt.channel == "webhook"
          ? message.name == attempt.notice : message.name == "\(attempt.user)@example.com")
    }
    for attempt in recorded.attempts.values {
      let ends = recorded.ends[attempt.id] ?? []
      #expect(ends == ["accepted"] || ends == ["unknown"], "attempt \(attempt.id): \(ends)")
    }
  }

  /// How often a message of each notice came.
  private func copies(
    _ taken: [MessageSink.Taken], _ recorded: RecordedAttempts
  ) -> [String: Int] {
    var copies: [String: Int] = [:]
    for attempt in recorded.attempts.values { copies[attempt.notice] = 0 }
    for message in taken {
      guard let attempt = recorded.attempts[message.attempt] else { continue }
      copies[attempt.notice, default: 0] += 1
    }
    return copies
  }

  private func expectSound(_ ledger: ProgramLedger) throws {
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-q", "-C", ledger.path])
    #expect(recheck.status == 0, "\(recheck.output.suffix(2_000))")
  }

  @Test(
    "each message that came was attempted before; held, none comes twice; sent again, none is lost",
    arguments: ["hold", "resend"])
  func killed(policy: String) throws {
    let ledger = try ProgramLedger()
    let sink = try MessageSink(beside: ledger, slowMilliseconds: 10)
    try sink.configure(ledger)
    let catalogue = sink.catalogue(users: Self.users, unknownOutcome: policy)
    #expect(try ledger.operate(["import", "-", "-q"], input: catalogue).status == 0)
    try request(ledger)
    try killWorkers(ledger, times: amount(20, long: 300))
    try deliverAll(ledger)

    var recorded = try RecordedAttempts(ledger)
    var taken = try sink.taken()
    try expectRecordedBefore(taken, recorded)
    let dispatches = try ledger.eventLines().count { $0.contains("dispatch.requested.v1") }
    let notices = dispatches * Self.users
    var copies = copies(taken, recorded)
    #expect(copies.count == notices)
    // Something was in the air at one of the kills, or the test has shown nothing.
    #expect(recorded.ends.values.contains(["unknown"]))
    if policy == "resend" {
      #expect(recorded.held.isEmpty)
      #expect(copies.values.allSatisfy { $0 >= 1 })
      return try expectSound(ledger)
    }
    #expect(copies.values.allSatisfy { $0 <= 1 })
    // Who was not told is held, and whoever asks the receivers can settle all of it.
    let arrived = Set(taken.map(\.attempt))
    let held = recorded.held
    #expect(Set(copies.filter { $0.value == 0 }.keys).isSubset(of: held.map(\.notice)))
    let commands = held.map { attempt in
      let decision = arrived.contains(attempt.id) ? "delivered" : "resend"
      return #"{"command":"settle","attempt":"\#(attempt.id)","decision":"\#(decision)","#
        + #""reason":"asked"}"#
    }
    let settled = try ledger.operate(
      ["append", "-", "-q"], input: commands.joined(separator: "\n") + "\n")
    #expect(settled.status == 0, "\(settled.talk)")
    try deliverAll(ledger)
    recorded = try RecordedAttempts(ledger)
    taken = try sink.taken()
    try expectRecordedBefore(taken, recorded)
    copies = self.copies(taken, recorded)
    #expect(copies.count == notices && copies.values.allSatisfy { $0 == 1 })
    #expect(recorded.held.isEmpty)
    try expectSound(ledger)
  }
}
