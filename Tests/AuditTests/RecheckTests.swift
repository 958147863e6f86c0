import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Testing

@Suite("Rechecking")
struct RecheckTests {
  private func kinds(_ history: RecordedHistory) throws -> [String] {
    try history.recheck().findings.map { "\($0.event) \($0.kind.rawValue)" }
  }

  /// Three hundred recipients, so two chunks, each in a commit of its own.
  private func chunked() throws -> RecordedHistory {
    var history = try RecordedHistory()
    history.advance(seconds: 60)
    let users = (0..<300).map {
      #"{"id":"u-\#($0)","name":"N","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}"#
    }
    try history.perform(
      RecordedHistory.importing(
        """
        {"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":["sms"]}],
         "event_types":[{"id":1,"name":"E","user_group_ids":["g"]}],
         "user_groups":[{"id":"g","name":"G"}],"users":[\(users.joined(separator: ","))]}
        """))
    try history.request("2026-11-24T00:00:00Z", parts: 2)
    return history
  }

  @Test("Between a request and its last chunk only the ledger may speak")
  func order() throws {
    let history = try chunked()
    let commits = history.commits
    let last = commits.count - 1
    #expect(commits[last].count == 1 && commits[last - 1].count == 2)
    func with(_ payload: EventPayload) throws -> [String] {
      // The event takes the chunk's place, and the chunk the next.
      var between = RecordedHistory.copy(of: Array(commits[..<last]), at: history.now)
      let event = try between.record([EventDraft(payload, decider: 1)])[0]
      try between.record(commits[last].map { RecordedHistory.draft(of: $0) })
      #expect(event.id == commits[last][0].id)
      return try kinds(between)
    }
    let digest = try #require(RecordedHistory.digest)
    #expect(
      try with(
        .ledgerRecovered(
          LedgerRecovered(
            file: "f", segment: 0, offset: 1, length: 1, digest: digest, state: .torn))) == [])
    let id = commits[last][0].id
    #expect(
      try with(.userGroupDefined(UserGroupDefined(id: AuditedHistory.id("h"), name: "H")))
        == ["\(id) order"])

    var early = RecordedHistory.copy(of: Array(commits[..<last]), at: history.now)
    let key = NoticeKey(
      dispatchID: history.lastDispatch, modification: 1, userID: AuditedHistory.id("u-0"))
    try early.record([
      EventDraft(
        .notificationAttempted(
          NotificationAttempted(
            dispatchID: key.dispatchID, modification: 1, userID: key.userID,
            channel: try #require(ChannelCode("sms")), number: 1, kind: .start, isLate: false,
            isTest: false, address: 5, template: .builtin, textHMAC: digest,
            channelKind: try #require(CodeWord("spool")), channelSettings: digest)), decider: 1)
    ])
    #expect(try kinds(early).contains("\(id) order"))
    #expect(try kinds(early).contains { $0.hasSuffix(" missing") })
  }

  @Test("A log that ends between two chunks isn't wrong, and the note says so")
  func unfinished() throws {
    let history = try chunked()
    let recheck = try RecordedHistory.recheck(Array(history.commits.dropLast()))
    #expect(recheck.findings == [])
    #expect(recheck.notes.map(\.kind) == [.unfinished])
    // A request without any chunk is: nobody would ever finish it.
    var alone = history.commits.dropLast()
    let request = alone.removeLast()
    let findings = try RecordedHistory.recheck(alone + [[request[0]]]).findings
    #expect(findings.map(\.kind) == [.missing, .missing])
    #expect(findings.allSatisfy { $0.event == request[0].id })
  }

  @Test("What rules decided that aren't here is said, not guessed")
  func foreignRules() throws {
    let history = try RecheckStory.requested { drafts in
      for index in drafts.indices { drafts[index].decider = 7 }
      RecheckStory.edit(&drafts, EventPayload.recipientsResolved) { $0.recipients.removeLast() }
      RecheckStory.edit(&drafts, EventPayload.recipientsResolved) {
        $0.totals?.recipients -= 1
      }
    }
    let recheck = try history.recheck()
    #expect(recheck.findings == [])
    #expect(recheck.omissions.first?.what == "what rules 7 decided (events: 2)")
    // The books are balanced whoever decided.
    let unbalanced = try RecheckStory.requested { drafts in
      for index in drafts.indices { drafts[index].decider = 7 }
      RecheckStory.edit(&drafts, EventPayload.recipientsResolved) { $0.recipients.removeLast() }
    }
    #expect(try unbalanced.recheck().findings.map(\.kind) == [.books, .books])
  }

  @Test("Today's zone database makes a note where it differs, never a finding")
  func zones() throws {
    var history = try RecheckStory.requested()
    try history.request("03/08/2026 02:30")
    try history.request("11/01/2026 01:30")
    try history.request("11/01/2026 01:30", members: #","fold":"second""#)
    let reader = try LogReader(
      try RecordedHistory.disk(history.commits), identity: AuditedHistory.identity)
    func notes(_ find: @escaping (ZoneName) -> ZoneRules?) throws -> [Note] {
      let recheck = try Recheck(reader, today: TodaysZones(tzdata: "2031a", find: find))
      #expect(recheck.findings == [])
      return recheck.notes
    }
    #expect(try notes(Zones.rules) == [])
    let abolished = try notes { _ in .fixed(offsetSeconds: -14_400) }
    #expect(abolished.allSatisfy { $0.kind == .zone })
    // Start and end of the first request, the gap, the ambiguous one, and the second of two.
    #expect(abolished.count == 5)
    #expect(
      abolished[0].message
        == "start 11/23/2026 21:04 was 2026-11-24T02:04:00.000000Z by test; "
        + "by today's zone database 2031a it is 2026-11-24T01:04:00.000000Z")
    #expect(try notes { _ in nil }.count == 3)
  }

  @Test("A rejection for a time whose zone isn't asked stands as its reasons say")
  func rejectedTimes() throws {
    var history = try RecheckStory.requested()
    for (start, end) in [
      ("03/08/2026 02:30", nil), ("11/01/2026 01:30", "11/01/2026 01:30"),
      ("11/24/2026 09:00", "11/24/2026 08:59"), ("11/24/2026 09:00", "2026-11-24T13:59:00Z"),
      ("2026-11-24T14:00:00Z", "11/24/2026 08:59"), ("03/08/2026 02:30", "2026-03-08T00:00:00Z"),
    ] as [(String, String?)] {
      try history.request(start, end: end)
    }
    #expect(try history.recheck().findings == [])
    let rejections = history.events.filter { $0.type == .dispatchRejected }
    #expect(rejections.count == 6)
    // An instant that no clock's offset could bring before the start is no rejection.
    try history.request("11/24/2026 09:00", end: "2026-11-24T13:59:00Z") { drafts in
      RecheckStory.edit(&drafts, EventPayload.dispatchRejected) {
        $0.request["end_time"] = "2026-11-27T00:00:00Z"
        $0.reasons[0].message =
          "the end 2026-11-27T00:00:00Z is not after the start 11/24/2026 09:00"
      }
    }
    #expect(try history.recheck().findings.map(\.kind) == [.shouldBeAccepted])
  }

  @Test("An import's events are checked one by one")
  func catalogue() throws {
    let one = AuditedHistory.id("1")
    let (user, nobody) = (AuditedHistory.id("u-1"), AuditedHistory.id("nobody"))
    let base = try RecheckStory.requested()
    let definition = try #require(base.state.user(user)?.definition)
    let group = try #require(base.state.userGroup(AuditedHistory.id("g"))?.definition)
    var moved = definition
    moved.userGroupIDs = [nobody]
    let program = try #require(base.state.program(one)?.definition)
    var picky = program
    picky.eventTypeIDs = [nobody]
    for (payload, kind) in [
      (.userDefined(definition), .unexpected), (.userGroupDefined(group), .unexpected),
      (.programDefined(program), .unexpected), (.userDefined(moved), .dangling),
      (.programDefined(picky), .dangling),
      (.userEnrolled(UserEnrolled(userID: nobody, programID: one, at: base.now)), .dangling),
      (.userEnrolled(UserEnrolled(userID: user, programID: nobody, at: base.now)), .dangling),
      (.userWithdrawn(UserWithdrawn(userID: nobody, programID: one, at: base.now)), .dangling),
      (.userOptedOut(UserOptedOut(userID: user, programID: nobody)), .dangling),
      (.userOptedIn(UserOptedIn(userID: nobody)), .dangling),
    ] as [(EventPayload, Finding.Kind)] {
      var history = base
      let event = try history.record(payload)
      #expect(try kinds(history) == ["\(event.id) \(kind.rawValue)"], "\(payload)")
    }
    var erased = base
    try erased.record(.userErased(UserErased(userID: user)))
    let event = try erased.record(.userDefined(definition))
    #expect(try kinds(erased) == ["\(event.id) unexpected"])
    for payload in [UserErased(userID: user), UserErased(userID: nobody)] {
      let event = try erased.record(.userErased(payload))
      let kind = payload.userID == user ? "unexpected" : "dangling"
      #expect(try kinds(erased).last == "\(event.id) \(kind)")
    }
  }

  @Test("A missing key is taken as it is said, in place of an attempt and of nothing else")
  func missingKey() throws {
    var history = try RecheckStory.requested()
    try history.request("11/23/2026 23:04", end: "11/23/2026 23:30")
    let plan = try history.decider().planNotices(limit: 9) { _ in true }
    let first = try #require(plan.attempts.first)
    var rest = plan
    rest.attempts.removeFirst()
    let digest = try #require(RecordedHistory.digest)
    let identity = ChannelIdentity(kind: try #require(CodeWord("spool")), settings: digest)
    let decider = history.decider()
    var recorded = history
    try recorded.record(
      rest.heldBack + [decider.suppressedWithoutKey(first)]
        + rest.attempts.map { decider.attempted($0, through: identity, textHMAC: digest) })
    #expect(try kinds(recorded) == [])
    // Of a user whose notice isn't due, it is another matter.
    let event = try recorded.record([decider.suppressedWithoutKey(first)])[0]
    #expect(try kinds(recorded) == ["\(event.id) unexpected"])
  }

  @Test("Losses and settlements fit what is known of the attempt")
  func losses() throws {
    let base = try RecheckStory.requested()
    let attempt = try #require(base.events.last { $0.type == .notificationAttempted }).id
    let dispatch = base.lastDispatch
    for payload in [
      .deliveryUnknown(DeliveryUnknown(attempt: attempt, dispatchID: dispatch, reason: .crash)),
      .deliverySettled(
        DeliverySettled(attempt: attempt, dispatchID: dispatch, decision: .resend, reason: "r")),
      .notificationDeferred(
        NotificationDeferred(
          dispatchID: dispatch, modification: 1, userID: AuditedHistory.id("u-1"),
          channel: try #require(ChannelCode("sms")), kind: .start, until: base.now, reason: .retry)),
    ] as [EventPayload] {
      var history = base
      let event = try history.record([
        EventDraft(
          payload, causation: attempt, correlation: dispatch.text, decider: 1)
      ])[0]
      #expect(try kinds(history) == ["\(event.id) unexpected"], "\(payload)")
    }
  }

  @Test("What was unmatched is taken once, where a result names the provider's id first")
  func unmatched() throws {
    var history = try RecheckStory.requested()
    try history.request("11/23/2026 21:05")
    for outcome in ["in-transit", "delivered"] {
      try history.perform(
        #"{"command":"result","provider_id":"SM1","outcome":"\#(outcome)","detail":"+1555"}"#)
    }
    try history.deliver(limit: 1) { _ in
      .reported(
        ChannelReport(outcome: .accepted, evidence: .acceptedByProvider, providerID: "SM1"))
    }
    #expect(try kinds(history) == [])
    let commits = history.commits
    let last = try #require(commits.last)
    #expect(last.count == 3)
    func with(_ change: (inout [EventDraft]) -> Void) throws -> [String] {
      var other = RecordedHistory.copy(of: Array(commits.dropLast()), at: history.now)
      var drafts = last.map(RecordedHistory.draft)
      change(&drafts)
      try other.record(drafts)
      return try kinds(other)
    }
    #expect(try with { _ in } == [])
    #expect(try with { $0.removeLast() } == ["\(last[0].id) missing"])
    #expect(try with { $0.remove(at: 1) } == ["\(last[0].id) missing"])
    #expect(
      try with { drafts in
        RecheckStory.edit(&drafts, EventPayload.deliveryRecorded) { $0.unmatched = nil }
      }.allSatisfy { $0.hasSuffix(" missing") })
    #expect(
      try with { drafts in
        RecheckStory.edit(&drafts, EventPayload.deliveryRecorded) {
          if $0.unmatched != nil { $0.outcome = .failed }
        }
      }.filter { $0.hasSuffix(" differs") }.count == 2)
    // The same a second time: nothing is left to take.
    var twice = history
    try twice.record(last.dropFirst().map(RecordedHistory.draft))
    #expect(
      try kinds(twice)
        == last.dropFirst().indices.map {
          "\(last[0].id + UInt64(last.count) + UInt64($0) - 1) unexpected"
        })
  }

  @Test("An attempt whose notice was settled, or told, is one too many")
  func afterSettlement() throws {
    for decision in Settlement.allCases {
      var history = try RecheckStory.requested()
      try history.request("11/23/2026 21:05")
      let attempts = try history.deliver { _ in .unknown(.timeout) }
      let event = try #require(attempts.last)
      guard case .notificationAttempted(var attempt) = event.payload else { return }
      try history.perform(RecordedHistory.settle(event.id, decision))
      attempt.number += 1
      let again = try history.record([
        EventDraft(
          .notificationAttempted(attempt), causation: event.causation,
          correlation: event.correlation, decider: 1)
      ])[0]
      // Only what is to be sent again may be.
      #expect(
        try kinds(history) == (decision == .resend ? [] : ["\(again.id) unexpected"]),
        "\(decision)")
    }
  }

  @Test("What was overdue when it was recorded has its grace from then on")
  func overdue() throws {
    // The grace is 15 minutes.
    for (pause, expected) in [(0, []), (900, []), (901, ["missing"])] as [(Int64, [String])] {
      var history = try RandomHistory(seed: 3, steps: 0).history
      let overdue = history.now.adding(seconds: -7_200).text
      try history.request(
        history.now.adding(seconds: 9_000).text, members: #","execute_at":"\#(overdue)""#)
      #expect(history.events.contains { $0.type == .dispatchScheduled })
      history.advance(seconds: pause)
      let scheduled = history
      try history.perform(RecordedHistory.change("cancel", history.lastDispatch))
      let cancelled = try history.recheck().findings.map(\.kind.rawValue)
      #expect(cancelled == expected, "cancelled after \(pause) s")
      history = scheduled
      try history.record(
        .userErased(UserErased(userID: AuditedHistory.id("u-1"))))
      let ended = try history.recheck().findings.map(\.kind.rawValue)
      #expect(ended == expected, "after \(pause) s")
    }
  }

  @Test("Findings are counted beyond those that are listed")
  func limits() throws {
    var history = try RecordedHistory()
    let nobody = AuditedHistory.id("nobody")
    for _ in 0..<5 {
      try history.record(
        (0..<250).map { _ in EventDraft(.userOptedOut(UserOptedOut(userID: nobody)), decider: 1) })
    }
    let recheck = try history.recheck()
    #expect(recheck.findingCount == 1_250)
    #expect(recheck.findings.count == 1_000)
  }
}
