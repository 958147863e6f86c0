import Bytes
import Events
import Testing

/// One step from a JSON value into a part of it.
enum Step: Hashable {
  case key(String)
  case index(Int)
}

/// A field of an example line, as `ledger/EVENTS.md` documents it.
struct ExampleField: CustomTestStringConvertible, Sendable {
  let type: String
  let line: [UInt8]
  let steps: [Step]
  let kind: String
  let required: String

  /// The path that an error names the field by.
  var path: String { steps.path }
  var testDescription: String { "\(type) \(path)" }
}

extension Step: Sendable {}

extension [Step] {
  var path: String {
    reduce("") { path, step in
      switch step {
      case .key(let key): path.isEmpty ? key : "\(path).\(key)"
      case .index(let index): "\(path)[\(index)]"
      }
    }
  }
}

extension EventsDocument {
  /// Every documented field that stands in an example, parts of parts included, and the envelope's.
  func exampleFields() throws -> [ExampleField] {
    let envelope = try section("Envelope").fields
    var found: [ExampleField] = []
    for section in types {
      let line = try #require(section.example)
      let json = try JSON(parsing: line)
      func collect(_ fields: [Field], at steps: [Step]) throws {
        guard case .object(let object)? = json[steps] else { return }
        for field in fields {
          guard let value = object[field.name] else { continue }
          let here = steps + [.key(field.name)]
          found.append(
            ExampleField(
              type: section.title, line: line, steps: here, kind: field.kind,
              required: field.required))
          guard let part = try part(of: field.kind) else { continue }
          if case .array(let elements) = value {
            for index in elements.indices { try collect(part, at: here + [.index(index)]) }
          } else {
            try collect(part, at: here)
          }
        }
      }
      try collect(envelope, at: [])
      try collect(section.fields, at: [.key("data")])
    }
    return found
  }

  /// The fields of the part that a kind links to, where it does.
  func part(of kind: String) throws -> [Field]? {
    guard let open = kind.firstIndex(of: "["), let close = kind.firstIndex(of: "]") else {
      return nil
    }
    let fields = try section(String(kind[kind.index(after: open)..<close])).fields
    return fields.isEmpty ? nil : fields
  }

  /// The JSON kind of a documented kind.
  func jsonKind(of kind: String) throws -> EventError.Kind {
    if kind.hasPrefix("list of") || kind.hasPrefix("set of") { return .array }
    if try part(of: kind) != nil { return .object }
    if kind.hasPrefix("[evidence]") { return .integer }
    if kind.hasPrefix("[") { return .string }
    return try #require(kinds[kind], "EVENTS.md uses the kind \(kind) without saying what it is")
  }

  /// What the table of kinds says.
  var kinds: [String: EventError.Kind] {
    var kinds: [String: EventError.Kind] = [:]
    for (kind, json) in kindRows { kinds[kind] = EventError.Kind(rawValue: json) }
    return kinds
  }
}

extension JSON {
  /// The part that the steps lead to.
  subscript(steps: [Step]) -> JSON? {
    var value = self
    for step in steps {
      switch (step, value) {
      case (.key(let key), .object(let object)):
        guard let member = object[key] else { return nil }
        value = member
      case (.index(let index), .array(let elements)) where elements.indices.contains(index):
        value = elements[index]
      default: return nil
      }
    }
    return value
  }

  /// The same value with another part at `steps`, or without it where `part` is `nil`.
  func replacing(_ steps: some Collection<Step>, with part: JSON?) -> JSON {
    guard let step = steps.first else { return part ?? .null }
    let rest = steps.dropFirst()
    switch (step, self) {
    case (.key(let key), .object(var object)):
      object[key] = rest.isEmpty ? part : object[key]?.replacing(rest, with: part)
      return .object(object)
    case (.index(let index), .array(var elements)):
      elements[index] = elements[index].replacing(rest, with: part)
      return .array(elements)
    default: return self
    }
  }
}

/// What decoding says of a value's canonical line: `nil` where it is an event.
func refusal(of json: JSON) -> EventError? {
  refusal(of: json.canonicalBytes)
}

func refusal(of line: [UInt8]) -> EventError? {
  do throws(EventError) {
    _ = try Event(decoding: line)
    return nil
  } catch {
    return error
  }
}
