import Bytes
import EventLog
import Merkle
import Simulation
import Testing

@Suite("The stored hashes of the tree") struct TreeIndexTests {
  static func leaf(_ number: Int) -> Digest { MerkleTree.leafHash(Array("leaf \(number)".utf8)) }

  private func disk() throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.createDirectory("index")
    return disk
  }

  /// The hash of a subtree, by RFC 6962's own recursion.
  private static func root(_ leaves: Range<Int>) -> Digest {
    if leaves.count == 1 { return leaf(leaves.lowerBound) }
    let middle = leaves.lowerBound + leaves.count / 2
    return MerkleTree.nodeHash(
      root(leaves.lowerBound..<middle), root(middle..<leaves.upperBound))
  }

  @Test("However 70 leaves are divided, every subtree and every frontier is found")
  func layouts() throws {
    for step in [1, 2, 3, 7, 64, 70] {
      let disk = try disk()
      let index = try TreeIndex(writing: disk)
      var frontier = Frontier()
      for start in stride(from: 0, to: 70, by: step) {
        let leaves = (start..<min(start + step, 70)).map(Self.leaf)
        try index.append(leaves, to: &frontier)
        #expect(try index.size() == frontier.size, "step \(step), from \(start)")
        #expect(try index.frontier(of: frontier.size) == frontier)
      }
      let reading = try #require(try TreeIndex(reading: disk))
      for level in 0..<7 {
        for number in 0..<70 >> level {
          let subtree = try #require(PerfectSubtree(level: level, index: UInt64(number)))
          let expected = Self.root(number << level..<(number + 1) << level)
          #expect(try reading.hash(of: subtree) == expected, "level \(level), \(number)")
        }
      }
      var smaller = Frontier()
      for size in 0..<70 {
        #expect(try reading.frontier(of: UInt64(size)) == smaller)
        smaller.append(leaf: Self.leaf(size))
      }
    }
  }

  @Test("A file of any length reaches to the leaves whose hashes it has whole")
  func truncated() throws {
    let disk = try disk()
    var frontier = Frontier()
    try TreeIndex(writing: disk).append((0..<40).map(Self.leaf), to: &frontier)
    let bytes = try #require(disk.bytes(of: "index/tree"))
    #expect(bytes.count == (2 * 40 - 2) * 32)
    // How many bytes come with the first 0, 1, 2 … leaves: each brings itself and what it completes.
    var lengths = [0]
    for leaf in 1...40 {
      lengths.append((lengths.last ?? 0) + 32 * (1 + leaf.trailingZeroBitCount))
    }
    for length in 0...bytes.count {
      disk.setBytes(of: "index/tree", to: Array(bytes.prefix(length)))
      let index = try #require(try TreeIndex(reading: disk))
      let expected = lengths.lastIndex { $0 <= length } ?? 0
      #expect(try index.size() == UInt64(expected), "\(length) bytes")
    }
  }

  @Test("Where there is no file there is no index, and what a file lacks reads as zeros")
  func missing() throws {
    let disk = try disk()
    #expect(try TreeIndex(reading: disk) == nil)
    let index = try TreeIndex(writing: disk)
    #expect(try index.size() == 0)
    let far = try #require(PerfectSubtree(level: 0, index: 1 << 40))
    #expect(try index.hash(of: far) == Digest(bytes: [UInt8](repeating: 0, count: 32)))
  }
}
