import Bytes
package import Merkle

/// Reads the durable events of a log, without a lock, beside a writer or after it.
///
/// What lies beyond the durable mark isn't damage, only not yet durable, and is never shown.
package struct LogReader {
  package let identity: LedgerIdentity
  /// What stands at the log's end.
  package let end: LogEnd
  /// Size and root of the events that can be read, where the log ends well and with what is durable.
  package let head: TreeHead?
  let storage: any Storage
  /// The names of the segments, in order.
  package let segments: [UInt64]

  private var limit = UInt64.max

  /// The first event that can be read: 0, unless those before it are archived or missing.
  package var first: UInt64 { segments.first ?? 0 }

  /// The tree of the events before ``first``, as the first segment's header tells it.
  ///
  /// - Throws: `.damaged`, `.storage`.
  package func beginning() throws(LogError) -> Frontier {
    guard first > 0 else { return Frontier() }
    let header = try reporting { () throws(StorageError) in
      try readHeader(
        of: first, in: storage.open(LogPath.segment(first), for: .reading), identity.id)
    }
    guard let header else { throw .damaged(ids: first..<first + 1, segment: first, offset: 0) }
    return header.frontier
  }

  /// How many events can be read: those before the durable mark, as far as the log reaches.
  package var size: UInt64 { min(end.valid.size, end.mark, limit) }

  /// The same log as if it ended after `size` events, where a commit ends.
  package func limited(to size: UInt64) -> LogReader {
    var reader = self
    reader.limit = size
    return reader
  }

  /// Finds the log's end; this costs what was written since `head` was, not what the log holds.
  package init(_ storage: any Storage, identity: LedgerIdentity) throws(LogError) {
    let slots = try reporting { () throws(StorageError) in
      try Head.slots(in: storage, of: identity.id)
    }
    let survey = try LogSurvey(
      storage: storage, identity: identity, slots: slots, knownDurable: 0)
    self.identity = identity
    self.storage = storage
    end = survey.end
    segments = survey.segments
    let isWhole = end.state == .clean || end.state == .torn
    self.head = isWhole && end.valid.size == end.mark ? survey.scanner.frontier?.head : nil
  }

  /// Reads within what a writer that holds the lock has made durable.
  package init(
    _ storage: any Storage, identity: LedgerIdentity, durable: LogPosition
  ) throws(LogError) {
    self.identity = identity
    self.storage = storage
    end = LogEnd(state: .clean, valid: durable, mark: durable.size, fileLength: durable.offset)
    head = nil
    segments = try reporting { () throws(StorageError) in try storage.segments() }
  }

  /// The events from `first` on, up to ``size`` or to `limit` where that is less.
  ///
  /// - Parameter hint: A position at which a commit begins, with a `size` of at most `first`:
  ///   reading begins there and not at the segment's header.
  package func events(
    from first: UInt64, to limit: UInt64 = .max, hint: LogPosition? = nil
  ) -> EventCursor {
    EventCursor(
      storage: storage, ledger: identity.id, segments: segments, next: first,
      limit: min(limit, size), hint: hint)
  }

  /// Where the last event that can be read ends, or the seal after it, or the header of the segment after that.
  ///
  /// - Throws: `.damaged`, `.storage`.
  func durableEnd() throws(LogError) -> LogPosition {
    if end.state == .headLost || end.valid.size <= end.mark { return end.valid }
    // Beyond the mark stand more events, in the segment that it lies in or after it.
    guard let segment = segments.last(where: { $0 <= size }) else { return end.valid }
    let header = UInt64(SegmentHeader.length(first: segment))
    var position = LogPosition(size: segment, segment: segment, offset: header)
    var cursor = events(from: segment)
    while let event = try cursor.read() { position = event.commitEnd }
    return position
  }

  /// The hashes of perfect subtrees of the first `size` events, from one pass over them; of those
  /// that end before ``first`` only the ones that the first segment's header holds.
  package func hashes(
    of subtrees: [PerfectSubtree], upTo size: UInt64
  ) throws(LogError) -> SubtreeCollector {
    var collector = SubtreeCollector(subtrees, from: try beginning())
    var cursor = events(from: first, to: size)
    while let stored = try cursor.read() {
      collector.append(leaf: MerkleTree.leafHash(stored.line))
    }
    return collector
  }

  /// The line whose first byte stands at a place that a view remembers.
  ///
  /// - Returns: The bytes up to the next newline; the caller checks that they are the event it means.
  package func line(segment: UInt64, offset: UInt64) throws(LogError) -> [UInt8]? {
    try reporting { () throws(StorageError) -> [UInt8]? in
      let file = try storage.open(LogPath.segment(segment), for: .reading)
      // Most lines are far shorter than they may be.
      for length in [2_048, LogLimit.eventBytes + 1] {
        var bytes = [UInt8](repeating: 0, count: length)
        let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset)
        if let end = bytes[..<count].firstIndex(of: UInt8(ascii: "\n")) {
          return Array(bytes[..<end])
        }
      }
      return nil
    }
  }
}

/// An event as it is stored, with the commit that holds it.
package struct StoredEvent: Sendable {
  package let id: UInt64
  /// The line's bytes, without its newline.
  package let line: [UInt8]
  package let segment: UInt64
  /// Where the line begins in the segment.
  package let offset: UInt64
  package let commit: CommitLine
  /// Where the next commit begins, if this is the last event of its own.
  package let commitEnd: LogPosition
}

