import Bytes
package import Merkle

/// Reads one segment from front to back, a commit at a time, and says where it stops being valid.
///
/// It holds one buffer of at most a commit and a read-ahead, whatever the segment's size. Nothing
/// that a line says is believed before its checksum was checked.
package struct SegmentScanner {
  package enum Item {
    /// A commit that satisfies `FORMAT.md` §3.2, rules 1 to 3; its lines are `eventRanges`.
    case commit(CommitLine, offset: UInt64)
    case seal(checksum: UInt32)
    /// Only newlines follow.
    case end
    /// What stands at `offset` isn't valid.
    case invalid(Invalidity)
  }

  package enum Invalidity: Equatable, Sendable {
    /// Neither a commit that satisfies rules 1 to 3, nor a seal, nor fill.
    case commit
    /// A commit that breaks rule 4 only, and where it would end.
    case root(CommitLine)
    /// A line that begins as a seal does and isn't a valid one here.
    case seal
  }

  package let ledger: LedgerID
  /// The id of the segment's first event.
  package let segment: UInt64
  let file: any StorageFile
  /// How many bytes are read at once.
  private let readAhead: Int

  /// What was read last; ``eventRanges`` counts in it. Its contents change with each call.
  package private(set) var buffer: [UInt8] = []
  /// The segment's bytes `bufferOffset..<bufferOffset + filled` stand at the buffer's beginning.
  private var bufferOffset: UInt64 = 0
  private var filled = 0

  /// Where the next item begins.
  package private(set) var offset: UInt64
  /// The id of the next event.
  package private(set) var next: UInt64
  /// The tree of all events before `offset`, or `nil` where it isn't known or not wanted.
  package private(set) var frontier: Frontier?
  /// Where the events of the commit that was returned last stand in ``buffer``, without newlines.
  package private(set) var eventRanges: [Range<Int>] = []

  init(
    file: any StorageFile, segment: UInt64, ledger: LedgerID, offset: UInt64, next: UInt64,
    frontier: Frontier?, readAhead: Int = 1 << 18
  ) {
    self.file = file
    self.segment = segment
    self.ledger = ledger
    self.offset = offset
    self.next = next
    self.frontier = frontier
    self.readAhead = readAhead
  }

  /// The bytes of one event of the commit that was returned last.
  package func eventLine(_ index: Int) -> [UInt8] { Array(buffer[eventRanges[index]]) }

  /// Reads what stands at ``offset`` and steps over it if it is valid.
  ///
  /// - Throws: Where the storage failed; what the storage answered is never trusted before checking.
  package mutating func readItem() throws(StorageError) -> Item {
    let start = offset
    let available = try load(from: start, count: CommitLine.length)
    guard available > 0 else { return .end }
    let base = Int(start - bufferOffset)
    if let line = CommitLine(
      buffer[base..<base + min(available, CommitLine.length)], in: ledger, segment: segment,
      offset: start)
    {
      return try takeCommit(line, at: start)
    }
    if let seal = SealLine(
      buffer[base..<base + min(available, SealLine.length)], in: ledger, segment: segment,
      offset: start)
    {
      guard seal.bytes == start, seal.count == next - segment,
        frontier.map({ $0.root == seal.root }) ?? true
      else { return .invalid(.seal) }
      offset += UInt64(SealLine.length)
      return .seal(checksum: seal.crc)
    }
    if buffer[base..<base + available].starts(with: "#seal ".utf8) { return .invalid(.seal) }
    return try isFill(from: start) ? .end : .invalid(.commit)
  }

  /// Checks the commit whose line stands at `start`, and steps over it if all holds.
  private mutating func takeCommit(
    _ line: CommitLine, at start: UInt64
  ) throws(StorageError) -> Item {
    guard line.first == next, (1...LogLimit.commitEvents).contains(line.count),
      line.bytes <= LogLimit.commitBytes, line.durable.size <= next
    else { return .invalid(.commit) }
    let length = CommitLine.length + line.bytes
    guard try load(from: start, count: length) >= length else { return .invalid(.commit) }
    let base = Int(start - bufferOffset) + CommitLine.length
    var checksum = CRC32C()
    unsafe checksum.update(buffer.span.extracting(base..<base + line.bytes).bytes)
    guard checksum.value == line.body, splitLines(base..<base + line.bytes, count: line.count)
    else { return .invalid(.commit) }
    if var grown = frontier {
      for range in eventRanges {
        unsafe grown.append(leaf: MerkleTree.leafHash(buffer.span.extracting(range).bytes))
      }
      guard grown.root == line.root else { return .invalid(.root(line)) }
      frontier = grown
    }
    next = line.end
    offset = start + UInt64(length)
    return .commit(line, offset: start)
  }

  /// Finds the event lines of a body; false where it isn't `count` lines of the right form.
  private mutating func splitLines(_ body: Range<Int>, count: Int) -> Bool {
    eventRanges.removeAll(keepingCapacity: true)
    var start = body.lowerBound
    while start < body.upperBound {
      guard eventRanges.count < count, buffer[start] == UInt8(ascii: "{"),
        let end = indexOfNewline(in: buffer.span, from: start, to: body.upperBound),
        end - start <= LogLimit.eventBytes
      else { return false }
      eventRanges.append(start..<end)
      start = end + 1
    }
    return eventRanges.count == count
  }

  /// Moves to a place that is known to begin a commit, without knowing the tree before it.
  mutating func resume(at newOffset: UInt64, next newNext: UInt64) {
    offset = newOffset
    next = newNext
    frontier = nil
  }

  /// Whether only newlines follow.
  private mutating func isFill(from start: UInt64) throws(StorageError) -> Bool {
    var position = start
    while true {
      let count = try load(from: position, count: 1)
      if count == 0 { return true }
      let base = Int(position - bufferOffset)
      guard buffer[base..<base + count].allSatisfy({ $0 == UInt8(ascii: "\n") }) else {
        return false
      }
      position += UInt64(count)
    }
  }

  /// Makes the bytes from `start` on stand in the buffer.
  ///
  /// - Returns: How many stand there, at least `count` unless the file ends before.
  private mutating func load(from start: UInt64, count: Int) throws(StorageError) -> Int {
    if start < bufferOffset || start > bufferOffset + UInt64(filled) {
      bufferOffset = start
      filled = 0
    }
    let kept = Int(start - bufferOffset)
    if filled - kept >= count { return filled - kept }
    if kept > 0 {
      // What was read already moves to the front; it is less than one item.
      buffer.replaceSubrange(0..<filled - kept, with: Array(buffer[kept..<filled]))
      bufferOffset = start
      filled -= kept
    }
    let wanted = max(count, readAhead)
    if buffer.count < wanted {
      buffer.append(contentsOf: repeatElement(0, count: wanted - buffer.count))
    }
    filled += try file.readFully(
      into: &buffer, range: filled..<wanted, at: bufferOffset + UInt64(filled))
    return filled
  }
}

/// The index of the first newline in a part of `bytes`, eight bytes at a time.
func indexOfNewline(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
  let raw = unsafe bytes.bytes
  var index = start
  while index + 8 <= end {
    let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
    let difference = word ^ 0x0A0A_0A0A_0A0A_0A0A
    let zeros = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    if zeros != 0 { return index + zeros.trailingZeroBitCount / 8 }
    index += 8
  }
  while index < end {
    if bytes[index] == UInt8(ascii: "\n") { return index }
    index += 1
  }
  return nil
}
