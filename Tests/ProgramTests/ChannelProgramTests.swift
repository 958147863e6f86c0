import Foundation
import Testing

@Suite("Channels as they are set up", .timeLimit(.minutes(30)))
struct ChannelProgramTests {
  private let ledger: ProgramLedger

  init() throws { ledger = try ProgramLedger() }

  private func configure(_ text: String, permissions: Int = 0o600) throws {
    let path = ledger.path + "/config.json"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
  }

  @Test("config show names what each setting comes from, and of a secret the file alone")
  func show() throws {
    try Data("pass-word\n".utf8).write(to: URL(fileURLWithPath: ledger.path + "/keys/mail"))
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o600], ofItemAtPath: ledger.path + "/keys/mail")
    try configure(
      #"{"channels":{"email":{"kind":"smtp","host":"mx.example.com","from":"dr@example.com","#
        + #""user":"u","password":{"file":"keys/mail"}}}}"#)
    let answer = try ledger.operate(["config", "show", "--json"])
    #expect(answer.status == 0, "\(answer.talk)")
    #expect(!answer.output.contains("pass-word"))
    let channels = try object(answer.output)["channels"] as? [String: Any]
    let email = try #require(channels?["email"] as? [String: Any])
    #expect(email["from"] as? String == ledger.path + "/config.json")
    #expect((email["settings"] as? [String: Any])?["host"] as? String == "mx.example.com")
    #expect((email["defaults"] as? [String: Any])?["port"] as? Int == 587)
    #expect((email["defaults"] as? [String: Any])?["host"] == nil)
    let table = try ledger.operate(["config", "show"]).output
    #expect(table.contains("keys/mail") && table.contains("default"))
  }

  @Test("libcurl is loaded to send, and not before; where it can't be, nothing is sent")
  func library() throws {
    let program = Shell.products.appendingPathComponent("dispatch-ledger").path
    #expect(try !Shell.run("/usr/bin/ldd", [program]).output.contains("curl"))
    try configure(#"{"channels":{"console":{"kind":"console"}}}"#)
    let folder = ledger.path + "/libraries"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("no library".utf8).write(to: URL(fileURLWithPath: folder + "/libcurl.so.4"))
    func run(_ arguments: [String]) throws -> Ended {
      try Shell.run(
        "/usr/bin/env",
        ["LD_LIBRARY_PATH=\(folder)", program] + arguments + ["-C", ledger.path])
    }
    let delivered = try run(["deliver"])
    #expect(delivered.status == 69 && delivered.talk.contains("libcurl"), "\(delivered.talk)")
    #expect(try run(["status"]).status == 0)
    #expect(try ledger.operate(["deliver"]).status == 0)
  }

  @Test("config check tells a channel that doesn't work, and a secret that others can read")
  func check() throws {
    #expect(try ledger.operate(["config", "check"]).status == 0)
    let command = #"{"channels":{"pager":{"kind":"command","command":"cat"}}}"#
    try configure(command)
    let works = try ledger.operate(["config", "check", "--json"])
    #expect(works.status == 0)
    #expect((try object(works.output)["channels"] as? [String: String])?["pager"] == "works")
    // Whoever may write the file could have put the command there.
    try configure(command, permissions: 0o666)
    let untrusted = try ledger.operate(["config", "check"])
    #expect(untrusted.status == 78 && untrusted.talk.contains("runs a command"))
    try configure(#"{"channels":{"pager":{"kind":"command","command":"exit 3"}}}"#)
    let failing = try ledger.operate(["config", "check"])
    #expect(failing.status == 69 && failing.talk.contains("it ended with status 3"))
    try configure(
      #"{"channels":{"hook":{"kind":"webhook","secret":{"file":"keys/hook"}}}}"#)
    #expect(try ledger.operate(["config", "check"]).status == 78)
    try Data("x".utf8).write(to: URL(fileURLWithPath: ledger.path + "/keys/hook"))
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o644], ofItemAtPath: ledger.path + "/keys/hook")
    let readable = try ledger.operate(["deliver"])
    #expect(readable.status == 78 && readable.talk.contains("can be read by others"))
  }

  @Test("deliver test sends one marked notice and records nothing")
  func deliverTest() throws {
    try configure(#"{"channels":{"sms":{"kind":"spool","directory":"out"}}}"#)
    let before = try ledger.eventLines().count
    let answer = try ledger.operate(["deliver", "test", "sms", "+15551234567", "--json"])
    #expect(answer.status == 0, "\(answer.talk)")
    #expect(try object(answer.output)["outcome"] as? String == "accepted")
    let names = try FileManager.default.contentsOfDirectory(atPath: ledger.path + "/out")
    let text = try String(
      contentsOfFile: "\(ledger.path)/out/\(try #require(names.first))", encoding: .utf8)
    #expect(text.contains("Subject: TEST: ") && text.contains("nothing is to be done"))
    #expect(try ledger.eventLines().count == before)
    #expect(try ledger.operate(["deliver", "test", "fax", "1"]).status == 66)
    try configure(#"{"channels":{"sms":{"kind":"spool","directory":"/dev/null/x"}}}"#)
    #expect(try ledger.operate(["deliver", "test", "sms", "+15551234567"]).status == 1)
  }

  @Test("deliver sends through a command, as many at once as it takes, and records each answer")
  func command() throws {
    let carrier =
      #"python3 -uc 'import sys,json; [print(json.dumps({\"attempt\":json.loads(l)[\"attempt\"],"#
      + #"\"outcome\":\"in-transit\"})) for l in sys.stdin]'"#
    try configure(
      #"{"channels":{"sms":{"kind":"command","command":"\#(carrier)","concurrency":3},"#
        + #""email":{"kind":"console"},"console":{"kind":"console"}}}"#)
    let list = (0..<20).map {
      #"{"id":"s-\#($0)","name":"S","user_group_ids":["industrial"],"contacts":{"sms":"+1555100\#(1_000 + $0)"}}"#
    }
    #expect(
      try ledger.operate(["import", "-"], input: #"{"users":[\#(list.joined(separator: ","))]}"#)
        .status
        == 0)
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    let answer = try ledger.operate(["deliver", "--json"])
    #expect(answer.status == 0, "\(answer.talk)")
    let lines = try ledger.eventLines()
    let attempts = lines.filter { $0.contains("notification.attempted.v1") }
    #expect(attempts.count { $0.contains(#""channel_kind":"command""#) } >= 20)
    #expect(
      lines.count { $0.contains("delivery.recorded.v1") && $0.contains(#""outcome":"in-transit""#) }
        == attempts.count { $0.contains(#""channel_kind":"command""#) })
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }
}
