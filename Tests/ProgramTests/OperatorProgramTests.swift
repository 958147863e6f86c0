import CommandLineInterface
import Foundation
import OperatorCommands
import Testing

@Suite("dispatch-ledger", .timeLimit(.minutes(30)))
struct OperatorProgramTests {
  @Test("its table of commands has no fault, and each example in it parses")
  func table() {
    #expect(operatorTable.problems.isEmpty, "\(operatorTable.problems)")
  }

  @Test(
    "takes both requests of the original service unchanged; the second stays open until it ends")
  func requests() throws {
    let ledger = try ProgramLedger()
    let closed = try ledger.operate(
      ["dispatch", ProgramLedger.requests + "/closed-ended.json", "--json"])
    #expect(closed.status == 0)
    let open = try ledger.operate(
      ["dispatch", ProgramLedger.requests + "/open-ended.json", "--json"])
    #expect(open.status == 0)
    let results = try object(open.output)["results"] as? [[String: Any]]
    let result = try #require(results?.first)
    #expect(result["open_ended"] as? Bool == true)
    let id = try #require(result["dispatch"] as? String)

    let before = try object(ledger.operate(["show", "dispatch", id, "--json"]).output)
    #expect(before["phase"] as? String == "active")
    #expect(try ledger.operate(["end", id, "--reason", "normal again"]).status == 0)
    let after = try object(ledger.operate(["show", "dispatch", id, "--json"]).output)
    #expect(after["phase"] as? String == "completed")
    #expect(try ledger.operate(["end", id, "--reason", "twice"]).status == 1)
    #expect(try ledger.operate(["end", "nobody", "--reason", "?"]).status == 66)
    #expect(try ledger.verify().status == 0)
  }

