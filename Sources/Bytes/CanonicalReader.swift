/// Reads a canonical JSON object from its first byte to its last, in place.
///
/// Each step goes over one part, and fails where that part doesn't stand there in its canonical
/// form; after a failure the reader is of no further use. What was gone over to the end of the line
/// without a failure is canonical: whoever asks for keys must ask in their canonical order.
///
/// The line's last byte is a closing brace. Nothing but the end of an object may end there, so it
/// stops every other part, and most steps needn't ask whether the line goes on.
@usableFromInline @safe package struct CanonicalReader {
  @usableFromInline let bytes: UnsafePointer<UInt8>
  @usableFromInline let count: Int
  /// The first mark at or behind the place.
  @usableFromInline var mark: UnsafePointer<UInt32>
  /// Where the reader stands: at a value's first byte, or at the byte behind a value.
  @usableFromInline package var offset = 0
  /// What must stand before the next member or element: the container's first byte, then a comma.
  @usableFromInline var separator = UInt8(ascii: ",")
  /// How many containers are open.
  @usableFromInline var depth = 0
  /// Where a string stands that is the line's last value; a guess, until it was read.
  package let lastText: Range<Int>

  /// - Parameters:
  ///   - line: Begins with an opening brace and ends with a closing one.
  ///   - marks: The line's own, with ``TextMarks/guards`` behind them.
  init(_ line: UnsafeRawBufferPointer, marks: UnsafeBufferPointer<UInt32>) {
    guard let start = line.baseAddress, let places = marks.baseAddress else {
      // No test gets here: a line has two bytes at least.
      fatalError("invariant broken: a reader of no bytes")
    }
    unsafe bytes = start.assumingMemoryBound(to: UInt8.self)
    count = line.count
    unsafe mark = places
    let end = marks.count
    lastText = end < 2 ? 0..<0 : unsafe Int(marks[end - 2]) + 1..<Int(marks[end - 1])
  }

  /// A string of the line.
  @usableFromInline package struct Text: Sendable {
    /// Where it stands, without its quotes.
    @usableFromInline package var range: Range<Int>
    /// Whether it has a `\`: then it isn't what it stands for.
    @usableFromInline package var hasEscapes: Bool
    /// Whether all of its bytes are ASCII, and stand for themselves.
    @usableFromInline package var isPlain: Bool

    @inlinable @inline(__always)
    init(from start: Int, to end: Int, hasEscapes: Bool, isPlain: Bool) {
      // Marks ascend.
      range = unsafe Range(uncheckedBounds: (start, end))
      self.hasEscapes = hasEscapes
      self.isPlain = isPlain
    }
  }

  /// Whether all of the line was read.
  @inlinable package var isAtEnd: Bool { depth == 0 && offset == count }

  /// The byte at an offset below the line's length.
  @inlinable @inline(__always)
  func byte(_ offset: Int) -> UInt8 { unsafe bytes[offset] }

  @inlinable @inline(__always)
  func stands(_ expected: Unicode.Scalar, at offset: Int) -> Bool {
    byte(offset) == UInt8(truncatingIfNeeded: expected.value)
  }

  /// Whether the value that comes next begins with this byte.
  @inlinable @inline(__always)
  package func isNext(_ first: Unicode.Scalar) -> Bool { stands(first, at: offset) }

  /// The bytes of a part that was read; they last as long as the line.
  @inlinable @inline(__always)
  package func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: bytes + range.lowerBound, count: range.count)
  }
}

// MARK: - Containers

extension CanonicalReader {
  /// Opens the object that comes next.
  @inlinable @inline(__always)
  package mutating func beginObject() -> Bool { begin("{") }

  /// Opens the array that comes next.
  @inlinable @inline(__always)
  package mutating func beginArray() -> Bool { begin("[") }

  @inlinable @inline(__always)
  mutating func begin(_ first: Unicode.Scalar) -> Bool {
    guard isNext(first), depth < JSONLimits.standardDepth else { return false }
    depth &+= 1
    separator = UInt8(truncatingIfNeeded: first.value)
    return true
  }

  /// Steps over the next member's key where it is `key`, which needs no escapes; stays otherwise.
  @inlinable @inline(__always)
  package mutating func takeKey(_ key: StaticString) -> Bool {
    let length = key.utf8CodeUnitCount
    let close = offset &+ length &+ 2
    guard close &+ 2 < count, byte(offset) == separator, stands("\"", at: offset &+ 1),
      unsafe sameBytes(bytes + offset + 2, key.utf8Start, length),
      stands("\"", at: close), stands(":", at: close &+ 1)
    else { return false }
    separator = UInt8(ascii: ",")
    offset = close &+ 2
    unsafe mark += 2
    return true
  }

  /// The next member's key, which isn't stepped over; `nil` where no other follows.
  package func nextKey() -> Text? {
    guard offset < count, byte(offset) == separator, stands("\"", at: offset &+ 1)
    else { return nil }
    var reader = self
    reader.offset += 1
    return reader.takeText()
  }

  /// Steps to the next element; `false` where no other follows.
  @inlinable @inline(__always)
  package mutating func nextElement() -> Bool {
    guard byte(offset) == separator, separator != UInt8(ascii: "[") || !stands("]", at: offset &+ 1)
    else { return false }
    separator = UInt8(ascii: ",")
    offset &+= 1
    return true
  }

