import Bytes
package import Events

/// Something in a ledger that its own rules would not have made (`FORMAT.md` §17).
package struct Finding: Hashable, Sendable {
  /// What is wrong; a word never changes its meaning, and the list grows.
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    /// The event isn't what the rules make of the decision.
    case differs
    /// The decision makes another event, which isn't there.
    case missing
    /// No decision makes the event where it stands.
    case unexpected
    /// A command was accepted that breaks rules.
    case shouldBeRejected = "should-be-rejected"
    /// A command was rejected that breaks none.
    case shouldBeAccepted = "should-be-accepted"
    /// It stands between a dispatch and the last chunk of its resolution, or tells of it too early.
    case order
    /// A result, loss or settlement of what was never attempted.
    case noAttempt = "no-attempt"
    /// A notice to somebody who isn't a recipient.
    case noRecipient = "no-recipient"
    /// The modification's number isn't the next.
    case modification
    /// The sums don't balance.
    case books
    /// An idempotency key was used twice.
    case keyRepeated = "key-repeated"
    /// A text, its offset and its instant don't fit each other.
    case time
    /// It doesn't say by which rules it was decided.
    case noDecider = "no-decider"
    /// It refers to what no event before it made.
    case dangling
  }

  /// The event that it names.
  package let event: EventID
  package let kind: Kind
  /// The dispatch that it concerns.
  package let dispatch: EntityID?
  /// What is wrong, in words; names no person.
  package let message: String
  /// Where the event isn't what it should be.
  package let differences: [Difference]

  package init(
    event: EventID, kind: Kind, dispatch: EntityID?, message: String, differences: [Difference]
  ) {
    self.event = event
    self.kind = kind
    self.dispatch = dispatch
    self.message = message
    self.differences = differences
  }
}

/// Something to know that isn't wrong.
package struct Note: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    /// The clock was behind the event before.
    case clock
    /// Today's zone database gives another answer for a time as it was typed.
    case zone
    /// The log ends before the last chunk of a resolution.
    case unfinished
  }

  package let first: EventID
  /// The last event that it is about.
  package let last: EventID
  package let kind: Kind
  package let message: String
}

/// One place in which an event isn't what it should be.
package struct Difference: Hashable, Sendable {
  /// `data.late`; entries of lists by number from 0, those of users by the user's id.
  package let path: String
  /// Canonical JSON; `nil` where nothing should stand there.
  package let expected: String?
  /// Canonical JSON; `nil` where nothing stands there.
  package let found: String?

  package init(path: String, expected: String?, found: String?) {
    self.path = path
    self.expected = expected
    self.found = found
  }

  /// As many as are listed of one event.
  static let limit = 20

  /// Where two values of JSON differ, in the order of their keys; sealed texts aren't shown.
  static func all(expected: JSON, found: JSON, at path: String = "") -> [Difference] {
    if expected == found { return [] }
    switch (expected, found) {
    case (.object(let one), .object(let other)):
      return members(one, other, at: path)
    case (.array(let one), .array(let other)):
      if let users = byUser(one), let others = byUser(other) {
        return members(users, others, at: path)
      }
      return (0..<max(one.count, other.count)).flatMap { index in
        entry(
          index < one.count ? one[index] : nil, index < other.count ? other[index] : nil,
          at: "\(path).\(index)")
      }
    default: return entry(expected, found, at: path, isLeaf: true)
    }
  }

  private static func members(
    _ one: JSONObject, _ other: JSONObject, at path: String
  ) -> [Difference] {
    let keys = one.members.map(\.key) + other.members.map(\.key).filter { one[$0] == nil }
    return keys.sorted(by: keyPrecedes).flatMap { key in
      entry(one[key], other[key], at: path.isEmpty ? key : "\(path).\(key)")
    }
  }

  private static func entry(
    _ one: JSON?, _ other: JSON?, at path: String, isLeaf: Bool = false
  ) -> [Difference] {
    if let one, let other, !isLeaf { return all(expected: one, found: other, at: path) }
    return [Difference(path: path, expected: one.map(text), found: other.map(text))]
  }

  /// The entries under their users' ids, where all have one and none stands twice.
  private static func byUser(_ entries: [JSON]) -> JSONObject? {
    var object = JSONObject()
    for entry in entries {
      guard case .object(let members) = entry, case .string(let user)? = members["user_id"],
        object[user] == nil
      else { return nil }
      object[user] = entry
    }
    return object
  }

  private static func text(_ json: JSON) -> String {
    if case .string(let text) = json, text.utf8.starts(with: SealedText.prefix.utf8) {
      return "[sealed]"
    }
    return String(decoding: json.canonicalBytes, as: UTF8.self)
  }
}
