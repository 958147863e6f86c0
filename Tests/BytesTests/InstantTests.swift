import Bytes
import Simulation
import Testing

@Suite struct InstantTests {
  struct File: Decodable {
    struct Vector: Decodable { let text, microseconds: String }
    struct OffsetVector: Decodable {
      let text, microseconds: String
      let offsetSeconds: Int

      enum CodingKeys: String, CodingKey {
        case text, microseconds
        case offsetSeconds = "offset_seconds"
      }
    }
    struct Refused: Decodable { let what, text: String }
    let instants: [Vector]
    let refusedInstants: [Refused]
    let offsetTimes: [OffsetVector]
    let refusedOffsetTimes: [Refused]

    enum CodingKeys: String, CodingKey {
      case instants
      case refusedInstants = "refused_instants"
      case offsetTimes = "offset_times"
      case refusedOffsetTimes = "refused_offset_times"
    }
  }

  @Test("Every published instant is read and written")
  func vectors() throws {
    let file = try VectorFile.load("instants", as: File.self)
    for vector in file.instants {
      let instant = try #require(Instant(text: vector.text.utf8), "\(vector.text)")
      #expect(String(instant.microseconds) == vector.microseconds)
      #expect(instant.text == vector.text)
      #expect(Instant(microseconds: instant.microseconds) == instant)
      #expect(OffsetTime(text: vector.text.utf8)?.instant == instant)
    }
    for entry in file.refusedInstants {
      #expect(Instant(text: entry.text.utf8) == nil, "\(entry.what)")
    }
    for vector in file.offsetTimes {
      let time = try #require(OffsetTime(text: vector.text.utf8), "\(vector.text)")
      #expect(String(time.instant.microseconds) == vector.microseconds, "\(vector.text)")
      #expect(time.offsetSeconds == vector.offsetSeconds)
    }
    for entry in file.refusedOffsetTimes {
      #expect(OffsetTime(text: entry.text.utf8) == nil, "\(entry.what)")
    }
  }

