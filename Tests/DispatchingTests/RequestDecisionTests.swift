import Bytes
import Dispatching
import Events
import Testing

@Suite("Decisions on requests")
struct RequestDecisionTests {
  private func world(_ time: String = "2026-07-01T12:00:00Z") throws -> World {
    var world = try World(at: time)
    try world.importing(smallCatalogue)
    return world
  }

  private func decide(_ world: inout World, _ request: String) throws -> Decision {
    try world.perform(#"{"command":"dispatch","request":\#(request)}"#)
  }

  @Test("An accepted request is recorded with its resolution, causation and correlation")
  func accepted() throws {
    var world = try world()
    let first = world.nextID
    let dispatch = try world.request("07/01/2026 18:00", "07/01/2026 19:00", #","note":"x""#)
    let events = world.events.suffix(2)
    let requested = try #require(events.first)
    let resolved = try #require(events.last)
    guard case .dispatchRequested(let request) = requested.payload,
      case .recipientsResolved(let chunk) = resolved.payload
    else {
      Issue.record("\(events.map(\.type))")
      return
    }
    #expect(requested.id == first)
    #expect(requested.causation == nil)
    #expect(resolved.causation == first)
    #expect(events.allSatisfy { $0.correlation == dispatch.text && $0.decider == 1 })
    #expect(request.dispatchID == dispatch)
    #expect(request.modification == 1)
    #expect(request.start.instant == (try Instant("2026-07-01T22:00:00Z")))
    #expect(request.start.offsetSeconds == -14_400)
    #expect(request.start.text == "07/01/2026 18:00")
    #expect(request.start.zone.text == "America/New_York")
    #expect(request.start.tzdata == "test")
    #expect(request.end?.instant == (try Instant("2026-07-01T23:00:00Z")))
    #expect(!request.isLate && !request.isTest && !request.isOpenEnded)
    #expect(request.attributes == (try JSONObject(#"{"note":"x"}"#)))
    #expect(request.program == world.state.program(try id("1"))?.version)
    #expect(request.eventType == world.state.marketEventType(try id("1"))?.version)
    #expect(chunk.basis == .rules && chunk.isLast && chunk.chunk == 0)
    #expect(chunk.program == request.program && chunk.eventType == request.eventType)
    #expect(chunk.userGroups.elements == [try #require(world.state.userGroup(try id("g"))).version])
    #expect(chunk.recipients.map(\.userID.text) == ["u-1", "u-2"])
    #expect(chunk.recipients[0].channels.map(\.channel.text) == ["sms", "email"])
    #expect(chunk.recipients[0].user == world.state.user(try id("u-1"))?.version)
    #expect(chunk.totals == ResolutionTotals(recipients: 2, exclusions: 0, notConsidered: 1))
  }

  @Test(
    "A request is late when its deadline or its end has passed",
    arguments: [
      ("2026-07-01T12:30:00Z", nil, false), ("2026-07-01T12:29:59Z", nil, true),
      ("2026-07-01T11:00:00Z", nil, true),
      ("2026-07-01T10:00:00Z", "2026-07-01T11:00:00Z", true),
    ] as [(String, String?, Bool)])
  func late(start: String, end: String?, isLate: Bool) throws {
    var world = try world()
    try world.request(start, end)
    guard case .dispatchRequested(let request)? = world.events.dropLast().last?.payload else {
      Issue.record("no request")
      return
    }
    #expect(request.isLate == isLate)
    #expect(request.isOpenEnded == (end == nil))
  }

  @Test("A fold that is named decides, and is recorded only where it did")
  func folds() throws {
    var world = try world()
    for (fold, hour) in [("first", 5), ("second", 6)] {
      try world.request("11/01/2026 01:30", "11/01/2026 03:00", #","fold":"\#(fold)""#)
      guard case .dispatchRequested(let request)? = world.events.dropLast().last?.payload else {
        Issue.record("no request")
        return
      }
      #expect(request.start.instant == (try Instant("2026-11-01T0\(hour):30:00Z")))
      #expect(request.start.fold?.rawValue == fold)
      #expect(request.start.offsetSeconds == (fold == "first" ? -14_400 : -18_000))
      #expect(request.end?.fold == nil)
    }
  }

  @Test(
    "Each broken rule is a reason with its field",
    arguments: [
      (
        #""program_id":9,"event_type_id":1,"start_time":"07/01/2026 18:00""#,
        ["unknown-program"], ["program_id"]
      ),
      (
        #""program_id":1,"event_type_id":9,"start_time":"07/01/2026 18:00""#,
        ["unknown-event-type"], ["event_type_id"]
      ),
      (
        #""program_id":"retired","event_type_id":1,"start_time":"07/01/2026 18:00""#,
        ["program-retired"], ["program_id"]
      ),
      (
        #""program_id":1,"event_type_id":"retired","start_time":"07/01/2026 18:00""#,
        ["event-type-retired"], ["event_type_id"]
      ),
      (
        #""program_id":"picky","event_type_id":1,"start_time":"07/01/2026 18:00""#,
        ["event-type-not-offered"], ["event_type_id"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"07/01/2026 18:00","end_time":"07/01/2026 17:59""#,
        ["end-before-start"], ["end_time"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"07/01/2026 18:00","end_time":"07/01/2026 18:00""#,
        ["end-before-start"], ["end_time"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"03/08/2026 02:30""#,
        ["time-in-gap"], ["start_time"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"03/08/2026 01:00","end_time":"03/08/2026 02:30""#,
        ["time-in-gap"], ["end_time"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"11/01/2026 01:30""#,
        ["time-ambiguous"], ["start_time"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"11/01/2026 00:30","end_time":"11/01/2026 01:30""#,
        ["time-ambiguous"], ["end_time"]
      ),
      // All at once.
      (
        #""program_id":9,"event_type_id":9,"start_time":"07/01/2026 18:00","end_time":"07/01/2026 17:00""#,
        ["unknown-program", "unknown-event-type", "end-before-start"],
        ["program_id", "event_type_id", "end_time"]
      ),
      (
        #""program_id":"retired","event_type_id":"retired","start_time":"2026-07-01T18:00:00Z","end_time":"2026-07-01T18:00:00Z""#,
        ["program-retired", "event-type-retired", "end-before-start"],
        ["program_id", "event_type_id", "end_time"]
      ),
      (
        #""program_id":"picky","event_type_id":"retired","start_time":"03/08/2026 02:30","end_time":"03/08/2026 02:15""#,
        [
          "event-type-retired", "event-type-not-offered", "time-in-gap", "time-in-gap",
          "end-before-start",
        ],
        ["event_type_id", "event_type_id", "start_time", "end_time", "end_time"]
      ),
      // An instant and a local time can't be compared without the zone.
      (
        #""program_id":9,"event_type_id":1,"start_time":"07/01/2026 18:00","end_time":"2026-07-01T00:00:00Z""#,
        ["unknown-program"], ["program_id"]
      ),
      (
        #""program_id":1,"event_type_id":1,"start_time":"07/01/2026 18:00","end_time":"2026-07-01T22:00:00Z""#,
        ["end-before-start"], ["end_time"]
      ),
    ] as [(String, [String], [String])])
  func rejected(members: String, codes: [String], fields: [String]) throws {
    var world = try world()
    try world.importing(
      """
      {"programs":[
        {"id":"retired","name":"R","time_zone":"America/New_York","communication_codes":["sms"]},
        {"id":"picky","name":"P","time_zone":"America/New_York","communication_codes":["sms"],
         "event_type_ids":["other"]}],
       "event_types":[{"id":"retired","name":"R","user_group_ids":[]},
        {"id":"other","name":"O","user_group_ids":[]}]}
      """)
    let retired = try id("retired")
    try world.record(
      .programRetired(ProgramRetired(id: retired)),
      .marketEventTypeRetired(MarketEventTypeRetired(id: retired)))
    let request = "{\(members)}"
    let decision = try decide(&world, request)
    #expect(decision.codes == codes)
    #expect(decision.fields == fields)
    guard case .dispatchRejected(let rejected)? = world.events.last?.payload else {
      Issue.record("nothing recorded")
      return
    }
    #expect(rejected.command == .request)
    #expect(rejected.dispatchID == world.dispatchID(1))
    #expect(rejected.reasons.map(\.code.text) == codes)
    #expect(rejected.request == (try JSONObject(request)))
    #expect(world.state.dispatch(rejected.dispatchID) == nil)
    guard case .rejected(let rejection) = decision else { return }
    #expect(rejection.kind == .brokenRules)
    #expect(rejection.reasons.allSatisfy { isPrintableASCII($0.message) })
  }

  private func isPrintableASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
  }

  @Test("Local times with one fold keep their order on the clock, whatever the fold")
  func foldOrder() throws {
    var world = try world()
    try world.request("11/01/2026 00:59", "11/01/2026 01:00", #","fold":"first""#)
    try world.request("11/01/2026 01:59", "11/01/2026 02:00", #","fold":"second""#)
    let decision = try decide(
      &world,
      """
      {"program_id":1,"event_type_id":1,"start_time":"11/01/2026 01:30",
       "end_time":"11/01/2026 01:10","fold":"second"}
      """)
    #expect(decision.codes == ["end-before-start"])
  }

  @Test("A zone that the system doesn't know is the system's fault, not the request's")
  func zoneUnavailable() throws {
    let world = try world()
    var context = world.context
    context.zone = { _ in nil }
    let request = try DispatchRequest(
      parsing: Array(
        #"{"program_id":1,"event_type_id":1,"start_time":"2026-07-01T18:00:00Z"}"#.utf8))
    let decider = Decider(state: world.state, context: context)
    let zone = try #require(ZoneName("America/New_York"))
    #expect(throws: DecisionError<Never>.zoneUnavailable(zone)) { try decider.decide(request) }
  }

  @Test("Every rule has a word of its own")
  func words() {
    #expect(Set(RejectionCode.allCases.map(\.word)).count == RejectionCode.allCases.count)
  }
}
