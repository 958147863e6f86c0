import Bytes

/// The rules that a record's `check()` is made of; each throws with the path of what breaks it.
enum Check {
  static func integer(
    _ path: String, _ value: Int?, from lower: Int, through upper: Int = Int(JSON.greatestInteger)
  ) throws(EventError) {
    guard let value else { return }
    try form(path, .integer(from: lower, through: upper), value >= lower && value <= upper)
  }

  static func notEmpty(_ path: String, _ list: some Collection) throws(EventError) {
    try form(path, .notEmpty, !list.isEmpty)
  }

  static func atMost(_ limit: Int, _ path: String, _ count: Int) throws(EventError) {
    try form(path, .atMost(limit), count <= limit)
  }

  /// Each element stands strictly after the one before it.
  static func ascending<Element, Order: Comparable>(
    _ path: String, _ list: [Element], by order: (Element) -> Order
  ) throws(EventError) {
    let isAscending = zip(list, list.dropFirst()).allSatisfy { order($0) < order($1) }
    try form(path, .ascending, isAscending)
  }

  /// The order has a meaning of its own, but no two are alike.
  static func distinct<Element, Identity: Hashable>(
    _ path: String, _ list: [Element], by identity: (Element) -> Identity
  ) throws(EventError) {
    try form(path, .distinct, Set(list.map(identity)).count == list.count)
  }

  /// The field at `path` fits what `other` says.
  static func agreement(_ path: String, with other: String, _ fits: Bool) throws(EventError) {
    try form(path, .agreement(with: other), fits)
  }

  /// Of the fields, exactly one is present.
  static func exactlyOne(_ fields: [String], _ presence: [Bool]) throws(EventError) {
    try form("", .exactlyOne(fields), presence.count { $0 } == 1)
  }

  static func form(_ path: String, _ form: EventError.Form, _ holds: Bool) throws(EventError) {
    guard holds else { throw .badValue(path: path, expected: form) }
  }
}
