import Bytes

/// A public key that may have signed a note, of whatever type.
package enum NoteKey: Hashable, Sendable {
  /// Type 0x01: signs the text itself.
  case ed25519(VerifierKey)

  /// Type 0x04: signs a time and a checkpoint's text.
  case cosigner(CosignerKey)

  /// A type that isn't known here: it is kept, and never believed to have signed.
  case other(OtherKey)

  /// Reads `<name>+<key id>+<base64>`, or gives `nil`.
  package init?(text: some Collection<UInt8>) {
    if let key = VerifierKey(text: text) {
      self = .ed25519(key)
    } else if let key = CosignerKey(text: text) {
      self = .cosigner(key)
    } else if let key = OtherKey(text: text) {
      self = .other(key)
    } else {
      return nil
    }
  }

  package var name: String {
    switch self {
    case .ed25519(let key): key.name
    case .cosigner(let key): key.name
    case .other(let key): key.name
    }
  }

  /// Four bytes; with the name they are how a signature line names the key.
  package var id: [UInt8] {
    switch self {
    case .ed25519(let key): key.id
    case .cosigner(let key): key.id
    case .other(let key): key.id
    }
  }

  /// The one line that ``init(text:)`` reads.
  package var text: String {
    switch self {
    case .ed25519(let key): key.text
    case .cosigner(let key): key.text
    case .other(let key): key.text
    }
  }

  /// The bytes of the public key itself, without type: two keys are one key under two names where
  /// these are equal.
  var material: [UInt8] {
    switch self {
    case .ed25519(let key): key.key.bytes
    case .cosigner(let key): key.key.bytes
    case .other(let key): key.key
    }
  }
}

/// A public key of a type that isn't known here, kept as it was written.
///
/// Its key id is taken as it stands: some types make theirs in a way of their own.
package struct OtherKey: Hashable, Sendable {
  private let nameText: ByteText

  /// Four bytes.
  package let id: [UInt8]

  /// Neither 0x01 nor 0x04.
  package let type: UInt8

  /// What follows the type.
  package let key: [UInt8]

  package var name: String { nameText.string }

  /// Reads `<name>+<key id>+<base64>`, or gives `nil`.
  package init?(text: some Collection<UInt8>) {
    guard let read = KeySpelling(text: text), KeySpelling.isValid(name: read.name),
      read.type != VerifierKey.type, read.type != CosignerKey.type, !read.key.isEmpty
    else { return nil }
    nameText = ByteText(read.name)
    id = read.id
    type = read.type
    key = read.key
  }

  /// The one line that ``init(text:)`` reads.
  package var text: String {
    var spelling = KeySpelling(name: name, type: type, key: key)
    spelling.id = id
    return spelling.text
  }
}
