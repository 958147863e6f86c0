import Bytes
import Events
import Testing

/// The rules between the fields of one record, on both of their sides.
struct RecordTests {
  let document: EventsDocument

  init() throws { document = try EventsDocument() }

  /// The example of a type, changed, and what decoding says of it.
  func refusal(
    _ type: String, _ changes: [(path: [Step], value: JSON?)]
  ) throws -> EventError? {
    var json = try JSON(parsing: try #require(document.section("\(type).v1").example))
    for change in changes {
      json = json.replacing([.key("data")] + change.path, with: change.value)
    }
    let line = json.canonicalBytes
    let refusal = EventsTests.refusal(of: line)
    if refusal == nil { #expect(try Event(decoding: line).encodeLine() == line) }
    return refusal
  }

  func disagreement(_ path: String, with other: String) -> EventError {
    .badValue(path: "data.\(path)", expected: .agreement(with: other))
  }

  @Test("A dispatch is open-ended exactly when it has no end")
  func openEnded() throws {
    for type in ["dispatch.requested", "dispatch.modified"] {
      #expect(
        try refusal(type, [([.key("end")], nil)]) == disagreement("open_ended", with: "end"))
      #expect(
        try refusal(type, [([.key("open_ended")], true)])
          == disagreement("open_ended", with: "end"))
      #expect(try refusal(type, [([.key("end")], nil), ([.key("open_ended")], true)]) == nil)
    }
  }

