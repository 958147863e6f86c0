package import Bytes
import Events

/// Reads the known fields of an input object, with the object's path in every error.
package struct FieldReading {
  package let object: JSONObject
  package let path: String

  package init(_ object: JSONObject, at path: String) {
    self.object = object
    self.path = path
  }

  /// The object that `json` must be.
  package init(_ json: JSON, at path: String) throws(RequestError) {
    guard case .object(let object) = json else {
      throw RequestError(path: path, problem: .wrongKind(found: json.kind, expected: .object))
    }
    self.init(object, at: path)
  }

  /// Where the field stands in the whole document.
  package func path(of key: String) -> String { joinPath(path, key) }

  /// What is wrong with the field.
  package func failure(_ key: String, _ problem: RequestError.Problem) -> RequestError {
    RequestError(path: path(of: key), problem: problem)
  }

  /// Refuses every field that isn't one of `known`.
  package func allowOnly(_ known: [String]) throws(RequestError) {
    for member in object.members where !known.contains(where: { sameBytes($0, member.key) }) {
      throw failure(
        shownKey(member.key), .unknownField(suggestion: nearMiss(of: member.key, among: known)))
    }
  }

  /// The field's value, or `nil` where it is absent; `null` is not absent.
  func optionalJSON(_ key: String) -> JSON? { object[key] }

  /// The field's value; it must be there.
  package func json(_ key: String) throws(RequestError) -> JSON {
    guard let value = object[key] else { throw failure(key, .missing) }
    return value
  }

  /// The field's truth value, or `value` where it is absent.
  package func bool(_ key: String, default value: Bool) throws(RequestError) -> Bool {
    guard let json = object[key] else { return value }
    guard case .bool(let bool) = json else {
      throw failure(key, .wrongKind(found: json.kind, expected: .boolean))
    }
    return bool
  }

  /// The field's truth value, or `nil` where it is absent.
  func optionalBool(_ key: String) throws(RequestError) -> Bool? {
    object[key] == nil ? nil : try bool(key, default: false)
  }

  /// The field's text, or `nil` where it is absent.
  func optionalString(_ key: String) throws(RequestError) -> String? {
    guard let json = object[key] else { return nil }
    return try Self.string(json, at: path(of: key))
  }

  /// The field's text; it must be there.
  package func string(_ key: String) throws(RequestError) -> String {
    try Self.string(try json(key), at: path(of: key))
  }

  /// The field's id, a number or a string; it must be there.
  func id(_ key: String) throws(RequestError) -> EntityID {
    try Self.id(try json(key), at: path(of: key))
  }

  /// A word of a closed list.
  func optionalWord<Value: Word>(_ key: String) throws(RequestError) -> Value? {
    guard let text = try optionalString(key) else { return nil }
    guard let word = Value(rawValue: text) else {
      throw failure(
        key, .badValue(found: text, expected: .oneOf(Value.allCases.map(\.rawValue))))
    }
    return word
  }

  /// A string of a fixed form.
  func optional<Value: CheckedText>(
    _ key: String, _ form: RequestError.Form
  ) throws(RequestError) -> Value? {
    guard let text = try optionalString(key) else { return nil }
    guard let value = Value(text) else {
      throw failure(key, .badValue(found: text, expected: form))
    }
    return value
  }

  /// Printable text of 1 to `limit` bytes; `isPersonal` keeps it out of the error.
  package func printable(
    _ key: String, limit: Int, isPersonal: Bool = false
  ) throws(RequestError) -> String {
    let text = try string(key)
    guard isPrintable(text, limit: limit) else {
      throw failure(
        key, .badValue(found: isPersonal ? nil : text, expected: .text(limit: limit)))
    }
    return text
  }

  /// The elements of a list with their paths, or `nil` where the field is absent.
  func optionalList(
    _ key: String, limit: Int
  ) throws(RequestError) -> [(json: JSON, path: String)]? {
    guard let json = object[key] else { return nil }
    guard case .array(let elements) = json else {
      throw failure(key, .wrongKind(found: json.kind, expected: .array))
    }
    guard elements.count <= limit else {
      throw failure(
        key, .badValue(found: "\(elements.count) entries", expected: .entries(limit: limit)))
    }
    return elements.enumerated().map { ($1, "\(path(of: key))[\($0)]") }
  }

  /// A list of ids in the order given, each once.
  func optionalIDs(_ key: String, limit: Int) throws(RequestError) -> [EntityID]? {
    guard let elements = try optionalList(key, limit: limit) else { return nil }
    var seen: [EntityID: String] = [:]
    var ids: [EntityID] = []
    for (json, path) in elements {
      let id = try Self.id(json, at: path)
      if let first = seen.updateValue(path, forKey: id) {
        throw RequestError(path: path, problem: .duplicate(first: first))
      }
      ids.append(id)
    }
    return ids
  }

  /// The text that `json` must be.
  static func string(_ json: JSON, at path: String) throws(RequestError) -> String {
    guard case .string(let text) = json else {
      throw RequestError(path: path, problem: .wrongKind(found: json.kind, expected: .string))
    }
    return text
  }

  /// The id that `json` must be.
  static func id(_ json: JSON, at path: String) throws(RequestError) -> EntityID {
    if let id = EntityID(input: json) { return id }
    switch json {
    case .string(let text):
      throw RequestError(path: path, problem: .badValue(found: text, expected: .id))
    case .integer, .null, .bool, .array, .object:
      throw RequestError(path: path, problem: .wrongKind(found: json.kind, expected: .string))
    }
  }
}

/// Whether `text` has 1 to `limit` bytes, and no character that hides, moves or breaks a line.
///
/// The two joiners of Persian and Indic scripts and of emoji are let through.
package func isPrintable(_ text: String, limit: Int) -> Bool {
  (1...limit).contains(text.utf8.count)
    && text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: false
      case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
      default: true
      }
    }
}

/// A key as it stands in a path.
func shownKey(_ key: String) -> String { key.isEmpty ? "\"\"" : visible(key) }
