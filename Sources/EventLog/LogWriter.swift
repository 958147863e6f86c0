package import Bytes
package import Merkle

/// The one writer of a log: appends commits, makes them durable, closes segments, never goes back.
///
/// Whoever holds it holds the lock on `head`. After any failed write or sync it refuses to go on:
/// what is durable is then found by opening the log again.
package struct LogWriter: ~Copyable {
  /// What opening found and did.
  package private(set) var recovery: Recovery
  /// The tree of all events, durable or not.
  package private(set) var frontier: Frontier
  /// Where the log ends; what lies beyond ``durable`` was written and not yet synchronized.
  package private(set) var end: LogPosition
  package private(set) var durable: LogPosition
  /// The time of the last commit; the next one's isn't earlier.
  package private(set) var lastTime: Instant

  private let storage: any Storage
  private let ledger: LedgerID
  private let head: any StorageFile
  private let segmentBytes: UInt64
  private var file: any StorageFile
  private var generation: UInt64
  private var lastCommitOffset: UInt64
  private var isStopped = false
  private var staged = StagedCommits()
  private let growth = TreeGrowth()
  private var fill = SegmentFill()

  /// How many events the log holds, durable or not; also the id of the next event.
  package var size: UInt64 { frontier.size }

  /// How many events whole commits hold that were handed to the system, durable or not.
  ///
  /// After a failure: the commits of events from here on are certainly not in the log.
  package private(set) var handedOver: UInt64

  /// Writes one commit; it is durable only after ``synchronize()``.
  ///
  /// - Parameters:
  ///   - lines: 1...65,536 canonical event lines of at most 65,535 bytes, without newlines.
  ///   - time: The `time` of these events, not earlier than ``lastTime``.
  /// - Throws: `.commitTooLarge` or `.eventTooLong` before anything is written; `.notWritten` when
  ///   the commit is certainly not in the log, and `.outcomeUnknown` when commits before it, written
  ///   since the last sync, may or may not be. After these two the writer is stopped.
  package mutating func append(_ lines: [[UInt8]], time: Instant) throws(LogError) -> Receipt {
    let receipt = try stage(lines, time: time)
    try writeStaged()
    return receipt
  }

  /// Adds one commit to those that ``synchronize()`` writes all at once and makes durable.
  ///
  /// Of many commits that aren't durable yet some are written before, so that at most 1 MiB and one
  /// commit waits in memory.
  ///
  /// - Throws: As ``append(_:time:)`` does; after `.notWritten` and `.outcomeUnknown`,
  ///   ``handedOver`` says which of the commits since the last sync may be in the log.
  package mutating func stage(_ lines: [[UInt8]], time: Instant) throws(LogError) -> Receipt {
    guard !isStopped else { throw .writerStopped }
    return try stage(try PreparedCommit(lines), time: time)
  }

  /// Adds a commit that was made ready before.
  ///
  /// - Throws: As ``append(_:time:)`` does, but for what making it ready throws.
  package mutating func stage(
    _ commit: PreparedCommit, time: Instant
  ) throws(LogError) -> Receipt {
    guard !isStopped else { throw .writerStopped }
    invariant(time >= lastTime, "a commit's time is before the last one's")
    let length = UInt64(CommitLine.length + commit.byteCount)
    if end.offset + length > segmentBytes, end.size > end.segment {
      try writeStaged()
      try roll(at: time)
    }
    if staged.bytes.count >= StagedCommits.limit { try writeStaged() }
    let offset = end.offset
    let leaves = commit.leaves
    var taken = leaves
    growth.take(&taken, after: size)
    frontier = growth.join(frontier)
    let place = CommitLine(
      first: end.size, count: leaves.count, bytes: commit.byteCount, time: time,
      body: commit.checksum, root: frontier.root, durable: durable)
    let line = place.encoded(in: ledger, segment: end.segment, offset: offset)
    invariant(line.count == CommitLine.length, "a commit line has \(line.count) bytes")
    lastTime = time
    lastCommitOffset = offset
    end.size = frontier.size
    end.offset = offset + length
    staged.add(commit, line: line, at: offset, end: end)
    return Receipt(
      first: place.first, leaves: leaves, root: place.root, segment: end.segment,
      bodyOffset: offset + UInt64(CommitLine.length))
  }

  /// Hands all that is staged to the system in one write.
  private mutating func writeStaged() throws(LogError) {
    guard !isStopped else { throw .writerStopped }
    do {
      try staged.write(to: file)
      handedOver = end.size
    } catch {
      isStopped = true
      handedOver = staged.wholeSize ?? handedOver
      throw durable.size == handedOver ? .notWritten(error) : .outcomeUnknown(error)
    }
  }

  /// Makes all that was appended or staged durable, and says so in `head`.
  ///
  /// - Throws: `.outcomeUnknown`: what was handed over since the last success may or may not be
  ///   durable. `.notWritten`: nothing of it is in the log.
  package mutating func synchronize() throws(LogError) {
    try synchronize(with: oneByOne) {}
  }

  /// Does the same, and meanwhile what doesn't depend on its success.
  ///
  /// - Parameters:
  ///   - workers: Where they are two threads, one waits for the disk, and the other does the work.
  ///   - work: Is done in any case, once.
  package mutating func synchronize(
    with workers: Workers, meanwhile work: @escaping @Sendable () -> Void
  ) throws(LogError) {
    if isStopped || durable == end {
      work()
      if isStopped { throw .writerStopped }
      return
    }
    do throws(LogError) { try writeStaged() } catch {
      work()
      throw error
    }
    let written = Handed(file)
    do {
      _ = try doing(2, by: workers) { piece throws(StorageError) in
        if piece == 0 { try written.value.synchronize() } else { work() }
      }
      durable = end
      try writeHead()
    } catch {
      isStopped = true
      throw .outcomeUnknown(error)
    }
  }

  /// Fills the active segment with newlines so far ahead, where less than half of that is left, so
  /// that the next commits needn't make the file grow (`FORMAT.md` §3.4).
  ///
  /// Without room for it the log goes on without fill. It becomes durable with the next commit.
  ///
  /// - Parameter bytes: How far, at most to the segment's size.
  package mutating func fillAhead(_ bytes: UInt64) {
    guard !isStopped else { return }
    fill.extend(file, from: end.offset, by: bytes, limit: segmentBytes)
  }

  /// Takes away the fill, as whoever gives up the lock must; what follows the log's end is gone then.
  ///
  /// - Throws: `.storage`; all acknowledged commits are durable nevertheless.
  package mutating func cutFill() throws(LogError) {
    guard !isStopped else { throw .writerStopped }
    try synchronize()
    do {
      if try fill.cut(file, at: end.offset) { try file.synchronize() }
    } catch {
      throw .storage(error)
    }
  }

  /// Makes what ``synchronize()`` wrote into `head` durable too, so that not even its older slot is needed.
  ///
  /// - Throws: `.storage`; all acknowledged commits are durable nevertheless.
  package mutating func synchronizeHead() throws(LogError) {
    guard !isStopped else { throw .writerStopped }
    try reporting { () throws(StorageError) in try head.synchronize() }
  }

  private mutating func writeHead() throws(StorageError) {
    generation += 1
    let slot = HeadSlot(
      generation: generation, position: durable, commitOffset: lastCommitOffset,
      root: frontier.root, frontier: frontier)
    try head.writeFully(slot.encoded(in: ledger), at: slot.offset)
  }

  /// Closes the active segment before it has its size, and begins the next one.
  ///
  /// - Returns: False where it holds no commit yet, so that there is nothing to close.
  /// - Throws: `.outcomeUnknown`, `.notWritten`: the writer is stopped then.
  package mutating func closeSegment(at time: Instant) throws(LogError) -> Bool {
    guard !isStopped else { throw .writerStopped }
    try synchronize()
    guard end.size > end.segment else { return false }
    try roll(at: max(time, lastTime))
    return true
  }

  /// Closes the active segment and begins the next one.
  private mutating func roll(at time: Instant) throws(LogError) {
    do {
      let seal = SealLine(
        count: end.size - end.segment, bytes: end.offset, root: frontier.root)
      let (line, checksum) = seal.encoded(in: ledger, segment: end.segment)
      try file.writeFully(line, at: end.offset)
      end.offset += UInt64(line.count)
      // Behind a seal that has a successor stands nothing.
      _ = try fill.cut(file, at: end.offset)
      try file.synchronize()
      durable = end
      try writeHead()
      try head.synchronize()
      try beginSegment(previous: checksum, at: time)
    } catch {
      isStopped = true
      throw durable.size == end.size ? .notWritten(error) : .outcomeUnknown(error)
    }
  }

  private mutating func beginSegment(previous: UInt32, at time: Instant) throws(StorageError) {
    let header = SegmentHeader(
      first: size, created: max(time, lastTime), previous: previous, frontier: frontier)
    file = try SegmentMaker(storage: storage, ledger: ledger).make(header)
    fill = SegmentFill()
    end = LogPosition(size: size, segment: size, offset: UInt64(header.length))
    durable = end
    lastCommitOffset = end.offset
    lastTime = header.created
    try writeHead()
  }
}

