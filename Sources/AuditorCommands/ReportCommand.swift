import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Export
import Merkle
import Platform
import Presentation

enum ReportCommand {
  static let dispatch = Argument(optional: "DISPATCH", .text, help: "The dispatch that it is about")
  static let out = Option(
    required: "out", "FILE", .text, help: "The HTML file, which mustn't exist; - is stdout")
  static let entry = AuditorCommand(
    "report", "Write who was told when, and who wasn't and why, as one HTML file",
    details: """
      The file needs nothing else: no script, no font, no other file, and its policy forbids to load any. It
      tells what happened to a dispatch and when, who was told and who wasn't and why, how long before
      the deadline, by which channels, with what proof; the findings of 'recheck'; and how to
      check all of it. Without DISPATCH it is about all dispatches whose requests pass the filters,
      drills apart. The same events give the same bytes. The exit status is 1 where there are findings.

      \(EventFilter.details)
      """,
    examples: [
      Example("ledger-audit report 0192… --out dispatch.html", "One dispatch"),
      Example(
        "ledger-audit report --since 2026-11-01 --until 2026-12-01 --program 1 --out november.html",
        "A program's month"),
    ], takes: [dispatch, out] + EventFilter.options + HistoryOption.all, run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let wanted = try wantedDispatch(invocation)
    let now = world.now()
    var filter = EventFilter(invocation, now: now)
    guard filter.choosesWholeDispatches else {
      throw CommandFailure(
        .usage, "a report is about whole dispatches, and these filters choose single events",
        notDone: "nothing was written", hint: "'ledger-audit log' and 'export' take them")
    }
    let point = try HistoryOption.point(invocation, now: now)
    let ledger = try AuditedLedger(invocation).watched("report", &session)
    let path = invocation[out]
    if path != "-", (try? exists(path)) ?? true {
      throw CommandFailure(.exists, "'\(path)' is there already", notDone: "nothing was written")
    }
    var collector = StoryCollector { event in
      if let wanted { return event.subject == .dispatch(wanted) }
      guard let envelope = try? Envelope(decoding: event.encodeLine()) else { return false }
      return (try? filter.admits(envelope)) ?? false
    }
    let reader = try ledger.reader()
    let recheck = try auditing { () throws(AuditError) in
      try Recheck(reader, at: point, of: wanted, today: world.zones()) {
        collector.take($0)
      }
    }
    let (about, signature) = (subject(wanted, filter), try signature(ledger))
    let report = try auditing { () throws(AuditError) in
      try Report(recheck, collector.stories, about: about, signature: signature)
    }
    try write(report.bytes, to: path, &session)
    return recheck.findingCount == 0 ? .done : .answerIsNo
  }

  private static func wantedDispatch(
    _ invocation: Invocation
  ) throws(CommandFailure) -> EntityID? {
    guard let text = invocation[dispatch] else { return nil }
    guard let id = EntityID(text) else {
      throw CommandFailure(.usage, "'\(text)' can't be a dispatch's id")
    }
    return id
  }

  private static func subject(_ wanted: EntityID?, _ filter: EventFilter) -> String {
    if let wanted { return wanted.text }
    let filters = filter.document.members.map { member in
      if case .string(let text) = member.value { "\(member.key) \(text)" } else { member.key }
    }
    return filters.isEmpty ? "all dispatches" : filters.joined(separator: ", ")
  }

  /// The newest checkpoint, once the log is seen to lead to it.
  private static func signature(
    _ ledger: AuditedLedger
  ) throws(CommandFailure) -> Report.Signature? {
    do throws(Prover.Failure) {
      let prover = try Prover(ledger.storage, identity: ledger.identity)
      return Report.Signature(
        note: String(decoding: prover.note.bytes, as: UTF8.self), size: prover.head.size)
    } catch {
      if case .noCheckpoint = error { return nil }
      return try proving { () throws(Prover.Failure) in throw error }
    }
  }

  private static func write(
    _ bytes: [UInt8], to path: String, _ session: inout Session
  ) throws(CommandFailure) {
    if path == "-" { return try session.write(bytes) }
    do { try replaceFile(path, with: bytes, permissions: 0o644) } catch {
      throw CommandFailure(file: error)
    }
    session.note("the report is \(path)")
  }
}
