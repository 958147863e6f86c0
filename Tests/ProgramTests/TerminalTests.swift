import AuditorCommands
import CommandLineInterface
import Foundation
import OperatorCommands
import Testing

/// What a person sees on a real terminal, made by the system for each test.
@Suite("On a terminal", .timeLimit(.minutes(30)))
struct TerminalTests {
  private func ledgerWithDispatches(_ count: Int) throws -> ProgramLedger {
    let ledger = try ProgramLedger()
    let request = try String(
      contentsOfFile: ProgramLedger.requests + "/closed-ended.json", encoding: .utf8
    ).replacingOccurrences(of: "\n", with: " ")
    let lines = Array(repeating: request, count: count).joined(separator: "\n")
    #expect(try ledger.operate(["dispatch", "-"], input: lines).status == 0)
    return ledger
  }

  /// The lines as they stand on the screen, without colours.
  private func lines(_ ended: Ended) -> [String] {
    ended.output.replacing(#/\u{1B}\[[0-9;]*[A-Za-z]/#, with: "")
      .replacingOccurrences(of: "\r", with: "").split(separator: "\n").map(String.init)
  }

  @Test("tables fit its width, whole where there is room", arguments: [40, 80, 200])
  func widths(columns: Int) throws {
    let ledger = try ledgerWithDispatches(3)
    for arguments in [
      ["list", "dispatch"], ["list", "user"], ["list", "program"], ["list", "event-type"],
      ["deliver", "--dry-run"], ["config", "show"], ["help"], ["help", "times"], ["log", "--help"],
    ] {
      let program = arguments[0] == "log" ? "ledger-audit" : "dispatch-ledger"
      let ended = try Terminal.run(
        [program] + arguments + ["--no-pager", "-C", ledger.path], columns: columns)
      #expect(ended.status == 0, "\(ended.output)")
      for line in lines(ended) where !line.contains("dispatch-ledger") && !line.hasPrefix("  ") {
        #expect(displayWidth(line) <= columns, "\(arguments): \(line)")
      }
    }
    let list = lines(
      try Terminal.run(
        ["dispatch-ledger", "list", "dispatch", "--no-pager", "-C", ledger.path], columns: columns))
    // An id is of no use when it is cut.
    #expect(list.filter { $0.contains(#/[0-9a-f]{8}-[0-9a-f-]{27}/#) }.count == 3, "\(list)")
  }

  @Test("colours are for a terminal that wants them, and a pipe gets none")
  func colours() throws {
    let ledger = try ledgerWithDispatches(1)
    let doctor = ["dispatch-ledger", "doctor", "-C", ledger.path]
    #expect(try Terminal.run(doctor).output.contains("\u{1B}[32mok\u{1B}[0m"))
    for (arguments, environment) in [
      (["--color=never"], [:]), ([], ["NO_COLOR": "1"]), ([], ["TERM": "dumb"]),
    ] as [([String], [String: String])] {
      let ended = try Terminal.run(doctor + arguments, environment: environment)
      #expect(!ended.output.contains("\u{1B}"), "\(arguments) \(environment)")
    }
    #expect(try !Shell.run("dispatch-ledger", Array(doctor.dropFirst())).output.contains("\u{1B}"))
  }

  @Test("long output goes through PAGER, short output and a pipe's don't")
  func pager() throws {
    let ledger = try ledgerWithDispatches(20)
    func list(
      lines: Int, _ arguments: [String] = [], pager: String = "sed s/^/paged:/"
    ) throws -> Ended {
      try Terminal.run(
        ["dispatch-ledger", "list", "dispatch", "-C", ledger.path] + arguments, columns: 120,
        lines: lines, environment: ["PAGER": pager])
    }
    let paged = lines(try list(lines: 10))
    #expect(paged.count == 21 && paged.allSatisfy { $0.hasPrefix("paged:") }, "\(paged)")
    for ended in [
      try list(lines: 40), try list(lines: 10, ["--no-pager"]), try list(lines: 10, pager: "cat"),
      try list(lines: 10, pager: ""),
    ] {
      #expect(lines(ended).count == 21 && !ended.output.contains("paged:"), "\(ended.output)")
    }
    let missing = try list(lines: 10, pager: "no-such-pager")
    #expect(missing.status == 69 && missing.output.contains("--no-pager"), "\(missing.output)")
    let piped = try Shell.run(
      "/usr/bin/env",
      [
        "PAGER=false", Shell.products.path + "/dispatch-ledger", "list", "dispatch", "-C",
        ledger.path,
      ])
    #expect(piped.status == 0 && piped.output.split(separator: "\n").count == 21)
  }

  @Test("who leaves less has seen enough: that is no failure")
  func less() throws {
    let ledger = try ledgerWithDispatches(2_000)
    let ended = try Terminal.run(
      ["ledger-audit", "log", "-C", ledger.path], columns: 120, lines: 10,
      environment: ["PAGER": "less", "HOME": "/nowhere"],
      steps: [.await("ledger.created.v1"), .await(":"), .type("q")])
    #expect(ended.status == 0, "\(ended.output)")
    // Some of it was shown, and by far not all.
    #expect((5...50).contains(lines(ended).count), "\(lines(ended).count)")
  }

  @Test("what goes on without end is never paged")
  func follow() throws {
    let ledger = try ledgerWithDispatches(20)
    let ended = try Terminal.run(
      ["ledger-audit", "log", "-f", "-C", ledger.path], columns: 120, lines: 10,
      environment: ["PAGER": "sed s/^/paged:/"],
      steps: [.await("recipients.resolved.v1"), .type("\\x03")])
    #expect(!ended.output.contains("paged:") && ended.status == 0, "\(ended.output)")
    // Nor what a file remembers as printed.
    let folder = try TemporaryFolder()
    let kept = try Terminal.run(
      ["ledger-audit", "log", "--cursor-file", folder.path + "/seen", "-C", ledger.path],
      columns: 120, lines: 10, environment: ["PAGER": "sed s/^/paged:/"])
    #expect(!kept.output.contains("paged:") && kept.status == 0, "\(kept.output)")
  }

  @Test("times are told in words, too")
  func times() throws {
    let ledger = try ledgerWithDispatches(1)
    let all = try ledger.eventLines().count
    for (arguments, count) in [
      (["--since", "-1h"], all), (["--since", "yesterday", "--until", "tomorrow"], all),
      (["--since=-2d", "--until=+1h"], all), (["--since", "tomorrow"], 0),
      (["--until", "1 hour ago"], 0),
    ] {
      let ended = try Shell.run("ledger-audit", ["log", "-C", ledger.path] + arguments)
      #expect(ended.status == 0 && ended.output.split(separator: "\n").count == count)
    }
    for (time, status) in [("now", 0), ("-1h", 66)] as [(String, Int32)] {
      for option in ["--as-of", "--known-at"] {
        let ended = try Shell.run(
          "ledger-audit", ["show", "user", "u-1", option, time, "-C", ledger.path])
        #expect(ended.status == status, "\(option) \(time): \(ended.talk)")
      }
    }
  }
}

/// What scripts rely on where a call fails.
@Suite("Failures in JSON", .timeLimit(.minutes(30)))
struct JSONFailureTests {
  private struct Call {
    let program: String
    let path: [String]
    let examples: [Example]
  }

