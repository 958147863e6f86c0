import Foundation
import Testing

@Suite("The life of a dispatch, by the programs", .timeLimit(.minutes(30)))
struct LifeTests {
  private func requested(_ ledger: ProgramLedger, hours: Double = 6) throws -> String {
    let format = ISO8601DateFormatter()
    let start = format.string(from: Date(timeIntervalSinceNow: hours * 3_600))
    let end = format.string(from: Date(timeIntervalSinceNow: hours * 3_600 + 7_200))
    let answer = try ledger.operate(
      ["dispatch", "-", "--json"],
      input: #"{"start_time":"\#(start)","end_time":"\#(end)","program_id":1,"event_type_id":1}"#)
    let results = try object(answer.output)["results"] as? [[String: Any]]
    return try #require(results?.first?["dispatch"] as? String)
  }

  private func result(_ ended: Ended) throws -> [String: Any] {
    let results = try object(ended.output)["results"] as? [[String: Any]]
    return try #require(results?.first, "\(ended.talk)")
  }

  @Test(
    "Requested, answered, modified, told again, answered, settled, cancelled: and nothing is found")
  func life() throws {
    let ledger = try ProgramLedger()
    let dispatch = try requested(ledger)
    let answered = try ledger.operate(
      ["acknowledge", dispatch, "--user", "u-1", "--opt", "in", "--json"])
    #expect(answered.status == 0, "\(answered.talk)")
    var made = try result(answered)
    #expect(made["outcome"] as? String == "acknowledged" && made["suppressed"] as? Int == 1)
    #expect(made["marks"] as? [String] == ["early"])

    let modify = ["modify", dispatch, "--open-ended", "--reason", "more is needed", "--json"]
    made = try result(try ledger.operate(modify))
    #expect(made["outcome"] as? String == "modified" && made["modification"] as? Int == 2)
    #expect(made["superseded"] as? Int == 1 && made["open_ended"] as? Bool == true)
    #expect(try ledger.operate(modify).status == 1)
    #expect(try ledger.operate(["deliver", "--once"]).status == 1)

    for (arguments, status) in [
      (["acknowledge", dispatch, "--user", "nobody", "--modification", "1"], 0),
      (["acknowledge", dispatch, "--user", "u-1", "--modification", "9"], 66),
      (["acknowledge", "nothing", "--user", "u-1"], 66),
      (["opt-out", "u-2", "--channel", "console", "--reason", "STOP"], 0),
      (["opt-out", "u-2", "--channel", "console"], 0),
      (["opt-in", "u-2", "--channel", "console"], 0),
      (["opt-out", "nobody"], 66), (["enroll", "u-2", "--program", "1"], 0),
      (["withdraw", "u-2", "--program", "1", "--at", "2030-01-01T00:00:00Z"], 0),
      (["enroll", "u-2", "--program", "9"], 66),
      (["enroll", "u-2", "--program", "1", "--at", "tomorrow"], 65),
      (["settle", "1", "resend", "--reason", "r"], 66),
      (["correct", "3", "--reason", "r", "--correction", #"{"name":"Other"}"#], 0),
      (["correct", "3", "--reason", "r", "--correction", "name"], 65),
      (["correct", "9999", "--reason", "r"], 66),
      (["retire", "user-group", "industrial", "--reason", "r"], 0),
      (["retire", "user-group", "nothing"], 66), (["retire", "planet", "1"], 64),
      (["cancel", dispatch, "--reason", "over"], 0),
    ] as [([String], Int32)] {
      let ended = try ledger.operate(arguments)
      #expect(ended.status == status, "\(arguments): \(ended.output) \(ended.talk)")
    }
    #expect(try ledger.verify().status == 0)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-C", ledger.path])
    #expect(recheck.status == 0, "\(recheck.output)")
    let check = try ledger.operate(["view", "check"])
    #expect(check.status == 0, "\(check.output)\(check.talk)")
    let replay = try Shell.run("ledger-audit", ["replay", dispatch, "-C", ledger.path])
    #expect(
      replay.output.contains("dispatch.modified") && replay.output.contains("acknowledgement"))
  }

  @Test("A drill can't be modified, and says all that is wrong at once")
  func drill() throws {
    let ledger = try ProgramLedger()
    let answer = try ledger.operate(
      ["dispatch", "-", "--test", "--json"],
      input: #"{"start_time":"2099-01-01T00:00:00Z","program_id":1,"event_type_id":1}"#)
    let dispatch = try #require(try result(answer)["dispatch"] as? String)
    let modify = try ledger.operate(
      ["modify", dispatch, "--end", "2098-01-01T00:00:00Z", "--reason", "r", "--json"])
    #expect(modify.status == 1)
    let reasons = try result(modify)["reasons"] as? [[String: Any]]
    #expect(reasons?.map { $0["code"] as? String } == ["test-dispatch", "end-before-start"])
  }

  @Test("Results come as JSON Lines, callbacks or notifications, are kept once a key, and sealed")
  func results() throws {
    let ledger = try ProgramLedger()
    _ = try requested(ledger)
    #expect(try ledger.operate(["deliver", "--once"]).status == 1)
    let attempts = try ledger.eventLines().map(object)
      .filter { $0["type"] as? String == "notification.attempted.v1" }
    let attempt = try #require(attempts.first?["id"] as? String)

    let json = #"{"attempt":"\#(attempt)","outcome":"delivered","detail":"told u-2@example.com"}"#
    var made = try result(ledger.operate(["result", "-", "--json", "--key", "k"], input: json))
    #expect(made["outcome"] as? String == "matched" && made["evidence"] as? Int == 3)
    let again = try object(
      ledger.operate(["result", "-", "--json", "--key", "k"], input: json).output)
    #expect(again["repeated"] as? Bool == true)

    let body = "MessageSid=SM1&MessageStatus=delivered&To=%2B15551234567"
    made = try result(ledger.operate(["result", "-", "--json"], input: body + "\r\n"))
    #expect(made["outcome"] as? String == "unmatched" && made["provider_id"] as? String == "SM1")

    let listed = try object(ledger.operate(["list", "unmatched-result", "--json"]).output)
    let unmatched = try #require((listed["unmatched-result"] as? [[String: Any]])?.first)
    #expect(unmatched["provider_id"] as? String == "SM1")
    #expect(unmatched["detail"] as? String == "[sealed]")
    let name = try #require(unmatched["id"] as? String)
    #expect(try ledger.operate(["show", "unmatched-result", name]).status == 0)

    let notification = """
      Content-Type: multipart/report; boundary=b

      --b
      Content-Type: message/delivery-status

      Original-Envelope-Id: attempt-\(attempt)@example.com/dr

      Action: relayed
      Status: 2.0.0
      --b--
      """
    made = try result(ledger.operate(["result", "-", "--json"], input: notification))
    #expect(made["outcome"] as? String == "matched" && made["result"] as? String == "in-transit")

    let size = try ledger.eventLines().count
    for input in ["", "\n", "hello there", "MessageSid=%", #"{"attempt":"1"}"#, "{"] {
      let ended = try ledger.operate(["result", "-"], input: input)
      #expect(ended.status == 65, "\(input): \(ended.talk)")
    }
    #expect(try ledger.eventLines().count == size)
    // Nobody's address stands in the log.
    let text = try ledger.eventLines().joined()
    #expect(!text.contains("15551234567") && !text.contains("u-2@example.com"))
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
    #expect(try ledger.verify().status == 0)
  }

  @Test("Each of these commands can be a line of 'append', and all of them one commit")
  func append() throws {
    let ledger = try ProgramLedger()
    let dispatch = try requested(ledger)
    let lines = """
      {"command":"modify","dispatch_id":"\(dispatch)","open_ended":true,"reason":"r"}
      {"command":"acknowledge","dispatch_id":"\(dispatch)","user_id":"u-1","opt":"out"}
      {"command":"opt-out","user_id":"u-1","program_id":1}
      {"command":"enroll","user_id":"u-1","program_id":1}
      {"command":"result","provider_id":"SM7","outcome":"failed"}
      {"command":"correct","event":1,"reason":"r"}
      {"command":"retire","kind":"event-type","id":"1"}
      {"command":"cancel","dispatch_id":"\(dispatch)","reason":"r"}
      """
    let ended = try ledger.operate(["append", "-", "--json"], input: lines)
    #expect(ended.status == 0, "\(ended.talk)")
    let results = try object(ended.output)["results"] as? [[String: Any]]
    #expect(
      results?.map { $0["outcome"] as? String } == [
        "modified", "acknowledged", "recorded", "unmatched", "corrected", "recorded", "cancelled",
      ])
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).status == 0)
  }
}
