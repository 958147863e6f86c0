import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Presentation

enum ShowCommands {
  static let thing = Argument("KIND", .oneOf(Thing.self), help: "What it is")
  static let id = Argument("ID", .text, help: "Its id")
  static let asOf = Option(
    "as-of", "ID", .integer(0...Int.max), help: "As of event ID: later ones are left out")
  static let show = AuditorCommand(
    "show", "Show a program, an event type, a user group, a user or a dispatch, then or now",
    examples: [
      Example("ledger-audit show dispatch 0192…", "Who was told, who wasn't, and why"),
      Example("ledger-audit show user u-7 --as-of 1041", "As it stood after event 1041"),
    ], takes: [thing, id, asOf], run: runShow)
  static let list = AuditorCommand(
    "list", "List all things of a kind, by id",
    examples: [Example("ledger-audit list dispatch", "All dispatches and their phases")],
    takes: [thing, asOf], run: runList)

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
    let reader = try AuditedLedger(invocation).reader()
    let limit = invocation[asOf].map { UInt64($0) + 1 } ?? .max
    let views = try auditing { () throws(AuditError) in try AuditViews(reader, limit: limit) }
    return Presenter(views.store, now: world.now())
  }
}
