import Bytes
import Events
import Simulation
import Testing

@Suite("The view of an envelope")
struct EnvelopeViewTests {
  static let line = Array(
    (#"{"actor":"user:ops@host7","causationid":"7","clock":"2026-11-23T17:23:58.000000Z","#
      + #""correlationid":"d\n1","data":{"a":[1,{"id":"x"}]},"decider":1,"id":"42","#
      + #""idempotencyhash":"\#(String(repeating: "0a", count: 32))","idempotencykey":"k\"","#
      + #""source":"acme/dr","specversion":"1.0","subject":"signal/x","#
      + #""time":"2026-11-23T17:23:59.123456Z","type":"signal.observed.v1"}"#).utf8)

  private func view(_ line: [UInt8]) -> EnvelopeView? {
    var scanner = CanonicalScanner()
    return unsafe EnvelopeView(line.span.bytes, with: &scanner)
  }

  @Test("finds each part where it stands")
  func parts() throws {
    let view = try #require(self.view(Self.line))
    func text(_ range: Range<Int>) -> String { String(decoding: Self.line[range], as: UTF8.self) }
    #expect(text(view.id) == "42")
    #expect(text(view.source) == "acme/dr")
    #expect(text(view.subject) == "signal/x")
    #expect(text(view.time) == "2026-11-23T17:23:59.123456Z")
    #expect(text(view.type) == "signal.observed.v1")
    #expect(view.clock.map(text) == "2026-11-23T17:23:58.000000Z")
    #expect(text(view.data) == #"{"a":[1,{"id":"x"}]}"#)
    #expect(view.hasIdempotencyKey)
  }

  @Test("takes nothing that the envelope's decoder refuses, over many seeded mutations")
  func agreement() {
    var taken = 0
    for seed in 0..<amount(200_000, long: 10_000_000) {
      var random = SeededRandom(seed: UInt64(seed))
      var line = Self.line
      let index = Int.random(in: line.indices, using: &random)
      switch seed % 4 {
      case 0: line[index] = UInt8.random(in: 0x20..<0x7F, using: &random)
      case 1: line.remove(at: index)
      case 2: line.insert(UInt8.random(in: 0x20..<0x7F, using: &random), at: index)
      default:
        let end = min(line.count, index + Int.random(in: 1...60, using: &random))
        line.removeSubrange(index..<end)
      }
      guard view(line) != nil else { continue }
      taken += 1
      if (try? Envelope(decoding: line)) == nil {
        // Times are the caller's to check: it compares them with the commit's.
        let text = String(decoding: line, as: UTF8.self)
        #expect(
          text.contains("\"clock\":") || text.contains("\"time\":"),
          "seed \(seed): \(text)")
      }
    }
    #expect(taken > 1_000)
  }

  @Test("refuses a key that is missing, unknown or of another kind")
  func refusals() {
    let text = String(decoding: Self.line, as: UTF8.self)
    for (from, to) in [
      (#""id":"42","#, ""), (#""id":"42""#, #""id":42"#), (#""id":"42""#, #""id":"042""#),
      (#""decider":1"#, #""decider":0"#), (#""decider":1"#, #""decider":-1"#),
      (#""specversion":"1.0""#, #""specversion":"1.1""#), (#""decider":1"#, #""decides":1"#),
      (#""idempotencykey":"k\"","#, ""), (#""data":{"#, #""data":1,"dbta":{"#),
    ] {
      var parts = text.split(separator: from, omittingEmptySubsequences: false)
      #expect(parts.count == 2, "\(from)")
      parts.insert(Substring(to), at: 1)
      #expect(view(Array(parts.joined().utf8)) == nil, "\(from) -> \(to)")
    }
  }
}
