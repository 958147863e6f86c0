package import Bytes

/// What a log commits to: how many leaves its tree has, and their root.
package struct TreeHead: Hashable, Sendable {
  /// How many leaves.
  package let size: UInt64

  /// Their root; ``MerkleTree/emptyRoot`` where there are none.
  package let root: Digest

  /// The head of a tree of `size` leaves.
  package init(size: UInt64, root: Digest) {
    self.size = size
    self.root = root
  }
}
