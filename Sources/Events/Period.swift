package import Bytes

/// A length of time in calendar units, as ISO 8601 writes it: `P7Y`, `P1Y6M`, `P90D`.
///
/// `P[nY][nM][nD]` with at least one part, each number of 1...4 digits. How long it is depends on
/// when it begins: see ``end(from:)``. The text stays as it was typed.
package struct Period: FieldValue, Hashable {
  package let text: String
  private let months: Int
  private let days: Int

  package init?(_ text: String) {
    var rest = text.utf8[...]
    guard rest.popFirst() == UInt8(ascii: "P"), !rest.isEmpty else { return nil }
    func take(_ designator: Character) -> Int? {
      let digits = rest.prefix { decimalValue($0) != nil }
      guard rest[digits.endIndex...].first == designator.asciiValue else { return 0 }
      guard (1...4).contains(digits.count), let number = Int(String(digits) ?? "") else {
        return nil
      }
      rest = rest[digits.endIndex...].dropFirst()
      return number
    }
    guard let years = take("Y"), let months = take("M"), let days = take("D"), rest.isEmpty
    else { return nil }
    self.text = text
    self.months = years * 12 + months
    self.days = days
  }

  /// When a period that begins at `start` ends, in UTC: years and months first, where the month has no
  /// such day on its last one, then the days; held within the years 1...9999.
  package func end(from start: Instant) -> Instant {
    let civil = start.civil
    let month = civil.year * 12 + civil.month - 1 + months
    var end = civil
    end.year = month / 12
    end.month = month % 12 + 1
    end.day = min(civil.day, CivilTime.days(inMonth: end.month, of: end.year))
    let seconds = end.secondsFromEpoch - civil.secondsFromEpoch + Int64(days) * 86_400
    return start.adding(seconds: seconds)
  }

  package init(from reader: inout ObjectReader) throws(EventError) {
    guard let value = Period(try reader.string()) else { throw .badValue(.period) }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }
}
