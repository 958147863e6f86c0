import Bytes
import EventLog
import Events
import Export
import Foundation
import Merkle
import Simulation
import Testing

/// A log of 70,000 events, and what RFC 9162 §2.1 says of its first n by the definition: each level
/// is the pairs of the level below.
private struct LargeLog {
  static let origin = "example.com/dr"

  let disk = SimulatedDisk()
  let identity: LedgerIdentity
  let lines: [[UInt8]]
  private let key: Ed25519.SigningKey
  private let levels: [[Digest]]

  init() throws {
    key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 5, count: 32)))
    let ledgerID: EventLog.LedgerID? = .init(hex: "8899aabbccddeeff0011223344556677")
    let id = try #require(ledgerID)
    let created = try #require(Instant(text: "2026-11-23T17:00:00.000000Z".utf8))
    let vkey = try #require(VerifierKey(name: Self.origin, key: key.publicKey))
    identity = try #require(
      LedgerIdentity(id: id, origin: Self.origin, created: created, verifierKey: vkey))
    // Lines of all lengths, so that the entries' lengths matter.
    lines = (0..<70_000).map { id in
      Array("{\"id\":\"\(id)\",\"x\":\"\(String(repeating: "x", count: id % 300))\"}".utf8)
    }
    var levels = [lines.map { MerkleTree.leafHash($0) }]
    while let below = levels.last, below.count > 1 {
      levels.append(
        stride(from: 0, to: below.count - 1, by: 2).map {
          MerkleTree.nodeHash(below[$0], below[$0 + 1])
        })
    }
    self.levels = levels
    var writer = try LogWriter.create(in: disk, identity: identity, segmentBytes: 1 << 21)
    var next = 0
    while next < lines.count {
      let end = min(next + 1 + next % 997, lines.count)
      _ = try writer.append(
        Array(lines[next..<end]), time: identity.created.adding(seconds: Int64(next)))
      next = end
    }
    try writer.synchronize()
  }

  /// The hash of the `count` leaves from `start` on, which is a multiple of the power of two above.
  private func hash(_ start: Int, _ count: Int) -> Digest {
    if count & (count - 1) == 0 { return levels[count.trailingZeroBitCount][start / count] }
    let half = 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    return MerkleTree.nodeHash(hash(start, half), hash(start + half, count - half))
  }

  func head(_ size: Int) -> TreeHead { TreeHead(size: UInt64(size), root: hash(0, size)) }

  func sign(_ size: Int) throws {
    let checkpoint = try #require(Checkpoint(origin: Self.origin, head: head(size)))
    let note = checkpoint.signed(by: identity.verifierKey) { key.signature(of: $0) }
    try CheckpointFiles(disk).append(try #require(note))
  }

  /// The files of `tile/` for the first `size` events, by C2SP tlog-tiles.
  func tiles(_ size: Int) -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    var (level, count) = (0, size)
    while count > 0 {
      for first in stride(from: 0, to: count, by: 256) {
        let width = min(256, count - first)
        let name = Self.path(first / 256) + (width < 256 ? ".p/\(width)" : "")
        let hashes = levels[8 * level][first..<first + width]
        files["tile/\(level)/\(name)"] = hashes.flatMap(\.bytes)
        guard level == 0 else { continue }
        files["tile/entries/\(name)"] = lines[first..<first + width].flatMap { line in
          [UInt8(line.count >> 8), UInt8(line.count & 0xFF)] + line
        }
      }
      (level, count) = (level + 1, count / 256)
    }
    return files
  }

  private static func path(_ index: Int) -> String {
    index < 1_000
      ? String(format: "%03d", index)
      : String(format: "x%03d/%03d", index / 1_000, index % 1_000)
  }
}

private struct Inclusion: Decodable {
  let index, size, leaf: String
  let hashes: [String]
}

private struct Consistency: Decodable {
  let size1, size2: String
  let hashes: [String]
}

