import Bytes
import Dispatching
import Events
import Testing

@Suite("Resolution")
struct ResolutionTests {
  /// One way for a user to be.
  struct Person {
    let groups: [String]
    /// Changes of enrollment in program 1 as (hours from now, enrolls).
    let enrollment: [(hours: Int64, enrolls: Bool)]
    let optOuts: [OptOutScope]
    /// Address states on channels a and b: nil where there is none.
    let isValid: [String: Bool]
  }

  private static let groupChoices = [[], ["g"], ["h"], ["g", "h"]]
  private static let enrollmentChoices: [[(hours: Int64, enrolls: Bool)]] = [
    [], [(-2, true)], [(-2, true), (-1, false)], [(1, true)], [(0, true)],
    [(-2, true), (0, false)], [(-2, true), (1, false)], [(-1, false)],
    [(-3, true), (-2, false), (-1, true)],
  ]

  private static func optOutChoices() throws -> [[OptOutScope]] {
    let one = try id("1")
    let two = try id("2")
    let a = try channel("a")
    let b = try channel("b")
    return [
      [], [OptOutScope()], [OptOutScope(programID: one)], [OptOutScope(programID: two)],
      [OptOutScope(channel: a)], [OptOutScope(channel: b)],
      [OptOutScope(channel: a), OptOutScope(channel: b)],
      [OptOutScope(programID: one, channel: a)], [OptOutScope(programID: two, channel: b)],
    ]
  }

  /// Every combination of the choices.
  private static func everybody() throws -> [Person] {
    var people: [Person] = []
    let states: [Bool?] = [nil, true, false]
    for groups in groupChoices {
      for enrollment in enrollmentChoices {
        for optOuts in try optOutChoices() {
          for a in states {
            for b in states {
              var valid: [String: Bool] = [:]
              valid["a"] = a
              valid["b"] = b
              people.append(
                Person(groups: groups, enrollment: enrollment, optOuts: optOuts, isValid: valid))
            }
          }
        }
      }
    }
    return people
  }

  /// What the market's rules say of a person, told in another way than the code tells it: nil where
  /// the person isn't considered, else channels, or a reason.
  private func expected(
    _ person: Person, reached: [String], enrollmentRequired: Bool
  ) -> (considered: Bool, channels: [String], reason: String?) {
    let inGroup = person.groups.contains { reached.contains($0) }
    let past = person.enrollment.filter { $0.hours <= 0 }
    let isEnrolled = past.last?.enrolls ?? false
    guard inGroup || isEnrolled else { return (false, [], nil) }
    if !inGroup { return (true, [], "not-in-group") }
    if enrollmentRequired, !isEnrolled {
      return (true, [], past.contains { $0.enrolls } ? "withdrawn" : "not-enrolled")
    }
    let holding = person.optOuts.filter { $0.programID?.text != "2" }
    if holding.contains(where: { $0.channel == nil }) { return (true, [], "opted-out") }
    var left = ["a", "b"].filter { person.isValid[$0] != nil }
    if left.isEmpty { return (true, [], "no-address") }
    left.removeAll { code in holding.contains { $0.channel?.text == code } }
    if left.isEmpty { return (true, [], "opted-out") }
    left.removeAll { person.isValid[$0] == false }
    return left.isEmpty ? (true, [], "invalid-address") : (true, left, nil)
  }

  private func build(_ people: [Person], reached: [String], required: Bool) throws -> World {
    var world = try World()
    let groups = reached.map { "\"\($0)\"" }.joined(separator: ",")
    try world.importing(
      """
      {"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":["a","b"],
          "enrollment_required":\(required)},
         {"id":2,"name":"Q","time_zone":"UTC","communication_codes":["b"]}],
       "event_types":[{"id":1,"name":"T","user_group_ids":[\(groups)]}],
       "user_groups":[{"id":"g","name":"G"},{"id":"h","name":"H"}]}
      """)
    for (index, person) in people.enumerated() {
      let user = try id("u-\(padded(index, 5))")
      let contacts = try person.isValid.sorted { $0.key < $1.key }.map { code, isValid in
        let channel = try channel(code)
        return Contact(
          channel: channel, address: FakeSeal.seal("x", user, .address(channel)),
          problem: isValid ? nil : .malformed)
      }
      let groups = try person.groups.map { try id($0) }
      try world.record(
        .userDefined(
          UserDefined(
            id: user, name: FakeSeal.seal("N", user, .name), userGroupIDs: SortedSet(groups),
            contacts: contacts)))
      for change in person.enrollment {
        let at = world.now.adding(seconds: change.hours * 3_600)
        let one = try id("1")
        try world.record(
          change.enrolls
            ? .userEnrolled(UserEnrolled(userID: user, programID: one, at: at))
            : .userWithdrawn(UserWithdrawn(userID: user, programID: one, at: at)))
      }
      for scope in person.optOuts {
        try world.record(
          .userOptedOut(
            UserOptedOut(userID: user, channel: scope.channel, programID: scope.programID)))
      }
    }
    return world
  }

