import Bytes
import Merkle

/// Reads a whole log once and checks every line, checksum, hash and name (`FORMAT.md` §7).
///
/// It opens nothing for writing, holds some windows of a segment at a time, and goes on after damage.
package struct LogVerifier {
  private let storage: any Storage
  private let identity: LedgerIdentity
  private let judge: any EventJudge
  private let checksTree: Bool
  private let stretches: StretchVerifier
  private var streams: StreamCheck
  private var segments: [UInt64] = []
  private var slots: [HeadSlot] = []
  /// W; it is known before the first segment is read.
  private var mark: UInt64 = 1

  private var damage: [Damage] = []
  /// The number of events so far, damaged ones counted.
  private var next: UInt64 = 0
  /// The tree of these, where it is known.
  private var tree: Frontier?
  private var previousSeal: UInt32? = 0
  private var lastTime: Instant?
  private var slotCheck = SlotCheck()
  /// n(X), once something wasn't valid.
  private var validSize: UInt64?
  /// The root of the events before X, but of no more than W.
  private var root = MerkleTree.emptyRoot
  private var tail = TailKind.fill
  private var openEnd: LogPosition?

  /// The name of the first segment, where it isn't 0.
  private var beginning: UInt64?
  /// What the headers of segments fold to, where the log doesn't begin with event 0.
  private var headerRoots: [UInt64: Digest] = [:]
  private var claims: [ArchiveClaim] = []

  private var ledger: LedgerID { identity.id }

  /// How many bytes of a segment are read and hashed at once: with what is made of them, they stay in
  /// a processor's own cache.
  package static let windowBytes: UInt64 = 1 << 19

  /// - Parameters:
  ///   - checksTree: Without it no hash is made: the roots are taken as they were recorded, and only what the
  ///     checksums find is damage.
  ///   - workers: What reads and hashes several parts of a segment at once.
  package init(
    _ storage: any Storage, identity: LedgerIdentity, judge: any EventJudge,
    windowBytes: UInt64 = windowBytes, checksTree: Bool = true,
    workers: @escaping Workers = oneByOne
  ) {
    self.checksTree = checksTree
    tree = checksTree ? Frontier() : nil
    self.storage = storage
    self.identity = identity
    self.judge = judge
    streams = StreamCheck(storage, of: identity.id)
    stretches = StretchVerifier(
      judge: judge, length: windowBytes, checksTree: checksTree, workers: workers)
  }

  /// Reads the log.
  ///
  /// - Throws: `.storage` only: whatever the files hold is an answer and no error.
  package mutating func verify() throws(LogError) -> LogReport {
    do {
      slots = try Head.slots(in: storage, of: ledger)
      slotCheck = SlotCheck(slots)
      segments = try storage.segments()
      mark = max(
        mark, try Head.knownSize(slots, in: storage, of: identity), try markOfLastSegment())
      for segment in segments { try readSegment(segment, isLast: segment == segments.last) }
    } catch {
      throw .storage(error)
    }
    return try report()
  }

  private func markOfLastSegment() throws(StorageError) -> UInt64 {
    guard let last = segments.last else { return 0 }
    let file = try storage.open(LogPath.segment(last), for: .reading)
    let header = try readHeader(of: last, in: file, ledger)
    let durable = try LineSearch.greatestDurable(in: file, of: last, in: ledger, from: 0)
    return max(header?.first ?? 0, durable)
  }

  private mutating func report() throws(LogError) -> LogReport {
    let archive = provenArchive()
    if let beginning, archive == nil { forgetAll(after: beginning) }
    let isBroken = validSize != nil
    let isShort = next < mark
    let count = next
    if isShort {
      let end = openEnd ?? LogPosition(size: next, segment: next, offset: 0)
      report(.missing, ids: next..<mark, segment: end.segment, offset: end.offset)
    }
    for slot in slotCheck.atOdds.sorted(by: { $0.offset < $1.offset }) {
      report(.head, ids: next..<next, segment: slot.position.segment, offset: slot.offset)
    }
    if let archive, try !isWhole(archive) {
      report(.snapshot, ids: next..<next, segment: beginning ?? 0, offset: 0)
    }
    let state = RecoveryState(
      isBroken: isBroken || !slotCheck.atOdds.isEmpty, isShort: isShort,
      hasSlot: !slots.isEmpty, tail: tail)
    let valid = validSize ?? next
    let indexes = streams.wrong.filter { wrong in
      !damage.contains { $0.segment == wrong.segment }
    }
    return LogReport(
      state: state, damage: damage, mark: mark, size: min(valid, mark), root: root,
      notDurable: valid > mark ? valid - mark : 0, tail: tail, openEnd: openEnd, count: count,
      archived: archive == nil ? nil : beginning, snapshot: archive?.snapshot,
      indexes: indexes.map(\.path))
  }

  // MARK: - A log that doesn't begin with event 0

  /// The newest event that says that what comes before the first segment was archived (`FORMAT.md` §7).
  private func provenArchive() -> ArchiveClaim? {
    guard let beginning, headerRoots[beginning] != nil else { return nil }
    return claims.last { claim in
      claim.ends.contains(beginning) && headerRoots[claim.end] == claim.root
    }
  }

  /// Takes what the first segment's header says of the events before it.
  private mutating func begin(after header: SegmentHeader) {
    root = header.frontier.root
    slotCheck.begin(
      at: LogPosition(size: header.first, segment: header.first, offset: UInt64(header.length)),
      header.frontier)
  }

  /// Without an archive the events before the first segment are missing, and nothing is valid.
  private mutating func forgetAll(after beginning: UInt64) {
    damage.insert(
      Damage(kind: .missing, ids: 0..<beginning, segment: 0, offset: 0, resumedAt: nil), at: 0)
    validSize = 0
    root = MerkleTree.emptyRoot
    slotCheck = SlotCheck(slots)
  }

  /// Whether the snapshot that the event names is there, as it says.
  private func isWhole(_ claim: ArchiveClaim) throws(LogError) -> Bool {
    do {
      let snapshot = try LogSnapshot(LogPath.snapshot(claim.snapshot), in: storage, of: ledger)
      return try snapshot.digest().hex == claim.snapshot
        && headerRoots[snapshot.size] == snapshot.root
    } catch {
      guard case .badSnapshot = error else { throw error }
      return false
    }
  }

  private mutating func report(
    _ kind: Damage.Kind, ids: Range<UInt64>, segment: UInt64, offset: UInt64,
    resumedAt: UInt64? = nil
  ) {
    damage.append(
      Damage(kind: kind, ids: ids, segment: segment, offset: offset, resumedAt: resumedAt))
    switch kind {
    case .event, .surplus, .head, .snapshot: break
    case .missing, .header, .commit, .root, .seal: validSize = validSize ?? next
    }
  }

  // MARK: - One segment

  private mutating func readSegment(_ segment: UInt64, isLast: Bool) throws(StorageError) {
    if segment < next {
      report(.surplus, ids: next..<next, segment: segment, offset: 0)
      return
    }
    if segment > next {
      if segment == segments.first {
        beginning = segment
      } else {
        report(.missing, ids: next..<segment, segment: next, offset: 0)
      }
      next = segment
      tree = nil
      previousSeal = nil
    }
    let file = try storage.open(LogPath.segment(segment), for: .reading)
    if checksTree { streams.begin(segment) }
    try readSegment(segment, in: file, isLast: isLast)
    try streams.end(file)
  }

  private mutating func readSegment(
    _ segment: UInt64, in file: any StorageFile, isLast: Bool
  ) throws(StorageError) {
    var lines = LineSearch(file, of: segment, in: ledger, from: 0)
    var scanner = SegmentScanner(
      file: file, segment: segment, ledger: ledger, offset: 0, next: next, frontier: tree)
    if let header = try readHeader(of: segment, in: file, ledger) {
      let continues =
        (tree == nil || tree == header.frontier)
        && (previousSeal == nil || previousSeal == header.previous)
      if !continues {
        report(
          .header, ids: next..<next, segment: segment, offset: 0, resumedAt: UInt64(header.length))
      }
      if beginning != nil { headerRoots[segment] = header.frontier.root }
      if beginning == segment { begin(after: header) }
      tree = checksTree ? header.frontier : nil
      let place = try takeStretch(of: segment, in: file, behind: header)
      scanner.resume(at: place, next: next, frontier: tree)
    } else if try !lookOn(&scanner, &lines, after: .header, isLast: isLast) {
      return
    }
    try readItems(&scanner, &lines, isLast: isLast)
  }

  /// Takes the commits of a segment from its header on, as far as all of them hold.
  ///
  /// - Returns: Where the next one begins.
  private mutating func takeStretch(
    of segment: UInt64, in file: any StorageFile, behind header: SegmentHeader
  ) throws(StorageError) -> UInt64 {
    var place = UInt64(header.length)
    let start = CommitWindow.Segment(
      file: file, ledger: ledger, first: segment, start: place, isIndexed: streams.isNeeded)
    try stretches.verify(start, after: header.frontier, lastTime, mark: mark) {
      window, judged, frontier in
      streams.take(window.records)
      for commit in window.commits {
        pass(commit.line, at: commit.offset, of: segment)
        judge.pass(commit.line)
        (place, lastTime) = (commit.end, commit.line.time)
      }
      window.forEachNotable { note($0, $1) }
      judge.take(judged)
      tree = frontier
      next = window.commits.last?.line.end ?? next
    }
    return place
  }

  private mutating func readItems(
    _ scanner: inout SegmentScanner, _ lines: inout LineSearch, isLast: Bool
  ) throws(StorageError) {
    while true {
      switch try scanner.readItem() {
      case .commit(let line, let offset): take(line, at: offset, scanner)
      case .seal(let checksum):
        previousSeal = checksum
        return try readAfterSeal(scanner, isLast: isLast)
      case .end where isLast:
        openEnd = LogPosition(size: next, segment: scanner.segment, offset: scanner.offset)
        return
      case .brokenRoot(let line):
        if try isTail(at: scanner, isLast: isLast) { return }
        let end = scanner.offset + UInt64(CommitLine.length + line.bytes)
        report(
          .root, ids: line.first..<line.end, segment: scanner.segment, offset: scanner.offset,
          resumedAt: end)
        checkEvents(line, at: scanner.offset, scanner)
        next = line.end
        tree = nil
        scanner.resume(at: end, next: next, frontier: nil)
      case .end, .invalid:
        if try isTail(at: scanner, isLast: isLast) { return }
        guard try lookOn(&scanner, &lines, after: .commit, isLast: isLast) else { return }
      }
    }
  }

  /// Compares the slots with a commit, and takes its root, where all before it was valid.
  private mutating func pass(_ line: CommitLine, at offset: UInt64, of segment: UInt64) {
    guard validSize == nil else { return }
    slotCheck.pass(line, at: offset, of: segment)
    if line.end <= mark { root = line.root }
  }

  private mutating func take(_ line: CommitLine, at offset: UInt64, _ scanner: SegmentScanner) {
    pass(line, at: offset, of: scanner.segment)
    if validSize == nil, line.first < mark, mark < line.end, var part = tree {
      // No writer makes a mark within a commit; but whatever says so is taken by its word.
      for index in 0..<Int(mark - line.first) {
        part.append(leaf: MerkleTree.leafHash(scanner.eventLine(index)))
      }
      root = part.root
    }
    checkEvents(line, at: offset, scanner)
    if streams.isNeeded { streams.take(StreamRecord.all(of: line, at: offset, scanner)) }
    next = line.end
    tree = scanner.frontier
  }

  /// Notes an event that is well formed.
  private mutating func note(_ line: [UInt8], _ id: UInt64) {
    if let claim = judge.note(line, id), beginning != nil { claims.append(claim) }
  }

  private mutating func checkEvents(
    _ line: CommitLine, at offset: UInt64, _ scanner: SegmentScanner
  ) {
    let body = offset + UInt64(CommitLine.length)
    let isInOrder = lastTime.map { $0 <= line.time } ?? true
    for (index, range) in scanner.eventRanges.enumerated() {
      let id = line.first + UInt64(index)
      let event = unsafe scanner.buffer.span.extracting(range).bytes
      if !isInOrder || !judge.accepts(event, id, of: line) {
        let start = body + UInt64(range.lowerBound - scanner.eventRanges[0].lowerBound)
        report(.event, ids: id..<id + 1, segment: scanner.segment, offset: start)
      } else if judge.isNotable(event) {
        note(scanner.eventLine(index), id)
      }
    }
    judge.pass(line)
    lastTime = line.time
  }

  private mutating func readAfterSeal(
    _ scanner: SegmentScanner, isLast: Bool
  ) throws(StorageError) {
    var scanner = scanner
    if isLast {
      if try scanner.isFill() { return }
      if try isTail(at: scanner, isLast: isLast) { return }
    } else if try scanner.file.size() == scanner.offset {
      return
    }
    report(.seal, ids: next..<next, segment: scanner.segment, offset: scanner.offset)
  }

  // MARK: - What isn't valid

  /// Whether what isn't valid at the scanner's offset lies beyond all that was durable.
  private mutating func isTail(
    at scanner: SegmentScanner, isLast: Bool
  ) throws(StorageError) -> Bool {
    guard isLast, next >= mark else { return false }
    openEnd = LogPosition(size: next, segment: scanner.segment, offset: scanner.offset)
    tail = try TailKind(
      of: scanner.file, from: scanner.offset, segment: scanner.segment, ledger: ledger)
    return true
  }

  /// Reports damage at the scanner's offset and moves the scanner to the next line that can be read.
  ///
  /// - Returns: False where the segment has none; the state is then that at the segment's end.
  private mutating func lookOn(
    _ scanner: inout SegmentScanner, _ lines: inout LineSearch, after kind: Damage.Kind,
    isLast: Bool
  ) throws(StorageError) -> Bool {
    let start = scanner.offset
    lines.skip(to: start + 1)
    while let (line, offset) = try lines.next() {
      let size =
        switch line {
        case .commit(let commit): commit.first
        case .seal(let seal): scanner.segment + seal.count
        }
      guard size >= next else { continue }
      report(
        kind, ids: next..<size, segment: scanner.segment, offset: start, resumedAt: offset)
      pass(to: size)
      scanner.resume(at: offset, next: next, frontier: tree)
      return true
    }
    let end = max(next, segments.first { $0 > scanner.segment } ?? mark)
    let isSealOnly = kind == .commit && end == next
    report(
      isSealOnly ? .seal : kind, ids: next..<end, segment: scanner.segment, offset: start)
    pass(to: end)
    previousSeal = nil
    return false
  }

  /// Passes over events that can't be read, after which the tree isn't known.
  private mutating func pass(to size: UInt64) {
    if size > next { tree = nil }
    next = size
  }
}
