import Bytes
import Dispatching
import EventLog
package import Events
package import Merkle
import Platform

// What others say of a ledger's checkpoints: witnesses' cosignatures and authorities' times.

extension Ledger {
  /// The most checkpoints that an answer's may be looked for in, from the newest one on.
  private static let cosignatureLimit = 100

  /// Adds the signature lines of `bytes`, alone or as a whole note, to the newest checkpoint.
  ///
  /// They are kept whoever made them: whether a witness is one of those that count is the
  /// auditor's policy to say.
  ///
  /// - Throws: `.signing(.noCosignature)` where there is no signature line, or the note is of
  ///   another checkpoint than the newest.
  package func addCosignatures(_ bytes: [UInt8]) throws(LedgerError) -> SignedNote {
    let keyFiles = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: path.keys)
    }
    guard let lock = try lockKeys(keyFiles, isWaiting: true) else {
      throw .locked(milliseconds: patienceMilliseconds)
    }
    defer { withExtendedLifetime(lock) {} }
    let files = CheckpointFiles(storage)
    guard let note = try inStorage({ () throws(StorageError) in try files.readNewest() }) else {
      throw .signing(.noCheckpoint)
    }
    var signatures: [NoteSignature] = []
    if let whole = try? SignedNote(bytes) {
      guard whole.text == note.text else { throw .signing(.noCosignature) }
      signatures = whole.signatures
    } else {
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        guard let signature = NoteSignature(line: line) else { throw .signing(.noCosignature) }
        signatures.append(signature)
      }
    }
    guard !signatures.isEmpty, signatures.count <= Self.cosignatureLimit else {
      throw .signing(.noCosignature)
    }
    guard let cosigned = note.adding(signatures) else { throw .signing(.noCosignature) }
    try inStorage { () throws(StorageError) in try files.append(cosigned) }
    return cosigned
  }

  /// The size of the newest checkpoint, which somebody besides the ledger must have signed.
  package func cosignedSize() throws(LedgerError) -> UInt64 {
    let files = CheckpointFiles(storage)
    let newest = try inStorage { () throws(StorageError) in try files.readNewest() }
    guard let newest, let checkpoint = try? Checkpoint(text: newest.text) else {
      throw .signing(.noCheckpoint)
    }
    guard newest.signatures.contains(where: { !sameBytes($0.name, identity.origin) }) else {
      throw .signing(.notCosigned)
    }
    return checkpoint.head.size
  }

  /// A request for an authority's time over a checkpoint's text.
  package func timeStampQuery(over note: SignedNote) throws(LedgerError) -> [UInt8] {
    // The first bit pair keeps the number positive and of full length.
    var nonce = try surroundings.randomBytes(8)
    nonce[0] = nonce[0] & 0x3F | 0x40
    return TimeStampRequest.der(digest: SHA256.hash(note.text), nonce: nonce)
  }

  /// Checks an authority's answer, and records it.
  ///
  /// - Throws: `.signing(.timeStamp)` where it isn't one; `.signing(.noCheckpoint)` where it is over
  ///   none of this ledger's checkpoints.
  package func keepTimeStamp(
    reply: [UInt8], authorities: [UInt8]?
  ) throws(LedgerError) -> LedgerTimeStamped {
    let token: TimeStampToken
    do {
      token = try TimeStampToken(reply: reply)
      try token.verify(token.digest, authorities: authorities)
    } catch {
      throw .signing(.timeStamp(error))
    }
    guard let head = try stampedHead(token.digest), let root = TreeRoot(head.root.base64),
      let text = Base64Text(Base64.encode(token.der))
    else { throw .signing(.noCheckpoint) }
    let stamped = LedgerTimeStamped(
      size: Int(head.size), root: root, stampedAt: token.time, authority: token.authority,
      token: text)
    let turn = try takeTurn()
    try turn.commit([EventDraft(.ledgerTimeStamped(stamped))])
    return stamped
  }

  /// The checkpoint whose text has this digest.
  private func stampedHead(_ digest: Digest) throws(LedgerError) -> TreeHead? {
    var found: TreeHead?
    try inStorage { () throws(StorageError) in
      try CheckpointFiles(storage).forEach { note, _ in
        guard found == nil, SHA256.hash(note.text) == digest else { return }
        found = (try? Checkpoint(text: note.text))?.head
      }
    }
    return found
  }
}
