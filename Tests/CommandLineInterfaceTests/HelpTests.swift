import CommandLineInterface
import Testing

@Suite("Help")
struct HelpTests {
  private let globals = """
    GLOBAL OPTIONS:
      -C, --ledger DIR        The ledger's directory (default: .;
                              environment: DEMO_LEDGER)
      --json                  Answer, and fail, with one JSON object
      -q, --quiet             No remarks on standard error, only failures and
                              warnings
      --color WHEN            Colour the output; NO_COLOR and CLICOLOR_FORCE are
                              heeded (values: auto, always, never; default: auto)
      -h, --help              Show help
      --version               Show the version

    """

  private var programPage: String {
    """
    EXAMPLES:
      # Make a ledger
      demo-ledger init -C demo

    OVERVIEW: Keep a record of dispatches

    USAGE: demo-ledger COMMAND [options]

    RECORD:
      init                    Make a new ledger
      dispatch                Record a dispatch request and resolve whom it concerns
      import                  Define programs and users from a catalogue
      cancel                  Cancel a dispatch and tell all who were told of it
      observe                 Record what a signal shows

    DELIVER:
      deliver                 Deliver the notices that are due

    MAINTAIN:
      view                    Check and rebuild the views

    HELP:
      help                    Show help on a command or topic
      man                     Print the manual page of the program or a command, in
                              mdoc
      completions             Print the script that completes commands in a shell
      version                 Show the version

    TOPICS:
      exit-codes              What each exit code means

    \(globals)
    See 'demo-ledger help COMMAND' for more on one command.

    """
  }

  @Test(
    "The program's page lists examples, then all commands",
    arguments: ["--help", "-h", "help", "-h dispatch", "-qh"])
  func program(line: String) {
    #expect(run(line) == Answer(status: .done, output: programPage))
  }

  @Test("Without a command the same page goes to standard error, with the status of a wrong call")
  func noCommand() {
    #expect(run([]) == Answer(status: .usage, talk: programPage))
    #expect(run("-q -C d") == Answer(status: .usage, talk: programPage))
  }

  @Test(
    "A command's page begins with its examples",
    arguments: ["dispatch --help", "help dispatch", "dispatch -h f", "-q dispatch -dth --key"])
  func command(line: String) {
    let page = """
      EXAMPLES:
        # One request, safe to repeat
        demo-ledger dispatch request.json --key peak-7
        # Many, a hundred a commit
        jq -c '.[]' many.json | demo-ledger dispatch - -n 100

      OVERVIEW: Record a dispatch request and resolve whom it concerns

      A request that breaks a rule is recorded too, as rejected, with every reason;
      one that isn't well-formed is not.

        {"program_id":1,"start_time":"07/14/2026 21:04"}

      Repeating a call with the same key answers as the first time.

      USAGE: demo-ledger dispatch FILE|- [--key K] [--test] [--deliver] [--batch N]

      ARGUMENTS:
        FILE|-                  The request, or JSON Lines of them

      OPTIONS:
        --key K                 Makes it safe to repeat the call
        -t, --test              Mark it as a drill
        -d, --deliver           Deliver the notices at once
        -n, --batch N           Commit after every N requests

      \(globals)
      """
    #expect(run(line) == Answer(status: .done, output: page))
  }

  @Test("Choices, defaults, environment and repetition are told of each option")
  func remarks() {
    let page = """
      EXAMPLES:
        # A catalogue
        demo-ledger import catalogue.json

      OVERVIEW: Define programs and users from a catalogue

      USAGE: demo-ledger import FILE|- [--format FORMAT] [--skip KIND]...

      ARGUMENTS:
        FILE|-                  The document

      OPTIONS:
        --format FORMAT         How it is written (values: catalogue, openadr;
                                default: catalogue; environment: DEMO_FORMAT)
        --skip KIND             Leave out a kind of entry (repeatable)

      \(globals)
      """
    #expect(run("import --help") == Answer(status: .done, output: page))
  }

  @Test("A group's page lists its commands", arguments: ["view --help", "help view"])
  func group(line: String) {
    let page = """
      OVERVIEW: Check and rebuild the views

      USAGE: demo-ledger view COMMAND [options]

      SUBCOMMANDS:
        check                   Compare the views with the log
        rebuild                 Make the views again from the log

      \(globals)
      See 'demo-ledger help view COMMAND' for more on one command.

      """
    #expect(run(line) == Answer(status: .done, output: page))
    #expect(run("view") == Answer(status: .usage, talk: page))
  }

