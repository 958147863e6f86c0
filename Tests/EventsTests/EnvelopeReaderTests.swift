import Bytes
import Events
import Foundation
import Simulation
import Testing

@Suite("The reader of envelopes")
struct EnvelopeReaderTests {
  /// All that is public of a view.
  private static func text(_ view: EnvelopeView?) -> String {
    guard let view else { return "none" }
    return "\(view.id) \(view.source) \(view.subject) \(view.time) \(view.type) \(view.data) "
      + "\(String(describing: view.clock)) \(view.hasIdempotencyKey)"
  }

  /// The events of the golden ledgers, and some that have what these haven't.
  private static func lines() throws -> [[UInt8]] {
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("ledger/golden")
    var lines: [[UInt8]] = []
    for story in try FileManager.default.contentsOfDirectory(atPath: golden.path).sorted() {
      let log = golden.appendingPathComponent("\(story)/ledger/log").path
      for name in (try? FileManager.default.contentsOfDirectory(atPath: log).sorted()) ?? [] {
        let text = try Data(contentsOf: URL(fileURLWithPath: "\(log)/\(name)"))
        lines += text.split(separator: UInt8(ascii: "\n")).map(Array.init)
          .filter { $0.first == UInt8(ascii: "{") }
      }
    }
    let plain = String(decoding: EnvelopeViewTests.line, as: UTF8.self)
      .replacing("\\n", with: "n").replacing("\\\"", with: "q")
    lines.append(EnvelopeViewTests.line)
    lines.append(Array(plain.utf8))
    lines.append(Array(plain.replacing("[1,", with: "[-12,0,true,[],{},null,").utf8))
    return lines
  }

  @Test("remembers shapes, and still says of every line what a reader without a memory says")
  func agreement() throws {
    let lines = try Self.lines()
    #expect(lines.count > 150)
    var reader = EnvelopeReader()
    var scanner = CanonicalScanner()
    var (taken, refused) = (0, 0)
    func compare(_ line: [UInt8]) {
      let expected = unsafe EnvelopeView(line.span.bytes, with: &scanner)
      let found = unsafe reader.read(line.span.bytes)
      if expected == nil { refused += 1 } else { taken += 1 }
      if Self.text(found) != Self.text(expected) {
        let line = String(decoding: line, as: UTF8.self)
        Issue.record("\(Self.text(found)) \(Self.text(expected)) \(line)")
      }
    }
    for line in lines + lines { compare(line) }
    let characters = Array(#"{}[]",:\0-19truenlx."#.utf8) + [0x0A, 0xC3, 0xA9]
    for seed in 0..<amount(300_000, long: 10_000_000) {
      var random = SeededRandom(seed: UInt64(seed))
      guard var line = lines.randomElement(using: &random) else { continue }
      for _ in 0..<Int.random(in: 1...2, using: &random) where line.count > 2 {
        let index = Int.random(in: line.indices, using: &random)
        let byte = characters.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<5, using: &random) {
        case 0: line[index] = byte
        case 1: line.remove(at: index)
        case 2: line.insert(byte, at: index)
        case 3:
          let end = min(line.count, index + Int.random(in: 1...40, using: &random))
          line.removeSubrange(index..<end)
        default:
          // A part again, so that keys stand twice and numbers grow.
          let end = min(line.count, index + Int.random(in: 1...40, using: &random))
          line.insert(contentsOf: line[index..<end], at: end)
        }
      }
      compare(line)
    }
    #expect(taken > 20_000)
    #expect(refused > 20_000)
  }
}
