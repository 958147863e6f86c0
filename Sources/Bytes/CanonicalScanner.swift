/// Decides whether a line is one canonical JSON object, and finds the members of that object.
///
/// It accepts exactly the lines for which ``JSON/init(parsing:limits:)`` gives an object whose
/// ``JSON/canonicalBytes`` are the line again: RFC 8785 without fractions and exponents, keys in
/// order and once at every depth, within the default ``JSONLimits``. Nothing is allocated but the
/// room for the members, which is kept from line to line; so keep one scanner for many lines.
package struct CanonicalScanner: Sendable {
  /// What a value is, by its first byte.
  package enum Kind: Sendable {
    case null, bool, integer, string, array, object
  }

  /// A member of the object, as offsets into the line.
  package struct Member: Sendable {
    /// The key without its quotes.
    package var key: Range<Int>
    /// The whole value, a string with its quotes.
    package var value: Range<Int>
    package var kind: Kind
    /// Whether the key, or a value that is a string, has a `\`: then it isn't what it stands for.
    package var hasEscapes: Bool
  }

  /// The members of the last line in their order; none where it wasn't canonical.
  package private(set) var members: [Member] = []

  package init() {}

  /// Whether `line` is a canonical JSON object; its members then stand in ``members``.
  package mutating func scan(_ line: RawSpan) -> Bool {
    members.removeAll(keepingCapacity: true)
    do throws(NotCanonical) {
      guard !line.isEmpty, line.byte(at: 0) == UInt8(ascii: "{") else { return false }
      let end = try scanMembers(of: line, from: 1, depth: 1) { member in members.append(member) }
      if end == line.byteCount { return true }
    } catch {}
    members.removeAll(keepingCapacity: true)
    return false
  }
}

/// The line isn't canonical; what is wrong with it, and where, the general parser says.
private struct NotCanonical: Error {}

/// Steps over an object's members and its closing brace, and returns the offset behind it.
///
/// - Parameter offset: The first byte behind the opening brace.
@inline(__always)
private func scanMembers(
  of line: RawSpan, from offset: Int, depth: Int, each: (CanonicalScanner.Member) -> Void
) throws(NotCanonical) -> Int {
  var offset = offset
  if line.holds(UInt8(ascii: "}"), at: offset) { return offset + 1 }
  var previous: ScannedString?
  while true {
    guard line.holds(UInt8(ascii: "\""), at: offset) else { throw NotCanonical() }
    let key = try scanString(in: line, from: offset + 1)
    if let previous, !precedes(previous, key, in: line) { throw NotCanonical() }
    previous = key
    guard line.holds(UInt8(ascii: ":"), at: key.end) else { throw NotCanonical() }
    let value = try scanValue(in: line, at: key.end + 1, depth: depth)
    each(
      CanonicalScanner.Member(
        key: key.start..<key.close, value: key.end + 1..<value.end, kind: value.kind,
        hasEscapes: key.hasEscapes || value.hasEscapes))
    offset = value.end + 1
    if line.holds(UInt8(ascii: ","), at: value.end) { continue }
    guard line.holds(UInt8(ascii: "}"), at: value.end) else { throw NotCanonical() }
    return offset
  }
}

private struct ScannedValue {
  /// The first byte behind the value.
  var end: Int
  var kind: CanonicalScanner.Kind
  var hasEscapes = false
}

