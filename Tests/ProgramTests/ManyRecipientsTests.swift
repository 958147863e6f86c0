import Foundation
import Testing

@Suite("Dispatches of many recipients", .timeLimit(.minutes(60)))
struct ManyRecipientsTests {
  @Test("What is suppressed, however much, leaves nobody behind it untold")
  func suppressedInFront() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(#"{"channels":{"sms":{"kind":"console"},"console":{"kind":"console"}}}"#)
    let users = (100..<300).map { "s-\($0)" }
    let list = users.map {
      #"{"id":"\#($0)","name":"S","user_group_ids":["industrial"],"contacts":{"sms":"+15551234567"}}"#
    }
    #expect(
      try ledger.operate(["import", "-"], input: #"{"users":[\#(list.joined(separator: ","))]}"#)
        .status == 0)
    #expect(
      try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"]).status == 0)
    // They are due before all others, and more of them than one round looks at.
    let optOuts = users.prefix(150).map { #"{"command":"opt-out","user_id":"\#($0)"}"# + "\n" }
    #expect(try ledger.operate(["append", "-", "-q"], input: optOuts.joined()).status == 0)
    let report = try object(ledger.operate(["deliver", "--once", "--json"]).output)
    #expect(report["suppressed"] as? Int == 150)
    #expect(report["accepted"] as? Int == 52)
  }

  /// So long that 13,000 recipients don't fit in one commit.
  private static let channels = (10..<22).map { "c\($0)" + String(repeating: "x", count: 29) }
  private static let users = 13_000

  private func catalogue() -> String {
    let codes = Self.channels.map { "\"\($0)\"" }.joined(separator: ",")
    let contacts = Self.channels.map { "\"\($0)\":\"7\"" }.joined(separator: ",")
    let list = (0..<Self.users).map { number in
      let id = "u\(100_000 + number)" + String(repeating: "y", count: 121)
      return #"{"id":"\#(id)","name":"U","user_group_ids":["g"],"contacts":{\#(contacts)}}"#
    }
    return #"""
      {"user_groups":[{"id":"g","name":"G"}],
       "event_types":[{"id":"g","name":"G","user_group_ids":["g"]}],
       "programs":[{"id":"p","name":"P","time_zone":"UTC","lead_time":"PT30M",
         "communication_codes":[\#(codes)]}],
       "users":[\#(list.joined(separator: ","))]}
      """#
  }

  @Test("A dispatch that no commit holds is modified and cancelled, and everybody told of it")
  func changed() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(#"{"channels":{"\#(Self.channels[0])":{"kind":"console"}}}"#)
    let imported = try ledger.operate(["import", "-", "-q", "--batch", "2000"], input: catalogue())
    #expect(imported.status == 0, "\(imported.talk)")
    func receipt(_ ended: Ended) throws -> [String: Any] {
      #expect(ended.status == 0, "\(ended.talk)")
      return try #require((try object(ended.output)["results"] as? [[String: Any]])?.first)
    }
    let request = #"{"start_time":"2099-01-01T00:00:00Z","program_id":"p","event_type_id":"g"}"#
    let asked = try receipt(ledger.operate(["dispatch", "-", "--json"], input: request))
    #expect(asked["recipients"] as? Int == Self.users)
    let dispatch = try #require(asked["dispatch"] as? String)
    let commits = try commitCount(ledger)
    let modify = [
      "modify", dispatch, "--start", "2099-01-02T00:00:00Z", "--reason", "r", "--key", "k",
      "--json",
    ]
    let modified = try ledger.operate(modify)
    #expect(try receipt(modified)["recipients"] as? Int == Self.users)
    #expect(try receipt(modified)["superseded"] as? Int == 0)
    #expect(try commitCount(ledger) > commits + 1)
    let again = try object(ledger.operate(modify).output)
    #expect(again["repeated"] as? Bool == true)
    #expect(
      NSArray(array: again["results"] as? [Any] ?? [])
        == NSArray(array: try object(modified.output)["results"] as? [Any] ?? []))
    let cancelled = try receipt(
      ledger.operate(["cancel", dispatch, "--reason", "r", "--json"]))
    #expect(cancelled["recipients"] as? Int == Self.users)

    let report = try object(
      Shell.run(
        "/bin/sh", ["-c", "\"$0\" deliver --json -C \"$1\" 2>/dev/null", program, ledger.path]
      )
      .output)
    #expect(report["accepted"] as? Int == Self.users)
    #expect(report["suppressed"] as? Int == 2 * Self.users)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-q", "-C", ledger.path])
    #expect(recheck.status == 0, "\(recheck.output.prefix(2_000))")
    #expect(try ledger.operate(["view", "check"]).status == 0)
    #expect(try ledger.verify().status == 0)
  }

  private var program: String { Shell.products.appendingPathComponent("dispatch-ledger").path }

  private func commitCount(_ ledger: ProgramLedger) throws -> Int {
    let directory = ledger.path + "/log"
    return try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
      let text = try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
      return sum + text.split(separator: "\n").count { $0.hasPrefix("#commit ") }
    }
  }
}
