import Bytes
import Channels
import Dispatching
import Events
import Foundation
import Platform
import Testing

@Suite("The settings of channels")
struct ConfigurationTests {
  private func parse(_ text: String) throws -> Configuration {
    try Configuration(parsing: Array(text.utf8))
  }

  @Test("name a channel for each communication code; a later file's count more, code by code")
  func overlay() throws {
    let own = try parse(
      #"{"channels":{"console":{"kind":"console"},"sms":{"kind":"spool","directory":"a"}}}"#)
    let ledgers = try parse(#"{"channels":{"sms":{"kind":"spool","directory":"b"}}}"#)
    let result = own.overlaid(by: ledgers)
    let documents = result.sorted.map {
      "\($0.code.text) \(String(decoding: JSON.object($0.settings.document).canonicalBytes, as: UTF8.self))"
    }
    #expect(
      documents == [#"console {"kind":"console"}"#, #"sms {"directory":"b","kind":"spool"}"#])
    #expect(try Configuration(parsing: Configuration.initial).channels.count == 1)
    #expect(try parse("{}").channels.isEmpty)
  }

  @Test(
    "are refused where anything in them isn't known or isn't so",
    arguments: [
      ("[]", ""), (#"{"chanels":{}}"#, "chanels"), (#"{"channels":[]}"#, "channels"),
      (#"{"channels":{"SMS":{"kind":"console"}}}"#, "channels.SMS"),
      (#"{"channels":{"sms":{}}}"#, "channels.sms.kind"),
      (#"{"channels":{"sms":{"kind":"fax"}}}"#, "channels.sms.kind"),
      (#"{"channels":{"sms":{"kind":"spool"}}}"#, "channels.sms.directory"),
      (#"{"channels":{"sms":{"kind":"spool","directory":"a\nb"}}}"#, "channels.sms.directory"),
      (#"{"channels":{"sms":{"kind":"console","directory":"a"}}}"#, "channels.sms.directory"),
    ])
  func refused(text: String, path: String) {
    #expect {
      _ = try parse(text)
    } throws: { error in
      (error as? RequestError)?.path == path
    }
  }

  @Test("are hashed, so that an attempt tells which held when it was made")
  func identity() throws {
    func identity(_ settings: String) throws -> ChannelIdentity {
      let configuration = try parse(#"{"channels":{"sms":\#(settings)}}"#)
      return try #require(configuration.sorted.first).settings.identity
    }
    let one = try identity(#"{"kind":"spool","directory":"a"}"#)
    #expect(try one != identity(#"{"kind":"spool","directory":"b"}"#))
    #expect(try one == identity(#"{"directory":"a","kind":"spool"}"#))
    #expect(one.kind.text == "spool" && one.host == nil)
    // SHA-256 of the document, by coreutils' sha256sum.
    #expect(one.settings.text == "698c64848b51de089d55f3644f46301bb44d43ef0639bde5727009588848448f")
    let mail = try identity(
      #"{"kind":"smtp","host":"mx.example.com","from":"a@example.com"}"#)
    #expect(mail.kind.text == "smtp" && mail.host == "mx.example.com")
    let sms = try identity(
      #"{"kind":"twilio","account_sid":"AC1","auth_token":{"env":"T"},"from":"+15005550006"}"#)
    #expect(sms.kind.text == "twilio" && sms.host == "api.twilio.com")
  }
}

@Suite("The channels")
struct ChannelTests {
  private let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("channels-\(UUID().uuidString)").path

  private func sender(
    _ settings: String, print: @escaping ([UInt8]) -> Int32? = { _ in nil }
  ) throws -> Sender {
    let configuration = try Configuration(
      parsing: Array(#"{"channels":{"test":\#(settings)}}"#.utf8))
    return Sender(try ChannelSet(configuration, directory: directory, print: print))
  }

  private func send(_ message: OutgoingMessage, by sender: Sender) throws -> ChannelReport {
    sender.begin(message)
    #expect(sender.inFlight == 1)
    defer { #expect(sender.inFlight == 0) }
    return try #require(sender.finished(waitingMilliseconds: 0).first?.outcome.report)
  }

  @Test("spool writes one whole file a message, named by its attempt, and never over another")
  func spool() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let spool = try sender(#"{"kind":"spool","directory":"out/box"}"#)
    let report = try send(try message(to: "+15551234567"), by: spool)
    #expect(report.outcome == .accepted)
    #expect(report.evidence == .acceptedByProvider)
    let name = try #require(report.providerID)
    let text = String(
      decoding: try readFile("\(directory)/out/box/\(name)", limit: 1 << 16), as: UTF8.self)
    #expect(text.contains("Message-ID: <attempt-7@example.com/dr>\n"))
    #expect(text.contains("\n\nREAL dispatch of Peak: start\n"))
    #expect(try send(try message(to: "+15551234567"), by: spool).outcome == .failed)
    #expect(try namesInDirectory("\(directory)/out/box") == [name])
  }

  @Test("an address can't add a header, a line or a sequence that moves a terminal's cursor")
  func injection() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let hostile = "a@b\r\nBcc: x\n\n\u{1B}[2J\u{202E}\u{85}"
    var printed: [UInt8] = []
    let console = try sender(#"{"kind":"console"}"#) { bytes in
      printed += bytes
      return nil
    }
    _ = try send(try message(to: hostile), by: console)
    let spool = try sender(#"{"kind":"spool","directory":"s"}"#)
    let name = try #require(try send(try message(to: hostile), by: spool).providerID)
    let file = try readFile("\(directory)/s/\(name)", limit: 1 << 16)
    for bytes in [printed, file] {
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!text.contains("\nBcc"))
      #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || isPrintable(String($0), limit: 4) })
    }
  }

  @Test("a console that can't print and a folder that can't be made are failures, with the reason")
  func failures() throws {
    let console = try sender(#"{"kind":"console"}"#) { _ in 28 }
    #expect(
      try send(try message(to: "u-1"), by: console)
        == ChannelReport(outcome: .failed, evidence: .none, code: "errno-28", isRetryable: false))
    let spool = try sender(#"{"kind":"spool","directory":"/dev/null/x"}"#)
    #expect(
      try send(try message(to: "u-1"), by: spool)
        == ChannelReport(outcome: .failed, evidence: .none, code: "errno-20", isRetryable: false))
  }
}
