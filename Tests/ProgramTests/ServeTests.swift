import Bytes
import Foundation
import Ledger
import Platform
import Simulation
import Testing

@Suite("A server that holds the ledger for many", .timeLimit(.minutes(60)))
struct ServeTests {
  /// Text in which what differs from run to run is the same.
  private func masked(_ text: String) -> String {
    let patterns = [
      (#"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"#, "UUID"),
      (#"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"#, "TIME"), (#"[A-Za-z0-9+/]{43}="#, "ROOT"),
    ]
    return patterns.reduce(text) { text, pattern in
      text.replacingOccurrences(
        of: pattern.0, with: pattern.1, options: .regularExpression)
    }
  }

  /// What a day asks of the ledger: each command, and what it reads.
  private func day(_ dispatch: String) -> [(arguments: [String], input: String?)] {
    let requests = ProgramLedger.requests
    let start = #"{"command":"dispatch","request":{"program_id":1,"event_type_id":"1","#
    let deep = String(repeating: "[", count: 13) + String(repeating: "]", count: 13)
    return [
      (["dispatch", "\(requests)/closed-ended.json", "--key", "closed"], nil),
      (["dispatch", "\(requests)/closed-ended.json", "--key", "closed", "--json"], nil),
      (["dispatch", "\(requests)/open-ended.json", "--key", "closed"], nil),
      (["dispatch", "\(requests)/unknown-program.json"], nil),
      (["dispatch", "\(requests)/open-ended.json", "--expect", "3"], nil),
      (["dispatch", "\(requests)/open-ended.json", "--actor", "somebody", "--json"], nil),
      (
        ["dispatch", "-", "--test"],
        #"{"program_id":1,"event_type_id":"1","#
          + #""start_time":"2099-08-27T21:04:00Z","note":"n","attributes":{"deep":\#(deep)}}"#
      ),
      (["dispatch", "-"], #"{"program_id":1,"start_tiem":"2099-08-27T21:04:00Z"}"#),
      (["acknowledge", dispatch, "--user", "u-2", "--opt", "in"], nil),
      (["modify", dispatch, "--open-ended", "--reason", "r"], nil),
      (["end", "nothing", "--reason", "r"], nil),
      (["opt-out", "u-1", "--channel", "sms"], nil),
      (["enroll", "u-1", "--program", "1"], nil),
      (["retire", "user-group", "industrial"], nil),
      (["observe", "load", "42.5", "--unit", "MW"], nil),
      (
        ["append", "-", "--key", "lines"],
        start + #""start_time":"2099-08-27T21:04:00Z"}}"# + "\n"
          + start + #""start_time":"2099-08-28T21:04:00Z"}}"# + "\n"
      ),
      (["append", "-", "--dry-run"], SocketClient.observation),
      (
        ["append", "-", "--batch", "2", "--key", "parts"],
        Array(repeating: SocketClient.observation, count: 5).joined(separator: "\n")
      ),
      (
        ["append", "-", "--key", "parts"],
        Array(repeating: SocketClient.observation, count: 5).joined(separator: "\n")
      ),
      (["import", "-"], ProgramLedger.catalogue),
      (["import", "-", "--json"], #"{"users":[{"id":"u-9","name":"Nan","contacts":{}}]}"#),
      (["result", "-"], #"{"provider_id":"SM1","outcome":"delivered"}"#),
      (["correct", "1", "--reason", "r"], nil), (["correct", "9999", "--reason", "r"], nil),
      (["hold", "place", "docket", "--reason", "r"], nil),
      (["erase", "u-1", "--reason", "r", "--yes"], nil),
      (["settle", "44", "resend", "--reason", "r"], nil),
      (["deliver", "--once"], nil), (["cancel", dispatch, "--reason", "r"], nil),
      (["list", "dispatch"], nil), (["show", "user", "u-2"], nil), (["rotate", "log"], nil),
      (["observe", "load", "1", "--json"], nil), (["view", "check"], nil),
    ]
  }

  private static let settings =
    #"{"channels":{"console":{"kind":"console"},"sms":{"kind":"console"}}}"#

  @Test("answers as the programs do without it: output, exit status, events and who asked")
  func sameAnswers() throws {
    let (alone, served) = (try ProgramLedger(), try ProgramLedger())
    for ledger in [alone, served] { try ledger.configure(Self.settings) }
    let server = try ServingProcess(served)
    var dispatches: [String] = []
    for ledger in [alone, served] {
      let made = try ledger.operate(
        ["dispatch", ProgramLedger.requests + "/open-ended.json", "--json"])
      let results = try object(made.output)["results"] as? [[String: Any]]
      dispatches.append(try #require(results?.first?["dispatch"] as? String))
    }
    for (one, other) in zip(day(dispatches[0]), day(dispatches[1])) {
      let (mine, theirs) = (
        try alone.operate(one.arguments, input: one.input),
        try served.operate(other.arguments, input: other.input)
      )
      let what = Comment(rawValue: other.arguments.joined(separator: " "))
      #expect(mine.status == theirs.status, what)
      #expect(masked(mine.output) == masked(theirs.output), what)
      #expect(masked(mine.talk) == masked(theirs.talk), what)
    }
    #expect(server.stop() == 0)
    let sealed = #""sealed:1:[^"]*"|"[0-9a-f]{64}"|"id":"[0-9]+","name":"docket""#
    let lines = try [alone, served].map { ledger in
      try ledger.eventLines().dropFirst().map {
        masked($0).replacingOccurrences(of: sealed, with: "SEALED", options: .regularExpression)
      }
    }
    #expect(lines[0] == lines[1])
    for ledger in [alone, served] {
      #expect(try ledger.verify().status == 0)
      #expect(try ledger.operate(["view", "check"]).status == 0)
    }
  }

  @Test("many clients at once: each receipt's event stands once in the log, where it says")
  func manyClients() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    let acknowledged = Acknowledged()
    let clients = runClients(
      16, of: ledger, calls: amount(100, long: 2_000), prefix: "many", into: acknowledged)
    // Programs ask beside them, some of them with turns.
    for number in 0..<10 {
      #expect(try ledger.operate(["observe", "load", "\(number)", "-q"]).status == 0)
      #expect(try ledger.operate(["list", "user"]).status == 0)
    }
    clients.wait()
    #expect(acknowledged.all.count == 16 * amount(100, long: 2_000))
    #expect(server.stop() == 0)
    try acknowledged.expectIn(ledger)
    // Each client's own come in the order in which it asked.
    for client in 0..<16 {
      let events = acknowledged.all.filter { $0.key.hasPrefix("many/\(client)/") }.map(\.event)
      #expect(events == events.sorted())
    }
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-q", "-C", ledger.path])
    #expect(recheck.status == 0, "\(recheck.output.suffix(2_000))")
  }

  @Test("killed under load, it has lost nothing that it acknowledged, and the next one goes on")
  func killed() throws {
    let ledger = try ProgramLedger()
    let acknowledged = Acknowledged()
    var random = SeededRandom(seed: 26)
    for round in 0..<amount(100, long: 3_000) {
      let server = try ServingProcess(ledger)
      let clients = runClients(8, of: ledger, prefix: "kill/\(round)", into: acknowledged)
      usleep(UInt32.random(in: 0..<40_000, using: &random))
      server.kill()
      clients.wait()
      if round % 10 == 9 { try acknowledged.expectIn(ledger) }
    }
    #expect(acknowledged.all.count > 100)
    #expect(try ledger.operate(["observe", "load", "1", "-q"]).status == 0)
    try acknowledged.expectIn(ledger)
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  @Test("asked to end under load, it finishes what it has accepted and leaves pure text")
  func ended() throws {
    let ledger = try ProgramLedger()
    let acknowledged = Acknowledged()
    for round in 0..<5 {
      let server = try ServingProcess(ledger)
      let clients = runClients(8, of: ledger, prefix: "end/\(round)", into: acknowledged)
      while acknowledged.all.count < (round + 1) * 40 { usleep(1_000) }
      #expect(server.stop() == 0)
      clients.wait()
      let names = try FileManager.default.contentsOfDirectory(atPath: ledger.path)
      #expect(!names.contains("serve.sock"))
      let log = try ledger.bytes(of: "log/0000000000000000.log")
      #expect(log.suffix(2) != Data([10, 10]))
    }
    try acknowledged.expectIn(ledger)
    #expect(try ledger.verify().status == 0)
    // The last checkpoint covers all.
    let verify = try Shell.run("ledger-audit", ["verify", "-C", ledger.path])
    let size = try ledger.eventLines().count
    #expect(verify.output.contains("signed  \(size) "), "\(verify.output)")
  }

  @Test("a second one, and a repair, are told to wait until it is stopped")
  func second() throws {
    let ledger = try ProgramLedger()
    let server = try ServingProcess(ledger)
    for arguments in [["serve"], ["repair", "--apply"]] {
      let answer = try ledger.operate(arguments)
      #expect(answer.status == 75 && answer.talk.contains("a server holds the ledger"))
    }
    let status = try object(try ledger.operate(["status", "--json"]).output)
    let told = try #require(status["server"] as? [String: Any])
    #expect(told["process"] as? Int == Int(server.process.processIdentifier))
    #expect(try ledger.operate(["doctor"]).output.contains("server: process "))
    #expect(server.stop() == 0)
    #expect(try object(try ledger.operate(["status", "--json"]).output)["server"] == nil)
  }

  @Test("one that was killed is replaced; the socket is its owner's alone; it may lie elsewhere")
  func places() throws {
    let ledger = try ProgramLedger()
    for mask in ["000", "777"] {
      let server = try ServingProcess(ledger, mask: mask)
      #expect(try FileStatus(of: ledger.path + "/serve.sock").permissions == 0o600)
      server.kill()
      #expect(try ledger.operate(["observe", "load", "1", "-q"]).status == 0)
    }
    let elsewhere = try ProgramLedger()
    let path = elsewhere.path + "/other.sock"
    let server = try ServingProcess(ledger, ["--socket", path])
    #expect(try FileStatus(of: ledger.path + "/serve.sock").kind == .symbolicLink)
    #expect(try FileStatus(of: path).permissions == 0o600)
    #expect(try ledger.operate(["observe", "load", "1", "-q"]).status == 0)
    server.kill()
    let again = try ServingProcess(ledger)
    #expect(try FileStatus(of: ledger.path + "/serve.sock").kind == .special)
    #expect(again.stop() == 0)
    let refused = try ledger.operate(["serve", "--socket", ledger.path + "/LEDGER"])
    #expect(refused.status == 74)
    #expect(try ledger.verify().status == 0)
  }

  @Test("the worker, lookers and an auditor's log work beside it")
  func besideOthers() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(Self.settings)
    let server = try ServingProcess(ledger)
    let worker = Shell.process("dispatch-ledger", ["deliver", "--watch", "-q", "-C", ledger.path])
    worker.standardOutput = FileHandle.nullDevice
    worker.standardError = FileHandle.nullDevice
    try worker.run()
    let log = Pipe()
    let auditor = Shell.process("ledger-audit", ["log", "-f", "--json", "-C", ledger.path])
    auditor.standardOutput = log
    try auditor.run()
    // Without a worker nothing more is to be seen.
    worker.terminationHandler = { _ in auditor.terminate() }
    let acknowledged = Acknowledged()
    let clients = runClients(4, of: ledger, calls: 100, prefix: "beside", into: acknowledged)
    let requested = try ledger.operate(
      ["dispatch", ProgramLedger.requests + "/open-ended.json", "-q"])
    #expect(requested.status == 0, "\(requested.talk)")
    // Each of both users gets a notice, of which the outcome is recorded.
    var seen = ""
    while seen.components(separatedBy: "delivery.recorded.v1").count < 3 {
      let data = log.fileHandleForReading.availableData
      try #require(!data.isEmpty)
      seen += String(decoding: data, as: UTF8.self)
    }
    clients.wait()
    // It may wait for somebody to read.
    try log.fileHandleForReading.close()
    worker.terminate()
    worker.waitUntilExit()
    auditor.terminate()
    auditor.waitUntilExit()
    #expect(worker.terminationStatus == 0)
    #expect(server.stop() == 0)
    try acknowledged.expectIn(ledger)
    #expect(try ledger.verify().status == 0)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-q", "-C", ledger.path])
    #expect(recheck.status == 0, "\(recheck.output.suffix(2_000))")
  }
}
