package import Bytes

/// Why a line isn't an event that this reader knows.
///
/// A path names a field as a person would write it: `data.recipients[3].user_id`. Paths in an error
/// thrown by a part are relative to that part; each level that it passes adds its own name.
package enum EventError: Error, Hashable, Sendable {
  /// The line is longer than a line of the log may be.
  case tooLong(bytes: Int)
  case notJSON(JSONError)
  /// The line is JSON, but not in the one canonical form of its value.
  case notCanonical(offset: Int)
  /// A later release, or another program, wrote an event that this reader knows nothing of.
  case unknownType(String, id: EventID)
  /// A later release wrote another version of a type that this reader knows.
  case unknownVersion(name: String, version: Int, id: EventID)
  case missingField(path: String)
  case unknownField(path: String)
  case wrongKind(path: String, expected: Kind)
  /// The field is of the right JSON kind, but its value isn't of the form that the field asks for.
  case badValue(path: String, expected: Form)
  /// The envelope's `subject` isn't the one that the data belongs to.
  case wrongSubject(found: String, expected: String)

  /// The JSON kinds that an event's fields may have; `null` is none of them.
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case object, array, string, integer, boolean
  }

  /// What a value must look like.
  package enum Form: Hashable, Sendable {
    case entityID
    case eventID
    case channelCode
    case codeWord
    case ledgerID
    case hexDigest
    case treeRoot
    case base64
    case sealedText
    case decimal
    case templateVersion
    case zoneName
    case instant
    case duration
    case period
    case localTime
    case monthDay
    case subject
    case specVersion
    /// One word of a closed list.
    case oneOf([String])
    case integer(from: Int, through: Int)
    /// A list that isn't empty.
    case notEmpty
    /// A list of at most so many entries.
    case atMost(Int)
    /// A list in ascending order, each entry once.
    case ascending
    /// A list with each entry once.
    case distinct
    /// A value that fits what another field of the same object says.
    case agreement(with: String)
    /// Exactly one of these fields.
    case exactlyOne([String])
  }
}

extension EventError {
  /// The same error, seen from the object or list that holds the failing part under `name`.
  func within(_ name: String) -> EventError {
    func joined(_ path: String) -> String {
      if path.isEmpty { return name }
      return path.utf8.first == UInt8(ascii: "[") ? name + path : "\(name).\(path)"
    }
    switch self {
    case .missingField(let path): return .missingField(path: joined(path))
    case .unknownField(let path): return .unknownField(path: joined(path))
    case .wrongKind(let path, let kind): return .wrongKind(path: joined(path), expected: kind)
    case .badValue(let path, let form): return .badValue(path: joined(path), expected: form)
    case .tooLong, .notJSON, .notCanonical, .unknownType, .unknownVersion, .wrongSubject:
      return self
    }
  }

  static func badValue(_ form: Form) -> EventError { .badValue(path: "", expected: form) }
}
