import Foundation
import Testing

@Suite("Archives, holds and disposal, by the programs", .timeLimit(.minutes(60)))
struct RetentionProgramTests {
  let ledger: ProgramLedger
  let folder: TemporaryFolder
  private var archive: String { folder.path + "/archive" }

  init() throws {
    ledger = try ProgramLedger()
    folder = try TemporaryFolder()
  }

  // MARK: - What every test does

  @discardableResult
  private func succeed(_ arguments: String..., status: Int32 = 0) throws -> Ended {
    let ended = try ledger.operate(arguments)
    #expect(ended.status == status, "\(arguments): \(ended.output)\(ended.talk)")
    return ended
  }

  private func audit(_ arguments: String...) throws -> Ended {
    try Shell.run("ledger-audit", arguments + ["-C", ledger.path])
  }

  private func request(_ name: String, key: String) throws -> String {
    let ended = try succeed(
      "dispatch", "\(ProgramLedger.requests)/\(name).json", "--key", key, "--json")
    let results = try object(ended.output)["results"] as? [[String: Any]]
    return try #require(results?.first?["dispatch"] as? String)
  }

  /// Lets the program's events go after a time.
  private func setRetention(_ retention: String) throws {
    let program = """
      {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
       "communication_codes":["sms","console"],"lead_time":"PT30M","retention":"\(retention)"}]}
      """
    let ended = try ledger.operate(["import", "-"], input: program)
    #expect(ended.status == 0, "\(ended.talk)")
  }

  private func archiveAll(to path: String? = nil, status: Int32 = 0) throws -> Ended {
    try succeed("archive", path ?? archive, "--before", "2100-01", "--json", status: status)
  }

  /// Both verifiers' common report and exit status.
  @discardableResult
  private func verify(
    _ options: [String] = [], status: Int32 = 0, at path: String? = nil
  ) throws -> [String: Any] {
    let path = path ?? ledger.path
    let ours = try Shell.run("ledger-audit", ["verify", "--json", "-C", path] + options)
    let theirs = try Shell.run(
      "/usr/bin/env",
      ["python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py"] + options + [path])
    #expect(ours.output == theirs.output && ours.status == theirs.status, "\(theirs.talk)")
    #expect(ours.status == status, "\(ours.output)")
    return try object(ours.output)
  }

  private func protect(_ path: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }

  /// All that isn't a directory, below a directory.
  private func files(in path: String) -> [String] {
    let manager = FileManager.default
    let names = manager.enumerator(atPath: path)?.allObjects as? [String]
    return (names ?? []).filter { name in
      let kind = try? manager.attributesOfItem(atPath: path + "/" + name)[.type]
      return kind as? FileAttributeType != .typeDirectory
    }.sorted()
  }

