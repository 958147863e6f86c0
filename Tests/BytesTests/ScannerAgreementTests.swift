import Bytes
import Simulation
import Testing

@Suite("The scanner and the general parser give the same answer")
struct ScannerAgreementTests {
  /// Compares the two on many lines, and counts the answers, so that no comparison is empty.
  private struct Comparison: ~Copyable {
    var scanner = CanonicalScanner()
    var accepted = 0
    var refused = 0

    mutating func compare(_ line: [UInt8], _ note: @autoclosure () -> String = "") {
      let answer = scanner.scan(line)
      let parsed = try? JSON(parsing: line)
      guard case .object(let object)? = parsed, JSON.object(object).canonicalBytes == line else {
        refused += 1
        if answer { Issue.record("accepted \(Hex.encode(line)) \(note())") }
        return
      }
      accepted += 1
      if !answer { Issue.record("refused \(Hex.encode(line)) \(note())") }
      if let member = object.members.first, member.key == "a", object.members.count == 1 {
        let value = unsafe scanner.read(line.span.bytes) { reader in Self.only(&reader) }
        if value != member.value { Issue.record("another value in \(Hex.encode(line)) \(note())") }
      }
    }

    /// The value of the only member, `a`, read by the step that is made for it.
    private static func only(_ reader: inout CanonicalReader) -> JSON? {
      guard reader.beginObject(), reader.takeKey("a") else { return nil }
      let start = reader.offset
      var value: JSON?
      if let text = reader.takeText() {
        value = .string(reader.string(text))
      } else if let number = reader.takeInteger() {
        value = .integer(number)
      } else if let bool = reader.takeBool() {
        value = .bool(bool)
      } else if reader.skipValue() {
        value = try? JSON(parsing: unsafe Array(reader.slice(start..<reader.offset)))
      }
      return reader.endObject() ? value : nil
    }
  }

