import Bytes
import EventLog
import Foundation
import Merkle
import Platform
import Testing

/// What somebody who trusts neither the operator nor the operator's machine can prove.
@Suite("Evidence that an outsider can check", .timeLimit(.minutes(30)))
struct EvidenceTests {
  let ledger: ProgramLedger
  let folder: TemporaryFolder

  init() throws {
    ledger = try ProgramLedger()
    folder = try TemporaryFolder()
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try ledger.bytes(of: name), as: UTF8.self)
  }

  private func vkey() throws -> String {
    try #require(try object(text("LEDGER"))["vkey"] as? String)
  }

  private func checkpoint(_ name: String = "checkpoint") throws -> Checkpoint {
    try Checkpoint(text: SignedNote(Array(ledger.bytes(of: name))).text)
  }

  private func dispatch(_ arguments: String...) throws -> Ended {
    try ledger.operate(["dispatch", ProgramLedger.requests + "/open-ended.json"] + arguments)
  }

  /// The report of both implementations, which must be the same.
  private func verify(
    _ arguments: [String], in path: String? = nil, status: Int32 = 0
  ) throws -> [String: Any] {
    let ours = try Shell.run(
      "ledger-audit", ["verify", "--json", "-C", path ?? ledger.path] + arguments)
    let theirs = try Shell.run(
      "/usr/bin/env",
      ["python3", "-B", ProgramLedger.repository + "/tools/verify-ledger.py"] + arguments
        + [path ?? ledger.path])
    #expect(ours.output == theirs.output, "\(arguments): \(theirs.talk)")
    #expect(ours.status == status, "\(ours.output)\(ours.talk)")
    #expect(theirs.status == status, "\(theirs.talk)")
    return try object(ours.output)
  }

  private func findings(_ report: [String: Any]) -> [String] {
    (report["evidence"] as? [[String: Any]] ?? []).map { finding in
      let ids = finding["first"].map { " \($0)-\(finding["last"] ?? "?")" } ?? ""
      return "\(finding["what"] ?? "?")\(ids)"
    }
  }

  @Test("each call is followed by a checkpoint of all there is, and all are kept")
  func afterEachCall() throws {
    #expect(try checkpoint().head.size == 6)
    _ = try dispatch()
    #expect(try checkpoint().head.size == 8)
    _ = try ledger.operate(["status"])
    let entries = try text("checkpoints.log").components(separatedBy: "\n\n\u{2014} ").count - 1
    #expect(entries == 3)
    let report = try verify(["--vkey", vkey()])
    #expect(report["authenticated"] as? Bool == true)
    #expect(report["signed"] as? String == "8")
    let without = try verify([])
    #expect(without["authenticated"] as? Bool == false)
    #expect(findings(without).isEmpty)
  }

  @Test("a signature that fails doesn't fail the call, and the next call signs for both")
  func failingSigner() throws {
    let key = try SigningCommand(in: folder.path)
    let path = folder.path + "/signed-by-command"
    let made = try Shell.run(
      "dispatch-ledger",
      [
        "init", "-C", path, "--origin", key.origin, "--signer", key.command, "--signer-key",
        key.vkey, "--keys", folder.path + "/elsewhere",
      ])
    #expect(made.status == 0, "\(made.talk)")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: path + "/keys")
        == folder.path + "/elsewhere")
    #expect(try FileStatus(ofDirectory: path + "/keys").permissions == 0o700)
    try key.disable()
    let refused = try Shell.run(
      "dispatch-ledger", ["import", "-", "-C", path], input: ProgramLedger.catalogue)
    #expect(refused.status == 0)
    #expect(refused.talk.contains("no checkpoint was signed"))
    #expect(try verify(["--vkey", key.vkey], in: path)["signed"] as? String == "1")
    #expect(
      try Shell.run("ledger-audit", ["verify", "--all-signed", "-C", path]).status == 4)
    try key.enable()
    let signed = try Shell.run("dispatch-ledger", ["checkpoint", "-C", path])
    #expect(signed.status == 0)
    #expect(try verify(["--vkey", key.vkey], in: path)["signed"] as? String == "6")
    // Whoever else may enter the keys' directory may have taken them.
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o750], ofItemAtPath: folder.path + "/elsewhere")
    #expect(try Shell.run("dispatch-ledger", ["status", "-C", path]).status == 77)
  }

  @Test("an old key leads to the new one, and a key that isn't the ledger's leads nowhere")
  func keyChange() throws {
    let old = try vkey()
    let changed = try ledger.operate(["rotate", "key", "--reason", "yearly", "--json"])
    let new = try #require(try object(changed.output)["vkey"] as? String)
    #expect(old != new)
    #expect(try text("checkpoint").components(separatedBy: "\u{2014} ").count == 3)
    _ = try dispatch()
    #expect(try text("checkpoint").components(separatedBy: "\u{2014} ").count == 2)
    for key in [old, new] {
      let report = try verify(["--vkey", key])
      #expect(report["signer"] as? String == new)
      #expect(report["signed"] as? String == "9")
    }
    let stranger = try ProgramLedger()
    let key = try #require(
      try object(String(decoding: stranger.bytes(of: "LEDGER"), as: UTF8.self))["vkey"] as? String)
    #expect(findings(try verify(["--vkey", key], status: 4)) == ["other-key 0-8"])
  }

  @Test("after a compromise nothing that the old key signs beyond a witnessed size counts")
  func compromised() throws {
    let refused = try ledger.operate(["rotate", "key", "--compromised"])
    #expect(refused.status == 1)
    // A witness's line: any other key's will do for the size.
    let witness = try SigningCommand(in: folder.path, origin: "example.com/witness")
    let note = try SignedNote(Array(ledger.bytes(of: "checkpoint")))
    let line = try #require(
      try NoteSignature.make(text: note.text, key: witness.verifierKey, sign: witness.sign))
    let taken = try ledger.operate(["checkpoint", "--cosigned", "-"], input: line.line + "\n")
    #expect(taken.status == 0, "\(taken.talk)")
    let old = try vkey()
    let changed = try ledger.operate(["rotate", "key", "--compromised", "--json"])
    let new = try #require(try object(changed.output)["vkey"] as? String)
    _ = try dispatch()
    let report = try verify(["--vkey", old])
    #expect(report["signed"] as? String == "6")
    #expect(try verify(["--vkey", new])["signed"] as? String == "9")
    #expect(
      try Shell.run(
        "ledger-audit", ["verify", "--vkey", old, "--all-signed", "-C", ledger.path]
      ).status == 4)
  }

  @Test("a key doesn't sign a second history, and both copies are told apart by what was pinned")
  func forks() throws {
    _ = try dispatch()
    let copy = folder.path + "/copy"
    try FileManager.default.copyItem(atPath: ledger.path, toPath: copy)
    _ = try dispatch()
    let pinned = folder.path + "/pinned"
    try ledger.bytes(of: "checkpoint").write(to: URL(fileURLWithPath: pinned))
    let key = try vkey()
    // The older copy, put back: it is whole and signed, and shorter than what was pinned.
    #expect(findings(try verify(["--vkey", key], in: copy)).isEmpty)
    #expect(
      findings(try verify(["--vkey", key, "--pinned", pinned], in: copy, status: 4))
        == ["rollback 8-9"])
    // It goes on by itself with the same key; last-signed lies with the keys of the one that is ahead.
    try FileManager.default.removeItem(atPath: copy + "/keys")
    try FileManager.default.createSymbolicLink(
      atPath: copy + "/keys", withDestinationPath: ledger.path + "/keys")
    let request = ProgramLedger.requests + "/closed-ended.json"
    let other = try Shell.run("dispatch-ledger", ["dispatch", request, "-C", copy])
    #expect(other.status == 0)
    #expect(other.talk.contains("another history of the first 10 events"))
    #expect(try Shell.run("dispatch-ledger", ["checkpoint", "-C", copy]).status == 4)
    #expect(
      findings(try verify(["--vkey", key, "--pinned", pinned], in: copy, status: 4))
        == ["fork 8-9"])
    #expect(findings(try verify(["--vkey", key, "--pinned", pinned])).isEmpty)
    let strange = try ledger.operate(["checkpoint", "--cosigned", copy + "/checkpoint"])
    #expect(strange.status == 65)
  }

  @Test("whoever rewrites an event and everything that follows from it is found out")
  func editor() throws {
    for _ in 0..<3 { _ = try dispatch() }
    let key = try vkey()
    let edited = folder.path + "/edited"
    try rewrite(into: edited) { id, line in
      // The request of the second dispatch: another program's, of the same length.
      id == 8 ? line.replacing("\"program_id\":\"1\"", with: "\"program_id\":\"2\"") : line
    }
    #expect(findings(try verify([], in: edited)).isEmpty)
    for name in ["checkpoint", "checkpoints.log"] {
      try ledger.bytes(of: name).write(to: URL(fileURLWithPath: "\(edited)/\(name)"))
    }
    #expect(findings(try verify(["--vkey", key], in: edited, status: 4)) == ["fork 8-9"])
    // Without the checkpoints nothing of it is signed.
    for name in ["checkpoint", "checkpoints.log"] {
      try FileManager.default.removeItem(atPath: "\(edited)/\(name)")
    }
    #expect(findings(try verify(["--vkey", key], in: edited, status: 4)) == ["unsigned 0-11"])
    #expect(
      findings(
        try verify(
          ["--vkey", key, "--pinned", ledger.path + "/checkpoint"], in: edited, status: 4))
        == ["unsigned 0-11", "fork 0-11"])
  }

  /// Writes the ledger's events anew as somebody would who may write its files: every checksum, root
  /// and line of the log's own is right again.
  private func rewrite(
    into path: String, _ change: (UInt64, String) -> String
  ) throws {
    try createDirectories(path)
    let source = try FileStorage.openForReading(directory: ledger.path)
    let identity = try LedgerIdentity.read(from: source)
    var cursor = try LogReader(source, identity: identity).events(from: 0)
    var commits: [(time: Instant, lines: [[UInt8]])] = []
    while let stored = try cursor.read() {
      let line = change(stored.id, String(decoding: stored.line, as: UTF8.self))
      if stored.id == stored.commit.first { commits.append((stored.commit.time, [])) }
      commits[commits.count - 1].lines.append(Array(line.utf8))
    }
    try write(commits, of: identity, to: path)
    try ledger.bytes(of: "LEDGER").write(to: URL(fileURLWithPath: path + "/LEDGER"))
  }

  private func write(
    _ commits: [(time: Instant, lines: [[UInt8]])], of identity: LedgerIdentity, to path: String
  ) throws {
    var writer = try LogWriter.create(
      in: FileStorage.open(directory: path), identity: identity)
    for commit in commits {
      _ = try writer.append(commit.lines, time: commit.time)
      try writer.synchronize()
    }
  }

  @Test("an authority's time is asked for, kept, and proved with and without its root")
  func time() throws {
    let authority = try StampingAuthority(in: folder.path)
    let query = folder.path + "/query.tsq"
    _ = try ledger.operate(["checkpoint", "--time-stamp-query", query])
    let reply = try authority.answer(query)
    let kept = try ledger.operate(
      ["checkpoint", "--time-stamp-reply", reply, "--authorities", authority.root])
    #expect(kept.status == 0, "\(kept.talk)")
    #expect(kept.output.hasPrefix("6 events existed at "))
    let unvouched = try verify([])["time_stamps"] as? [[String: Any]]
    #expect(unvouched?.first?["standing"] as? String == "unvouched")
    #expect(unvouched?.first?["size"] as? String == "6")
    let trusted = try verify(["--authorities", authority.root])["time_stamps"] as? [[String: Any]]
    #expect(trusted?.first?["standing"] as? String == "trusted")
    // A reply that is over something else, and one that isn't a reply.
    try Data("another text\n".utf8).write(to: URL(fileURLWithPath: folder.path + "/text"))
    let foreign = try authority.answer(authority.query(over: folder.path + "/text"))
    #expect(try ledger.operate(["checkpoint", "--time-stamp-reply", foreign]).status == 66)
    #expect(try ledger.operate(["checkpoint", "--time-stamp-reply", query]).status == 65)
  }

  @Test("an auditor's account of the group reads, verifies and replays, and can't enter the keys")
  func otherUser() throws {
    let path = folder.path + "/shared"
    let group = "nogroup"
    #expect(
      try Shell.run("dispatch-ledger", ["init", "-C", path, "--group", group]).status == 0)
    _ = try Shell.run(
      "dispatch-ledger", ["import", "-", "-C", path], input: ProgramLedger.catalogue)
    _ = try Shell.run(
      "dispatch-ledger",
      ["dispatch", ProgramLedger.requests + "/open-ended.json", "-C", path])
    for (name, permissions) in [
      ("", 0o750), ("log", 0o750), ("LEDGER", 0o640), ("head", 0o640), ("keys", 0o700),
      ("log/0000000000000000.log", 0o640), ("checkpoint", 0o640), ("checkpoints.log", 0o640),
    ] as [(String, UInt16)] {
      #expect(try FileStatus(of: joinPath(path, name)).permissions == permissions, "\(name)")
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    // The program where another user can reach it.
    let program = folder.path + "/ledger-audit"
    try FileManager.default.copyItem(
      atPath: Shell.products.appendingPathComponent("ledger-audit").path, toPath: program)
    func audit(_ arguments: String...) throws -> Ended {
      try Shell.run(
        "/usr/bin/env",
        [
          "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", program, "-C", path,
        ] + arguments)
    }
    let verified = try audit("verify")
    #expect(verified.status == 0, "\(verified.talk)")
    let replayed = try audit("replay", "--all")
    #expect(replayed.status == 0 && replayed.output.hasPrefix("transaction-log 1\n"))
    let entered = try Shell.run(
      "/usr/bin/env",
      [
        "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "ls", path + "/keys",
      ])
    #expect(entered.status != 0)
  }
}
