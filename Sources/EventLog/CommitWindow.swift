import Bytes
import Merkle

/// The commits that begin in one window of a segment, which are read, checked and hashed apart from
/// all others.
///
/// What can't be known here is whether they follow on those before, and so their roots: first
/// ``read(_:of:judge:)``, then ``join(_:)``, then ``hasRoots()``. One window serves again and again,
/// and keeps its room.
final class CommitWindow {
  /// So much is read behind it at once, since its last commit goes on there.
  private static let overhang = 1 << 14

  /// A segment that is read.
  struct Segment {
    let file: any StorageFile
    let ledger: LedgerID
    /// The id of its first event.
    let first: UInt64
    let path: String
    /// Where its first commit begins.
    let start: UInt64
    /// Whether it has a stream index, so that records are made.
    let isIndexed: Bool

    init(
      file: any StorageFile, ledger: LedgerID, first: UInt64, start: UInt64, isIndexed: Bool
    ) {
      self.file = file
      self.ledger = ledger
      self.first = first
      path = LogPath.segment(first)
      self.start = start
      self.isIndexed = isIndexed
    }
  }

  struct PlacedCommit {
    let line: CommitLine
    let offset: UInt64

    var end: UInt64 { offset + UInt64(CommitLine.length + line.bytes) }
  }

  private var buffer: [UInt8] = []
  private var bufferOffset: UInt64 = 0
  private var filled = 0

  private(set) var range: Range<UInt64> = 0..<0
  /// The commits from the window's first one on, as far as they are valid but for their roots, and
  /// their events well formed.
  private(set) var commits: [PlacedCommit] = []
  /// Whether these are all that begin in the window.
  private(set) var isWhole = false
  private var parts: [BytePart] = []
  /// The keys of the events' subjects, where the segment has a stream index.
  private var keys: [UInt32] = []
  /// What a stream index says of the events.
  private(set) var records: [StreamRecord] = []
  /// The events of which there is something to note.
  private var notable: [(id: UInt64, part: BytePart)] = []

  private let growth = TreeGrowth()
  private var leaves: [Digest] = []
  private var sizes: [UInt64] = []
  private var roots: [Digest] = []

  /// Reads the commits that begin in a range of a segment, and hashes their events.
  ///
  /// Where the storage fails, the window isn't whole: whoever reads there again gets the error.
  ///
  /// - Parameter hashes: Whether it hashes them, so that it can be joined.
  func read(
    _ range: Range<UInt64>, of segment: Segment, judge: any EventJudge, hashes: Bool
  ) {
    self.range = range
    commits.removeAll(keepingCapacity: true)
    parts.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
    records.removeAll(keepingCapacity: true)
    notable.removeAll(keepingCapacity: true)
    judge.beginWindow()
    filled = 0
    do throws(StorageError) {
      isWhole = try readCommits(of: segment, judge)
    } catch {
      isWhole = false
    }
    guard hashes, let first = commits.first else { return }
    leaves.removeAll(keepingCapacity: true)
    unsafe MerkleTree.appendLeafHashes(of: parts, in: buffer.span.bytes, to: &leaves)
    if segment.isIndexed { makeRecords(of: segment) }
    growth.take(&leaves, after: first.line.first)
  }

  private func makeRecords(of segment: Segment) {
    // Held here, so that no access has to be checked.
    let (parts, keys, leaves, bufferOffset) = (parts, keys, leaves, bufferOffset)
    var records: [StreamRecord] = []
    swap(&records, &self.records)
    records.reserveCapacity(parts.count)
    for commit in commits {
      for id in commit.line.first..<commit.line.end {
        let range = parts[records.count].range
        let start = bufferOffset + UInt64(range.lowerBound)
        records.append(
          StreamRecord(
            key: keys[records.count], leaf: leaves[records.count],
            at: start..<start + UInt64(range.count), commit: commit.offset,
            number: id - segment.first))
      }
    }
    swap(&records, &self.records)
  }

  /// Takes the tree that the first commit follows, and says what it is after the last.
  func join(_ frontier: Frontier) -> Frontier { growth.join(frontier) }

  /// Whether each commit's root is that of the tree up to it.
  func hasRoots() -> Bool {
    sizes.removeAll(keepingCapacity: true)
    roots.removeAll(keepingCapacity: true)
    for commit in commits { sizes.append(commit.line.end) }
    growth.appendRoots(at: sizes, to: &roots)
    for (commit, root) in zip(commits, roots) where commit.line.root != root { return false }
    return true
  }

