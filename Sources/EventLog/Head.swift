import Bytes
import Merkle

/// One of the two slots of `head`: what was durable when it was written (`FORMAT.md` §5).
struct HeadSlot: Equatable {
  static let length = 4_096
  /// Where the frontier's line begins in the slot.
  private static let frontierOffset = 512
  private static let lineLength = 204
  private static func frontierLength(hashes count: Int) -> Int { 81 + 64 * count }

  /// Grows by one with each writing; its lowest bit names the slot.
  let generation: UInt64
  let position: LogPosition
  /// Where the line of the last durable commit begins; the header's length where there is none yet.
  let commitOffset: UInt64
  let root: Digest
  /// The tree of the durable events, or `nil` where its line was torn or damaged.
  let frontier: Frontier?

  /// Where the slot begins in `head`.
  var offset: UInt64 { (generation & 1) * UInt64(Self.length) }

  func encoded(in ledger: LedgerID) -> [UInt8] {
    var line = LineWriter("head")
    line.number("generation", generation, width: 16)
    line.number("size", position.size, width: 16)
    line.number("segment", position.segment, width: 16)
    line.number("offset", position.offset, width: 12)
    line.number("commit", commitOffset, width: 12)
    line.hash("root", root)
    var second = LineWriter("frontier")
    second.number("generation", generation, width: 16)
    second.number("size", position.size, width: 16)
    second.hashes("hashes", frontier?.hashes ?? [])

    var bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: Self.length)
    put(line, at: 0, of: &bytes, in: ledger)
    put(second, at: Self.frontierOffset, of: &bytes, in: ledger)
    return bytes
  }

  private func put(
    _ line: consuming LineWriter, at start: Int, of bytes: inout [UInt8], in ledger: LedgerID
  ) {
    let place = Place(ledger: ledger, path: LogPath.head, offset: offset + UInt64(start))
    let line = line.finished(at: place)
    bytes.replaceSubrange(start..<start + line.count, with: line)
  }

  init(
    generation: UInt64, position: LogPosition, commitOffset: UInt64, root: Digest,
    frontier: Frontier?
  ) {
    self.generation = generation
    self.position = position
    self.commitOffset = commitOffset
    self.root = root
    self.frontier = frontier
  }

  /// Reads the slot that begins at `offset` of `head`; `nil` where its first line isn't valid.
  init?(_ bytes: ArraySlice<UInt8>, at offset: UInt64, in ledger: LedgerID) {
    guard bytes.count >= Self.lineLength,
      var line = LineReader(bytes.prefix(Self.lineLength), word: "head"),
      let generation = line.number("generation", width: 16),
      let size = line.number("size", width: 16), let segment = line.number("segment", width: 16),
      let end = line.number("offset", width: 12), let commit = line.number("commit", width: 12),
      let root = line.hash("root"),
      line.verifiedChecksum(at: Place(ledger: ledger, path: LogPath.head, offset: offset)) != nil,
      generation & 1 == offset / UInt64(Self.length)
    else { return nil }
    let frontier = Self.frontier(
      bytes, at: offset, generation: generation, size: size, in: ledger)
    self.init(
      generation: generation, position: LogPosition(size: size, segment: segment, offset: end),
      commitOffset: commit, root: root, frontier: frontier?.root == root ? frontier : nil)
  }

  private static func frontier(
    _ bytes: ArraySlice<UInt8>, at offset: UInt64, generation: UInt64, size: UInt64,
    in ledger: LedgerID
  ) -> Frontier? {
    let start = bytes.startIndex + frontierOffset
    let length = frontierLength(hashes: size.nonzeroBitCount)
    guard start + length <= bytes.endIndex,
      var line = LineReader(bytes[start..<start + length], word: "frontier"),
      line.number("generation", width: 16) == generation,
      line.number("size", width: 16) == size,
      let hashes = line.hashes("hashes", count: size.nonzeroBitCount),
      line.verifiedChecksum(
        at: Place(ledger: ledger, path: LogPath.head, offset: offset + UInt64(frontierOffset)))
        != nil
    else { return nil }
    return Frontier(size: size, hashes: hashes)
  }
}

// MARK: - Agreement with the log

extension HeadSlot {
  /// Whether it tells of the place behind the header of a segment that has no commit yet.
  var isAtHeader: Bool {
    position.segment == position.size && position.offset == commitOffset
      && commitOffset == UInt64(SegmentHeader.length(first: position.size))
  }

