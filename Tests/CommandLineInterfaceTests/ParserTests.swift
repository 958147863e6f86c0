import Bytes
import CommandLineInterface
import Simulation
import Testing

@Suite("Parser")
struct ParserTests {
  /// The call that a line led to, or `nil` where no handler ran.
  private func parse(
    _ arguments: [String], environment: [String: String] = [:]
  ) -> Invocation? {
    let world = DemoWorld()
    let surroundings = TestConsole()
    surroundings.environment = environment
    _ = operatorTable.run(arguments, in: world, on: surroundings.console)
    return world.calls.last
  }

  @Test("Every spelling of an option gives the same value")
  func spellings() throws {
    for spelling in [["--key", "a=b"], ["--key=a=b"]] {
      let call = try #require(parse(["dispatch", "f"] + spelling))
      #expect(call[DispatchCommand.key] == "a=b")
    }
    for spelling in [["-C", "d"], ["-Cd"], ["--ledger", "d"], ["--ledger=d"]] {
      #expect(parse(spelling + ["dispatch", "f"])?[Global.ledger] == "d")
      #expect(parse(["dispatch"] + spelling + ["f"])?[Global.ledger] == "d")
      #expect(parse(["dispatch", "f"] + spelling)?[Global.ledger] == "d")
    }
    for spelling in [["-td"], ["-dt"], ["-t", "-d"], ["--test", "--deliver"], ["-tdt"]] {
      let call = try #require(parse(["dispatch", "f"] + spelling))
      #expect(call[DispatchCommand.test] && call[DispatchCommand.deliver])
    }
    #expect(parse(["dispatch", "f", "-tn7"])?[DispatchCommand.batch] == 7)
    #expect(parse(["dispatch", "f", "-tn", "7"])?[DispatchCommand.batch] == 7)
    // As with getopt, what follows a short option in the same word is its value to the last letter.
    #expect(parse(["dispatch", "f", "-C=d"])?[Global.ledger] == "=d")
  }

  @Test("What isn't given is nil, false, empty or the default")
  func absent() throws {
    let dispatch = try #require(parse(["dispatch", "f"]))
    #expect(dispatch[DispatchCommand.key] == nil)
    #expect(dispatch[DispatchCommand.batch] == nil)
    #expect(!dispatch[DispatchCommand.test])
    #expect(dispatch[Global.ledger] == ".")
    let load = try #require(parse(["import", "f"]))
    #expect(load[ImportCommand.format] == .catalogue)
    #expect(load[ImportCommand.skipped] == [])
    #expect(parse(["observe", "s"])?[ObserveCommand.value] == .some(nil))
    #expect(parse(["init"])?[InitCommand.size] == ByteCount(bytes: 64 << 20))
  }

  @Test("The line goes before the environment, and that before the default; empty is unset")
  func precedence() {
    let set = ["DEMO_LEDGER": "there"]
    #expect(parse(["init"], environment: set)?[Global.ledger] == "there")
    #expect(parse(["init", "-C", "here"], environment: set)?[Global.ledger] == "here")
    #expect(parse(["init"], environment: ["DEMO_LEDGER": ""])?[Global.ledger] == ".")
  }

  @Test("A repeated option keeps the order of its values")
  func repeated() {
    let call = parse(["import", "--skip", "a", "f", "--skip=b", "--skip", "a"])
    #expect(call?[ImportCommand.skipped] == ["a", "b", "a"])
  }

  @Test("A lone dash is standard input, and -- ends the options")
  func dashes() {
    #expect(parse(["dispatch", "-"])?[DispatchCommand.file] == .standardInput)
    #expect(parse(["dispatch", "--", "-"])?[DispatchCommand.file] == .standardInput)
    #expect(parse(["dispatch", "--", "--test"])?[DispatchCommand.file] == .file("--test"))
    #expect(parse(["--", "dispatch", "-t"])?[DispatchCommand.file] == .file("-t"))
    #expect(parse(["dispatch", "./-"])?[DispatchCommand.file] == .file("./-"))
    #expect(parse(["dispatch", "--", "--"])?[DispatchCommand.file] == .file("--"))
  }

  @Test("A number below zero is a value, not an option", arguments: ["-5", "-12.5", "-.5", "-2h"])
  func negative(number: String) {
    #expect(parse(["observe", "s", number])?[ObserveCommand.value] == number)
    #expect(parse(["dispatch", "f", "--key", number])?[DispatchCommand.key] == number)
  }

  @Test("A nested command is found, and its parent still runs by itself")
  func nested() {
    #expect(parse(["view", "-q", "rebuild"])?.path == ["view", "rebuild"])
    #expect(parse(["deliver"])?.path == ["deliver"])
    #expect(parse(["deliver", "test", "test", "test"])?.path == ["deliver", "test"])
    #expect(parse(["deliver", "test", "a", "b"])?[DeliverCommand.address] == "b")
  }

  @Test("What only looks like a name or a value is none")
  func lookAlikes() {
    #expect(!Answer.isUnderstood(run(["import", "f", "--format=openadr\u{200B}"])))
    #expect(!Answer.isUnderstood(run(["dispatch\u{301}", "f"])))
    // For Swift this doesn't begin with a dash, for the shell's user it does.
    #expect(!"-\u{301}x".hasPrefix("-"))
    #expect(!Answer.isUnderstood(run(["observe", "-\u{301}x"])))
  }

