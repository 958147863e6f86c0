package import Bytes

/// Where the parts of an event's envelope stand in its line, without a copy of any of them.
///
/// What it takes, ``Envelope`` takes too but for two things: of `data` it is only known that it is
/// an object, and of the times that they are texts. It costs one pass over the line and allocates
/// nothing.
package struct EnvelopeView: Sendable {
  /// The texts between their quotes.
  package internal(set) var id = 0..<0
  package internal(set) var source = 0..<0
  package internal(set) var subject = 0..<0
  package internal(set) var time = 0..<0
  package internal(set) var type = 0..<0
  package internal(set) var clock: Range<Int>?
  /// As it stands there, so with its escapes.
  package internal(set) var idempotencyKey: Range<Int>?
  package var hasIdempotencyKey: Bool { idempotencyKey != nil }
  /// The whole object.
  package private(set) var data = 0..<0

  // What was looked at, and isn't asked for.
  private(set) var causation: Range<Int>?
  private(set) var decider: Range<Int>?
  private(set) var hash: Range<Int>?
  private(set) var version = 0..<0

  /// Reads the envelope of a canonical line; `nil` where a key isn't known, missing or of another
  /// form.
  ///
  /// - Parameter scanner: Any scanner; the same one serves for many lines.
  package init?(_ line: RawSpan, with scanner: inout CanonicalScanner) {
    self.init()
    guard scanner.read(line, { reader in read(&reader) }) ?? false else { return nil }
  }

  init(data: Range<Int> = 0..<0) { self.data = data }

  private mutating func read(_ reader: inout CanonicalReader) -> Bool {
    guard reader.beginObject() else { return false }
    if reader.takeKey("actor") { guard reader.takeText() != nil else { return false } }
    if reader.takeKey("causationid") {
      guard let id = Self.takeID(&reader) else { return false }
      causation = id
    }
    if reader.takeKey("clock") {
      guard let text = Self.takeName(&reader) else { return false }
      clock = text
    }
    if reader.takeKey("correlationid") { guard reader.takeText() != nil else { return false } }
    guard reader.takeKey("data"), reader.isNext("{") else { return false }
    let start = reader.offset
    guard reader.skipValue() else { return false }
    data = start..<reader.offset
    if reader.takeKey("decider") {
      let start = reader.offset
      guard let number = reader.takeInteger(), number >= 1 else { return false }
      decider = start..<reader.offset
    }
    guard reader.takeKey("id"), let id = Self.takeID(&reader) else { return false }
    self.id = id
    if reader.takeKey("idempotencyhash") {
      guard let hash = Self.takeName(&reader), unsafe Self.isHash(reader.slice(hash).bytes),
        reader.takeKey("idempotencykey"), let key = reader.takeText()
      else { return false }
      self.hash = hash
      idempotencyKey = key.range
    }
    return readNames(&reader) && reader.endObject()
  }

  private mutating func readNames(_ reader: inout CanonicalReader) -> Bool {
    guard reader.takeKey("source"), let source = Self.takeName(&reader),
      reader.takeKey("specversion"), let version = Self.takeName(&reader),
      unsafe reader.slice(version).bytes.holds("1.0", in: 0..<version.count),
      reader.takeKey("subject"), let subject = Self.takeName(&reader),
      reader.takeKey("time"), let time = Self.takeName(&reader),
      reader.takeKey("type"), let type = Self.takeName(&reader)
    else { return false }
    self.source = source
    self.version = version
    self.subject = subject
    self.time = time
    self.type = type
    return true
  }

  /// Whether a canonical integer is one that a decider may have.
  static func isDecider(_ number: RawSpan) -> Bool {
    number.byte(at: 0) != UInt8(ascii: "-") && number.byte(at: 0) != UInt8(ascii: "0")
  }

  /// Whether a text is that of an HMAC-SHA-256.
  static func isHash(_ text: RawSpan) -> Bool {
    guard text.byteCount == 64 else { return false }
    for index in 0..<64 where Hex.value(text.byte(at: index)) == nil { return false }
    return true
  }

  /// Steps over a text that no escape may spell.
  @inline(__always)
  private static func takeName(_ reader: inout CanonicalReader) -> Range<Int>? {
    guard let text = reader.takeText(), !text.hasEscapes else { return nil }
    return text.range
  }

  @inline(__always)
  private static func takeID(_ reader: inout CanonicalReader) -> Range<Int>? {
    guard let text = takeName(&reader), EventID(eventID: unsafe reader.slice(text).bytes) != nil
    else { return nil }
    return text
  }
}
