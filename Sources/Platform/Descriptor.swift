#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The one owner of an open file descriptor.
///
/// Calls are methods, so that the descriptor can't be closed while its number is in use. Durability
/// is what the `synchronize` methods promise, never what closing does.
struct Descriptor: ~Copyable, Sendable {
  private let number: Int32

  /// Takes over a descriptor that nobody else will close.
  init(owning number: Int32) { self.number = number }

  /// Opens a file in the directory `parent`, never through a symbolic link.
  ///
  /// `O_NONBLOCK` changes nothing for files; without it, opening a FIFO would wait for a writer.
  init(
    opening name: String, in parent: borrowing Descriptor, flags: Int32, permissions: mode_t = 0
  ) throws(Errno) {
    let directory = parent.number
    let flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    number = try systemCall { unsafe openat(directory, name, flags, permissions) }
  }

  /// Opens what a path from outside names, through symbolic links where it has some.
  ///
  /// A FIFO is waited for: `import <(command)` is such a file.
  init(opening path: String, flags: Int32, permissions: mode_t = 0) throws(Errno) {
    guard isWhole(path) else { throw Errno(EINVAL) }
    let flags = flags | O_CLOEXEC
    number = try systemCall { unsafe open(path, flags, permissions) }
  }

  /// Opens another descriptor of what has a number already, which stays open.
  ///
  /// Both share the position in the file.
  init(duplicating number: Int32) throws(Errno) {
    // Never one of the three numbers that standard streams are known by.
    self.number = try systemCall { fcntl(number, F_DUPFD_CLOEXEC, 3) }
  }

  deinit { _ = closeNumber(number) }

  /// Closes the descriptor and reports what `close` had to say.
  consuming func close() throws(Errno) {
    let number = number
    discard self
    let answer = closeNumber(number)
    let code = errno
    // An interrupted close has closed: a second one could hit a descriptor of somebody else.
    if answer == -1, code != EINTR { throw Errno(code) }
  }

  /// Uses the number in a call that has no method here; it must not leave `body`.
  @discardableResult
  func withNumber<Answer>(_ body: (Int32) throws(Errno) -> Answer) throws(Errno) -> Answer {
    try body(number)
  }

  /// Reads once from the position, at most `count` bytes; none are the end.
  ///
  /// Waits for bytes even where the descriptor was handed over with `O_NONBLOCK`.
  func read(upTo count: Int) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let filled = try readWaiting(number, into: &bytes)
    bytes.removeSubrange(filled...)
    return bytes
  }

  func status() throws(Errno) -> FileStatus { try FileStatus(of: number) }

  /// Reads once; the count is 0 at the file's end, and may be smaller than the range anywhere.
  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: off_t
  ) throws(Errno) -> Int {
    try systemCall {
      unsafe bytes.withUnsafeMutableBytes { buffer in
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[range])
        return unsafe pread(number, target.baseAddress, target.count, offset)
      }
    }
  }

  /// Writes once, perhaps only a prefix.
  func write(_ bytes: ArraySlice<UInt8>, at offset: off_t) throws(Errno) -> Int {
    try systemCall {
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe pwrite(number, buffer.baseAddress, buffer.count, offset)
      }
    }
  }

  /// Gives the file exactly these permissions, whatever the umask.
  func setPermissions(_ permissions: mode_t) throws(Errno) {
    try systemCall { fchmod(number, permissions) }
  }

  /// Returns once the content and the length of a file are durable; its times may not be.
  ///
  /// An interrupted call is made again: the system reports a failed write once, but an interruption
  /// isn't that report.
  func synchronizeContent() throws(Errno) {
    #if canImport(Darwin)
      // On macOS fsync stops at the drive's cache.
      try systemCall { fcntl(number, F_FULLFSYNC) }
    #else
      try systemCall { fdatasync(number) }
    #endif
  }

  /// Returns once all of a file, or the names in a directory, are durable.
  func synchronizeAll() throws(Errno) {
    #if canImport(Darwin)
      try systemCall { fcntl(number, F_FULLFSYNC) }
    #else
      try systemCall { fsync(number) }
    #endif
  }
}

// MARK: - Names in an open directory

extension Descriptor {
  func status(of name: String) throws(Errno) -> FileStatus {
    try FileStatus(named: name, in: number)
  }

  /// Makes a directory that its owner can open, whatever the umask.
  func createDirectory(_ name: String) throws(Errno) {
    try systemCall { unsafe mkdirat(number, name, 0o700) }
    do throws(Errno) {
      // A umask may have taken away what is needed to open it, and to do this by descriptor.
      try systemCall { unsafe fchmodat(number, name, 0o700, 0) }
    } catch {
      try? removeDirectory(name)
      throw error
    }
  }

  func remove(_ name: String) throws(Errno) {
    try systemCall { unsafe unlinkat(number, name, 0) }
  }

  func removeDirectory(_ name: String) throws(Errno) {
    try systemCall { unsafe unlinkat(number, name, AT_REMOVEDIR) }
  }

  func rename(
    _ name: String, to newName: String, in newParent: borrowing Descriptor
  ) throws(Errno) {
    let newNumber = newParent.number
    try systemCall { unsafe renameat(number, name, newNumber, newName) }
  }
}

private func closeNumber(_ number: Int32) -> Int32 { close(number) }

private func readWaiting(_ number: Int32, into bytes: inout [UInt8]) throws(Errno) -> Int {
  while true {
    do throws(Errno) {
      return try systemCall {
        unsafe bytes.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) }
      }
    } catch {
      guard error.code == EAGAIN else { throw error }
      try waitUntilReady(number, for: POLLIN)
    }
  }
}
