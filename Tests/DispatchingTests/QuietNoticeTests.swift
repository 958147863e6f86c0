import Bytes
import Dispatching
import Events
import Testing

@Suite("Notices in quiet hours")
struct QuietNoticeTests {
  /// Program 1, in New York, where it is 4 hours before UTC; quiet from 22:00 to 06:00, which is from
  /// 02:00Z to 10:00Z.
  private func world(_ what: String, at time: String) throws -> World {
    var world = try World(at: time)
    try world.importing(smallCatalogue)
    try world.importing(
      """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
        "communication_codes":["sms","email","console"],"lead_time":"PT30M",
        "quiet_hours":{"from":"22:00","to":"06:00","what":"\(what)","reason":"tariff sheet 12"}}]}
      """)
    return world
  }

  private func shown(_ world: World) throws -> [String] {
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    return plan.heldBack.compactMap { draft in
      switch draft.payload {
      case .notificationDeferred(let later):
        "\(later.userID.text) \(later.channel.text) \(later.reason.rawValue) \(later.until.text)"
      case .notificationSuppressed(let gone): "\(gone.userID.text) \(gone.reason.rawValue)"
      default: nil
      }
    } + plan.attempts.map { "\($0.key.userID.text) \($0.quietHours?.rawValue ?? "sent")" }
  }

  private let put = [
    "u-1 sms quiet-hours 2026-07-02T10:00:00.000000Z",
    "u-2 email quiet-hours 2026-07-02T10:00:00.000000Z",
  ]

  @Test("wait for their end where they can, and are sent then")
  func waiting() throws {
    var world = try world("defer", at: "2026-07-02T03:00:00Z")
    let dispatch = try world.request("2026-07-02T18:00:00Z")
    #expect(try shown(world) == put)
    #expect(try world.attemptAll().isEmpty)
    #expect(world.notices(of: dispatch).allSatisfy { $0.standing.state == .pending })
    #expect(try shown(world).isEmpty)
    world.now = try Instant("2026-07-02T09:59:59.999999Z")
    #expect(try shown(world).isEmpty)
    world.now = try Instant("2026-07-02T10:00:00Z")
    #expect(try shown(world) == ["u-1 sent", "u-2 sent"])
    #expect(try world.attemptAll().count == 2)
  }

  @Test(
    "are sent, and say why, where they can't wait or the program doesn't want it",
    arguments: [
      // The deadline is when quiet hours end, and a second before.
      ("defer", "2026-07-02T10:30:00Z", nil), ("defer", "2026-07-02T10:29:59Z", "deadline"),
      // It has begun, and was over before it was asked for.
      ("defer", "2026-07-02T02:30:00Z", "deadline"),
      ("override", "2026-07-02T18:00:00Z", "override"),
      ("override", "2026-07-02T02:30:00Z", "override"),
    ] as [(String, String, String?)])
  func passing(what: String, start: String, passing: String?) throws {
    var world = try world(what, at: "2026-07-02T03:00:00Z")
    try world.request(start)
    #expect(try shown(world) == (passing.map { ["u-1 \($0)", "u-2 \($0)"] } ?? put))
    let attempts = try world.attemptAll()
    for event in attempts {
      guard case .notificationAttempted(let attempt) = event.payload else { continue }
      #expect(attempt.quietHours?.rawValue == passing)
    }
  }

  @Test("A cancellation can wait until the start, an end not at all")
  func changes() throws {
    for (start, isPutOff) in [("2026-07-02T10:00:00Z", true), ("2026-07-02T09:59:59Z", false)] {
      var world = try world("defer", at: "2026-07-02T01:00:00Z")
      let dispatch = try world.request(start)
      try world.attemptAll()
      world.now = try Instant("2026-07-02T03:00:00Z")
      try world.change("cancel", dispatch)
      #expect(try shown(world) == (isPutOff ? put : ["u-1 deadline", "u-2 deadline"]))
    }
    var world = try world("defer", at: "2026-07-02T01:00:00Z")
    let dispatch = try world.request("2026-07-02T01:30:00Z")
    try world.attemptAll()
    world.now = try Instant("2026-07-02T03:00:00Z")
    try world.change("end", dispatch)
    #expect(try shown(world) == ["u-1 deadline", "u-2 deadline"])
  }

