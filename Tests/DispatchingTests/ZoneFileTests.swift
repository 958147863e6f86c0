import Bytes
import Dispatching
import Simulation
import Testing

@Suite("Zone files")
struct ZoneFileTests {
  /// A version 2 file with an empty first part.
  private func file(
    version: UInt8 = UInt8(ascii: "2"), times: [Int64] = [], types: [UInt8] = [],
    offsets: [Int32] = [0], leapCount: Int = 0, footer: String? = "\nUTC0\n"
  ) -> [UInt8] {
    func header(_ counts: [Int]) -> [UInt8] {
      Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
        + counts.flatMap { bigEndian(UInt32($0)) }
    }
    var bytes: [UInt8] = []
    if version != 0 {
      bytes += header([0, 0, 0, 0, 1, 1]) + [0, 0, 0, 0, 0, 0] + [0]
    }
    bytes += header([0, 0, leapCount, times.count, offsets.count, 4])
    for time in times {
      bytes +=
        version == 0
        ? bigEndian(UInt32(bitPattern: Int32(truncatingIfNeeded: time)))
        : bigEndian(UInt64(bitPattern: time))
    }
    bytes += types
    for offset in offsets { bytes += bigEndian(UInt32(bitPattern: offset)) + [0, 0] }
    bytes += Array("UTC\0".utf8) + [UInt8](repeating: 0, count: leapCount * 12)
    return bytes + Array((version == 0 ? "" : footer ?? "").utf8)
  }

