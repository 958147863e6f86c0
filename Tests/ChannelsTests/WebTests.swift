import Bytes
import Channels
import Dispatching
import Events
import Foundation
import Platform
import Testing

/// What a server of `web.py` was asked, by itself.
struct WebRequest: Decodable {
  let path: String
  let body: String
  let fields: [String: String]
  let headers: [String: String]

  static func all(_ server: TestServer) throws -> [WebRequest] {
    let path = "\(try server.text("directory"))/requests"
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(WebRequest.self, from: Data($0.utf8))
    }
  }
}

@Suite("Webhooks", .timeLimit(.minutes(30)))
struct WebhookTests {
  private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

  private func sending(
    _ server: TestServer, secret: String = secret,
    more: String = #","allow_http":true,"allow_private":["127.0.0.0/8","::1/128"]"#
  ) throws -> Sending {
    try Sending(
      #"{"kind":"webhook","secret":{"file":"secret"},"timeout":"PT1S","ca_file":"#
        + #""\#(try server.text("directory"))/authority.pem"\#(more)}"#,
      to: server, secrets: ["secret": secret])
  }

  @Test("are signed so that Standard Webhooks verifies them, over TLS, and are evidence 2")
  func signed() throws {
    let server = try TestServer("web.py")
    let sending = try sending(server)
    let address = "https://localhost:\(try server.number("https"))/verified/\(Self.secret)"
    for number in 1...2 {
      let report = try #require(
        try sending.send(
          try message(to: address, attempt: EventID(40 + number), number: number)
        ).report)
      #expect(
        report == ChannelReport(outcome: .accepted, evidence: .handedOver, code: "http-204"))
    }
    let requests = try WebRequest.all(server)
    // The same for each try of the notice.
    #expect(requests.map { $0.headers["webhook-id"] } == ["d-1:1:u-1:test", "d-1:1:u-1:test"])
    #expect(requests.first?.headers["content-type"] == "application/cloudevents+json")
    #expect(requests.first?.headers["expect"] == nil)
    guard case .object(let notice) = try JSON(parsing: Array(requests[1].body.utf8)),
      case .object(let data)? = notice["data"]
    else {
      Issue.record("the body is no object")
      return
    }
    #expect(notice["id"] == "d-1:1:u-1:test" && notice["specversion"] == "1.0")
    #expect(notice["source"] == "example.com/dr" && notice["type"] == "notice.start.v1")
    #expect(data["attempt"] == "42" && data["number"] == 2 && data["test"] == false)
    #expect(data["start"] == "2026-11-23T17:00:00.000000Z")
    let other = try self.sending(server, secret: "whsec_" + Base64.encode(Array(1...24)))
    #expect(try other.send(try message(to: address)).report?.code == "http-401")
  }

  @Test(
    "end by what the address answers: taken, refused, put off, or unknown",
    arguments: [
      ("ok", "http-204", nil), ("status/200", "http-200", nil), ("status/301", "http-301", false),
      ("status/307", "http-307", false), ("status/400", "http-400", false),
      ("status/404", "http-404", false), ("status/408", "http-408", true),
      ("status/410", "http-410", false), ("status/429", "http-429", true),
      ("status/500", "http-500", true), ("status/503", "http-503", true),
      ("slow", "unknown", nil), ("cut", "unknown", nil),
    ] as [(String, String, Bool?)])
  func answers(path: String, code: String, isRetryable: Bool?) throws {
    let server = try TestServer("web.py")
    let sending = try sending(server)
    let outcome = try sending.send(
      try message(to: "http://127.0.0.1:\(try server.number("http"))/\(path)"))
    #expect(outcome.report?.code ?? "unknown" == code)
    #expect(outcome.report?.isRetryable == isRetryable)
    // Nothing is followed, and nothing is said twice by itself.
    #expect(try WebRequest.all(server).map(\.path) == ["/\(path)"])
  }

  @Test("leave a server alone for as long as it asks, and no other")
  func retryAfter() throws {
    let (server, other) = (try TestServer("web.py"), try TestServer("web.py"))
    let sending = try Sending(
      #"{"kind":"webhook","secret":{"file":"secret"},"allow_http":true,"#
        + #""allow_private":["127.0.0.0/8"]}"#,
      to: server, other, secrets: ["secret": Self.secret])
    let port = try server.number("http")
    func code(_ address: String) throws -> String? {
      try sending.send(try message(to: address)).report?.code
    }
    let asked = try #require(
      try sending.send(try message(to: "http://127.0.0.1:\(port)/status/503?after=120")).report)
    #expect(asked.code == "http-503")
    // When it will listen again is told to whoever decides on the next try.
    let now = SystemClock.now()
    let again = try #require(asked.retryAfter)
    #expect(again > now.adding(seconds: 60) && again <= now.adding(seconds: 120))
    let paused = try #require(
      try sending.send(try message(to: "http://127.0.0.1:\(port)/ok")).report)
    #expect(paused.code == "retry-after" && paused.isRetryable == true)
    #expect(try #require(paused.retryAfter) <= now.adding(seconds: 61))
    #expect(try code("http://localhost:\(try other.number("http"))/ok") == "http-204")
    #expect(try WebRequest.all(server).count == 1)
  }

  @Test("reach no address that isn't public, however it is spelt, unless its network is listed")
  func guarded() throws {
    let server = try TestServer("web.py")
    let port = try server.number("http")
    let strict = try sending(server, more: #","allow_http":true"#)
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"] {
      let report = try strict.send(try message(to: "http://\(host):\(port)/ok")).report
      #expect(report?.code == "address-refused" && report?.isRetryable == false, "\(host)")
    }
    #expect(try WebRequest.all(server).isEmpty)
    let other = try sending(server, more: #","allow_http":true,"allow_private":["10.0.0.0/8"]"#)
    #expect(
      try other.send(try message(to: "http://127.0.0.1:\(port)/ok")).report?.code
        == "address-refused")
    let secure = try sending(server, more: #","allow_private":["127.0.0.0/8"]"#)
    for address in [
      "http://127.0.0.1:\(port)/ok", "", "https://", "file:///etc/passwd", "https://a b/",
      "https://u:p@example.com/", "https://example.com/\r\nX: y", "https://example.com:0/",
      "https://example.com:99999/", "https://ex\u{202E}ample.com/", "https://example.com/#f",
      "https://[::1/", "gopher://example.com/", "https://example.com:+80/",
    ] {
      let report = try secure.send(try message(to: address)).report
      #expect(report?.code == "invalid-address" && report?.isRetryable == false, "\(address)")
    }
    let long = NoticeText(subject: "s", body: String(repeating: "x", count: 20_000))
    #expect(
      try secure.send(try message(to: "https://localhost:1/", text: long)).report?.code
        == "body-too-long")
  }

  @Test("to a server with a certificate of a stranger are failures that may pass")
  func certificate() throws {
    let server = try TestServer("web.py")
    let sending = try Sending(
      #"{"kind":"webhook","secret":{"file":"secret"},"allow_private":["127.0.0.0/8"],"ca_file":"#
        + #""\#(try server.text("directory"))/other-authority.pem"}"#,
      to: server, secrets: ["secret": Self.secret])
    let report = try #require(
      try sending.send(
        try message(to: "https://127.0.0.1:\(try server.number("https"))/ok")
      ).report)
    #expect(report.code == "bad-certificate" && report.isRetryable == true)
    #expect(try WebRequest.all(server).isEmpty)
  }
}

