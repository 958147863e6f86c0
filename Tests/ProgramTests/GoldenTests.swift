import Foundation
import Testing

/// What lies under `ledger/golden` and `ledger/damaged` is what the programs make and say today.
@Suite("The stories of the contract", .timeLimit(.minutes(30)))
struct GoldenTests {
  static let golden = ProgramLedger.repository + "/ledger/golden"
  static let damaged = ProgramLedger.repository + "/ledger/damaged"

  private func temporary() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("golden-\(UUID().uuidString)")
      .path
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test(
    "a golden ledger and its transcript are made again, byte for byte",
    arguments: ["first-day", "small-segments"])
  func golden(name: String) throws {
    let made = temporary()
    defer { try? FileManager.default.removeItem(atPath: made) }
    let story = "\(Self.golden)/\(name)"
    let maker = Shell.process("golden-ledger", [story, made])
    maker.currentDirectoryURL = URL(fileURLWithPath: ProgramLedger.repository)
    try maker.run()
    maker.waitUntilExit()
    #expect(maker.terminationStatus == 0)
    #expect(try text(made + "/transcript") == text(story + "/transcript"))
    let segments = try FileManager.default.contentsOfDirectory(atPath: made + "/ledger/log")
    #expect(
      try segments.sorted()
        == FileManager.default.contentsOfDirectory(atPath: story + "/ledger/log").sorted())
    for name in ["LEDGER", "head"] + segments.map({ "log/\($0)" }) {
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(made)/ledger/\(name)"))
          == Data(contentsOf: URL(fileURLWithPath: "\(story)/ledger/\(name)")), "\(name)")
    }
  }

  @Test("both verifiers say of each damaged ledger what its report says")
  func damaged() throws {
    // Those for rechecking are whole ledgers of their own.
    let stories = try FileManager.default.contentsOfDirectory(atPath: Self.damaged).sorted()
      .filter { !$0.hasPrefix("recheck-") }
    #expect(stories.count >= 39)
    for story in stories {
      let copy = temporary()
      defer { try? FileManager.default.removeItem(atPath: copy) }
      // A story is of the ledger that its file `ledger` names, or else of the first day's.
      let name = try? text("\(Self.damaged)/\(story)/ledger")
      let golden = name?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "first-day"
      let damage = try Shell.run(
        "/usr/bin/env",
        [
          "python3", "-B", ProgramLedger.repository + "/tools/damage-ledger.py",
          "\(Self.golden)/\(golden)/ledger", "\(Self.damaged)/\(story)", copy,
        ])
      #expect(damage.status == 0, "\(story): \(damage.talk)")
      let expected = try text("\(Self.damaged)/\(story)/report.json")
      let ours = try Shell.run("ledger-audit", ["verify", "--json", "-C", copy])
      let theirs = try Shell.run(
        "/usr/bin/env",
        ["python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py", copy])
      #expect(ours.output == expected, "\(story)")
      #expect(theirs.output == expected, "\(story)")
      #expect(ours.status == theirs.status, "\(story)")
    }
  }

  @Test("each transcript in the README stands in a golden one, word for word")
  func readme() throws {
    let readme = try text(ProgramLedger.repository + "/README.md")
    let transcript = try text(Self.golden + "/first-day/transcript")
    let blocks = readme.components(separatedBy: "```console\n").dropFirst()
      .compactMap { $0.components(separatedBy: "```").first }
    #expect(!blocks.isEmpty)
    for block in blocks {
      for part in block.components(separatedBy: "…\n") {
        #expect(transcript.contains(part), "\(part)")
      }
    }
  }

  @Test("each tool has its help")
  func help() throws {
    let tools = ProgramLedger.repository + "/tools"
    for name in try FileManager.default.contentsOfDirectory(atPath: tools)
    where !name.hasPrefix("_") && name != "systemd" {
      let answer = try Shell.run("/usr/bin/env", ["\(tools)/\(name)", "--help"])
      #expect(answer.status == 0, "\(name)")
      #expect((answer.output + answer.talk).lowercased().contains("usage"), "\(name)")
    }
  }

  @Test("jq accepts every event of a ledger at rest, as grep finds them")
  func jq() throws {
    let answer = try Shell.run(
      "/bin/sh",
      [
        "-c", "grep -h '^{' \"$0\"/log/*.log | jq -e -c .id | wc -l",
        Self.golden + "/first-day/ledger",
      ])
    #expect(answer.output.trimmingCharacters(in: .whitespacesAndNewlines) == "68")
  }
}
