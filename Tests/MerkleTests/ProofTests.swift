import Bytes
import Foundation
import Merkle
import Simulation
import Testing

/// All trees up to this size are tried with every leaf and every older tree.
private let greatestSize = 100

/// In trees up to this size every bit of every hash is changed; in larger ones, seeded bits.
private let everyBitSize = 24
private let seed: UInt64 = 0x1F3D_5B79

/// The bits of a hash that a test changes.
private func bits(size: Int, _ random: inout SeededRandom) -> [Int] {
  if size <= everyBitSize { return Array(0..<256) }
  return (0..<3).map { _ in Int.random(in: 0..<256, using: &random) }
}

/// Lists with one hash of `hashes` changed in one bit, one missing, one more, or two exchanged.
private func changed(_ hashes: [Digest], bits: [Int]) -> [[Digest]] {
  var lists: [[Digest]] = []
  for place in hashes.indices {
    for bit in bits {
      var list = hashes
      list[place] = list[place].flipped(bit)
      lists.append(list)
    }
    var list = hashes
    list.remove(at: place)
    lists.append(list)
    if place > 0 {
      list = hashes
      list.swapAt(place - 1, place)
      lists.append(list)
    }
  }
  for place in 0...hashes.count {
    for hash in [MerkleTree.emptyRoot] + hashes.suffix(1) {
      var list = hashes
      list.insert(hash, at: place)
      lists.append(list)
    }
  }
  return lists
}

