import Bytes
import Channels
import Dispatching
import Events
import Foundation
import Platform
import Testing

@Suite("E-mail through a relay", .timeLimit(.minutes(30)))
struct MailTests {
  private func settings(
    _ port: Int64, authority: String, user: String = "ledger", more: String = ""
  ) -> String {
    #"{"kind":"smtp","host":"localhost","port":\#(port),"user":"\#(user)","password":"#
      + #"{"file":"secret"},"from":"dr@example.com","ca_file":"\#(authority)"\#(more)}"#
  }

  /// What lies in the relay's mailbox once so many letters do.
  private func mailbox(_ relay: TestServer, holding count: Int) throws -> String {
    let path = "\(try relay.text("directory"))/mailbox"
    while true {
      let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      if text.components(separatedBy: "\nAuto-Submitted:").count > count { return text }
      usleep(10_000)
    }
  }

  @Test("lies in the mailbox with its attempt's id, over few connections, and is evidence 1")
  func delivered() throws {
    let relay = try TestServer("relay.py")
    let authority = "\(try relay.text("directory"))/authority.pem"
    let sending = try Sending(
      settings(
        try relay.number("port"), authority: authority, more: #","reply_to":"a@example.com""#),
      to: relay, secrets: ["secret": "pass-word\n"],
      now: { Instant(text: "2026-11-23T16:01:02.000000Z".utf8) ?? SystemClock.now() })
    #expect(sending.sender.check(sending.code) == .works)
    #expect(sending.sender.room(on: sending.code) == 8)
    let messages = try (1...20).map { try message(to: "u\($0)@example.com", attempt: $0) }
    let outcomes = try sending.send(messages)
    for (_, outcome) in outcomes {
      let report = try #require(outcome.report)
      #expect(report.outcome == .accepted)
      #expect(report.evidence == .acceptedByProvider)
      #expect(report.code == "250")
      #expect(report.detail?.hasPrefix("250 OK id=") == true)
    }
    #expect(outcomes.count == 20)
    let text = try mailbox(relay, holding: 20)
    for attempt in 1...20 {
      #expect(text.contains("\nMessage-ID: <attempt-\(attempt)@example.com/dr>\n"))
      #expect(text.contains("\nEnvelope-to: u\(attempt)@example.com\n"))
    }
    #expect(text.contains("\nDate: Mon, 23 Nov 2026 16:01:02 +0000\n"))
    #expect(text.contains("\nSubject: REAL: Peak start, 2026-11-23 17:00 UTC+00:00 (UTC)\n"))
    #expect(text.contains("\nReply-To: a@example.com\n"))
    #expect(text.contains("\nReturn-path: <dr@example.com>\n"))
    #expect(text.contains("(TLS1."))
  }

  @Test("refused, put off, unencrypted, not let in or not there is each its own failure")
  func failures() throws {
    let relay = try TestServer("relay.py")
    let (port, directory) = (try relay.number("port"), try relay.text("directory"))
    let authority = "\(directory)/authority.pem"
    let good = try Sending(
      settings(port, authority: authority), to: relay, secrets: ["secret": "pass-word"])
    func failure(
      _ sending: Sending, _ address: String = "u@example.com"
    ) throws -> [String] {
      let report = try #require(try sending.send(try message(to: address)).report)
      #expect(report.outcome == .failed && report.evidence == .none)
      return [
        report.code ?? "", report.isRetryable == true ? "again" : "never", report.detail ?? "",
      ]
    }
    #expect(
      try failure(good, "nobody@example.com") == ["550 5.1.1", "never", "550 5.1.1 no such user"])
    #expect(
      try failure(good, "busy@example.com") == ["451 4.2.1", "again", "451 4.2.1 mailbox busy"])
    // A refusal doesn't spoil the connection for the next message.
    #expect(try good.send(try message(to: "u@example.com")).report?.outcome == .accepted)
    let wrong = try Sending(
      settings(port, authority: authority), to: relay, secrets: ["secret": "other"])
    #expect(
      try failure(wrong) == ["535", "again", "535 Incorrect authentication data"])
    guard case .fails(let words) = wrong.sender.check(wrong.code) else {
      Issue.record("a wrong password works")
      return
    }
    #expect(words == "login-denied: 535 Incorrect authentication data")
    let stranger = try Sending(
      settings(port, authority: "\(directory)/other-authority.pem"),
      to: relay, secrets: ["secret": "pass-word"])
    #expect(try failure(stranger) == ["bad-certificate", "again", ""])
    let faulty = try TestServer("faulty_mail.py")
    let plain = try Sending(
      settings(try faulty.number("port"), authority: authority), to: faulty,
      secrets: ["secret": "pass-word"])
    #expect(try failure(plain) == ["not-encrypted", "again", ""])
    let closed = try Sending(
      settings(try faulty.number("closed"), authority: authority), to: faulty,
      secrets: ["secret": "x"])
    #expect(try failure(closed) == ["not-connected", "again", ""])
  }

  private func plain(_ server: TestServer, timeout: String = "PT1S") throws -> Sending {
    try Sending(
      #"{"kind":"smtp","host":"127.0.0.1","tls":"none","from":"dr@example.com","timeout":"\#(timeout)","#
        + #""port":\#(try server.number("port"))}"#, to: server)
  }

  @Test("cut off before the message's end is a failure, after it unknown, and never said twice")
  func cutOff() throws {
    let server = try TestServer("faulty_mail.py")
    let sending = try plain(server)
    let before = try #require(try sending.send(try message(to: "before@example.com")).report)
    #expect(before.outcome == .failed && before.isRetryable == true)
    #expect(before.code == "connection-lost")
    #expect(try sending.send(try message(to: "after@example.com")) == .unknown(.timeout))
    #expect(try sending.send(try message(to: "silent@example.com")) == .unknown(.timeout))
    let late = try #require(try sending.send(try message(to: "late@example.com")).report)
    #expect(
      late
        == ChannelReport(
          outcome: .failed, evidence: .none, code: "554 5.6.0", isRetryable: false,
          detail: "554 5.6.0 not this one"))
    let odd = try #require(try sending.send(try message(to: "odd@example.com")).report)
    #expect(odd.code == "550 5.7.1" && odd.detail == "550 5.7.1 the last ? one")
    // Three of them were taken whole, though nothing or a refusal was answered.
    #expect(sending.sender.check(sending.code) == .works)
  }

  @Test("that nobody answers for keeps no other message waiting")
  func concurrency() throws {
    let sending = try plain(try TestServer("faulty_mail.py"))
    sending.sender.begin(try message(to: "silent@example.com", attempt: 1))
    for attempt: EventID in 2...5 {
      sending.sender.begin(try message(to: "u@example.com", attempt: attempt))
    }
    var order: [EventID] = []
    while sending.sender.inFlight > 0 {
      order += sending.sender.finished(waitingMilliseconds: 10_000).map(\.attempt)
    }
    #expect(order.last == 1 && order.dropLast().sorted() == [2, 3, 4, 5])
  }

  @Test("on a connection that was closed meanwhile goes once on a new one")
  func staleConnection() throws {
    let sending = try plain(try TestServer("faulty_mail.py"))
    for attempt: EventID in 1...5 {
      let report = try sending.send(try message(to: "once@example.com", attempt: attempt)).report
      #expect(report?.outcome == .accepted, "\(String(describing: report))")
      #expect(report?.detail == "250 2.0.0 queued as \(attempt)")
    }
  }

  @Test("that can't be a mailbox is refused before anything is said")
  func addresses() throws {
    let sending = try plain(try TestServer("faulty_mail.py"))
    let hostile = [
      "", "a", "a@", "@b.c", "a@b@c.d", "a b@c.d", "a@b.c>", "<a@b.c", "a@b.c\r\nRCPT TO:<x@y.z>",
      "a@b.c\nBcc: x@y.z", "a@b.c\0", "\u{202E}a@b.c", "a@b..c", ".a@b.c", "ä@b.c", "\"a b\"@c.d",
      "a@[127.0.0.1]", "a@b.c, x@y.z", String(repeating: "a", count: 65) + "@b.c",
      "a@" + String(repeating: "b.", count: 150) + "c",
    ]
    for address in hostile {
      let report = try sending.send(try message(to: address)).report
      #expect(report?.code == "invalid-address" && report?.isRetryable == false, "\(address)")
    }
    #expect(try sending.send(try message(to: "a.b+c@b-c.d")).report?.outcome == .accepted)
  }

  /// What Python's parser reads of a letter.
  private struct Letter: Decodable {
    let attempt: Int
    let subject: String
    let from: String
    let body: String
    let headers: [String]
    /// The bytes of the longest line that is ours.
    let longest: Int
  }

  @Test("says no more than it should, whatever stands in the names and texts that it is made from")
  func injection() throws {
    let relay = try TestServer("relay.py")
    let name = #"Ä\"<x@y.z>,\u0000"#.replacingOccurrences(of: #"\u0000"#, with: "")
    let sending = try Sending(
      settings(
        try relay.number("port"), authority: "\(try relay.text("directory"))/authority.pem",
        more: #","from_name":"\#(name)""#),
      to: relay, secrets: ["secret": "pass-word"])
    let long = String(repeating: "Grüße ", count: 14_000)
    let texts = [
      NoticeText(subject: "a\r\nBcc: x@y.z\r\n\r\nbody", body: "b\r\n.\r\nQUIT\r\n.\n..\nc \n"),
      NoticeText(subject: "\u{202E}gnp.exe\u{2066}\u{85}\u{0}", body: "\u{202E}x\u{7F}\u{0}\n"),
      NoticeText(subject: long, body: long), NoticeText(subject: "", body: ""),
      NoticeText(subject: "=?utf-8?Q?spoofed?=", body: "From me\nFrom: me\n"),
      NoticeText(subject: String(repeating: "a", count: 100_000), body: "ends without a newline"),
      NoticeText(subject: " = ", body: "=3D= \t \u{2028}\n\n\n"),
    ]
    let messages = try texts.enumerated().map {
      try message(to: "u@example.com", attempt: EventID($0.offset + 1), text: $0.element)
    }
    for (_, outcome) in try sending.send(messages) { #expect(outcome.report?.outcome == .accepted) }
    let read = try TestServer.run(
      "read_mailbox.py", ["\(try relay.text("directory"))/mailbox", "\(texts.count)"])
    let letters = try JSONDecoder().decode([Letter].self, from: Data(read.utf8))
    #expect(letters.count == texts.count)
    for letter in letters {
      let text = texts[letter.attempt - 1]
      #expect(letter.longest <= 78, "attempt \(letter.attempt)")
      #expect(
        letter.headers == [
          "Return-path", "Envelope-to", "Received", "Date", "From", "To", "Subject", "Message-ID",
          "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        ])
      #expect(letter.from == #"Ä"<x@y.z>,"#)
      func shown(_ text: String, _ replacement: String) -> String {
        text.unicodeScalars.map {
          $0 == "\n" || isPrintable(String($0), limit: 4) ? String($0) : replacement
        }.joined()
      }
      let line = shown(text.subject, " ").replacingOccurrences(of: "\n", with: " ")
      #expect(letter.subject == line, "attempt \(letter.attempt)")
      let lines = shown(text.body, "?")
      #expect(letter.body == (lines.isEmpty || lines.hasSuffix("\n") ? lines : lines + "\n"))
    }
  }
}
