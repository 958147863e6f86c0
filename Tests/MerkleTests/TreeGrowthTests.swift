import Bytes
import Merkle
import Simulation
import Testing

@Suite struct TreeGrowthTests {
  private static func leaf(_ index: UInt64) -> Digest {
    unsafe MerkleTree.leafHash("leaf \(index)".utf8.span.bytes)
  }

  /// The frontiers of the trees of 0, 1, 2… leaves, one leaf after the other.
  private static func frontiers(to size: Int) -> [Frontier] {
    var frontiers = [Frontier()]
    for index in 0..<size {
      var next = frontiers[index]
      next.append(leaf: leaf(UInt64(index)))
      frontiers.append(next)
    }
    return frontiers
  }

  @Test("Any leaves behind any tree give its frontier and every root on the way")
  func everySizeAndCount() {
    let frontiers = Self.frontiers(to: 140)
    // One growth for all: what it keeps must never show.
    let growth = TreeGrowth()
    for first in 0...70 {
      for count in 0...70 {
        var leaves = (first..<first + count).map { Self.leaf(UInt64($0)) }
        growth.take(&leaves, after: UInt64(first))
        #expect(leaves.isEmpty)
        #expect(growth.join(frontiers[first]) == frontiers[first + count], "\(first) + \(count)")
        let sizes = (first..<first + count).map { UInt64($0 + 1) }
        var roots: [Digest] = []
        growth.appendRoots(at: sizes, to: &roots)
        let isSame = roots == sizes.map { frontiers[Int($0)].root }
        #expect(isSame, "the roots from \(first) to \(first + count)")
      }
    }
  }

  @Test("Any leaves behind any tree give the hashes that one leaf after the other completes")
  func hashes() {
    let frontiers = Self.frontiers(to: 70)
    let growth = TreeGrowth()
    for first in 0...35 {
      for count in 0...35 {
        var frontier = frontiers[first]
        var expected: [UInt8] = []
        for index in first..<first + count {
          frontier.append(leaf: Self.leaf(UInt64(index))) { _, hash in hash.append(to: &expected) }
        }
        var leaves = (first..<first + count).map { Self.leaf(UInt64($0)) }
        growth.take(&leaves, after: UInt64(first))
        _ = growth.join(frontiers[first])
        var found: [UInt8] = []
        growth.appendHashes(to: &found)
        #expect(found == expected, "\(first) + \(count)")
      }
    }
  }

  @Test("Leaves that complete subtrees far above them, in a tree of billions")
  func carries() throws {
    for first: UInt64 in [1 << 40 - 1, 1 << 40 - 3, 1 << 33 + 1 << 20 - 2, 3 << 50 - 700] {
      let hashes = (0..<first.nonzeroBitCount).map { Self.leaf(UInt64($0)) }
      let before = try #require(Frontier(size: first, hashes: hashes))
      var expected = before
      var leaves = (0..<1_000).map { Self.leaf($0) }
      var roots: [Digest] = []
      for leaf in leaves {
        expected.append(leaf: leaf)
        roots.append(expected.root)
      }
      let growth = TreeGrowth()
      growth.take(&leaves, after: first)
      #expect(growth.join(before) == expected)
      var found: [Digest] = []
      growth.appendRoots(at: (1...1_000).map { first + $0 }, to: &found)
      let isSame = found == roots
      #expect(isSame, "behind \(first)")
    }
  }
}
