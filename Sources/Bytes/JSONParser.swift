/// Why a text is not JSON of the ledger's subset, and at which byte.
package struct JSONError: Error, Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    case unexpectedEnd
    case unexpectedByte(UInt8)
    case duplicateKey(String)
    /// A fraction or an exponent; decimal quantities are strings.
    case notAnInteger
    case leadingZero
    case negativeZero
    /// Beyond ±(2^53 - 1).
    case integerOutOfRange
    case invalidUTF8
    case controlCharacter
    case invalidEscape
    case loneSurrogate
    /// U+FDD0...U+FDEF, or a code point that ends in FFFE or FFFF (RFC 7493 §2.1).
    case noncharacter
    case stringTooLong(limit: Int)
    case tooDeep(limit: Int)
    case trailingBytes
  }

  /// Bytes from the start of the text.
  package let offset: Int
  package let reason: Reason

  package init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }
}

/// What a JSON text may hold at most, so that hostile input can't exhaust memory or the stack.
package struct JSONLimits: Sendable {
  /// Containers within each other; the outermost counts as one.
  package var depth = 16
  /// UTF-8 bytes of one string or key, unescaped.
  package var stringBytes = 16_384

  package init() {}
}

extension JSON {
  /// Parses one JSON text, in any spacing and key order.
  ///
  /// Strict where readers differ: duplicate keys, fractions, exponents, `-0`, integers beyond
  /// ±(2^53 - 1), invalid UTF-8, lone surrogates, noncharacters and trailing bytes are refused.
  package init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    var parser = JSONParser(bytes: bytes, limits: limits)
    self = try parser.parseDocument()
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  let limits: JSONLimits
  var offset = 0

  mutating func parseDocument() throws(JSONError) -> JSON {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard offset == bytes.count else { throw failure(.trailingBytes) }
    return value
  }

  private func failure(_ reason: JSONError.Reason) -> JSONError {
    JSONError(offset: offset, reason: reason)
  }

  private func unexpected() -> JSONError {
    offset < bytes.count ? failure(.unexpectedByte(bytes[offset])) : failure(.unexpectedEnd)
  }

  private mutating func skipSpace() {
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
  }

