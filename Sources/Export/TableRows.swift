import Audit
import Bytes
import Dispatching
import Events

/// Makes the rows that an event has, once all of its dispatch's history is known.
struct TableRows {
  let history: DispatchHistory
  /// How far the history reaches.
  let horizon: Instant
  /// Only rows of this user, where a row is of one.
  let user: EntityID?
  private var row = ExportRow()
  /// Notices that have their row.
  private var listed: Set<NoticeKey> = []

  typealias Taker = (ExportRow, ExportTable) throws(ExportError) -> Void

  init(_ history: DispatchHistory, by horizon: Instant, user: EntityID?) {
    self.history = history
    self.horizon = horizon
    self.user = user
  }

  /// Whether events of the payload have rows.
  static func hasRows(_ payload: EventPayload) -> Bool {
    switch payload {
    case .dispatchRequested, .dispatchModified, .dispatchCancelled, .dispatchEnded,
      .dispatchRejected, .recipientsResolved, .notificationEscalated, .notificationAttempted,
      .deliveryRecorded, .deliveryUnknown, .deliverySettled, .deliveryUnmatched,
      .acknowledgementRecorded:
      true
    case .dispatchScheduled, .dispatchTriggered, .dispatchMissed, .notificationSuppressed,
      .notificationDeferred:
      false
    case .programDefined, .programRetired, .marketEventTypeDefined, .marketEventTypeRetired,
      .userGroupDefined, .userGroupRetired, .userDefined, .userEnrolled, .userWithdrawn,
      .userOptedOut, .userOptedIn, .userErased, .templatePublished, .templateWithdrawn,
      .rulePublished, .ruleWithdrawn, .legalHoldPlaced, .legalHoldReleased, .signalObserved:
      false
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued,
      .ledgerCorrectionRecorded:
      false
    }
  }

  /// Hands over the rows of an event, in their order.
  mutating func make(of event: Event, _ take: Taker) throws(ExportError) {
    switch event.payload {
    case .dispatchRequested(let request):
      try makeDispatch(
        event, request.dispatchID, request.modification, "requested", request.isLate, nil, take)
    case .dispatchModified(let change):
      try makeDispatch(
        event, change.dispatchID, change.modification, "modified", change.isLate, change.reason,
        take)
    case .dispatchCancelled(let change):
      try makeDispatch(
        event, change.dispatchID, change.modification, "cancelled", change.isLate, change.reason,
        take)
    case .dispatchEnded(let change):
      try makeDispatch(
        event, change.dispatchID, change.modification, "ended", nil, change.reason, take)
    case .dispatchRejected(let rejected): try make(rejected, event, take)
    case .recipientsResolved(let chunk): try make(chunk, event, take)
    case .notificationEscalated(let step): try make(step, event, take)
    case .notificationAttempted(let attempt): try make(attempt, event, take)
    default: try makeResult(event, take)
    }
  }

  private mutating func begin(_ event: Event) {
    row.begin()
    row.add(event.id)
    row.add(event.time)
  }

  // MARK: - Dispatches

  private mutating func makeDispatch(
    _ event: Event, _ id: EntityID, _ number: Int, _ type: String, _ isLate: Bool?,
    _ reason: String?, _ take: Taker
  ) throws(ExportError) {
    let dispatch = history.state.dispatch(id)
    let place = dispatch?.modifications.firstIndex { $0.event == event.id }
    let times = place.flatMap { dispatch?.times(after: $0 + 1) }
    let sums = history.sums(of: id, modification: number)
    begin(event)
    row.add(event.actor)
    row.add(id.text)
    row.add(number)
    row.add(type)
    row.add(place.flatMap { dispatch?.noticeKind(of: $0 + 1)?.rawValue })
    row.add(dispatch?.request.programID.text)
    row.add(dispatch?.request.eventTypeID.text)
    row.add(times?.start.instant)
    row.add(times?.start.zone.text)
    row.add(times?.start.offsetSeconds)
    row.add(times?.end?.instant)
    row.add(dispatch?.request.isTest)
    row.add(isLate)
    row.add(history.deadline(of: id, modification: number))
    row.add(reason)
    row.add(sums?.recipients)
    row.add(sums?.exclusions)
    try take(row, .dispatches)
  }

