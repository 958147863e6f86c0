import Bytes
import Channels
import CommandLineInterface
import Dispatching
import Events
import Ledger
import Platform

enum DeliverCommand {
  static let once = Option(flag: "once", help: "Send what is due now, and end (the default)")
  static let watch = Option(
    flag: "watch", help: "Go on: send what becomes due, until SIGTERM or SIGINT")
  static let logFile = Option(
    "log-file", "FILE", .text,
    help: "Append what the worker does, one JSON object a line; opened anew on SIGHUP")
  static let dryRun = Option(
    flag: "dry-run", help: "Print what is due and what would fire, and send nothing")
  static let entry = OperatorCommand(
    "deliver", "Send the notices that are due",
    details: """
      Each attempt is durable before its message leaves, and its outcome is recorded after. An
      attempt that a crash left without an outcome becomes unknown, and the program's policy decides
      what follows. Channels are set up in config.json. The exit status is 1 where a notice failed
      or waits for a channel. With --watch the first SIGTERM ends the command once all that is on
      its way is recorded, and a request or commands that are renamed into inbox/ are done: the file
      moves to accepted/ or refused/, its receipt or error beside it. The log file is no evidence; it
      names no person.
      """,
    examples: [
      Example("dispatch-ledger deliver --once", "Send what is due"),
      Example("dispatch-ledger deliver --dry-run", "See what would be sent"),
      Example(
        "dispatch-ledger deliver --watch --log-file deliver.log", "Send whatever becomes due"),
    ], takes: [once, watch, dryRun, logFile], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let channels = try channels(ledger.path, session)
    if invocation[once], invocation[watch] {
      throw CommandFailure(.usage, "--once and --watch exclude each other")
    }
    if invocation[dryRun] {
      let (plan, watched) = try inLedger { () throws(LedgerError) in
        try ledger.planDelivery(through: channels, limit: 1_000)
      }
      notes.print(to: &session)
      return try print(plan, watched, &session)
    }
    do { try StopRequest.listen() } catch { throw CommandFailure(error) }
    let log = try log(to: invocation[logFile])
    let inbox = try invocation[watch] ? Inbox(of: ledger) : nil
    let report = try inLedger { () throws(LedgerError) in
      let worker = try Worker(ledger, through: channels, log: log.add)
      guard let inbox else { return try worker.deliverOnce { StopRequest.isMade } }
      return try worker.watch(
        intake: inbox.takeAll, wait: { StopRequest.wait(milliseconds: $0) })
    }
    notes.print(to: &session)
    log.print(to: &session)
    return try print(report, asJSON: session.wantsJSON, &session)
  }

  /// Sends what is due after a call whose receipt was printed; standard output gets no more than
  /// notices.
  static func deliver(
    after invocation: Invocation, _ channels: ChannelSet, _ world: OperatorWorld,
    _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let log = try log(to: nil)
    let report: DeliveryReport
    do throws(CommandFailure) {
      do { try StopRequest.listen() } catch { throw CommandFailure(error) }
      let ledger = try world.open(invocation, notes)
      do throws(LedgerError) {
        let worker = try Worker(ledger, through: channels, log: log.add)
        report = try worker.deliverOnce { StopRequest.isMade }
      } catch {
        if case .delivering = error {
          session.note(
            "another process is delivering: the notices stay due for it, or for the next 'deliver'")
          return .done
        }
        throw CommandFailure(error)
      }
    } catch {
      throw CommandFailure(
        error.status, error.happened, stillGood: "the call is recorded, as its receipt says",
        notDone: "not all notices that are due were sent",
        hint: "'dispatch-ledger deliver --once' sends what is still due")
    }
    notes.print(to: &session)
    log.print(to: &session)
    return try print(report, asJSON: false, &session)
  }

  private static func log(to path: String?) throws(CommandFailure) -> DeliveryLog {
    do { return try DeliveryLog(path: path, now: SystemClock.now) } catch {
      throw CommandFailure(error)
    }
  }

