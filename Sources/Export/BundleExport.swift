import Audit
import Bytes
package import EventLog
import Events
import Merkle

/// A bag that proves what it holds (`FORMAT.md` §23).
package struct BundleExport {
  private let scope: ExportScope
  private let note: SignedNote
  private let head: TreeHead
  private let storage: any Storage
  private let resumes: Bool

  /// Dispatches whose streams are held in memory at once.
  private static let dispatchesAtOnce = 4_096

  /// What a bundle must not reach beyond: the newest checkpoint.
  ///
  /// - Throws: `.noCheckpoint`.
  package static func limit(
    _ ledger: any Storage, _ identity: LedgerIdentity
  ) throws(ExportError) -> UInt64 {
    try newest(ledger, identity).head.size
  }

  private static func newest(
    _ ledger: any Storage, _ identity: LedgerIdentity
  ) throws(ExportError) -> (note: SignedNote, head: TreeHead) {
    let note: SignedNote?
    do { note = try CheckpointFiles(ledger).readNewest() } catch { throw .log(.storage(error)) }
    guard let note, let checkpoint = try? Checkpoint(text: note.text),
      sameBytes(checkpoint.origin, identity.origin), checkpoint.head.size > 0
    else { throw .noCheckpoint }
    return (note, checkpoint.head)
  }

  /// - Parameters:
  ///   - ledger: The ledger's own files; nothing is written there.
  ///   - storage: The bag's directory.
  package init(
    of scope: ExportScope, _ ledger: any Storage, into storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    self.scope = scope
    (note, head) = try Self.newest(ledger, scope.reader.identity)
    self.storage = storage
    self.resumes = resumes
  }

  /// Writes the payload: all files in `data/`.
  ///
  /// - Parameter hasTransactionLogs: Whether the filters choose dispatches and times alone.
  /// - Throws: `.otherRoot` where the log's events don't lead to the checkpoint.
  package func writePayload(
    _ tables: TableExport, hasTransactionLogs: Bool
  ) throws(ExportError) -> (range: ExportRange, files: [ExportedFile]) {
    for directory in ["data", "data/tables", "data/transaction-logs"] {
      try makeDirectory(directory)
    }
    var files: [ExportedFile] = []
    files.append(try write(note.bytes, to: "data/checkpoint"))
    let events = try LineExport(scope, .jsonl, leafHashes: false)
      .write(to: "data/events.jsonl", in: storage, resumes: resumes)
    files.append(events.file)
    var sink = try CSVSink(
      ExportTable.all, in: storage, prefix: "data/tables/", resumes: resumes)
    files += try tables.write(to: &sink).files
    let (proof, dispatches) = try writeProof()
    if hasTransactionLogs { files += try writeTransactionLogs(of: dispatches) }
    files.append(proof)
    let key = "\(scope.reader.identity.verifierKey.text)\n"
    files.append(try write(Array(key.utf8), to: "data/vkey"))
    return (events.range, files)
  }

  /// Writes what makes a bag of it, once all other files are there.
  ///
  /// - Parameter manifest: The manifest of the export, which is in the bag but not its payload.
  package func writeTags(
    _ payload: [ExportedFile], _ manifest: ExportedFile
  ) throws(ExportError) {
    let bytes = payload.reduce(UInt64(0)) { $0 + $1.length }
    let identity = scope.reader.identity
    let about = """
      External-Identifier: \(identity.id.hex)
      Source-Organization: \(identity.origin)
      Payload-Oxum: \(bytes).\(payload.count)

      """
    var tags = [manifest]
    tags.append(try write(Array(about.utf8), to: "bag-info.txt"))
    let declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    tags.append(try write(Array(declaration.utf8), to: "bagit.txt"))
    tags.append(try write(Self.sums(payload), to: "manifest-sha256.txt"))
    _ = try write(Self.sums(tags), to: "tagmanifest-sha256.txt")
  }

  /// What `sha256sum` prints of the files, by their paths.
  private static func sums(_ files: [ExportedFile]) -> [UInt8] {
    let ordered = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return ordered.flatMap { Array("\($0.digest.hex)  \($0.path)\n".utf8) }
  }

  private func makeDirectory(_ path: String) throws(ExportError) {
    do throws(StorageError) {
      try storage.createDirectory(path)
      try storage.synchronizeDirectory(parentPath(of: path))
    } catch {
      guard error.alreadyExists, resumes else { throw .storage(error) }
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws(ExportError) -> ExportedFile {
    try ExportedFile(bytes, written: path, in: storage, resumes: resumes)
  }

  /// Proves every told event, and finds the dispatches that they are of, by first event.
  private func writeProof() throws(ExportError) -> (file: ExportedFile, dispatches: [EntityID]) {
    let file = try ExportFile("data/tree-proof", in: storage, resumes: resumes)
    try file.write(Array("\(TreeProof.header)\n".utf8))
    var proof = TreeProof()
    var folded = TreeProofReader()
    var dispatches: [EntityID] = []
    var known: Set<EntityID> = []
    func give(_ part: TreeProof.Part) throws(ExportError) {
      let line = Array(part.text.utf8)
      _ = folded.take(line)
      file.countRow()
      try file.write(line + [UInt8(ascii: "\n")])
    }
    var told = scope
    told.skipsWhatIsNotHeld = false
    _ = try told.forEach { (stored, isTold) throws(ExportError) in
      try proof.append(leaf: MerkleTree.leafHash(stored.line), isTold: isTold, give)
      guard isTold, let id = Replay.dispatchID(of: stored.line).flatMap({ EntityID($0) }),
        known.insert(id).inserted
      else { return }
      dispatches.append(id)
    }
    // Whatever lies beyond the point belongs to the checkpoint's tree, too.
    var rest = scope.reader.events(from: proof.size)
    while true {
      let stored: StoredEvent?
      do { stored = try rest.read() } catch { throw .log(error) }
      guard let stored else { break }
      try proof.append(leaf: MerkleTree.leafHash(stored.line), isTold: false, give)
    }
    try proof.finish(give)
    guard folded.size == head.size, folded.root == head.root else {
      throw .otherRoot(size: head.size)
    }
    return (try file.finish(), dispatches)
  }

  private func writeTransactionLogs(
    of dispatches: [EntityID]
  ) throws(ExportError) -> [ExportedFile] {
    var files: [ExportedFile] = []
    var rest = dispatches[...]
    while !rest.isEmpty {
      let logs: [TransactionLog]
      do {
        logs = try Replay(scope.reader, at: scope.point)
          .transactionLogs(of: Array(rest.prefix(Self.dispatchesAtOnce)))
      } catch {
        throw .audit(error)
      }
      rest = rest.dropFirst(Self.dispatchesAtOnce)
      for log in logs {
        let path = "data/transaction-logs/\(log.dispatchID.text).log"
        files.append(try write(Array(log.text.utf8), to: path))
      }
    }
    return files
  }
}
