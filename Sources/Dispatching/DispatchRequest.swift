package import Bytes
package import Events

/// A call on a program, as it was asked for; nothing of it is looked up yet.
package struct DispatchRequest: Equatable, Sendable {
  package let start: TypedTime
  /// Absent: open-ended until somebody ends it.
  package let end: TypedTime?
  package let programID: EntityID
  package let eventTypeID: EntityID
  /// A drill.
  package private(set) var isTest: Bool
  /// What it waits for before it is executed; absent: it is executed at once.
  package private(set) var wait: Wait?
  /// Which occurrence is meant of a local time that comes twice.
  package let fold: Fold?
  /// The fields that nobody knows, and those within `attributes`.
  package let attributes: JSONObject?
  /// The request as it was given, defaults not filled in.
  package private(set) var document: JSONObject

  /// A time or a condition that a dispatch waits for.
  package struct Wait: Equatable, Sendable {
    package enum Cause: Equatable, Sendable {
      case time(TypedTime)
      case condition(Condition)
    }

    package let cause: Cause
    /// How late it may still be executed.
    package let grace: ISODuration?
  }

  static let fields = [
    "start_time", "end_time", "program_id", "event_type_id", "test", "fold", "attributes",
    "execute_at", "execute_if", "execute_grace",
  ]
  /// What an event of 65,535 bytes can keep of a request beside all else that it says.
  static let limitBytes = 32_768
  /// An event holds a request two levels down, and no line of the log has more than 16.
  static let limitDepth = 14

  /// Parses the JSON text of one request.
  package init(parsing bytes: [UInt8]) throws(RequestError) {
    try self.init(try JSON.document(bytes))
  }

  /// Takes the original service's requests as they are; `requests/` has two.
  ///
  /// Fields that aren't known become attributes, but one that a known field may have been misspelt
  /// into is refused: `end_tiem` must not make a dispatch open-ended.
  package init(_ object: JSONObject) throws(RequestError) {
    let size = JSON.object(object).canonicalBytes.count
    guard size <= Self.limitBytes else {
      throw RequestError(path: "", problem: .tooLarge(bytes: size, limit: Self.limitBytes))
    }
    guard JSON.object(object).depth <= Self.limitDepth else {
      throw RequestError(path: "", problem: .tooDeep(limit: Self.limitDepth))
    }
    let reading = FieldReading(object, at: "")
    attributes = try Self.attributes(of: reading)
    start = try Self.time("start_time", try reading.json("start_time"))
    end = try reading.optionalJSON("end_time").map { json throws(RequestError) in
      try Self.time("end_time", json)
    }
    programID = try reading.id("program_id")
    eventTypeID = try reading.id("event_type_id")
    isTest = try reading.bool("test", default: false)
    fold = try reading.optionalWord("fold")
    wait = try Self.wait(of: reading)
    document = object
  }

  /// The request that an accepted dispatch came from, as far as its event keeps it.
  ///
  /// Its document isn't kept. `nil` where a text is no time that anybody could have typed.
  package init?(recordedAs requested: DispatchRequested) {
    guard let start = TypedTime(requested.start.text) else { return nil }
    var end: TypedTime?
    if let moment = requested.end {
      guard let time = TypedTime(moment.text) else { return nil }
      end = time
    }
    self.start = start
    self.end = end
    programID = requested.programID
    eventTypeID = requested.eventTypeID
    isTest = requested.isTest
    fold = requested.start.fold ?? requested.end?.fold
    attributes = requested.attributes
    document = JSONObject()
  }

  /// The same request as one that waits, as far as `dispatch.scheduled` keeps it.
  ///
  /// `nil` where what it says is no time or condition that anybody could have typed.
  package func waiting(recordedAs scheduled: DispatchScheduled) -> DispatchRequest? {
    var request = self
    if let moment = scheduled.executeAt, let time = TypedTime(moment.text) {
      request.wait = Wait(cause: .time(time), grace: scheduled.grace)
    } else if let text = scheduled.executeIf, let condition = try? Condition(parsing: text) {
      request.wait = Wait(cause: .condition(condition), grace: scheduled.grace)
    } else {
      return nil
    }
    return request
  }

  /// Makes a drill of it, as if the document had said so.
  package mutating func markAsTest() {
    isTest = true
    document["test"] = true
  }

  private static func time(_ field: String, _ json: JSON) throws(RequestError) -> TypedTime {
    let text = try FieldReading.string(json, at: field)
    guard let time = TypedTime(text) else {
      throw RequestError(path: field, problem: .badValue(found: text, expected: .time))
    }
    return time
  }

  private static func wait(of reading: FieldReading) throws(RequestError) -> Wait? {
    let grace = try reading.optionalDuration("execute_grace")
    let condition = try reading.optionalCondition("execute_if")
    if let json = reading.optionalJSON("execute_at") {
      if condition != nil {
        throw reading.failure("execute_if", .duplicate(first: "execute_at"))
      }
      return Wait(cause: .time(try time("execute_at", json)), grace: grace)
    }
    if let condition { return Wait(cause: .condition(condition), grace: grace) }
    if grace != nil { throw reading.failure("execute_at", .missing) }
    return nil
  }

  private static func attributes(of reading: FieldReading) throws(RequestError) -> JSONObject? {
    var attributes = JSONObject()
    if let json = reading.optionalJSON("attributes") {
      attributes = try FieldReading(json, at: "attributes").object
    }
    for member in reading.object.members
    where !fields.contains(where: { sameBytes($0, member.key) }) {
      let key = shownKey(member.key)
      if let meant = nearMiss(of: member.key, among: fields) {
        throw RequestError(path: key, problem: .nearMiss(suggestion: meant))
      }
      guard attributes[member.key] == nil else {
        throw RequestError(path: key, problem: .duplicate(first: joinPath("attributes", key)))
      }
      attributes[member.key] = member.value
    }
    return attributes.members.isEmpty ? nil : attributes
  }
}
