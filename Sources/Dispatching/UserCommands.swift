package import Bytes
package import Events

/// What `opt-out` and `opt-in` need to know.
package struct OptRequest: Equatable, Sendable {
  /// Whether the user refuses from now on, or takes a refusal back.
  package let isOut: Bool
  package let userID: EntityID
  package let scope: OptOutScope
  /// How it became known.
  package let reason: String?
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["user_id", "channel", "program_id", "reason"]

  package init(_ reading: FieldReading, isOut: Bool) throws(RequestError) {
    self.isOut = isOut
    userID = try reading.id("user_id")
    scope = OptOutScope(
      programID: try reading.optionalID("program_id"),
      channel: try reading.optional("channel", .channelCode))
    reason = try reading.optionalReason()
    document = reading.object
  }
}

/// What `enroll` and `withdraw` need to know.
package struct EnrollmentRequest: Equatable, Sendable {
  package let enrolls: Bool
  package let userID: EntityID
  package let programID: EntityID
  /// From when on; absent: now.
  package let at: Instant?
  package let reason: String?
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["user_id", "program_id", "at", "reason"]

  package init(_ reading: FieldReading, enrolls: Bool) throws(RequestError) {
    self.enrolls = enrolls
    userID = try reading.id("user_id")
    programID = try reading.id("program_id")
    at = try reading.optionalInstant("at")
    reason = try reading.optionalReason()
    document = reading.object
  }
}

/// What `erase` needs to know.
package struct EraseRequest: Equatable, Sendable {
  package let userID: EntityID
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["user_id", "reason"]

  package init(_ reading: FieldReading) throws(RequestError) {
    userID = try reading.id("user_id")
    reason = try reading.reason()
    document = reading.object
  }
}

/// The kinds of thing that can be retired.
package enum RetirableKind: String, Word {
  case program
  case eventType = "event-type"
  case userGroup = "user-group"
}

/// What `retire` needs to know.
package struct RetireRequest: Equatable, Sendable {
  package let kind: RetirableKind
  package let id: EntityID
  package let reason: String?
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["kind", "id", "reason"]

  package init(_ reading: FieldReading) throws(RequestError) {
    let kind: RetirableKind? = try reading.optionalWord("kind")
    guard let kind else { throw reading.failure("kind", .missing) }
    self.kind = kind
    id = try reading.id("id")
    reason = try reading.optionalReason()
    document = reading.object
  }
}

/// What `settle` needs to know: what is decided about an unknown outcome.
package struct SettleRequest: Equatable, Sendable {
  package let attempt: EventID
  package let decision: Settlement
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["attempt", "decision", "reason"]

  package init(_ reading: FieldReading) throws(RequestError) {
    attempt = try reading.eventID("attempt")
    let decision: Settlement? = try reading.optionalWord("decision")
    guard let decision else { throw reading.failure("decision", .missing) }
    self.decision = decision
    reason = try reading.reason()
    document = reading.object
  }

  /// The request that a settlement came from.
  package init(recordedAs settled: DeliverySettled) {
    attempt = settled.attempt
    decision = settled.decision
    reason = settled.reason
    document = JSONObject()
  }
}

/// What `correct` needs to know: which event is wrong, and what is right.
package struct CorrectRequest: Equatable, Sendable {
  package let event: EventID
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String
  /// The fields of its data that should have been otherwise, with the right values.
  package let correction: JSONObject?
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["event", "reason", "correction"]

  package init(_ reading: FieldReading) throws(RequestError) {
    event = try reading.eventID("event")
    reason = try reading.reason()
    correction = try reading.optionalObject(
      "correction", limitBytes: CatalogueDocument.attributeBytes)
    document = reading.object
  }
}

extension FieldReading {
  /// The field's id, a number or a string, or `nil` where it is absent.
  func optionalID(_ key: String) throws(RequestError) -> EntityID? {
    try optionalJSON(key).map { json throws(RequestError) in
      try Self.id(json, at: path(of: key))
    }
  }

  /// The id of an event, or `nil` where it is absent; a number or a string.
  func optionalEventID(_ key: String) throws(RequestError) -> EventID? {
    guard let json = optionalJSON(key) else { return nil }
    let text: String
    switch json {
    case .integer(let number): text = String(number)
    default: text = try Self.string(json, at: path(of: key))
    }
    guard let id = EventID(eventID: text) else {
      throw failure(key, .badValue(found: text, expected: .eventID))
    }
    return id
  }

  /// The id of an event; it must be there.
  func eventID(_ key: String) throws(RequestError) -> EventID {
    guard let id = try optionalEventID(key) else { throw failure(key, .missing) }
    return id
  }

  /// An object that is kept as it is given: no deeper and no larger than an event can hold.
  func optionalObject(_ key: String, limitBytes: Int) throws(RequestError) -> JSONObject? {
    guard let json = optionalJSON(key) else { return nil }
    let object = try FieldReading(json, at: path(of: key)).object
    let size = json.canonicalBytes.count
    guard size <= limitBytes else {
      throw failure(key, .tooLarge(bytes: size, limit: limitBytes))
    }
    guard json.depth <= DispatchRequest.limitDepth else {
      throw failure(key, .tooDeep(limit: DispatchRequest.limitDepth))
    }
    return object
  }
}