  /// Whether it is right, where the commit that holds its last event stands there.
  func agrees(with line: CommitLine, at offset: UInt64, of segment: UInt64) -> Bool {
    let end = offset + UInt64(CommitLine.length + line.bytes)
    let isAfterCommit =
      position.segment == segment && commitOffset == offset
      && (position.offset == end || position.offset == end + UInt64(SealLine.length))
    return position.size == line.end && root == line.root && (isAfterCommit || isAtHeader)
  }

  /// Whether it isn't wrong, where the log is read from a place with as many events before it.
  func agrees(withBeginning place: LogPosition, _ frontier: Frontier) -> Bool {
    let header = UInt64(SegmentHeader.length(first: place.segment))
    let isHeader = place.size == place.segment && place.offset == header
    return root == frontier.root
      && (!isHeader || position.segment != place.segment || isAtHeader)
  }
}

/// Compares slots with the log while it is read (`FORMAT.md` §5).
struct SlotCheck {
  private var pending: [HeadSlot]
  private(set) var atOdds: [HeadSlot] = []

  init(_ slots: [HeadSlot] = []) {
    pending = slots
    settle {
      $0.position.size == 0
    } agreeing: {
      $0.isAtHeader && $0.root == MerkleTree.emptyRoot
    }
  }

  /// - Parameters:
  ///   - place: Where reading begins; a slot of fewer events isn't looked at then.
  ///   - frontier: The tree of the events before.
  mutating func begin(at place: LogPosition, _ frontier: Frontier) {
    settle {
      $0.position.size <= place.size
    } agreeing: { slot in
      slot.position.size < place.size || slot.agrees(withBeginning: place, frontier)
    }
  }

  /// Takes the next valid commit.
  mutating func pass(_ line: CommitLine, at offset: UInt64, of segment: UInt64) {
    guard pending.contains(where: { $0.position.size <= line.end }) else { return }
    settle {
      $0.position.size <= line.end
    } agreeing: { slot in
      slot.agrees(with: line, at: offset, of: segment)
    }
  }

  private mutating func settle(
    _ isReached: (HeadSlot) -> Bool, agreeing: (HeadSlot) -> Bool
  ) {
    atOdds += pending.filter { isReached($0) && !agreeing($0) }
    pending.removeAll(where: isReached)
  }
}

/// The file `head`, of which the writer holds the lock.
package enum Head {
  /// Opens the file for writing, and makes it where it is missing.
  ///
  /// A crash doesn't lose it; without it the log alone tells what was durable.
  package static func open(in storage: any Storage) throws(StorageError) -> any StorageFile {
    do {
      return try storage.open(LogPath.head, for: .writing)
    } catch {
      guard error.isMissing else { throw error }
    }
    do {
      let file = try storage.open(LogPath.head, for: .creating)
      try storage.synchronizeDirectory(".")
      return file
    } catch {
      guard error.alreadyExists else { throw error }
      return try storage.open(LogPath.head, for: .writing)
    }
  }

  /// How many events were durable, as the valid slots say, or else the newest checkpoint.
  static func knownSize(
    _ slots: [HeadSlot], in storage: any Storage, of identity: LedgerIdentity
  ) throws(StorageError) -> UInt64 {
    guard let known = slots.map(\.position.size).max() else {
      return try CheckpointFiles(storage).claimedSize(of: identity)
    }
    return known
  }

  /// How many events were durable when the newer slot was written; 0 where none is valid.
  ///
  /// It costs two small reads: whoever waits for events asks it again and again.
  package static func newestSize(
    in storage: any Storage, of ledger: LedgerID
  ) throws(StorageError) -> UInt64 {
    try slots(in: storage, of: ledger).first?.position.size ?? 0
  }

  /// Both slots as far as they are valid, the newer one first; none where there is no such file.
  static func slots(
    in storage: any Storage, of ledger: LedgerID
  ) throws(StorageError) -> [HeadSlot] {
    do {
      return try slots(of: storage.open(LogPath.head, for: .reading), in: ledger)
    } catch {
      guard error.isMissing else { throw error }
      return []
    }
  }

  static func slots(of file: any StorageFile, in ledger: LedgerID) throws(StorageError)
    -> [HeadSlot]
  {
    var bytes = [UInt8](repeating: 0, count: 2 * HeadSlot.length)
    let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: 0)
    var slots: [HeadSlot] = []
    for start in [0, HeadSlot.length] where start < count {
      let end = min(count, start + HeadSlot.length)
      if let slot = HeadSlot(bytes[start..<end], at: UInt64(start), in: ledger) {
        slots.append(slot)
      }
    }
    return slots.sorted { $0.generation > $1.generation }
  }
}
