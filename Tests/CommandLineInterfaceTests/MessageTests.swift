import CommandLineInterface
import Testing

/// A line that isn't understood, and all that is said of it.
struct WrongCall: Sendable, CustomTestStringConvertible {
  let arguments: [String]
  let message: String
  /// What follows the program's name in the usage and the pointer to the help.
  let usage: String
  let command: String

  init(_ line: String, _ message: String, usage: String, command: String) {
    self.init(line.split(separator: " ").map(String.init), message, usage: usage, command: command)
  }

  init(_ arguments: [String], _ message: String, usage: String, command: String) {
    self.arguments = arguments
    self.message = message
    self.usage = usage
    self.command = command
  }

  var testDescription: String { arguments.joined(separator: " ") }

  static func root(_ line: String, _ message: String) -> WrongCall {
    WrongCall(line, message, usage: "COMMAND [options]", command: "")
  }

  static func dispatch(_ line: String, _ message: String) -> WrongCall {
    WrongCall(line, message, usage: "dispatch FILE|- [options]", command: "dispatch ")
  }

  static func importing(_ line: String, _ message: String) -> WrongCall {
    WrongCall(line, message, usage: "import FILE|- [options]", command: "import ")
  }

  static func cancel(_ line: String, _ message: String) -> WrongCall {
    WrongCall(
      line, message, usage: "cancel DISPATCH --reason R [options]", command: "cancel ")
  }

  static func observe(_ line: String, _ message: String) -> WrongCall {
    WrongCall(line, message, usage: "observe SIGNAL [VALUE] [options]", command: "observe ")
  }

  static func deliver(_ line: String, _ message: String) -> WrongCall {
    WrongCall(line, message, usage: "deliver [options]", command: "deliver ")
  }
}

