import Audit
import Bytes
import CommandLineInterface
import EventLog

enum VerifyCommand {
  static let entry = AuditorCommand(
    "verify", "Check every byte of the ledger",
    details: """
      Recomputes every checksum, hash and root, checks every event's form and place, and says what
      can't be vouched for. With --json it prints the report that FORMAT.md §7 specifies, the same
      that any other implementation prints. The ledger's key isn't checked: what passes is
      consistent in itself.
      """,
    examples: [
      Example("ledger-audit verify -C ledger", "Exit status 0, 4 for damage, 5 for a doubtful end"),
      Example("ledger-audit verify --json", "One object"),
    ], takes: [], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try AuditedLedger(invocation)
    let verification: Verification
    do {
      verification = try Verification(ledger.storage, identity: ledger.identity)
    } catch {
      throw CommandFailure(.log(error))
    }
    let report = verification.report
    if session.wantsJSON {
      guard case .object(let object) = report.json(of: ledger.identity) else {
        fatalError("invariant broken: a report is no object")
      }
      try session.print(json: object)
    } else {
      try print(report, ledger.identity, &session)
    }
    switch verification.verdict {
    case .whole: return .done
    case .violated: return .integrityViolation
    case .needsRepair: return .needsRepair
    }
  }

  private static func print(
    _ report: LogReport, _ identity: LedgerIdentity, _ session: inout Session
  ) throws(CommandFailure) {
    for damage in report.damage {
      let ids =
        damage.ids.isEmpty
        ? "no events" : "events \(damage.ids.lowerBound) to \(damage.ids.upperBound - 1)"
      try session.print(
        "\(damage.kind.rawValue): \(ids), \(LogPath.segment(damage.segment)) byte \(damage.offset)",
        style: .bad)
    }
    try session.print([
      "ledger": "\(identity.origin) (\(identity.id.hex))", "state": report.state.rawValue,
      "events": "\(report.size) whole and durable", "root": report.root.base64,
    ])
    if report.notDurable > 0 {
      try session.print("\(report.notDurable) more events are whole, but not yet durable")
    }
    if report.damage.isEmpty, report.state == .clean || report.state == .torn {
      try session.print("internally consistent, not authenticated", style: .good)
    }
  }
}
