/// Decides whether lines are canonical JSON objects, and lets others read what stands in them.
///
/// It accepts exactly the lines for which ``JSON/init(parsing:limits:)`` gives an object whose
/// ``JSON/canonicalBytes`` are the line again: RFC 8785 without fractions and exponents, keys in
/// order and once at every depth, within the default ``JSONLimits``. Nothing is allocated but the
/// room for a line's marks, which is kept from line to line; so keep one scanner for many lines.
@usableFromInline package struct CanonicalScanner: ~Copyable {
  private let marks = TextMarks()

  package init() {}

  /// Whether `line` is a canonical JSON object.
  package mutating func scan(_ line: RawSpan) -> Bool {
    read(line) { reader in reader.skipValue() } ?? false
  }

  /// What `body` makes of a line that is shorter than 2^32 bytes.
  ///
  /// - Returns: `nil` where the line isn't an object, or `body` hasn't read it to its end; otherwise
  ///   all of the line is canonical, if no step of the reader failed.
  @inlinable
  package mutating func read<Value, Failure>(
    _ line: RawSpan, _ body: (inout CanonicalReader) throws(Failure) -> Value
  ) throws(Failure) -> Value? {
    guard var reader = reader(of: line) else { return nil }
    let value = try body(&reader)
    return reader.isAtEnd ? value : nil
  }

  /// Whether `line`, which is shorter than 2^32 bytes, has one of the shapes, the latest first.
  ///
  /// - Parameter values: Is set to where the values of that shape stand.
  /// - Returns: The index of the shape.
  package mutating func match(
    _ line: RawSpan, _ shapes: [LineShape], values: inout [Range<Int>]
  ) -> Int? {
    if shapes.isEmpty { return nil }
    let found = unsafe marks.find(in: line)
    if values.count < LineShape.mostValues {
      values = [Range<Int>](repeating: 0..<0, count: LineShape.mostValues)
    }
    return unsafe line.withUnsafeBytes { bytes in
      unsafe values.withUnsafeMutableBufferPointer { values in
        shapes.lastIndex { shape in
          unsafe shape.matches(bytes, marks: found, values: values)
        }
      }
    }
  }

  /// A reader of the line, which must not be used longer than that, nor after the next line's.
  @usableFromInline
  func reader(of line: RawSpan) -> CanonicalReader? {
    guard line.byteCount >= 2, line.byte(at: 0) == UInt8(ascii: "{"),
      line.byte(at: line.byteCount - 1) == UInt8(ascii: "}")
    else { return nil }
    return unsafe line.withUnsafeBytes { bytes in
      unsafe CanonicalReader(bytes, marks: marks.find(in: line))
    }
  }
}
