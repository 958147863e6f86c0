package import Bytes

/// Where the parts of an event's envelope stand in its line, without a copy of any of them.
///
/// What it takes, ``Envelope`` takes too but for one thing: `data` is only known to be an object,
/// and what is in it isn't looked at. It costs a scan of the line and allocates nothing.
package struct EnvelopeView: Sendable {
  /// The texts between their quotes.
  package private(set) var id: Range<Int>
  package private(set) var source: Range<Int>
  package private(set) var subject: Range<Int>
  package private(set) var time: Range<Int>
  package private(set) var type: Range<Int>
  package private(set) var clock: Range<Int>?
  package private(set) var hasIdempotencyKey: Bool
  /// The whole object.
  package private(set) var data: Range<Int>

  private static let none = 0..<0

  /// Reads the envelope of a canonical line; `nil` where a key isn't known, missing or of another
  /// form.
  ///
  /// - Parameter scanner: Any scanner; the same one serves for many lines.
  package init?(_ line: RawSpan, with scanner: inout CanonicalScanner) {
    guard scanner.scan(line) else { return nil }
    id = Self.none
    source = Self.none
    subject = Self.none
    time = Self.none
    type = Self.none
    data = Self.none
    hasIdempotencyKey = false
    var seen = 0
    var hasHash = false
    for member in scanner.members {
      guard !member.hasEscapes || member.kind != .string || Self.mayHaveEscapes(line, member.key)
      else { return nil }
      let text =
        member.value.lowerBound + 1..<max(member.value.lowerBound + 1, member.value.upperBound - 1)
      switch (Self.key(line, member.key), member.kind) {
      case (.actor, .string), (.correlationID, .string): break
      case (.causationID, .string): guard Self.isPosition(line, text) else { return nil }
      case (.clock, .string): clock = text
      case (.data, .object):
        data = member.value
        seen += 1
      case (.decider, .integer):
        // Never negative, never zero.
        guard line.byte(at: member.value.lowerBound) > UInt8(ascii: "0") else { return nil }
      case (.id, .string):
        id = text
        seen += 1
      case (.idempotencyHash, .string):
        guard text.count == 64, Self.isHex(line, text) else { return nil }
        hasHash = true
      case (.idempotencyKey, .string): hasIdempotencyKey = true
      case (.source, .string):
        source = text
        seen += 1
      case (.specVersion, .string):
        guard line.holds("1.0", in: text) else { return nil }
        seen += 1
      case (.subject, .string):
        subject = text
        seen += 1
      case (.time, .string):
        time = text
        seen += 1
      case (.type, .string):
        type = text
        seen += 1
      default: return nil
      }
    }
    // All that must be there is: keys stand once in a canonical object.
    guard seen == 7, hasHash == hasIdempotencyKey, Self.isPosition(line, id) else { return nil }
  }

  private enum Key {
    case actor, causationID, clock, correlationID, data, decider, id, idempotencyHash
    case idempotencyKey, source, specVersion, subject, time, type
  }

  private static func key(_ line: RawSpan, _ range: Range<Int>) -> Key? {
    switch (range.count, line.byte(at: range.lowerBound)) {
    case (5, UInt8(ascii: "a")) where line.holds("actor", in: range): .actor
    case (11, UInt8(ascii: "c")) where line.holds("causationid", in: range): .causationID
    case (5, UInt8(ascii: "c")) where line.holds("clock", in: range): .clock
    case (13, UInt8(ascii: "c")) where line.holds("correlationid", in: range): .correlationID
    case (4, UInt8(ascii: "d")) where line.holds("data", in: range): .data
    case (7, UInt8(ascii: "d")) where line.holds("decider", in: range): .decider
    case (2, UInt8(ascii: "i")) where line.holds("id", in: range): .id
    case (15, UInt8(ascii: "i")) where line.holds("idempotencyhash", in: range): .idempotencyHash
    case (14, UInt8(ascii: "i")) where line.holds("idempotencykey", in: range): .idempotencyKey
    case (6, UInt8(ascii: "s")) where line.holds("source", in: range): .source
    case (11, UInt8(ascii: "s")) where line.holds("specversion", in: range): .specVersion
    case (7, UInt8(ascii: "s")) where line.holds("subject", in: range): .subject
    case (4, UInt8(ascii: "t")) where line.holds("time", in: range): .time
    case (4, UInt8(ascii: "t")) where line.holds("type", in: range): .type
    default: nil
    }
  }

  /// Whether the member's value is free text, where an escape is as good as any other character.
  private static func mayHaveEscapes(_ line: RawSpan, _ range: Range<Int>) -> Bool {
    switch key(line, range) {
    case .actor, .correlationID, .idempotencyKey: true
    default: false
    }
  }

  private static func isPosition(_ line: RawSpan, _ range: Range<Int>) -> Bool {
    guard (1...16).contains(range.count),
      range.count == 1 || line.byte(at: range.lowerBound) != UInt8(ascii: "0")
    else { return false }
    return range.allSatisfy { decimalValue(line.byte(at: $0)) != nil }
  }

  private static func isHex(_ line: RawSpan, _ range: Range<Int>) -> Bool {
    range.allSatisfy { Hex.value(line.byte(at: $0)) != nil }
  }
}
