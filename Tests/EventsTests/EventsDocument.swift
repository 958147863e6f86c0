import Bytes
import Events
import Foundation
import Testing

/// `ledger/EVENTS.md` as the tests read it: types with fields and examples, parts, and words.
struct EventsDocument {
  struct Field {
    let name: String
    let kind: String
    /// `yes`, `no`, or `depends` on another field.
    let required: String
  }

  struct Section {
    let title: String
    var fields: [Field] = []
    var words: [String] = []
    var example: [UInt8]?
    var text: [String] = []
  }

  let sections: [Section]
  /// The first two columns of the table of kinds.
  private(set) var kindRows: [(kind: String, json: String)] = []

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appending(path: "ledger/EVENTS.md"), encoding: .utf8)
    var sections: [Section] = []
    var isExample = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
      if line.hasPrefix("#") {
        sections.append(Section(title: String(line.drop { $0 == "#" }.dropFirst())))
      } else if sections.isEmpty {
        continue
      } else if line.hasPrefix("```") {
        isExample = line == "```json"
      } else if isExample {
        sections[sections.count - 1].example = Array(line.utf8)
      } else if line.hasPrefix("| `") {
        let cells = line.replacing("\\|", with: "¦").split(separator: "|").map {
          $0.trimmingCharacters(in: .whitespaces)
        }
        sections[sections.count - 1].fields.append(
          Field(
            name: cells[0].trimmingCharacters(in: ["`"]), kind: cells[1], required: cells[2]))
      } else if line.hasPrefix("| "), sections.last?.title == "Kinds" {
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        kindRows.append((cells[0], cells[1]))
      } else if line.hasPrefix("`"), sections[sections.count - 1].words.isEmpty {
        sections[sections.count - 1].words = line.split(separator: " ").map {
          $0.trimmingCharacters(in: ["`"])
        }
      } else {
        sections[sections.count - 1].text.append(String(line))
      }
    }
    self.sections = sections
  }

  func section(_ title: String) throws -> Section {
    try #require(sections.first { $0.title == title }, "EVENTS.md has no section \(title)")
  }

  /// The sections of types, in the document's order.
  var types: [Section] { sections.filter { $0.example != nil } }
}
