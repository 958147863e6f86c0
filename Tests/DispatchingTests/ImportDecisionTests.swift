import Bytes
import Dispatching
import Events
import Testing

@Suite("Decisions on catalogues")
struct ImportDecisionTests {
  private func types(_ decision: Decision) -> [EventType] { decision.drafts.map(\.type) }

  @Test("A new catalogue is defined, what others refer to first; the same again changes nothing")
  func twice() throws {
    var world = try World()
    let first = try world.importing(smallCatalogue)
    #expect(
      types(first) == [
        .userGroupDefined, .userGroupDefined, .marketEventTypeDefined, .programDefined,
        .userDefined, .userDefined, .userDefined,
      ])
    #expect(first.drafts.allSatisfy { $0.decider == 1 })
    world.advance(seconds: 60)
    #expect(try world.importing(smallCatalogue) == .accepted([]))
  }

  @Test("Names and addresses are sealed under their user and field, and judged as they are sealed")
  func sealed() throws {
    var world = try World()
    try world.importing(
      #"{"users":[{"id":"u","name":"Ana","contacts":{"sms":"555","email":"ana@example.com"}}]}"#)
    let user = try #require(world.state.user(try id("u"))?.definition)
    let open = world.context.personalData.open
    #expect(open(user.name, user.id, .name) == "Ana")
    #expect(user.contacts.map(\.channel.text) == ["email", "sms"])
    #expect(open(user.contacts[1].address, user.id, .address(try channel("sms"))) == "555")
    #expect(user.contacts.map(\.problem) == [nil, .malformed])
  }

  @Test(
    "A user is defined again for a change of any field, and only then",
    arguments: [
      (#""name":"Ana","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}"#, false),
      (#""contacts":{"sms":"+15551230001"},"user_group_ids":["g"],"name":"Ana""#, false),
      (#""name":"Anna","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}"#, true),
      (#""name":"Ana","user_group_ids":["h"],"contacts":{"sms":"+15551230001"}"#, true),
      (#""name":"Ana","user_group_ids":["g"],"contacts":{"sms":"+15551230002"}"#, true),
      (#""name":"Ana","user_group_ids":["g"],"contacts":{"call":"+15551230001"}"#, true),
      (#""name":"Ana","user_group_ids":["g"]"#, true),
      (
        #""name":"Ana","user_group_ids":["g"],"contacts":{"sms":"+15551230001"},"language":"en""#,
        true
      ),
      (
        #""name":"Ana","user_group_ids":["g"],"contacts":{"sms":"+15551230001"},"time_zone":"UTC""#,
        true
      ),
    ])
  func changed(members: String, isChange: Bool) throws {
    var world = try World()
    try world.importing(#"{"user_groups":[{"id":"g","name":"G"},{"id":"h","name":"H"}]}"#)
    try world.importing(
      #"{"users":[{"id":"u","name":"Ana","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}]}"#
    )
    let decision = try world.importing(#"{"users":[{"id":"u",\#(members)}]}"#)
    #expect(types(decision) == (isChange ? [.userDefined] : []))
  }

  @Test("A name in another normalization is another name")
  func normalization() throws {
    var world = try World()
    try world.importing(#"{"users":[{"id":"u","name":"Jose\u0301"}]}"#)
    let decision = try world.importing(#"{"users":[{"id":"u","name":"Jos\u00e9"}]}"#)
    #expect(types(decision) == [.userDefined])
  }

  @Test("What can't be opened any more is defined again")
  func lostKey() throws {
    var world = try World()
    let catalogue = #"{"users":[{"id":"u","name":"Ana"}]}"#
    try world.importing(catalogue)
    world.lostKeys = [try id("u")]
    #expect(types(try world.importing(catalogue)) == [.userDefined])
  }

  @Test("Enrollments become those of the list; without a list they stay")
  func enrollments() throws {
    var world = try World()
    let programs = ["p", "q"].map {
      #"{"id":"\#($0)","name":"P","time_zone":"UTC","communication_codes":["sms"]}"#
    }.joined(separator: ",")
    try world.importing(#"{"programs":[\#(programs)]}"#)
    func changes(_ ids: String?) throws -> [String] {
      let list = ids.map { #","program_ids":[\#($0)]"# } ?? ""
      let decision = try world.importing(#"{"users":[{"id":"u","name":"A"\#(list)}]}"#)
      world.advance(seconds: 60)
      return decision.drafts.compactMap { draft in
        switch draft.payload {
        case .userEnrolled(let change): "+\(change.programID.text)"
        case .userWithdrawn(let change): "-\(change.programID.text)"
        default: nil
        }
      }
    }
    #expect(try changes(#""p""#) == ["+p"])
    #expect(try changes(#""p""#) == [])
    #expect(try changes(#""q""#) == ["+q", "-p"])
    #expect(try changes(nil) == [])
    #expect(try changes(#""q","p""#) == ["+p"])
    #expect(try changes("") == ["-p", "-q"])
    #expect(try changes("") == [])
    let user = try #require(world.state.user(try id("u")))
    #expect(user.enrollments.map(\.programID.text) == ["p", "q"])
    #expect(user.enrollments.map(\.intervals.count) == [2, 1])
  }

  @Test("Opt-outs become those of the list; without a list they stay")
  func optOuts() throws {
    var world = try World()
    func changes(_ list: String?) throws -> [String] {
      let members = list.map { #","opt_outs":[\#($0)]"# } ?? ""
      let decision = try world.importing(#"{"users":[{"id":"u","name":"A"\#(members)}]}"#)
      return decision.drafts.compactMap { draft in
        switch draft.payload {
        case .userOptedOut(let change): "-\(change.channel?.text ?? "all")"
        case .userOptedIn(let change): "+\(change.channel?.text ?? "all")"
        default: nil
        }
      }
    }
    #expect(try changes(#"{"channel":"sms"}"#) == ["-sms"])
    #expect(try changes(nil) == [])
    #expect(try changes(#"{"channel":"email"},{}"#) == ["-email", "-all", "+sms"])
    #expect(try changes(#"{},{"channel":"email"}"#) == [])
    #expect(try changes("") == ["+all", "+email"])
  }

  @Test("What was retired is in use again once it is imported")
  func retired() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    let one = try id("1")
    try world.record(
      .programRetired(ProgramRetired(id: one)),
      .marketEventTypeRetired(MarketEventTypeRetired(id: one)),
      .userGroupRetired(UserGroupRetired(id: try id("g"))))
    let decision = try world.importing(smallCatalogue)
    #expect(types(decision) == [.userGroupDefined, .marketEventTypeDefined, .programDefined])
    #expect(world.state.program(one)?.retired == nil)
  }

  @Test("An import with broken references is rejected whole, with each of them")
  func references() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    try world.importing(
      """
      {"user_groups":[{"id":"old","name":"O"}],
       "event_types":[{"id":"old","name":"O","user_group_ids":[]}],
       "programs":[{"id":"old","name":"O","time_zone":"UTC","communication_codes":["sms"]}],
       "users":[{"id":"gone","name":"X"}]}
      """)
    let old = try id("old")
    try world.record(
      .programRetired(ProgramRetired(id: old)),
      .marketEventTypeRetired(MarketEventTypeRetired(id: old)),
      .userGroupRetired(UserGroupRetired(id: old)),
      .userErased(UserErased(userID: try id("gone"))))
    let size = world.events.count
    let decision = try world.importing(
      """
      {"user_groups":[{"id":"new","name":"N"}],
       "event_types":[{"id":2,"name":"T","user_group_ids":["g","new","none","old"]}],
       "programs":[{"id":2,"name":"P","time_zone":"Mars/Olympus","communication_codes":["sms"],
         "event_type_ids":[1,2,3,"old"]}],
       "users":[{"id":"gone","name":"X"},
         {"id":"u","name":"Y","user_group_ids":["none"],"time_zone":"Mars/Olympus",
          "program_ids":[1,2,3,"old"],"opt_outs":[{"channel":"sms"},{"program_id":3}]}]}
      """)
    guard case .rejected(let rejection) = decision else {
      Issue.record("\(decision)")
      return
    }
    #expect(world.events.count == size)
    #expect(rejection.drafts.isEmpty)
    #expect(rejection.kind == .brokenRules)
    #expect(
      rejection.reasons.map { "\($0.field ?? ""): \($0.code.text)" } == [
        "event_types[0].user_group_ids: unknown-user-group",
        "event_types[0].user_group_ids: user-group-retired",
        "programs[0].time_zone: unknown-time-zone",
        "programs[0].event_type_ids: unknown-event-type",
        "programs[0].event_type_ids: event-type-retired",
        "users[0].id: user-erased",
        "users[1].user_group_ids: unknown-user-group",
        "users[1].time_zone: unknown-time-zone",
        "users[1].program_ids: unknown-program",
        "users[1].program_ids: program-retired",
        "users[1].opt_outs[1].program_id: unknown-program",
      ])
  }
}
