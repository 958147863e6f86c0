package import Bytes

/// A value that a field of an event may hold.
///
/// `init(from:)` and `append(to:)` are each other's inverse: what one accepts, the other writes
/// back with the same bytes.
package protocol FieldValue: Equatable, Sendable {
  /// Reads the value that stands next; paths in what it throws are relative to the value, so that
  /// `""` is itself.
  init(from reader: inout ObjectReader) throws(EventError)

  /// Appends the value's canonical JSON to `bytes`.
  func append(to bytes: inout [UInt8])
}

/// An object with named fields: an event's data, or a part of one.
///
/// Fields are read and written in the canonical order of their keys, so that neither side sorts.
/// Two records are equal when their canonical bytes are: `String`'s own `==` would take two
/// spellings of one accented letter for the same, and the log doesn't.
package protocol Record: FieldValue {
  /// Reads the fields, each of its own kind and form.
  init(reading reader: inout ObjectReader) throws(EventError)

  func write(to writer: inout ObjectWriter)

  /// Checks what the fields' types don't say: ranges, orders, and how the fields fit each other.
  ///
  /// Called after reading, where it refuses the line, and before writing, where a failure is ours.
  func check() throws(EventError)
}

extension Record {
  package func check() throws(EventError) {}

  package init(from reader: inout ObjectReader) throws(EventError) {
    try reader.begin()
    self = try Self(reading: &reader)
    try reader.finish()
    try check()
  }

  package func append(to bytes: inout [UInt8]) {
    do { try check() } catch { invariant(false, "\(Self.self) breaks its own rules: \(error)") }
    var writer = ObjectWriter(takingOver: &bytes)
    write(to: &writer)
    bytes = writer.finish()
  }

  /// The record as canonical JSON.
  package var canonicalBytes: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }

  package static func == (one: Self, other: Self) -> Bool {
    one.canonicalBytes == other.canonicalBytes
  }
}

/// A string of a fixed form, held as it is written; an ASCII form, so that `==` compares bytes.
package protocol CheckedText: FieldValue, Hashable, Comparable {
  static var form: EventError.Form { get }

  var text: String { get }

  /// Takes a text that is of the form.
  init(accepted text: String)

  /// Whether bytes of UTF-8 are of the form.
  static func accepts(_ text: RawSpan) -> Bool
}

extension CheckedText {
  package init(from reader: inout ObjectReader) throws(EventError) {
    let text = try reader.text()
    guard unsafe Self.accepts(reader.line.slice(text.range).bytes) else {
      throw .badValue(Self.form)
    }
    self.init(accepted: reader.string(of: text))
  }

  /// The value that `text` spells, or `nil` where it isn't of the form.
  package init?(_ text: String) {
    guard unsafe Self.accepts(text.utf8.span.bytes) else { return nil }
    self.init(accepted: text)
  }

  package func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }

  /// By bytes, ascending.
  package static func < (one: Self, other: Self) -> Bool {
    // Of ASCII texts the order of characters is that of bytes.
    one.text < other.text
  }
}

/// A word of a closed list; its raw value is what is written.
package protocol Word: FieldValue, Hashable, CaseIterable, RawRepresentable<String> {}

extension Word {
  package init(from reader: inout ObjectReader) throws(EventError) {
    let text = try reader.string()
    for word in Self.allCases where word.rawValue == text {
      self = word
      return
    }
    throw .badValue(.oneOf(Self.allCases.map(\.rawValue)))
  }

  package func append(to bytes: inout [UInt8]) { rawValue.append(to: &bytes) }
}

extension String: FieldValue {
  package init(from reader: inout ObjectReader) throws(EventError) {
    self = try reader.string()
  }

  package func append(to bytes: inout [UInt8]) { appendCanonicalString(self, to: &bytes) }
}

extension Bool: FieldValue {
  package init(from reader: inout ObjectReader) throws(EventError) {
    guard let value = reader.line.takeBool() else {
      throw .wrongKind(path: "", expected: .boolean)
    }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { JSON.bool(self).appendCanonical(to: &bytes) }
}

extension Int: FieldValue {
  package init(from reader: inout ObjectReader) throws(EventError) {
    guard let value = reader.line.takeInteger() else {
      throw .wrongKind(path: "", expected: .integer)
    }
    self = Int(value)
  }

  package func append(to bytes: inout [UInt8]) {
    JSON.integer(Int64(self)).appendCanonical(to: &bytes)
  }
}

extension JSONObject: FieldValue {
  package init(from reader: inout ObjectReader) throws(EventError) {
    let start = reader.line.offset
    guard reader.line.isNext("{"), reader.line.skipValue(),
      case .object(let object)? = try? JSON(
        parsing: unsafe Array(reader.line.slice(start..<reader.line.offset)))
    else { throw .wrongKind(path: "", expected: .object) }
    self = object
  }

  package func append(to bytes: inout [UInt8]) { appendCanonical(to: &bytes) }
}

extension Instant: FieldValue {
  package init(from reader: inout ObjectReader) throws(EventError) {
    let text = try reader.text()
    guard let value = unsafe Instant(text: reader.line.slice(text.range).bytes) else {
      throw .badValue(.instant)
    }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }
}

extension Array: FieldValue where Element: FieldValue {
  package init(from reader: inout ObjectReader) throws(EventError) {
    guard reader.line.beginArray() else { throw .wrongKind(path: "", expected: .array) }
    self = try Self.few(from: &reader)
    while reader.line.nextElement() {
      do { append(try Element(from: &reader)) } catch { throw error.within("[\(count)]") }
    }
    guard reader.line.endArray() else { throw .notCanonical(offset: reader.line.offset) }
  }

  /// The first elements, at most eight, in an array that is just as large as they are; most have no
  /// more, and what grows is allocated again and again.
  private static func few(from reader: inout ObjectReader) throws(EventError) -> [Element] {
    var failure: EventError?
    let few: [Element] = unsafe withUnsafeTemporaryAllocation(of: Element.self, capacity: 8) {
      waiting in
      var count = 0
      do throws(EventError) {
        while count < waiting.count, reader.line.nextElement() {
          let element = try Element(from: &reader)
          unsafe waiting.initializeElement(at: count, to: element)
          count += 1
        }
      } catch {
        failure = error.within("[\(count)]")
      }
      var elements: [Element] = []
      elements.reserveCapacity(count)
      for index in 0..<count { elements.append(unsafe waiting.moveElement(from: index)) }
      return elements
    }
    if let failure { throw failure }
    return few
  }

  package func append(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
    for (index, element) in enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      element.append(to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
  }
}
