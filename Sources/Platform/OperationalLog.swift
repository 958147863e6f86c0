import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file that a long-running program appends lines to, for whoever runs it.
///
/// After a SIGHUP the next line goes to a newly opened file of that name, so that another program may
/// rename the old one (logrotate(8)). Nothing is made durable: it is no evidence.
package final class OperationalLog {
  private let path: String
  private var file: Descriptor

  /// Opens the file, or makes it for its owner and group alone, and from now on heeds SIGHUP.
  package init(path: String) throws(PlatformError) {
    self.path = path
    file = try Self.open(path)
    signal(SIGHUP, noteHangUp)
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGHUP)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Appends a line, with its newline, in one call.
  ///
  /// A line that can't be written is lost: the work goes on all the same.
  package func append(_ line: [UInt8]) {
    if wasHungUp.exchange(false, ordering: .acquiringAndReleasing),
      let reopened = try? Self.open(path)
    {
      file = reopened
    }
    _ = try? file.withNumber { number throws(Errno) in
      try writeAll(line[...], to: number)
    }
  }

  private static func open(_ path: String) throws(PlatformError) -> Descriptor {
    try PlatformError.naming(.open, path) { () throws(Errno) in
      try Descriptor(opening: path, flags: O_WRONLY | O_APPEND | O_CREAT, permissions: 0o640)
    }
  }
}

private let wasHungUp = Atomic(false)

/// Runs between any two instructions of the program: it may only store.
private func noteHangUp(_ number: Int32) { wasHungUp.store(true, ordering: .releasing) }
