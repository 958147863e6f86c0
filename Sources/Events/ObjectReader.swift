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

  /// A number that counts from 1: a modification, a version, an attempt's number.
  package mutating func ordinal(_ key: String) throws(EventError) -> Int {
    try integer(key, from: 1)
  }

  /// A number of things, from 0.
  package mutating func count(_ key: String) throws(EventError) -> Int {
    try integer(key, from: 0)
  }

  /// An integer within `lower...upper`.
  package mutating func integer(
    _ key: String, from lower: Int, through upper: Int = Int(JSON.greatestInteger)
  ) throws(EventError) -> Int {
    try check(key, try required(key), from: lower, through: upper)
  }

  /// The same where the field may be absent.
  package mutating func optionalInteger(
    _ key: String, from lower: Int, through upper: Int = Int(JSON.greatestInteger)
  ) throws(EventError) -> Int? {
    guard let value: Int = try optional(key) else { return nil }
    return try check(key, value, from: lower, through: upper)
  }

  private func check(
    _ key: String, _ value: Int, from lower: Int, through upper: Int
  ) throws(EventError) -> Int {
    guard value >= lower, value <= upper else {
      throw .badValue(path: key, expected: .integer(from: lower, through: upper))
    }
    return value
  }

  /// A list in ascending order of what `order` takes from each entry, no two alike.
  package mutating func list<Element: FieldValue, Order: Comparable>(
    _ key: String, ascendingBy order: (Element) -> Order
  ) throws(EventError) -> [Element] {
    let list: [Element] = try required(key)
    guard isAscending(list, by: order) else { throw .badValue(path: key, expected: .ascending) }
    return list
  }

  /// A list in an order that has its own meaning, no two alike in what `identity` takes from each.
  package mutating func list<Element: FieldValue, Identity: Hashable>(
    _ key: String, distinctBy identity: (Element) -> Identity
  ) throws(EventError) -> [Element] {
    let list: [Element] = try required(key)
    guard Set(list.map(identity)).count == list.count else {
      throw .badValue(path: key, expected: .distinct)
    }
    return list
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

/// Whether each element stands strictly after the one before it.
func isAscending<Element, Order: Comparable>(
  _ list: [Element], by order: (Element) -> Order
) -> Bool {
  zip(list, list.dropFirst()).allSatisfy { order($0) < order($1) }
}
