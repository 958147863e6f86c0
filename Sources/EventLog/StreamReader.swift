import Bytes
import Merkle

/// Finds the events of streams without reading anybody else's, where the ledger has indexes for it.
///
/// An index is derived and only says where to look: of each event that it leads to the leaf hash and
/// the commit line are checked, and its own subject decides. Where an index is missing or isn't of the
/// segment, the segment is read.
package struct StreamReader {
  private let reader: LogReader
  /// What was opened of segments before.
  private var opened: [UInt64: IndexedSegment] = [:]
  private var pieces = FilePieces()
  private var asked = 0
  /// Who asks so often gets the tables held in memory: some 5 bytes for each event, of the active
  /// segment 30.
  private static let often = 16
  /// So many commit lines of a segment are held.
  private static let mostCommits = 1_024
  /// So many events are hashed at once.
  private static let batch = 64

  private final class IndexedSegment {
    let file: any StorageFile
    var index: Index
    /// Commit lines that were read of late, by where they stand.
    var commits: [UInt64: CommitLine] = [:]

    init(_ file: any StorageFile, _ index: Index) {
      self.file = file
      self.index = index
    }
  }

  private enum Index {
    case closed(ClosedStreams)
    case active(OpenStreams)
    /// An active one's that is held in memory, up to a position.
    case held(StreamBuckets, LogPosition)
  }

  package init(_ reader: LogReader) { self.reader = reader }

  /// The durable events about one subject, in the order of the log.
  package mutating func events(about subject: String) throws(LogError) -> [StoredEvent] {
    try events(about: [subject])[0]
  }

  /// The durable events about some subjects, which differ, each subject's in the order of the log.
  ///
  /// It costs a read or two for each closed segment, of the active one's index all, and a read or two
  /// for each event that is found.
  ///
  /// - Throws: `.damaged`, `.archived`, `.storage`, as reading the log from event 0 on does.
  package mutating func events(about subjects: [String]) throws(LogError) -> [[StoredEvent]] {
    if subjects.isEmpty { return [] }
    var wanted = WantedStreams(subjects, before: reader.size)
    let segments = reader.segments
    guard segments.first == 0 else {
      // Whoever reads from event 0 is told where that is.
      var cursor = reader.events(from: 0)
      _ = try cursor.read()
      return wanted.found
    }
    asked += 1
    var next: UInt64 = 0
    for segment in segments where next < reader.size {
      // Others are surplus.
      guard segment == next else { continue }
      // Whatever is wrong with an index, the log has the last word.
      if let end = try? takeIndexed(&wanted, from: segment) {
        next = end
      } else {
        wanted.cut(from: segment)
        next = try read(segment, &wanted)
      }
    }
    if next < reader.size {
      // What is missing is for the log's reader to tell.
      var cursor = reader.events(from: next)
      while let stored = try cursor.read() { wanted.take(stored) }
    }
    return wanted.found
  }

  /// Reads all events of a segment.
  ///
  /// - Returns: The id of the event behind it.
  private func read(
    _ segment: UInt64, _ wanted: inout WantedStreams
  ) throws(LogError) -> UInt64 {
    var cursor = reader.events(from: segment)
    var next = segment
    while let stored = try cursor.read(), stored.segment == segment {
      wanted.take(stored)
      next = stored.id + 1
    }
    return next
  }

  /// - Returns: The id of the event behind the segment; `nil` where it has to be read.
  private mutating func takeIndexed(
    _ wanted: inout WantedStreams, from segment: UInt64
  ) throws(StorageError) -> UInt64? {
    if opened[segment] == nil { opened[segment] = try open(segment) }
    guard let indexed = opened[segment] else { return nil }
    if asked == Self.often { try hold(indexed) }
    let keys = wanted.keys
    var records: [StreamRecord] = []
    let end: LogPosition
    switch indexed.index {
    case .closed(let index):
      for key in keys {
        guard let found = try index.records(of: key) else { return nil }
        records += found
      }
      end = LogPosition(size: segment + index.count, segment: segment, offset: 0)
    case .active(let index):
      guard let found = try index.read(indexed.file, where: { keys.contains($0.key) }) else {
        return nil
      }
      (records, end) = found
    case .held(let buckets, let position):
      for key in keys { records += buckets.records(of: key) }
      end = position
    }
    if keys.count > 1 { records.sort { $0.number < $1.number } }
    if !records.isEmpty, try !take(records, of: &wanted, from: segment, indexed) { return nil }
    if case .closed = indexed.index { return end.size }
    var scanner = SegmentScanner(
      file: indexed.file, segment: segment, ledger: reader.identity.id, offset: end.offset,
      next: end.size, frontier: nil)
    while scanner.next < reader.size {
      guard case .commit(let commit, let offset) = try scanner.readItem() else { return nil }
      wanted.take(commit, at: offset, scanner)
    }
    return reader.size
  }

  /// - Returns: `nil` where the segment has no index that may be its own.
  private func open(_ segment: UInt64) throws(StorageError) -> IndexedSegment? {
    let (storage, ledger) = (reader.storage, reader.identity.id)
    let file = try storage.open(LogPath.segment(segment), for: .reading)
    if let index = try ClosedStreams(storage, of: segment, file, in: ledger) {
      return IndexedSegment(file, .closed(index))
    }
    return try OpenStreams(storage, of: segment, for: .reading, in: ledger)
      .map { IndexedSegment(file, .active($0)) }
  }

  /// Holds in memory what else is read again for each key.
  private func hold(_ indexed: IndexedSegment) throws(StorageError) {
    switch indexed.index {
    case .closed(let index): try index.holdTable()
    case .active(let index):
      guard let found = try index.read(indexed.file) else { return }
      indexed.index = .held(StreamBuckets(found.records), found.end)
    case .held: return
    }
  }

  /// Takes the wanted events that some records lead to, which are in the order of the log.
  ///
  /// - Returns: False where no such event stands there.
  private mutating func take(
    _ records: [StreamRecord], of wanted: inout WantedStreams, from segment: UInt64,
    _ indexed: IndexedSegment
  ) throws(StorageError) -> Bool {
    pieces.begin(indexed.file)
    var rest = records.prefix(while: { segment + $0.number < reader.size })
    while !rest.isEmpty {
      // Some at once, since many are hashed faster than one after the other.
      let batch = rest.prefix(Self.batch)
      rest = rest.dropFirst(Self.batch)
      var (bytes, parts): ([UInt8], [BytePart]) = ([], [])
      var commits: [(line: CommitLine, end: LogPosition)] = []
      for record in batch {
        let (id, offset) = (segment + record.number, record.commitOffset)
        guard let line = try commitLine(at: offset, of: segment, indexed),
          line.first <= id, id < line.end
        else { return false }
        let end = line.position(behind: offset, of: segment)
        guard offset + UInt64(CommitLine.length) <= record.offset,
          record.offset + UInt64(record.byteCount) < end.offset,
          let range = try pieces.load(record.byteCount, at: record.offset)
        else { return false }
        parts.append(BytePart(bytes.count..<bytes.count + range.count))
        bytes += pieces.buffer[range]
        commits.append((line, end))
      }
      var leaves: [Digest] = []
      unsafe MerkleTree.appendLeafHashes(of: parts, in: bytes.span.bytes, to: &leaves)
      for (index, record) in batch.enumerated() {
        guard leaves[index].prefix == record.leaf else { return false }
        wanted.take(
          StoredEvent(
            id: segment + record.number, line: Array(bytes[parts[index].range]), segment: segment,
            offset: record.offset, commit: commits[index].line, commitEnd: commits[index].end))
      }
    }
    return true
  }
}

