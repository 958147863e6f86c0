import Bytes
import CommandLineInterface

/// The testing library has a type of this name, too.
typealias ExitStatus = CommandLineInterface.ExitStatus

/// What a program answered: everything that its caller can see.
struct Answer: Equatable, CustomStringConvertible {
  var status: ExitStatus
  var output = ""
  var talk = ""

  var description: String {
    "exit \(status.rawValue)\n--- stdout\n\(output)--- stderr\n\(talk)---"
  }
}

/// The surroundings of a test: streams that remember, an environment that is given.
final class TestConsole {
  var environment: [String: String] = [:]
  var isTerminal = false
  var width = 80
  var outputError: SinkError?
  var nanoseconds: UInt64 = 0
  private(set) var output: [UInt8] = []
  private(set) var talk: [UInt8] = []
  /// Both streams in the order of their writes, as a terminal shows them.
  private(set) var screen: [UInt8] = []

  var console: Console {
    Console(
      environment: { self.environment[$0] },
      output: { bytes throws(SinkError) in
        if let error = self.outputError { throw error }
        self.output += bytes
        self.screen += bytes
      },
      talk: { bytes throws(SinkError) in
        self.talk += bytes
        self.screen += bytes
      },
      outputIsTerminal: isTerminal, talkIsTerminal: isTerminal, width: width,
      monotonicNanoseconds: { self.nanoseconds })
  }

  func answer(_ status: ExitStatus) -> Answer {
    Answer(
      status: status, output: String(decoding: output, as: UTF8.self),
      talk: String(decoding: talk, as: UTF8.self))
  }
}

/// What the demonstration's handlers work on: they only leave here what they were given.
final class DemoWorld {
  var calls: [Invocation] = []
  /// How many lines a handler printed, and how many bytes had gone out in between.
  var lines = 0
  var bytesOut: [Int] = []
  var surroundings = TestConsole()
}

func run(
  _ arguments: [String], of table: CommandTable<DemoWorld> = operatorTable,
  environment: [String: String] = [:]
) -> Answer {
  let surroundings = TestConsole()
  surroundings.environment = environment
  return surroundings.answer(table.run(arguments, in: DemoWorld(), on: surroundings.console))
}

/// Words between spaces, as a shell gives them where nothing is quoted.
func run(_ line: String, of table: CommandTable<DemoWorld> = operatorTable) -> Answer {
  run(line.split(separator: " ").map(String.init), of: table)
}

enum Global {
  static let ledger = Option(
    "ledger", "DIR", .text, default: ".", short: "C", environment: "DEMO_LEDGER",
    help: "The ledger's directory")
  static let all: [any Declaration] = [
    ledger, StandardOption.json, StandardOption.quiet, StandardOption.color, StandardOption.help,
    StandardOption.version,
  ]
}

/// A program that writes: nested commands, required options, choices, ranges, standard input.
let operatorTable = CommandTable<DemoWorld>(
  name: "demo-ledger", version: "1.2.3", released: "July 1, 2026",
  summary: "Keep a record of dispatches",
  examples: [Example("demo-ledger init -C demo", "Make a ledger")],
  globals: Global.all,
  sections: [
    CommandSection(
      "Record",
      [
        InitCommand.entry, DispatchCommand.entry, ImportCommand.entry, CancelCommand.entry,
        ObserveCommand.entry,
      ]),
    CommandSection("Deliver", [DeliverCommand.entry, DeliverCommand.test]),
    CommandSection("Maintain", [ViewCommand.check, ViewCommand.rebuild]),
  ],
  groups: [CommandGroup("view", "Check and rebuild the views")],
  topics: [.exitCodes])

enum InitCommand {
  static let size = Option(
    "segment-size", "SIZE", .byteCount, default: "64MiB", help: "Where a segment ends")
  static let entry = CommandEntry<DemoWorld>(
    "init", "Make a new ledger", examples: [Example("demo-ledger init", "Here")], takes: [size],
    run: run)

