import Foundation
import Testing

@Suite("The stream indexes of a ledger", .timeLimit(.minutes(30)))
struct StreamProgramTests {
  private func files(_ ledger: ProgramLedger) throws -> [String: Data] {
    let folder = ledger.path + "/index/streams"
    var files: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return files
  }

  private func dispatches(_ ledger: ProgramLedger) throws -> [String] {
    Set(
      try ledger.eventLines().compactMap { line in
        let subject = try object(line)["subject"] as? String
        return subject?.hasPrefix("dispatch/") == true
          ? String(subject?.dropFirst("dispatch/".count) ?? "") : nil
      }
    ).sorted()
  }

  private func told(_ ledger: ProgramLedger, _ dispatch: String) throws -> [String] {
    try [
      ["replay", dispatch], ["show", "dispatch", dispatch],
      ["show", "dispatch", dispatch, "--json"],
      ["log", "--dispatch", dispatch, "--json"], ["log", "--dispatch", dispatch, "--first", "9"],
      ["log", "--dispatch", dispatch, "--type", "dispatch."],
    ].map { arguments in
      let ended = try Shell.run("ledger-audit", arguments + ["-C", ledger.path])
      return "\(ended.status)\n\(ended.output)"
    }
  }

  @Test("follow calls and a server, are made again where they are gone, and change no answer")
  func followed() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(DeliverTests.configuration)
    let request = ProgramLedger.requests + "/open-ended.json"
    for _ in 0..<3 { #expect(try ledger.operate(["dispatch", request]).status == 0) }
    #expect(try ledger.operate(["deliver"]).status == 0)
    let server = try ServingProcess(ledger)
    for _ in 0..<3 { #expect(try ledger.operate(["dispatch", request]).status == 0) }
    #expect(server.stop() == 0)
    #expect(try ledger.operate(["deliver"]).status == 0)
    let kept = try files(ledger)
    #expect(kept.keys.sorted() == ["0000000000000000.open"])
    let ids = try dispatches(ledger)
    #expect(ids.count == 6)
    let answers = try ids.map { try told(ledger, $0) }
    #expect(answers.allSatisfy { $0.allSatisfy { $0.hasPrefix("0\n") } })
    #expect(try Shell.run("ledger-audit", ["verify", "-C", ledger.path]).status == 0)

    try FileManager.default.removeItem(atPath: ledger.path + "/index/streams")
    #expect(try ids.map { try told(ledger, $0) } == answers)
    #expect(try ledger.operate(["status"]).status == 0)
    #expect(try files(ledger) == kept)
    try Data("x".utf8).write(to: URL(fileURLWithPath: ledger.path + "/index/streams/x"))
    #expect(try ledger.operate(["view", "rebuild"]).status == 0)
    #expect(try files(ledger) == kept)
    // An auditor's program leaves all as it is.
    try FileManager.default.removeItem(atPath: ledger.path + "/index/streams")
    _ = try told(ledger, ids[0])
    #expect(!FileManager.default.fileExists(atPath: ledger.path + "/index/streams"))
  }
}
