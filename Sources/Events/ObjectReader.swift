package import Bytes

/// Reads an object's fields from first to last, each asked for in the canonical order of the keys.
///
/// A key that stands before the one asked for is one that nobody will ask for: an unknown field. So
/// one pass finds every missing and every unknown field, and no set of keys is kept.
package struct ObjectReader {
  private let members: [JSONObject.Member]
  private var next = 0

  package init(_ object: JSONObject) { members = object.members }

  /// The field's value.
  ///
  /// - Throws: `.missingField` where it is absent, `.unknownField` where another key stands first,
  ///   and whatever the value's own form asks for.
  package mutating func required<Value: FieldValue>(_ key: String) throws(EventError) -> Value {
    guard let value: Value = try optional(key) else { throw .missingField(path: key) }
    return value
  }

  /// The field's value, or `nil` where it is absent; `null` is not absent, but a wrong kind.
  package mutating func optional<Value: FieldValue>(_ key: String) throws(EventError) -> Value? {
    guard let json = try take(key) else { return nil }
    do { return try Value(json: json) } catch { throw error.within(key) }
  }

  /// Ends the reading: whatever is left is a field that nobody knows.
  package func finish() throws(EventError) {
    if next < members.count { throw .unknownField(path: members[next].key) }
  }

  private mutating func take(_ key: String) throws(EventError) -> JSON? {
    guard next < members.count else { return nil }
    let member = members[next]
    if sameBytes(member.key, key) {
      next += 1
      return member.value
    }
    if keyPrecedes(member.key, key) { throw .unknownField(path: member.key) }
    return nil
  }
}
