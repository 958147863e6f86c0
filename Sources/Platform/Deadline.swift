/// A moment of the monotonic clock, at most a day ahead.
struct Deadline {
  private let nanoseconds: UInt64

  init(milliseconds: Int) {
    // Larger spans aren't waited for at once, and would make the sum overflow.
    let span = UInt64(min(max(0, milliseconds), 86_400_000))
    nanoseconds = SystemClock.monotonicNanoseconds() + span * 1_000_000
  }

  /// How long it is until then, rounded up, or `nil` when it has passed.
  var restMicroseconds: Int? {
    let now = SystemClock.monotonicNanoseconds()
    return now < nanoseconds ? Int((nanoseconds - now) / 1_000) + 1 : nil
  }
}
