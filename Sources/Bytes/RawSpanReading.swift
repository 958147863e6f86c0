extension RawSpan {
  /// The byte at `offset`, which must lie in the span.
  @inlinable
  package func byte(at offset: Int) -> UInt8 {
    // The bounds are checked, and every bit pattern is a number.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }

  /// Eight bytes from `offset` on, the first one lowest; zeros stand for what is beyond the end.
  @inlinable @inline(__always)
  package func word(at offset: Int) -> UInt64 {
    let rest = byteCount &- offset
    if rest >= 8 {
      return UInt64(
        littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    if byteCount >= 8 {
      let last = unsafe unsafeLoadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self)
      return UInt64(littleEndian: last) >> (64 &- 8 &* rest)
    }
    var word: UInt64 = 0
    for index in (offset..<byteCount).reversed() { word = word << 8 | UInt64(byte(at: index)) }
    return word
  }

  /// Whether the bytes in `range` are those of `text`.
  @inlinable
  package func holds(_ text: StaticString, in range: Range<Int>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
      for index in 0..<expected.count
      where unsafe expected[index] != byte(at: range.lowerBound + index) { return false }
      return true
    }
  }

  /// Whether the bytes are those of `text`.
  package func holds(_ text: String) -> Bool { unsafe holds(text.utf8.span.bytes) }

  /// Whether the bytes are the same as those.
  package func holds(_ expected: RawSpan) -> Bool {
    guard byteCount == expected.byteCount else { return false }
    var offset = 0
    while offset &+ 8 < byteCount {
      guard word(at: offset) == expected.word(at: offset) else { return false }
      offset &+= 8
    }
    return word(at: offset) == expected.word(at: offset)
  }
}
