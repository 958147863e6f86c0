import Bytes
import CommandLineInterface
import Testing

@Suite("Output")
struct OutputTests {
  /// A program with one command `a`, whose handler is given.
  private func table(_ handler: @escaping CommandEntry<DemoWorld>.Handler) -> CommandTable<
    DemoWorld
  > {
    CommandTable(
      name: "demo", version: "1", released: "July 1, 2026", summary: "Test", examples: [],
      globals: Global.all,
      sections: [
        CommandSection("Commands", [CommandEntry("a", "Do it", examples: [], run: handler)])
      ])
  }

  private func run(
    _ line: String = "a", on surroundings: TestConsole = TestConsole(),
    _ handler: @escaping CommandEntry<DemoWorld>.Handler
  ) -> Answer {
    let world = DemoWorld()
    world.surroundings = surroundings
    return run(line, in: world, handler)
  }

  private func run(
    _ line: String = "a", in world: DemoWorld, _ handler: @escaping CommandEntry<DemoWorld>.Handler
  ) -> Answer {
    let arguments = line.split(separator: " ").map(String.init)
    return world.surroundings.answer(
      table(handler).run(arguments, in: world, on: world.surroundings.console))
  }

  private static func wide(
    _ invocation: Invocation, _ world: DemoWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var table = Table(.exact("ID"), .text("NAME"), .number("N"), .text("NOTE"))
    table.append("u-1", "節電株式会社 第二工場", "7", "a note of some length")
    table.append("u-22", "Zoe\u{301}", "1000", "short\u{7}")
    try session.print(table)
    return .done
  }

