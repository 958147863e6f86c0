import Bytes

/// Why bytes aren't a signed note, or one that nobody known has signed (c2sp.org/signed-note).
package enum NoteError: Error, Hashable, Sendable {
  /// They don't have the form of a note, or exceed its limits.
  case malformed
  /// A key that is known has a signature in the note that isn't its own of this text.
  case badSignature(name: String)
  /// No signature is by a known key.
  case noKnownSignature
}

/// A text and who signed it (c2sp.org/signed-note): the text, an empty line, and signature lines
/// `— NAME BASE64`, where the base64 holds the 4 bytes of the key's id and the signature.
package struct SignedNote: Hashable, Sendable {
  /// The signed bytes: UTF-8 that ends with a newline.
  package let text: [UInt8]
  /// In the note's order, 1 to 100.
  package private(set) var signatures: [NoteSignature]

  /// The most bytes of a note, and the most signatures in it.
  package static let byteLimit = 1 << 20
  package static let signatureLimit = 100

  private static let newline = UInt8(ascii: "\n")

  /// A note of a text that ends with a newline.
  package init(text: [UInt8], signatures: [NoteSignature]) {
    invariant(text.last == Self.newline, "a note's text doesn't end with a newline")
    self.text = text
    self.signatures = signatures
  }

  /// Reads a note; the inverse of ``encoded``. Whose signatures it holds isn't checked yet.
  package init(parsing bytes: [UInt8]) throws(NoteError) {
    guard bytes.count <= Self.byteLimit, bytes.last == Self.newline,
      String(validating: bytes, as: UTF8.self) != nil,
      bytes.allSatisfy({ $0 >= 0x20 || $0 == Self.newline })
    else { throw .malformed }
    // The text ends at the last empty line.
    var end: Int?
    for index in bytes.indices.dropFirst() where bytes[index] == Self.newline {
      if bytes[index - 1] == Self.newline { end = index }
    }
    guard let end else { throw .malformed }
    text = Array(bytes[..<end])
    signatures = []
    let lines = bytes[(end + 1)...].split(
      separator: Self.newline, omittingEmptySubsequences: false
    ).dropLast()
    guard (1...Self.signatureLimit).contains(lines.count) else { throw .malformed }
    for line in lines {
      guard let signature = NoteSignature(line: line) else { throw .malformed }
      signatures.append(signature)
    }
  }

  /// The note's bytes.
  package var encoded: [UInt8] {
    text + [Self.newline] + signatures.flatMap { Array($0.line.utf8) + [Self.newline] }
  }

  /// This note with another signature, unless it has that one already.
  package func adding(_ signature: NoteSignature) -> SignedNote {
    var note = self
    if !signatures.contains(signature) { note.signatures.append(signature) }
    return note
  }

  /// Which of `keys` have signed the text; signatures of unknown keys are passed over.
  ///
  /// - Throws: `.badSignature` where a known key has a signature that doesn't hold;
  ///   `.noKnownSignature`.
  package func signers(among keys: [VerifierKey]) throws(NoteError) -> [VerifierKey] {
    var found: [VerifierKey] = []
    for signature in signatures {
      for key in keys where signature.claims(key) {
        guard key.key.accepts(signature.signature, of: text) else {
          throw .badSignature(name: key.name)
        }
        if !found.contains(key) { found.append(key) }
      }
    }
    guard !found.isEmpty else { throw .noKnownSignature }
    return found
  }
}

/// One signature line of a note.
package struct NoteSignature: Hashable, Sendable {
  package let name: String
  /// The 4 bytes that tell apart the keys of a name.
  package let keyID: [UInt8]
  /// What follows the id; 64 bytes for Ed25519.
  package let signature: [UInt8]

  /// An em dash (U+2014) and a space.
  private static let mark = Array("\u{2014} ".utf8)

  /// What `key`'s holder signed.
  package init(of key: VerifierKey, signature: [UInt8]) {
    name = key.name
    keyID = key.id
    self.signature = signature
  }

  /// Reads a line without its newline, or gives `nil`.
  package init?(line: some Collection<UInt8>) {
    guard line.starts(with: Self.mark) else { return nil }
    let parts = line.dropFirst(Self.mark.count).split(
      separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 2, let name = String(validating: parts[0], as: UTF8.self),
      VerifierKey.isValid(name: name), let bytes = Base64.decode(parts[1]), bytes.count > 4
    else { return nil }
    self.name = name
    keyID = Array(bytes.prefix(4))
    signature = Array(bytes.dropFirst(4))
  }

  /// The line without its newline.
  package var line: String { "\u{2014} \(name) \(Base64.encode(keyID + signature))" }

  /// Whether it says that `key` made it.
  func claims(_ key: VerifierKey) -> Bool { sameBytes(name, key.name) && keyID == key.id }
}