  private mutating func parseValue(depth: Int) throws(JSONError) -> JSON {
    skipSpace()
    guard offset < bytes.count else { throw failure(.unexpectedEnd) }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseInteger()
    case UInt8(ascii: "t"): return try parseWord("true", as: .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", as: .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", as: .null)
    default: throw unexpected()
    }
  }

  private mutating func parseWord(_ word: StaticString, as value: JSON) throws(JSONError) -> JSON {
    for expected in word.description.utf8 {
      guard offset < bytes.count, bytes[offset] == expected else { throw unexpected() }
      offset += 1
    }
    return value
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> JSONObject {
    guard depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
    offset += 1
    var members: [(member: JSONObject.Member, offset: Int)] = []
    skipSpace()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "}") {
      offset += 1
      return JSONObject()
    }
    while true {
      skipSpace()
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { throw unexpected() }
      let keyOffset = offset
      let key = try parseString()
      skipSpace()
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else { throw unexpected() }
      offset += 1
      let value = try parseValue(depth: depth)
      members.append((JSONObject.Member(key: key, value: value), keyOffset))
      if try endsContainer(with: UInt8(ascii: "}")) { break }
    }
    // Sorting finds duplicates in O(n log n), so that a hostile object can't cost O(n^2).
    members.sort { keyPrecedes($0.member.key, $1.member.key) }
    for index in members.indices.dropFirst()
    where sameBytes(members[index - 1].member.key, members[index].member.key) {
      throw JSONError(
        offset: max(members[index - 1].offset, members[index].offset),
        reason: .duplicateKey(members[index].member.key))
    }
    return JSONObject(members.map(\.member))
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> [JSON] {
    guard depth <= limits.depth else { throw failure(.tooDeep(limit: limits.depth)) }
    offset += 1
    var elements: [JSON] = []
    skipSpace()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "]") {
      offset += 1
      return elements
    }
    while true {
      elements.append(try parseValue(depth: depth))
      if try endsContainer(with: UInt8(ascii: "]")) { return elements }
    }
  }

  /// Steps over a comma or the container's end, and says whether it was the end.
  private mutating func endsContainer(with end: UInt8) throws(JSONError) -> Bool {
    skipSpace()
    guard offset < bytes.count, bytes[offset] == end || bytes[offset] == UInt8(ascii: ",") else {
      throw unexpected()
    }
    offset += 1
    return bytes[offset - 1] == end
  }

  private mutating func parseInteger() throws(JSONError) -> JSON {
    let start = offset
    let isNegative = bytes[offset] == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    let firstDigit = offset
    var magnitude: Int64 = 0
    while offset < bytes.count, let digit = decimalValue(bytes[offset]) {
      if magnitude > JSON.greatestInteger {
        throw JSONError(offset: start, reason: .integerOutOfRange)
      }
      magnitude = magnitude * 10 + Int64(digit)
      offset += 1
    }
    guard offset > firstDigit else { throw unexpected() }
    if bytes[firstDigit] == UInt8(ascii: "0"), offset - firstDigit > 1 {
      throw JSONError(offset: start, reason: .leadingZero)
    }
    if offset < bytes.count, [0x2E, 0x45, 0x65].contains(bytes[offset]) {  // . E e
      throw JSONError(offset: start, reason: .notAnInteger)
    }
    guard magnitude <= JSON.greatestInteger else {
      throw JSONError(offset: start, reason: .integerOutOfRange)
    }
    if isNegative, magnitude == 0 { throw JSONError(offset: start, reason: .negativeZero) }
    return .integer(isNegative ? -magnitude : magnitude)
  }

  private mutating func parseString() throws(JSONError) -> String {
    let start = offset
    offset += 1
    var text: [UInt8] = []
    while true {
      guard offset < bytes.count else { throw failure(.unexpectedEnd) }
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return try validated(text, start: start)
      case UInt8(ascii: "\\"): try parseEscape(into: &text)
      case 0x00..<0x20: throw failure(.controlCharacter)
      default:
        text.append(byte)
        offset += 1
      }
      guard text.count <= limits.stringBytes else {
        throw JSONError(offset: start, reason: .stringTooLong(limit: limits.stringBytes))
      }
    }
  }

  private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
    let start = offset
    guard offset + 1 < bytes.count else { throw failure(.unexpectedEnd) }
    offset += 2
    switch bytes[offset - 1] {
    case UInt8(ascii: "\""): text.append(0x22)
    case UInt8(ascii: "\\"): text.append(0x5C)
    case UInt8(ascii: "/"): text.append(0x2F)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try parseCodeUnit(escapeStart: start)
      if (0xDC00...0xDFFF).contains(code) {
        throw JSONError(offset: start, reason: .loneSurrogate)
      }
      if (0xD800...0xDBFF).contains(code) {
        guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
          bytes[offset + 1] == UInt8(ascii: "u")
        else { throw JSONError(offset: start, reason: .loneSurrogate) }
        offset += 2
        let low = try parseCodeUnit(escapeStart: start)
        guard (0xDC00...0xDFFF).contains(low) else {
          throw JSONError(offset: start, reason: .loneSurrogate)
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw JSONError(offset: start, reason: .loneSurrogate)
      }
      text.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    default: throw JSONError(offset: start, reason: .invalidEscape)
    }
  }

  private mutating func parseCodeUnit(escapeStart: Int) throws(JSONError) -> UInt32 {
    guard offset + 4 <= bytes.count else {
      throw JSONError(offset: bytes.count, reason: .unexpectedEnd)
    }
    var code: UInt32 = 0
    for digit in bytes[offset..<offset + 4] {
      guard let value = Hex.value(digit | (digit >= UInt8(ascii: "A") ? 0x20 : 0)) else {
        throw JSONError(offset: escapeStart, reason: .invalidEscape)
      }
      code = code << 4 | UInt32(value)
    }
    offset += 4
    return code
  }

  private func validated(_ text: [UInt8], start: Int) throws(JSONError) -> String {
    guard let string = String(validating: text, as: UTF8.self) else {
      throw JSONError(offset: start, reason: .invalidUTF8)
    }
    if text.contains(where: { $0 >= 0xEF }), string.unicodeScalars.contains(where: isNoncharacter) {
      throw JSONError(offset: start, reason: .noncharacter)
    }
    return string
  }
}

/// The value of a decimal digit, or `nil` where `byte` is none.
package func decimalValue(_ byte: UInt8) -> UInt8? {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? byte - UInt8(ascii: "0") : nil
}

/// Whether Unicode reserves the code point for a program's own use (Unicode §23.7).
func isNoncharacter(_ scalar: Unicode.Scalar) -> Bool {
  (0xFDD0...0xFDEF).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE
}