/// What an append answers: where the events stand, and the root that now commits to them.
package struct Receipt: Hashable, Sendable {
  /// The id of the first event; the others follow without gaps.
  package let first: UInt64
  /// The leaf hash of each event.
  package let leaves: [Digest]
  /// The root of the tree of all events up to and with these.
  package let root: Digest
  package let segment: UInt64
  /// Where the first event line begins in the segment.
  package let bodyOffset: UInt64

  /// The number of events in the ledger after this commit.
  package var size: UInt64 { first + UInt64(leaves.count) }

  package init(
    first: UInt64, leaves: [Digest], root: Digest, segment: UInt64, bodyOffset: UInt64
  ) {
    self.first = first
    self.leaves = leaves
    self.root = root
    self.segment = segment
    self.bodyOffset = bodyOffset
  }
}

// MARK: - Creating and opening

extension LogWriter {
  /// Makes the log of a new ledger: its first segment and `head`; `LEDGER` is the caller's to write, last.
  ///
  /// Leftovers of an earlier try that wrote no `LEDGER` are written over.
  package static func create(
    in storage: any Storage, identity: LedgerIdentity, segmentBytes: UInt64 = LogLimit.segmentBytes
  ) throws(LogError) -> LogWriter {
    do {
      for directory in [LogPath.logDirectory, LogPath.quarantineDirectory] {
        try storage.ensureDirectory(directory)
      }
      let header = SegmentHeader(
        first: 0, created: identity.created, previous: 0, frontier: Frontier())
      let file = try SegmentMaker(storage: storage, ledger: identity.id).make(header)
      let head = try storage.openFresh(LogPath.head)
      let end = LogPosition(size: 0, segment: 0, offset: UInt64(header.length))
      var writer = LogWriter(
        recovery: Recovery(), frontier: Frontier(), end: end, durable: end,
        lastTime: identity.created, storage: storage, ledger: identity.id, head: head,
        segmentBytes: segmentBytes, file: file, generation: 1, lastCommitOffset: end.offset,
        handedOver: 0)
      try writer.writeHead()
      try head.synchronize()
      try storage.synchronizeDirectory(".")
      return writer
    } catch {
      throw .storage(error)
    }
  }

