package import Bytes
package import Events

/// What `end` and `cancel` need to know.
package struct DispatchChangeRequest: Equatable, Sendable {
  package let dispatchID: EntityID
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String

  package static let reasonLimit = 1_024

  package init(dispatchID: EntityID, reason: String) throws(RequestError) {
    guard isPrintable(reason, limit: Self.reasonLimit) else {
      throw RequestError(
        path: "reason",
        problem: .badValue(found: reason, expected: .text(limit: Self.reasonLimit)))
    }
    self.dispatchID = dispatchID
    self.reason = reason
  }

  /// The change as it was given.
  package var document: JSONObject {
    JSONObject([
      .init(key: "dispatch_id", value: .string(dispatchID.text)),
      .init(key: "reason", value: .string(reason)),
    ])
  }
}

/// What `modify` needs to know: other times for a dispatch.
package struct ModifyRequest: Equatable, Sendable {
  package let dispatchID: EntityID
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String
  /// Absent: it begins as before.
  package let start: TypedTime?
  /// Absent: it ends as before, unless it becomes open-ended.
  package let end: TypedTime?
  package let isOpenEnded: Bool
  /// Which occurrence is meant of a local time that comes twice.
  package let fold: Fold?
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["dispatch_id", "reason", "start_time", "end_time", "open_ended", "fold"]

  /// Reads the fields; at least one of the times is among them.
  package init(_ reading: FieldReading) throws(RequestError) {
    dispatchID = try reading.id("dispatch_id")
    reason = try reading.reason()
    start = try reading.optionalTime("start_time")
    end = try reading.optionalTime("end_time")
    isOpenEnded = try reading.bool("open_ended", default: false)
    fold = try reading.optionalWord("fold")
    if isOpenEnded, end != nil {
      throw reading.failure("open_ended", .contradicts(other: reading.path(of: "end_time")))
    }
    guard start != nil || end != nil || isOpenEnded else {
      throw reading.failure("start_time, end_time or open_ended", .missing)
    }
    document = reading.object
  }

  /// The request that a modification came from, as far as its event and what stood before tell.
  ///
  /// Its document isn't kept. `nil` where a text is no time that anybody could have typed.
  package init?(recordedAs modified: DispatchModified, of dispatch: Dispatch) {
    var (start, end): (TypedTime?, TypedTime?)
    if modified.start != dispatch.start {
      start = TypedTime(modified.start.text)
      if start == nil { return nil }
    }
    if let moment = modified.end, moment != dispatch.end {
      end = TypedTime(moment.text)
      if end == nil { return nil }
    }
    dispatchID = modified.dispatchID
    reason = modified.reason
    self.start = start
    self.end = end
    isOpenEnded = modified.isOpenEnded && dispatch.end != nil
    fold = (start == nil ? nil : modified.start.fold) ?? (end == nil ? nil : modified.end?.fold)
    document = JSONObject()
  }
}

/// What `acknowledge` needs to know: a user's answer to one modification.
package struct AcknowledgeRequest: Equatable, Sendable {
  package let dispatchID: EntityID
  package let userID: EntityID
  /// Absent: only that the notice was seen.
  package let opt: OptAnswer?
  /// Absent: the last one.
  package let modification: Int?
  /// When the answer was given; absent: now.
  package let at: Instant?
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["dispatch_id", "user_id", "opt", "modification", "at"]

  package init(_ reading: FieldReading) throws(RequestError) {
    dispatchID = try reading.id("dispatch_id")
    userID = try reading.id("user_id")
    opt = try reading.optionalWord("opt")
    modification = try reading.optionalOrdinal("modification")
    at = try reading.optionalInstant("at")
    document = reading.object
  }

  /// The request that an answer came from.
  package init(recordedAs answer: AcknowledgementRecorded) {
    dispatchID = answer.dispatchID
    userID = answer.userID
    opt = answer.opt
    modification = answer.modification
    at = answer.at
    document = JSONObject()
  }
}

extension FieldReading {
  /// Why; it is recorded, so it names no person.
  func reason() throws(RequestError) -> String {
    try printable("reason", limit: DispatchChangeRequest.reasonLimit)
  }

  /// The same where it may be absent.
  func optionalReason() throws(RequestError) -> String? {
    object["reason"] == nil ? nil : try reason()
  }

  /// A time as somebody typed it.
  func optionalTime(_ key: String) throws(RequestError) -> TypedTime? {
    guard let text = try optionalString(key) else { return nil }
    guard let time = TypedTime(text) else {
      throw failure(key, .badValue(found: text, expected: .time))
    }
    return time
  }

  /// An RFC 3339 time, which no zone has to explain.
  func optionalInstant(_ key: String) throws(RequestError) -> Instant? {
    guard let text = try optionalString(key) else { return nil }
    guard let time = OffsetTime(text: text.utf8) else {
      throw failure(key, .badValue(found: text, expected: .instant))
    }
    return time.instant
  }

  /// A number that counts from 1.
  func optionalOrdinal(_ key: String) throws(RequestError) -> Int? {
    guard let json = optionalJSON(key) else { return nil }
    guard case .integer(let value) = json else {
      throw failure(key, .wrongKind(found: json.kind, expected: .integer))
    }
    guard value >= 1 else {
      throw failure(key, .badValue(found: String(value), expected: .ordinal))
    }
    return Int(value)
  }
}
