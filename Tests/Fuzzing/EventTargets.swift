import Bytes
import Events

/// Lines of the log, and the JSON that they are made of.
enum EventTargets {
  static let all = [
    FuzzTarget("json", limit: 66_000) { json($0) },
    FuzzTarget("events", limit: 66_000) { bytes in
      let decoder = EventDecoder()
      for line in bytes.split(separator: 0x0A, maxSplits: 8) { event(Array(line), by: decoder) }
    },
  ]

  private static func json(_ bytes: [UInt8]) {
    var scanner = CanonicalScanner()
    let isScanned = unsafe scanner.scan(bytes.span.bytes)
    guard let json = try? JSON(parsing: bytes) else {
      promise(!isScanned, "the scanner takes what the parser refuses")
      return
    }
    let canonical = json.canonicalBytes
    var isObject = false
    if case .object = json { isObject = true }
    promise(isScanned == (isObject && canonical == bytes), "scanner and parser differ")
    guard let again = try? JSON(parsing: canonical) else {
      fatalError("broken: a canonical text can't be parsed")
    }
    promise(again == json && again.canonicalBytes == canonical, "canonical twice isn't once")
    var limits = JSONLimits()
    limits.takesOtherNumbersAsText = true
    promise((try? JSON(parsing: bytes, limits: limits)) == json, "a wider parser differs")
  }

  /// What became of a line.
  private enum Outcome: Equatable {
    case event(Event)
    case refused(EventError)

    init(_ event: () throws(EventError) -> Event) {
      do { self = .event(try event()) } catch { self = .refused(error) }
    }
  }

  /// The way straight from a line to an event against the way over the general parser.
  private static func event(_ line: [UInt8], by decoder: EventDecoder) {
    let straight = Outcome { () throws(EventError) in try decoder.event(of: line) }
    let general = Outcome { () throws(EventError) in
      guard line.count <= Event.lineLimit else { throw .tooLong(bytes: line.count) }
      return try Envelope(decoding: line).event()
    }
    promise(straight == general, "\(straight) straight, \(general) over the parser")
    let single = Outcome { () throws(EventError) in try Event(decoding: line) }
    promise(straight == single, "\(straight) among others, \(single) alone")
    switch straight {
    case .event(let event):
      promise(event.encodeLine() == line, "an event has another spelling")
    case .refused(let error): promise(!"\(error.text)".isEmpty, "a refusal says nothing")
    }
    var scanner = CanonicalScanner()
    let view = unsafe EnvelopeView(line.span.bytes, with: &scanner)
    if case .event = straight { promise(view != nil, "an event has no envelope") }
    // The second time it has the shape of the first.
    var reader = EnvelopeReader()
    for _ in 0..<2 {
      let found = unsafe reader.read(line.span.bytes)
      promise(found?.data == view?.data && found?.type == view?.type, "two envelopes differ")
    }
  }
}
