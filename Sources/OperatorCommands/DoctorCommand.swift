import Bytes
import Channels
import CommandLineInterface
import EventLog
import Events
import Ledger
import Merkle
import Platform
import Presentation
import Views

enum DoctorCommand {
  static let entry = OperatorCommand(
    "doctor", "Examine the ledger and its surroundings, and say what to do",
    details: """
      Looks at the log's end, the newest checkpoint, keys (also that each user has one), permissions, disk, clock, settings, views
      and notices, a line each: ok, warning or problem, and what to do. Nothing is sent, recorded or
      put right. It doesn't read the whole log: that is 'ledger-audit verify'. The exit status is 1
      where there is a problem; warnings don't change it.
      """,
    examples: [
      Example("dispatch-ledger doctor", "When something is odd, and before a season"),
      Example("dispatch-ledger doctor --json", "For monitoring"),
    ], takes: [], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let path = LedgerPath(invocation[Global.ledger])
    let now = world.surroundings(invocation[Global.actor]).now()
    var diagnosis = try Diagnosis(path, now: now)
    diagnosis.add([settings(path, session)])
    if diagnosis.isWritable, let head = diagnosis.head {
      do throws(CommandFailure) {
        let ledger = try world.open(invocation, NoteBook())
        diagnosis.add(server(ledger))
        let (finding, areUsable) = views(ledger, size: head.size, root: head.root)
        diagnosis.add([finding])
        if areUsable {
          diagnosis.add([personalKeys(ledger)])
          diagnosis.add(try notices(ledger, now: now) + retention(ledger))
        }
      } catch {
        diagnosis.add([.problem("views", error.message, next: error.hint)])
      }
    }
    try print(diagnosis.findings, &session)
    return diagnosis.findings.contains { $0.result == .problem } ? .answerIsNo : .done
  }

  private static func settings(_ path: LedgerPath, _ session: Session) -> Finding {
    do throws(CommandFailure) {
      let codes = try DeliverCommand.channels(path, session).codes.map(\.text)
      return codes.isEmpty
        ? .warning(
          "settings", "no channel is set up", next: "write config.json; FORMAT.md §19 has every key"
        )
        : .ok("settings", "channels: \(codes.joined(separator: ", "))")
    } catch {
      return .problem("settings", error.happened, next: error.hint)
    }
  }

  /// The server that has the ledger, where one runs.
  private static func server(_ ledger: Ledger) -> [Finding] {
    do throws(LedgerError) {
      guard let status = try ledger.serverStatus() else { return [] }
      return [.ok("server", status.text)]
    } catch {
      let failure = CommandFailure(error)
      return [.problem("server", failure.happened, next: failure.hint)]
    }
  }

  /// - Returns: Also whether what the views say can be told.
  private static func views(
    _ ledger: Ledger, size: UInt64, root: Digest
  ) -> (finding: Finding, areUsable: Bool) {
    let rebuild = "'dispatch-ledger view rebuild', or the next command, builds them again"
    switch ledger.views.condition(next: size, root: root) {
    case .current: return (.ok("views", "hold all \(groupedText(size)) events"), true)
    case .behind(let cursor):
      let text = "hold \(groupedText(cursor.next)) events; the next command adds the rest"
      return (.ok("views", text), true)
    case .absent: return (.warning("views", "were never made", next: rebuild), false)
    case .otherVersion: return (.warning("views", "are of another release", next: rebuild), false)
    case .otherRoot: return (.problem("views", "are of another history", next: rebuild), false)
    case .ahead(let cursor):
      let text = "hold \(groupedText(cursor.next)) events, more than the log: its end is lost"
      let next = "keep the files as they are; 'repair --from BACKUP' brings the end back"
      return (.problem("views", text, next: next), false)
    case .unreadable(let error):
      return (.problem("views", CommandFailure(error).happened, next: rebuild), false)
    }
  }

  /// Whether every user has a key, and nobody who is erased.
  private static func personalKeys(_ ledger: Ledger) -> Finding {
    let name = "personal keys"
    let count: Ledger.KeyCount
    do { count = try ledger.countKeys() } catch {
      let failure = CommandFailure(error)
      return .problem(name, failure.happened, next: failure.hint)
    }
    if count.missingCount > 0 {
      let some = count.missing.map(\.text).joined(separator: ", ")
      return .problem(
        name,
        "\(count.missingCount) users have none, so they can't be told: \(some)"
          + (count.missing.count < count.missingCount ? ", …" : ""),
        next: "put keys/ back from a backup of the keys, or import these users again")
    }
    if count.undestroyedCount > 0 {
      return .problem(
        name, "\(count.undestroyedCount) users are erased, and their keys are still there",
        next: "remove keys/erased: the next command that writes destroys them")
    }
    return .ok(name, "every user has one, and nobody who is erased")
  }

  /// What is archived and held, where anything is.
  private static func retention(_ ledger: Ledger) throws(CommandFailure) -> [Finding] {
    let status = try looking { () throws(ViewError) in try RetentionStatus(ledger.views) }
    return status.summary.map { [.ok("retention", $0)] } ?? []
  }

  private static func notices(
    _ ledger: Ledger, now: Instant
  ) throws(CommandFailure) -> [Finding] {
    let views = ledger.views
    let (due, unknown, next) = try looking { () throws(ViewError) in
      (
        try views.notices.dueCount(at: now), try views.attempts.unknown().count,
        try views.notices.nextDue()
      )
    }
    var findings: [Finding] = []
    if due > 0, !ledger.isDelivering {
      findings.append(
        .warning(
          "notices", "\(due) are due, and no process delivers",
          next: "'dispatch-ledger deliver --once' sends them; 'deliver --watch' goes on"))
    } else {
      let rest = next.map { "the next at \($0.text)" } ?? "none to come"
      findings.append(.ok("notices", "\(due) are due, \(rest)"))
    }
    findings.append(
      unknown > 0
        ? .warning(
          "outcomes", "\(unknown) attempts have an unknown outcome",
          next: "ask the provider, then 'dispatch-ledger settle ATTEMPT …'")
        : .ok("outcomes", "none is unknown"))
    return findings
  }

  private static func print(
    _ findings: [Finding], _ session: inout Session
  ) throws(CommandFailure) {
    if session.wantsJSON {
      let checks = findings.map { finding in
        var object = JSONObject()
        object["name"] = .string(finding.name)
        object["next"] = finding.next.map { .string($0) }
        object["result"] = .string(finding.result.rawValue)
        object["text"] = .string(finding.text)
        return JSON.object(object)
      }
      try session.print(json: JSONObject([.init(key: "checks", value: .array(checks))]))
      return
    }
    for finding in findings {
      let style: Style =
        switch finding.result {
        case .ok: .good
        case .warning: .doubtful
        case .problem: .bad
        }
      try session.print(
        finding.result.rawValue, style: style, beside: "\(finding.name): \(finding.text)",
        column: 9)
      if let next = finding.next { try session.print("         -> \(next)") }
    }
  }
}