extension StreamReader {
  /// The commit line that stands at a place, where it is valid by itself.
  private mutating func commitLine(
    at offset: UInt64, of segment: UInt64, _ indexed: IndexedSegment
  ) throws(StorageError) -> CommitLine? {
    if let line = indexed.commits[offset] { return line }
    guard let range = try pieces.load(CommitLine.length, at: offset),
      let line = CommitLine(
        pieces.buffer[range], in: reader.identity.id, segment: segment, offset: offset)
    else { return nil }
    if indexed.commits.count == Self.mostCommits { indexed.commits = [:] }
    indexed.commits[offset] = line
    return line
  }
}

/// Reads parts of a file, more at once the more of them follow each other.
private struct FilePieces {
  private static let least = 1 << 11
  private static let most = 1 << 18
  private var file: (any StorageFile)?
  private(set) var buffer: [UInt8] = []
  private var start: UInt64 = 0
  private var filled = 0
  private var ahead = least

  mutating func begin(_ file: any StorageFile) {
    (self.file, filled, ahead) = (file, 0, Self.least)
  }

  /// - Returns: Where the bytes stand in ``buffer``; `nil` where the file ends before.
  mutating func load(_ count: Int, at offset: UInt64) throws(StorageError) -> Range<Int>? {
    if offset < start || offset + UInt64(count) > start + UInt64(filled) {
      let follows = offset >= start && offset <= start + UInt64(filled + ahead)
      ahead = follows && filled > 0 ? min(2 * ahead, Self.most) : Self.least
      let wanted = max(count, ahead)
      if buffer.count < wanted { buffer = [UInt8](repeating: 0, count: wanted) }
      filled = try file?.readFully(into: &buffer, range: 0..<wanted, at: offset) ?? 0
      start = offset
    }
    guard filled >= count else { return nil }
    let index = Int(offset - start)
    return index..<index + count
  }
}

