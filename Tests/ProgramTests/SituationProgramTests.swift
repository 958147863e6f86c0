import Foundation
import Testing

/// The market's situations that only whole programs show: what a crash, a lost key or a damaged file
/// leaves.
@Suite("Situations to survive, by the programs", .timeLimit(.minutes(30)))
struct SituationProgramTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  // MARK: - 1

  /// A ledger whose only channel is a command, and one due notice on it.
  private func oneNotice(unknownOutcome: String) throws -> ProgramLedger {
    let ledger = try ProgramLedger()
    let catalogue = #"""
      {"user_groups":[{"id":"g","name":"G"}],
       "event_types":[{"id":"g","name":"G","user_group_ids":["g"]}],
       "programs":[{"id":"p","name":"P","time_zone":"UTC","lead_time":"PT30M",
         "communication_codes":["pager"],"unknown_outcome":"\#(unknownOutcome)"}],
       "users":[{"id":"u","name":"U","user_group_ids":["g"],"contacts":{"pager":"7"}}]}
      """#
    #expect(try ledger.operate(["import", "-"], input: catalogue).status == 0)
    let request = #"{"start_time":"2099-01-01T00:00:00Z","program_id":"p","event_type_id":"g"}"#
    #expect(try ledger.operate(["dispatch", "-"], input: request).status == 0)
    return ledger
  }

  private func carry(_ ledger: ProgramLedger, by command: String) throws {
    let settings = ["channels": ["pager": ["kind": "command", "command": command]]]
    let path = ledger.path + "/config.json"
    try JSONSerialization.data(withJSONObject: settings).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }

  private func types(_ ledger: ProgramLedger) throws -> [String] {
    try ledger.eventLines().compactMap { try object($0)["type"] as? String }
      .filter { $0.hasPrefix("notification.") || $0.hasPrefix("delivery.") }
  }

  @Test(
    "Situation 1: a crash after the attempt was recorded, before or after the message left",
    arguments: [false, true], ["hold", "resend"])
  func crashAfterAttempt(hasLeft: Bool, policy: String) throws {
    let ledger = try oneNotice(unknownOutcome: policy)
    let letters = folder.path + "/letters"
    let takes = "IFS= read -r line; printf '%s\\n' \"$line\" >> '\(letters)'; "
    // Who carries the message ends its sender, when it has it or before it looks at it.
    try carry(ledger, by: (hasLeft ? takes : "") + "kill -9 $PPID")
    #expect(try ledger.operate(["deliver"]).status == -1)
    #expect(try types(ledger) == ["notification.attempted.v1"])
    let attempt = try #require(
      try ledger.eventLines().map(object)
        .first { $0["type"] as? String == "notification.attempted.v1" }?["id"] as? String)

    try carry(
      ledger,
      by: takes + "printf '{\"attempt\":\"%s\",\"outcome\":\"accepted\"}\\n' "
        + "$(printf '%s' \"$line\" | jq -r .attempt)")
    let after = try ledger.operate(["deliver"])
    #expect(after.talk.contains("1 attempts of an earlier run have no outcome"), "\(after.talk)")
    let lost = ["notification.attempted.v1", "delivery.unknown.v1"]
    let sent = ["notification.attempted.v1", "delivery.recorded.v1"]
    if policy == "hold" {
      #expect(try types(ledger) == lost)
      #expect(try ledger.operate(["deliver"]).talk.contains("0 attempts"))
      let settle = try ledger.operate(["settle", attempt, "resend", "--reason", "asked"])
      #expect(settle.status == 0, "\(settle.talk)")
      #expect(try ledger.operate(["deliver"]).status == 0)
    }
    #expect(try types(ledger) == lost + ["delivery.settled.v1"] + sent)
    let letter = try String(contentsOfFile: letters, encoding: .utf8).split(separator: "\n")
      .map { try object(String($0)) }
    // The same notice each time, so that whoever got both knows.
    #expect(letter.count == (hasLeft ? 2 : 1))
    let notices = letter.compactMap { ($0["notice"] as? [String: Any])?["id"] as? String }
    #expect(notices.count == letter.count && Set(notices).count == 1)
    #expect(try ledger.operate(["view", "check"]).status == 0)
    #expect(try ledger.verify().status == 0)
    #expect(try Shell.run("ledger-audit", ["recheck", "-C", ledger.path]).status == 0)
    let replay = try Shell.run("ledger-audit", ["replay", "--all", "-C", ledger.path])
    #expect(replay.output.contains(#"reason="crash""#))
    #expect(replay.output.contains("notified=1 failed=0 suppressed=0 unknown=0"))
  }

  // MARK: - 14

  @Test("Situation 14: without a user's key all is proven and replayed as before, but [sealed]")
  func withoutKey() throws {
    let ledger = try ProgramLedger()
    try ledger.configure(#"{"channels":{"sms":{"kind":"spool","directory":"spool"}}}"#)
    let request = ProgramLedger.requests + "/open-ended.json"
    #expect(try ledger.operate(["dispatch", request]).status == 0)
    #expect(try ledger.operate(["deliver"]).status == 1)
    func audit(_ arguments: [String]) throws -> Ended {
      try Shell.run("ledger-audit", arguments + ["-C", ledger.path])
    }
    let checks = [["verify", "--json"], ["replay", "--all"], ["recheck", "--json"]]
    let before = try checks.map { try audit($0) }
    #expect(before.allSatisfy { $0.status == 0 })

    let keys = ledger.path + "/keys/users"
    var removed = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: keys) {
      let file = "\(keys)/\(name)"
      let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      let left = lines.filter { !$0.hasPrefix("u-1 ") }
      removed += lines.count - left.count
      try Data(left.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: file))
    }
    #expect(removed == 1)
    for (check, earlier) in zip(checks, before) {
      let now = try audit(check)
      #expect(now.status == 0 && now.output == earlier.output, "\(check)")
    }
    #expect(try ledger.verify().status == 0)
    for shown in [
      try ledger.operate(["show", "user", "u-1"]), try audit(["show", "user", "u-1"]),
    ] {
      #expect(shown.status == 0 && shown.output.contains("[sealed]"), "\(shown.output)")
      #expect(!shown.output.contains("+1555") && !shown.output.contains("Ada"))
    }
    #expect(try ledger.operate(["view", "check"]).status == 0)
  }

  // MARK: - 17

  /// What somebody did to the files of a ledger, and what the programs are to say of it.
  struct Damage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let state: String
    /// Exit statuses of `verify` and of a `dispatch` on the damaged ledger.
    let verify: Int32
    let dispatch: Int32
    /// Whether a file is there that belongs to no log, which only an operator takes away.
    var isSurplus = false
    /// - Parameters: the segments' paths in order, and what the next commit would add to the last.
    let apply: @Sendable (_ segments: [String], _ next: Data) throws -> Void

    static let all = [
      Damage(testDescription: "torn last record", state: "torn", verify: 0, dispatch: 0) {
        try edit($0[$0.count - 1]) { bytes, next in bytes + next.prefix(next.count / 2) }($1)
      },
      Damage(testDescription: "flipped bit at the end", state: "corrupt", verify: 4, dispatch: 4) {
        try edit($0[$0.count - 1]) { bytes, _ in flipped(bytes, bytes.count - 40) }($1)
      },
      Damage(testDescription: "flipped bit before", state: "corrupt", verify: 4, dispatch: 0) {
        try edit($0[0]) { bytes, _ in flipped(bytes, bytes.count / 2) }($1)
      },
      Damage(testDescription: "missing segment", state: "corrupt", verify: 4, dispatch: 0) {
        files, _ in
        try FileManager.default.removeItem(atPath: files[1])
      },
      Damage(
        testDescription: "duplicated segment", state: "clean", verify: 4, dispatch: 0,
        isSurplus: true
      ) {
        files, _ in
        let twin = (files[0] as NSString).deletingLastPathComponent + "/0000000000000002.log"
        try FileManager.default.copyItem(atPath: files[0], toPath: twin)
      },
      Damage(testDescription: "cut between commits", state: "lost-tail", verify: 4, dispatch: 4) {
        try edit($0[$0.count - 1]) { bytes, _ in
          let line = Data("\n#commit ".utf8)
          guard let place = bytes.range(of: line, options: .backwards) else { return bytes }
          return bytes.prefix(place.lowerBound + 1)
        }($1)
      },
    ]

    private static func edit(
      _ path: String, _ change: @escaping (Data, Data) -> Data
    ) -> (Data) throws -> Void {
      { next in
        let url = URL(fileURLWithPath: path)
        try change(Data(contentsOf: url), next).write(to: url)
      }
    }

    private static func flipped(_ bytes: Data, _ place: Int) -> Data {
      var bytes = bytes
      bytes[place] ^= 4
      return bytes
    }
  }

  /// A ledger of several segments with keys of its own, and its copy one dispatch later.
  private func segmented() throws -> (path: String, later: String) {
    let story = folder.path + "/story"
    try FileManager.default.createDirectory(atPath: story, withIntermediateDirectories: false)
    let request = "dispatch-ledger dispatch \(ProgramLedger.requests)/open-ended.json"
    let commands =
      [
        "segments of 6000", "dispatch-ledger init --origin example.com/dr",
        "dispatch-ledger import \(ProgramLedger.repository)/ledger/golden/catalogue.json",
      ] + Array(repeating: request, count: 4)
    try Data(commands.joined(separator: "\n").utf8)
      .write(to: URL(fileURLWithPath: story + "/commands"))
    let made = try Shell.run("golden-ledger", [story, folder.path + "/out"])
    #expect(made.status == 0, "\(made.talk)")
    let (path, later) = (folder.path + "/out/ledger", folder.path + "/later")
    try FileManager.default.copyItem(atPath: path, toPath: later)
    #expect(try dispatch(later).status == 0)
    return (path, later)
  }

  private func dispatch(_ path: String) throws -> Ended {
    try Shell.run(
      "dispatch-ledger", ["dispatch", ProgramLedger.requests + "/open-ended.json", "-C", path])
  }

  private func segments(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/log").sorted()
      .map { "\(path)/log/\($0)" }
  }

  private func log(_ path: String) throws -> [Data] {
    try segments(path).map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
  }

  /// Both verifiers' common answer.
  private func verify(_ path: String) throws -> (status: Int32, state: String?) {
    let ours = try Shell.run("ledger-audit", ["verify", "--json", "-C", path])
    let theirs = try Shell.run(
      "/usr/bin/env",
      ["python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py", path])
    #expect(ours.output == theirs.output && ours.status == theirs.status, "\(theirs.talk)")
    return (ours.status, try object(ours.output)["state"] as? String)
  }

  @Test(
    "Situation 17: damage is told from a crash, nothing is cut, and a backup mends it",
    arguments: Damage.all)
  func damaged(_ damage: Damage) throws {
    let (path, later) = try segmented()
    let backup = folder.path + "/backup"
    #expect(try Shell.run("dispatch-ledger", ["backup", backup, "-C", path]).status == 0)
    let (sound, names) = (try log(path), try segments(path))
    #expect(sound.count > 2)
    let replay = try Shell.run("ledger-audit", ["replay", "--all", "-C", path])
    #expect(replay.status == 0)
    let grown = try Data(contentsOf: URL(fileURLWithPath: segments(later)[sound.count - 1]))
    try damage.apply(segments(path), grown.dropFirst(sound[sound.count - 1].count))
    let before = try log(path)

    let verdict = try verify(path)
    #expect(verdict.status == damage.verify && verdict.state == damage.state)
    let copy = folder.path + "/written"
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    #expect(try dispatch(copy).status == damage.dispatch)
    let written = try log(copy)
    if damage.dispatch != 0 {
      #expect(written == before)
    } else if damage.state == "torn" {
      // What the crash left is set aside, and an event says so.
      #expect(try verify(copy).state == "clean")
      #expect(written.count >= sound.count && written[0] == sound[0])
      let aside = try FileManager.default.contentsOfDirectory(atPath: copy + "/quarantine")
      #expect(aside.count == 1)
      return
    } else {
      // It goes on behind, and what is damaged stays as it is.
      #expect(zip(before, written).allSatisfy { $1.starts(with: $0) })
      #expect(try verify(copy).status == damage.verify)
    }

    let mended = try Shell.run(
      "dispatch-ledger", ["repair", "--from", backup, "--apply", "--reason", "r", "-C", path])
    #expect(mended.status == (damage.isSurplus ? 1 : 0), "\(mended.output)\(mended.talk)")
    if damage.isSurplus {
      for file in try segments(path) where !names.contains(file) {
        try FileManager.default.removeItem(atPath: file)
      }
    }
    #expect(try verify(path).status == 0)
    #expect(zip(sound, try log(path)).allSatisfy { $1.starts(with: $0) })
    let again = try Shell.run("ledger-audit", ["replay", "--all", "-C", path])
    #expect(again.output == replay.output)
    #expect(try dispatch(path).status == 0)
  }
}
