import Bytes
import Merkle

/// Finds where the log ends, reading from the newest head slot on and not from the beginning.
///
/// So it costs what was written since the slot, usually nothing. Where the slot doesn't help (none is valid,
/// or the log doesn't reach it) it reads the last segment from its header.
struct LogSurvey {
  let storage: any Storage
  let identity: LedgerIdentity
  /// Both head slots as far as they are valid, the newer one first.
  let slots: [HeadSlot]
  /// All segments' names in order.
  let segments: [UInt64]
  /// Names in `log/` of segments whose making was interrupted.
  let unfinished: [String]

  // What the walk found.
  private(set) var scanner: SegmentScanner
  /// Where the walk began: what is written above it may not be durable yet.
  private(set) var start: LogPosition
  /// The `time` of the last commit, or of the header where the segment has none.
  private(set) var lastTime: Instant
  private(set) var lastCommitOffset: UInt64
  /// The checksum of the seal that ends the segment, where one does.
  private(set) var seal: UInt32?
  private(set) var end: LogEnd
  /// Whether only newlines follow the valid log.
  private(set) var endsWithFill = false
  private var slotCheck: SlotCheck

  /// - Parameters:
  ///   - slots: The valid slots of `head`, the newer one first.
  ///   - knownDurable: How many events something outside of the log shows to have been durable.
  init(
    storage: any Storage, identity: LedgerIdentity, slots: [HeadSlot], knownDurable: UInt64
  ) throws(LogError) {
    self.storage = storage
    self.identity = identity
    self.slots = slots
    let ledger = identity.id
    (segments, unfinished) = try reporting { () throws(StorageError) in
      let segments = try storage.segments()
      let names = segments.isEmpty ? [] : try storage.list(LogPath.logDirectory)
      return (segments, names.filter { $0.hasSuffix(".log" + LogPath.unfinishedSuffix) })
    }
    slotCheck = SlotCheck(slots)
    let known = try reporting { () throws(StorageError) in
      try Head.knownSize(slots, in: storage, of: identity)
    }
    let mark = max(1, known, knownDurable)
    guard let last = segments.last else {
      let nothing = LogPosition(size: 0, segment: 0, offset: 0)
      throw .needsRepair(
        LogEnd(state: .lostTail, valid: nothing, mark: mark, fileLength: 0))
    }
    let begin = try Self.begin(
      storage, ledger, slots: slots, segments: segments, last: last, mark: mark)
    scanner = begin.scanner
    start = LogPosition(
      size: begin.scanner.next, segment: begin.scanner.segment, offset: begin.scanner.offset)
    lastTime = begin.lastTime
    lastCommitOffset = begin.commitOffset
    seal = begin.seal
    end = LogEnd(state: .corrupt, valid: start, mark: mark, fileLength: 0)
    slotCheck.begin(at: start, begin.scanner.frontier ?? Frontier())
    try reporting { () throws(StorageError) in try self.walk(mark: mark) }
  }

  private struct Beginning {
    var scanner: SegmentScanner
    var lastTime: Instant
    var commitOffset: UInt64
    var seal: UInt32?
  }

  /// Chooses where to begin: after the newest slot's last commit where that still verifies, else at
  /// the header of the slot's segment, else at the last segment's.
  private static func begin(
    _ storage: any Storage, _ ledger: LedgerID, slots: [HeadSlot], segments: [UInt64],
    last: UInt64, mark: UInt64
  ) throws(LogError) -> Beginning {
    if let slot = slots.first, segments.contains(slot.position.segment),
      let beginning = try atSlot(slot, storage, ledger)
    {
      return beginning
    }
    let candidates = [slots.first?.position.segment, last].compactMap { $0 }
    for segment in candidates where segments.contains(segment) {
      if let beginning = try atHeader(of: segment, storage, ledger) { return beginning }
    }
    let valid = LogPosition(size: last, segment: last, offset: 0)
    throw .needsRepair(
      LogEnd(state: .corrupt, valid: valid, mark: max(mark, last), fileLength: 0))
  }

  private static func atHeader(
    of segment: UInt64, _ storage: any Storage, _ ledger: LedgerID
  ) throws(LogError) -> Beginning? {
    try reporting { () throws(StorageError) -> Beginning? in
      let file = try storage.open(LogPath.segment(segment), for: .reading)
      guard let header = try readHeader(of: segment, in: file, ledger) else { return nil }
      let scanner = SegmentScanner(
        file: file, segment: segment, ledger: ledger, offset: UInt64(header.length),
        next: segment, frontier: header.frontier)
      return Beginning(
        scanner: scanner, lastTime: header.created, commitOffset: UInt64(header.length), seal: nil)
    }
  }

