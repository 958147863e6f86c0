package import Bytes

/// The proof that a tree has a certain leaf at a certain index (RFC 9162 §2.1.3): the hashes beside
/// the way from the leaf to the root, the leaf's sibling first.
///
/// Whoever is shown one knows leaf, index and ``TreeHead`` from elsewhere. The inverse pair: for
/// all `index` < `size`,
/// ```
/// InclusionProof.make(index: index, size: size, hash: h)
///   .proves(leaf: h(leaf at index), at: index, in: TreeHead(size: size, root: MTH(D[size])))
/// ```
package struct InclusionProof: Hashable, Sendable {
  /// At most 64.
  package let hashes: [Digest]

  /// The proof that somebody else made of `hashes`; nothing is checked yet.
  package init(hashes: [Digest]) { self.hashes = hashes }

  /// PATH(index, D[size]), or `nil` where a tree of `size` leaves has no such leaf.
  ///
  /// - Parameter hash: Gives the hash of a perfect subtree of the tree; asked at most 2⌊log₂ size⌋
  ///   times, for subtrees that don't overlap.
  package static func make<Failure>(
    index: UInt64, size: UInt64, hash: (PerfectSubtree) throws(Failure) -> Digest
  ) throws(Failure) -> InclusionProof? {
    guard let siblings = siblings(index: index, size: size) else { return nil }
    var hashes: [Digest] = []
    for leaves in siblings { hashes.append(try PerfectSubtree.root(of: leaves, hash: hash)) }
    return InclusionProof(hashes: hashes)
  }

  /// The subtrees that ``make(index:size:hash:)`` asks for, or `nil` where it would give `nil`.
  package static func subtrees(index: UInt64, size: UInt64) -> [PerfectSubtree]? {
    siblings(index: index, size: size)?.flatMap(PerfectSubtree.parts(of:))
  }

  /// Whether the tree `head` has a leaf of hash `leaf` at `index` (RFC 9162 §2.1.3.2).
  package func proves(leaf: Digest, at index: UInt64, in head: TreeHead) -> Bool {
    guard index < head.size else { return false }
    // The way up: the number of the node among its level, and that of the level's last node.
    var node = index
    var last = head.size - 1
    var root = leaf
    for hash in hashes {
      if last == 0 { return false }
      if node & 1 == 1 || node == last {
        root = MerkleTree.nodeHash(hash, root)
        // The last node of a level without a sibling is itself a node of the level above.
        while node & 1 == 0 && node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        root = MerkleTree.nodeHash(root, hash)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 && root == head.root
  }

  /// The leaves under each hash of the proof, the leaf's sibling first.
  private static func siblings(index: UInt64, size: UInt64) -> [Range<UInt64>]? {
    guard index < size else { return nil }
    var siblings: [Range<UInt64>] = []
    var lower: UInt64 = 0
    var upper = size
    while upper - lower > 1 {
      let middle = lower + MerkleTree.split(upper - lower)
      if index < middle {
        siblings.append(middle..<upper)
        upper = middle
      } else {
        siblings.append(lower..<middle)
        lower = middle
      }
    }
    return siblings.reversed()
  }
}
