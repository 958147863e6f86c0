package import Audit
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
  private let workers: Workers
  private let scratch: Scratch

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
  ///   - workers: Who makes parts of it at once.
  ///   - scratch: Where bytes wait that are too many for memory.
  package init(
    of scope: ExportScope, _ ledger: any Storage, into storage: any Storage, resumes: Bool,
    workers: @escaping Workers = oneByOne, scratch: @escaping Scratch
  ) throws(ExportError) {
    self.scope = scope
    (note, head) = try Self.newest(ledger, scope.reader.identity)
    self.storage = storage
    self.resumes = resumes
    self.workers = workers
    self.scratch = scratch
  }

  /// Writes the payload: all files in `data/`.
  ///
  /// - Parameters:
  ///   - hasTransactionLogs: Whether the filters choose dispatches and times alone.
  ///   - provesEach: Whether each event gets a proof of its own, however many there are.
  /// - Throws: `.otherRoot` where the log's events don't lead to the checkpoint.
  package func writePayload(
    _ tables: TableExport, hasTransactionLogs: Bool, provesEach: Bool
  ) throws(ExportError) -> (range: ExportRange, files: [ExportedFile]) {
    for directory in ["data", "data/tables", "data/transaction-logs"] {
      try makeDirectory(directory)
    }
    var files: [ExportedFile] = []
    files.append(try write(note.bytes, to: "data/checkpoint"))
    let events = try LineExport(scope, .jsonl, leafHashes: false, workers: workers)
      .write(to: "data/events.jsonl", in: storage, resumes: resumes)
    files.append(events.file)
    var sink = try CSVSink(
      ExportTable.all, in: storage, prefix: "data/tables/", resumes: resumes)
    files += try tables.write(to: &sink).files
    let provesEach = provesEach || events.range.count <= BundleProofs.withoutBeingAsked
    let (proof, proofs) = try writeProof(each: provesEach)
    files += proofs
    if hasTransactionLogs {
      let logs = try BundleLogs(scope, in: storage, resumes: resumes, workers: workers, scratch)
      files += try logs.write()
    }
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

  /// Proves every told event: all by one proof, and each by its own where that is wanted.
  private func writeProof(
    each provesEach: Bool
  ) throws(ExportError) -> (tree: ExportedFile, proofs: [ExportedFile]) {
    let file = try ExportFile("data/tree-proof", in: storage, resumes: resumes)
    try file.write(Array("\(TreeProof.header)\n".utf8))
    var proof = TreeProof()
    var folded = TreeProofReader()
    var hashes = provesEach ? try TreeFile(size: head.size, scratch) : nil
    var ids = Lane(capacity: 1 << 16, in: ScratchRoom(scratch))
    func give(_ part: TreeProof.Part) throws(ExportError) {
      let line = Array(part.text.utf8)
      _ = folded.take(line)
      file.countRow()
      try file.write(line + [UInt8(ascii: "\n")])
    }
    var told = scope
    told.skipsWhatIsNotHeld = false
    _ = try told.forEach { (stored, isTold) throws(ExportError) in
      let leaf = MerkleTree.leafHash(stored.line)
      try proof.append(leaf: leaf, isTold: isTold, give)
      try hashes?.append(leaf: leaf)
      if isTold { try ids.append(0, stored.id) }
    }
    // Whatever lies beyond the point belongs to the checkpoint's tree, too.
    var rest = scope.reader.events(from: proof.size)
    while true {
      let stored: StoredEvent?
      do { stored = try rest.read() } catch { throw .log(error) }
      guard let stored else { break }
      let leaf = MerkleTree.leafHash(stored.line)
      try proof.append(leaf: leaf, isTold: false, give)
      try hashes?.append(leaf: leaf)
    }
    try proof.finish(give)
    guard folded.size == head.size, folded.root == head.root else {
      throw .otherRoot(size: head.size)
    }
    let tree = try file.finish()
    guard var hashes else { return (tree, []) }
    try makeDirectory(BundleProofs.directory)
    let proofs = try BundleProofs.write(
      of: ids, &hashes, note, size: head.size, in: storage, resumes: resumes)
    return (tree, proofs)
  }
}