  private static let calls =
    operatorTable.entries.map {
      Call(program: "dispatch-ledger", path: $0.path, examples: $0.examples)
    }
    + auditorTable.entries.map {
      Call(program: "ledger-audit", path: $0.path, examples: $0.examples)
    }

  private func check(_ ended: Ended, _ call: String) throws {
    let lines = ended.talk.split(separator: "\n")
    let failures = lines.filter { $0.hasPrefix("{") }
    #expect(failures.count == 1, "\(call): \(ended.talk)")
    let document = try object(String(failures.last ?? "{}"))
    let error = document["error"] as? [String: Any]
    #expect(document["v"] as? Int == 1 && error?["message"] is String, "\(call)")
    #expect(error?["exit"] as? Int == Int(ended.status), "\(call): \(ended.status)")
    #expect(error?["code"] is String, "\(call)")
  }

  @Test("every command answers an option that it doesn't have with one object")
  func usage() throws {
    for call in Self.calls {
      let ended = try Shell.run(call.program, call.path + ["--json", "--no-such-option"])
      #expect(ended.status == 64 && ended.output.isEmpty, "\(call.path)")
      try check(ended, "\(call.path)")
    }
  }

  @Test("every command's own examples fail with one object where there is no ledger")
  func noLedger() throws {
    for call in Self.calls {
      for example in call.examples where !example.line.contains(where: { "|<".contains($0) }) {
        let folder = try TemporaryFolder()
        let ended = try Shell.run(
          "/usr/bin/env",
          [
            "PATH=\(Shell.products.path):/usr/bin:/bin", "DISPATCH_LEDGER=\(folder.path)/none",
            "HOME=\(folder.path)", "/bin/sh", "-c", "cd \(folder.path); \(example.line) --json",
          ])
        guard ended.status != 0 else { continue }
        try check(ended, example.line)
      }
    }
  }
}
