import Bytes
import Dispatching
import Events
import Foundation
import Testing

/// The zone database that the system has installed.
enum TestZones {
  static let directory = "/usr/share/zoneinfo"

  /// Every zone's name, by bytes; no copies with leap seconds, no files beside the zones.
  static let names: [String] = {
    let files =
      FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
    return files.filter { file in
      !["right", "posix"].contains { file.hasPrefix("\($0)/") } && bytes(of: file) != nil
    }.sorted()
  }()

  static func bytes(of name: String) -> [UInt8]? {
    guard let content = FileManager.default.contents(atPath: "\(directory)/\(name)"),
      content.starts(with: "TZif".utf8)
    else { return nil }
    return Array(content)
  }

  static func rules(_ name: String) throws -> ZoneRules {
    try ZoneRules(tzif: try #require(bytes(of: name), "no zone \(name)"))
  }

  static func find(_ name: ZoneName) -> ZoneRules? {
    bytes(of: name.text).flatMap { try? ZoneRules(tzif: $0) }
  }
}

extension Instant {
  init(_ text: String) throws {
    self = try #require(OffsetTime(text: text.utf8), "\(text) is no time").instant
  }
}

func civil(_ text: String) throws -> CivilTime {
  try Instant("\(text)Z").civil
}

extension Instant {
  /// Minutes after 2026-11-23T00:00:00Z.
  static func minute(_ minute: Int) -> Instant {
    guard let day = Instant(CivilTime(year: 2026, month: 11, day: 23)) else {
      fatalError("the calendar has the day")
    }
    return day.adding(seconds: Int64(minute) * 60)
  }
}
