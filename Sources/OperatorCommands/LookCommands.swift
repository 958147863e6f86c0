import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger
import Merkle
import Presentation
import Views

enum ShowCommands {
  static let thing = Argument("KIND", .oneOf(Thing.self), help: "What it is")
  static let id = Argument("ID", .text, help: "Its id")
  static let show = OperatorCommand(
    "show", "Show a program, a user, a dispatch, a rule or another thing as it stands",
    examples: [
      Example("dispatch-ledger show dispatch 0192…", "Who was told, who wasn't, and why"),
      Example("dispatch-ledger show user u-7 --json", "For a program to read"),
    ], takes: [thing, id], run: runShow)
  static let list = OperatorCommand(
    "list", "List all things of a kind, by id",
    examples: [Example("dispatch-ledger list dispatch", "All dispatches and their phases")],
    takes: [thing], run: runList)

  private static func runShow(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let presenter = try presenter(invocation, world, &session)
    let text = invocation[id]
    guard let id = EntityID(text), try presenter.show(invocation[thing], id, &session) else {
      throw CommandFailure(
        .notFound, "there is no \(invocation[thing].rawValue) '\(text)'",
        hint: "'dispatch-ledger list \(invocation[thing].rawValue)' shows those that there are")
    }
    return .done
  }

  private static func runList(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    try presenter(invocation, world, &session).list(invocation[thing], &session)
    return .done
  }

  /// The views at the log's end; the lock is let go before anything is printed.
  private static func presenter(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> Presenter {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let now = try inLedger { () throws(LedgerError) in try ledger.takeTurn().now }
    notes.print(to: &session)
    return Presenter(ledger.views, now: now)
  }
}

enum StatusCommand {
  static let entry = OperatorCommand(
    "status", "Tell at a glance how the ledger stands",
    details: "'doctor' looks at what surrounds it: keys, permissions, disk, clock, settings.",
    examples: [Example("dispatch-ledger status", "Size, root, what is due, what is unknown")],
    takes: [], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let server = try inLedger { () throws(LedgerError) in try ledger.serverStatus() }
    let turn = try inLedger { () throws(LedgerError) in try ledger.takeTurn() }
    notes.print(to: &session)
    let (size, root, now) = (turn.size, turn.root, turn.now)
    let views = ledger.views
    let signed = try signedSize(ledger)
    let counts = try looking { () throws(ViewError) in
      (
        due: try views.notices.dueCount(at: now), open: try views.attempts.open().count,
        unknown: try views.attempts.unknown().count, next: try views.notices.nextDue(),
        types: try views.typeCounts.list()
      )
    }
    let retained = try looking { () throws(ViewError) in try RetentionStatus(views) }
    var document = JSONObject()
    document["archives"] = retained.archivesDocument
    document["checkpoint"] = signed.map { .string(String($0)) }
    document["due"] = .integer(Int64(counts.due))
    document["events"] = .object(
      JSONObject(
        counts.types.map { .init(key: $0.type.rawValue, value: .integer(Int64($0.events))) }))
    document["holds"] = retained.holdsDocument
    document["ledger_id"] = .string(ledger.identity.id.hex)
    document["next_due"] = counts.next.map { .string($0.text) }
    document["open_attempts"] = .integer(Int64(counts.open))
    document["origin"] = .string(ledger.identity.origin)
    document["root"] = .string(root.base64)
    document["server"] = server.map { .object($0.document) }
    document["size"] = .string(String(size))
    document["unknown_outcomes"] = .integer(Int64(counts.unknown))
    document["v"] = 1
    guard !session.wantsJSON else {
      try session.print(json: document)
      return .done
    }
    var block: KeyValueBlock = [
      "ledger": "\(ledger.identity.origin) (\(ledger.identity.id.hex))",
      "size": "\(size) events", "root": root.base64,
      "checkpoint": signed.map { "\($0) events" + ($0 < size ? ", \(size - $0) came since" : "") }
        ?? "none",
      "notices due": "\(counts.due)", "attempts without a result": "\(counts.open)",
      "unknown outcomes": "\(counts.unknown)",
    ]
    if let server { block.append("server", server.text) }
    if let next = counts.next { block.append("next notice due", next.text) }
    for count in counts.types { block.append(count.type.rawValue, "\(count.events)") }
    try session.print(block)
    if counts.due > 0 { session.note("'dispatch-ledger deliver --once' sends what is due") }
    for line in retained.lines { try session.print(line) }
    if counts.unknown > 0 {
      session.note("'dispatch-ledger settle' closes an unknown outcome that the program holds")
    }
    if (signed ?? 0) < size { session.note("'dispatch-ledger checkpoint' signs what came since") }
    return .done
  }

  /// How many events the newest checkpoint covers, as it says itself.
  private static func signedSize(_ ledger: Ledger) throws(CommandFailure) -> UInt64? {
    do {
      let note = try CheckpointFiles(ledger.storage).readNewest()
      return note.flatMap { (try? Checkpoint(text: $0.text))?.head.size }
    } catch {
      throw CommandFailure(error)
    }
  }
}

enum ViewCommands {
  static let check = OperatorCommand(
    "view check", "Build the views aside from the log and compare",
    examples: [Example("dispatch-ledger view check", "Exit status 1 where they differ")],
    takes: [], run: runCheck)
  static let rebuild = OperatorCommand(
    "view rebuild", "Build the views and the stream indexes again from the log",
    examples: [Example("dispatch-ledger view rebuild", "What they held before is dropped")],
    takes: [], run: runRebuild)

  private static func runCheck(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let difference = try inLedger { () throws(LedgerError) in
      let turn = try ledger.takeTurn()
      return try ledger.differenceFromLog(upTo: turn.durable)
    }
    notes.print(to: &session)
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "difference", value: difference.map { .string($0) } ?? .null),
          .init(key: "same", value: .bool(difference == nil)), .init(key: "v", value: 1),
        ]))
    } else {
      try session.print(difference ?? "the views are what the log says")
    }
    guard difference != nil else { return .done }
    session.note("'dispatch-ledger view rebuild' builds them again")
    return .answerIsNo
  }

  private static func runRebuild(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    try inLedger { () throws(LedgerError) in
      let turn = try ledger.takeTurn()
      try ledger.rebuildViews(to: turn.durable)
      turn.rebuildStreams()
    }
    notes.print(to: &session)
    session.note("the views were built again")
    return .done
  }
}

/// Runs look-ups in the views.
func looking<Result>(
  _ body: () throws(ViewError) -> Result
) throws(CommandFailure) -> Result {
  do { return try body() } catch { throw CommandFailure(error) }
}
