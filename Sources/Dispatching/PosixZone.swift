import Bytes

/// The rule of a TZif footer, a POSIX `TZ` string: `EST5EDT,M3.2.0,M11.1.0`.
///
/// Names of the offsets are read and forgotten. Hours of a rule may be -167...167, as RFC 9636
/// §3.3.2 allows.
struct PosixZone: Equatable, Sendable {
  /// Seconds east of UTC while daylight saving time isn't in force.
  let standardOffset: Int
  let daylight: Daylight?

  struct Daylight: Equatable, Sendable {
    let offset: Int
    let begins: Change
    let ends: Change
  }

  /// When in a year clocks are changed, by the clock that holds before the change.
  struct Change: Equatable, Sendable {
    let day: Day
    /// Seconds from midnight; may be negative, or beyond the day.
    let time: Int
  }

  enum Day: Equatable, Sendable {
    /// 1...365; February 29 is never counted.
    case julian(Int)
    /// 0...365; February 29 is counted in leap years.
    case dayOfYear(Int)
    /// The `week`th (5: the last) `weekday` (0: Sunday) of `month`.
    case weekday(month: Int, week: Int, weekday: Int)
  }

  /// The offsets that the rule knows.
  var offsets: [Int] { [standardOffset] + (daylight.map { [$0.offset] } ?? []) }

  func offset(atSecond second: Int64) -> Int {
    guard let daylight else { return standardOffset }
    // The year by standard time; changes of the years beside it may reach into it.
    let (local, overflow) = second.addingReportingOverflow(Int64(standardOffset))
    let limit: Int64 = 1 << 40
    guard !overflow, (-limit...limit).contains(local) else { return standardOffset }
    let year = CivilTime(secondsFromEpoch: local).year
    var latest: (second: Int64, offset: Int)?
    for year in (year - 1)...(year + 1) {
      let begins = daylight.begins.second(in: year) - Int64(standardOffset)
      let ends = daylight.ends.second(in: year) - Int64(daylight.offset)
      // Where both come at once, daylight saving time goes on: so a rule spells all of the year.
      for (change, offset) in [(ends, standardOffset), (begins, daylight.offset)]
      where change <= second && change >= latest?.second ?? .min {
        latest = (change, offset)
      }
    }
    return latest?.offset ?? standardOffset
  }
}

extension PosixZone.Change {
  /// The change in seconds since 1970 by the local clock.
  func second(in year: Int) -> Int64 {
    let firstDay = CivilTime(year: year, month: 1, day: 1).daysFromEpoch
    let days: Int
    switch day {
    case .dayOfYear(let number):
      days = firstDay + number
    case .julian(let number):
      let isAfterLeapDay = number >= 60 && CivilTime.days(inMonth: 2, of: year) == 29
      days = firstDay + number - 1 + (isAfterLeapDay ? 1 : 0)
    case .weekday(let month, let week, let weekday):
      let first = CivilTime(year: year, month: month, day: 1).daysFromEpoch
      // 1970-01-01 was a Thursday.
      let firstWeekday = Int(floorDivide(Int64(first + 4), 7).remainder)
      let offset = (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
      let isBeyond = offset >= CivilTime.days(inMonth: month, of: year)
      days = first + (isBeyond ? offset - 7 : offset)
    }
    return Int64(days) * 86_400 + Int64(time)
  }
}

extension PosixZone {
  /// Reads the string between the newlines of a footer; `nil` where it isn't one.
  init?(_ text: ArraySlice<UInt8>) {
    var scanner = PosixScanner(text)
    guard scanner.skipName(), let west = scanner.clock(hours: 0...24) else { return nil }
    standardOffset = -west
    if scanner.isAtEnd {
      daylight = nil
      return
    }
    guard scanner.skipName() else { return nil }
    // Without an offset of its own, daylight saving time is an hour ahead.
    var offset = standardOffset + 3_600
    if !scanner.nextIs(",") {
      guard let west = scanner.clock(hours: 0...24) else { return nil }
      offset = -west
    }
    guard let begins = scanner.change(), let ends = scanner.change(), scanner.isAtEnd else {
      return nil
    }
    daylight = Daylight(offset: offset, begins: begins, ends: ends)
  }
}

private struct PosixScanner {
  private var rest: ArraySlice<UInt8>

  init(_ text: ArraySlice<UInt8>) { rest = text }

  var isAtEnd: Bool { rest.isEmpty }

  func nextIs(_ character: Unicode.Scalar) -> Bool { rest.first == UInt8(ascii: character) }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard nextIs(character) else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// Three letters or more, or anything of letters, digits and signs within `<` and `>`.
  mutating func skipName() -> Bool {
    if take("<") {
      let name = rest.prefix { isLetter($0) || decimalValue($0) != nil || $0 == 0x2B || $0 == 0x2D }
      rest = rest[name.endIndex...]
      return name.count >= 3 && take(">")
    }
    let name = rest.prefix(while: isLetter)
    rest = rest[name.endIndex...]
    return name.count >= 3
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int? {
    let digits = rest.prefix(4).prefix { decimalValue($0) != nil }
    guard (1...3).contains(digits.count) else { return nil }
    rest = rest[digits.endIndex...]
    let number = digits.reduce(0) { $0 * 10 + Int(decimalValue($1) ?? 0) }
    return range.contains(number) ? number : nil
  }

  /// `[+-]h[hh][:mm[:ss]]` in seconds.
  mutating func clock(hours: ClosedRange<Int>) -> Int? {
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    guard let hours = number(hours) else { return nil }
    var seconds = hours * 3_600
    if take(":") {
      guard let minutes = number(0...59) else { return nil }
      seconds += minutes * 60
      if take(":") {
        guard let rest = number(0...59) else { return nil }
        seconds += rest
      }
    }
    return isNegative ? -seconds : seconds
  }

  /// `,Mm.w.d[/time]`, `,Jn[/time]` or `,n[/time]`.
  mutating func change() -> PosixZone.Change? {
    guard take(",") else { return nil }
    let day: PosixZone.Day
    if take("M") {
      guard let month = number(1...12), take("."), let week = number(1...5), take("."),
        let weekday = number(0...6)
      else { return nil }
      day = .weekday(month: month, week: week, weekday: weekday)
    } else if take("J") {
      guard let number = number(1...365) else { return nil }
      day = .julian(number)
    } else {
      guard let number = number(0...365) else { return nil }
      day = .dayOfYear(number)
    }
    // Two in the morning where nothing is said.
    guard take("/") else { return PosixZone.Change(day: day, time: 7_200) }
    guard let time = clock(hours: 0...167) else { return nil }
    return PosixZone.Change(day: day, time: time)
  }
}
