package import Bytes

/// An event's position in the log: from 0, dense; a decimal string, as the envelope has it.
package typealias EventID = UInt64

extension EventID: FieldValue {
  /// The id that `text` spells in decimal without leading zeros, at most 2^53 - 1, or `nil`.
  package init?(eventID text: String) {
    unsafe self.init(eventID: text.utf8.span.bytes)
  }

  /// The id that `text` spells in decimal without leading zeros, at most 2^53 - 1, or `nil`.
  package init?(eventID text: RawSpan) {
    guard (1...16).contains(text.byteCount),
      text.byteCount == 1 || text.byte(at: 0) != UInt8(ascii: "0")
    else { return nil }
    self = 0
    for offset in 0..<text.byteCount {
      guard let digit = decimalValue(text.byte(at: offset)) else { return nil }
      self = self * 10 + UInt64(digit)
    }
    guard self <= UInt64(Int64.greatestInJSON) else { return nil }
  }

  package init(from reader: inout ObjectReader) throws(EventError) {
    let text = try reader.text()
    guard let id = unsafe EventID(eventID: reader.line.slice(text.range).bytes) else {
      throw .badValue(.eventID)
    }
    self = id
  }

  package func append(to bytes: inout [UInt8]) { String(self).append(to: &bytes) }
}

/// The name of a program, user, group, dispatch or other thing: `^[A-Za-z0-9_-]{1,128}$`.
package struct EntityID: CheckedText {
  package static let form = EventError.Form.entityID
  package static let greatestLength = 128
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    (1...128).contains(text.byteCount)
      && holdsOnly(text) { $0.lettersAndDigits | $0.bytes("-") | $0.bytes("_") }
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

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    (1...32).contains(text.byteCount) && isLowerCaseLetter(text.byte(at: 0))
      && holdsOnly(text) { $0.lowerCaseAndDigits | $0.bytes("-") | $0.bytes("_") }
  }
}

/// A word of a list that may grow without a new version of an event: `^[a-z][a-z0-9-]{0,63}$`.
package struct CodeWord: CheckedText {
  package static let form = EventError.Form.codeWord
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    (1...64).contains(text.byteCount) && isLowerCaseLetter(text.byte(at: 0))
      && holdsOnly(text) { $0.lowerCaseAndDigits | $0.bytes("-") }
  }
}

/// A ledger's random identity: 128 bits as 32 lower-case hexadecimal digits.
package struct LedgerID: CheckedText {
  package static let form = EventError.Form.ledgerID
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool { isHex(text, digits: 32) }
}

/// A SHA-256 or an HMAC-SHA-256: 32 bytes as 64 lower-case hexadecimal digits.
package struct HexDigest: CheckedText {
  package static let form = EventError.Form.hexDigest
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool { isHex(text, digits: 64) }
}

/// The root of a Merkle tree: 32 bytes in base 64, as a checkpoint writes it.
package struct TreeRoot: CheckedText {
  package static let form = EventError.Form.treeRoot
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    Base64.decode([UInt8](text))?.count == 32
  }
}

/// At least one byte, in base 64 with padding.
package struct Base64Text: CheckedText {
  package static let form = EventError.Form.base64
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    Base64.decode([UInt8](text)).map { !$0.isEmpty } ?? false
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

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    let bytes = [UInt8](text)
    guard bytes.starts(with: prefix.utf8),
      let sealed = Base64.decode(bytes.dropFirst(prefix.utf8.count))
    else { return false }
    return sealed.count >= overhead
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

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    guard text.byteCount <= 40 else { return false }
    let bytes = [UInt8](text)
    let isNegative = bytes.first == UInt8(ascii: "-")
    let parts = bytes.dropFirst(isNegative ? 1 : 0)
      .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { decimalValue($0) != nil } }),
      let whole = parts.first, whole.count == 1 || whole.first != UInt8(ascii: "0")
    else { return false }
    return !isNegative || bytes.contains { (0x31...0x39).contains($0) }
  }
}

/// A template and its version, `NAME/NUMBER`: `builtin/1`.
package struct TemplateVersion: CheckedText {
  package static let form = EventError.Form.templateVersion
  package static let builtin = TemplateVersion(accepted: "builtin/1")
  package let text: String

  package init(accepted text: String) { self.text = text }

  package init(id: EntityID, version: Int) {
    invariant(version >= 1, "a template's version counts from 1")
    text = "\(id.text)/\(version)"
  }

  package static func accepts(_ text: RawSpan) -> Bool {
    let bytes = [UInt8](text)
    guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")),
      EntityID.accepts(text.extracting(0..<slash))
    else { return false }
    let number = String(decoding: bytes[(slash + 1)...], as: UTF8.self)
    guard let version = Int(number), version >= 1 else { return false }
    return sameBytes(String(version), number)
  }
}

private func isHex(_ text: RawSpan, digits: Int) -> Bool {
  text.byteCount == digits && holdsOnly(text) { $0.bytes("0", "9") | $0.bytes("a", "f") }
}

private func isLowerCaseLetter(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
}
