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
@usableFromInline package struct JSONLimits: Sendable {
  @inlinable package static var standardDepth: Int { 16 }
  @inlinable package static var standardStringBytes: Int { 16_384 }

  /// Containers within each other; the outermost counts as one.
  package var depth = standardDepth
  /// UTF-8 bytes of one string or key, unescaped.
  package var stringBytes = standardStringBytes
  /// Whether a number that isn't of the ledger's subset (a fraction, an exponent, `-0`, one beyond
  /// ±(2^53 - 1)) is taken as the text that it is written as; else it is refused.
  package var takesOtherNumbersAsText = false

  package init() {}

  /// Whether a value may hold `text`, so that what is written can be read again.
  ///
  /// It must be short enough and without noncharacters, which arguments and environment may have.
  package func allow(_ text: String) -> Bool {
    text.utf8.count <= stringBytes && !hasNoncharacter(text)
  }
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
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  private mutating func parseValue(depth: Int) throws(JSONError) -> JSON {
    skipSpace()
    guard offset < bytes.count else { throw failure(.unexpectedEnd) }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
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
    var members: [JSONObject.Member] = []
    var keyOffsets: [Int] = []
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
      members.append(JSONObject.Member(key: key, value: value))
      keyOffsets.append(keyOffset)
      if try endsContainer(with: UInt8(ascii: "}")) { break }
    }
    return JSONObject(ordered: try ordered(members, keyOffsets: keyOffsets))
  }

  /// The members in canonical order; a key that stands twice is refused.
  private func ordered(
    _ members: [JSONObject.Member], keyOffsets: [Int]
  ) throws(JSONError) -> [JSONObject.Member] {
    if members.indices.dropFirst().allSatisfy({ keyPrecedes(members[$0 - 1].key, members[$0].key) })
    {
      return members
    }
    // Sorting finds duplicates in O(n log n), so that a hostile object can't cost O(n^2).
    let order = members.indices.sorted { keyPrecedes(members[$0].key, members[$1].key) }
    for (one, other) in zip(order, order.dropFirst())
    where sameBytes(members[one].key, members[other].key) {
      throw JSONError(
        offset: keyOffsets[max(one, other)], reason: .duplicateKey(members[one].key))
    }
    return order.map { members[$0] }
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

  private mutating func parseNumber() throws(JSONError) -> JSON {
    let start = offset
    do { return try parseInteger() } catch {
      let others: [JSONError.Reason] = [.notAnInteger, .integerOutOfRange, .negativeZero]
      guard limits.takesOtherNumbersAsText, others.contains(error.reason) else { throw error }
    }
    offset = bytes[start] == UInt8(ascii: "-") ? start + 1 : start
    try skipDigits()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      try skipDigits()
    }
    if offset < bytes.count, [0x45, 0x65].contains(bytes[offset]) {  // E e
      offset += 1
      if offset < bytes.count, [0x2B, 0x2D].contains(bytes[offset]) { offset += 1 }  // + -
      try skipDigits()
    }
    guard offset - start <= limits.stringBytes else {
      throw JSONError(offset: start, reason: .stringTooLong(limit: limits.stringBytes))
    }
    return .string(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  private mutating func skipDigits() throws(JSONError) {
    let start = offset
    while offset < bytes.count, decimalValue(bytes[offset]) != nil { offset += 1 }
    guard offset > start else { throw unexpected() }
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
      let run = offset
      while offset < bytes.count, !endsRun(bytes[offset]) { offset += 1 }
      text.append(contentsOf: bytes[run..<offset])
      guard offset < bytes.count else { throw failure(.unexpectedEnd) }
      switch bytes[offset] {
      case UInt8(ascii: "\""):
        guard text.count <= limits.stringBytes else {
          throw JSONError(offset: start, reason: .stringTooLong(limit: limits.stringBytes))
        }
        offset += 1
        return try validated(text, start: start)
      case UInt8(ascii: "\\"): try parseEscape(into: &text)
      default: throw failure(.controlCharacter)
      }
    }
  }

  /// Whether a byte of a string doesn't stand for itself.
  private func endsRun(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20
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
    case UInt8(ascii: "u"): try parseCodeUnits(escapeStart: start, into: &text)
    default: throw JSONError(offset: start, reason: .invalidEscape)
    }
  }

  /// Parses what follows `\u`: one code unit, or two that make a surrogate pair.
  private mutating func parseCodeUnits(
    escapeStart start: Int, into text: inout [UInt8]
  ) throws(JSONError) {
    var units = [try parseCodeUnit(escapeStart: start)]
    if UTF16.isLeadSurrogate(units[0]) {
      guard bytes[offset...].starts(with: "\\u".utf8) else {
        throw JSONError(offset: start, reason: .loneSurrogate)
      }
      offset += 2
      units.append(try parseCodeUnit(escapeStart: start))
    }
    guard let character = String(validating: units, as: UTF16.self) else {
      throw JSONError(offset: start, reason: .loneSurrogate)
    }
    text.append(contentsOf: character.utf8)
  }

  private mutating func parseCodeUnit(escapeStart: Int) throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard offset < bytes.count else { throw failure(.unexpectedEnd) }
      let digit = bytes[offset]
      // Readers take capitals too, which `Hex` doesn't.
      let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(digit)
      guard let value = Hex.value(isCapital ? digit | 0x20 : digit) else {
        throw JSONError(offset: escapeStart, reason: .invalidEscape)
      }
      unit = unit << 4 | UInt16(value)
      offset += 1
    }
    return unit
  }

  private func validated(_ text: [UInt8], start: Int) throws(JSONError) -> String {
    guard let valid = try? UTF8Span(validating: text.span) else {
      throw JSONError(offset: start, reason: .invalidUTF8)
    }
    let string = String(copying: valid)
    if hasNoncharacter(string) { throw JSONError(offset: start, reason: .noncharacter) }
    return string
  }
}

/// The value of a decimal digit, or `nil` where `byte` is none.
@inlinable
package func decimalValue(_ byte: UInt8) -> UInt8? {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? byte - UInt8(ascii: "0") : nil
}

private func hasNoncharacter(_ text: String) -> Bool {
  // All of them begin with the byte EF or a greater one.
  text.utf8.contains { $0 >= 0xEF } && text.unicodeScalars.contains(where: isNoncharacter)
}

/// Whether Unicode reserves the code point for a program's own use (Unicode §23.7).
func isNoncharacter(_ scalar: Unicode.Scalar) -> Bool {
  (0xFDD0...0xFDEF).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE
}
