import Audit
import Bytes
import EventLog
import Events
import Foundation
import Merkle
import Platform
import Simulation
import Testing

/// Two implementations of `FORMAT.md` that share no line must say the same of every ledger.
@Suite("The second implementation agrees")
struct AgreementTests {
  static let identity: LedgerIdentity = {
    guard let id = EventLog.LedgerID(hex: "8899aabbccddeeff0011223344556677"),
      let created = Instant(microseconds: 1_790_000_000_000_000),
      let key = Ed25519.SigningKey(seed: [UInt8](repeating: 9, count: 32))?.publicKey,
      let verifierKey = VerifierKey(name: "example.com/dr", key: key),
      let identity = LedgerIdentity(
        id: id, origin: "example.com/dr", created: created, verifierKey: verifierKey)
    else { fatalError("the identity of the tests isn't valid") }
    return identity
  }()

  static func line(_ id: UInt64, time: Instant) -> [UInt8] {
    if id == 0 { return firstLine(time: time) }
    guard let group = EntityID("group-\(id)") else { fatalError("no such id") }
    let name = String(repeating: "é", count: Int(id * 29 % 120))
    let event = Event(
      id: id, time: time, source: identity.origin, actor: "user:test@host",
      payload: .userGroupDefined(UserGroupDefined(id: group, name: name)))
    return event.encodeLine()
  }

  private static func firstLine(time: Instant) -> [UInt8] {
    guard let id = Events.LedgerID(identity.id.hex) else { fatalError("no such id") }
    let created = LedgerCreated(
      format: 1, ledgerID: id, origin: identity.origin, vkey: identity.verifierKey.text)
    return Event(id: 0, time: time, source: identity.origin, payload: .ledgerCreated(created))
      .encodeLine()
  }

  /// A ledger of three segments with commits of one to three events; a fork's times differ from some
  /// event on.
  private static func ledger(forkedAt fork: UInt64 = .max) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: identity, segmentBytes: 2_600)
    while writer.size < 14 {
      let time = writer.lastTime.adding(seconds: writer.size == 0 ? 0 : writer.size < fork ? 1 : 2)
      let lines = (writer.size...writer.size + writer.size % 3).map { line($0, time: time) }
      _ = try writer.append(lines, time: time)
      try writer.synchronize()
    }
    disk.setBytes(of: "LEDGER", to: identity.encoded)
    return disk
  }

  private static func isWellFormed(_ line: [UInt8], _ id: UInt64, _ commit: CommitLine) -> Bool {
    guard let envelope = try? Envelope(decoding: line) else { return false }
    return envelope.id == id && sameBytes(envelope.source, identity.origin)
      && envelope.time == commit.time
      && (envelope.idempotencyKey == nil || id == commit.first)
      && EventType(rawValue: envelope.type) != nil
      && (id != 0 || line == firstLine(time: identity.created))
  }

  static func ours(_ storage: any Storage) throws -> SecondImplementation.Answer {
    var verifier = LogVerifier(
      storage, identity: identity, claim: EventCheck.claim, check: isWellFormed)
    let report = try verifier.verify()
    let status =
      switch report.state {
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
  private static func write(_ disk: SimulatedDisk, to directory: URL) throws {
    let manager = FileManager.default
    try? manager.removeItem(at: directory)
    for name in ["log", "snapshot"] {
      try manager.createDirectory(
        at: directory.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    for path in disk.paths {
      guard let bytes = disk.bytes(of: path) else { continue }
      try Data(bytes).write(to: directory.appendingPathComponent(path))
    }
  }

  /// - Returns: The words that stood in the reports.
  @discardableResult
  func compare(
    _ cases: [(name: String, disk: SimulatedDisk)]
  ) throws -> Set<String> {
    let second = try SecondImplementation()
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("agreement-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    var differences: [String] = []
    var seen: Set<String> = []
    for (name, disk) in cases {
      try Self.write(disk, to: directory)
      let theirs = try second.answer(for: directory.path)
      let ours = try Self.ours(FileStorage.openForReading(directory: directory.path))
      let words = Self.words.union(["archived", "snapshot"])
      seen.formUnion(
        ours.report.split(separator: "\"").map(String.init).filter(words.contains))
      if ours != theirs { differences.append("\(name)\n  \(ours)\n  \(theirs)") }
    }
    let shown = differences.prefix(5).joined(separator: "\n")
    #expect(differences.isEmpty, "\(differences.count) of \(cases.count) differ\n\(shown)")
    return seen
  }

  /// Every state, and every word for damage.
  private static let words = Set(
    EventLog.RecoveryState.allCases.map(\.rawValue)
      + ["missing", "surplus", "header", "commit", "root", "seal", "event", "head"])

  @Test("on a ledger at rest, by every byte")
  func clean() throws {
    let disk = try Self.ledger()
    #expect(disk.paths.filter { $0.hasPrefix("log/") }.count >= 3)
    let answer = try Self.ours(disk)
    #expect(answer.status == 0)
    try compare([("clean", disk)])
  }

  @Test("on every kind of damage: flipped bits, cut and doubled files, torn tails, lost slots")
  func damaged() throws {
    let whole = try Self.ledger()
    var cases: [(name: String, disk: SimulatedDisk)] = []
    func add(_ name: String, _ path: String, _ bytes: [UInt8]) {
      let disk = whole.copy()
      disk.setBytes(of: path, to: bytes)
      cases.append((name, disk))
    }
    for path in whole.paths where path != "LEDGER" {
      let bytes = try #require(whole.bytes(of: path))
      for index in stride(from: 0, to: bytes.count, by: path == "head" ? 251 : 29) {
        var flipped = bytes
        flipped[index] ^= 1 << UInt8(index % 8)
        add("\(path): a bit of byte \(index)", path, flipped)
        add("\(path): cut to \(index)", path, Array(bytes[..<index]))
      }
      for tail in ["\n\n\n", "#commit first=", "{}\n", "\0\0", String(repeating: "x", count: 900)] {
        add("\(path): followed by \(tail.utf8.count) bytes", path, bytes + Array(tail.utf8))
      }
      let removed = whole.copy()
      removed.remove(path)
      cases.append(("\(path): missing", removed))
      for other in whole.paths where other != path {
        add("\(path): replaced by \(other)", path, try #require(whole.bytes(of: other)))
      }
    }
    try compare(cases)
  }

  @Test("on thousands of seeded damages, up to four to a ledger")
  func seeded() throws {
    let whole = try Self.ledger()
    let fork = try Self.ledger(forkedAt: 5)
    var seen: Set<String> = []
    for seed: UInt64 in 0..<8 {
      var random = SeededRandom(seed: seed)
      var cases: [(name: String, disk: SimulatedDisk)] = []
      for number in 0..<400 {
        let disk = whole.copy()
        var names: [String] = []
        for _ in 0...number % 4 {
          let damage = RandomDamage.allCases.randomElement(using: &random) ?? .flip
          names.append("\(damage) \(damage.apply(to: disk, from: fork, &random))")
        }
        cases.append(("seed \(seed), case \(number): \(names.joined(separator: "; "))", disk))
      }
      seen.formUnion(try compare(cases))
    }
    #expect(seen == Self.words)
  }
}
