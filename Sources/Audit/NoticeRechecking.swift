import Bytes
import Dispatching
import Events

/// Notices and what came of them.
extension Redecision {
  func redo(_ key: NoticeKey) -> Outcome {
    guard let notice = state.notice(key) else {
      return .broken(
        .noRecipient,
        "user \(key.userID.text) isn't a recipient of modification \(key.modification)")
    }
    guard notice.standing.state == .pending else {
      return .broken(.unexpected, "the notice is \(notice.standing.state.rawValue), not pending")
    }
    guard let due = notice.standing.dueAt else {
      return .broken(.order, "the resolution isn't complete, so nothing of it is due")
    }
    if due > event.time { return .broken(.unexpected, "the notice is due only at \(due.text)") }
    // Whether quiet hours are on is asked of today's zone database: no event stores it.
    return clocked { () throws(Rules.Failure) in
      let plan = try watching(from: event.id).plan(notice)
      return .makes(plan.heldBack.map { .draft($0) } + plan.attempts.map { .attempt($0) })
    }
  }

  func redo(_ escalated: NotificationEscalated) -> Outcome {
    guard state.dispatch(escalated.dispatchID) != nil else {
      return .broken(.dangling, "dispatch \(escalated.dispatchID.text) was never requested")
    }
    return deciding { () throws(Rules.Failure) in
      let drafts = try decider().decideEscalation(of: escalated.dispatchID)
      guard !drafts.isEmpty else {
        return .broken(.unexpected, "answers weren't overdue then, or enough had come")
      }
      return .makes(drafts.map { .draft($0) })
    }
  }

  /// The event that a planned attempt becomes, with what `attempted` took from outside.
  func draft(of planned: PlannedAttempt, as attempted: NotificationAttempted) -> EventDraft {
    let identity = ChannelIdentity(
      kind: attempted.channelKind, host: attempted.channelHost,
      settings: attempted.channelSettings)
    return decider().attempted(planned, through: identity, textHMAC: attempted.textHMAC)
  }

  /// The attempt of this dispatch that an event names, or what is wrong.
  private func attempt(
    _ id: EventID, of dispatch: EntityID
  ) -> (attempt: Attempt?, problem: Outcome) {
    let attempt = state.attempt(id)
    if let attempt, attempt.notice.dispatchID == dispatch { return (attempt, .sound) }
    let isAnother = attempt != nil || id < event.id && isAttemptElsewhere(id)
    return (
      nil,
      .broken(
        .noAttempt,
        isAnother
          ? "event \(id) is an attempt of another dispatch"
          : "event \(id) is no attempt that came before it")
    )
  }

  func redo(_ result: DeliveryRecorded) -> Outcome {
    let found = attempt(result.attempt, of: result.dispatchID)
    guard found.attempt != nil else { return found.problem }
    if result.unmatched != nil {
      return .broken(.unexpected, "no result before it names the provider's id first")
    }
    let report = ChannelReport(
      outcome: result.outcome, evidence: result.evidence, providerID: result.providerID,
      code: result.code, isRetryable: result.isRetryable, retryAfter: result.retryAfter,
      occurredAt: result.occurredAt,
      detail: result.detail?.text)
    return record(.reported(report), of: result.attempt, detail: result.detail)
  }

  func redo(_ result: DeliveryUnmatched) -> Outcome {
    deciding { () throws(Rules.Failure) in
      accepted(try self.decider(detail: result.detail).decide(ResultReport(recordedAs: result)))
    }
  }

  func redo(_ unknown: DeliveryUnknown) -> Outcome {
    let found = attempt(unknown.attempt, of: unknown.dispatchID)
    guard let attempt = found.attempt else { return found.problem }
    if unknown.reason == .crash, attempt.standing.fate != .open {
      return .broken(.unexpected, "the attempt isn't open: \(attempt.standing.fate.rawValue)")
    }
    return record(.unknown(unknown.reason), of: unknown.attempt)
  }

  private func record(
    _ outcome: AttemptOutcome, of attempt: EventID, detail: SealedText? = nil
  ) -> Outcome {
    deciding { () throws(Rules.Failure) in
      .makes(try decider(detail: detail).record(outcome, of: attempt).map { .draft($0) })
    }
  }

  /// A settlement that doesn't follow from the loss at once is somebody's own decision.
  func redo(_ settled: DeliverySettled) -> Outcome {
    let found = attempt(settled.attempt, of: settled.dispatchID)
    guard let attempt = found.attempt else { return found.problem }
    guard attempt.standing.fate == .unknown else {
      return .broken(
        .unexpected,
        "the attempt's outcome isn't unknown: \(attempt.standing.fate.rawValue)")
    }
    return deciding { () throws(Rules.Failure) in
      accepted(try self.decider().decide(SettleRequest(recordedAs: settled)))
    }
  }
}
