import Foundation
import Testing

@Suite("A worker that watches", .timeLimit(.minutes(30)))
struct WorkerTests {
  let ledger: ProgramLedger

  init() throws {
    ledger = try ProgramLedger()
    try ledger.configure(
      #"{"channels":{"sms":{"kind":"spool","directory":"spool"},"console":{"kind":"console"}}}"#)
  }

  private var logPath: String { ledger.path + "/deliver.log" }

  private func watch() throws -> Process {
    let process = Shell.process(
      "dispatch-ledger", ["deliver", "--watch", "--log-file", logPath, "-C", ledger.path])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func count(_ type: String) throws -> Int {
    try ledger.eventLines().count { $0.contains("\"type\":\"\(type)\"") }
  }

  /// Waits until something holds; a worker's own pace is not what is tested.
  private func until(_ condition: () throws -> Bool) throws {
    for _ in 0..<600 {
      if try condition() { return }
      usleep(50_000)
    }
    Issue.record("it never came to that")
  }

  private func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(ledger.path)/\(folder)")) ?? [])
      .sorted()
  }

  @Test("sends what comes while it waits, ends on SIGTERM with all recorded, and reopens its log")
  func watching() throws {
    let worker = try watch()
    try until { FileManager.default.fileExists(atPath: logPath) }
    let request = ProgramLedger.requests + "/open-ended.json"
    #expect(try ledger.operate(["dispatch", request]).status == 0)
    try until { try count("delivery.recorded.v1") == 2 }
    // Whoever keeps logs renames the file and says so.
    try FileManager.default.moveItem(atPath: logPath, toPath: logPath + ".1")
    kill(worker.processIdentifier, SIGHUP)
    #expect(try ledger.operate(["dispatch", request]).status == 0)
    try until { try count("delivery.recorded.v1") == 4 }
    worker.terminate()
    worker.waitUntilExit()
    #expect(worker.terminationReason == .exit && worker.terminationStatus == 0)
    let first = try String(contentsOfFile: logPath + ".1", encoding: .utf8)
    let second = try String(contentsOfFile: logPath, encoding: .utf8)
    #expect(first.contains(#""what":"started""#) && !first.contains(#""what":"stopped""#))
    #expect(second.contains(#""what":"stopped""#))
    for line in (first + second).split(separator: "\n") {
      #expect(try object(String(line))["time"] is String)
      // No name, no address.
      #expect(!line.contains("Ada") && !line.contains("+1555"))
    }
    // All that it sent is signed.
    #expect(
      try Shell.run("ledger-audit", ["verify", "--all-signed", "-C", ledger.path]).status == 0)
    #expect(try ledger.operate(["deliver", "--once", "--watch"]).status == 64)
  }