  private mutating func make(
    _ rejected: DispatchRejected, _ event: Event, _ take: Taker
  ) throws(ExportError) {
    for (index, reason) in rejected.reasons.enumerated() {
      begin(event)
      row.add(event.actor)
      row.add(rejected.dispatchID.text)
      row.add(rejected.command.rawValue)
      row.add(index + 1)
      row.add(reason.code.text)
      row.add(reason.field)
      row.add(reason.message)
      try take(row, .rejections)
    }
  }

  // MARK: - Recipients

  /// By user, recipients and excluded ones together: so they ascend over all chunks.
  private mutating func make(
    _ chunk: RecipientsResolved, _ event: Event, _ take: Taker
  ) throws(ExportError) {
    let isTest = history.state.dispatch(chunk.dispatchID)?.request.isTest
    var exclusions = chunk.exclusions[...]
    func isWanted(_ id: EntityID) -> Bool { user == nil || user == id }
    for recipient in chunk.recipients {
      while let exclusion = exclusions.first, exclusion.userID < recipient.userID {
        exclusions.removeFirst()
        if isWanted(exclusion.userID) { try make(exclusion, chunk, event, isTest, take) }
      }
      guard isWanted(recipient.userID) else { continue }
      let key = NoticeKey(
        dispatchID: chunk.dispatchID, modification: chunk.modification, userID: recipient.userID)
      try make(key, recipient.channels.map(\.channel), event, isTest, take)
    }
    for exclusion in exclusions where isWanted(exclusion.userID) {
      try make(exclusion, chunk, event, isTest, take)
    }
  }

  private mutating func make(
    _ exclusion: Exclusion, _ chunk: RecipientsResolved, _ event: Event, _ isTest: Bool?,
    _ take: Taker
  ) throws(ExportError) {
    begin(event)
    row.add(chunk.dispatchID.text)
    row.add(chunk.modification)
    row.add(exclusion.userID.text)
    row.add(false)
    row.add(exclusion.reason.rawValue)
    row.add(exclusion.detail)
    for _ in 0..<4 { row.add(nil as String?) }
    row.add(nil as Int?)
    row.add(nil as String?)
    row.add(nil as Int?)
    row.add(nil as Instant?)
    row.add(nil as Int?)
    row.add(nil as Int?)
    row.add(isTest)
    try take(row, .recipients)
  }

  private mutating func make(
    _ key: NoticeKey, _ channels: [ChannelCode], _ event: Event, _ isTest: Bool?, _ take: Taker
  ) throws(ExportError) {
    listed.insert(key)
    let notice = history.state.notice(key)
    let told = notice.map { history.told($0, by: horizon) }
    begin(event)
    row.add(key.dispatchID.text)
    row.add(key.modification)
    row.add(key.userID.text)
    row.add(true)
    row.add(nil as String?)
    row.add(nil as String?)
    row.add(words: channels.lazy.map(\.text))
    row.add(told?.state.rawValue)
    row.add(told?.reason?.rawValue)
    row.add(notice?.standing.channel?.text)
    row.add(notice?.standing.attempts)
    row.add(told?.verdict?.rawValue)
    row.add(told?.minutes)
    row.add(told?.proof?.at)
    row.add(told?.proof?.event)
    row.add(told?.proof?.evidence.rawValue)
    row.add(isTest)
    try take(row, .recipients)
  }

