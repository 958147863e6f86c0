package import Bytes
import Merkle

/// Something in the log that can't be vouched for (`FORMAT.md` §7).
package struct Damage: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case missing, surplus, header, commit, root, seal, event
  }

  package let kind: Kind
  /// The events concerned; empty where none is.
  package let ids: Range<UInt64>
  package let segment: UInt64
  package let offset: UInt64
}

/// What verifying found, in whole (`FORMAT.md` §7).
package struct LogReport: Sendable {
  package let state: RecoveryState
  /// In the order of the log.
  package let damage: [Damage]
  /// The durable mark W.
  package let mark: UInt64
  /// How many events, from event 0 on, are whole and durable.
  package let size: UInt64
  /// The root of the tree of those.
  package let root: Digest
  /// How many whole events stand beyond the mark.
  package let notDurable: UInt64

  /// The report as every verifier prints it, without its newline.
  package func json(of ledger: LedgerIdentity) -> JSON {
    [
      "damage": .array(damage.map(\.json)),
      "durable": .string(String(mark)),
      "ledger_id": .string(ledger.id.hex),
      "not_durable": .string(String(notDurable)),
      "origin": .string(ledger.origin),
      "root": .string(root.base64),
      "size": .string(String(size)),
      "state": .string(state.rawValue),
      "v": 1,
    ]
  }
}

extension Damage {
  fileprivate var json: JSON {
    var object = JSONObject()
    if let last = ids.last {
      object["first"] = .string(String(ids.lowerBound))
      object["last"] = .string(String(last))
    }
    object["offset"] = .integer(Int64(offset))
    object["segment"] = .string(padded(segment, 16))
    object["what"] = .string(kind.rawValue)
    return .object(object)
  }
}

