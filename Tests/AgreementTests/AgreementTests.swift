import EventLog
import Foundation
import Platform
import Simulation
import Testing
import Torture

/// Two implementations of `FORMAT.md` that share no line must say the same of every ledger.
@Suite("The second implementation agrees")
struct AgreementTests {
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
      try WrittenLedger.write(disk, to: directory)
      let theirs = try second.answer(for: directory.path)
      let ours = try WrittenLedger.answer(of: FileStorage.openForReading(directory: directory.path))
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
    let disk = try WrittenLedger.make()
    #expect(disk.paths.filter { $0.hasPrefix("log/") }.count >= 3)
    let answer = try WrittenLedger.answer(of: disk)
    #expect(answer.status == 0)
    try compare([("clean", disk)])
  }

  @Test("on stream indexes: whole ones, damaged ones, and forged ones that hide events")
  func indexes() throws {
    let identity = WrittenLedger.identity
    let whole = try WrittenLedger.make(events: 60, segmentBytes: 9_000)
    try whole.createDirectory("index")
    let end = try LogReader(whole, identity: identity).end.valid
    _ = try StreamIndexes(catchingUp: whole, identity: identity, to: end)
    var cases = [(name: "whole", disk: whole)]
    let paths = whole.paths.filter { $0.hasPrefix("index/") }
    #expect(paths.count > 2)
    for path in paths {
      let bytes = try #require(whole.bytes(of: path))
      func add(_ name: String, _ bytes: [UInt8]) {
        let disk = whole.copy()
        disk.setBytes(of: path, to: bytes)
        cases.append(("\(path): \(name)", disk))
      }
      let forged =
        path.hasSuffix(".open") ? ForgedStreams.open(bytes) : ForgedStreams.closed(bytes)
      add("forged", forged)
      let answer = try WrittenLedger.answer(of: cases[cases.count - 1].disk)
      #expect(answer.status == 4 && answer.report.contains("\"indexes\":[\"\(path)\"]"))
      for index in stride(from: 0, to: bytes.count, by: 37) {
        var flipped = bytes
        flipped[index] ^= 1 << UInt8(index % 8)
        add("a bit of byte \(index)", flipped)
        add("cut to \(index)", Array(bytes[..<index]))
      }
      for other in paths where other != path {
        add("replaced by \(other)", try #require(whole.bytes(of: other)))
      }
    }
    // Damage in the log beside indexes that are forged.
    for path in whole.paths where path.hasPrefix("log/") {
      let bytes = try #require(whole.bytes(of: path))
      for index in stride(from: 0, to: bytes.count, by: 97) {
        let disk = cases[1 + index % 40].disk.copy()
        var flipped = bytes
        flipped[index] ^= 2
        disk.setBytes(of: path, to: flipped)
        cases.append(("\(path): a bit of byte \(index)", disk))
      }
    }
    try compare(cases)
  }

  @Test("on every kind of damage: flipped bits, cut and doubled files, torn tails, lost slots")
  func damaged() throws {
    let whole = try WrittenLedger.make()
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
    let whole = try WrittenLedger.make()
    let fork = try WrittenLedger.make(forkedAt: 5)
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
