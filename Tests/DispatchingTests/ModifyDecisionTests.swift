import Bytes
import Dispatching
import Events
import Testing

@Suite("Modifying")
struct ModifyDecisionTests {
  private func world() throws -> World {
    var world = try World()
    try world.importing(smallCatalogue)
    return world
  }

  @Test("A modify raises the number, keeps what isn't changed, and supersedes what waits")
  func modify() throws {
    var world = try world()
    // 08:00 in New York is now; the dispatch begins in six hours.
    let dispatch = try world.request(
      "07/01/2026 14:00", "07/01/2026 16:00", #","note":"feeder 12""#)
    let before = try #require(world.state.dispatch(dispatch))
    let first = world.nextID
    let decision = try world.modify(dispatch, #""end_time":"07/01/2026 17:30""#)
    #expect(
      decision.drafts.map(\.type) == [
        .dispatchModified, .recipientsResolved, .notificationSuppressed, .notificationSuppressed,
      ])
    #expect(decision.drafts.map(\.causation) == [nil, first, first, first])
    guard case .dispatchModified(let modified) = decision.drafts[0].payload,
      case .recipientsResolved(let chunk) = decision.drafts[1].payload,
      case .notificationSuppressed(let suppressed) = decision.drafts[2].payload
    else { return }
    #expect(modified.modification == 2 && modified.reason == "because" && !modified.isLate)
    #expect(modified.start == before.start)
    #expect(modified.end?.instant == (try Instant("2026-07-01T21:30:00Z")))
    #expect(modified.end?.text == "07/01/2026 17:30")
    #expect(modified.attributes == before.request.attributes)
    #expect(chunk.basis == .rulesAndEarlierRecipients && chunk.modification == 2)
    #expect(chunk.recipients.map(\.userID.text) == ["u-1", "u-2"])
    #expect(suppressed.modification == 1 && suppressed.reason == .superseded)
    let stands = try #require(world.state.dispatch(dispatch))
    #expect(stands.modification == 2 && stands.end == modified.end && stands.start == before.start)
    #expect(world.notices(of: dispatch, 1).allSatisfy { $0.standing.state == .suppressed })
    #expect(world.notices(of: dispatch, 2).allSatisfy { $0.standing.state == .pending })
  }

  @Test("A dispatch that waits is changed without a resolution: whom it concerns is decided later")
  func waiting() throws {
    var world = try world()
    let dispatch = try world.request(
      "07/01/2026 14:00", "07/01/2026 16:00", #","execute_at":"07/01/2026 12:00""#)
    #expect(world.notices(of: dispatch, 1).isEmpty)
    let decision = try world.modify(dispatch, #""end_time":"07/01/2026 17:30""#)
    #expect(decision.drafts.map(\.type) == [.dispatchModified])
    world.now = try Instant("2026-07-01T16:00:00Z")
    let due = try world.decider.decideDue(limit: 9)
    #expect(due.map(\.type) == [.dispatchTriggered, .recipientsResolved])
    try world.record(due)
    #expect(world.notices(of: dispatch, 2).count == 2)
  }

  @Test(
    "It is told as an extension exactly where the start stays and the end comes later or goes",
    arguments: [
      (#""end_time":"07/01/2026 16:01""#, NoticeKind.extend),
      (#""open_ended":true"#, .extend),
      (#""end_time":"07/01/2026 15:59""#, .update),
      (#""start_time":"07/01/2026 13:00","end_time":"07/01/2026 17:00""#, .update),
      (#""start_time":"2026-07-01T18:00:00Z","end_time":"07/01/2026 17:00""#, .extend),
    ])
  func kind(fields: String, kind: NoticeKind) throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00", "07/01/2026 16:00")
    try world.modify(dispatch, fields)
    #expect(world.state.dispatch(dispatch)?.noticeKind(of: 2) == kind)
    // What is open-ended already can only be cut short.
    let open = try world.request("07/01/2026 14:00")
    try world.modify(open, #""end_time":"07/01/2026 23:00""#)
    #expect(world.state.dispatch(open)?.noticeKind(of: 2) == .update)
  }

  @Test("Whoever was told stays a recipient, whatever group or enrollment says now")
  func earlierRecipients() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00")
    // Ana leaves the group, Bo refuses all, Cy comes in.
    try world.importing(
      """
      {"users":[
        {"id":"u-1","name":"Ana","user_group_ids":[],
         "contacts":{"sms":"+15551230001","email":"ana@example.com"}},
        {"id":"u-2","name":"Bo","user_group_ids":["g"],"opt_outs":[{}],
         "contacts":{"email":"bo@example.com"}},
        {"id":"u-3","name":"Cy","user_group_ids":["g"],"contacts":{"email":"cy@example.com"}}]}
      """)
    try world.modify(dispatch, #""start_time":"07/01/2026 15:00""#)
    let chunk = try #require(world.resolutions(of: dispatch, modification: 2).first)
    #expect(chunk.recipients.map(\.userID.text) == ["u-1", "u-3"])
    #expect(chunk.exclusions.map(\.reason) == [.optedOut])
    #expect(chunk.totals == ResolutionTotals(recipients: 2, exclusions: 1, notConsidered: 0))
    // Bo was left out of modification 2, and so isn't told of what becomes of it.
    try world.change("cancel", dispatch)
    let last = try #require(world.resolutions(of: dispatch, modification: 3).first)
    #expect(last.recipients.map(\.userID.text) == ["u-1", "u-3"])
  }

  @Test(
    "What can't be modified is recorded as rejected, with every reason",
    arguments: [
      // Hours from now of start and end, what is asked for, the codes.
      (1, 3, #""end_time":"@4""#, []),
      (1, 3, #""start_time":"@-1""#, []),
      (-1, 3, #""end_time":"@4""#, []),
      (-1, 3, #""start_time":"@1""#, ["already-started"]),
      (-1, 3, #""end_time":"@-1""#, ["end-before-start"]),
      (-2, 3, #""end_time":"@-1""#, ["end-passed"]),
      (-2, 3, #""end_time":"@0""#, ["end-passed"]),
      (1, 3, #""end_time":"@1""#, ["end-before-start"]),
      (1, 3, #""start_time":"@3""#, ["end-before-start"]),
      (1, 3, #""end_time":"@3""#, ["changes-nothing"]),
      (1, 3, #""start_time":"@1","end_time":"@3""#, ["changes-nothing"]),
      (-2, -1, #""end_time":"@4""#, ["already-completed"]),
      (-2, -1, #""start_time":"@5""#, ["already-completed", "end-before-start"]),
      (1, 3, #""end_time":"03/14/2027 02:30""#, ["time-in-gap"]),
      (1, 3, #""end_time":"11/01/2026 01:30""#, ["time-ambiguous"]),
      (1, 3, #""end_time":"11/01/2026 01:30","fold":"first""#, []),
      (
        1, 3, #""start_time":"03/14/2027 02:30","end_time":"11/01/2026 01:30""#,
        ["time-in-gap", "time-ambiguous"]
      ),
    ] as [(Int64, Int64, String, [String])])
  func refused(start: Int64, end: Int64, fields: String, codes: [String]) throws {
    var world = try world()
    func time(_ hours: Int64) -> String { world.now.adding(seconds: hours * 3_600).text }
    var fields = fields
    for hours in Int64(-9)...9 {
      fields = fields.split(separator: "@\(hours)\"", omittingEmptySubsequences: false)
        .joined(separator: time(hours) + "\"")
    }
    let dispatch = try world.request(time(start), time(end))
    let decision = try world.modify(dispatch, fields)
    #expect(decision.codes == codes)
    guard !codes.isEmpty else { return }
    guard case .dispatchRejected(let rejected)? = world.events.last?.payload else {
      Issue.record("nothing recorded")
      return
    }
    #expect(rejected.command == .modify && rejected.dispatchID == dispatch)
    #expect(
      rejected.request
        == (try JSONObject(
          #"{"dispatch_id":"\#(dispatch.text)","reason":"because",\#(fields)}"#)))
    #expect(world.state.dispatch(dispatch)?.modification == 1)
  }

  @Test("A drill can't be modified, and nothing that was cancelled can; all is said at once")
  func drill() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 14:00", nil, #","test":true"#)
    let end = #""end_time":"07/01/2026 13:00""#
    #expect(try world.modify(dispatch, end).codes == ["test-dispatch", "end-before-start"])
    try world.change("cancel", dispatch)
    #expect(
      try world.modify(dispatch, end).codes == [
        "test-dispatch", "already-cancelled", "end-before-start",
      ])
    guard case .rejected(let rejection) = try world.modify(try id("d-9"), end) else { return }
    #expect(rejection.kind == .notFound && rejection.drafts.isEmpty)
  }

  @Test("A modify cut between its commits is finished from the same basis")
  func finishing() throws {
    var world = try world()
    let users = (0..<600).map {
      #"{"id":"v-\#(padded($0, 3))","name":"N","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}"#
    }
    try world.importing(#"{"users":[\#(users.joined(separator: ","))]}"#)
    let dispatch = try world.request("07/01/2026 14:00")
    try world.importing(
      #"{"users":[{"id":"v-599","name":"N","contacts":{"sms":"+15551230001"}}]}"#)
    let line = World.modify(dispatch, #""end_time":"07/01/2026 15:00""#)
    let drafts = try world.decider.decide(try Command(parsing: Array(line.utf8))).drafts
    try world.record(Array(drafts.prefix(2)))
    world.advance(seconds: 60)
    let progress = try #require(world.state.unfinishedResolutions().first)
    #expect(try world.decider.finish(progress) == Array(drafts[2..<4]))
  }

  @Test(
    "Each way to be malformed has its path",
    arguments: [
      ("", RequestError("start_time, end_time or open_ended", .missing)),
      (
        #","open_ended":true,"end_time":"2026-07-01T18:00:00Z""#,
        RequestError("open_ended", .contradicts(other: "end_time"))
      ),
      (#","end_time":"soon""#, RequestError("end_time", .badValue(found: "soon", expected: .time))),
      (#","end_tiem":"x""#, RequestError("end_tiem", .unknownField(suggestion: "end_time"))),
      (#","open_ended":false"#, RequestError("start_time, end_time or open_ended", .missing)),
      (
        #","open_ended":1"#,
        RequestError("open_ended", .wrongKind(found: .integer, expected: .boolean))
      ),
    ])
  func malformed(fields: String, error: RequestError) {
    let line = #"{"command":"modify","dispatch_id":"d","reason":"r"\#(fields)}"#
    #expect(refusal(line) { bytes throws(RequestError) in try Command(parsing: bytes) } == error)
  }
}
