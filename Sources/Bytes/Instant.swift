/// A moment in UTC, in whole microseconds since 1970-01-01T00:00:00Z, within the years 1...9999.
///
/// There is one written form, RFC 3339 with six digits of fraction and `Z`; it is always
/// ``textLength`` bytes long, so that instants also sort as text.
package struct Instant: Hashable, Comparable, Sendable {
  package let microseconds: Int64

  package static let textLength = 27
  private static let earliest: Int64 = -62_135_596_800_000_000
  private static let latest: Int64 = 253_402_300_799_999_999

  /// The instant, or `nil` outside of the years 1...9999.
  package init?(microseconds: Int64) {
    guard (Self.earliest...Self.latest).contains(microseconds) else { return nil }
    self.microseconds = microseconds
  }

  /// The instant of a date and time in UTC, or `nil` where the calendar has no such moment.
  package init?(_ civil: CivilTime, microsecond: Int = 0) {
    guard civil.isValid, (0..<1_000_000).contains(microsecond) else { return nil }
    self.init(microseconds: civil.secondsFromEpoch * 1_000_000 + Int64(microsecond))
  }

  package static func < (one: Instant, other: Instant) -> Bool {
    one.microseconds < other.microseconds
  }

  /// This instant moved by whole seconds, held within the years 1...9999.
  package func adding(seconds: Int64) -> Instant {
    adding(seconds, microseconds: 1_000_000)
  }

  /// This instant moved by whole milliseconds, held within the years 1...9999.
  package func adding(milliseconds: Int64) -> Instant { adding(milliseconds, microseconds: 1_000) }

  private func adding(_ count: Int64, microseconds unit: Int64) -> Instant {
    let (span, overflow) = count.multipliedReportingOverflow(by: unit)
    let (sum, sumOverflow) = microseconds.addingReportingOverflow(span)
    if overflow || sumOverflow {
      return Instant(clamping: count < 0 ? Self.earliest : Self.latest)
    }
    return Instant(clamping: sum)
  }

  private init(clamping microseconds: Int64) {
    self.microseconds = min(max(microseconds, Self.earliest), Self.latest)
  }

  /// The date and time in UTC, without the fraction.
  package var civil: CivilTime {
    CivilTime(secondsFromEpoch: floorDivide(microseconds, 1_000_000).quotient)
  }

  /// `2026-11-23T17:23:59.123456Z`.
  package var text: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.textLength)
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends ``text``.
  package func append(to bytes: inout [UInt8]) {
    civil.append(to: &bytes)
    bytes.append(UInt8(ascii: "."))
    appendPadded(Int(floorDivide(microseconds, 1_000_000).remainder), 6, to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
  }

  /// The instant that `text` spells in the one written form, or `nil`.
  package init?(text: some Collection<UInt8>) {
    let text = Array(text)
    unsafe self.init(text: text.span.bytes)
  }

  /// The instant that `text` spells in the one written form, or `nil`.
  package init?(text: RawSpan) {
    guard text.byteCount == Self.textLength else { return nil }
    var isWellFormed = true
    func number(_ offset: Int, _ count: Int, then mark: Unicode.Scalar) -> Int {
      var number = 0
      for index in offset..<offset + count {
        let digit = text.byte(at: index) &- UInt8(ascii: "0")
        if digit > 9 { isWellFormed = false }
        number = number &* 10 &+ Int(digit)
      }
      if text.byte(at: offset + count) != UInt8(ascii: mark) { isWellFormed = false }
      return number
    }
    let civil = CivilTime(
      year: number(0, 4, then: "-"), month: number(5, 2, then: "-"), day: number(8, 2, then: "T"),
      hour: number(11, 2, then: ":"), minute: number(14, 2, then: ":"),
      second: number(17, 2, then: "."))
    let microsecond = number(20, 6, then: "Z")
    guard isWellFormed else { return nil }
    self.init(civil, microsecond: microsecond)
  }
}

