import Bytes

/// The hashes of a tile, and what they fold to.
struct TileHashes: Hashable, Sendable {
  private(set) var hashes: [Digest] = []

  init() {}

  /// The first `width` hashes of a tile's bytes, or `nil` where there are fewer or more than a full
  /// tile's.
  ///
  /// A tile that has grown since stands for each of its smaller ones: it begins with their hashes.
  init?(_ bytes: [UInt8], width: Int) {
    let most = Tile.fullWidth * Digest.byteCount
    guard bytes.count >= width * Digest.byteCount, bytes.count <= most,
      bytes.count.isMultiple(of: Digest.byteCount)
    else { return nil }
    for start in stride(from: 0, to: width * Digest.byteCount, by: Digest.byteCount) {
      guard let hash = Digest(bytes: bytes[start..<(start + Digest.byteCount)]) else { return nil }
      hashes.append(hash)
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hashes.count * Digest.byteCount)
    for hash in hashes { hash.append(to: &bytes) }
    return bytes
  }

  mutating func append(_ hash: Digest) { hashes.append(hash) }

  /// The root of the perfect subtree over `range`, whose count is a power of two.
  func root(_ range: Range<Int>) -> Digest {
    var row = Array(hashes[range])
    while row.count > 1 {
      row = stride(from: 0, to: row.count, by: 2).map { MerkleTree.nodeHash(row[$0], row[$0 + 1]) }
    }
    return row[0]
  }

  /// The roots of the perfect subtrees that the one-bits of the count name, the largest first.
  var frontier: [Digest] {
    PerfectSubtree.parts(of: 0..<UInt64(hashes.count)).map { part in
      root(Int(part.leaves.lowerBound)..<Int(part.leaves.upperBound))
    }
  }
}