  /// The channels that the settings name.
  static func channels(
    _ path: LedgerPath, _ session: Session
  ) throws(CommandFailure) -> ChannelSet {
    let configuration = try ConfigCommands.configuration(path, session.console)
    // With --json standard output holds one object, so notices go where talk goes.
    let sink = session.wantsJSON ? session.console.talk : session.console.output
    func print(_ bytes: [UInt8]) -> Int32? {
      do throws(SinkError) {
        try sink(bytes)
        return nil
      } catch {
        // EPIPE is 32 on every system we know.
        if case .failed(let code) = error { return code }
        return 32
      }
    }
    do {
      return try ChannelSet(
        configuration, directory: path.directory, environment: session.console.environment,
        print: print)
    } catch {
      throw CommandFailure(error)
    }
  }

  private static func print(
    _ report: DeliveryReport, asJSON: Bool, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let waiting = report.unsendable.sorted { $0.key.text < $1.key.text }
    if asJSON {
      var document = JSONObject()
      document["accepted"] = .integer(Int64(report.accepted))
      document["attempts"] = .integer(Int64(report.attempts))
      document["failed"] = .integer(Int64(report.failed))
      document["lost"] = .integer(Int64(report.lost))
      document["suppressed"] = .integer(Int64(report.suppressed))
      document["unknown"] = .integer(Int64(report.unknown))
      document["without_key"] = .integer(Int64(report.withoutKey))
      document["waiting"] = .object(
        JSONObject(waiting.map { .init(key: $0.key.text, value: .integer(Int64($0.value))) }))
      document["v"] = 1
      try session.print(json: document)
    } else {
      session.note(
        "\(report.attempts) attempts: \(report.accepted) accepted, \(report.failed) failed, "
          + "\(report.unknown) unknown; \(report.suppressed) notices suppressed")
    }
    if report.lost > 0 {
      session.warn("\(report.lost) attempts of an earlier run have no outcome: they are unknown")
    }
    if report.withoutKey > 0 {
      session.warn(
        "\(report.withoutKey) notices weren't sent: their users' keys are missing; see 'doctor'")
    }
    for (code, count) in waiting {
      session.warn(
        "\(count) notices wait for the channel '\(code.text)', which config.json doesn't set up")
    }
    let isDone =
      report.failed == 0 && report.unknown == 0 && report.withoutKey == 0
      && waiting.isEmpty
    return isDone ? .done : .answerIsNo
  }

  private static func print(
    _ plan: NoticePlan, _ watched: [WatchedDispatch], _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var table = Table(
      .exact("DISPATCH"), .number("MOD"), .text("USER"), .exact("CHANNEL"), .exact("KIND"))
    for attempt in plan.attempts {
      table.append(
        attempt.key.dispatchID.text, "\(attempt.key.modification)", attempt.key.userID.text,
        attempt.channel.text, attempt.kind.rawValue + (attempt.isLate ? " LATE" : ""))
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "attempts", value: .integer(Int64(plan.attempts.count))),
          .init(
            key: "deferrals", value: .integer(Int64(plan.heldBack.count - plan.suppressionCount))),
          .init(key: "suppressions", value: .integer(Int64(plan.suppressionCount))),
          .init(key: "v", value: 1),
          .init(key: "waiting", value: .integer(Int64(plan.unsendable.count))),
          .init(key: "watched", value: .array(watched.map { .string($0.text) })),
        ]))
    } else {
      try session.print(table)
      for one in watched { try session.print(one.text) }
    }
    return .done
  }
}

/// What the sender told while it sent, to be printed by whoever holds the session.
final class SenderNotes {
  private var notes: [SenderNote] = []
  private var segments = 0

  /// The most that are kept; a command that writes nonsense may write much of it.
  private static let limit = 100

  func add(_ note: SenderNote) {
    // One line for all SMS together.
    if case .segments(_, let count) = note {
      segments += count
    } else if notes.count < Self.limit {
      notes.append(note)
    }
  }

  func print(to session: inout Session) {
    if segments > 0 { session.note("SMS sent in \(segments) segments") }
    for note in notes { session.warn(note.text) }
  }
}
