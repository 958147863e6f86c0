/// Base 64 with padding (RFC 4648 §4); every value has one spelling, and only that is accepted.
package enum Base64 {
  package static func encode(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    // The low `bitCount` bits of `bits` wait for a digit.
    var bits: UInt32 = 0
    var bitCount = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        text.append(digit(bits >> UInt32(bitCount)))
      }
    }
    if bitCount > 0 { text.append(digit(bits << UInt32(6 - bitCount))) }
    while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that `text` spells, or `nil` where it isn't their one spelling.
  ///
  /// Wrong length, other characters, missing padding and stray bits before the padding are refused.
  package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    // An array first: this function isn't specialized for what other modules hand in.
    let text = Array(text)
    guard text.count.isMultiple(of: 4) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    // The low `bitCount` bits of `bits` wait for a byte.
    var bits: UInt32 = 0
    var bitCount = 0
    var padding = 0
    for character in text {
      if character == UInt8(ascii: "=") {
        padding += 1
        continue
      }
      guard padding == 0, let value = value(of: character) else { return nil }
      bits = bits << 6 | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    // One digit of padding stands for two bits that wait, two digits for four; they must be zeros.
    guard padding <= 2, bitCount == 2 * padding, bits & (1 << UInt32(bitCount) - 1) == 0 else {
      return nil
    }
    return bytes
  }

  /// The digit of the low six bits of `value`.
  private static func digit(_ value: UInt32) -> UInt8 {
    let value = UInt8(value & 63)
    return switch value {
    case ..<26: UInt8(ascii: "A") + value
    case ..<52: UInt8(ascii: "a") + value - 26
    case ..<62: UInt8(ascii: "0") + value - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
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
