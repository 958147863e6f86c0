package import Bytes

/// Answers for perfect subtrees from tiles that nobody has to trust: each tile is checked up to the
/// root before a hash of it is used.
///
/// The partial tiles fold to the root together, a full tile to its hash in the tile above. So a
/// proof from `n` leaves reads at most two tiles a level, 2⌈log₂₅₆ n⌉, and every further one of the
/// same tree fewer: tiles that were checked are kept, 8 KiB each.
package struct TileReader {
  /// The tree that the tiles are of, from a verified checkpoint.
  package let head: TreeHead

  private let read: (Tile) -> [UInt8]?

  /// Tiles that were checked, by level and index.
  private var known: [Place: TileHashes] = [:]

  private struct Place: Hashable {
    var level: Int
    var index: UInt64
  }

  /// A reader of the tree `head`.
  ///
  /// - Parameter read: Gives the bytes of a tile of hashes, or of a wider one at its place, or `nil`
  ///   where there is none.
  package init(head: TreeHead, read: @escaping (Tile) -> [UInt8]?) {
    self.head = head
    self.read = read
  }

  /// The hash of a perfect subtree of the tree; what ``InclusionProof`` and ``ConsistencyProof`` ask
  /// for.
  ///
  /// - Throws: `.missingTile`, `.falseTiles`, or `.outsideTree` where the tree hasn't all of the
  ///   subtree's leaves.
  package mutating func hash(of subtree: PerfectSubtree) throws(EvidenceError) -> Digest {
    guard subtree.leaves.upperBound <= head.size else {
      throw .outsideTree(leaves: subtree.leaves, size: head.size)
    }
    // Hashes of 2^(8 * level) leaves stand in tiles; the levels between are folded from them.
    let level = subtree.level / 8
    let count: UInt64 = 1 << UInt64(subtree.level % 8)
    let first = subtree.index * count
    let hashes = try hashes(at: Place(level: level, index: first / 256))
    let start = Int(first % 256)
    return hashes.root(start..<start + Int(count))
  }

  /// The hashes of a tile, checked.
  private mutating func hashes(at place: Place) throws(EvidenceError) -> TileHashes {
    // Up to the first tile that is known already or partial; what is above is the root's.
    var unknown: [Place] = []
    var place = place
    while known[place] == nil, !isPartial(place) {
      unknown.append(place)
      place = Place(level: place.level + 1, index: place.index / 256)
    }
    if known[place] == nil { try readPartialTiles() }
    invariant(known[place] != nil, "no tile \(place.index) on level \(place.level)")
    var hashes = known[place, default: TileHashes()]
    for place in unknown.reversed() {
      let tile = Tile(level: place.level, index: place.index, width: Tile.fullWidth)
      let root = hashes.hashes[Int(place.index % 256)]
      hashes = try readTile(tile)
      guard hashes.root(0..<Tile.fullWidth) == root else { throw .falseTiles([tile]) }
      known[place] = hashes
    }
    return hashes
  }

  private func isPartial(_ place: Place) -> Bool {
    TileLevel(level: place.level, size: head.size).fullCount == place.index
  }

  /// Reads the tiles of the tree's right edge, and checks them against the root.
  private mutating func readPartialTiles() throws(EvidenceError) {
    let tiles = TileLevel.all(size: head.size).compactMap(\.partial)
    var read: [TileHashes] = []
    for tile in tiles { read.append(try readTile(tile)) }
    guard MerkleTree.fold(read.reversed().flatMap(\.frontier)) == head.root else {
      throw .falseTiles(tiles)
    }
    for (tile, hashes) in zip(tiles, read) {
      guard case .hashes(let level) = tile.content else { continue }
      known[Place(level: level, index: tile.index)] = hashes
    }
  }

  private func readTile(_ tile: Tile) throws(EvidenceError) -> TileHashes {
    guard let bytes = read(tile) else { throw .missingTile(tile) }
    guard let hashes = TileHashes(bytes, width: tile.width) else { throw .falseTiles([tile]) }
    return hashes
  }
}