/// The events of some streams, as far as they were found.
private struct WantedStreams {
  /// What they are looked up by, each once.
  let keys: [UInt32]
  private let subjects: [[UInt8]]
  private let places: [[UInt8]: Int]
  private let limit: UInt64
  private(set) var found: [[StoredEvent]]

  init(_ subjects: [String], before limit: UInt64) {
    self.limit = limit
    self.subjects = subjects.map { Array($0.utf8) }
    var keys: [UInt32] = []
    for key in self.subjects.map({ unsafe StreamRecord.key($0.span.bytes) }).sorted()
    where key != keys.last { keys.append(key) }
    self.keys = keys
    places = Dictionary(
      self.subjects.enumerated().map { ($1, $0) }, uniquingKeysWith: { one, _ in one })
    found = Array(repeating: [], count: subjects.count)
  }

  /// Forgets the events that were found from a segment on.
  mutating func cut(from segment: UInt64) {
    for index in found.indices { found[index].removeAll { $0.id >= segment } }
  }

  private func place(_ bytes: [UInt8], _ line: Range<Int>) -> Int? {
    guard let subject = EventLine.subject(in: bytes, line) else { return nil }
    if subjects.count > 1 { return places[Array(bytes[subject])] }
    let (found, wanted) = (bytes.span.extracting(subject), subjects[0])
    return unsafe found.bytes.holds(wanted.span.bytes) ? 0 : nil
  }

  mutating func take(_ stored: StoredEvent) {
    guard let place = place(stored.line, 0..<stored.line.count) else { return }
    found[place].append(stored)
  }

  /// Takes what belongs to them of the commit that a scanner has just read.
  mutating func take(_ commit: CommitLine, at offset: UInt64, _ scanner: SegmentScanner) {
    let body = scanner.eventRanges[0].lowerBound
    for (index, range) in scanner.eventRanges.enumerated() {
      let id = commit.first + UInt64(index)
      guard id < limit, let place = place(scanner.buffer, range) else { continue }
      found[place].append(
        StoredEvent(
          id: id, line: Array(scanner.buffer[range]), segment: scanner.segment,
          offset: offset + UInt64(CommitLine.length + range.lowerBound - body), commit: commit,
          commitEnd: commit.position(behind: offset, of: scanner.segment)))
    }
  }
}
