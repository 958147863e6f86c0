import AuditorCommands
import CommandLineInterface
import Foundation
import Testing

@Suite("ledger-audit", .timeLimit(.minutes(30)))
struct AuditorProgramTests {
  private func audit(_ ledger: ProgramLedger, _ arguments: [String]) throws -> Ended {
    try Shell.run("ledger-audit", arguments + ["-C", ledger.path])
  }

  private func ledgerWithDispatches() throws -> (ProgramLedger, [String]) {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    var ids: [String] = []
    for name in ["closed-ended", "open-ended"] {
      let answer = try ledger.operate(
        ["dispatch", "\(ProgramLedger.requests)/\(name).json", "--json"])
      let results = try object(answer.output)["results"] as? [[String: Any]]
      ids.append(try #require(results?.first?["dispatch"] as? String))
    }
    _ = try ledger.operate(["deliver"])
    return (ledger, ids)
  }

  @Test("its table of commands has no fault, and each example in it parses")
  func table() {
    #expect(auditorTable.problems.isEmpty, "\(auditorTable.problems)")
  }

  @Test("verifies as the second implementation does, and exits 4 once a byte is changed")
  func verify() throws {
    let (ledger, _) = try ledgerWithDispatches()
    let report = try audit(ledger, ["verify", "--json"])
    #expect(report.status == 0)
    #expect(report.output == (try ledger.verify().output))
    #expect(try audit(ledger, ["verify"]).output.contains("not authenticated"))

    let path = ledger.path + "/log/0000000000000000.log"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    let damaged = try audit(ledger, ["verify", "--json"])
    #expect(damaged.status == 4)
    #expect(damaged.output == (try ledger.verify().output))
    #expect(try Shell.run("ledger-audit", ["verify", "-C", "/nonexistent"]).status == 66)
  }

  @Test("replays the same bytes on every run, with or without keys and views")
  func replay() throws {
    let (ledger, ids) = try ledgerWithDispatches()
    let first = try audit(ledger, ["replay", "--all"])
    #expect(first.status == 0)
    for name in ["keys", "index", "config.json"] {
      try FileManager.default.removeItem(atPath: ledger.path + "/" + name)
    }
    #expect(try audit(ledger, ["replay", "--all"]).output == first.output)
    let each = try ids.map { try audit(ledger, ["replay", $0]).output }
    #expect(each.joined() == first.output)
    #expect(try audit(ledger, ["replay", "nobody"]).status == 66)
    #expect(try audit(ledger, ["replay"]).status == 64)
  }

  @Test("says of an earlier run's files: same, extended, or altered with the line")
  func check() throws {
    let (ledger, ids) = try ledgerWithDispatches()
    let folder = ledger.path + "-replayed"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try audit(ledger, ["replay", "--all", "--out", folder]).status == 0)
    #expect(try audit(ledger, ["replay", "--all", "--check", folder]).status == 0)
    _ = try ledger.operate(["end", ids[1], "--reason", "normal again"])
    let extended = try audit(ledger, ["replay", "--all", "--check", folder])
    #expect(extended.status == 0)
    #expect(extended.output == "\(ids[0]) same\n\(ids[1]) extended\n")
    let file = "\(folder)/\(ids[0]).txt"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try text.replacingOccurrences(of: "u-2", with: "u-3").write(
      toFile: file, atomically: true, encoding: .utf8)
    let altered = try audit(ledger, ["replay", "--all", "--check", folder])
    #expect(altered.status == 1)
    #expect(altered.output.contains("\(ids[0]) altered\n  line "))
  }

  @Test("shows a thing as it stood, and prints the stored lines themselves")
  func look() throws {
    let (ledger, ids) = try ledgerWithDispatches()
    let now = try object(audit(ledger, ["show", "dispatch", ids[0], "--json"]).output)
    #expect((now["notices"] as? [String: Any])?["notified"] as? Int == 2)
    #expect(try audit(ledger, ["show", "dispatch", ids[0], "--as-of", "3"]).status == 66)
    #expect(
      try audit(ledger, ["log", "--json"]).output
        == ledger.eventLines().map { "\($0)\n" }.joined())
    #expect(try audit(ledger, ["show", "user", "u-1"]).output.contains("[sealed]"))
  }

  @Test("links no network library, and opens nothing in the ledger for writing")
  func readsOnly() throws {
    let program = Shell.products.appendingPathComponent("ledger-audit").path
    let libraries = try Shell.run("/usr/bin/ldd", [program]).output
    for name in ["curl", "ssl.so", "pq.so", "Foundation"] {
      #expect(!libraries.contains(name), "\(name)")
    }
    // Nor does it load one while it runs.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: program))
    #expect(bytes.range(of: Data("libcurl".utf8)) == nil)
    let (ledger, _) = try ledgerWithDispatches()
    let cursor = FileManager.default.temporaryDirectory
      .appendingPathComponent("cursor-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: cursor) }
    for arguments in [
      ["verify"], ["replay", "--all"], ["recheck"], ["list", "dispatch"],
      ["log", "--cursor-file", cursor],
    ] {
      let trace = try Shell.run(
        "/usr/bin/strace",
        [
          "-f", "-e", "trace=openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,flock",
          program,
        ] + arguments + ["-C", ledger.path])
      #expect(trace.status == 0)
      for line in trace.talk.split(separator: "\n")
      where line.contains(ledger.path) || line.contains("openat(3") || line.contains("flock(") {
        #expect(!line.contains("O_RDWR") && !line.contains("O_WRONLY"), "\(line)")
        #expect(!line.contains("O_CREAT") && !line.contains("rename"), "\(line)")
        #expect(!line.contains("flock("), "\(line)")
      }
    }
  }

  @Test("arguments that can't be found are an error, and not taken for none")
  func argumentsNotFound() throws {
    let program = Shell.products.appendingPathComponent("ledger-audit").path
    let run = try Shell.run(
      "/usr/bin/strace",
      [
        "-qq", "-o", "/dev/null", "-P", "/proc/self/maps", "-e", "inject=openat:error=EINTR",
        program, "version",
      ])
    #expect(run.status == 74)
    #expect(run.talk.contains("the arguments can't be found"))
    #expect(run.output.isEmpty)
  }
}
