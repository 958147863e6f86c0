import Bytes
import Dispatching
import Events
import Testing

@Suite("The plan of notices")
struct NoticePlanTests {
  /// A world with a dispatch that starts at 18:00Z; `program` and `users` change the catalogue.
  private func world(_ program: String = "", users: String = "", at time: String? = nil) throws
    -> World
  {
    var world = try World(at: time ?? "2026-07-01T12:00:00Z")
    try world.importing(smallCatalogue)
    try world.importing(
      """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
        "communication_codes":["sms","email","console"],"lead_time":"PT30M"\(program)}]}
      """)
    if !users.isEmpty { try world.importing(#"{"users":[\#(users)]}"#) }
    return world
  }

  private func plan(
    _ world: World, limit: Int = 100, canSend: (ChannelCode) -> Bool = { _ in true }
  ) throws -> NoticePlan {
    try world.decider.planNotices(limit: limit, canSend: canSend)
  }

  private func shown(_ plan: NoticePlan) -> [String] {
    plan.heldBack.compactMap { draft in
      guard case .notificationSuppressed(let gone) = draft.payload else { return nil }
      return "\(gone.userID.text) \(gone.channel?.text ?? "all"): \(gone.reason.rawValue)"
    } + plan.attempts.map { "\($0.key.userID.text) \($0.channel.text) \($0.number)" }
  }

  @Test("Each recipient is attempted on its first channel, with address, text and cause")
  func first() throws {
    var world = try world()
    let dispatch = try world.request("2026-07-01T18:00:00Z", nil, #","test":true"#)
    let plan = try plan(world)
    #expect(shown(plan) == ["u-1 sms 1", "u-2 email 1"])
    let attempt = try #require(plan.attempts.first)
    let user = try #require(world.state.user(try id("u-1")))
    #expect(attempt.kind == .start && attempt.isTest && !attempt.isLate)
    #expect(attempt.user == user.version)
    #expect(attempt.address == user.definition?.contacts.last?.address)
    #expect(attempt.cause == world.state.dispatch(dispatch)?.modifications.first?.event)
    #expect(attempt.text.body.contains("until further notice"))
    #expect(attempt.text.subject.hasPrefix("TEST: Peak Relief start"))
  }

  @Test("Opt-outs, addresses and erasures since the resolution count")
  func changedUsers() throws {
    var world = try world()
    try world.importing(
      """
      {"users":[
        {"id":"a","name":"A","user_group_ids":["g"],"contacts":{"sms":"+15551230001","email":"a@example.com"}},
        {"id":"b","name":"B","user_group_ids":["g"],"contacts":{"sms":"+15551230001","email":"a@example.com"}},
        {"id":"c","name":"C","user_group_ids":["g"],"contacts":{"sms":"+15551230001","email":"a@example.com"}},
        {"id":"d","name":"D","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}},
        {"id":"e","name":"E","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}},
        {"id":"f","name":"F","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}},
        {"id":"z","name":"Z","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}]}
      """)
    try world.request("2026-07-01T18:00:00Z")
    try world.importing(
      """
      {"users":[
        {"id":"a","name":"A","contacts":{"sms":"+15551230001","email":"a@example.com"},"opt_outs":[{"channel":"sms"}]},
        {"id":"b","name":"B","contacts":{"sms":"bad","email":"a@example.com"}},
        {"id":"c","name":"C","contacts":{"email":"a@example.com","console":"c"}},
        {"id":"d","name":"D","contacts":{"sms":"+15551230001"},"opt_outs":[{}]},
        {"id":"e","name":"E","contacts":{"console":"e"}},
        {"id":"f","name":"F","contacts":{"sms":"bad"}}]}
      """)
    try world.record(.userErased(UserErased(userID: try id("z"))))
    #expect(
      shown(try plan(world)) == [
        "a sms: opted-out", "b sms: invalid-address", "c sms: no-address", "d all: opted-out",
        "e all: no-address", "f all: invalid-address", "z all: erased", "a email 1",
        "b email 1", "c email 1", "u-1 sms 1", "u-2 email 1",
      ])
    try world.record(try plan(world).heldBack)
    #expect(
      shown(try plan(world)) == [
        "a email 1", "b email 1", "c email 1", "u-1 sms 1", "u-2 email 1",
      ])
  }

  @Test(
    "A late first notice is sent and says LATE, or is suppressed where the program says so",
    arguments: [
      ("", "2026-07-01T17:30:00Z", false, 2), ("", "2026-07-01T17:30:00.000001Z", true, 2),
      (#","late_notice":"suppress""#, "2026-07-01T17:30:00Z", false, 2),
      (#","late_notice":"suppress""#, "2026-07-01T17:30:00.000001Z", true, 0),
      ("", "2026-07-02T00:00:00Z", true, 2),
    ])
  func late(program: String, time: String, isLate: Bool, attempts: Int) throws {
    var world = try world(program)
    try world.request("2026-07-01T18:00:00Z", "2026-07-01T19:00:00Z")
    world.now = try Instant(time)
    let plan = try plan(world)
    #expect(plan.attempts.count == attempts)
    #expect(plan.attempts.allSatisfy { $0.isLate == isLate })
    #expect(plan.attempts.allSatisfy { $0.text.body.contains("LATE") == isLate })
    if attempts == 0 {
      #expect(shown(plan) == ["u-1 all: deadline-passed", "u-2 all: deadline-passed"])
    }
  }

  @Test("The original service's requests of 2019 are told, marked LATE, both of them")
  func originals() throws {
    var world = try world()
    try world.request("08/27/2019 21:04", "08/27/2019 22:04")
    try world.request("08/27/2019 21:04")
    let plan = try plan(world)
    #expect(plan.attempts.count == 4)
    #expect(plan.attempts.allSatisfy { $0.isLate && $0.text.subject.hasPrefix("REAL LATE: ") })
  }

  @Test("What ends or cancels a dispatch is never late")
  func changesAreNotLate() throws {
    for change in ["end", "cancel"] {
      var world = try world(#","late_notice":"suppress""#)
      let dispatch = try world.request("2026-07-01T11:00:00Z")
      try world.change(change, dispatch)
      let plan = try plan(world)
      #expect(shown(plan) == ["u-1 sms 1", "u-2 email 1"])
      #expect(plan.attempts.allSatisfy { $0.kind.rawValue == change && !$0.isLate })
      #expect(plan.attempts.allSatisfy { $0.key.modification == 2 })
    }
  }

  @Test("A notice of an earlier modification that was left over is superseded")
  func superseded() throws {
    var world = try world()
    let dispatch = try world.request("2026-07-01T11:00:00Z")
    let line = #"{"command":"cancel","dispatch_id":"\#(dispatch.text)","reason":"r"}"#
    let drafts = try world.decider.decide(try Command(parsing: Array(line.utf8))).drafts
    // A crash behind the resolution, in front of the suppressions.
    try world.record(Array(drafts.prefix(2)))
    #expect(
      shown(try plan(world)) == [
        "u-1 all: superseded", "u-2 all: superseded", "u-1 sms 1", "u-2 email 1",
      ])
  }

  @Test("A plan holds at most what was asked for, and the next one goes on")
  func limits() throws {
    var world = try world()
    let users = (0..<20).map {
      #"{"id":"v-\#(padded($0, 2))","name":"N","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}"#
    }
    try world.importing(#"{"users":[\#(users.joined(separator: ","))]}"#)
    try world.request("2026-07-01T18:00:00Z")
    var told: [String] = []
    for _ in 0..<30 {
      let plan = try plan(world, limit: 3)
      #expect(plan.attempts.count <= 3)
      if plan.isEmpty { break }
      try world.send(plan)
      told += plan.attempts.map(\.key.userID.text)
    }
    #expect(told.count == 22)
    #expect(Set(told).count == 22)
    #expect(try plan(world, limit: 0).isEmpty)
  }

  @Test("Quiet hours and drills don't keep the notice of who was erased waiting")
  func erasedInQuietHours() throws {
    for program in [
      #","quiet_hours":{"from":"00:00","to":"23:59","what":"defer","reason":"r"}"#,
      #","test_recipients_only":true"#,
    ] {
      var world = try world(program)
      try world.request(
        "2026-07-04T18:00:00Z", nil, program.contains("test") ? #","test":true"# : "")
      try world.perform(#"{"command":"erase","user_id":"u-1","reason":"r"}"#)
      let first = try plan(world).heldBack.compactMap { draft in
        if case .notificationSuppressed(let gone) = draft.payload { gone } else { nil }
      }.first
      #expect(first?.userID == (try id("u-1")) && first?.reason == .erased)
    }
  }

  @Test("A notice whose user's key is missing is suppressed by itself, and stays so")
  func keyMissing() throws {
    var world = try world()
    let dispatch = try world.request("2026-07-01T18:00:00Z")
    let planned = try #require(try plan(world).attempts.first)
    try world.record([world.decider.suppressedWithoutKey(planned)])
    let standing = try #require(world.state.notice(planned.key)).standing
    #expect(standing.state == .suppressed && standing.reason == .keyMissing)
    #expect(shown(try plan(world)) == ["u-2 email 1"])
    #expect(world.notices(of: dispatch).count == 2)
  }

  @Test("A channel that isn't set up keeps its notices due, and doesn't hold up the others")
  func unsendable() throws {
    var world = try world()
    let users = (0..<20).map {
      #"{"id":"a-\#(padded($0, 2))","name":"N","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}"#
    }
    try world.importing(#"{"users":[\#(users.joined(separator: ","))]}"#)
    try world.request("2026-07-01T18:00:00Z")
    let plan = try plan(world, limit: 2) { $0.text != "sms" }
    #expect(shown(plan) == ["u-2 email 1"])
    #expect(plan.unsendable.count == 21)
    #expect(plan.unsendable.allSatisfy { $0.channel.text == "sms" })
  }
}

extension World {
  /// Records a plan and each attempt of it, as the sender does before anything leaves.
  @discardableResult
  mutating func send(_ plan: NoticePlan) throws -> [Event] {
    try record(plan.heldBack)
    let digest = try #require(HexDigest(String(repeating: "0", count: 64)))
    let identity = ChannelIdentity(kind: try #require(CodeWord("console")), settings: digest)
    return try record(
      plan.attempts.map { decider.attempted($0, through: identity, textHMAC: digest) })
  }
}
