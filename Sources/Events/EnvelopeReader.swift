import Bytes

/// Reads the envelopes of many lines, and remembers how they were shaped.
///
/// It answers just as ``EnvelopeView/init(_:with:)`` does. Lines of a type mostly differ in their
/// values alone; such a line is compared with the constants of one before it, which costs a fraction.
package struct EnvelopeReader: ~Copyable {
  /// A shape, and which of its values are what of the envelope.
  private struct Known {
    var id = 0
    var causation: Int?
    var clock: Int?
    var decider: Int?
    var hash: Int?
    var source = 0
    var version = 0
    var subject = 0
    var time = 0
    var type = 0
    var key: Int?
    // Of the data.
    var attempt: Int?
    var channel: Int?
    var outcome: Int?
    var user: Int?
    /// The object's first byte and the byte behind it: so far behind so many values.
    var data = (start: (after: 0, offset: 0), end: (after: 0, offset: 0))
  }

  /// The shapes of the lines that end alike, and so mostly of one type.
  private struct Slot {
    var shapes: [LineShape] = []
    var known: [Known] = []
    /// Lines that had none of them.
    var misses = 0
  }

  private var scanner = CanonicalScanner()
  private var slots = [Slot](repeating: Slot(), count: 64)
  private var values: [Range<Int>] = []
  /// The shape of the line that was read last; `nil` where it had none that was known.
  private var last: (slot: Int, index: Int)?

  private static let mostShapes = 8

  package init() {}

  /// Reads the envelope of a line; `nil` where it isn't canonical, or a key isn't known, missing or of
  /// another form.
  package mutating func read(_ line: RawSpan) -> EnvelopeView? {
    let slot = Self.slot(of: line)
    if let index = scanner.match(line, slots[slot].shapes, values: &values) {
      last = (slot, index)
      return view(of: slots[slot].known[index], line)
    }
    last = nil
    guard let view = EnvelopeView(line, with: &scanner) else { return nil }
    learn(line, view, in: slot)
    return view
  }

  /// Where texts of the data stand in the line that was read last, and gave this view.
  package func texts(in line: RawSpan, _ view: EnvelopeView) -> DataTexts {
    guard let last else { return DataTexts(in: line, view.data) }
    func place(_ index: Int?) -> Range<Int>? { index.map { values[$0] } }
    let known = slots[last.slot].known[last.index]
    var texts = DataTexts()
    texts.attempt = place(known.attempt)
    texts.channel = place(known.channel)
    texts.outcome = place(known.outcome)
    texts.user = place(known.user)
    return texts
  }

  /// The last bytes of the type, which is the last member.
  private static func slot(of line: RawSpan) -> Int {
    guard line.byteCount >= 24 else { return 0 }
    let end = line.byteCount - 2
    let word = line.word(at: end - 8) ^ (line.word(at: end - 16) &* 31)
    return Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 58)
  }

  private func view(of known: Known, _ line: RawSpan) -> EnvelopeView? {
    func isID(_ index: Int) -> Bool { EventID(eventID: line.extracting(values[index])) != nil }
    guard isID(known.id), known.causation.map(isID) ?? true,
      line.holds("1.0", in: values[known.version]),
      known.decider.map({ EnvelopeView.isDecider(line.extracting(values[$0])) }) ?? true,
      known.hash.map({ EnvelopeView.isHash(line.extracting(values[$0])) }) ?? true
    else { return nil }
    func place(_ place: (after: Int, offset: Int)) -> Int {
      (place.after == 0 ? 0 : values[place.after - 1].upperBound) + place.offset
    }
    var view = EnvelopeView(data: place(known.data.start)..<place(known.data.end))
    view.id = values[known.id]
    view.source = values[known.source]
    view.subject = values[known.subject]
    view.time = values[known.time]
    view.type = values[known.type]
    view.clock = known.clock.map { values[$0] }
    view.idempotencyKey = known.key.map { values[$0] }
    return view
  }

  /// Learns the shape of a line: of the first that have a new one all, later fewer and fewer, since
  /// where there are many shapes the next line has another one again.
  private mutating func learn(_ line: RawSpan, _ view: EnvelopeView, in slot: Int) {
    slots[slot].misses += 1
    let misses = slots[slot].misses
    guard misses <= Self.mostShapes || misses.nonzeroBitCount == 1,
      let shape = LineShape(of: line, values: &values)
    else { return }
    func index(_ range: Range<Int>?) -> Int? { range.flatMap { values.firstIndex(of: $0) } }
    func place(_ offset: Int) -> (after: Int, offset: Int) {
      let after = values.prefix { $0.upperBound <= offset }.count
      return (after, offset - (after == 0 ? 0 : values[after - 1].upperBound))
    }
    guard let id = index(view.id), let source = index(view.source),
      let version = index(view.version), let subject = index(view.subject),
      let time = index(view.time), let type = index(view.type)
    else { return }
    let texts = DataTexts(in: line, view.data)
    let known = Known(
      id: id, causation: index(view.causation), clock: index(view.clock),
      decider: index(view.decider), hash: index(view.hash), source: source, version: version,
      subject: subject, time: time, type: type, key: index(view.idempotencyKey),
      attempt: index(texts.attempt), channel: index(texts.channel),
      outcome: index(texts.outcome), user: index(texts.user),
      data: (place(view.data.lowerBound), place(view.data.upperBound)))
    if slots[slot].shapes.count == Self.mostShapes {
      slots[slot].shapes.removeFirst()
      slots[slot].known.removeFirst()
    }
    slots[slot].shapes.append(shape)
    slots[slot].known.append(known)
  }
}