  static func run(
    _ invocation: Invocation, _ world: DemoWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    world.calls.append(invocation)
    throw CommandFailure(
      .exists, "'\(invocation[Global.ledger])' holds a ledger already",
      stillGood: "it is as it was", notDone: "nothing was made",
      hint: "choose another directory with -C")
  }
}

enum DispatchCommand {
  static let file = Argument("FILE", .input, help: "The request, or JSON Lines of them")
  static let key = Option("key", "K", .text, help: "Makes it safe to repeat the call")
  static let batch = Option(
    "batch", "N", .integer(1...1000), short: "n", help: "Commit after every N requests")
  static let test = Option(flag: "test", short: "t", help: "Mark it as a drill")
  static let deliver = Option(flag: "deliver", short: "d", help: "Deliver the notices at once")
  static let entry = CommandEntry<DemoWorld>(
    "dispatch", "Record a dispatch request and resolve whom it concerns",
    details: """
      A request that breaks a rule is recorded too, as rejected, with every reason; one that isn't
      well-formed is not.

        {"program_id":1,"start_time":"07/14/2026 21:04"}

      Repeating a call with the same key answers as the first time.
      """,
    examples: [
      Example("demo-ledger dispatch request.json --key peak-7", "One request, safe to repeat"),
      Example("jq -c '.[]' many.json | demo-ledger dispatch - -n 100", "Many, a hundred a commit"),
    ],
    takes: [file, key, test, deliver, batch], run: run)

  static func run(
    _ invocation: Invocation, _ world: DemoWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    world.calls.append(invocation)
    session.note("reading \(invocation[file])")
    if session.wantsJSON {
      try session.print(json: JSONObject([.init(key: "test", value: .bool(invocation[test]))]))
    } else {
      try session.print([
        "ledger": invocation[Global.ledger], "file": "\(invocation[file])",
        "key": invocation[key] ?? "none", "batch": invocation[batch].map(String.init) ?? "none",
        "flags": (invocation[test] ? "test " : "") + (invocation[deliver] ? "deliver" : ""),
      ])
    }
    return .done
  }
}

enum ImportCommand {
  enum Format: String, CaseIterable { case catalogue, openadr }

  static let file = Argument("FILE", .input, help: "The document")
  static let format = Option(
    "format", "FORMAT", .oneOf(Format.self), default: "catalogue", environment: "DEMO_FORMAT",
    help: "How it is written")
  static let skipped = Option(repeated: "skip", "KIND", .text, help: "Leave out a kind of entry")
  static let entry = CommandEntry<DemoWorld>(
    "import", "Define programs and users from a catalogue",
    examples: [Example("demo-ledger import catalogue.json", "A catalogue")],
    takes: [file, format, skipped]
  ) { invocation, world, session throws(CommandFailure) in
    world.calls.append(invocation)
    try session.print(
      "\(invocation[format].rawValue) without \(invocation[skipped].joined(separator: "+"))")
    return .done
  }
}

enum CancelCommand {
  static let dispatch = Argument("DISPATCH", .text, help: "Its id")
  static let reason = Option(
    required: "reason", "R", .text, help: "Why, as the notices will say it")
  static let entry = CommandEntry<DemoWorld>(
    "cancel", "Cancel a dispatch and tell all who were told of it",
    examples: [Example("demo-ledger cancel 0192 --reason 'called in error'", "Say why")],
    takes: [dispatch, reason], run: run)

  static func run(
    _ invocation: Invocation, _ world: DemoWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    world.calls.append(invocation)
    throw CommandFailure(
      .notFound, "no dispatch '\(invocation[dispatch])'", notDone: "nothing was appended",
      hint: "'demo-ledger list dispatches' lists them")
  }
}

