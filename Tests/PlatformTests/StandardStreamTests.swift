import EventLog
import Foundation
import Platform
import Testing

@Suite("Standard streams")
struct StandardStreamTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("All bytes arrive, and what is buffered arrives with the flush")
  func written() async throws {
    await #expect(processExitsWith: .success) { [path = directory.path("out") as String] in
      try endBySignals()
      prepareProcess()
      try redirectOutput(to: path)
      try #require(StandardStream.output.write("direct\n") == .written)
      var writer = StreamWriter(to: .output, capacity: 10)
      try #require(writer.write("0123456789") == .written)
      try #require(try readFile(path, limit: 1_000).count == 7)
      // One more than the capacity.
      try #require(writer.write("a".utf8) == .written)
      try #require(try readFile(path, limit: 1_000).count == 18)
      try #require(writer.write("rest\n") == .written)
      try #require(try readFile(path, limit: 1_000).count == 18)
      try #require(writer.flush() == .written)
      try #require(writer.flush() == .written)
      // Looked at here: the test's own end writes to the stream too.
      try #require(
        try readFile(path, limit: 1_000) == Array("direct\n0123456789arest\n".utf8))
    }
  }

  @Test("What wasn't flushed is written when the writer goes")
  func abandoned() async throws {
    await #expect(processExitsWith: .success) { [path = directory.path("out") as String] in
      try redirectOutput(to: path)
      do {
        var writer = StreamWriter(to: .output)
        writer.write("last words")
        try #require(try readFile(path, limit: 1_000).isEmpty)
      }
      try #require(try readFile(path, limit: 1_000) == Array("last words".utf8))
    }
  }

  @Test("A reader who has gone is told of, and doesn't end the process")
  func readerGone() async {
    await #expect(processExitsWith: .success) {
      try endBySignals()
      prepareProcess()
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      try #require(dup2(ends[1], 1) == 1)
      close(ends[0])
      try #require(StandardStream.output.write("lost") == .readerGone)
      var writer = StreamWriter(to: .output, capacity: 1)
      try #require(writer.write("lost") == .readerGone)
      // The first failure stays, even when somebody reads again.
      try #require(unsafe pipe(&ends) == 0)
      try #require(dup2(ends[1], 1) == 1)
      try #require(writer.write("more") == .readerGone)
      try #require(writer.flush() == .readerGone)
    }
  }

  @Test("A limit on the size of the output is an error with its reason")
  func limitedOutput() async throws {
    await #expect(processExitsWith: .success) { [path = directory.path("out") as String] in
      try endBySignals()
      prepareProcess()
      try redirectOutput(to: path)
      try limitFileSize(to: 5)
      try #require(StandardStream.output.write("1234567") == .failed(code: EFBIG))
    }
    #expect(try directory.content(of: "out") == "12345")
  }

  @Test("A megabyte goes through a pipe that doesn't wait and is read slowly")
  func nonblockingPipe() async {
    await #expect(processExitsWith: .success) {
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      try #require(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
      try #require(dup2(ends[1], 1) == 1)
      let (reading, writing) = (ends[0], ends[1])
      let sent = [UInt8]((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })
      Thread.detachNewThread {
        let outcome = StandardStream.output.write(sent[...])
        guard outcome == .written else { exitProcess(9) }
        close(1)
        close(writing)
      }
      SystemClock.sleep(microseconds: 20_000)
      let received = FileHandle(fileDescriptor: reading).readDataToEndOfFile()
      try #require(Array(received) == sent)
    }
  }

  @Test("Streams that were closed refuse, and no file gets their numbers", arguments: 0..<8)
  func closedStreams(mask: Int) async throws {
    await #expect(processExitsWith: .success) {
      [path = directory.path as String, mask = mask as Int] in
      // The new process's own threads open what they need first: it would get the free numbers.
      SystemClock.sleep(microseconds: 300_000)
      for number: Int32 in 0...2 where mask >> number & 1 == 1 { close(number) }
      try endBySignals()
      prepareProcess()
      let file = try FileStorage.create(directory: "\(path)/ledger").open("head", for: .creating)
      if mask & 2 != 0, StandardStream.output.write("lost") != .failed(code: EBADF) {
        exitProcess(2)
      }
      if mask & 4 != 0, StandardStream.error.write("lost") != .failed(code: EBADF) {
        exitProcess(3)
      }
      if mask & 1 != 0 {
        do throws(PlatformError) {
          _ = try readFile("-", limit: 10)
          exitProcess(4)
        } catch {
          if error != .failed(.read, path: "-", code: EBADF) { exitProcess(5) }
        }
      }
      if try file.size() != 0 { exitProcess(6) }
      // Not through the test's own end, which writes to streams that are no more.
      exitProcess(0)
    }
    #expect(try directory.content(of: "ledger/head") == "")
  }

  @Test("A terminal is known by its width, and gets whole lines at once")
  func terminal() async {
    await #expect(processExitsWith: .success) {
      let (main, side) = try openTerminal()
      var size = winsize(ws_row: 24, ws_col: 123, ws_xpixel: 0, ws_ypixel: 0)
      try #require(unsafe ioctl(side, UInt(TIOCSWINSZ), &size) == 0)
      try #require(dup2(side, 1) == 1)
      unsafe unsetenv("COLUMNS")
      try #require(StandardStream.output.isTerminal)
      try #require(StandardStream.output.width == 123)
      unsafe setenv("COLUMNS", "77", 1)
      try #require(StandardStream.output.width == 77)
      var writer = StreamWriter(to: .output)
      writer.write("half a line")
      writer.write(", whole\n")
      var bytes = [UInt8](repeating: 0, count: 100)
      let count = unsafe read(main, &bytes, 100)
      try #require(String(decoding: bytes[..<count], as: UTF8.self) == "half a line, whole\r\n")
    }
  }

  @Test("A pipe is no terminal and has no width, unless COLUMNS gives one")
  func noTerminal() async {
    await #expect(processExitsWith: .success) {
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      try #require(dup2(ends[1], 1) == 1)
      unsafe unsetenv("COLUMNS")
      try #require(!StandardStream.output.isTerminal)
      try #require(StandardStream.output.width == nil)
      unsafe setenv("COLUMNS", "40", 1)
      try #require(StandardStream.output.width == 40)
    }
  }

  @Test("COLUMNS counts where it is a number, else what the terminal says")
  func widths() {
    #expect(chosenWidth(columns: "100", measured: 80) == 100)
    #expect(chosenWidth(columns: nil, measured: 80) == 80)
    #expect(chosenWidth(columns: "", measured: 80) == 80)
    #expect(chosenWidth(columns: "0", measured: 80) == 80)
    #expect(chosenWidth(columns: "-3", measured: 80) == 80)
    #expect(chosenWidth(columns: "wide", measured: 0) == nil)
    #expect(chosenWidth(columns: "99999999999999999999", measured: nil) == nil)
    #expect(chosenWidth(columns: "999999999", measured: nil) == 10_000)
    #expect(chosenWidth(columns: nil, measured: nil) == nil)
  }

  @Test("Nobody writes to standard input")
  func inputIsNoOutput() async {
    await #expect(processExitsWith: .failure) { _ = StandardStream.input.write("x") }
  }
}

private func redirectOutput(to path: String) throws {
  let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
  try #require(dup2(file, 1) == 1)
}

/// Both ends of a new pseudoterminal.
private func openTerminal() throws -> (main: Int32, side: Int32) {
  var main: Int32 = -1
  var side: Int32 = -1
  try #require(unsafe openpty(&main, &side, nil, nil, nil) == 0)
  return (main, side)
}
