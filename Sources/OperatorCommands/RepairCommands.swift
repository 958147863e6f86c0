import Bytes
import CommandLineInterface
import EventLog
import Events
import Ledger
import Platform

enum BackupCommand {
  static let destination = Argument("DEST", .text, help: "The copy's directory")
  static let incremental = Option(
    flag: "incremental", help: "Bring an older backup up to date, if the ledger continues it")
  static let keys = Option(flag: "keys", help: "Copy the keys instead, and nothing else")
  static let entry = OperatorCommand(
    "backup", "Copy the ledger, also while others write, and verify the copy",
    details: """
      The copy is a ledger up to what was durable when it was made: log, head, checkpoints and
      config.json. It holds no keys: without them names and addresses stay sealed. Nothing is written
      over that isn't the beginning of this ledger.

      With --keys it is keys/ that is copied, whoever's keys are lost otherwise; 0700, files 0600.
      Keep the two apart: DEST mustn't lie in a ledger or a backup. With --incremental an older copy is
      written anew as a whole. To put it back, 'cp -a DEST LEDGER/keys' where there is no keys/: the
      next command that writes destroys the keys of all who were erased since.
      """,
    examples: [
      Example("dispatch-ledger backup /mnt/backup/dr", "A whole copy"),
      Example("dispatch-ledger backup /mnt/backup/dr --incremental", "What has come since"),
      Example("dispatch-ledger backup --keys /mnt/safe/dr-keys --incremental", "The keys, apart"),
    ], takes: [destination, incremental, keys], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try world.open(invocation, NoteBook())
    if invocation[keys] { return try copyKeys(of: ledger, invocation, &session) }
    let outcome = try inLedger { () throws(LedgerError) in
      try ledger.backUp(
        to: invocation[destination], isIncremental: invocation[incremental])
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "bytes", value: .string(String(outcome.copiedBytes))),
          .init(key: "copied_segments", value: .integer(Int64(outcome.copiedSegments.count))),
          .init(key: "directory", value: .string(invocation[destination])),
          .init(key: "kept_segments", value: .integer(Int64(outcome.keptSegments.count))),
          .init(key: "root", value: .string(outcome.root.base64)),
          .init(key: "size", value: .string(String(outcome.end.size))),
          .init(key: "v", value: 1),
        ]))
    } else {
      try session.print(
        "\(outcome.end.size) events, root \(outcome.root.base64), verified; "
          + "\(outcome.copiedSegments.count) segments copied (\(outcome.copiedBytes) bytes), "
          + "\(outcome.keptSegments.count) kept")
    }
    session.note("the keys aren't in it: 'backup --keys' copies them, to somewhere else")
    return .done
  }

  private static func copyKeys(
    of ledger: Ledger, _ invocation: Invocation, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let directory = invocation[destination]
    let files = try inLedger { () throws(LedgerError) in
      try ledger.backUpKeys(to: directory, isIncremental: invocation[incremental])
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "directory", value: .string(directory)),
          .init(key: "files", value: .integer(Int64(files))), .init(key: "v", value: 1),
        ]))
    } else {
      try session.print("\(files) files of keys copied")
    }
    session.note("who has it can read all names and addresses; an erasure doesn't reach it")
    return .done
  }
}

