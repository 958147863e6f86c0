import Bytes
package import Events

/// What an event is about, beside its subject: what filters look at.
package struct EventFacts {
  package var dispatch: EntityID?
  /// The attempt that it tells something of.
  package var attempt: EventID?
  package var program: EntityID?
  package var users: [EntityID] = []
  /// The one channel that it is about; definitions and resolutions list several, and are about none.
  package var channel: ChannelCode?

  package init(
    dispatch: EntityID? = nil, attempt: EventID? = nil, program: EntityID? = nil,
    users: [EntityID] = [], channel: ChannelCode? = nil
  ) {
    self.dispatch = dispatch
    self.attempt = attempt
    self.program = program
    self.users = users
    self.channel = channel
  }

  package init(_ payload: EventPayload) {
    switch payload {
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued, .deliveryUnmatched:
      self.init()
    case .ledgerCorrectionRecorded(let correction): self.init(Subject(correction.eventSubject))
    case .marketEventTypeDefined, .marketEventTypeRetired, .userGroupDefined, .userGroupRetired,
      .templateWithdrawn, .ruleWithdrawn, .legalHoldReleased, .signalObserved:
      self.init()
    case .programDefined, .programRetired, .userDefined, .userErased: self.init(payload.subject)
    case .userEnrolled(let change): self.init(program: change.programID, users: [change.userID])
    case .userWithdrawn(let change): self.init(program: change.programID, users: [change.userID])
    case .userOptedOut(let change):
      self.init(program: change.programID, users: [change.userID], channel: change.channel)
    case .userOptedIn(let change):
      self.init(program: change.programID, users: [change.userID], channel: change.channel)
    case .templatePublished(let template):
      self.init(program: template.programID, channel: template.channel)
    case .rulePublished(let rule): self.init(dispatch: rule.dispatchID, program: rule.programID)
    case .legalHoldPlaced(let hold):
      self.init(
        dispatch: hold.dispatchID, program: hold.programID, users: hold.userID.map { [$0] } ?? [])
    case .dispatchRequested(let request):
      self.init(dispatch: request.dispatchID, program: request.programID)
    case .dispatchRejected(let rejected):
      self.init(
        dispatch: rejected.dispatchID,
        program: rejected.request["program_id"].flatMap { EntityID(input: $0) })
    case .dispatchScheduled, .dispatchTriggered, .dispatchMissed, .dispatchModified,
      .dispatchCancelled, .dispatchEnded:
      self.init(payload.subject)
    case .recipientsResolved(let chunk):
      self.init(
        dispatch: chunk.dispatchID,
        users: chunk.recipients.map(\.userID) + chunk.exclusions.map(\.userID))
    case .notificationAttempted(let notice):
      self.init(dispatch: notice.dispatchID, users: [notice.userID], channel: notice.channel)
    case .notificationSuppressed(let notice):
      self.init(dispatch: notice.dispatchID, users: [notice.userID], channel: notice.channel)
    case .notificationDeferred(let notice):
      self.init(dispatch: notice.dispatchID, users: [notice.userID], channel: notice.channel)
    case .notificationEscalated(let step):
      self.init(dispatch: step.dispatchID, users: Array(step.userIDs))
    case .deliveryRecorded(let result):
      self.init(dispatch: result.dispatchID, attempt: result.attempt)
    case .deliveryUnknown(let result):
      self.init(dispatch: result.dispatchID, attempt: result.attempt)
    case .deliverySettled(let result):
      self.init(dispatch: result.dispatchID, attempt: result.attempt)
    case .acknowledgementRecorded(let answer):
      self.init(dispatch: answer.dispatchID, users: [answer.userID])
    }
  }

  private init(_ subject: Subject?) {
    switch subject {
    case .program(let id)?: self.init(program: id)
    case .user(let id)?: self.init(users: [id])
    case .dispatch(let id)?: self.init(dispatch: id)
    case .ledger?, .marketEventType?, .userGroup?, .template?, .rule?, .legalHold?, .signal?, nil:
      self.init()
    }
  }
}
