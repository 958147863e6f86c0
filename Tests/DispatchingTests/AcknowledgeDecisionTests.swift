import Bytes
import Dispatching
import Events
import Testing

@Suite("Acknowledging")
struct AcknowledgeDecisionTests {
  private func world() throws -> (World, EntityID) {
    var world = try World()
    try world.importing(smallCatalogue)
    let dispatch = try world.request("07/01/2026 14:00", "07/01/2026 16:00")
    return (world, dispatch)
  }

  private func marks(_ decision: Decision) -> [String] {
    guard case .acknowledgementRecorded(let answer)? = decision.drafts.first?.payload else {
      return ["none"]
    }
    return answer.marks.map(\.rawValue)
  }

  @Test("An answer counts for its user and modification, as evidence 4 or 5")
  func answer() throws {
    var (world, dispatch) = try world()
    let attempts = try world.attemptAll()
    #expect(attempts.count == 2)
    #expect(marks(try world.acknowledge(dispatch, "u-1")) == [])
    #expect(world.notices(of: dispatch).map(\.standing.evidence) == [.acknowledged, .none])
    #expect(world.notices(of: dispatch).map(\.standing.state) == [.notified, .attempted])
    #expect(marks(try world.acknowledge(dispatch, "u-2", #","opt":"out""#)) == [])
    #expect(world.notices(of: dispatch).map(\.standing.evidence) == [.acknowledged, .answered])
    try world.modify(dispatch, #""end_time":"07/01/2026 17:00""#)
    #expect(world.notices(of: dispatch, 2).allSatisfy { $0.standing.evidence == .none })
  }

  @Test("An answer before the notice makes it needless, and whoever sends it finds it suppressed")
  func early() throws {
    var (world, dispatch) = try world()
    let first = world.nextID
    let decision = try world.acknowledge(dispatch, "u-1", #","opt":"in""#)
    #expect(marks(decision) == ["early"])
    #expect(decision.drafts.map(\.type) == [.acknowledgementRecorded, .notificationSuppressed])
    #expect(decision.drafts.map(\.causation) == [nil, first])
    guard case .notificationSuppressed(let suppressed) = decision.drafts[1].payload else { return }
    #expect(suppressed.reason == .earlierAcknowledgement && suppressed.channel == nil)
    #expect(world.notices(of: dispatch).map(\.standing.state) == [.suppressed, .pending])
    #expect(try world.attemptAll().count == 1)
  }

  @Test("An answer while a retry waits makes that needless too, and isn't early")
  func retry() throws {
    var (world, dispatch) = try world()
    let attempt = try #require(try world.attemptAll().first)
    try world.record(
      try world.decider.record(
        .reported(ChannelReport(outcome: .failed, evidence: .none, isRetryable: true)),
        of: attempt.id))
    #expect(world.notices(of: dispatch)[0].standing.state == .pending)
    let decision = try world.acknowledge(dispatch, "u-1")
    #expect(marks(decision) == [])
    #expect(decision.drafts.count == 2)
    #expect(world.notices(of: dispatch)[0].standing.reason == .earlierAcknowledgement)
  }

  @Test("Late is what was said after the end, not what was noted down after it")
  func late() throws {
    var (world, dispatch) = try world()
    try world.attemptAll()
    world.advance(seconds: 5 * 86_400)
    #expect(marks(try world.acknowledge(dispatch, "u-1")) == ["late"])
    #expect(
      marks(try world.acknowledge(dispatch, "u-2", #","at":"2026-07-01T15:59:59-04:00""#)) == [])
    #expect(
      marks(
        try world.acknowledge(dispatch, "u-2", #","at":"2026-07-01T16:00:00-04:00","opt":"in""#))
        == ["late"])
  }

  @Test("What is said of a cancel is never late; what is said of what it cancelled is")
  func cancelled() throws {
    var (world, dispatch) = try world()
    try world.attemptAll()
    try world.change("cancel", dispatch)
    try world.attemptAll()
    #expect(marks(try world.acknowledge(dispatch, "u-1")) == [])
    #expect(
      marks(try world.acknowledge(dispatch, "u-1", #","modification":1"#)) == [
        "late", "old-modification",
      ])
    world.advance(seconds: 60)
    #expect(
      marks(
        try world.acknowledge(
          dispatch, "u-2", #","modification":1,"at":"2026-07-01T11:59:59Z""#))
        == ["old-modification"])
  }

  @Test("The same answer again is a duplicate, another one is not, and each modification asks anew")
  func duplicate() throws {
    var (world, dispatch) = try world()
    try world.attemptAll()
    let answers = ["", "", #","opt":"in""#, #","opt":"in""#, #","opt":"out""#, #","opt":"in""#]
    let found = try answers.map { marks(try world.acknowledge(dispatch, "u-1", $0)) }
    #expect(found == [[], ["duplicate"], [], ["duplicate"], [], []])
    try world.modify(dispatch, #""end_time":"07/01/2026 17:00""#)
    try world.attemptAll()
    #expect(marks(try world.acknowledge(dispatch, "u-1", #","opt":"in""#)) == [])
    #expect(marks(try world.acknowledge(dispatch, "u-2", #","opt":"in""#)) == [])
  }

  @Test(
    "A stranger's answer is kept, whether anybody knows the user or not, and suppresses nothing")
  func stranger() throws {
    var (world, dispatch) = try world()
    for user in ["u-3", "nobody"] {
      let decision = try world.acknowledge(dispatch, user)
      #expect(marks(decision) == ["stranger"])
      #expect(decision.drafts.count == 1)
      #expect(marks(try world.acknowledge(dispatch, user)) == ["duplicate", "stranger"])
    }
    #expect(world.notices(of: dispatch).allSatisfy { $0.standing.state == .pending })
  }

  @Test("A dispatch or modification that isn't there is not found, and nothing is recorded")
  func notFound() throws {
    var (world, dispatch) = try world()
    let size = world.events.count
    for (decision, code) in [
      (try world.acknowledge(try id("d-9"), "u-1"), "unknown-dispatch"),
      (try world.acknowledge(dispatch, "u-1", #","modification":2"#), "unknown-modification"),
    ] {
      guard case .rejected(let rejection) = decision else {
        Issue.record("accepted")
        return
      }
      #expect(rejection.kind == .notFound && decision.codes == [code])
    }
    #expect(world.events.count == size)
  }

  @Test(
    "Each way to be malformed has its path",
    arguments: [
      (
        #","opt":"maybe""#,
        RequestError("opt", .badValue(found: "maybe", expected: .oneOf(["in", "out"])))
      ),
      (
        #","modification":0"#,
        RequestError("modification", .badValue(found: "0", expected: .ordinal))
      ),
      (
        #","modification":"1""#,
        RequestError("modification", .wrongKind(found: .string, expected: .integer))
      ),
      (
        #","at":"07/01/2026 14:00""#,
        RequestError("at", .badValue(found: "07/01/2026 14:00", expected: .instant))
      ),
      (#","usre":1"#, RequestError("usre", .unknownField(suggestion: nil))),
    ])
  func malformed(fields: String, error: RequestError) {
    let line = #"{"command":"acknowledge","dispatch_id":"d","user_id":"u"\#(fields)}"#
    #expect(refusal(line) { bytes throws(RequestError) in try Command(parsing: bytes) } == error)
  }
}