enum RepairCommand {
  static let from = Option(
    "from", "BACKUP", .text, help: "Another copy of the ledger, to take damaged bytes from")
  static let acceptTail = Option(
    flag: "accept-tail", help: "Cut a suspect tail: nobody was told of what stood there")
  static let rebuildHead = Option(flag: "rebuild-head", help: "Make head anew from the log")
  static let apply = Option(flag: "apply", help: "Do it; without, the plan is printed")
  static let reason = Option("reason", "TEXT", .text, help: "Why; it is recorded")
  static let entry = OperatorCommand(
    "repair", "Say what could be put right in a damaged ledger, and with --apply do it",
    details: """
      From a backup come only bytes that lead to the roots which the ledger itself recorded. What is
      cut or replaced lies in quarantine/ first, and each step is an event. Without --apply nothing
      changes. The exit status is 1 where the choices and the backup help with nothing, and 4 or 5
      where the ledger would still need repair.
      """,
    examples: [
      Example("dispatch-ledger repair --from /mnt/backup/dr", "What a backup could mend"),
      Example("dispatch-ledger repair --from /mnt/backup/dr --apply", "Mend it"),
      Example(
        "dispatch-ledger repair --accept-tail --apply --reason 'disk 2 failed'",
        "Give up bytes at the end that a crash doesn't explain"),
    ], takes: [from, acceptTail, rebuildHead, apply, reason], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let choices = RepairChoices(
      acceptsTail: invocation[acceptTail], rebuildsHead: invocation[rebuildHead])
    let copy = try invocation[from].map { (path) throws(CommandFailure) in
      try inLedger { () throws(LedgerError) in try ledger.otherCopy(in: path) }
    }
    let plan = try inLedger { () throws(LedgerError) in
      try invocation[apply]
        ? ledger.repair(choices, from: copy, reason: invocation[reason])
        : ledger.planRepair(choices, from: copy)
    }
    let isDone = invocation[apply] && !plan.steps.isEmpty && plan.isWritable
    if isDone { world.signAfterwards(&session) }
    notes.print(to: &session)
    if session.wantsJSON {
      try session.print(json: document(plan, isDone))
    } else {
      try print(plan, isDone, &session)
    }
    if !plan.isWritable { return plan.after.state == .corrupt ? .integrityViolation : .needsRepair }
    return plan.steps.isEmpty && plan.before.needsSomething ? .answerIsNo : .done
  }

  private static func print(
    _ plan: RepairPlan, _ isDone: Bool, _ session: inout Session
  ) throws(CommandFailure) {
    for segment in plan.refused {
      try session.print(
        "\(LogPath.segment(segment)): the copy's bytes don't lead to the recorded roots",
        style: .bad)
    }
    for step in plan.steps { try session.print(text(step)) }
    try session.print("before: \(plan.before.state.rawValue), \(plan.before.damage.count) damages")
    if plan.steps.isEmpty {
      try session.print("nothing to do with what was given")
      return
    }
    try session.print("after: \(plan.after.state.rawValue), \(plan.after.damage.count) damages")
    if isDone {
      try session.print("done and recorded", style: .good)
    } else if plan.isWritable {
      try session.print("nothing was changed; --apply does it")
    } else {
      try session.print("nothing was changed: the ledger would still need repair", style: .bad)
    }
  }

  private static func text(_ step: RepairStep) -> String {
    switch step {
    case .fromCopy(let segment, let range, _, _):
      "from the copy: \(LogPath.segment(segment)), bytes \(range.lowerBound) to "
        + "\(range.upperBound)"
    case .cutTail(let segment, let range, _):
      "set aside and cut: \(LogPath.segment(segment)), bytes \(range.lowerBound) to "
        + "\(range.upperBound)"
    case .rebuildHead: "make head anew"
    }
  }

  private static func document(_ plan: RepairPlan, _ isDone: Bool) -> JSONObject {
    JSONObject([
      .init(key: "after", value: .string(plan.after.state.rawValue)),
      .init(key: "before", value: .string(plan.before.state.rawValue)),
      .init(key: "done", value: .bool(isDone)),
      .init(key: "refused", value: .array(plan.refused.map { .string(String($0)) })),
      .init(
        key: "steps",
        value: .array(
          plan.steps.map { step in
            var object = JSONObject()
            object["action"] = .string(step.action.rawValue)
            if let place = step.place {
              object["segment"] = .string(String(place.segment))
              object["offset"] = .integer(Int64(place.range.lowerBound))
              object["length"] = .integer(Int64(place.range.count))
              object["sha256"] = .string(place.digest.hex)
            }
            return .object(object)
          })),
      .init(key: "v", value: 1), .init(key: "writable", value: .bool(plan.isWritable)),
    ])
  }
}

extension LogReport {
  /// Whether anything is damaged, or an operator has to decide.
  fileprivate var needsSomething: Bool {
    !damage.isEmpty || !(state == .clean || state == .torn)
  }
}