  @Test("on every value of up to four characters from those that JSON is made of")
  func smallValues() {
    let characters = Array(#"{}[]",:\0-1u"#.utf8) + [0x0A, 0x61]
    var comparison = Comparison()
    for length in 0...4 {
      var places = [Int](repeating: 0, count: length)
      while true {
        comparison.compare(Array(#"{"a":"#.utf8) + places.map { characters[$0] } + [0x7D])
        // Counts up, the last place fastest.
        guard let place = places.lastIndex(where: { $0 < characters.count - 1 }) else { break }
        places[place] += 1
        for later in places.indices[(place + 1)...] { places[later] = 0 }
      }
    }
    #expect(comparison.accepted > 100)
    #expect(comparison.refused > 30_000)
  }

  @Test("on every two bytes in a string, and on all lead and continuation bytes at the borders")
  func encodedCharacters() {
    var comparison = Comparison()
    func compare(_ text: [UInt8]) {
      comparison.compare(Array(#"{"a":""#.utf8) + text + Array(#""}"#.utf8))
    }
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max { compare([first, second]) }
    }
    let leads: [UInt8] = [0x61, 0xC1, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5]
    let others: [UInt8] = [0x22, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xAF, 0xB7, 0xBE, 0xBF, 0xC0]
    for first in leads {
      for second in others {
        for third in others {
          compare([first, second, third])
          for fourth in others { compare([first, second, third, fourth]) }
        }
      }
    }
    #expect(comparison.accepted > 10_000)
    #expect(comparison.refused > 50_000)
  }

  @Test("on every character of Unicode, as it is and as a hexadecimal escape")
  func characters() {
    var comparison = Comparison()
    // Near the ends of each block of 256, where all of the borders are.
    for code in UInt32(0)...0x10FFFF
    where (0...1).contains(code & 0xFF) || code & 0xFF >= 0xFE || code < 0x300 {
      guard let scalar = Unicode.Scalar(code) else { continue }
      comparison.compare(
        Array(#"{"a":"x\#(Character(scalar))"}"#.utf8), "U+\(String(code, radix: 16))")
    }
    for code in 0...0x300 {
      let digits = Hex.encode([UInt8(code >> 8), UInt8(code & 0xFF)])
      comparison.compare(Array(#"{"a":"\u\#(digits)"}"#.utf8))
    }
    #expect(comparison.accepted > 16_000)
    #expect(comparison.refused > 700)
  }

  @Test("on every cut of a line, and on every other byte at every place of it")
  func everyByte() {
    let line = Array(
      (#"{"actor":"user:ops@host7","data":{"a":[1,-2,{"b":null}],"c":true,"é":"\n\"\\\u001f€😀"},"#
        + #""id":"42","source":"acme/dr","time":"2026-11-23T17:23:59Z"}"#).utf8)
    var comparison = Comparison()
    for place in line.indices {
      comparison.compare(Array(line[..<place]))
      for byte in UInt8.min...UInt8.max {
        var changed = line
        changed[place] = byte
        comparison.compare(changed)
      }
    }
    #expect(comparison.accepted > 5_000)
    #expect(comparison.refused > 20_000)
  }

  @Test(
    "on lines that were canonical before a hostile hand came",
    arguments: 1...amount(5 as UInt64, long: 200))
  func mutations(seed: UInt64) {
    var generator = LineGenerator(random: SeededRandom(seed: seed))
    var comparison = Comparison()
    for round in 0..<5_000 {
      let line = generator.canonicalLine()
      comparison.compare(line, "seed \(seed), round \(round)")
      for _ in 0..<9 { comparison.compare(generator.mutated(line), "seed \(seed), round \(round)") }
    }
    #expect(comparison.accepted > 5_000)
    #expect(comparison.refused > 30_000)
  }
}

/// Makes random lines that are canonical, and spoils them.
private struct LineGenerator {
  var random: SeededRandom

  private static let keys = [
    "", "a", "aa", "b", "data", "id", "é", "\u{E000}", "\u{10000}", "\n", "\"", "\\", "\u{1}", "zz",
  ]
  private static let texts = [
    "", "x", "dispatch/0192", "2026-11-23T17:23:59.123456Z", "é€😀", "\u{0}\t\"\\", "line\nline",
    "a text of more than sixteen bytes", "\u{FFFD}\u{D7FF}\u{E000}",
  ]
  private static let tokens =
    [
      "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", "-0", "1.5", "1e3", "9007199254740992",
      " ",
      "\n", "\t", "null", "true", "\\u0041", "\\u001f", "\\u000a", "\\ud800", "\\/", "\"a\":1,",
      ",\"a\":1",
      "[[[[[[[[[[[[[[[[", "é", "\u{0}", "{}", "[]", "\"\"",
    ].map { Array($0.utf8) } + [
      [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xEF, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
      [0xFF],
    ]

  mutating func canonicalLine() -> [UInt8] {
    JSON.object(object(depth: 1)).canonicalBytes
  }

  private mutating func object(depth: Int) -> JSONObject {
    var object = JSONObject()
    for _ in 0..<Int.random(in: 0...5, using: &random) {
      object[Self.keys.randomElement(using: &random) ?? ""] = value(depth: depth)
    }
    return object
  }

  private mutating func value(depth: Int) -> JSON {
    switch Int.random(in: 0...(depth < 5 ? 9 : 6), using: &random) {
    case 0: .null
    case 1: .bool(.random(using: &random))
    case 2: .integer(.random(in: -99...99, using: &random))
    case 3: .integer(.random(in: -JSON.greatestInteger...JSON.greatestInteger, using: &random))
    case 4...6: .string(Self.texts.randomElement(using: &random) ?? "")
    case 7: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth + 1) })
    default: .object(object(depth: depth + 1))
    }
  }

  /// One to three changes: a bit, a byte, a token put in, a piece cut out, doubled or moved.
  mutating func mutated(_ line: [UInt8]) -> [UInt8] {
    var line = line
    for _ in 0..<Int.random(in: 1...3, using: &random) where !line.isEmpty {
      let place = Int.random(in: line.indices, using: &random)
      let end = min(line.count, place + Int.random(in: 1...12, using: &random))
      switch Int.random(in: 0...6, using: &random) {
      case 0: line[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 1: line[place] = .random(in: 0...255, using: &random)
      case 2: line.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: place)
      case 3:
        line.replaceSubrange(
          place..<place + 1, with: Self.tokens.randomElement(using: &random) ?? [])
      case 4: line.removeSubrange(place..<end)
      case 5: line.insert(contentsOf: line[place..<end], at: place)
      default:
        let piece = line[place..<end]
        line.removeSubrange(place..<end)
        line.insert(contentsOf: piece, at: Int.random(in: 0...line.count, using: &random))
      }
    }
    return line
  }
}
