import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Testing

@Suite("Told in time")
struct VerdictTests {
  /// A request at 17:02:00 whose deadline is 17:32:00, and an attempt at 17:03:00.
  private func attempted(
    _ outcome: AttemptOutcome?, afterSeconds delay: Int64 = 1
  ) throws -> RecordedHistory {
    var history = try RecordedHistory()
    history.advance(seconds: 60)
    try history.perform(
      RecordedHistory.importing(
        """
        {"programs":[{"id":1,"name":"P","time_zone":"UTC","lead_time":"PT30M",
           "communication_codes":["sms","email"]}],
         "event_types":[{"id":1,"name":"E","user_group_ids":["g"]}],
         "user_groups":[{"id":"g","name":"G"}],
         "users":[{"id":"u","name":"Ana","user_group_ids":["g"],
           "contacts":{"sms":"+15551230001","email":"ana@example.com"}}]}
        """))
    history.advance(seconds: 60)
    try history.request("2026-11-23T18:02:00Z")
    history.advance(seconds: 60)
    try history.deliver(delaySeconds: delay) { _ in outcome }
    return history
  }

  private func told(_ history: RecordedHistory, at point: HistoryPoint? = nil) throws -> Told {
    let recheck = try history.recheck(at: point)
    #expect(recheck.findings == [])
    let account = try #require(try recheck.allAccounts().first)
    return try #require(account.modifications[0].told.first)
  }

  private func time(_ text: String) throws -> Instant {
    try #require(Instant(text: "2026-11-23T\(text).000000Z".utf8))
  }