  /// Whom an escalation tells beside the recipients.
  private mutating func make(
    _ step: NotificationEscalated, _ event: Event, _ take: Taker
  ) throws(ExportError) {
    let isTest = history.state.dispatch(step.dispatchID)?.request.isTest
    for id in step.userIDs where user == nil || user == id {
      let key = NoticeKey(
        dispatchID: step.dispatchID, modification: step.modification, userID: id)
      guard !listed.contains(key), let notice = history.state.notice(key) else { continue }
      try make(key, notice.channels, event, isTest, take)
    }
  }

  // MARK: - Attempts and results

  private mutating func make(
    _ attempt: NotificationAttempted, _ event: Event, _ take: Taker
  ) throws(ExportError) {
    let standing = history.state.attempt(event.id)?.standing ?? AttemptStanding()
    begin(event)
    row.add(attempt.dispatchID.text)
    row.add(attempt.modification)
    row.add(attempt.userID.text)
    row.add(attempt.channel.text)
    row.add(attempt.number)
    row.add(attempt.kind.rawValue)
    row.add(attempt.isLate)
    row.add(attempt.isTest)
    row.add(attempt.address)
    row.add(attempt.template.text)
    row.add(attempt.channelKind.text)
    row.add(attempt.channelHost)
    row.add(standing.fate.rawValue)
    row.add(standing.evidence.rawValue)
    try take(row, .attempts)
  }

  /// What the columns of a result say that aren't of the same origin in all of them.
  private struct Result {
    let type: String
    var dispatch: EntityID?
    var attempt: EventID?
    var modification: Int?
    var user: EntityID?
    var outcome: String?
    var evidence: EvidenceStrength?
    var providerID: String?
    var code: String?
    var isRetryable: Bool?
    var occurredAt: Instant?
    var detail: String?
  }

  private func result(_ payload: EventPayload) -> Result? {
    switch payload {
    case .deliveryRecorded(let said):
      return Result(
        type: "recorded", dispatch: said.dispatchID, attempt: said.attempt,
        outcome: said.outcome.rawValue, evidence: said.evidence, providerID: said.providerID,
        code: said.code, isRetryable: said.isRetryable, occurredAt: said.occurredAt)
    case .deliveryUnmatched(let said):
      return Result(
        type: "unmatched", attempt: said.attempt, outcome: said.outcome.rawValue,
        evidence: said.evidence, providerID: said.providerID, code: said.code,
        isRetryable: said.isRetryable, occurredAt: said.occurredAt)
    case .deliveryUnknown(let lost):
      return Result(
        type: "unknown", dispatch: lost.dispatchID, attempt: lost.attempt,
        detail: lost.reason.rawValue)
    case .deliverySettled(let settled):
      return Result(
        type: "settled", dispatch: settled.dispatchID, attempt: settled.attempt,
        outcome: settled.decision.rawValue, detail: settled.reason)
    case .acknowledgementRecorded(let answer):
      let marks = answer.marks.map(\.rawValue).joined(separator: " ")
      return Result(
        type: "acknowledged", dispatch: answer.dispatchID, modification: answer.modification,
        user: answer.userID, outcome: answer.opt?.rawValue,
        evidence: answer.opt == nil ? .acknowledged : .answered, occurredAt: answer.at,
        detail: marks.isEmpty ? nil : marks)
    default: return nil
    }
  }

  private mutating func makeResult(_ event: Event, _ take: Taker) throws(ExportError) {
    guard var result = result(event.payload) else { return }
    if let id = result.attempt, let attempt = history.state.attempt(id),
      attempt.notice.dispatchID == result.dispatch
    {
      result.modification = attempt.notice.modification
      result.user = attempt.notice.userID
    }
    begin(event)
    row.add(result.type)
    row.add(result.dispatch?.text)
    row.add(result.attempt)
    row.add(result.modification)
    row.add(result.user?.text)
    row.add(result.outcome)
    row.add(result.evidence?.rawValue)
    row.add(result.providerID)
    row.add(result.code)
    row.add(result.isRetryable)
    row.add(result.occurredAt)
    row.add(result.detail)
    try take(row, .results)
  }
}
