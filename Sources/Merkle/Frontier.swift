package import Bytes

/// What of a Merkle tree must be kept to append to it: the roots of its perfect subtrees.
///
/// A tree of `size` leaves is a row of perfect subtrees, one for each bit of `size` that is set,
/// the largest first (leftmost): `size` 6 = 4 + 2 is the root of leaves 0...3, then the root of
/// 4...5.
package struct Frontier: Hashable, Sendable {
  /// The greatest size that a stored frontier may claim; appending to it can't overflow.
  package static let greatestSize = UInt64(Int64.max)

  /// How many leaves the tree has.
  package private(set) var size: UInt64

  /// The roots of the perfect subtrees, the largest first.
  package private(set) var hashes: [Digest]

  /// The frontier of the tree without leaves.
  package init() {
    size = 0
    hashes = []
  }

  /// The frontier of a stored tree, or `nil` where `hashes` can't be that of a tree of `size`
  /// leaves.
  ///
  /// The inverse of ``size`` and ``hashes``: `Frontier(size: f.size, hashes: f.hashes) == f`.
  package init?(size: UInt64, hashes: [Digest]) {
    guard size <= Self.greatestSize, hashes.count == size.nonzeroBitCount else { return nil }
    self.size = size
    self.hashes = hashes
  }

  /// Appends a leaf by its hash; on average that makes less than one node.
  package mutating func append(leaf: Digest) { append(leaf: leaf) { _, _ in } }

  /// Appends a leaf, and tells `completed` of each perfect subtree that it completes, by level: the
  /// leaf itself first.
  package mutating func append(
    leaf: Digest, completed: (_ level: Int, _ hash: Digest) -> Void
  ) {
    // As in adding 1 to `size`: each trailing 1 is a perfect subtree that the carry joins.
    var subtree = leaf
    completed(0, subtree)
    for level in 0..<(~size).trailingZeroBitCount {
      subtree = MerkleTree.nodeHash(hashes.removeLast(), subtree)
      completed(level + 1, subtree)
    }
    hashes.append(subtree)
    size += 1
  }

  /// The perfect subtrees whose roots are the frontier of a tree of `size` leaves, in its order.
  package static func subtrees(of size: UInt64) -> [PerfectSubtree] {
    PerfectSubtree.parts(of: 0..<size)
  }

  /// The root of the whole tree, from O(log n) nodes.
  package var root: Digest { MerkleTree.fold(hashes) }

  /// Size and root.
  package var head: TreeHead { TreeHead(size: size, root: root) }
}