  @Test("A table goes to a file or pipe whole, without spaces at line ends")
  func table() {
    let answer = run("a", Self.wide)
    #expect(
      answer.output == """
        ID    NAME                      N  NOTE
        u-1   節電株式会社 第二工場     7  a note of some length
        u-22  Zoe\u{301}                    1000  short\\u{7}

        """)
  }

  @Test("On a terminal the widest text columns give way, down to eight columns each")
  func narrowTable() {
    let surroundings = TestConsole()
    surroundings.isTerminal = true
    surroundings.environment = ["NO_COLOR": "1"]
    surroundings.width = 40
    let answer = run(on: surroundings, Self.wide)
    #expect(
      answer.output == """
        ID    NAME              N  NOTE
        u-1   節電株式会社…     7  a note of so…
        u-22  Zoe\u{301}            1000  short\\u{7}

        """)
    for line in answer.output.split(separator: "\n") { #expect(displayWidth(String(line)) <= 40) }
  }

  @Test("A terminal that is too narrow for that gets a block a row")
  func tooNarrow() {
    let surroundings = TestConsole()
    surroundings.isTerminal = true
    surroundings.environment = ["NO_COLOR": "1"]
    surroundings.width = 20
    #expect(
      run("a", on: surroundings, Self.wide).output == """
        ID    u-1
        NAME  節電株式会社 …
        N     7
        NOTE  a note of som…

        ID    u-22
        NAME  Zoe\u{301}
        N     1000
        NOTE  short\\u{7}

        """)
  }

  @Test("Names and values stand beneath each other, and an empty name goes on")
  func keyValueBlock() {
    let answer = run { _, _, session throws(CommandFailure) in
      var block: KeyValueBlock = ["program": "Peak Relief", "名前": "x\ny", "none": ""]
      block.append("", "second")
      try session.print(block)
      return .done
    }
    #expect(
      answer.output == """
        program  Peak Relief
        名前     x\\u{a}y
        none
                 second

        """)
  }

  @Test("JSON is canonical, on one line, and carries its version")
  func json() {
    let answer = run("a --json") { _, _, session throws(CommandFailure) in
      #expect(session.wantsJSON)
      var object = JSONObject()
      object["z"] = "\u{1B}é"
      object["a"] = [1, .null]
      try session.print(json: object)
      return .done
    }
    #expect(answer == Answer(status: .done, output: #"{"a":[1,null],"v":1,"z":"\u001bé"}"# + "\n"))
  }

  @Test("Remarks go to standard error, and --quiet silences them but not warnings")
  func talk() {
    let all = "demo-ledger: warning: no channel for 'fax'\ndemo-ledger: nothing is due\n"
    let warning = "demo-ledger: warning: no channel for 'fax'\n"
    #expect(CommandLineInterfaceTests.run("deliver") == Answer(status: .done, talk: all))
    #expect(CommandLineInterfaceTests.run("deliver -q") == Answer(status: .done, talk: warning))
    #expect(CommandLineInterfaceTests.run("deliver --once") == Answer(status: .done, talk: all))
  }

  @Test("What is printed before a remark also stands before it on the screen")
  func order() {
    let surroundings = TestConsole()
    _ = run(on: surroundings) { _, _, session throws(CommandFailure) in
      try session.print("one")
      session.note("two")
      try session.write(Array("three".utf8))
      throw CommandFailure(.answerIsNo, "four")
    }
    #expect(
      String(decoding: surroundings.screen, as: UTF8.self) == "one\ndemo: two\nthreedemo: four\n")
  }

  @Test("Bytes are written as they are, and large output doesn't wait for the end")
  func bytes() {
    let world = DemoWorld()
    let answer = run(in: world) { _, world, session throws(CommandFailure) in
      for _ in 0..<2 {
        try session.write([UInt8](repeating: 0xFF, count: 40_000))
        world.bytesOut.append(world.surroundings.output.count)
      }
      return .done
    }
    #expect(answer.status == .done)
    #expect(world.bytesOut == [0, 80_000])
    #expect(world.surroundings.output.allSatisfy { $0 == 0xFF })
  }

  @Test("Output that can't be written ends the program with 74, and says so")
  func fullDisk() {
    let surroundings = TestConsole()
    surroundings.outputError = .failed(code: 28)
    let said =
      "demo: standard output can't be written (system error 28); the answer is incomplete\n"
    let quiet = run(on: surroundings) { _, _, session throws(CommandFailure) in
      try session.print("x")
      return .done
    }
    #expect(quiet == Answer(status: .inputOutput, talk: said))
    // Found out while talking, it isn't lost either.
    let talking = TestConsole()
    talking.outputError = .failed(code: 28)
    let answer = run(on: talking) { _, _, session throws(CommandFailure) in
      try session.print("x")
      session.note("done")
      return .done
    }
    #expect(answer == Answer(status: .inputOutput, talk: "demo: done\n" + said))
  }

  @Test("A reader that went away stops the program without a word")
  func closedPipe() {
    let surroundings = TestConsole()
    surroundings.outputError = .readerIsGone
    let world = DemoWorld()
    world.surroundings = surroundings
    let answer = run(in: world) { _, world, session throws(CommandFailure) in
      for _ in 0..<1_000_000 {
        world.lines += 1
        try session.print("0123456789")
      }
      return .done
    }
    #expect(answer == Answer(status: .inputOutput))
    #expect((1..<10_000).contains(world.lines))
  }

  @Test("A reader that went away hides no other failure")
  func closedPipeAndFailure() {
    let surroundings = TestConsole()
    surroundings.outputError = .readerIsGone
    let answer = run("a", on: surroundings) { _, _, session throws(CommandFailure) in
      try session.print("x")
      session.note("looking")
      throw CommandFailure(.integrityViolation, "so")
    }
    #expect(answer == Answer(status: .integrityViolation, talk: "demo: looking\ndemo: so\n"))
  }

  @Test("The handler's status is the program's", arguments: ExitStatus.allCases)
  func status(status: ExitStatus) {
    #expect(run { _, _, _ in status }.status == status)
    let failing = run { _, _, _ throws(CommandFailure) in throw CommandFailure(status, "so") }
    #expect(failing.status == status)
    #expect(failing.talk.hasPrefix("demo: so\n"))
  }

  @Test("Colour follows the option, then the customs of the environment, then the terminal")
  func color() {
    struct Case {
      var option = ""
      var environment: [String: String] = [:]
      var isTerminal = true
      let isOn: Bool
    }
    let cases = [
      Case(isOn: true), Case(isTerminal: false, isOn: false),
      Case(option: " --color=always", isTerminal: false, isOn: true),
      Case(option: " --color=always", environment: ["NO_COLOR": "1", "TERM": "dumb"], isOn: true),
      Case(option: " --color=never", environment: ["CLICOLOR_FORCE": "1"], isOn: false),
      Case(option: " --color=auto", isOn: true),
      Case(environment: ["NO_COLOR": "1"], isOn: false),
      Case(environment: ["NO_COLOR": ""], isOn: true),
      Case(environment: ["TERM": "dumb"], isOn: false),
      Case(environment: ["CLICOLOR_FORCE": "1"], isTerminal: false, isOn: true),
      Case(environment: ["CLICOLOR_FORCE": "0"], isTerminal: false, isOn: false),
      Case(environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], isOn: false),
    ]
    for shown in cases {
      let surroundings = TestConsole()
      surroundings.environment = shown.environment
      surroundings.isTerminal = shown.isTerminal
      let answer = run("a" + shown.option, on: surroundings) {
        _, _, session throws(CommandFailure) in
        try session.print("BAD\u{1B}", style: .bad)
        throw CommandFailure(.integrityViolation, "so")
      }
      let expected =
        shown.isOn
        ? Answer(
          status: .integrityViolation, output: "\u{1B}[31mBAD\\u{1b}\u{1B}[0m\n",
          talk: "\u{1B}[31mdemo:\u{1B}[0m so\n")
        : Answer(status: .integrityViolation, output: "BAD\\u{1b}\n", talk: "demo: so\n")
      #expect(answer == expected, "\(shown)")
    }
  }
}
