package import Bytes

/// An event's position in the log: from 0, dense; a decimal string, as the envelope has it.
package typealias EventID = UInt64

extension EventID: FieldValue {
  /// The id that `text` spells in decimal without leading zeros, at most 2^53 - 1, or `nil`.
  package init?(eventID text: String) {
    guard let id = UInt64(text), id <= UInt64(JSON.greatestInteger), sameBytes(String(id), text)
    else { return nil }
    self = id
  }

  package init(json: JSON) throws(EventError) {
    guard let id = EventID(eventID: try String(json: json)) else { throw .badValue(.eventID) }
    self = id
  }

  package func append(to bytes: inout [UInt8]) { String(self).append(to: &bytes) }
}

/// The name of a program, user, group, dispatch or other thing: `^[A-Za-z0-9_-]{1,128}$`.
package struct EntityID: CheckedText {
  package static let form = EventError.Form.entityID
  package static let greatestLength = 128
  package let text: String

  package init?(_ text: String) {
    guard (1...Self.greatestLength).contains(text.utf8.count),
      text.utf8.allSatisfy({ isLetterOrDigit($0) || isHyphenOrUnderscore($0) })
    else { return nil }
    self.text = text
  }

  /// The id as people write it in catalogues and requests, where `1` and `"1"` are one id.
  package init?(input: JSON) {
    switch input {
    case .string(let text): self.init(text)
    case .integer(let number): self.init(String(number))
    case .null, .bool, .array, .object: return nil
    }
  }
}

/// The word that names a channel, `sms` or `email`: `^[a-z][a-z0-9_-]{0,31}$`.
package struct ChannelCode: CheckedText {
  package static let form = EventError.Form.channelCode
  package let text: String

  package init?(_ text: String) {
    guard text.utf8.count <= 32, let first = text.utf8.first, isLowerCaseLetter(first),
      text.utf8.allSatisfy({ isLowerCaseOrDigit($0) || isHyphenOrUnderscore($0) })
    else { return nil }
    self.text = text
  }
}

/// A word of a list that may grow without a new version of an event: `^[a-z][a-z0-9-]{0,63}$`.
package struct CodeWord: CheckedText {
  package static let form = EventError.Form.codeWord
  package let text: String

  package init?(_ text: String) {
    guard text.utf8.count <= 64, let first = text.utf8.first, isLowerCaseLetter(first),
      text.utf8.allSatisfy({ isLowerCaseOrDigit($0) || $0 == UInt8(ascii: "-") })
    else { return nil }
    self.text = text
  }
}

/// A ledger's random identity: 128 bits as 32 lower-case hexadecimal digits.
package struct LedgerID: CheckedText {
  package static let form = EventError.Form.ledgerID
  package let text: String

  package init?(_ text: String) {
    guard isHex(text, digits: 32) else { return nil }
    self.text = text
  }
}

/// A SHA-256 or an HMAC-SHA-256: 32 bytes as 64 lower-case hexadecimal digits.
package struct HexDigest: CheckedText {
  package static let form = EventError.Form.hexDigest
  package let text: String

  package init?(_ text: String) {
    guard isHex(text, digits: 64) else { return nil }
    self.text = text
  }
}

/// The root of a Merkle tree: 32 bytes in base 64, as a checkpoint writes it.
package struct TreeRoot: CheckedText {
  package static let form = EventError.Form.treeRoot
  package let text: String

  package init?(_ text: String) {
    guard Base64.decode(text.utf8)?.count == 32 else { return nil }
    self.text = text
  }
}

/// At least one byte, in base 64 with padding.
package struct Base64Text: CheckedText {
  package static let form = EventError.Form.base64
  package let text: String

  package init?(_ text: String) {
    guard let bytes = Base64.decode(text.utf8), !bytes.isEmpty else { return nil }
    self.text = text
  }
}

/// A personal text that only the holder of its key can read: `sealed:1:` and base 64.
///
/// The bytes are a nonce of 12 bytes, the AES-256-GCM ciphertext and a tag of 16 bytes. Nothing
/// here opens it; a reader without the key shows `[sealed]`.
package struct SealedText: CheckedText {
  package static let form = EventError.Form.sealedText
  package static let prefix = "sealed:1:"
  private static let overhead = 12 + 16
  package let text: String

  package init?(_ text: String) {
    guard text.utf8.starts(with: Self.prefix.utf8),
      let sealed = Base64.decode(text.utf8.dropFirst(Self.prefix.utf8.count)),
      sealed.count >= Self.overhead
    else { return nil }
    self.text = text
  }

  /// The text that holds `sealed` (nonce, ciphertext, tag), or `nil` where that is too short.
  package init?(sealed: [UInt8]) {
    self.init(Self.prefix + Base64.encode(sealed))
  }

  /// Nonce, ciphertext and tag.
  package var sealed: [UInt8] {
    Base64.decode(text.utf8.dropFirst(Self.prefix.utf8.count)) ?? []
  }
}

/// A decimal quantity, so that no reader rounds it: `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`, 1...40 bytes.
///
/// `-0` and its like are refused: zero has no sign.
package struct DecimalText: CheckedText {
  package static let form = EventError.Form.decimal
  package let text: String

  package init?(_ text: String) {
    let isNegative = text.utf8.first == UInt8(ascii: "-")
    let parts = text.utf8.dropFirst(isNegative ? 1 : 0)
      .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard text.utf8.count <= 40,
      parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { decimalValue($0) != nil } }),
      let whole = parts.first, whole.count == 1 || whole.first != UInt8(ascii: "0"),
      !isNegative || text.utf8.contains(where: { (0x31...0x39).contains($0) })
    else { return nil }
    self.text = text
  }
}

/// A template and its version, `NAME/NUMBER`: `builtin/1`.
package struct TemplateVersion: CheckedText {
  package static let form = EventError.Form.templateVersion
  package static let builtin = TemplateVersion(id: "builtin", version: 1)
  package let text: String

  package init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count == 2, EntityID(String(parts[0]) ?? "") != nil,
      let number = Int(String(parts[1]) ?? ""), number >= 1,
      sameBytes(String(number), String(parts[1]) ?? "")
    else { return nil }
    self.text = text
  }

  private init(id: StaticString, version: Int) { text = "\(id)/\(version)" }

  package init(id: EntityID, version: Int) {
    invariant(version >= 1, "a template's version counts from 1")
    text = "\(id.text)/\(version)"
  }
}

private func isHex(_ text: String, digits: Int) -> Bool {
  text.utf8.count == digits && text.utf8.allSatisfy { Hex.value($0) != nil }
}

func isLowerCaseLetter(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
}

func isLowerCaseOrDigit(_ byte: UInt8) -> Bool {
  isLowerCaseLetter(byte) || decimalValue(byte) != nil
}

func isLetterOrDigit(_ byte: UInt8) -> Bool {
  isLowerCaseOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
}

func isHyphenOrUnderscore(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
}
