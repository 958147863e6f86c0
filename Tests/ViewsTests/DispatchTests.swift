import Bytes
import Events
import Testing
import Dispatching
import Views

@Suite("Dispatches, notices and attempts")
struct DispatchTests {
  /// A dispatch with one recipient, who can be told by `sms` and then by `email`.
  func fixture() throws -> Fixture {
    var fixture = try Fixture()
    try fixture.append(Sample.request(), Sample.resolved())
    return fixture
  }

  func standing(_ fixture: Fixture, user: EntityID = "u") throws -> NoticeStanding {
    let key = NoticeKey(dispatchID: "d", modification: 1, userID: user)
    return try #require(try fixture.store.notices.find(key)).standing
  }

  @Test("A dispatch holds what its request and its modifications say")
  func modifications() throws {
    var fixture = try fixture()
    let dispatches = fixture.store.dispatches
    var dispatch = try #require(try dispatches.find("d"))
    #expect(dispatch.requested == 0)
    #expect(dispatch.programID == "p")
    #expect(dispatch.end == .minute(120))
    let modified = try fixture.append(Sample.modified(end: nil))
    dispatch = try #require(try dispatches.find("d"))
    #expect(dispatch.modification == 2)
    #expect(dispatch.start == .minute(70))
    #expect(dispatch.end == nil)
    let ended = try fixture.append(Sample.ended(modification: 3))
    dispatch = try #require(try dispatches.find("d"))
    #expect(dispatch.end == .minute(80))
    #expect(dispatch.ended == ended)
    let cancelled = try fixture.append(Sample.cancelled(modification: 4))
    dispatch = try #require(try dispatches.find("d"))
    #expect(dispatch.cancelled == cancelled)
    #expect(dispatch.modification == 4)
    let modifications = try dispatches.modifications(of: "d")
    #expect(modifications.map(\.number) == [1, 2, 3, 4])
    #expect(modifications.map(\.event) == [0, modified, ended, cancelled])
    guard case .end(let end) = modifications[2].change else {
      Issue.record("the third modification isn't the end")
      return
    }
    #expect(.dispatchEnded(end) == Sample.ended(modification: 3))
    #expect(try dispatches.modification(5, of: "d") == nil)
  }

  @Test("A dispatch that waits says for what, and what came of it")
  func scheduled() throws {
    var fixture = try Fixture()
    let first = try fixture.append(
      Sample.request(),
      .dispatchScheduled(DispatchScheduled(dispatchID: "d", executeAt: .minute(30))),
      .dispatchTriggered(
        DispatchTriggered(dispatchID: "d", nominal: .minute(30), signals: [], trace: [])),
      .dispatchMissed(
        DispatchMissed(dispatchID: "d", nominal: .minute(30), grace: .halfAnHour)))
    let dispatch = try #require(try fixture.store.dispatches.find("d"))
    #expect(dispatch.scheduled == first + 1)
    #expect(dispatch.executeAt == .minute(30))
    #expect(dispatch.triggered == first + 2)
    #expect(dispatch.missed == first + 3)
  }

  @Test("A rejected request is no dispatch, but every reason is kept")
  func rejected() throws {
    var fixture = try Fixture()
    let event = try fixture.append(Sample.rejected())
    #expect(try fixture.store.dispatches.find("d") == nil)
    let rejections = try fixture.store.dispatches.rejections(of: "d")
    #expect(rejections.map(\.event) == [event])
    #expect(rejections.map { .dispatchRejected($0.rejected) } == [Sample.rejected()])
  }

  @Test("Dispatches are listed by id, also those of one program")
  func listed() throws {
    var fixture = try Fixture()
    for (id, program) in [("d3", "p"), ("d1", "q"), ("d2", "p")] as [(EntityID, EntityID)] {
      try fixture.append(Sample.request(id, program: program))
    }
    let dispatches = fixture.store.dispatches
    #expect(try dispatches.list().map(\.id) == ["d1", "d2", "d3"])
    #expect(try dispatches.list(after: "d1", limit: 1).map(\.id) == ["d2"])
    #expect(try dispatches.list(program: "p").map(\.id) == ["d2", "d3"])
    #expect(try dispatches.list(program: "p", after: "d2").map(\.id) == ["d3"])
  }

