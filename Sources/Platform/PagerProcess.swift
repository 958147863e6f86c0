#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A program that shows our output on the terminal page by page, `less` as a rule.
///
/// Unlike other commands it stays in our process group, because it reads the keys from the
/// terminal. From its start on SIGINT is for it alone: it is a key like any other there.
package final class PagerProcess {
  private let process: pid_t
  private let input: PipeEnd

  /// Starts `command` by `/bin/sh -c`, with the options of `less` that suit us unless it has others.
  package init(_ command: String) throws(PlatformError) {
    (process, input) = try PlatformError.naming(.spawn, command) { () throws(Errno) in
      guard isWhole(command) else { throw Errno(EINVAL) }
      let (childInput, ourInput) = try commandPipe()
      // F: end where one screen is enough. R: colours pass. X: what was shown stays on the screen.
      let script = "LESS=${LESS-FRX}; export LESS; \(command)"
      return (try spawn(script, input: childInput, output: nil, hasOwnGroup: false), ourInput)
    }
    signal(SIGINT, SIG_IGN)
  }

  /// Writes all bytes; `.readerGone` is a reader who has seen enough.
  package func write(_ bytes: ArraySlice<UInt8>) -> WriteOutcome {
    guard input.number >= 0 else { return .readerGone }
    do throws(Errno) {
      try writeAll(bytes, to: input.number)
      return .written
    } catch {
      return error.code == EPIPE ? .readerGone : .failed(code: error.code)
    }
  }

  /// Says that nothing more comes, and waits until the reader has seen enough.
  ///
  /// - Returns: False where the command couldn't be run at all (sh's 126 and 127).
  package func finish() -> Bool {
    input.close()
    let end = (try? reapCommand(process, waiting: true)) ?? nil
    signal(SIGINT, SIG_DFL)
    return end != .exited(status: 127) && end != .exited(status: 126)
  }
}
