import Bytes

/// A text and the signatures under it (C2SP signed-note).
///
/// The text must be ignored until ``verified(by:)`` has said who signed it. The inverse pair:
/// `SignedNote(n.bytes) == n`.
package struct SignedNote: Hashable, Sendable {
  /// How long a note may be.
  package static let byteLimit = 1 << 20

  /// How many signatures a note may have.
  package static let signatureLimit = 100

  /// What is signed: UTF-8 that ends with a newline, without other control characters.
  package let text: [UInt8]

  /// At least one, in the order of their lines.
  package let signatures: [NoteSignature]

  /// The note, or `nil` where it would have another form or be too long.
  package init?(text: [UInt8], signatures: [NoteSignature]) {
    self.text = text
    self.signatures = signatures
    guard let read = try? SignedNote(bytes), read == self else { return nil }
  }

  /// Reads a whole note.
  ///
  /// - Throws: `.tooLong`, or `.malformed` with the number of the line.
  package init(_ bytes: [UInt8]) throws(EvidenceError) {
    guard bytes.count <= Self.byteLimit else {
      throw .tooLong(.note, bytes: bytes.count, limit: Self.byteLimit)
    }
    var reader = LineReader(bytes)
    // Behind the last empty line: the signatures. Its own newline isn't part of the text.
    var signatureReader: LineReader?
    while !reader.isAtEnd {
      guard let line = reader.next(), line.line != nil else {
        throw .malformed(.note, line: reader.number)
      }
      if line.isEmpty && reader.number > 1 { signatureReader = reader }
    }
    guard var reader = signatureReader, !reader.isAtEnd else {
      throw .malformed(.note, line: reader.number + 1)
    }
    text = Array(bytes[..<(reader.offset - 1)])
    var signatures: [NoteSignature] = []
    while let line = reader.isAtEnd ? nil : reader.next() {
      guard signatures.count < Self.signatureLimit, let signature = NoteSignature(line: line) else {
        throw .malformed(.note, line: reader.number)
      }
      signatures.append(signature)
    }
    self.signatures = signatures
  }

  /// The note as it is stored and sent.
  package var bytes: [UInt8] {
    var bytes = text + [UInt8(ascii: "\n")]
    for signature in signatures {
      bytes += signature.line.utf8
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }

  /// The note with more signatures behind those that it has, or `nil` where that is too much; lines
  /// that stand there already aren't repeated.
  package func adding(_ more: [NoteSignature]) -> SignedNote? {
    var signatures = signatures
    for signature in more where !signatures.contains(signature) { signatures.append(signature) }
    return SignedNote(text: text, signatures: signatures)
  }
}

/// A key that signed a note, and when, where its signatures say that.
package struct VerifiedSignature: Hashable, Sendable {
  package let key: NoteKey

  /// Seconds since the Epoch, of a cosigner's signature.
  package let time: UInt64?
}

extension SignedNote {
  /// Who signed the text, of those whose keys are known; signatures of others are ignored.
  ///
  /// - Returns: At least one, in the order of their lines; a key that signed twice, twice.
  /// - Throws: `.falseSignature` for any of a known key, `.noKnownSignature`, `.ambiguousKeys`.
  package func verified(by keys: [NoteKey]) throws(EvidenceError) -> [VerifiedSignature] {
    var verified: [VerifiedSignature] = []
    for signature in signatures {
      let named = Set(keys.filter(signature.names))
      guard let key = named.first else { continue }
      guard named.count == 1 else { throw .ambiguousKeys(signature.name) }
      switch key {
      case .ed25519(let signer):
        guard signer.key.accepts(signature.bytes, of: text) else {
          throw .falseSignature(key: key.text)
        }
        verified.append(VerifiedSignature(key: key, time: nil))
      case .cosigner(let signer):
        guard let time = signer.time(of: signature.bytes, text: text) else {
          throw .falseSignature(key: key.text)
        }
        verified.append(VerifiedSignature(key: key, time: time))
      case .other: continue
      }
    }
    guard !verified.isEmpty else { throw .noKnownSignature }
    return verified
  }
}
