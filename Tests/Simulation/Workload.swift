package import Bytes
package import EventLog
import Merkle

/// A small ledger's life, run over a disk that may fail at any call.
package struct Workload {
  /// The lines whose commits were acknowledged, in order.
  package private(set) var acknowledged: [[UInt8]] = []
  /// The lines that were handed to a writer, acknowledged or not.
  package private(set) var attempted: [[UInt8]] = []
  /// How many events there were after each commit that was handed to a writer.
  package private(set) var commitEnds: Set<Int> = []
  package private(set) var errors: [LogError] = []

  package init() {}

  package static let signingKey: Ed25519.SigningKey = {
    guard let key = Ed25519.SigningKey(seed: [UInt8](repeating: 7, count: 32)) else {
      fatalError("the key of the tests isn't valid")
    }
    return key
  }()

  package static let identity: LedgerIdentity = {
    guard let id = LedgerID(hex: "00112233445566778899aabbccddeeff"),
      let created = Instant(microseconds: 1_700_000_000_000_000),
      let verifierKey = VerifierKey(name: "test/log", key: signingKey.publicKey),
      let identity = LedgerIdentity(
        id: id, origin: "test/log", created: created, verifierKey: verifierKey)
    else { fatalError("the identity of the tests isn't valid") }
    return identity
  }()

  package static func time(_ id: UInt64) -> Instant {
    identity.created.adding(seconds: Int64(id) + 1)
  }

  /// An event line whose length varies with the id, so that commits end at many places of a sector.
  package static func line(_ id: UInt64) -> [UInt8] {
    let padding = String(repeating: "x", count: Int(id * 37 % 211))
    return Array("{\"id\":\"\(id)\",\"note\":\"\(padding)\"}".utf8)
  }

  /// Appends commits of 1, 2, 3, 1, 2, 3 … events until the log holds `size`, each synchronized.
  package mutating func append(to writer: inout LogWriter, until size: UInt64) throws(LogError) {
    while writer.size < size {
      let count = min(writer.size % 3 + 1, size - writer.size)
      let lines = (writer.size..<writer.size + count).map(Self.line)
      attempted = acknowledged + lines
      commitEnds.insert(attempted.count)
      _ = try writer.append(lines, time: max(writer.lastTime, Self.time(writer.size)))
      try writer.synchronize()
      acknowledged += lines
    }
  }

  /// Creates a log in which three commits share each sync, and into fill that a writer wrote ahead of
  /// itself: the fill ends within a sector, and isn't always durable.
  package mutating func runGroups(on disk: SimulatedDisk, groups: UInt64 = 6) {
    do {
      var writer = try LogWriter.create(in: disk, identity: Self.identity)
      try append(to: &writer, until: 1)
      for group in 0..<groups {
        if group % 2 == 0 {
          try Self.fill(disk, bytes: 700 + 411 * Int(group), isSynced: group != 2)
        }
        for count in [1, 2 + group % 3, 1] {
          let lines = (writer.size..<writer.size + count).map(Self.line)
          attempted += lines
          commitEnds.insert(attempted.count)
          _ = try writer.append(lines, time: max(writer.lastTime, Self.time(writer.size)))
        }
        try writer.synchronize()
        acknowledged = attempted
      }
    } catch {
      errors.append(error)
    }
  }

  /// Writes newlines behind the end of the first segment.
  private static func fill(
    _ disk: SimulatedDisk, bytes: Int, isSynced: Bool
  ) throws(LogError) {
    do {
      let file = try disk.open("log/0000000000000000.log", for: .writing)
      let newlines = [UInt8](repeating: 0x0A, count: bytes)
      _ = try file.write(newlines[...], at: file.size())
      if isSynced { try file.synchronize() }
    } catch {
      throw .storage(error)
    }
  }

  package static func open(
    _ disk: SimulatedDisk, segmentBytes: UInt64 = 1_500
  ) throws(LogError) -> LogWriter {
    let head: any StorageFile
    do {
      head = try Head.open(in: disk)
      _ = try head.tryLock()
    } catch {
      throw .storage(error)
    }
    return try LogWriter.open(
      disk, identity: identity, head: head, segmentBytes: segmentBytes)
  }

  /// Opens a disk for writing and appends so many events, as the next one to use it would.
  package static func openAndAppend(_ count: UInt64, to disk: SimulatedDisk) throws(LogError) {
    var writer = try open(disk)
    var workload = Workload()
    let size = writer.size
    try workload.append(to: &writer, until: size + count)
  }

  /// Creates a log, appends, closes; opens again, appends; so that segments roll on the way.
  package mutating func run(on disk: SimulatedDisk, sizes: [UInt64] = [6, 14]) {
    do {
      var writer = try LogWriter.create(in: disk, identity: Self.identity, segmentBytes: 1_500)
      for size in sizes {
        try append(to: &writer, until: size)
        try writer.synchronizeHead()
        writer = try Self.open(disk)
      }
    } catch {
      errors.append(error)
    }
  }

  /// Makes a log of one event where an earlier try was interrupted.
  package mutating func remake(on disk: SimulatedDisk) {
    do {
      var writer = try LogWriter.create(in: disk, identity: Self.identity)
      try append(to: &writer, until: 1)
    } catch {
      errors.append(error)
    }
  }

  /// A disk with the whole workload on it, at rest.
  package static func finishedDisk(sizes: [UInt64] = [6, 14]) -> SimulatedDisk {
    let disk = SimulatedDisk()
    var workload = Workload()
    workload.run(on: disk, sizes: sizes)
    return disk
  }

  package static func report(_ disk: SimulatedDisk) throws(LogError) -> LogReport {
    var verifier = LogVerifier(disk, identity: identity, judge: Judge())
    return try verifier.verify()
  }

  /// Accepts the lines that a workload writes.
  package final class Judge: EventJudge {
    package init() {}

    package func another() -> any EventJudge { Judge() }

    package func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool {
      let expected = Workload.line(id)
      return unsafe line.holds(expected.span.bytes)
    }
  }

  /// All durable lines, as a reader sees them.
  package static func lines(_ disk: SimulatedDisk) throws(LogError) -> [[UInt8]] {
    let reader = try LogReader(disk, identity: identity)
    var cursor = reader.events(from: 0)
    var lines: [[UInt8]] = []
    while let event = try cursor.read() { lines.append(event.line) }
    return lines
  }
}

/// Calls `body` with the kept bits of every subset of `count` things, or of a seeded sample where there
/// are more subsets than `limit`.
package func forEachSubset(
  of count: Int, limit: Int, seed: UInt64, _ body: (_ isKept: (Int) -> Bool) throws -> Void
) rethrows {
  if count < 60, 1 << count <= limit {
    for bits in 0..<(1 << count) { try body { bits >> $0 & 1 == 1 } }
    return
  }
  var random = SeededRandom(seed: seed)
  try body { _ in true }
  try body { _ in false }
  for _ in 2..<limit {
    let kept = (0..<count).map { _ in Bool.random(using: &random) }
    try body { kept[$0] }
  }
}

/// Where `text` first stands in `bytes`.
package func offset(of text: String, in bytes: [UInt8]) -> Int? {
  bytes.indices.first { bytes[$0...].starts(with: text.utf8) }
}
