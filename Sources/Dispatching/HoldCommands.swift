package import Bytes
package import Events

/// What `hold place` needs to know: which events nothing may be disposed of for.
package struct HoldRequest: Equatable, Sendable {
  package let id: EntityID
  package let programID: EntityID?
  package let dispatchID: EntityID?
  package let userID: EntityID?
  /// Only events recorded at this time or later.
  package let since: Instant?
  /// Only events recorded before this time.
  package let until: Instant?
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["id", "program_id", "dispatch_id", "user_id", "since", "until", "reason"]

  package init(_ reading: FieldReading) throws(RequestError) {
    id = try reading.id("id")
    programID = try reading.optionalID("program_id")
    dispatchID = try reading.optionalID("dispatch_id")
    userID = try reading.optionalID("user_id")
    since = try reading.optionalInstant("since")
    until = try reading.optionalInstant("until")
    reason = try reading.reason()
    document = reading.object
  }

  /// The request that a hold came from.
  package init(recordedAs placed: LegalHoldPlaced) {
    id = placed.id
    programID = placed.programID
    dispatchID = placed.dispatchID
    userID = placed.userID
    since = placed.since
    until = placed.until
    reason = placed.reason
    document = JSONObject()
  }
}

/// What `hold release` needs to know.
package struct HoldReleaseRequest: Equatable, Sendable {
  package let id: EntityID
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String
  /// The request as it was given.
  package let document: JSONObject

  static let fields = ["id", "reason"]

  package init(_ reading: FieldReading) throws(RequestError) {
    id = try reading.id("id")
    reason = try reading.reason()
    document = reading.object
  }

  /// The request that a release came from.
  package init(recordedAs released: LegalHoldReleased) {
    id = released.id
    reason = released.reason
    document = JSONObject()
  }
}

/// A legal hold, and whether it still holds.
package struct StandingHold: Equatable, Sendable {
  package var placed: LegalHoldPlaced
  /// The event that placed it.
  package var event: EventID
  /// The event that released it, where one did.
  package var released: EventID?

  package init(placed: LegalHoldPlaced, event: EventID, released: EventID? = nil) {
    self.placed = placed
    self.event = event
    self.released = released
  }
}