  @Test("A request is the first modification")
  func firstModification() throws {
    #expect(
      try refusal("dispatch.requested", [([.key("modification")], 2)])
        == .badValue(path: "data.modification", expected: .integer(from: 1, through: 1)))
    #expect(try refusal("dispatch.modified", [([.key("modification")], 3)]) == nil)
    #expect(
      try refusal("dispatch.modified", [([.key("modification")], 0)])
        == .badValue(
          path: "data.modification",
          expected: .integer(from: 1, through: Int(JSON.greatestInteger))))
  }

  @Test("A contact is valid exactly when it has no problem")
  func contacts() throws {
    let problem: [Step] = [.key("contacts"), .index(1), .key("problem")]
    let valid: [Step] = [.key("contacts"), .index(1), .key("valid")]
    let expected = disagreement("contacts[1].valid", with: "problem")
    #expect(try refusal("user.defined", [(problem, nil)]) == expected)
    #expect(try refusal("user.defined", [(valid, true)]) == expected)
    #expect(try refusal("user.defined", [(problem, nil), (valid, true)]) == nil)
  }

  @Test("Totals stand on the last chunk, and add up")
  func totals() throws {
    let type = "recipients.resolved"
    let expected = disagreement("is_last", with: "totals")
    #expect(try refusal(type, [([.key("totals")], nil)]) == expected)
    #expect(try refusal(type, [([.key("is_last")], false)]) == expected)
    #expect(try refusal(type, [([.key("totals")], nil), ([.key("is_last")], false)]) == nil)
    #expect(
      try refusal(type, [([.key("totals"), .key("considered")], 3)])
        == disagreement("totals.considered", with: "recipients"))
    for (negative, positive) in [("recipients", "exclusions"), ("exclusions", "recipients")] {
      #expect(
        try refusal(
          type,
          [
            ([.key("totals"), .key(negative)], -1), ([.key("totals"), .key(positive)], 1),
            ([.key("totals"), .key("considered")], 0),
          ])
          == .badValue(
            path: "data.totals.\(negative)",
            expected: .integer(from: 0, through: Int(JSON.greatestInteger))))
    }
  }

  @Test("A chunk holds 256 entries, and no more")
  func chunks() throws {
    func exclusions(_ count: Int) -> JSON {
      .array(
        (0..<count).map {
          ["user_id": .string("v-\(padded($0, 4))"), "user": "7", "reason": "not-enrolled"]
        })
    }
    let path: [Step] = [.key("exclusions")]
    #expect(try refusal("recipients.resolved", [(path, exclusions(255))]) == nil)
    #expect(
      try refusal("recipients.resolved", [(path, exclusions(256))])
        == .badValue(path: "data.exclusions", expected: .atMost(256)))
  }

  @Test("A recipient has at least one channel, and each once")
  func channels() throws {
    let path: [Step] = [.key("recipients"), .index(0), .key("channels")]
    #expect(
      try refusal("recipients.resolved", [(path, [])])
        == .badValue(path: "data.recipients[0].channels", expected: .notEmpty))
    #expect(
      try refusal("recipients.resolved", [(path, [["channel": "sms"], ["channel": "sms"]])])
        == .badValue(path: "data.recipients[0].channels", expected: .distinct))
  }

  @Test("Lists that are told apart by one field are in its order, each once")
  func ascendingLists() throws {
    let lists = [
      ("user.defined", "contacts"), ("recipients.resolved", "recipients"),
      ("recipients.resolved", "exclusions"), ("ledger.archived", "segments"),
      ("ledger.disposed", "segments"),
    ]
    for (type, key) in lists {
      let line = try #require(document.section("\(type).v1").example)
      guard case .array(let elements)? = try JSON(parsing: line)[[.key("data"), .key(key)]],
        let first = elements.first
      else {
        Issue.record("\(type) has no list \(key)")
        continue
      }
      let expected = EventError.badValue(path: "data.\(key)", expected: .ascending)
      #expect(try refusal(type, [([.key(key)], .array([first, first]))]) == expected)
      if elements.count > 1 {
        #expect(try refusal(type, [([.key(key)], .array(elements.reversed()))]) == expected)
      }
    }
  }

  @Test("A program's channels are in the order of preference, each once")
  func communicationCodes() throws {
    let path: [Step] = [.key("communication_codes")]
    #expect(try refusal("program.defined", [(path, ["sms", "email"])]) == nil)
    #expect(try refusal("program.defined", [(path, [])]) == nil)
    #expect(
      try refusal("program.defined", [(path, ["sms", "email", "sms"])])
        == .badValue(path: "data.communication_codes", expected: .distinct))
  }

  @Test("A rule either makes dispatches or executes one; a schedule has a time or a condition")
  func alternatives() throws {
    let rule = EventError.badValue(
      path: "data", expected: .exactlyOne(["dispatch_id", "request"]))
    #expect(try refusal("rule.published", [([.key("request")], nil)]) == rule)
    #expect(try refusal("rule.published", [([.key("dispatch_id")], "d-1")]) == rule)
    #expect(
      try refusal(
        "rule.published", [([.key("request")], nil), ([.key("dispatch_id")], "d-1")]) == nil)
    let cause = EventError.badValue(path: "data", expected: .exactlyOne(["at", "if"]))
    let at = try JSON(
      parsing: Array(
        #"{"instant":"2019-08-28T01:04:00.000000Z","offset_seconds":0,"text":"x","tzdata":"","zone":"UTC"}"#
          .utf8))
    #expect(try refusal("rule.published", [([.key("if")], nil)]) == cause)
    #expect(try refusal("rule.published", [([.key("at")], at)]) == cause)
    #expect(try refusal("rule.published", [([.key("if")], nil), ([.key("at")], at)]) == nil)
    let schedule = EventError.badValue(
      path: "data", expected: .exactlyOne(["execute_at", "execute_if"]))
    #expect(try refusal("dispatch.scheduled", [([.key("execute_at")], nil)]) == schedule)
    #expect(try refusal("dispatch.scheduled", [([.key("execute_if")], "a < 1")]) == schedule)
    #expect(
      try refusal(
        "dispatch.scheduled", [([.key("execute_at")], nil), ([.key("execute_if")], "a < 1")])
        == nil)
  }

  @Test("Ranges of events and sizes don't run backwards")
  func ranges() throws {
    for type in ["ledger.archived", "ledger.attached", "ledger.disposed"] {
      #expect(
        try refusal(type, [([.key("first")], "4216")]) == disagreement("last", with: "first"))
      #expect(try refusal(type, [([.key("first")], "4215")]) == nil)
    }
    #expect(
      try refusal("ledger.created", [([.key("continues"), .key("lost_size")], 41_199)])
        == disagreement("continues.lost_size", with: "size"))
  }

  @Test("A rejection has a reason, an archive a segment, a correction a subject")
  func emptiness() throws {
    #expect(
      try refusal("dispatch.rejected", [([.key("reasons")], [])])
        == .badValue(path: "data.reasons", expected: .notEmpty))
    #expect(
      try refusal("ledger.archived", [([.key("segments")], [])])
        == .badValue(path: "data.segments", expected: .notEmpty))
    #expect(
      try refusal("ledger.correction-recorded", [([.key("event_subject")], "nothing")])
        == .badValue(path: "data.event_subject", expected: .subject))
  }

  @Test("An offset from UTC is less than 26 hours")
  func offsets() throws {
    let path: [Step] = [.key("start"), .key("offset_seconds")]
    let expected = EventError.badValue(
      path: "data.start.offset_seconds", expected: .integer(from: -93_599, through: 93_599))
    for (offset, refused) in [(93_599, false), (93_600, true), (-93_599, false), (-93_600, true)] {
      #expect(
        try refusal("dispatch.requested", [(path, .integer(Int64(offset)))])
          == (refused ? expected : nil))
    }
  }

  @Test("Lists in an order of their own are put in order when an event is made")
  func sorting() throws {
    let user = try ["u-2", "u-10", "u-1"].map { try #require(EntityID($0)) }
    let dispatch = try #require(EntityID("d-1"))
    let resolved = RecipientsResolved(
      dispatchID: dispatch, modification: 1, chunk: 0, program: 1, eventType: 2,
      userGroups: [9, 4], recipients: [],
      exclusions: user.map { Exclusion(userID: $0, user: 3, reason: .notEnrolled) })
    #expect(resolved.exclusions.map(\.userID.text) == ["u-1", "u-10", "u-2"])
    #expect(Array(resolved.userGroups) == [4, 9])
    #expect(!resolved.isLast)
  }

  @Test("A record that breaks its own rules is never written")
  func brokenRecords() async {
    await #expect(processExitsWith: .failure) {
      let dispatch = try #require(EntityID("d-1"))
      let rejected = DispatchRejected(
        dispatchID: dispatch, command: .request, reasons: [], request: JSONObject())
      _ = EventPayload.dispatchRejected(rejected).encodeData()
    }
  }

  @Test("Keys out of order are never written")
  func unorderedKeys() async {
    await #expect(processExitsWith: .failure) {
      var bytes: [UInt8] = []
      var writer = ObjectWriter(takingOver: &bytes)
      writer.set("b", 1)
      writer.set("a", 1)
    }
  }
}