/// - Parameter depth: How many containers hold the value.
private func scanValue(
  in line: RawSpan, at offset: Int, depth: Int
) throws(NotCanonical) -> ScannedValue {
  guard offset < line.byteCount else { throw NotCanonical() }
  switch line.byte(at: offset) {
  case UInt8(ascii: "\""):
    let string = try scanString(in: line, from: offset + 1)
    return ScannedValue(end: string.end, kind: .string, hasEscapes: string.hasEscapes)
  case UInt8(ascii: "{"):
    guard depth < JSONLimits.standardDepth else { throw NotCanonical() }
    let end = try scanMembers(of: line, from: offset + 1, depth: depth + 1) { _ in }
    return ScannedValue(end: end, kind: .object)
  case UInt8(ascii: "["):
    guard depth < JSONLimits.standardDepth else { throw NotCanonical() }
    return ScannedValue(
      end: try scanElements(in: line, from: offset + 1, depth: depth + 1), kind: .array)
  case UInt8(ascii: "-"):
    // Zero has no sign, and behind a sign must be a digit.
    guard offset + 1 < line.byteCount,
      (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(line.byte(at: offset + 1))
    else { throw NotCanonical() }
    return ScannedValue(end: try scanMagnitude(in: line, from: offset + 1), kind: .integer)
  case UInt8(ascii: "0")...UInt8(ascii: "9"):
    return ScannedValue(end: try scanMagnitude(in: line, from: offset), kind: .integer)
  case UInt8(ascii: "t"):
    return ScannedValue(end: try scanWord("true", in: line, at: offset), kind: .bool)
  case UInt8(ascii: "f"):
    return ScannedValue(end: try scanWord("false", in: line, at: offset), kind: .bool)
  case UInt8(ascii: "n"):
    return ScannedValue(end: try scanWord("null", in: line, at: offset), kind: .null)
  default: throw NotCanonical()
  }
}

private func scanElements(
  in line: RawSpan, from offset: Int, depth: Int
) throws(NotCanonical) -> Int {
  var offset = offset
  if line.holds(UInt8(ascii: "]"), at: offset) { return offset + 1 }
  while true {
    let end = try scanValue(in: line, at: offset, depth: depth).end
    offset = end + 1
    if line.holds(UInt8(ascii: ","), at: end) { continue }
    guard line.holds(UInt8(ascii: "]"), at: end) else { throw NotCanonical() }
    return offset
  }
}

private func scanWord(
  _ word: StaticString, in line: RawSpan, at offset: Int
) throws(NotCanonical) -> Int {
  let end = offset + word.utf8CodeUnitCount
  guard end <= line.byteCount, line.holds(word, in: offset..<end) else { throw NotCanonical() }
  return end
}

/// Steps over digits that spell a number without a needless zero, at most 2^53 - 1.
private func scanMagnitude(in line: RawSpan, from start: Int) throws(NotCanonical) -> Int {
  var offset = start
  var magnitude: Int64 = 0
  while offset < line.byteCount, let digit = decimalValue(line.byte(at: offset)) {
    magnitude = magnitude * 10 + Int64(digit)
    offset += 1
    guard magnitude <= JSON.greatestInteger else { throw NotCanonical() }
  }
  guard line.byte(at: start) != UInt8(ascii: "0") || offset == start + 1 else {
    throw NotCanonical()
  }
  return offset
}

private struct ScannedString {
  /// The byte behind the opening quote.
  var start: Int
  /// The closing quote.
  var close: Int
  var hasEscapes: Bool

  /// The first byte behind the closing quote.
  var end: Int { close &+ 1 }
}

/// Steps over a string, from the byte behind its opening quote.
@inline(__always)
private func scanString(in line: RawSpan, from start: Int) throws(NotCanonical) -> ScannedString {
  let stop = endOfPlainText(in: line, from: start)
  if line.holds(UInt8(ascii: "\""), at: stop), stop &- start <= JSONLimits.standardStringBytes {
    return ScannedString(start: start, close: stop, hasEscapes: false)
  }
  return try scanRichString(in: line, from: start, plainUntil: stop)
}

/// The first byte from `offset` on that is a quote, a `\`, a control or beyond ASCII, or the end.
@inline(__always)
private func endOfPlainText(in line: RawSpan, from offset: Int) -> Int {
  var offset = offset
  while true {
    let marks = line.word(at: offset).bytesThatAreNotPlain
    // Two ways, so that the next load needn't wait until this word's marks are counted.
    guard marks == 0 else { return offset &+ marks.trailingZeroBitCount >> 3 }
    offset &+= 8
  }
}

/// As ``scanString(in:from:)``, for a string with escapes or characters beyond ASCII, or a bad one.
@inline(never)
private func scanRichString(
  in line: RawSpan, from start: Int, plainUntil stop: Int
) throws(NotCanonical) -> ScannedString {
  var offset = stop
  // How many bytes the escapes take beyond those that they stand for.
  var surplus = 0
  while offset < line.byteCount {
    switch line.byte(at: offset) {
    case UInt8(ascii: "\""):
      guard offset - start - surplus <= JSONLimits.standardStringBytes else { throw NotCanonical() }
      return ScannedString(start: start, close: offset, hasEscapes: surplus > 0)
    case UInt8(ascii: "\\"):
      let length = try scanEscape(in: line, at: offset).length
      surplus += length - 1
      offset += length
    case 0x80...: offset += try scanScalar(in: line, at: offset)
    case ..<0x20: throw NotCanonical()
    default: offset = endOfPlainText(in: line, from: offset)
    }
  }
  throw NotCanonical()
}

extension UInt64 {
  /// The high bits of the bytes that are a quote, a `\`, a control or beyond ASCII.
  ///
  /// Only the lowest bit that is set can be trusted: a subtraction sets a byte's high bit where the
  /// byte was less than what is taken off, and its borrow can make false finds above a true one.
  fileprivate var bytesThatAreNotPlain: UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = (self ^ ones &* 0x22) &- ones
    let backslashes = (self ^ ones &* 0x5C) &- ones
    let controls = self &- ones &* 0x20
    return (quotes | backslashes | controls | self) & (ones &* 0x80)
  }
}

