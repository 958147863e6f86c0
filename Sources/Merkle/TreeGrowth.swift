package import Bytes

/// The nodes that many leaves at once add to a tree, and from them the root at any size on the way.
///
/// Most of these nodes stand over new leaves alone and don't depend on what came before: they are
/// hashed level by level, many at once. The few that join older leaves with new ones are made when
/// the tree before is known. One growth serves for many stretches of leaves, and keeps its room.
package final class TreeGrowth {
  /// How many leaves the tree had before.
  private var first: UInt64 = 0
  private var count: UInt64 = 0
  /// Of each level the nodes over new leaves alone, beginning with the leaves.
  private var inner: [[Digest]] = [[]]
  /// Of each level the perfect subtree that the tree had before.
  private var before: [Digest?] = []
  /// Of each level the node over older leaves and new ones, where it is complete.
  private var joining: [Digest?] = []

  private var pairs: [BytePart] = []
  private var operands: [Digest] = []

  package init() {}

  /// Takes `leaves`, which follow a tree of `size`, and leaves the array empty.
  package func take(_ leaves: inout [Digest], after size: UInt64) {
    first = size
    count = UInt64(leaves.count)
    inner[0].removeAll(keepingCapacity: true)
    swap(&inner[0], &leaves)
    var level = 0
    while true {
      let skipped = Int(firstInner(level) & 1)
      let parents = max(0, inner[level].count - skipped) / 2
      if inner.count == level + 1 { inner.append([]) }
      inner[level + 1].removeAll(keepingCapacity: true)
      guard parents > 0 else { break }
      Self.hashPairs(inner[level], from: skipped, parents, &pairs, to: &inner[level + 1])
      level += 1
    }
    for level in (level + 1)..<inner.count { inner[level].removeAll(keepingCapacity: true) }
  }

  /// Makes the nodes that join the tree before with the leaves.
  ///
  /// - Parameter frontier: Of the tree that the leaves were said to follow.
  /// - Returns: The frontier of the tree with all of them.
  package func join(_ frontier: Frontier) -> Frontier {
    invariant(frontier.size == first, "leaves that follow \(first) joined a tree of another size")
    before.removeAll(keepingCapacity: true)
    joining.removeAll(keepingCapacity: true)
    var rest = frontier.hashes[...]
    for level in 0..<(UInt64.bitWidth - first.leadingZeroBitCount) {
      before.append(first >> level & 1 == 1 ? rest.popLast() : nil)
    }
    let end = first + count
    joining.append(nil)
    var level = 1
    while first >> level != end >> level {
      let index = first >> level
      joining.append(
        index << level == first
          ? nil : MerkleTree.nodeHash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1)))
      level += 1
    }
    let hashes = (0..<UInt64.bitWidth).reversed().compactMap { level in
      end >> level & 1 == 1 ? node(level, end >> level - 1) : nil
    }
    guard let grown = Frontier(size: end, hashes: hashes) else {
      fatalError("invariant broken: a tree grew to \(end) leaves")
    }
    return grown
  }

  /// Appends the root of the tree at each of `sizes`, which are more than the tree had before, and
  /// at most what it has with the leaves; they must have been joined.
  package func appendRoots(at sizes: [UInt64], to roots: inout [Digest]) {
    let start = roots.count
    // From the lowest perfect subtree of a size to the highest: what is left of each is its bits.
    var rest: [UInt64] = []
    for size in sizes {
      roots.append(node(size.trailingZeroBitCount, size >> size.trailingZeroBitCount - 1))
      rest.append(size & (size - 1))
    }
    var folded: [Digest] = []
    while true {
      operands.removeAll(keepingCapacity: true)
      for index in sizes.indices where rest[index] != 0 {
        let level = rest[index].trailingZeroBitCount
        operands.append(node(level, sizes[index] >> level - 1))
        operands.append(roots[start + index])
      }
      if operands.isEmpty { return }
      folded.removeAll(keepingCapacity: true)
      Self.hashPairs(operands, from: 0, operands.count / 2, &pairs, to: &folded)
      var next = 0
      for index in sizes.indices where rest[index] != 0 {
        roots[start + index] = folded[next]
        rest[index] &= rest[index] - 1
        next += 1
      }
    }
  }

  /// Appends, for each leaf in turn, its hash and those of the perfect subtrees that it completes, by
  /// level; the leaves must have been joined.
  package func appendHashes(to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + Int(2 * count) * Digest.byteCount)
    for leaf in first..<first + count {
      for level in 0...(~leaf).trailingZeroBitCount {
        node(level, leaf >> level).append(to: &bytes)
      }
    }
  }

  /// The index of the first node of a level that stands over new leaves alone.
  private func firstInner(_ level: Int) -> UInt64 {
    first >> level + (first & (1 << level - 1) == 0 ? 0 : 1)
  }

  /// The root of a perfect subtree that is complete, and is the frontier's or one of those behind it.
  private func node(_ level: Int, _ index: UInt64) -> Digest {
    let start = firstInner(level)
    if index >= start { return inner[level][Int(index - start)] }
    let isJoining = index == first >> level && index + 1 == start
    guard let node = isJoining ? joining[level] : before[level] else {
      fatalError("invariant broken: node \(index) of level \(level) isn't known")
    }
    return node
  }

  /// Appends the nodes over so many pairs of neighbours.
  private static func hashPairs(
    _ digests: [Digest], from start: Int, _ count: Int, _ pairs: inout [BytePart],
    to nodes: inout [Digest]
  ) {
    let width = 2 * Digest.byteCount
    pairs.removeAll(keepingCapacity: true)
    let first = start * Digest.byteCount
    for pair in 0..<count {
      pairs.append(BytePart(first + pair * width..<first + (pair + 1) * width))
    }
    unsafe SHA256.append(prefix: 0x01, pairs, of: digests.span.bytes, to: &nodes)
  }
}
