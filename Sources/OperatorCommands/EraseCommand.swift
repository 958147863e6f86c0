import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger
import Platform

enum EraseCommand {
  static let dryRun = Option(
    flag: "dry-run", help: "Say what would be done, and what it can't reach")
  static let yes = Option(flag: "yes", help: "Do it: nothing brings the key back")
  static let entry = OperatorCommand(
    "erase", "Destroy the key of a user's names and addresses, for ever",
    details: """
      First it is recorded that the user is erased, durably; then the key is destroyed that its name, its
      addresses and what providers said of it are sealed under. A crash between the two is made good by the
      next command that writes. The log stays as it is, byte for byte: every proof, count and verdict
      holds, and what was sealed is shown as [sealed]. Notices that wait are suppressed. The id is
      refused for ever. Who is erased already is not erased again.

      Nothing is done without --yes. What an erasure can't reach is told: whatever left the house, and
      copies of the keys. The key's bytes are written over where they stand, which a disk or file system
      that writes elsewhere (flash, copy on write, snapshots) doesn't keep to.
      """,
    examples: [
      Example("dispatch-ledger erase u-7 --reason 'request of 2026-11-20' --dry-run", "Look first"),
      Example("dispatch-ledger erase u-7 --reason 'request of 2026-11-20' --yes", "Do it"),
    ],
    takes: [UserCommands.user, Shared.reason, dryRun, yes, Shared.key, Shared.expect], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let erase = try command(
      "erase",
      [
        ("user_id", .string(invocation[UserCommands.user])),
        ("reason", .string(invocation[Shared.reason])),
      ])
    guard case .erase(let request) = erase else {
      throw CommandFailure(.ourBug, "an erasure was read as another command")
    }
    guard invocation[yes] || invocation[dryRun] else {
      throw CommandFailure(
        .usage, "an erasure can't be taken back, and --yes isn't given",
        notDone: "nothing was erased", hint: "--dry-run says what it would do; --yes does it")
    }
    let ledger = try world.open(invocation, NoteBook())
    let plan = try inLedger { () throws(LedgerError) in
      try ledger.planErasure(of: request.userID)
    }
    if plan.standing == .unknown {
      let name = request.userID.text
      throw CommandFailure(
        .notFound, "user \(name) is not defined (\(RejectionCode.unknownUser.rawValue))",
        notDone: "nothing was erased")
    }
    let beyond = Unreached(plan, in: ledger.path.directory)
    if invocation[dryRun] {
      try print(plan, beyond, &session)
      return .done
    }
    let status = try submit(erase, invocation, world, &session)
    for line in beyond.lines { session.note(line) }
    return status
  }

  private static func print(
    _ plan: ErasurePlan, _ beyond: Unreached, _ session: inout Session
  ) throws(CommandFailure) {
    if session.wantsJSON {
      var document = JSONObject()
      document["dry_run"] = true
      document["has_key"] = .bool(plan.hasKey)
      document["not_reached"] = .array(beyond.lines.map { .string($0) })
      document["pending_notices"] = .integer(Int64(plan.pendingNotices))
      document["user"] = .string(plan.user.text)
      if case .erased(let event) = plan.standing { document["erased"] = .string(String(event)) }
      document["v"] = 1
      try session.print(json: document)
      return
    }
    let name = plan.user.text
    switch plan.standing {
    case .unknown: break
    case .erased(let event):
      try session.print("user \(name) was erased by event \(event); nothing would be appended")
    case .defined(let channels):
      let codes = channels.map(\.text).joined(separator: ", ")
      try session.print(
        "would record that user \(name) is erased (addresses on: \(codes.isEmpty ? "none" : codes))"
      )
    }
    try session.print(plan.hasKey ? "would destroy its key" : "its key isn't there")
    if plan.pendingNotices > 0 {
      try session.print("would suppress \(plan.pendingNotices) notices that wait")
    }
    for line in beyond.lines { try session.print(line) }
    try session.print("nothing was changed; --yes does it")
  }
}

/// What no erasure reaches, in words.
private struct Unreached {
  private(set) var lines: [String] = []

  /// More names than these are counted only.
  private static let namedLimit = 10

  init(_ plan: ErasurePlan, in directory: String) {
    lines.append("not reached: copies of the keys ('backup --keys', snapshots, other disks)")
    if plan.attempts > 0 {
      lines.append(
        "not reached: what \(plan.attempts) attempts to tell the user left with providers, "
          + "recipients, spools and consoles")
    }
    if !plan.exports.isEmpty {
      lines.append(
        "not reached: \(plan.exports.count) exports that were handed out; they hold the id and sealed "
          + "texts: \(Self.listed(plan.exports.map(\.text)))")
    }
    if plan.archives > 0 {
      lines.append("not reached: \(plan.archives) archives; they hold the id and sealed texts")
    }
    lines.append("not reached: backups of the ledger; they hold the id and sealed texts")
    let dropped = Self.dropped(naming: plan.user, in: directory)
    if !dropped.isEmpty {
      lines.append(
        "not reached: files that were dropped and name the id; delete them where they hold "
          + "addresses: \(Self.listed(dropped))")
    }
  }

  private static func listed(_ names: [String]) -> String {
    names.prefix(namedLimit).joined(separator: ", ")
      + (names.count > namedLimit ? " and \(names.count - namedLimit) more" : "")
  }

  /// Files of the inbox, taken or not, that hold the user's id: what was dropped stays as it was.
  private static func dropped(naming user: EntityID, in directory: String) -> [String] {
    guard let storage = try? FileStorage.openForReading(directory: directory) else { return [] }
    let id = Array(user.text.utf8)
    return Inbox.directories.flatMap { folder in
      ((try? storage.list(folder)) ?? []).map { "\(folder)/\($0)" }
    }.filter { path in
      guard let bytes = try? storage.read(path, limit: CallInput.limit) else { return false }
      return bytes.holds(id)
    }
  }
}

extension [UInt8] {
  /// Whether these bytes stand somewhere in them.
  fileprivate func holds(_ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    var start = startIndex
    while let found = self[start...].firstIndex(of: first) {
      if self[found...].starts(with: part) { return true }
      start = found + 1
    }
    return false
  }
}
