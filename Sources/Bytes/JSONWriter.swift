extension JSON {
  /// The canonical form (RFC 8785): sorted keys, no space, the shortest escapes, UTF-8.
  package var canonicalBytes: [UInt8] {
    var bytes: [UInt8] = []
    appendCanonical(to: &bytes)
    return bytes
  }

  /// Appends the canonical form to `bytes`.
  package func appendCanonical(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .integer(let value):
      invariant(
        value.magnitude <= UInt64(JSON.greatestInteger), "\(value) is not an I-JSON integer")
      bytes.append(contentsOf: String(value).utf8)
    case .string(let text): appendCanonicalString(text, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.appendCanonical(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object): object.appendCanonical(to: &bytes)
    }
  }
}

extension JSONObject {
  /// Appends the canonical form to `bytes`.
  package func appendCanonical(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (index, member) in members.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      appendCanonicalString(member.key, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      member.value.appendCanonical(to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }
}

/// Appends `text` quoted as RFC 8785 §3.2.2.2 has it: only `"`, `\` and U+0000...U+001F are
/// escaped.
package func appendCanonicalString(_ text: String, to bytes: inout [UInt8]) {
  bytes.append(UInt8(ascii: "\""))
  if text.utf8.contains(where: isEscaped) {
    for byte in text.utf8 { appendCanonicalByte(byte, to: &bytes) }
  } else {
    bytes.append(contentsOf: text.utf8)
  }
  bytes.append(UInt8(ascii: "\""))
}

private func isEscaped(_ byte: UInt8) -> Bool {
  byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

private func appendCanonicalByte(_ byte: UInt8, to bytes: inout [UInt8]) {
  guard isEscaped(byte) else {
    bytes.append(byte)
    return
  }
  bytes.append(UInt8(ascii: "\\"))
  switch byte {
  case 0x08: bytes.append(UInt8(ascii: "b"))
  case 0x09: bytes.append(UInt8(ascii: "t"))
  case 0x0A: bytes.append(UInt8(ascii: "n"))
  case 0x0C: bytes.append(UInt8(ascii: "f"))
  case 0x0D: bytes.append(UInt8(ascii: "r"))
  case 0x00..<0x20:
    bytes.append(contentsOf: "u00".utf8)
    bytes.append(Hex.digit(byte >> 4))
    bytes.append(Hex.digit(byte & 0xF))
  default: bytes.append(byte)
  }
}
