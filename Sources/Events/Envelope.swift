package import Bytes

/// An event as it stands in the log: a CloudEvents 1.0 envelope around its payload.
package struct Event: Equatable, Sendable {
  /// The position in the log.
  package var id: EventID
  /// When it was recorded; never before the event in front of it.
  package var time: Instant
  /// The origin of the ledger.
  package var source: String
  /// Who asked for it: `user:LOGIN@HOST`, or what `--actor` said.
  package var actor: String?
  /// What the clock read, where that was behind `time`.
  package var clock: Instant?
  /// The event that led to this one.
  package var causation: EventID?
  package var correlation: String?
  /// The number of the rules that the decision was made by.
  package var decider: Int?
  /// Stands on the first event of a commit, always together with its hash.
  package var idempotencyKey: String?
  package var idempotencyHash: HexDigest?
  package var payload: EventPayload

  package init(
    id: EventID, time: Instant, source: String, actor: String? = nil, clock: Instant? = nil,
    causation: EventID? = nil, correlation: String? = nil, decider: Int? = nil,
    idempotencyKey: String? = nil, idempotencyHash: HexDigest? = nil, payload: EventPayload
  ) {
    self.id = id
    self.time = time
    self.source = source
    self.actor = actor
    self.clock = clock
    self.causation = causation
    self.correlation = correlation
    self.decider = decider
    self.idempotencyKey = idempotencyKey
    self.idempotencyHash = idempotencyHash
    self.payload = payload
  }

  package var subject: Subject { payload.subject }
  package var type: EventType { payload.type }

  /// The greatest length of an event's line in the log, without its newline.
  package static let lineLimit = 65_535

  package static func == (one: Event, other: Event) -> Bool {
    one.encodeLine() == other.encodeLine()
  }
}

/// An event that a decision made, before the log gave it a position and a time.
package struct EventDraft: Equatable, Sendable {
  package var payload: EventPayload
  package var causation: EventID?
  package var correlation: String?
  package var decider: Int?

  package init(
    _ payload: EventPayload, causation: EventID? = nil, correlation: String? = nil,
    decider: Int? = nil
  ) {
    self.payload = payload
    self.causation = causation
    self.correlation = correlation
    self.decider = decider
  }

  package var subject: Subject { payload.subject }
  package var type: EventType { payload.type }

  /// The event that the draft becomes; the key belongs on the first event of a commit only.
  package func recorded(
    id: EventID, time: Instant, source: String, actor: String? = nil, clock: Instant? = nil,
    idempotencyKey: String? = nil, idempotencyHash: HexDigest? = nil
  ) -> Event {
    Event(
      id: id, time: time, source: source, actor: actor, clock: clock, causation: causation,
      correlation: correlation, decider: decider, idempotencyKey: idempotencyKey,
      idempotencyHash: idempotencyHash, payload: payload)
  }
}

extension Event {
  /// The event's line in the log: canonical JSON, without a newline.
  ///
  /// Its length is not limited here: the log refuses a line above ``lineLimit``.
  package func encodeLine() -> [UInt8] {
    invariant(
      (idempotencyKey == nil) == (idempotencyHash == nil), "a key stands without its hash")
    invariant(decider ?? 1 >= 1, "a decider's number counts from 1")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(512)
    var writer = ObjectWriter(takingOver: &bytes)
    writer.set("actor", actor)
    writer.set("causationid", causation)
    writer.set("clock", clock)
    writer.set("correlationid", correlation)
    payload.write(to: &writer, as: "data")
    writer.set("decider", decider)
    writer.set("id", id)
    writer.set("idempotencyhash", idempotencyHash)
    writer.set("idempotencykey", idempotencyKey)
    writer.set("source", source)
    writer.set("specversion", Envelope.specVersion)
    writer.set("subject", subject.text)
    writer.set("time", time)
    writer.set("type", type.rawValue)
    return writer.finish()
  }

  /// Reads a line of the log, without its newline; for many lines keep an ``EventDecoder``.
  ///
  /// Strict: what it accepts, ``encodeLine()`` writes back with the same bytes, unless an upcaster
  /// made a current payload of an older one.
  package init(
    decoding line: [UInt8], upcasters: Upcasters = .shipped
  ) throws(EventError) {
    self = try EventDecoder(upcasters: upcasters, keepingTexts: false).event(of: line)
  }
}

