import CommandLineInterface
import Testing

@Suite("Progress")
struct ProgressTests {
  /// What a command says on a terminal that does 100 MB in a second, ten times, of 4 GB in all.
  private func screen(
    _ surroundings: TestConsole, options: [String] = [], ending: Bool = true
  ) -> String {
    let table = CommandTable<DemoWorld>(
      name: "demo", version: "1", released: "July 1, 2026", summary: "Test", examples: [],
      globals: Global.all,
      sections: [
        CommandSection(
          "Commands",
          [
            CommandEntry("a", "Do it", examples: []) { _, world, session throws(CommandFailure) in
              let progress = session.beginProgress("verify", .bytes)
              for step in 1...10 as ClosedRange<UInt64> {
                world.surroundings.nanoseconds += 100_000_000
                progress.advance(to: step * 100_000_000, of: 4_000_000_000)
              }
              if ending { try session.print("done") }
              return .done
            }
          ])
      ])
    let world = DemoWorld()
    world.surroundings = surroundings
    _ = table.run(["a"] + options, in: world, on: surroundings.console)
    return String(decoding: surroundings.screen, as: UTF8.self)
  }

  private func terminal(width: Int = 80) -> TestConsole {
    let surroundings = TestConsole()
    surroundings.isTerminal = true
    surroundings.width = width
    return surroundings
  }

  @Test(
    "It begins after half a second, tells amount, rate and time left, and goes before the answer"
  )
  func line() {
    let left = "\u{1B}[K"
    #expect(
      screen(terminal())
        == "\rverify 12%  500 MB of 4.0 GB  1.0 GB/s  4 s left\(left)"
        + "\rverify 17%  700 MB of 4.0 GB  1.0 GB/s  4 s left\(left)"
        + "\rverify 22%  900 MB of 4.0 GB  1.0 GB/s  4 s left\(left)"
        + "\r\(left)done\n")
  }

  @Test("It goes away at the end, even where nothing is printed")
  func end() {
    #expect(screen(terminal(), ending: false).hasSuffix("left\u{1B}[K\r\u{1B}[K"))
  }

  @Test(
    "A narrow terminal gets as much of it as fits",
    arguments: [
      (40, "verify 22%  1.0 GB/s  4 s left"), (30, "verify 22%  4 s left"), (15, "verify 22%"),
      (8, "verify…"),
    ])
  func narrow(width: Int, line: String) {
    #expect(screen(terminal(width: width)).contains("\r\(line)\u{1B}[K"))
  }

  @Test("Nobody sees it in a pipe, with --quiet or on a terminal that is dumb")
  func nobody() {
    #expect(screen(TestConsole()) == "done\n")
    #expect(screen(terminal(), options: ["-q"]) == "done\n")
    let dumb = terminal()
    dumb.environment = ["TERM": "dumb"]
    #expect(screen(dumb) == "done\n")
  }

  @Test("Counts and sizes are told as people read them")
  func counts() {
    #expect(
      [0, 999, 1_000, 1_234_567].map { groupedText($0) } == ["0", "999", "1,000", "1,234,567"])
    #expect(
      [0, 999, 1_000, 9_949, 9_950, 1_500_000, 999_499, 999_500, 12e18].map { byteText($0) }
        == ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "1.5 MB", "999 kB", "1.0 MB", "12000 PB"])
  }
}
