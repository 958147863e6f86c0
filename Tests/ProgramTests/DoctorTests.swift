import Foundation
import Testing

@Suite("doctor and status", .timeLimit(.minutes(30)))
struct DoctorTests {
  private func findings(_ ledger: ProgramLedger) throws -> (
    status: Int32, results: [String: String], next: [String: String]
  ) {
    let ended = try ledger.operate(["doctor", "--json"])
    let checks = try object(ended.output)["checks"] as? [[String: String]] ?? []
    let results = checks.map { ($0["name"] ?? "", $0["result"] ?? "") }
    let next = checks.compactMap { check in check["next"].map { (check["name"] ?? "", $0) } }
    // The worst of those that share a name.
    let order = ["ok", "warning", "problem"]
    return (
      ended.status,
      Dictionary(results) { one, other in
        order.firstIndex(of: one) ?? 0 > order.firstIndex(of: other) ?? 0 ? one : other
      }, Dictionary(next) { one, _ in one }
    )
  }

  private func sh(_ script: String, _ ledger: ProgramLedger) throws {
    let ended = try Shell.run("/bin/sh", ["-c", "cd \"$0\"; \(script)", ledger.path])
    #expect(ended.status == 0, "\(ended.talk)")
  }

  @Test("a ledger that is well has no problem, and each part is looked at")
  func well() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    let lines = try ledger.eventLines()
    let found = try findings(ledger)
    #expect(found.status == 0)
    let names = [
      "log", "checkpoint", "keys", "permissions", "disk", "clock", "settings", "views", "notices",
      "outcomes", "personal keys",
    ]
    #expect(found.results.keys.sorted() == names.sorted())
    // How full this machine's disk is, no test can know.
    for name in names where name != "disk" { #expect(found.results[name] == "ok", "\(name)") }
    #expect(try ledger.eventLines() == lines)
    let text = try ledger.operate(["doctor"])
    #expect(text.output.contains("ok       checkpoint: covers all \(lines.count) events\n"))
  }

  @Test(
    "what is wrong is a problem or a warning, with what to do, and hides nothing else",
    arguments: [
      ("chmod g+w log/*.log", "permissions", "problem"),
      ("chmod 755 keys", "keys", "problem"),
      ("mv keys/signing-key keys/gone", "keys", "problem"),
      ("printf nonsense > keys/signing-key", "keys", "problem"),
      ("mv checkpoint gone", "checkpoint", "warning"),
      ("printf '{' > config.json", "settings", "problem"),
      ("rm config.json", "settings", "warning"),
      ("rm -r index", "views", "warning"),
      ("rm index/views.db-*; printf nonsense > index/views.db", "views", "problem"),
      ("printf '{\"actor\"' >> log/0000000000000000.log", "log", "warning"),
      (
        "printf 00000000 | dd of=log/0000000000000000.log bs=1 seek=900 conv=notrunc", "log",
        "problem"
      ),
    ])
  func wrong(damage: String, name: String, result: String) throws {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    try sh(damage, ledger)
    let found = try findings(ledger)
    #expect(found.results[name] == result, "\(found.results)")
    #expect(found.next[name] != nil)
    #expect(found.status == (result == "problem" ? 1 : 0))
    #expect(found.results.count >= 7)
  }

  @Test("notices that are due are a warning while nobody delivers, and unknown outcomes are told")
  func due() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    _ = try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"])
    let found = try findings(ledger)
    #expect(found.results["notices"] == "warning" && found.status == 0)
    let status = try ledger.operate(["status"])
    #expect(status.output.contains("checkpoint"))
    #expect(status.talk.contains("deliver --once"))
    _ = try ledger.operate(["deliver"])
    #expect(try findings(ledger).results["notices"] == "ok")
    let document = try object(ledger.operate(["status", "--json"]).output)
    #expect(document["checkpoint"] as? String == document["size"] as? String)
  }

  @Test("where there is no ledger there is nothing to examine")
  func missing() throws {
    let ended = try Shell.run("dispatch-ledger", ["doctor", "-C", "/nowhere"])
    #expect(ended.status == 66 && ended.talk.contains("dispatch-ledger init"))
  }
}
