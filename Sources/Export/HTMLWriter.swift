import Bytes

/// Writes HTML that is well-formed XML too, so that strict readers of either take it.
///
/// Every text is escaped here and nowhere else. What could move a terminal's cursor, hide text or turn
/// its direction is shown as `\u{…}`: a report is read, copied and printed by people.
struct HTMLWriter {
  private(set) var text = ""
  private var open: [String] = []

  /// Begins an element; ``end()`` ends it.
  mutating func begin(_ tag: String, _ attributes: KeyValuePairs<String, String> = [:]) {
    text += "<\(tag)\(Self.spelled(attributes))>"
    open.append(tag)
  }

  mutating func end() {
    guard let tag = open.popLast() else { fatalError("invariant broken: no element is open") }
    text += "</\(tag)>"
    if Self.blocks.contains(tag) { text += "\n" }
  }

  /// An element with what `body` writes in it.
  mutating func element(
    _ tag: String, _ attributes: KeyValuePairs<String, String> = [:],
    _ body: (inout HTMLWriter) -> Void
  ) {
    begin(tag, attributes)
    body(&self)
    end()
  }

  /// An element with a text in it.
  mutating func element(
    _ tag: String, _ attributes: KeyValuePairs<String, String> = [:], text words: String
  ) {
    element(tag, attributes) { $0.add(words) }
  }

  /// An element that never holds anything.
  mutating func empty(_ tag: String, _ attributes: KeyValuePairs<String, String>) {
    text += "<\(tag)\(Self.spelled(attributes))/>"
  }

  mutating func add(_ words: String) { text += Self.escaped(words) }

  /// Adds what is markup already: only what this program has written itself.
  mutating func add(markup: String) { text += markup }

  /// A table whose first row stands on every page that it is printed on.
  mutating func table(_ head: [String], _ rows: [[String]], caption: String) {
    element("div", ["class": "scroll"]) { html in
      html.element("table") { html in
        html.element("caption", text: caption)
        html.element("thead") { html in
          html.element("tr") { html in
            for cell in head { html.element("th", ["scope": "col"], text: cell) }
          }
        }
        html.element("tbody") { html in
          for row in rows {
            html.element("tr") { html in
              for cell in row { html.element("td", text: cell) }
            }
          }
        }
      }
    }
  }

  private static let blocks: Set<String> = [
    "body", "div", "dl", "figure", "h1", "h2", "h3", "head", "header", "html", "li", "main", "p",
    "pre", "section", "style", "svg", "table", "tbody", "thead", "title", "tr",
  ]

  private static func spelled(_ attributes: KeyValuePairs<String, String>) -> String {
    attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
  }

  static func escaped(_ words: String) -> String {
    var safe = ""
    safe.reserveCapacity(words.utf8.count)
    for scalar in words.unicodeScalars {
      switch scalar {
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      case "\"": safe += "&quot;"
      case "'": safe += "&#39;"
      case "\n": safe += "\n"
      default:
        if isSafe(scalar) {
          safe.unicodeScalars.append(scalar)
        } else {
          safe += "\\u{\(String(scalar.value, radix: 16))}"
        }
      }
    }
    return safe
  }

  private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .unassigned, .surrogate: false
    case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
    default: true
    }
  }
}
