import Bytes

/// Which signatures a checkpoint needs (C2SP tlog-policy).
package struct TrustPolicy: Hashable, Sendable {
  /// A log that is accepted.
  package struct Log: Hashable, Sendable {
    package let key: NoteKey

    /// Where it may be reached, as it is written.
    package let url: [UInt8]?
  }

  /// A witness that may be counted.
  package struct Witness: Hashable, Sendable {
    /// What the policy calls it; bytes of any encoding.
    package let name: [UInt8]

    /// Of a type that isn't known here it never counts.
    package let key: NoteKey

    /// Where it may be reached, as it is written.
    package let url: [UInt8]?
  }

  /// A name that was defined: by its place in the list of definitions.
  enum Definition: Hashable, Sendable {
    case witness(Int)
    /// At least `threshold` of `members`, which were defined before.
    case group(threshold: Int, members: [Int])
  }

  package internal(set) var logs: [Log] = []
  package internal(set) var witnesses: [Witness] = []
  var definitions: [Definition] = []

  /// The definition that has to be met, or `nil` where no cosignature is needed.
  var quorum: Int?

  /// The checkpoint of a note that has the signatures that this policy asks for.
  ///
  /// - Parameter logs: Keys of logs that are accepted beside those of the policy.
  /// - Throws: `.quorumNotMet`, and what ``VerifiedCheckpoint`` throws.
  package func verified(
    _ note: SignedNote, logs: [NoteKey] = []
  ) throws(EvidenceError) -> VerifiedCheckpoint {
    let cosigners = witnesses.compactMap { witness -> CosignerKey? in
      guard case .cosigner(let key) = witness.key else { return nil }
      return key
    }
    let verified = try VerifiedCheckpoint(
      note, logs: self.logs.map(\.key) + logs, cosigners: cosigners)
    let keys = Set(verified.cosignatures.map { NoteKey.cosigner($0.key) })
    let cosigned = witnesses.map { keys.contains($0.key) }
    guard isMet(cosigned) else {
      let names = zip(witnesses, cosigned).filter(\.1)
        .map { String(decoding: $0.0.name, as: UTF8.self) }
      throw .quorumNotMet(cosigned: names)
    }
    return verified
  }

  /// Whether the quorum is met by the witnesses that cosigned, each at its place in ``witnesses``.
  private func isMet(_ cosigned: [Bool]) -> Bool {
    guard let quorum else { return true }
    // What a definition needs stands before it.
    var met: [Bool] = []
    for definition in definitions {
      switch definition {
      case .witness(let index): met.append(cosigned[index])
      case .group(let threshold, let members):
        met.append(members.count { met[$0] } >= threshold)
      }
    }
    return met[quorum]
  }
}
