import Bytes

/// A template in Mustache's core: interpolation, sections, inverted sections and comments
/// (mustache(5), and the specification's `interpolation`, `sections`, `inverted`, `comments`).
///
/// Partials, lambdas, inheritance and other delimiters are refused by name. Values are put in as
/// they are, in one pass: a tag within a value is text.
package struct Mustache: Equatable, Sendable {
  let nodes: [Node]

  /// The most bytes of a template, which is what a text of an event may have.
  package static let sizeLimit = 16_384
  /// The most sections within each other.
  package static let depthLimit = 16

  indirect enum Node: Equatable, Sendable {
    case text([UInt8])
    case variable(Name, escapes: Bool, TextPosition)
    case section(Name, isInverted: Bool, [Node], TextPosition)
  }

  /// A name as a tag holds it: `.`, or parts divided by dots.
  struct Name: Equatable, Sendable {
    let text: String
    /// Empty for `.`, the innermost value.
    let parts: [String]
  }

  /// Parses a template.
  package init(parsing text: String) throws(MustacheError) {
    var parser = MustacheParser(Array(text.utf8))
    nodes = try parser.parse()
  }
}

/// A place in a text: both counted from 1, the column in characters (code points).
package struct TextPosition: Hashable, Sendable, CustomStringConvertible {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// The place of a byte in UTF-8 text.
  init(offset: Int, in bytes: [UInt8]) {
    var (line, column) = (1, 1)
    for byte in bytes[..<min(offset, bytes.count)] {
      if byte == UInt8(ascii: "\n") {
        (line, column) = (line + 1, 1)
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    self.init(line: line, column: column)
  }

  /// `3:14`.
  package var description: String { "\(line):\(column)" }
}

/// Why a text is no template, or can't be rendered, and where.
package struct MustacheError: Error, Hashable, Sendable {
  package let position: TextPosition
  package let problem: Problem

  package enum Problem: Hashable, Sendable {
    case tooLarge(limit: Int)
    case tooDeep(limit: Int)
    /// A tag that no `}}` ends.
    case unclosedTag
    /// A section that no tag ends.
    case unclosedSection(String)
    /// A closing tag without its section, or of another one than the innermost.
    case wrongEnd(String, expected: String?)
    /// A name that is empty, or has other characters than letters, digits, `_`, `-` and dots between.
    case badName(String)
    /// A tag that Mustache has, but its core hasn't.
    case notCore(Extra)
    /// What a tag is to print has no value.
    case noValue(String)
    /// What a tag is to print is true, false, a list or an object.
    case noText(String)
    case outputTooLong(limit: Int)
  }

  /// What this core leaves out.
  package enum Extra: String, Hashable, Sendable, CaseIterable {
    case partial = "a partial"
    case delimiters = "a change of delimiters"
    case block = "a block"
    case parent = "a parent"
  }
}

private struct MustacheParser {
  private let bytes: [UInt8]
  /// Where the text that no node holds yet begins.
  private var textStart = 0
  /// The nodes of each open section, the innermost last; the first are the template's own.
  private var levels: [[Mustache.Node]] = [[]]
  private var sections: [(name: Mustache.Name, isInverted: Bool, offset: Int)] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func parse() throws(MustacheError) -> [Mustache.Node] {
    guard bytes.count <= Mustache.sizeLimit else {
      throw failure(0, .tooLarge(limit: Mustache.sizeLimit))
    }
    while let start = find("{{", from: textStart) { try takeTag(at: start) }
    addText(to: bytes.count)
    if let open = sections.last { throw failure(open.offset, .unclosedSection(open.name.text)) }
    return levels[0]
  }

  private mutating func takeTag(at start: Int) throws(MustacheError) {
    let sigil = start + 2 < bytes.count ? bytes[start + 2] : 0
    let isTriple = sigil == UInt8(ascii: "{")
    guard let close = find(isTriple ? "}}}" : "}}", from: start + 2) else {
      throw failure(start, .unclosedTag)
    }
    let end = close + (isTriple ? 3 : 2)
    let inner = start + 3
    switch sigil {
    case UInt8(ascii: "!"): skipLine(start, end)
    case UInt8(ascii: "{"), UInt8(ascii: "&"):
      addVariable(try name(inner, close), escapes: false, start, end)
    case UInt8(ascii: "#"), UInt8(ascii: "^"):
      let name = try name(inner, close)
      guard sections.count < Mustache.depthLimit else {
        throw failure(start, .tooDeep(limit: Mustache.depthLimit))
      }
      skipLine(start, end)
      sections.append((name, sigil == UInt8(ascii: "^"), start))
      levels.append([])
    case UInt8(ascii: "/"): try endSection(try name(inner, close), start, end)
    case UInt8(ascii: "="): throw failure(start, .notCore(.delimiters))
    case UInt8(ascii: ">"): throw failure(start, .notCore(.partial))
    case UInt8(ascii: "$"): throw failure(start, .notCore(.block))
    case UInt8(ascii: "<"): throw failure(start, .notCore(.parent))
    default: addVariable(try name(start + 2, close), escapes: true, start, end)
    }
  }

  private mutating func addVariable(
    _ name: Mustache.Name, escapes: Bool, _ start: Int, _ end: Int
  ) {
    addText(to: start)
    levels[levels.count - 1].append(.variable(name, escapes: escapes, position(start)))
    textStart = end
  }

  private mutating func endSection(
    _ name: Mustache.Name, _ start: Int, _ end: Int
  ) throws(MustacheError) {
    guard let open = sections.last, open.name == name else {
      throw failure(start, .wrongEnd(name.text, expected: sections.last?.name.text))
    }
    skipLine(start, end)
    sections.removeLast()
    let nodes = levels.removeLast()
    levels[levels.count - 1].append(
      .section(name, isInverted: open.isInverted, nodes, position(open.offset)))
  }

  /// Ends the text before a tag that prints nothing; where it stands alone on its line, the whole
  /// line is dropped.
  private mutating func skipLine(_ start: Int, _ end: Int) {
    var before = start
    while before > 0, isBlank(bytes[before - 1]) { before -= 1 }
    var after = end
    while after < bytes.count, isBlank(bytes[after]) { after += 1 }
    let isFirst = before == 0 || bytes[before - 1] == UInt8(ascii: "\n")
    let lineEnd: Int? =
      if after == bytes.count {
        after
      } else if bytes[after] == UInt8(ascii: "\n") {
        after + 1
      } else if bytes[after...].starts(with: "\r\n".utf8) {
        after + 2
      } else {
        nil
      }
    if isFirst, let lineEnd {
      addText(to: before)
      textStart = lineEnd
    } else {
      addText(to: start)
      textStart = end
    }
  }

  private mutating func addText(to end: Int) {
    if textStart < end { levels[levels.count - 1].append(.text(Array(bytes[textStart..<end]))) }
  }

  private func name(_ start: Int, _ end: Int) throws(MustacheError) -> Mustache.Name {
    var inner = bytes[min(start, end)..<end]
    while let first = inner.first, isSpace(first) { inner.removeFirst() }
    while let last = inner.last, isSpace(last) { inner.removeLast() }
    let text = String(decoding: inner, as: UTF8.self)
    if sameBytes(text, ".") { return Mustache.Name(text: text, parts: []) }
    let parts = inner.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.allSatisfy({ part in !part.isEmpty && part.allSatisfy(isNameByte) }) else {
      throw failure(min(start, end), .badName(text))
    }
    return Mustache.Name(text: text, parts: parts.map { String(decoding: $0, as: UTF8.self) })
  }

  private func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  private func isSpace(_ byte: UInt8) -> Bool {
    isBlank(byte) || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }

  private func find(_ mark: String, from start: Int) -> Int? {
    let mark = Array(mark.utf8)
    var index = start
    while index + mark.count <= bytes.count {
      if bytes[index] == mark[0], bytes[index..<index + mark.count].elementsEqual(mark) {
        return index
      }
      index += 1
    }
    return nil
  }

  private func position(_ offset: Int) -> TextPosition { TextPosition(offset: offset, in: bytes) }

  private func failure(_ offset: Int, _ problem: MustacheError.Problem) -> MustacheError {
    MustacheError(position: position(offset), problem: problem)
  }
}

/// Whether a name of a variable or a signal may have this byte.
func isNameByte(_ byte: UInt8) -> Bool {
  decimalValue(byte) != nil || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
}
