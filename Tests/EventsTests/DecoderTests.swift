import Bytes
import Events
import Simulation
import Testing

/// The way straight from a line to an event, against the way over the general parser.
@Suite("The decoder of events")
struct DecoderTests {
  /// What became of a line.
  private enum Outcome: Equatable {
    case event(Event)
    case refused(EventError)

    init(_ event: () throws(EventError) -> Event) {
      do { self = .event(try event()) } catch { self = .refused(error) }
    }
  }

  private let decoder = EventDecoder()

  /// Compares the ways, and gives what they came to.
  private func outcome(of line: [UInt8], _ note: @autoclosure () -> String) -> Outcome {
    let straight = Outcome { () throws(EventError) in try decoder.event(of: line) }
    let general = Outcome { () throws(EventError) in
      guard line.count <= Event.lineLimit else { throw .tooLong(bytes: line.count) }
      return try Envelope(decoding: line).event()
    }
    let text = String(decoding: line, as: UTF8.self)
    #expect(straight == general, "\(note()): \(text)")
    #expect(straight == Outcome { () throws(EventError) in try Event(decoding: line) })
    let json = try? JSON(parsing: line)
    let isCanonical = json?.canonicalBytes == line
    switch straight {
    case .event(let event): #expect(isCanonical && event.encodeLine() == line, "\(note()): \(text)")
    case .refused(.notJSON): #expect(json == nil, "\(note()): \(text)")
    case .refused(.notCanonical): #expect(json != nil && !isCanonical, "\(note()): \(text)")
    case .refused: #expect(isCanonical, "\(note()): \(text)")
    }
    return straight
  }

  @Test("gives every example's event, by whichever way, one after the other")
  func examples() throws {
    for _ in 0..<2 {
      for section in try EventsDocument().types {
        let line = try #require(section.example)
        guard case .event = outcome(of: line, section.title) else {
          Issue.record("\(section.title) is refused")
          continue
        }
      }
    }
  }

  @Test("gives the same event or the same refusal as the general way, on every cut of each example")
  func cuts() throws {
    for section in try EventsDocument().types {
      let line = try #require(section.example)
      for length in stride(from: 0, to: line.count, by: 3) {
        guard case .refused(.notJSON) = outcome(of: Array(line[..<length]), section.title) else {
          Issue.record("\(section.title), cut to \(length) bytes, isn't refused")
          continue
        }
      }
    }
  }

  @Test(
    "and on 20,000 examples that a hostile hand changed", arguments: [1, 2, 3, 4])
  func mutations(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let lines = try EventsDocument().types.map { try #require($0.example) }
    var accepted = 0
    var refused: Set<String> = []
    for round in 0..<5_000 {
      let one = lines.randomElement(using: &random) ?? []
      let other = lines.randomElement(using: &random) ?? []
      let line = Self.mutated(one, with: other, using: &random)
      switch outcome(of: line, "seed \(seed), round \(round)") {
      case .event: accepted += 1
      case .refused(let error): refused.insert(String("\(error)".prefix { $0 != "(" }))
      }
    }
    #expect(accepted > 300)
    #expect(
      refused.isSuperset(of: [
        "badValue", "missingField", "notCanonical", "notJSON", "unknownField", "wrongSubject",
        "unknownType",
      ]))
  }

  @Test("and on every field of each example with a value of another kind")
  func otherKinds() throws {
    var refused = 0
    for section in try EventsDocument().types {
      let json = try JSON(parsing: #require(section.example))
      guard case .object(let envelope) = json, case .object(let data)? = envelope["data"] else {
        Issue.record("\(section.title) has no data")
        continue
      }
      for member in data.members {
        let path: [Step] = [.key("data"), .key(member.key)]
        for other: JSON in [.null, 7, "seven", .bool(true), [[]], .object(JSONObject())] {
          let line = json.replacing(path, with: other).canonicalBytes
          if case .refused(.wrongKind) = outcome(of: line, "\(section.title), \(member.key)") {
            refused += 1
          }
        }
      }
    }
    #expect(refused > 500)
  }

  private static let tokens = [
    "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-1", "1.5", "null", "true", "{}", "[]", "\"\"",
    "\\n", "\\u0041", "é", "\u{0}", " ", "9007199254740992", "\"a\":1,", ",\"zz\":1", "_", "v2",
  ].map { Array($0.utf8) }

  /// A line with a byte changed, a token put in or in place of something, a piece cut out, doubled
  /// or taken from another line, or a whole member left out.
  private static func mutated(
    _ line: [UInt8], with other: [UInt8], using random: inout SeededRandom
  ) -> [UInt8] {
    var line = line
    let place = Int.random(in: line.indices, using: &random)
    let end = min(line.count, place + Int.random(in: 1...20, using: &random))
    let token = tokens.randomElement(using: &random) ?? []
    switch Int.random(in: 0...8, using: &random) {
    case 0: line[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
    case 1: line[place] = .random(in: 0x20...0x7E, using: &random)
    case 2: line.insert(contentsOf: token, at: place)
    case 3: line.replaceSubrange(place..<place + 1, with: token)
    case 4: line.removeSubrange(place..<end)
    case 5: line.insert(contentsOf: line[place..<end], at: place)
    case 6:
      let start = min(place, other.count - 1)
      line.replaceSubrange(place..<end, with: other[start..<min(other.count, start + end - place)])
    default:
      // From one comma to the next: mostly a member or an element.
      let comma = UInt8(ascii: ",")
      guard let first = line[place...].firstIndex(of: comma),
        let second = line[(first + 1)...].firstIndex(of: comma)
      else { break }
      let piece = line[first..<second]
      if Bool.random(using: &random) {
        line.removeSubrange(first..<second)
      } else if let start = other.firstIndex(of: comma),
        let stop = other[(start + 1)...].firstIndex(of: comma)
      {
        line.replaceSubrange(first..<second, with: other[start..<stop])
      } else {
        line.insert(contentsOf: piece, at: first)
      }
    }
    return line
  }

  @Test("tells times and other forms of a text apart that fill the same room of its pool")
  func pool() throws {
    let document = try EventsDocument()
    let line = try #require(document.section("user.enrolled.v1").example)
    let json = try JSON(parsing: line)
    let ids = [
      "a", "b", "aa", "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
      "0192f3c4-5d6e-7f80-9a1b-2c3d4e5f6072",
    ]
    for id in ids {
      for _ in 0..<2 {
        let changed = json.replacing([.key("data"), .key("user_id")], with: .string(id))
          .replacing([.key("subject")], with: .string("user/\(id)")).canonicalBytes
        guard case .event(let event) = outcome(of: changed, id),
          case .userEnrolled(let enrolled) = event.payload
        else {
          Issue.record("\(id) is refused")
          continue
        }
        #expect(enrolled.userID.text == id)
      }
    }
  }
}
