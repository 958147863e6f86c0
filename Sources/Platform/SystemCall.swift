import EventLog

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The C library's reason for a call that failed; each caller adds what it did, and on what.
struct Errno: Error {
  let code: Int32

  init(_ code: Int32) { self.code = code }
}

/// Makes a system call, and makes it again for as long as signals interrupt it (EINTR).
///
/// Not for `close`, which has released the descriptor even when it was interrupted.
@inline(__always)
@discardableResult
func systemCall<Number: FixedWidthInteger>(_ call: () -> Number) throws(Errno) -> Number {
  while true {
    let answer = call()
    // Read before anything else may call the C library.
    let code = errno
    if answer != -1 { return answer }
    if code != EINTR { throw Errno(code) }
  }
}

/// Whether the C library would read all of `path`: it ends a text at its first zero byte.
func isWhole(_ path: String) -> Bool {
  !path.isEmpty && !path.utf8.contains(0)
}

extension StorageError {
  /// Says of a failed call which operation it was part of, and on which path.
  @discardableResult
  static func naming<Answer: ~Copyable>(
    _ operation: Operation, _ path: String, _ body: () throws(Errno) -> Answer
  ) throws(StorageError) -> Answer {
    do {
      return try body()
    } catch {
      throw StorageError(operation: operation, path: path, code: error.code)
    }
  }
}

extension PlatformError {
  /// Says of a failed call which operation it was part of, and on which path.
  @discardableResult
  static func naming<Answer: ~Copyable>(
    _ operation: Operation, _ path: String, _ body: () throws(Errno) -> Answer
  ) throws(PlatformError) -> Answer {
    do {
      return try body()
    } catch {
      throw .failed(operation, path: path, code: error.code)
    }
  }
}
