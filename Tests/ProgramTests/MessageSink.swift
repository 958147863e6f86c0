import Foundation
import Testing

/// A process that takes webhooks and mails and outlives whoever sends them.
///
/// It keeps of each message, before it answers, which one it is and how many events were durable when
/// it came. Where what it needs isn't installed, the test fails: `tools/test` installs it.
final class MessageSink {
  /// A message as it came.
  struct Taken {
    let attempt: Int
    /// What a webhook's notice is called, or a mail's recipient.
    let name: String
    let durable: Int
  }

  private static let python = ProgramLedger.repository + "/.build-test-python/bin/python"
  private let process: Process
  private let input = Pipe()
  private let log: TemporaryText
  let webPort: Int
  let mailPort: Int

  /// - Parameter slowMilliseconds: Each answer is kept back for up to so long.
  init(beside ledger: ProgramLedger, slowMilliseconds: Int) throws {
    log = try TemporaryText("")
    process = Shell.process(
      Self.python,
      [
        ProgramLedger.repository + "/Tests/Servers/sink.py", "--mail", "--slow",
        "\(slowMilliseconds)", "--log", log.path, "--head", ledger.path + "/head",
      ])
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let line = output.fileHandleForReading.availableData
    let ports = try object(String(decoding: line, as: UTF8.self))
    webPort = try #require(ports["http"] as? Int)
    mailPort = try #require(ports["smtp"] as? Int)
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// All that came so far.
  func taken() throws -> [Taken] {
    try String(contentsOfFile: log.path, encoding: .utf8).split(separator: "\n").map { line in
      let said = try object(String(line))
      let attempt = try #require((said["attempt"] as? String).flatMap(Int.init))
      let name = try #require((said["notice"] ?? said["to"]) as? String)
      return Taken(attempt: attempt, name: name, durable: try #require(said["durable"] as? Int))
    }
  }

  /// Sets both channels up for it, so many messages at once on each.
  func configure(_ ledger: ProgramLedger, concurrency: Int = 8) throws {
    let secret = "whsec_" + Data(repeating: 7, count: 32).base64EncodedString()
    for (name, text) in [
      ("keys/hook", secret),
      (
        "config.json",
        #"""
        {"channels":{
          "email":{"kind":"smtp","host":"127.0.0.1","port":\#(mailPort),"tls":"none",
            "from":"dr@example.com","concurrency":\#(concurrency)},
          "webhook":{"kind":"webhook","secret":{"file":"keys/hook"},"allow_http":true,
            "allow_private":["127.0.0.0/8"],"concurrency":\#(concurrency)}}}
        """#
      ),
    ] {
      let path = "\(ledger.path)/\(name)"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
  }

  /// A catalogue whose program tells so many users, every other one by mail.
  func catalogue(users: Int, unknownOutcome: String) -> String {
    let list = (0..<users).map { number in
      let contact =
        number % 2 == 0
        ? #""email":"u\#(number)@example.com""#
        : #""webhook":"http://127.0.0.1:\#(webPort)/""#
      return #"{"id":"u\#(number)","name":"N","user_group_ids":["all"],"contacts":{\#(contact)}}"#
    }
    return #"""
      {"user_groups":[{"id":"all","name":"All"}],
       "event_types":[{"id":"all","name":"All","user_group_ids":["all"]}],
       "programs":[{"id":"p","name":"P","time_zone":"UTC","lead_time":"PT30M",
         "communication_codes":["email","webhook"],"unknown_outcome":"\#(unknownOutcome)"}],
       "users":[\#(list.joined(separator: ","))]}
      """#
  }

  static let request =
    #"{"start_time":"2099-01-01T00:00:00Z","program_id":"p","event_type_id":"all"}"#
}

/// What a ledger holds of attempts, read from its log alone.
struct RecordedAttempts {
  struct Attempt {
    let id: Int
    /// `DISPATCH:MODIFICATION:USER:CHANNEL`, as a webhook is told.
    let notice: String
    let user: String
    let channel: String
  }

  private(set) var attempts: [Int: Attempt] = [:]
  /// What was recorded of each: an outcome, or `unknown`.
  private(set) var ends: [Int: [String]] = [:]
  private(set) var settled: [Int: String] = [:]

  init(_ ledger: ProgramLedger) throws {
    for line in try ledger.eventLines() {
      guard line.contains("notification.attempted") || line.contains("delivery.") else { continue }
      let event = try object(line)
      let data = try #require(event["data"] as? [String: Any])
      let about = (data["attempt"] as? String).flatMap(Int.init)
      switch event["type"] as? String {
      case "notification.attempted.v1":
        let id = try #require((event["id"] as? String).flatMap(Int.init))
        let dispatch = try #require(data["dispatch_id"] as? String)
        let user = try #require(data["user_id"] as? String)
        let channel = try #require(data["channel"] as? String)
        let modification = try #require(data["modification"] as? Int)
        attempts[id] = Attempt(
          id: id, notice: "\(dispatch):\(modification):\(user):\(channel)", user: user,
          channel: channel)
      case "delivery.recorded.v1":
        ends[try #require(about), default: []].append(try #require(data["outcome"] as? String))
      case "delivery.unknown.v1": ends[try #require(about), default: []].append("unknown")
      case "delivery.settled.v1":
        settled[try #require(about)] = data["decision"] as? String
      default: continue
      }
    }
  }

  /// Those whose outcome is unknown and that nobody has decided about.
  var held: [Attempt] {
    attempts.values.filter { ends[$0.id] == ["unknown"] && settled[$0.id] == nil }
      .sorted { $0.id < $1.id }
  }
}
