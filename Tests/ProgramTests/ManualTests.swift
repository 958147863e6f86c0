import AuditorCommands
import CommandLineInterface
import Foundation
import OperatorCommands
import Testing

@Suite("Manual pages and topics", .timeLimit(.minutes(30)))
struct ManualTests {
  private static let pages: [(program: String, path: [String])] =
    [("dispatch-ledger", []), ("ledger-audit", [])]
    + operatorTable.entries.map { ("dispatch-ledger", $0.path) }
    + operatorTable.groups.map { ("dispatch-ledger", $0.path) }
    + auditorTable.entries.map { ("ledger-audit", $0.path) }
    + auditorTable.groups.map { ("ledger-audit", $0.path) }

  @Test("mandoc finds nothing to say against any page")
  func lint() throws {
    for (program, path) in Self.pages {
      let page = try Shell.run(program, ["man"] + path)
      #expect(page.status == 0)
      let lint = try Shell.run(
        "/usr/bin/env", ["mandoc", "-T", "lint", "-W", "all"], input: page.output)
      #expect(lint.status == 0 && lint.output.isEmpty, "\(program) \(path): \(lint.output)")
    }
  }

  @Test("A page tells all commands and options, and its examples can be copied as they are")
  func content() throws {
    let page = try Shell.run("dispatch-ledger", ["man"])
    let shown = try Shell.run(
      "/usr/bin/env", ["mandoc", "-T", "ascii", "-O", "width=200"], input: page.output
    ).output.replacing(#/.\u{8}/#, with: "")
    for entry in operatorTable.entries {
      #expect(shown.contains("dispatch-ledger " + entry.path.joined(separator: " ")))
      for option in entry.parameters where option.kind != .argument {
        #expect(shown.contains("--" + option.name), "\(entry.path) \(option.name)")
      }
      for example in entry.examples where example.line.utf8.allSatisfy({ $0 < 0x80 }) {
        #expect(shown.contains(example.line), "\(example.line)")
      }
    }
  }

  @Test("Each topic has a page, and the help lists it")
  func topics() throws {
    #expect(
      operatorTable.topics.map(\.name)
        == ["exit-codes", "times", "formats", "environment", "evidence"])
    for program in ["dispatch-ledger", "ledger-audit"] {
      let help = try Shell.run(program, ["help"])
      for topic in operatorTable.topics {
        #expect(help.output.contains("  \(topic.name)"))
        let page = try Shell.run(program, ["help", topic.name])
        #expect(page.status == 0 && page.output.hasPrefix(topic.summary + "\n"))
      }
    }
  }

  @Test("The topic on the environment names every variable that shipped code asks for")
  func environment() throws {
    let topic = try #require(operatorTable.topics.first { $0.name == "environment" })
    let sources = ProgramLedger.repository + "/Sources"
    let names = FileManager.default.enumerator(atPath: sources)?.allObjects as? [String] ?? []
    var variables: Set<String> = []
    for name in names where name.hasSuffix(".swift") && !name.hasPrefix("golden-ledger/") {
      let text = try String(contentsOfFile: "\(sources)/\(name)", encoding: .utf8)
      for match in text.matches(
        of: #/(?:environment|environmentVariable|isSet)\("([A-Z_]+)"\)|environment: "([A-Z_]+)"/#)
      {
        variables.insert(String(match.1 ?? match.2 ?? ""))
      }
    }
    #expect(variables.count >= 8)
    for variable in variables.sorted() { #expect(topic.text.contains(variable), "\(variable)") }
  }

  @Test("Every time that the topic on times lists is taken")
  func times() throws {
    for text in [
      "2026-11-23T17:00:00Z", "2026-11-23T12:00:00-05:00", "2026-11-23 17:00",
      "2026-11-23 17:00:30", "2026-11-23", "2026-11", "2026-W48", "17:00", "now", "today",
      "yesterday", "tomorrow", "-2h", "-30m", "-7d", "-90s", "-1w", "+2h", "2 hours ago",
      "3 days ago", "@1795712400",
    ] {
      #expect(HumanTime(text) != nil, "\(text)")
      let topic = try #require(operatorTable.topics.first { $0.name == "times" })
      #expect(topic.text.contains(text), "\(text)")
    }
  }
}
