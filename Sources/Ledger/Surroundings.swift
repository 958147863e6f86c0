package import Bytes
import Dispatching
import EventLog
import Events
import Platform

/// All that the loop takes from outside of the ledger's files.
///
/// The shipped programs use ``system(actor:)``; golden ledgers are made with a clock, random
/// numbers and an actor that never change.
package struct Surroundings {
  package var now: () -> Instant
  /// So many random bytes, at most 256; `nil` where the system has none to give.
  package var random: (_ count: Int) -> [UInt8]?
  /// The bytes of a zone's TZif file, or `nil` where there is no such zone.
  package var zoneFile: (_ name: String) -> [UInt8]?
  /// The release of the zone database.
  package var tzdata: String
  /// Who asks: `user:LOGIN@HOST`, or what the caller said.
  package var actor: String
  /// Bytes that a segment holds before it is closed.
  package var segmentBytes = LogLimit.segmentBytes

  package init(
    now: @escaping () -> Instant, random: @escaping (Int) -> [UInt8]?,
    zoneFile: @escaping (String) -> [UInt8]?, tzdata: String, actor: String
  ) {
    self.now = now
    self.random = random
    self.zoneFile = zoneFile
    self.tzdata = tzdata
    self.actor = actor
  }

  /// This machine's clock, random numbers and zones.
  package static func system(actor: String? = nil) -> Surroundings {
    let zones = ZoneDatabase.system
    return Surroundings(
      now: SystemClock.now,
      random: { try? Platform.randomBytes($0) },
      zoneFile: { name in (try? zones?.zone(named: name)) ?? nil },
      tzdata: zones?.version ?? "unknown", actor: actor ?? actorOfProcess())
  }

  /// Random bytes that nothing can do without.
  func randomBytes(_ count: Int) throws(LedgerError) -> [UInt8] {
    guard let bytes = random(count) else { throw .noRandomness }
    return bytes
  }

  /// The rules of a zone, or `nil` where the system's database doesn't know it.
  func rules(of zone: ZoneName) -> ZoneRules? {
    guard let bytes = zoneFile(zone.text) else { return nil }
    return try? ZoneRules(tzif: bytes)
  }
}
