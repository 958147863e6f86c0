package import Bytes

/// A length of time as ISO 8601 writes it, in days, hours, minutes and seconds: `P1DT12H`, `PT30M`.
///
/// `P[nD][T[nH][nM][nS]]` with at least one part, each number of 1...9 digits. Years, months and
/// weeks are refused, because their length depends on when they begin or on who reads them; so are
/// signs, fractions and an empty `T`. A day is 86,400 seconds. The text stays as it was typed, so
/// that `PT60M` and `PT1H` are as long as each other but not equal.
package struct ISODuration: FieldValue, Hashable {
  package let text: String
  package let seconds: Int64

  package init?(_ text: String) {
    var rest = text.utf8[...]
    guard rest.popFirst() == UInt8(ascii: "P") else { return nil }
    var seconds: Int64 = 0
    var parts = 0
    func take(_ designator: Character, _ unitSeconds: Int64) -> Bool {
      let digits = rest.prefix { decimalValue($0) != nil }
      guard rest[digits.endIndex...].first == designator.asciiValue else { return true }
      guard (1...9).contains(digits.count), let number = Int64(String(digits) ?? "") else {
        return false
      }
      rest = rest[digits.endIndex...].dropFirst()
      seconds += number * unitSeconds
      parts += 1
      return true
    }
    guard take("D", 86_400) else { return nil }
    if rest.first == UInt8(ascii: "T") {
      rest = rest.dropFirst()
      let days = parts
      guard take("H", 3_600), take("M", 60), take("S", 1), parts > days else { return nil }
    }
    guard rest.isEmpty, parts > 0 else { return nil }
    self.text = text
    self.seconds = seconds
  }

  package init(from reader: inout ObjectReader) throws(EventError) {
    guard let value = ISODuration(try reader.string()) else { throw .badValue(.duration) }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }
}

/// The name of a time zone in the IANA database, `America/New_York`: at most 64 bytes.
///
/// Letters, digits, `_`, `+`, `-`, in parts divided by `/`. That the zone exists isn't checked
/// here: a later database may no longer have it, and the event is as true as it was.
package struct ZoneName: CheckedText {
  package static let form = EventError.Form.zoneName
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    guard (1...64).contains(text.byteCount),
      holdsOnly(
        text,
        { $0.lettersAndDigits | $0.bytes("+") | $0.bytes("-") | $0.bytes("_") | $0.bytes("/") })
    else { return false }
    // No part is empty: behind each slash, and behind the last byte, one ends.
    var length = 0
    for offset in 0..<text.byteCount {
      length += 1
      if text.byte(at: offset) == UInt8(ascii: "/") {
        guard length > 1 else { return false }
        length = 0
      }
    }
    return length > 0
  }
}

/// Which of the two occurrences of a local time is meant where clocks were set back over it.
package enum Fold: String, Word {
  case first, second
}

/// A time that somebody typed: what it said, and what it was taken to mean, with which knowledge.
package struct ZonedMoment: Record {
  package var instant: Instant
  /// The zone that the text was read in.
  package var zone: ZoneName
  /// As typed, to the byte.
  package var text: String
  /// Seconds east of UTC that the zone had at the instant.
  package var offsetSeconds: Int
  /// The version of the zone database that gave the offset, `2025b`.
  package var tzdata: String
  package var fold: Fold?

  /// The offsets that a zone may have: less than 26 hours either way (RFC 9636 §3.2).
  package static let offsets = -93_599...93_599

  package init(
    instant: Instant, zone: ZoneName, text: String, offsetSeconds: Int, tzdata: String,
    fold: Fold? = nil
  ) {
    self.instant = instant
    self.zone = zone
    self.text = text
    self.offsetSeconds = offsetSeconds
    self.tzdata = tzdata
    self.fold = fold
  }

  package init(reading reader: inout ObjectReader) throws(EventError) {
    fold = try reader.optional("fold")
    instant = try reader.required("instant")
    offsetSeconds = try reader.required("offset_seconds")
    text = try reader.required("text")
    tzdata = try reader.required("tzdata")
    zone = try reader.required("zone")
  }

  package func check() throws(EventError) {
    try Check.integer(
      "offset_seconds", offsetSeconds, from: Self.offsets.lowerBound,
      through: Self.offsets.upperBound)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("fold", fold)
    writer.set("instant", instant)
    writer.set("offset_seconds", offsetSeconds)
    writer.set("text", text)
    writer.set("tzdata", tzdata)
    writer.set("zone", zone)
  }
}