  @Test("Every other character at any place of an instant makes it another one or none")
  func oneSpelling() throws {
    let text = Array("2026-11-23T17:23:59.123456Z".utf8)
    for place in text.indices {
      for byte in UInt8.min...UInt8.max {
        var other = text
        other[place] = byte
        if let instant = Instant(text: other) { #expect(Array(instant.text.utf8) == other) }
        let isDigit = (0x30...0x39).contains(byte)
        let wasDigit = (0x30...0x39).contains(text[place])
        if !isDigit, byte != text[place] || wasDigit { #expect(Instant(text: other) == nil) }
      }
    }
  }

  /// The calendar as it is taught: day after day, with no arithmetic to share a mistake with.
  private struct Almanac {
    var year: Int
    var month = 1
    var day = 1

    private var daysInMonth: Int {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    mutating func turn() {
      day += 1
      guard day > daysInMonth else { return }
      day = 1
      month += 1
      guard month > 12 else { return }
      month = 1
      year += 1
    }
  }

  private func check(_ today: Almanac, dayNumber: Int) throws {
    let civil = CivilTime(year: today.year, month: today.month, day: today.day)
    #expect(civil.isValid)
    #expect(civil.daysFromEpoch == dayNumber)
    for (second, microsecond) in [(0, 0), (1, 1), (43_199, 500_000), (86_399, 999_999)] {
      let seconds = Int64(dayNumber) * 86_400 + Int64(second)
      let instant = try #require(Instant(microseconds: seconds * 1_000_000 + Int64(microsecond)))
      let read = instant.civil
      #expect([read.year, read.month, read.day] == [today.year, today.month, today.day])
      #expect(read.hour * 3_600 + read.minute * 60 + read.second == second)
      #expect(read.secondsFromEpoch == seconds)
      #expect(Instant(read, microsecond: microsecond) == instant)
      #expect(Instant(text: instant.text.utf8) == instant)
      #expect(instant.text.hasPrefix(read.text))
    }
  }

  @Test("Every day of 1999 to 2001 and of 2024 stands where the almanac has it")
  func wholeYears() throws {
    for (first, last, dayNumber) in [(1999, 2001, 10_592), (2024, 2024, 19_723)] {
      var today = Almanac(year: first)
      var dayNumber = dayNumber
      while today.year <= last {
        try check(today, dayNumber: dayNumber)
        today.turn()
        dayNumber += 1
      }
    }
  }

  @Test("The first and last days of each month of 600 years from 1 to 9999 stand where they should")
  func sampledYears() throws {
    var random = SeededRandom(seed: 20_261_123)
    var sample = Set((0..<590).map { _ in Int.random(in: 1...9_999, using: &random) })
    sample.formUnion([1, 4, 100, 400, 1_600, 1_900, 1_970, 2_000, 9_999])
    var today = Almanac(year: 1)
    var dayNumber = -719_162
    while today.year <= 9_999 {
      if sample.contains(today.year), today.day <= 1 || today.day >= 28 {
        try check(today, dayNumber: dayNumber)
      }
      today.turn()
      dayNumber += 1
    }
    #expect(dayNumber == 2_932_897)
  }

  @Test("No instant lies outside of the years 1 to 9999, and moving one stops at their ends")
  func ends() throws {
    let first = try #require(Instant(text: "0001-01-01T00:00:00.000000Z".utf8))
    let last = try #require(Instant(text: "9999-12-31T23:59:59.999999Z".utf8))
    #expect(Instant(microseconds: first.microseconds - 1) == nil)
    #expect(Instant(microseconds: last.microseconds + 1) == nil)
    #expect(Instant(microseconds: .min) == nil)
    #expect(Instant(microseconds: .max) == nil)
    #expect(first.adding(seconds: -1) == first)
    #expect(last.adding(seconds: 1) == last)
    for (seconds, end) in [(Int64.min, first), (Int64.max, last)] {
      #expect(first.adding(seconds: seconds) == end)
      #expect(last.adding(seconds: seconds) == end)
      // Their product with a million fits, the sum doesn't.
      #expect(first.adding(seconds: seconds / 1_000_000) == end)
      #expect(last.adding(seconds: seconds / 1_000_000) == end)
    }
    #expect(first.adding(seconds: 86_400).text == "0001-01-02T00:00:00.000000Z")
    #expect(first < last)
    #expect(first.text < last.text)
    #expect(!(first < first))
  }

  @Test("A date or time that the calendar or the clock lacks makes no instant")
  func validity() {
    let good = CivilTime(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 59)
    #expect(Instant(good, microsecond: 999_999) != nil)
    #expect(Instant(good, microsecond: 1_000_000) == nil)
    #expect(Instant(good, microsecond: -1) == nil)
    let wrong: [(WritableKeyPath<CivilTime, Int>, [Int])] = [
      (\.year, [0, -1, 10_000, .min, .max, 2_023]), (\.month, [0, 13, -1, .min, .max]),
      (\.day, [0, 30, -1, .min, .max]), (\.hour, [-1, 24]), (\.minute, [-1, 60]),
      (\.second, [-1, 60]),
    ]
    for (field, values) in wrong {
      for value in values {
        var civil = good
        civil[keyPath: field] = value
        #expect(!civil.isValid)
        #expect(Instant(civil) == nil)
      }
    }
  }

  @Test("A time whose numbers are wider than their fields is still written")
  func wideFields() {
    #expect(CivilTime(secondsFromEpoch: 253_402_300_800).text == "10000-01-01T00:00:00")
    #expect(CivilTime(secondsFromEpoch: -62_135_596_801).text == "0000-12-31T23:59:59")
    #expect(padded(7, 3) == "007")
    #expect(padded(1_234, 3) == "1234")
  }
}

@Suite struct FieldScannerTests {
  @Test("Fields are read from the front, and a field that isn't there consumes nothing")
  func fields() {
    var scanner = FieldScanner(Array("08/27".utf8))
    #expect(scanner.digits(3) == nil)
    #expect(scanner.take("/") == false)
    #expect(scanner.digits(2) == 8)
    #expect(scanner.digits(1) == nil)
    #expect(scanner.take("/") == true)
    #expect(!scanner.isAtEnd)
    #expect(scanner.digits(3) == nil)
    #expect(scanner.digits(2) == 27)
    #expect(scanner.isAtEnd)
    #expect(scanner.take("x") == false)
    #expect(scanner.take("") == true)
  }

  @Test("milliseconds move an instant, and never out of the calendar")
  func milliseconds() throws {
    let noon = try #require(Instant(microseconds: 1_700_000_000_000_000))
    #expect(noon.adding(milliseconds: 1).microseconds == noon.microseconds + 1_000)
    #expect(noon.adding(milliseconds: -1_500).microseconds == noon.microseconds - 1_500_000)
    for far in [Int64.max, Int64.max / 1_000] {
      #expect(noon.adding(milliseconds: far) == noon.adding(seconds: .max))
      #expect(noon.adding(milliseconds: -far) == noon.adding(seconds: -.max))
    }
  }
}
