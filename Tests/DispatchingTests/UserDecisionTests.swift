import Bytes
import Dispatching
import Events
import Testing

@Suite("Wishes, enrollments and retirements")
struct UserDecisionTests {
  private func world() throws -> World {
    var world = try World()
    try world.importing(smallCatalogue)
    return world
  }

  private func kind(_ decision: Decision) -> Rejection.Kind? {
    if case .rejected(let rejection) = decision { rejection.kind } else { nil }
  }

  @Test("An opt-out and its opt-in are of one scope, and what stands so already appends nothing")
  func opt() throws {
    var world = try world()
    let scopes = [
      "", #","channel":"sms""#, #","program_id":1"#, #","channel":"sms","program_id":1"#,
    ]
    for (index, scope) in scopes.enumerated() {
      let out = #"{"command":"opt-out","user_id":"u-1"\#(scope),"reason":"STOP"}"#
      #expect(try world.perform(out).drafts.map(\.type) == [.userOptedOut])
      #expect(try world.perform(out).drafts.isEmpty)
      #expect(world.state.user(try id("u-1"))?.optOuts.count == index + 1)
    }
    for (index, scope) in scopes.enumerated() {
      let back = #"{"command":"opt-in","user_id":"u-1"\#(scope)}"#
      #expect(try world.perform(back).drafts.map(\.type) == [.userOptedIn])
      #expect(try world.perform(back).drafts.isEmpty)
      #expect(world.state.user(try id("u-1"))?.optOuts.count == 3 - index)
    }
  }