/// Walks over stored events in order, segment after segment.
///
/// Checksums are checked on the way; the tree isn't, that is what verifying is for.
package struct EventCursor {
  private let storage: any Storage
  private let ledger: LedgerID
  private let segments: [UInt64]
  private let limit: UInt64
  private let hint: LogPosition?
  private var next: UInt64
  private var scanner: SegmentScanner?
  private var commit: CommitLine?
  private var commitOffset: UInt64 = 0

  fileprivate init(
    storage: any Storage, ledger: LedgerID, segments: [UInt64], next: UInt64, limit: UInt64,
    hint: LogPosition?
  ) {
    self.storage = storage
    self.ledger = ledger
    self.segments = segments
    self.next = next
    self.limit = limit
    self.hint = hint
  }

  /// The next event, or `nil` after the last one.
  ///
  /// - Throws: `.damaged` with the ids that can't be read and where; `.storage`.
  package mutating func read() throws(LogError) -> StoredEvent? {
    guard next < limit else { return nil }
    while true {
      if let commit, next < commit.end, let scanner {
        return stored(in: commit, scanner)
      }
      try advance()
    }
  }

  /// Appends what is left of the commit that holds the next event: lines as they are stored, each
  /// with its newline, so one range of the segment.
  ///
  /// - Returns: That commit; `nil` after the last event.
  /// - Throws: As ``read()`` does.
  package mutating func readCommit(
    appendingTo bytes: inout [UInt8]
  ) throws(LogError) -> CommitLine? {
    guard next < limit else { return nil }
    while true {
      if let commit, next < commit.end, let scanner {
        let end = min(commit.end, limit)
        let start = scanner.eventRanges[Int(next - commit.first)].lowerBound
        let last = scanner.eventRanges[Int(end - commit.first) - 1].upperBound
        bytes += scanner.buffer[start...last]
        next = end
        return commit
      }
      try advance()
    }
  }

  private mutating func stored(in commit: CommitLine, _ scanner: SegmentScanner) -> StoredEvent {
    let index = Int(next - commit.first)
    let range = scanner.eventRanges[index]
    let body = scanner.eventRanges[0].lowerBound
    defer { next += 1 }
    return StoredEvent(
      id: next, line: Array(scanner.buffer[range]), segment: scanner.segment,
      offset: commitOffset + UInt64(CommitLine.length + range.lowerBound - body),
      commit: commit,
      commitEnd: LogPosition(
        size: commit.end, segment: scanner.segment, offset: scanner.offset))
  }

  private mutating func advance() throws(LogError) {
    if scanner == nil { scanner = try firstScanner() }
    let item: SegmentScanner.Item? = try reporting { () throws(StorageError) in
      try scanner?.readItem()
    }
    switch item {
    case .commit(let line, let offset):
      commit = line
      commitOffset = offset
    case .seal, .end:
      let following = scanner?.next ?? next
      scanner = try scannerAtHeader(of: following)
    case .brokenRoot, .invalid, nil:
      let segment = scanner?.segment ?? 0
      let offset = scanner?.offset ?? 0
      throw .damaged(
        ids: (scanner?.next ?? next)..<limit, segment: segment, offset: offset)
    }
  }

  private func firstScanner() throws(LogError) -> SegmentScanner {
    guard let segment = segments.last(where: { $0 <= next }) else {
      if let first = segments.first, let archive = try archive(holding: next) {
        throw .archived(ids: next..<first, archive: archive.id, isDisposed: archive.isDisposed)
      }
      throw .damaged(ids: next..<(segments.first ?? limit), segment: next, offset: 0)
    }
    if let hint, hint.size <= next, hint.segment == segment {
      let file = try reporting { () throws(StorageError) in
        try storage.open(LogPath.segment(segment), for: .reading)
      }
      return SegmentScanner(
        file: file, segment: segment, ledger: ledger, offset: hint.offset, next: hint.size,
        frontier: nil)
    }
    return try scannerAtHeader(of: segment)
  }

  /// What the log tells of the archive that holds an event before its first segment; `nil` where there
  /// is no snapshot, so that the event is missing.
  ///
  /// The whole log is read for it: whoever asked for the event gets nothing else.
  private func archive(
    holding id: UInt64
  ) throws(LogError) -> (id: String?, isDisposed: Bool)? {
    let names = try reporting { () throws(StorageError) in try storage.snapshots() }
    if names.isEmpty { return nil }
    var story = ArchiveStory(id)
    for name in names {
      let path = LogPath.snapshot(name)
      guard let snapshot = try? LogSnapshot(path, in: storage, of: ledger) else { continue }
      for event in snapshot.events {
        if let line = try snapshot.line(of: event) { story.take(line) }
      }
    }
    var cursor = EventCursor(
      storage: storage, ledger: ledger, segments: segments, next: segments.first ?? 0,
      limit: .max, hint: nil)
    while let stored = try? cursor.read() { story.take(stored.line) }
    return (story.archive, story.isDisposed)
  }

  private func scannerAtHeader(of segment: UInt64) throws(LogError) -> SegmentScanner {
    guard segments.contains(segment), segment != scanner?.segment else {
      let end = segments.first { $0 > segment } ?? limit
      throw .damaged(ids: segment..<max(segment, end), segment: segment, offset: 0)
    }
    let (file, header) = try reporting { () throws(StorageError) in
      let file = try storage.open(LogPath.segment(segment), for: .reading)
      return (file, try readHeader(of: segment, in: file, ledger))
    }
    guard let header else { throw .damaged(ids: segment..<limit, segment: segment, offset: 0) }
    return SegmentScanner(
      file: file, segment: segment, ledger: ledger, offset: UInt64(header.length),
      next: segment, frontier: nil)
  }
}
