import Bytes
import Merkle
import Simulation
import Testing

/// The tiles of a tree of which leaves are appended one at a time.
struct BuiltTiles {
  private(set) var builder = TileBuilder()
  private(set) var full: [Tile: [UInt8]] = [:]

  mutating func append(_ leaf: Digest) {
    var filled: [(Tile, [UInt8])] = []
    builder.append(leaf: leaf) { tile, bytes in filled.append((tile, bytes)) }
    for (tile, bytes) in filled { full[tile] = bytes }
  }

  /// All tiles of the tree so far.
  var all: [Tile: [UInt8]] {
    full.merging(builder.partials.map { ($0.tile, $0.bytes) }) { full, _ in full }
  }

  init(_ leaves: some Sequence<Digest> = []) {
    for leaf in leaves { append(leaf) }
  }
}

@Suite("Tiles") struct TileTests {
  struct File: Decodable {
    struct Partial: Decodable { let path, sha256: String }
    struct Tree: Decodable {
      let size, root, listing: String
      let full: [UInt64]
      let partials: [Partial]
    }
    struct Path: Decodable {
      let path, level, index: String
      let width: Int
    }
    struct RefusedPath: Decodable { let path: String }
    struct Bundle: Decodable {
      let entries: [String]
      let bundle: String
    }
    struct RefusedBundle: Decodable {
      let what, bundle: String
      let width: Int
    }
    let trees: [Tree]
    let paths: [Path]
    let refusedPaths: [RefusedPath]
    let bundles: [Bundle]
    let refusedBundles: [RefusedBundle]

    enum CodingKeys: String, CodingKey {
      case trees, paths, bundles
      case refusedPaths = "refused_paths"
      case refusedBundles = "refused_bundles"
    }
  }

  @Test("At every size of the vectors, the tiles are those of the definition, and no others")
  func trees() throws {
    let file = try VectorFile.load("tiles", as: File.self)
    #expect(file.trees.map(\.size).contains("70000") && file.trees.count >= 12)
    var built = BuiltTiles()
    for tree in file.trees {
      let size = try #require(UInt64(tree.size))
      while built.builder.size < size {
        built.append(MerkleTree.leafHash(Array("entry \(built.builder.size)".utf8)))
      }
      #expect(built.builder.head.root.hex == tree.root, "size \(size)")
      let levels = TileLevel.all(size: size)
      #expect(levels.map(\.fullCount).filter { $0 > 0 } == tree.full, "size \(size)")
      #expect(levels.compactMap(\.partial?.path) == tree.partials.map(\.path), "size \(size)")
      #expect(
        built.builder.partials.map { SHA256.hash($0.bytes).hex } == tree.partials.map(\.sha256),
        "size \(size)")
      let all = built.all
      var listing = ""
      var count = 0
      for tile in levels.flatMap({ Array($0.tiles) }) {
        let bytes = try #require(all[tile], "\(tile.path)")
        listing += "\(SHA256.hash(bytes).hex)  \(tile.path)\n"
        count += 1
      }
      #expect(SHA256.hash(Array(listing.utf8)).hex == tree.listing, "size \(size)")
      #expect(all.count == count, "size \(size)")
      if size == 70_000 { #expect(count == 277) }
    }
  }

