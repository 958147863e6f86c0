import Audit
import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Platform

enum RecheckCommand {
  static let dispatch = Argument(
    optional: "DISPATCH", .text, help: "Only what concerns this dispatch")
  static let entry = AuditorCommand(
    "recheck", "Make every decision again from history, and tell who was told in time",
    details: """
      Every request, resolution, attempt and result is decided again from the events before it, by
      the rules that its event names; what differs is a finding, named by the event's id. The books
      are balanced, and each recipient gets a verdict: on-time, late, never, unprovable, or open
      while the deadline is still to come. Neither keys nor views are needed. FORMAT.md §17 says
      what each finding means, EVENTS.md how verdicts are made. The exit status is 1 where there
      are findings.
      """,
    examples: [
      Example("ledger-audit recheck", "The whole ledger"),
      Example("ledger-audit recheck 0192… --json", "One dispatch, as one object"),
      Example(
        "ledger-audit recheck --known-at 2026-11-23T18:00:00Z",
        "What could have been told at that time"),
    ], takes: [dispatch] + HistoryOption.all, run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var wanted: EntityID?
    if let text = invocation[dispatch] {
      guard let id = EntityID(text) else {
        throw CommandFailure(.usage, "'\(text)' can't be a dispatch's id")
      }
      wanted = id
    }
    let point = try HistoryOption.point(invocation, now: world.now())
    let reader = try AuditedLedger(invocation).watched("recheck", &session).reader()
    let recheck = try auditing { () throws(AuditError) in
      try Recheck(
        reader, at: point, of: wanted, workers: { doAtOnce($0, $1) }, today: world.zones())
    }
    if session.wantsJSON {
      var document = recheck.document
      while let bytes = try auditing({ () throws(AuditError) in try document.read() }) {
        try session.write(bytes)
      }
      try session.write([UInt8(ascii: "\n")])
    } else {
      try print(recheck, &session)
    }
    return recheck.findingCount == 0 ? .done : .answerIsNo
  }

  // MARK: - For people

  private static func print(
    _ recheck: Recheck, _ session: inout Session
  ) throws(CommandFailure) {
    for finding in recheck.findings { try print(finding, &session) }
    if recheck.findingCount > recheck.findings.count {
      try session.print(
        "… and \(recheck.findingCount - recheck.findings.count) more findings", style: .bad)
    }
    for note in recheck.notes {
      let events = note.first == note.last ? "\(note.first)" : "\(note.first) to \(note.last)"
      try session.print("note: event \(events): \(note.message)", style: .doubtful)
    }
    if recheck.noteCount > recheck.notes.count {
      try session.print("… and \(recheck.noteCount - recheck.notes.count) more notes")
    }
    var (real, test) = (VerdictCounts(), VerdictCounts())
    var accounts = recheck.accounts
    while let account = try auditing({ () throws(AuditError) in try accounts.read() }) {
      try print(account, &session)
      for modification in account.modifications {
        if account.isTest { test.add(modification) } else { real.add(modification) }
      }
    }
    try session.print("taken as it stands:")
    for omission in recheck.omissions {
      try session.print("  \(omission.what): \(omission.why)")
    }
    try session.print([
      "ledger": "\(recheck.identity.origin) (\(recheck.identity.id.hex))",
      "events": "\(recheck.size) read, \(recheck.examined) examined, "
        + "\(recheck.rechecked) just as the rules make them",
      "root": recheck.root?.base64 ?? "-",
      "REAL": words(real), "TEST": words(test),
      "findings": "\(recheck.findingCount)", "notes": "\(recheck.noteCount)",
    ])
  }

  private static func words(_ counts: VerdictCounts) -> String {
    Verdict.allCases.map { "\($0.rawValue) \(counts[$0])" }.joined(separator: ", ")
  }

  private static func print(
    _ finding: Finding, _ session: inout Session
  ) throws(CommandFailure) {
    let dispatch = finding.dispatch.map { ", dispatch \($0.text)" } ?? ""
    try session.print(
      "finding: event \(finding.event) \(finding.kind.rawValue)\(dispatch): \(finding.message)",
      style: .bad)
    for difference in finding.differences {
      try session.print("  \(difference.path)")
      try session.print("    should be \(difference.expected ?? "-")")
      try session.print("    is        \(difference.found ?? "-")")
    }
  }

  private static func print(
    _ account: DispatchAccount, _ session: inout Session
  ) throws(CommandFailure) {
    try session.print(
      "dispatch \(account.id.text) \(account.isTest ? "TEST" : "REAL") program "
        + "\(account.programID.text) start \(account.start.instant.text) end "
        + (account.end?.instant.text ?? "open"), style: .strong)
    for modification in account.modifications {
      let states = NoticeState.allCases.filter { modification.count($0) > 0 }
        .map { "\($0.rawValue) \(modification.count($0))" }.joined(separator: ", ")
      let escalated =
        modification.escalated > 0 ? ", \(modification.escalated) by escalation" : ""
      try session.print(
        "  modification \(modification.number) \(modification.kind.rawValue): considered "
          + "\(modification.recipients + modification.exclusions) = \(modification.recipients) "
          + "recipients + \(modification.exclusions) exclusions\(escalated)"
          + (states.isEmpty ? "" : "; \(states)")
          + (modification.deadline.map { "; deadline \($0.text)" } ?? ""))
      for told in modification.told { try session.print("    \(line(told))") }
    }
  }

  private static func line(_ told: Told) -> String {
    var line = told.userID.text
    if told.isEscalated { line += " by escalation" }
    if let verdict = told.verdict { line += " \(verdict.rawValue)" }
    if let minutes = told.minutes { line += " \(minutes) min" }
    line += " \(told.state.rawValue)"
    if let reason = told.reason { line += " \(reason.rawValue)" }
    if let proof = told.proof {
      line += ", told \(proof.at.text) by event \(proof.event), evidence \(proof.evidence.rawValue)"
      if proof.isByClock { line += ", by a clock that was behind" }
    }
    return line
  }
}