  @Test("Nothing is due before the chunk that says it is the last")
  func chunks() throws {
    var fixture = try Fixture()
    let first = try fixture.append(
      Sample.request(), Sample.resolved(isLast: false, users: ["a", "c"], excluded: ["d"]))
    let store = fixture.store
    #expect(try store.notices.due(at: .minute(999)).isEmpty)
    let unfinished = try store.resolutions.unfinished()
    #expect(unfinished.map(\.dispatchID) == ["d"])
    #expect(unfinished.map(\.chunks) == [1])
    #expect(unfinished.map(\.lastUser) == ["d"])
    #expect(unfinished.map(\.first) == [first + 1])
    let last = try fixture.append(Sample.resolved(chunk: 1, users: ["e"], excluded: []))
    #expect(try store.resolutions.unfinished().isEmpty)
    let resolution = try #require(try store.resolutions.find("d", modification: 1))
    #expect(resolution.chunks == 2)
    #expect(resolution.last == last)
    #expect(resolution.recipients == 3)
    #expect(resolution.exclusions == 1)
    #expect(resolution.notConsidered == 9)
    #expect(try store.notices.due(at: .minute(999)).map(\.key.userID) == ["a", "c", "e"])
    #expect(try store.resolutions.exclusions(of: "d", modification: 1).map(\.userID) == ["d"])
  }

