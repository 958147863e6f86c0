import Bytes
import CommandLineInterface
import Dispatching
import Ledger

enum ObserveCommand {
  static let signal = Argument("SIGNAL", .text, help: "The signal's name, as conditions read it")
  static let value = Argument("VALUE", .text, help: "Its value, a decimal number")
  static let unit = Option("unit", "U", .text, help: "The value's unit, such as USD/MWh")
  static let at = Option(
    "at", "TIME", .text, help: "When it was so, RFC 3339 (default: now)")
  static let entry = OperatorCommand(
    "observe", "Record what was observed of a signal that conditions read",
    details: """
      A condition compares the observation with the latest time, from when it is recorded and its time has
      come. One that is too old, or in another unit than the condition names, is no data. A negative value
      stands behind --.
      """,
    examples: [
      Example("dispatch-ledger observe solar_market 41.75 --unit USD/MWh", "As of now"),
      Example("dispatch-ledger observe load 812 --at 2026-11-23T17:20:00Z", "As of a moment ago"),
    ], takes: [signal, value, unit, at, Shared.key, Shared.expect], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let observe = try command(
      "observe",
      [
        ("signal", .string(invocation[signal])), ("value", .string(invocation[value])),
        ("unit", invocation[unit].map { .string($0) }),
        ("at", invocation[at].map { .string($0) }),
      ])
    return try submit(observe, invocation, world, &session)
  }
}
