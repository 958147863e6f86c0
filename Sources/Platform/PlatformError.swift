/// Why the world outside of a ledger's own files didn't do what was asked.
package enum PlatformError: Error, Hashable, Sendable {
  /// A system call failed: which, on what, and the C library's `errno`.
  case failed(Operation, path: String, code: Int32)
  /// There are more bytes than the caller takes; none of them are kept.
  case tooLarge(path: String, limit: Int)
  /// A line, counted from 1, has more bytes than the caller takes; reading stopped in it.
  case lineTooLong(path: String, line: Int, limit: Int)
  /// An argument, counted from 1, isn't UTF-8.
  case argumentNotText(position: Int)
  /// The process can't find its own arguments, not even the program's name.
  case argumentsNotFound

  package enum Operation: String, Hashable, Sendable {
    case open, read, write, synchronize, close, status, list, rename, remove, changePermissions
    case createDirectory, synchronizeDirectory, workingDirectory, randomBytes, findGroup
    case watchSignals, spawn, createLink, listen, connect
  }

  /// Whether the file or directory isn't there.
  package var isMissing: Bool {
    // ENOENT is 2 on every system we know.
    if case .failed(_, _, code: 2) = self { true } else { false }
  }
}