/// An event's envelope, with its data still unread.
package struct Envelope: Sendable {
  package static let specVersion = "1.0"

  package let actor: String?
  package let causation: EventID?
  package let clock: Instant?
  package let correlation: String?
  package let data: JSONObject
  package let decider: Int?
  package let id: EventID
  package let idempotencyHash: HexDigest?
  package let idempotencyKey: String?
  package let source: String
  package let subject: String
  package let time: Instant
  package let type: String

  /// Reads the envelope of a line; its type may be one that nobody here knows.
  package init(decoding line: [UInt8]) throws(EventError) {
    guard line.count <= Event.lineLimit else { throw .tooLong(bytes: line.count) }
    self = try ObjectReader.read(line) { reader throws(EventError) in
      var data = JSONObject()
      let fields = try EnvelopeFields(from: &reader) { reader throws(EventError) in
        data = try JSONObject(from: &reader)
      }
      return Envelope(fields, data: data, in: reader)
    }
  }

  private init(_ fields: EnvelopeFields, data: JSONObject, in reader: borrowing ObjectReader) {
    actor = fields.actor
    causation = fields.causation
    clock = fields.clock
    correlation = fields.correlation
    self.data = data
    decider = fields.decider
    id = fields.id
    idempotencyHash = fields.idempotencyHash
    idempotencyKey = fields.idempotencyKey
    source = fields.source
    subject = reader.string(of: fields.subject)
    time = fields.time
    type = reader.string(of: fields.type)
  }

  /// The event, with its data read as its type says.
  package func event(upcasters: Upcasters = .shipped) throws(EventError) -> Event {
    let (type, data) = try upcasters.current(type: type, data: data, id: id)
    let payload: EventPayload
    var named = Subject.ledger
    do {
      payload = try ObjectReader.read(.object(data)) { reader throws(EventError) in
        try EventPayload(type, from: &reader, subject: &named)
      }
    } catch {
      throw error.within("data")
    }
    let expected = named.text
    guard sameBytes(subject, expected) else {
      throw .wrongSubject(found: subject, expected: expected)
    }
    return Event(
      id: id, time: time, source: source, actor: actor, clock: clock, causation: causation,
      correlation: correlation, decider: decider, idempotencyKey: idempotencyKey,
      idempotencyHash: idempotencyHash, payload: payload)
  }
}

/// What an envelope says of its event, the data apart.
struct EnvelopeFields {
  let actor: String?
  let causation: EventID?
  let clock: Instant?
  let correlation: String?
  let decider: Int?
  let id: EventID
  let idempotencyHash: HexDigest?
  let idempotencyKey: String?
  let source: String
  /// Where it stands in the line, as ``type`` does: what they say is in most events said before.
  let subject: CanonicalReader.Text
  let time: Instant
  let type: CanonicalReader.Text

  /// Reads the envelope that stands next.
  ///
  /// - Parameter readData: Reads the data, when it comes.
  @inline(__always)
  init(
    from reader: inout ObjectReader,
    data readData: (inout ObjectReader) throws(EventError) -> Void
  ) throws(EventError) {
    try reader.begin()
    actor = try reader.optional("actor")
    causation = try reader.optional("causationid")
    clock = try reader.optional("clock")
    correlation = try reader.optional("correlationid")
    try reader.required("data", by: readData)
    decider = try reader.optional("decider")
    id = try reader.required("id")
    idempotencyHash = try reader.optional("idempotencyhash")
    idempotencyKey = try reader.optional("idempotencykey")
    source = try reader.required("source")
    let version = try reader.requiredText("specversion")
    subject = try reader.requiredText("subject")
    time = try reader.required("time")
    type = try reader.requiredText("type")
    try reader.finish()
    try Check.integer("decider", decider, from: 1)
    try Check.form(
      "specversion", .specVersion,
      unsafe reader.line.slice(version.range).bytes.holds(Envelope.specVersion))
    if idempotencyKey != nil, idempotencyHash == nil {
      throw .missingField(path: "idempotencyhash")
    }
    if idempotencyHash != nil, idempotencyKey == nil {
      throw .missingField(path: "idempotencykey")
    }
  }
}
