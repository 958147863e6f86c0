import Foundation
import Simulation
import Testing

@Suite("dispatch-ledger --batch", .timeLimit(.minutes(30)))
struct BatchTests {
  /// So many requests, each with its number.
  private func requests(_ count: Int) -> String {
    (1...count).map { number in
      #"{"start_time":"08/27/2019 21:04","program_id":1,"event_type_id":"1","number":\#(number)}"#
        + "\n"
    }.joined()
  }

  /// The numbers of the requests that the log holds, in its order.
  private func numbers(in lines: [String]) throws -> [Int] {
    try lines.compactMap { line in
      guard line.contains(#""type":"dispatch.requested.v1""#) else { return nil }
      let data = try object(line)["data"] as? [String: Any]
      return (data?["attributes"] as? [String: Any])?["number"] as? Int
    }
  }

  private func keys(in lines: [String]) throws -> [String] {
    try lines.compactMap { try object($0)["idempotencykey"] as? String }
  }

  /// A receipt but for what says that it is one of a repetition, and how it was divided.
  private func answer(_ ended: Ended) throws -> NSDictionary {
    var receipt = try object(ended.output)
    receipt["repeated"] = nil
    receipt["batches"] = nil
    return NSDictionary(dictionary: receipt)
  }

  @Test("makes a commit every N requests, tells each, and answers a repeated key with the same")
  func divides() throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let call = ["dispatch", "-", "--key", "k", "--json"]
    let first = try ledger.operate(call + ["--batch", "10"], input: "\n" + requests(25))
    #expect(first.status == 0, "\(first.talk)")
    // The first line is blank, and has a number all the same.
    for line in [11, 21, 26] { #expect(first.talk.contains("durable up to line \(line)\n")) }
    let batches = try #require(try object(first.output)["batches"] as? [[String: Any]])
    #expect(batches.map { $0["entries"] as? Int } == [10, 20, 25])
    #expect(batches.allSatisfy { $0["repeated"] as? Bool == false })
    let lines = Array(try ledger.eventLines()[before...])
    #expect(
      try keys(in: lines) == ["0000000010", "0000000020", "0000000025"].map { "k/batch/\($0)" })
    #expect(try numbers(in: lines) == Array(1...25))

    for size in [["--batch", "10"], ["--batch", "4"], []] {
      let again = try ledger.operate(call + size, input: requests(25))
      #expect(again.status == 0)
      #expect(try object(again.output)["repeated"] as? Bool == true)
      #expect(try answer(again) == answer(first))
    }
    #expect(try ledger.eventLines().count == before + lines.count)
    #expect(try ledger.verify().status == 0)
  }

  @Test("one batch that holds the whole call is the call without --batch")
  func whole() throws {
    let ledger = try ProgramLedger()
    let first = try ledger.operate(
      ["dispatch", "-", "--key", "k", "--json", "--batch", "9"], input: requests(3))
    #expect(try keys(in: ledger.eventLines()).last == "k")
    let again = try ledger.operate(["dispatch", "-", "--key", "k", "--json"], input: requests(3))
    #expect(try object(again.output)["repeated"] as? Bool == true)
    #expect(try answer(again) == answer(first))
  }

