import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The wish of a person or of the system that a long command ends in good order (SIGINT, SIGTERM).
///
/// The second signal of a kind ends the process at once, as if nobody had listened.
package enum StopRequest {
  /// From now on the first signal of either kind is noted instead of ending the process.
  package static func listen() throws(PlatformError) {
    try PlatformError.naming(.watchSignals, "") { () throws(Errno) in try openBell() }
    // Read here for the first time: a signal handler mustn't be the one that initializes it.
    _ = isMade
    signal(SIGINT, handle)
    signal(SIGTERM, handle)
    // Whoever started the process may have done so from a thread that hears no signals.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Whether such a signal has come.
  package static var isMade: Bool { wasMade.load(ordering: .acquiring) }

  /// What can be read once the request is made, beside other descriptors; -1 where nobody listens.
  static var descriptor: Int32 { listeningEnd.load(ordering: .relaxed) }

  /// Waits so long, at most a day, or until the request is made.
  ///
  /// - Returns: ``isMade``.
  package static func wait(milliseconds: Int) -> Bool {
    let deadline = Deadline(milliseconds: milliseconds)
    while !isMade {
      guard let rest = deadline.restMicroseconds else { return false }
      // A pipe's end of -1 is ignored, so that without `listen` this only sleeps.
      var request = pollfd(
        fd: listeningEnd.load(ordering: .relaxed), events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&request, 1, Int32(clamping: rest / 1_000 + 1))
    }
    return true
  }

  /// A byte in this pipe wakes up whoever waits, even when the signal came just before the wait
  /// began, or to another thread.
  private static func openBell() throws(Errno) {
    guard listeningEnd.load(ordering: .relaxed) == -1 else { return }
    var ends: [Int32] = [-1, -1]
    try systemCall { unsafe pipe(&ends) }
    for end in ends {
      try systemCall { fcntl(end, F_SETFD, FD_CLOEXEC) }
      try systemCall { fcntl(end, F_SETFL, O_NONBLOCK) }
    }
    ringingEnd.store(ends[1], ordering: .relaxed)
    listeningEnd.store(ends[0], ordering: .relaxed)
  }
}

private let wasMade = Atomic(false)
private let listeningEnd = Atomic<Int32>(-1)
private let ringingEnd = Atomic<Int32>(-1)

/// Runs between any two instructions of the program: it may only store, write and change signals.
private func handle(_ number: Int32) {
  let code = errno
  signal(number, SIG_DFL)
  wasMade.store(true, ordering: .releasing)
  var byte: UInt8 = 1
  _ = unsafe write(ringingEnd.load(ordering: .relaxed), &byte, 1)
  errno = code
}
