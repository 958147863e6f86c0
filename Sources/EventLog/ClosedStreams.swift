import Bytes
import Merkle

/// Records by the first bits of their keys: where those of one key stand is known without a search.
struct StreamBuckets {
  let bits: Int
  /// Where the records of each bucket end.
  let ends: [Int]
  /// Bucket after bucket, those of one in the order of the log.
  let records: [StreamRecord]

  /// The least number of bits for which a bucket has two records at most, as a rule.
  static func bits(for count: UInt64) -> Int {
    var bits = 0
    while 2 << bits < count { bits += 1 }
    return bits
  }

  static func bucket(_ key: UInt32, _ bits: Int) -> Int { Int(UInt64(key) >> (32 - bits)) }

  /// - Parameter log: Records in the order of the log.
  init(_ log: [StreamRecord]) {
    bits = Self.bits(for: UInt64(log.count))
    var records = log
    ends = Self.sort(log, bits) { records[$1] = $0 }
    self.records = records
  }

  /// Says of each record which one it is bucket after bucket.
  ///
  /// - Returns: Where the records of each bucket end.
  static func sort(
    _ log: [StreamRecord], _ bits: Int, _ body: (StreamRecord, _ place: Int) -> Void
  ) -> [Int] {
    var ends = [Int](repeating: 0, count: 1 << bits)
    for record in log { ends[bucket(record.key, bits)] += 1 }
    var start = 0
    for bucket in ends.indices { (ends[bucket], start) = (start, start + ends[bucket]) }
    for record in log {
      let bucket = bucket(record.key, bits)
      body(record, ends[bucket])
      ends[bucket] += 1
    }
    return ends
  }

  /// Those of a key, in the order of the log.
  func records(of key: UInt32) -> [StreamRecord] {
    let bucket = Self.bucket(key, bits)
    return records[(bucket == 0 ? 0 : ends[bucket - 1])..<ends[bucket]].filter { $0.key == key }
  }
}

/// The stream index of a closed segment (`FORMAT.md` §31).
final class ClosedStreams {
  private static let headerLength = 203
  private static let entryLength = 8
  private let file: any StorageFile
  /// What has taken in the header's own checksum, as those of the buckets do first.
  private let header: CRC32C
  private let bits: Int
  /// How many events the segment holds, and so records the index.
  let count: UInt64
  /// The table, where it is held.
  private var table: [UInt8] = []

  /// All bytes of the file.
  ///
  /// - Parameter records: Of all events of the segment, in order.
  /// - Returns: `nil` where there are more than an index can hold.
  static func encoded(
    _ records: [StreamRecord], of segment: UInt64, _ seal: SealLine, in ledger: LedgerID
  ) -> [UInt8]? {
    guard records.count <= UInt32.max else { return nil }
    var line = LineWriter("streams")
    line.number("format", 1, width: 1)
    line.text("ledger", ledger.hex)
    line.number("segment", segment, width: 16)
    line.number("count", seal.count, width: 16)
    line.hash("root", seal.root)
    line.checksum("seal", seal.crc)
    let path = LogPath.streams(segment)
    let (header, crc) = line.finishedWithChecksum(
      at: Place(ledger: ledger, path: path, offset: 0))
    invariant(header.count == headerLength, "a stream index's header has \(header.count) bytes")
    let bits = StreamBuckets.bits(for: UInt64(records.count))
    let start = headerLength + entryLength << bits
    var bytes = [UInt8](repeating: 0, count: start + StreamRecord.length * records.count)
    bytes.replaceSubrange(0..<headerLength, with: header)
    let ends = StreamBuckets.sort(records, bits) { record, place in
      record.write(to: &bytes, at: start + StreamRecord.length * place)
    }
    let seed = seed(crc)
    var first = 0
    for (bucket, end) in ends.enumerated() {
      var checksum = seed
      checksum.update(word: UInt64(bucket) << 32 | UInt64(end))
      let range = start + StreamRecord.length * first..<start + StreamRecord.length * end
      unsafe checksum.update(bytes.span.extracting(range).bytes)
      writeWord(
        UInt64(end) << 32 | UInt64(checksum.value), to: &bytes,
        at: headerLength + entryLength * bucket)
      first = end
    }
    return bytes
  }

  private static func seed(_ crc: UInt32) -> CRC32C {
    var seed = CRC32C()
    seed.update(word: UInt64(crc))
    return seed
  }

