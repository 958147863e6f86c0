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
    /// A commit that breaks rule 4 only; its lines are `eventRanges`, and the scanner stays before it.
    case brokenRoot(CommitLine)
    /// Neither a commit that satisfies rules 1 to 3, nor a valid seal, nor only newlines.
    case invalid
  }

  package let ledger: LedgerID
  /// The id of the segment's first event.
  package let segment: UInt64
  let file: any StorageFile
  private let path: String
  /// How many bytes are read at once; it grows, so that a look at little costs little.
  private var readAhead = 1 << 12

  /// What was read last, in which ``eventRanges`` counts; its contents change with each call.
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
    frontier: Frontier?
  ) {
    self.file = file
    self.segment = segment
    path = LogPath.segment(segment)
    self.ledger = ledger
    self.offset = offset
    self.next = next
    self.frontier = frontier
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
      buffer[base..<base + min(available, CommitLine.length)],
      at: Place(ledger: ledger, path: path, offset: start))
    {
      return try takeCommit(line, at: start)
    }
    if let seal = SealLine(
      buffer[base..<base + min(available, SealLine.length)], in: ledger, segment: segment,
      offset: start)
    {
      guard seal.bytes == start, seal.count == next - segment,
        frontier.map({ $0.root == seal.root }) ?? true
      else { return .invalid }
      offset += UInt64(SealLine.length)
      return .seal(checksum: seal.crc)
    }
    return try isFill() ? .end : .invalid
  }

  /// Checks the commit whose line stands at `start`, and steps over it if all holds.
  private mutating func takeCommit(
    _ line: CommitLine, at start: UInt64
  ) throws(StorageError) -> Item {
    guard line.first == next, (1...LogLimit.commitEvents).contains(line.count),
      line.bytes <= LogLimit.commitBytes, line.durable.size <= next,
      try loadBody(of: line, at: start)
    else { return .invalid }
    let base = Int(start - bufferOffset) + CommitLine.length
    var checksum = CRC32C()
    unsafe checksum.update(buffer.span.extracting(base..<base + line.bytes).bytes)
    guard checksum.value == line.body else { return .invalid }
    if var grown = frontier {
      for range in eventRanges {
        unsafe grown.append(leaf: MerkleTree.leafHash(buffer.span.extracting(range).bytes))
      }
      guard grown.root == line.root else { return .brokenRoot(line) }
      frontier = grown
    }
    next = line.end
    offset = start + UInt64(CommitLine.length + line.bytes)
    return .commit(line, offset: start)
  }

  /// Reads a body and finds its event lines; false where it isn't `count` lines of the right form.
  ///
  /// It reads on only while what it read has that form: so bytes that are full of commit lines that
  /// each claim 8 MiB cost no more than others.
  private mutating func loadBody(
    of line: CommitLine, at start: UInt64
  ) throws(StorageError) -> Bool {
    eventRanges.removeAll(keepingCapacity: true)
    let length = CommitLine.length + line.bytes
    // These count from the commit's beginning, since the buffer moves while it is filled.
    var (lineStart, searched) = (CommitLine.length, CommitLine.length)
    while searched < length {
      let wanted = min(length, searched + LogLimit.eventBytes + 1)
      let available = min(length, try load(from: start, count: wanted))
      guard available >= wanted else { return false }
      let base = Int(start - bufferOffset)
      while let newline = firstIndex(
        of: UInt8(ascii: "\n"), in: buffer.span, from: base + searched, to: base + available)
      {
        let range = lineStart..<newline - base
        guard eventRanges.count < line.count, isEvent(base + lineStart..<newline) else {
          return false
        }
        eventRanges.append(range)
        lineStart = range.upperBound + 1
        searched = lineStart
      }
      searched = available
      guard searched - lineStart <= LogLimit.eventBytes else { return false }
    }
    guard lineStart == length, eventRanges.count == line.count else { return false }
    let base = Int(start - bufferOffset)
    for index in eventRanges.indices {
      let range = eventRanges[index]
      eventRanges[index] = base + range.lowerBound..<base + range.upperBound
    }
    return true
  }

  /// Whether bytes of the buffer have the form that rule 3 asks of an event line.
  private func isEvent(_ range: Range<Int>) -> Bool {
    (2...LogLimit.eventBytes).contains(range.count)
      && buffer[range.lowerBound] == UInt8(ascii: "{")
      && buffer[range.upperBound - 1] == UInt8(ascii: "}")
  }

  /// Moves to a place where an item begins, with what is known of the events before it.
  mutating func resume(at newOffset: UInt64, next newNext: UInt64, frontier newFrontier: Frontier?)
  {
    offset = newOffset
    next = newNext
    frontier = newFrontier
  }

  /// Whether only newlines follow ``offset``.
  mutating func isFill() throws(StorageError) -> Bool {
    var position = offset
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
      moveToFront(&buffer, kept..<filled)
      bufferOffset = start
      filled -= kept
    }
    let wanted = max(count, readAhead)
    if buffer.count < wanted {
      buffer += [UInt8](repeating: 0, count: wanted - buffer.count)
    }
    readAhead = min(2 * readAhead, 1 << 18)
    filled += try file.readFully(
      into: &buffer, range: filled..<wanted, at: bufferOffset + UInt64(filled))
    return filled
  }
}
