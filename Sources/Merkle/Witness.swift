import Bytes

/// Somebody who cosigns that logs only grow (C2SP tlog-witness), as far as that is a matter of
/// values: the state is handed in, and what has to be stored is handed out.
///
/// Whoever runs one stores the new head, durably, before the cosignature leaves, and lets no other
/// request in between.
package struct Witness: Hashable, Sendable {
  /// Whose cosignatures these are.
  package let key: CosignerKey

  /// The keys of the logs that it knows; a log's origin is its keys' name.
  package let logs: [NoteKey]

  /// A witness of the logs whose keys are `logs`.
  package init(key: CosignerKey, logs: [NoteKey]) {
    self.key = key
    self.logs = logs
  }

  /// Cosigns a checkpoint that is consistent with the last one, or refuses.
  ///
  /// - Parameters:
  ///   - known: The head that was cosigned last for ``WitnessRequest/checkpoint``'s origin, or `nil`
  ///     where there was none.
  ///   - time: Seconds since the Epoch, at most 2^63 - 1.
  ///   - sign: Gives the 64 bytes of the Ed25519 signature of the bytes that it is handed.
  /// - Throws: What `sign` throws.
  package func answer<Failure>(
    _ request: WitnessRequest, known: TreeHead?, time: UInt64,
    sign: ([UInt8]) throws(Failure) -> [UInt8]
  ) throws(Failure) -> Result<WitnessAnswer, WitnessRefusal> {
    if let refusal = review(request, known: known) { return .failure(refusal) }
    let text = request.note.text
    guard
      let signature = try NoteSignature.cosign(text: text, key: key, time: time, sign: sign)
    else { return .failure(.falseSigner) }
    return .success(WitnessAnswer(head: request.checkpoint.head, signature: signature))
  }

  /// Why a request is refused, or `nil` where its checkpoint may be cosigned.
  package func review(_ request: WitnessRequest, known: TreeHead?) -> WitnessRefusal? {
    do {
      _ = try VerifiedCheckpoint(request.note, logs: logs)
    } catch {
      switch error {
      case .unknownOrigin(let origin): return .unknownLog(origin)
      case .malformed, .tooLong: return .malformed(error)
      default: return .untrustedSignature(error)
      }
    }
    let head = request.checkpoint.head
    if request.oldSize > head.size { return .oldSizeBeyondCheckpoint }
    let knownSize = known?.size ?? 0
    if request.oldSize != knownSize { return .sizeConflict(known: knownSize) }
    if let known, known.size == head.size, known.root != head.root {
      return .rootConflict(size: known.size)
    }
    // Of no leaves nothing can be proved; they have one root.
    guard let known, known.size > 0 else {
      let isRight = head.size > 0 || head.root == MerkleTree.emptyRoot
      return isRight && request.proof.hashes.isEmpty ? nil : .falseProof
    }
    return request.proof.proves(known, growsInto: head) ? nil : .falseProof
  }
}

/// What a witness stores and gives.
package struct WitnessAnswer: Hashable, Sendable {
  /// To be stored for the origin, durably, before ``signature`` leaves.
  package let head: TreeHead

  /// The cosignature; ``NoteSignature/line`` and a newline are the answer of the protocol.
  package let signature: NoteSignature
}

/// Why a witness doesn't cosign, with the status that C2SP tlog-witness gives it over HTTP.
package enum WitnessRefusal: Error, Hashable, Sendable {
  /// 400: the request has another form.
  case malformed(EvidenceError)

  /// 404: the origin is none that the witness knows.
  case unknownLog(String)

  /// 403: no known key of the log signed, or a known key's signature is false.
  case untrustedSignature(EvidenceError)

  /// 400: the old size is greater than the checkpoint's.
  case oldSizeBeyondCheckpoint

  /// 409: the tree that was cosigned last has another size; the answer's body says which.
  case sizeConflict(known: UInt64)

  /// 409: the log shows another tree of the size that was cosigned last: it has forked.
  case rootConflict(size: UInt64)

  /// 422: the consistency proof is false, or isn't empty where nothing can be proved, or a tree
  /// without leaves has another root than that.
  case falseProof

  /// 500: what was given as the witness's own signature isn't that of its key.
  case falseSigner

  /// The status over HTTP.
  package var status: Int {
    switch self {
    case .malformed, .oldSizeBeyondCheckpoint: 400
    case .unknownLog: 404
    case .untrustedSignature: 403
    case .sizeConflict, .rootConflict: 409
    case .falseProof: 422
    case .falseSigner: 500
    }
  }
}
