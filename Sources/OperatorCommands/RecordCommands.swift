import Bytes
import Channels
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger
import Merkle
import Platform

/// Options that more than one command shares.
enum Shared {
  static let key = Option(
    "key", "KEY", .text,
    help: "The call's idempotency key: repeating it with the same content changes nothing")
  static let expect = Option(
    "expect", "SIZE", .integer(0...Int.max),
    help: "Refuse unless the ledger has SIZE events before the first commit")
  static let batch = Option(
    "batch", "N", .integer(1...Int.max),
    help: "Commit after each N entries, and say up to which the input is durable")
  /// What the details of each command that takes it say of it.
  static let batchDetails = """
    A call is one commit, or exits 65 where it is too large for one. With --batch N it is a commit
    every N entries, and each is told on standard error once it is durable. A call that was stopped
    between two goes on after the last one when it is repeated with its --key, with any N; what was
    done is answered again, and marked as repeated. All of the input is parsed before anything is
    appended. What other commands do may come between two batches.
    """
  static let reason = Option(
    required: "reason", "TEXT", .text, help: "Why; it is recorded, so it names no person")
  static let at = Option(
    "at", "TIME", .text, help: "When it was so, an RFC 3339 time with an offset; now without it")
  static let dispatch = Argument("DISPATCH", .text, help: "The dispatch's id")
}

enum ImportCommand {
  /// What is imported.
  enum Format: String, CaseIterable, Sendable { case catalogue, openadr }

  static let file = Argument("FILE", .input, help: "A JSON document; - is stdin")
  static let format = Option(
    "format", "FORMAT", .oneOf(Format.self), default: "catalogue", help: "What the document is")
  static let timeZone = Option(
    "time-zone", "ZONE", .text, help: "openadr: the zone of programs that aren't defined yet")
  static let channels = Option(
    "channels", "LIST", .text, help: "openadr: the channels of such programs, as in sms,email")
  static let eventType = Option(
    "event-type", "ID", .text, help: "openadr: the market event type that all events call")
  static let entry = OperatorCommand(
    "import", "Define or change programs, event types, user groups, users, templates and rules",
    details: """
      The document has the lists programs, event_types, user_groups, users, templates and rules, each
      optional. An entry that is as it stands appends nothing. A template or rule that is no longer to
      be used is {"id":…,"withdrawn":true}.

      \(Shared.batchDetails)

      Entries are counted over user_groups, event_types, programs, users, templates and rules, in
      this order.

      openadr: programs and events of OpenADR 3.1 or 3.0.1, one object or an array, as a VTN gives
      them. A program that isn't defined yet needs --time-zone and --channels, unless 'ledger-audit
      export' wrote it; one that is stays as it is. An event becomes a dispatch of the market event
      type whose user groups are its targets, and is kept as it was given. An event that was imported
      before is not taken again; one that was cancelled since cancels its dispatch; one that has other
      times since is refused, with exit status 3. What a dispatch can't say is refused or named.
      FORMAT.md §26.2 has the rules.
      """,
    examples: [
      Example("dispatch-ledger import catalogue.json", "All of a document"),
      Example("jq … | dispatch-ledger import - --key nightly-2026-11-23", "Safe to repeat"),
      Example(
        "dispatch-ledger import all.json --batch 5000 --key first", "More than one commit takes"),
      Example("dispatch-ledger import --format openadr events.json", "What a VTN calls"),
    ],
    takes: [
      file, format, timeZone, channels, eventType, Shared.key, Shared.batch, Shared.expect,
    ], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let isOpenADR = invocation[format] == .openadr
    let misplaced: [(String, Bool)] = [
      ("--time-zone", invocation[timeZone] != nil && !isOpenADR),
      ("--channels", invocation[channels] != nil && !isOpenADR),
      ("--event-type", invocation[eventType] != nil && !isOpenADR),
      ("--key", invocation[Shared.key] != nil && isOpenADR),
      ("--batch", invocation[Shared.batch] != nil && isOpenADR),
      ("--expect", invocation[Shared.expect] != nil && isOpenADR),
    ]
    if let what = misplaced.first(where: \.1)?.0 {
      throw CommandFailure(
        .usage, "\(what) doesn't go with --format \(invocation[format].rawValue)",
        notDone: "nothing was appended")
    }
    if isOpenADR { return try OpenADRImport.run(invocation, world, &session) }
    let catalogue = try CallInput.catalogue(CallInput.read(invocation[file]))
    return try submit(
      CallText(call: Call(catalogue), lines: []), invocation, invocation[Shared.batch], world,
      &session)
  }
}

