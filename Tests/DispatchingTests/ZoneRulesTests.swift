import Bytes
import Dispatching
import Foundation
import Simulation
import Testing

@Suite("Zone rules")
struct ZoneRulesTests {
  enum Expected: Sendable {
    case unique(String)
    case gap
    case fold(String, String)
  }

  @Test(
    "A local time is one instant, none in a gap, and two in a fold",
    arguments: [
      // New York, 2026: forward on March 8 at 02:00, back on November 1 at 02:00.
      ("America/New_York", "2026-03-08T01:59:59", Expected.unique("2026-03-08T06:59:59Z")),
      ("America/New_York", "2026-03-08T02:00:00", .gap),
      ("America/New_York", "2026-03-08T02:59:59", .gap),
      ("America/New_York", "2026-03-08T03:00:00", .unique("2026-03-08T07:00:00Z")),
      ("America/New_York", "2026-11-01T00:59:59", .unique("2026-11-01T04:59:59Z")),
      (
        "America/New_York", "2026-11-01T01:00:00",
        .fold("2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z")
      ),
      (
        "America/New_York", "2026-11-01T01:59:59",
        .fold("2026-11-01T05:59:59Z", "2026-11-01T06:59:59Z")
      ),
      ("America/New_York", "2026-11-01T02:00:00", .unique("2026-11-01T07:00:00Z")),
      ("America/New_York", "2019-08-27T21:04:00", .unique("2019-08-28T01:04:00Z")),
      // Sydney: forward in October, back in April.
      ("Australia/Sydney", "2026-10-04T02:30:00", .gap),
      (
        "Australia/Sydney", "2026-04-05T02:30:00",
        .fold("2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z")
      ),
      // Lord Howe changes by half an hour.
      ("Australia/Lord_Howe", "2026-10-04T01:59:59", .unique("2026-10-03T15:29:59Z")),
      ("Australia/Lord_Howe", "2026-10-04T02:15:00", .gap),
      ("Australia/Lord_Howe", "2026-10-04T02:30:00", .unique("2026-10-03T15:30:00Z")),
      (
        "Australia/Lord_Howe", "2026-04-05T01:45:00",
        .fold("2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z")
      ),
      ("Asia/Kolkata", "2026-04-05T02:30:00", .unique("2026-04-04T21:00:00Z")),
      // A day that Samoa left out: 2011-12-30.
      ("Pacific/Apia", "2011-12-30T12:00:00", .gap),
      // Far behind the last transition that a file lists, by its footer.
      ("America/New_York", "2499-03-08T02:30:00", .gap),
      (
        "America/New_York", "2499-11-01T01:30:00",
        .fold("2499-11-01T05:30:00Z", "2499-11-01T06:30:00Z")
      ),
      ("America/New_York", "9999-07-01T12:00:00", .unique("9999-07-01T16:00:00Z")),
      ("America/Nuuk", "2400-07-01T12:00:00", .unique("2400-07-01T13:00:00Z")),
      ("Europe/Dublin", "2400-07-01T12:00:00", .unique("2400-07-01T11:00:00Z")),
    ])
  func resolution(zone: String, local: String, expected: Expected) throws {
    let found = try TestZones.rules(zone).resolve(try civil(local))
    switch expected {
    case .unique(let instant): #expect(found == .unique(try Instant(instant)))
    case .gap: #expect(found == .gap)
    case .fold(let one, let other):
      #expect(found == .fold(first: try Instant(one), second: try Instant(other)))
    }
  }

  @Test("A day that the calendar doesn't have is a gap")
  func invalid() {
    #expect(ZoneRules.utc.resolve(CivilTime(year: 2026, month: 2, day: 29)) == .gap)
    #expect(ZoneRules.utc.resolve(CivilTime(year: 2026, month: 13, day: 1)) == .gap)
    #expect(ZoneRules.utc.resolve(CivilTime(year: 0, month: 1, day: 1)) == .gap)
  }

  @Test("Each instant is among those that its own local time resolves to, in every zone")
  func inverse() throws {
    for name in TestZones.names {
      let rules = try TestZones.rules(name)
      for second in Self.instants(seed: 7, count: 150) {
        let instant = try #require(Instant(microseconds: second * 1_000_000))
        let local = CivilTime(secondsFromEpoch: second + Int64(rules.offset(at: instant)))
        switch rules.resolve(local) {
        case .unique(let found): #expect(found == instant, "\(name) \(instant.text)")
        case .fold(let first, let second):
          #expect(first == instant || second == instant, "\(name) \(instant.text)")
          #expect(first < second)
        case .gap: Issue.record("\(name) has no \(local.text)")
        }
      }
    }
  }

  @Test("Every zone has the offsets that the system's own library finds")
  func systemLibrary() throws {
    let before = ProcessInfo.processInfo.environment["TZ"]
    defer {
      if let before { _ = unsafe setenv("TZ", before, 1) } else { _ = unsafe unsetenv("TZ") }
      tzset()
    }
    #expect(TestZones.names.count > 300)
    for name in TestZones.names {
      let rules = try TestZones.rules(name)
      _ = unsafe setenv("TZ", ":\(TestZones.directory)/\(name)", 1)
      tzset()
      for second in Self.instants(seed: 11, count: 300) {
        var time = time_t(second)
        var broken = unsafe tm()
        _ = unsafe localtime_r(&time, &broken)
        let instant = try #require(Instant(microseconds: second * 1_000_000))
        let expected = unsafe broken.tm_gmtoff
        #expect(rules.offset(at: instant) == expected, "\(name) at \(instant.text)")
      }
    }
  }

  /// Seconds between 1900 and 2400, the same for one seed.
  private static func instants(seed: UInt64, count: Int) -> [Int64] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in Int64.random(in: -2_208_988_800...13_569_465_600, using: &random)
    }
  }
}
