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
    line.text("root", root.hex)
    var bytes = line.finished(at: Place(ledger: ledger, path: LogPath.head, offset: offset))
    bytes.append(contentsOf: repeatElement(0x0A, count: Self.frontierOffset - bytes.count))

    var second = LineWriter("frontier")
    second.number("generation", generation, width: 16)
    second.number("size", position.size, width: 16)
    second.hashes("hashes", frontier?.hashes ?? [])
    bytes += second.finished(
      at: Place(
        ledger: ledger, path: LogPath.head, offset: offset + UInt64(Self.frontierOffset)))
    bytes.append(contentsOf: repeatElement(0x0A, count: Self.length - bytes.count))
    return bytes
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

/// The file `head`, of which the writer holds the lock.
struct Head {
  /// Both slots, as far as they are valid, the newer one first.
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
