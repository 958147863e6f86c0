import Bytes

/// How C2SP signed-note writes a public key: `<name>+<key id>+<base64 of type and key>`.
///
/// The key id is eight lower-case digits.
struct KeySpelling {
  var name: String
  var id: [UInt8]
  var type: UInt8
  var key: [UInt8]

  /// The spelling of a key whose id is made in the recommended way.
  init(name: String, type: UInt8, key: [UInt8]) {
    self.name = name
    self.type = type
    self.key = key
    id = Self.id(name: name, type: type, key: key)
  }

  /// Reads the written form, or gives `nil`; whether the id is that of the key isn't checked.
  init?(text: some Collection<UInt8>) {
    // Base64 may hold `+` too: only the first two part the fields.
    let fields = text.split(
      separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
    guard fields.count == 3, let name = String(validating: fields[0], as: UTF8.self),
      let id = Hex.decode(fields[1]), id.count == 4, let typed = Base64.decode(fields[2]),
      let type = typed.first
    else { return nil }
    self.name = name
    self.id = id
    self.type = type
    key = Array(typed.dropFirst())
  }

  /// The one line that ``init(text:)`` reads.
  var text: String { "\(name)+\(Hex.encode(id))+\(Base64.encode([type] + key))" }

  /// The first four bytes of SHA-256(name || 0x0A || type || key).
  static func id(name: String, type: UInt8, key: [UInt8]) -> [UInt8] {
    Array(SHA256.hash(Array(name.utf8) + [0x0A, type] + key).bytes.prefix(4))
  }

  /// Whether a key may have this name: not empty, without white space, control characters and `+`.
  static func isValid(name: String) -> Bool {
    isReadable(name: name)
      && name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  /// Whether a signature line may have this name (C2SP signed-note): not empty, without white space
  /// and `+`.
  static func isReadable(name: String) -> Bool {
    !name.isEmpty
      && name.unicodeScalars.allSatisfy { $0 != "+" && !$0.properties.isWhitespace }
  }
}
