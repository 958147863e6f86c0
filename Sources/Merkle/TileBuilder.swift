package import Bytes

/// Makes the tiles of a tree whose leaf hashes arrive one at a time.
///
/// It holds at most 255 hashes a level; on average a leaf costs less than one node and 33 bytes of
/// tiles.
package struct TileBuilder: Sendable {
  /// How many leaves there are.
  package private(set) var size: UInt64 = 0

  /// The hashes of each level behind its last full tile.
  private var pending: [TileHashes] = []

  /// The builder of the tree without leaves.
  package init() {}

  /// Goes on where a tree of `head` ended, whose full tiles are there already.
  ///
  /// - Parameter partials: The bytes of each partial tile of that tree, or of a wider one at its
  ///   place.
  /// - Returns: `nil` where one is missing or they don't fold to the head's root.
  package init?(resuming head: TreeHead, partials: [Tile: [UInt8]]) {
    for level in TileLevel.all(size: head.size) {
      guard let tile = level.partial else {
        pending.append(TileHashes())
        continue
      }
      guard let bytes = partials[tile], let hashes = TileHashes(bytes, width: tile.width) else {
        return nil
      }
      pending.append(hashes)
    }
    size = head.size
    guard self.head == head else { return nil }
  }

  /// Size and root of the tree so far.
  package var head: TreeHead {
    TreeHead(size: size, root: MerkleTree.fold(pending.reversed().flatMap(\.frontier)))
  }

  /// Appends a leaf by its hash, and hands each tile that it fills to `write`, lower levels first.
  ///
  /// After a failure of `write` the builder is of no use.
  ///
  /// - Throws: What `write` throws.
  package mutating func append<Failure>(
    leaf: Digest, write: (Tile, [UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    invariant(size < Frontier.greatestSize, "a tree of \(size) leaves is full")
    size += 1
    var hash = leaf
    var level = 0
    while true {
      if level == pending.count { pending.append(TileHashes()) }
      pending[level].append(hash)
      guard pending[level].hashes.count == Tile.fullWidth else { return }
      let index = size >> UInt64(8 * (level + 1)) - 1
      try write(Tile(level: level, index: index, width: Tile.fullWidth), pending[level].bytes)
      hash = pending[level].root(0..<Tile.fullWidth)
      pending[level] = TileHashes()
      level += 1
    }
  }

  /// The partial tiles of the tree so far, lower levels first.
  package var partials: [(tile: Tile, bytes: [UInt8])] {
    TileLevel.all(size: size).compactMap { level in
      level.partial.map { ($0, pending[level.level].bytes) }
    }
  }
}