  @Test(
    "records a request that breaks rules as rejected, with every reason, and exits 1",
    arguments: [
      (
        #"{"start_time":"08/27/2019 21:04","program_id":9,"event_type_id":"1"}"#,
        ["unknown-program"]
      ),
      (
        #"{"start_time":"08/27/2019 21:04","end_time":"08/27/2019 21:04","program_id":1,"event_type_id":"7"}"#,
        ["unknown-event-type", "end-before-start"]
      ),
      (#"{"start_time":"03/08/2026 02:30","program_id":1,"event_type_id":"1"}"#, ["time-in-gap"]),
      (
        #"{"start_time":"11/01/2026 01:30","program_id":1,"event_type_id":"1"}"#, ["time-ambiguous"]
      ),
    ])
  func rejected(request: String, codes: [String]) throws {
    let ledger = try ProgramLedger()
    let lines = try ledger.eventLines().count
    let answer = try ledger.operate(["dispatch", "-", "--json"], input: request)
    #expect(answer.status == 1)
    let results = try object(answer.output)["results"] as? [[String: Any]]
    let reasons = results?.first?["reasons"] as? [[String: Any]]
    #expect(reasons?.map { $0["code"] as? String } == codes)
    #expect(try ledger.eventLines().count == lines + 1)
  }

  @Test("refuses malformed input with 65, and changes no byte of the log or of head")
  func malformed() throws {
    let ledger = try ProgramLedger()
    let files = ["log/0000000000000000.log", "head"]
    let before = try files.map(ledger.bytes)
    let long = String(repeating: "x", count: 1 << 20)
    for input in [
      "{", "", #"{"a":1,"a":2}"#, "[1]", #"{"start_time":"x","program_id":1,"event_type_id":"1"}"#,
      #"{"start_time":"08/27/2019 21:04","end_tiem":"08/27/2019 22:04","program_id":1,"event_type_id":"1"}"#,
      #"{"note":"\#(long)","start_time":"08/27/2019 21:04","program_id":1,"event_type_id":"1"}"#,
      #"{"start_time":"08/27/2019 21:04","program_id":1.5,"event_type_id":"1"}"#,
    ] {
      let answer = try ledger.operate(["dispatch", "-"], input: input)
      #expect(answer.status == 65, "\(input.prefix(60)): \(answer.talk)")
      #expect(answer.talk.contains("nothing was appended"))
    }
    #expect(try files.map(ledger.bytes) == before)
  }

  @Test("answers a repeated key with the first receipt, and exits 3 where the content is another")
  func key() throws {
    let ledger = try ProgramLedger()
    let arguments = [
      "dispatch", ProgramLedger.requests + "/closed-ended.json", "--key", "k", "--json",
    ]
    var first = try object(ledger.operate(arguments).output)
    var again = try object(ledger.operate(arguments).output)
    #expect(first.removeValue(forKey: "repeated") as? Bool == false)
    #expect(again.removeValue(forKey: "repeated") as? Bool == true)
    #expect(NSDictionary(dictionary: first) == NSDictionary(dictionary: again))
    let other = ["dispatch", ProgramLedger.requests + "/open-ended.json", "--key", "k"]
    #expect(try ledger.operate(other).status == 3)
  }

  @Test("appends from four processes at once: no id twice, none missing, none refused")
  func concurrent() throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let script = """
      for i in $(seq 1 250); do "$0" dispatch "$1" -C "$2" -q >/dev/null || exit 1; done
      """
    let program = Shell.products.appendingPathComponent("dispatch-ledger").path
    let processes = (0..<4).map { _ in
      Shell.process(
        "/bin/sh",
        ["-c", script, program, ProgramLedger.requests + "/closed-ended.json", ledger.path])
    }
    for process in processes { try process.run() }
    for process in processes {
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let lines = try ledger.eventLines()
    #expect(lines.count == before + 2_000)
    for (index, line) in lines.enumerated() {
      #expect(try object(line)["id"] as? String == String(index))
    }
    let report = try object(ledger.verify().output)
    #expect(report["state"] as? String == "clean")
    #expect(report["size"] as? String == String(lines.count))
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  @Test("is killed 200 times while it appends: every receipt that it gave is there afterwards")
  func killed() throws {
    let ledger = try ProgramLedger()
    var random = SystemRandomNumberGenerator()
    var acknowledged: [String] = []
    for _ in 0..<200 {
      // The shell appends in a loop and prints each receipt, until it and all beneath it are
      // killed.
      let script = """
        while :; do "$0" dispatch "$1" -C "$2" -q --json || exit 1; done
        """
      let milliseconds = Int.random(in: 5...60, using: &random)
      let process = Shell.process(
        "/usr/bin/timeout",
        [
          "-s", "KILL", "0.0\(milliseconds < 10 ? "0" : "")\(milliseconds)", "/bin/sh", "-c",
          script,
          Shell.products.appendingPathComponent("dispatch-ledger").path,
          ProgramLedger.requests + "/open-ended.json", ledger.path,
        ])
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      let text = String(
        decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      for line in text.split(separator: "\n") where line.hasSuffix("}") {
        let results = try object(String(line))["results"] as? [[String: Any]]
        if let id = results?.first?["dispatch"] as? String { acknowledged.append(id) }
      }
    }
    // How many depends on the machine's load; none would mean that nothing was tried.
    #expect(!acknowledged.isEmpty)
    // The next append needs nothing done by hand.
    #expect(
      try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"]).status == 0)
    let log = try ledger.eventLines().joined(separator: "\n")
    for id in acknowledged { #expect(log.contains("\"subject\":\"dispatch/\(id)\""), "\(id)") }
    #expect(try object(ledger.verify().output)["state"] as? String == "clean")
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  @Test("says what to do where there is no ledger, an unknown command, or one there already")
  func errors() throws {
    let ledger = try ProgramLedger()
    let missing = try Shell.run("dispatch-ledger", ["status", "-C", ledger.path + "/nothing"])
    #expect(missing.status == 66)
    #expect(missing.talk.contains("dispatch-ledger init"))
    let twice = try ledger.operate(["init"])
    #expect(twice.status == 73)
    let typo = try Shell.run("dispatch-ledger", ["dispacth"])
    #expect(typo.status == 64)
    #expect(typo.talk.contains("dispatch"))
  }
}
