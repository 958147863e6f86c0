import Bytes
import CommandLineInterface

/// A field of an event's line: `id`, `data`, `data.recipients.0.user_id`.
struct FieldPath: Hashable {
  /// As it was typed.
  let text: String
  private let steps: [String]

  private static let attributes = [
    "actor", "causationid", "clock", "correlationid", "data", "decider", "id", "idempotencyhash",
    "idempotencykey", "source", "specversion", "subject", "time", "type",
  ]

  /// Reads a path; `nil` where it names no attribute of an event, or goes into one that isn't data.
  init?(_ text: String) {
    steps = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let first = steps.first, Self.attributes.contains(where: { sameBytes($0, first) }),
      steps.count == 1 || first == "data", !steps.contains("")
    else { return nil }
    self.text = text
  }

  private func value(in line: JSON) -> JSON? {
    var value = line
    for step in steps {
      switch value {
      case .object(let object):
        guard let member = object[step] else { return nil }
        value = member
      case .array(let elements):
        guard let index = Int(step), elements.indices.contains(index) else { return nil }
        value = elements[index]
      case .null, .bool, .integer, .string: return nil
      }
    }
    return value
  }

  /// What is printed of an event's line: a line of its fields, with its newline.
  static func line(of paths: [FieldPath], from line: [UInt8], asJSON: Bool) -> [UInt8] {
    guard let json = try? JSON(parsing: line) else { return [] }
    var bytes: [UInt8] = []
    if asJSON {
      var object = JSONObject()
      for path in paths { object[path.text] = path.value(in: json) }
      object.appendCanonical(to: &bytes)
    } else {
      let texts = paths.map { path in shown(path.value(in: json)) }
      bytes = Array(texts.joined(separator: "\t").utf8)
    }
    return bytes + [UInt8(ascii: "\n")]
  }

  private static func shown(_ value: JSON?) -> String {
    switch value {
    case nil: "-"
    case .string(let text)?:
      text.utf8.starts(with: "sealed:1:".utf8) ? "[sealed]" : terminalSafe(text)
    case let other?: terminalSafe(String(decoding: other.canonicalBytes, as: UTF8.self))
    }
  }
}

extension ValueType<[FieldPath]> {
  /// Fields with commas between them, each once.
  static var fieldList: Self {
    ValueType(
      "fields with commas between: attributes of an event, or data.NAME"
    ) { (text) -> [FieldPath]? in
      var paths: [FieldPath] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let path = FieldPath(String(part)), !paths.contains(path) else { return nil }
        paths.append(path)
      }
      return paths
    }
  }
}
