/// A JSON value of the ledger's subset: I-JSON (RFC 7493) without fractions or exponents.
///
/// Two values are equal when their canonical bytes are: strings compare by their UTF-8 bytes, not
/// by Unicode's canonical equivalence, because the bytes are what is hashed.
package enum JSON: Sendable {
  case null
  case bool(Bool)
  /// A whole number within ±(2^53 - 1).
  case integer(Int64)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// The greatest integer that every JSON reader keeps exactly: 2^53 - 1 (RFC 7493 §2.2).
  package static var greatestInteger: Int64 { .greatestInJSON }
}

extension Int64 {
  /// ``JSON/greatestInteger``, where it must not cost a call.
  @inlinable package static var greatestInJSON: Int64 { 9_007_199_254_740_991 }
}

/// An object's members, each key once, in the order of RFC 8785 §3.2.3 (by UTF-16 code units).
package struct JSONObject: Sendable {
  package struct Member: Sendable {
    package let key: String
    package var value: JSON

    package init(key: String, value: JSON) {
      self.key = key
      self.value = value
    }
  }

  package private(set) var members: [Member]

  package init() { members = [] }

  /// Takes members in any order; a key that stands twice is a bug of the caller.
  package init(_ members: [Member]) {
    self.members = members.sorted { keyPrecedes($0.key, $1.key) }
    for index in self.members.indices.dropFirst() {
      invariant(
        keyPrecedes(self.members[index - 1].key, self.members[index].key),
        "an object has the key \(self.members[index].key) twice")
    }
  }

  /// Takes members that are in order already, each key once.
  init(ordered members: [Member]) { self.members = members }

  /// The value of `key`; setting `nil` removes the member.
  ///
  /// O(log n) to read, O(n) to set.
  package subscript(key: String) -> JSON? {
    get {
      let index = insertionIndex(of: key)
      guard index < members.count, sameBytes(members[index].key, key) else { return nil }
      return members[index].value
    }
    set {
      let index = insertionIndex(of: key)
      let isPresent = index < members.count && sameBytes(members[index].key, key)
      switch (newValue, isPresent) {
      case (let value?, true): members[index].value = value
      case (let value?, false): members.insert(Member(key: key, value: value), at: index)
      case (nil, true): members.remove(at: index)
      case (nil, false): break
      }
    }
  }

  private func insertionIndex(of key: String) -> Int {
    var low = 0
    var high = members.count
    while low < high {
      let middle = low + (high - low) / 2
      if keyPrecedes(members[middle].key, key) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// Takes members in any order; a key that stands twice is a bug of the caller.
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self.init(elements.map { Member(key: $0.0, value: $0.1) })
  }
}

extension JSON: Equatable {
  package static func == (one: JSON, other: JSON) -> Bool {
    switch (one, other) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.string(let a), .string(let b)): sameBytes(a, b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }
}

extension JSONObject: Equatable {
  package static func == (one: JSONObject, other: JSONObject) -> Bool {
    one.members.elementsEqual(other.members) { sameBytes($0.key, $1.key) && $0.value == $1.value }
  }
}

/// Whether two strings have the same UTF-8 bytes; `==` would also accept another normalization.
package func sameBytes(_ one: String, _ other: String) -> Bool {
  one.utf8.elementsEqual(other.utf8)
}

/// Whether `one` stands before `other` in canonical JSON: by UTF-16 code units (RFC 8785 §3.2.3).
package func keyPrecedes(_ one: String, _ other: String) -> Bool {
  one.utf8.lexicographicallyPrecedes(other.utf8, by: bytePrecedes)
}

/// Whether the first byte that differs in two texts of UTF-8 puts the one before the other, when
/// they are ordered by UTF-16 code units.
///
/// The order of bytes is the same but for one case: a character beyond U+FFFF (first byte F0 and
/// up) is written with surrogates and so stands before U+E000...U+FFFF (first bytes EE and EF).
func bytePrecedes(_ one: UInt8, _ other: UInt8) -> Bool {
  if one >= 0xEE, other >= 0xEE, (one >= 0xF0) != (other >= 0xF0) { return one > other }
  return one < other
}