  /// Opens a log whose `head` the caller has locked, after doing what its end needs.
  ///
  /// - Parameters:
  ///   - head: `head`, open for writing and locked.
  ///   - knownDurable: How many events something outside of the log shows to have been durable.
  /// - Throws: `.needsRepair` where more than a crash happened; nothing was changed then.
  package static func open(
    _ storage: any Storage, identity: LedgerIdentity, head: any StorageFile,
    knownDurable: UInt64 = 0, segmentBytes: UInt64 = LogLimit.segmentBytes
  ) throws(LogError) -> LogWriter {
    let slots = try reporting { () throws(StorageError) in
      try Head.slots(of: head, in: identity.id)
    }
    let survey = try LogSurvey(
      storage: storage, identity: identity, slots: slots, knownDurable: knownDurable)
    let isRebuildable = survey.end.state == .headLost && survey.endsWithFill
    guard survey.end.state == .clean || survey.end.state == .torn || isRebuildable else {
      throw .needsRepair(survey.end)
    }
    do {
      return try recovered(survey, storage, identity, head: head, segmentBytes: segmentBytes)
    } catch {
      throw .storage(error)
    }
  }

  private static func recovered(
    _ survey: LogSurvey, _ storage: any Storage, _ identity: LedgerIdentity,
    head: any StorageFile, segmentBytes: UInt64
  ) throws(StorageError) -> LogWriter {
    guard let frontier = survey.scanner.frontier else {
      fatalError("invariant broken: the tree at the log's end isn't known")
    }
    let end = survey.end.valid
    let file = try storage.open(LogPath.segment(end.segment), for: .writing)
    let quarantine = Quarantine(storage: storage)
    var recovery = Recovery()
    for name in survey.unfinished {
      recovery.quarantined.append(try quarantine.move(unfinished: name))
    }
    recovery.adopted = survey.start.size..<end.size
    recovery.isHeadRebuilt = survey.slots.isEmpty
    if survey.slots.first?.position.segment != end.segment {
      // A slot names a segment once its name is durable; until then the system may hold that in
      // memory only, too.
      try storage.synchronizeDirectory(LogPath.logDirectory)
    }
    let isTold = end == survey.start && !survey.slots.isEmpty
    if !isTold {
      let from = survey.start.segment == end.segment ? survey.start.offset : 0
      try writeAgain(from..<end.offset, of: file)
    }
    var writer = LogWriter(
      recovery: Recovery(), frontier: frontier, end: end, durable: end,
      lastTime: survey.lastTime, storage: storage, ledger: identity.id, head: head,
      segmentBytes: segmentBytes, file: file, generation: survey.slots.first?.generation ?? 1,
      lastCommitOffset: survey.lastCommitOffset, handedOver: end.size)
    if !isTold { try writer.writeHead() }
    if survey.slots.isEmpty {
      // Both slots, durably: without one, the next crash would stop the ledger.
      try writer.writeHead()
      try head.synchronize()
      try storage.synchronizeDirectory(".")
    }
    if survey.end.state == .torn {
      // The commit lines in the tail may be all that shows how much was durable: `head` says so first.
      try head.synchronize()
      recovery.quarantined.append(
        try quarantine.copy(
          end.offset..<survey.end.fileLength, of: file, segment: end.segment, reason: .torn))
    }
    if survey.end.fileLength > end.offset {
      try file.truncate(to: end.offset)
      try file.synchronize()
    }
    if let checksum = survey.seal {
      try writer.beginSegment(previous: checksum, at: survey.lastTime)
    }
    writer.recovery = recovery
    return writer
  }

  /// Writes bytes over themselves and synchronizes, since the system may hold them in memory only.
  private static func writeAgain(
    _ range: Range<UInt64>, of file: any StorageFile
  ) throws(StorageError) {
    try forEachPiece(of: file, range) { (bytes, offset) throws(StorageError) in
      try file.writeFully(bytes, at: offset)
    }
    try file.synchronize()
  }
}