@Suite("SMS through a provider", .timeLimit(.minutes(30)))
struct SMSTests {
  private func sending(
    _ server: TestServer, token: String = "to-ken", more: String = "", now: String? = nil
  ) throws -> Sending {
    let instant = now.flatMap { Instant(text: $0.utf8) }
    return try Sending(
      #"{"kind":"twilio","base_url":"http://127.0.0.1:\#(try server.number("http"))","#
        + #""account_sid":"\#(try server.text("sid"))","auth_token":{"file":"token"},"#
        + #""from":"+15005550006","timeout":"PT1S"\#(more)}"#,
      to: server, secrets: ["token": token], now: { instant ?? SystemClock.now() })
  }

  @Test("are taken with the provider's id, and say how long they may be on their way")
  func accepted() throws {
    let server = try TestServer("web.py")
    let sending = try sending(
      server, more: #","status_callback":"https://example.com/cb?a=b&c=d""#,
      now: "2026-11-23T16:30:00.500000Z")
    #expect(sending.sender.check(sending.code) == .works)
    let report = try #require(
      try sending.send(try message(to: "+15551234567", programName: "Grüße & Co")).report)
    #expect(report.outcome == .accepted && report.evidence == .acceptedByProvider)
    #expect(report.providerID == "SM" + String(repeating: "0", count: 31) + "1")
    #expect(report.code == "queued")
    let fields = try #require(try WebRequest.all(server).first).fields
    #expect(fields["To"] == "+15551234567" && fields["From"] == "+15005550006")
    #expect(fields["ValidityPeriod"] == "1799")
    #expect(fields["StatusCallback"] == "https://example.com/cb?a=b&c=d")
    #expect(fields["Body"]?.hasPrefix("REAL dispatch of Grüße & Co: start\nStart: ") == true)
    #expect(fields["Body"]?.hasSuffix("\n") == false)
    #expect(sending.notes == [.segments(7, 2)])
  }

  @Test(
    "are on their way until the start, at most ten hours, and for a while after it",
    arguments: [
      ("2026-11-23T16:59:58.000000Z", NoticeKind.start, "2"),
      ("2026-11-23T16:59:59.500000Z", .start, "600"),
      ("2026-11-23T18:00:00.000000Z", .start, "600"),
      ("2026-11-22T00:00:00.000000Z", .start, "36000"),
      ("2026-11-23T16:59:00.000000Z", .cancel, "600"),
      ("2026-11-23T16:00:00.000000Z", .end, "3600"),
    ])
  func validity(now: String, kind: NoticeKind, seconds: String) throws {
    let server = try TestServer("web.py")
    let sending = try sending(server, now: now)
    _ = try sending.send(try message(to: "+15551234567", kind: kind))
    #expect(try WebRequest.all(server).first?.fields["ValidityPeriod"] == seconds)
  }

  @Test("that are refused have the provider's code, which says whether another try helps")
  func refused() throws {
    let server = try TestServer("web.py")
    let sending = try sending(server)
    let expected: [(String, String, Bool)] = [
      ("+15005550001", "21211", false), ("+15005550009", "21614", false),
      ("+15005550004", "21610", false), ("+15005550030", "30001", true),
      ("+15005550500", "20500", true), ("+15005550429", "20429", true),
    ]
    for (number, code, isRetryable) in expected {
      let report = try #require(try sending.send(try message(to: number)).report)
      #expect(report.outcome == .failed && report.evidence == .none)
      #expect(report.code == code && report.isRetryable == isRetryable, "\(number)")
      #expect(report.detail?.isEmpty == false)
    }
    // The provider asked to wait: the whole channel does.
    #expect(sending.sender.room(on: sending.code) == 0)
    let wrong = try self.sending(server, token: "wrong")
    #expect(wrong.sender.check(wrong.code) == .fails("answered: HTTP status 401"))
    let report = try wrong.send(try message(to: "+15551234567")).report
    #expect(report?.code == "20003" && report?.isRetryable == true)
    // The provider's own client gets the same of the same server.
    let numbers = expected.map(\.0).filter { $0 != "+15005550500" }
    let client = try TestServer.run(
      "twilio_client.py",
      ["\(try server.number("http"))", try server.text("sid"), "to-ken", "+15551234567"] + numbers)
    guard case .object(let results) = try JSON(parsing: Array(client.utf8.filter { $0 > 0x20 }))
    else { return }
    guard case .string(let id)? = results["+15551234567"] else {
      Issue.record("the client got no id")
      return
    }
    #expect(id.hasPrefix("SM"))
    for (number, code, _) in expected where numbers.contains(number) {
      #expect(results[number] == .integer(Int64(code) ?? 0), "\(number)")
    }
  }

  @Test(
    "that nothing came back for, or a gateway gave up on, are unknown; too long ones aren't sent")
  func unknown() throws {
    let server = try TestServer("web.py")
    let sending = try sending(server)
    #expect(try sending.send(try message(to: "+15005550028")) == .unknown(.timeout))
    #expect(try sending.send(try message(to: "+15005550504")) == .unknown(.timeout))
    let asked = try WebRequest.all(server).count
    #expect(asked == 2)
    let fits = NoticeText(subject: "", body: String(repeating: "é", count: 1_600))
    #expect(
      try sending.send(try message(to: "+15551234567", text: fits)).report?.outcome == .accepted)
    let long = NoticeText(subject: "", body: String(repeating: "é", count: 1_601))
    let report = try sending.send(try message(to: "+15551234567", text: long)).report
    #expect(report?.code == "body-too-long" && report?.isRetryable == false)
    #expect(try WebRequest.all(server).count == asked + 1)
    let gone = try Sending(
      #"{"kind":"twilio","base_url":"http://127.0.0.1:1","account_sid":"AC1","#
        + #""auth_token":{"file":"token"},"messaging_service_sid":"MG1"}"#,
      secrets: ["token": "x"])
    let refused = try gone.send(try message(to: "+15551234567")).report
    #expect(refused?.code == "not-connected" && refused?.isRetryable == true)
  }

  @Test(
    "are counted in the alphabet that they fit",
    arguments: [
      ("", SMSLength.Alphabet.gsm7, 0, 1), (String(repeating: "a", count: 160), .gsm7, 160, 1),
      (String(repeating: "a", count: 161), .gsm7, 161, 2),
      (String(repeating: "a", count: 306), .gsm7, 306, 2),
      (String(repeating: "a", count: 307), .gsm7, 307, 3),
      (String(repeating: "€", count: 80), .gsm7, 160, 1),
      // A part ends before a character of two, so that 76 of them fill 152 of 153.
      (String(repeating: "€", count: 152), .gsm7, 304, 2),
      (String(repeating: "€", count: 153), .gsm7, 306, 3),
      ("[]{}\\~^|\u{0C}", .gsm7, 18, 1), ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", .gsm7, 31, 1),
      ("ç", .ucs2, 1, 1), ("`", .ucs2, 1, 1), ("“", .ucs2, 1, 1), ("😀", .ucs2, 2, 1),
      (String(repeating: "я", count: 70), .ucs2, 70, 1),
      (String(repeating: "я", count: 71), .ucs2, 71, 2),
      (String(repeating: "я", count: 134), .ucs2, 134, 2),
      (String(repeating: "я", count: 135), .ucs2, 135, 3),
      (String(repeating: "😀", count: 35), .ucs2, 70, 1),
      // 33 pairs fill 66 of 67.
      (String(repeating: "😀", count: 66), .ucs2, 132, 2),
      (String(repeating: "😀", count: 67), .ucs2, 134, 3),
    ])
  func segments(text: String, alphabet: SMSLength.Alphabet, units: Int, segments: Int) {
    let length = SMSLength(text)
    #expect(length.alphabet == alphabet && length.units == units && length.segments == segments)
  }
}
