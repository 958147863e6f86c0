import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger

/// Makes a command of what the line gives, as `append` takes it: so both follow the same rules.
func command(
  _ name: String, _ fields: [(key: String, value: JSON?)]
) throws(CommandFailure) -> Command {
  var object = JSONObject()
  object["command"] = .string(name)
  for (key, value) in fields { object[key] = value }
  do { return try Command(object) } catch { throw CallInput.failure(error.text) }
}

/// Submits one command and prints its receipt.
func submit(
  _ command: Command, _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
) throws(CommandFailure) -> ExitStatus {
  try submit(CallText(call: Call([command]), lines: []), invocation, nil, world, &session)
}

enum ModifyCommand {
  static let start = Option("start", "TIME", .text, help: "When it begins; as before without it")
  static let end = Option("end", "TIME", .text, help: "When it ends; as before without it")
  static let openEnded = Option(flag: "open-ended", help: "It has no end until 'end' says so")
  static let fold = Option(
    "fold", "WHICH", .oneOf(Fold.self),
    help: "Which occurrence is meant of a local time that comes twice")
  static let entry = OperatorCommand(
    "modify", "Give a dispatch other times and tell all whom it concerns or who were told",
    details: """
      The modification number goes up by one, notices of the one before that are still to be sent are
      superseded, and recipients are resolved anew. Times are RFC 3339, or MM/DD/YYYY HH:MM in the
      dispatch's time zone.

      A drill, a dispatch that is over, an end that isn't after the start or has passed, another
      start of a dispatch that has begun: these are recorded as rejected, with every reason, and the
      exit status is 1.
      """,
    examples: [
      Example(
        "dispatch-ledger modify 0192… --end '08/27/2019 23:04' --reason 'grid operator extends'",
        "Extend it"),
      Example(
        "dispatch-ledger modify 0192… --open-ended --reason 'until further notice'", "No end"),
    ],
    takes: [
      Shared.dispatch, start, end, openEnded, fold, Shared.reason, Shared.key, Shared.expect,
    ],
    run: { (invocation, world, session) throws(CommandFailure) in
      let modify = try command(
        "modify",
        [
          ("dispatch_id", .string(invocation[Shared.dispatch])),
          ("reason", .string(invocation[Shared.reason])),
          ("start_time", invocation[start].map { .string($0) }),
          ("end_time", invocation[end].map { .string($0) }),
          ("open_ended", invocation[openEnded] ? .bool(true) : nil),
          ("fold", invocation[fold].map { .string($0.rawValue) }),
        ])
      return try submit(modify, invocation, world, &session)
    })
}

enum AcknowledgeCommand {
  static let user = Option(required: "user", "ID", .text, help: "Who answers")
  static let opt = Option(
    "opt", "ANSWER", .oneOf(OptAnswer.self),
    help: "The answer to the call; without it only that the notice was seen")
  static let modification = Option(
    "modification", "N", .integer(1...Int.max),
    help: "Which modification is answered; the last one without it")
  static let entry = OperatorCommand(
    "acknowledge", "Record a user's answer to a dispatch",
    details: """
      An answer counts for one modification and says nothing of any other. Late, early and repeated
      answers, those to an older modification and those of somebody who isn't a recipient are kept and
      marked; none is refused. A notice that is still to be sent to the user isn't sent any more.
      """,
    examples: [
      Example("dispatch-ledger acknowledge 0192… --user u-7 --opt in", "The site takes part"),
      Example(
        "dispatch-ledger acknowledge 0192… --user u-7 --at 2019-08-28T01:10:00Z",
        "Seen, as was said by phone"),
    ],
    takes: [
      Shared.dispatch, user, opt, modification, Shared.at, Shared.key, Shared.expect,
    ],
    run: { (invocation, world, session) throws(CommandFailure) in
      let acknowledge = try command(
        "acknowledge",
        [
          ("dispatch_id", .string(invocation[Shared.dispatch])),
          ("user_id", .string(invocation[user])),
          ("opt", invocation[opt].map { .string($0.rawValue) }),
          ("modification", invocation[modification].map { .integer(Int64($0)) }),
          ("at", invocation[Shared.at].map { .string($0) }),
        ])
      return try submit(acknowledge, invocation, world, &session)
    })
}

enum ResultCommand {
  static let file = Argument(
    "FILE", .input, help: "Results of one of the three forms below; - is stdin")
  static let entry = OperatorCommand(
    "result", "Record what providers and mail servers say became of attempts",
    details: """
      The form is found out by itself:

      - JSON Lines: {"attempt":"44"} or {"provider_id":"SM…"} and "outcome" (accepted, in-transit,
        delivered, undelivered, failed, expired, cancelled); "evidence" 0 to 3, "code", "retryable", "at",
        "detail" where they are known.
      - Twilio's status callbacks, one body a line: MessageSid=…&MessageStatus=….
      - One delivery status notification, the whole message (RFC 3464). Its Original-Envelope-Id, or the
        Message-ID of what it returns, names the attempt.

      Results may repeat, come in any order and contradict each other: all are kept, and weaker
      evidence never lowers a stronger one. What fits no attempt is kept as unmatched, and is taken
      once the provider's id of a message is known. Raw texts are sealed.
      """,
    examples: [
      Example("dispatch-ledger result callbacks.txt --key 2026-11-23", "Twilio's, as they came"),
      Example("dispatch-ledger result - < bounce.eml", "From a mail server's pipe"),
    ], takes: [file, Shared.key, Shared.batch, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      let bytes = try CallInput.read(invocation[file])
      let origin = try world.open(invocation, NoteBook()).identity.origin
      let results = try CallInput.results(bytes, origin: origin)
      return try submit(results, invocation, invocation[Shared.batch], world, &session)
    })
}
