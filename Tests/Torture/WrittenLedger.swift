import Audit
package import Bytes
package import EventLog
import Events
package import Foundation
import Merkle
package import Simulation

/// A ledger of real events on a simulated disk, all of which follows from a few numbers.
package enum WrittenLedger {
  package static let identity = makeIdentity("8899aabbccddeeff0011223344556677")
  /// A ledger that has all but its id from this one.
  static let otherIdentity = makeIdentity("0011223344556677889900aabbccddee")

  private static func makeIdentity(_ hex: String) -> LedgerIdentity {
    guard let id = EventLog.LedgerID(hex: hex),
      let created = Instant(microseconds: 1_790_000_000_000_000),
      let key = Ed25519.SigningKey(seed: [UInt8](repeating: 9, count: 32))?.publicKey,
      let verifierKey = VerifierKey(name: "example.com/dr", key: key),
      let identity = LedgerIdentity(
        id: id, origin: "example.com/dr", created: created, verifierKey: verifierKey)
    else { fatalError("the identity of the tests isn't valid") }
    return identity
  }

  package static func line(
    _ id: UInt64, time: Instant, in identity: LedgerIdentity = Self.identity
  ) -> [UInt8] {
    if id == 0 { return firstLine(time: time, in: identity) }
    guard let group = EntityID("group-\(id)") else { fatalError("no such id") }
    let name = String(repeating: "é", count: Int(id * 29 % 120))
    let event = Event(
      id: id, time: time, source: identity.origin, actor: "user:test@host",
      payload: .userGroupDefined(UserGroupDefined(id: group, name: name)))
    return event.encodeLine()
  }

  private static func firstLine(time: Instant, in identity: LedgerIdentity) -> [UInt8] {
    guard let id = Events.LedgerID(identity.id.hex) else { fatalError("no such id") }
    let created = LedgerCreated(
      format: 1, ledgerID: id, origin: identity.origin, vkey: identity.verifierKey.text)
    return Event(id: 0, time: time, source: identity.origin, payload: .ledgerCreated(created))
      .encodeLine()
  }

  /// A ledger of several segments with commits of one to three events.
  ///
  /// - Parameters:
  ///   - events: It ends with the first commit that reaches so many.
  ///   - bytes: Where given, it ends with the first commit that brings its log to so many.
  ///   - fork: From which event on times differ from those of a ledger without it.
  package static func make(
    events: UInt64 = 14, bytes: Int? = nil, segmentBytes: UInt64 = 2_600,
    forkedAt fork: UInt64 = .max, identity: LedgerIdentity = Self.identity
  ) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: identity, segmentBytes: segmentBytes)
    func isLongEnough(_ size: UInt64) -> Bool {
      guard let bytes else { return size >= events }
      return disk.paths.filter { $0.hasPrefix("log/") }
        .reduce(0) { $0 + (disk.bytes(of: $1)?.count ?? 0) } >= bytes
    }
    while !isLongEnough(writer.size) {
      let time = writer.lastTime.adding(seconds: writer.size == 0 ? 0 : writer.size < fork ? 1 : 2)
      let lines = (writer.size...writer.size + writer.size % 3)
        .map { line($0, time: time, in: identity) }
      _ = try writer.append(lines, time: time)
      try writer.synchronize()
    }
    disk.setBytes(of: "LEDGER", to: identity.encoded)
    return disk
  }

  /// Decides by the whole envelope, read by the general decoder.
  private final class Judge: EventJudge {
    func another() -> any EventJudge { Judge() }

    func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool {
      let line = unsafe line.withUnsafeBytes { unsafe Array($0) }
      guard let envelope = try? Envelope(decoding: line) else { return false }
      return envelope.id == id && sameBytes(envelope.source, identity.origin)
        && envelope.time == commit.time
        && (envelope.idempotencyKey == nil || id == commit.first)
        && EventType(rawValue: envelope.type) != nil
        && (id != 0 || line == firstLine(time: identity.created, in: identity))
    }

    func isNotable(_ line: RawSpan) -> Bool { true }

    func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? {
      EventCheck(identity).note(line, id)
    }
  }

  /// What verifying a disk finds.
  package static func report(
    of storage: any Storage, windowBytes: UInt64 = LogVerifier.windowBytes,
    workers: @escaping Workers = oneByOne
  ) throws -> LogReport {
    var verifier = LogVerifier(
      storage, identity: identity, judge: Judge(), windowBytes: windowBytes, workers: workers)
    return try verifier.verify()
  }

  /// Report and exit status as `tools/verify-ledger.py` prints them.
  package static func answer(of storage: any Storage) throws -> SecondImplementation.Answer {
    let report = try report(of: storage)
    let status =
      switch report.state {
      case _ where !report.indexes.isEmpty: 4
      case .corrupt, .lostTail: 4
      case .headLost, .suspect: report.damage.isEmpty ? 5 : 4
      case .clean, .torn: report.damage.isEmpty ? 0 : 4
      }
    guard case .object(var document) = report.json(of: identity) else {
      fatalError("a report is an object")
    }
    // What FORMAT.md §18 says of a ledger without a checkpoint.
    document["authenticated"] = false
    document["evidence"] = []
    document["signed"] = "0"
    document["time_stamps"] = []
    return SecondImplementation.Answer(
      report: String(decoding: JSON.object(document).canonicalBytes, as: UTF8.self),
      status: status)
  }

  /// Writes a disk's files into a directory of the system, where the other implementation reads
  /// them.
  package static func write(_ disk: SimulatedDisk, to directory: URL) throws {
    let manager = FileManager.default
    try? manager.removeItem(at: directory)
    for name in ["log", "snapshot", "index/streams"] {
      try manager.createDirectory(
        at: directory.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    for path in disk.paths {
      guard let bytes = disk.bytes(of: path) else { continue }
      try Data(bytes).write(to: directory.appendingPathComponent(path))
    }
  }
}
