import Bytes
import Dispatching
import Events
import Testing

@Suite("Results from outside")
struct ResultDecisionTests {
  private struct Sent {
    var world: World
    var dispatch: EntityID
    var attempt: EventID
  }

  /// Ana's SMS, which the provider took as SM1 unless it is `nil`.
  private func sent(providerID: String? = "SM1") throws -> Sent {
    var world = try World()
    try world.importing(smallCatalogue)
    let dispatch = try world.request("07/01/2026 14:00")
    let attempt = try #require(try world.attemptAll().first).id
    if let providerID {
      try world.record(
        try world.decider.record(
          .reported(
            ChannelReport(
              outcome: .accepted, evidence: .acceptedByProvider, providerID: providerID)),
          of: attempt))
    }
    return Sent(world: world, dispatch: dispatch, attempt: attempt)
  }

  private func result(_ members: String) -> String { #"{"command":"result",\#(members)}"# }

  @Test("A result is its attempt's, by the attempt's id or the provider's")
  func matched() throws {
    for name in [#""provider_id":"SM1""#, #""attempt":"@""#, #""attempt":"@","provider_id":"SM1""#]
    {
      var sent = try sent()
      let name = name.split(separator: "@", omittingEmptySubsequences: false)
        .joined(separator: "\(sent.attempt)")
      let decision = try sent.world.perform(
        result(
          #"\#(name),"outcome":"delivered","at":"2026-07-01T12:00:05Z","detail":"+15551230001""#)
      )
      guard case .deliveryRecorded(let recorded)? = decision.drafts.first?.payload else {
        Issue.record("\(decision)")
        return
      }
      #expect(decision.drafts.map(\.causation) == [sent.attempt])
      #expect(recorded.attempt == sent.attempt && recorded.dispatchID == sent.dispatch)
      #expect(recorded.outcome == .delivered && recorded.evidence == .confirmedByCarrier)
      #expect(recorded.occurredAt == (try Instant("2026-07-01T12:00:05Z")))
      let detail = try #require(recorded.detail)
      #expect(FakeSeal.open(detail, try id("u-1"), .resultDetail) == "+15551230001")
      #expect(sent.world.notices(of: sent.dispatch)[0].standing.evidence == .confirmedByCarrier)
    }
  }

  @Test("What fits no attempt, or two of them, is kept unmatched, its text under the orphans' key")
  func unmatched() throws {
    var sent = try sent()
    for members in [
      #""provider_id":"SM2","outcome":"delivered","detail":"+15551230001""#,
      #""attempt":"99999","outcome":"failed","code":"x""#,
      // Event 1 is no attempt.
      #""attempt":1,"provider_id":"SM1","outcome":"failed""#,
    ] {
      let decision = try sent.world.perform(result(members))
      #expect(decision.drafts.map(\.type) == [.deliveryUnmatched])
      #expect(decision.drafts.map(\.subject) == [.ledger])
      guard case .deliveryUnmatched(let kept)? = decision.drafts.first?.payload else { return }
      if let detail = kept.detail {
        #expect(FakeSeal.open(detail, try id("orphans"), .resultDetail) == "+15551230001")
      }
    }
    // Two messages under one id: nobody can know which is meant.
    let other = try #require(
      sent.world.state.attempts(of: sent.world.notices(of: sent.dispatch)[1].key).first)
    try sent.world.record(
      try sent.world.decider.record(
        .reported(
          ChannelReport(outcome: .accepted, evidence: .acceptedByProvider, providerID: "SM1")),
        of: other.event))
    #expect(
      try sent.world.perform(result(#""provider_id":"SM1","outcome":"delivered""#)).drafts
        .map(\.type) == [.deliveryUnmatched])
  }

  @Test("Weaker evidence never lowers a stronger one, in whatever order results come")
  func evidence() throws {
    let results = [
      #""outcome":"delivered""#, #""outcome":"in-transit""#, #""outcome":"accepted""#,
      #""outcome":"delivered""#,
    ]
    for first in results.indices {
      for second in results.indices where second != first {
        var sent = try sent()
        for index in [first, second] {
          try sent.world.perform(result(#""provider_id":"SM1",\#(results[index])"#))
        }
        let best = [first, second].map { index in
          index == 1
            ? EvidenceStrength.handedOver
            : index == 2
              ? .acceptedByProvider
              : .confirmedByCarrier
        }.max()
        let standing = sent.world.notices(of: sent.dispatch)[0].standing
        #expect(standing.evidence == best && standing.state == .notified)
        #expect(sent.world.state.attempt(sent.attempt)?.standing.evidence == best)
      }
    }
    var sent = try sent()
    try sent.world.perform(result(#""provider_id":"SM1","outcome":"delivered""#))
    try sent.world.perform(result(#""provider_id":"SM1","outcome":"failed""#))
    let standing = try #require(sent.world.state.attempt(sent.attempt)).standing
    #expect(standing.fate == .reported(.delivered) && standing.isContradicted)
  }

  @Test("A failure that may pass is tried again, another one goes to the next channel")
  func failures() throws {
    for (code, channel) in [("30003", "sms"), ("30007", "email")] {
      var sent = try sent()
      let body = "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=\(code)"
      let command = try Command(try ProviderResults.twilio(Array(body.utf8)))
      try sent.world.record(try sent.world.decider.decide(command).drafts)
      let standing = sent.world.notices(of: sent.dispatch)[0].standing
      #expect(standing.state == .pending && standing.channel?.text == channel)
    }
  }

  @Test("Of a user who is erased nothing is kept that could name it")
  func erased() throws {
    var sent = try sent()
    try sent.world.record(.userErased(UserErased(userID: try id("u-1"))))
    let decision = try sent.world.perform(
      result(#""provider_id":"SM1","outcome":"delivered","detail":"+15551230001""#))
    guard case .deliveryRecorded(let recorded)? = decision.drafts.first?.payload else { return }
    #expect(recorded.detail == nil && recorded.outcome == .delivered)
  }

  @Test("Without the user's key a provider's text isn't kept, and what it said is")
  func withoutKey() throws {
    var sent = try sent()
    sent.world.lostKeys = [try id("u-1")]
    let decision = try sent.world.perform(
      result(#""provider_id":"SM1","outcome":"delivered","detail":"+15551230001""#))
    guard case .deliveryRecorded(let recorded)? = decision.drafts.first?.payload else {
      Issue.record("nothing was recorded")
      return
    }
    #expect(recorded.detail == nil && recorded.outcome == .delivered)
  }

  @Test(
    "Each way to be malformed has its path",
    arguments: [
      (#""outcome":"delivered""#, RequestError("attempt or provider_id", .missing)),
      (#""attempt":"1""#, RequestError("outcome", .missing)),
      (
        #""attempt":"01","outcome":"failed""#,
        RequestError("attempt", .badValue(found: "01", expected: .eventID))
      ),
      (
        #""attempt":"1","outcome":"failed","evidence":4"#,
        RequestError("evidence", .badValue(found: "4", expected: .oneOf(["0", "1", "2", "3"])))
      ),
      (
        #""provider_id":"a\r\nb","outcome":"failed""#,
        RequestError("provider_id", .badValue(found: "a\r\nb", expected: .text(limit: 512)))
      ),
      (
        #""attempt":"1","outcome":"failed","code":"\u202e""#,
        RequestError("code", .badValue(found: "\u{202E}", expected: .text(limit: 512)))
      ),
      (
        #""attempt":"1","outcome":"failed","detail":"""#,
        RequestError("detail", .badValue(found: nil, expected: .bytes(limit: 4_096)))
      ),
    ])
  func malformed(members: String, error: RequestError) {
    #expect(
      refusal(result(members)) { bytes throws(RequestError) in try Command(parsing: bytes) }
        == error)
  }
}

@Suite("What providers say")
struct ProviderResultTests {
  private func twilio(_ body: String) throws(RequestError) -> JSONObject {
    try ProviderResults.twilio(Array(body.utf8))
  }

  @Test(
    "Each of Twilio's states has its outcome and evidence",
    arguments: [
      ("accepted", "accepted", 1), ("scheduled", "accepted", 1), ("queued", "accepted", 1),
      ("sending", "accepted", 1), ("sent", "in-transit", 2), ("delivered", "delivered", 3),
      ("read", "delivered", 3), ("undelivered", "undelivered", 3), ("failed", "failed", 1),
      ("canceled", "cancelled", 1),
    ] as [(String, String, Int64)])
  func states(status: String, outcome: String, evidence: Int64) throws {
    let body = "SmsStatus=x&MessageSid=SM%31&MessageStatus=\(status)&RawDlrDoneDate=2611231723"
    let command = try twilio(body)
    #expect(command["provider_id"] == "SM1")
    #expect(command["outcome"] == .string(outcome) && command["evidence"] == .integer(evidence))
    #expect(command["detail"] == .string(body))
    // Nobody says in which zone that date is.
    #expect(command["at"] == nil && command["retryable"] == nil)
    #expect(throws: Never.self) { try Command(command) }
  }

  @Test("Its codes are kept raw, and say of a failure whether another try may help")
  func codes() throws {
    for (code, mayHelp) in [
      ("30001", true), ("30003", true), ("30008", true), ("20429", true), ("30004", false),
      ("30007", false), ("21610", false), ("99999", false),
    ] {
      let command = try twilio("MessageSid=a&MessageStatus=failed&ErrorCode=\(code)")
      #expect(command["code"] == .string(code) && command["retryable"] == .bool(mayHelp))
    }
    #expect(try twilio("MessageSid=a&MessageStatus=sent&ErrorCode=30003")["retryable"] == nil)
    #expect(try twilio("MessageSid=a&MessageStatus=sent&ErrorCode=")["code"] == nil)
  }

  @Test("What isn't a callback is refused, and never trapped on")
  func refused() {
    for (body, path) in [
      ("", "MessageSid"), ("MessageSid=a", "MessageStatus"), ("MessageSid=%", ""),
      ("MessageSid=%4", ""), ("MessageSid=%zz", ""), ("MessageSid=%ff", ""),
      ("MessageSid=a&MessageSid=b&MessageStatus=sent", "MessageSid"),
      ("MessageSid=a&MessageStatus=flying", "MessageStatus"),
    ] {
      #expect(
        refusal(body) { bytes throws(RequestError) in try ProviderResults.twilio(bytes) }?.path
          == path, "\(body)")
    }
    // What a field hides is refused where the command is made of it.
    let header = "MessageSid=a%0D%0ABcc:x&MessageStatus=sent"
    #expect(
      refusal(header) { bytes throws(RequestError) in
        try Command(try ProviderResults.twilio(bytes))
      }?.path == "provider_id")
    let long = "MessageSid=a&MessageStatus=sent&Body=" + String(repeating: "ü", count: 100_000)
    #expect(throws: Never.self) { try Command(try twilio(long)) }
  }

  static let notification = """
    Return-Path: <>
    From: MAILER-DAEMON@mx.example.com
    Subject: Undelivered Mail Returned to Sender
    Content-Type: multipart/report; report-type=delivery-status;
    	boundary="9B095B5ADSN=_1/mx"

    This is a MIME-encapsulated message.

    --9B095B5ADSN=_1/mx
    Content-Type: text/plain; charset=us-ascii

    Action: delivered is what this sentence says, and nothing else.

    --9B095B5ADSN=_1/mx
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.example.com
    ENVELOPE

    Original-Recipient: rfc822;ana@example.com
    Final-Recipient: rfc822; ana@example.com
    Action: ACTION
    Status: STATUS
    Diagnostic-Code: smtp; 550 5.1.1
      no such user

    --9B095B5ADSN=_1/mx
    Content-Type: text/rfc822-headers

    Message-ID: <attempt-43@example.com/dr>

    --9B095B5ADSN=_1/mx--
    """

  private func notification(
    _ action: String = "failed", status: String = "5.1.1",
    envelope: String = "Original-Envelope-Id: attempt-42", lineEnd: String = "\r\n"
  ) -> [UInt8] {
    var text = ""
    for line in Self.notification.split(separator: "\n", omittingEmptySubsequences: false) {
      text +=
        String(line).replacing("ENVELOPE", with: envelope).replacing("ACTION", with: action)
        .replacing("STATUS", with: status) + lineEnd
    }
    return Array(text.utf8)
  }

  private func commands(_ message: [UInt8]) throws(RequestError) -> [JSONObject] {
    try ProviderResults.deliveryStatus(message, origin: "example.com/dr")
  }

  @Test(
    "Each action of a notification has its outcome and evidence",
    arguments: [
      ("failed", "5.1.1", "undelivered", 2), ("failed", "5.4.7 (expired)", "expired", 2),
      ("delayed", "4.4.1", "accepted", 1), ("delivered", "2.0.0", "delivered", 3),
      ("relayed", "2.0.0", "in-transit", 2), ("expanded", "2.0.0", "in-transit", 2),
      ("FAILED", "5.0.0", "undelivered", 2),
    ] as [(String, String, String, Int64)])
  func actions(action: String, status: String, outcome: String, evidence: Int64) throws {
    for lineEnd in ["\n", "\r\n"] {
      let made = try commands(notification(action, status: status, lineEnd: lineEnd))
      #expect(made.count == 1)
      #expect(made[0]["attempt"] == "42")
      #expect(made[0]["outcome"] == .string(outcome))
      #expect(made[0]["evidence"] == .integer(evidence))
      #expect(made[0]["code"] == .string(String(status.prefix { $0 != " " })))
      guard case .string(let detail)? = made[0]["detail"] else { return }
      #expect(detail.contains("550 5.1.1") && !detail.contains("sentence"))
      #expect(throws: Never.self) { try Command(made[0]) }
    }
  }

  @Test(
    "The attempt is the envelope's, else the returned message's, and only this ledger's",
    arguments: [
      ("Original-Envelope-Id: 42", "42", nil), ("original-envelope-id: attempt-42", "42", nil),
      ("Original-Envelope-Id: attempt-42+40example.com/dr", "42", nil),
      (
        "Original-Envelope-Id: attempt-42@example.org/dr", nil, "attempt-42@example.org/dr"
      ),
      ("Original-Envelope-Id: QQ314159", nil, "QQ314159"), ("X-Other: 1", "43", nil),
    ] as [(String, String?, String?)])
  func envelopes(envelope: String, attempt: String?, providerID: String?) throws {
    let made = try commands(notification(envelope: envelope))
    #expect(made[0]["attempt"] == attempt.map { .string($0) })
    #expect(made[0]["provider_id"] == providerID.map { .string($0) })
  }

  @Test("A notification of several recipients makes a result of each")
  func several() throws {
    var text = String(decoding: notification("delivered", status: "2.0.0"), as: UTF8.self)
    text = text.replacing(
      "--9B095B5ADSN=_1/mx\r\nContent-Type: text/rfc822-headers",
      with: "Action: failed\r\nStatus: 5.2.2\r\n\r\n--9B095B5ADSN=_1/mx\r\nContent-Type: text/x")
    let made = try commands(Array(text.utf8))
    #expect(made.map { $0["outcome"] } == ["delivered", "undelivered"])
  }

  @Test("What is no notification is refused; every cut of one is taken or refused, and none traps")
  func cuts() {
    for text in ["", "Subject: hello\n\nhello\n", "Content-Type: multipart/report\n\n"] {
      #expect(throws: RequestError.self) { try commands(Array(text.utf8)) }
    }
    let whole = notification()
    for length in whole.indices {
      if let made = try? commands(Array(whole[..<length])) {
        #expect(made.allSatisfy { $0["outcome"] == "undelivered" })
      }
      var other = whole
      other[length] ^= 0x20
      _ = try? commands(other)
    }
    #expect(throws: RequestError.self) { try commands(notification("flies")) }
    let large = notification() + [UInt8](repeating: 0x61, count: 1 << 20)
    #expect(throws: RequestError.self) { try commands(large) }
  }
}
