import Bytes
import Channels
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger
import Platform

enum DeliverTestCommand {
  static let channel = Argument("CHANNEL", .text, help: "The channel's code in config.json")
  static let address = Argument("ADDRESS", .text, help: "Where to send the notice")
  static let entry = OperatorCommand(
    "deliver test", "Send one test notice, to see that a channel works",
    details: """
      The notice says that it is a test and that nothing is to be done. No event tells of it: it
      belongs to no dispatch. The exit status is 1 where it failed or nobody knows.
      """,
    examples: [
      Example("dispatch-ledger deliver test email ops@example.com", "Does mail arrive?")
    ], takes: [channel, address], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    notes.print(to: &session)
    let channels = try DeliverCommand.channels(ledger.path, session)
    let text = invocation[channel]
    guard let code = ChannelCode(text), channels[code] != nil else {
      throw CommandFailure(
        .notFound, "config.json sets up no channel '\(text)'", notDone: "nothing was sent",
        hint: "'dispatch-ledger config show' prints those that there are")
    }
    let now = SystemClock.now()
    let senderNotes = SenderNotes()
    let sender = Sender(channels, log: senderNotes.add)
    sender.begin(message(on: code, to: invocation[address], ledger.identity.origin, now))
    var outcome: AttemptOutcome?
    while outcome == nil, sender.inFlight > 0 {
      outcome = sender.finished(waitingMilliseconds: 1_000).first?.outcome
    }
    senderNotes.print(to: &session)
    return try print(outcome ?? .unknown(.timeout), &session)
  }

  private static func message(
    on code: ChannelCode, to address: String, _ origin: String, _ now: Instant
  ) -> OutgoingMessage {
    guard let id = EntityID("test"), let zone = ZoneName("UTC") else {
      fatalError("invariant broken: a word is no id")
    }
    let moment = ZonedMoment(
      instant: now, zone: zone, text: now.text, offsetSeconds: 0, tzdata: "none")
    let content = NoticeContent(
      dispatchID: id, modification: 1, programName: "channel \(code.text)", kind: .start,
      isTest: true, isLate: false, start: moment, end: moment)
    return OutgoingMessage(
      // Far above every event's id, and another one each time.
      attempt: EventID(max(0, now.microseconds)), origin: origin, dispatchID: id,
      modification: 1, userID: id, channel: code, number: 1, kind: .start, isTest: true,
      start: now, address: address, text: content.builtinText())
  }

  private static func print(
    _ outcome: AttemptOutcome, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var document = JSONObject()
    document["v"] = 1
    var words: String
    var isGood = false
    switch outcome {
    case .unknown:
      words = "unknown: no answer came after it had been sent"
      document["outcome"] = "unknown"
    case .reported(let report):
      words = report.outcome.rawValue
      document["outcome"] = .string(report.outcome.rawValue)
      document["code"] = report.code.map { .string($0) }
      document["provider_id"] = report.providerID.map { .string($0) }
      document["detail"] = report.detail.map { .string($0) }
      document["retryable"] = report.isRetryable.map { .bool($0) }
      for part in [report.code, report.providerID, report.detail] {
        if let part { words += "; \(part)" }
      }
      isGood = [.accepted, .inTransit, .delivered].contains(report.outcome)
    }
    if session.wantsJSON { try session.print(json: document) } else { try session.print(words) }
    return isGood ? .done : .answerIsNo
  }
}
