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
    let text = invocation[id]
    let dispatch = invocation[thing] == .dispatch ? EntityID(text) : nil
    let presenter = try presenter(invocation, world, of: dispatch, &session)
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
    try presenter(invocation, world, &session).list(invocation[thing], &session)
    return .done
  }

  /// Views built from the log alone: those of the ledger prove nothing.
  ///
  /// - Parameter dispatch: The only thing that is asked for.
  private static func presenter(
    _ invocation: Invocation, _ world: AuditorWorld, of dispatch: EntityID? = nil,
    _ session: inout Session
  ) throws(CommandFailure) -> Presenter {
    let point = try HistoryOption.point(invocation, now: world.now())
    let reader = try AuditedLedger(invocation).watched("read", &session).reader()
    let views = try auditing { () throws(AuditError) in
      guard let dispatch else { return try AuditViews(reader, at: point) }
      return try AuditViews(reader, of: dispatch, at: point)
    }
    return Presenter(views.store, now: views.moment ?? world.now())
  }
}
