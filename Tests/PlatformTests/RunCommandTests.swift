import Platform
import Testing

@Suite("Commands that are run for their answer") struct RunCommandTests {
  private func run(
    _ command: String, input: [UInt8] = [], limit: Int = 1 << 20, milliseconds: Int = 20_000
  ) throws -> CommandAnswer {
    // A command that doesn't read its input would else end this process by SIGPIPE.
    prepareProcess()
    return try runCommand(
      command, input: input, outputLimit: limit, timeoutMilliseconds: milliseconds)
  }

  @Test("A command gets its input whole and answers, however much both are")
  func exchange() throws {
    #expect(try run("cat", input: Array("a\nb".utf8)).output == Array("a\nb".utf8))
    // More than pipes hold: neither side may wait for the other.
    let much = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let answer = try run("cat", input: much, limit: 2_000_000)
    #expect(answer.isSuccess && answer.output == much)
    #expect(try run("wc -c | tr -d ' \n'", input: much).output == Array("1000000".utf8))
  }

  @Test("How it ended is told: its status, its signal, or that the time was up")
  func ends() throws {
    #expect(try run("exit 3").end == .exited(status: 3))
    #expect(try run("kill -9 $$").end == .killed(signal: 9))
    #expect(try run("no-such-command-here 2>/dev/null").end == .exited(status: 127))
    // Without reading its input, with its output closed, and with a child that holds the output.
    #expect(try run("exit 0", input: [UInt8](repeating: 65, count: 1 << 20)).isSuccess)
    #expect(try run("exec >&-; sleep 60", milliseconds: 100).end == .timedOut)
    let partial = try run("echo begun; sleep 60 & wait", milliseconds: 300)
    #expect(partial.end == .timedOut && partial.output == Array("begun\n".utf8))
    #expect(try run("yes", limit: 1_000).end == .tooMuch)
  }

  @Test("Signals that this process ignores end a command as they should")
  func signals() throws {
    // Were SIGPIPE ignored, yes would complain and the shell would go on to say so.
    #expect(try run("kill -PIPE $$; echo still here").end == .killed(signal: 13))
  }

  @Test("What can't be a command is refused before anything is started")
  func refused() {
    #expect(throws: PlatformError.failed(.spawn, path: "a\0b", code: 22)) { try run("a\0b") }
    #expect(throws: PlatformError.failed(.spawn, path: "", code: 22)) { try run("") }
  }
}