  @Test("refuses other content under the key of a call that was divided, whatever part differs")
  func otherContent() throws {
    let ledger = try ProgramLedger()
    let text = requests(6)
    #expect(
      try ledger.operate(["dispatch", "-", "--key", "k", "--batch", "2"], input: text).status == 0)
    let size = try ledger.eventLines().count
    for other in [
      text.replacingOccurrences(of: "\"number\":6", with: "\"number\":7"),
      text.replacingOccurrences(of: "\"number\":1", with: "\"number\":7"),
      requests(5), requests(7), requests(1),
    ] {
      for batch in [["--batch", "2"], ["--batch", "1"], []] {
        let answer = try ledger.operate(["dispatch", "-", "--key", "k"] + batch, input: other)
        #expect(answer.status == 3, "\(answer.talk)")
      }
    }
    #expect(try ledger.eventLines().count == size)
    // And the other way round.
    #expect(
      try ledger.operate(["dispatch", "-", "--key", "whole"], input: requests(2)).status == 0)
    #expect(
      try ledger.operate(
        ["dispatch", "-", "--key", "whole", "--batch", "1"], input: requests(3)
      ).status == 3)
  }

  @Test("refuses a malformed line wherever it stands, and changes no byte of the log or of head")
  func malformed() throws {
    let ledger = try ProgramLedger()
    let files = ["log/0000000000000000.log", "head"]
    let before = try files.map(ledger.bytes)
    let answer = try ledger.operate(
      ["dispatch", "-", "--batch", "2", "--key", "k"],
      input: requests(9) + #"{"start_time":"x","program_id":1,"event_type_id":"1"}"#)
    #expect(answer.status == 65)
    #expect(answer.talk.contains("line 10"))
    #expect(try files.map(ledger.bytes) == before)
  }

  @Test("killed after any batch, goes on after it; all is done once", arguments: 1...6)
  func killedBetween(after batches: Int) throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let file = try TemporaryText(requests(14))
    let call = ["dispatch", file.path, "--key", "k", "-C", ledger.path, "--batch", "2"]
    let process = Shell.process("dispatch-ledger", call)
    let talk = Pipe()
    process.standardError = talk
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    var said = ""
    while said.components(separatedBy: "durable up to").count <= batches {
      let more = talk.fileHandleForReading.availableData
      try #require(!more.isEmpty, "\(said)")
      said += String(decoding: more, as: UTF8.self)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let reached = try numbers(in: Array(try ledger.eventLines()[before...]))
    #expect(reached.count >= 2 * batches)
    #expect(reached == Array(1...reached.count))

    let again = try Shell.run("dispatch-ledger", call + ["--json"])
    #expect(again.status == 0, "\(again.talk)")
    for batch in 1...batches { #expect(again.talk.contains("line \(2 * batch), as before")) }
    #expect(try numbers(in: Array(try ledger.eventLines()[before...])) == Array(1...14))
    #expect(try ledger.verify().status == 0)
  }

  @Test(
    "killed at any moment, again and again, does nothing twice",
    arguments: 1...amount(1 as UInt64, long: 20))
  func killed(seed: UInt64) throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let count = 400
    let file = try TemporaryText(requests(count))
    let call = ["dispatch", file.path, "--key", "k", "-C", ledger.path, "--json", "--batch"]
    var random = SeededRandom(seed: seed)
    var kills = 0
    // Another size each time: what counts is the entry that was reached.
    for _ in 0..<20 {
      let process = Shell.process(
        "dispatch-ledger", call + ["\(Int.random(in: 1...5, using: &random))"])
      let talk = Pipe()
      process.standardOutput = FileHandle.nullDevice
      process.standardError = talk
      try process.run()
      // After so many commits, whatever the machine's speed; where in the next one is chance.
      var wanted = Int.random(in: 1...4, using: &random)
      while wanted > 0 {
        let more = talk.fileHandleForReading.availableData
        if more.isEmpty { break }
        wanted -= more.count { $0 == UInt8(ascii: "\n") }
      }
      usleep(UInt32.random(in: 0...3_000, using: &random))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if process.terminationReason == .uncaughtSignal { kills += 1 }
    }
    #expect(kills > 0)
    let last = try Shell.run("dispatch-ledger", call + ["50"])
    #expect(last.status == 0, "\(last.talk)")
    let lines = Array(try ledger.eventLines()[before...])
    #expect(try numbers(in: lines) == Array(1...count), "seed \(seed)")
    let results = try object(last.output)["results"] as? [[String: Any]]
    #expect(results?.count == count)
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  private func users(_ count: Int, group: String = "industrial") -> String {
    let users = (0..<count).map { number in
      #"{"id":"s-\#(number)","name":"Site \#(number)","user_group_ids":["\#(group)"],"#
        + #""program_ids":["new"],"contacts":{"sms":"+1555\#(1_000_000 + number)"}}"#
    }
    return #"""
      {"users":[\#(users.joined(separator: ","))],
       "user_groups":[{"id":"fresh","name":"Fresh"}],
       "programs":[{"id":"new","name":"New","time_zone":"America/New_York","event_type_ids":["2"],
         "communication_codes":["sms"],"lead_time":"PT30M"}],
       "event_types":[{"id":"2","name":"Test","user_group_ids":["fresh"]}]}
      """#
  }

  @Test("imports a catalogue in parts as it does in one, and skips what stands already")
  func catalogue() throws {
    let (whole, parts) = (try ProgramLedger(), try ProgramLedger())
    let one = try whole.operate(["import", "-", "--json", "--key", "k"], input: users(20))
    let other = try parts.operate(
      ["import", "-", "--json", "--key", "k", "--batch", "4"], input: users(20))
    #expect(one.status == 0 && other.status == 0, "\(one.talk) \(other.talk)")
    #expect(other.talk.contains("durable up to entry 23 of 23"))
    let results = try [one, other].map { try object($0.output)["results"] as? NSArray }
    #expect(results[0] == results[1])
    let lines = try [whole, parts].map { ledger in
      try ledger.eventLines().map { try object($0)["subject"] as? String }
    }
    #expect(lines[0] == lines[1])
    let again = try parts.operate(
      ["import", "-", "--json", "--key", "k", "--batch", "5"], input: users(20))
    #expect(try answer(again) == answer(other))
    // Only the last entry is new: the batches before it leave no event.
    let more = try parts.operate(
      ["import", "-", "--json", "--key", "more", "--batch", "4"], input: users(21))
    #expect(more.status == 0)
    #expect(try keys(in: parts.eventLines()).last == "more/batch/0000000024")
    let repeated = try parts.operate(
      ["import", "-", "--json", "--key", "more", "--batch", "4"], input: users(21))
    #expect(try object(repeated.output)["repeated"] as? Bool == true)
    #expect(try answer(repeated) == answer(more))
  }

  @Test("refuses an import that refers to nothing before its first part is appended")
  func brokenReference() throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let text = users(20).replacingOccurrences(
      of: #""id":"s-19","name":"Site 19","user_group_ids":["industrial"]"#,
      with: #""id":"s-19","name":"Site 19","user_group_ids":["nowhere"]"#)
    #expect(try ledger.operate(["import", "-", "--batch", "2"], input: text).status == 65)
    #expect(try ledger.eventLines().count == before)
  }

  @Test("stops where a command can't be done, and says which lines are durable")
  func stopped() throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let request = #"{"start_time":"08/27/2019 21:04","program_id":1,"event_type_id":"1"}"#
    var lines = Array(repeating: #"{"command":"dispatch","request":\#(request)}"#, count: 9)
    lines[7] = #"{"command":"end","dispatch_id":"nobody","reason":"?"}"#
    let answer = try ledger.operate(
      ["append", "-", "--batch", "3", "--key", "k"], input: lines.joined(separator: "\n"))
    #expect(answer.status == 66)
    #expect(answer.talk.contains("command 8"))
    #expect(answer.talk.contains("the input is durable up to line 6"))
    #expect(try ledger.eventLines().count == before + 12)
  }

  @Test("takes in parts what is too large for one commit, and without --batch names the size")
  func tooLarge() throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    let note = String(repeating: "x", count: 16_000)
    let line =
      #"{"start_time":"08/27/2019 21:04","program_id":1,"event_type_id":"1","note":"\#(note)"}"#
    let text = Array(repeating: line, count: 600).joined(separator: "\n")
    let call = ["dispatch", "-", "-q", "--key", "k"]
    let refused = try ledger.operate(call, input: text)
    #expect(refused.status == 65)
    #expect(refused.talk.contains("1200 events of") && refused.talk.contains("--batch"))
    #expect(try ledger.eventLines().count == before)
    let stillTooLarge = try ledger.operate(call + ["--batch", "590"], input: text)
    #expect(stillTooLarge.status == 65)
    #expect(try ledger.operate(call + ["--batch", "400"], input: text).status == 0)
    #expect(try ledger.eventLines().count == before + 1_200)
  }

  @Test("refuses a key that could be a batch's", arguments: ["k/batch/0000000001", "a\u{7}b"])
  func reserved(key: String) throws {
    let ledger = try ProgramLedger()
    let answer = try ledger.operate(["dispatch", "-", "--key", key], input: requests(1))
    #expect(answer.status == 64)
    #expect(
      try ledger.operate(["dispatch", "-", "--key", "k/batch/1"], input: requests(1)).status == 0)
  }

  @Test("expects a size before the first commit only, and not where the call was begun before")
  func expectation() throws {
    let ledger = try ProgramLedger()
    let size = try ledger.eventLines().count
    let call = ["dispatch", "-", "--key", "k", "--batch", "2", "--expect"]
    #expect(try ledger.operate(call + ["\(size + 1)"], input: requests(6)).status == 3)
    #expect(try ledger.operate(call + ["\(size)"], input: requests(6)).status == 0)
    #expect(try ledger.operate(call + ["\(size)"], input: requests(6)).status == 0)
    #expect(try ledger.eventLines().count == size + 12)
  }
}
