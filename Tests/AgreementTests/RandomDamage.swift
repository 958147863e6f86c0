import Bytes
import EventLog
import Simulation
import Torture

/// What may happen to the files of a ledger.
enum RandomDamage: CaseIterable {
  case flip, cut, blank, overwrite, append, insert, remove, copy, swap, drop, headOfFork, partOfFork
  case forgedEvent, forgedLine

  /// Does it somewhere, and says where.
  func apply(
    to disk: SimulatedDisk, from fork: SimulatedDisk, _ random: inout SeededRandom
  ) -> String {
    let paths = disk.paths.filter { $0 != "LEDGER" }
    guard let path = paths.randomElement(using: &random), var bytes = disk.bytes(of: path) else {
      return "nothing"
    }
    let start = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, start + Int.random(in: 1...1_200, using: &random))
    switch self {
    case .flip:
      guard start < bytes.count else { break }
      bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case .cut: bytes.removeLast(bytes.count - start)
    case .blank:
      // Sectors that were lost, into which fill may have reached.
      let first = start / 512 * 512
      let fill = Int.random(in: 0...1_024, using: &random)
      for index in max(first, 0)..<min(bytes.count, first + 1_024) {
        bytes[index] = index < first + fill ? 0x0A : 0
      }
    case .overwrite:
      for index in start..<end { bytes[index] = UInt8.random(in: 0...255, using: &random) }
    case .append:
      let tails = ["\n", "\n\n\n", "\0", "\n\0\n", "#commit ", "#seal count=", "{}\n", "x\n"]
      bytes += Array((tails.randomElement(using: &random) ?? "").utf8)
      bytes += [UInt8](repeating: [0, 0x0A].randomElement(using: &random) ?? 0, count: start % 700)
    case .insert: bytes.insert(contentsOf: bytes[start..<end], at: start)
    case .remove: disk.remove(path)
    case .copy:
      let other = paths.randomElement(using: &random) ?? path
      let names = [other, "log/0000000000000003.log", "log/0000000000000099.log"]
      disk.setBytes(of: names.randomElement(using: &random) ?? other, to: bytes)
    case .swap: bytes = Array(bytes[..<start] + bytes[end...] + bytes[start..<end])
    case .drop: bytes.removeSubrange(start..<end)
    case .headOfFork:
      guard let other = fork.bytes(of: "head"), var own = disk.bytes(of: "head"),
        own.count == other.count
      else { break }
      let slot = start % 3 * 4_096
      own.replaceSubrange(
        slot % 8_192..<min(8_192, slot + 4_096),
        with: other[slot % 8_192..<min(8_192, slot + 4_096)])
      disk.setBytes(of: "head", to: own)
    case .partOfFork:
      guard let other = fork.bytes(of: path), start < other.count, end <= other.count else { break }
      bytes.replaceSubrange(start..<end, with: other[start..<end])
    case .forgedEvent, .forgedLine:
      Forgery(isLine: self == .forgedLine).apply(to: &bytes, of: path, near: start)
    }
    if self != .remove, self != .copy, self != .headOfFork { disk.setBytes(of: path, to: bytes) }
    return "\(path) \(start) \(end)"
  }
}

/// An edit by somebody who makes the checksums right again, and leaves it to the tree to show it.
struct Forgery {
  /// Whether a number of the commit line is changed, or a letter of an event.
  let isLine: Bool

  func apply(to bytes: inout [UInt8], of path: String, near start: Int) {
    let prefix = Array("#commit ".utf8)
    guard
      let line = (start..<max(start, bytes.count - 300)).first(where: {
        bytes[$0...].starts(with: prefix)
      }),
      let length = Int(String(decoding: bytes[line + 49..<line + 56], as: UTF8.self)),
      line + 257 + length <= bytes.count
    else { return }
    if isLine {
      // A digit of `first`, `count`, `bytes`, the year of `time`, `durable`, `segment` or `offset`.
      let places = [29, 41, 55, 65, 197, 222, 242]
      let place = line + places[start % places.count]
      bytes[place] = UInt8(ascii: "0") + UInt8(start / 7 % 10)
    } else {
      let letter = line + 257 + length - 10
      bytes[letter] = bytes[letter] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
    }
    var body = CRC32C()
    body.update(Array(bytes[line + 257..<line + 257 + length]))
    bytes.replaceSubrange(line + 95..<line + 103, with: hex(body.value))
    var own = CRC32C()
    own.update(Array("\(WrittenLedger.identity.id.hex) \(path) \(line)\n".utf8))
    own.update(Array(bytes[line..<line + 248]))
    bytes.replaceSubrange(line + 248..<line + 256, with: hex(own.value))
  }

  private func hex(_ value: UInt32) -> [UInt8] {
    Array(Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }).utf8)
  }
}
