import Bytes
import EventLog
import Merkle

extension Ledger {
  /// Brings the stored hashes of the tree to the log's end, from the log where they don't reach or
  /// aren't of this tree.
  ///
  /// - Returns: The index, which ends as `frontier` says.
  func catchUpTree(
    to frontier: Frontier, durable: LogPosition
  ) throws(LedgerError) -> TreeIndex {
    let index = try inStorage { () throws(StorageError) in try TreeIndex(writing: storage) }
    let reached = try inStorage { () throws(StorageError) in
      min(try index.size(), frontier.size)
    }
    let found = try inStorage { () throws(StorageError) in try index.frontier(of: reached) }
    if found == frontier { return index }
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: durable)
    }
    // The hashes of what comes before are right exactly if all that follows leads to the root.
    if (reader.first..<frontier.size).contains(reached),
      try extend(index, found, reader) == frontier
    {
      return index
    }
    let beginning = try inLog { () throws(LogError) in try reader.beginning() }
    try inStorage { () throws(StorageError) in try index.begin(at: beginning) }
    let whole = try extend(index, beginning, reader)
    guard whole == frontier else {
      throw .log(.damaged(ids: 0..<frontier.size, segment: 0, offset: 0))
    }
    return index
  }

  private func extend(
    _ index: TreeIndex, _ frontier: Frontier, _ reader: LogReader
  ) throws(LedgerError) -> Frontier {
    var frontier = frontier
    var cursor = reader.events(from: frontier.size)
    var leaves: [Digest] = []
    while let stored = try inLog({ () throws(LogError) in try cursor.read() }) {
      leaves.append(MerkleTree.leafHash(stored.line))
      guard leaves.count == 4_096 else { continue }
      try inStorage { () throws(StorageError) in try index.append(leaves, to: &frontier) }
      leaves = []
    }
    try inStorage { () throws(StorageError) in try index.append(leaves, to: &frontier) }
    return frontier
  }
}
