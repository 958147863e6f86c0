import Bytes

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A stream that every process is started with.
package enum StandardStream: Int32, Hashable, Sendable {
  case input = 0
  case output = 1
  case error = 2

  /// Whether a person sits at the other end.
  package var isTerminal: Bool { isatty(rawValue) == 1 }

  /// Whether the stream is a pipe or socket at whose other end nobody reads any more.
  package var isReaderGone: Bool {
    // No event is asked for: POLLERR and POLLHUP are told in any case.
    var request = pollfd(fd: rawValue, events: 0, revents: 0)
    return unsafe poll(&request, 1, 0) == 1 && request.revents & Int16(POLLERR | POLLHUP) != 0
  }

  /// Writes all bytes, without a buffer; after anything but `.written` some may have been.
  ///
  /// `prepareProcess` has to have been called: else a reader who went away ends the process.
  package func write(_ bytes: ArraySlice<UInt8>) -> WriteOutcome {
    invariant(self != .input, "standard input is written")
    do throws(Errno) {
      try writeAll(bytes, to: rawValue)
      return .written
    } catch {
      return error.code == EPIPE ? .readerGone : .failed(code: error.code)
    }
  }

  /// Writes all of a text as UTF-8, without a buffer.
  package func write(_ text: String) -> WriteOutcome {
    write(Array(text.utf8)[...])
  }
}

/// What became of bytes that were written to a standard stream.
package enum WriteOutcome: Hashable, Sendable {
  case written
  /// Nobody reads any more, as with `| head`: no error of ours, but a reason to stop (EPIPE).
  case readerGone
  /// They weren't, or not all, for this `errno`.
  case failed(code: Int32)
}

/// Collects what is written to a standard stream into few large writes.
///
/// To a terminal, whole lines go out at once. After the first failure nothing more is written, and
/// every answer is that failure. What isn't flushed when the writer goes is written then, with
/// nobody to tell; the end of the process doesn't wait for it.
package struct StreamWriter: ~Copyable {
  private let stream: StandardStream
  private let capacity: Int
  private let showsLines: Bool
  private var buffer: [UInt8] = []
  private var outcome = WriteOutcome.written

  /// Writes to `stream` whenever more than `capacity` bytes have come together.
  package init(to stream: StandardStream, capacity: Int = 65_536) {
    invariant(capacity > 0, "a buffer of \(capacity) bytes")
    self.stream = stream
    self.capacity = capacity
    showsLines = stream.isTerminal
  }

  deinit {
    if outcome == .written { _ = stream.write(buffer[...]) }
  }

  @discardableResult
  package mutating func write(_ bytes: some Collection<UInt8>) -> WriteOutcome {
    guard outcome == .written else { return outcome }
    buffer.append(contentsOf: bytes)
    let isLine = showsLines && bytes.contains(UInt8(ascii: "\n"))
    return isLine || buffer.count > capacity ? flush() : .written
  }

  @discardableResult
  package mutating func write(_ text: String) -> WriteOutcome { write(text.utf8) }

  /// Writes what has come together.
  package mutating func flush() -> WriteOutcome {
    if outcome == .written { outcome = stream.write(buffer[...]) }
    buffer.removeAll(keepingCapacity: true)
    return outcome
  }
}
