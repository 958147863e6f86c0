package import Audit
import Bytes
package import EventLog
package import Events
import Merkle

/// Why an export stopped.
package enum ExportError: Error {
  case log(LogError)
  /// The history can't be read.
  case audit(AuditError)
  /// A file of the export, or one for bytes on their way, can't be read or written.
  case storage(StorageError)
  /// Something has the name of a file to be made.
  case exists(path: String)
  /// A file that an earlier run finished holds something else.
  case otherContent(path: String)
  /// Whoever took the files couldn't write one: its path, and the C library's `errno`.
  case notWritten(path: String, code: Int32)
  /// Whoever took the bytes wants no more of them.
  case stopped
  /// The history up to the point has no events.
  case noEvents
  /// There is no checkpoint that the export could be of.
  case noCheckpoint
  /// The log's events don't lead to the newest checkpoint's root.
  case otherRoot(size: UInt64)
}

/// A ledger as static files that C2SP's readers read (`FORMAT.md` §14): its tiles and entries up to
/// the newest checkpoint, all checkpoints, proofs that each grew into the next, and of the events
/// that are asked for.
///
/// One pass over the log, in memory for 256 events and the asked proofs.
package struct TileExport {
  private let reader: LogReader
  private let note: SignedNote
  private let head: TreeHead
  private let identity: LedgerIdentity
  private let older: [TreeHead: SignedNote]

  package init(_ storage: any Storage, identity: LedgerIdentity) throws(ExportError) {
    self.identity = identity
    do { reader = try LogReader(storage, identity: identity) } catch { throw .log(error) }
    let files = CheckpointFiles(storage)
    var notes: [TreeHead: SignedNote] = [:]
    let newest: SignedNote?
    do {
      newest = try files.readNewest()
      try files.forEach { note, _ in
        guard let checkpoint = try? Checkpoint(text: note.text),
          sameBytes(checkpoint.origin, identity.origin)
        else { return }
        // The last note of a size has the most signatures.
        notes[checkpoint.head] = note
      }
    } catch {
      throw .log(.storage(error))
    }
    guard let newest, let checkpoint = try? Checkpoint(text: newest.text),
      checkpoint.head.size > 0
    else { throw .noCheckpoint }
    note = newest
    head = checkpoint.head
    older = notes
  }

  /// Hands every file to `write`: its path, `/` between the parts, and its bytes.
  ///
  /// - Parameter events: Those to make proofs of; ones beyond the checkpoint are passed over.
  /// - Throws: What `write` throws, and the log's errors; the files are whole only without.
  package func write(
    events: [EventID], _ write: (String, [UInt8]) throws(ExportError) -> Void
  ) throws(ExportError) {
    let proofs = ExportedProofs(head: head, events: events, older: older.keys.sorted(by: <))
    var collector = SubtreeCollector(proofs.subtrees)
    var lines: [EventID: [UInt8]] = [:]
    var tiles = TileBuilder()
    var entries: [UInt8] = []
    var cursor = reader.events(from: 0, to: head.size)
    while let stored = try read(&cursor) {
      let leaf = MerkleTree.leafHash(stored.line)
      collector.append(leaf: leaf)
      try tiles.append(leaf: leaf) { (tile, bytes) throws(ExportError) in
        try write(tile.path, bytes)
      }
      if proofs.events.contains(stored.id) { lines[stored.id] = stored.line }
      invariant(EntryBundle.append(stored.line, to: &entries), "an event is longer than an entry")
      try writeEntries(&entries, before: stored.id + 1, write)
    }
    guard tiles.head == head else { throw .otherRoot(size: head.size) }
    for (tile, bytes) in tiles.partials { try write(tile.path, bytes) }
    try proofs.write(collector, lines, note, write)
    for (head, note) in older.sorted(by: { $0.key < $1.key }) where head.size <= self.head.size {
      try write("checkpoints/\(head.size)", note.bytes)
    }
    try write("vkey", Array("\(identity.verifierKey.text)\n".utf8))
    try write("checkpoint", note.bytes)
  }

  private func read(_ cursor: inout EventCursor) throws(ExportError) -> StoredEvent? {
    do { return try cursor.read() } catch { throw .log(error) }
  }

  /// Writes the bundle that ends before event `end`, where one does.
  private func writeEntries(
    _ entries: inout [UInt8], before end: EventID,
    _ write: (String, [UInt8]) throws(ExportError) -> Void
  ) throws(ExportError) {
    let width = Int(end % UInt64(Tile.fullWidth))
    guard width == 0 || end == head.size else { return }
    let index = (end - 1) / UInt64(Tile.fullWidth)
    guard let tile = Tile(.entries, index: index, width: width == 0 ? Tile.fullWidth : width)
    else { fatalError("invariant broken: no tile of entries \(index)") }
    try write(tile.path, entries)
    entries = []
  }
}

extension TreeHead {
  fileprivate static func < (one: TreeHead, other: TreeHead) -> Bool { one.size < other.size }
}

/// The proofs of an export: made once all leaves went by.
private struct ExportedProofs {
  let head: TreeHead
  let events: Set<EventID>
  /// Each checkpoint and the next one.
  let steps: [(old: TreeHead, new: TreeHead)]
  private let order: [EventID]

  init(head: TreeHead, events: [EventID], older: [TreeHead]) {
    self.head = head
    order = events.filter { $0 < head.size }.sorted()
    self.events = Set(order)
    let heads = older.filter { $0.size <= head.size }
    steps = Array(zip(heads, heads.dropFirst())).map { ($0.0, $0.1) }
  }

  var subtrees: [PerfectSubtree] {
    order.flatMap { InclusionProof.subtrees(index: $0, size: head.size) ?? [] }
      + steps.flatMap { ConsistencyProof.subtrees(from: $0.old.size, to: $0.new.size) ?? [] }
  }

  func write(
    _ hashes: SubtreeCollector, _ lines: [EventID: [UInt8]], _ note: SignedNote,
    _ write: (String, [UInt8]) throws(ExportError) -> Void
  ) throws(ExportError) {
    for id in order {
      guard let line = lines[id],
        let proof = InclusionProof.make(index: id, size: head.size, hash: Self.hash(hashes)),
        let file = TransparencyProof(index: id, proof: proof, note: note)
      else { continue }
      let leaf = MerkleTree.leafHash(line)
      let document: JSON = [
        "hashes": .array(proof.hashes.map { .string($0.base64) }),
        "index": .string(String(id)), "leaf": .string(leaf.base64),
        "size": .string(String(head.size)),
      ]
      try write("inclusion/\(id).json", document.canonicalBytes + [UInt8(ascii: "\n")])
      try write("proofs/\(id).tlog-proof", file.bytes)
      try write("proofs/\(id).leaf", line)
    }
    for (old, new) in steps {
      let proof = ConsistencyProof.make(from: old.size, to: new.size, hash: Self.hash(hashes))
      guard let proof, proof.proves(old, growsInto: new) else {
        throw .otherRoot(size: new.size)
      }
      let document: JSON = [
        "hashes": .array(proof.hashes.map { .string($0.base64) }),
        "size1": .string(String(old.size)), "size2": .string(String(new.size)),
      ]
      try write(
        "consistency/\(old.size)-\(new.size).json", document.canonicalBytes + [UInt8(ascii: "\n")])
    }
  }

  private static func hash(_ hashes: SubtreeCollector) -> (PerfectSubtree) -> Digest {
    { hashes.hash(of: $0) ?? MerkleTree.emptyRoot }
  }
}