@Suite("Messages")
struct MessageTests {
  @Test(
    "A wrong call says what is wrong, how to call, and where to read more",
    arguments: [
      // Commands
      .root("dispach", "unknown command 'dispach'; did you mean 'dispatch'?"),
      .root("DISPATCH", "unknown command 'DISPATCH'; did you mean 'dispatch'?"),
      .root("idspatch f", "unknown command 'idspatch'; did you mean 'dispatch'?"),
      .root("dipsathc f", "unknown command 'dipsathc'; did you mean 'dispatch'?"),
      .root("dipsahct f", "unknown command 'dipsahct'"),
      .root("d", "unknown command 'd'; did you mean 'deliver' or 'dispatch'?"),
      .root("rebuild", "unknown command 'rebuild'; did you mean 'view rebuild'?"),
      .root("teapot", "unknown command 'teapot'"),
      .root("-- teapot", "unknown command 'teapot'"),
      .root("-", "unknown command '-'"),
      .root("--key k dispatch", "unknown option '--key'"),
      WrongCall(
        "view chekc", "unknown command 'view chekc'; did you mean 'view check'?",
        usage: "view COMMAND [options]", command: "view "),
      WrongCall(
        "help dispach", "no command or help topic 'dispach'; did you mean 'dispatch'?",
        usage: "help [SUBJECT]... [options]", command: "help "),
      WrongCall(
        "help exit", "no command or help topic 'exit'; did you mean 'exit-codes'?",
        usage: "help [SUBJECT]... [options]", command: "help "),
      WrongCall(
        "help view chek", "no command or help topic 'view chek'; did you mean 'view check'?",
        usage: "help [SUBJECT]... [options]", command: "help "),
      .deliver("deliver tset", "unknown command 'deliver tset'; did you mean 'deliver test'?"),
      .deliver("deliver --once test", "surplus argument 'test'"),
      .deliver("deliver -- test", "surplus argument 'test'"),
      // Options
      .dispatch("dispatch f --ky k", "unknown option '--ky'; did you mean '--key'?"),
      .dispatch("dispatch f --kye k", "unknown option '--kye'; did you mean '--key'?"),
      .dispatch("dispatch f --KEY=k", "unknown option '--KEY'; did you mean '--key'?"),
      .dispatch("dispatch f --d", "unknown option '--d'; did you mean '--deliver'?"),
      .dispatch("dispatch f --=k", "unknown option '--'"),
      .dispatch("dispatch f -key", "unknown option '-key'; did you mean '--key'?"),
      .dispatch("dispatch f -tx", "unknown option '-x' in '-tx'"),
      .dispatch("dispatch f -test", "unknown option '-e' in '-test'; did you mean '--test'?"),
      .dispatch("dispatch f --test=yes", "'--test' takes no value, but got 'yes'"),
      .dispatch("dispatch f --test=", "'--test' takes no value, but got ''"),
      .dispatch("dispatch f --key", "'--key' needs a value K"),
      .dispatch("dispatch f -n", "'--batch' needs a value N"),
      .dispatch(
        "dispatch f --key --test",
        "'--key' needs a value K, but '--test' looks like an option; "
          + "write '--key=--test' if it is the value"),
      .dispatch(
        "dispatch f --key --",
        "'--key' needs a value K, but '--' looks like an option; "
          + "write '--key=--' if it is the value"),
      .dispatch("dispatch f --key a --key=a", "'--key' was given twice"),
      .dispatch("-C a dispatch f --ledger b", "'--ledger' was given twice"),
      .dispatch("dispatch f --once", "unknown option '--once'"),
      // Values
      .dispatch("dispatch f --key=", "'--key' can't be '': it takes a text that isn't empty"),
      .dispatch("dispatch f -n0", "'--batch' can't be '0': it takes a whole number from 1 to 1000"),
      .dispatch(
        "dispatch f -n 1001", "'--batch' can't be '1001': it takes a whole number from 1 to 1000"),
      .dispatch(
        "dispatch f -n -1", "'--batch' can't be '-1': it takes a whole number from 1 to 1000"),
      .dispatch(
        "dispatch f -n 99999999999999999999",
        "'--batch' can't be '99999999999999999999': it takes a whole number from 1 to 1000"),
      .importing(
        "import f --format opendar",
        "'--format' can't be 'opendar': it takes one of catalogue, openadr; "
          + "did you mean 'openadr'?"),
      .importing(
        "import f --format cat",
        "'--format' can't be 'cat': it takes one of catalogue, openadr; did you mean 'catalogue'?"),
      .importing(
        "import f --format xml", "'--format' can't be 'xml': it takes one of catalogue, openadr"),
      WrongCall(
        "init --segment-size 64MB",
        "'--segment-size' can't be '64MB': it takes a number of bytes, such as 65536, 64K or 64KiB",
        usage: "init [options]", command: "init "),
      .root(
        "--color alway import f",
        "'--color' can't be 'alway': it takes one of auto, always, never; did you mean 'always'?"),
      // Arguments
      .dispatch("dispatch", "missing argument FILE|-"),
      .dispatch("dispatch f g", "surplus argument 'g'"),
      .dispatch("dispatch f dispatch", "surplus argument 'dispatch'"),
      .cancel("cancel", "missing argument DISPATCH"),
      .cancel("cancel 7", "missing option '--reason R'"),
      .cancel("cancel - --reason r", "DISPATCH can't be '-': it isn't read from standard input"),
      .observe("observe", "missing argument SIGNAL"),
      .observe("observe a b c", "surplus argument 'c'"),
    ] as [WrongCall])
  func wrongCall(_ call: WrongCall) {
    let talk = """
      demo-ledger: \(call.message)
      usage: demo-ledger \(call.usage)
      See 'demo-ledger \(call.command)--help'.

      """
    #expect(run(call.arguments) == Answer(status: .usage, talk: talk))
  }

