import Bytes
import Merkle
import Simulation
import Testing

/// The definition of RFC 6962 §2.1, by recursion over all leaves.
private func naiveRoot(_ entries: ArraySlice<[UInt8]>) -> Digest {
  guard let entry = entries.first else { return SHA256.hash([]) }
  if entries.count == 1 { return SHA256.hash([0x00] + entry) }
  var half = 1
  while half * 2 < entries.count { half *= 2 }
  let left = naiveRoot(entries.prefix(half))
  let right = naiveRoot(entries.dropFirst(half))
  return SHA256.hash([0x01] + left.bytes + right.bytes)
}

private func entry(_ index: Int) -> [UInt8] { Array("entry \(index)".utf8) }

private func frontier(size: Int) -> Frontier {
  var frontier = Frontier()
  for index in 0..<size { frontier.append(leaf: MerkleTree.leafHash(entry(index))) }
  return frontier
}

@Suite struct MerkleTests {
  struct File: Decodable {
    struct Tree: Decodable {
      let size: UInt64
      let root: String
      let frontier: [String]
    }
    let entries: [String]
    let leafHashes: [String]
    let trees: [Tree]

    enum CodingKeys: String, CodingKey {
      case entries, trees
      case leafHashes = "leaf_hashes"
    }
  }

  @Test("The first nine trees have the published roots and frontiers")
  func vectors() throws {
    let file = try VectorFile.load("merkle", as: File.self)
    let leaves = try file.entries.map { MerkleTree.leafHash(try #require(Hex.decode($0.utf8))) }
    #expect(leaves.map(\.hex) == file.leafHashes)
    #expect(file.trees.map(\.size) == Array(0...8))
    for tree in file.trees {
      var frontier = Frontier()
      for leaf in leaves.prefix(Int(tree.size)) { frontier.append(leaf: leaf) }
      #expect(frontier.size == tree.size)
      #expect(frontier.root.hex == tree.root)
      #expect(frontier.hashes.map(\.hex) == tree.frontier)
    }
    #expect(
      MerkleTree.emptyRoot.hex
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test("At every size to 300, root and frontier are those of the recursive definition")
  func everySize() {
    let entries = (0..<300).map(entry)
    var grown = Frontier()
    for size in 0...300 {
      #expect(grown.size == UInt64(size))
      #expect(grown.root == naiveRoot(entries.prefix(size)), "size \(size)")
      var expected: [Digest] = []
      var start = 0
      for bit in (0..<9).reversed() where size >> bit & 1 == 1 {
        expected.append(naiveRoot(entries[start..<start + 1 << bit]))
        start += 1 << bit
      }
      #expect(grown.hashes == expected, "size \(size)")
      if size < 300 { grown.append(leaf: MerkleTree.leafHash(entries[size])) }
    }
  }

  @Test("A frontier that was stored at any size goes on as if it hadn't been")
  func stored() throws {
    let end = frontier(size: 70)
    for size in 0...70 {
      let written = frontier(size: size)
      var read = try #require(Frontier(size: written.size, hashes: written.hashes))
      #expect(read == written)
      for index in size..<70 { read.append(leaf: MerkleTree.leafHash(entry(index))) }
      #expect(read == end)
    }
  }

  @Test("A frontier is refused with a hash too many or too few, and beyond 2^63 - 1 leaves")
  func refused() throws {
    let hash = MerkleTree.emptyRoot
    for size: UInt64 in 0...300 {
      for count in 0...10 {
        let frontier = Frontier(size: size, hashes: Array(repeating: hash, count: count))
        #expect((frontier != nil) == (count == size.nonzeroBitCount))
      }
    }
    let greatest = UInt64(Int64.max)
    var full = try #require(
      Frontier(size: greatest, hashes: Array(repeating: hash, count: 63)))
    full.append(leaf: hash)
    #expect(full.size == 1 << 63)
    #expect(full.hashes.count == 1)
    #expect(Frontier(size: 1 << 63, hashes: [hash]) == nil)
    #expect(Frontier(size: .max, hashes: Array(repeating: hash, count: 64)) == nil)
  }

  @Test("A flipped bit of any hash of a frontier changes the root")
  func flips() throws {
    let whole = frontier(size: 7)
    for index in whole.hashes.indices {
      for bit in 0..<256 {
        var bytes = whole.hashes[index].bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        var hashes = whole.hashes
        hashes[index] = try #require(Digest(bytes: bytes))
        #expect(Frontier(size: 7, hashes: hashes)?.root != whole.root)
      }
    }
  }

  @Test("A leaf that looks like two nodes isn't their parent")
  func prefixes() {
    let left = MerkleTree.leafHash([1])
    let right = MerkleTree.leafHash([2])
    let parent = MerkleTree.nodeHash(left, right)
    #expect(parent == SHA256.hash([0x01] + left.bytes + right.bytes))
    #expect(parent != MerkleTree.leafHash(left.bytes + right.bytes))
    #expect(parent != MerkleTree.nodeHash(right, left))
  }
}

@Suite struct VerifierKeyTests {
  struct File: Decodable {
    struct Vector: Decodable { let what, text, name, id, key: String }
    struct Refused: Decodable { let what, text: String }
    let vectors: [Vector]
    let refused: [Refused]
  }

  @Test("Published keys are read and written, and every other spelling is refused")
  func vectors() throws {
    let file = try VectorFile.load("verifier-keys", as: File.self)
    for vector in file.vectors {
      let key = try #require(VerifierKey(text: vector.text.utf8), "\(vector.what)")
      #expect(sameBytes(key.name, vector.name))
      #expect(Hex.encode(key.id) == vector.id)
      #expect(Hex.encode(key.key.bytes) == vector.key)
      #expect(key.text == vector.text)
      #expect(VerifierKey(name: vector.name, key: key.key) == key)
    }
    for entry in file.refused {
      #expect(VerifierKey(text: entry.text.utf8) == nil, "\(entry.what)")
    }
  }

  @Test("A line that differs in one byte from a key is no key")
  func mutations() throws {
    let text = Array(
      try #require(VectorFile.load("verifier-keys", as: File.self).vectors.first).text.utf8)
    #expect(VerifierKey(text: text) != nil)
    for place in text.indices {
      for byte in UInt8.min...UInt8.max where byte != text[place] {
        var other = text
        other[place] = byte
        #expect(VerifierKey(text: other) == nil, "\(byte) at \(place)")
      }
      #expect(VerifierKey(text: text[..<place]) == nil, "cut to \(place)")
    }
  }

  @Test("Names are told apart by their bytes, and a name that a note can't carry is refused")
  func names() throws {
    let key = try #require(Ed25519.PublicKey(bytes: [UInt8](0..<32)))
    let composed = try #require(VerifierKey(name: "k\u{F6}ln", key: key))
    let decomposed = try #require(VerifierKey(name: "ko\u{308}ln", key: key))
    #expect(composed != decomposed)
    #expect(composed.id != decomposed.id)
    #expect(Set([composed, decomposed, composed]).count == 2)
    for name in [
      "", "a b", "a+b", "a\n", "a\u{0}", "\u{7F}", "\u{85}", "\u{2028}", "\u{3000}", "\u{9F}",
    ] {
      #expect(VerifierKey(name: name, key: key) == nil)
    }
  }
}