enum DispatchCommand {
  static let file = Argument("FILE", .input, help: "A request, or JSON Lines of them; - is stdin")
  static let test = Option(flag: "test", help: "Mark it as a drill: every notice says TEST")
  static let deliver = Option(
    flag: "deliver", help: "Then send what is due, as 'deliver --once' does")
  static let entry = OperatorCommand(
    "dispatch", "Record a dispatch request and resolve whom it concerns",
    details: """
      A request that breaks a rule is recorded too, as rejected, with every reason, and the exit
      status is 1. One that isn't well formed is not: nothing is appended, and the exit status is
      65.

        {"program_id":1,"event_type_id":"1","start_time":"08/27/2019 21:04","end_time":"08/27/2019 22:04"}

      Times are RFC 3339, or MM/DD/YYYY HH:MM in the program's time zone. Without end_time the
      dispatch is open-ended until 'end'. What isn't known is kept as attributes and listed in the
      receipt. With "execute_at" (a time) or "execute_if" (a condition over signals) it waits, and is
      resolved when it is executed, at most "execute_grace" late (15 minutes where nothing is said).

      \(Shared.batchDetails)

      With --deliver all notices of the ledger that are due are sent once the receipt stands on
      standard output; what came of them is told on standard error. The exit status is 1 where a
      request was rejected, or a notice failed or waits for a channel. Where another process is
      delivering, the notices stay due for it or for the next 'deliver', and that is no failure.
      """,
    examples: [
      Example("dispatch-ledger dispatch request.json --key peak-7", "One request, safe to repeat"),
      Example("dispatch-ledger dispatch request.json --deliver", "Record it and tell all at once"),
      Example("jq -c '.[]' many.json | dispatch-ledger dispatch -", "Many in one commit"),
    ], takes: [file, Shared.key, test, deliver, Shared.batch, Shared.expect], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let requests = try CallInput.requests(
      CallInput.read(invocation[file]), areTests: invocation[test])
    // Settings that can't be read are told before anything is appended.
    let channels =
      invocation[deliver]
      ? try DeliverCommand.channels(LedgerPath(invocation[Global.ledger]), session) : nil
    let status = try submit(requests, invocation, invocation[Shared.batch], world, &session)
    guard let channels else { return status }
    try session.flush()
    let delivered = try DeliverCommand.deliver(after: invocation, channels, world, &session)
    return status == .done ? delivered : status
  }
}

enum ChangeCommands {
  static let end = OperatorCommand(
    "end", "End a dispatch now, an open-ended one at last or another one early",
    examples: [Example("dispatch-ledger end 0192… --reason 'load is normal again'", "Say why")],
    takes: [Shared.dispatch, Shared.reason, Shared.key, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      try submit(.end(try change(invocation)), invocation, world, &session)
    })
  static let cancel = OperatorCommand(
    "cancel", "Cancel a dispatch and tell all who were told of it",
    examples: [Example("dispatch-ledger cancel 0192… --reason 'called in error'", "Say why")],
    takes: [Shared.dispatch, Shared.reason, Shared.key, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      try submit(.cancel(try change(invocation)), invocation, world, &session)
    })

  private static func change(
    _ invocation: Invocation
  ) throws(CommandFailure) -> DispatchChangeRequest {
    guard let id = EntityID(invocation[Shared.dispatch]) else {
      throw CallInput.failure("'\(invocation[Shared.dispatch])' can't be a dispatch's id")
    }
    do {
      return try DispatchChangeRequest(dispatchID: id, reason: invocation[Shared.reason])
    } catch {
      throw CallInput.failure(error.text)
    }
  }
}

enum AppendCommand {
  static let file = Argument("FILE", .input, help: "JSON Lines of commands; - is stdin")
  static let dryRun = Option(
    flag: "dry-run", help: "Decide everything, append nothing, and print what would come of it")
  static let entry = OperatorCommand(
    "append", "Run JSON Lines of any commands",
    details: """
      One command a line, each decided on what those before it did; fields with ? may be left out:

        {"command":"import","catalogue":…}
        {"command":"dispatch","request":…}
        {"command":"modify","dispatch_id":…,"start_time"?,"end_time"?,"open_ended"?,"fold"?,"reason":…}
        {"command":"end","dispatch_id":…,"reason":…}, and likewise "cancel"
        {"command":"acknowledge","dispatch_id":…,"user_id":…,"opt"?,"modification"?,"at"?}
        {"command":"opt-out","user_id":…,"channel"?,"program_id"?,"reason"?}, and likewise "opt-in"
        {"command":"enroll","user_id":…,"program_id":…,"at"?,"reason"?}, and likewise "withdraw"
        {"command":"erase","user_id":…,"reason":…}: without a question, and for ever
        {"command":"retire","kind":…,"id":…,"reason"?}
        {"command":"settle","attempt":…,"decision":…,"reason":…}
        {"command":"correct","event":…,"reason":…,"correction"?}
        {"command":"result","attempt"?,"provider_id"?,"outcome":…,"evidence"?,"code"?,"retryable"?,"at"?,"detail"?}
        {"command":"observe","signal":…,"value":…,"unit"?,"at"?}

      \(Shared.batchDetails)
      """,
    examples: [
      Example("dispatch-ledger append commands.jsonl --expect 1041", "Only if nothing came between")
    ], takes: [file, Shared.key, Shared.batch, Shared.expect, dryRun], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let text = try CallInput.commands(CallInput.read(invocation[file]))
    guard invocation[dryRun] else {
      return try submit(text, invocation, invocation[Shared.batch], world, &session)
    }
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let results = try inLedger { () throws(LedgerError) in try ledger.decideOnly(text.call) }
    notes.print(to: &session)
    try session.print(
      json: JSONObject([
        .init(key: "dry_run", value: true),
        .init(key: "results", value: .array(results.map { .object($0.document) })),
        .init(key: "v", value: 1),
      ]))
    return .done
  }
}

