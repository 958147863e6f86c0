import Bytes
import Dispatching
import Events
import Testing

@Suite("Ending and cancelling")
struct ChangeDecisionTests {
  private func world() throws -> World {
    var world = try World()
    try world.importing(smallCatalogue)
    return world
  }

  @Test("Ending an active dispatch raises its number and tells who was told, superseding the rest")
  func end() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 08:00")
    world.advance(seconds: 3_600)
    let first = world.nextID
    let decision = try world.change("end", dispatch)
    #expect(
      decision.drafts.map(\.type) == [
        .dispatchEnded, .recipientsResolved, .notificationSuppressed, .notificationSuppressed,
      ])
    #expect(decision.drafts.map(\.causation) == [nil, first, first, first])
    #expect(decision.drafts.allSatisfy { $0.correlation == dispatch.text })
    guard case .dispatchEnded(let ended) = decision.drafts[0].payload,
      case .recipientsResolved(let chunk) = decision.drafts[1].payload,
      case .notificationSuppressed(let suppressed) = decision.drafts[2].payload
    else { return }
    #expect(ended.modification == 2)
    #expect(ended.reason == "because")
    #expect(ended.end.instant == world.now)
    #expect(ended.end.zone.text == "America/New_York")
    #expect(ended.end.offsetSeconds == -14_400)
    #expect(chunk.basis == .earlierRecipients)
    #expect(chunk.modification == 2)
    #expect(chunk.totals == ResolutionTotals(recipients: 2, exclusions: 0, notConsidered: 1))
    #expect(suppressed.modification == 1)
    #expect(suppressed.reason == .superseded)
    #expect(suppressed.kind == .start)
    #expect(suppressed.channel == nil)
    #expect(world.notices(of: dispatch, 1).allSatisfy { $0.standing.state == .suppressed })
    #expect(world.notices(of: dispatch, 2).allSatisfy { $0.standing.state == .pending })
    let stands = try #require(world.state.dispatch(dispatch))
    #expect(stands.modification == 2)
    #expect(stands.end?.instant == world.now)
    #expect(stands.noticeKind(of: 1) == .start && stands.noticeKind(of: 2) == .end)
    #expect(stands.noticeKind(of: 3) == nil && stands.noticeKind(of: 0) == nil)
  }

  @Test("A change tells earlier recipients on the channels that they have now")
  func channelsAnew() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 18:00")
    // Ana leaves the group and SMS, Bo is erased, Cy comes into the group too late.
    try world.importing(
      """
      {"users":[{"id":"u-1","name":"Ana","contacts":{"sms":"+15551230001","email":"ana@example.com"},
         "opt_outs":[{"channel":"sms"}]},
        {"id":"u-3","name":"Cy","user_group_ids":["g"],"contacts":{"email":"cy@example.com"}}]}
      """)
    let bo = try id("u-2")
    let version = world.state.user(bo)?.version
    try world.record(.userErased(UserErased(userID: bo)))
    let decision = try world.change("cancel", dispatch)
    guard case .dispatchCancelled(let cancelled) = decision.drafts[0].payload,
      case .recipientsResolved(let chunk) = decision.drafts[1].payload
    else {
      Issue.record("\(decision)")
      return
    }
    #expect(cancelled.modification == 2)
    #expect(chunk.recipients.map(\.userID.text) == ["u-1"])
    #expect(chunk.recipients[0].channels.map(\.channel.text) == ["email"])
    #expect(chunk.recipients[0].user == world.state.user(try id("u-1"))?.version)
    #expect(chunk.exclusions.map(\.userID.text) == ["u-2"])
    #expect(chunk.exclusions[0].user == version)
    #expect(chunk.exclusions[0].reason == .noAddress)
    #expect(chunk.exclusions[0].detail == "erased")
    #expect(chunk.totals == ResolutionTotals(recipients: 1, exclusions: 1, notConsidered: 1))
  }

  @Test("A change cut between its commits is finished from the earlier recipients")
  func finishing() throws {
    var world = try world()
    let users = (0..<600).map {
      #"{"id":"v-\#(padded($0, 3))","name":"N","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}"#
    }
    try world.importing(#"{"users":[\#(users.joined(separator: ","))]}"#)
    let dispatch = try world.request("07/01/2026 08:00")
    let line = #"{"command":"end","dispatch_id":"\#(dispatch.text)","reason":"r"}"#
    let drafts = try world.decider.decide(try Command(parsing: Array(line.utf8))).drafts
    let chunks = drafts.filter { $0.type == .recipientsResolved }.count
    #expect(chunks == 3)
    try world.record(Array(drafts.prefix(2)))
    world.advance(seconds: 60)
    let progress = try #require(world.state.unfinishedResolutions().first)
    #expect(try world.decider.finish(progress) == Array(drafts[2..<4]))
  }

  @Test(
    "What can't be changed is refused and recorded, with the reason",
    arguments: [
      // Hours from now of start and end, the change before, the change, the code.
      (-2, -1, "", "end", "already-completed"), (-2, -1, "", "cancel", "already-completed"),
      (-2, 0, "", "end", "already-completed"), (-2, 1, "cancel", "end", "already-cancelled"),
      (-2, 1, "cancel", "cancel", "already-cancelled"), (-2, 1, "end", "end", "already-completed"),
      (-2, 1, "end", "cancel", "already-completed"), (1, 2, "", "end", "not-started"),
      (1, 2, "", "cancel", nil), (-1, 2, "", "end", nil), (-1, 2, "", "cancel", nil),
      (0, 2, "", "end", nil), (-2, -1, "cancel", "cancel", "already-completed"),
    ] as [(Int64, Int64, String, String, String?)])
  func refused(
    start: Int64, end: Int64, before: String, change: String, code: String?
  ) throws {
    var world = try world()
    let times = [start, end].map { world.now.adding(seconds: $0 * 3_600).text }
    let dispatch = try world.request(times[0], times[1])
    if !before.isEmpty { try world.change(before, dispatch) }
    let decision = try world.change(change, dispatch)
    #expect(decision.codes == (code.map { [$0] } ?? []))
    guard code != nil else { return }
    guard case .dispatchRejected(let rejected)? = world.events.last?.payload else {
      Issue.record("nothing recorded")
      return
    }
    #expect(rejected.command.rawValue == change)
    #expect(rejected.dispatchID == dispatch)
    #expect(
      rejected.request
        == (try JSONObject(#"{"dispatch_id":"\#(dispatch.text)","reason":"because"}"#)))
  }

  @Test("A dispatch that was never requested is not found, and nothing is recorded")
  func notFound() throws {
    var world = try world()
    let size = world.events.count
    for change in ["end", "cancel"] {
      guard case .rejected(let rejection) = try world.change(change, try id("d-9")) else {
        Issue.record("accepted")
        return
      }
      #expect(rejection.kind == .notFound)
      #expect(rejection.reasons.map(\.code.text) == ["unknown-dispatch"])
      #expect(rejection.drafts.isEmpty)
    }
    #expect(world.events.count == size)
  }

  @Test("A dispatch is far, near, active, completed, or cancelled for good")
  func phases() throws {
    let start = try Instant("2026-07-01T18:00:00Z")
    let lead = try #require(ISODuration("PT30M"))
    func phase(_ time: String, end: String? = nil, isCancelled: Bool = false) throws
      -> DispatchPhase
    {
      DispatchPhase(
        start: start, end: try end.map { try Instant($0) }, isCancelled: isCancelled,
        leadTime: lead, now: try Instant(time))
    }
    #expect(try phase("2026-07-01T17:29:59.999999Z") == .far)
    #expect(try phase("2026-07-01T17:30:00Z") == .near)
    #expect(try phase("2026-07-01T17:59:59.999999Z") == .near)
    #expect(try phase("2026-07-01T18:00:00Z") == .active)
    #expect(try phase("2999-07-01T18:00:00Z") == .active)
    let end = "2026-07-01T19:00:00Z"
    #expect(try phase("2026-07-01T18:59:59.999999Z", end: end) == .active)
    #expect(try phase(end, end: end) == .completed)
    #expect(try phase("2026-07-01T17:00:00Z", end: end, isCancelled: true) == .cancelled)
    #expect(try phase("2026-07-01T20:00:00Z", end: end, isCancelled: true) == .cancelled)
    #expect(DispatchPhase.allCases.filter(\.isFinal) == [.completed, .cancelled])
  }
}
