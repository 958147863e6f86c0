import Bytes
import Dispatching
import Events
import Testing

@Suite("The state in memory")
struct MemoryStateTests {
  private func world() throws -> World {
    var world = try World()
    try world.importing(smallCatalogue)
    return world
  }

  @Test("An erased user is nobody's member, counts no more, and stays erased")
  func erased() throws {
    var world = try world()
    let user = try id("u-1")
    let one = try id("1")
    let definition = try #require(world.state.user(user)?.definition)
    try world.record(
      .userEnrolled(UserEnrolled(userID: user, programID: one, at: world.now)),
      .userOptedOut(UserOptedOut(userID: user)))
    let version = world.state.user(user)?.version
    let erasure = try world.record(.userErased(UserErased(userID: user)))[0].id
    for _ in 0..<2 {
      let stands = try #require(world.state.user(user))
      #expect(stands.erased == erasure && stands.definition == nil && stands.version == version)
      #expect(stands.enrollments.isEmpty && stands.optOuts.isEmpty)
      #expect(world.state.userCount() == 2)
      let considered = world.state.considered(groups: [try id("g")], program: one, at: world.now)
      #expect(considered.map(\.definition.id.text) == ["u-2"])
      // Should a line define it all the same.
      try world.record(.userDefined(definition))
    }
  }

  @Test("Of changes of an enrollment the latest that holds counts, in whatever order they came")
  func enrollments() throws {
    var world = try world()
    let user = try id("u-3")
    let one = try id("1")
    let noon = world.now
    func at(_ hours: Int64) -> Instant { noon.adding(seconds: hours * 3_600) }
    try world.record(
      .userWithdrawn(UserWithdrawn(userID: user, programID: one, at: at(3))),
      .userEnrolled(UserEnrolled(userID: user, programID: one, at: at(1))),
      .userEnrolled(UserEnrolled(userID: user, programID: one, at: at(2))))
    let state = world.state
    let considered = (0...4).map { hours in
      !state.considered(groups: [], program: one, at: at(Int64(hours))).isEmpty
    }
    #expect(considered == [false, true, true, false, false])
    #expect(state.user(user)?.isEnrolled(in: one, at: at(2)) == true)
    #expect(state.user(user)?.isEnrolled(in: one, at: at(3)) == false)
    #expect(state.user(user)?.isEnrolled(in: try id("2"), at: at(2)) == false)
  }

  @Test("What was said of a user before it was defined holds once it is")
  func early() throws {
    var world = try world()
    let user = try id("later")
    let one = try id("1")
    try world.record(
      .userEnrolled(UserEnrolled(userID: user, programID: one, at: world.now)),
      .userOptedOut(UserOptedOut(userID: user, channel: .sms)))
    #expect(world.state.user(user) == nil)
    #expect(world.state.considered(groups: [], program: one, at: world.now).isEmpty)
    try world.importing(#"{"users":[{"id":"later","name":"Lu"}]}"#)
    let stands = try #require(world.state.user(user))
    #expect(stands.isEnrolled(in: one, at: world.now))
    #expect(stands.optOuts == [OptOutScope(channel: .sms)])
    #expect(world.state.considered(groups: [], program: one, at: world.now).count == 1)
  }

  @Test("A user who changes groups leaves the old ones")
  func groups() throws {
    var world = try world()
    try world.importing(#"{"users":[{"id":"u-1","name":"Ana","user_group_ids":["h"]}]}"#)
    let state = world.state
    let now = world.now
    func members(_ group: String) throws -> [String] {
      state.considered(groups: [try id(group)], program: try id("1"), at: now)
        .map(\.definition.id.text)
    }
    #expect(try members("g") == ["u-2"])
    #expect(try members("h") == ["u-1", "u-3"])
    #expect(state.userCount() == 3)
  }

  @Test("What is due comes in the order of its time, then of its key")
  func due() throws {
    var world = try world()
    try world.request("07/02/2026 00:00")
    world.advance(seconds: 60)
    try world.request("07/02/2026 00:00")
    let state = world.state
    func due(_ time: Instant, _ limit: Int = 9) -> [String] {
      state.dueNotices(at: time, limit: limit)
        .map { "\($0.key.dispatchID.text) \($0.key.userID.text)" }
    }
    #expect(due(world.now) == ["d-1 u-1", "d-1 u-2", "d-2 u-1", "d-2 u-2"])
    #expect(due(world.now, 3) == ["d-1 u-1", "d-1 u-2", "d-2 u-1"])
    #expect(due(world.now.adding(seconds: -1)) == ["d-1 u-1", "d-1 u-2"])
    #expect(due(world.now.adding(seconds: -61)) == [])
  }

  @Test("An acknowledgement tells, and an escalation adds users on the program's channels")
  func othersNotices() throws {
    var world = try world()
    let dispatch = try world.request("07/02/2026 00:00")
    try world.send(try world.decider.planNotices(limit: 9) { _ in true })
    try world.record(
      .acknowledgementRecorded(
        AcknowledgementRecorded(
          dispatchID: dispatch, modification: 1, userID: try id("u-1"), at: world.now, marks: [])),
      .notificationEscalated(
        NotificationEscalated(
          dispatchID: dispatch, modification: 1, level: 1, userIDs: [try id("u-3")],
          channels: try ["sms", "email"].map { try #require(ChannelCode($0)) }, acknowledged: 1,
          required: 2, within: try #require(ISODuration("PT5M")))))
    #expect(
      world.notices(of: dispatch).map(\.standing.state) == [.notified, .attempted, .pending])
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.map(\.key.userID.text) == ["u-3"])
    #expect(plan.attempts.map(\.channel.text) == ["email"])
  }

  @Test("Events about what isn't there change nothing that decisions see")
  func dangling() throws {
    var world = try World()
    let nobody = try id("nobody")
    try world.record(
      .programRetired(ProgramRetired(id: nobody)),
      .userEnrolled(UserEnrolled(userID: nobody, programID: nobody, at: world.now)),
      .userOptedOut(UserOptedOut(userID: nobody)),
      .userErased(UserErased(userID: nobody)),
      .dispatchCancelled(DispatchCancelled(dispatchID: nobody, modification: 2, reason: "r")),
      .notificationSuppressed(
        NotificationSuppressed(
          dispatchID: nobody, modification: 1, userID: nobody, kind: .start, reason: .duplicate)),
      .deliveryUnknown(DeliveryUnknown(attempt: 3, dispatchID: nobody, reason: .crash)))
    #expect(world.state.user(nobody) == nil)
    #expect(world.state.program(nobody) == nil)
    #expect(world.state.dispatch(nobody) == nil)
    #expect(world.state.userCount() == 0)
    #expect(world.state.considered(groups: [nobody], program: nobody, at: world.now).isEmpty)
    #expect(world.state.dueNotices(at: world.now, limit: 9).isEmpty)
    #expect(world.state.openAttempts(limit: 9).isEmpty)
  }
}
