import Bytes

/// A subtree of 2^`level` leaves, the `index`-th of its level: the leaves `leaves`.
///
/// Its hash never changes once the tree has all its leaves, so it can be stored: proofs of any tree
/// are made from hashes of perfect subtrees alone.
package struct PerfectSubtree: Hashable, Sendable {
  /// 0 for a leaf.
  package let level: Int

  /// Counted from the left, from 0.
  package let index: UInt64

  /// The `index`-th subtree of 2^`level` leaves, or `nil` where its last leaf's index can't be told
  /// in 64 bits.
  package init?(level: Int, index: UInt64) {
    guard (0...63).contains(level), index <= (UInt64.max >> UInt64(level)) - 1 else { return nil }
    self.level = level
    self.index = index
  }

  fileprivate init(uncheckedLevel level: Int, index: UInt64) {
    self.level = level
    self.index = index
  }

  /// The indexes of its leaves.
  package var leaves: Range<UInt64> {
    index << UInt64(level)..<(index + 1) << UInt64(level)
  }

  /// The perfect subtrees that `leaves` consists of, from left to right.
  ///
  /// The range must be one that RFC 6962 §2.1 makes by splitting a tree: then there is one for each
  /// bit of its count that is set, the largest first, so at most 64.
  static func parts(of leaves: Range<UInt64>) -> [PerfectSubtree] {
    var parts: [PerfectSubtree] = []
    var next = leaves.lowerBound
    while next < leaves.upperBound {
      let level = 63 - (leaves.upperBound - next).leadingZeroBitCount
      let part = PerfectSubtree(uncheckedLevel: level, index: next >> UInt64(level))
      invariant(part.leaves.lowerBound == next, "leaf \(next) begins no subtree of level \(level)")
      parts.append(part)
      next = part.leaves.upperBound
    }
    return parts
  }

  /// MTH(D[leaves]) from the hashes of its parts; each is asked for once, from left to right.
  ///
  /// The range must not be empty, and is as ``parts(of:)`` says.
  static func root<Failure>(
    of leaves: Range<UInt64>, hash: (PerfectSubtree) throws(Failure) -> Digest
  ) throws(Failure) -> Digest {
    var hashes: [Digest] = []
    for part in parts(of: leaves) { hashes.append(try hash(part)) }
    return MerkleTree.fold(hashes)
  }
}

extension MerkleTree {
  /// The root of a row of subtrees, each smaller than the one before: SHA-256(0x01 || left || right
  /// so far), from the right end; the root of no leaves where there is none.
  static func fold(_ hashes: [Digest]) -> Digest {
    guard var root = hashes.last else { return emptyRoot }
    for subtree in hashes.dropLast().reversed() { root = nodeHash(subtree, root) }
    return root
  }

  /// Where RFC 6962 §2.1 splits a tree of `count` leaves: the largest power of two below `count`,
  /// which must be at least 2.
  static func split(_ count: UInt64) -> UInt64 { 1 << UInt64(63 - (count - 1).leadingZeroBitCount) }
}
