import Bytes
import CommandLineInterface
import Dispatching
import Ledger

enum HoldCommands {
  static let id = Argument("ID", .text, help: "The hold's id, such as a docket's number")
  static let program = Option("program", "ID", .text, help: "Only events of this program")
  static let dispatch = Option("dispatch", "ID", .text, help: "Only events of this dispatch")
  static let user = Option("user", "ID", .text, help: "Only events that are about this user")
  static let since = Option(
    "since", "TIME", .time, help: "Only events recorded at TIME or later")
  static let until = Option("until", "TIME", .time, help: "Only events recorded before TIME")

  static let place = OperatorCommand(
    "hold place", "Put events under a legal hold: nothing that it covers may be disposed of",
    details: """
      It covers the events that fit all that limits it; without a limit, the whole ledger. A dispatch's
      events are those of its program. It holds until 'hold release', and its id stands for no other
      hold afterwards. What stands so already appends nothing.
      """,
    examples: [
      Example(
        "dispatch-ledger hold place docket-26-7 --program 1 --since 2026-06 --until 2026-10 "
          + "--reason 'docket 26-7'", "A season of a program")
    ],
    takes: [
      id, program, dispatch, user, since, until, Shared.reason, Shared.key, Shared.expect,
    ],
    run: { (invocation, world, session) throws(CommandFailure) in
      let now = world.surroundings(invocation[Global.actor]).now()
      let hold = try command(
        "hold-place",
        [
          ("id", .string(invocation[id])),
          ("program_id", invocation[program].map { .string($0) }),
          ("dispatch_id", invocation[dispatch].map { .string($0) }),
          ("user_id", invocation[user].map { .string($0) }),
          ("since", invocation[since].map { .string($0.instant(at: now).text) }),
          ("until", invocation[until].map { .string($0.instant(at: now).text) }),
          ("reason", .string(invocation[Shared.reason])),
        ])
      return try submit(hold, invocation, world, &session)
    })
  static let release = OperatorCommand(
    "hold release", "Record that a legal hold no longer holds",
    details: "Events that no other hold covers may be disposed of once their retention is over.",
    examples: [
      Example("dispatch-ledger hold release docket-26-7 --reason 'settled'", "Say why")
    ], takes: [id, Shared.reason, Shared.key, Shared.expect],
    run: { (invocation, world, session) throws(CommandFailure) in
      let release = try command(
        "hold-release",
        [
          ("id", .string(invocation[id])), ("reason", .string(invocation[Shared.reason])),
        ])
      return try submit(release, invocation, world, &session)
    })
}
