import Bytes
import Dispatching
import Events
import Testing

@Suite("What came of attempts")
struct DeliveryDecisionTests {
  /// A world in which Ana (sms, then email) was attempted, and the attempt.
  private func attempted(
    _ program: String = "", start: String = "2026-07-01T18:00:00Z"
  ) throws -> (World, EventID) {
    var world = try World()
    try world.importing(
      """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"UTC","communication_codes":["sms","email"]
         \(program)}],
       "event_types":[{"id":1,"name":"E","user_group_ids":["g"]}],"user_groups":[{"id":"g","name":"G"}],
       "users":[{"id":"u","name":"Ana","user_group_ids":["g"],
         "contacts":{"sms":"+15551230001","email":"ana@example.com"}}]}
      """)
    try world.request(start)
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    let event = try #require(try world.send(plan).last)
    return (world, event.id)
  }

  private func notice(_ world: World) throws -> Notice {
    try #require(world.notices(of: world.dispatchID(1)).first)
  }

  private let failed = ChannelReport(
    outcome: .failed, evidence: .none, code: "20429", isRetryable: true, detail: "busy")

  @Test("An attempt's event holds what was planned and how it is sent")
  func attemptEvent() throws {
    let (world, id) = try attempted()
    let event = world.events[Int(id)]
    guard case .notificationAttempted(let attempt) = event.payload else { return }
    #expect(attempt.number == 1 && attempt.channel.text == "sms" && attempt.kind == .start)
    #expect(attempt.template == .builtin)
    #expect(attempt.channelKind.text == "console")
    #expect(event.causation == world.state.dispatch(world.dispatchID(1))?.modifications[0].event)
    #expect(event.correlation == "d-1")
    #expect(try notice(world).standing.state == .attempted)
    #expect(try world.decider.planNotices(limit: 9) { _ in true }.isEmpty)
  }

  @Test("A result is recorded with its detail sealed under the user's key")
  func result() throws {
    var (world, attempt) = try attempted()
    let report = ChannelReport(
      outcome: .accepted, evidence: .acceptedByProvider, providerID: "SM1", code: "queued",
      occurredAt: world.now, detail: "to +15551230001")
    let drafts = try world.decider.record(.reported(report), of: attempt)
    #expect(drafts.count == 1)
    guard case .deliveryRecorded(let recorded)? = drafts.first?.payload else { return }
    #expect(recorded.attempt == attempt && drafts[0].causation == attempt)
    #expect(recorded.providerID == "SM1" && recorded.code == "queued")
    #expect(recorded.isRetryable == nil)
    let detail = try #require(recorded.detail)
    #expect(FakeSeal.open(detail, try id("u"), .resultDetail) == "to +15551230001")
    try world.record(drafts)
    #expect(try notice(world).standing.state == .notified)
    #expect(try notice(world).standing.evidence == .acceptedByProvider)
  }

