/// Why a piece of evidence isn't believed, or can't be made.
package enum EvidenceError: Error, Hashable, Sendable {
  /// A text hasn't the form that FORMAT.md gives it; lines count from 1.
  case malformed(EvidenceForm, line: Int)

  /// A text is longer than its form may be; nothing of it was read.
  case tooLong(EvidenceForm, bytes: Int, limit: Int)

  /// Nobody signed the note whose key is known.
  case noKnownSignature

  /// A signature of a known key is false, so the whole note is refused.
  case falseSignature(key: String)

  /// Two known keys share name and id, so that nobody can tell which one signed.
  case ambiguousKeys(String)

  /// The checkpoint is of an origin whose key isn't known.
  case unknownOrigin(String)

  /// The log itself didn't sign its checkpoint, whoever else did.
  case notSignedByLog(String)

  /// Too few witnesses cosigned for the policy's quorum.
  case quorumNotMet(cosigned: [String])

  /// The hashes of the proof don't lead from the leaf to the checkpoint's root.
  case notInTree(index: UInt64, TreeHead)

  /// A tile that the tree has isn't where it should be.
  case missingTile(Tile)

  /// The tiles, together with those that were checked before, don't fold to the tree's root; which
  /// of them is false can't be told.
  case falseTiles([Tile])

  /// Leaves were asked for that a tree of `size` leaves doesn't have.
  case outsideTree(leaves: Range<UInt64>, size: UInt64)
}

/// The texts that evidence comes in.
package enum EvidenceForm: Hashable, Sendable, CaseIterable {
  case note, checkpoint, proof, witnessRequest, policy
}
