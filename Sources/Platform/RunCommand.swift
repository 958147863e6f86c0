#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How a command that was run for its answer ended.
package struct CommandAnswer: Hashable, Sendable {
  package enum End: Hashable, Sendable {
    case exited(status: Int32)
    case killed(signal: Int32)
    /// It was still running when the time was up, and was killed.
    case timedOut
    /// It printed more than was wanted, and was killed.
    case tooMuch
  }

  package let end: End
  /// What it printed on standard output.
  package let output: [UInt8]

  /// Whether it said by its exit status that all went well.
  package var isSuccess: Bool { end == .exited(status: 0) }
}

/// Runs a command by `/bin/sh -c`, hands it `input`, and takes what it prints.
///
/// It inherits the environment and standard error. It has a process group of its own, so that what
/// it started goes with it when the time is up.
///
/// - Throws: `.failed(.spawn, …)` where it couldn't be started, or a pipe's own failure.
package func runCommand(
  _ command: String, input: [UInt8], outputLimit: Int, timeoutMilliseconds: Int
) throws(PlatformError) -> CommandAnswer {
  guard isWhole(command) else { throw .failed(.spawn, path: command, code: EINVAL) }
  return try PlatformError.naming(.spawn, command) { () throws(Errno) in
    let (childInput, ourInput) = try commandPipe()
    let (ourOutput, childOutput) = try commandPipe()
    let process = try spawn(command, input: childInput, output: childOutput)
    var exchange = Exchange(
      process: process, input: input[...], outputLimit: outputLimit,
      deadline: Deadline(milliseconds: timeoutMilliseconds))
    return try exchange.run(writing: ourInput, reading: ourOutput, childInput, childOutput)
  }
}

/// The two ends of a pipe; the children of other calls don't inherit them.
func commandPipe() throws(Errno) -> (reading: PipeEnd, writing: PipeEnd) {
  var numbers: [Int32] = [-1, -1]
  try systemCall { unsafe pipe(&numbers) }
  let ends = (PipeEnd(numbers[0]), PipeEnd(numbers[1]))
  for number in numbers { try systemCall { fcntl(number, F_SETFD, FD_CLOEXEC) } }
  return ends
}

/// One end of a pipe, which is closed early, or with the last reference.
final class PipeEnd {
  private(set) var number: Int32

  init(_ number: Int32) { self.number = number }
  deinit { close() }

  func close() {
    if number >= 0 { _ = closeDescriptor(number) }
    number = -1
  }

  func refuseToWait() throws(Errno) {
    let number = number
    try systemCall { fcntl(number, F_SETFL, O_NONBLOCK) }
  }
}

private func closeDescriptor(_ number: Int32) -> Int32 { close(number) }

/// Starts a command by `/bin/sh -c`.
///
/// - Parameters:
///   - output: `nil`: it writes where this process does.
///   - hasOwnGroup: Whether it gets a process group of its own, which no terminal listens to.
func spawn(
  _ command: String, input: PipeEnd, output: PipeEnd?, hasOwnGroup: Bool = true
) throws(Errno) -> pid_t {
  #if canImport(Darwin)
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
  #else
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
  #endif
  unsafe posix_spawn_file_actions_init(&actions)
  unsafe posix_spawnattr_init(&attributes)
  defer {
    unsafe posix_spawn_file_actions_destroy(&actions)
    unsafe posix_spawnattr_destroy(&attributes)
  }
  unsafe posix_spawn_file_actions_adddup2(&actions, input.number, 0)
  if let output { unsafe posix_spawn_file_actions_adddup2(&actions, output.number, 1) }
  // What this process ignores, a command would inherit as ignored.
  var signals = sigset_t()
  unsafe sigemptyset(&signals)
  unsafe sigaddset(&signals, SIGPIPE)
  unsafe sigaddset(&signals, SIGXFSZ)
  unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
  unsafe posix_spawnattr_setpgroup(&attributes, 0)
  // Nor should it be deaf to signals because the thread that starts it is.
  unsafe sigemptyset(&signals)
  unsafe posix_spawnattr_setsigmask(&attributes, &signals)
  let group = hasOwnGroup ? Int16(POSIX_SPAWN_SETPGROUP) : 0
  unsafe posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK) | group)
  var process: pid_t = 0
  let texts = ["/bin/sh", "-c", command]
  let words = unsafe texts.map { text in unsafe strdup(text) }
  defer { unsafe words.forEach { unsafe free($0) } }
  // Unlike other calls, this one returns the reason instead of setting `errno`.
  let code = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, words + [nil], environ)
  guard code == 0 else { throw Errno(code) }
  return process
}

