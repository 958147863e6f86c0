/// A string with escapes or characters beyond ASCII, and where it ends.
@usableFromInline @safe struct RichText {
  /// The closing quote.
  @usableFromInline let close: Int
  /// How many bytes the escapes take beyond those that they stand for.
  @usableFromInline let surplus: Int
  /// The first mark behind the closing quote.
  @usableFromInline let nextMark: UnsafePointer<UInt32>

  /// Goes over a string; `nil` where it isn't canonical.
  ///
  /// - Parameters:
  ///   - start: The byte behind the opening quote.
  ///   - marks: The line's marks from `start` on.
  init?(_ line: RawSpan, start: Int, marks: UnsafePointer<UInt32>) {
    var mark = unsafe marks
    var surplus = 0
    while true {
      let place = Int(unsafe mark.pointee)
      var end = place
      switch line.byte(at: place) {
      case UInt8(ascii: "\""):
        guard place - start - surplus <= JSONLimits.standardStringBytes else { return nil }
        close = place
        self.surplus = surplus
        unsafe nextMark = mark + 1
        return
      case UInt8(ascii: "\\"):
        guard let escape = Escape(in: line, at: place) else { return nil }
        surplus += escape.length - 1
        end += escape.length
      case 0x80...:
        guard let length = scalarLength(in: line, at: place) else { return nil }
        end += length
      // A control, or the end of the line.
      default: return nil
      }
      while unsafe mark.pointee < end { unsafe mark += 1 }
    }
  }
}

/// What the string stands for whose escapes were found to be canonical.
func unescaped(_ text: RawSpan) -> String {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.byteCount)
  var offset = 0
  while offset < text.byteCount { bytes.append(nextByte(in: text, at: &offset)) }
  return String(decoding: bytes, as: UTF8.self)
}

/// The byte that stands at `offset` in a string, which it steps over, unescaped.
func nextByte(in line: RawSpan, at offset: inout Int) -> UInt8 {
  let byte = line.byte(at: offset)
  if byte == UInt8(ascii: "\\"), let escape = Escape(in: line, at: offset) {
    offset += escape.length
    return escape.character
  }
  offset += 1
  return byte
}

/// The one escape that RFC 8785 §3.2.2.2 has for a character.
private struct Escape {
  let length: Int
  let character: UInt8

  private init(_ length: Int, _ character: UInt8) {
    self.length = length
    self.character = character
  }

  /// The escape that stands at `offset`, or `nil` where none does that is written so.
  init?(in line: RawSpan, at offset: Int) {
    let word = line.word(at: offset)
    switch UInt8(truncatingIfNeeded: word >> 8) {
    case UInt8(ascii: "\""): self.init(2, 0x22)
    case UInt8(ascii: "\\"): self.init(2, 0x5C)
    case UInt8(ascii: "b"): self.init(2, 0x08)
    case UInt8(ascii: "t"): self.init(2, 0x09)
    case UInt8(ascii: "n"): self.init(2, 0x0A)
    case UInt8(ascii: "f"): self.init(2, 0x0C)
    case UInt8(ascii: "r"): self.init(2, 0x0D)
    case UInt8(ascii: "u"):
      // `\u00` and two digits, of a control character that has no short form.
      guard word & 0xFFFF_FFFF == 0x3030_755C,
        let high = Hex.value(UInt8(truncatingIfNeeded: word >> 32)), high < 2,
        let low = Hex.value(UInt8(truncatingIfNeeded: word >> 40))
      else { return nil }
      let character = high << 4 | low
      switch character {
      case 0x08, 0x09, 0x0A, 0x0C, 0x0D: return nil
      default: self.init(6, character)
      }
    default: return nil
    }
  }
}

/// The length of a character beyond ASCII, in UTF-8 (RFC 3629 §4) and not a noncharacter.
private func scalarLength(in line: RawSpan, at offset: Int) -> Int? {
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
    guard scalar >= 0x800 else { return nil }
  case 0xF0...0xF4 where word & 0xC0C0_C000 == 0x8080_8000:
    scalar = (first & 0x07) << 18 | continuation(1) << 12 | continuation(2) << 6 | continuation(3)
    guard scalar >= 0x10000 else { return nil }
  default: return nil
  }
  // `nil` for a surrogate and beyond U+10FFFF.
  guard let scalar = Unicode.Scalar(scalar), !isNoncharacter(scalar) else { return nil }
  return first < 0xF0 ? 3 : 4
}