  private func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).map {
      UInt8(truncatingIfNeeded: number >> (number.bitWidth - 8 - $0 * 8))
    }
  }

  private func offset(_ rules: ZoneRules, _ text: String) throws -> Int {
    rules.offset(at: try Instant(text))
  }

  @Test("A version 1 file has 32-bit times and no footer; its last offset goes on")
  func versionOne() throws {
    let rules = try ZoneRules(
      tzif: file(version: 0, times: [-1, 100], types: [1, 0], offsets: [3_600, -7_200]))
    #expect(try offset(rules, "1969-12-31T23:59:58Z") == 3_600)
    #expect(try offset(rules, "1969-12-31T23:59:59Z") == -7_200)
    #expect(try offset(rules, "1970-01-01T00:01:40Z") == 3_600)
    #expect(try offset(rules, "2400-01-01T00:00:00Z") == 3_600)
  }

  @Test(
    "A footer's rule gives the offset at any later time",
    arguments: [
      ("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18_000),
      ("EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14_400),
      ("EST5EDT,M3.2.0,M11.1.0", "2026-11-01T05:59:59Z", -14_400),
      ("EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18_000),
      // The southern summer lies over the new year.
      ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39_600),
      ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36_000),
      ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2025-12-31T23:59:59Z", 39_600),
      // Negative summer time, hours before midnight, minutes and seconds.
      ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3_600),
      ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", 0),
      ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7_200),
      ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3_600),
      ("LMT0:12:35", "2026-07-01T00:00:00Z", -755),
      ("<+0530>-5:30", "2026-07-01T00:00:00Z", 19_800),
      // Days of the year: J60 is always March 1, 59 is February 29 or March 1.
      ("AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00Z", 3_600),
      ("AAA0BBB,J60/0,J61/0", "2024-02-29T12:00:00Z", 0),
      ("AAA0BBB,59/0,60/0", "2024-02-29T12:00:00Z", 3_600),
      ("AAA0BBB,59/0,60/0", "2025-03-01T12:00:00Z", 3_600),
      // Daylight saving time in all of the year (RFC 9636 §3.3.1).
      ("EST5EDT,0/0,J365/25", "2026-01-01T04:59:59Z", -14_400),
      ("EST5EDT,0/0,J365/25", "2026-01-01T05:00:00Z", -14_400),
      ("EST5EDT,0/0,J365/25", "2026-07-01T00:00:00Z", -14_400),
    ])
  func footers(footer: String, time: String, expected: Int) throws {
    let rules = try ZoneRules(tzif: file(footer: "\n\(footer)\n"))
    #expect(try offset(rules, time) == expected)
  }

  @Test(
    "A footer that is no rule is refused",
    arguments: [
      "E5", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0",
      "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,M0.2.0,M11.1.0",
      "EST5EDT,J0,J1", "EST5EDT,J366,J1", "EST5EDT,366,1", "EST25", "EST5:60", "EST5:00:60",
      "<EST5", "<E>5", "EST5EDT,M3.2.0/168,M11.1.0", "EST5EDT,M3.2.0,M11.1.0,", "EST5 ",
      "EST5EDT,M3.2.0/,M11.1.0", "EST99999999999999999999",
    ])
  func badFooters(footer: String) {
    #expect { try ZoneRules(tzif: file(footer: "\n\(footer)\n")) } throws: { error in
      (error as? ZoneFileError)?.reason == .badFooter
    }
  }

  @Test("A rule that holds for a single day is found from the clocks of that day")
  func shortDaylight() throws {
    let rules = try ZoneRules(tzif: file(footer: "\nAAA0BBB,J60/0,J61/0\n"))
    #expect(
      rules.resolve(try civil("2024-03-01T12:00:00"))
        == .unique(try Instant("2024-03-01T11:00:00Z")))
    #expect(rules.resolve(try civil("2024-03-01T00:30:00")) == .gap)
  }

  @Test("An empty footer says nothing: the last offset goes on")
  func emptyFooter() throws {
    let rules = try ZoneRules(tzif: file(times: [0], types: [1], offsets: [0, 60], footer: "\n\n"))
    #expect(try offset(rules, "2400-01-01T00:00:00Z") == 60)
  }

  @Test("Each way to be no zone file has its reason")
  func reasons() {
    func reason(_ bytes: [UInt8]) -> ZoneFileError.Reason? {
      do {
        _ = try ZoneRules(tzif: bytes)
        return nil
      } catch {
        return error.reason
      }
    }
    #expect(reason(file()) == nil)
    #expect(reason([]) == .notTZif)
    #expect(reason(Array("TZiX2".utf8)) == .notTZif)
    #expect(reason(Array("TZif2".utf8)) == .tooShort)
    #expect(reason(file(version: UInt8(ascii: "1"))) == .notTZif)
    #expect(reason(file(times: [5, 5], types: [0, 0])) == .notAscending)
    #expect(reason(file(times: [5], types: [1])) == .unknownType)
    #expect(reason(file(offsets: [93_600])) == .badOffset)
    #expect(reason(file(offsets: [-93_599])) == nil)
    #expect(reason(file(offsets: [])) == .badCount)
    #expect(reason(file(leapCount: 1)) == .leapSeconds)
    #expect(reason(file(footer: nil)) == .badFooter)
    #expect(reason(file(footer: "\nUTC0")) == .badFooter)
    #expect(reason(Array(file().dropLast(8))) == .tooShort)
  }

  @Test("No truncation and no mutation of a zone file stops the program")
  func hostile() throws {
    let seed: UInt64 = 20_260_301
    var random = SeededRandom(seed: seed)
    for name in ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"] {
      let bytes = try #require(TestZones.bytes(of: name))
      for count in 0..<bytes.count { use(Array(bytes.prefix(count))) }
      for _ in 0..<3_000 {
        var mutated = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          mutated[Int.random(in: 0..<mutated.count, using: &random)] =
            UInt8.random(in: 0...255, using: &random)
        }
        use(mutated)
      }
    }
  }

  /// Whatever the bytes are, an answer or an error; both are fine, a trap is not.
  private func use(_ bytes: [UInt8]) {
    guard let rules = try? ZoneRules(tzif: bytes) else { return }
    for year in [1, 1900, 2026, 9_999] {
      let civil = CivilTime(year: year, month: 12, day: 31, hour: 23, minute: 30)
      switch rules.resolve(civil) {
      case .unique(let instant): _ = rules.offset(at: instant)
      case .fold(let first, let second):
        #expect(first < second)
      case .gap: break
      }
    }
  }
}