@Suite("Proofs") struct ProofTests {
  @Test("Every leaf of every tree is proved by the hashes of the recursive definition")
  func inclusion() throws {
    let tree = TestTree(size: greatestSize)
    for size in 1...greatestSize {
      for index in 0..<size {
        let proof = try #require(tree.inclusion(index, size))
        #expect(proof.hashes == tree.path(index, 0..<size), "leaf \(index) of \(size)")
        #expect(
          proof.proves(leaf: tree.leaves[index], at: UInt64(index), in: tree.head(size)),
          "leaf \(index) of \(size)")
        // The cost that is stated; subtrees that don't overlap.
        #expect(tree.asked.count <= 2 * (63 - UInt64(size).leadingZeroBitCount))
        #expect(tree.asked.map(\.leaves.count).reduce(0, +) == size - 1)
        #expect(
          InclusionProof.subtrees(index: UInt64(index), size: UInt64(size)) == tree.asked)
      }
      #expect(tree.inclusion(size, size) == nil)
    }
    #expect(tree.inclusion(0, 0) == nil)
  }

  @Test("Every tree is proved to grow into every larger one by the hashes of the definition")
  func consistency() throws {
    let tree = TestTree(size: greatestSize)
    for new in 1...greatestSize {
      for old in 1...new {
        let proof = try #require(tree.consistencyProof(old, new))
        #expect(proof.hashes == tree.consistency(old, 0..<new), "\(old) to \(new)")
        #expect(proof.proves(tree.head(old), growsInto: tree.head(new)), "\(old) to \(new)")
        #expect(tree.asked.count <= 2 * (63 - UInt64(new).leadingZeroBitCount) + 1)
        #expect(Set(tree.asked).count == tree.asked.count)
        #expect(
          ConsistencyProof.subtrees(from: UInt64(old), to: UInt64(new)) == tree.asked)
      }
      #expect(tree.consistencyProof(0, new) == nil)
      #expect(tree.consistencyProof(new + 1, new) == nil)
    }
    #expect(tree.consistencyProof(0, 0) == nil)
  }

  @Test("An inclusion proof fails with any bit, hash or index changed")
  func inclusionChanges() throws {
    var random = SeededRandom(seed: seed)
    let tree = TestTree(size: greatestSize)
    for size in 1...greatestSize {
      let head = tree.head(size)
      for index in 0..<size {
        let proof = try #require(tree.inclusion(index, size))
        let leaf = tree.leaves[index]
        let bits = bits(size: size, &random)
        func isProved(
          _ hashes: [Digest], _ leaf: Digest, at index: Int, in head: TreeHead
        ) -> Bool {
          InclusionProof(hashes: hashes).proves(leaf: leaf, at: UInt64(index), in: head)
        }
        for hashes in changed(proof.hashes, bits: bits) {
          #expect(!isProved(hashes, leaf, at: index, in: head), "\(index) of \(size), seed \(seed)")
        }
        for bit in bits {
          #expect(!isProved(proof.hashes, leaf.flipped(bit), at: index, in: head))
          let other = TreeHead(size: head.size, root: head.root.flipped(bit))
          #expect(!isProved(proof.hashes, leaf, at: index, in: other))
        }
        for other in 0...size + 2 where other != index {
          #expect(
            !isProved(proof.hashes, leaf, at: other, in: head), "\(index) as \(other) of \(size)")
        }
      }
    }
  }

  @Test("A consistency proof fails with any bit or hash changed, or the heads exchanged")
  func consistencyChanges() throws {
    var random = SeededRandom(seed: seed)
    let tree = TestTree(size: greatestSize)
    for new in 1...greatestSize {
      for old in 1...new {
        let proof = try #require(tree.consistencyProof(old, new))
        let (from, to) = (tree.head(old), tree.head(new))
        let bits = bits(size: new, &random)
        for hashes in changed(proof.hashes, bits: bits) {
          #expect(
            !ConsistencyProof(hashes: hashes).proves(from, growsInto: to),
            "\(old) to \(new), seed \(seed)")
        }
        for bit in bits {
          #expect(
            !proof.proves(
              TreeHead(size: from.size, root: from.root.flipped(bit)), growsInto: to))
          #expect(
            !proof.proves(from, growsInto: TreeHead(size: to.size, root: to.root.flipped(bit))))
        }
        if old != new { #expect(!proof.proves(to, growsInto: from)) }
      }
    }
  }

  @Test("With another size, a proof is accepted exactly where the recursive verifier accepts it")
  func otherSizes() throws {
    // A root doesn't always fix the size: leaf 0 has the same way up in trees of 3 and of 4. The
    // size has to come from the same signature as the root.
    let tree = TestTree(size: 40)
    var accepted = 0
    var refused = 0
    for size in 1...40 {
      for index in 0..<size {
        let proof = try #require(tree.inclusion(index, size))
        let leaf = tree.leaves[index]
        for other in 0...90 {
          let head = TreeHead(size: UInt64(other), root: tree.root(0..<size))
          let verdict = proof.proves(leaf: leaf, at: UInt64(index), in: head)
          #expect(
            verdict
              == RecursiveProof.inclusion(proof, leaf: leaf, at: UInt64(index), in: head),
            "\(index) of \(size) as of \(other)")
          if other != size { verdict ? (accepted += 1) : (refused += 1) }
        }
      }
      for old in 1...size {
        let proof = try #require(tree.consistencyProof(old, size))
        for (otherOld, otherNew) in (0...44).flatMap({ [($0, size), (old, $0)] }) {
          let from = TreeHead(size: UInt64(otherOld), root: tree.root(0..<old))
          let to = TreeHead(size: UInt64(otherNew), root: tree.root(0..<size))
          #expect(
            proof.proves(from, growsInto: to) == RecursiveProof.consistency(proof, from, to),
            "\(old) to \(size) as \(otherOld) to \(otherNew)")
        }
      }
    }
    #expect(accepted > 100 && refused > 100)
  }

  @Test("What is in no tree, and a tree of no leaves, is never proved")
  func nothing() {
    let empty = TreeHead(size: 0, root: MerkleTree.emptyRoot)
    let one = TestTree(size: 1)
    let none = InclusionProof(hashes: [])
    #expect(none.proves(leaf: one.leaves[0], at: 0, in: one.head(1)))
    #expect(!none.proves(leaf: empty.root, at: 0, in: empty))
    #expect(!none.proves(leaf: one.leaves[0], at: .max, in: one.head(1)))
    let nothing = ConsistencyProof(hashes: [])
    #expect(nothing.proves(one.head(1), growsInto: one.head(1)))
    #expect(!nothing.proves(empty, growsInto: empty))
    #expect(!nothing.proves(empty, growsInto: one.head(1)))
    #expect(!ConsistencyProof(hashes: [one.leaves[0]]).proves(empty, growsInto: one.head(1)))
  }

  @Test("A collector that sees every leaf once has what any proof needs")
  func collector() throws {
    let tree = TestTree(size: 70)
    for size in 1...70 {
      for index in 0..<size {
        let needed = try #require(
          InclusionProof.subtrees(index: UInt64(index), size: UInt64(size)))
        var collector = SubtreeCollector(needed)
        for leaf in tree.leaves.prefix(size) { collector.append(leaf: leaf) }
        #expect(collector.head == tree.head(size))
        let proof = try InclusionProof.make(index: UInt64(index), size: UInt64(size)) { subtree in
          try #require(collector.hash(of: subtree))
        }
        #expect(proof == tree.inclusion(index, size))
      }
    }
    let unwanted = try #require(PerfectSubtree(level: 0, index: 0))
    var collector = SubtreeCollector([])
    collector.append(leaf: tree.leaves[0])
    #expect(collector.hash(of: unwanted) == nil)
  }

  @Test("A perfect subtree is one whose leaves can be counted")
  func subtrees() throws {
    #expect(PerfectSubtree(level: 0, index: 5)?.leaves == 5..<6)
    #expect(PerfectSubtree(level: 3, index: 2)?.leaves == 16..<24)
    #expect(PerfectSubtree(level: 63, index: 0)?.leaves == 0..<1 << 63)
    #expect(PerfectSubtree(level: 0, index: .max - 1)?.leaves == .max - 1..<UInt64.max)
    #expect(PerfectSubtree(level: 0, index: .max) == nil)
    #expect(PerfectSubtree(level: 63, index: 1) == nil)
    #expect(PerfectSubtree(level: 64, index: 0) == nil)
    #expect(PerfectSubtree(level: -1, index: 0) == nil)
    // The largest trees are walked without a trap.
    for size: UInt64 in [.max, 1 << 63, (1 << 63) - 1] {
      for index: UInt64 in [0, 1, size / 2, size - 1] {
        let parts = try #require(InclusionProof.subtrees(index: index, size: size))
        #expect(parts.count <= 126)
        let older = try #require(ConsistencyProof.subtrees(from: index + 1, to: size))
        #expect(older.count <= 127)
      }
    }
  }
}