  /// Closes the object, which has no other member.
  @inlinable @inline(__always)
  package mutating func endObject() -> Bool { end("{", "}") }

  /// Closes the array, which has no other element.
  @inlinable @inline(__always)
  package mutating func endArray() -> Bool { end("[", "]") }

  @inlinable @inline(__always)
  mutating func end(_ first: Unicode.Scalar, _ last: Unicode.Scalar) -> Bool {
    // Nothing was taken from it: the reader still stands at its first byte.
    let close = separator == UInt8(truncatingIfNeeded: first.value) ? offset &+ 1 : offset
    guard stands(last, at: close) else { return false }
    offset = close &+ 1
    depth &-= 1
    separator = UInt8(ascii: ",")
    // Only the outermost object ends where the line does.
    return offset < count || depth == 0
  }
}

// MARK: - Scalars

extension CanonicalReader {
  /// Steps over a string.
  @inlinable @inline(__always)
  package mutating func takeText() -> Text? {
    guard isNext("\"") else { return nil }
    let start = offset &+ 1
    let close = Int(unsafe mark[1])
    guard stands("\"", at: close) else {
      guard let rich = richText() else { return nil }
      unsafe mark = rich.nextMark
      offset = rich.close &+ 1
      return Text(from: start, to: rich.close, hasEscapes: rich.surplus > 0, isPlain: false)
    }
    guard close &- start <= JSONLimits.standardStringBytes else { return nil }
    unsafe mark += 2
    offset = close &+ 1
    return Text(from: start, to: close, hasEscapes: false, isPlain: true)
  }

  /// The string that comes next, which has escapes or characters beyond ASCII.
  ///
  /// It doesn't step itself: so the reader never needs a place in memory, and stays in registers.
  @usableFromInline @inline(never)
  func richText() -> RichText? {
    unsafe RichText(slice(0..<count).bytes, start: offset &+ 1, marks: mark + 1)
  }

  /// What a string stands for.
  package func string(_ text: Text) -> String {
    let source = unsafe slice(text.range)
    guard text.hasEscapes else { return unsafe String(decoding: source, as: UTF8.self) }
    return unescaped(unsafe source.bytes)
  }

  /// Steps over an integer within ±(2^53 - 1).
  @inlinable @inline(__always)
  package mutating func takeInteger() -> Int64? {
    guard let number = unsafe canonicalInteger(in: bytes, at: offset) else { return nil }
    offset = number.end
    return number.value
  }

  /// Steps over `true` or `false`.
  @inlinable @inline(__always)
  package mutating func takeBool() -> Bool? {
    if takeWord("true") { return true }
    return takeWord("false") ? false : nil
  }

  @inlinable @inline(__always)
  mutating func takeWord(_ word: StaticString) -> Bool {
    let end = offset &+ word.utf8CodeUnitCount
    guard end < count, unsafe sameBytes(bytes + offset, word.utf8Start, word.utf8CodeUnitCount)
    else { return false }
    offset = end
    return true
  }
}

/// The canonical integer within ±(2^53 - 1) that stands there, and the place behind it; some byte that is
/// no digit must follow.
@inlinable @inline(__always)
func canonicalInteger(
  in bytes: UnsafePointer<UInt8>, at offset: Int
) -> (value: Int64, end: Int)? {
  let isNegative = unsafe bytes[offset] == UInt8(ascii: "-")
  let start = isNegative ? offset &+ 1 : offset
  var end = start
  var magnitude: Int64 = 0
  while true {
    let digit = unsafe bytes[end] &- UInt8(ascii: "0")
    guard digit < 10 else { break }
    magnitude = magnitude &* 10 &+ Int64(digit)
    end &+= 1
    guard magnitude <= .greatestInJSON else { return nil }
  }
  // At least one digit; zero alone begins with zero, and has no sign.
  let beginsWithZero = unsafe bytes[start] == UInt8(ascii: "0")
  guard end > start, !beginsWithZero || (end == start &+ 1 && !isNegative) else { return nil }
  return (isNegative ? -magnitude : magnitude, end)
}

/// Whether two runs of `count` bytes are the same; where the count is known, so are the steps.
@inlinable @inline(__always)
func sameBytes(_ one: UnsafePointer<UInt8>, _ other: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  func same<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type, _ offset: Int) -> Bool {
    unsafe UnsafeRawPointer(one).loadUnaligned(fromByteOffset: offset, as: type)
      == UnsafeRawPointer(other).loadUnaligned(fromByteOffset: offset, as: type)
  }
  // Two words that overlap take any count between one and two of them.
  switch count {
  case 0: return true
  case 1: return same(UInt8.self, 0)
  case 2..<4: return same(UInt16.self, 0) && same(UInt16.self, count &- 2)
  case 4..<8: return same(UInt32.self, 0) && same(UInt32.self, count &- 4)
  default:
    var offset = 0
    while offset &+ 8 < count {
      guard same(UInt64.self, offset) else { return false }
      offset &+= 8
    }
    return same(UInt64.self, count &- 8)
  }
}
