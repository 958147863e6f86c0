import Bytes

/// Makes typed events of a log's lines, one after the other.
///
/// It keeps what the lines share: room for the marks of a line, and the short texts of earlier
/// events, which later ones then hold too. So keep one for many lines.
package final class EventDecoder {
  private var scanner = CanonicalScanner()
  private let texts: TextPool?
  private let upcasters: Upcasters

  /// - Parameter keepingTexts: False for a single line, which has little use for a pool.
  package init(upcasters: Upcasters = .shipped, keepingTexts: Bool = true) {
    self.upcasters = upcasters
    texts = keepingTexts ? TextPool() : nil
  }

  /// Reads a line of the log, without its newline, as ``Event/init(decoding:upcasters:)`` does.
  package func event(of line: [UInt8]) throws(EventError) -> Event {
    unsafe try event(of: line.span.bytes)
  }

  /// Reads a line that stands among others.
  package func event(of line: RawSpan) throws(EventError) -> Event {
    guard line.byteCount <= Event.lineLimit else { throw .tooLong(bytes: line.byteCount) }
    do {
      let event = try scanner.read(line) { line throws(EventError) in
        try ObjectReader.read(&line, texts: texts?.known) { reader throws(EventError) in
          try Event(from: &reader)
        }
      }
      if let event { return event }
    } catch {}
    // An older version of a type, or not an event: this says which.
    let bytes = unsafe line.withUnsafeBytes { unsafe Array($0) }
    return try Envelope(decoding: bytes).event(upcasters: upcasters)
  }
}

extension Event {
  /// Reads the event that stands next, of a type in its current version; what it throws for others
  /// isn't meant for anybody.
  fileprivate init(from reader: inout ObjectReader) throws(EventError) {
    // The type stands behind the data that it says how to read.
    let name = reader.line.lastText
    guard let type = unsafe EventType(reader.line.slice(name).bytes) else {
      throw .badValue(.oneOf([]))
    }
    var payload: EventPayload?
    var subject = Subject.ledger
    let fields = try EnvelopeFields(from: &reader) { reader throws(EventError) in
      payload = try EventPayload(type, from: &reader, subject: &subject)
    }
    guard let payload = payload.take(), fields.type.range == name, fields.type.isPlain,
      fields.subject.isPlain,
      unsafe subject.isSpelled(by: reader.line.slice(fields.subject.range).bytes)
    else { throw .badValue(.subject) }
    self.init(
      id: fields.id, time: fields.time, source: fields.source, actor: fields.actor,
      clock: fields.clock, causation: fields.causation, correlation: fields.correlation,
      decider: fields.decider, idempotencyKey: fields.idempotencyKey,
      idempotencyHash: fields.idempotencyHash, payload: payload)
  }
}
