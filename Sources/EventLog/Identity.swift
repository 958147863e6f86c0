package import Bytes
package import Merkle

/// What `LEDGER` says, and event 0 repeats (`FORMAT.md` §2).
package struct LedgerIdentity: Hashable, Sendable {
  package let id: LedgerID
  /// The name in signed statements: 1...128 bytes of `A-Z a-z 0-9 . _ / -`.
  package let origin: String
  package let created: Instant
  /// The ledger's first public key.
  package let verifierKey: VerifierKey

  package static let format: Int64 = 1

  package init?(id: LedgerID, origin: String, created: Instant, verifierKey: VerifierKey) {
    guard Self.isOrigin(origin), sameBytes(verifierKey.name, origin) else { return nil }
    self.id = id
    self.origin = origin
    self.created = created
    self.verifierKey = verifierKey
  }

  /// Whether a text may name a ledger.
  package static func isOrigin(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "._/-".utf8.contains(byte)
        }
      }
  }

  /// The file's bytes: one canonical object and a newline.
  package var encoded: [UInt8] {
    let object: JSON = [
      "created": .string(created.text), "format": .integer(Self.format),
      "ledger_id": .string(id.hex), "origin": .string(origin),
      "vkey": .string(verifierKey.text),
    ]
    return object.canonicalBytes + [UInt8(ascii: "\n")]
  }

  /// - Throws: `.badIdentity`, or `.unknownFormat` where only the format is another.
  package init(_ bytes: [UInt8]) throws(LogError) {
    guard bytes.last == UInt8(ascii: "\n"),
      let json = try? JSON(parsing: Array(bytes.dropLast())), case .object(let object) = json,
      case .integer(let format)? = object["format"]
    else { throw .badIdentity }
    guard format == Self.format else { throw .unknownFormat(format) }
    guard case .string(let idText)? = object["ledger_id"], let id = LedgerID(hex: idText),
      case .string(let origin)? = object["origin"],
      case .string(let createdText)? = object["created"],
      let created = Instant(text: createdText.utf8),
      case .string(let keyText)? = object["vkey"], let key = VerifierKey(text: keyText.utf8),
      let identity = LedgerIdentity(id: id, origin: origin, created: created, verifierKey: key),
      identity.encoded == bytes
    else { throw .badIdentity }
    self = identity
  }

  /// Reads `LEDGER`.
  package static func read(from storage: any Storage) throws(LogError) -> LedgerIdentity {
    let bytes = try reporting { () throws(StorageError) in
      let file = try storage.open(LogPath.identity, for: .reading)
      var bytes = [UInt8](repeating: 0, count: 4_096)
      let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: 0)
      return Array(bytes[..<count])
    }
    return try LedgerIdentity(bytes)
  }
}
