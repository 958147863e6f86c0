package import Bytes
package import Events

extension QuietHours {
  /// Whether clocks show a time within quiet hours.
  package func contains(_ instant: Instant, rules: ZoneRules) -> Bool {
    contains(minute: Self.wallMinute(of: instant.second, rules))
  }

  /// When sending becomes allowed again: `instant` itself where it is allowed then, else the first
  /// second behind it at which clocks show a time outside of quiet hours.
  ///
  /// Where clocks are set forward over the end, it is when they are set; where they are set back
  /// from within quiet hours to a time before these begin, it is allowed from then until they begin
  /// again. `nil` only at the end of the calendar, or where a zone's clocks skip whole days.
  package func allowedAgain(from instant: Instant, rules: ZoneRules) -> Instant? {
    guard contains(instant, rules: rules) else { return instant }
    // Quiet hours last less than a day, and clocks are set by less than two.
    var second = instant.second
    for _ in 0..<96 {
      let next = nextBoundary(after: second, rules)
      if !contains(minute: Self.wallMinute(of: next, rules)) { return Instant(second: next) }
      second = next
    }
    return nil
  }

  private func contains(minute: Int) -> Bool {
    let (begin, end) = (from.minutes, to.minutes)
    return begin < end ? (begin..<end).contains(minute) : minute >= begin || minute < end
  }

  /// The first second after `second` at which clocks are set, or at which they show the end of quiet
  /// hours if they aren't set before; at most an hour ahead.
  private func nextBoundary(after second: Int64, _ rules: ZoneRules) -> Int64 {
    let offset = rules.offset(atSecond: second)
    let wall = second + Int64(offset)
    let past = floorDivide(wall, 86_400).remainder
    let untilEnd = floorDivide(Int64(to.minutes) * 60 - past - 1, 86_400).remainder + 1
    let limit = second + min(untilEnd, 3_600)
    guard rules.offset(atSecond: limit) != offset else { return limit }
    // Clocks are set once an hour at most: where they are is between the two.
    var (low, high) = (second, limit)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if rules.offset(atSecond: middle) == offset { low = middle } else { high = middle }
    }
    return high
  }

  /// The minute of the day that clocks show.
  private static func wallMinute(of second: Int64, _ rules: ZoneRules) -> Int {
    let wall = second + Int64(rules.offset(atSecond: second))
    return Int(floorDivide(wall, 86_400).remainder / 60)
  }
}

extension Instant {
  /// Whole seconds since 1970.
  fileprivate var second: Int64 { floorDivide(microseconds, 1_000_000).quotient }
}
