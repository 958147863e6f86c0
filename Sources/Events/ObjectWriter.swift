import Bytes

/// Writes an object's fields as canonical JSON, each set in the canonical order of the keys.
package struct ObjectWriter {
  private var bytes: [UInt8]
  private var lastKey: String?

  /// Begins an object at the end of `bytes`, and takes them over so that nothing is copied.
  package init(takingOver bytes: inout [UInt8]) {
    self.bytes = []
    swap(&self.bytes, &bytes)
    self.bytes.append(UInt8(ascii: "{"))
  }

  package mutating func set(_ key: String, _ value: some FieldValue) {
    begin(key)
    value.append(to: &bytes)
  }

  /// Sets the field, or leaves it out: an absent value is never `null`.
  package mutating func set(_ key: String, _ value: (some FieldValue)?) {
    if let value { set(key, value) }
  }

  /// Ends the object and hands the bytes back.
  package mutating func finish() -> [UInt8] {
    bytes.append(UInt8(ascii: "}"))
    var written: [UInt8] = []
    swap(&written, &bytes)
    return written
  }

  private mutating func begin(_ key: String) {
    if let lastKey {
      invariant(keyPrecedes(lastKey, key), "the key \(key) is written after \(lastKey)")
      bytes.append(UInt8(ascii: ","))
    }
    lastKey = key
    appendCanonicalString(key, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
  }
}
