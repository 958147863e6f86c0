import Bytes
import EventLog
import Merkle
import Torture

/// Evidence that somebody hands over: notes, keys, proofs, policies, tiles, time stamps.
enum EvidenceTargets {
  static let all = [
    FuzzTarget("notes", limit: 4_096) { note($0) },
    FuzzTarget("keys", limit: 256) { key($0) },
    FuzzTarget("proofs", limit: 8_192) { bytes in
      guard let proof = try? TransparencyProof(bytes) else { return }
      promise(proof.bytes == bytes, "a proof has another spelling")
      let key = NoteKey.ed25519(WrittenLedger.identity.verifierKey)
      _ = try? proof.verified(leaf: MerkleTree.leafHash(bytes), logs: [key])
      if let head = (try? Checkpoint(text: proof.note.text))?.head {
        _ = proof.proof.proves(leaf: MerkleTree.leafHash(bytes), at: proof.index, in: head)
        let other = ConsistencyProof(hashes: proof.proof.hashes)
        _ = other.proves(TreeHead(size: proof.index, root: head.root), growsInto: head)
      }
    },
    FuzzTarget("witness-requests", limit: 8_192) { bytes in
      guard let request = try? WitnessRequest(bytes) else { return }
      promise(request.bytes == bytes, "a request has another spelling")
      guard let key = CosignerKey(name: "w", key: WrittenLedger.identity.verifierKey.key) else {
        return
      }
      let log = NoteKey.ed25519(WrittenLedger.identity.verifierKey)
      let known = TreeHead(size: request.oldSize, root: request.checkpoint.head.root)
      _ = Witness(key: key, logs: [log]).review(request, known: known)
    },
    FuzzTarget("policies", limit: 8_192) { bytes in
      guard let policy = try? TrustPolicy(bytes) else { return }
      promise((try? TrustPolicy(bytes + [0x0A])) == policy, "an empty line changes a policy")
      if let note = try? SignedNote(bytes) { _ = try? policy.verified(note) }
    },
    FuzzTarget("tiles", limit: 2_048) { tile($0) },
    FuzzTarget("time-stamps", limit: 8_192) { bytes in
      for token in [try? TimeStampToken(der: bytes), try? TimeStampToken(reply: bytes)] {
        guard let token else { continue }
        promise((try? TimeStampToken(der: token.der)) == token, "a token's own bytes are another")
        try? token.verify(token.digest)
      }
    },
  ]

  private static func note(_ bytes: [UInt8]) {
    if let checkpoint = try? Checkpoint(text: bytes) {
      promise(checkpoint.text == bytes, "a checkpoint has another spelling")
    }
    guard let note = try? SignedNote(bytes) else { return }
    promise(note.bytes == bytes, "a note has another spelling")
    promise(note.adding(note.signatures) == note, "a note with its own signatures is another")
    let identity = WrittenLedger.identity
    let key = NoteKey.ed25519(identity.verifierKey)
    for name in Set(note.signatures.map(\.name)) { promise(!name.isEmpty, "an empty name") }
    if let signers = try? note.verified(by: [key]) {
      promise(signers.allSatisfy { $0.key == key }, "signed by a key that isn't asked for")
    }
    if let verified = try? VerifiedCheckpoint(note, logs: [key]) {
      promise(verified.checkpoint.origin == identity.origin, "another ledger's checkpoint")
    }
  }

  private static func key(_ bytes: [UInt8]) {
    let key = NoteKey(text: bytes)
    if let key { promise(Array(key.text.utf8) == bytes, "a key has another spelling") }
    if let signer = VerifierKey(text: bytes) {
      promise(key == .ed25519(signer) && CosignerKey(text: bytes) == nil, "two keys in one")
    }
    if let cosigner = CosignerKey(text: bytes) {
      promise(key == .cosigner(cosigner), "two keys in one")
    }
  }

  private static func tile(_ bytes: [UInt8]) {
    if let path = text(bytes), let tile = Tile(path: path) {
      promise(Array(tile.path.utf8) == bytes, "a tile has another path")
    }
    if let first = bytes.first {
      let width = Int(first) + 1
      let bundle = Array(bytes.dropFirst())
      if let entries = EntryBundle.entries(of: bundle, width: width) {
        var again: [UInt8] = []
        promise(
          entries.count == width && entries.allSatisfy { EntryBundle.append($0, to: &again) }
            && again == bundle, "a bundle of entries has another spelling")
      }
    }
    // A tree of so many leaves, whose tiles all hold these bytes.
    guard bytes.count > 40 else { return }
    let size = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    guard let root = Digest(bytes: Array(bytes[8..<40])) else { return }
    let content = Array(bytes.dropFirst(40))
    let head = TreeHead(size: size & 0x7FFF_FFFF_FFFF_FFFF, root: root)
    var reader = TileReader(head: head) { tile in
      // Most tiles are of zeros, which cost less to make.
      var hashes = [UInt8](repeating: 0, count: tile.width * 32)
      let count = min(content.count, hashes.count)
      hashes.replaceSubrange(0..<count, with: content.prefix(count))
      return hashes
    }
    _ = try? InclusionProof.make(index: head.size / 2, size: head.size) { leaves in
      try reader.hash(of: leaves)
    }
  }
}
