import Bytes
import Dispatching
import Events
import Testing

@Suite("Catalogues")
struct CatalogueTests {
  private func parse(_ text: String) throws(RequestError) -> CatalogueDocument {
    try CatalogueDocument(parsing: Array(text.utf8))
  }

  private func refused(_ text: String) -> RequestError? {
    refusal(text) { bytes throws(RequestError) in try CatalogueDocument(parsing: bytes) }
  }

  private func refusedProgram(_ members: String) -> RequestError? {
    refused(
      #"{"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":["sms"]\#(members)}]}"#
    )
  }

  private func refusedUser(_ members: String) -> RequestError? {
    refused(#"{"users":[{"id":"u","name":"N"\#(members)}]}"#)
  }

  @Test("A whole catalogue is read, and what it leaves out gets its default")
  func whole() throws {
    let catalogue = try parse(
      """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
         "communication_codes":["sms","email","console"]},
        {"id":"2","name":"Base","time_zone":"UTC","communication_codes":["email"],
         "lead_time":"PT30M","enrollment_required":true,"unknown_outcome":"resend",
         "late_notice":"suppress","event_type_ids":[2,"1"],"attributes":{"market":"PJM"}}],
       "event_types":[{"id":"1","name":"Emergency","user_group_ids":["industrial","hvac"]}],
       "user_groups":[{"id":"industrial","name":"Industrial sites"}],
       "users":[{"id":"u-7","name":"Ana","user_group_ids":["industrial"],"program_ids":[1],
         "time_zone":"America/New_York","language":"en",
         "contacts":{"sms":"+15551234567","email":"ops@example.com","console":"u-7"},
         "opt_outs":[{"channel":"sms"},{"program_id":1},{}]},
        {"id":8,"name":"Bo"}]}
      """)
    let program = try #require(catalogue.programs.first)
    #expect(program.id == EntityID("1"))
    #expect(program.communicationCodes.map(\.text) == ["sms", "email", "console"])
    #expect(program.leadTime.seconds == 0)
    #expect(program.leadTime.text == "PT0S")
    #expect(!program.enrollmentRequired)
    #expect(program.unknownOutcome == .hold)
    #expect(program.lateNotice == .send)
    #expect(program.eventTypeIDs == nil)
    #expect(program.attributes == nil)
    let base = catalogue.programs[1]
    #expect(base.leadTime.seconds == 1_800)
    #expect(base.enrollmentRequired)
    #expect(base.unknownOutcome == .resend)
    #expect(base.lateNotice == .suppress)
    #expect(base.eventTypeIDs?.map(\.text) == ["1", "2"])
    #expect(base.attributes == (try JSONObject(#"{"market":"PJM"}"#)))
    #expect(catalogue.eventTypes[0].userGroupIDs.map(\.text) == ["hvac", "industrial"])
    #expect(catalogue.userGroups[0].name == "Industrial sites")
    let ana = catalogue.users[0]
    #expect(ana.contacts.map(\.channel.text) == ["console", "email", "sms"])
    #expect(ana.contacts.allSatisfy { $0.problem == nil })
    #expect(
      ana.optOuts == [
        OptOutScope(channel: try channel("sms")), OptOutScope(programID: try id("1")),
        OptOutScope(),
      ])
    #expect(ana.programIDs == [try id("1")])
    let bo = catalogue.users[1]
    #expect(bo.programIDs == nil)
    #expect(bo.optOuts == nil)
    #expect(bo.contacts.isEmpty)
    #expect(try parse("{}").users.isEmpty)
  }

