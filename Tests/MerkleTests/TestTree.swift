import Bytes
import Merkle

/// A tree over leaf hashes, and its proofs, by the recursive definitions of RFC 6962 §2.1.
final class TestTree {
  let leaves: [Digest]
  private var roots: [Range<Int>: Digest] = [:]

  /// Which perfect subtrees somebody asked for.
  private(set) var asked: [PerfectSubtree] = []

  init(_ leaves: [Digest]) { self.leaves = leaves }

  convenience init(size: Int) {
    self.init((0..<size).map { MerkleTree.leafHash(Array("entry \($0)".utf8)) })
  }

  /// The largest power of two below `count`.
  static func split(_ count: Int) -> Int {
    var power = 1
    while power * 2 < count { power *= 2 }
    return power
  }

  /// MTH(D[range]).
  func root(_ range: Range<Int>) -> Digest {
    if range.isEmpty { return SHA256.hash([]) }
    if range.count == 1 { return leaves[range.lowerBound] }
    if let known = roots[range] { return known }
    let middle = range.lowerBound + Self.split(range.count)
    let root = MerkleTree.nodeHash(
      root(range.lowerBound..<middle), root(middle..<range.upperBound))
    roots[range] = root
    return root
  }

  func head(_ size: Int) -> TreeHead { TreeHead(size: UInt64(size), root: root(0..<size)) }

  /// PATH(index, D[range]).
  func path(_ index: Int, _ range: Range<Int>) -> [Digest] {
    if range.count == 1 { return [] }
    let middle = range.lowerBound + Self.split(range.count)
    let left = range.lowerBound..<middle
    let right = middle..<range.upperBound
    return index < middle ? path(index, left) + [root(right)] : path(index, right) + [root(left)]
  }

  /// SUBPROOF(old, D[range], isWhole), where `old` counts from the tree's first leaf.
  func consistency(_ old: Int, _ range: Range<Int>, isWhole: Bool = true) -> [Digest] {
    if old == range.upperBound { return isWhole ? [] : [root(range)] }
    let middle = range.lowerBound + Self.split(range.count)
    let left = range.lowerBound..<middle
    let right = middle..<range.upperBound
    return old <= middle
      ? consistency(old, left, isWhole: isWhole) + [root(right)]
      : consistency(old, right, isWhole: false) + [root(left)]
  }

  /// The hash of a perfect subtree, noted in ``asked``.
  func hash(of subtree: PerfectSubtree) -> Digest {
    asked.append(subtree)
    return root(Int(subtree.leaves.lowerBound)..<Int(subtree.leaves.upperBound))
  }

  func inclusion(_ index: Int, _ size: Int) -> InclusionProof? {
    asked = []
    return InclusionProof.make(index: UInt64(index), size: UInt64(size), hash: hash(of:))
  }

  func consistencyProof(_ old: Int, _ new: Int) -> ConsistencyProof? {
    asked = []
    return ConsistencyProof.make(from: UInt64(old), to: UInt64(new), hash: hash(of:))
  }
}

/// What a proof says, by recursion: the second implementation of the verifiers.
enum RecursiveProof {
  /// The root that an inclusion proof implies, or `nil` where it hasn't the right length.
  static func root(
    _ proof: ArraySlice<Digest>, index: UInt64, size: UInt64, leaf: Digest
  ) -> Digest? {
    if size == 1 { return proof.isEmpty ? leaf : nil }
    guard let last = proof.last else { return nil }
    let half = UInt64(TestTree.split(Int(size)))
    if index < half {
      return root(proof.dropLast(), index: index, size: half, leaf: leaf)
        .map { MerkleTree.nodeHash($0, last) }
    }
    return root(proof.dropLast(), index: index - half, size: size - half, leaf: leaf)
      .map { MerkleTree.nodeHash(last, $0) }
  }

  static func inclusion(
    _ proof: InclusionProof, leaf: Digest, at index: UInt64, in head: TreeHead
  ) -> Bool {
    index < head.size
      && root(proof.hashes[...], index: index, size: head.size, leaf: leaf) == head.root
  }

  /// The roots of the old and the new tree that a consistency proof implies.
  static func roots(
    _ proof: ArraySlice<Digest>, old: UInt64, new: UInt64, known: Digest, isWhole: Bool
  ) -> (old: Digest, new: Digest)? {
    if old == new {
      if isWhole { return proof.isEmpty ? (known, known) : nil }
      guard proof.count == 1, let hash = proof.first else { return nil }
      return (hash, hash)
    }
    guard let last = proof.last else { return nil }
    let half = UInt64(TestTree.split(Int(new)))
    if old <= half {
      return roots(proof.dropLast(), old: old, new: half, known: known, isWhole: isWhole)
        .map { ($0.old, MerkleTree.nodeHash($0.new, last)) }
    }
    return roots(proof.dropLast(), old: old - half, new: new - half, known: known, isWhole: false)
      .map { (MerkleTree.nodeHash(last, $0.old), MerkleTree.nodeHash(last, $0.new)) }
  }

  static func consistency(_ proof: ConsistencyProof, _ old: TreeHead, _ new: TreeHead) -> Bool {
    guard old.size > 0, old.size <= new.size,
      let roots = roots(
        proof.hashes[...], old: old.size, new: new.size, known: old.root, isWhole: true)
    else { return false }
    return roots.old == old.root && roots.new == new.root
  }
}

extension Digest {
  /// The digest with one bit changed.
  func flipped(_ bit: Int) -> Digest {
    var bytes = bytes
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    guard let digest = Digest(bytes: bytes) else { return self }
    return digest
  }
}