  @Test("A channel that is passed over is so before the notice is put off")
  func passedOver() throws {
    var world = try world("defer", at: "2026-07-02T03:00:00Z")
    let dispatch = try world.request("2026-07-02T18:00:00Z")
    try world.importing(
      #"{"users":[{"id":"u-1","name":"Ana","opt_outs":[{"channel":"sms"}],"#
        + #""contacts":{"sms":"+15551230001","email":"ana@example.com"}}]}"#)
    #expect(
      try shown(world) == [
        "u-1 opted-out", "u-1 email quiet-hours 2026-07-02T10:00:00.000000Z", put[1],
      ])
    try world.attemptAll()
    #expect(world.notices(of: dispatch)[0].standing.channel?.text == "email")
    // An opt-out from all in the meantime.
    try world.importing(
      #"{"users":[{"id":"u-1","name":"Ana","opt_outs":[{}],"contacts":{"email":"ana@example.com"}}]}"#
    )
    world.now = try Instant("2026-07-02T10:00:00Z")
    #expect(try shown(world) == ["u-1 opted-out", "u-2 sent"])
  }

  @Test("A drill reaches test recipients only where the program says so")
  func drills() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    for only in [false, true] {
      try world.importing(
        """
        {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
          "communication_codes":["sms","email","console"],"lead_time":"PT30M",
          "test_recipients_only":\(only)}],
         "users":[{"id":"u-2","name":"Bo","user_group_ids":["g"],"test_recipient":true,
           "contacts":{"email":"bo@example.com"}}]}
        """)
      try world.request("2026-07-01T18:00:00Z", nil, #","test":true"#)
      #expect(
        try shown(world) == (only ? ["u-1 test-mode", "u-2 sent"] : ["u-1 sent", "u-2 sent"]))
      try world.attemptAll()
      try world.request("2026-07-01T19:00:00Z")
      #expect(try shown(world) == ["u-1 sent", "u-2 sent"])
      try world.attemptAll()
    }
    // Unchanged is unchanged, and no longer being one is a change.
    let entry =
      #"{"users":[{"id":"u-2","name":"Bo","user_group_ids":["g"],"contacts":{"email":"bo@example.com"}"#
    #expect(try world.importing(entry + #","test_recipient":true}]}"#).drafts.isEmpty)
    #expect(try world.importing(entry + "}]}").drafts.count == 1)
  }

  @Test("Each attempt's text is of the nearest template then, in the user's language, and names it")
  func templates() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    try world.importing(
      """
      {"templates":[
         {"id":"all","program_id":1,"body":"{{mark}} {{program}} {{dispatch_id}}"},
         {"id":"french","program_id":1,"channel":"email","language":"fr","subject":"{{mark}} à {{start_time}}",
          "body":"{{mark}}: {{language}}"}],
       "users":[{"id":"u-2","name":"Bo","user_group_ids":["g"],"language":"fr-CA",
         "contacts":{"email":"bo@example.com"}}]}
      """)
    let dispatch = try world.request("2026-07-01T18:00:00Z")
    let plan = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(plan.attempts.map(\.template.text) == ["all/1", "french/1"])
    #expect(
      plan.attempts.map(\.text.body) == ["REAL Peak Relief \(dispatch.text)\n", "REAL: fr-CA\n"])
    #expect(plan.attempts[1].text.subject == "REAL à 14:00")
    try world.importing(
      #"{"templates":[{"id":"all","withdrawn":true},{"id":"french","program_id":1,"channel":"email","#
        + #""language":"fr","body":"{{mark}}!"}]}"#)
    let later = try world.decider.planNotices(limit: 9) { _ in true }
    #expect(later.attempts.map(\.template.text) == ["builtin/1", "french/2"])
    #expect(later.attempts[1].text.body == "REAL!\n")
    let recorded = try world.attemptAll()
    guard case .notificationAttempted(let attempt) = recorded[1].payload else { return }
    #expect(attempt.template.text == "french/2")
  }
}
