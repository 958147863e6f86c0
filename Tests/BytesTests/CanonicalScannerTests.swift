import Bytes
import Simulation
import Testing

/// The scanner must answer as the general parser and the writer do together, on every input.
@Suite("The canonical scanner")
struct CanonicalScannerTests {
  static let event =
    Array(
      #"{"actor":"user:ops@host7","data":{"a":[1,-2,{"b":null}],"c":true,"é":"\n\"\\\u001f€😀"},"#
        .utf8
    )
    + Array(
      #""id":"42","source":"acme/dr","specversion":"1.0","time":"2026-11-23T17:23:59Z"}"#.utf8)

  /// U+FFFE, U+FDD0 and U+1FFFF in UTF-8, which no literal may hold.
  static let noncharacters: [[UInt8]] = [
    [0xEF, 0xBF, 0xBE], [0xEF, 0xB7, 0x90], [0xF0, 0x9F, 0xBF, 0xBF],
  ]

  /// The definition: an object that parses with the default limits, and is written back the same.
  private func isCanonicalObject(_ bytes: [UInt8]) -> Bool {
    guard let json = try? JSON(parsing: bytes), case .object = json else { return false }
    return json.canonicalBytes == bytes
  }

  private func scans(_ bytes: [UInt8], with scanner: inout CanonicalScanner) -> Bool {
    unsafe scanner.scan(bytes.span.bytes)
  }

  private func expectAgreement(
    _ bytes: [UInt8], _ scanner: inout CanonicalScanner, _ what: @autoclosure () -> String
  ) {
    let expected = isCanonicalObject(bytes)
    let found = scans(bytes, with: &scanner)
    if found != expected {
      Issue.record(
        "\(what()): the scanner says \(found): \(String(decoding: bytes, as: UTF8.self))")
    }
  }

  @Test("agrees with the parser on every truncation and every other byte of a line")
  func everyByte() {
    var scanner = CanonicalScanner()
    #expect(scans(Self.event, with: &scanner))
    for index in Self.event.indices {
      expectAgreement(Array(Self.event[..<index]), &scanner, "cut to \(index)")
      for byte in UInt8.min...UInt8.max {
        var changed = Self.event
        changed[index] = byte
        expectAgreement(changed, &scanner, "byte \(index) is \(byte)")
      }
    }
  }

  @Test("agrees with the parser on seeded mutations: cut, doubled, swapped and foreign pieces")
  func mutations() {
    let pieces: [[UInt8]] =
      [
        "\\u0000", "\\ud800", "\\ud83d\\ude00", "\\/", "\\u001F", "\"\":0,", "{}",
        "[]", "-0", "01", "1.5", "1e3", "9007199254740991", "9007199254740992", " ", "\n", ",", ":",
        "\"a\":1", "\u{E000}", "\u{10000}", "\\t", "\\u0009", "null", "true", "{\"a\":1,\"a\":1}",
      ].map { Array($0.utf8) } + Self.noncharacters
    for seed in 0..<200_000 {
      var random = SeededRandom(seed: UInt64(seed))
      var line = Self.event
      for _ in 0...Int.random(in: 0...2, using: &random) {
        let start = Int.random(in: 0...line.count, using: &random)
        let end = min(line.count, start + Int.random(in: 0...4, using: &random))
        switch Int.random(in: 0...3, using: &random) {
        case 0: line.removeSubrange(start..<end)
        case 1: line.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: start)
        case 2: line.replaceSubrange(start..<end, with: pieces.randomElement(using: &random) ?? [])
        default: line.insert(contentsOf: line[start..<end], at: start)
        }
      }
      var scanner = CanonicalScanner()
      expectAgreement(line, &scanner, "seed \(seed)")
    }
  }

  @Test(
    "agrees with the parser at its limits and on hostile lines",
    arguments: [
      "{}", "[]", "1", "", "{", "}", "{}{}", " {}", "{} ", "{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}",
      "{\"a\":1,\"a\":2}", "{\"\u{E000}\":1,\"\u{10000}\":2}", "{\"\u{10000}\":1,\"\u{E000}\":2}",
      "{\"a\":-1}", "{\"a\":-0}", "{\"a\":00}", "{\"a\":-}", "{\"a\":9007199254740991}",
      "{\"a\":-9007199254740991}", "{\"a\":9007199254740992}", "{\"a\":99999999999999999999}",
      "{\"a\":1.0}", "{\"a\":1E2}", "{\"a\":tru}", "{\"a\":nulll}", "{\"a\":[1,]}", "{\"a\":[,1]}",
      "{\"a\":{\"x\":1,\"x\":2}}", "{\"\\n\":1}", "{\"\\u000a\":1}", "{\"\u{7F}\":1}", "{\"\":1}",
      "{\"a\\u0000\":1,\"a\":2}", "{\"a\":1,\"a\\u0000\":2}",
      "{\"a\":\"\\u007f\"}", "{\"\\\"\":1,\"#\":2}", "{\"#\":1,\"\\\"\":2}",
    ])
  func hostile(text: String) {
    var scanner = CanonicalScanner()
    expectAgreement(Array(text.utf8), &scanner, "hostile")
  }

  @Test("agrees with the parser on depth 16 and 17, and on strings of 16,384 and 16,385 bytes")
  func limits() {
    var scanner = CanonicalScanner()
    for depth in [14, 15, 16, 17] {
      for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
        let inner = String(repeating: open, count: depth - 1) + "1"
        let text = "{\"a\":" + inner + String(repeating: close, count: depth - 1) + "}"
        #expect(scans(Array(text.utf8), with: &scanner) == (depth <= 16), "depth \(depth)")
        expectAgreement(Array(text.utf8), &scanner, "depth \(depth)")
      }
    }
    for unit in ["x", "é", "😀", "\\n", "\\u0001"] {
      let unitBytes = unit.hasPrefix("\\") ? 1 : unit.utf8.count
      for extra in [0, 1] {
        let string = String(repeating: unit, count: 16_384 / unitBytes + extra)
        for text in ["{\"a\":\"\(string)\"}", "{\"\(string)\":1}"] {
          #expect(scans(Array(text.utf8), with: &scanner) == (extra == 0), "\(unit) and \(extra)")
          expectAgreement(Array(text.utf8), &scanner, "string of \(unit)")
        }
      }
    }
  }

  @Test("reports the members of the outermost object, in order, with their values' bytes")
  func members() {
    var scanner = CanonicalScanner()
    #expect(scans(Self.event, with: &scanner))
    let keys = scanner.members.map { String(decoding: Self.event[$0.key], as: UTF8.self) }
    #expect(
      keys.map { $0.filter { $0 != "\"" } }
        == ["actor", "data", "id", "source", "specversion", "time"])
    let id = String(decoding: Self.event[scanner.members[2].value], as: UTF8.self)
    #expect(id.filter { $0 != "\"" } == "42")
  }
}