  /// Hands over the lines of which there is something to note.
  func forEachNotable(_ body: (_ line: [UInt8], _ id: UInt64) -> Void) {
    for (id, part) in notable { body(Array(buffer[part.range]), id) }
  }

  // MARK: - Reading

  /// - Returns: Whether each commit that begins in the window was taken.
  private func readCommits(
    of segment: Segment, _ judge: any EventJudge
  ) throws(StorageError) -> Bool {
    let isFirst = range.lowerBound == segment.start
    // The byte before the window says whether a line begins with its first one.
    bufferOffset = isFirst ? segment.start : range.lowerBound - 1
    guard try load(Int(range.upperBound - bufferOffset) + Self.overhang, of: segment) > 0 else {
      return false
    }
    guard var index = isFirst ? 0 : try firstCommit() else { return true }
    while bufferOffset + UInt64(index) < range.upperBound {
      let place = Place(
        ledger: segment.ledger, path: segment.path, offset: bufferOffset + UInt64(index))
      guard try load(index + CommitLine.length, of: segment) >= index + CommitLine.length,
        let line = CommitLine(buffer[index..<index + CommitLine.length], at: place),
        line.first == commits.last?.line.end ?? line.first, line.durable.size <= line.first,
        line.time >= commits.last?.line.time ?? line.time,
        (1...LogLimit.commitEvents).contains(line.count), line.bytes <= LogLimit.commitBytes
      else { return false }
      let body = index + CommitLine.length..<index + CommitLine.length + line.bytes
      guard try load(body.upperBound, of: segment) >= body.upperBound,
        takeEvents(in: body, of: line, judge, makesKeys: segment.isIndexed)
      else {
        // What was taken of it goes again.
        parts.removeLast(parts.count - Int(line.first - (commits.first?.line.first ?? line.first)))
        keys.removeLast(max(0, keys.count - parts.count))
        notable.removeAll { $0.id >= line.first }
        judge.forget(from: line.first)
        return false
      }
      commits.append(PlacedCommit(line: line, offset: place.offset))
      index = body.upperBound
    }
    return true
  }

  /// Where the first line of the log's own begins that stands in the window.
  private func firstCommit() throws(StorageError) -> Int? {
    var index = 0
    let end = min(filled, Int(range.upperBound - bufferOffset))
    while let newline = firstIndex(of: UInt8(ascii: "\n"), in: buffer.span, from: index, to: end) {
      index = newline + 1
      if index < end, buffer[index] == UInt8(ascii: "#") { return index }
    }
    return nil
  }

  /// Checks a body and its events, and takes these.
  private func takeEvents(
    in body: Range<Int>, of line: CommitLine, _ judge: any EventJudge, makesKeys: Bool
  ) -> Bool {
    // Held here, so that its spans don't depend on what the window does meanwhile.
    let buffer = buffer
    let bytes = buffer.span
    var checksum = CRC32C()
    unsafe checksum.update(bytes.extracting(body).bytes)
    guard checksum.value == line.body else { return false }
    var keys: [UInt32] = []
    swap(&keys, &self.keys)
    defer { swap(&keys, &self.keys) }
    var start = body.lowerBound
    for id in line.first..<line.end {
      guard
        let end = firstIndex(of: UInt8(ascii: "\n"), in: bytes, from: start, to: body.upperBound),
        (2...LogLimit.eventBytes).contains(end - start)
      else { return false }
      let event = unsafe bytes.extracting(start..<end).bytes
      // A judge accepts objects only, so the line begins and ends with a brace.
      guard judge.accepts(event, id, of: line) else { return false }
      let part = BytePart(start..<end)
      if judge.isNotable(event) { notable.append((id, part)) }
      parts.append(part)
      if makesKeys { keys.append(StreamRecord.key(of: event, at: judge.subject(of: event))) }
      start = end + 1
    }
    return start == body.upperBound
  }

  /// Makes so many bytes stand in the buffer, unless the file ends before.
  ///
  /// - Returns: How many stand there.
  private func load(_ count: Int, of segment: Segment) throws(StorageError) -> Int {
    if filled >= count { return filled }
    let wanted = filled == 0 ? count : count + Self.overhang
    if buffer.isEmpty {
      buffer = [UInt8](repeating: 0, count: wanted)
    } else if buffer.count < wanted {
      buffer += [UInt8](repeating: 0, count: wanted - buffer.count)
    }
    filled += try segment.file.readFully(
      into: &buffer, range: filled..<wanted, at: bufferOffset + UInt64(filled))
    return filled
  }
}
