import Foundation
import Testing

@Suite("ledger-audit recheck", .timeLimit(.minutes(30)))
struct RecheckProgramTests {
  private func stories(_ kind: String) throws -> [String] {
    let folder = "\(ProgramLedger.repository)/ledger/\(kind)"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      .filter { $0.hasPrefix("recheck-") }.map { "\(folder)/\($0)" }
  }

  @Test("says of each story what its report says, and exits 1 where it has findings")
  func stories() throws {
    for kind in ["golden", "damaged"] {
      let stories = try stories(kind)
      #expect(!stories.isEmpty)
      for story in stories {
        let answer = try Shell.run("ledger-audit", ["recheck", "--json", "-C", story + "/ledger"])
        #expect(
          try answer.output == String(contentsOfFile: story + "/report.json", encoding: .utf8),
          "\(story)")
        #expect(answer.status == (kind == "golden" ? 0 : 1), "\(story)")
        // Nothing is wrong with the log itself: the second implementation says so too.
        for verifier in [
          try Shell.run("ledger-audit", ["verify", "-C", story + "/ledger"]),
          try Shell.run(
            "/usr/bin/env",
            [
              "python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py",
              story + "/ledger",
            ]),
        ] { #expect(verifier.status == 0, "\(story)") }
      }
    }
  }

  @Test("finds nothing in the golden ledgers")
  func golden() throws {
    let folder = "\(ProgramLedger.repository)/ledger/golden"
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    where FileManager.default.fileExists(atPath: "\(folder)/\(name)/ledger") {
      let answer = try Shell.run("ledger-audit", ["recheck", "-C", "\(folder)/\(name)/ledger"])
      #expect(answer.status == 0, "\(name): \(answer.output)")
    }
  }

  @Test("finds nothing in a ledger that the program made, and needs no key, view or setting")
  func withoutKeys() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    for name in ["closed-ended", "open-ended", "unknown-program", "in-a-gap"] {
      try ledger.operate(["dispatch", "\(ProgramLedger.requests)/\(name).json"])
    }
    try ledger.operate(["deliver"])
    let dispatches = try object(ledger.operate(["list", "dispatch", "--json"]).output)["dispatch"]
    let open = (dispatches as? [[String: Any]])?.first { $0["open_ended"] as? Bool == true }?["id"]
    let id = try #require(open as? String)
    try ledger.operate(["end", id, "--reason", "normal again"])
    try ledger.operate(["deliver"])

    let whole = try Shell.run("ledger-audit", ["recheck", "-C", ledger.path])
    #expect(whole.status == 0, "\(whole.output)")
    #expect(whole.output.contains("\nfindings  0\n"))
    for name in ["keys", "index", "config.json"] {
      try FileManager.default.removeItem(atPath: ledger.path + "/" + name)
    }
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).output == whole.output)
    let one = try Shell.run("ledger-audit", ["recheck", id, "--json", "-C", ledger.path])
    #expect(one.status == 0)
    #expect((try object(one.output)["dispatches"] as? [Any])?.count == 1)
    #expect(try Shell.run("ledger-audit", ["recheck", "nobody", "-C", ledger.path]).status == 66)
    #expect(try Shell.run("ledger-audit", ["recheck", "no body", "-C", ledger.path]).status == 64)
  }

  @Test("takes a moment of history as an event or a time, and refuses what is neither or both")
  func moments() throws {
    let ledger = "\(ProgramLedger.repository)/ledger/golden/recheck-sound/ledger"
    func audit(_ arguments: String...) throws -> Ended {
      try Shell.run("ledger-audit", arguments + ["-C", ledger])
    }
    let time = "2026-11-23T17:03:00Z"
    for command in [
      ["recheck"], ["replay", "--all"], ["list", "dispatch"], ["show", "user", "u-1"],
    ] {
      for moment in [["--as-of", "20"], ["--as-of", time], ["--known-at", time]] {
        let answer = try Shell.run("ledger-audit", command + moment + ["-C", ledger])
        #expect(answer.status == 0, "\(command) \(moment): \(answer.talk)")
      }
      for (moment, status): ([String], Int32) in [
        (["--as-of", "soon"], 64), (["--as-of", "-1"], 64), (["--known-at", "20"], 64),
        (["--as-of", "20", "--known-at", time], 64), (["--as-of", "99999"], 66),
      ] {
        let answer = try Shell.run("ledger-audit", command + moment + ["-C", ledger])
        #expect(answer.status == status, "\(command) \(moment): \(answer.talk)")
      }
    }
    // Events 15 and 16 are one commit.
    let middle = try audit("replay", "--all", "--as-of", "15")
    #expect(middle.output.contains("\nsize 17\n"))
    #expect(middle.output == (try audit("replay", "--all", "--as-of", "16").output))
    #expect(try audit("replay", "--all", "--as-of", "14").output.isEmpty)
    #expect(try audit("recheck", "--as-of", "15", "--json").output.contains("\"size\":\"17\""))
  }
}
