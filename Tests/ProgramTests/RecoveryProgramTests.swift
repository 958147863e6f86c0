import Foundation
import Testing

@Suite("Backing up, repairing and comparing", .timeLimit(.minutes(30)))
struct RecoveryProgramTests {
  let ledger: ProgramLedger
  let folder: TemporaryFolder

  init() throws {
    ledger = try ProgramLedger()
    folder = try TemporaryFolder()
    for name in ["open-ended", "closed-ended"] {
      _ = try ledger.operate(["dispatch", "\(ProgramLedger.requests)/\(name).json"])
    }
  }

  private var log: String { "log/0000000000000000.log" }

  private func dispatch(in path: String? = nil) throws {
    let ended = try Shell.run(
      "dispatch-ledger",
      ["dispatch", ProgramLedger.requests + "/open-ended.json", "-C", path ?? ledger.path])
    #expect(ended.status == 0, "\(ended.talk)")
  }

  private func write(_ bytes: Data, to name: String) throws {
    try bytes.write(to: URL(fileURLWithPath: "\(ledger.path)/\(name)"))
  }

  /// Both verifiers' common exit status.
  private func verify(_ path: String? = nil) throws -> Int32 {
    let ours = try Shell.run("ledger-audit", ["verify", "--json", "-C", path ?? ledger.path])
    let theirs = try Shell.run(
      "/usr/bin/env",
      [
        "python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py",
        path ?? ledger.path,
      ])
    #expect(ours.output == theirs.output && ours.status == theirs.status, "\(theirs.talk)")
    return ours.status
  }

  private func files(in name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(ledger.path)/\(name)").sorted()
  }

  /// The data of the events of a type, in order.
  private func events(_ type: String) throws -> [[String: Any]] {
    try ledger.eventLines().map(object).filter { $0["type"] as? String == type }
      .compactMap { $0["data"] as? [String: Any] }
  }

  @Test("two auditors who were shown different histories find the event where they part")
  func forked() throws {
    let other = folder.path + "/other"
    let backup = try ledger.operate(["backup", other])
    #expect(backup.status == 0, "\(backup.talk)")
    func compare(_ arguments: String...) throws -> Ended {
      try Shell.run("ledger-audit", ["compare", ledger.path, other] + arguments)
    }
    let size = try ledger.eventLines().count
    #expect(try compare().output == "same: both hold the same \(size) events\n")
    try dispatch()
    #expect(try object(compare("--json").output)["comparison"] as? String == "extended")
    // Whoever holds the key lets the copy go on with other events, and signs both.
    try FileManager.default.copyItem(atPath: ledger.path + "/keys", toPath: other + "/keys")
    try FileManager.default.removeItem(atPath: other + "/keys/last-signed")
    try dispatch(in: other)
    #expect(try verify() == 0)
    #expect(try verify(other) == 0)
    let forked = try compare("--json")
    #expect(forked.status == 4)
    let document = try object(forked.output)
    #expect(document["comparison"] as? String == "forked")
    #expect(document["event"] as? String == String(size))
    #expect(try compare().output == "forked: event \(size) is another one in each\n")
    let stranger = try ProgramLedger()
    #expect(try Shell.run("ledger-audit", ["compare", ledger.path, stranger.path]).status == 65)
    let nothing = try Shell.run("ledger-audit", ["compare", ledger.path, folder.path])
    #expect(nothing.status == 66)
  }

