import Bytes
package import EventLog
package import Events
package import Merkle

/// Makes proofs of a ledger for its newest checkpoint, which whoever reads them verifies without
/// the ledger.
package struct Prover {
  /// The newest checkpoint as it is stored; whoever reads a proof checks its signatures.
  package let note: SignedNote
  /// What that checkpoint says.
  package let head: TreeHead

  private let reader: LogReader
  private let index: TreeIndex?

  /// Why there is no proof.
  package enum Failure: Error {
    case log(LogError)
    /// The ledger has no checkpoint, or none that is of this origin.
    case noCheckpoint
    /// The checkpoint covers only so many events.
    case notSigned(size: UInt64)
    /// The log's events don't lead to the checkpoint's root.
    case otherRoot(size: UInt64)
  }

  package init(_ storage: any Storage, identity: LedgerIdentity) throws(Failure) {
    do { reader = try LogReader(storage, identity: identity) } catch { throw .log(error) }
    let newest: SignedNote?
    do {
      index = try TreeIndex(reading: storage)
      newest = try CheckpointFiles(storage).readNewest()
    } catch {
      throw .log(.storage(error))
    }
    guard let newest, let checkpoint = try? Checkpoint(text: newest.text),
      sameBytes(checkpoint.origin, identity.origin)
    else { throw .noCheckpoint }
    note = newest
    head = checkpoint.head
    guard head.size <= reader.size else { throw .otherRoot(size: head.size) }
  }

  /// The proof that event `id` is in the ledger, and the event's line.
  ///
  /// The stored hashes are asked first, O(log n) of them; where what they give isn't a proof, the
  /// log is read through once.
  package func inclusion(
    of id: EventID
  ) throws(Failure) -> (proof: InclusionProof, line: [UInt8]) {
    guard id < head.size else { throw .notSigned(size: head.size) }
    let line = try stored(id)
    let leaf = MerkleTree.leafHash(line)
    if let proof = InclusionProof.make(index: id, size: head.size, hash: indexed),
      proof.proves(leaf: leaf, at: id, in: head)
    {
      return (proof, line)
    }
    let hashes = try collected(InclusionProof.subtrees(index: id, size: head.size) ?? [])
    let proof = InclusionProof.make(index: id, size: head.size) { subtree in
      hashes.hash(of: subtree) ?? MerkleTree.emptyRoot
    }
    guard let proof, proof.proves(leaf: leaf, at: id, in: head) else {
      throw .otherRoot(size: head.size)
    }
    return (proof, line)
  }

  /// The proof that the tree of `old` events is the beginning of that of `new` events, and both
  /// heads; `nil` unless 0 < `old` <= `new` <= the log's size.
  package func consistency(
    from old: UInt64, to new: UInt64
  ) throws(Failure) -> (proof: ConsistencyProof, old: TreeHead, new: TreeHead)? {
    guard new <= reader.size, let subtrees = ConsistencyProof.subtrees(from: old, to: new) else {
      return nil
    }
    let heads = try heads(of: [old, new])
    guard let oldHead = heads[old], let newHead = heads[new] else { return nil }
    if let proof = ConsistencyProof.make(from: old, to: new, hash: indexed),
      proof.proves(oldHead, growsInto: newHead)
    {
      return (proof, oldHead, newHead)
    }
    let hashes = try collected(subtrees, upTo: new)
    let proof = ConsistencyProof.make(from: old, to: new) { subtree in
      hashes.hash(of: subtree) ?? MerkleTree.emptyRoot
    }
    return proof.map { ($0, oldHead, newHead) }
  }

  private func indexed(_ subtree: PerfectSubtree) -> Digest {
    (try? index?.hash(of: subtree)) ?? MerkleTree.emptyRoot
  }

  private func collected(
    _ subtrees: [PerfectSubtree], upTo size: UInt64? = nil
  ) throws(Failure) -> SubtreeCollector {
    do { return try reader.hashes(of: subtrees, upTo: size ?? head.size) } catch {
      throw .log(error)
    }
  }

  /// The trees of the first so many events, from one pass over the log.
  private func heads(of sizes: Set<UInt64>) throws(Failure) -> [UInt64: TreeHead] {
    var heads: [UInt64: TreeHead] = [:]
    do throws(LogError) {
      if let least = sizes.min(), least < reader.first {
        // What says which archive holds it.
        var archived = reader.events(from: least)
        _ = try archived.read()
      }
      var frontier = try reader.beginning()
      if sizes.contains(frontier.size) { heads[frontier.size] = frontier.head }
      var cursor = reader.events(from: reader.first, to: sizes.max() ?? 0)
      while let stored = try cursor.read() {
        frontier.append(leaf: MerkleTree.leafHash(stored.line))
        if sizes.contains(frontier.size) { heads[frontier.size] = frontier.head }
      }
    } catch {
      throw .log(error)
    }
    return heads
  }

  private func stored(_ id: EventID) throws(Failure) -> [UInt8] {
    var cursor = reader.events(from: id, to: id + 1)
    let event: StoredEvent?
    do { event = try cursor.read() } catch { throw .log(error) }
    guard let event else { throw .otherRoot(size: head.size) }
    return event.line
  }
}