/// Submits the entries of one call and prints its receipt.
func submit(
  _ text: CallText, _ invocation: Invocation, _ batch: Int?, _ world: OperatorWorld,
  _ session: inout Session
) throws(CommandFailure) -> ExitStatus {
  let notes = NoteBook()
  let ledger = try world.open(invocation, notes)
  let key: String
  if let given = invocation[Shared.key] {
    key = given
  } else {
    key = try inLedger { () throws(LedgerError) in try ledger.newKey() }
    session.note("key: \(key)")
  }
  let expected = invocation[Shared.expect].map { UInt64($0) }
  let receipt: CallReceipt
  var done = 0
  let progress = session.beginProgress(invocation.path.joined(separator: " "), .entries)
  do {
    receipt = try ledger.submit(text.call, key: key, expected: expected, batch: batch) { part in
      done = part.entries.upperBound
      guard batch != nil, done > 0 else { return }
      session.note(
        "durable up to \(text.place(of: done - 1))" + (part.isRepeated ? ", as before" : ""))
      progress.advance(to: UInt64(done), of: UInt64(text.call.count))
    }
  } catch {
    guard done > 0 else { throw CommandFailure(error) }
    let place = text.place(of: done - 1)
    let next =
      switch error {
      case .refused, .notFound:
        "correct it, and call for what follows \(place) with another --key"
      default: "the same call with --key \(key) goes on there"
      }
    throw CommandFailure(error).after(place, hint: next)
  }
  notes.print(to: &session)
  try print(receipt, &session)
  return receipt.hasRejection ? .answerIsNo : .done
}

extension CommandFailure {
  /// The failure of a call whose first batches are durable.
  fileprivate func after(_ place: String, hint next: String) -> CommandFailure {
    CommandFailure(
      status, happened, stillGood: "the input is durable up to \(place)",
      notDone: "nothing behind it was appended",
      hint: [hint, next].compactMap(\.self).joined(separator: "; "))
  }
}

private func print(_ receipt: CallReceipt, _ session: inout Session) throws(CommandFailure) {
  for case .dispatch(let result) in receipt.results where result.totals?.recipients == 0 {
    session.warn("dispatch \(result.dispatchID.text) reaches nobody: it has no recipients")
  }
  guard !session.wantsJSON else {
    try session.print(json: receipt.document)
    return
  }
  for result in receipt.results {
    switch result {
    case .dispatch(let dispatch):
      var facts = ["dispatch \(dispatch.dispatchID.text)", dispatch.outcome.rawValue]
      if let totals = dispatch.totals {
        facts.append("\(totals.recipients) recipients, \(totals.exclusions) excluded")
      }
      if dispatch.isScheduled { facts.append("waits") }
      if dispatch.isOpenEnded == true { facts.append("open-ended") }
      if dispatch.isTest == true { facts.append("TEST") }
      if dispatch.isLate == true { facts.append("LATE") }
      if let attributes = dispatch.attributes, !attributes.isEmpty {
        facts.append("attributes: \(attributes.joined(separator: ", "))")
      }
      try session.print(facts.joined(separator: "; "))
      for reason in dispatch.reasons {
        try session.print("  \(reason.code.text): \(reason.message)")
      }
    case .fact(let fact): try session.print(fact.line)
    case .catalogue(let counts): try session.print(counts.line + publications(counts))
    case .signal(let signal):
      try session.print("\(signal.name.text) is \(signal.value.text) at \(signal.at.text)")
    }
  }
  if let events = receipt.events {
    try session.print(
      "events \(events.lowerBound) to \(events.upperBound), size \(receipt.size), "
        + (receipt.batches.count > 1 ? "\(receipt.batches.count) batches, " : "")
        + (receipt.root.map { "root \($0.base64)" } ?? "archived")
        + (receipt.isRepeated ? " (answered before)" : ""))
    if receipt.isArchived {
      session.note("what these events came to stands in an archive: 'attach' brings it back")
    }
  } else {
    try session.print("nothing had to be appended; size \(receipt.size)")
  }
}

/// What an import said of templates and rules; nothing where it said nothing.
private func publications(_ counts: ReceiptResult.CatalogueResult) -> String {
  var text = ""
  if counts.templates > 0 { text += ", \(counts.templates) templates" }
  if counts.rules > 0 { text += ", \(counts.rules) rules" }
  if counts.withdrawn > 0 { text += ", \(counts.withdrawn) withdrawn" }
  return text
}
