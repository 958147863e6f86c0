import Bytes
import Dispatching
import Foundation
import Simulation
import Testing

@Suite("Mustache's core")
struct MustacheTests {
  struct File: Decodable {
    let vectors: [Vector]
    let refused: [Refused]
  }

  struct Vector: Decodable {
    let file: String
    let what: String
    let template: String
    let output: String
  }

  struct Refused: Decodable {
    let what: String
    let template: String
    let at: String
    let problem: String
  }

  /// The values of each vector, by the parser of this project: they are any JSON.
  private func values() throws -> [JSON] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "ledger/vectors/mustache.json").path()
    let content = try #require(FileManager.default.contents(atPath: path))
    let file = try JSON.document(Array(content))
    guard case .array(let vectors)? = file["vectors"] else { return [] }
    return vectors.compactMap { vector in
      if case .object(let object) = vector { object["values"] } else { nil }
    }
  }

  @Test("Every case of the vectors comes out as they say")
  func vectors() throws {
    let vectors = try VectorFile.load("mustache", as: File.self).vectors
    let values = try values()
    #expect(values.count == vectors.count)
    for (vector, values) in zip(vectors, values) {
      let output = try Mustache(parsing: vector.template)
        .render(values, escaping: .html, missing: .prints, limit: 1_000)
      #expect(
        String(decoding: output, as: UTF8.self) == vector.output, "\(vector.file): \(vector.what)")
    }
    let counts = Dictionary(grouping: vectors, by: \.file).mapValues(\.count)
    #expect(counts == ["comments": 12, "interpolation": 42, "sections": 34, "inverted": 22])
  }

  @Test("What is no template of the core is refused by name, with its line and column")
  func refusals() throws {
    for vector in try VectorFile.load("mustache", as: File.self).refused {
      do throws(MustacheError) {
        _ = try Mustache(parsing: vector.template)
        Issue.record("\(vector.what) was taken")
      } catch {
        #expect(error.position.description == vector.at, "\(vector.what)")
        #expect(word(error.problem) == vector.problem, "\(vector.what)")
      }
    }
  }

  private func word(_ problem: MustacheError.Problem) -> String {
    switch problem {
    case .notCore(.partial): "partial"
    case .notCore(.delimiters): "delimiters"
    case .notCore(.block): "block"
    case .notCore(.parent): "parent"
    case .unclosedTag: "unclosedTag"
    case .unclosedSection: "unclosedSection"
    case .wrongEnd: "wrongEnd"
    case .badName: "badName"
    case .tooDeep: "tooDeep"
    case .tooLarge, .noValue, .noText, .outputTooLong: "\(problem)"
    }
  }

  @Test("A template and its output have a size that they can't pass")
  func limits() throws {
    let largest = String(repeating: "x", count: Mustache.sizeLimit)
    _ = try Mustache(parsing: largest)
    #expect(throws: MustacheError.self) { _ = try Mustache(parsing: largest + "x") }
    let deep = String(repeating: "{{#a}}", count: 16) + String(repeating: "{{/a}}", count: 16)
    _ = try Mustache(parsing: deep)
    let twice = try Mustache(parsing: "{{a}}{{a}}")
    for (limit, fits) in [(4, true), (3, false)] {
      let output = try? twice.render(
        ["a": "xy"], escaping: .none, missing: .fails, limit: limit)
      #expect((output != nil) == fits)
    }
    // Lists within lists that print nothing end too: 50^16 rounds would not.
    let ones = JSON.array(Array(repeating: 1, count: 50))
    #expect(throws: MustacheError.self) {
      _ = try Mustache(parsing: deep).render(
        ["a": ones], escaping: .none, missing: .prints, limit: 10)
    }
  }

  @Test("Nothing that text channels carry is escaped")
  func plain() throws {
    let output = try Mustache(parsing: "{{x}}").render(
      ["x": "<&\">"], escaping: .none, missing: .fails, limit: 10)
    #expect(String(decoding: output, as: UTF8.self) == "<&\">")
  }

  @Test("Random bytes and random tags never stop the parser", arguments: 1...amount(20, long: 400))
  func fuzzed(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    let pieces = [
      "{{", "}}", "{{{", "}}}", "#a", "/a", "^a", "!", "a", ".", " ", "\n", "\r\n", "é", "&",
    ]
    for _ in 0..<300 {
      let text = (0..<Int.random(in: 0...14, using: &random))
        .map { _ in pieces[Int.random(in: pieces.indices, using: &random)] }.joined()
      guard let template = try? Mustache(parsing: text) else { continue }
      let output = try? template.render(
        ["a": [["a": 1], "x"]], escaping: .html, missing: .prints, limit: 200)
      #expect((output?.count ?? 0) <= 200, "seed \(seed): \(text)")
    }
  }
}
