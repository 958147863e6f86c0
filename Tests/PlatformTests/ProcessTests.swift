import Bytes
import Foundation
import Platform
import Testing

@Suite("The process and the machine")
struct ProcessTests {
  // MARK: Clocks and randomness

  @Test("The clock agrees with another reading of it")
  func now() {
    let before = Int64(Date().timeIntervalSince1970 * 1_000_000) - 1_000
    let now = SystemClock.now().microseconds
    let after = Int64(Date().timeIntervalSince1970 * 1_000_000) + 1_000
    #expect(before <= now && now <= after)
  }

  @Test("A sleep takes at least its time on the monotonic clock", arguments: [-1, 0, 1, 3_000])
  func sleep(microseconds: Int) {
    let start = SystemClock.monotonicNanoseconds()
    SystemClock.sleep(microseconds: microseconds)
    let waited = SystemClock.monotonicNanoseconds() - start
    #expect(waited >= UInt64(max(0, microseconds)) * 1_000)
    #expect(waited < 10_000_000_000)
  }

  @Test("Random bytes come in every number, and differ")
  func random() throws {
    for count in [0, 1, 10, 255, 256] { #expect(try randomBytes(count).count == count) }
    #expect(try randomBytes(32) != randomBytes(32))
    let zeros = try (0..<64).map { _ in try randomBytes(256).filter { $0 == 0 }.count }
    // 64 are expected of 16,384; none at all has a chance of 1 in 10^28.
    #expect((1...200).contains(zeros.reduce(0, +)))
  }

  @Test("A UUID has the layout of RFC 9562, as in its example")
  func uuid() throws {
    // RFC 9562, A.6: 2022-02-22T19:22:22.000Z, rand_a CC3, rand_b 18C4DC0C0C07398F.
    let instant = try #require(Instant(microseconds: 1_645_557_742_000_000))
    let random: [UInt8] = [0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F]
    #expect(
      timeOrderedUUID(at: instant, random: random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    let zeros = [UInt8](repeating: 0, count: 10)
    let ones = [UInt8](repeating: 0xFF, count: 10)
    let epoch = try #require(Instant(microseconds: 999))
    #expect(timeOrderedUUID(at: epoch, random: zeros) == "00000000-0000-7000-8000-000000000000")
    #expect(timeOrderedUUID(at: epoch, random: ones) == "00000000-0000-7fff-bfff-ffffffffffff")
    let earlier = try #require(Instant(microseconds: -5_000_000))
    #expect(timeOrderedUUID(at: earlier, random: zeros) == "00000000-0000-7000-8000-000000000000")
    let last = try #require(Instant(microseconds: 253_402_300_799_999_999))
    #expect(timeOrderedUUID(at: last, random: zeros) == "e677d21f-dbff-7000-8000-000000000000")
  }

  @Test("Later UUIDs sort behind earlier ones")
  func uuidOrder() throws {
    let instants = [0, 1_000, 255_000, 256_000, 65_536_000, 1_645_557_742_000_000]
      .compactMap { Instant(microseconds: $0) }
    let ids = try instants.map { timeOrderedUUID(at: $0, random: try randomBytes(10)) }
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
  }

  // MARK: Surroundings

  @Test("An actor is a login at a host in visible ASCII")
  func actors() {
    #expect(actor(login: "ops", host: "host7") == "user:ops@host7")
    #expect(actor(login: "DOMAIN\\ops", host: "a.example") == "user:DOMAIN\\ops@a.example")
    #expect(actor(login: "a b\n\u{1B}", host: "") == "user:a?b??@?")
    #expect(actor(login: "é", host: "h") == "user:??@h")
    #expect(actorOfProcess() == actor(login: NSUserName(), host: ProcessInfo.processInfo.hostName))
  }

  @Test("Groups are found by name")
  func groups() throws {
    let name = isRoot ? "root" : "no such group here"
    #expect(try groupNumber(named: name) == (isRoot ? 0 : nil))
    #expect(try groupNumber(named: "no-such-group") == nil)
    #expect(try groupNumber(named: "") == nil)
  }

  @Test("The environment is read as it is now")
  func environment() async {
    #expect(environmentVariable("NO_SUCH_VARIABLE_HERE") == nil)
    await #expect(processExitsWith: .success) {
      unsafe setenv("SOME_VARIABLE", "", 1)
      try #require(environmentVariable("SOME_VARIABLE") == "")
      unsafe setenv("SOME_VARIABLE", "a=b", 1)
      try #require(environmentVariable("SOME_VARIABLE") == "a=b")
    }
  }

  @Test("The arguments are those that the process was started with")
  func arguments() throws {
    #expect(try programArguments() == Array(CommandLine.arguments.dropFirst()))
  }

  @Test("The process ends with the code that it is told", arguments: [0, 1, 65, 255])
  func exitCode(code: Int32) async {
    await #expect(processExitsWith: .exitCode(code)) { [code = code as Int32] in
      exitProcess(code)
    }
  }

