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
package indirect enum EventPayload: Equatable, Sendable {
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
  case deliveryUnmatched(DeliveryUnmatched)
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
    case .deliveryUnmatched(let data): data
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

  /// Reads the data of an event of this type, which stands next.
  ///
  /// - Parameter subject: Becomes the subject that the data names.
  init(
    _ type: EventType, from reader: inout ObjectReader, subject: inout Subject
  ) throws(EventError) {
    switch type {
    case .ledgerCreated: self = .ledgerCreated(try reader.data(&subject))
    case .ledgerRecovered: self = .ledgerRecovered(try reader.data(&subject))
    case .ledgerRepaired: self = .ledgerRepaired(try reader.data(&subject))
    case .ledgerKeyChanged: self = .ledgerKeyChanged(try reader.data(&subject))
    case .ledgerTimeStamped: self = .ledgerTimeStamped(try reader.data(&subject))
    case .ledgerArchived: self = .ledgerArchived(try reader.data(&subject))
    case .ledgerAttached: self = .ledgerAttached(try reader.data(&subject))
    case .ledgerDisposed: self = .ledgerDisposed(try reader.data(&subject))
    case .ledgerExportIssued: self = .ledgerExportIssued(try reader.data(&subject))
    case .ledgerCorrectionRecorded:
      self = .ledgerCorrectionRecorded(try reader.data(&subject))
    case .deliveryUnmatched: self = .deliveryUnmatched(try reader.data(&subject))
    case .programDefined: self = .programDefined(try reader.data(&subject))
    case .programRetired: self = .programRetired(try reader.data(&subject))
    case .marketEventTypeDefined:
      self = .marketEventTypeDefined(try reader.data(&subject))
    case .marketEventTypeRetired:
      self = .marketEventTypeRetired(try reader.data(&subject))
    case .userGroupDefined: self = .userGroupDefined(try reader.data(&subject))
    case .userGroupRetired: self = .userGroupRetired(try reader.data(&subject))
    case .userDefined: self = .userDefined(try reader.data(&subject))
    case .userEnrolled: self = .userEnrolled(try reader.data(&subject))
    case .userWithdrawn: self = .userWithdrawn(try reader.data(&subject))
    case .userOptedOut: self = .userOptedOut(try reader.data(&subject))
    case .userOptedIn: self = .userOptedIn(try reader.data(&subject))
    case .userErased: self = .userErased(try reader.data(&subject))
    case .templatePublished: self = .templatePublished(try reader.data(&subject))
    case .templateWithdrawn: self = .templateWithdrawn(try reader.data(&subject))
    case .rulePublished: self = .rulePublished(try reader.data(&subject))
    case .ruleWithdrawn: self = .ruleWithdrawn(try reader.data(&subject))
    case .legalHoldPlaced: self = .legalHoldPlaced(try reader.data(&subject))
    case .legalHoldReleased: self = .legalHoldReleased(try reader.data(&subject))
    case .signalObserved: self = .signalObserved(try reader.data(&subject))
    case .dispatchRequested: self = .dispatchRequested(try reader.data(&subject))
    case .dispatchRejected: self = .dispatchRejected(try reader.data(&subject))
    case .dispatchScheduled: self = .dispatchScheduled(try reader.data(&subject))
    case .dispatchTriggered: self = .dispatchTriggered(try reader.data(&subject))
    case .dispatchMissed: self = .dispatchMissed(try reader.data(&subject))
    case .dispatchModified: self = .dispatchModified(try reader.data(&subject))
    case .dispatchCancelled: self = .dispatchCancelled(try reader.data(&subject))
    case .dispatchEnded: self = .dispatchEnded(try reader.data(&subject))
    case .recipientsResolved: self = .recipientsResolved(try reader.data(&subject))
    case .notificationAttempted:
      self = .notificationAttempted(try reader.data(&subject))
    case .notificationSuppressed:
      self = .notificationSuppressed(try reader.data(&subject))
    case .notificationDeferred: self = .notificationDeferred(try reader.data(&subject))
    case .notificationEscalated:
      self = .notificationEscalated(try reader.data(&subject))
    case .deliveryRecorded: self = .deliveryRecorded(try reader.data(&subject))
    case .deliveryUnknown: self = .deliveryUnknown(try reader.data(&subject))
    case .deliverySettled: self = .deliverySettled(try reader.data(&subject))
    case .acknowledgementRecorded:
      self = .acknowledgementRecorded(try reader.data(&subject))
    }
  }
}

extension ObjectReader {
  fileprivate mutating func data<Data: EventData>(
    _ subject: inout Subject
  ) throws(EventError) -> Data {
    let data = try Data(from: &self)
    subject = data.subject
    return data
  }
}