/// Reads a whole log once and checks every line, checksum, hash and name.
///
/// It opens nothing for writing, holds a commit at a time, and goes on after damage.
package struct LogVerifier {
  /// Says whether a line is the well-formed event with that id in that commit (`FORMAT.md` §4.2).
  package typealias EventCheck = (_ line: [UInt8], _ id: UInt64, _ commit: CommitLine) -> Bool

  private let storage: any Storage
  private let ledger: LedgerID
  private let check: EventCheck
  private var segments: [UInt64] = []
  private var hasSlot = false
  private var mark: UInt64 = 0

  private var damage: [Damage] = []
  /// The number of events so far, damaged ones counted.
  private var next: UInt64 = 0
  private var frontier: Frontier? = Frontier()
  private var previousSeal: UInt32? = 0
  private var lastTime: Instant?
  /// Where the valid events end, once something before wasn't valid.
  private var validEnd: (size: UInt64, root: Digest)?
  /// The roots after those commits where the durable mark may still turn out to be.
  private var roots: [(size: UInt64, root: Digest)] = []
  private var tail = TailKind.fill
  private var hasTailBytes = false

  package init(
    _ storage: any Storage, identity: LedgerIdentity, check: @escaping EventCheck
  ) {
    self.storage = storage
    ledger = identity.id
    self.check = check
  }

  /// Reads the log.
  ///
  /// - Throws: `.storage` only: whatever the files hold is an answer and no error.
  package mutating func verify() throws(LogError) -> LogReport {
    do {
      try readHead()
      segments = try storage.list(LogPath.logDirectory).compactMap(LogPath.segment(named:))
      if let last = segments.last {
        let file = try storage.open(LogPath.segment(last), for: .reading)
        if try readHeader(of: last, in: file, ledger) != nil { mark = max(mark, last) }
      }
      for segment in segments { try readSegment(segment, isLast: segment == segments.last) }
    } catch {
      throw .storage(error)
    }
    return report()
  }

  private mutating func readHead() throws(StorageError) {
    do {
      let slots = try Head.slots(of: storage.open(LogPath.head, for: .reading), in: ledger)
      hasSlot = !slots.isEmpty
      mark = slots.map(\.position.size).max() ?? 0
    } catch {
      guard error.isMissing else { throw error }
    }
  }

  private func report() -> LogReport {
    let isBroken = damage.contains { $0.kind != .event && $0.kind != .surplus }
    let state = RecoveryState(
      reachesMark: next >= mark && !segments.isEmpty, tail: tail, hasSlot: hasSlot,
      isBrokenBeforeLastSegment: isBroken)
    let end = validEnd ?? (next, frontier?.root ?? MerkleTree.emptyRoot)
    let size = min(end.size, mark)
    let root = size == end.size ? end.root : roots.last { $0.size == size }?.root
    return LogReport(
      state: state, damage: damage, mark: mark, size: size, root: root ?? MerkleTree.emptyRoot,
      notDurable: next > mark ? next - mark : 0)
  }

  private mutating func report(
    _ kind: Damage.Kind, ids: Range<UInt64>, segment: UInt64, offset: UInt64
  ) {
    if kind != .event, kind != .surplus, validEnd == nil {
      validEnd = (next, frontier?.root ?? MerkleTree.emptyRoot)
    }
    damage.append(Damage(kind: kind, ids: ids, segment: segment, offset: offset))
  }

  // MARK: - One segment

  private mutating func readSegment(_ segment: UInt64, isLast: Bool) throws(StorageError) {
    if segment < next {
      report(.surplus, ids: next..<next, segment: segment, offset: 0)
      return
    }
    if segment > next {
      report(.missing, ids: next..<segment, segment: next, offset: 0)
      next = segment
      frontier = nil
      previousSeal = nil
    }
    let file = try storage.open(LogPath.segment(segment), for: .reading)
    var scanner = SegmentScanner(
      file: file, segment: segment, ledger: ledger, offset: 0, next: next, frontier: nil)
    if let header = try readHeader(of: segment, in: file, ledger) {
      let continues =
        (frontier == nil || frontier == header.frontier)
        && (previousSeal == nil || previousSeal == header.previous)
      if !continues { report(.header, ids: next..<next, segment: segment, offset: 0) }
      frontier = header.frontier
      scanner = SegmentScanner(
        file: file, segment: segment, ledger: ledger, offset: UInt64(header.length), next: next,
        frontier: frontier)
    } else if try !resume(&scanner, after: .header, isLast: isLast) {
      return
    }
    roots = [(next, frontier?.root ?? MerkleTree.emptyRoot)]
    try readItems(&scanner, isLast: isLast)
  }

  private mutating func readItems(
    _ scanner: inout SegmentScanner, isLast: Bool
  ) throws(StorageError) {
    while true {
      switch try scanner.readItem() {
      case .commit(let line, let offset): take(line, at: offset, scanner)
      case .seal(let checksum):
        previousSeal = checksum
        return try readAfterSeal(&scanner, isLast: isLast)
      case .end:
        previousSeal = nil
        if !isLast {
          report(.seal, ids: next..<next, segment: scanner.segment, offset: scanner.offset)
        }
        return
      case .invalid(let invalidity):
        if isLast, try isTail(at: scanner) { return }
        switch invalidity {
        case .commit:
          guard try resume(&scanner, after: .commit, isLast: isLast) else { return }
        case .seal:
          report(.seal, ids: next..<next, segment: scanner.segment, offset: scanner.offset)
          previousSeal = nil
          return
        case .root(let line):
          report(
            .root, ids: line.first..<line.end, segment: scanner.segment, offset: scanner.offset)
          let end = scanner.offset + UInt64(CommitLine.length + line.bytes)
          checkEvents(line, at: scanner.offset, scanner)
          scanner.resume(at: end, next: line.end)
          next = line.end
          frontier = nil
        }
      }
    }
  }

  private mutating func take(_ line: CommitLine, at offset: UInt64, _ scanner: SegmentScanner) {
    checkEvents(line, at: offset, scanner)
    next = line.end
    frontier = scanner.frontier
    // Only roots at or above the mark can be asked for; so this stays as short as what isn't durable.
    roots.removeAll { $0.size < mark }
    roots.append((next, line.root))
  }

  private mutating func checkEvents(
    _ line: CommitLine, at offset: UInt64, _ scanner: SegmentScanner
  ) {
    let body = offset + UInt64(CommitLine.length)
    let isInOrder = lastTime.map { $0 <= line.time } ?? true
    for (index, range) in scanner.eventRanges.enumerated() {
      let id = line.first + UInt64(index)
      if !isInOrder || !check(scanner.eventLine(index), id, line) {
        let start = body + UInt64(range.lowerBound - scanner.eventRanges[0].lowerBound)
        report(.event, ids: id..<id + 1, segment: scanner.segment, offset: start)
      }
    }
    lastTime = line.time
    mark = max(mark, line.durable.size)
  }

  private mutating func readAfterSeal(
    _ scanner: inout SegmentScanner, isLast: Bool
  ) throws(StorageError) {
    let end = scanner.offset
    if case .end = try scanner.readItem() {
      let length = try scanner.file.size()
      if isLast || length == end { return }
    }
    if isLast, try isTail(at: scanner) { return }
    report(.seal, ids: next..<next, segment: scanner.segment, offset: scanner.offset)
  }

  // MARK: - After damage

  /// Whether what isn't valid at the scanner's offset lies beyond all that was durable.
  private mutating func isTail(at scanner: SegmentScanner) throws(StorageError) -> Bool {
    let bytes = try TailBytes(
      of: scanner.file, from: scanner.offset, size: next, segment: scanner.segment,
      ledger: ledger)
    mark = max(mark, bytes.mark)
    guard next >= mark else { return false }
    tail = bytes.kind
    return true
  }

  /// Reports damage at the scanner's offset and moves the scanner to the next commit that can be read.
  ///
  /// - Returns: False where the segment has none; the state is then that at the segment's end.
  private mutating func resume(
    _ scanner: inout SegmentScanner, after kind: Damage.Kind, isLast: Bool
  ) throws(StorageError) -> Bool {
    if kind == .header, isLast, try isTail(at: scanner) { return false }
    let start = scanner.offset
    let found = try LineSearch(
      file: scanner.file, segment: scanner.segment, ledger: ledger
    ).first(after: start, minimum: next)
    switch found {
    case .commit(let line, let offset):
      report(kind, ids: next..<line.first, segment: scanner.segment, offset: start)
      scanner.resume(at: offset, next: line.first)
      next = line.first
      frontier = nil
      return true
    case .seal, nil:
      let successor = segments.first { $0 > scanner.segment }
      let end = max(next, successor ?? mark)
      report(kind, ids: next..<end, segment: scanner.segment, offset: start)
      next = end
      frontier = nil
      previousSeal = nil
      if case .seal(let checksum) = found { previousSeal = checksum }
      return false
    }
  }
}

