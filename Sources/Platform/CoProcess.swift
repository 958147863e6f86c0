#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A command that runs beside this process and talks with it through two pipes, neither waited for.
///
/// `/bin/sh -c` runs it, in a process group of its own; it inherits the environment and standard
/// error. When it is let go, its standard input is closed, and after a while what still runs of it
/// is killed.
package final class CoProcess {
  private let process: pid_t
  private let input: PipeEnd
  private let output: PipeEnd
  private var end: CommandAnswer.End?

  /// How long it may go on once its input is closed.
  private static let patienceMilliseconds = 5_000

  /// - Throws: `.failed(.spawn, …)` where it can't be started.
  package init(_ command: String) throws(PlatformError) {
    (process, input, output) = try PlatformError.naming(.spawn, command) { () throws(Errno) in
      guard isWhole(command) else { throw Errno(EINVAL) }
      let (childInput, ourInput) = try commandPipe()
      let (ourOutput, childOutput) = try commandPipe()
      try ourInput.refuseToWait()
      try ourOutput.refuseToWait()
      return (try spawn(command, input: childInput, output: childOutput), ourInput, ourOutput)
    }
  }

  deinit { _ = finish() }

  /// The descriptor to be polled before something is written; `nil`: it is closed.
  package var inputNumber: Int32? { input.number >= 0 ? input.number : nil }
  /// The descriptor to be polled before something is read; `nil`: it is closed.
  package var outputNumber: Int32? { output.number >= 0 ? output.number : nil }

  /// Writes as much as the pipe takes now.
  ///
  /// - Returns: How many bytes it took, or `nil` where nobody reads them any more.
  package func write(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard let number = inputNumber else { return nil }
    do throws(Errno) {
      return try systemCall { unsafe bytes.withUnsafeBytes { unsafe writeOnce(number, $0) } }
    } catch {
      return error.code == EAGAIN ? 0 : nil
    }
  }

  /// Reads what there is now, at most 64 KiB.
  ///
  /// - Returns: `nil` where nobody writes any more.
  package func read() -> [UInt8]? {
    guard let number = outputNumber else { return nil }
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    do throws(Errno) {
      let count = try systemCall {
        unsafe piece.withUnsafeMutableBytes { unsafe readOnce(number, $0) }
      }
      return count == 0 ? nil : Array(piece.prefix(count))
    } catch {
      return error.code == EAGAIN ? [] : nil
    }
  }

  /// Closes its standard input, and waits for its end; what takes too long is killed.
  package func finish() -> CommandAnswer.End {
    if let end { return end }
    input.close()
    output.close()
    let deadline = Deadline(milliseconds: Self.patienceMilliseconds)
    var found: CommandAnswer.End?
    while found == nil, let rest = deadline.restMicroseconds {
      found = (try? reapCommand(process, waiting: false)) ?? nil
      if found == nil { SystemClock.sleep(microseconds: min(rest, 1_000)) }
    }
    if found == nil {
      kill(-process, SIGKILL)
      _ = try? reapCommand(process, waiting: true)
    }
    let end = found ?? .timedOut
    self.end = end
    return end
  }
}
