import Bytes
import Merkle

/// The stream index of the active segment: records in the order of the log (`FORMAT.md` §31).
struct OpenStreams {
  private static let headerLength = 101
  /// A record, the first bytes of its commit's root, and a checksum.
  private static let length = StreamRecord.length + 8
  private let file: any StorageFile
  private let ledger: LedgerID
  let segment: UInt64
  /// What has taken in the header's own checksum, as those of the records do first.
  private let header: CRC32C
  /// How many records the file has, with those that are still to be written.
  private var count: UInt64
  private var unwritten: [UInt8] = []

  private struct Entry {
    let record: StreamRecord
    let root: UInt32
  }

  /// Opens the index of a segment, or answers `nil` where there is none that may be opened.
  init?(
    _ storage: any Storage, of segment: UInt64, for access: StorageAccess, in ledger: LedgerID
  ) throws(StorageError) {
    let path = LogPath.openStreams(segment)
    guard let opened = try? storage.open(path, for: access) else { return nil }
    file = opened
    var bytes = [UInt8](repeating: 0, count: Self.headerLength)
    guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: 0) == bytes.count,
      var line = LineReader(bytes[...], word: "open-streams"),
      line.number("format", width: 1) == 1,
      let name = line.field("ledger", width: 32), name.elementsEqual(ledger.hex.utf8),
      line.number("segment", width: 16) == segment,
      let crc = line.verifiedChecksum(at: Place(ledger: ledger, path: path, offset: 0))
    else { return nil }
    var header = CRC32C()
    header.update(word: UInt64(crc))
    (self.ledger, self.segment, self.header) = (ledger, segment, header)
    count = (try file.size() - UInt64(Self.headerLength)) / UInt64(Self.length)
  }

  /// Makes an index without records, in place of whatever is there.
  init(
    making segment: UInt64, in storage: any Storage, of ledger: LedgerID
  ) throws(StorageError) {
    let path = LogPath.openStreams(segment)
    var line = LineWriter("open-streams")
    line.number("format", 1, width: 1)
    line.text("ledger", ledger.hex)
    line.number("segment", segment, width: 16)
    let bytes = line.finished(at: Place(ledger: ledger, path: path, offset: 0))
    invariant(
      bytes.count == Self.headerLength, "the header of open streams has \(bytes.count) bytes")
    try storage.openFresh(path).writeFully(bytes, at: 0)
    guard let made = try OpenStreams(storage, of: segment, for: .writing, in: ledger) else {
      throw StorageError(
        operation: .read, path: path, code: StorageError.inputOutputError)
    }
    self = made
  }

  /// Takes the records of a commit, which ``write()`` writes behind the last one: those that aren't the
  /// next ones, or are more than an index can hold, are left out.
  mutating func append(_ records: [StreamRecord], of root: Digest) {
    guard records.first?.number == count, count + UInt64(records.count) <= UInt32.max else {
      return
    }
    var start = unwritten.count
    unwritten += repeatElement(0, count: records.count * Self.length)
    for record in records {
      record.write(to: &unwritten, at: start)
      let end = start + StreamRecord.length
      // The checksum follows, once all before it stands there.
      writeWord(UInt64(root.prefix) << 32, to: &unwritten, at: end)
      let checksum = checksum(unwritten, start..<end + 4)
      writeWord(UInt64(root.prefix) << 32 | UInt64(checksum), to: &unwritten, at: end)
      start += Self.length
    }
    count += UInt64(records.count)
  }

  /// Writes what was taken.
  mutating func write() throws(StorageError) {
    guard !unwritten.isEmpty else { return }
    try file.writeFully(
      unwritten, at: Self.offset(of: count - UInt64(unwritten.count / Self.length)))
    unwritten.removeAll(keepingCapacity: true)
  }

  private static func offset(of number: UInt64) -> UInt64 {
    UInt64(headerLength) + number * UInt64(length)
  }

  private func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
    var checksum = header
    unsafe checksum.update(bytes.span.extracting(range).bytes)
    return checksum.value
  }

  private func entry(_ bytes: [UInt8], at start: Int, _ number: UInt64) -> Entry? {
    let end = start + StreamRecord.length
    let record = StreamRecord(bytes, at: start)
    let last = word(bytes, at: end)
    guard record.number == number,
      checksum(bytes, start..<end + 4) == UInt32(truncatingIfNeeded: last)
    else { return nil }
    return Entry(record: record, root: UInt32(last >> 32))
  }

  /// Where the last commit ends of which all records stand before and with an entry.
  ///
  /// - Parameter log: The segment.
  /// - Returns: `nil` where the entry isn't of this log's history; otherwise all before it are.
  private func end(
    of entry: Entry?, in log: any StorageFile
  ) throws(StorageError) -> LogPosition? {
    guard let entry else { return segmentBeginning(segment) }
    let (offset, id) = (entry.record.commitOffset, segment + entry.record.number)
    guard let commit = try readCommitLine(at: offset, of: segment, log, ledger),
      commit.first >= segment, (commit.first..<commit.end).contains(id),
      commit.root.prefix == entry.root
    else { return nil }
    guard id + 1 == commit.end else {
      return LogPosition(size: commit.first, segment: segment, offset: offset)
    }
    return commit.position(behind: offset, of: segment)
  }

  /// Reads the records of whole commits, up to the first that isn't whole.
  ///
  /// - Returns: Those that `isWanted`, and where all of them end: from there on the log has to be read.
  ///   `nil` where they aren't of this log's history.
  func read(
    _ log: any StorageFile, where isWanted: (StreamRecord) -> Bool = { _ in true }
  ) throws(StorageError) -> (records: [StreamRecord], end: LogPosition)? {
    var records: [StreamRecord] = []
    var last: Entry?
    var number: UInt64 = 0
    var bytes = [UInt8](repeating: 0, count: 2_048 * Self.length)
    reading: while true {
      let length = try file.readFully(
        into: &bytes, range: 0..<bytes.count, at: Self.offset(of: number))
      if length < Self.length { break }
      for start in stride(from: 0, through: length - Self.length, by: Self.length) {
        guard let entry = entry(bytes, at: start, number) else { break reading }
        if isWanted(entry.record) { records.append(entry.record) }
        last = entry
        number += 1
      }
    }
    guard let end = try end(of: last, in: log), end.size - segment <= number else { return nil }
    while let last = records.last, segment + last.number >= end.size { records.removeLast() }
    return (records, end)
  }

  /// Goes back to behind the records of the last whole commit; those behind are written over.
  ///
  /// - Returns: Where that ends; `nil` where the index isn't of this log.
  mutating func rewind(_ log: any StorageFile) throws(StorageError) -> LogPosition? {
    var last: Entry?
    if count > 0 {
      var bytes = [UInt8](repeating: 0, count: Self.length)
      guard
        try file.readFully(into: &bytes, range: 0..<bytes.count, at: Self.offset(of: count - 1))
          == bytes.count,
        let entry = entry(bytes, at: 0, count - 1)
      else { return nil }
      last = entry
    }
    guard let end = try end(of: last, in: log), end.size - segment <= count else { return nil }
    count = end.size - segment
    return end
  }
}

/// Where the events of a segment begin.
func segmentBeginning(_ segment: UInt64) -> LogPosition {
  LogPosition(
    size: segment, segment: segment, offset: UInt64(SegmentHeader.length(first: segment)))
}
