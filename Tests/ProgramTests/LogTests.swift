import Foundation
import Testing

@Suite("ledger-audit log", .timeLimit(.minutes(30)))
struct LogTests {
  private func log(_ ledger: ProgramLedger, _ arguments: [String]) throws -> Ended {
    try Shell.run("ledger-audit", ["log", "-C", ledger.path] + arguments)
  }

  /// Two programs, calls and drills on both, refused ones, an end, and all that was told of them.
  private func history() throws -> ProgramLedger {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    let more = #"""
      {"programs":[{"id":2,"name":"Other","time_zone":"America/New_York",
         "communication_codes":["console","sms"],"lead_time":"PT30M"}],
       "users":[{"id":"u-3","name":"Cleo","user_group_ids":["industrial"],"program_ids":[2],
         "contacts":{"sms":"+15551234569"},"opt_outs":[{"channel":"sms","program_id":1}]}]}
      """#
    #expect(try ledger.operate(["import", "-", "--actor", "loader"], input: more).status == 0)
    var ids: [String] = []
    for (program, extra) in [(1, ""), (2, ""), (1, #","test":true"#), (2, #","test":true"#)] {
      let answer = try ledger.operate(
        ["dispatch", "-", "--json"],
        input:
          #"{"start_time":"08/27/2019 21:04","program_id":\#(program),"event_type_id":"1"\#(extra)}"#
      )
      let results = try object(answer.output)["results"] as? [[String: Any]]
      ids.append(try #require(results?.first?["dispatch"] as? String))
    }
    for (program, extra) in [("2", #","test":true"#), (#""2""#, ""), ("9", "")] {
      let answer = try ledger.operate(
        ["dispatch", "-"],
        input:
          #"{"start_time":"08/27/2019 21:04","program_id":\#(program),"event_type_id":"7"\#(extra)}"#
      )
      #expect(answer.status == 1)
    }
    #expect(try ledger.operate(["deliver"]).status == 0)
    for id in ids.prefix(2) + ids.prefix(1) {
      _ = try ledger.operate(["end", id, "--reason", "normal"])
    }
    #expect(try ledger.operate(["deliver"]).status == 0)
    return ledger
  }

  /// What a filter should let through, told from the stored lines alone and by other means.
  private func expected(
    _ lines: [String], _ passes: (_ event: [String: Any], _ about: [String: Any]) -> Bool
  ) throws -> [String] {
    var dispatches: [String: [String: Any]] = [:]
    var attempts: [String: [String: Any]] = [:]
    return try lines.filter { line in
      let event = try object(line)
      guard let data = event["data"] as? [String: Any], let id = event["id"] as? String,
        let type = event["type"] as? String
      else { return false }
      var about = data
      if let dispatch = data["dispatch_id"] as? String {
        if type == "dispatch.requested.v1" {
          dispatches[dispatch] = [
            "program": data["program_id"] ?? "", "test": data["test"] ?? false,
          ]
        } else if type == "dispatch.rejected.v1", data["command"] as? String == "request" {
          let request = data["request"] as? [String: Any] ?? [:]
          dispatches[dispatch] = [
            "program": "\(request["program_id"] ?? "")", "test": request["test"] ?? false,
          ]
        }
        about.merge(dispatches[dispatch] ?? [:]) { $1 }
      }
      if type == "notification.attempted.v1" { attempts[id] = data }
      if let attempt = data["attempt"] as? String {
        about["user_id"] = attempts[attempt]?["user_id"]
        about["channel"] = attempts[attempt]?["channel"]
      }
      if type.hasPrefix("program.") { about["program"] = data["id"] }
      if type == "user.defined.v1" { about["user_id"] = data["id"] }
      if about["program"] == nil { about["program"] = data["program_id"] }
      return passes(event, about)
    }
  }

  private func names(_ user: String, in about: [String: Any]) -> Bool {
    let listed = ["recipients", "exclusions"].flatMap { about[$0] as? [[String: Any]] ?? [] }
    return about["user_id"] as? String == user
      || listed.contains { $0["user_id"] as? String == user }
  }

  @Test("each filter lets through what it says, and filters together what passes them all")
  func filters() throws {
    let ledger = try history()
    let lines = try ledger.eventLines()
    let middle = lines.count / 2
    let time = try #require(try object(lines[middle])["time"] as? String)
    let subject = try #require(
      lines.first { $0.contains("dispatch.requested.v1") }
        .flatMap { try object($0)["subject"] as? String })
    typealias Test = (_ event: [String: Any], _ about: [String: Any]) -> Bool
    let program: Test = { $1["program"] as? String == "2" }
    let user: Test = { names("u-3", in: $1) }
    let drill: Test = { $1["test"] as? Bool == true }
    let id: Test = { event, _ in Int(event["id"] as? String ?? "") ?? 0 >= middle }
    let cases: [([String], Test)] = [
      (["--program", "2"], program), (["--user", "u-3"], user),
      (["--channel", "sms"], { $1["channel"] as? String == "sms" }),
      (["--test", "only"], drill), (["--test", "exclude"], { !drill($0, $1) }),
      (["--test", "include"], { _, _ in true }),
      (["--actor", "loader"], { event, _ in event["actor"] as? String == "loader" }),
      (["--type", "user."], { event, _ in (event["type"] as? String ?? "").hasPrefix("user.") }),
      (
        ["--dispatch", String(subject.dropFirst(9))],
        { event, _ in
          event["subject"] as? String == subject
        }
      ),
      (["--since", time], { event, _ in event["time"] as? String ?? "" >= time }),
      (["--until", time], { event, _ in event["time"] as? String ?? "" < time }),
      (["--first", "\(middle)"], id), (["--last", "\(middle - 1)"], { !id($0, $1) }),
      (["--program", "2", "--test", "only"], { program($0, $1) && drill($0, $1) }),
      (
        ["--user", "u-3", "--program", "2", "--first", "\(middle)"],
        {
          user($0, $1) && program($0, $1) && id($0, $1)
        }
      ),
    ]
    for (arguments, passes) in cases {
      let told = try log(ledger, arguments + ["--json"])
      #expect(told.status == 0, "\(arguments): \(told.talk)")
      let wanted = try expected(lines, passes)
      #expect(!wanted.isEmpty, "\(arguments) lets nothing through: it shows nothing")
      #expect(told.output == wanted.map { "\($0)\n" }.joined(), "\(arguments)")
    }
    #expect(try log(ledger, ["--since", "2999-01-01"]).output == "")
  }

  @Test(
    "refuses what can't be a filter's value with 64",
    arguments: [
      ["--type", "notifcation."], ["--program", "a b"], ["--since", "last week"],
      ["--until", "2026-02-30"], ["--test", "yes"], ["--channel", "SMS"], ["--fields", "id,when"],
      ["--fields", "id,id"], ["--fields", "time.x"], ["--fields", "data..x"],
    ])
  func badValues(arguments: [String]) throws {
    let ledger = try ProgramLedger()
    #expect(try log(ledger, arguments).status == 64)
  }

  @Test("prints chosen fields, tab-separated or as an object, and opens nothing that is sealed")
  func fields() throws {
    let ledger = try ProgramLedger()
    let arguments = [
      "--type", "user.defined", "--fields", "id,data.contacts.0.channel,data.name,clock",
    ]
    let text = try log(ledger, arguments).output
    let rows = text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    #expect(
      rows.map { $0.dropFirst() } == [["sms", "[sealed]", "-"], ["console", "[sealed]", "-"]])
    let first = try object(
      String(try #require(log(ledger, arguments + ["--json"]).output.split(separator: "\n").first)))
    #expect(Set(first.keys) == ["id", "data.contacts.0.channel", "data.name"])
    let whole = try log(ledger, ["--last", "0", "--fields", "data,type"]).output
    #expect(whole.hasPrefix(#"{"format":1,"#) && whole.hasSuffix("\tledger.created.v1\n"))
  }

  @Test("goes on where its cursor file ended, whatever passed, and prints nothing twice")
  func cursor() throws {
    let ledger = try ProgramLedger()
    let file = ledger.path + "-cursor"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let arguments = ["--cursor-file", file, "--json"]
    let before = try ledger.eventLines().count
    #expect(try log(ledger, arguments + ["--last", "2"]).output.split(separator: "\n").count == 3)
    #expect(try object(String(contentsOfFile: file, encoding: .utf8))["next"] as? String == "3")
    // What is looked at counts as read, whether it passes or not.
    #expect(try log(ledger, arguments + ["--user", "nobody"]).output == "")
    #expect(
      try object(String(contentsOfFile: file, encoding: .utf8))["next"] as? String == "\(before)")
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    let lines = try ledger.eventLines()
    // A filter that needs what came before the cursor finds it.
    let told = try log(ledger, arguments + ["--program", "1"])
    #expect(told.output == lines[before...].map { "\($0)\n" }.joined())
    #expect(try log(ledger, arguments).output == "")
  }

  @Test("refuses a cursor of another ledger, of another history, ahead of the log, or none at all")
  func foreignCursor() throws {
    let (ledger, other) = (try ProgramLedger(), try ProgramLedger())
    let file = ledger.path + "-cursor"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let arguments = ["--cursor-file", file]
    #expect(try log(ledger, arguments).status == 0)
    #expect(try log(other, arguments).status == 65)

    let url = URL(fileURLWithPath: file)
    let good = try String(contentsOf: url, encoding: .utf8)
    let size = try ledger.eventLines().count
    for (bad, status) in [
      (good.replacingOccurrences(of: "\"next\":\"\(size)\"", with: "\"next\":\"\(size + 1)\""), 4),
      (good.replacingOccurrences(of: "\"next\":\"\(size)\"", with: "\"next\":\"1\""), 4),
      (good.replacingOccurrences(of: "\"root\":\"", with: "\"root\":\"0"), 4),
      (good.replacingOccurrences(of: "\"next\":\"\(size)\"", with: "\"next\":\"0\""), 65),
      ("{}", 65), ("", 65), (String(repeating: "x", count: 5_000), 65),
    ] {
      #expect(bad != good)
      try Data(bad.utf8).write(to: url)
      let answer = try log(ledger, arguments)
      #expect(Int(answer.status) == status, "\(bad.prefix(99)): \(answer.talk)")
      #expect(answer.output == "")
      #expect(try String(contentsOf: url, encoding: .utf8) == bad)
    }
    try Data(good.utf8).write(to: url)
    #expect(try log(ledger, arguments).status == 0)
    #expect(try log(ledger, ["--cursor-file", "/nonexistent/cursor"]).status == 74)
  }

  @Test("follows what comes, and ends in good order on SIGINT")
  func follow() throws {
    let ledger = try ProgramLedger()
    let file = ledger.path + "-cursor"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let process = Shell.process(
      "ledger-audit", ["log", "-f", "--json", "-C", ledger.path, "--cursor-file", file])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    var text = Data()
    func read(upTo lines: Int) {
      while text.count(where: { $0 == UInt8(ascii: "\n") }) < lines {
        let more = output.fileHandleForReading.availableData
        if more.isEmpty { return }
        text += more
      }
    }
    let before = try ledger.eventLines()
    read(upTo: before.count)
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    let after = try ledger.eventLines()
    read(upTo: after.count)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    #expect(String(decoding: text, as: UTF8.self) == after.map { "\($0)\n" }.joined())
    #expect(try log(ledger, ["--cursor-file", file]).output == "")
  }

  @Test("follows until nobody reads any more, or until the last event that was asked for")
  func followEnds() throws {
    let ledger = try ProgramLedger()
    // Nothing comes any more, so that only looking at the pipe can tell.
    let answer = try Shell.run(
      "/bin/bash",
      [
        "-c", "\"$0\" log -f -C \"$1\" | head -1; echo ${PIPESTATUS[0]}",
        Shell.products.appendingPathComponent("ledger-audit").path, ledger.path,
      ])
    #expect(answer.output.hasSuffix("ledger.created.v1 ledger\n0\n"))
    #expect(try log(ledger, ["-f", "--last", "1"]).output.split(separator: "\n").count == 2)
  }
}