  @Test(
    "Everybody considered is a recipient or an exclusion with its reason, and the books balance",
    arguments: [(["g"], false), (["g"], true), (["g", "h"], true), ([], false)])
  func exhausted(reached: [String], required: Bool) throws {
    let people = try Self.everybody()
    var world = try build(people, reached: reached, required: required)
    let dispatch = try world.request("07/02/2026 00:00")
    let chunks = world.resolutions(of: dispatch, modification: 1)
    var found: [String: (channels: [String], reason: String?)] = [:]
    var order: [String] = []
    for chunk in chunks {
      #expect(chunk.recipients.count + chunk.exclusions.count <= 256)
      for recipient in chunk.recipients {
        found[recipient.userID.text] = (recipient.channels.map(\.channel.text), nil)
      }
      for exclusion in chunk.exclusions {
        found[exclusion.userID.text] = ([], exclusion.reason.rawValue)
      }
      order += (chunk.recipients.map(\.userID.text) + chunk.exclusions.map(\.userID.text)).sorted()
    }
    #expect(order == order.sorted())
    #expect(chunks.map(\.chunk) == Array(0..<chunks.count))
    #expect(chunks.dropLast().allSatisfy { !$0.isLast })
    let totals = try #require(chunks.last?.totals)
    var considered = 0
    for (index, person) in people.enumerated() {
      let user = "u-\(padded(index, 5))"
      let wanted = expected(person, reached: reached, enrollmentRequired: required)
      considered += wanted.considered ? 1 : 0
      let got = found[user]
      #expect((got != nil) == wanted.considered, "\(user): \(person)")
      #expect(got?.channels ?? [] == wanted.channels, "\(user): \(person)")
      #expect(got?.reason == wanted.reason, "\(user): \(person)")
    }
    #expect(totals.considered == considered)
    #expect(totals.considered == totals.recipients + totals.exclusions)
    #expect(totals.considered + totals.notConsidered == people.count)
    #expect(totals.recipients == chunks.reduce(0) { $0 + $1.recipients.count })
  }

  @Test("A resolution cut between its chunks is finished as it would have been")
  func finishing() throws {
    let people = try Self.everybody().filter { !$0.groups.isEmpty }
    let whole = try build(people, reached: ["g", "h"], required: false)
    let request = try Command(
      parsing: Array(
        """
        {"command":"dispatch","request":{"start_time":"07/02/2026 00:00","program_id":1,"event_type_id":1}}
        """.utf8))
    let drafts = try whole.decider.decide(request).drafts
    #expect(drafts.count > 4)
    for cut in 2..<drafts.count {
      var world = whole
      try world.record(Array(drafts.prefix(cut)))
      #expect(world.state.dueNotices(at: world.now, limit: 10).isEmpty)
      let progress = try #require(world.state.unfinishedResolutions().first)
      #expect(progress.chunks == cut - 1)
      world.advance(seconds: 7_200)
      let rest = try world.decider.finish(progress)
      #expect(rest == Array(drafts.dropFirst(cut)))
      try world.record(rest)
      #expect(world.state.unfinishedResolutions().isEmpty)
      #expect(!world.state.dueNotices(at: world.now, limit: 10).isEmpty)
    }
  }

  @Test("Nobody is recorded too, and the longest ids and channels still fit a line")
  func sizes() throws {
    var world = try World()
    let codes = (0..<16).map { "c\(padded($0, 2))" + String(repeating: "x", count: 29) }
    let groups = (0..<256).map { "g\(padded($0, 3))" + String(repeating: "y", count: 124) }
    try world.importing(
      """
      {"programs":[{"id":1,"name":"P","time_zone":"UTC","communication_codes":\(list(codes))}],
       "event_types":[{"id":1,"name":"T","user_group_ids":\(list(groups))}],
       "user_groups":[\(groups.map { #"{"id":"\#($0)","name":"G"}"# }.joined(separator: ","))]}
      """)
    let empty = try world.request("07/02/2026 00:00")
    let chunk = try #require(world.resolutions(of: empty, modification: 1).first)
    #expect(chunk.totals == ResolutionTotals(recipients: 0, exclusions: 0, notConsidered: 0))
    let contacts = codes.map { #""\#($0)":"x""# }.joined(separator: ",")
    let users = (0..<300).map { index in
      let name = "u\(padded(index, 3))" + String(repeating: "z", count: 124)
      return
        #"{"id":"\#(name)","name":"N","user_group_ids":\#(list(groups)),"contacts":{\#(contacts)}}"#
    }
    try world.importing(#"{"users":[\#(users.joined(separator: ","))]}"#)
    let full = try world.request("07/02/2026 00:00")
    let chunks = world.resolutions(of: full, modification: 1)
    #expect(chunks.count > 2)
    #expect(chunks.last?.totals?.recipients == 300)
  }

  private func list(_ words: [String]) -> String {
    "[\(words.map { "\"\($0)\"" }.joined(separator: ","))]"
  }

  @Test("A group that is retired, or that nobody defined, reaches nobody")
  func retiredGroup() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    try world.record(.userGroupRetired(UserGroupRetired(id: try id("g"))))
    let dispatch = try world.request("07/02/2026 00:00")
    let chunk = try #require(world.resolutions(of: dispatch, modification: 1).first)
    #expect(chunk.userGroups.elements.isEmpty)
    #expect(chunk.totals == ResolutionTotals(recipients: 0, exclusions: 0, notConsidered: 3))
  }
}
