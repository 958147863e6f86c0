import Bytes
import Events
import Simulation
import Testing
import Dispatching
import Views

@Suite("Programs, types, groups and users")
struct CatalogueTests {
  @Test("A definition stands until the next one, with the event that made it")
  func defined() throws {
    var fixture = try Fixture()
    #expect(try fixture.store.catalogue.programs.find("p") == nil)
    let first = try fixture.append(Sample.program(name: "One"))
    let programs = fixture.store.catalogue.programs
    #expect(try programs.find("p")?.version == first)
    let second = try fixture.append(Sample.program(name: "Two"), Sample.program("a"))
    let found = try #require(try programs.find("p"))
    #expect(found.version == second)
    #expect(.programDefined(found.definition) == Sample.program(name: "Two"))
    #expect(try programs.list().map(\.definition.id) == ["a", "p"])
  }

  @Test("What is retired says so, until it is defined again")
  func retired() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.program(), Sample.eventType(), Sample.group())
    let retired = try fixture.append(
      .programRetired(ProgramRetired(id: "p")),
      .marketEventTypeRetired(MarketEventTypeRetired(id: "t")),
      .userGroupRetired(UserGroupRetired(id: "g")))
    let catalogue = fixture.store.catalogue
    #expect(try catalogue.programs.find("p")?.retired == retired)
    #expect(try catalogue.marketEventTypes.find("t")?.retired == retired + 1)
    #expect(try catalogue.userGroups.find("g")?.retired == retired + 2)
    try fixture.append(Sample.group())
    #expect(try catalogue.userGroups.find("g")?.retired == nil)
    #expect(try catalogue.userGroups.list().count == 1)
  }

  @Test("A user is in the groups of its last definition")
  func membership() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.user(groups: ["a", "b"]), Sample.user("t", groups: ["b"]))
    let users = fixture.store.users
    #expect(try users.members(of: "a") == ["u"])
    #expect(try users.members(of: "b") == ["t", "u"])
    let second = try fixture.append(Sample.user(groups: ["b", "c"], channels: ["email"]))
    #expect(try users.members(of: "a").isEmpty)
    #expect(try users.members(of: "b") == ["t", "u"])
    #expect(try users.members(of: "c") == ["u"])
    let user = try #require(try users.find("u"))
    #expect(user.version == second)
    #expect(user.definition?.contacts.map(\.channel) == ["email"])
    #expect(try users.count() == 2)
    #expect(try users.list().map(\.id) == ["t", "u"])
    #expect(try users.list(after: "t", limit: 1).map(\.id) == ["u"])
  }

  @Test("An erased user leaves nothing but its id, and is never defined again")
  func erased() throws {
    var fixture = try Fixture()
    try fixture.append(
      Sample.user(), Sample.enrolled(at: 0), .userOptedOut(UserOptedOut(userID: "u")))
    let erased = try fixture.append(.userErased(UserErased(userID: "u")))
    try fixture.append(Sample.user())
    try fixture.append(.userErased(UserErased(userID: "u")))
    let store = fixture.store
    let user = try #require(try store.users.find("u"))
    #expect(user.erased == erased)
    #expect(user.definition == nil)
    #expect(try store.users.count() == 0)
    #expect(try store.users.members(of: "g").isEmpty)
    #expect(try store.enrollments.programs(of: "u").isEmpty)
    #expect(try store.optOuts.of("u").isEmpty)
    #expect(try store.users.considered(groups: ["g"], program: "p", at: .minute(5)).isEmpty)
    #expect(try store.users.lastErasure() == erased)
    #expect(try store.users.ids(after: nil, limit: 9).map(\.isErased) == [true])
  }

  @Test("Erasures are found by when they were, from any of them on")
  func erasures() throws {
    var fixture = try Fixture()
    #expect(try fixture.store.users.lastErasure() == nil)
    var events: [EventID] = []
    for name in ["c", "a", "b"] {
      try fixture.append(Sample.user(EntityID(name) ?? "u"))
    }
    for name in ["c", "a", "b"] {
      events.append(try fixture.append(.userErased(UserErased(userID: EntityID(name) ?? "u"))))
    }
    let users = fixture.store.users
    #expect(try users.lastErasure() == events[2])
    #expect(try users.erased(after: nil, limit: 2).map(\.by) == [events[0], events[1]])
    #expect(try users.erased(after: events[0], limit: 9).map(\.id) == ["a", "b"])
    #expect(try users.erased(after: events[2], limit: 9).isEmpty)
  }

  @Test("An opt-out holds until it is taken back for the same channel and program")
  func optOuts() throws {
    var fixture = try Fixture()
    let first = try fixture.append(
      .userOptedOut(UserOptedOut(userID: "u")),
      .userOptedOut(UserOptedOut(userID: "u", channel: "sms")),
      .userOptedOut(UserOptedOut(userID: "u", programID: "p")),
      .userOptedOut(UserOptedOut(userID: "u", channel: "sms", programID: "p")))
    let optOuts = fixture.store.optOuts
    #expect(try optOuts.of("u").map(\.event) == [first, first + 1, first + 2, first + 3])
    #expect(try optOuts.of("u").map(\.channel) == [nil, "sms", nil, "sms"])
    #expect(try optOuts.of("u").map(\.programID) == [nil, nil, "p", "p"])
    try fixture.append(.userOptedIn(UserOptedIn(userID: "u", channel: "sms")))
    #expect(try optOuts.of("u").map(\.event) == [first, first + 2, first + 3])
    try fixture.append(.userOptedIn(UserOptedIn(userID: "u")))
    #expect(try optOuts.of("u").map(\.event) == [first + 2, first + 3])
    try fixture.append(.userOptedIn(UserOptedIn(userID: "u", channel: "email", programID: "p")))
    #expect(try optOuts.of("u").count == 2)
    #expect(try optOuts.of("nobody").isEmpty)
  }

  @Test("Enrollments are the same intervals in whatever order they are recorded")
  func enrollmentOrder() throws {
    let apart = [
      Sample.enrolled(at: 10), Sample.withdrawn(from: "p", at: 20), Sample.enrolled(at: 30),
      Sample.withdrawn(from: "p", at: 40),
    ]
    let twice = [
      Sample.enrolled(at: 10), Sample.enrolled(at: 20), Sample.withdrawn(from: "p", at: 40),
    ]
    for (changes, expected) in [(apart, [10..<20, 30..<40]), (twice, [10..<40])] {
      for order in permutations(of: changes) {
        var fixture = try Fixture()
        try fixture.append(Sample.user())
        for change in order { try fixture.append(change) }
        let store = fixture.store
        let intervals = try store.enrollments.intervals(of: "u", in: "p")
        #expect(intervals.map(\.from) == expected.map { .minute($0.lowerBound) })
        #expect(intervals.map(\.until) == expected.map { .minute($0.upperBound) })
        for minute in 0...50 {
          let isIn = expected.contains { $0.contains(minute) }
          #expect(intervals.contains { $0.contains(.minute(minute)) } == isIn)
          let considered = try store.users.considered(
            groups: [], program: "p", at: .minute(minute))
          #expect(considered.count == (isIn ? 1 : 0))
        }
      }
    }
  }

  @Test("Who enrolls twice and withdraws once is out; who withdraws first and enrolls then is in")
  func enrollmentAtOneTime() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.enrolled(at: 1), Sample.enrolled(at: 2))
    let enrollments = fixture.store.enrollments
    #expect(try enrollments.intervals(of: "u", in: "p").map(\.until) == [nil])
    try fixture.append(Sample.withdrawn(from: "p", at: 3))
    #expect(try enrollments.intervals(of: "u", in: "p").map(\.until) == [.minute(3)])
    try fixture.append(Sample.enrolled(at: 3))
    #expect(try enrollments.intervals(of: "u", in: "p").map(\.from) == [.minute(1), .minute(3)])
    try fixture.append(Sample.withdrawn(from: "p", at: 3))
    let last = try #require(try enrollments.intervals(of: "u", in: "p").last)
    #expect(!last.contains(.minute(3)))
    #expect(try enrollments.programs(of: "u").map(\.programID) == ["p"])
  }

  @Test(
    "The users considered are those in a group or enrolled, and no others",
    arguments: 1...amount(6 as UInt64, long: 100))
  func considered(seed: UInt64) throws {
    let history = History(seed: seed, commits: 300)
    let store = try ViewStore.empty()
    try store.take(history.log.commits)
    for groups: [EntityID] in [[], ["g-1"], ["g-2", "g-3"], History.groups] {
      for program in History.programs {
        for minute in stride(from: -600, through: 600, by: 150) {
          var expected: [EntityID] = []
          for user in try store.users.list() {
            guard let definition = user.definition else { continue }
            let isMember = groups.contains { definition.userGroupIDs.contains($0) }
            let isEnrolled = try store.enrollments.intervals(of: user.id, in: program)
              .contains { $0.contains(.minute(minute)) }
            if isMember || isEnrolled { expected.append(user.id) }
          }
          let found = try store.users.considered(
            groups: groups, program: program, at: .minute(minute))
          #expect(found.map(\.definition.id) == expected, "seed \(seed)")
          let rest = try store.users.considered(
            groups: groups, program: program, at: .minute(minute), after: expected.first, limit: 2)
          #expect(rest.map(\.definition.id) == Array(expected.dropFirst().prefix(2)))
        }
      }
    }
  }

  private func permutations<Element>(of elements: [Element]) -> [[Element]] {
    guard elements.count > 1 else { return [elements] }
    return elements.indices.flatMap { index in
      var rest = elements
      let first = rest.remove(at: index)
      return permutations(of: rest).map { [first] + $0 }
    }
  }
}
