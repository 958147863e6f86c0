import CommandLineInterface
import Testing

@Suite("The table's own problems")
struct TableProblemsTests {
  private typealias Entry = CommandEntry<DemoWorld>

  private func problems(
    _ entries: [Entry], globals: [any Declaration] = [StandardOption.help],
    groups: [CommandGroup] = [], examples: [Example] = []
  ) -> [String] {
    CommandTable(
      name: "demo", version: "1", released: "July 1, 2026", summary: "Test",
      examples: examples, globals: globals,
      sections: [CommandSection("Commands", entries)], groups: groups
    ).problems
  }

  private func entry(
    _ path: String = "a", _ summary: String = "Do it", examples: [Example]? = nil,
    takes parameters: any Declaration...
  ) -> Entry {
    Entry(
      path, summary, examples: examples ?? [Example("demo \(path) --help", "Help")],
      takes: parameters
    ) { _, _, _ in .done }
  }

  private let file = Argument("FILE", .text, help: "A file")
  private let other = Argument(optional: "OTHER", .text, help: "Another")
  private let rest = Argument(repeated: "REST", .text, atLeast: 1, help: "The rest")

  @Test("The demonstrations have none")
  func none() {
    #expect(operatorTable.problems == [])
    #expect(auditorTable.problems == [])
  }

  @Test("Names of commands are lower case, once each, and summed up")
  func names() {
    #expect(problems([entry("Verify")]) == ["'Verify' is no name for a command"])
    #expect(problems([entry(), entry()]) == ["'a' stands twice in the table"])
    #expect(problems([entry("help")]) == ["'help' stands twice in the table"])
    #expect(
      problems([entry("view check")]) == ["'view' has no summary"])
    #expect(problems([entry("view check")], groups: [CommandGroup("view", "Views")]) == [])
    #expect(problems([entry("a", "Do it.")]) == ["'Do it.' isn't a sentence without its full stop"])
    #expect(problems([entry("a", examples: [])]) == ["'a' has no example"])
  }

  @Test("A word can't be both an argument and a command")
  func ambiguity() {
    #expect(
      problems([entry("a", takes: file), entry("a b")]) == ["'a' takes both arguments and commands"]
    )
  }

  @Test("Options have one name each, and take their own default")
  func options() {
    let flag = Option(flag: "all", short: "h", help: "All")
    #expect(problems([entry("a", takes: flag)]) == ["'a': '-h' is declared twice"])
    #expect(
      problems([entry("a", takes: StandardOption.help)])
        == ["'a': '--help' is declared twice", "'a': '-h' is declared twice"])
    #expect(
      problems([entry("a", takes: Option(flag: "All", help: "All"))]) == ["'a': '--All' is no name"]
    )
    #expect(
      problems([entry("a", takes: Option(flag: "all", short: "1", help: "All"))])
        == ["'a': '-1' isn't a letter"])
    let wrong = Option("size", "N", .integer(1...9), default: "10", help: "A size")
    #expect(
      problems([entry("a", takes: wrong)]) == ["'a': '--size' doesn't take its own default '10'"])
  }

  @Test("Arguments that may be left out stand last")
  func arguments() {
    #expect(problems([entry("a", takes: file, other, rest)]) == [])
    #expect(
      problems([entry("a", takes: other, file)])
        == ["'a': FILE must be given, but follows one that may be left out"])
    #expect(
      problems([entry("a", takes: rest, other)])
        == ["'a': OTHER follows one that takes all that is left"])
    #expect(problems([entry("a", takes: file, file)]) == ["'a': FILE is declared twice"])
  }

  @Test("Every example is understood by the parser that its reader will meet")
  func examples() {
    func problem(_ line: String) -> [String] {
      problems([entry("a", examples: [Example(line, "Try")], takes: file)])
    }
    #expect(problem("demo a file") == [])
    #expect(problem("cat x | demo a 'two words' > out") == [])
    #expect(problem("demo a \"x\" && echo done") == [])
    #expect(problem("demo a two words") == ["'demo a two words': surplus argument 'words'"])
    #expect(problem("demo b") == ["'demo b': unknown command 'b'"])
    #expect(problem("other a") == ["'other a': doesn't call demo"])
  }
}
