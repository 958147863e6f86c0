import Bytes
import CommandLineInterface
import EventLog
import Events
import Ledger

enum ArchiveCommand {
  static let before = Option(
    required: "before", "DATE", .time, help: "Only segments all of whose events are older")
  static let destination = Argument(
    "DEST", .text, help: "The archive's directory: a new one, or that of an interrupted call")
  static let entry = OperatorCommand(
    "archive", "Move old segments out of the ledger, with a record of what went where",
    details: """
      Moves the closed segments from the first on that hold nothing but events recorded before DATE;
      the last segment stays ('rotate log' closes it). They are copied and the copy is verified with
      the rest of the ledger; what the present needs of them is kept in snapshot/; then
      ledger.archived says which files went, with their hashes, and a checkpoint is signed; and only
      then they are removed here. An interrupted call is finished by the same call.

      Afterwards 'ledger-audit verify' vouches for the archived events by their root, and with --with
      DEST by every byte. What asks for an archived event says which archive holds it: 'attach' brings
      it back. The archive holds no keys. Exit status 1 where nothing is old enough.
      """,
    examples: [
      Example(
        "dispatch-ledger archive --before 2020-01 /mnt/archive/2019", "All that is older than 2020")
    ], takes: [before, destination], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let now = world.surroundings(invocation[Global.actor]).now()
    let time = invocation[before].instant(at: now)
    let outcome = try inLedger { () throws(LedgerError) in
      try ledger.archive(before: time, to: invocation[destination])
    }
    notes.print(to: &session)
    guard let outcome else {
      if session.wantsJSON {
        try session.print(json: ["archive_id": .null, "v": 1])
      } else {
        try session.print("no closed segment holds nothing but events from before \(time.text)")
        session.note("'dispatch-ledger rotate log' closes the active segment")
      }
      return .answerIsNo
    }
    if session.wantsJSON {
      try session.print(json: outcome.document)
    } else {
      try session.print(
        "archive \(outcome.id.text): events \(outcome.first) to \(outcome.last), "
          + "\(outcome.segments) segments, \(outcome.bytes) bytes"
          + (outcome.wasThere ? "; the copies were there, and are as recorded" : ", verified"))
      session.note(
        "'ledger-audit verify --with \(invocation[destination])' checks the archived events too")
    }
    return .done
  }
}

enum AttachCommand {
  static let directory = Argument("DIR", .text, help: "The archive's directory")
  static let reason = Option("reason", "TEXT", .text, help: "Why; it is recorded")
  static let entry = OperatorCommand(
    "attach", "Bring an archive's segments back into the ledger",
    details: """
      The archive must be one that the ledger recorded, each file with the hash that was recorded. It
      stays as it is; archiving to it again only compares the copies and removes those of the ledger.
      Of several archives, the latest is brought back first.
      """,
    examples: [
      Example("dispatch-ledger attach /mnt/archive/2019 --reason 'audit of 2026'", "For an audit")
    ], takes: [directory, reason],
    run: { (invocation, world, session) throws(CommandFailure) in
      let notes = NoteBook()
      let ledger = try world.open(invocation, notes)
      let outcome = try inLedger { () throws(LedgerError) in
        try ledger.attach(invocation[directory], reason: invocation[reason])
      }
      notes.print(to: &session)
      if session.wantsJSON {
        try session.print(json: outcome.document)
      } else {
        try session.print(
          "archive \(outcome.id.text): events \(outcome.first) to \(outcome.last) are "
            + (outcome.wasThere ? "in the ledger already" : "back in the ledger"))
      }
      return .done
    })
}

