import AuditorCommands
import CommandLineInterface
import Foundation
import OperatorCommands
import Testing

/// What the shells themselves complete, with the scripts that the programs print.
@Suite("Completion", .timeLimit(.minutes(30)))
struct CompletionTests {
  /// A half-typed line and what becomes of it, `ID` standing for the one dispatch's id.
  static let cases = [
    ("dispatch-ledger stat", "dispatch-ledger status"),
    ("dispatch-ledger deliver --wat", "dispatch-ledger deliver --watch"),
    ("dispatch-ledger --color=nev", "dispatch-ledger --color=never"),
    ("dispatch-ledger status --color alw", "dispatch-ledger status --color always"),
    ("dispatch-ledger show dispa", "dispatch-ledger show dispatch"),
    ("dispatch-ledger show dispatch 0", "dispatch-ledger show dispatch ID"),
    ("dispatch-ledger cancel --reason 'a b' 0", "dispatch-ledger cancel --reason a b ID"),
    ("dispatch-ledger enroll u-1 --program per", "dispatch-ledger enroll u-1 --program peridot"),
    ("dispatch-ledger config che", "dispatch-ledger config check"),
    ("dispatch-ledger help exit", "dispatch-ledger help exit-codes"),
    ("dispatch-ledger import cata", "dispatch-ledger import catalogue.json"),
    ("dispatch-ledger completions zs", "dispatch-ledger completions zsh"),
    ("ledger-audit log --type dispatch.req", "ledger-audit log --type dispatch.requested.v1"),
    (
      "ledger-audit log --since 2026-11-23T17:00:00Z --foll",
      "ledger-audit log --since 2026-11-23T17:00:00Z --follow"
    ),
    ("ledger-audit export --out til", "ledger-audit export --out tiles/"),
    ("ledger-audit replay 0", "ledger-audit replay ID"),
  ]

  /// A ledger with one dispatch, and a folder that holds a file and a directory to complete.
  private struct Scene {
    let ledger: ProgramLedger
    let folder: TemporaryFolder
    let id: String

    init() throws {
      ledger = try ProgramLedger()
      _ = try ledger.operate(
        ["import", "-"],
        input: #"""
          {"programs":[{"id":"peridot","name":"Peridot","time_zone":"UTC",
            "communication_codes":["console"]}]}
          """#)
      let answer = try ledger.operate(
        ["dispatch", ProgramLedger.requests + "/closed-ended.json", "--json"])
      let results = try object(answer.output)["results"] as? [[String: Any]]
      id = try #require(results?.first?["dispatch"] as? String)
      folder = try TemporaryFolder()
      try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.path + "/catalogue.json"))
      try FileManager.default.createDirectory(
        atPath: folder.path + "/tiles", withIntermediateDirectories: false)
      for program in ["dispatch-ledger", "ledger-audit"] {
        for shell in ["bash", "zsh", "fish"] {
          let script = try Shell.run(program, ["completions", shell])
          try Data(script.output.utf8).write(
            to: URL(fileURLWithPath: "\(folder.path)/\(program).\(shell)"))
        }
      }
    }

    var setUp: String { "cd \(folder.path); export DISPATCH_LEDGER=\(ledger.path)" }
  }

  private func drive(_ command: [String], setUp: String) throws {
    let scene = try Scene()
    var steps: [Terminal.Step] = [
      .type("\(scene.setUp); \(setUp); PS1='ready''> '\\r"), .await("ready> "),
    ]
    for (typed, _) in Self.cases {
      // Completed, then printed instead of called.
      steps += [
        .type(typed + "\\t\\x01echo DONE \\r"), .await("\nDONE "),
        .await("ready> "),
      ]
    }
    steps.append(.type("exit\\r"))
    let ended = try Terminal.run(command, columns: 200, steps: steps)
    for (typed, completed) in Self.cases {
      let wanted = "\nDONE " + completed.replacingOccurrences(of: "ID", with: scene.id)
      // zsh takes the slash after a directory away again where no name follows it.
      let found = ended.output.replacing(#/[ \/]*\r\n/#, with: "\n").contains(
        wanted.replacing(#/\/$/#, with: "") + "\n")
      #expect(found, "\(typed) -> \(completed) in \(ended.output)")
    }
    #expect(ended.status == 0)
  }

  @Test("bash completes commands, options, values, files and what the ledger has")
  func bash() throws {
    try drive(
      ["bash", "--noprofile", "--norc", "-i"],
      setUp: "source ./dispatch-ledger.bash; source ./ledger-audit.bash; "
        + "bind 'set enable-bracketed-paste off'")
  }

  @Test("zsh completes the same")
  func zsh() throws {
    try drive(
      ["zsh", "-f", "-i"],
      setUp: "unsetopt PROMPT_SP; autoload -Uz compinit; compinit -u -d ./dump; "
        + "source ./dispatch-ledger.zsh; source ./ledger-audit.zsh; bindkey -e")
  }

  @Test("fish completes the same, and shows what candidates mean")
  func fish() throws {
    let scene = try Scene()
    func complete(_ line: String) throws -> [String] {
      let script = """
        cd \(scene.folder.path); set -x DISPATCH_LEDGER \(scene.ledger.path)
        set -x PATH \(Shell.products.path) $PATH
        source dispatch-ledger.fish; source ledger-audit.fish; complete -C $argv[1]
        """
      let ended = try Shell.run(
        "/usr/bin/env", ["HOME=\(scene.folder.path)", "fish", "--no-config", "-c", script, line])
      return ended.output.split(separator: "\n").map(String.init)
    }
    for (typed, completed) in Self.cases {
      let line = completed.replacingOccurrences(of: "ID", with: scene.id)
      let word = String(line.split(separator: " ").last ?? "")
      let found = try complete(typed)
      #expect(found.map { $0.split(separator: "\t").first.map(String.init) } == [word], "\(typed)")
    }
    let status = try complete("dispatch-ledger stat")
    #expect(status == ["status\tTell at a glance how the ledger stands"])
  }

  @Test("The hidden command says nothing where there is no ledger, and never fails")
  func quiet() throws {
    for words in [
      ["show", "dispatch", ""], ["-C", "/nowhere", "cancel", ""], ["--", "x", "y", ""], [],
      ["--", "--nonsense", ""], ["show", "nonsense", ""], ["--nonsense=", "--nonsense=x"],
    ] {
      let ended = try Shell.run("dispatch-ledger", ["__complete"] + words)
      #expect(ended.status == 0 && ended.talk.isEmpty, "\(words): \(ended.talk)")
    }
  }

  @Test("Every value of every option is either completed or known to be a free text")
  func values() {
    // Whoever adds a placeholder decides here, or in `CompletedValue`, what completes it.
    let free: Set = [
      "KEY", "N", "NAME", "TIME", "ID", "TEXT", "SECONDS", "CODE", "U", "VALUE", "TAG", "KIND",
      "ZONE", "DATE",
      "CMD", "CHANNEL", "ADDRESS", "ATTEMPT", "EVENT", "JSON", "LIST", "ID|TIME", "SIZE",
      "M", "BODY",
    ]
    func check<World>(_ table: CommandTable<World>) {
      for entry in table.entries {
        for parameter in entry.parameters + table.globals where parameter.kind != .flag {
          guard entry.completedValue(of: parameter) == .free else { continue }
          let name = parameter.kind == .argument ? parameter.name : parameter.placeholder
          #expect(free.contains(name), "\(entry.path): \(parameter.label)")
        }
      }
    }
    check(operatorTable)
    check(auditorTable)
  }
}
