import Bytes
import Merkle
import Simulation
import Testing

@Suite("Reading tiles") struct TileReaderTests {
  /// Tiles by path, and which of them were read.
  private final class Shelf {
    var tiles: [String: [UInt8]] = [:]
    var read: [String] = []

    init(_ tiles: [Tile: [UInt8]]) {
      for (tile, bytes) in tiles { self.tiles[tile.path] = bytes }
    }

    func reader(_ head: TreeHead) -> TileReader {
      read = []
      return TileReader(head: head) { tile in
        self.read.append(tile.path)
        return self.tiles[tile.path]
      }
    }
  }

  private static let sizes = [1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 66_000]
  private static let greatest = 66_000

  private static let leaves = (0..<greatest).map { MerkleTree.leafHash(Array("entry \($0)".utf8)) }

  /// The first and last leaves, and those beside the tiles' edges.
  private func indexes(_ size: Int) -> [Int] {
    Array(Set([0, 1, 254, 255, 256, 257, size / 2, size - 257, size - 2, size - 1]))
      .filter { (0..<size).contains($0) }.sorted()
  }

  private func inclusion(_ index: Int, _ reader: TileReader) throws -> InclusionProof {
    var reader = reader
    return try #require(
      InclusionProof.make(index: UInt64(index), size: reader.head.size) {
        (subtree) throws(EvidenceError) in try reader.hash(of: subtree)
      })
  }

  private func consistency(_ old: Int, _ reader: TileReader) throws -> ConsistencyProof {
    var reader = reader
    return try #require(
      ConsistencyProof.make(from: UInt64(old), to: reader.head.size) {
        (subtree) throws(EvidenceError) in try reader.hash(of: subtree)
      })
  }

  @Test("Proofs made from tiles are the tree's, from at most two tiles a level")
  func proofs() throws {
    let tree = TestTree(Self.leaves)
    var built = BuiltTiles()
    for size in Self.sizes {
      while built.builder.size < UInt64(size) { built.append(Self.leaves[Int(built.builder.size)]) }
      let shelf = Shelf(built.all)
      let most = 2 * TileLevel.all(size: UInt64(size)).count
      for index in indexes(size) {
        let proof = try inclusion(index, shelf.reader(tree.head(size)))
        #expect(proof.hashes == tree.path(index, 0..<size), "\(index) of \(size)")
        #expect(proof.proves(leaf: tree.leaves[index], at: UInt64(index), in: tree.head(size)))
        #expect(shelf.read.count <= most, "\(index) of \(size): \(shelf.read)")
        #expect(Set(shelf.read).count == shelf.read.count, "\(index) of \(size): \(shelf.read)")
        let old = index + 1
        let older = try consistency(old, shelf.reader(tree.head(size)))
        #expect(older.hashes == tree.consistency(old, 0..<size), "\(old) to \(size)")
        #expect(shelf.read.count <= most, "\(old) to \(size): \(shelf.read)")
      }
    }
  }

  @Test("Every perfect subtree of a tree is read from its tiles")
  func subtrees() throws {
    let size = 1100
    let tree = TestTree(Array(Self.leaves.prefix(size)))
    let shelf = Shelf(BuiltTiles(tree.leaves).all)
    var reader = shelf.reader(tree.head(size))
    for level in 0...11 {
      for index in 0...(UInt64(size) >> UInt64(level)) {
        let subtree = try #require(PerfectSubtree(level: level, index: index))
        if subtree.leaves.upperBound <= UInt64(size) {
          #expect(try reader.hash(of: subtree) == tree.hash(of: subtree))
        } else {
          let outside = EvidenceError.outsideTree(leaves: subtree.leaves, size: UInt64(size))
          #expect(throws: outside) { try reader.hash(of: subtree) }
        }
      }
    }
    // Checked tiles are kept: each was read once.
    #expect(shelf.read.count == Set(shelf.read).count)
    #expect(Set(shelf.read) == Set(shelf.tiles.keys))
  }

  @Test("A tile that is missing, cut off or changed in any hash is refused before it is used")
  func falseTiles() throws {
    let size = 66_000
    let tree = TestTree(Array(Self.leaves.prefix(size)))
    let head = tree.head(size)
    let shelf = Shelf(BuiltTiles(tree.leaves).all)
    for index in indexes(size) {
      _ = try inclusion(index, shelf.reader(head))
      for path in shelf.read {
        let bytes = try #require(shelf.tiles[path])
        let tile = try #require(Tile(path: path))
        shelf.tiles[path] = nil
        #expect(throws: EvidenceError.missingTile(tile)) {
          try inclusion(index, shelf.reader(head))
        }
        var changes = [
          [], Array(bytes.dropLast()), Array(bytes.dropLast(32)),
          [UInt8](repeating: 0, count: 8224),
        ]
        changes.append(bytes + [0])
        // Behind a partial tile more hashes may stand, behind a full one nothing.
        if tile.width == 256 { changes.append(bytes + [UInt8](repeating: 0, count: 32)) }
        for place in stride(from: 0, to: bytes.count, by: 32) {
          var changed = bytes
          changed[place + place / 32 % 32] ^= 0x10
          changes.append(changed)
        }
        for changed in changes {
          shelf.tiles[path] = changed
          do {
            _ = try inclusion(index, shelf.reader(head))
            Issue.record("\(path) isn't checked for leaf \(index)")
          } catch EvidenceError.falseTiles(let tiles) {
            #expect(tiles.contains(tile))
          }
        }
        shelf.tiles[path] = bytes
      }
    }
    let other = TreeHead(size: head.size, root: head.root.flipped(3))
    #expect(throws: EvidenceError.self) { try inclusion(0, shelf.reader(other)) }
  }

  @Test("A tile that has grown since serves for each of its smaller ones")
  func grown() throws {
    let tree = TestTree(Array(Self.leaves.prefix(700)))
    let shelf = Shelf(BuiltTiles(tree.leaves).all)
    for size in [1, 100, 255, 300, 513, 600, 699] {
      let head = tree.head(size)
      var reader = TileReader(head: head) { tile in
        Tile(tile.content, index: tile.index).flatMap { shelf.tiles[$0.path] }
          ?? shelf.tiles.first { $0.key.hasPrefix("\(tile.path.prefix { $0 != "." }).p/") }?.value
      }
      for index in 0..<size {
        let leaf = try #require(PerfectSubtree(level: 0, index: UInt64(index)))
        #expect(try reader.hash(of: leaf) == tree.leaves[index])
      }
    }
  }

  @Test("Trees as large as there can be are asked for without a trap")
  func largest() throws {
    for size: UInt64 in [.max, 1 << 63, 1 << 63 - 1] {
      var asked = 0
      var reader = TileReader(head: TreeHead(size: size, root: MerkleTree.emptyRoot)) { tile in
        asked += 1
        return [UInt8](repeating: 1, count: tile.width * 32)
      }
      for subtree in try #require(InclusionProof.subtrees(index: size / 3, size: size)) {
        #expect(throws: EvidenceError.self) { try reader.hash(of: subtree) }
      }
      #expect(asked > 0)
    }
    var empty = TileReader(head: TreeHead(size: 0, root: MerkleTree.emptyRoot)) { _ in nil }
    let first = try #require(PerfectSubtree(level: 0, index: 0))
    #expect(throws: EvidenceError.outsideTree(leaves: 0..<1, size: 0)) {
      try empty.hash(of: first)
    }
  }
}
