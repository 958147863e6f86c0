package import Bytes

/// Reads the values of a canonical line from first to last, the fields of an object in the
/// canonical order of their keys.
///
/// A key that stands before the one asked for is one that nobody will ask for: an unknown field. So
/// one pass finds every missing and every unknown field, and no set of keys is kept. The same pass
/// finds out whether the line is canonical; where it isn't, what is thrown says nothing, and the
/// general parser knows better.
package struct ObjectReader: ~Copyable {
  /// What is read, and how far.
  var line: CanonicalReader
  private let texts: TextPool.Known?

  /// - Parameter texts: Where the texts come from that were read before.
  private init(_ line: CanonicalReader, texts: TextPool.Known?) {
    self.line = line
    self.texts = texts
  }

  /// The field's value.
  ///
  /// - Throws: `.missingField` where it is absent, `.unknownField` where another key stands first,
  ///   and whatever the value's own form asks for.
  @inline(__always)
  package mutating func required<Value: FieldValue>(
    _ key: StaticString
  ) throws(EventError) -> Value {
    guard line.takeKey(key) else { throw lacking(key) }
    do { return try Value(from: &self) } catch { throw error.within(key) }
  }

  /// The field's value, or `nil` where it is absent; `null` is not absent, but a wrong kind.
  @inline(__always)
  package mutating func optional<Value: FieldValue>(
    _ key: StaticString
  ) throws(EventError) -> Value? {
    guard line.takeKey(key) else { return nil }
    do { return try Value(from: &self) } catch { throw error.within(key) }
  }

  /// Reads the field's value by a function of the caller's.
  @inline(__always)
  mutating func required<Value>(
    _ key: StaticString, by read: (inout ObjectReader) throws(EventError) -> Value
  ) throws(EventError) -> Value {
    guard line.takeKey(key) else { throw lacking(key) }
    do { return try read(&self) } catch { throw error.within(key) }
  }

  /// Where the field's text stands, which isn't kept.
  @inline(__always)
  mutating func requiredText(_ key: StaticString) throws(EventError) -> CanonicalReader.Text {
    try required(key) { reader throws(EventError) in try reader.text() }
  }

  /// Begins the object that stands next.
  mutating func begin() throws(EventError) {
    guard line.beginObject() else { throw .wrongKind(path: "", expected: .object) }
  }

  /// Ends the object: whatever is left of it is a field that nobody knows.
  mutating func finish() throws(EventError) {
    guard line.endObject() else { throw leftOver() }
  }

  /// The string that stands next.
  @inline(__always)
  mutating func text() throws(EventError) -> CanonicalReader.Text {
    guard let text = line.takeText() else { throw .wrongKind(path: "", expected: .string) }
    return text
  }

  /// The string that stands next, as it is kept.
  mutating func string() throws(EventError) -> String { string(of: try text()) }

  /// What a string of the line stands for.
  func string(of text: CanonicalReader.Text) -> String {
    guard text.isPlain, let texts else { return line.string(text) }
    return unsafe texts.string(line.slice(text.range).bytes)
  }

  private func lacking(_ key: StaticString) -> EventError {
    guard let next = line.nextKey().map(line.string), keyPrecedes(next, key.description) else {
      return .missingField(path: key.description)
    }
    return .unknownField(path: next)
  }

  private func leftOver() -> EventError {
    guard let next = line.nextKey().map(line.string) else {
      return .notCanonical(offset: line.offset)
    }
    return .unknownField(path: next)
  }
}

// MARK: - Whole values

extension ObjectReader {
  /// Reads a line by `body`, and finds out what is wrong with one that can't be read.
  static func read<Value>(
    _ line: [UInt8], _ body: (inout ObjectReader) throws(EventError) -> Value
  ) throws(EventError) -> Value {
    var failure: EventError?
    var scanner = CanonicalScanner()
    do {
      let value = unsafe try scanner.read(line.span.bytes) { line throws(EventError) in
        try ObjectReader.read(&line, body)
      }
      if let value { return value }
    } catch {
      failure = error
    }
    let json: JSON
    do { json = try JSON(parsing: line) } catch { throw .notJSON(error) }
    let canonical = json.canonicalBytes
    guard canonical == line else {
      throw .notCanonical(offset: zip(canonical, line).prefix { $0 == $1 }.count)
    }
    guard case .object = json else { throw .wrongKind(path: "", expected: .object) }
    throw failure ?? .notCanonical(offset: line.count)
  }

  /// Reads on in a line by `body`.
  @inline(__always)
  static func read<Value>(
    _ line: inout CanonicalReader, texts: TextPool.Known? = nil,
    _ body: (inout ObjectReader) throws(EventError) -> Value
  ) throws(EventError) -> Value {
    var reader = ObjectReader(line, texts: texts)
    let value = try body(&reader)
    line = reader.line
    return value
  }

  /// Reads a value of any kind by `body`.
  static func read<Value>(
    _ json: JSON, _ body: (inout ObjectReader) throws(EventError) -> Value
  ) throws(EventError) -> Value {
    // A line is an object, so the value becomes the only member of one.
    try read(JSON.object(JSONObject([JSONObject.Member(key: "", value: json)])).canonicalBytes) {
      reader throws(EventError) in
      try reader.begin()
      guard reader.line.takeKey("") else { throw .missingField(path: "") }
      let value = try body(&reader)
      try reader.finish()
      return value
    }
  }
}

extension FieldValue {
  /// Reads the value from JSON of any origin.
  package init(json: JSON) throws(EventError) {
    self = try ObjectReader.read(json) { reader throws(EventError) in try Self(from: &reader) }
  }
}

extension EventError {
  @inline(never)
  func within(_ key: StaticString) -> EventError { within(key.description) }
}
