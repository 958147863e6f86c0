package import Bytes

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The clocks of the machine.
package enum SystemClock {
  /// The time of day in UTC, in whole microseconds; it may be set, and so may step either way.
  package static func now() -> Instant {
    let reading = read(CLOCK_REALTIME)
    let microseconds = Int64(reading.tv_sec) * 1_000_000 + Int64(reading.tv_nsec) / 1_000
    guard let instant = Instant(microseconds: microseconds) else {
      fatalError("invariant broken: the system's clock shows a year outside of 1...9999")
    }
    return instant
  }

  /// Nanoseconds since some moment before this process began; never set, and never goes back.
  ///
  /// It goes on while the machine sleeps, so that it can be held against ``now()``.
  package static func monotonicNanoseconds() -> UInt64 {
    #if canImport(Darwin)
      let reading = read(CLOCK_MONOTONIC)
    #else
      let reading = read(CLOCK_BOOTTIME)
    #endif
    return UInt64(reading.tv_sec) * 1_000_000_000 + UInt64(reading.tv_nsec)
  }

  /// Nanoseconds that the processor has spent on this thread: what it waited for isn't counted.
  package static func threadNanoseconds() -> UInt64 {
    let reading = read(CLOCK_THREAD_CPUTIME_ID)
    return UInt64(reading.tv_sec) * 1_000_000_000 + UInt64(reading.tv_nsec)
  }

  /// The same of all threads of this process.
  package static func processNanoseconds() -> UInt64 {
    let reading = read(CLOCK_PROCESS_CPUTIME_ID)
    return UInt64(reading.tv_sec) * 1_000_000_000 + UInt64(reading.tv_nsec)
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var reading = timespec()
    let answer = unsafe clock_gettime(clock, &reading)
    invariant(answer == 0, "the system lacks a clock: \(errnoText(errno))")
    return reading
  }

  /// Waits at least so long, even when signals come; ``StopRequest/wait(milliseconds:)`` wakes up.
  package static func sleep(microseconds: Int) {
    let wanted = max(0, microseconds)
    var span = timespec(tv_sec: wanted / 1_000_000, tv_nsec: wanted % 1_000_000 * 1_000)
    var rest = timespec()
    while unsafe nanosleep(&span, &rest) == -1 && errno == EINTR { span = rest }
  }
}