  /// Begins where the slot says that the durable log ends, if its last commit verifies there.
  private static func atSlot(
    _ slot: HeadSlot, _ storage: any Storage, _ ledger: LedgerID
  ) throws(LogError) -> Beginning? {
    guard let frontier = slot.frontier else { return nil }
    let position = slot.position
    return try reporting { () throws(StorageError) -> Beginning? in
      let file = try storage.open(LogPath.segment(position.segment), for: .reading)
      guard let header = try readHeader(of: position.segment, in: file, ledger) else { return nil }
      if slot.commitOffset == position.offset {
        guard position.offset == UInt64(header.length), position.size == header.first,
          header.frontier == frontier
        else { return nil }
        let scanner = SegmentScanner(
          file: file, segment: header.first, ledger: ledger, offset: position.offset,
          next: header.first, frontier: frontier)
        return Beginning(
          scanner: scanner, lastTime: header.created, commitOffset: position.offset, seal: nil)
      }
      guard
        let line = try readCommitLine(at: slot.commitOffset, of: position.segment, file, ledger),
        slot.agrees(with: line, at: slot.commitOffset, of: position.segment)
      else { return nil }
      var last = SegmentScanner(
        file: file, segment: position.segment, ledger: ledger, offset: slot.commitOffset,
        next: line.first, frontier: nil)
      guard case .commit = try last.readItem() else { return nil }
      var seal: UInt32?
      if last.offset < position.offset {
        guard case .seal(let checksum) = try last.readItem() else { return nil }
        seal = checksum
      }
      guard last.offset == position.offset else { return nil }
      let scanner = SegmentScanner(
        file: file, segment: position.segment, ledger: ledger, offset: position.offset,
        next: position.size, frontier: frontier)
      return Beginning(
        scanner: scanner, lastTime: line.time, commitOffset: slot.commitOffset, seal: seal)
    }
  }

  /// Walks over commits, seals and successors until something isn't valid or the log ends.
  private mutating func walk(mark knownMark: UInt64) throws(StorageError) {
    var mark = max(knownMark, try markOfLastHeader())
    while true {
      if let checksum = seal {
        let isFill = try scanner.isFill()
        if isFill, let header = try successor(sealedBy: checksum) {
          let file = try storage.open(LogPath.segment(header.first), for: .reading)
          scanner = SegmentScanner(
            file: file, segment: header.first, ledger: identity.id,
            offset: UInt64(header.length), next: header.first, frontier: header.frontier)
          lastTime = max(lastTime, header.created)
          lastCommitOffset = UInt64(header.length)
          seal = nil
          continue
        }
        return try finish(endsWithFill: isFill, mark: mark)
      }
      switch try scanner.readItem() {
      case .commit(let line, let offset):
        mark = max(mark, line.durable.size)
        slotCheck.pass(line, at: offset, of: scanner.segment)
        lastTime = line.time
        lastCommitOffset = offset
      case .seal(let checksum): seal = checksum
      case .end: return try finish(endsWithFill: true, mark: mark)
      case .brokenRoot, .invalid: return try finish(endsWithFill: false, mark: mark)
      }
    }
  }

  /// What the name of the last segment proves: all before it was durable when it was made.
  private func markOfLastHeader() throws(StorageError) -> UInt64 {
    guard let last = segments.last, last != scanner.segment else { return scanner.segment }
    let file = try storage.open(LogPath.segment(last), for: .reading)
    return try readHeader(of: last, in: file, identity.id) == nil ? 0 : last
  }

  /// The header of the segment that follows the sealed one, where it exists and continues it.
  private func successor(sealedBy checksum: UInt32) throws(StorageError) -> SegmentHeader? {
    guard segments.contains(scanner.next), scanner.next != scanner.segment else { return nil }
    let file = try storage.open(LogPath.segment(scanner.next), for: .reading)
    guard let header = try readHeader(of: scanner.next, in: file, identity.id),
      header.previous == checksum, header.frontier == scanner.frontier
    else { return nil }
    return header
  }

  private mutating func finish(endsWithFill: Bool, mark: UInt64) throws(StorageError) {
    self.endsWithFill = endsWithFill
    var tail = TailKind.fill
    var wholeMark = mark
    if !endsWithFill {
      tail = try TailKind(
        of: scanner.file, from: scanner.offset, segment: scanner.segment, ledger: identity.id)
      wholeMark = try max(
        mark,
        LineSearch.greatestDurable(
          in: scanner.file, of: scanner.segment, in: identity.id, from: scanner.offset))
    }
    let isShort = scanner.next < wholeMark
    let isHeadAtOdds = !slotCheck.atOdds.isEmpty
    let isBroken =
      scanner.segment != segments.last || isShort && !endsWithFill || isHeadAtOdds
    end = LogEnd(
      state: RecoveryState(
        isBroken: isBroken, isShort: isShort, hasSlot: !slots.isEmpty, tail: tail),
      valid: LogPosition(
        size: scanner.next, segment: scanner.segment, offset: scanner.offset),
      mark: wholeMark, fileLength: try scanner.file.size(), isHeadAtOdds: isHeadAtOdds)
  }
}
