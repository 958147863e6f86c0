import Bytes

/// The rules that a record's `check()` is made of; each throws with the path of what breaks it.
enum Check {
  static func integer(
    _ path: String, _ value: Int?, from lower: Int, through upper: Int = Int(Int64.greatestInJSON)
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
    let isAscending = list.indices.dropFirst().allSatisfy { order(list[$0 - 1]) < order(list[$0]) }
    try form(path, .ascending, isAscending)
  }

  /// The order has a meaning of its own, but no two are alike.
  static func distinct<Element, Identity: Hashable>(
    _ path: String, _ list: [Element], by identity: (Element) -> Identity
  ) throws(EventError) {
    // To compare a few with each other is cheaper than to make a set of them.
    let isDistinct =
      list.count <= 8
      ? list.indices.allSatisfy { one in
        list[..<one].allSatisfy { identity($0) != identity(list[one]) }
      } : Set(list.map(identity)).count == list.count
    try form(path, .distinct, isDistinct)
  }

  /// The field at `path` fits what `other` says.
  static func agreement(_ path: String, with other: String, _ fits: Bool) throws(EventError) {
    try form(path, .agreement(with: other), fits)
  }

  /// Of the fields, exactly one is present.
  static func exactlyOne(_ fields: [String], _ presence: [Bool]) throws(EventError) {
    try form("", .exactlyOne(fields), presence.count { $0 } == 1)
  }

  static func form(
    _ path: @autoclosure () -> String, _ form: @autoclosure () -> EventError.Form, _ holds: Bool
  ) throws(EventError) {
    guard holds else { throw .badValue(path: path(), expected: form()) }
  }
}
