package import Bytes

/// A log's public key under its name, as C2SP signed-note writes it: `<name>+<key id>+<base64>`.
///
/// The key id is eight lower-case digits; the base64 holds 0x01 (Ed25519) and the 32 bytes of the
/// key.
package struct VerifierKey: Hashable, Sendable {
  static let type: UInt8 = 0x01

  private let nameText: ByteText
  package let key: Ed25519.PublicKey

  /// Told apart from other names by its bytes.
  package var name: String { nameText.string }

  /// The key, or `nil` where a note can't carry `name`.
  ///
  /// It must not be empty nor hold white space, control characters or `+`.
  package init?(name: String, key: Ed25519.PublicKey) {
    guard KeySpelling.isValid(name: name) else { return nil }
    nameText = ByteText(name)
    self.key = key
  }

  /// The first four bytes of SHA-256(name || 0x0A || 0x01 || key).
  package var id: [UInt8] { spelling.id }

  /// The one line that ``init(text:)`` reads.
  package var text: String { spelling.text }

  /// Reads the written form, or gives `nil`; the key id must be that of name and key.
  package init?(text: some Collection<UInt8>) {
    guard let read = KeySpelling(text: text), read.type == Self.type,
      let key = Ed25519.PublicKey(bytes: read.key)
    else { return nil }
    self.init(name: read.name, key: key)
    guard read.id == id else { return nil }
  }

  private var spelling: KeySpelling { KeySpelling(name: name, type: Self.type, key: key.bytes) }
}
