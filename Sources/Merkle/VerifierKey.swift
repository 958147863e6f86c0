package import Bytes

/// A public key under its name, as C2SP signed-note writes it: `<name>+<key id>+<base64>`.
///
/// The key id is eight lower-case digits; the base64 holds 0x01 (Ed25519) and the 32 bytes of the
/// key.
package struct VerifierKey: Hashable, Sendable {
  private static let ed25519Type: UInt8 = 0x01

  package let name: String
  package let key: Ed25519.PublicKey

  /// The key, or `nil` where a note can't carry `name`.
  ///
  /// It must not be empty nor hold white space, control characters or `+`.
  package init?(name: String, key: Ed25519.PublicKey) {
    guard Self.isValid(name: name) else { return nil }
    self.name = name
    self.key = key
  }

  /// The first four bytes of SHA-256(name || 0x0A || 0x01 || key).
  package var id: [UInt8] {
    let hashed = Array(name.utf8) + [0x0A, Self.ed25519Type] + key.bytes
    return Array(SHA256.hash(hashed).bytes.prefix(4))
  }

  /// The one line that ``init(text:)`` reads.
  package var text: String {
    "\(name)+\(Hex.encode(id))+\(Base64.encode([Self.ed25519Type] + key.bytes))"
  }

  /// Reads the written form, or gives `nil`; the key id must be that of name and key.
  package init?(text: some Collection<UInt8>) {
    // Base64 may hold `+` too: only the first two part the fields.
    let fields = text.split(
      separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
    guard fields.count == 3, let name = String(validating: fields[0], as: UTF8.self),
      let id = Hex.decode(fields[1]), let typed = Base64.decode(fields[2]),
      typed.first == Self.ed25519Type, let key = Ed25519.PublicKey(bytes: typed.dropFirst())
    else { return nil }
    self.init(name: name, key: key)
    guard id == self.id else { return nil }
  }

  private static func isValid(name: String) -> Bool {
    !name.isEmpty
      && name.unicodeScalars.allSatisfy { scalar in
        scalar != "+" && !scalar.properties.isWhitespace
          && scalar.properties.generalCategory != .control
      }
  }
}

extension VerifierKey {
  /// Compares names by their bytes: the key id is made of those.
  package static func == (one: VerifierKey, other: VerifierKey) -> Bool {
    sameBytes(one.name, other.name) && one.key == other.key
  }

  package func hash(into hasher: inout Hasher) {
    for byte in name.utf8 { hasher.combine(byte) }
    hasher.combine(key)
  }
}
