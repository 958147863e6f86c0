/// A limit on how many things begin in a second.
///
/// It holds the tokens of at most one second, so that what waited isn't sent all at once.
package struct TokenBucket {
  private let perSecond: UInt64
  /// In billionths of a token, so that every nanosecond adds a whole number of them.
  private var level: UInt64
  private var filledAt: UInt64

  private static let token: UInt64 = 1_000_000_000

  /// A full bucket.
  ///
  /// - Parameters:
  ///   - perSecond: 1...10,000.
  ///   - now: Nanoseconds of a clock that never goes back.
  package init(perSecond: Int, now: UInt64) {
    self.perSecond = UInt64(perSecond)
    level = self.perSecond * Self.token
    filledAt = now
  }

  /// How many may begin now.
  package mutating func available(at now: UInt64) -> Int {
    // More than a second fills it anyway, and would overflow.
    let passed = now > filledAt ? min(now - filledAt, Self.token) : 0
    level = min(level + passed * perSecond, perSecond * Self.token)
    filledAt = max(now, filledAt)
    return Int(level / Self.token)
  }

  /// Takes a token; where none is left, nothing is owed.
  package mutating func take(at now: UInt64) {
    if available(at: now) > 0 { level -= Self.token }
  }
}