  @Test("does what is dropped into inbox/ once, and says beside the file what became of it")
  func inbox() throws {
    let worker = try watch()
    defer { worker.terminate() }
    try until {
      names("inbox").isEmpty && FileManager.default.fileExists(atPath: ledger.path + "/inbox")
    }
    let request = try String(
      contentsOfFile: ProgramLedger.requests + "/open-ended.json", encoding: .utf8)
    func drop(_ text: String, as name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(ledger.path)/inbox/.\(name)"))
      try FileManager.default.moveItem(
        atPath: "\(ledger.path)/inbox/.\(name)", toPath: "\(ledger.path)/inbox/\(name)")
    }
    try drop(request, as: "one.json")
    try until { names("accepted") == ["one.json", "one.json.answer.json"] }
    let answer = try object(
      String(contentsOfFile: ledger.path + "/accepted/one.json.answer.json", encoding: .utf8))
    #expect(answer["repeated"] as? Bool == false)
    try until { try count("delivery.recorded.v1") == 2 }

    // The same file again changes nothing.
    try drop(request, as: "one.json")
    try until { names("accepted").count == 4 }
    #expect(try count("dispatch.requested.v1") == 1)

    try drop("{", as: "broken.json")
    try drop(
      #"{"start_time":"08/27/2019 21:04","program_id":9,"event_type_id":"1"}"#, as: "rejected.json")
    try drop(#"{"command":"end","dispatch_id":"nothing","reason":"r"}"#, as: "unknown.json")
    try until { names("refused").count == 6 }
    let refused = try object(
      String(contentsOfFile: ledger.path + "/refused/broken.json.answer.json", encoding: .utf8))
    #expect((refused["error"] as? [String: Any])?["exit"] as? Int == 65)
    #expect(try count("dispatch.rejected.v1") == 1)
    #expect(names("inbox").isEmpty)
    // What is no file is left where it is, and holds nobody up; what is too large is refused.
    #expect(unsafe mkfifo(ledger.path + "/inbox/fifo", 0o600) == 0)
    try FileManager.default.createDirectory(
      atPath: ledger.path + "/inbox/folder", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: ledger.path + "/inbox/link",
      withDestinationPath: ProgramLedger.requests + "/open-ended.json")
    try Data().write(to: URL(fileURLWithPath: ledger.path + "/inbox/.large.json"))
    try #require(unsafe truncate(ledger.path + "/inbox/.large.json", 256 << 20 + 1) == 0)
    try FileManager.default.moveItem(
      atPath: ledger.path + "/inbox/.large.json", toPath: ledger.path + "/inbox/large.json")
    try until { names("refused").count == 8 }
    #expect(names("inbox") == ["fifo", "folder", "link"])
    #expect(try count("dispatch.requested.v1") == 1)
    for name in names("inbox") {
      try FileManager.default.removeItem(atPath: "\(ledger.path)/inbox/\(name)")
    }
    // What isn't whole yet is left alone.
    try Data("{".utf8).write(to: URL(fileURLWithPath: ledger.path + "/inbox/later.part"))
    usleep(400_000)
    #expect(names("inbox") == ["later.part"])
    #expect(try ledger.verify().status == 0)
  }

  @Test("escalates what nobody has answered in time, once, and tells the contacts")
  func escalation() throws {
    let catalogue = #"""
      {"user_groups":[{"id":"leads","name":"Shift leads"}],
       "programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
         "communication_codes":["sms","console"],"lead_time":"PT30M",
         "escalation":{"acknowledgements":1,"within":"PT10S","user_group_id":"leads"}}],
       "users":[{"id":"lead","name":"Lea","user_group_ids":["leads"],"contacts":{"console":"lead"}}]}
      """#
    #expect(try ledger.operate(["import", "-"], input: catalogue).status == 0)
    func request() throws -> String {
      let answer = try ledger.operate(
        ["dispatch", "-", "--json"],
        input: #"{"start_time":"2099-01-01T00:00:00Z","program_id":1,"event_type_id":"1"}"#)
      let receipt = try object(answer.output)
      let results = try #require(receipt["results"] as? [[String: Any]])
      return try #require(results.first?["dispatch"] as? String)
    }
    let worker = try watch()
    let (answered, silent) = (try request(), try request())
    try until { try count("delivery.recorded.v1") == 4 }
    #expect(try ledger.operate(["acknowledge", answered, "--user", "u-1"]).status == 0)
    try until { try count("delivery.recorded.v1") == 5 }
    // The other one's time is over too: it came first.
    worker.terminate()
    worker.waitUntilExit()
    let escalated = try ledger.eventLines().filter { $0.contains("notification.escalated.v1") }
    #expect(escalated.count == 1 && escalated.allSatisfy { $0.contains(silent) })
    #expect(escalated.allSatisfy { $0.contains(#""user_ids":["lead"]"#) })
    #expect(try ledger.operate(["deliver"]).status == 0)
    #expect(try count("delivery.recorded.v1") == 5)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-C", ledger.path])
    #expect(recheck.status == 0 && recheck.output.contains("1 by escalation"), "\(recheck.output)")
    let replay = try Shell.run("ledger-audit", ["replay", silent, "-C", ledger.path])
    #expect(replay.output.contains(" escalated=1\n"))
  }

  @Test("executes what waits for a time or a condition, once, whoever is killed in between")
  func waits() throws {
    let at = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 2))
    func request(_ more: String) -> String {
      #"{"start_time":"2099-01-01T00:00:00Z","program_id":1,"event_type_id":"1",\#(more)}"#
    }
    let timed = try ledger.operate(["dispatch", "-"], input: request(#""execute_at":"\#(at)""#))
    #expect(timed.status == 0, "\(timed.talk)")
    let waiting = try ledger.operate(
      ["dispatch", "-"], input: request(#""execute_if":"price <= 40 USD/MWh""#))
    #expect(waiting.status == 0, "\(waiting.talk)")
    #expect(try count("dispatch.scheduled.v1") == 2)
    for _ in 0..<3 {
      let worker = try watch()
      usleep(200_000)
      kill(worker.processIdentifier, SIGKILL)
      worker.waitUntilExit()
    }
    let worker = try watch()
    defer { worker.terminate() }
    try until { try count("dispatch.triggered.v1") == 1 }
    #expect(
      try ledger.operate(["observe", "price", "39.5", "--unit", "USD/MWh"]).status == 0)
    try until { try count("dispatch.triggered.v1") == 2 }
    try until { try count("delivery.recorded.v1") == 4 }
    usleep(300_000)
    #expect(try count("dispatch.triggered.v1") == 2)
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }
}