  // MARK: Words

  @Test("An errno has the system's words and its name")
  func errnoWords() {
    #expect(errnoText(ENOSPC) == "No space left on device (ENOSPC)")
    #expect(errnoText(ENOENT) == "No such file or directory (ENOENT)")
    #expect(errnoText(EAGAIN).hasSuffix("(EAGAIN)"))
    #expect(errnoText(99_999).contains("99999"))
    #expect(!errnoText(99_999).contains("("))
    for code: Int32 in -1...200 { #expect(!errnoText(code).isEmpty) }
  }

  // MARK: Paths

  @Test("A path's parent, by its text alone")
  func parents() {
    let expected = [
      "a": ".", "a/b": "a", "/a": "/", "/a/b": "/a", "a/b/": "a", "a//b": "a", "//a//b//": "//a",
      "/": "/", "//": "/", ".": ".", "./a": ".", "../a": "..", "": ".",
    ]
    for (path, parent) in expected { #expect(parentDirectory(of: path) == parent, "\(path)") }
  }

  @Test("A path is joined to a directory, unless it is absolute")
  func joining() {
    #expect(joinPath("a", "b") == "a/b")
    #expect(joinPath("a/", "b") == "a/b")
    #expect(joinPath("/", "b") == "/b")
    #expect(joinPath("", "b") == "b")
    #expect(joinPath("a", "") == "a")
    #expect(joinPath("a", "/b") == "/b")
  }

  @Test("A relative path is seen from the working directory")
  func absolute() throws {
    let here = FileManager.default.currentDirectoryPath
    #expect(try absolutePath("a/b") == "\(here)/a/b")
    #expect(try absolutePath(".") == here)
    #expect(try absolutePath("") == here)
    #expect(try absolutePath("./a") == "\(here)/a")
    #expect(try absolutePath(".//./a") == "\(here)/a")
    #expect(try absolutePath("../a") == "\(here)/../a")
    #expect(try absolutePath(".a") == "\(here)/.a")
    #expect(try absolutePath("/a/../b") == "/a/../b")
  }

  @Test("A working directory that is gone is an error")
  func goneDirectory() async throws {
    let directory = try TemporaryDirectory()
    await #expect(processExitsWith: .success) { [path = directory.path as String] in
      let place = "\(path)/gone"
      try createDirectories(place)
      try #require(unsafe chdir(place) == 0)
      try removeDirectory(place)
      #expect(throws: PlatformError.failed(.workingDirectory, path: "a", code: ENOENT)) {
        try absolutePath("a")
      }
    }
  }

  // MARK: Stopping

  @Test("The first signal is noted and wakes up who waits", arguments: [SIGINT, SIGTERM])
  func firstSignal(number: Int32) async {
    await #expect(processExitsWith: .success) { [number = number as Int32] in
      try StopRequest.listen()
      try StopRequest.listen()
      try #require(!StopRequest.isMade)
      try #require(!StopRequest.wait(milliseconds: 5))
      let process = getpid()
      Thread.detachNewThread {
        SystemClock.sleep(microseconds: 20_000)
        kill(process, number)
      }
      let start = SystemClock.monotonicNanoseconds()
      try #require(StopRequest.wait(milliseconds: 20_000))
      try #require(SystemClock.monotonicNanoseconds() - start < 10_000_000_000)
      try #require(StopRequest.isMade)
      try #require(StopRequest.wait(milliseconds: .max))
    }
  }

  @Test("The second signal ends the process")
  func secondSignal() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      try StopRequest.listen()
      kill(getpid(), SIGTERM)
      try #require(StopRequest.wait(milliseconds: 10_000))
      kill(getpid(), SIGTERM)
      // Another thread may be the one that gets it.
      SystemClock.sleep(microseconds: 10_000_000)
    }
  }

  @Test("Who doesn't listen only waits")
  func notListening() async {
    await #expect(processExitsWith: .success) {
      let start = SystemClock.monotonicNanoseconds()
      try #require(!StopRequest.wait(milliseconds: 3))
      try #require(SystemClock.monotonicNanoseconds() - start >= 3_000_000)
    }
  }
}