  @Test("A tile's path has one spelling")
  func paths() throws {
    let file = try VectorFile.load("tiles", as: File.self)
    #expect(file.paths.count >= 13 && file.refusedPaths.count >= 45)
    for vector in file.paths {
      let tile = try #require(Tile(path: vector.path), "\(vector.path)")
      let content: Tile.Content =
        vector.level == "entries" ? .entries : .hashes(level: try #require(Int(vector.level)))
      #expect(tile.content == content)
      #expect(String(tile.index) == vector.index)
      #expect(tile.width == vector.width)
      #expect(tile.path == vector.path)
      #expect(Tile(content, index: tile.index, width: tile.width) == tile)
    }
    for vector in file.refusedPaths {
      #expect(Tile(path: vector.path) == nil, "\(vector.path.debugDescription)")
    }
    #expect(Tile(.hashes(level: 64), index: 0) == nil)
    #expect(Tile(.hashes(level: -1), index: 0) == nil)
    #expect(Tile(.entries, index: 0, width: 0) == nil)
    #expect(Tile(.entries, index: 0, width: 257) == nil)
    #expect(Tile(.entries, index: 1 << 63) == nil)
  }

  @Test("A bundle holds exactly as many entries as its tile is wide")
  func bundles() throws {
    let file = try VectorFile.load("tiles", as: File.self)
    for vector in file.bundles {
      let entries = try vector.entries.map { try #require(Hex.decode($0.utf8)) }
      var bundle: [UInt8] = []
      for entry in entries { #expect(EntryBundle.append(entry, to: &bundle)) }
      #expect(Hex.encode(bundle) == vector.bundle)
      let read = try #require(EntryBundle.entries(of: bundle, width: entries.count))
      #expect(read.map(Array.init) == entries)
      for width in [entries.count - 1, entries.count + 1] {
        #expect(EntryBundle.entries(of: bundle, width: width) == nil)
      }
      for count in 0..<bundle.count {
        #expect(EntryBundle.entries(of: Array(bundle[..<count]), width: entries.count) == nil)
      }
    }
    for vector in file.refusedBundles {
      let bytes = try #require(Hex.decode(vector.bundle.utf8))
      #expect(EntryBundle.entries(of: bytes, width: vector.width) == nil, "\(vector.what)")
    }
    var bundle: [UInt8] = []
    #expect(EntryBundle.append([UInt8](repeating: 7, count: 65_535), to: &bundle))
    #expect(bundle.count == 65_537 && bundle.prefix(2) == [0xFF, 0xFF])
    #expect(!EntryBundle.append([UInt8](repeating: 7, count: 65_536), to: &bundle))
    #expect(bundle.count == 65_537)
    #expect(EntryBundle.entries(of: [], width: 0) == [])
  }

  @Test("A builder that goes on at any size makes the tiles that it would have made")
  func resuming() throws {
    let tree = TestTree(size: 1100)
    let end = BuiltTiles(tree.leaves)
    var grown = BuiltTiles()
    for size in 0..<1100 {
      let partials = Dictionary(
        uniqueKeysWithValues: grown.builder.partials.map { ($0.tile, $0.bytes) })
      let head = grown.builder.head
      #expect(head == tree.head(size), "size \(size)")
      let resumed = try #require(TileBuilder(resuming: head, partials: partials), "size \(size)")
      #expect(resumed.head == head)
      #expect(resumed.partials.map(\.bytes) == grown.builder.partials.map(\.bytes))
      // A wider tile at the place of a partial one serves as well.
      var wider = partials
      for (tile, _) in partials {
        let full = Tile(tile.content, index: tile.index)
        if let bytes = full.flatMap({ end.full[$0] }) { wider[tile] = bytes }
      }
      #expect(TileBuilder(resuming: head, partials: wider)?.head == head, "size \(size)")
      for (tile, bytes) in partials {
        var missing = partials
        missing[tile] = nil
        #expect(TileBuilder(resuming: head, partials: missing) == nil)
        for changed in [
          Array(bytes.dropLast()), Array(bytes.dropLast(32)), [bytes[0] ^ 1] + bytes.dropFirst(),
          [UInt8](repeating: 0, count: 8224),
        ] {
          let others = partials.merging([tile: changed]) { _, changed in changed }
          #expect(TileBuilder(resuming: head, partials: others) == nil)
        }
      }
      if size.isMultiple(of: 50) {
        var builder = resumed
        var filled: [Tile: [UInt8]] = [:]
        for leaf in tree.leaves[size...] {
          builder.append(leaf: leaf) { tile, bytes in filled[tile] = bytes }
        }
        #expect(builder.head == tree.head(1100))
        #expect(
          filled == end.full.filter { tile, _ in grown.full[tile] == nil }, "size \(size)")
      }
      grown.append(tree.leaves[size])
    }
  }

  @Test("What a tile can't be written to is told to whoever appends")
  func failure() throws {
    struct Full: Error {}
    var builder = TileBuilder()
    let leaf = MerkleTree.leafHash([])
    for _ in 0..<255 { builder.append(leaf: leaf) { _, _ in Issue.record("no tile is full") } }
    #expect(throws: Full.self) {
      try builder.append(leaf: leaf) { _, _ throws(Full) in throw Full() }
    }
  }

  @Test("A tree of any size has tiles on as many levels as it is high")
  func levels() {
    for size: UInt64 in [0, 1, 255, 256, 65_535, 65_536, 1 << 56 - 1, 1 << 56, 1 << 63, .max] {
      let levels = TileLevel.all(size: size)
      var count = size
      for level in levels {
        #expect(level.fullCount == count >> 8 && level.partialWidth == Int(count & 255))
        #expect((level.partial == nil) == (level.partialWidth == 0))
        count >>= 8
      }
      #expect(count == 0 && levels.count <= 8)
    }
  }
}
