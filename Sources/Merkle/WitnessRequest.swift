import Bytes

/// What a log sends to a witness (C2SP tlog-witness, the body of add-checkpoint).
///
/// The inverse pair: `WitnessRequest(r.bytes) == r`.
package struct WitnessRequest: Hashable, Sendable {
  /// How long the text may be.
  package static let byteLimit = 2 << 20

  /// The size of the tree that the log believes the witness to have cosigned last, or 0.
  package let oldSize: UInt64

  /// From that tree to the checkpoint's; no hashes from 0.
  package let proof: ConsistencyProof

  /// The signed checkpoint, not yet verified.
  package let note: SignedNote

  /// What the note says, not yet verified; its origin tells which state the witness has to look up.
  package let checkpoint: Checkpoint

  /// The request to cosign `note`, or `nil` where that is no checkpoint's note, the proof has more
  /// than 63 hashes or the size is beyond 2^63 - 1.
  package init?(oldSize: UInt64, proof: ConsistencyProof, note: SignedNote) {
    guard oldSize <= DecimalText.greatest, proof.hashes.count <= HashLines.limit,
      let checkpoint = try? Checkpoint(text: note.text)
    else { return nil }
    self.oldSize = oldSize
    self.proof = proof
    self.note = note
    self.checkpoint = checkpoint
  }

  /// Reads a request.
  ///
  /// - Throws: `.tooLong`, or `.malformed` with the number of the line.
  package init(_ bytes: [UInt8]) throws(EvidenceError) {
    guard bytes.count <= Self.byteLimit else {
      throw .tooLong(.witnessRequest, bytes: bytes.count, limit: Self.byteLimit)
    }
    var reader = LineReader(bytes)
    guard let size = reader.next()?.after("old ").flatMap(DecimalText.read) else {
      throw .malformed(.witnessRequest, line: reader.number)
    }
    oldSize = size
    proof = ConsistencyProof(hashes: try HashLines.read(&reader, of: .witnessRequest))
    note = try SignedNote(Array(reader.rest))
    checkpoint = try Checkpoint(text: note.text)
  }

  /// The request as it is sent.
  package var bytes: [UInt8] {
    Array("old \(oldSize)\n\(HashLines.text(proof.hashes))".utf8) + note.bytes
  }
}
