package import Bytes

/// A value that a field of an event may hold.
///
/// `init(json:)` and `append(to:)` are each other's inverse: what one accepts, the other writes
/// back with the same bytes.
package protocol FieldValue: Equatable, Sendable {
  /// Reads the value; paths in what it throws are relative to the value, so that `""` is itself.
  init(json: JSON) throws(EventError)

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

  package init(json: JSON) throws(EventError) {
    guard case .object(let object) = json else {
      throw .wrongKind(path: "", expected: .object)
    }
    var reader = ObjectReader(object)
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

  /// The value that `text` spells, or `nil` where it isn't of the form.
  init?(_ text: String)
}

extension CheckedText {
  package init(json: JSON) throws(EventError) {
    guard let value = Self(try String(json: json)) else { throw .badValue(Self.form) }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }

  /// By bytes, ascending.
  package static func < (one: Self, other: Self) -> Bool {
    one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
  }
}

/// A word of a closed list; its raw value is what is written.
package protocol Word: FieldValue, Hashable, CaseIterable, RawRepresentable<String> {}

extension Word {
  package init(json: JSON) throws(EventError) {
    guard let value = Self(rawValue: try String(json: json)) else {
      throw .badValue(.oneOf(Self.allCases.map(\.rawValue)))
    }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { rawValue.append(to: &bytes) }
}

extension String: FieldValue {
  package init(json: JSON) throws(EventError) {
    guard case .string(let text) = json else { throw .wrongKind(path: "", expected: .string) }
    self = text
  }

  package func append(to bytes: inout [UInt8]) { appendCanonicalString(self, to: &bytes) }
}

extension Bool: FieldValue {
  package init(json: JSON) throws(EventError) {
    guard case .bool(let value) = json else { throw .wrongKind(path: "", expected: .boolean) }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { JSON.bool(self).appendCanonical(to: &bytes) }
}

extension Int: FieldValue {
  package init(json: JSON) throws(EventError) {
    guard case .integer(let value) = json else { throw .wrongKind(path: "", expected: .integer) }
    self = Int(value)
  }

  package func append(to bytes: inout [UInt8]) {
    JSON.integer(Int64(self)).appendCanonical(to: &bytes)
  }
}

extension JSONObject: FieldValue {
  package init(json: JSON) throws(EventError) {
    guard case .object(let object) = json else { throw .wrongKind(path: "", expected: .object) }
    self = object
  }

  package func append(to bytes: inout [UInt8]) { appendCanonical(to: &bytes) }
}

extension Instant: FieldValue {
  package init(json: JSON) throws(EventError) {
    guard let value = Instant(text: try String(json: json).utf8) else { throw .badValue(.instant) }
    self = value
  }

  package func append(to bytes: inout [UInt8]) { text.append(to: &bytes) }
}

extension Array: FieldValue where Element: FieldValue {
  package init(json: JSON) throws(EventError) {
    guard case .array(let elements) = json else { throw .wrongKind(path: "", expected: .array) }
    self = []
    reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      do { append(try Element(json: element)) } catch { throw error.within("[\(index)]") }
    }
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