  @Test("What is due comes by time, then by dispatch and user")
  func due() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.request("d2"), Sample.resolved("d2", users: ["b", "a"].sorted()))
    try fixture.append(Sample.request("d1"), Sample.resolved("d1", users: ["c"]))
    try fixture.append(Sample.deferred(until: 50, dispatch: "d2", user: "a"))
    let notices = fixture.store.notices
    #expect(try notices.due(at: .minute(0)).isEmpty)
    #expect(try notices.due(at: .minute(1)).map(\.key.userID) == ["b"])
    #expect(try notices.due(at: .minute(49)).map(\.key.userID) == ["b", "c"])
    #expect(try notices.due(at: .minute(50)).map(\.key.userID) == ["b", "c", "a"])
    #expect(try notices.due(at: .minute(50), limit: 2).count == 2)
    #expect(try notices.dueCount(at: .minute(50)) == 3)
    #expect(try notices.nextDue() == .minute(1))
  }

  @Test("An attempt is open until a result comes, and its user told then")
  func attempted() throws {
    var fixture = try fixture()
    #expect(try standing(fixture).state == .pending)
    let attempt = try fixture.append(Sample.attempted())
    let attempts = fixture.store.attempts
    #expect(try standing(fixture).state == .attempted)
    #expect(try attempts.open().map(\.event) == [attempt])
    #expect(try fixture.store.notices.nextDue() == nil)
    let result = try fixture.append(
      Sample.result(of: attempt, .accepted, .acceptedByProvider, providerID: "SM1"))
    #expect(try attempts.open().isEmpty)
    #expect(try standing(fixture).state == .notified)
    #expect(try standing(fixture).evidence == .acceptedByProvider)
    #expect(try attempts.find(attempt)?.providerID == "SM1")
    #expect(try attempts.results(of: attempt).map(\.event) == [result])
    #expect(try fixture.store.notices.counts(of: "d", modification: 1).notified == 1)
  }

  @Test("Delivered and then sent, twice: the strongest stands, and all four are kept")
  func outOfOrder() throws {
    var fixture = try fixture()
    let attempt = try fixture.append(Sample.attempted())
    for _ in 1...2 {
      try fixture.append(Sample.result(of: attempt, .delivered, .confirmedByCarrier))
      try fixture.append(Sample.result(of: attempt, .inTransit, .handedOver))
    }
    #expect(try standing(fixture).evidence == .confirmedByCarrier)
    let row = try #require(try fixture.store.attempts.find(attempt))
    #expect(row.standing.fate == .reported(.delivered))
    #expect(!row.standing.isContradicted)
    #expect(try fixture.store.attempts.results(of: attempt).count == 4)
  }

  @Test("A failure on every channel ends in failed, and a late success there mends it")
  func failedOver() throws {
    var fixture = try fixture()
    let first = try fixture.append(Sample.attempted())
    try fixture.append(Sample.result(of: first, .failed))
    #expect(try standing(fixture).channel == "email")
    let second = try fixture.append(Sample.attempted(channel: "email"))
    try fixture.append(Sample.result(of: second, .accepted, .acceptedByProvider))
    try fixture.append(Sample.result(of: second, .undelivered))
    #expect(try standing(fixture).state == .failed)
    // The first provider was wrong: the message had arrived.
    try fixture.append(Sample.result(of: first, .delivered, .confirmedByCarrier))
    #expect(try standing(fixture).state == .notified)
    #expect(try fixture.store.attempts.find(first)?.standing.isContradicted == true)
    // And no failure of the other attempt changes that.
    try fixture.append(Sample.result(of: second, .expired, .acceptedByProvider))
    #expect(try standing(fixture).state == .notified)
  }

  @Test("A message that was taken and then given up on goes on to the next channel")
  func givenUp() throws {
    var fixture = try fixture()
    let attempt = try fixture.append(Sample.attempted())
    try fixture.append(Sample.result(of: attempt, .accepted, .acceptedByProvider))
    try fixture.append(Sample.result(of: attempt, .undelivered))
    #expect(try standing(fixture).state == .pending)
    #expect(try standing(fixture).channel == "email")
    #expect(try fixture.store.notices.due(at: .minute(999)).count == 1)
    // The same news again doesn't put it off or move it on.
    try fixture.append(Sample.deferred(until: 500, channel: "email"))
    try fixture.append(Sample.result(of: attempt, .undelivered))
    #expect(try standing(fixture).dueAt == .minute(500))
    #expect(try standing(fixture).channel == "email")
  }

  @Test("When an earlier attempt no longer counts, the last one decides")
  func lastDecides() throws {
    var fixture = try fixture()
    let first = try fixture.append(Sample.attempted())
    try fixture.append(Sample.result(of: first, .accepted, .acceptedByProvider))
    let second = try fixture.append(Sample.attempted(number: 2))
    #expect(try standing(fixture).state == .notified)
    try fixture.append(Sample.result(of: first, .undelivered))
    #expect(try standing(fixture).state == .attempted)
    try fixture.append(Sample.unknown(second))
    #expect(try standing(fixture).state == .unknown)
  }

  @Test("An unknown outcome waits for its settlement, which may send it again")
  func unknown() throws {
    var fixture = try fixture()
    let attempt = try fixture.append(Sample.attempted())
    try fixture.append(Sample.unknown(attempt))
    let store = fixture.store
    #expect(try standing(fixture).state == .unknown)
    #expect(try store.attempts.unknown().map(\.event) == [attempt])
    #expect(try store.attempts.open().isEmpty)
    #expect(try store.notices.nextDue() == nil)
    try fixture.append(Sample.settled(attempt, .resend))
    #expect(try store.attempts.unknown().isEmpty)
    #expect(try standing(fixture).state == .pending)
    #expect(try standing(fixture).channel == "sms")
    // Its result comes after all; what is pending stays for whoever decides.
    try fixture.append(Sample.result(of: attempt, .delivered, .confirmedByCarrier))
    #expect(try standing(fixture).state == .notified)
    #expect(try store.notices.nextDue() == nil)
    #expect(
      try store.attempts.results(of: attempt).map(\.says) == [
        .unknown, .settled(.resend), .reported(.delivered),
      ])
  }

  @Test("A result that matches no attempt of its dispatch is kept as an orphan")
  func orphans() throws {
    var fixture = try fixture()
    let attempt = try fixture.append(Sample.attempted())
    let first = try fixture.append(
      Sample.result(of: 9_999, .delivered, .confirmedByCarrier),
      Sample.result(of: attempt, .delivered, .confirmedByCarrier, dispatch: "other"),
      Sample.unknown(8_888))
    #expect(try fixture.store.attempts.orphans().map(\.event) == [first, first + 1, first + 2])
    #expect(try standing(fixture).state == .attempted)
    #expect(try fixture.store.attempts.find(attempt)?.standing.fate == .open)
  }

  @Test("A suppressed notice says why; a delivery that comes all the same says more")
  func suppressed() throws {
    var fixture = try fixture()
    let attempt = try fixture.append(Sample.attempted())
    try fixture.append(Sample.suppressed(.dispatchCancelled))
    #expect(try standing(fixture).state == .suppressed)
    #expect(try standing(fixture).reason == .dispatchCancelled)
    try fixture.append(Sample.result(of: attempt, .failed))
    #expect(try standing(fixture).state == .suppressed)
    try fixture.append(Sample.result(of: attempt, .delivered, .confirmedByCarrier))
    #expect(try standing(fixture).state == .notified)
    #expect(try standing(fixture).reason == nil)
  }

  @Test("An answer counts for its own modification, and a stranger's for none")
  func acknowledged() throws {
    var fixture = try fixture()
    try fixture.append(Sample.attempted())
    try fixture.append(Sample.modified(), Sample.resolved(modification: 2))
    let event = try fixture.append(Sample.acknowledged(opt: .optIn))
    try fixture.append(Sample.acknowledged(user: "stranger", marks: [.late, .stranger]))
    let store = fixture.store
    #expect(try standing(fixture).state == .notified)
    #expect(try standing(fixture).evidence == .answered)
    let key = NoticeKey(dispatchID: "d", modification: 2, userID: "u")
    #expect(try store.notices.find(key)?.standing.state == .pending)
    #expect(try store.acknowledgements.list(of: "d").map(\.marks) == [[.late, .stranger], []])
    let notice = NoticeKey(dispatchID: "d", modification: 1, userID: "u")
    #expect(try store.acknowledgements.list(of: notice).map(\.event) == [event])
  }

  @Test("What an earlier modification still had to say is found, to be superseded")
  func superseded() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.request(), Sample.resolved(users: ["a", "b", "c"]))
    try fixture.append(Sample.attempted(user: "b"))
    try fixture.append(Sample.modified(), Sample.resolved(modification: 2, users: ["a"]))
    let notices = fixture.store.notices
    #expect(try notices.superseded(of: "d", before: 2).map(\.key.userID) == ["a", "c"])
    #expect(try notices.superseded(of: "d", before: 1).isEmpty)
    #expect(try notices.list(of: "d", modification: 1).map(\.key.userID) == ["a", "b", "c"])
    #expect(try notices.list(of: "d", modification: 2).map(\.key.userID) == ["a"])
  }

  @Test("Users who are told by escalation have a notice on the program's channels")
  func escalated() throws {
    var fixture = try fixture()
    try fixture.append(
      .notificationEscalated(
        NotificationEscalated(
          dispatchID: "d", modification: 1, level: 1, userIDs: ["u", "v"],
          channels: ["console", "sms"], acknowledged: 0, required: 1, within: .halfAnHour)))
    let due = try fixture.store.notices.due(at: .minute(999))
    #expect(due.map(\.key.userID) == ["u", "v"])
    #expect(due.map(\.channels) == [["sms", "email"], ["console", "sms"]])
    #expect(due.map(\.user) == [7, nil])
  }
}
