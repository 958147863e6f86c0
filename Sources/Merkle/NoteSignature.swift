import Bytes

/// A signature line of a note: `— <name> <base64 of key id and signature>`.
///
/// That it stands there says nothing: see ``SignedNote/verified(by:)``.
package struct NoteSignature: Hashable, Sendable {
  private let nameText: ByteText

  /// Four bytes.
  package let keyID: [UInt8]

  /// At least one byte; what they are depends on the key.
  package let bytes: [UInt8]

  /// The name of the key, told apart from others by its bytes.
  package var name: String { nameText.string }

  private init(key: NoteKey, bytes: [UInt8]) {
    nameText = ByteText(key.name)
    keyID = key.id
    self.bytes = bytes
  }

  /// Signs a note's text.
  ///
  /// - Parameters:
  ///   - text: What ``SignedNote/text`` will be.
  ///   - sign: Gives the 64 bytes of the Ed25519 signature of the bytes that it is handed.
  /// - Returns: The line, or `nil` where `sign` gave what isn't the signature of `key`.
  package static func make<Failure>(
    text: [UInt8], key: VerifierKey, sign: ([UInt8]) throws(Failure) -> [UInt8]
  ) throws(Failure) -> NoteSignature? {
    let signature = try sign(text)
    guard key.key.accepts(signature, of: text) else { return nil }
    return NoteSignature(key: .ed25519(key), bytes: signature)
  }

  /// Cosigns a checkpoint's text (C2SP tlog-cosignature, cosignature/v1).
  ///
  /// - Parameters:
  ///   - text: The text of the checkpoint's note.
  ///   - time: Seconds since the Epoch, at most 2^63 - 1.
  ///   - sign: Gives the 64 bytes of the Ed25519 signature of the bytes that it is handed.
  /// - Returns: The line, or `nil` where `sign` gave what isn't the signature of `key`.
  package static func cosign<Failure>(
    text: [UInt8], key: CosignerKey, time: UInt64, sign: ([UInt8]) throws(Failure) -> [UInt8]
  ) throws(Failure) -> NoteSignature? {
    let stamp = (0..<8).map { UInt8(truncatingIfNeeded: time >> UInt64(56 - 8 * $0)) }
    let signature = stamp + (try sign(CosignerKey.message(text: text, time: time)))
    guard key.time(of: signature, text: text) == time else { return nil }
    return NoteSignature(key: .cosigner(key), bytes: signature)
  }

  /// Reads a line without its newline, or gives `nil`.
  package init?(line: ArraySlice<UInt8>) {
    guard let fields = line.after("\u{2014} "),
      let space = fields.firstIndex(of: UInt8(ascii: " ")), let name = fields[..<space].line,
      KeySpelling.isReadable(name: name),
      let decoded = Base64.decode(fields[(space + 1)...]), decoded.count >= 5
    else { return nil }
    nameText = ByteText(name)
    keyID = Array(decoded.prefix(4))
    bytes = Array(decoded.dropFirst(4))
  }

  /// The line that ``init(line:)`` reads, without a newline.
  package var line: String { "\u{2014} \(name) \(Base64.encode(keyID + bytes))" }

  /// Whether the line names `key`, whoever wrote it.
  func names(_ key: NoteKey) -> Bool { keyID == key.id && nameText == ByteText(key.name) }
}