  private func event(_ type: String) throws -> [String: Any] {
    let lines = try ledger.eventLines().filter { $0.contains("\"type\":\"\(type)") }
    let event = try object(try #require(lines.last, "\(type)"))
    return try #require(event["data"] as? [String: Any])
  }

  private func expectSound() throws {
    #expect(try succeed("view", "check").output == "the views are what the log says\n")
    try verify()
  }

  // MARK: - Tests

  @Test("the whole way: archived, gone on with, brought back, archived again, held, disposed of")
  func whole() throws {
    let old = try request("closed-ended", key: "old")
    _ = try ledger.operate(["deliver", "--once"])
    try succeed("rotate", "key", "--reason", "yearly")
    let before = try audit("replay", old).output
    let pin = try String(contentsOfFile: ledger.path + "/checkpoint", encoding: .utf8)
    let oldPin = try TemporaryText(pin)
    try succeed("rotate", "log")
    #expect(try succeed("rotate", "log").output == "the active segment holds nothing yet\n")
    let open = try request("open-ended", key: "open")
    let made = try object(archiveAll().output)
    let id = try #require(made["archive_id"] as? String)
    #expect(made["first"] as? String == "0" && made["was_there"] as? Bool == false)
    let last = try #require(Int(made["last"] as? String ?? ""))

    // By root only, by both implementations; the archive has the rest.
    #expect(try verify()["archived"] as? String == String(last + 1))
    #expect(try verify(["--with", archive])["archived"] == nil)
    #expect(try audit("verify").output.contains("events 0 to \(last), by root only"))
    let first = try String(contentsOfFile: ledger.path + "/LEDGER", encoding: .utf8)
    let vkey = try #require(try object(first)["vkey"] as? String)
    // The first key, whose successor was named in what is archived, and a checkpoint of then.
    let trusted = try verify(["--vkey", vkey, "--pinned", oldPin.path])
    #expect(trusted["authenticated"] as? Bool == true)

    // What is old answers where it went; what is new goes on.
    for arguments in [
      ["replay", old], ["log"], ["show", "dispatch", old], ["prove", "3"], ["recheck"],
      ["export", "--format", "csv", "--out", folder.path + "/csv"],
    ] {
      let ended = try Shell.run("ledger-audit", arguments + ["-C", ledger.path])
      #expect(ended.status == 66, "\(arguments): \(ended.output)")
      #expect(ended.talk.contains("to \(last) are in archive \(id)"), "\(arguments): \(ended.talk)")
      #expect(ended.talk.contains("--with ARCHIVE"), "\(arguments)")
    }
    #expect(try audit("replay", old, "--with", archive).output == before)
    #expect(try audit("recheck", "--with", archive).status == 0)
    #expect(try audit("log", "--first", String(last + 1)).status == 0)
    let repeated = try succeed(
      "dispatch", "\(ProgramLedger.requests)/closed-ended.json", "--key", "old", "--json")
    let answer = try object(repeated.output)
    #expect(answer["repeated"] as? Bool == true && answer["archived"] as? Bool == true)
    try succeed("dispatch", "\(ProgramLedger.requests)/open-ended.json", "--key", "old", status: 3)
    try succeed("end", open, "--reason", "over")
    try succeed("correct", "3", "--reason", "a typing error")
    // u-2's address stands in the snapshot alone.
    let delivered = try ledger.operate(["deliver", "--once"])
    #expect(delivered.talk.contains("accepted"), "\(delivered.talk)")
    try expectSound()
    try FileManager.default.removeItem(atPath: ledger.path + "/index")
    try expectSound()
    try succeed("view", "rebuild")
    try expectSound()
    let proof = folder.path + "/proof"
    #expect(try audit("prove", String(last + 2), "--out", proof).status == 0)
    let size = Int(try verify()["size"] as? String ?? "") ?? 0
    let newPin = try TemporaryText(
      try String(contentsOfFile: ledger.path + "/checkpoint", encoding: .utf8))
    try succeed("rotate", "log")
    #expect(
      try audit("prove", "--from-size", String(size), "--to-size", String(size)).status == 0)
    try verify(["--vkey", vkey, "--pinned", newPin.path])

    // Back, and away again.
    try succeed("attach", archive, "--reason", "audit")
    #expect(try audit("replay", old).output == before)
    #expect(try verify()["archived"] == nil)
    #expect(try succeed("attach", archive).output.contains("already"))
    try expectSound()
    try succeed("dispose", archive, "--reason", "r", status: 1)
    let again = try object(archiveAll().output)
    #expect(again["was_there"] as? Bool == true && again["archive_id"] as? String == id)
    try expectSound()

    // Kept by the program, then by a hold, then by nothing.
    #expect(
      try succeed("dispose", archive, "--reason", "r", status: 1).output.contains("kept for ever"))
    try setRetention("P7Y")
    let kept = try object(
      try succeed("dispose", archive, "--reason", "r", "--json", status: 1).output)
    let reasons = try #require(kept["kept"] as? [[String: Any]])
    #expect(reasons.map { $0["reason"] as? String } == ["retention", "retention"])
    #expect(Set(reasons.map { $0["program_id"] as? String }) == ["1", nil])
    #expect(reasons.reduce(0) { $0 + ($1["count"] as? Int ?? 0) } == last + 1)
    try setRetention("P0D")
    try succeed("hold", "place", "docket", "--dispatch", old, "--reason", "docket 26-7")
    let held = try succeed("dispose", archive, "--reason", "r", "--dry-run", status: 1)
    #expect(held.output.contains("hold docket covers"), "\(held.output)")
    try succeed("hold", "release", "docket", "--reason", "settled")
    try succeed("dispose", archive, "--reason", "retention is over", "--dry-run")
    #expect(!files(in: archive).isEmpty)
    try succeed("dispose", archive, "--reason", "retention is over")
    #expect(files(in: archive) == ["DISPOSED"])
    let certificate = try event("ledger.disposed")
    #expect(certificate["reason"] as? String == "retention is over")
    #expect(certificate["archive_id"] as? String == id)
    // Once more, it says what was done, and does nothing.
    let lines = try ledger.eventLines()
    let line = try #require(lines.last { $0.contains("ledger.disposed.v1") })
    let number = try #require(line.components(separatedBy: "\"id\":\"").last?.prefix { $0 != "\"" })
    let disposedBefore = try succeed("dispose", archive, "--reason", "retention is over")
    #expect(disposedBefore.output.contains("as event \(number) says"), "\(disposedBefore.output)")
    let document = try succeed("dispose", archive, "--reason", "r", "--json").output
    #expect(document.contains("\"disposed\":true,\"event\":\"\(number)\""), "\(document)")
    #expect(try ledger.eventLines() == lines)
    #expect(try audit("replay", old).talk.contains("was disposed of"))
    try expectSound()
    #expect(try succeed("status").output.contains("archive \(id): events 0 to \(last), disposed"))
    #expect(try succeed("doctor").output.contains("retention: 1 archives disposed"))
  }

  @Test("a second archive stands on the first one's snapshot, and they come back in turn")
  func two() throws {
    let old = try request("closed-ended", key: "1")
    let before = try audit("replay", old).output
    var archives: [String] = []
    for number in 1...2 {
      try succeed("rotate", "log")
      _ = try request("open-ended", key: "open \(number)")
      archives.append(folder.path + "/\(number)")
      _ = try archiveAll(to: archives[number - 1])
    }
    try expectSound()
    #expect(files(in: ledger.path + "/snapshot").count == 1)
    #expect(files(in: archives[1] + "/snapshot").count == 2)
    try verify(["--with", archives[1]])
    #expect(try verify(["--with", archives[1], "--with", archives[0]])["archived"] == nil)
    let tooEarly = try succeed("attach", archives[0], status: 3)
    #expect(tooEarly.talk.contains("attach the later archives first"))
    try succeed("attach", archives[1])
    try FileManager.default.removeItem(atPath: ledger.path + "/index")
    try expectSound()
    #expect(try verify()["archived"] != nil)
    try succeed("attach", archives[0])
    try expectSound()
    #expect(try verify()["archived"] == nil)
    #expect(try audit("replay", old).output == before)
    // A new one of all of it, elsewhere.
    try succeed("rotate", "log")
    _ = try archiveAll(to: folder.path + "/all")
    try expectSound()
  }

  @Test("a backup of an archived ledger is one, and mends it")
  func backup() throws {
    _ = try request("closed-ended", key: "1")
    try succeed("rotate", "log")
    _ = try request("open-ended", key: "2")
    _ = try archiveAll()
    let copy = folder.path + "/copy"
    try succeed("backup", copy)
    try verify(at: copy)
    let log = try #require(files(in: ledger.path + "/log").first)
    var bytes = try ledger.bytes(of: "log/\(log)")
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: "\(ledger.path)/log/\(log)"))
    try verify(status: 4)
    try succeed("repair", "--from", copy, "--apply")
    try expectSound()
    // Without the snapshot nothing can be built, and everybody says so.
    let snapshot = try #require(files(in: ledger.path + "/snapshot").first)
    let path = "\(ledger.path)/snapshot/\(snapshot)"
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try FileManager.default.removeItem(atPath: path)
    let report = try verify(status: 4)
    #expect((report["damage"] as? [[String: Any]])?.first?["what"] as? String == "snapshot")
    try succeed("view", "rebuild", status: 4)
    var changed = whole
    changed[changed.count - 10] ^= 1
    try changed.write(to: URL(fileURLWithPath: path))
    try verify(status: 4)
    let refused = try succeed("view", "rebuild", status: 4)
    #expect(refused.talk.contains("isn't the snapshot that the log names"))
    try whole.write(to: URL(fileURLWithPath: path))
    try expectSound()
  }

  @Test(
    "what isn't this ledger's own archive, whole and as recorded, is refused, and nothing moves")
  func hostile() throws {
    _ = try request("closed-ended", key: "1")
    try succeed("rotate", "log")
    _ = try request("open-ended", key: "2")
    let manager = FileManager.default
    // Places that aren't free.
    let busy = folder.path + "/busy"
    try manager.createDirectory(atPath: busy, withIntermediateDirectories: true)
    try Data([1]).write(to: URL(fileURLWithPath: busy + "/notes"))
    _ = try archiveAll(to: busy, status: 73)
    _ = try archiveAll(to: ledger.path, status: 73)
    let linked = folder.path + "/linked"
    try manager.createDirectory(atPath: linked, withIntermediateDirectories: true)
    try manager.createSymbolicLink(atPath: linked + "/log", withDestinationPath: "/tmp")
    #expect(try ledger.operate(["archive", linked, "--before", "2100-01"]).status != 0)
    #expect(files(in: ledger.path + "/log").count == 2)
    _ = try archiveAll()
    for name in files(in: archive) {
      let attributes = try manager.attributesOfItem(atPath: "\(archive)/\(name)")
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
    #expect(try manager.attributesOfItem(atPath: archive)[.posixPermissions] as? Int == 0o700)
    // Nothing is written into an archive, and another ledger has nothing to do with it.
    let into = try Shell.run("dispatch-ledger", ["status", "-C", archive])
    #expect(into.status == 66 && into.talk.contains("is an archive"))
    let stranger = try ProgramLedger()
    for command in [["attach", archive], ["dispose", archive, "--reason", "r"]] {
      #expect(try stranger.operate(command).status != 0)
    }
    #expect(
      try Shell.run("ledger-audit", ["verify", "--with", archive, "-C", stranger.path]).status == 65
    )
    // Each file in turn, changed, missing, or a link.
    for name in files(in: archive) where !name.hasPrefix("snapshot") {
      let path = "\(archive)/\(name)"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      var changed = whole
      changed[changed.count / 2] ^= 1
      for wrong in [changed, whole.dropLast(), nil] {
        try manager.removeItem(atPath: path)
        try wrong?.write(to: URL(fileURLWithPath: path))
        if wrong != nil { try protect(path) }
        for command in [["attach", archive], ["dispose", archive, "--reason", "r"]] {
          let ended = try ledger.operate(command)
          if name != "LEDGER" || wrong != nil { #expect(ended.status != 0, "\(name) \(command)") }
          #expect(!ended.talk.contains("bug"), "\(ended.talk)")
        }
        try? manager.removeItem(atPath: path)
        if files(in: ledger.path + "/log").count > 1 { _ = try archiveAll() }
        try whole.write(to: URL(fileURLWithPath: path))
        try protect(path)
      }
      try manager.moveItem(atPath: path, toPath: folder.path + "/moved")
      try manager.createSymbolicLink(atPath: path, withDestinationPath: folder.path + "/moved")
      #expect(try ledger.operate(["attach", archive]).status != 0, "\(name)")
      try manager.removeItem(atPath: path)
      try manager.moveItem(atPath: folder.path + "/moved", toPath: path)
    }
    #expect(files(in: ledger.path + "/log").count == 1)
    try expectSound()
    try succeed("attach", archive)
    try expectSound()
  }

  @Test("doctor names a snapshot that others may write")
  func permissions() throws {
    _ = try request("closed-ended", key: "1")
    try succeed("rotate", "log")
    _ = try request("open-ended", key: "2")
    _ = try archiveAll()
    let name = try #require(files(in: ledger.path + "/snapshot").first)
    let path = "\(ledger.path)/snapshot/\(name)"
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
    let told = try ledger.operate(["doctor"])
    #expect(told.status == 1 && told.output.contains("snapshot/\(name)"), "\(told)")
  }

  /// The ledger and its archive as they stood, to be put back.
  private func keepState() throws -> () throws -> Void {
    let manager = FileManager.default
    let kept = folder.path + "/kept-\(UUID().uuidString)"
    let places = [ledger.path, archive]
    try manager.createDirectory(atPath: kept, withIntermediateDirectories: true)
    for (index, path) in places.enumerated() where manager.fileExists(atPath: path) {
      try manager.copyItem(atPath: path, toPath: "\(kept)/\(index)")
    }
    return {
      for (index, path) in places.enumerated() {
        try? manager.removeItem(atPath: path)
        if manager.fileExists(atPath: "\(kept)/\(index)") {
          try manager.copyItem(atPath: "\(kept)/\(index)", toPath: path)
        }
      }
    }
  }

  /// Kills a command at its first, second, … call of each kind that makes or moves what is durable; after
  /// each, looks at what it left, and has the same command finish it.
  private func killAtEachStep(
    _ arguments: [String], check: (String) throws -> Void
  ) throws {
    let restore = try keepState()
    var kills = 0
    for call in ["fsync", "fdatasync", "renameat", "renameat2", "unlinkat", "mkdirat"] {
      for step in 1...500 {
        try restore()
        let ended = try Shell.run(
          "/usr/bin/strace",
          [
            "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
            "inject=\(call):signal=KILL:when=\(step)",
            Shell.products.appendingPathComponent("dispatch-ledger").path,
          ] + arguments + ["-C", ledger.path])
        if ended.status == 0 { break }
        #expect(ended.status == -1 || ended.status == 137, "\(call) \(step): \(ended.talk)")
        kills += 1
        try check("killed at \(call) \(step)")
        let again = try ledger.operate(arguments)
        #expect(again.status == 0, "\(call) \(step): \(again.output)\(again.talk)")
      }
    }
    #expect(kills > 10, "\(arguments)")
  }

  @Test(
    "killed at any step, archive, attach and dispose leave a ledger, and the same call finishes")
  func killed() throws {
    let old = try request("closed-ended", key: "1")
    let before = try audit("replay", old).output
    for number in 2...3 {
      try succeed("rotate", "log")
      _ = try request("open-ended", key: "\(number)")
    }
    try setRetention("P0D")
    func expectAll(_ place: String) throws {
      // What is gone from the ledger is in the archive.
      let report = try audit("verify", "--json")
      #expect(report.status == 0, "\(place): \(report.output)")
      guard try object(report.output)["archived"] != nil else { return }
      let text = try audit("replay", old, "--with", archive)
      #expect(text.output == before, "\(place): \(text.talk)")
    }
    try killAtEachStep(["archive", archive, "--before", "2100-01"], check: expectAll)
    #expect(files(in: ledger.path + "/log").count == 1)
    try expectSound()
    try killAtEachStep(["attach", archive], check: expectAll)
    #expect(try audit("replay", old).output == before)
    try expectSound()
    _ = try archiveAll()
    try killAtEachStep(["dispose", archive, "--reason", "over"]) { place in
      let report = try audit("verify", "--json")
      #expect(report.status == 0, "\(place): \(report.output)")
      let isCertified = try ledger.eventLines().contains { $0.contains("ledger.disposed.v1") }
      let segments = files(in: archive).filter { $0.hasPrefix("log/") }.count
      #expect(isCertified || segments == 2, "\(place)")
    }
    #expect(files(in: archive) == ["DISPOSED"])
    try expectSound()
  }
}
