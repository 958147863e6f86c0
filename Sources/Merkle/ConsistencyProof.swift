package import Bytes

/// The proof that one tree begins with all leaves of another, in their order (RFC 9162 §2.1.4).
///
/// The inverse pair: for all 0 < `old` <= `new`,
/// ```
/// ConsistencyProof.make(from: old, to: new, hash: h)
///   .proves(TreeHead(size: old, root: MTH(D[old])), growsInto: TreeHead(size: new, …))
/// ```
package struct ConsistencyProof: Hashable, Sendable {
  /// At most 64; none where the trees are of one size.
  package let hashes: [Digest]

  /// The proof that somebody else made of `hashes`; nothing is checked yet.
  package init(hashes: [Digest]) { self.hashes = hashes }

  /// PROOF(old, D[new]), or `nil` unless 0 < `old` <= `new`: nothing can be proved of no leaves.
  ///
  /// - Parameter hash: Gives the hash of a perfect subtree of the new tree; asked at most
  ///   2⌊log₂ new⌋ + 1 times, for subtrees that don't overlap.
  package static func make<Failure>(
    from old: UInt64, to new: UInt64, hash: (PerfectSubtree) throws(Failure) -> Digest
  ) throws(Failure) -> ConsistencyProof? {
    guard let nodes = nodes(from: old, to: new) else { return nil }
    var hashes: [Digest] = []
    for leaves in nodes { hashes.append(try PerfectSubtree.root(of: leaves, hash: hash)) }
    return ConsistencyProof(hashes: hashes)
  }

  /// The subtrees that ``make(from:to:hash:)`` asks for, or `nil` where it would give `nil`.
  package static func subtrees(from old: UInt64, to new: UInt64) -> [PerfectSubtree]? {
    nodes(from: old, to: new)?.flatMap(PerfectSubtree.parts(of:))
  }

  /// Whether `new` begins with all leaves of `old` (RFC 9162 §2.1.4.2).
  ///
  /// An `old` without leaves is refused: every tree begins with none, so a proof says nothing.
  package func proves(_ old: TreeHead, growsInto new: TreeHead) -> Bool {
    guard old.size > 0, old.size <= new.size else { return false }
    if old.size == new.size { return hashes.isEmpty && old.root == new.root }
    var hashes = hashes[...]
    // The old tree is a node of the new one where its size is a power of two; else the first hash
    // is that of the largest node which both have at the old tree's right edge.
    var oldRoot = old.root
    if old.size & (old.size - 1) != 0 {
      guard let first = hashes.popFirst() else { return false }
      oldRoot = first
    }
    var newRoot = oldRoot
    // The way up from the old tree's last leaf, as in an inclusion proof.
    let start = UInt64((~(old.size - 1)).trailingZeroBitCount)
    var node = (old.size - 1) >> start
    var last = (new.size - 1) >> start
    for hash in hashes {
      if last == 0 { return false }
      if node & 1 == 1 || node == last {
        oldRoot = MerkleTree.nodeHash(hash, oldRoot)
        newRoot = MerkleTree.nodeHash(hash, newRoot)
        while node & 1 == 0 && node != 0 {
          node >>= 1
          last >>= 1
        }
      } else {
        newRoot = MerkleTree.nodeHash(newRoot, hash)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 && oldRoot == old.root && newRoot == new.root
  }

  /// The leaves under each hash of the proof, in its order.
  private static func nodes(from old: UInt64, to new: UInt64) -> [Range<UInt64>]? {
    guard old > 0, old <= new else { return nil }
    var nodes: [Range<UInt64>] = []
    var lower: UInt64 = 0
    var upper = new
    while old != upper {
      let middle = lower + MerkleTree.split(upper - lower)
      if old <= middle {
        nodes.append(middle..<upper)
        upper = middle
      } else {
        nodes.append(lower..<middle)
        lower = middle
      }
    }
    // The old tree's own root is known to whoever checks; a part of it isn't.
    if lower > 0 { nodes.append(lower..<upper) }
    return nodes.reversed()
  }
}
