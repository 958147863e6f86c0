import Bytes
import Dispatching
import Events
import Testing

@Suite("The plan of notices by what channels take")
struct NoticeRoomTests {
  private func world(users: Int = 9) throws -> World {
    var world = try World(at: "2026-07-01T12:00:00Z")
    let contacts = [
      #"{"sms":"+15551230001","email":"a@example.com"}"#, #"{"email":"a@example.com"}"#,
      #"{"console":"c","email":"a@example.com"}"#,
    ]
    let users = (0..<users).map {
      #"{"id":"u-\#($0)","name":"U","user_group_ids":["g"],"contacts":\#(contacts[$0 % 3])}"#
    }
    try world.importing(
      """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"UTC",
         "communication_codes":["sms","console","email"]}],
       "event_types":[{"id":1,"name":"E","user_group_ids":["g"]}],
       "user_groups":[{"id":"g","name":"G"}],"users":[\(users.joined(separator: ","))]}
      """)
    try world.request("2026-07-01T18:00:00Z")
    return world
  }

  private func room(_ room: [String: Int]) throws -> [ChannelCode: Int] {
    Dictionary(
      uniqueKeysWithValues: try room.map { (try #require(ChannelCode($0.key)), $0.value) })
  }

  private func shown(_ plan: NoticePlan) -> [String] {
    plan.attempts.map { "\($0.key.userID.text) \($0.channel.text)" }
  }

  @Test("Each channel gets as many as it takes, and one that is full holds no other up")
  func bounded() throws {
    let world = try world()
    #expect(
      shown(try world.decider.planNotices(room: room(["sms": 2, "email": 1, "console": 0])))
        == ["u-0 sms", "u-1 email", "u-3 sms"])
    #expect(
      shown(try world.decider.planNotices(room: room(["console": 9])))
        == ["u-2 console", "u-5 console", "u-8 console"])
    #expect(try world.decider.planNotices(room: [:]).isEmpty)
    let all = try world.decider.planNotices(room: room(["sms": 99, "email": 99, "console": 99]))
    #expect(all.attempts.count == 9)
    #expect(
      Set(shown(all))
        == Set(shown(try world.decider.planNotices(limit: 99) { _ in true })))
  }

  @Test("Who has left a channel since takes its place on the next one, if that has room")
  func passedOver() throws {
    var world = try world(users: 3)
    try world.importing(
      """
      {"users":[{"id":"u-0","name":"U","user_group_ids":["g"],"opt_outs":[{"channel":"sms"}],
        "contacts":{"sms":"+15551230001","email":"a@example.com"}}]}
      """)
    let full = try world.decider.planNotices(room: room(["sms": 1, "email": 1]))
    #expect(shown(full) == ["u-0 email"] && full.heldBack.count == 1)
    #expect(full.unsendable.count == 1)
    let plan = try world.decider.planNotices(room: room(["sms": 1, "email": 2]))
    #expect(shown(plan) == ["u-0 email", "u-1 email"])
    #expect(plan.heldBack.count == 1)
  }

  @Test("Who is told by an escalation is told on the program's channels that the user has then")
  func escalated() throws {
    var world = try world(users: 2)
    let dispatch = world.dispatchID(1)
    try world.importing(
      #"{"users":[{"id":"chief","name":"C","contacts":{"email":"chief@example.com"}}]}"#)
    let one = try id("1")
    let program = try #require(world.state.program(one)).definition
    try world.record(
      .notificationEscalated(
        NotificationEscalated(
          dispatchID: dispatch, modification: 1, level: 1,
          userIDs: SortedSet([try id("chief")]), channels: program.communicationCodes,
          acknowledged: 0, required: 1,
          within: try #require(ISODuration("PT15M")))))
    let plan = try world.decider.planNotices(room: room(["sms": 9, "email": 9]))
    #expect(shown(plan).contains("chief email"))
    let passed = plan.heldBack.compactMap { draft -> String? in
      guard case .notificationSuppressed(let gone) = draft.payload else { return nil }
      return "\(gone.userID.text) \(gone.channel?.text ?? "all") \(gone.reason.rawValue)"
    }
    #expect(passed == ["chief sms no-address", "chief console no-address"])
  }
}