/// The one escape that RFC 8785 §3.2.2.2 has for a character, and its length.
private func scanEscape(
  in line: RawSpan, at offset: Int
) throws(NotCanonical) -> (length: Int, character: UInt8) {
  let word = line.word(at: offset)
  switch UInt8(truncatingIfNeeded: word >> 8) {
  case UInt8(ascii: "\""): return (2, 0x22)
  case UInt8(ascii: "\\"): return (2, 0x5C)
  case UInt8(ascii: "b"): return (2, 0x08)
  case UInt8(ascii: "t"): return (2, 0x09)
  case UInt8(ascii: "n"): return (2, 0x0A)
  case UInt8(ascii: "f"): return (2, 0x0C)
  case UInt8(ascii: "r"): return (2, 0x0D)
  case UInt8(ascii: "u"):
    // `\u00` and two digits, of a control character that has no short form.
    guard word & 0xFFFF_FFFF == 0x3030_755C,
      let high = Hex.value(UInt8(truncatingIfNeeded: word >> 32)), high < 2,
      let low = Hex.value(UInt8(truncatingIfNeeded: word >> 40))
    else { throw NotCanonical() }
    let character = high << 4 | low
    switch character {
    case 0x08, 0x09, 0x0A, 0x0C, 0x0D: throw NotCanonical()
    default: return (6, character)
    }
  default: throw NotCanonical()
  }
}

/// The length of a character beyond ASCII, in UTF-8 (RFC 3629 §4) and not a noncharacter.
private func scanScalar(in line: RawSpan, at offset: Int) throws(NotCanonical) -> Int {
  let word = line.word(at: offset)
  func continuation(_ index: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: word >> (8 * index)) & 0x3F
  }
  let first = UInt32(truncatingIfNeeded: word) & 0xFF
  let scalar: UInt32
  switch first {
  case 0xC2...0xDF where word & 0xC000 == 0x8000:
    return 2
  case 0xE0...0xEF where word & 0xC0_C000 == 0x80_8000:
    scalar = (first & 0x0F) << 12 | continuation(1) << 6 | continuation(2)
    guard scalar >= 0x800 else { throw NotCanonical() }
  case 0xF0...0xF4 where word & 0xC0C0_C000 == 0x8080_8000:
    scalar = (first & 0x07) << 18 | continuation(1) << 12 | continuation(2) << 6 | continuation(3)
    guard scalar >= 0x10000 else { throw NotCanonical() }
  default: throw NotCanonical()
  }
  // `nil` for a surrogate and beyond U+10FFFF.
  guard let scalar = Unicode.Scalar(scalar), !isNoncharacter(scalar) else { throw NotCanonical() }
  return first < 0xF0 ? 3 : 4
}

/// Whether key `one` stands before key `other`: ``keyPrecedes(_:_:)`` on scanned keys.
private func precedes(_ one: ScannedString, _ other: ScannedString, in line: RawSpan) -> Bool {
  var left = one.start
  var right = other.start
  while right < other.close {
    guard left < one.close else { return true }
    let a = nextByte(in: line, at: &left)
    let b = nextByte(in: line, at: &right)
    if a != b { return bytePrecedes(a, b) }
  }
  return false
}

/// The byte that stands at `offset` in a scanned string, which it steps over, unescaped.
private func nextByte(in line: RawSpan, at offset: inout Int) -> UInt8 {
  let byte = line.byte(at: offset)
  if byte == UInt8(ascii: "\\"), let escape = try? scanEscape(in: line, at: offset) {
    offset += escape.length
    return escape.character
  }
  offset += 1
  return byte
}

extension RawSpan {
  /// Whether `expected` stands at `offset`, which may lie behind the end.
  fileprivate func holds(_ expected: UInt8, at offset: Int) -> Bool {
    offset < byteCount && byte(at: offset) == expected
  }
}
