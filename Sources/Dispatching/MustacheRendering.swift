package import Bytes

/// What is done to a value before it is put into a text.
package enum TextEscaping: Hashable, Sendable, CaseIterable {
  /// For channels that carry plain text.
  case none
  /// `&`, `<`, `>` and `"` become character references.
  case html
}

/// What is done where a tag finds nothing to print.
package enum MissingValue: Hashable, Sendable {
  /// Nothing is printed, as Mustache has it.
  case prints
  /// It is an error.
  case fails
}

extension Mustache {
  /// The text that the template makes of `values`.
  ///
  /// Whether a section is shown: not where its value is missing, null, false or an empty list. A
  /// list repeats it; any other value is looked into first for the names within it. O(template +
  /// output); a section costs what its lists repeat, and no more than `limit` nodes are visited
  /// beyond the output.
  ///
  /// - Parameter limit: The most bytes of the output.
  package func render(
    _ values: JSON, escaping: TextEscaping, missing: MissingValue, limit: Int
  ) throws(MustacheError) -> [UInt8] {
    var renderer = MustacheRenderer(escaping: escaping, missing: missing, limit: limit)
    try renderer.render(nodes, in: [values])
    return renderer.output
  }

  /// Every name that a tag holds, sections and what is within them too, in the order of the text.
  var names: [(name: Name, isSection: Bool, position: TextPosition)] {
    var names: [(Name, Bool, TextPosition)] = []
    func collect(_ nodes: [Node]) {
      for node in nodes {
        switch node {
        case .text: break
        case .variable(let name, _, let position): names.append((name, false, position))
        case .section(let name, _, let inner, let position):
          names.append((name, true, position))
          collect(inner)
        }
      }
    }
    collect(nodes)
    return names
  }
}

private struct MustacheRenderer {
  let escaping: TextEscaping
  let missing: MissingValue
  let limit: Int
  private(set) var output: [UInt8] = []
  private var visits = 0

  init(escaping: TextEscaping, missing: MissingValue, limit: Int) {
    self.escaping = escaping
    self.missing = missing
    self.limit = limit
  }

  /// - Parameter context: The values that names are looked up in, the innermost last.
  mutating func render(_ nodes: [Mustache.Node], in context: [JSON]) throws(MustacheError) {
    for node in nodes {
      switch node {
      case .text(let text):
        try add(text, at: TextPosition(line: 1, column: 1))
      case .variable(let name, let escapes, let position):
        let text = try text(of: name, in: context, at: position)
        try add(escapes && escaping == .html ? escaped(text) : text, at: position)
      case .section(let name, let isInverted, let inner, let position):
        let value = find(name, in: context)
        try visit(position)
        guard let value, isShown(value) else {
          if isInverted { try render(inner, in: context) }
          continue
        }
        if isInverted { continue }
        guard case .array(let elements) = value else {
          try render(inner, in: context + [value])
          continue
        }
        for element in elements {
          try visit(position)
          try render(inner, in: context + [element])
        }
      }
    }
  }

  private func find(_ name: Mustache.Name, in context: [JSON]) -> JSON? {
    guard let first = name.parts.first else { return context.last }
    for value in context.reversed() {
      guard case .object(let object) = value, var found = object[first] else { continue }
      for part in name.parts.dropFirst() {
        guard case .object(let inner) = found, let next = inner[part] else { return nil }
        found = next
      }
      return found
    }
    return nil
  }

  private func isShown(_ value: JSON) -> Bool {
    switch value {
    case .null, .bool(false): false
    case .array(let elements): !elements.isEmpty
    case .bool, .integer, .string, .object: true
    }
  }

  private func text(
    of name: Mustache.Name, in context: [JSON], at position: TextPosition
  ) throws(MustacheError) -> [UInt8] {
    switch find(name, in: context) {
    case .string(let text)?: return Array(text.utf8)
    case .integer(let number)?: return Array(String(number).utf8)
    case nil, .null?:
      if missing == .prints { return [] }
      throw MustacheError(position: position, problem: .noValue(name.text))
    case .bool(let value)?:
      if missing == .prints { return Array((value ? "true" : "false").utf8) }
      throw MustacheError(position: position, problem: .noText(name.text))
    case .array?, .object?:
      throw MustacheError(position: position, problem: .noText(name.text))
    }
  }

  private func escaped(_ text: [UInt8]) -> [UInt8] {
    text.flatMap { byte -> [UInt8] in
      switch byte {
      case UInt8(ascii: "&"): Array("&amp;".utf8)
      case UInt8(ascii: "<"): Array("&lt;".utf8)
      case UInt8(ascii: ">"): Array("&gt;".utf8)
      case UInt8(ascii: "\""): Array("&quot;".utf8)
      default: [byte]
      }
    }
  }

  private mutating func add(_ text: [UInt8], at position: TextPosition) throws(MustacheError) {
    guard output.count + text.count <= limit else { throw tooLong(position) }
    output += text
  }

  /// Lists within lists repeat what may print nothing; that has an end too.
  private mutating func visit(_ position: TextPosition) throws(MustacheError) {
    visits += 1
    if visits > Mustache.sizeLimit + limit { throw tooLong(position) }
  }

  private func tooLong(_ position: TextPosition) -> MustacheError {
    MustacheError(position: position, problem: .outputTooLong(limit: limit))
  }
}
