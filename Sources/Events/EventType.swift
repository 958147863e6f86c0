import Bytes

/// Every type of event that this release knows; its raw value is what the envelope's `type` says.
///
/// The list is closed: a type or version that isn't here stops a reader, which names it.
package enum EventType: String, Hashable, Sendable, CaseIterable {
  case ledgerCreated = "ledger.created.v1"
  case ledgerRecovered = "ledger.recovered.v1"
  case ledgerRepaired = "ledger.repaired.v1"
  case ledgerKeyChanged = "ledger.key-changed.v1"
  case ledgerTimeStamped = "ledger.time-stamped.v1"
  case ledgerArchived = "ledger.archived.v1"
  case ledgerAttached = "ledger.attached.v1"
  case ledgerDisposed = "ledger.disposed.v1"
  case ledgerExportIssued = "ledger.export-issued.v1"
  case ledgerCorrectionRecorded = "ledger.correction-recorded.v1"
  case deliveryUnmatched = "delivery.unmatched.v1"
  case programDefined = "program.defined.v1"
  case programRetired = "program.retired.v1"
  case marketEventTypeDefined = "market-event-type.defined.v1"
  case marketEventTypeRetired = "market-event-type.retired.v1"
  case userGroupDefined = "user-group.defined.v1"
  case userGroupRetired = "user-group.retired.v1"
  case userDefined = "user.defined.v1"
  case userEnrolled = "user.enrolled.v1"
  case userWithdrawn = "user.withdrawn.v1"
  case userOptedOut = "user.opted-out.v1"
  case userOptedIn = "user.opted-in.v1"
  case userErased = "user.erased.v1"
  case templatePublished = "template.published.v1"
  case templateWithdrawn = "template.withdrawn.v1"
  case rulePublished = "rule.published.v1"
  case ruleWithdrawn = "rule.withdrawn.v1"
  case legalHoldPlaced = "legal-hold.placed.v1"
  case legalHoldReleased = "legal-hold.released.v1"
  case signalObserved = "signal.observed.v1"
  case dispatchRequested = "dispatch.requested.v1"
  case dispatchRejected = "dispatch.rejected.v1"
  case dispatchScheduled = "dispatch.scheduled.v1"
  case dispatchTriggered = "dispatch.triggered.v1"
  case dispatchMissed = "dispatch.missed.v1"
  case dispatchModified = "dispatch.modified.v1"
  case dispatchCancelled = "dispatch.cancelled.v1"
  case dispatchEnded = "dispatch.ended.v1"
  case recipientsResolved = "recipients.resolved.v1"
  case notificationAttempted = "notification.attempted.v1"
  case notificationSuppressed = "notification.suppressed.v1"
  case notificationDeferred = "notification.deferred.v1"
  case notificationEscalated = "notification.escalated.v1"
  case deliveryRecorded = "delivery.recorded.v1"
  case deliveryUnknown = "delivery.unknown.v1"
  case deliverySettled = "delivery.settled.v1"
  case acknowledgementRecorded = "acknowledgement.recorded.v1"

  /// The type without its version: `dispatch.requested`.
  package var name: String { String(rawValue.dropLast(".v\(version)".count)) }

  /// The current version, which is the one that is written: of every type still the first.
  package var version: Int { 1 }
}

extension EventType {
  /// The type of that name, found without a string; as `init(rawValue:)` otherwise.
  package init?(_ name: RawSpan) {
    guard let hash = Self.hash(name) else { return nil }
    let table = Self.table
    var slot = hash
    while let type = table[slot] {
      if name.holds(type.rawValue) {
        self = type
        return
      }
      slot = (slot + 1) % Self.slots
    }
    return nil
  }

  private static let slots = 256

  /// The types by the hash of their names, or behind it.
  private static let table: [EventType?] = {
    var table = [EventType?](repeating: nil, count: slots)
    for type in allCases {
      guard var slot = unsafe hash(type.rawValue.utf8.span.bytes) else {
        fatalError("invariant broken: \(type.rawValue) is too short")
      }
      while table[slot] != nil { slot = (slot + 1) % slots }
      table[slot] = type
    }
    return table
  }()

  /// Names are longer than eight bytes.
  private static func hash(_ name: RawSpan) -> Int? {
    guard name.byteCount >= 8 else { return nil }
    let word = name.word(at: 0) &+ name.word(at: name.byteCount - 8) &* 31
    return Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 56)
  }
}