@Suite("A static export")
struct TileExportTests {
  private func digests(_ texts: [String]) throws -> [Digest] {
    try texts.map { try #require(Base64.decode($0.utf8).flatMap { Digest(bytes: $0) }) }
  }

  private func take(_ path: String, from files: inout [String: [UInt8]]) throws -> [UInt8] {
    let bytes = files.removeValue(forKey: path)
    return try #require(bytes, "\(path)")
  }

  private func export(_ log: LargeLog, _ events: [EventID]) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    var order: [String] = []
    try TileExport(log.disk, identity: log.identity).write(events: events) {
      (path, bytes) throws(ExportError) in
      files[path] = bytes
      order.append(path)
    }
    #expect(order.count == files.count, "a file was written twice")
    #expect(order.last == "checkpoint")
    return files
  }

  @Test("holds, at every size where a tile ends, what the definition says, and nothing else")
  func sizes() throws {
    let log = try LargeLog()
    var older: [Int] = []
    for size in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000] {
      try log.sign(size)
      older.append(size)
      let events = Set([0, size / 2, size - 1])
      var files = try export(log, events.map { EventID($0) } + [70_000])
      let tiles = log.tiles(size)
      for (path, bytes) in tiles {
        #expect(files.removeValue(forKey: path) == bytes, "\(path) of \(size)")
      }
      for id in events {
        let json = try take("inclusion/\(id).json", from: &files)
        let proof = try JSONDecoder().decode(Inclusion.self, from: Data(json))
        #expect(proof.index == "\(id)" && proof.size == "\(size)")
        let leaf = MerkleTree.leafHash(log.lines[id])
        #expect(try digests([proof.leaf]) == [leaf])
        #expect(
          InclusionProof(hashes: try digests(proof.hashes))
            .proves(leaf: leaf, at: UInt64(id), in: log.head(size)), "\(id) of \(size)")
        #expect(files.removeValue(forKey: "proofs/\(id).leaf") == log.lines[id])
        let whole = try TransparencyProof(take("proofs/\(id).tlog-proof", from: &files))
        let verified = try whole.verified(leaf: leaf, logs: [.ed25519(log.identity.verifierKey)])
        #expect(verified.checkpoint.head == log.head(size) && whole.index == UInt64(id))
      }
      for (old, new) in zip(older, older.dropFirst()) {
        let json = try take("consistency/\(old)-\(new).json", from: &files)
        let proof = try JSONDecoder().decode(Consistency.self, from: Data(json))
        #expect(proof.size1 == "\(old)" && proof.size2 == "\(new)")
        #expect(
          ConsistencyProof(hashes: try digests(proof.hashes))
            .proves(log.head(old), growsInto: log.head(new)), "\(old) to \(new)")
      }
      for old in older {
        let note = try SignedNote(take("checkpoints/\(old)", from: &files))
        #expect(try Checkpoint(text: note.text).head == log.head(old))
      }
      #expect(files.removeValue(forKey: "checkpoint") == log.disk.bytes(of: "checkpoint"))
      #expect(
        files.removeValue(forKey: "vkey") == Array((log.identity.verifierKey.text + "\n").utf8))
      #expect(files.isEmpty, "\(files.keys.sorted()) of \(size)")
    }
  }

  @Test("of a ledger without a checkpoint, or with one of other events, isn't made")
  func refused() throws {
    let log = try LargeLog()
    #expect(throws: ExportError.self) { try export(log, []) }
    let other = TreeHead(size: 300, root: log.head(299).root)
    let checkpoint = try #require(Checkpoint(origin: LargeLog.origin, head: other))
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 5, count: 32)))
    let note = checkpoint.signed(by: log.identity.verifierKey) { key.signature(of: $0) }
    try CheckpointFiles(log.disk).append(try #require(note))
    var written: [String] = []
    #expect(throws: ExportError.self) {
      try TileExport(log.disk, identity: log.identity).write(events: []) {
        (path, _) throws(ExportError) in written.append(path)
      }
    }
    #expect(!written.contains("checkpoint"))
  }
}
