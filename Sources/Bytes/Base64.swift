/// Base 64 with padding (RFC 4648 §4); every value has one spelling, and only that is accepted.
package enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var rest = bytes[...]
    while !rest.isEmpty {
      let group = Array(rest.prefix(3))
      rest = rest.dropFirst(3)
      var bits = UInt32(group[0]) << 16
      if group.count > 1 { bits |= UInt32(group[1]) << 8 }
      if group.count > 2 { bits |= UInt32(group[2]) }
      text.append(alphabet[Int(bits >> 18)])
      text.append(alphabet[Int(bits >> 12 & 63)])
      text.append(group.count > 1 ? alphabet[Int(bits >> 6 & 63)] : UInt8(ascii: "="))
      text.append(group.count > 2 ? alphabet[Int(bits & 63)] : UInt8(ascii: "="))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that `text` spells, or `nil` where it isn't their one spelling.
  ///
  /// Wrong length, other characters, missing padding and stray bits before the padding are refused.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    var bytes: [UInt8] = []
    var rest = text[...]
    while !rest.isEmpty {
      var group = Array(rest.prefix(4))
      rest = rest.dropFirst(4)
      var padding = 0
      while padding < 2, rest.isEmpty, group.last == UInt8(ascii: "=") {
        group.removeLast()
        padding += 1
      }
      var bits: UInt32 = 0
      for character in group {
        guard let value = value(of: character) else { return nil }
        bits = bits << 6 | value
      }
      bits <<= UInt32(6 * padding)
      let decoded = [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)]
      guard decoded.dropFirst(3 - padding).allSatisfy({ $0 == 0 }) else { return nil }
      bytes.append(contentsOf: decoded.prefix(3 - padding))
    }
    return bytes
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
