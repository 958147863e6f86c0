import Bytes
import Merkle
import Testing

@Suite("The tree of RFC 6962")
struct FrontierTests {
  /// The roots of the first 0...8 of the leaves that RFC 6962's implementations share as examples.
  static let leaves: [[UInt8]] = [
    [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
    Array(0x50...0x57), Array(0x60...0x6F),
  ]
  static let roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ]

  @Test("has the published root at each size from 0 to 8")
  func published() {
    var frontier = Frontier()
    #expect(frontier.root.hex == Self.roots[0])
    for (index, leaf) in Self.leaves.enumerated() {
      frontier.append(leaf: MerkleTree.leafHash(leaf))
      #expect(frontier.root.hex == Self.roots[index + 1], "size \(index + 1)")
    }
  }

  /// MTH of RFC 6962 §2.1, as it is written there.
  private func root(_ leaves: ArraySlice<[UInt8]>) -> Digest {
    guard let first = leaves.first else { return SHA256.hash([]) }
    guard leaves.count > 1 else { return SHA256.hash([0x00] + first) }
    var split = 1
    while split * 2 < leaves.count { split *= 2 }
    let left = root(leaves.prefix(split))
    let right = root(leaves.dropFirst(split))
    return SHA256.hash([0x01] + left.bytes + right.bytes)
  }

  @Test("has the root of the recursive definition at every size to 300")
  func recursive() throws {
    var frontier = Frontier()
    var leaves: [[UInt8]] = []
    for size in 1...300 {
      leaves.append(Array("leaf \(size * size)".utf8))
      frontier.append(leaf: MerkleTree.leafHash(leaves[size - 1]))
      #expect(frontier.size == UInt64(size))
      #expect(frontier.root == root(leaves[...]), "size \(size)")
      #expect(frontier.hashes.count == size.nonzeroBitCount)
      let again = try #require(Frontier(size: frontier.size, hashes: frontier.hashes))
      #expect(again == frontier)
      #expect(Frontier(size: frontier.size, hashes: Array(frontier.hashes.dropLast())) == nil)
      #expect(Frontier(size: frontier.size, hashes: frontier.hashes + [frontier.root]) == nil)
    }
  }
}