enum DisposeCommand {
  static let dryRun = Option(flag: "dry-run", help: "Say what would be done or stands in the way")
  static let entry = OperatorCommand(
    "dispose", "Destroy an archive that nothing keeps any more, and leave a certificate",
    details: """
      Refused, with exit status 1 and every reason, while the ledger holds events of the archive
      itself, while the retention of an event's program isn't over (of an event of no program: the
      longest of all programs), or while a legal hold covers an event. A program that says nothing of
      retention keeps its events for ever.

      ledger.disposed, the certificate, is durable before anything is destroyed; an interrupted call
      is finished by the same call, and one that is made again says when that was done, and by which
      event. Other copies and backups are out of this program's reach.
      """,
    examples: [
      Example("dispatch-ledger dispose /mnt/archive/2019 --dry-run --reason test", "May it go?"),
      Example(
        "dispatch-ledger dispose /mnt/archive/2019 --reason 'retention of 7 years is over'",
        "Destroy it"),
    ], takes: [AttachCommand.directory, Shared.reason, dryRun], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let isDry = invocation[dryRun]
    let outcome: ArchiveOutcome
    do throws(LedgerError) {
      outcome = try ledger.dispose(
        of: invocation[AttachCommand.directory], reason: invocation[Shared.reason], isDry: isDry)
    } catch {
      guard case .archive(.kept(let id, let obstacles)) = error else {
        throw CommandFailure(error)
      }
      notes.print(to: &session)
      try print(obstacles, to: id, &session)
      return .answerIsNo
    }
    notes.print(to: &session)
    if session.wantsJSON {
      var document = outcome.document
      document["disposed"] = .bool(!isDry || outcome.disposal != nil)
      document["event"] = outcome.disposal.map { .string(String($0.event)) }
      document["time"] = outcome.disposal?.time.map { .string($0.text) }
      try session.print(json: document)
    } else {
      try session.print(
        "archive \(outcome.id.text): events \(outcome.first) to \(outcome.last), "
          + "\(outcome.segments) segments, "
          + standing(outcome, isDry: isDry))
      session.note("other copies and backups of these events are out of reach")
    }
    return .done
  }

  private static func standing(_ outcome: ArchiveOutcome, isDry: Bool) -> String {
    guard let disposal = outcome.disposal else {
      return isDry ? "may be disposed of" : "destroyed, and the ledger says so"
    }
    let time = disposal.time.map { " at \($0.text)" } ?? ""
    return "disposed of\(time), as event \(disposal.event) says"
  }

  private static func print(
    _ obstacles: [Obstacle], to id: EntityID, _ session: inout Session
  ) throws(CommandFailure) {
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "archive_id", value: .string(id.text)),
          .init(key: "disposed", value: false),
          .init(key: "kept", value: .array(obstacles.map { .object($0.document) })),
          .init(key: "v", value: 1),
        ]))
      return
    }
    try session.print("archive \(id.text) is kept; nothing was destroyed", style: .bad)
    for obstacle in obstacles { try session.print("  \(obstacle.text)") }
  }
}

extension ArchiveOutcome {
  fileprivate var document: JSONObject {
    JSONObject([
      .init(key: "archive_id", value: .string(id.text)),
      .init(key: "bytes", value: .string(String(bytes))),
      .init(key: "first", value: .string(String(first))),
      .init(key: "last", value: .string(String(last))),
      .init(key: "segments", value: .integer(Int64(segments))), .init(key: "v", value: 1),
      .init(key: "was_there", value: .bool(wasThere)),
    ])
  }
}

extension Obstacle {
  fileprivate var text: String {
    let events =
      count == 1 ? "event \(first)" : "\(count) events from \(first) to \(last)"
    switch reason {
    case .retention(let program?, let period, let until):
      return "\(events) of program \(program.text): retention \(period.text), until \(day(until))"
    case .retention(nil, let period, let until):
      return "\(events) of no program: the longest retention is \(period.text), until \(day(until))"
    case .forEver(let program?):
      return "\(events) of program \(program.text): it has no retention, so they are kept for ever"
    case .forEver(nil):
      return "\(events) of no program: not every program has a retention, so they are kept for ever"
    case .hold(let hold): return "\(events): hold \(hold.text) covers them"
    }
  }

  private func day(_ instant: Instant) -> String { String(instant.text.prefix(10)) }

  fileprivate var document: JSONObject {
    var document = JSONObject()
    document["count"] = .integer(Int64(count))
    document["first"] = .string(String(first))
    document["last"] = .string(String(last))
    switch reason {
    case .retention(let program, let period, let until):
      document["program_id"] = program.map { .string($0.text) }
      document["reason"] = "retention"
      document["retention"] = .string(period.text)
      document["until"] = .string(until.text)
    case .forEver(let program):
      document["program_id"] = program.map { .string($0.text) }
      document["reason"] = "no-retention"
    case .hold(let hold):
      document["hold"] = .string(hold.text)
      document["reason"] = "hold"
    }
    return document
  }
}
