import Bytes

/// Where texts stand that the `data` of many types of event have in common, without a copy of any.
///
/// They are members of `data` itself, of any type of event, and texts; as they are spelled there, so with
/// their escapes.
package struct DataTexts: Sendable {
  package internal(set) var attempt: Range<Int>?
  package internal(set) var channel: Range<Int>?
  package internal(set) var outcome: Range<Int>?
  package internal(set) var user: Range<Int>?

  /// None.
  package init() {}

  /// Looks for them.
  ///
  /// - Parameter data: Where the object stands in a line that is canonical, as ``EnvelopeView`` says.
  package init(in line: RawSpan, _ data: Range<Int>) {
    var offset = data.lowerBound
    var depth = 0
    while offset < data.upperBound {
      switch line.byte(at: offset) {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "\""):
        let key = offset + 1..<Self.end(ofText: offset, in: line)
        offset = key.upperBound
        if depth == 1, line.byte(at: offset + 1) == UInt8(ascii: ":"),
          line.byte(at: offset + 2) == UInt8(ascii: "\"")
        {
          let value = offset + 3..<Self.end(ofText: offset + 2, in: line)
          take(value, of: key, in: line)
          offset = value.upperBound
        }
      default: break
      }
      offset += 1
    }
  }

  private mutating func take(_ value: Range<Int>, of key: Range<Int>, in line: RawSpan) {
    if line.holds("attempt", in: key) {
      attempt = value
    } else if line.holds("channel", in: key) {
      channel = value
    } else if line.holds("outcome", in: key) {
      outcome = value
    } else if line.holds("user_id", in: key) {
      user = value
    }
  }

  /// The place of the quote that closes the text whose first one stands at `start`.
  private static func end(ofText start: Int, in line: RawSpan) -> Int {
    var offset = start + 1
    while line.byte(at: offset) != UInt8(ascii: "\"") {
      offset += line.byte(at: offset) == UInt8(ascii: "\\") ? 2 : 1
    }
    return offset
  }
}