  /// Opens the index of a segment, or answers `nil` where there is none that is of its seal and may
  /// be read.
  ///
  /// - Parameter log: The segment.
  init?(
    _ storage: any Storage, of segment: UInt64, _ log: any StorageFile, in ledger: LedgerID
  ) throws(StorageError) {
    let path = LogPath.streams(segment)
    guard let opened = try? storage.open(path, for: .reading) else { return nil }
    file = opened
    var bytes = [UInt8](repeating: 0, count: Self.headerLength)
    guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: 0) == bytes.count,
      var line = LineReader(bytes[...], word: "streams"), line.number("format", width: 1) == 1,
      let name = line.field("ledger", width: 32), name.elementsEqual(ledger.hex.utf8),
      line.number("segment", width: 16) == segment,
      let count = line.number("count", width: 16), count <= UInt32.max,
      let root = line.hash("root"), let sealed = line.checksum("seal"),
      let crc = line.verifiedChecksum(at: Place(ledger: ledger, path: path, offset: 0)),
      let seal = try readSeal(of: segment, log, ledger),
      (seal.count, seal.root, seal.crc) == (count, root, sealed)
    else { return nil }
    bits = StreamBuckets.bits(for: count)
    self.count = count
    header = Self.seed(crc)
    let length = UInt64(Self.headerLength + Self.entryLength << bits)
    guard try file.size() == length + count * UInt64(StreamRecord.length) else { return nil }
  }

  /// The records of a key, in the order of the log; `nil` where the file isn't whole there.
  func records(of key: UInt32) throws(StorageError) -> [StreamRecord]? {
    let bucket = StreamBuckets.bucket(key, bits)
    guard let (range, crc) = try entry(of: bucket) else { return nil }
    // No more than the file has, whose length was compared.
    var bytes = [UInt8](repeating: 0, count: range.count * StreamRecord.length)
    let start = Self.headerLength + Self.entryLength << bits
    if !bytes.isEmpty {
      let offset = UInt64(start + range.lowerBound * StreamRecord.length)
      guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset) == bytes.count
      else { return nil }
    }
    var checksum = header
    checksum.update(word: UInt64(bucket) << 32 | UInt64(range.upperBound))
    checksum.update(bytes)
    guard checksum.value == crc else { return nil }
    return stride(from: 0, to: bytes.count, by: StreamRecord.length)
      .map { StreamRecord(bytes, at: $0) }.filter { $0.key == key }
  }

  /// Which records are a bucket's, and their checksum.
  private func entry(
    of bucket: Int
  ) throws(StorageError) -> (records: Range<Int>, checksum: UInt32)? {
    // The entry before says where this one's records begin.
    let before = bucket == 0 ? 0 : Self.entryLength
    let place = Self.entryLength * bucket
    var (bytes, index) = (table, place)
    if table.isEmpty {
      bytes = [UInt8](repeating: 0, count: before + Self.entryLength)
      index = before
      let offset = UInt64(Self.headerLength + place - before)
      guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset) == bytes.count
      else { return nil }
    }
    let start = bucket == 0 ? 0 : word(bytes, at: index - before) >> 32
    let last = word(bytes, at: index)
    guard start <= last >> 32, last >> 32 <= count else { return nil }
    return (Int(start)..<Int(last >> 32), UInt32(truncatingIfNeeded: last))
  }

  /// Reads the table, so that it needn't be for each key.
  func holdTable() throws(StorageError) {
    var bytes = [UInt8](repeating: 0, count: Self.entryLength << bits)
    let range = 0..<bytes.count
    guard
      try file.readFully(into: &bytes, range: range, at: UInt64(Self.headerLength))
        == bytes.count
    else { return }
    table = bytes
  }

  /// Whether all of the file is `bytes`.
  func isWhole(_ bytes: [UInt8]) throws(StorageError) -> Bool {
    guard try file.size() == UInt64(bytes.count) else { return false }
    var found = [UInt8](repeating: 0, count: min(bytes.count, 1 << 16))
    var start = 0
    while start < bytes.count {
      let range = 0..<min(found.count, bytes.count - start)
      guard try file.readFully(into: &found, range: range, at: UInt64(start)) == range.count,
        unsafe found.span.extracting(range).bytes.holds(
          bytes.span.extracting(start..<start + range.count).bytes)
      else { return false }
      start += range.count
    }
    return true
  }
}

/// The seal that a segment ends with, where it is valid by itself.
func readSeal(
  of segment: UInt64, _ file: any StorageFile, _ ledger: LedgerID
) throws(StorageError) -> SealLine? {
  let size = try file.size()
  var bytes = [UInt8](repeating: 0, count: SealLine.length)
  guard size > UInt64(bytes.count) else { return nil }
  let offset = size - UInt64(bytes.count)
  guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset) == bytes.count,
    let seal = SealLine(bytes[...], in: ledger, segment: segment, offset: offset),
    seal.bytes == offset
  else { return nil }
  return seal
}
