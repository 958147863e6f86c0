package import Bytes
import Merkle

/// The first line of a segment (`FORMAT.md` §3.1).
struct SegmentHeader: Equatable {
  /// The id of the segment's first event, which is also its name.
  let first: UInt64
  let created: Instant
  /// The checksum of the previous segment's seal; 0 in the first segment.
  let previous: UInt32
  /// The tree of all earlier events.
  let frontier: Frontier

  static func length(first: UInt64) -> Int { 158 + 64 * first.nonzeroBitCount }
  var length: Int { Self.length(first: first) }

  func encoded(in ledger: LedgerID) -> [UInt8] {
    var line = LineWriter("segment")
    line.number("format", 1, width: 1)
    line.text("ledger", ledger.hex)
    line.number("first", first, width: 16)
    line.text("created", created.text)
    line.checksum("previous", previous)
    line.hashes("frontier", frontier.hashes)
    return line.finished(
      at: Place(ledger: ledger, path: LogPath.segment(first), offset: 0))
  }

  /// - Parameter bytes: As many bytes as a header has in the segment `first`.
  init?(_ bytes: ArraySlice<UInt8>, segment: UInt64, in ledger: LedgerID) {
    guard var line = LineReader(bytes, word: "segment"), line.number("format", width: 1) == 1,
      let name = line.field("ledger", width: 32), name.elementsEqual(ledger.hex.utf8),
      let first = line.number("first", width: 16), first == segment,
      let created = line.instant("created"), let previous = line.checksum("previous"),
      let hashes = line.hashes("frontier", count: first.nonzeroBitCount),
      let frontier = Frontier(size: first, hashes: hashes),
      line.verifiedChecksum(
        at: Place(ledger: ledger, path: LogPath.segment(first), offset: 0)) != nil
    else { return nil }
    self.init(first: first, created: created, previous: previous, frontier: frontier)
  }

  init(first: UInt64, created: Instant, previous: UInt32, frontier: Frontier) {
    self.first = first
    self.created = created
    self.previous = previous
    self.frontier = frontier
  }
}

/// The line before a commit's events (`FORMAT.md` §3.2).
package struct CommitLine: Equatable, Sendable {
  /// Bytes, with the newline.
  package static let length = 257

  /// The id of the commit's first event.
  package let first: UInt64
  /// How many events it holds: 1...65,536.
  package let count: Int
  /// Bytes of its event lines with their newlines.
  package let bytes: Int
  package let time: Instant
  /// The CRC32C of those bytes.
  let body: UInt32
  /// The root of the tree of all events up to and with this commit.
  package let root: Digest
  /// What was durable when the line was written.
  package let durable: LogPosition

  /// The id after the commit's last one.
  package var end: UInt64 { first + UInt64(count) }

  /// Where the commit ends whose line begins at an offset of a segment.
  func position(behind offset: UInt64, of segment: UInt64) -> LogPosition {
    LogPosition(
      size: end, segment: segment, offset: offset + UInt64(Self.length + bytes))
  }

  /// Appends ``time`` as its events spell it.
  package func appendTime(to bytes: inout [UInt8]) { time.append(to: &bytes) }

  func encoded(in ledger: LedgerID, segment: UInt64, offset: UInt64) -> [UInt8] {
    var line = LineWriter("commit")
    line.number("first", first, width: 16)
    line.number("count", UInt64(count), width: 5)
    line.number("bytes", UInt64(bytes), width: 7)
    line.instant("time", time)
    line.checksum("body", body)
    line.hash("root", root)
    line.number("durable", durable.size, width: 16)
    line.number("segment", durable.segment, width: 16)
    line.number("offset", durable.offset, width: 12)
    return line.finished(
      at: Place(ledger: ledger, path: LogPath.segment(segment), offset: offset))
  }

  /// Reads a line that is valid by itself: grammar and checksum (rule 1 of `FORMAT.md` §3.2).
  init?(_ bytes: ArraySlice<UInt8>, in ledger: LedgerID, segment: UInt64, offset: UInt64) {
    self.init(bytes, at: Place(ledger: ledger, path: LogPath.segment(segment), offset: offset))
  }

  /// Reads a line that is valid at that place.
  init?(_ bytes: ArraySlice<UInt8>, at place: Place) {
    guard var line = LineReader(bytes, word: "commit"),
      let first = line.number("first", width: 16), let count = line.number("count", width: 5),
      let length = line.number("bytes", width: 7), let time = line.instant("time"),
      let body = line.checksum("body"), let root = line.hash("root"),
      let durableSize = line.number("durable", width: 16),
      let durableSegment = line.number("segment", width: 16),
      let durableOffset = line.number("offset", width: 12),
      line.verifiedChecksum(at: place) != nil
    else { return nil }
    let durable = LogPosition(size: durableSize, segment: durableSegment, offset: durableOffset)
    self.init(
      first: first, count: Int(count), bytes: Int(length), time: time, body: body, root: root,
      durable: durable)
  }

  init(
    first: UInt64, count: Int, bytes: Int, time: Instant, body: UInt32, root: Digest,
    durable: LogPosition
  ) {
    self.first = first
    self.count = count
    self.bytes = bytes
    self.time = time
    self.body = body
    self.root = root
    self.durable = durable
  }
}

/// The last line of a closed segment (`FORMAT.md` §3.3).
struct SealLine: Equatable {
  static let length = 131

  /// Events in the segment.
  let count: UInt64
  /// The segment's bytes before the seal, so the seal's own offset.
  let bytes: UInt64
  /// The root of the tree of all events up to the segment's end.
  let root: Digest
  /// The line's own checksum, which the next segment's header repeats; 0 until it was written.
  let crc: UInt32

  func encoded(in ledger: LedgerID, segment: UInt64) -> (line: [UInt8], crc: UInt32) {
    var line = LineWriter("seal")
    line.number("count", count, width: 16)
    line.number("bytes", bytes, width: 12)
    line.text("root", root.hex)
    let encoded = line.finished(
      at: Place(ledger: ledger, path: LogPath.segment(segment), offset: bytes))
    guard let seal = SealLine(encoded[...], in: ledger, segment: segment, offset: bytes) else {
      // No test gets here: reading is the inverse of what was written above.
      fatalError("invariant broken: a seal that was just written can't be read")
    }
    return (encoded, seal.crc)
  }

  /// Reads a line that is valid by itself: grammar and checksum.
  init?(_ bytes: ArraySlice<UInt8>, in ledger: LedgerID, segment: UInt64, offset: UInt64) {
    guard var line = LineReader(bytes, word: "seal"), let count = line.number("count", width: 16),
      let length = line.number("bytes", width: 12), let root = line.hash("root"),
      let crc = line.verifiedChecksum(
        at: Place(ledger: ledger, path: LogPath.segment(segment), offset: offset))
    else { return nil }
    self.init(count: count, bytes: length, root: root, crc: crc)
  }

  init(count: UInt64, bytes: UInt64, root: Digest, crc: UInt32 = 0) {
    self.count = count
    self.bytes = bytes
    self.root = root
    self.crc = crc
  }
}