  @Test("a backup is made while others write, brought up to date, and never holds a key")
  func liveBackup() throws {
    let copy = folder.path + "/copy"
    let writers = try (0..<2).map { _ in
      let process = Shell.process(
        "/bin/sh",
        [
          "-c",
          "for i in $(seq 60); do \"$0\" dispatch \"$1\" -C \"$2\" > /dev/null || exit 1; done",
          Shell.products.appendingPathComponent("dispatch-ledger").path,
          ProgramLedger.requests + "/open-ended.json", ledger.path,
        ])
      try process.run()
      return process
    }
    var sizes: [Int] = []
    while writers.contains(where: \.isRunning) {
      let backup = try ledger.operate(
        ["backup", copy, "--json"] + (sizes.isEmpty ? [] : ["--incremental"]))
      #expect(backup.status == 0, "\(backup.talk)")
      sizes.append(Int(try object(backup.output)["size"] as? String ?? "") ?? 0)
      #expect(try Shell.run("ledger-audit", ["verify", "-C", copy]).status == 0)
    }
    #expect(try verify(copy) == 0)
    #expect(writers.allSatisfy { $0.terminationStatus == 0 })
    #expect(sizes.count > 2 && sizes == sizes.sorted())
    #expect(try ledger.operate(["backup", copy]).status == 73)
    #expect(try ledger.operate(["backup", copy, "--incremental"]).status == 0)
    #expect(try Shell.run("ledger-audit", ["compare", ledger.path, copy]).output.hasPrefix("same"))
    #expect(!FileManager.default.fileExists(atPath: copy + "/keys"))
    let vkey = try #require(
      try object(String(decoding: ledger.bytes(of: "LEDGER"), as: UTF8.self))["vkey"] as? String)
    #expect(
      try Shell.run("ledger-audit", ["verify", "-C", copy, "--vkey", vkey, "--all-signed"]).status
        == 0)
    // What replays is the same too.
    #expect(
      try Shell.run("ledger-audit", ["replay", "--all", "-C", copy]).output
        == Shell.run("ledger-audit", ["replay", "--all", "-C", ledger.path]).output)
    // The ledger was put back from before; the backup isn't written over with less.
    let older = try #require(try? FileManager.default.contentsOfDirectory(atPath: copy + "/log"))
    try write(ledger.bytes(of: log).prefix(30_000), to: log)
    #expect(try ledger.operate(["backup", copy, "--incremental"]).status != 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: copy + "/log").sorted()
        == older.sorted())
    #expect(try verify(copy) == 0)
  }

  @Test("a flipped bit is mended from a backup: planned, applied, set aside, recorded")
  func repairFromBackup() throws {
    let copy = folder.path + "/copy"
    #expect(try ledger.operate(["backup", copy]).status == 0)
    try dispatch()
    let sound = try ledger.bytes(of: log)
    var damaged = sound
    let place = try #require(sound.range(of: Data("dispatch.requested".utf8))).lowerBound
    damaged[place] ^= 1
    try write(damaged, to: log)
    #expect(try verify() == 4)
    #expect(try ledger.operate(["repair"]).status == 1)
    #expect(try ledger.operate(["repair", "--accept-tail", "--rebuild-head"]).status == 1)
    let planned = try ledger.operate(["repair", "--from", copy])
    #expect(planned.status == 0, "\(planned.output)\(planned.talk)")
    #expect(planned.output.contains("nothing was changed; --apply does it"))
    #expect(try ledger.bytes(of: log) == damaged && files(in: "quarantine").isEmpty)
    let done = try ledger.operate(
      ["repair", "--from", copy, "--apply", "--reason", "disk 2 failed", "--json"])
    #expect(done.status == 0, "\(done.output)\(done.talk)")
    let document = try object(done.output)
    #expect(document["before"] as? String == "corrupt" && document["after"] as? String == "clean")
    #expect(document["done"] as? Bool == true)
    #expect(try verify() == 0)
    #expect(try ledger.bytes(of: log).prefix(sound.count) == sound)
    // The whole segment as it was found lies in quarantine, and an event names it.
    let name = try #require(try files(in: "quarantine").first)
    #expect(try ledger.bytes(of: "quarantine/" + name) == damaged)
    #expect(name.contains("-replaced-"))
    let recovered = try events("ledger.recovered.v1")
    #expect(recovered.count == 1 && recovered.first?["file"] as? String == name)
    let repaired = try #require(try events("ledger.repaired.v1").first)
    #expect(repaired["action"] as? String == "from-backup")
    #expect(repaired["state"] as? String == "corrupt")
    #expect(repaired["reason"] as? String == "disk 2 failed")
    let offset = try #require(repaired["offset"] as? Int)
    #expect(offset < place && place < offset + (repaired["length"] as? Int ?? 0))
    // It goes on, also as a whole history.
    try dispatch()
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).status == 0)
    #expect(try events("ledger.recovered.v1").count == 1)
    #expect(try ledger.operate(["repair", "--from", copy]).status == 0)
    // Nothing comes from another ledger.
    let stranger = try ProgramLedger()
    #expect(try ledger.operate(["repair", "--from", stranger.path]).status == 65)
  }

  @Test("a suspect tail and a lost head are an operator's decision, and each is recorded")
  func decisions() throws {
    let sound = try ledger.bytes(of: log)
    let tail = Data(repeating: 0x41, count: 700)
    try write(sound + tail, to: log)
    #expect(try verify() == 5)
    let request = ProgramLedger.requests + "/open-ended.json"
    #expect(try ledger.operate(["dispatch", request]).status == 5)
    #expect(try ledger.operate(["repair"]).status == 5)
    #expect(try ledger.operate(["repair", "--accept-tail"]).status == 0)
    #expect(try ledger.bytes(of: log) == sound + tail)
    #expect(try ledger.operate(["repair", "--accept-tail", "--apply"]).status == 0)
    #expect(try verify() == 0)
    #expect(try ledger.bytes(of: log).prefix(sound.count) == sound)
    let name = try #require(try files(in: "quarantine").first)
    #expect(name.contains("-suspect-"))
    #expect(try ledger.bytes(of: "quarantine/" + name) == tail)
    let recovered = try #require(try events("ledger.recovered.v1").first)
    #expect(recovered["file"] as? String == name && recovered["state"] as? String == "suspect")
    #expect(try events("ledger.repaired.v1").map { $0["action"] as? String } == ["accept-tail"])

    // No slot is left, and what stands at the end might have been acknowledged.
    let torn = try ledger.bytes(of: log)
    try write(torn + Data("#commit first=".utf8), to: log)
    try write(Data(repeating: 0, count: 8_192), to: "head")
    #expect(try verify() == 5)
    #expect(try ledger.operate(["dispatch", request]).status == 5)
    #expect(try ledger.operate(["repair", "--accept-tail"]).status == 5)
    #expect(try ledger.operate(["repair", "--rebuild-head", "--apply"]).status == 0)
    #expect(try verify() == 0)
    #expect(
      try events("ledger.repaired.v1").map { $0["action"] as? String }
        == ["accept-tail", "accept-tail", "rebuild-head"])
    #expect(try files(in: "quarantine").count == 3)
    #expect(try events("ledger.recovered.v1").count == 3)
    try dispatch()
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).status == 0)
  }
}
