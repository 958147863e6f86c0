import Bytes
import CommandLineInterface
import Dispatching
import Events

/// Commands about one user.
enum UserCommands {
  static let user = Argument("USER", .text, help: "The user's id")
  static let channel = Option("channel", "CODE", .text, help: "Only on this channel")
  static let program = Option("program", "ID", .text, help: "Only of this program's notices")
  static let inProgram = Option(required: "program", "ID", .text, help: "The program's id")
  static let reason = Option(
    "reason", "TEXT", .text, help: "Why, or how it became known; it names no person")

  static let optOut = opt(
    "opt-out", "Record that a user refuses notices",
    details: """
      Without --channel it holds for all channels, without --program for all programs. Notices that wait
      to be sent are suppressed when their turn comes. What is refused already appends nothing.
      """,
    Example("dispatch-ledger opt-out u-7 --channel sms --reason 'STOP by SMS'", "No SMS any more"))
  static let optIn = opt(
    "opt-in", "Take a user's refusal back",
    details: """
      It takes back the refusal of the same channel and program, or of their absence, and no other:
      an opt-out of all channels stands until it is taken back as such.
      """,
    Example("dispatch-ledger opt-in u-7 --channel sms", "SMS again"))
  static let enroll = enrollment(
    "enroll", "Record that a user belongs to a program",
    Example("dispatch-ledger enroll u-7 --program 1 --at 2026-12-01T00:00:00Z", "From December on"))
  static let withdraw = enrollment(
    "withdraw", "Record that a user no longer belongs to a program",
    Example("dispatch-ledger withdraw u-7 --program 1 --reason 'moved away'", "From now on"))

  private static func opt(
    _ name: String, _ summary: String, details: String, _ example: Example
  ) -> OperatorCommand {
    OperatorCommand(
      name, summary, details: details, examples: [example],
      takes: [user, channel, program, reason, Shared.key, Shared.expect],
      run: { (invocation, world, session) throws(CommandFailure) in
        let opt = try command(
          name,
          [
            ("user_id", .string(invocation[user])),
            ("channel", invocation[channel].map { .string($0) }),
            ("program_id", invocation[program].map { .string($0) }),
            ("reason", invocation[reason].map { .string($0) }),
          ])
        return try submit(opt, invocation, world, &session)
      })
  }

  private static func enrollment(
    _ name: String, _ summary: String, _ example: Example
  ) -> OperatorCommand {
    OperatorCommand(
      name, summary,
      details: """
        A dispatch looks at the moment of its request: what is recorded later changes no resolution
        that was made, whatever --at says. What stands so already appends nothing.
        """,
      examples: [example],
      takes: [user, inProgram, Shared.at, reason, Shared.key, Shared.expect],
      run: { (invocation, world, session) throws(CommandFailure) in
        let enrollment = try command(
          name,
          [
            ("user_id", .string(invocation[user])),
            ("program_id", .string(invocation[inProgram])),
            ("at", invocation[Shared.at].map { .string($0) }),
            ("reason", invocation[reason].map { .string($0) }),
          ])
        return try submit(enrollment, invocation, world, &session)
      })
  }
}

enum RetireCommand {
  static let kind = Argument(
    "KIND", .oneOf(RetirableKind.self), help: "What kind of thing it is")
  static let id = Argument("ID", .text, help: "Its id")
  static let entry = OperatorCommand(
    "retire", "Record that a program, event type or user group is no longer used",
    details: """
      What was decided from it stays decided, and its dispatches go on. Importing it again brings it
      back.
      """,
    examples: [Example("dispatch-ledger retire program 1 --reason 'replaced by 2'", "Say why")],
    takes: [kind, id, UserCommands.reason, Shared.key, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      let retire = try command(
        "retire",
        [
          ("kind", .string(invocation[kind].rawValue)), ("id", .string(invocation[id])),
          ("reason", invocation[UserCommands.reason].map { .string($0) }),
        ])
      return try submit(retire, invocation, world, &session)
    })
}

enum SettleCommand {
  static let attempt = Argument("ATTEMPT", .text, help: "The id of the attempt's event")
  static let decision = Argument(
    "DECISION", .oneOf(Settlement.self), help: "What is to become of it")
  static let entry = OperatorCommand(
    "settle", "Decide what becomes of an attempt whose outcome is unknown",
    details: """
      resend: the notice is due on its channel again, so it may arrive twice. delivered: it is taken to
      have arrived, though nothing proves it. abandon: the next channel is tried, where there is one.
      """,
    examples: [
      Example(
        "dispatch-ledger settle 44 resend --reason 'the provider has no record'", "Send again")
    ], takes: [attempt, decision, Shared.reason, Shared.key, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      let settle = try command(
        "settle",
        [
          ("attempt", .string(invocation[attempt])),
          ("decision", .string(invocation[decision].rawValue)),
          ("reason", .string(invocation[Shared.reason])),
        ])
      return try submit(settle, invocation, world, &session)
    })
}

enum CorrectCommand {
  static let event = Argument("EVENT", .text, help: "The id of the event that is wrong")
  static let correction = Option(
    "correction", "JSON", .text,
    help: "The fields of its data that should have been otherwise, with the right values")
  static let entry = OperatorCommand(
    "correct", "Record that an event is wrong, and what is right",
    details: """
      The event stays as it is, and nothing is decided anew: the correction stands beside it for
      whoever reads the ledger.
      """,
    examples: [
      Example(
        "dispatch-ledger correct 42 --reason 'called in at 21:10' "
          + "--correction '{\"at\":\"2019-08-28T01:10:00Z\"}'",
        "Say what is right")
    ], takes: [event, Shared.reason, correction, Shared.key, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      let object = try object(invocation[correction])
      let correct = try command(
        "correct",
        [
          ("event", .string(invocation[event])),
          ("reason", .string(invocation[Shared.reason])), ("correction", object),
        ])
      return try submit(correct, invocation, world, &session)
    })

  private static func object(_ text: String?) throws(CommandFailure) -> JSON? {
    guard let text else { return nil }
    do { return .object(try JSON.document(Array(text.utf8))) } catch {
      throw CallInput.failure(error.within("correction").text)
    }
  }
}