  /// Moves the horizon behind the deadline.
  private func later(_ history: RecordedHistory) throws -> RecordedHistory {
    var history = history
    history.now = try time("20:00:00")
    try history.perform(RecordedHistory.importing(#"{"user_groups":[{"id":"h","name":"H"}]}"#))
    return history
  }

  @Test(
    "A proof at the deadline is on time, a later one late; minutes are rounded against the sender",
    arguments: [
      (29 * 60, Verdict.onTime, 0), (29 * 60 - 1, .onTime, 0), (28 * 60, .onTime, 1),
      (29 * 60 + 1, .late, 1), (30 * 60, .late, 1), (30 * 60 + 1, .late, 2),
    ] as [(Int64, Verdict, Int64)])
  func deadline(delay: Int64, verdict: Verdict, minutes: Int64) throws {
    let told = try told(attempted(.accepted, afterSeconds: delay))
    #expect(told.verdict == verdict)
    #expect(told.minutes == minutes)
    #expect(told.proof?.at == (try time("17:03:00")).adding(seconds: delay))
  }

  @Test("What the provider says of the time counts between attempt and result, not outside")
  func occurredAt() throws {
    let (sent, known) = (try time("17:03:00"), try time("17:43:00"))
    for (said, taken) in [
      (sent, sent), (try time("17:31:00"), try time("17:31:00")), (known, known),
      (sent.adding(seconds: -1), known), (known.adding(seconds: 1), known),
    ] {
      let history = try attempted(
        .reported(.delivered, .confirmedByCarrier, at: said), afterSeconds: 2_400)
      let told = try told(history)
      #expect(told.proof?.at == taken)
      #expect(told.verdict == (taken <= (try time("17:32:00")) ? .onTime : .late))
    }
  }

  @Test(
    "Without a proof it is open until the deadline, then unprovable or never",
    arguments: [
      (nil, Verdict.unprovable), (.unknown(.timeout), .unprovable),
      (.reported(.accepted, .none), .unprovable), (.reported(.inTransit, .none), .unprovable),
      (.refused, .never), (.busy, .never),
    ] as [(AttemptOutcome?, Verdict)])
  func unproven(outcome: AttemptOutcome?, verdict: Verdict) throws {
    let history = try attempted(outcome)
    #expect(try told(history).verdict == .open)
    let after = try told(later(history))
    #expect(after.verdict == verdict)
    #expect(after.minutes == nil && after.proof == nil)
    // At the deadline itself it is still to come.
    let limit = try time("17:32:00")
    #expect(try told(later(history), at: .recorded(limit)).verdict == .open)
    #expect(
      try told(later(history), at: .recorded(limit.adding(seconds: 1))).verdict == verdict)
  }

  @Test("Nobody's decision proves anything, an answer does, and a contradicted attempt doesn't")
  func otherEvidence() throws {
    var settled = try attempted(.unknown(.timeout))
    let attempt = try #require(settled.events.last { $0.type == .notificationAttempted }).id
    let dispatch = settled.lastDispatch
    try settled.perform(RecordedHistory.settle(attempt, .delivered))
    #expect(try told(later(settled)).verdict == .unprovable)

    for (at, taken) in [("17:20:00", "17:20:00"), ("19:00:00", "17:30:00")] {
      var answered = settled
      answered.now = try time("17:30:00")
      try answered.perform(
        RecordedHistory.acknowledge(
          dispatch, AuditedHistory.id("u"), #","opt":"in","at":"\#(try time(at).text)""#))
      let told = try told(later(answered))
      #expect(told.verdict == .onTime)
      #expect(told.proof?.at == (try time(taken)))
      #expect(told.proof?.evidence == .answered)
    }

    var contradicted = try attempted(.reported(.delivered, .confirmedByCarrier))
    let sent = try #require(contradicted.events.last { $0.type == .notificationAttempted }).id
    #expect(try told(contradicted).verdict == .onTime)
    try contradicted.record(
      try contradicted.decider().record(
        .reported(.undelivered, .acceptedByProvider), of: sent))
    #expect(try told(later(contradicted)).verdict == .unprovable)

    // Also where the stronger one says that it didn't arrive.
    var bounced = try attempted(.accepted)
    let last = try #require(bounced.events.last { $0.type == .notificationAttempted }).id
    for (outcome, evidence, verdict) in [
      (.undelivered, .handedOver, .never), (.delivered, .acceptedByProvider, .unprovable),
    ] as [(OutcomeClass, EvidenceStrength, Verdict)] {
      try bounced.record(
        try bounced.decider().record(.reported(outcome, evidence), of: last))
      #expect(try told(later(bounced)).verdict == verdict)
    }
  }

  @Test("A clock that was behind gives the moment, and the verdict is marked")
  func clock() throws {
    var history = try attempted(nil)
    let attempt = try #require(history.events.last { $0.type == .notificationAttempted }).id
    history.now = try time("17:32:30")
    try history.record(
      try history.decider().record(.accepted, of: attempt), clockBehind: 45)
    let told = try told(history)
    #expect(told.verdict == .onTime && told.proof?.isByClock == true)
    #expect(told.proof?.at == (try time("17:31:45")))
    let notes = try history.recheck().notes
    #expect(notes.map(\.kind) == [.clock])
    #expect(notes.first?.message == "the clock was behind by up to 45.000000 s")
  }

  @Test(
    "The lead time is the one that stood at the request, and what ends a dispatch has no deadline")
  func leadTime() throws {
    var history = try attempted(.accepted, afterSeconds: 28 * 60)
    try history.perform(
      RecordedHistory.importing(
        """
        {"programs":[{"id":1,"name":"P","time_zone":"UTC","lead_time":"PT59M",
           "communication_codes":["sms","email"]}]}
        """))
    history.now = try time("18:10:00")
    try history.perform(RecordedHistory.change("end", history.lastDispatch))
    try history.deliver()
    let recheck = try history.recheck()
    #expect(recheck.findings == [])
    let modifications = try #require(try recheck.allAccounts().first).modifications
    #expect(modifications.map(\.deadline) == [try time("17:32:00"), nil])
    #expect(modifications[0].told.map(\.verdict) == [.onTime])
    #expect(modifications[1].told.map(\.verdict) == [nil])
    #expect(modifications[1].told.first?.proof != nil)
  }

  @Test("Known at a time, only what was recorded by then proves anything")
  func known() throws {
    let history = try attempted(
      .reported(.accepted, .acceptedByProvider, at: try time("17:20:00")), afterSeconds: 1_500)
    #expect(try told(history, at: .known(try time("17:19:00"))).verdict == .open)
    #expect(try told(history, at: .known(try time("17:28:00"))).verdict == .onTime)
    // The result is recorded at 17:28:00, whatever it tells of.
    #expect(try told(history, at: .known(try time("17:27:59"))).proof == nil)
  }
}
