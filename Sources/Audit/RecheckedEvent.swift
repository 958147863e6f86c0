import Bytes
import Dispatching
import Events

extension Event {
  /// The dispatch whose stream it belongs to.
  var dispatchID: EntityID? {
    if case .dispatch(let id) = subject { id } else { nil }
  }

  /// Whether it is what the ledger says of itself, which no rule decides.
  var isOfLedger: Bool { subject == .ledger }

  /// Whether a resolution follows from it.
  var changesDispatch: Bool {
    switch type {
    case .dispatchRequested, .dispatchTriggered, .dispatchModified, .dispatchCancelled,
      .dispatchEnded:
      true
    default: false
    }
  }

  fileprivate var isAttempt: Bool { type == .notificationAttempted }

  /// Whether it stands in place of an attempt whose user's key wasn't at hand.
  fileprivate var isWithoutKey: Bool {
    guard case .notificationSuppressed(let suppressed) = payload else { return false }
    return suppressed.reason == .keyMissing
  }

  /// Whether it follows from a change of a dispatch, and not from what is due.
  var isPartOfResolution: Bool {
    switch payload {
    case .recipientsResolved: true
    case .notificationSuppressed(let suppressed): suppressed.reason == .superseded
    default: false
    }
  }

  /// The notice that a plan of what is due decides about by such an event.
  var plannedNotice: NoticeKey? {
    switch payload {
    case .notificationAttempted(let attempt):
      NoticeKey(
        dispatchID: attempt.dispatchID, modification: attempt.modification, userID: attempt.userID)
    case .notificationSuppressed(let suppressed):
      NoticeKey(
        dispatchID: suppressed.dispatchID, modification: suppressed.modification,
        userID: suppressed.userID)
    case .notificationDeferred(let deferred) where deferred.reason == .quietHours:
      NoticeKey(
        dispatchID: deferred.dispatchID, modification: deferred.modification,
        userID: deferred.userID)
    default: nil
    }
  }
}

extension EventDraft {
  /// What a decision says of an event, as its line would have it.
  var document: JSON {
    var document = JSONObject()
    document["causationid"] = causation.map { .string(String($0)) }
    document["correlationid"] = correlation.map { .string($0) }
    document["data"] = try? JSON(parsing: payload.encodeData())
    document["decider"] = decider.map { .integer(Int64($0)) }
    return .object(document)
  }
}

extension Redecision.Item {
  var type: EventType {
    switch self {
    case .draft(let draft): draft.type
    case .attempt: .notificationAttempted
    }
  }

  /// What it is, for a sentence.
  var description: String {
    switch self {
    case .attempt(let planned): "an attempt to user \(planned.key.userID.text)"
    case .draft(let draft):
      switch draft.payload {
      case .recipientsResolved(let chunk): "chunk \(chunk.chunk) of its resolution"
      case .notificationSuppressed(let suppressed):
        "\(draft.type.rawValue) (\(suppressed.reason.rawValue)) for user \(suppressed.userID.text)"
      default: draft.type.rawValue
      }
    }
  }

  /// Whether the event stands where this belongs, be it as it should be or not.
  func isPlace(of event: Event) -> Bool {
    switch self {
    case .attempt(let planned):
      // Whether the user's key was at hand, no event before it says.
      guard event.isAttempt || event.isWithoutKey else { return false }
      return event.plannedNotice == planned.key
    case .draft(let draft):
      guard draft.type == event.type, draft.subject == event.subject else { return false }
      return switch (draft.payload, event.payload) {
      case (.recipientsResolved(let one), .recipientsResolved(let other)):
        one.modification == other.modification
      case (.notificationSuppressed(let one), .notificationSuppressed(let other)):
        one.modification == other.modification && one.userID == other.userID
          && one.channel == other.channel
      case (.notificationDeferred(let one), .notificationDeferred(let other)):
        one.modification == other.modification && one.userID == other.userID
          && one.reason == other.reason
      case (.deliveryRecorded(let one), .deliveryRecorded(let other)):
        one.attempt == other.attempt && one.unmatched == other.unmatched
      case (.deliverySettled(let one), .deliverySettled(let other)):
        one.attempt == other.attempt
      default: true
      }
    }
  }
}