  @Test("Unknown keys are refused by name, with the one that was probably meant")
  func unknownKeys() {
    #expect(refused(#"{"user":[]}"#) == RequestError("user", .unknownField(suggestion: "users")))
    #expect(
      refused(#"{"contracts":[]}"#) == RequestError("contracts", .unknownField(suggestion: nil)))
    #expect(
      refusedProgram(#","leadTime":"PT1H""#)
        == RequestError("programs[0].leadTime", .unknownField(suggestion: "lead_time")))
    #expect(
      refused(#"{"user_groups":[{"id":1,"name":"G","users":[]}]}"#)
        == RequestError("user_groups[0].users", .unknownField(suggestion: nil)))
    #expect(
      refused(#"{"event_types":[{"id":1,"name":"G","user_groups":[]}]}"#)
        == RequestError("event_types[0].user_groups", .unknownField(suggestion: "user_group_ids")))
    #expect(
      refusedUser(#","contact":{}"#)
        == RequestError("users[0].contact", .unknownField(suggestion: "contacts")))
    #expect(
      refusedUser(#","opt_outs":[{"chanel":"sms"}]"#)
        == RequestError("users[0].opt_outs[0].chanel", .unknownField(suggestion: "channel")))
  }

  @Test("Each error has the path of what is wrong")
  func paths() {
    #expect(
      refused(#"{"users":{}}"#)
        == RequestError("users", .wrongKind(found: .object, expected: .array)))
    #expect(
      refused(#"{"users":[1]}"#)
        == RequestError("users[0]", .wrongKind(found: .integer, expected: .object)))
    #expect(refused(#"{"users":[{"name":"N"}]}"#) == RequestError("users[0].id", .missing))
    #expect(refused(#"{"users":[{"id":"u"}]}"#) == RequestError("users[0].name", .missing))
    #expect(
      refused(#"{"users":[{"id":"u","name":"N"},{"id":"u","name":"N"}]}"#)
        == RequestError("users[1]", .duplicate(first: "users[0]")))
    #expect(
      refused(#"{"user_groups":[{"id":1,"name":"G"},{"id":"1","name":"H"}]}"#)
        == RequestError("user_groups[1]", .duplicate(first: "user_groups[0]")))
    #expect(
      refused(#"{"event_types":[{"id":1,"name":"T"}]}"#)
        == RequestError("event_types[0].user_group_ids", .missing))
    #expect(
      refused(#"{"event_types":[{"id":1,"name":"T","user_group_ids":["a",null]}]}"#)
        == RequestError(
          "event_types[0].user_group_ids[1]", .wrongKind(found: .null, expected: .string)))
    #expect(
      refused(#"{"event_types":[{"id":1,"name":"T","user_group_ids":[1,"1"]}]}"#)
        == RequestError(
          "event_types[0].user_group_ids[1]",
          .duplicate(first: "event_types[0].user_group_ids[0]")))
    #expect(
      refused(#"{"programs":[{"id":1,"name":"P","communication_codes":["sms"]}]}"#)
        == RequestError("programs[0].time_zone", .missing))
    #expect(
      refused(#"{"programs":[{"id":1,"name":"P","time_zone":"UTC"}]}"#)
        == RequestError("programs[0].communication_codes", .missing))
    #expect(
      refused(#"{"programs":[{"id":1,"name":"P","time_zone":"a b","communication_codes":["x"]}]}"#)
        == RequestError("programs[0].time_zone", .badValue(found: "a b", expected: .timeZone)))
    #expect(
      refused(#"{"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":[]}]}"#)
        == RequestError(
          "programs[0].communication_codes", .badValue(found: "[]", expected: .notEmpty)))
    #expect(
      refused(
        #"{"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":["a","SMS"]}]}"#)
        == RequestError(
          "programs[0].communication_codes[1]", .badValue(found: "SMS", expected: .channelCode)))
    #expect(
      refused(
        #"{"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":["a","a"]}]}"#)
        == RequestError(
          "programs[0].communication_codes[1]",
          .duplicate(first: "programs[0].communication_codes[0]")))
    #expect(
      refusedProgram(#","lead_time":"30m""#)
        == RequestError("programs[0].lead_time", .badValue(found: "30m", expected: .duration)))
    #expect(
      refusedProgram(#","unknown_outcome":"drop""#)
        == RequestError(
          "programs[0].unknown_outcome",
          .badValue(found: "drop", expected: .oneOf(["hold", "resend"]))))
    #expect(
      refusedProgram(#","late_notice":1"#)
        == RequestError("programs[0].late_notice", .wrongKind(found: .integer, expected: .string)))
    #expect(
      refusedProgram(#","enrollment_required":1"#)
        == RequestError(
          "programs[0].enrollment_required", .wrongKind(found: .integer, expected: .boolean)))
    #expect(
      refusedProgram(#","attributes":[]"#)
        == RequestError("programs[0].attributes", .wrongKind(found: .array, expected: .object)))
    #expect(
      refusedUser(#","contacts":{"SMS":"+1"}"#)
        == RequestError(
          "users[0].contacts.SMS", .badValue(found: "SMS", expected: .channelCode)))
    #expect(
      refusedUser(#","contacts":{"sms":15551234567}"#)
        == RequestError("users[0].contacts.sms", .wrongKind(found: .integer, expected: .string)))
    #expect(
      refusedUser(#","language":"english!""#)
        == RequestError("users[0].language", .badValue(found: "english!", expected: .language)))
    #expect(
      refusedUser(#","opt_outs":[{},{}]"#)
        == RequestError("users[0].opt_outs[1]", .duplicate(first: "users[0].opt_outs[0]")))
    #expect(
      refusedUser(#","opt_outs":[{"program_id":[]}]"#)
        == RequestError(
          "users[0].opt_outs[0].program_id", .wrongKind(found: .array, expected: .string)))
  }

  @Test("An error never quotes a name or an address")
  func personal() {
    #expect(
      refused(#"{"users":[{"id":"u","name":"Ana\u0007"}]}"#)
        == RequestError("users[0].name", .badValue(found: nil, expected: .text(limit: 256))))
    let long = String(repeating: "x", count: 1_025)
    #expect(
      refusedUser(#","contacts":{"sms":"\#(long)"}"#)
        == RequestError(
          "users[0].contacts.sms", .badValue(found: nil, expected: .bytes(limit: 1_024))))
  }

  @Test("Lists, names and attributes have limits")
  func limits() throws {
    let ids = (0...256).map { #""g\#($0)""# }.joined(separator: ",")
    #expect(
      refusedUser(#","user_group_ids":[\#(ids)]"#)
        == RequestError(
          "users[0].user_group_ids",
          .badValue(found: "257 entries", expected: .entries(limit: 256))))
    let contacts = (0...16).map { #""c\#($0)":"x""# }.joined(separator: ",")
    #expect(
      refusedUser(#","contacts":{\#(contacts)}"#)
        == RequestError(
          "users[0].contacts", .badValue(found: "17 entries", expected: .entries(limit: 16))))
    let name = String(repeating: "n", count: 257)
    #expect(
      refused(#"{"user_groups":[{"id":1,"name":"\#(name)"}]}"#)
        == RequestError(
          "user_groups[0].name", .badValue(found: name, expected: .text(limit: 256))))
    let text = String(repeating: "x", count: 16_000)
    #expect(refusedProgram(#","attributes":{"a":"\#(text)"}"#) == nil)
    let large = refusedProgram(#","attributes":{"a":"\#(text)","b":"\#(text)"}"#)
    guard case .tooLarge(_, 16_384)? = large?.problem else {
      Issue.record("\(String(describing: large))")
      return
    }
  }
}
