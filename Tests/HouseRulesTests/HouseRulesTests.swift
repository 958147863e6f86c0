import Foundation
import Testing

/// Rules of the house that no compiler knows.
@Suite("The rules of the house")
struct HouseRulesTests {
  struct SourceFile {
    let path: String
    let lines: [String]
    var isShipped: Bool { path.hasPrefix("Sources/") }
  }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let files: [SourceFile] = ["Sources", "Tests"].flatMap { folder -> [SourceFile] in
    let directory = root.appendingPathComponent(folder)
    let names = FileManager.default.enumerator(atPath: directory.path)?.allObjects as? [String]
    return (names ?? []).filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
      let path = directory.appendingPathComponent(name).path
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
      return SourceFile(
        path: "\(folder)/\(name)",
        lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test("shipped code imports no Foundation, and only Platform the C library")
  func imports() {
    #expect(Self.files.count > 150)
    for file in Self.files where file.isShipped {
      for line in file.lines where line.contains("import ") {
        #expect(!line.hasSuffix("import Foundation"), "\(file.path)")
        if !file.path.hasPrefix("Sources/Platform/") {
          for library in ["Glibc", "Darwin", "Musl"] {
            #expect(!line.hasSuffix("import \(library)"), "\(file.path)")
          }
        }
      }
    }
  }

  @Test("there is no package dependency, and nothing public or @testable")
  func dependencies() throws {
    #expect(try text("Package.swift").contains("\n  dependencies: [],\n"))
    for file in Self.files where file.isShipped {
      for line in file.lines where !line.contains("\"") && !line.contains("//") {
        #expect(!line.hasPrefix("public ") && !line.contains(" public "), "\(file.path): \(line)")
        #expect(!line.contains("@testable"), "\(file.path)")
        #expect(!line.contains("unsafeFlags"), "\(file.path)")
      }
    }
  }

  @Test("shipped code has neither forced unwraps nor forced tries, and stops by invariant alone")
  func force() {
    for file in Self.files where file.isShipped {
      for (index, line) in file.lines.enumerated() {
        let place = "\(file.path):\(index + 1)"
        #expect(!line.contains("try!"), "\(place)")
        #expect(!line.contains("precondition("), "\(place)")
        if line.contains("fatalError(") {
          let both = line + (index + 1 < file.lines.count ? file.lines[index + 1] : "")
          #expect(both.contains("invariant broken"), "\(place)")
        }
      }
    }
  }

  @Test("shipped files have at most 400 lines, and functions at most 70")
  func length() {
    for file in Self.files where file.isShipped {
      #expect(file.lines.count <= 401, "\(file.path): \(file.lines.count) lines")
      var start: (line: Int, indent: Int)?
      for (index, line) in file.lines.enumerated() {
        let indent = line.prefix { $0 == " " }.count
        let word = line.dropFirst(indent)
        if word.contains("func ") || word.contains("init("), line.hasSuffix("{"), start == nil {
          start = (index, indent)
        } else if let begun = start, indent == begun.indent, word == "}" {
          #expect(
            index - begun.line <= 70,
            "\(file.path):\(begun.line + 1) has \(index - begun.line) lines")
          start = nil
        }
      }
    }
  }

  @Test(
    "what another file uses has a doc comment where a type, a function or an initializer begins")
  func documentation() {
    let kinds = ["struct ", "enum ", "protocol ", "class ", "func "]
    for file in Self.files where file.isShipped {
      for (index, line) in file.lines.enumerated() {
        let word = line.drop { $0 == " " }
        guard word.hasPrefix("package "), kinds.contains(where: { word.contains($0) }),
          !word.hasPrefix("package import"), !word.contains("static func <"),
          !word.contains("static func ==")
        else { continue }
        var above = index - 1
        while above >= 0, file.lines[above].trimmingCharacters(in: .whitespaces).hasPrefix("@") {
          above -= 1
        }
        let before = above >= 0 ? file.lines[above].trimmingCharacters(in: .whitespaces) : ""
        let isNested = before.hasSuffix("{") || before.isEmpty || before.hasSuffix("}")
        if !before.hasPrefix("///"), !isNested {
          Issue.record("\(file.path):\(index + 1) has no doc comment: \(word)")
        }
      }
    }
  }

  @Test("the project speaks of itself alone")
  func words() throws {
    let banned = ["/wo" + "rk/", "../sha" + "red", "help" + "er session", "hugging" + "face"]
    var texts = Self.files.map { ($0.path, $0.lines.joined(separator: "\n")) }
    for path in [
      "README.md", "ledger/FORMAT.md", "ledger/EVENTS.md", "ledger/THREATS.md", "Package.swift",
    ] {
      texts.append((path, try text(path)))
    }
    for (path, text) in texts {
      for word in banned { #expect(!text.contains(word), "\(path): \(word)") }
    }
  }

  @Test("each test that THREATS.md names is there, and each of the hostile world is named")
  func threats() throws {
    let named = Set(
      try text("ledger/THREATS.md").split(separator: "`").map(String.init)
        .filter { $0.contains("Tests.") && !$0.contains(" ") })
    #expect(named.count > 50)
    // Which functions stand in the file of which suite.
    var known: Set<String> = []
    for file in Self.files where !file.isShipped {
      let words = file.lines.map { $0.split { !($0.isLetter || $0.isNumber) }.map(String.init) }
      func names(after kind: String) -> [String] {
        words.compactMap { line in
          line.firstIndex(of: kind).flatMap { line.indices.contains($0 + 1) ? line[$0 + 1] : nil }
        }
      }
      for suite in names(after: "struct") + names(after: "class") where suite.hasSuffix("Tests") {
        for name in names(after: "func") { known.insert("\(suite).\(name)") }
      }
      guard file.path.hasSuffix("/HostileWorldTests.swift") else { continue }
      for line in file.lines where line.hasPrefix("  func ") {
        let name = line.dropFirst(7).prefix { $0.isLetter }
        #expect(named.contains("HostileWorldTests.\(name)"), "\(name)")
      }
    }
    #expect(named.subtracting(known).sorted() == [])
  }

  @Test("the top level holds what it should, and nothing else")
  func topLevel() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
      .filter { !$0.hasPrefix(".") && $0 != "Package.resolved" }.sorted()
    #expect(names == ["Package.swift", "README.md", "Sources", "Tests", "ledger", "tools"])
  }
}