  @Test("A failure that may pass is tried again later, then on the next channel")
  func retries() throws {
    var (world, attempt) = try attempted()
    var delays: [Int64] = []
    for number in 1...RetrySchedule.tries {
      let drafts = try world.decider.record(.reported(failed), of: attempt)
      guard case .deliveryRecorded(let recorded)? = drafts.first?.payload else { return }
      #expect(recorded.isRetryable == (number < RetrySchedule.tries))
      try world.record(drafts)
      if number == RetrySchedule.tries {
        #expect(drafts.count == 1)
        break
      }
      guard case .notificationDeferred(let deferred) = drafts[1].payload else {
        Issue.record("try \(number): \(drafts)")
        return
      }
      #expect(deferred.reason == .retry && deferred.after == attempt)
      delays.append((deferred.until.microseconds - world.now.microseconds) / 1_000_000)
      #expect(try world.decider.planNotices(limit: 9) { _ in true }.isEmpty)
      world.now = deferred.until
      let plan = try world.decider.planNotices(limit: 9) { _ in true }
      #expect(plan.attempts.map(\.number) == [number + 1])
      #expect(plan.attempts.map(\.channel.text) == ["sms"])
      attempt = try #require(try world.send(plan).last).id
    }
    #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 < $1 } && delays[0] < 20)
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.map { "\($0.channel.text) \($0.number)" } == ["email 1"])
  }

  @Test("A failure that won't pass goes on to the next channel at once, and then has failed")
  func failOver() throws {
    var (world, attempt) = try attempted()
    var report = failed
    report.isRetryable = false
    try world.record(try world.decider.record(.reported(report), of: attempt))
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.map(\.channel.text) == ["email"])
    attempt = try #require(try world.send(plan).last).id
    try world.record(try world.decider.record(.reported(report), of: attempt))
    #expect(try notice(world).standing.state == .failed)
    #expect(try world.decider.planNotices(limit: 9) { _ in true }.isEmpty)
  }

  @Test("No retry and no fail-over reaches beyond the start")
  func deadline() throws {
    // 4 s before the start there is no time for a retry, but for the next channel.
    var (world, attempt) = try attempted(start: "2026-07-01T12:00:04Z")
    let drafts = try world.decider.record(.reported(failed), of: attempt)
    #expect(drafts.count == 1)
    try world.record(drafts)
    let early = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(early.attempts.map(\.channel.text) == ["email"])
    world.advance(seconds: 21)
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.isEmpty)
    guard case .notificationSuppressed(let gone)? = plan.heldBack.first?.payload else {
      Issue.record("nothing suppressed")
      return
    }
    #expect(gone.reason == .deadlinePassed)
    try world.record(plan.heldBack)
    #expect(try notice(world).standing.state == .suppressed)
  }

  @Test("A late fail-over before the start still goes out, marked LATE")
  func lateFailOver() throws {
    var (world, attempt) = try attempted(#","lead_time":"PT5H""#)
    var report = failed
    report.isRetryable = false
    try world.record(try world.decider.record(.reported(report), of: attempt))
    world.advance(seconds: 5 * 3_600)
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.map(\.channel.text) == ["email"])
    #expect(plan.attempts.map(\.isLate) == [true])
  }

  @Test("A lost attempt is unknown once; the program holds it or sends it again")
  func lost() throws {
    for policy in ["hold", "resend"] {
      var (world, attempt) = try attempted(#","unknown_outcome":"\#(policy)""#)
      #expect(try world.decider.recordLostAttempts(limit: 0).isEmpty)
      let drafts = try world.decider.recordLostAttempts(limit: 9)
      guard case .deliveryUnknown(let unknown)? = drafts.first?.payload else {
        Issue.record("\(drafts)")
        return
      }
      #expect(unknown.attempt == attempt && unknown.reason == .crash)
      #expect(
        drafts.map(\.type)
          == (policy == "hold" ? [.deliveryUnknown] : [.deliveryUnknown, .deliverySettled]))
      try world.record(drafts)
      #expect(try world.decider.recordLostAttempts(limit: 9).isEmpty)
      let plan = try world.decider.planNotices(limit: 9) { _ in true }
      if policy == "hold" {
        #expect(plan.isEmpty)
        #expect(try notice(world).standing.state == .unknown)
      } else {
        #expect(plan.attempts.map(\.number) == [2])
        #expect(plan.attempts.map(\.channel.text) == ["sms"])
      }
    }
  }

  @Test("What never gets an answer is held after the sixth try; what crashes lose is sent again")
  func silence() throws {
    for (reason, sent) in [(UnknownReason.timeout, 6), (.crash, 20)] {
      var (world, attempt) = try attempted(#","unknown_outcome":"resend""#)
      var tries = 1
      while tries < sent {
        try world.record(try world.decider.record(.unknown(reason), of: attempt))
        attempt = try #require(try world.attemptAll().first?.id)
        tries += 1
      }
      #expect(world.state.attempt(attempt)?.number == sent)
      try world.record(try world.decider.record(.unknown(reason), of: attempt))
      #expect(try world.attemptAll().isEmpty == (reason == .timeout))
      if reason == .timeout { #expect(try notice(world).standing.state == .unknown) }
    }
  }

  @Test("What is sent again after an unknown outcome is a first notice: it goes out late too")
  func lateResend() throws {
    var (world, _) = try attempted(#","unknown_outcome":"resend""#, start: "2026-07-01T11:00:00Z")
    try world.record(try world.decider.recordLostAttempts(limit: 9))
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.map(\.number) == [2])
    #expect(plan.attempts.map(\.isLate) == [true])
  }

  @Test("A timeout is unknown too, and a result that comes after it says more")
  func timeout() throws {
    var (world, attempt) = try attempted()
    let drafts = try world.decider.record(.unknown(.timeout), of: attempt)
    guard case .deliveryUnknown(let unknown)? = drafts.first?.payload else { return }
    #expect(unknown.reason == .timeout)
    try world.record(drafts)
    let report = ChannelReport(outcome: .delivered, evidence: .confirmedByCarrier)
    try world.record(try world.decider.record(.reported(report), of: attempt))
    #expect(try notice(world).standing.state == .notified)
  }

  @Test("A failure that comes after a change, or twice, is recorded and not retried")
  func afterwards() throws {
    var (world, attempt) = try attempted()
    let repeated = world
    try world.change("cancel", world.dispatchID(1))
    #expect(try world.decider.record(.reported(failed), of: attempt).count == 1)
    world = repeated
    try world.record(try world.decider.record(.reported(failed), of: attempt))
    let again = try world.decider.record(.reported(failed), of: attempt)
    #expect(again.map(\.type) == [.deliveryRecorded])
  }

  @Test("A result for an attempt that nobody recorded has no decision")
  func unknownAttempt() throws {
    let (world, _) = try attempted()
    #expect(throws: DecisionError<Never>.unknownAttempt(0)) {
      try world.decider.record(.unknown(.timeout), of: 0)
    }
  }
}
