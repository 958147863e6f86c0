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
    #expect(
      String(decoding: JSON.object(result.document).canonicalBytes, as: UTF8.self)
        == #"{"channels":{"console":{"kind":"console"},"sms":{"directory":"b","kind":"spool"}}}"#)
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
    let one = ChannelSettings.spool(directory: "a").identity
    let other = ChannelSettings.spool(directory: "b").identity
    #expect(one != other)
    #expect(one == ChannelSettings.spool(directory: "a").identity)
    #expect(one.kind.text == "spool")
  }
}

@Suite("The channels")
struct ChannelTests {
  private let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("channels-\(UUID().uuidString)").path

  private func message(address: String = "+15551234567", attempt: EventID = 7) throws
    -> OutgoingMessage
  {
    let moment = ZonedMoment(
      instant: try #require(Instant(text: "2026-11-23T17:00:00.000000Z".utf8)),
      zone: try #require(ZoneName("UTC")), text: "2026-11-23T17:00:00Z", offsetSeconds: 0,
      tzdata: "2025b")
    let content = NoticeContent(
      dispatchID: try #require(EntityID("d-1")), modification: 1, programName: "Peak",
      kind: .start, isTest: false, isLate: false, start: moment, end: nil)
    return OutgoingMessage(
      attempt: attempt, origin: "example.com/dr", dispatchID: try #require(EntityID("d-1")),
      modification: 1, userID: try #require(EntityID("u-1")),
      channel: try #require(ChannelCode("sms")), address: address, text: content.builtinText())
  }

  private func channel(
    _ settings: String, print: @escaping ([UInt8]) -> Int32? = { _ in nil }
  ) throws -> any Channel {
    let configuration = try Configuration(
      parsing: Array(#"{"channels":{"sms":\#(settings)}}"#.utf8))
    let set = ChannelSet(configuration, directory: directory, print: print)
    let code = try #require(ChannelCode("sms"))
    return try #require(set[code])
  }

  @Test("spool writes one whole file a message, named by its attempt, and never over another")
  func spool() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let spool = try channel(#"{"kind":"spool","directory":"out/box"}"#)
    guard case .reported(let report) = spool.send(try message()) else {
      Issue.record("not reported")
      return
    }
    #expect(report.outcome == .accepted)
    #expect(report.evidence == .acceptedByProvider)
    let name = try #require(report.providerID)
    let text = String(
      decoding: try readFile("\(directory)/out/box/\(name)", limit: 1 << 16), as: UTF8.self)
    #expect(text.contains("Message-ID: <attempt-7@example.com/dr>\n"))
    #expect(text.contains("\n\nREAL dispatch of Peak: start\n"))
    guard case .reported(let again) = spool.send(try message()) else {
      Issue.record("not reported")
      return
    }
    #expect(again.outcome == .failed)
    #expect(try namesInDirectory("\(directory)/out/box") == [name])
  }

  @Test("an address can't add a header, a line or a sequence that moves a terminal's cursor")
  func injection() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let hostile = "a@b\r\nBcc: x\n\n\u{1B}[2J\u{202E}\u{85}"
    var printed: [UInt8] = []
    let console = try channel(#"{"kind":"console"}"#) { bytes in
      printed += bytes
      return nil
    }
    _ = console.send(try message(address: hostile))
    let spool = try channel(#"{"kind":"spool","directory":"s"}"#)
    guard case .reported(let report) = spool.send(try message(address: hostile)),
      let name = report.providerID
    else {
      Issue.record("not reported")
      return
    }
    let file = try readFile("\(directory)/s/\(name)", limit: 1 << 16)
    for bytes in [printed, file] {
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!text.contains("\nBcc"))
      #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || isPrintable(String($0), limit: 4) })
    }
  }

  @Test("a console that can't print and a folder that can't be made are failures, with the reason")
  func failures() throws {
    let console = try channel(#"{"kind":"console"}"#) { _ in 28 }
    #expect(
      console.send(try message())
        == .reported(
          ChannelReport(outcome: .failed, evidence: .none, code: "errno-28", isRetryable: false)))
    let spool = try channel(#"{"kind":"spool","directory":"/dev/null/x"}"#)
    #expect(
      spool.send(try message())
        == .reported(
          ChannelReport(outcome: .failed, evidence: .none, code: "errno-20", isRetryable: false)))
  }
}
