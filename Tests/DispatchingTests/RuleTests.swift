import Bytes
import Dispatching
import Events
import Testing

/// Rules and schedules in the small world; each step looks at what is due, as a worker would.
@Suite("Rules and schedules")
struct RuleTests {
  /// 12:00Z is 08:00 in New York.
  private func world() throws -> World {
    var world = try World()
    try world.importing(smallCatalogue)
    return world
  }

  @Test("A dispatch that waits for a time is resolved when it fires, once")
  func executeAt() throws {
    var world = try world()
    let dispatch = try world.request(
      "07/01/2026 12:00", nil, #","execute_at":"07/01/2026 09:00","execute_grace":"PT5M""#)
    #expect(world.events.suffix(2).map(\.type) == [.dispatchRequested, .dispatchScheduled])
    #expect(world.notices(of: dispatch).isEmpty)
    #expect(try world.decider.decideDue(limit: 10).isEmpty)
    let nine = try Instant("2026-07-01T13:00:00Z")
    #expect(try world.decider.nextWakeUp(after: world.now) == nine)
    // Who joins while it waits is told too.
    try world.importing(
      #"{"users":[{"id":"u-9","name":"Di","user_group_ids":["g"],"contacts":{"email":"d@example.com"}}]}"#
    )
    world.now = nine
    let fired = try world.look()
    try #require(fired.map(\.type) == [.dispatchTriggered, .recipientsResolved])
    #expect(fired[1].causation == fired[0].id)
    #expect(fired[0].causation == world.state.schedule(of: dispatch)?.event)
    #expect(world.notices(of: dispatch).map(\.key.userID.text) == ["u-1", "u-2", "u-9"])
    #expect(try world.look().isEmpty)
    #expect(try world.decider.nextWakeUp(after: world.now) == nil)
  }

  @Test("Who looks late executes within the grace, and records a miss after it", arguments: [0, 1])
  func grace(over: Int64) throws {
    var world = try world()
    let dispatch = try world.request(
      "07/01/2026 12:00", nil, #","execute_at":"2026-07-01T13:00:00Z","execute_grace":"PT5M""#)
    world.now = try Instant("2026-07-01T13:05:00Z").adding(seconds: over)
    let events = try world.look()
    #expect(
      events.map(\.type.rawValue).first
        == (over == 0 ? "dispatch.triggered.v1" : "dispatch.missed.v1"))
    #expect(world.state.schedule(of: dispatch)?.fate?.didFire == (over == 0))
    #expect(try world.look().isEmpty)
  }

  @Test("Times that wait obey the zone's clocks: one in a gap is refused, a fold needs a choice")
  func clocks() throws {
    var world = try world()
    func request(_ at: String, _ members: String = "") throws -> Decision {
      try world.perform(
        """
        {"command":"dispatch","request":{"start_time":"12/01/2026 12:00","program_id":1,"event_type_id":1,
         "execute_at":"\(at)"\(members)}}
        """)
    }
    #expect(try request("03/08/2026 02:30").codes == ["time-in-gap"])
    #expect(try request("11/01/2026 01:30").codes == ["time-ambiguous"])
    #expect(try request("11/01/2026 01:30").fields == ["execute_at"])
    for (fold, time) in [("first", "2026-11-01T05:30:00Z"), ("second", "2026-11-01T06:30:00Z")] {
      #expect(try request("11/01/2026 01:30", #","fold":"\#(fold)""#).codes.isEmpty)
      #expect(
        try world.decider.nextWakeUp(after: world.now) == (try Instant("2026-11-01T05:30:00Z")))
      let scheduled = world.state.waitingSchedules().last?.scheduled
      #expect(scheduled?.executeAt?.instant == (try Instant(time)))
    }
    #expect(
      try world.rule(#""at":"03/08/2026 02:30","request":{"event_type_id":1}"#).codes == [
        "time-in-gap"
      ])
    #expect(
      try world.rule(#""at":"11/01/2026 01:30","request":{"event_type_id":1}"#).codes
        == ["time-ambiguous"])
    #expect(
      try world.rule(#""at":"11/01/2026 01:30","fold":"second","request":{"event_type_id":1}"#)
        .codes
        .isEmpty)
    #expect(
      world.state.rule(try id("r"))?.rule.at?.instant == (try Instant("2026-11-01T06:30:00Z")))
  }

  @Test("A cancelled dispatch isn't executed, one that has ended is missed")
  func ended() throws {
    var world = try world()
    let cancelled = try world.request("07/01/2026 12:00", nil, #","execute_if":"a < 1""#)
    let ended = try world.request(
      "07/01/2026 09:00", "07/01/2026 09:30", #","execute_if":"a < 1""#)
    try world.change("cancel", cancelled)
    world.advance(seconds: 7_200)
    try world.observe("a", "0")
    let events = try world.look()
    #expect(events.map(\.type) == [.dispatchMissed])
    #expect(events.first?.subject == .dispatch(ended))
    #expect(world.state.schedule(of: cancelled)?.fate == nil)
    #expect(try world.decider.watchedDispatches().isEmpty)
  }

  @Test("A rule fires once its condition has held for as long as it asks, and stores what it read")
  func holding() throws {
    var world = try world()
    try world.rule(
      #""if":"a <= 42.5 USD/MWh","for":"PT5M","request":{"event_type_id":1,"duration":"PT2H"}"#)
    try world.observe("a", "41", unit: "USD/MWh")
    let since = world.now
    world.advance(seconds: 240)
    #expect(try world.look().isEmpty)
    #expect(try world.decider.nextWakeUp(after: world.now) == since.adding(seconds: 300))
    // What breaks the hold begins it anew.
    try world.observe("a", "43", unit: "USD/MWh")
    world.advance(seconds: 30)
    try world.observe("a", "40", unit: "USD/MWh")
    let again = world.now
    world.advance(seconds: 299)
    #expect(try world.look().isEmpty)
    world.advance(seconds: 61)
    let events = try world.look()
    try #require(
      events.map(\.type) == [.dispatchRequested, .dispatchTriggered, .recipientsResolved])
    guard case .dispatchTriggered(let trigger) = events[1].payload,
      case .dispatchRequested(let request) = events[0].payload
    else { return }
    #expect(trigger.nominal == again.adding(seconds: 300))
    #expect(trigger.rule == world.state.rule(try id("r"))?.version)
    #expect(trigger.trace.map(\.value?.text) == ["40"] && trigger.trace.map(\.result) == [.holds])
    #expect(trigger.signals.elements == trigger.trace.compactMap(\.signal))
    // The lead time of the program, from when it fired.
    #expect(request.start.instant == world.now.adding(seconds: 1_800))
    #expect(request.end?.instant == world.now.adding(seconds: 9_000))
    #expect(try world.look().isEmpty)
  }

  @Test(
    "It fires again only after the condition has failed by the hysteresis; no data isn't failing")
  func rearming() throws {
    var world = try world()
    try world.rule(
      #""if":"a <= 10","hysteresis":"2","stale_after":"PT10M","request":{"event_type_id":1}"#)
    var fired: [String] = []
    for value in ["9", "11", "9", "12", "9", "12.5", "11", "10", "13", "-1"] {
      world.advance(seconds: 60)
      try world.observe("a", value)
      if !(try world.look()).isEmpty { fired.append(value) }
    }
    #expect(fired == ["9", "10", "-1"])
    world.advance(seconds: 1_200)
    #expect(try world.look().isEmpty)
    try world.observe("a", "5")
    #expect(try world.look().isEmpty)
  }

  @Test("Cool-down and the number a day hold a firing back until they are over")
  func holdingBack() throws {
    var world = try world()
    try world.rule(
      #""if":"a <= 10","cool_down":"PT1H","max_per_day":2,"request":{"event_type_id":1}"#)
    func pulse() throws {
      for value in ["20", "1"] {
        world.advance(seconds: 60)
        try world.observe("a", value)
      }
    }
    try pulse()
    let first = world.now
    #expect(try world.look().count == 3)
    try pulse()
    #expect(try world.look().isEmpty)
    #expect(try world.decider.nextWakeUp(after: world.now) == first.adding(seconds: 3_600))
    world.now = first.adding(seconds: 3_600)
    #expect(try world.look().count == 3)
    world.advance(seconds: 7_200)
    try pulse()
    #expect(try world.look().isEmpty)
    // Midnight in New York.
    world.now = try Instant("2026-07-02T03:59:59Z")
    #expect(try world.look().isEmpty)
    world.advance(seconds: 1)
    let events = try world.look()
    #expect(events.count == 3)
    guard case .dispatchTriggered(let trigger)? = events.dropFirst().first?.payload else { return }
    #expect(trigger.nominal == world.now)
  }

  @Test("A rule executes a dispatch that waits, once, and its own schedule then doesn't")
  func executing() throws {
    var world = try world()
    let dispatch = try world.request("07/01/2026 12:00", nil, #","execute_if":"never""#)
    try world.rule(#""if":"a < 1","dispatch_id":"\#(dispatch.text)""#)
    try world.rule(#""if":"a < 2","dispatch_id":"\#(dispatch.text)""#, id: "s")
    try world.observe("a", "0")
    let events = try world.look()
    #expect(events.map(\.type) == [.dispatchTriggered, .recipientsResolved])
    try world.observe("a", "5")
    try world.observe("a", "0")
    #expect(try world.look().isEmpty)
    // The same catalogue again changes nothing, though the dispatch no longer waits.
    #expect(try world.rule(#""if":"a < 1","dispatch_id":"\#(dispatch.text)""#).drafts.isEmpty)
    #expect(
      try world.rule(#""if":"a < 1","dispatch_id":"\#(dispatch.text)""#, id: "new").codes
        == ["not-waiting"])
    #expect(
      try world.rule(#""if":"a < 1","dispatch_id":"d-77""#, id: "new").codes == ["unknown-dispatch"]
    )
  }

  @Test("A rule's request that breaks a rule by then is rejected and missed, and not tried again")
  func rejected() throws {
    var world = try world()
    try world.rule(#""if":"a < 1","request":{"event_type_id":1}"#)
    try world.record(.marketEventTypeRetired(MarketEventTypeRetired(id: try id("1"))))
    try world.observe("a", "0")
    #expect(try world.look().map(\.type) == [.dispatchRejected, .dispatchMissed])
    #expect(try world.look().isEmpty)
  }

  @Test("A rule that nobody looked at in time is missed once, and may fire again later")
  func missed() throws {
    var world = try world()
    try world.rule(#""if":"a < 1","grace":"PT1M","request":{"event_type_id":1}"#)
    try world.observe("a", "0")
    world.advance(seconds: 61)
    let events = try world.look()
    #expect(events.map(\.type) == [.dispatchMissed])
    #expect(try world.look().isEmpty)
    try world.observe("a", "1")
    world.advance(seconds: 1)
    try world.observe("a", "0")
    #expect(try world.look().count == 3)
  }

  @Test("A rule with a time fires once; a windowed one when its window opens")
  func times() throws {
    var world = try world()
    try world.rule(#""at":"07/01/2026 09:00","request":{"event_type_id":1,"start_after":"PT2H"}"#)
    try world.rule(
      #""if":"time in 09:30-10:00 America/New_York and a < 1","request":{"event_type_id":1}"#,
      id: "w")
    try world.observe("a", "0")
    world.now = try Instant("2026-07-01T13:00:00Z")
    let first = try world.look()
    #expect(first.count == 3)
    guard case .dispatchRequested(let request)? = first.first?.payload else { return }
    #expect(request.start.instant == (try Instant("2026-07-01T15:00:00Z")))
    #expect(try world.look().isEmpty)
    world.now = try Instant("2026-07-01T13:29:59Z")
    #expect(try world.look().isEmpty)
    world.advance(seconds: 301)
    let second = try world.look()
    guard case .dispatchTriggered(let trigger)? = second.dropFirst().first?.payload else {
      Issue.record("the window didn't open")
      return
    }
    #expect(trigger.nominal == (try Instant("2026-07-01T13:30:00Z")))
    #expect(trigger.trace.count == 2)
    // Tomorrow the window opens again: it failed in between.
    world.now = try Instant("2026-07-02T13:30:00Z")
    #expect(try world.look().count == 3)
  }

  @Test(
    "Situation 15: a rule edited while pending; an observation late, stale or in another unit")
  func situation15() throws {
    var world = try world()
    let rule =
      #""if":"a <= 10 MW","for":"PT5M","stale_after":"PT10M","request":{"event_type_id":1}"#
    try world.rule(rule)
    try world.observe("a", "9", unit: "MW")
    world.advance(seconds: 240)
    // Edited while it is pending: the new version has held for no time yet.
    try world.rule(rule.replacing("<= 10", with: "<= 11"))
    let edited = world.now
    world.advance(seconds: 240)
    #expect(try world.look().isEmpty)
    // Late: it was so before the one that is known, and changes nothing.
    try world.observe("a", "99", unit: "MW", at: world.now.adding(seconds: -900))
    world.advance(seconds: 60)
    let events = try world.look()
    guard case .dispatchTriggered(let trigger)? = events.dropFirst().first?.payload else {
      Issue.record("the edited rule didn't fire")
      return
    }
    #expect(trigger.nominal == edited.adding(seconds: 300))
    #expect(trigger.trace.map(\.comparison) == ["a <= 11 MW"])
    #expect(trigger.rule == world.state.rule(try id("r"))?.version)
    // Another unit neither holds nor fails: the rule stays disarmed, and then isn't fired by it.
    try world.observe("a", "50", unit: "kW")
    world.advance(seconds: 1)
    try world.observe("a", "5", unit: "MW")
    world.advance(seconds: 400)
    #expect(try world.look().isEmpty)
    try world.observe("a", "50", unit: "MW")
    world.advance(seconds: 1)
    try world.observe("a", "5", unit: "kW")
    world.advance(seconds: 400)
    #expect(try world.look().isEmpty)
    // Stale when it comes: it doesn't count at all.
    try world.observe("a", "50", unit: "MW")
    try world.observe("a", "5", unit: "MW", at: world.now.adding(seconds: 1))
    world.advance(seconds: 402)
    #expect(try world.look().count == 3)
    try world.observe("a", "50", unit: "MW")
    world.advance(seconds: 3_600)
    try world.observe("a", "5", unit: "MW", at: world.now.adding(seconds: -700))
    world.advance(seconds: 300)
    #expect(try world.look().isEmpty)
    #expect(try world.decider.watchedDispatches().map(\.result) == [.noData])
    // Grown stale while it was to hold: the break begins it anew.
    try world.observe("a", "5", unit: "MW", at: world.now.adding(seconds: -400))
    world.advance(seconds: 300)
    #expect(try world.look().isEmpty)
  }

  @Test("A withdrawn rule doesn't fire; published again it is a new version")
  func withdrawn() throws {
    var world = try world()
    let entry = #""if":"a < 1","request":{"event_type_id":1}"#
    try world.rule(entry)
    try world.importing(#"{"rules":[{"id":"r","withdrawn":true}]}"#)
    try world.observe("a", "0")
    #expect(try world.look().isEmpty)
    try world.rule(entry)
    #expect(world.state.rule(try id("r"))?.rule.version == 2)
    #expect(try world.look().count == 3)
  }

  @Test("What is due comes in the order of its times; one new dispatch at a time, each once")
  func several() throws {
    var world = try world()
    try world.rule(#""if":"a < 1","request":{"event_type_id":1}"#, id: "r1")
    try world.rule(#""if":"a < 1","request":{"event_type_id":1}"#, id: "r2")
    let waiting = try world.request("07/01/2026 12:00", nil, #","execute_if":"a < 1""#)
    try world.observe("a", "0")
    #expect(try world.decider.watchedDispatches().filter(\.isDue).count == 3)
    var subjects: [Subject] = []
    for _ in 0..<10 {
      let events = try world.look()
      subjects += events.filter { $0.type == .dispatchTriggered }.map(\.subject)
    }
    #expect(subjects.count == 3 && Set(subjects).count == 3)
    #expect(subjects.contains(.dispatch(waiting)))
    #expect(try world.decider.decideDue(limit: 0).isEmpty)
  }

  @Test("What would come of each thing that waits is told in words")
  func words() throws {
    var world = try world()
    try world.rule(#""if":"a < 1 and b < 2","request":{"event_type_id":1}"#)
    try world.observe("a", "0")
    #expect(
      try world.decider.watchedDispatches().map(\.text)
        == ["rule r/1 waits; a < 1 is true (0), b < 2 is no-data"])
    try world.observe("b", "1")
    #expect(
      try world.decider.watchedDispatches().map(\.text) == [
        "rule r/1 fires (for 2026-07-01T12:00:00.000000Z); a < 1 is true (0), b < 2 is true (1)"
      ])
  }

  @Test("A rule that can't be is refused by its field")
  func refused() {
    func problem(_ entry: String) -> String? {
      do throws(RequestError) {
        _ = try CatalogueDocument(
          parsing: Array(#"{"rules":[{"id":"r","program_id":1,\#(entry)}]}"#.utf8))
        return nil
      } catch { return error.path }
    }
    let request = #""request":{"event_type_id":1}"#
    #expect(problem(#""if":"a < 1",\#(request)"#) == nil)
    #expect(problem(#""if":"a <",\#(request)"#) == "rules[0].if")
    #expect(problem(request) == "rules[0].if")
    #expect(problem(#""if":"a < 1""#) == "rules[0].request")
    #expect(problem(#""if":"a < 1","dispatch_id":"d",\#(request)"#) == "rules[0].dispatch_id")
    #expect(problem(#""if":"a < 1","at":"07/01/2026 09:00",\#(request)"#) == "rules[0].at")
    #expect(problem(#""at":"07/01/2026 09:00","for":"PT1M",\#(request)"#) == "rules[0].for")
    #expect(problem(#""if":"a < 1","for":"5m",\#(request)"#) == "rules[0].for")
    #expect(problem(#""if":"a < 1","max_per_day":0,\#(request)"#) == "rules[0].max_per_day")
    #expect(problem(#""if":"a < 1","hysteresis":"-1",\#(request)"#) == "rules[0].hysteresis")
    #expect(problem(#""if":"a < 1","cooldown":"PT1M",\#(request)"#) == "rules[0].cooldown")
    #expect(
      problem(#""if":"a < 1","request":{"event_type_id":1,"program_id":2}"#)
        == "rules[0].request.program_id")
    #expect(
      problem(#""if":"a < 1","request":{"event_type_id":1,"execute_if":"a < 1"}"#)
        == "rules[0].request.execute_if")
    #expect(
      problem(
        #""if":"a < 1","request":{"event_type_id":1,"start_after":"PT1H","start_time":"07/01/2026 09:00"}"#
      )
        == "rules[0].request.start_after")
    #expect(problem(#""if":"a < 1","request":{}"#) == "rules[0].request.event_type_id")
  }

  @Test("An observation that conditions couldn't read is refused by its field")
  func observations() {
    func problem(_ members: String) -> String? {
      do throws(RequestError) {
        _ = try Command(parsing: Array(#"{"command":"observe",\#(members)}"#.utf8))
        return nil
      } catch { return error.path }
    }
    #expect(problem(#""signal":"a","value":"1.5","unit":"MW","at":"2026-07-01T00:00:00Z""#) == nil)
    #expect(problem(#""signal":"a","value":1"#) == nil)
    #expect(problem(#""signal":"1a","value":1"#) == "signal")
    #expect(problem(#""signal":"and","value":1"#) == "signal")
    #expect(problem(#""signal":"a","value":"1,5""#) == "value")
    #expect(problem(#""signal":"a","value":1,"unit":"a b""#) == "unit")
    #expect(problem(#""signal":"a","value":1,"unit":"or""#) == "unit")
    #expect(problem(#""signal":"a","value":1,"at":"07/01/2026 09:00""#) == "at")
    #expect(problem(#""signal":"a""#) == "value")
    #expect(problem(#""signal":"a","value":1,"when":1"#) == "when")
  }
}

extension World {
  /// Publishes a rule of program 1.
  @discardableResult
  mutating func rule(_ members: String, id: String = "r") throws -> Decision {
    try importing(#"{"rules":[{"id":"\#(id)","program_id":1,\#(members)}]}"#)
  }

  mutating func observe(
    _ signal: String, _ value: String, unit: String? = nil, at time: Instant? = nil
  ) throws {
    let unit = unit.map { #","unit":"\#($0)""# } ?? ""
    let at = time.map { #","at":"\#($0.text)""# } ?? ""
    try perform(#"{"command":"observe","signal":"\#(signal)","value":"\#(value)"\#(unit)\#(at)}"#)
  }

  /// Records what is due now, one decision of it.
  mutating func look() throws -> [Event] {
    let drafts = try decider.decideDue(limit: 10)
    let new = Subject.dispatch(dispatchID(dispatches + 1))
    if drafts.contains(where: { $0.subject == new }) { dispatches += 1 }
    return try record(drafts)
  }
}
