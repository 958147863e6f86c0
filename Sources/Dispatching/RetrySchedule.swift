package import Bytes
package import Events

/// When a try that failed is made again on the same channel.
///
/// Each wait is four times the one before, 15 s first and an hour at most, so that a channel that is
/// down isn't pressed. Where the notice has a deadline, what is left until then drives the waits: none takes
/// more than its share, so that the last tries come shortly before the deadline and not after it. A
/// jitter of a fifth, from the attempt's own id, keeps those that failed together from coming back
/// together, and gives whoever decides again the same answer.
package enum RetrySchedule {
  /// The most tries of one notice on one channel.
  package static let tries = 6
  private static let firstMilliseconds: Int64 = 15_000
  private static let greatestMilliseconds: Int64 = 3_600_000
  /// Shorter waits help nobody.
  private static let leastMilliseconds: Int64 = 1_000

  /// When to try again, or `nil` where that can't help any more.
  ///
  /// - Parameters:
  ///   - number: Which try failed, from 1.
  ///   - attempt: The event of that try, which the jitter is taken from.
  ///   - horizon: When the message has to be there; `nil` where any time will do.
  ///   - earliest: When the provider will listen again, where it has said so.
  package static func next(
    afterTry number: Int, of attempt: EventID, at now: Instant, until horizon: Instant?,
    notBefore earliest: Instant? = nil
  ) -> Instant? {
    guard number >= 1, number < tries else { return nil }
    var wait = min(firstMilliseconds << (2 * Int64(number - 1)), greatestMilliseconds)
    if let horizon {
      let left = (horizon.microseconds - now.microseconds) / 1_000
      wait = min(wait, left / Int64(tries - number + 1))
    }
    guard wait >= leastMilliseconds else { return nil }
    let jitter = wait / 5 * (Int64(mixed(attempt) % 2_001) - 1_000) / 1_000
    let time = max(now.adding(milliseconds: wait + jitter), earliest ?? now)
    if let horizon, time >= horizon { return nil }
    return time
  }

  /// The output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
  /// generators", 2014): ids that follow each other give numbers that look random.
  private static func mixed(_ id: UInt64) -> UInt64 {
    var bits = id &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
