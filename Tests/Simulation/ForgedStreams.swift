import Bytes

/// Stream indexes that hide events and whose checksums hold, made by what `FORMAT.md` §31 says.
package enum ForgedStreams {
  /// An active segment's index with another key for the records of the one in its middle.
  ///
  /// - Parameter isOfAnotherHistory: Whether its commits have other roots, too.
  package static func open(
    _ bytes: [UInt8], isOfAnotherHistory: Bool = false
  ) -> [UInt8] {
    let header = Array(bytes.prefix(101))
    let starts = stride(from: 101, to: bytes.count, by: 32)
    let middle = 101 + (bytes.count - 101) / 64 * 32
    let key = bytes[middle..<middle + 4]
    var forged = header
    for start in starts {
      var record = Array(bytes[start..<start + 28])
      if record[..<4] == key { record[3] ^= 1 }
      if isOfAnotherHistory { record[24] ^= 1 }
      forged += record + bigEndian(UInt64(checksum(header, record)), 4)
    }
    return forged
  }

  /// A closed segment's index with other keys than those of its events.
  package static func closed(_ bytes: [UInt8]) -> [UInt8] {
    let header = Array(bytes.prefix(203))
    let text = String(decoding: header, as: UTF8.self)
    let count = Int(text.split(separator: " count=")[1].prefix { $0 != " " }) ?? 0
    let start = bytes.count - 24 * count
    var forged = bytes
    for record in stride(from: start, to: bytes.count, by: 24) { forged[record + 3] ^= 1 }
    var first = start
    for entry in stride(from: 203, to: start, by: 8) {
      let end = start + 24 * bytes[entry..<entry + 4].reduce(0) { $0 << 8 | Int($1) }
      let taken = bigEndian(UInt64(entry - 203) / 8, 4) + bytes[entry..<entry + 4]
      let checksum = checksum(header, taken + forged[first..<end])
      forged.replaceSubrange(entry + 4..<entry + 8, with: bigEndian(UInt64(checksum), 4))
      first = end
    }
    return forged
  }

  private static func checksum(_ header: [UInt8], _ bytes: [UInt8]) -> UInt32 {
    let crc = UInt64(String(decoding: header.suffix(9).dropLast(), as: UTF8.self), radix: 16) ?? 0
    var checksum = CRC32C()
    checksum.update(bigEndian(crc, 8) + bytes)
    return checksum.value
  }

  private static func bigEndian(_ number: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (width - 1 - $0))) }
  }
}
