import Bytes

/// What one type of event says: the record that stands in the envelope's `data`.
package protocol EventData: Record {
  static var type: EventType { get }

  /// The stream that the event belongs to, as the data names it.
  var subject: Subject { get }
}

/// What an event says: one case a type, each with its own record.
///
/// A fold switches over the cases without a `default`, so that a new type can't compile until every
/// view has decided what it means.
package enum EventPayload: Equatable, Sendable {
  case ledgerCreated(LedgerCreated)
  case ledgerRecovered(LedgerRecovered)
  case ledgerRepaired(LedgerRepaired)
  case ledgerKeyChanged(LedgerKeyChanged)
  case ledgerTimeStamped(LedgerTimeStamped)
  case ledgerArchived(LedgerArchived)
  case ledgerAttached(LedgerAttached)
  case ledgerDisposed(LedgerDisposed)
  case ledgerExportIssued(LedgerExportIssued)
  case ledgerCorrectionRecorded(LedgerCorrectionRecorded)
  case programDefined(ProgramDefined)
  case programRetired(ProgramRetired)
  case marketEventTypeDefined(MarketEventTypeDefined)
  case marketEventTypeRetired(MarketEventTypeRetired)
  case userGroupDefined(UserGroupDefined)
  case userGroupRetired(UserGroupRetired)
  case userDefined(UserDefined)
  case userEnrolled(UserEnrolled)
  case userWithdrawn(UserWithdrawn)
  case userOptedOut(UserOptedOut)
  case userOptedIn(UserOptedIn)
  case userErased(UserErased)
  case templatePublished(TemplatePublished)
  case templateWithdrawn(TemplateWithdrawn)
  case rulePublished(RulePublished)
  case ruleWithdrawn(RuleWithdrawn)
  case legalHoldPlaced(LegalHoldPlaced)
  case legalHoldReleased(LegalHoldReleased)
  case signalObserved(SignalObserved)
  case dispatchRequested(DispatchRequested)
  case dispatchRejected(DispatchRejected)
  case dispatchScheduled(DispatchScheduled)
  case dispatchTriggered(DispatchTriggered)
  case dispatchMissed(DispatchMissed)
  case dispatchModified(DispatchModified)
  case dispatchCancelled(DispatchCancelled)
  case dispatchEnded(DispatchEnded)
  case recipientsResolved(RecipientsResolved)
  case notificationAttempted(NotificationAttempted)
  case notificationSuppressed(NotificationSuppressed)
  case notificationDeferred(NotificationDeferred)
  case notificationEscalated(NotificationEscalated)
  case deliveryRecorded(DeliveryRecorded)
  case deliveryUnknown(DeliveryUnknown)
  case deliverySettled(DeliverySettled)
  case acknowledgementRecorded(AcknowledgementRecorded)
}

extension EventPayload {
  /// The record of whichever case it is.
  package var data: any EventData {
    switch self {
    case .ledgerCreated(let data): data
    case .ledgerRecovered(let data): data
    case .ledgerRepaired(let data): data
    case .ledgerKeyChanged(let data): data
    case .ledgerTimeStamped(let data): data
    case .ledgerArchived(let data): data
    case .ledgerAttached(let data): data
    case .ledgerDisposed(let data): data
    case .ledgerExportIssued(let data): data
    case .ledgerCorrectionRecorded(let data): data
    case .programDefined(let data): data
    case .programRetired(let data): data
    case .marketEventTypeDefined(let data): data
    case .marketEventTypeRetired(let data): data
    case .userGroupDefined(let data): data
    case .userGroupRetired(let data): data
    case .userDefined(let data): data
    case .userEnrolled(let data): data
    case .userWithdrawn(let data): data
    case .userOptedOut(let data): data
    case .userOptedIn(let data): data
    case .userErased(let data): data
    case .templatePublished(let data): data
    case .templateWithdrawn(let data): data
    case .rulePublished(let data): data
    case .ruleWithdrawn(let data): data
    case .legalHoldPlaced(let data): data
    case .legalHoldReleased(let data): data
    case .signalObserved(let data): data
    case .dispatchRequested(let data): data
    case .dispatchRejected(let data): data
    case .dispatchScheduled(let data): data
    case .dispatchTriggered(let data): data
    case .dispatchMissed(let data): data
    case .dispatchModified(let data): data
    case .dispatchCancelled(let data): data
    case .dispatchEnded(let data): data
    case .recipientsResolved(let data): data
    case .notificationAttempted(let data): data
    case .notificationSuppressed(let data): data
    case .notificationDeferred(let data): data
    case .notificationEscalated(let data): data
    case .deliveryRecorded(let data): data
    case .deliveryUnknown(let data): data
    case .deliverySettled(let data): data
    case .acknowledgementRecorded(let data): data
    }
  }

