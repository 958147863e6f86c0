import Bytes
import Dispatching
import Events
import Testing

@Suite("Legal holds")
struct HoldDecisionTests {
  private func world() throws -> World {
    var world = try World()
    try world.importing(smallCatalogue)
    return world
  }

  private func place(_ id: String, _ fields: String = "") -> String {
    #"{"command":"hold-place","id":"\#(id)","reason":"docket 7"\#(fields)}"#
  }

  private func release(_ id: String) -> String {
    #"{"command":"hold-release","id":"\#(id)","reason":"settled"}"#
  }

  private func codes(_ decision: Decision) -> [String] {
    guard case .rejected(let rejection) = decision else { return [] }
    return rejection.reasons.map(\.code.text)
  }

  @Test("A hold is placed once and released once; what stands so already appends nothing")
  func life() throws {
    var world = try world()
    let dispatch = try world.request("2026-07-01T14:00:00Z")
    let limits =
      #","program_id":1,"dispatch_id":"\#(dispatch.text)","user_id":"u-1","#
      + #""since":"2026-07-01T02:00:00+02:00","until":"2026-08-01T00:00:00Z""#
    let decision = try world.perform(place("h", limits))
    #expect(decision.drafts.map(\.type) == [.legalHoldPlaced])
    #expect(try world.perform(place("h", limits)).drafts.isEmpty)
    let hold = try #require(world.state.hold(try id("h")))
    let since = try Instant("2026-07-01T00:00:00Z")
    #expect(hold.released == nil && hold.placed.since == since)
    #expect(hold.placed.programID?.text == "1" && hold.placed.dispatchID == dispatch)
    #expect(try world.perform(release("h")).drafts.map(\.type) == [.legalHoldReleased])
    #expect(try world.perform(release("h")).drafts.isEmpty)
    #expect(world.state.hold(try id("h"))?.released != nil)
  }

  @Test("An id stands for one hold for ever")
  func reuse() throws {
    var world = try world()
    try world.perform(place("h"))
    #expect(codes(try world.perform(place("h", #","program_id":1"#))) == ["hold-exists"])
    try world.perform(release("h"))
    #expect(codes(try world.perform(place("h"))) == ["hold-exists"])
  }

  @Test("A hold names what is there, and a time in which something may be recorded")
  func unknown() throws {
    var world = try world()
    let all = #","program_id":9,"dispatch_id":"d-9","user_id":"nobody""#
    #expect(
      codes(try world.perform(place("h", all)))
        == ["unknown-program", "unknown-dispatch", "unknown-user"])
    let never = #","since":"2026-07-02T00:00:00Z","until":"2026-07-02T00:00:00Z""#
    #expect(codes(try world.perform(place("h", never))) == ["holds-nothing"])
    #expect(codes(try world.perform(release("h"))) == ["unknown-hold"])
    guard case .rejected(let rejection) = try world.perform(release("h")) else {
      Issue.record("released what was never placed")
      return
    }
    #expect(rejection.kind == .notFound && rejection.drafts.isEmpty)
    #expect(world.state.hold(try id("h")) == nil)
  }

  @Test("A program's retention is years, months and days, and nothing else")
  func retention() throws {
    var world = try world()
    func define(_ retention: String) throws {
      let program =
        #"{"id":7,"name":"P","time_zone":"UTC","communication_codes":["sms"],"#
        + #""retention":\#(retention)}"#
      try world.importing(#"{"programs":[\#(program)]}"#)
    }
    try define(#""P7Y""#)
    #expect(world.state.program(try id("7"))?.definition.retention?.text == "P7Y")
    for wrong in [#""7 years""#, #""PT1H""#, #""P""#, #""P1W""#] {
      #expect(throws: RequestError.self, "\(wrong)") { try define(wrong) }
    }
  }
}
