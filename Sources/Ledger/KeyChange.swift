import Bytes
import Dispatching
import EventLog
import Events
package import Merkle
import Platform
import Views

extension Ledger {
  /// Puts another signing key in place of the ledger's, and says so in the log.
  ///
  /// In this order: the new key lies in `keys/next-signing-key`; `ledger.key-changed` is durable;
  /// a checkpoint that covers it is signed by both; the new key takes the old one's place, which is
  /// gone then. A crash in between leaves a state that the next checkpoint completes.
  ///
  /// - Parameters:
  ///   - signer: A command that signs from now on, instead of a key of the ledger's own.
  ///   - distrustedFrom: Where the old key is known to others: the size from which on nothing that
  ///     it signs counts.
  /// - Returns: The new public key, and the checkpoint that both have signed.
  package func changeKey(
    signer: Signer?, reason: String?, distrustedFrom: UInt64? = nil
  ) throws(LedgerError) -> (vkey: VerifierKey, checkpoint: SignedNote) {
    let vkey = try recordKeyChange(signer, reason, distrustedFrom)
    guard let note = try signCheckpoint(isWaiting: true) else {
      throw .locked(milliseconds: patienceMilliseconds)
    }
    return (vkey, note)
  }

  private func recordKeyChange(
    _ signer: Signer?, _ reason: String?, _ distrustedFrom: UInt64?
  ) throws(LedgerError) -> VerifierKey {
    let keyFiles = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: path.keys)
    }
    guard let lock = try lockKeys(keyFiles, isWaiting: true) else {
      throw .locked(milliseconds: patienceMilliseconds)
    }
    defer { withExtendedLifetime(lock) {} }
    let turn = try takeTurn()
    // An earlier change that a crash interrupted is completed before another one begins.
    if let next = try nextSigner() { return next.signer.vkey }
    let old = try KeyStore.signer(in: path.signingKey, origin: identity.origin)
    let next = try makeNextSigner(signer)
    _ = try next.signature(of: Array("\(identity.origin)\n".utf8))
    let changed = LedgerKeyChanged(
      vkey: next.vkey.text, previousVkey: old.vkey.text, reason: reason,
      distrustedFrom: distrustedFrom.map { Int($0) })
    try turn.commit([EventDraft(.ledgerKeyChanged(changed))])
    return next.vkey
  }

  private func makeNextSigner(_ signer: Signer?) throws(LedgerError) -> Signer {
    var bytes = Array("\(Hex.encode(try surroundings.randomBytes(32)))\n".utf8)
    if case .command(let command, let vkey)? = signer {
      bytes = Signer.file(command: command, vkey: vkey)
    }
    try inFiles { () throws(PlatformError) in try replaceFile(path.nextSigningKey, with: bytes) }
    return try KeyStore.signer(in: path.nextSigningKey, origin: identity.origin)
  }

  /// The key that is about to take the old one's place, once the log says so, and the event that
  /// does.
  func nextSigner() throws(LedgerError) -> (signer: Signer, changedAt: EventID)? {
    let isThere = try inFiles { () throws(PlatformError) in try exists(path.nextSigningKey) }
    guard isThere else { return nil }
    let signer = try KeyStore.signer(in: path.nextSigningKey, origin: identity.origin)
    let events = try inViews { () throws(ViewError) in try views.streams.events(of: .ledger) }
    let reader = try inLog { () throws(LogError) in try LogReader(storage, identity: identity) }
    for event in events.reversed() {
      let line = try line(of: event.id, at: event.location, in: reader)
      guard let line, let decoded = try? Event(decoding: line),
        case .ledgerKeyChanged(let changed) = decoded.payload
      else { continue }
      return sameBytes(changed.vkey, signer.vkey.text) ? (signer, event.id) : nil
    }
    return nil
  }

  /// Lets the new key take the old one's place, once both have signed.
  func putNextKeyInPlace(after note: SignedNote) throws(LedgerError) {
    guard let next = try nextSigner(),
      (try? note.verified(by: [.ed25519(next.signer.vkey)])) != nil
    else { return }
    let keyFiles = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: path.keys)
    }
    try inStorage { () throws(StorageError) in
      try keyFiles.rename(LedgerPath.nextSigningKeyName, to: LedgerPath.signingKeyName)
      try keyFiles.synchronizeDirectory(".")
    }
  }
}
