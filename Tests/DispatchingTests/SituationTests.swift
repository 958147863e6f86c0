import Bytes
import Dispatching
import Events
import Testing

/// The market's situations that a dispatch and its notices have to survive.
@Suite("Situations to survive")
struct SituationTests {
  private func world(_ policies: String = "", at time: String = "2026-07-01T12:00:00Z") throws
    -> World
  {
    var world = try World(at: time)
    try world.importing(smallCatalogue)
    if !policies.isEmpty {
      try world.importing(
        #"""
        {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
          "communication_codes":["sms","email","console"],"lead_time":"PT30M",\#(policies)}]}
        """#)
    }
    return world
  }

  private func result(_ members: String) -> String { #"{"command":"result",\#(members)}"# }

  @Test("Situation 2: a result that comes before the provider's id is known is taken once it is")
  func resultBeforeID() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00")
    let attempt = try #require(try world.attemptAll().first).id
    let early = [
      #""provider_id":"SM1","outcome":"in-transit""#,
      #""provider_id":"SM1","outcome":"delivered","code":"0","at":"2026-07-01T12:00:02Z""#,
      #""provider_id":"SM2","outcome":"delivered""#,
    ]
    for members in early {
      #expect(try world.perform(result(members)).drafts.map(\.type) == [.deliveryUnmatched])
    }
    let first = world.nextID - 3
    #expect(world.notices(of: dispatch)[0].standing.state == .attempted)
    let drafts = try world.decider.record(
      .reported(
        ChannelReport(outcome: .accepted, evidence: .acceptedByProvider, providerID: "SM1")),
      of: attempt)
    try world.record(drafts)
    let taken = drafts.compactMap { draft -> EventID?? in
      guard case .deliveryRecorded(let recorded) = draft.payload else { return nil }
      #expect(recorded.attempt == attempt && recorded.providerID == "SM1")
      return .some(recorded.unmatched)
    }
    #expect(taken == [nil, first, first + 1])
    let standing = try #require(world.state.attempt(attempt)).standing
    #expect(standing.fate == .reported(.delivered) && standing.evidence == .confirmedByCarrier)
    // What is taken isn't taken again; what is another's stays.
    #expect(world.state.unmatchedResults(of: "SM1").isEmpty)
    #expect(world.state.unmatchedResults(of: "SM2").count == 1)
    #expect(
      try world.perform(result(#""provider_id":"SM1","outcome":"delivered""#)).drafts.map(\.type)
        == [.deliveryRecorded])
  }

  @Test("Situation 3: delivered and then sent, and the same twice, leave it delivered and are kept")
  func deliveredThenSent() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00")
    let attempt = try #require(try world.attemptAll().first).id
    let before = world.events.count
    for outcome in ["delivered", "in-transit", "delivered", "accepted"] {
      try world.perform(result(#""attempt":"\#(attempt)","outcome":"\#(outcome)""#))
    }
    #expect(world.events[before...].map(\.type) == Array(repeating: .deliveryRecorded, count: 4))
    let standing = try #require(world.state.attempt(attempt)).standing
    #expect(standing.fate == .reported(.delivered) && !standing.isContradicted)
    #expect(world.notices(of: dispatch)[0].standing.evidence == .confirmedByCarrier)
  }

  @Test("Situation 4: an opt-out between resolution and sending leaves the channel, or all, out")
  func optOutBeforeSending() throws {
    for (scope, channels, reason) in [
      (#","channel":"sms""#, ["email"], nil), ("", [], SuppressionReason.optedOut),
      (#","program_id":1"#, [], .optedOut), (#","program_id":1,"channel":"email""#, ["sms"], nil),
    ] {
      var world = try world()
      let dispatch = try world.request("07/01/2026 14:00")
      try world.perform(#"{"command":"opt-out","user_id":"u-1"\#(scope)}"#)
      let attempts = try world.attemptAll().compactMap { event -> String? in
        guard case .notificationAttempted(let attempt) = event.payload,
          attempt.userID.text == "u-1"
        else { return nil }
        return attempt.channel.text
      }
      #expect(attempts == channels)
      #expect(world.notices(of: dispatch)[0].standing.reason == reason)
    }
  }

  @Test("Situation 5: modification 2 while retries of 1 are queued supersedes them, for good")
  func modifiedDuringRetry() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00")
    let attempts = try world.attemptAll()
    for attempt in attempts {
      try world.record(
        try world.decider.record(
          .reported(ChannelReport(outcome: .failed, evidence: .none, isRetryable: true)),
          of: attempt.id))
    }
    #expect(world.notices(of: dispatch, 1).allSatisfy { $0.standing.state == .pending })
    try world.modify(dispatch, #""start_time":"07/01/2026 15:00""#)
    #expect(world.notices(of: dispatch, 1).allSatisfy { $0.standing.reason == .superseded })
    world.advance(seconds: 600)
    let later = try world.attemptAll().compactMap { event -> Int? in
      guard case .notificationAttempted(let attempt) = event.payload else { return nil }
      return attempt.modification
    }
    #expect(later == [2, 2])
    // A late failure of modification 1 leads to no try any more.
    #expect(
      try world.perform(
        result(#""attempt":"\#(attempts[0].id)","outcome":"failed","retryable":true"#)
      ).drafts.map(\.type) == [.deliveryRecorded])
  }

  @Test(
    "Situation 6: cancel after the cancel deadline",
    arguments: [
      (3_600 as Int64, false), (3_599, true), (0, true), (-600, true),
    ])
  func lateCancel(secondsBefore: Int64, isLate: Bool) throws {
    var world = try world(#""cancel_deadline":"PT1H""#)
    let start = world.now.adding(seconds: secondsBefore)
    let dispatch = try world.request(start.text, start.adding(seconds: 7_200).text)
    try world.attemptAll()
    let decision = try world.change("cancel", dispatch)
    guard case .dispatchCancelled(let cancelled)? = decision.drafts.first?.payload else {
      Issue.record("\(decision)")
      return
    }
    #expect(cancelled.isLate == isLate)
    // People are told all the same.
    #expect(try world.attemptAll().count == 2)
    // Without a deadline nothing is said of it.
    var free = try self.world()
    let other = try free.request("07/01/2026 14:00")
    guard
      case .dispatchCancelled(let plain)? = try free.change("cancel", other).drafts.first?.payload
    else { return }
    #expect(plain.isLate == nil)
  }

  @Test(
    "Situation 7: overlapping and back-to-back dispatches are each told, changed and answered alone"
  )
  func overlapping() throws {
    var world = try world()
    let one = try world.request("07/01/2026 14:00", "07/01/2026 16:00")
    let inside = try world.request("07/01/2026 15:00", "07/01/2026 15:30")
    let behind = try world.request("07/01/2026 16:00", "07/01/2026 17:00")
    #expect(try world.attemptAll().count == 6)
    try world.acknowledge(inside, "u-1")
    try world.change("cancel", one)
    for (dispatch, modification, evidence) in [
      (one, 1, EvidenceStrength.none), (inside, 1, .acknowledged), (behind, 1, .none),
    ] {
      #expect(world.notices(of: dispatch, modification)[0].standing.evidence == evidence)
    }
    #expect(world.state.dispatch(one)?.isCancelled == true)
    #expect(world.state.dispatch(inside)?.modification == 1)
    // At the instant at which one ends and the next begins, only the next is on.
    let start = try Instant("2026-07-01T20:00:00Z")
    let phases = [inside, behind].compactMap { world.state.dispatch($0) }.map {
      DispatchPhase(
        start: $0.start.instant, end: $0.end?.instant, isCancelled: false,
        leadTime: ISODuration("PT30M") ?? world.noTime, now: start)
    }
    #expect(phases == [.completed, .active])
  }

  @Test("Situation 8: open-ended, then announced to end, then ended earlier than announced")
  func endedEarlier() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 08:00")
    world.advance(seconds: 60)
    #expect(try world.modify(dispatch, #""end_time":"07/01/2026 12:00""#).codes.isEmpty)
    world.advance(seconds: 3_600)
    #expect(try world.change("end", dispatch).codes.isEmpty)
    let stands = try #require(world.state.dispatch(dispatch))
    #expect(stands.modification == 3 && stands.end?.instant == world.now)
    #expect((1...3).map { stands.noticeKind(of: $0) } == [.start, .update, .end])
    #expect(try world.modify(dispatch, #""open_ended":true"#).codes == ["already-completed"])
    #expect(try world.acknowledge(dispatch, "u-1").codes.isEmpty)
  }

  @Test("Situation 9: a lead time of 21 hours is elapsed time, over a gap and over a fold")
  func leadTime() throws {
    let policies = #""lead_time":"PT21H""#
    for (start, deadline) in [
      // Clocks in New York go forward on 8 March at 07:00 UTC, back on 1 November at 06:00 UTC.
      ("03/08/2026 12:00", "2026-03-07T19:00:00Z"), ("11/01/2026 12:00", "2026-10-31T20:00:00Z"),
    ] {
      for (offset, late) in [(0 as Int64, false), (1, true)] {
        var world = try World(at: try Instant(deadline).adding(seconds: offset).text)
        try world.importing(
          smallCatalogue.replacing(#""lead_time":"PT30M""#, with: policies))
        let dispatch = try world.request(start)
        #expect(world.state.dispatch(dispatch)?.request.isLate == late, "\(start)")
        let modified = try world.modify(dispatch, #""end_time":"12/24/2026 12:00""#)
        guard case .dispatchModified(let change)? = modified.drafts.first?.payload else { return }
        #expect(change.isLate == late, "\(start)")
      }
    }
  }

  @Test(
    "Situation 9: a modify to a time in a gap is refused, and to one that comes twice asks which")
  func modifiedIntoGapAndFold() throws {
    var world = try world(at: "2026-03-01T12:00:00Z")
    let dispatch = try world.request("03/08/2026 01:00", "03/08/2026 04:00")
    #expect(
      try world.modify(dispatch, #""start_time":"03/08/2026 02:30""#).codes == ["time-in-gap"])
    let end = #""end_time":"11/01/2026 01:30""#
    #expect(try world.modify(dispatch, end).codes == ["time-ambiguous"])
    for (fold, instant) in [
      ("first", "2026-11-01T05:30:00Z"), ("second", "2026-11-01T06:30:00Z"),
    ] {
      #expect(try world.modify(dispatch, end + #","fold":"\#(fold)""#).codes.isEmpty)
      let stands = try #require(world.state.dispatch(dispatch)?.end)
      #expect(stands.instant == (try Instant(instant)) && stands.fold?.rawValue == fold)
    }
  }

  @Test("Situation 10: a group edited after resolution changes nothing until somebody modifies")
  func groupEdited() throws {
    var world = try world(#""enrollment_required":true"#)
    try world.perform(#"{"command":"enroll","user_id":"u-1","program_id":1}"#)
    let dispatch = try world.request("07/01/2026 08:00")
    #expect(world.notices(of: dispatch).map(\.key.userID.text) == ["u-1"])
    // Bo is enrolled mid-dispatch, backdated even; Ana withdraws.
    world.advance(seconds: 600)
    try world.perform(
      #"{"command":"enroll","user_id":"u-2","program_id":1,"at":"2026-07-01T00:00:00Z"}"#)
    try world.perform(#"{"command":"withdraw","user_id":"u-1","program_id":1}"#)
    #expect(world.notices(of: dispatch).map(\.key.userID.text) == ["u-1"])
    #expect(try world.attemptAll().count == 1)
    try world.modify(dispatch, #""end_time":"07/01/2026 12:00""#)
    // Ana was told, so she is told what became of it; Bo is enrolled now.
    #expect(world.notices(of: dispatch, 2).map(\.key.userID.text) == ["u-1", "u-2"])
    let next = try world.request("07/01/2026 18:00")
    #expect(world.notices(of: next).map(\.key.userID.text) == ["u-2"])
    #expect(
      world.resolutions(of: next, modification: 1)[0].exclusions.map(\.reason) == [.withdrawn])
  }

  @Test("Situation 11: a drill to real contacts says TEST in all that it sends, and isn't modified")
  func drill() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 08:00", nil, #","test":true"#)
    func tests() throws -> [Bool] {
      let plan = try world.decider.planNotices(limit: 9) { _ in true }
      #expect(plan.attempts.allSatisfy { $0.text.subject.contains("TEST") && $0.isTest })
      return try world.attemptAll().compactMap { event in
        guard case .notificationAttempted(let attempt) = event.payload else { return nil }
        return attempt.isTest
      }
    }
    #expect(try tests() == [true, true])
    #expect(
      try world.modify(dispatch, #""end_time":"07/01/2026 12:00""#).codes == ["test-dispatch"])
    try world.change("end", dispatch)
    #expect(try tests() == [true, true])
  }

  @Test("Situation 12: the clock steps back, and answers and changes keep the order of the log")
  func clockBack() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00")
    try world.attemptAll()
    // An event's time is never before the one in front of it; the answer says when it was given.
    let earlier = world.now.adding(seconds: -30).text
    let decision = try world.acknowledge(dispatch, "u-1", #","at":"\#(earlier)""#)
    guard case .acknowledgementRecorded(let answer)? = decision.drafts.first?.payload else {
      return
    }
    #expect(answer.at.text == earlier && answer.marks.isEmpty)
    #expect(try world.modify(dispatch, #""end_time":"07/01/2026 15:00""#).codes.isEmpty)
    #expect(world.events.map(\.time) == world.events.map(\.time).sorted())
    #expect(world.state.dispatch(dispatch)?.modification == 2)
  }

  @Test("Situation 13: what tells two calls apart is what was typed, and nothing that time adds")
  func sameKey() throws {
    func bytes(_ line: String) throws -> [UInt8] {
      Command.canonicalBytes(of: [try Command(parsing: Array(line.utf8))])
    }
    let id = try id("d-1")
    let modify = World.modify(id, #""open_ended":true"#)
    #expect(try bytes(modify) == (try bytes(modify)))
    #expect(
      try bytes(modify)
        == (try bytes(
          #"{"open_ended":true, "reason":"because","dispatch_id":"d-1","command":"modify"}"#)))
    #expect(
      try bytes(modify) != (try bytes(World.modify(id, #""open_ended":true,"fold":"first""#))))
    let answer = #"{"command":"acknowledge","dispatch_id":"d-1","user_id":"u""#
    #expect(try bytes(answer + "}") != (try bytes(answer + #","opt":"in"}"#)))
    #expect(try bytes(answer + "}") != (try bytes(answer + #","modification":1}"#)))
    #expect(
      try bytes(#"{"command":"opt-out","user_id":"u"}"#)
        != (try bytes(#"{"command":"opt-in","user_id":"u"}"#)))
  }

  @Test("Situation 16: answers of a stranger, for an old modification, after the end: kept, marked")
  func unusualAnswers() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 08:00", "07/01/2026 09:00")
    try world.attemptAll()
    try world.modify(dispatch, #""end_time":"07/01/2026 10:00""#)
    try world.attemptAll()
    world.advance(seconds: 3 * 3_600)
    let decision = try world.acknowledge(dispatch, "u-3", #","modification":1,"opt":"in""#)
    guard case .acknowledgementRecorded(let answer)? = decision.drafts.first?.payload else {
      return
    }
    #expect(answer.marks.map(\.rawValue) == ["late", "stranger", "old-modification"])
    #expect(decision.drafts.count == 1)
    #expect(
      world.state.answers(
        of: NoticeKey(
          dispatchID: dispatch, modification: 1, userID: try id("u-3"))
      ).map(\.opt) == [.optIn])
    // A stranger's answer moves nobody's notice.
    #expect(world.notices(of: dispatch, 2).allSatisfy { $0.standing.evidence == .none })
  }
}

extension World {
  fileprivate var noTime: ISODuration {
    guard let none = ISODuration("PT0S") else { fatalError("PT0S is a duration") }
    return none
  }
}