  @Test("An enrollment holds from when it says, and a withdrawal ends it")
  func enrollment() throws {
    var world = try world()
    let (user, program) = (try id("u-1"), try id("1"))
    func line(_ command: String, _ at: String? = nil) -> String {
      let at = at.map { #","at":"\#($0)""# } ?? ""
      return #"{"command":"\#(command)","user_id":"u-1","program_id":1\#(at)}"#
    }
    #expect(try world.perform(line("withdraw")).drafts.isEmpty)
    #expect(try world.perform(line("enroll", "2026-07-02T00:00:00Z")).drafts.count == 1)
    #expect(world.state.user(user)?.isEnrolled(in: program, at: world.now) == false)
    #expect(try world.perform(line("enroll")).drafts.count == 1)
    #expect(world.state.user(user)?.isEnrolled(in: program, at: world.now) == true)
    #expect(try world.perform(line("enroll")).drafts.isEmpty)
    #expect(try world.perform(line("withdraw", "2026-07-03T02:00:00+02:00")).drafts.count == 1)
    #expect(
      world.state.user(user)?.isEnrolled(in: program, at: try Instant("2026-07-02T23:59:59Z"))
        == true)
    #expect(
      world.state.user(user)?.isEnrolled(in: program, at: try Instant("2026-07-03T00:00:00Z"))
        == false)
  }

  @Test(
    "What is retired is retired once, and refused by name where it isn't there",
    arguments: [
      ("program", "1", EventType.programRetired), ("event-type", "1", .marketEventTypeRetired),
      ("user-group", "g", .userGroupRetired),
    ])
  func retire(kind word: String, name: String, type: EventType) throws {
    var world = try world()
    func line(_ name: String) -> String {
      #"{"command":"retire","kind":"\#(word)","id":"\#(name)","reason":"r"}"#
    }
    #expect(kind(try world.perform(line("nothing"))) == .notFound)
    #expect(try world.perform(line(name)).drafts.map(\.type) == [type])
    #expect(try world.perform(line(name)).drafts.isEmpty)
    let request =
      #"{"start_time":"07/01/2026 14:00","program_id":1,"event_type_id":1}"#
    let decision = try world.perform(#"{"command":"dispatch","request":\#(request)}"#)
    #expect(decision.codes == (word == "user-group" ? [] : ["\(word)-retired"]))
  }

  @Test("An erasure is for ever: a second one appends nothing, and the id is refused by its name")
  func erase() throws {
    var world = try world()
    let line = #"{"command":"erase","user_id":"u-1","reason":"request of 2026-11-20"}"#
    let erased = try world.perform(line).drafts
    #expect(erased.map(\.type) == [.userErased])
    #expect(erased.map(\.decider) == [DecisionContext.currentDecider])
    #expect(world.state.user(try id("u-1"))?.definition == nil)
    #expect(try world.perform(line).drafts.isEmpty)
    let nobody = try world.perform(#"{"command":"erase","user_id":"nobody","reason":"r"}"#)
    #expect(nobody.codes == ["unknown-user"] && kind(nobody) == .notFound)
    for command in ["opt-out", "opt-in"] {
      #expect(
        try world.perform(#"{"command":"\#(command)","user_id":"u-1"}"#).codes == ["user-erased"])
    }
    for command in ["enroll", "withdraw"] {
      let line = #"{"command":"\#(command)","user_id":"u-1","program_id":1}"#
      #expect(try world.perform(line).codes == ["user-erased"])
    }
    let again = try world.importing(#"{"users":[{"id":"u-1","name":"Ana","contacts":{}}]}"#)
    #expect(again.codes == ["user-erased"])
    #expect(throws: RequestError("reason", .missing)) {
      try world.perform(#"{"command":"erase","user_id":"u-2"}"#)
    }
  }

  @Test("Nothing is recorded of whom or what isn't there, was erased, or is retired")
  func refused() throws {
    var world = try world()
    try world.record(.userErased(UserErased(userID: try id("u-2"))))
    try world.record(.programRetired(ProgramRetired(id: try id("1"))))
    let size = world.events.count
    for (command, user, members, code, expected) in [
      ("opt-out", "nobody", "", "unknown-user", Rejection.Kind.notFound),
      ("opt-out", "u-1", #","program_id":9"#, "unknown-program", .notFound),
      ("opt-out", "u-1", #","program_id":1"#, "program-retired", .brokenRules),
      ("opt-in", "u-2", "", "user-erased", .brokenRules),
      ("enroll", "u-1", #","program_id":1"#, "program-retired", .brokenRules),
      ("enroll", "u-2", #","program_id":1"#, "user-erased", .brokenRules),
      ("withdraw", "u-1", #","program_id":9"#, "unknown-program", .notFound),
    ] {
      let decision = try world.perform(
        #"{"command":"\#(command)","user_id":"\#(user)"\#(members)}"#)
      #expect(decision.codes == [code], "\(command) \(user)")
      #expect(kind(decision) == expected, "\(command) \(user)")
    }
    // Whoever leaves may leave what is no longer used.
    #expect(
      try world.perform(#"{"command":"withdraw","user_id":"u-1","program_id":1}"#).codes.isEmpty)
    #expect(world.events.count == size)
  }
}

@Suite("Settling and correcting")
struct SettleDecisionTests {
  @Test(
    "A held unknown goes on as it is settled",
    arguments: [
      (Settlement.resend, NoticeState.pending, "sms"), (.abandon, .pending, "email"),
      (.delivered, .notified, "sms"),
    ])
  func settle(decision: Settlement, state: NoticeState, channel: String) throws {
    var world = try World()
    try world.importing(smallCatalogue)
    let dispatch = try world.request("07/01/2026 14:00")
    let attempt = try #require(try world.attemptAll().first)
    let line =
      #"{"command":"settle","attempt":"\#(attempt.id)","decision":"\#(decision.rawValue)","reason":"r"}"#
    #expect(try world.perform(line).codes == ["outcome-known"])
    try world.record(try world.decider.record(.unknown(.timeout), of: attempt.id))
    #expect(world.notices(of: dispatch)[0].standing.state == .unknown)
    let drafts = try world.perform(line).drafts
    #expect(drafts.map(\.causation) == [attempt.id])
    let standing = world.notices(of: dispatch)[0].standing
    #expect(standing.state == state && standing.channel?.text == channel)
    #expect(try world.perform(line).codes == ["outcome-known"])
    // What is due again is attempted again, and no settlement proves anything.
    let again = try world.attemptAll().compactMap { event -> String? in
      guard case .notificationAttempted(let attempt) = event.payload else { return nil }
      return "\(attempt.channel.text) \(attempt.number)"
    }
    #expect(again == [.resend: ["sms 2"], .abandon: ["email 1"], .delivered: []][decision])
    #expect(standing.evidence == .none)
  }

  @Test("What isn't an attempt can't be settled, and what isn't an event can't be corrected")
  func notFound() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    let size = world.events.count
    for (line, code) in [
      (#"{"command":"settle","attempt":"1","decision":"resend","reason":"r"}"#, "unknown-attempt"),
      (#"{"command":"correct","event":"999","reason":"r"}"#, "unknown-event"),
      (#"{"command":"correct","event":"\#(size)","reason":"r"}"#, "unknown-event"),
    ] {
      guard case .rejected(let rejection) = try world.perform(line) else {
        Issue.record("accepted: \(line)")
        return
      }
      #expect(rejection.kind == .notFound && rejection.reasons.map(\.code.text) == [code])
    }
    #expect(world.events.count == size)
  }

  @Test("A correction names the event, what that is about, and what is right")
  func correct() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    let dispatch = try world.request("07/01/2026 14:00")
    let event = world.nextID - 1
    let decision = try world.perform(
      #"{"command":"correct","event":\#(event),"reason":"r","correction":{"at":"2026"}}"#)
    guard case .ledgerCorrectionRecorded(let correction)? = decision.drafts.first?.payload else {
      Issue.record("\(decision)")
      return
    }
    #expect(correction.event == event && correction.eventSubject == "dispatch/\(dispatch.text)")
    #expect(correction.correction == (try JSONObject(#"{"at":"2026"}"#)))
  }
}

/// What nobody should be able to smuggle into the log or onto a terminal.
@Suite("Hostile input of commands")
struct HostileInputTests {
  static let commands = [
    #"{"command":"modify","dispatch_id":"@","reason":"%","end_time":"~","fold":"$"}"#,
    #"{"command":"acknowledge","dispatch_id":"@","user_id":"@","opt":"$","at":"~"}"#,
    #"{"command":"opt-out","user_id":"@","channel":"@","program_id":"@","reason":"%"}"#,
    #"{"command":"opt-in","user_id":"@","channel":"@","program_id":"@","reason":"%"}"#,
    #"{"command":"enroll","user_id":"@","program_id":"@","at":"~","reason":"%"}"#,
    #"{"command":"withdraw","user_id":"@","program_id":"@","at":"~","reason":"%"}"#,
    #"{"command":"retire","kind":"program","id":"@","reason":"%"}"#,
    #"{"command":"settle","attempt":"!","decision":"resend","reason":"%"}"#,
    #"{"command":"correct","event":"!","reason":"%"}"#,
    #"{"command":"result","attempt":"!","provider_id":"%","outcome":"failed","code":"%","at":"~"}"#,
    #"{"command":"end","dispatch_id":"@","reason":"%"}"#,
    #"{"command":"cancel","dispatch_id":"@","reason":"%"}"#,
  ]

  /// What stands for each kind of field, well formed.
  static let good: [Character: String] = [
    "@": "a", "%": "why", "~": "2026-07-01T00:00:00Z", "!": "1",
  ]

  static let hostile = [
    "a\r\nBcc: x@example.com", "a\nb", "a\u{0}b", "\u{202E}a", "a\u{2028}b", "\u{FEFF}a",
    "\u{1B}[2Ja", "a\u{2066}b", String(repeating: "x", count: 100_000), "",
  ]

  @Test("Each text field of each command refuses what hides, moves, breaks lines or is too long")
  func fields() throws {
    for line in Self.commands {
      for (place, character) in line.enumerated() where "@%~!$".contains(character) {
        for text in Self.hostile {
          let quoted = String(
            decoding: JSON.string(text).canonicalBytes.dropFirst().dropLast(), as: UTF8.self)
          var made = ""
          for (index, other) in line.enumerated() {
            if index == place {
              made += quoted
            } else if other == "$" {
              made += line.contains("opt\":\"$") ? "in" : "first"
            } else {
              made += Self.good[other] ?? String(other)
            }
          }
          let error = refusal(made) { bytes throws(RequestError) in
            try Command(parsing: bytes)
          }
          let refused = try #require(error, "taken: \(made.prefix(120))")
          // And what the refusal says of it is fit for a terminal.
          #expect(refused.text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F || $0 >= 0x80 })
          #expect(refused.text.unicodeScalars.allSatisfy { $0.value < 0x80 || $0 == "…" })
          #expect(refused.text.utf8.count < 1_000)
        }
      }
    }
  }

  @Test("The same commands are taken where nothing is wrong with them")
  func good() throws {
    for line in Self.commands {
      let made = line.map { character -> String in
        character == "$"
          ? (line.contains("opt\":\"$") ? "in" : "first")
          : Self.good[character] ?? String(character)
      }.joined()
      #expect(throws: Never.self) { try Command(parsing: Array(made.utf8)) }
    }
  }
}
