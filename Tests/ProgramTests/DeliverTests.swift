import Foundation
import Testing

@Suite("dispatch-ledger deliver", .timeLimit(.minutes(30)))
struct DeliverTests {
  static let configuration = #"""
    {"channels":{"sms":{"kind":"spool","directory":"spool"},"console":{"kind":"console"}}}
    """#

  /// A ledger with so many users, all to be told by spool, and one dispatch.
  private func ledger(users: Int) throws -> (ledger: ProgramLedger, dispatch: String) {
    let ledger = try ProgramLedger()
    try ledger.configure(Self.configuration)
    let list = (0..<users).map { number in
      #"{"id":"s-\#(number)","name":"Site \#(number)","user_group_ids":["industrial"],"#
        + #""contacts":{"sms":"+1555\#(1_000_000 + number)"}}"#
    }
    let catalogue = #"{"users":[\#(list.joined(separator: ","))]}"#
    #expect(try ledger.operate(["import", "-"], input: catalogue).status == 0)
    let answer = try ledger.operate(
      ["dispatch", ProgramLedger.requests + "/open-ended.json", "--json"])
    let results = try object(answer.output)["results"] as? [[String: Any]]
    return (ledger, try #require(results?.first?["dispatch"] as? String))
  }

  private func count(_ type: String, in lines: [String]) -> Int {
    lines.count { $0.contains("\"type\":\"\(type)\"") }
  }

  @Test("tells every recipient once: attempt, message, result, each marked LATE")
  func delivers() throws {
    let (ledger, _) = try ledger(users: 3)
    let answer = try ledger.operate(["deliver", "--once"])
    #expect(answer.status == 0, "\(answer.talk)")
    #expect(answer.output.contains("REAL LATE: Peak Relief start"))
    let lines = try ledger.eventLines()
    #expect(count("notification.attempted.v1", in: lines) == 5)
    #expect(count("delivery.recorded.v1", in: lines) == 5)
    let spooled = try FileManager.default.contentsOfDirectory(atPath: ledger.path + "/spool")
    #expect(spooled.count == 4)
    let again = try ledger.operate(["deliver", "--json"])
    #expect(try object(again.output)["attempts"] as? Int == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  @Test("leaves what has no channel due, says so, and exits 1")
  func noChannel() throws {
    let ledger = try ProgramLedger()
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    let answer = try ledger.operate(["deliver"])
    #expect(answer.status == 1)
    #expect(answer.talk.contains("sms"))
    try ledger.configure(#"{"chanels":{}}"#)
    #expect(try ledger.operate(["deliver"]).status == 78)
  }

  @Test("killed in the middle, it tells nobody twice: what has no result is unknown, and held")
  func killed() throws {
    let (ledger, id) = try ledger(users: 1_000)
    for _ in 0..<4 {
      let process = Shell.process(
        "/usr/bin/timeout",
        [
          "-s", "KILL", "0.06", Shell.products.appendingPathComponent("dispatch-ledger").path,
          "deliver", "-C", ledger.path,
        ])
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
    }
    _ = try ledger.operate(["deliver", "--json"])
    let lines = try ledger.eventLines()
    let attempts = count("notification.attempted.v1", in: lines)
    let recorded = count("delivery.recorded.v1", in: lines)
    let unknown = count("delivery.unknown.v1", in: lines)
    #expect(attempts == 1_002)
    #expect(recorded + unknown == attempts)
    // A round holds what each of the two channels takes at once.
    #expect(unknown <= 4 * (32 + 32))
    let shown = try object(ledger.operate(["show", "dispatch", id, "--json"]).output)
    let notices = try #require(shown["notices"] as? [String: Any])
    #expect((notices["notified"] as? Int ?? 0) + (notices["unknown"] as? Int ?? 0) == 1_002)
    #expect(try ledger.operate(["view", "check"]).status == 0)
    #expect(try ledger.verify().status == 0)
  }

  @Test("sends 1,000 notices while 100 requests are appended, and none of them is turned away")
  func beside() throws {
    let (ledger, _) = try ledger(users: 1_000)
    let deliver = Shell.process("dispatch-ledger", ["deliver", "-C", ledger.path])
    deliver.standardOutput = FileHandle.nullDevice
    deliver.standardError = FileHandle.nullDevice
    try deliver.run()
    for _ in 0..<100 {
      let answer = try ledger.operate(
        ["dispatch", "-", "-q"],
        input: #"{"start_time":"08/27/2019 21:04","program_id":9,"event_type_id":"1"}"#)
      #expect(answer.status == 1, "\(answer.talk)")
    }
    deliver.waitUntilExit()
    #expect(deliver.terminationStatus == 0)
    let lines = try ledger.eventLines()
    #expect(count("dispatch.rejected.v1", in: lines) == 100)
    #expect(count("delivery.recorded.v1", in: lines) == 1_002)
  }

  @Test("a second process that would deliver is turned away with 75")
  func second() throws {
    let (ledger, _) = try ledger(users: 1)
    let holder = Shell.process(
      "/usr/bin/flock", [ledger.path + "/delivering", "/bin/sleep", "3"])
    try holder.run()
    defer { holder.terminate() }
    usleep(300_000)
    let answer = try ledger.operate(["deliver"])
    #expect(answer.status == 75)
    #expect(
      try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"]).status == 0)
  }

  @Test("dispatch --deliver prints its receipt, then tells all; a repeated call tells nobody twice")
  func afterDispatch() throws {
    let (ledger, _) = try ledger(users: 3)
    #expect(try ledger.operate(["deliver"]).status == 0)
    let request = ProgramLedger.requests + "/closed-ended.json"
    let call = ["dispatch", request, "--deliver", "--key", "k"]
    let answer = try ledger.operate(call)
    #expect(answer.status == 0, "\(answer.talk)")
    let receipt = try #require(answer.output.range(of: "events "))
    let notice = try #require(answer.output.range(of: "--- REAL LATE: Peak Relief start"))
    #expect(receipt.lowerBound < notice.lowerBound)
    #expect(answer.talk.contains("5 attempts: 5 accepted"))
    let again = try ledger.operate(call + ["--json"])
    #expect(again.status == 0)
    #expect(try object(again.output)["repeated"] as? Bool == true)
    #expect(again.talk.contains("0 attempts"))
    #expect(count("notification.attempted.v1", in: try ledger.eventLines()) == 10)
  }

  @Test("dispatch --deliver exits 1 where a request is rejected or a notice waits")
  func afterDispatchNotAll() throws {
    let (ledger, _) = try ledger(users: 1)
    let rejected = #"{"start_time":"08/27/2019 21:04","program_id":9,"event_type_id":"1"}"#
    let answer = try ledger.operate(["dispatch", "-", "--deliver"], input: rejected)
    #expect(answer.status == 1)
    #expect(answer.talk.contains("3 attempts: 3 accepted"))
    try ledger.configure(#"{"channels":{"console":{"kind":"console"}}}"#)
    let request = ProgramLedger.requests + "/closed-ended.json"
    let waiting = try ledger.operate(["dispatch", request, "--deliver", "--json"])
    #expect(waiting.status == 1)
    #expect(try object(waiting.output)["repeated"] as? Bool == false)
    #expect(waiting.talk.contains("1 attempts") && waiting.talk.contains("'sms'"))
  }

  @Test("dispatch --deliver appends nothing where the settings can't be read")
  func afterDispatchBadSettings() throws {
    let (ledger, _) = try ledger(users: 1)
    let before = try ledger.eventLines()
    try ledger.configure("{")
    let request = ProgramLedger.requests + "/closed-ended.json"
    #expect(try ledger.operate(["dispatch", request, "--deliver"]).status == 78)
    #expect(try ledger.eventLines() == before)
  }

  @Test("dispatch --deliver leaves the notices due where another process delivers, and exits 0")
  func afterDispatchHandsOver() throws {
    let (ledger, _) = try ledger(users: 1)
    let before = try ledger.eventLines().count
    // One process that holds the lock, so that its end lets it go.
    let holder = Shell.process(
      "/bin/sh",
      ["-c", "exec 9>>\"$0\"; flock 9; echo held; exec sleep 60", ledger.path + "/delivering"])
    let held = Pipe()
    holder.standardOutput = held
    try holder.run()
    #expect(held.fileHandleForReading.availableData == Data("held\n".utf8))
    let request = ProgramLedger.requests + "/closed-ended.json"
    let answer = try ledger.operate(["dispatch", request, "--deliver"])
    holder.terminate()
    #expect(answer.status == 0)
    #expect(answer.talk.contains("another process is delivering: the notices stay due"))
    #expect(try ledger.eventLines().count == before + 2)
    let status = try object(ledger.operate(["status", "--json"]).output)
    #expect(status["due"] as? Int == 6)
  }
}
