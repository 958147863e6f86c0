import Foundation
import Testing

@Suite("tools/install", .timeLimit(.minutes(30)))
struct InstallTests {
  private static let programs = ["dispatch-ledger", "ledger-audit"]

  private func install(_ folder: TemporaryFolder) throws {
    let ended = try Shell.run(
      ProgramLedger.repository + "/tools/install",
      ["--prefix", folder.path + "/a b", "--bin", Shell.products.path])
    #expect(ended.status == 0, "\(ended.talk)")
  }

  @Test("puts programs, manual pages and completions where each is looked for, and twice as well")
  func files() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    try install(folder)
    let prefix = folder.path + "/a b"
    for program in Self.programs {
      let version = try Shell.run("\(prefix)/bin/\(program)", ["version"])
      #expect(version.output.hasPrefix(program))
      for (file, arguments) in [
        ("share/man/man1/\(program).1", ["man"]),
        ("share/bash-completion/completions/\(program)", ["completions", "bash"]),
        ("share/zsh/site-functions/_\(program)", ["completions", "zsh"]),
        ("share/fish/vendor_completions.d/\(program).fish", ["completions", "fish"]),
      ] {
        let text = try String(contentsOfFile: "\(prefix)/\(file)", encoding: .utf8)
        #expect(try text == Shell.run(program, arguments).output, "\(file)")
      }
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: prefix + "/bin").sorted()
        == Self.programs)
  }

  @Test("zsh finds the completion in a directory of fpath by itself")
  func zsh() throws {
    let folder = try TemporaryFolder()
    try install(folder)
    let prefix = folder.path + "/a b"
    let ended = try Terminal.run(
      ["zsh", "-f", "-i"], columns: 200,
      steps: [
        .type(
          "unsetopt PROMPT_SP; fpath=('\(prefix)/share/zsh/site-functions' $fpath); "
            + "autoload -Uz compinit; compinit -u -d '\(folder.path)/dump'; bindkey -e; "
            + "PS1='ready''> '\\r"),
        .await("ready> "), .type("ledger-audit veri\\t\\x01echo DONE \\r"), .await("\nDONE "),
        .await("ready> "), .type("exit\\r"),
      ])
    #expect(ended.output.contains("\nDONE ledger-audit verify"), "\(ended.output)")
  }

  @Test("systemd finds nothing to say against the units")
  func units() throws {
    let folder = try TemporaryFolder()
    // systemd takes no path with a space in it.
    let ended = try Shell.run(
      ProgramLedger.repository + "/tools/install",
      ["--prefix", folder.path, "--bin", Shell.products.path])
    #expect(ended.status == 0, "\(ended.talk)")
    let directory = folder.path + "/lib/systemd/system"
    let units = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    #expect(units.count == 3)
    for unit in units {
      let checked = try Shell.run(
        "/usr/bin/env", ["systemd-analyze", "verify", "--man=no", "\(directory)/\(unit)"])
      #expect(checked.status == 0 && checked.talk.isEmpty, "\(unit): \(checked.talk)")
      let text = try String(contentsOfFile: "\(directory)/\(unit)", encoding: .utf8)
      #expect(!text.contains("/usr/local/bin"))
    }
  }

  @Test("the commands in the units and in what they say of cron are understood")
  func commands() throws {
    let ledger = try ProgramLedger()
    let folder = try TemporaryFolder()
    let out = folder.path + "/export"
    let exported = try Shell.run(
      "/bin/sh",
      [
        "-c",
        "PATH=\"$0:$PATH\"; ledger-audit verify -q -C \"$1\" && ledger-audit export -q -C \"$1\" "
          + "--format bundle --since yesterday --until tomorrow --out \"$2\"",
        Shell.products.path, ledger.path, out,
      ])
    #expect(exported.status == 0, "\(exported.talk)")
    #expect(FileManager.default.fileExists(atPath: out + "/data/checkpoint"))
    let delivered = try ledger.operate(["deliver", "--once", "--quiet"])
    #expect(delivered.status == 0, "\(delivered.talk)")
  }
}
