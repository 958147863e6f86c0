package import Bytes

/// A witness's public key under its name: a verifier key of type 0x04 (C2SP tlog-cosignature).
///
/// Its signatures hold the time at which they were made, and are made over the time and a
/// checkpoint's text: see ``message(text:time:)``.
package struct CosignerKey: Hashable, Sendable {
  static let type: UInt8 = 0x04

  private let nameText: ByteText
  package let key: Ed25519.PublicKey

  /// Told apart from other names by its bytes.
  package var name: String { nameText.string }

  /// The key, or `nil` where a note can't carry `name`, as with ``VerifierKey``.
  package init?(name: String, key: Ed25519.PublicKey) {
    guard KeySpelling.isValid(name: name) else { return nil }
    nameText = ByteText(name)
    self.key = key
  }

  /// The first four bytes of SHA-256(name || 0x0A || 0x04 || key).
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

  /// What a cosignature of a checkpoint's `text` is made over, in seconds since the Epoch:
  /// `cosignature/v1`, `time <seconds>`, the text.
  package static func message(text: [UInt8], time: UInt64) -> [UInt8] {
    Array("cosignature/v1\ntime \(time)\n".utf8) + text
  }

  /// When the owner of this key cosigned `text`, in seconds since the Epoch, or `nil` where
  /// `signature` isn't eight bytes of time and its cosignature at that time.
  package func time(of signature: [UInt8], text: [UInt8]) -> UInt64? {
    guard signature.count == 8 + Ed25519.signatureByteCount else { return nil }
    let time = signature.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    guard time <= DecimalText.greatest,
      key.accepts(Array(signature.dropFirst(8)), of: Self.message(text: text, time: time))
    else { return nil }
    return time
  }

  private var spelling: KeySpelling { KeySpelling(name: name, type: Self.type, key: key.bytes) }
}
