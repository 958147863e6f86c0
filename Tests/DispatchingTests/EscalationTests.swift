import Bytes
import Dispatching
import Events
import Testing

@Suite("Escalation of silence")
struct EscalationTests {
  /// Asks for two answers within a quarter of an hour, of recipients u-1 and u-2.
  private func world(_ contacts: String, at time: String = "2026-07-01T12:00:00Z") throws -> World {
    var world = try World(at: time)
    try world.importing(smallCatalogue)
    try world.importing(
      """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
        "communication_codes":["sms","email","console"],"lead_time":"PT30M",
        "escalation":{"acknowledgements":2,"within":"PT15M",\(contacts)}}]}
      """)
    return world
  }

  private func escalated(_ world: World) throws -> [NotificationEscalated] {
    try world.decider.decideEscalations(limit: 9).drafts.map { draft in
      guard case .notificationEscalated(let step) = draft.payload else { throw Unexpected() }
      return step
    }
  }

  private struct Unexpected: Error {}

  private let listed = #""user_ids":["u-1","u-3","nobody"]"#

  @Test("tells the contacts who have no notice yet, once the time is over, and no earlier")
  func overdue() throws {
    var world = try world(listed)
    let dispatch = try world.request("2026-07-01T18:00:00Z")
    #expect(try world.decider.decideEscalations(limit: 9).next == nil)
    world.advance(seconds: 10)
    let attempts = try world.attemptAll()
    let until = world.now.adding(seconds: 900)
    #expect(try world.decider.decideEscalations(limit: 9).next == until)
    world.now = until.adding(seconds: -1)
    #expect(try escalated(world).isEmpty)
    world.now = until
    #expect(try world.decider.decideEscalations(limit: 0).next == until)
    let drafts = try world.decider.decideEscalations(limit: 9).drafts
    #expect(drafts.map(\.causation) == [attempts.first?.id])
    let step = try #require(try escalated(world).first)
    #expect(step.modification == 1 && step.level == 1 && step.acknowledged == 0)
    #expect(step.required == 2 && step.within.text == "PT15M")
    #expect(step.userIDs.elements == [try id("u-3")])
    #expect(step.unknownUserIDs?.elements == [try id("nobody")])
    try world.record(drafts)
    #expect(try escalated(world).isEmpty)
    // On the channels of the program that the contact has, though no group or enrollment fits.
    let told = try world.attemptAll()
    #expect(told.count == 1)
    #expect(
      world.state.attempts(of: world.notices(of: dispatch)[2].key).first?.channel.text == "email")
    // Whoever was told by escalation is told of what comes after it.
    try world.change("cancel", dispatch)
    #expect(world.notices(of: dispatch, 2).map(\.key.userID.text) == ["u-1", "u-2", "u-3"])
  }

  @Test("passes over contacts who were erased")
  func erased() throws {
    var world = try world(listed)
    try world.request("2026-07-01T18:00:00Z")
    try world.attemptAll()
    try world.perform(#"{"command":"erase","user_id":"u-3","reason":"r"}"#)
    world.advance(seconds: 900)
    let step = try #require(try escalated(world).first)
    #expect(step.userIDs.elements.isEmpty)
    #expect(step.unknownUserIDs?.elements == [try id("nobody")])
  }

  @Test("doesn't happen where enough have answered; strangers and other modifications don't count")
  func answered() throws {
    for (users, isEscalated) in [
      (["u-1"], true), (["u-1", "u-1"], true), (["u-1", "u-3"], true), (["u-1", "u-2"], false),
    ] {
      var world = try world(listed)
      let dispatch = try world.request("2026-07-01T18:00:00Z")
      try world.attemptAll()
      for user in users { try world.acknowledge(dispatch, user, #","opt":"in""#) }
      world.advance(seconds: 900)
      #expect(try escalated(world).isEmpty != isEscalated, "\(users)")
      if isEscalated { #expect(try escalated(world).first?.acknowledged == 1) }
    }
    var world = try world(listed)
    let dispatch = try world.request("2026-07-01T18:00:00Z")
    try world.attemptAll()
    for user in ["u-1", "u-2"] { try world.acknowledge(dispatch, user) }
    try world.modify(dispatch, #""start_time":"2026-07-01T19:00:00Z""#)
    try world.attemptAll()
    world.advance(seconds: 900)
    #expect(try escalated(world).map(\.modification) == [2])
  }

  @Test("stops when the dispatch begins, is cancelled, or ends; a drill is escalated like another")
  func over() throws {
    for command in ["begin", "cancel", "modify", "drill"] {
      var world = try world(listed)
      let dispatch = try world.request(
        "2026-07-01T12:20:00Z", nil, command == "drill" ? #","test":true"# : "")
      try world.attemptAll()
      if command == "cancel" { try world.change("cancel", dispatch) }
      if command == "modify" { try world.modify(dispatch, #""start_time":"2026-07-01T19:00:00Z""#) }
      if command == "cancel" { try world.attemptAll() }
      world.advance(seconds: command == "begin" ? 1_200 : 1_199)
      #expect(try escalated(world).isEmpty == (command != "drill"), "\(command)")
    }
  }

  @Test(
    "of a group tells whoever is in it then, 256 an event; of nobody it is recorded all the same")
  func groups() throws {
    var world = try world(#""user_group_id":"h""#)
    let dispatch = try world.request("2026-07-01T18:00:00Z")
    try world.attemptAll()
    let users = (0..<300).map {
      #"{"id":"h-\#(1_000 + $0)","name":"H","user_group_ids":["h"],"contacts":{"console":"h"}}"#
    }
    try world.importing(#"{"users":[\#(users.joined(separator: ","))]}"#)
    world.advance(seconds: 900)
    let steps = try escalated(world)
    // u-3 is one of them too.
    #expect(steps.map(\.userIDs.count) == [256, 45])
    #expect(steps.allSatisfy { $0.unknownUserIDs == nil })
    try world.record(try world.decider.decideEscalations(limit: 9).drafts)
    #expect(world.notices(of: dispatch).count == 303)
    #expect(try escalated(world).isEmpty)

    var nobody = try self.world(#""user_ids":["u-1"]"#)
    try nobody.request("2026-07-01T18:00:00Z")
    try nobody.attemptAll()
    nobody.advance(seconds: 900)
    let step = try #require(try escalated(nobody).first)
    #expect(step.userIDs.isEmpty && step.unknownUserIDs == nil)
    try nobody.record(try nobody.decider.decideEscalations(limit: 9).drafts)
    #expect(try escalated(nobody).isEmpty)
  }
}