  @Test("A command with commands under it shows both")
  func commandAndGroup() {
    let page = """
      EXAMPLES:
        # What is due now
        demo-ledger deliver --once

      OVERVIEW: Deliver the notices that are due

      USAGE: demo-ledger deliver [--once]

      OPTIONS:
        --once                  Stop when nothing is due

      SUBCOMMANDS:
        test                    Send one message that says it is a test

      \(globals)
      See 'demo-ledger help deliver COMMAND' for more on one command.

      """
    #expect(run("help deliver") == Answer(status: .done, output: page))
  }

  @Test("A usage of the command's own replaces the one made from its parameters")
  func ownUsage() {
    let page = """
      EXAMPLES:
        # All, into a file
        demo-audit replay --all > all.txt

      OVERVIEW: Print the transaction log of dispatches

      USAGE: demo-audit replay DISPATCH...|--all

      ARGUMENTS:
        DISPATCH                The dispatches' ids

      OPTIONS:
        --all                   All dispatches

      GLOBAL OPTIONS:
        -h, --help              Show help

      """
    #expect(run("help replay", of: auditorTable) == Answer(status: .done, output: page))
  }

  @Test("A narrow terminal gets narrow pages, with long labels on lines of their own")
  func narrow() {
    let page = """
      EXAMPLES:
        # Say why
        demo-ledger cancel 0192 --reason 'called in error'

      OVERVIEW: Cancel a dispatch and tell all
      who were told of it

      USAGE: demo-ledger cancel DISPATCH
             --reason R

      ARGUMENTS:
        DISPATCH   Its id

      OPTIONS:
        --reason R
                   Why, as the notices will
                   say it (required)

      GLOBAL OPTIONS:
      """
    let surroundings = TestConsole()
    surroundings.width = 40
    let status = operatorTable.run(
      ["cancel", "--help"], in: DemoWorld(), on: surroundings.console)
    let answer = surroundings.answer(status)
    #expect(answer.output.hasPrefix(page + "\n"), "\(answer)")
  }

  @Test("No line of any page is wider than the terminal, but for examples")
  func widths() {
    for width in [1, 40, 41, 57, 80, 100, 1000] {
      for entry in operatorTable.entries {
        let surroundings = TestConsole()
        surroundings.width = width
        _ = operatorTable.run(["help"] + entry.path, in: DemoWorld(), on: surroundings.console)
        let lines = surroundings.answer(.done).output.split(separator: "\n")
        for line in lines where !line.contains("demo-ledger") && !line.contains("{") {
          #expect(displayWidth(String(line)) <= max(40, min(width, 100)), "\(width): \(line)")
        }
      }
    }
  }

  @Test("The topic on exit codes lists every status with its meaning")
  func exitCodes() {
    let page = """
      What each exit code means

      The codes never change their meaning. A code that isn't listed is to be taken as
      a failure.

        0   done
        1   the answer is no: rejected, differs, or some notices failed
        3   --expect was not met, or a key was used again with other content
        4   integrity violation: what is stored isn't what was recorded
        5   the ledger needs a repair before it can be written
        64  the call is wrong: unknown command, option or value
        65  the input is malformed; nothing of it was recorded
        66  no such ledger, dispatch, user or file
        69  a service or channel can't be reached
        70  a bug of this program: please report it
        73  it exists already, and is left as it was
        74  reading or writing failed, or the disk is full
        75  another process holds the lock: try again later
        76  written, but nobody knows whether it is durable
        77  not permitted
        78  the configuration is wrong

      """
    #expect(run("help exit-codes") == Answer(status: .done, output: page))
  }

  @Test(
    "The version is a word and an option", arguments: ["version", "--version", "view --version"])
  func version(line: String) {
    #expect(run(line) == Answer(status: .done, output: "demo-ledger 1.2.3\n"))
  }

  @Test(
    "In JSON the version is an object",
    arguments: ["version --json", "--json version", "--json --version"])
  func versionInJSON(line: String) {
    let object = #"{"name":"demo-ledger","v":1,"version":"1.2.3"}"#
    #expect(run(line) == Answer(status: .done, output: object + "\n"))
  }
}
