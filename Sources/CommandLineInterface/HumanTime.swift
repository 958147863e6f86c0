package import Bytes

/// A moment as people write it, which may depend on the moment at which it is read.
///
/// Whatever carries no offset is UTC, as all times in a ledger are: the same call on two machines
/// means the same.
package struct HumanTime: Hashable, Sendable {
  private enum Meaning: Hashable, Sendable {
    case instant(Instant)
    /// Seconds from now.
    case fromNow(Int64)
    /// Seconds from the beginning of today's date in UTC.
    case fromMidnight(Int64)
  }

  private let meaning: Meaning

  /// Reads one of the forms that the topic `times` of the help lists; `nil` for any other text.
  package init?(_ text: String) {
    guard text.utf8.count <= 64, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    guard
      let meaning = Self.word(text) ?? Self.span(text) ?? Self.ago(text) ?? Self.clock(text)
        ?? Self.calendar(text)
    else { return nil }
    self.meaning = meaning
  }

  /// Whether it means another instant when it is read later.
  package var isRelative: Bool {
    if case .instant = meaning { false } else { true }
  }

  /// The instant that is meant when it is read at `now`, held within the years 1...9999.
  package func instant(at now: Instant) -> Instant {
    switch meaning {
    case .instant(let instant): return instant
    case .fromNow(let seconds): return now.adding(seconds: seconds)
    case .fromMidnight(let seconds):
      let (day, _) = floorDivide(now.microseconds, 86_400_000_000)
      let midnight = Instant(microseconds: day * 86_400_000_000) ?? now
      return midnight.adding(seconds: seconds)
    }
  }

  private static func word(_ text: String) -> Meaning? {
    switch text {
    case "now": .fromNow(0)
    case "today": .fromMidnight(0)
    case "yesterday": .fromMidnight(-86_400)
    case "tomorrow": .fromMidnight(86_400)
    default: nil
    }
  }

  /// `-2h`, `+30m`, `@1795712400`.
  private static func span(_ text: String) -> Meaning? {
    let rest = text.dropFirst()
    switch text.first {
    case "@": return number(rest).flatMap(instant(secondsFromEpoch:))
    case "-", "+":
      guard let unit = rest.last, let seconds = seconds(ofUnit: String(unit)),
        let count = number(rest.dropLast())
      else { return nil }
      return .fromNow((text.first == "-" ? -1 : 1) * count * seconds)
    default: return nil
    }
  }

  private static func instant(secondsFromEpoch seconds: Int64) -> Meaning? {
    Instant(microseconds: 0).map { .instant($0.adding(seconds: seconds)) }
  }

  /// `3 days ago`.
  private static func ago(_ text: String) -> Meaning? {
    let words = text.split(separator: " ")
    guard words.count == 3, words[2] == "ago", let count = number(words[0]) else { return nil }
    let name = words[1].hasSuffix("s") ? words[1].dropLast() : words[1]
    let units = ["second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"]
    guard let unit = units[String(name)], let seconds = seconds(ofUnit: unit) else { return nil }
    return .fromNow(-count * seconds)
  }

  private static func seconds(ofUnit unit: String) -> Int64? {
    switch unit {
    case "s": 1
    case "m": 60
    case "h": 3_600
    case "d": 86_400
    case "w": 604_800
    default: nil
    }
  }

  /// Digits alone, and few enough that no product of them overflows.
  private static func number(_ text: Substring) -> Int64? {
    guard (1...11).contains(text.utf8.count), text.utf8.allSatisfy({ decimalValue($0) != nil })
    else { return nil }
    return Int64(text)
  }

  /// `17:00` or `17:00:30`, today.
  private static func clock(_ text: String) -> Meaning? {
    var scanner = FieldScanner(Array(text.utf8))
    guard let second = timeOfDay(&scanner), scanner.isAtEnd else { return nil }
    return .fromMidnight(second)
  }

  private static func timeOfDay(_ scanner: inout FieldScanner) -> Int64? {
    guard let hour = scanner.digits(2), hour <= 23, scanner.take(":"),
      let minute = scanner.digits(2), minute <= 59
    else { return nil }
    var second = 0
    if scanner.take(":") {
      guard let digits = scanner.digits(2), digits <= 59 else { return nil }
      second = digits
    }
    return Int64(hour * 3_600 + minute * 60 + second)
  }

  /// RFC 3339, a month, a week (ISO 8601), a day, or a day and a time of day.
  private static func calendar(_ text: String) -> Meaning? {
    if let time = OffsetTime(text: text.utf8) { return .instant(time.instant) }
    var scanner = FieldScanner(Array(text.utf8))
    guard let year = scanner.digits(4), scanner.take("-") else { return nil }
    if scanner.take("W") { return week(of: year, &scanner) }
    guard let month = scanner.digits(2) else { return nil }
    var civil = CivilTime(year: year, month: month, day: 1)
    if !scanner.isAtEnd {
      guard scanner.take("-"), let day = scanner.digits(2) else { return nil }
      civil.day = day
    }
    guard let day = Instant(civil) else { return nil }
    if scanner.isAtEnd { return .instant(day) }
    guard scanner.take(" "), let second = timeOfDay(&scanner), scanner.isAtEnd else { return nil }
    return .instant(day.adding(seconds: second))
  }

  private static func week(of year: Int, _ scanner: inout FieldScanner) -> Meaning? {
    guard let week = scanner.digits(2), scanner.isAtEnd, (1...53).contains(week),
      (1...9998).contains(year)
    else { return nil }
    // Week 1 holds January 4; 1970-01-01 was a Thursday.
    func firstMonday(of year: Int) -> Int {
      let fourth = CivilTime(year: year, month: 1, day: 4).daysFromEpoch
      return fourth - Int(floorDivide(Int64(fourth + 3), 7).remainder)
    }
    let monday = firstMonday(of: year) + (week - 1) * 7
    guard monday < firstMonday(of: year + 1) else { return nil }
    return instant(secondsFromEpoch: Int64(monday) * 86_400)
  }
}

extension ValueType<HumanTime> {
  /// A moment, as the topic `times` of the help lists its forms.
  package static var time: Self {
    ValueType("a time such as 2026-11-23T17:00:00Z, 2026-11, yesterday or -2h ('help times')") {
      HumanTime($0)
    }
  }
}