  @Test("A value from the environment is judged like any other, and named by its variable")
  func environment() {
    let wrong = Answer(
      status: .usage,
      talk: """
        demo-ledger: DEMO_FORMAT can't be 'xml': it takes one of catalogue, openadr
        usage: demo-ledger import FILE|- [options]
        See 'demo-ledger import --help'.

        """)
    #expect(run(["import", "f"], environment: ["DEMO_FORMAT": "xml"]) == wrong)
    // What isn't asked for isn't read.
    #expect(run(["observe", "s", "1"], environment: ["DEMO_FORMAT": "xml"]).status == .done)
    #expect(
      run(["import", "f", "--format", "openadr"], environment: ["DEMO_FORMAT": "xml"]).status
        == .done)
  }

  @Test("A failure tells what happened, what is still good, what wasn't done, and what to do")
  func failure() {
    #expect(
      run("init -C demo")
        == Answer(
          status: .exists,
          talk: """
            demo-ledger: 'demo' holds a ledger already; it is as it was; nothing was made
            hint: choose another directory with -C

            """))
    #expect(
      run("cancel 7 --reason r")
        == Answer(
          status: .notFound,
          talk: """
            demo-ledger: no dispatch '7'; nothing was appended
            hint: 'demo-ledger list dispatches' lists them

            """))
  }

  @Test("A handler that finds the call wrong adds how to call")
  func usageFailure() {
    #expect(
      run("replay", of: auditorTable)
        == Answer(
          status: .usage,
          talk: """
            demo-audit: name the dispatches, or say --all
            hint: ids stand in 'demo-audit list'
            usage: demo-audit replay DISPATCH...|--all
            See 'demo-audit replay --help'.

            """))
  }

  @Test("With --json a failure is one object on standard error, wherever --json stands")
  func json() {
    let notFound =
      #"{"error":{"code":"not-found","exit":66,"hint":"'demo-ledger list dispatches' lists them","#
      + #""message":"no dispatch '7'; nothing was appended"},"v":1}"#
    #expect(
      run("cancel 7 --reason r --json") == Answer(status: .notFound, talk: notFound + "\n"))
    let unknown =
      #"{"error":{"code":"usage","exit":64,"hint":"see 'demo-ledger --help'","#
      + #""message":"unknown command 'teapot'"},"v":1}"#
    #expect(run("--json teapot") == Answer(status: .usage, talk: unknown + "\n"))
    #expect(run("teapot --json") == Answer(status: .usage, talk: unknown + "\n"))
    let missing =
      #"{"error":{"code":"usage","exit":64,"hint":"see 'demo-ledger view --help'","#
      + #""message":"a command is missing"},"v":1}"#
    #expect(run("view --json") == Answer(status: .usage, talk: missing + "\n"))
    // After -- it is an argument, and where a program doesn't declare it, it is unknown.
    #expect(run("observe a b -- --json").talk.hasPrefix("demo-ledger: surplus argument '--json'\n"))
    #expect(
      run("replay --json", of: auditorTable).talk.hasPrefix(
        "demo-audit: unknown option '--json'\n"))
  }

  @Test("What users type reaches the terminal escaped, and cut where it is long")
  func hostile() {
    #expect(
      run(["cancel", "\u{1B}[2J\u{202E}x\ny", "--reason", "r"])
        == Answer(
          status: .notFound,
          talk: """
            demo-ledger: no dispatch '\\u{1b}[2J\\u{202e}x\\u{a}y'; nothing was appended
            hint: 'demo-ledger list dispatches' lists them

            """))
    let long = run(["\u{9B}2J" + String(repeating: "x", count: 100_000)])
    #expect(
      long.talk.hasPrefix(
        "demo-ledger: unknown command '\\u{9b}2J" + String(repeating: "x", count: 51) + "…'\n"))
    // The same in JSON, whose own rules would let C1 and bidirectional controls through.
    #expect(run(["--json", "\u{9B}\u{202E}"]).talk.contains(#"'\\u{9b}\\u{202e}'"#))
  }
}
