package import Bytes

/// Keeps the hashes of certain perfect subtrees while all leaves of a tree go by once.
///
/// So a proof can be made in one pass over a log that keeps no hashes, in memory for O(log n)
/// hashes: ask for ``InclusionProof/subtrees(index:size:)``, append every leaf, and hand
/// ``hash(of:)`` to `make`.
package struct SubtreeCollector: Sendable {
  private var frontier: Frontier
  private var hashes: [PerfectSubtree: Digest] = [:]
  private let wanted: Set<PerfectSubtree>

  /// A collector of the subtrees `wanted`, before the first leaf.
  ///
  /// - Parameter frontier: Where the leaves begin that will go by: what it holds is known already.
  package init(_ wanted: some Sequence<PerfectSubtree>, from frontier: Frontier = Frontier()) {
    self.wanted = Set(wanted)
    self.frontier = frontier
    for (subtree, hash) in zip(Frontier.subtrees(of: frontier.size), frontier.hashes) {
      hashes[subtree] = hash
    }
  }

  /// Size and root of the tree so far.
  package var head: TreeHead { frontier.head }

  /// Appends a leaf by its hash.
  package mutating func append(leaf: Digest) {
    Self.append(leaf, to: &frontier, keeping: wanted, in: &hashes)
  }

  /// The hash of a subtree that was wanted and is complete by now, or `nil`.
  package func hash(of subtree: PerfectSubtree) -> Digest? { hashes[subtree] }

  private static func append(
    _ leaf: Digest, to frontier: inout Frontier, keeping wanted: Set<PerfectSubtree>,
    in hashes: inout [PerfectSubtree: Digest]
  ) {
    let index = frontier.size
    frontier.append(leaf: leaf) { level, hash in
      guard let subtree = PerfectSubtree(level: level, index: index >> UInt64(level)),
        wanted.contains(subtree)
      else { return }
      hashes[subtree] = hash
    }
  }
}