/// A date and a time of day on the proleptic Gregorian calendar, in a zone that is known elsewhere.
package struct CivilTime: Hashable, Sendable {
  package var year: Int
  package var month: Int
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int

  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// Whether the calendar has the day and the clock the time; leap seconds are not taken.
  package var isValid: Bool {
    (1...9999).contains(year) && (1...12).contains(month)
      && (1...Self.days(inMonth: month, of: year)).contains(day)
      && (0...23).contains(hour) && (0...59).contains(minute) && (0...59).contains(second)
  }

  /// Seconds from 1970-01-01T00:00:00 as if the zone were UTC.
  package var secondsFromEpoch: Int64 {
    Int64(daysFromEpoch) * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
  }

  /// The inverse of ``secondsFromEpoch``.
  package init(secondsFromEpoch: Int64) {
    let (dayNumber, secondOfDay) = floorDivide(secondsFromEpoch, 86_400)
    // Days since 0000-03-01, in eras of 400 years that are all alike (146,097 days).
    let (era, dayOfEra) = floorDivide(dayNumber + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    hour = Int(secondOfDay / 3_600)
    minute = Int(secondOfDay / 60 % 60)
    second = Int(secondOfDay % 60)
  }

  /// Days from 1970-01-01, negative before it.
  package var daysFromEpoch: Int {
    let shiftedYear = Int64(month <= 2 ? year - 1 : year)
    let (era, yearOfEra) = floorDivide(shiftedYear, 400)
    let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int(era * 146_097 + dayOfEra - 719_468)
  }

  /// `2026-11-23T17:23:59`.
  package var text: String {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends ``text``.
  package func append(to bytes: inout [UInt8]) {
    appendPadded(year, 4, to: &bytes)
    for (mark, number) in [("-", month), ("-", day), ("T", hour), (":", minute), (":", second)]
      as [(Unicode.Scalar, Int)]
    {
      bytes.append(UInt8(ascii: mark))
      appendPadded(number, 2, to: &bytes)
    }
  }

  package static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2:
      (year.isMultiple(of: 4) && !year.isMultiple(of: 100)) || year.isMultiple(of: 400) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// A moment as RFC 3339 writes it: an instant, and the offset from UTC of the clock that read it.
package struct OffsetTime: Hashable, Sendable {
  package let instant: Instant
  package let offsetSeconds: Int

  /// Reads `YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)` (RFC 3339 §5.6), with up to six digits of fraction.
  ///
  /// Leap seconds (`:60`) are refused: the ledger's clock has none.
  package init?(text: some Collection<UInt8>) {
    var scanner = FieldScanner(Array(text))
    guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2),
      scanner.take("-"), let day = scanner.digits(2), scanner.take("T"),
      let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2),
      scanner.take(":"), let second = scanner.digits(2)
    else { return nil }
    var microsecond = 0
    if scanner.take(".") {
      var digits = 0
      while let digit = scanner.digits(1) {
        digits += 1
        guard digits <= 6 else { return nil }
        microsecond = microsecond * 10 + digit
      }
      guard digits > 0 else { return nil }
      for _ in digits..<6 { microsecond *= 10 }
    }
    guard let offset = scanner.zoneOffset(), scanner.isAtEnd else { return nil }
    let civil = CivilTime(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    guard let local = Instant(civil, microsecond: microsecond),
      let instant = Instant(microseconds: local.microseconds - Int64(offset) * 1_000_000)
    else { return nil }
    self.instant = instant
    offsetSeconds = offset
  }
}

/// Reads fixed fields from the front of a text.
package struct FieldScanner {
  private let bytes: [UInt8]
  private var offset = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isAtEnd: Bool { offset == bytes.count }

  /// The number that exactly `count` decimal digits spell, at most 18; nothing is consumed where
  /// they don't.
  package mutating func digits(_ count: Int) -> Int? {
    guard offset + count <= bytes.count else { return nil }
    var number = 0
    for byte in bytes[offset..<offset + count] {
      guard let digit = decimalValue(byte) else { return nil }
      number = number * 10 + Int(digit)
    }
    offset += count
    return number
  }

  /// Steps over `text` where it stands next.
  package mutating func take(_ text: String) -> Bool {
    guard bytes[offset...].starts(with: text.utf8) else { return false }
    offset += text.utf8.count
    return true
  }

  fileprivate mutating func zoneOffset() -> Int? {
    if take("Z") { return 0 }
    let isWest = take("-")
    guard isWest || take("+"), let hours = digits(2), take(":"), let minutes = digits(2),
      hours <= 23, minutes <= 59
    else { return nil }
    return (isWest ? -1 : 1) * (hours * 3_600 + minutes * 60)
  }
}

/// The quotient rounded down and the remainder, which is never negative.
package func floorDivide(_ number: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
  let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
  return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

/// A number that isn't negative in decimal, with zeros before it up to `width` digits.
package func padded(_ number: some BinaryInteger, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Appends a number as ``padded(_:_:)`` spells it, without making a string where it fits the width.
private func appendPadded(_ number: Int, _ width: Int, to bytes: inout [UInt8]) {
  var unit = 1
  for _ in 0..<width { unit *= 10 }
  guard (0..<unit).contains(number) else {
    bytes.append(contentsOf: padded(number, width).utf8)
    return
  }
  for _ in 0..<width {
    unit /= 10
    bytes.append(UInt8(ascii: "0") + UInt8(number / unit % 10))
  }
}