  @Test("A handler can't read what its command doesn't declare")
  func undeclared() async {
    await #expect(processExitsWith: .failure) {
      let table = CommandTable<DemoWorld>(
        name: "t", version: "1", released: "July 1, 2026", summary: "Test", examples: [],
        globals: [],
        sections: [
          CommandSection(
            "Commands",
            [
              CommandEntry("a", "Do it", examples: []) { invocation, _, _ in
                invocation[DispatchCommand.test] ? .done : .answerIsNo
              }
            ])
        ])
      _ = table.run(["a"], in: DemoWorld(), on: TestConsole().console)
    }
  }

  @Test("Every line of up to four words is understood or refused, and never both")
  func smallScope() {
    let words = [
      "dispatch", "deliver", "test", "view", "check", "--once", "--key", "--key=k", "-td", "-C",
      "--", "-", "-h",
    ]
    var lines: [[String]] = [[]]
    var refused = 0
    for _ in 0..<4 {
      lines = lines.flatMap { line in words.map { line + [$0] } }
      for line in lines where isRefused(line) { refused += 1 }
    }
    #expect(lines.count == 28_561)
    #expect((1..<28_561).contains(refused))
  }

  @Test("Where a global option stands makes no difference")
  func position() {
    let words = ["dispatch", "deliver", "test", "view", "check", "--once", "-n5"]
    var lines: [[String]] = [[]]
    for _ in 0..<4 {
      lines = lines.flatMap { line in words.map { line + [$0] } }
    }
    for line in lines {
      let first = run(["-C", "d"] + line)
      for place in 1...line.count {
        var moved = line
        moved.insert("--ledger=d", at: place)
        let answer = run(moved)
        #expect(answer == first, "\(moved)")
      }
    }
  }

  @Test(
    "Random spellings of a call give its values back",
    arguments: 1...amount(4 as UInt64, long: 100))
  func roundTrip(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<2_000 {
      let key: String? = Bool.random(using: &random) ? text(&random) : nil
      let batch: Int? = Bool.random(using: &random) ? .random(in: 1...1000, using: &random) : nil
      let isTest = Bool.random(using: &random)
      var pieces: [[String]] = []
      if let key { pieces.append(spell("--key", nil, key, &random)) }
      if let batch { pieces.append(spell("--batch", "-n", String(batch), &random)) }
      if isTest { pieces.append([Bool.random(using: &random) ? "-t" : "--test"]) }
      pieces.append(["file"])
      pieces.shuffle(using: &random)
      let line = ["dispatch"] + pieces.flatMap(\.self)
      let call = try #require(parse(line), "seed \(seed): \(line)")
      #expect(call[DispatchCommand.key] == key, "seed \(seed): \(line)")
      #expect(call[DispatchCommand.batch] == batch, "seed \(seed): \(line)")
      #expect(call[DispatchCommand.test] == isTest, "seed \(seed): \(line)")
      #expect(call[DispatchCommand.file] == .file("file"), "seed \(seed): \(line)")
    }
  }

  @Test(
    "No line traps, and none sends a control to the terminal", arguments: [1, 2, 3, 4] as [UInt64])
  func randomLines(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var refused = 0
    for _ in 0..<25_000 {
      let line = (0..<Int.random(in: 0...8, using: &random)).map { _ in word(&random) }
      if isRefused(line) { refused += 1 }
    }
    // Both kinds came up, or the lines proved nothing.
    #expect((2_500..<24_500).contains(refused), "seed \(seed)")
  }

  /// Runs a line and checks what holds for each: a refused one runs nothing, says so on standard
  /// error alone, and all that is printed is printable.
  private func isRefused(_ line: [String]) -> Bool {
    let world = DemoWorld()
    let surroundings = TestConsole()
    let status = operatorTable.run(line, in: world, on: surroundings.console)
    let isRefused = status == .usage
    if isRefused != (world.calls.isEmpty && surroundings.output.isEmpty) {
      Issue.record("\(line): exit \(status.rawValue), \(world.calls.count) calls")
    }
    if isRefused, surroundings.talk.isEmpty {
      Issue.record("\(line): refused in silence")
    }
    for bytes in [surroundings.output, surroundings.talk] {
      let isSafe = String(decoding: bytes, as: UTF8.self).unicodeScalars.allSatisfy { scalar in
        scalar == "\n"
          || (scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
            && !(0x202A...0x202E).contains(scalar.value))
      }
      if !isSafe { Issue.record("\(line): a control was printed") }
    }
    return isRefused
  }

  private func spell(
    _ long: String, _ short: String?, _ value: String, _ random: inout SeededRandom
  ) -> [String] {
    switch Int.random(in: 0..<4, using: &random) {
    case 0 where !value.hasPrefix("-"): [long, value]
    case 1 where !value.hasPrefix("-"): [short ?? long, value]
    case 2: if let short { ["\(short)\(value)"] } else { ["\(long)=\(value)"] }
    default: ["\(long)=\(value)"]
    }
  }

  private let letters = Array("ab-=7 'é\u{1B}\u{202E}節")

  private func text(_ random: inout SeededRandom) -> String {
    String(
      (0..<Int.random(in: 1...5, using: &random)).map { _ in
        letters[Int.random(in: 0..<letters.count, using: &random)]
      })
  }

  private func word(_ random: inout SeededRandom) -> String {
    let known = [
      "dispatch", "cancel", "import", "init", "observe", "deliver", "test", "view", "check", "help",
      "version", "exit-codes", "--key", "--key=k", "--reason=r", "--reason", "--once", "--json",
      "-q", "-C", "-Cd", "-td", "-n", "5", "--format=openadr", "--skip", "--help", "--", "-", "",
      "--color=never",
    ]
    var word = known[Int.random(in: 0..<known.count, using: &random)]
    switch Int.random(in: 0..<8, using: &random) {
    case 0: word = text(&random)
    case 1: word += text(&random)
    case 2: word = String(word.dropLast())
    default: break
    }
    return word
  }
}

extension Answer {
  static func isUnderstood(_ answer: Answer) -> Bool { answer.status != .usage }
}