/// Looks for lines of the log's own that are valid by themselves, wherever they stand.
struct LineSearch {
  enum Found {
    case commit(CommitLine, offset: UInt64)
    case seal(checksum: UInt32)
  }

  let file: any StorageFile
  let segment: UInt64
  let ledger: LedgerID

  /// The first commit line after `start` whose first id is at least `minimum`, or else the first seal.
  func first(after start: UInt64, minimum: UInt64) throws(StorageError) -> Found? {
    var seal: Found?
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset = start
    while true {
      let count = try file.readFully(into: &buffer, range: 0..<buffer.count, at: offset)
      var index = 0
      while let newline = indexOfNewline(in: buffer.span, from: index, to: count) {
        index = newline + 1
        let place = offset + UInt64(index)
        let rest = buffer[index..<count]
        guard rest.first == UInt8(ascii: "#") else { continue }
        if let line = CommitLine(
          rest.prefix(CommitLine.length), in: ledger, segment: segment, offset: place),
          line.first >= minimum
        {
          return .commit(line, offset: place)
        }
        if seal == nil,
          let line = SealLine(
            rest.prefix(SealLine.length), in: ledger, segment: segment, offset: place)
        {
          seal = .seal(checksum: line.crc)
        }
      }
      guard count == buffer.count else { return seal }
      offset += UInt64(count - 1_024)
    }
  }
}