enum ObserveCommand {
  static let signal = Argument("SIGNAL", .text, help: "Its name")
  static let value = Argument(optional: "VALUE", .text, help: "What was seen")
  static let entry = CommandEntry<DemoWorld>(
    "observe", "Record what a signal shows",
    examples: [Example("demo-ledger observe solar -12.5", "A number below zero")],
    takes: [signal, value]
  ) { invocation, world, session throws(CommandFailure) in
    world.calls.append(invocation)
    try session.print("\(invocation[signal]) is \(invocation[value] ?? "unknown")")
    return invocation[value] == nil ? .answerIsNo : .done
  }
}

enum DeliverCommand {
  static let once = Option(flag: "once", help: "Stop when nothing is due")
  static let entry = CommandEntry<DemoWorld>(
    "deliver", "Deliver the notices that are due",
    examples: [Example("demo-ledger deliver --once", "What is due now")], takes: [once]
  ) { invocation, world, session throws(CommandFailure) in
    world.calls.append(invocation)
    session.warn("no channel for 'fax'")
    session.note("nothing is due")
    return .done
  }

  static let channel = Argument("CHANNEL", .text, help: "Its code")
  static let address = Argument("ADDRESS", .text, help: "Whom to send to")
  static let test = CommandEntry<DemoWorld>(
    "deliver test", "Send one message that says it is a test",
    examples: [Example("demo-ledger deliver test console ops", "On this screen")],
    takes: [channel, address]
  ) { invocation, world, session throws(CommandFailure) in
    world.calls.append(invocation)
    try session.print("sent to \(invocation[address]) by \(invocation[channel])")
    return .done
  }
}

enum ViewCommand {
  static let check = CommandEntry<DemoWorld>(
    "view check", "Compare the views with the log",
    examples: [Example("demo-ledger view check", "All of them")]
  ) { invocation, world, _ in
    world.calls.append(invocation)
    return .answerIsNo
  }

  static let rebuild = CommandEntry<DemoWorld>(
    "view rebuild", "Make the views again from the log",
    examples: [Example("demo-ledger view rebuild", "All of them")]
  ) { invocation, world, _ in
    world.calls.append(invocation)
    return .done
  }
}

/// A program that only reads: a usage of its own, tables, and no global option but the help.
let auditorTable = CommandTable<DemoWorld>(
  name: "demo-audit", version: "1.2.3", released: "July 1, 2026",
  summary: "Verify a ledger, and replay it", examples: [],
  globals: [StandardOption.help],
  sections: [CommandSection("Commands", [ReplayCommand.entry, ListCommand.users])],
  groups: [CommandGroup("list", "List what stands in the ledger")])

enum ReplayCommand {
  static let dispatches = Argument(
    repeated: "DISPATCH", .text, atLeast: 0, help: "The dispatches' ids")
  static let all = Option(flag: "all", help: "All dispatches")
  static let entry = CommandEntry<DemoWorld>(
    "replay", "Print the transaction log of dispatches",
    examples: [Example("demo-audit replay --all > all.txt", "All, into a file")],
    takes: [dispatches, all], usage: "DISPATCH...|--all", run: run)

  static func run(
    _ invocation: Invocation, _ world: DemoWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    world.calls.append(invocation)
    guard invocation[all] != !invocation[dispatches].isEmpty else {
      throw CommandFailure(
        .usage, "name the dispatches, or say --all", hint: "ids stand in 'demo-audit list'")
    }
    for dispatch in invocation[dispatches] { try session.print(dispatch) }
    return .done
  }
}

enum ListCommand {
  static let users = CommandEntry<DemoWorld>(
    "list users", "List the users", examples: [Example("demo-audit list users", "All of them")]
  ) { invocation, world, session throws(CommandFailure) in
    world.calls.append(invocation)
    var table = Table(.exact("ID"), .text("NAME"), .number("NOTICES"))
    table.append("u-7", "Zoë Ångström", "12")
    table.append("u-8", "節電株式会社 第二工場", "7", style: .bad)
    try session.print(table)
    return .done
  }
}