/// How the process ended, or `nil` where it goes on and isn't waited for.
func reapCommand(_ process: pid_t, waiting: Bool) throws(Errno) -> CommandAnswer.End? {
  var status: Int32 = 0
  let found = try systemCall { unsafe waitpid(process, &status, waiting ? 0 : WNOHANG) }
  guard found == process else { return nil }
  // What the macros WIFEXITED, WEXITSTATUS and WTERMSIG do (wait(2)).
  let signal = status & 0x7F
  return signal == 0 ? .exited(status: status >> 8 & 0xFF) : .killed(signal: signal)
}

/// `write(2)`, which has the same name as methods that call it.
func writeOnce(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  unsafe write(number, bytes.baseAddress, bytes.count)
}

/// `read(2)`, likewise.
func readOnce(_ number: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
  unsafe read(number, bytes.baseAddress, bytes.count)
}

/// Writes and reads, neither waiting for the other, until the command has ended or the time is up.
private struct Exchange {
  let process: pid_t
  var input: ArraySlice<UInt8>
  let outputLimit: Int
  let deadline: Deadline
  var output: [UInt8] = []

  mutating func run(
    writing: PipeEnd, reading: PipeEnd, _ childInput: PipeEnd, _ childOutput: PipeEnd
  ) throws(Errno) -> CommandAnswer {
    childInput.close()
    childOutput.close()
    do throws(Errno) {
      try writing.refuseToWait()
      try reading.refuseToWait()
      while reading.number >= 0 {
        if input.isEmpty { writing.close() }
        guard try waitForEither(writing, reading) else { return end(.timedOut) }
        try write(to: writing)
        try read(from: reading)
        if output.count > outputLimit { return end(.tooMuch) }
      }
    } catch {
      _ = end(.timedOut)
      throw error
    }
    writing.close()
    // It may have closed its output and go on.
    while true {
      if let end = try reap(waiting: false) { return CommandAnswer(end: end, output: output) }
      guard let rest = deadline.restMicroseconds else { return end(.timedOut) }
      SystemClock.sleep(microseconds: min(rest, 1_000))
    }
  }

  /// Kills what still runs of the command, and says why.
  private func end(_ reason: CommandAnswer.End) -> CommandAnswer {
    kill(-process, SIGKILL)
    _ = try? reap(waiting: true)
    return CommandAnswer(end: reason, output: output)
  }

  private func reap(waiting: Bool) throws(Errno) -> CommandAnswer.End? {
    try reapCommand(process, waiting: waiting)
  }

  private func waitForEither(_ writing: PipeEnd, _ reading: PipeEnd) throws(Errno) -> Bool {
    guard let rest = deadline.restMicroseconds else { return false }
    // A negative number is passed over.
    var ends = [
      pollfd(fd: writing.number, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: reading.number, events: Int16(POLLIN), revents: 0),
    ]
    let milliseconds = Int32(clamping: rest / 1_000 + 1)
    let count = nfds_t(ends.count)
    return try systemCall { unsafe poll(&ends, count, milliseconds) } > 0
  }

  private mutating func write(to end: PipeEnd) throws(Errno) {
    guard end.number >= 0 else { return }
    do throws(Errno) {
      let number = end.number
      let count = try systemCall {
        unsafe input.withUnsafeBytes { unsafe writeOnce(number, $0) }
      }
      input = input.dropFirst(count)
    } catch {
      switch error.code {
      case EAGAIN: return
      // It doesn't want the rest; what it answers says whether that is well.
      case EPIPE: end.close()
      default: throw error
      }
    }
  }

  private mutating func read(from end: PipeEnd) throws(Errno) {
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    do throws(Errno) {
      let number = end.number
      let count = try systemCall {
        unsafe piece.withUnsafeMutableBytes { unsafe readOnce(number, $0) }
      }
      if count == 0 { end.close() }
      output += piece.prefix(count)
    } catch {
      guard error.code == EAGAIN else { throw error }
    }
  }
}
