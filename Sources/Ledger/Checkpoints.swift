import Bytes
import EventLog
package import Merkle
import Platform

extension Ledger {
  /// Signs the ledger as it stands, unless its newest checkpoint is of this size already.
  ///
  /// In this order, each durable before the next: the log and `head`, `keys/last-signed`,
  /// `checkpoints.log`, `checkpoint`. The writer's lock isn't held: what is durable doesn't change.
  ///
  /// - Parameter isWaiting: Whether to wait for another process that is signing. It needs no
  ///   waiting: whoever signs looks afterwards whether others left their events to it.
  /// - Returns: The newest checkpoint; `nil` where another process is signing or about to: it is
  ///   between writing a commit and making it durable, and signs after that.
  /// - Throws: `.signing(.signedMore)`, `.signing(.signedOther)` where the key has signed what this
  ///   ledger isn't the continuation of; `.signing(.signerFailed)`; nothing was signed then.
  @discardableResult
  package func signCheckpoint(isWaiting: Bool = false) throws(LedgerError) -> SignedNote? {
    var newest: SignedNote?
    while let (note, size) = try signOnce(isWaiting: isWaiting) {
      newest = note
      guard let now = try durableHead(), now.size > size else { break }
    }
    return newest
  }

  /// Signs what a writer says is durable, beside it; nothing where another process is signing, or where more
  /// than that is signed.
  func signCheckpoint(of head: TreeHead) throws(LedgerError) {
    do throws(LedgerError) {
      _ = try signOnce(isWaiting: false, head)
    } catch {
      // Somebody else may have signed what was appended since.
      guard case .signing(.signedMore(let signed, _)) = error,
        try inStorage({ () throws(StorageError) in
          try Head.newestSize(in: storage, of: identity.id)
        }) >= signed
      else { throw error }
    }
  }

  /// - Returns: The newest checkpoint, and how many events it covers.
  private func signOnce(
    isWaiting: Bool, _ known: TreeHead? = nil
  ) throws(LedgerError) -> (note: SignedNote, size: UInt64)? {
    let keyFiles = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: path.keys)
    }
    guard let lock = try lockKeys(keyFiles, isWaiting: isWaiting) else { return nil }
    defer { withExtendedLifetime(lock) {} }
    let files = CheckpointFiles(storage)
    var head = known
    if head == nil { head = try durableHead() }
    guard let head else { return nil }
    guard let checkpoint = Checkpoint(origin: identity.origin, head: head) else {
      fatalError("invariant broken: '\(identity.origin)' can't stand in a checkpoint")
    }
    let last = try lastSigned(keyFiles)
    if let last, last == checkpoint,
      let newest = try inStorage({ () throws(StorageError) in try files.readNewest() }),
      newest.text == checkpoint.text
    {
      try putNextKeyInPlace(after: newest)
      return (newest, head.size)
    }
    if let last { try refuseFork(from: last.head, to: head) }
    try inStorage { () throws(StorageError) in
      try storage.open(LogPath.head, for: .writing).synchronize()
    }
    let note = try signed(checkpoint)
    try inStorage { () throws(StorageError) in
      try keyFiles.replace(LedgerPath.lastSignedName, with: checkpoint.text)
      try files.append(note)
    }
    try putNextKeyInPlace(after: note)
    return (note, head.size)
  }

  /// Takes the lock that whoever signs with this ledger's key holds.
  func lockKeys(
    _ files: FileStorage, isWaiting: Bool
  ) throws(LedgerError) -> (any StorageFile)? {
    try inStorage { () throws(StorageError) -> (any StorageFile)? in
      let lock = try files.openOrCreate(LedgerPath.keyLockName)
      let patience = isWaiting ? patienceMilliseconds : 0
      return try acquire(lock, timeoutMilliseconds: patience) ? lock : nil
    }
  }

  /// Size and root of what is durable; `nil` where another process is writing.
  private func durableHead() throws(LedgerError) -> TreeHead? {
    let reader = try inLog { () throws(LogError) in try LogReader(storage, identity: identity) }
    if let head = reader.head { return head }
    guard reader.end.state == .clean || reader.end.state == .torn else {
      throw .log(.needsRepair(reader.end))
    }
    return nil
  }

  private func lastSigned(_ keyFiles: FileStorage) throws(LedgerError) -> Checkpoint? {
    let bytes = try inStorage { () throws(StorageError) in
      try keyFiles.read(LedgerPath.lastSignedName, limit: 4_096)
    }
    guard let bytes else { return nil }
    guard let checkpoint = try? Checkpoint(text: bytes),
      sameBytes(checkpoint.origin, identity.origin)
    else { throw .badKeyFile(path: joinPath(path.keys, LedgerPath.lastSignedName)) }
    return checkpoint
  }

  /// Proves that the tree which was signed last is the beginning of this one.
  private func refuseFork(from last: TreeHead, to head: TreeHead) throws(LedgerError) {
    if head.size < last.size { throw .signing(.signedMore(signed: last.size, found: head.size)) }
    if head == last { return }
    let index = try inStorage { () throws(StorageError) in try TreeIndex(reading: storage) }
    if let index {
      let proof = try inStorage { () throws(StorageError) in
        try ConsistencyProof.make(from: last.size, to: head.size) {
          (subtree) throws(StorageError) in try index.hash(of: subtree)
        }
      }
      if let proof, proof.proves(last, growsInto: head) { return }
    }
    // The index is derived; the log itself has the last word.
    let subtrees = ConsistencyProof.subtrees(from: last.size, to: head.size) ?? []
    let hashes = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity).hashes(of: subtrees, upTo: head.size)
    }
    let proof = ConsistencyProof.make(from: last.size, to: head.size) { subtree in
      hashes.hash(of: subtree) ?? MerkleTree.emptyRoot
    }
    guard let proof, proof.proves(last, growsInto: head) else {
      throw .signing(.signedOther(size: last.size))
    }
  }

  /// The note of a checkpoint, signed by the ledger's key; by both where the key has just changed.
  private func signed(_ checkpoint: Checkpoint) throws(LedgerError) -> SignedNote {
    let signer = try KeyStore.signer(in: path.signingKey, origin: identity.origin)
    var note = try checkpoint.signed(by: signer.vkey, sign: signer.signature)
    if let next = try nextSigner(), checkpoint.head.size > next.changedAt {
      let line = try NoteSignature.make(
        text: checkpoint.text, key: next.signer.vkey, sign: next.signer.signature)
      note = line.flatMap { note?.adding([$0]) }
    }
    guard let note else { throw .signing(.signerFailed(.otherKey)) }
    return note
  }
}
