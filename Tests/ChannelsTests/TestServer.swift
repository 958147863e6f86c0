import Bytes
import Channels
import Dispatching
import Events
import Foundation
import Platform
import Testing

/// A program of `Tests/Servers` that runs as long as a test needs it.
///
/// Where what it needs isn't installed, the test fails: `tools/test` installs it.
final class TestServer {
  static let servers = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Servers")
  static let python = servers.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent(".build-test-python/bin/python").path

  /// What it said when it was ready.
  let facts: JSONObject
  private let process = Process()
  private let input = Pipe()

  init(_ name: String) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: Self.python)
    process.arguments = [Self.servers.appendingPathComponent(name).path]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line: [UInt8] = []
    while line.last != UInt8(ascii: "\n") {
      let bytes = output.fileHandleForReading.availableData
      try #require(!bytes.isEmpty, "\(name) didn't start")
      line += bytes
    }
    guard case .object(let facts) = try JSON(parsing: Array(line.dropLast().filter { $0 != 0x20 }))
    else { throw CocoaError(.fileReadCorruptFile) }
    self.facts = facts
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  func number(_ key: String) throws -> Int64 {
    guard case .integer(let number)? = facts[key] else { throw CocoaError(.keyValueValidation) }
    return number
  }

  func text(_ key: String) throws -> String {
    guard case .string(let text)? = facts[key] else { throw CocoaError(.keyValueValidation) }
    return text
  }

  /// What a program of `Tests/Servers` prints.
  static func run(_ name: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [servers.appendingPathComponent(name).path] + arguments
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A directory with the secrets of channels, and a sender through one channel.
final class Sending {
  let directory: String
  let code: ChannelCode
  let sender: Sender
  /// What the sender told meanwhile.
  var notes: [SenderNote] { book.notes }
  private let book = Notes()

  private final class Notes { var notes: [SenderNote] = [] }

  static let code = "test"
  /// What must run as long as something is sent to it.
  private let servers: [TestServer]

  /// - Parameter settings: The channel's settings; secrets lie in the files that `secrets` names.
  init(
    _ settings: String, to servers: TestServer..., secrets: [String: String] = [:],
    now: @escaping () -> Instant = SystemClock.now
  ) throws {
    prepareProcess()
    self.servers = servers
    directory =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("sending-\(UUID().uuidString)").path
    try createDirectories(directory)
    for (name, text) in secrets {
      try replaceFile("\(directory)/\(name)", with: Array(text.utf8))
    }
    let configuration = try Configuration(
      parsing: Array(#"{"channels":{"\#(Self.code)":\#(settings)}}"#.utf8))
    code = try #require(ChannelCode(Self.code))
    let book = book
    sender = Sender(
      try ChannelSet(configuration, directory: directory) { _ in nil }, now: now,
      log: { book.notes.append($0) })
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Sends one message and waits for its end.
  func send(_ message: OutgoingMessage) throws -> AttemptOutcome {
    try #require(try send([message])[message.attempt])
  }

  /// Sends all of them at once and waits for their ends.
  func send(_ messages: [OutgoingMessage]) throws -> [EventID: AttemptOutcome] {
    for message in messages { sender.begin(message) }
    var outcomes: [EventID: AttemptOutcome] = [:]
    while sender.inFlight > 0 {
      for (attempt, outcome) in sender.finished(waitingMilliseconds: 10_000) {
        #expect(outcomes.updateValue(outcome, forKey: attempt) == nil, "\(attempt) ended twice")
      }
    }
    return outcomes
  }
}

extension AttemptOutcome {
  /// What was reported, or `nil` where the outcome is unknown.
  var report: ChannelReport? { if case .reported(let report) = self { report } else { nil } }
}

/// A message to `address`.
func message(
  to address: String, attempt: EventID = 7, number: Int = 1, kind: NoticeKind = .start,
  isTest: Bool = false, start: String = "2026-11-23T17:00:00.000000Z",
  origin: String = "example.com/dr",
  programName: String = "Peak", text: NoticeText? = nil
) throws -> OutgoingMessage {
  let instant = try #require(Instant(text: start.utf8))
  let moment = ZonedMoment(
    instant: instant, zone: try #require(ZoneName("UTC")), text: start, offsetSeconds: 0,
    tzdata: "2025b")
  let id = try #require(EntityID("d-1"))
  let content = NoticeContent(
    dispatchID: id, modification: 1, programName: programName, kind: kind, isTest: isTest,
    isLate: false, start: moment, end: nil)
  return OutgoingMessage(
    attempt: attempt, origin: origin, dispatchID: id, modification: 1,
    userID: try #require(EntityID("u-1")), channel: try #require(ChannelCode(Sending.code)),
    number: number, kind: kind, isTest: isTest, start: instant, address: address,
    text: text ?? content.builtinText())
}
