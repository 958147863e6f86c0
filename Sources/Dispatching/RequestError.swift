package import Bytes

/// Why an input is malformed: where, what was found there, and what should stand there.
///
/// Malformed input is refused as a whole and leaves nothing in the ledger; a well-formed request
/// that breaks a rule is a ``Rejection``.
package struct RequestError: Error, Hashable, Sendable {
  /// The field as a person would write it: `users[3].contacts.sms`; empty for the document itself.
  package let path: String
  package let problem: Problem

  package init(path: String, problem: Problem) {
    self.path = path
    self.problem = problem
  }

  package enum Problem: Hashable, Sendable {
    case notJSON(JSONError)
    case missing
    /// A field that nobody knows where none may stand, with the one that was probably meant.
    case unknownField(suggestion: String?)
    /// A field that would be kept as an attribute, but that looks like a known one misspelt.
    case nearMiss(suggestion: String)
    case wrongKind(found: Kind, expected: Kind)
    /// The right kind, but not of the form; `found` is absent where it may name a person.
    case badValue(found: String?, expected: Form)
    /// The same thing stands at `path` and at `first`.
    case duplicate(first: String)
    /// The field and another one can't stand together.
    case contradicts(other: String)
    /// A template that can't be published.
    case template(TemplateError)
    /// A text that is no condition.
    case condition(ConditionError)
    /// The document is longer in canonical form than an event can keep.
    case tooLarge(bytes: Int, limit: Int)
    /// More containers within each other than an event can keep.
    case tooDeep(limit: Int)
  }

  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case null, boolean, integer, string, array, object
  }

  /// What a value must look like.
  package enum Form: Hashable, Sendable {
    case id
    case channelCode
    case timeZone
    case duration
    case period
    /// An RFC 3339 time.
    case instant
    /// A time on a clock.
    case localTime
    /// A day that every year has.
    case monthDay
    /// A number that counts from 1.
    case ordinal
    /// The id of an event.
    case eventID
    /// The body of a form, URL-encoded.
    case form
    /// A delivery status notification.
    case deliveryStatus
    /// An RFC 3339 time, or `MM/DD/YYYY HH:MM`.
    case time
    /// Printable text of 1 to so many bytes.
    case text(limit: Int)
    /// A BCP 47 language tag.
    case language
    case oneOf([String])
    /// A list of 1 or more entries.
    case notEmpty
    /// A list of at most so many entries.
    case entries(limit: Int)
    /// Text of at most so many bytes.
    case bytes(limit: Int)
    /// What the words say, as they follow "should be".
    case described(String)
    case decimal
    /// A name that conditions can read.
    case signalName
    case unit
    /// Any id but this one, which is taken.
    case otherThan(String)
  }
}

extension RequestError {
  /// The same error, seen from the document that holds the failing part at `prefix`.
  package func within(_ prefix: String) -> RequestError {
    RequestError(path: joinPath(prefix, path), problem: problem)
  }
}

/// `path` within `prefix`: `users[3]` and `contacts.sms` give `users[3].contacts.sms`.
func joinPath(_ prefix: String, _ path: String) -> String {
  if prefix.isEmpty { return path }
  if path.isEmpty { return prefix }
  return path.utf8.first == UInt8(ascii: "[") ? prefix + path : "\(prefix).\(path)"
}

extension JSON {
  var kind: RequestError.Kind {
    switch self {
    case .null: .null
    case .bool: .boolean
    case .integer: .integer
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }

  /// Containers within each other; a value that holds none has 0.
  var depth: Int {
    switch self {
    case .null, .bool, .integer, .string: 0
    case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
    case .object(let object): 1 + (object.members.map(\.value.depth).max() ?? 0)
    }
  }

  /// Parses an input document, which must be an object.
  package static func document(_ bytes: [UInt8]) throws(RequestError) -> JSONObject {
    let json: JSON
    do { json = try JSON(parsing: bytes) } catch {
      throw RequestError(path: "", problem: .notJSON(error))
    }
    guard case .object(let object) = json else {
      throw RequestError(path: "", problem: .wrongKind(found: json.kind, expected: .object))
    }
    return object
  }
}
