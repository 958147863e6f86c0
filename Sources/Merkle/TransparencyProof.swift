package import Bytes

/// The proof in one file that an entry is in a log (C2SP tlog-proof): an inclusion proof and the
/// signed checkpoint that it leads to.
///
/// Size and root come from the checkpoint alone, once it is verified. The inverse pair:
/// `TransparencyProof(p.bytes) == p`.
package struct TransparencyProof: Hashable, Sendable {
  /// How long the file may be.
  package static let byteLimit = 2 << 20

  private static let title = "c2sp.org/tlog-proof@v1"

  /// What somebody added to the file, under no signature; this ledger adds nothing.
  package let extra: [UInt8]?

  /// Which entry of the log; the event's id.
  package let index: UInt64

  package let proof: InclusionProof

  /// The checkpoint with all its signatures, not yet verified.
  package let note: SignedNote

  /// The proof, or `nil` where its hashes are more than 63 or the index is beyond 2^63 - 1.
  package init?(index: UInt64, proof: InclusionProof, note: SignedNote, extra: [UInt8]? = nil) {
    guard proof.hashes.count <= HashLines.limit, index <= DecimalText.greatest else { return nil }
    self.index = index
    self.proof = proof
    self.note = note
    self.extra = extra
    guard bytes.count <= Self.byteLimit else { return nil }
  }

  /// Reads a file.
  ///
  /// - Throws: `.tooLong`, or `.malformed` with the number of the line.
  package init(_ bytes: [UInt8]) throws(EvidenceError) {
    guard bytes.count <= Self.byteLimit else {
      throw .tooLong(.proof, bytes: bytes.count, limit: Self.byteLimit)
    }
    var reader = LineReader(bytes)
    guard let title = reader.next(), title.elementsEqual(Self.title.utf8) else {
      throw .malformed(.proof, line: reader.number)
    }
    var line = reader.next()
    var extra: [UInt8]?
    if let encoded = line?.after("extra ") {
      guard let decoded = Base64.decode(encoded) else {
        throw .malformed(.proof, line: reader.number)
      }
      extra = decoded
      line = reader.next()
    }
    guard let index = line?.after("index ").flatMap(DecimalText.read) else {
      throw .malformed(.proof, line: reader.number)
    }
    self.extra = extra
    self.index = index
    proof = InclusionProof(hashes: try HashLines.read(&reader, of: .proof))
    note = try SignedNote(Array(reader.rest))
  }

  /// The file.
  package var bytes: [UInt8] {
    let extraLine = extra.map { "extra \(Base64.encode($0))\n" } ?? ""
    let head = "\(Self.title)\n\(extraLine)index \(index)\n\(HashLines.text(proof.hashes))"
    return Array(head.utf8) + note.bytes
  }

  /// Checks who signed the checkpoint, and that its tree has `leaf` at ``index``.
  ///
  /// - Throws: `.notInTree`, and what ``VerifiedCheckpoint`` throws.
  package func verified(
    leaf: Digest, logs: [NoteKey], cosigners: [CosignerKey] = []
  ) throws(EvidenceError) -> VerifiedCheckpoint {
    let verified = try VerifiedCheckpoint(note, logs: logs, cosigners: cosigners)
    try check(leaf, in: verified.checkpoint.head)
    return verified
  }

  /// Checks that the checkpoint has the signatures that `policy` asks for, and that its tree has
  /// `leaf` at ``index``.
  ///
  /// - Throws: `.notInTree`, and what ``TrustPolicy/verified(_:logs:)`` throws.
  package func verified(
    leaf: Digest, policy: TrustPolicy, logs: [NoteKey] = []
  ) throws(EvidenceError) -> VerifiedCheckpoint {
    let verified = try policy.verified(note, logs: logs)
    try check(leaf, in: verified.checkpoint.head)
    return verified
  }

  private func check(_ leaf: Digest, in head: TreeHead) throws(EvidenceError) {
    guard proof.proves(leaf: leaf, at: index, in: head) else {
      throw .notInTree(index: index, head)
    }
  }
}
