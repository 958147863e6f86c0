import Foundation
import Testing

@Suite("Templates, rules and signals from the command line", .timeLimit(.minutes(30)))
struct WaitingProgramTests {
  private static let catalogue = """
    {"templates":[{"id":"t","program_id":1,"subject":"{{mark}} {{kind}}","body":"{{mark}} {{program}}, {{zone}}{{#end}} with an end{{/end}}"}],
     "rules":[{"id":"r","program_id":1,"if":"price <= 42.5 USD/MWh","request":{"event_type_id":1}}]}
    """

  @Test("A catalogue publishes them, observe records, show and list tell")
  func publishing() throws {
    let ledger = try ProgramLedger()
    let imported = try ledger.operate(["import", "-"], input: Self.catalogue)
    #expect(imported.status == 0 && imported.output.contains(", 1 templates, 1 rules\n"))
    #expect(
      try ledger.operate(["import", "-"], input: Self.catalogue).output
        .hasPrefix("nothing had to be appended"))
    let observed = try ledger.operate(
      ["observe", "price", "41.75", "--unit", "USD/MWh", "--at", "2026-11-23T17:20:00Z", "--json"])
    #expect(observed.status == 0)
    let result = try #require(
      (try object(observed.output)["results"] as? [[String: Any]])?.first)
    #expect(result["outcome"] as? String == "observed")
    #expect(result["value"] as? String == "41.75")
    #expect(result["at"] as? String == "2026-11-23T17:20:00.000000Z")
    let signal = try object(ledger.operate(["show", "signal", "price", "--json"]).output)
    #expect(signal["value"] as? String == "41.75" && signal["unit"] as? String == "USD/MWh")
    let rule = try object(ledger.operate(["show", "rule", "r", "--json"]).output)
    #expect(rule["if"] as? String == "price <= 42.5 USD/MWh" && rule["version"] as? Int == 1)
    for thing in ["template", "rule", "signal"] {
      let list = try object(ledger.operate(["list", thing, "--json"]).output)
      #expect((list[thing] as? [Any])?.count == 1, "\(thing)")
      #expect(try ledger.operate(["show", thing, "nothing"]).status == 66)
    }
    let withdrawn = try ledger.operate(
      ["import", "-"], input: #"{"rules":[{"id":"r","withdrawn":true}]}"#)
    #expect(withdrawn.output.contains(", 1 withdrawn\n"))
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  @Test("What can't be observed or published exits 65 and appends nothing")
  func malformed() throws {
    let ledger = try ProgramLedger()
    let before = try ledger.eventLines().count
    #expect(try ledger.operate(["observe", "1price", "1"]).status == 65)
    #expect(try ledger.operate(["observe", "price", "1,5"]).status == 65)
    #expect(try ledger.operate(["observe", "price", "1", "--at", "noon"]).status == 65)
    let bad = try ledger.operate(
      ["import", "-"], input: Self.catalogue.replacing("<= 42.5", with: "=< 42.5"))
    #expect(bad.status == 65)
    #expect(bad.talk.contains("rules[0].if: at 1:8 \"<\" stands where a decimal number should be"))
    let blank = try ledger.operate(
      ["import", "-"], input: Self.catalogue.replacing("{{zone}}", with: "{{end}}"))
    #expect(blank.status == 65)
    #expect(blank.talk.contains("templates[0].body: the body at 1:23 prints {{end}}"))
    #expect(try ledger.eventLines().count == before)
  }

  @Test("A request that waits says so, and show tells what it waits for")
  func waiting() throws {
    let ledger = try ProgramLedger()
    let request =
      #"{"start_time":"08/27/2099 21:04","program_id":1,"event_type_id":"1","execute_if":"price < 1"}"#
    let answer = try ledger.operate(["dispatch", "-", "--json"], input: request)
    #expect(answer.status == 0)
    let result = try #require((try object(answer.output)["results"] as? [[String: Any]])?.first)
    #expect(result["scheduled"] as? Bool == true && result["recipients"] == nil)
    let id = try #require(result["dispatch"] as? String)
    let shown = try object(ledger.operate(["show", "dispatch", id, "--json"]).output)
    let schedule = try #require(shown["schedule"] as? [String: Any])
    #expect(schedule["execute_if"] as? String == "price < 1")
    #expect(schedule["state"] as? String == "waiting")
    let plain = try ledger.operate(["dispatch", "-"], input: request)
    #expect(plain.output.contains("; requested; waits; open-ended"))
    #expect(try ledger.operate(["cancel", id, "--reason", "not needed"]).status == 0)
    #expect(try ledger.verify().status == 0)
  }

  @Test("template preview prints what would be sent, and changes nothing")
  func preview() throws {
    let ledger = try ProgramLedger()
    #expect(try ledger.operate(["import", "-"], input: Self.catalogue).status == 0)
    let before = try ledger.eventLines().count
    let plain = try ledger.operate(["template", "preview", "t"])
    #expect(plain.status == 0)
    #expect(
      plain.output
        == "Template: t/1\nSubject: REAL start\n\nREAL Peak Relief, America/New_York with an end\n"
    )
    let drill = try object(
      ledger.operate([
        "template", "preview", "t", "--kind", "cancel", "--test", "--late", "--open-ended",
        "--json",
      ]).output)
    #expect(drill["subject"] as? String == "TEST cancel")
    #expect(drill["body"] as? String == "TEST Peak Relief, America/New_York\n")
    let builtin = try object(ledger.operate(["template", "preview", "builtin", "--json"]).output)
    #expect(builtin["template"] as? String == "builtin/1")
    #expect(try ledger.operate(["template", "preview", "nothing"]).status == 66)
    #expect(try ledger.operate(["template", "preview", "t", "--kind", "halt"]).status == 65)
    #expect(try ledger.operate(["template", "preview", "t", "--dispatch", "nothing"]).status == 66)
    #expect(try ledger.eventLines().count == before)
  }
}
