import Foundation
import Platform
import Testing

@Suite("Reading line by line")
struct InputTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The lines of the file `input`, or those before the error and the error.
  private func lines(
    limit: Int
  ) throws -> (lines: [InputLine], failure: PlatformError?) {
    var reader = LineReader(try InputReader(directory.path("input")), limit: limit)
    var lines: [InputLine] = []
    do throws(PlatformError) {
      while let line = try reader.next() { lines.append(line) }
      return (lines, nil)
    } catch {
      return (lines, error)
    }
  }

  @Test("Every small input is cut at every limit as a plain split cuts it")
  func exhaustive() throws {
    for length in 0...6 {
      for bits in 0..<(1 << length) {
        let content = String((0..<length).map { bits >> $0 & 1 == 0 ? "a" : "\n" })
        var parts = content.split(separator: "\n", omittingEmptySubsequences: false)
        if parts.last == "" { parts.removeLast() }
        try directory.write(content, to: "input")
        for limit in 0...6 {
          let answer = try lines(limit: limit)
          let kept = parts.prefix { $0.utf8.count <= limit }
          let expected = kept.enumerated().map { (number: $0 + 1, bytes: Array($1.utf8)) }
          #expect(answer.lines.map(\.number) == expected.map(\.number), "\(content) \(limit)")
          #expect(answer.lines.map(\.bytes) == expected.map(\.bytes), "\(content) \(limit)")
          let failure: PlatformError? =
            kept.count == parts.count
            ? nil
            : .lineTooLong(path: directory.path("input"), line: kept.count + 1, limit: limit)
          #expect(answer.failure == failure, "\(content) \(limit)")
        }
      }
    }
  }

  @Test(
    "Lines that cross what is read at once stay whole",
    arguments: [65_534, 65_535, 65_536, 65_537, 131_072, 131_073])
  func chunkBoundaries(length: Int) throws {
    let long = String(repeating: "x", count: length)
    try directory.write("\(long)\ny\n\(long)", to: "input")
    let answer = try lines(limit: length)
    #expect(answer.lines.map(\.bytes.count) == [length, 1, length])
    #expect(answer.failure == nil)
    try directory.write("y\n\(long)x\n", to: "input")
    let refused = try lines(limit: length)
    #expect(refused.lines.count == 1)
    #expect(
      refused.failure
        == .lineTooLong(path: directory.path("input"), line: 2, limit: length))
  }

  @Test("A line without an end is refused as soon as it is too long")
  func endless() throws {
    var reader = LineReader(try InputReader("/dev/zero"), limit: 1_000_000)
    var failure: PlatformError?
    do throws(PlatformError) { _ = try reader.next() } catch { failure = error }
    #expect(failure == .lineTooLong(path: "/dev/zero", line: 1, limit: 1_000_000))
  }

  @Test("Carriage returns, zero bytes and broken UTF-8 are left for others to judge")
  func anyBytes() throws {
    try directory.write("a\r\n\0\n", to: "input")
    let answer = try lines(limit: 10)
    #expect(answer.lines.map(\.bytes) == [[0x61, 0x0D], [0]])
  }

  @Test("A pipe that gives a byte at a time gives whole lines")
  func dribble() throws {
    try directory.makePipe("pipe")
    let path = directory.path("pipe")
    Thread.detachNewThread {
      guard let writer = FileHandle(forWritingAtPath: path) else { return }
      for byte in "ab\n\ncd".utf8 {
        writer.write(Data([byte]))
        SystemClock.sleep(microseconds: 500)
      }
    }
    var reader = LineReader(try InputReader(path), limit: 2)
    var bytes: [String] = []
    while let line = try reader.next() { bytes.append(String(decoding: line.bytes, as: UTF8.self)) }
    #expect(bytes == ["ab", "", "cd"])
  }

  @Test("Standard input is read wholly, by lines, and up to a limit")
  func standardInput() async throws {
    try directory.write("one\ntwo\n", to: "input")
    await #expect(processExitsWith: .success) { [path = directory.path("input") as String] in
      for round in 0..<3 {
        let file = unsafe open(path, O_RDONLY)
        try #require(dup2(file, 0) == 0)
        switch round {
        case 0: try #require(try readFile("-", limit: 8) == Array("one\ntwo\n".utf8))
        case 1:
          #expect(throws: PlatformError.tooLarge(path: "-", limit: 7)) {
            try readFile("-", limit: 7)
          }
        default:
          var reader = LineReader(try InputReader("-"), limit: 3)
          let first = try reader.next()
          let second = try reader.next()
          let third = try reader.next()
          try #require(first?.bytes == Array("one".utf8))
          try #require(second?.number == 2)
          try #require(third == nil)
        }
        // Reading to the end of a copy hasn't closed the stream itself.
        try #require(fcntl(0, F_GETFD) != -1)
      }
    }
  }

  @Test("Signals interrupt neither a read nor a sleep")
  func interruptions() async {
    await #expect(processExitsWith: .success) {
      // Unlike `signal`, this has calls interrupted rather than begun again by the system.
      var action = sigaction()
      #if canImport(Darwin)
        unsafe action.__sigaction_u.__sa_handler = { _ in }
      #else
        unsafe action.__sigaction_handler.sa_handler = { _ in }
      #endif
      try #require(unsafe sigaction(SIGUSR1, &action, nil) == 0)
      try unblock(SIGUSR1)
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      try #require(dup2(ends[0], 0) == 0)
      let writing = ends[1]
      let reader = pthread_self()
      Thread.detachNewThread {
        for _ in 0..<50 {
          pthread_kill(reader, SIGUSR1)
          SystemClock.sleep(microseconds: 1_000)
        }
        var byte: UInt8 = 0x61
        _ = unsafe write(writing, &byte, 1)
        close(writing)
      }
      let start = SystemClock.monotonicNanoseconds()
      SystemClock.sleep(microseconds: 20_000)
      try #require(SystemClock.monotonicNanoseconds() - start >= 20_000_000)
      try #require(try readFile("-", limit: 5) == [0x61])
    }
  }

  @Test("Standard input that doesn't wait is waited for")
  func nonblockingInput() async throws {
    await #expect(processExitsWith: .success) {
      var ends: [Int32] = [-1, -1]
      try #require(unsafe pipe(&ends) == 0)
      try #require(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
      try #require(dup2(ends[0], 0) == 0)
      let writing = ends[1]
      Thread.detachNewThread {
        SystemClock.sleep(microseconds: 20_000)
        var byte: UInt8 = 0x61
        _ = unsafe write(writing, &byte, 1)
        close(writing)
      }
      try #require(try readFile("-", limit: 5) == [0x61])
    }
  }
}
