package import Bytes

extension EventPayload {
  /// When what the event tells of happened, where its data says so (`EVENTS.md`, "When something
  /// happened"); `nil`: when it was recorded.
  package var happenedAt: Instant? {
    switch self {
    case .userEnrolled(let enrolled): enrolled.at
    case .userWithdrawn(let withdrawn): withdrawn.at
    case .signalObserved(let observed): observed.at
    case .deliveryRecorded(let result): result.occurredAt
    case .deliveryUnmatched(let result): result.occurredAt
    case .acknowledgementRecorded(let answer): answer.at
    case .ledgerTimeStamped(let stamp): stamp.stampedAt
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerArchived,
      .ledgerAttached, .ledgerDisposed, .ledgerExportIssued, .ledgerCorrectionRecorded:
      nil
    case .programDefined, .programRetired, .marketEventTypeDefined, .marketEventTypeRetired,
      .userGroupDefined, .userGroupRetired, .userDefined, .userOptedOut, .userOptedIn, .userErased,
      .templatePublished, .templateWithdrawn, .rulePublished, .ruleWithdrawn, .legalHoldPlaced,
      .legalHoldReleased:
      nil
    // What these name besides is what they say, not when it was said.
    case .dispatchRequested, .dispatchRejected, .dispatchScheduled, .dispatchTriggered,
      .dispatchMissed, .dispatchModified, .dispatchCancelled, .dispatchEnded, .recipientsResolved,
      .notificationAttempted, .notificationSuppressed, .notificationDeferred,
      .notificationEscalated, .deliveryUnknown, .deliverySettled:
      nil
    }
  }
}

extension Event {
  /// When what it tells of happened, as far as anybody said.
  package var happenedAt: Instant { payload.happenedAt ?? time }
}
