package import Bytes
package import Merkle

/// The hashes of a log's tree in one file, so that a proof costs O(log n) reads (`FORMAT.md` §1).
///
/// For each leaf in turn: its hash, then those of the perfect subtrees that it completes, by level;
/// 32 bytes each. So *n* leaves have 2*n* - popcount(*n*) hashes, and where one stands never
/// changes. The file is derived and never synchronized: whoever makes a proof from it checks the
/// proof, and makes it from the log where it doesn't hold.
package struct TreeIndex {
  private static let hashBytes = 32
  private let file: any StorageFile
  private let growth = TreeGrowth()

  /// The index of a ledger, or `nil` where it has none.
  package init?(reading storage: any Storage) throws(StorageError) {
    do {
      file = try storage.open(LogPath.tree, for: .reading)
    } catch {
      guard error.isMissing else { throw error }
      return nil
    }
  }

  /// The index of a ledger, to be appended to; an empty one is made where it has none.
  package init(writing storage: any Storage) throws(StorageError) {
    file = try storage.openOrCreate(LogPath.tree)
  }

  /// The hash of a perfect subtree as the file has it; zeros where it doesn't reach so far.
  package func hash(of subtree: PerfectSubtree) throws(StorageError) -> Digest {
    let last = subtree.leaves.upperBound - 1
    return try hash(at: Self.count(last) + UInt64(subtree.level))
  }

  /// How many leaves the file reaches to.
  package func size() throws(StorageError) -> UInt64 {
    let hashes = try file.size() / UInt64(Self.hashBytes)
    // 2n - popcount(n) grows with n, and lies between n and 2n.
    var (low, high) = (hashes / 2, hashes)
    while low < high {
      let middle = low + (high - low + 1) / 2
      if Self.count(middle) <= hashes { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// What the file says that the first `size` leaves' frontier is.
  package func frontier(of size: UInt64) throws(StorageError) -> Frontier {
    var hashes: [Digest] = []
    for subtree in Frontier.subtrees(of: size) { hashes.append(try hash(of: subtree)) }
    guard let frontier = Frontier(size: size, hashes: hashes) else {
      fatalError("invariant broken: a frontier of \(hashes.count) hashes for \(size) leaves")
    }
    return frontier
  }

  /// Writes the hashes that come with `leaves`, the next ones after those of `frontier`.
  package func append(_ leaves: [Digest], to frontier: inout Frontier) throws(StorageError) {
    let offset = Self.count(frontier.size) * UInt64(Self.hashBytes)
    var taken = leaves
    growth.take(&taken, after: frontier.size)
    frontier = growth.join(frontier)
    var bytes: [UInt8] = []
    growth.appendHashes(to: &bytes)
    if !bytes.isEmpty { try file.writeFully(bytes, at: offset) }
  }

  /// Writes what a frontier holds, in place of all that the leaves before it came to: enough for
  /// every proof about leaves behind it.
  package func begin(at frontier: Frontier) throws(StorageError) {
    for (subtree, hash) in zip(Frontier.subtrees(of: frontier.size), frontier.hashes) {
      let place = Self.count(subtree.leaves.upperBound - 1) + UInt64(subtree.level)
      try file.writeFully(hash.bytes, at: place * UInt64(Self.hashBytes))
    }
  }

  /// How many hashes come with the first `leaves` leaves.
  private static func count(_ leaves: UInt64) -> UInt64 {
    2 * leaves - UInt64(leaves.nonzeroBitCount)
  }

  private func hash(at index: UInt64) throws(StorageError) -> Digest {
    var bytes = [UInt8](repeating: 0, count: Self.hashBytes)
    _ = try file.readFully(
      into: &bytes, range: 0..<bytes.count, at: index * UInt64(Self.hashBytes))
    guard let digest = Digest(bytes: bytes) else {
      fatalError("invariant broken: 32 bytes are no digest")
    }
    return digest
  }
}
