import Bytes
import Events
import Simulation
import Testing

/// `ledger/EVENTS.md` against the code: its examples, and each of them broken in each field.
struct ExampleTests {
  let document: EventsDocument

  init() throws { document = try EventsDocument() }

  @Test("Every type's example in the document decodes, and encodes to the same bytes")
  func examples() throws {
    #expect(document.types.map(\.title) == EventType.allCases.map(\.rawValue))
    for section in document.types {
      let line = try #require(section.example)
      let event = try Event(decoding: line)
      #expect(event.type.rawValue == section.title)
      #expect(
        String(decoding: event.encodeLine(), as: UTF8.self) == String(decoding: line, as: UTF8.self)
      )
    }
  }

  @Test(
    "An example shows every field of its type, but for the other of two that exclude each other")
  func completeExamples() throws {
    var absent: [String] = []
    for section in document.types {
      let json = try JSON(parsing: try #require(section.example))
      for field in section.fields where json[[.key("data"), .key(field.name)]] == nil {
        absent.append("\(section.title) \(field.name)")
      }
    }
    #expect(
      absent == [
        "rule.published.v1 at", "rule.published.v1 dispatch_id",
        "dispatch.scheduled.v1 execute_if",
      ])
  }

  @Test("An example without its optional fields decodes, and encodes to the same bytes")
  func minimalExamples() throws {
    for section in document.types {
      var json = try JSON(parsing: try #require(section.example))
      for field in try document.exampleFields()
      where field.type == section.title && field.required == "no" {
        json = json.replacing(field.steps, with: nil)
      }
      let line = json.canonicalBytes
      let event = try Event(decoding: line)
      #expect(event.encodeLine() == line, "\(section.title)")
    }
  }

  @Test("A missing field is refused by its path, unless it is optional")
  func missingFields() throws {
    let fields = try document.exampleFields()
    #expect(fields.count > 700)
    for field in fields {
      let json = try JSON(parsing: field.line).replacing(field.steps, with: nil)
      let refusal = refusal(of: json)
      switch field.required {
      case "yes": #expect(refusal == .missingField(path: field.path), "\(field.testDescription)")
      case "no": #expect(refusal == nil, "\(field.testDescription)")
      default: #expect(refusal != nil, "\(field.testDescription)")
      }
    }
  }

  @Test("A field of another kind, or null, is refused by its path")
  func wrongKinds() throws {
    let others: [(EventError.Kind?, JSON)] = [
      (.object, [:]), (.array, []), (.string, "x"), (.integer, 1), (.boolean, true), (nil, .null),
    ]
    for field in try document.exampleFields() {
      let expected = try document.jsonKind(of: field.kind)
      for (kind, other) in others where kind != expected {
        let json = try JSON(parsing: field.line).replacing(field.steps, with: other)
        #expect(
          refusal(of: json) == .wrongKind(path: field.path, expected: expected),
          "\(field.testDescription) as \(other)")
      }
    }
  }

  @Test("An entry of a list that is of another kind is refused by its index")
  func wrongEntries() throws {
    for field in try document.exampleFields() {
      guard case .array(let elements)? = try JSON(parsing: field.line)[field.steps] else {
        continue
      }
      for index in elements.indices {
        let steps = field.steps + [.index(index)]
        let refusal = refusal(of: try JSON(parsing: field.line).replacing(steps, with: .null))
        guard case .wrongKind(let path, _)? = refusal else {
          Issue.record("\(field.testDescription): \(String(describing: refusal))")
          continue
        }
        #expect(path == steps.path)
      }
    }
  }

  @Test("A value that isn't of its kind's form is refused by its path")
  func badValues() throws {
    let free: Set = ["text", "object", "boolean", "integer"]
    // A negative part of a sum first breaks the sum; RecordTests has their own refusals.
    let parts: Set = ["data.totals.recipients", "data.totals.exclusions"]
    for field in try document.exampleFields() {
      let kind = try document.jsonKind(of: field.kind)
      guard !free.contains(field.kind), kind != .array, kind != .object,
        !parts.contains(field.path)
      else { continue }
      let bad: [JSON] = kind == .integer ? [-1] : ["", "é", "a b"]
      for value in bad {
        let json = try JSON(parsing: field.line).replacing(field.steps, with: value)
        guard case .badValue(let path, _)? = refusal(of: json) else {
          Issue.record("\(field.testDescription) may be \(value)")
          continue
        }
        #expect(path == field.path)
      }
    }
  }

  @Test("A set out of order, or with an entry twice, is refused by its path")
  func sets() throws {
    for field in try document.exampleFields() where field.kind.hasPrefix("set of") {
      let json = try JSON(parsing: field.line)
      guard case .array(let elements)? = json[field.steps], let first = elements.first else {
        continue
      }
      let expected = EventError.badValue(path: field.path, expected: .ascending)
      #expect(elements.count >= 2, "the example of \(field.testDescription) can't be out of order")
      for wrong in [elements.reversed(), [first] + elements] {
        #expect(refusal(of: json.replacing(field.steps, with: .array(wrong))) == expected)
      }
    }
  }

  @Test("A field that nobody knows is refused by its path, wherever it stands")
  func unknownFields() throws {
    let fields = try document.exampleFields()
    var objects = Set(fields.map { [$0.type] + [$0.steps.dropLast().path] })
    #expect(objects.count > document.types.count * 2)
    for field in fields {
      let holder = Array(field.steps.dropLast())
      guard objects.remove([field.type, holder.path]) != nil else { continue }
      for key in ["A", "dz", "zz"] {
        let steps = holder + [.key(key)]
        let json = try JSON(parsing: field.line).replacing(steps, with: 1)
        #expect(refusal(of: json) == .unknownField(path: steps.path), "\(field.type)")
      }
    }
  }

  @Test("A subject that isn't the data's own is refused")
  func wrongSubjects() throws {
    for section in document.types {
      let json = try JSON(parsing: try #require(section.example))
      guard case .string(let subject)? = json[[.key("subject")]] else {
        Issue.record("\(section.title) has no subject")
        continue
      }
      for other in ["ledger", "dispatch/other", "", "dispatch"] where other != subject {
        #expect(
          refusal(of: json.replacing([.key("subject")], with: .string(other)))
            == .wrongSubject(found: other, expected: subject))
      }
    }
  }

  @Test("Whatever a changed byte makes of a line, it is refused or encodes to the same bytes")
  func changedBytes() throws {
    let lines = try document.types.map { try #require($0.example) }
    let seed: UInt64 = 0x6576_656E_7473
    var random = SeededRandom(seed: seed)
    var accepted = 0
    for _ in 0..<6_000 {
      var line = lines.randomElement(using: &random) ?? []
      let index = Int.random(in: line.indices, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: line[index] = UInt8.random(in: 0...255, using: &random)
      case 1: line[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: line.remove(at: index)
      default: line.insert(line[index], at: index)
      }
      guard let event = try? Event(decoding: line) else { continue }
      accepted += 1
      #expect(
        event.encodeLine() == line, "seed \(seed): \(String(decoding: line, as: UTF8.self))")
    }
    #expect(accepted > 500)
  }
}
