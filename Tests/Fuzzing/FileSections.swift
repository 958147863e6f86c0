import Bytes
import EventLog
import Merkle
import Simulation

/// Many files in one input: each begins with a line `@@ PATH`.
///
/// The lines of `head` stand at the places that the format gives them, so that no input needs two
/// slots full of newlines.
struct FileSections {
  private(set) var files: [(path: String, bytes: [UInt8])] = []
  /// No input makes more files, since each may be a segment to be looked for.
  private static let limit = 24

  init(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let isLast = number == lines.count - 1
      if line.starts(with: "@@ ".utf8), files.count < Self.limit {
        files.append((String(decoding: line.dropFirst(3), as: UTF8.self), []))
      } else if !files.isEmpty, !(isLast && line.isEmpty) {
        files[files.count - 1].bytes += Array(line) + (isLast ? [] : [0x0A])
      }
    }
  }

  /// A disk that holds them, all durable.
  func disk(_ change: (_ path: String, _ bytes: [UInt8]) -> [UInt8] = { $1 }) -> SimulatedDisk {
    let disk = SimulatedDisk()
    for (path, bytes) in files where !path.isEmpty && !path.hasPrefix("/") {
      disk.setBytes(of: path, to: change(path, bytes))
    }
    return disk
  }

  /// `head` from up to four lines: two of each slot.
  static func head(_ bytes: [UInt8]) -> [UInt8] {
    var head = [UInt8](repeating: 0x0A, count: 8_192)
    for (line, offset) in zip(bytes.split(separator: 0x0A), [0, 512, 4_096, 4_608]) {
      let line = line.prefix(3_584)
      head.replaceSubrange(offset..<offset + line.count, with: line)
    }
    return head
  }
}

/// Makes right what only the log's own program should be able to make: checksums and roots.
///
/// So the fuzzer gets past them to what stands behind, as somebody does who alters files with care.
struct Forgery {
  let ledger: LedgerID
  private var frontier = Frontier()

  init(of ledger: LedgerID) { self.ledger = ledger }

  static func file(_ path: String, _ bytes: [UInt8], of ledger: LedgerID) -> [UInt8] {
    var forgery = Forgery(of: ledger)
    return forgery.made(path, bytes)
  }

  private mutating func made(_ path: String, _ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      if bytes[start] == UInt8(ascii: "#") {
        var line = Array(bytes[start..<end])
        if path.hasPrefix("log/") { correct(&line, before: bytes[min(end + 1, bytes.count)...]) }
        seal(&line, at: "\(ledger.hex) \(path) \(start)\n")
        bytes.replaceSubrange(start..<end, with: line)
      }
      start = end + 1
    }
    return bytes
  }

  /// Gives a line the root of what it says that it holds.
  private mutating func correct(_ line: inout [UInt8], before rest: ArraySlice<UInt8>) {
    if line.starts(with: "#segment ".utf8) {
      guard let size = number(" first=", 16, in: line),
        let place = place(of: " frontier=", in: line)
      else { return }
      let digits = line[place...].prefix(64 * size.nonzeroBitCount)
      let hashes = stride(from: 0, to: digits.count, by: 64).compactMap {
        Digest(hex: digits.dropFirst($0).prefix(64))
      }
      frontier = Frontier(size: size, hashes: hashes) ?? Frontier()
    } else if line.starts(with: "#commit ".utf8) {
      let length = min(Int(number(" bytes=", 7, in: line) ?? 0), rest.count)
      let body = Array(rest.prefix(length))
      for event in body.split(separator: 0x0A) {
        frontier.append(leaf: MerkleTree.leafHash(Array(event)))
      }
      var checksum = CRC32C()
      checksum.update(body)
      put(hex(checksum.value), behind: " body=", in: &line)
      put(Array(frontier.root.hex.utf8), behind: " root=", in: &line)
    } else if line.starts(with: "#seal ".utf8) {
      put(Array(frontier.root.hex.utf8), behind: " root=", in: &line)
    }
  }

  private func seal(_ line: inout [UInt8], at place: String) {
    guard let start = self.place(of: " crc=", in: line) else { return }
    var checksum = CRC32C()
    checksum.update(Array(place.utf8))
    checksum.update(Array(line[..<start]))
    put(hex(checksum.value), behind: " crc=", in: &line)
  }

  private func hex(_ value: UInt32) -> [UInt8] {
    Array(Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }).utf8)
  }

  /// Where the field's value begins.
  private func place(of field: String, in line: [UInt8]) -> Int? {
    offset(of: field, in: line).map { $0 + field.utf8.count }
  }

  private func number(_ field: String, _ width: Int, in line: [UInt8]) -> UInt64? {
    place(of: field, in: line)
      .flatMap { UInt64(String(decoding: line[$0...].prefix(width), as: UTF8.self)) }
  }

  private func put(_ digits: [UInt8], behind field: String, in line: inout [UInt8]) {
    guard let start = place(of: field, in: line), start + digits.count <= line.count else {
      return
    }
    line.replaceSubrange(start..<start + digits.count, with: digits)
  }
}