  package var type: EventType { Swift.type(of: data).type }
  package var subject: Subject { data.subject }

  /// The data as canonical JSON.
  package func encodeData() -> [UInt8] { data.canonicalBytes }

  func write(to writer: inout ObjectWriter, as key: String) {
    func open(_ data: some EventData) { writer.set(key, data) }
    open(data)
  }

  /// Reads the data of an event of this type.
  init(_ type: EventType, json data: JSON) throws(EventError) {
    switch type {
    case .ledgerCreated: self = .ledgerCreated(try LedgerCreated(json: data))
    case .ledgerRecovered: self = .ledgerRecovered(try LedgerRecovered(json: data))
    case .ledgerRepaired: self = .ledgerRepaired(try LedgerRepaired(json: data))
    case .ledgerKeyChanged: self = .ledgerKeyChanged(try LedgerKeyChanged(json: data))
    case .ledgerTimeStamped: self = .ledgerTimeStamped(try LedgerTimeStamped(json: data))
    case .ledgerArchived: self = .ledgerArchived(try LedgerArchived(json: data))
    case .ledgerAttached: self = .ledgerAttached(try LedgerAttached(json: data))
    case .ledgerDisposed: self = .ledgerDisposed(try LedgerDisposed(json: data))
    case .ledgerExportIssued: self = .ledgerExportIssued(try LedgerExportIssued(json: data))
    case .ledgerCorrectionRecorded:
      self = .ledgerCorrectionRecorded(try LedgerCorrectionRecorded(json: data))
    case .programDefined: self = .programDefined(try ProgramDefined(json: data))
    case .programRetired: self = .programRetired(try ProgramRetired(json: data))
    case .marketEventTypeDefined:
      self = .marketEventTypeDefined(try MarketEventTypeDefined(json: data))
    case .marketEventTypeRetired:
      self = .marketEventTypeRetired(try MarketEventTypeRetired(json: data))
    case .userGroupDefined: self = .userGroupDefined(try UserGroupDefined(json: data))
    case .userGroupRetired: self = .userGroupRetired(try UserGroupRetired(json: data))
    case .userDefined: self = .userDefined(try UserDefined(json: data))
    case .userEnrolled: self = .userEnrolled(try UserEnrolled(json: data))
    case .userWithdrawn: self = .userWithdrawn(try UserWithdrawn(json: data))
    case .userOptedOut: self = .userOptedOut(try UserOptedOut(json: data))
    case .userOptedIn: self = .userOptedIn(try UserOptedIn(json: data))
    case .userErased: self = .userErased(try UserErased(json: data))
    case .templatePublished: self = .templatePublished(try TemplatePublished(json: data))
    case .templateWithdrawn: self = .templateWithdrawn(try TemplateWithdrawn(json: data))
    case .rulePublished: self = .rulePublished(try RulePublished(json: data))
    case .ruleWithdrawn: self = .ruleWithdrawn(try RuleWithdrawn(json: data))
    case .legalHoldPlaced: self = .legalHoldPlaced(try LegalHoldPlaced(json: data))
    case .legalHoldReleased: self = .legalHoldReleased(try LegalHoldReleased(json: data))
    case .signalObserved: self = .signalObserved(try SignalObserved(json: data))
    case .dispatchRequested: self = .dispatchRequested(try DispatchRequested(json: data))
    case .dispatchRejected: self = .dispatchRejected(try DispatchRejected(json: data))
    case .dispatchScheduled: self = .dispatchScheduled(try DispatchScheduled(json: data))
    case .dispatchTriggered: self = .dispatchTriggered(try DispatchTriggered(json: data))
    case .dispatchMissed: self = .dispatchMissed(try DispatchMissed(json: data))
    case .dispatchModified: self = .dispatchModified(try DispatchModified(json: data))
    case .dispatchCancelled: self = .dispatchCancelled(try DispatchCancelled(json: data))
    case .dispatchEnded: self = .dispatchEnded(try DispatchEnded(json: data))
    case .recipientsResolved: self = .recipientsResolved(try RecipientsResolved(json: data))
    case .notificationAttempted:
      self = .notificationAttempted(try NotificationAttempted(json: data))
    case .notificationSuppressed:
      self = .notificationSuppressed(try NotificationSuppressed(json: data))
    case .notificationDeferred: self = .notificationDeferred(try NotificationDeferred(json: data))
    case .notificationEscalated:
      self = .notificationEscalated(try NotificationEscalated(json: data))
    case .deliveryRecorded: self = .deliveryRecorded(try DeliveryRecorded(json: data))
    case .deliveryUnknown: self = .deliveryUnknown(try DeliveryUnknown(json: data))
    case .deliverySettled: self = .deliverySettled(try DeliverySettled(json: data))
    case .acknowledgementRecorded:
      self = .acknowledgementRecorded(try AcknowledgementRecorded(json: data))
    }
  }
}
