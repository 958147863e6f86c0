import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Presentation

enum ShowCommands {
  static let thing = Argument("KIND", .oneOf(Thing.self), help: "What it is")
  static let id = Argument("ID", .text, help: "Its id")
  static let show = AuditorCommand(
    "show", "Show a program, an event type, a user group, a user or a dispatch, then or now",
    examples: [
      Example("ledger-audit show dispatch 0192…", "Who was told, who wasn't, and why"),
      Example("ledger-audit show user u-7 --as-of 1041", "As it stood after event 1041"),
      Example(
        "ledger-audit show user u-7 --known-at 2026-11-23T18:00:00Z",
        "What could have been told at that time"),
    ], takes: [thing, id] + HistoryOption.all, run: runShow)
  static let list = AuditorCommand(
    "list", "List all things of a kind, by id",
    examples: [Example("ledger-audit list dispatch", "All dispatches and their phases")],
    takes: [thing] + HistoryOption.all, run: runList)

  private static func runShow(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let presenter = try presenter(invocation, world)
    let text = invocation[id]
    guard let id = EntityID(text), try presenter.show(invocation[thing], id, &session) else {
      throw CommandFailure(
        .notFound, "there is no \(invocation[thing].rawValue) '\(text)'",
        hint: "'ledger-audit list \(invocation[thing].rawValue)' shows those that there are")
    }
    return .done
  }

  private static func runList(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    try presenter(invocation, world).list(invocation[thing], &session)
    return .done
  }

  /// Views built from the log alone: those of the ledger prove nothing.
  private static func presenter(
    _ invocation: Invocation, _ world: AuditorWorld
  ) throws(CommandFailure) -> Presenter {
    let point = try HistoryOption.point(invocation)
    let reader = try AuditedLedger(invocation).reader()
    let views = try auditing { () throws(AuditError) in try AuditViews(reader, at: point) }
    return Presenter(views.store, now: views.moment ?? world.now())
  }
}

enum LogCommand {
  static let dispatch = Option(
    "dispatch", "ID", .text, help: "Only events of this dispatch's stream")
  static let type = Option("type", "TYPE", .text, help: "Only events whose type begins with TYPE")
  static let first = Option("first", "ID", .integer(0...Int.max), help: "Only from event ID on")
  static let last = Option("last", "ID", .integer(0...Int.max), help: "Only up to event ID")
  static let entry = AuditorCommand(
    "log", "Print events in the order of the log",
    details: "With --json each stored line is printed as it stands: the bytes that were hashed.",
    examples: [
      Example("ledger-audit log --type notification.", "All that was tried"),
      Example("ledger-audit log --dispatch 0192… --json | jq .", "The stored lines"),
    ], takes: [dispatch, type, first, last], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let reader = try AuditedLedger(invocation).reader()
    let limit = invocation[last].map { UInt64($0) + 1 } ?? .max
    var cursor = reader.events(from: UInt64(invocation[first] ?? 0), to: limit)
    let subject = invocation[dispatch].map { "dispatch/\($0)" }
    while true {
      let stored: StoredEvent?
      do { stored = try cursor.read() } catch { throw CommandFailure(.log(error)) }
      guard let stored else { return .done }
      let envelope: Envelope
      do { envelope = try Envelope(decoding: stored.line) } catch {
        throw CommandFailure(.unreadableEvent(stored.id, error))
      }
      if let subject, !sameBytes(subject, envelope.subject) { continue }
      if let type = invocation[type], !envelope.type.utf8.starts(with: type.utf8) { continue }
      if session.wantsJSON {
        try session.write(stored.line + [UInt8(ascii: "\n")])
      } else {
        try session.print(
          "\(envelope.id) \(envelope.time.text) \(envelope.type) \(envelope.subject)")
      }
    }
  }
}
