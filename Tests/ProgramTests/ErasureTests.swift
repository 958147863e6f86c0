import Foundation
import Simulation
import Testing

/// Personal data through the programs: what is sealed, what an erasure leaves, and what it can't reach.
@Suite("Erasing a user", .timeLimit(.minutes(30)))
struct ErasureTests {
  /// Stands in every name, address and provider's text, and nowhere else.
  static let canary = "canary7f3a"
  /// Whose keys lie in the same file as those of u-1: their hashes begin with the same byte.
  static let neighbour = "u-166"

  static let catalogue = #"""
    {"user_groups":[{"id":"industrial","name":"Industrial sites"}],
     "event_types":[{"id":"1","name":"Emergency","user_group_ids":["industrial"]}],
     "programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
       "communication_codes":["sms","email"],"lead_time":"PT30M"}],
     "users":[
      {"id":"u-1","name":"Ada \#(canary)","user_group_ids":["industrial"],
       "contacts":{"sms":"+15551234567\#(canary)","email":"ada@\#(canary).example"}},
      {"id":"\#(neighbour)","name":"Ben \#(canary)","user_group_ids":["industrial"],
       "contacts":{"sms":"+15551234568","email":"\#(canary)@example.com"}}]}
    """#

  /// A ledger with both users, whose notices go to a spool beside it.
  static func ledger() throws -> ProgramLedger {
    let ledger = try ProgramLedger()
    try ledger.configure(
      #"{"channels":{"sms":{"kind":"spool","directory":"\#(spool(ledger))"},"#
        + #""email":{"kind":"spool","directory":"\#(spool(ledger))"}}}"#)
    let answer = try ledger.operate(["import", "-", "--key", "catalogue"], input: catalogue)
    #expect(answer.status == 0, "\(answer.talk)")
    return ledger
  }

  private static func spool(_ ledger: ProgramLedger) -> String { ledger.path + "-spool" }

  private func run(
    _ ledger: ProgramLedger, _ arguments: String..., input: String? = nil, status: Int32 = 0
  ) throws -> Ended {
    let ended = try ledger.operate(arguments, input: input)
    #expect(ended.status == status, "\(arguments): \(ended.status) \(ended.output)\(ended.talk)")
    return ended
  }

  private func request(
    _ ledger: ProgramLedger, start: String = "2099-08-27T21:04:00Z"
  ) throws -> String {
    let text = #"{"start_time":"\#(start)","program_id":1,"event_type_id":"1"}"#
    let answer = try run(ledger, "dispatch", "-", "--json", input: text)
    let results = try object(answer.output)["results"] as? [[String: Any]]
    return try #require(results?.first?["dispatch"] as? String)
  }

  private func erase(_ ledger: ProgramLedger, _ user: String = "u-1") throws -> Ended {
    try run(ledger, "erase", user, "--reason", "request of 2026-11-20", "--yes")
  }

  /// Paths of files below the ledger that hold the text, whatever they are called.
  private func files(_ ledger: ProgramLedger, holding text: String) throws -> [String] {
    let found = try Shell.run("/usr/bin/grep", ["-rlaF", "-e", text, ledger.path])
    return found.output.split(separator: "\n").map { String($0.dropFirst(ledger.path.count + 1)) }
      .sorted()
  }

  private func keys(_ ledger: ProgramLedger) throws -> String {
    let all = try Shell.run(
      "/bin/sh", ["-c", "cat \"$0\"/keys/users/* \"$0\"/keys/users/.[!.]*", ledger.path])
    return all.output
  }

  /// The user's key as it stands in its file.
  private func key(of user: String, _ ledger: ProgramLedger) throws -> String? {
    try keys(ledger).split(separator: "\n").first { $0.hasPrefix(user + " ") }
      .map { String($0.dropFirst(user.utf8.count + 1)) }
  }

  private func suppressions(_ ledger: ProgramLedger) throws -> [String] {
    try ledger.eventLines().filter { $0.contains("notification.suppressed.v1") }.map { line in
      let data = try object(line)["data"] as? [String: Any]
      return "\(data?["user_id"] ?? "") \(data?["reason"] ?? "")"
    }
  }

  @Test("no plaintext is in any file of the ledger, before it and after; replay is the same text")
  func canary() throws {
    let ledger = try Self.ledger()
    defer { try? FileManager.default.removeItem(atPath: Self.spool(ledger)) }
    let dispatch = try request(ledger)
    let log = ledger.path + "/operational.log"
    _ = try run(ledger, "deliver", "--once", "--log-file", log)
    #expect(FileManager.default.fileExists(atPath: Self.spool(ledger)))
    // What providers say, of a known message, of none, and of one that becomes known.
    let attempt = try #require(
      try ledger.eventLines().first { $0.contains("notification.attempted.v1") })
    let id = try #require(try object(attempt)["id"] as? String)
    for result in [#""attempt":"\#(id)""#, #""provider_id":"SM9""#, #""attempt":"9999""#] {
      _ = try run(
        ledger, "append", "-",
        input:
          #"{"command":"result",\#(result),"outcome":"delivered","detail":"550 \#(Self.canary)"}"#)
    }
    try drop(ledger)
    // A torn tail that begins a line with a user.
    let segment = try #require(
      FileHandle(forWritingAtPath: ledger.path + "/log/0000000000000000.log"))
    try segment.seekToEnd()
    let line = try #require(try ledger.eventLines().first { $0.contains("user.defined.v1") })
    try segment.write(contentsOf: Data(line.prefix(200).utf8))
    try segment.close()
    _ = try run(ledger, "observe", "s", "1")
    _ = try run(ledger, "view", "check")
    // Beside what the operator dropped himself there is nothing.
    let dropped = ["accepted/users.jsonl", "refused/broken.jsonl", "refused/wrong.jsonl"]
    #expect(try files(ledger, holding: Self.canary) == dropped)
    #expect(
      try !FileManager.default.contentsOfDirectory(atPath: ledger.path + "/quarantine").isEmpty)

    let before = try Shell.run("ledger-audit", ["replay", "--all", "-C", ledger.path])
    let size = try ledger.eventLines().count
    let key = try #require(try key(of: "u-1", ledger))
    #expect(try files(ledger, holding: key) == ["keys/users/a2"])
    let told = try erase(ledger)
    #expect(told.talk.contains("accepted/users.jsonl") && told.talk.contains("copies of the keys"))
    #expect(told.talk.contains("attempts to tell the user"))
    #expect(try files(ledger, holding: Self.canary) == dropped)
    #expect(try files(ledger, holding: key) == [])
    let after = try Shell.run("ledger-audit", ["replay", "--all", "-C", ledger.path])
    #expect(after.status == 0 && after.output == before.output && after.output.contains(dispatch))
    #expect(try ledger.eventLines().count == size + 1)
    try expectSound(ledger)
    try expectNothingReadable(ledger)
  }

  /// Lets a worker take in files that hold names and addresses, good ones and bad ones.
  private func drop(_ ledger: ProgramLedger) throws {
    let worker = Shell.process("dispatch-ledger", ["deliver", "--watch", "-q", "-C", ledger.path])
    worker.standardOutput = FileHandle.nullDevice
    worker.standardError = FileHandle.nullDevice
    try worker.run()
    defer {
      worker.terminate()
      worker.waitUntilExit()
    }
    func catalogue(_ user: String) -> String {
      #"{"command":"import","catalogue":{"users":[\#(user)]}}"# + "\n"
    }
    let texts = [
      "users.jsonl": catalogue(
        #"{"id":"u-1","name":"A \#(Self.canary)","contacts":{"sms":"1\#(Self.canary)"}}"#),
      "broken.jsonl": catalogue(#"{"id":"u-3","name":"A","contacts":{"sms":["\#(Self.canary)"]}}"#),
      "wrong.jsonl": catalogue(
        #"{"id":"u-3","name":"\#(Self.canary)\u0000","contacts":{"sms":"\#(Self.canary)\n"}}"#),
    ]
    func answers() -> Int {
      ["accepted", "refused"].flatMap { folder in
        (try? FileManager.default.contentsOfDirectory(atPath: "\(ledger.path)/\(folder)")) ?? []
      }.count { $0.hasSuffix(".answer.json") }
    }
    while !FileManager.default.fileExists(atPath: ledger.path + "/inbox") { usleep(10_000) }
    for (name, text) in texts {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(ledger.path)/inbox/.\(name)"))
      try FileManager.default.moveItem(
        atPath: "\(ledger.path)/inbox/.\(name)", toPath: "\(ledger.path)/inbox/\(name)")
    }
    while answers() < texts.count { usleep(10_000) }
  }

  /// What people and machines are shown of somebody erased.
  private func expectNothingReadable(_ ledger: ProgramLedger) throws {
    let shown = try run(ledger, "show", "user", "u-1", "--json")
    #expect(try object(shown.output)["erased"] is String)
    let folder = try TemporaryFolder()
    for format in ["jsonl", "csv", "sqlite", "bundle", "parquet"] {
      let made = try Shell.run(
        "ledger-audit",
        ["export", "--format", format, "--out", "\(folder.path)/\(format)", "-C", ledger.path])
      #expect(made.status == 0, "\(made.talk)")
    }
    for command in [["list", "user"], ["log"], ["log", "--json"], ["show", "user", "u-1"]] {
      let ended = try Shell.run("ledger-audit", command + ["-C", ledger.path])
      #expect(ended.status == 0 && !ended.output.contains(Self.canary))
    }
    let left = try Shell.run("/usr/bin/grep", ["-rlaF", "-e", Self.canary, folder.path])
    #expect(left.output.isEmpty)
    let rows = try Shell.run(
      "/usr/bin/sqlite3",
      [
        folder.path + "/sqlite",
        "select count(*) from user where id = 'u-1' and definition is null",
      ])
    #expect(rows.output == "1\n")
  }

  private func expectSound(_ ledger: ProgramLedger) throws {
    #expect(try ledger.verify().status == 0)
    #expect(try ledger.operate(["view", "check"]).status == 0)
    let recheck = try Shell.run("ledger-audit", ["recheck", "-q", "-C", ledger.path])
    #expect(recheck.status == 0, "\(recheck.output)")
  }

  @Test(
    "it asks first, tells what it would do, is refused of nobody, and is done once and for ever")
  func refusals() throws {
    let ledger = try Self.ledger()
    let lines = try ledger.eventLines().count
    let key = try #require(try key(of: "u-1", ledger))
    _ = try run(ledger, "erase", "u-1", "--reason", "r", status: 64)
    _ = try run(ledger, "erase", "u-1", "--yes", status: 64)
    _ = try run(ledger, "erase", "nobody", "--reason", "r", "--yes", status: 66)
    let plan = try run(ledger, "erase", "u-1", "--reason", "r", "--dry-run")
    #expect(plan.output.contains("would destroy its key") && plan.output.contains("email, sms"))
    let document = try object(
      run(ledger, "erase", "u-1", "--reason", "r", "--dry-run", "--json").output)
    #expect(document["has_key"] as? Bool == true && document["not_reached"] is [String])
    #expect(try ledger.eventLines().count == lines)
    #expect(try self.key(of: "u-1", ledger) == key)

    let first = try run(
      ledger, "erase", "u-1", "--reason", "r", "--yes", "--key", "once", "--json")
    let again = try run(
      ledger, "erase", "u-1", "--reason", "r", "--yes", "--key", "once", "--json")
    #expect(try object(again.output)["repeated"] as? Bool == true)
    #expect(
      try object(first.output)["first"] as? String == object(again.output)["first"] as? String)
    let twice = try erase(ledger)
    #expect(twice.output.contains("nothing had to be appended"))
    #expect(try ledger.eventLines().count == lines + 1)
    for (arguments, input) in [
      (["import", "-"], #"{"users":[{"id":"u-1","name":"A","contacts":{}}]}"#),
      (["enroll", "u-1", "--program", "1"], nil), (["withdraw", "u-1", "--program", "1"], nil),
      (["opt-in", "u-1"], nil), (["opt-out", "u-1"], nil),
    ] {
      let refused = try ledger.operate(arguments, input: input)
      #expect(refused.status == 65 && refused.talk.contains("user-erased"), "\(arguments)")
    }
    #expect(try ledger.eventLines().count == lines + 1)
    #expect(try self.key(of: "u-1", ledger) == nil)
    #expect(try self.key(of: Self.neighbour, ledger) != nil)
  }

  @Test("notices that wait for the user are suppressed, and new ones don't concern it")
  func inFlight() throws {
    let ledger = try Self.ledger()
    defer { try? FileManager.default.removeItem(atPath: Self.spool(ledger)) }
    let dispatch = try request(ledger)
    let erased = try erase(ledger)
    #expect(erased.status == 0)
    let delivered = try object(run(ledger, "deliver", "--once", "--json").output)
    #expect(delivered["attempts"] as? Int == 1 && delivered["suppressed"] as? Int == 1)
    #expect(try suppressions(ledger) == ["u-1 erased"])
    let changed = try run(
      ledger, "modify", dispatch, "--reason", "r", "--start", "2099-08-27T22:04:00Z", "--json")
    let results = try object(changed.output)["results"] as? [[String: Any]]
    #expect(results?.first?["recipients"] as? Int == 1)
    _ = try request(ledger)
    let second = try object(run(ledger, "deliver", "--once", "--json").output)
    #expect(second["attempts"] as? Int == 2 && second["suppressed"] as? Int == 0)
    try expectSound(ledger)
  }

  @Test("a key that is missing keeps one user's notice back and nobody else's, and doctor tells")
  func missingKey() throws {
    let ledger = try Self.ledger()
    defer { try? FileManager.default.removeItem(atPath: Self.spool(ledger)) }
    _ = try request(ledger)
    let file = ledger.path + "/keys/users/a2"
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    let others = lines.filter { !$0.hasPrefix("u-1 ") }.map { $0 + "\n" }.joined()
    try Data(others.utf8).write(to: URL(fileURLWithPath: file))
    let delivered = try run(ledger, "deliver", "--once", "--json", status: 1)
    let report = try object(delivered.output)
    #expect(report["attempts"] as? Int == 1 && report["without_key"] as? Int == 1)
    #expect(delivered.talk.contains("doctor"))
    #expect(try suppressions(ledger) == ["u-1 key-missing"])
    // A provider's word of it is kept without its text.
    let doctor = try run(ledger, "doctor", status: 1)
    #expect(doctor.output.contains("1 users have none, so they can't be told: u-1"))
    // No key was made that would hide what is missing; an import makes one.
    #expect(try key(of: "u-1", ledger) == nil)
    _ = try run(ledger, "import", "-", input: Self.catalogue)
    _ = try run(ledger, "doctor")
    _ = try request(ledger)
    _ = try run(ledger, "deliver", "--once")
    try expectSound(ledger)
  }

  @Test("keys are copied apart, and an older copy that is put back revives nobody")
  func keyBackup() throws {
    let ledger = try Self.ledger()
    let folder = try TemporaryFolder()
    let copy = folder.path + "/safe/keys"
    _ = try run(ledger, "backup", folder.path + "/ledger")
    for place in [
      ledger.path + "/keys/copy", ledger.path, ledger.path + "/new/../copy",
      folder.path + "/ledger/keys", folder.path + "/ledger/a/b",
    ] {
      _ = try run(ledger, "backup", "--keys", place, status: 64)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/ledger/keys"))
    _ = try run(ledger, "backup", "--keys", copy)
    let modes = try Shell.run(
      "/bin/sh", ["-c", "cd \"$0\"; find . -printf '%y %m\\n' | sort -u", copy])
    #expect(modes.output == "d 700\nf 600\n")
    _ = try run(ledger, "backup", "--keys", copy, status: 73)
    let same = try Shell.run("/usr/bin/diff", ["-r", "-x", "lock", ledger.path + "/keys", copy])
    #expect(same.output.isEmpty && same.status == 0)
    let older = folder.path + "/older"
    #expect(try Shell.run("/bin/cp", ["-a", copy, older]).status == 0)

    _ = try erase(ledger)
    _ = try run(ledger, "backup", "--keys", copy, "--incremental")
    let left = try Shell.run("/usr/bin/grep", ["-rl", "^u-1 ", copy])
    #expect(left.output.isEmpty)
    // The older one still has it; put back, it loses it to whoever opens next.
    #expect(try Shell.run("/usr/bin/grep", ["-rl", "^u-1 ", older]).status == 0)
    let keys = ledger.path + "/keys"
    #expect(
      try Shell.run("/bin/sh", ["-c", "rm -r \"$0\"; cp -a \"$1\" \"$0\"", keys, older]).status == 0
    )
    let doctor = try ledger.operate(["doctor"])
    #expect(doctor.status == 1 && doctor.output.contains("1 users are erased"))
    _ = try run(ledger, "observe", "s", "1")
    #expect(try key(of: "u-1", ledger) == nil)
    #expect(try key(of: Self.neighbour, ledger) != nil)
    _ = try run(ledger, "doctor")
    // Nothing of the others was lost: what can be opened appends nothing.
    let rest = Self.catalogue.replacingOccurrences(of: #""u-1""#, with: #""u-2""#)
    let imported = try run(ledger, "import", "-", "--json", input: rest)
    let results = try object(imported.output)["results"] as? [[String: Any]]
    #expect(results?.first?["users"] as? Int == 1)
  }
}
