package import Bytes
package import Events

/// How a channel sends, as an attempt records it.
package struct ChannelIdentity: Hashable, Sendable {
  /// The kind of channel: `console`, `smtp`, …; the list grows.
  package let kind: CodeWord
  /// The host that it sends through.
  package let host: String?
  /// SHA-256 of its settings in canonical form, without secrets.
  package let settings: HexDigest

  package init(kind: CodeWord, host: String? = nil, settings: HexDigest) {
    self.kind = kind
    self.host = host
    self.settings = settings
  }
}

/// What came of sending.
package enum AttemptOutcome: Hashable, Sendable {
  case reported(ChannelReport)
  /// Nobody can know whether it arrived.
  case unknown(UnknownReason)
}

/// What a channel or provider said of an attempt.
package struct ChannelReport: Hashable, Sendable {
  package var outcome: OutcomeClass
  package var evidence: EvidenceStrength
  package var providerID: String?
  /// The provider's own code, raw.
  package var code: String?
  /// Whether the channel holds that another try may help.
  package var isRetryable: Bool?
  /// Before when the provider doesn't want another try.
  package var retryAfter: Instant?
  /// When it happened, as the provider says.
  package var occurredAt: Instant?
  /// The provider's raw text; it may name the user, and is sealed.
  package var detail: String?
  /// The `delivery.unmatched` that said so before.
  package var unmatched: EventID?

  package init(
    outcome: OutcomeClass, evidence: EvidenceStrength, providerID: String? = nil,
    code: String? = nil, isRetryable: Bool? = nil, retryAfter: Instant? = nil,
    occurredAt: Instant? = nil, detail: String? = nil
  ) {
    self.outcome = outcome
    self.evidence = evidence
    self.providerID = providerID
    self.code = code
    self.isRetryable = isRetryable
    self.retryAfter = retryAfter
    self.occurredAt = occurredAt
    self.detail = detail
  }
}

extension ChannelReport {
  /// What an unmatched result said; its raw text stays where it is.
  init(_ result: UnmatchedResult) {
    let said = result.recorded
    self.init(
      outcome: said.outcome, evidence: said.evidence, providerID: said.providerID,
      code: said.code, isRetryable: said.isRetryable, occurredAt: said.occurredAt)
    unmatched = result.event
  }
}

extension Decider {
  /// The event that must be durable before the planned attempt is sent.
  ///
  /// - Parameter textHMAC: HMAC-SHA-256 of ``NoticeText/bytes`` under the user's key.
  package func attempted(
    _ planned: PlannedAttempt, through channel: ChannelIdentity, textHMAC: HexDigest
  ) -> EventDraft {
    draft(
      .notificationAttempted(
        NotificationAttempted(
          dispatchID: planned.key.dispatchID, modification: planned.key.modification,
          userID: planned.key.userID, channel: planned.channel, number: planned.number,
          kind: planned.kind, isLate: planned.isLate, isTest: planned.isTest,
          address: planned.user, quietHours: planned.quietHours, template: planned.template,
          textHMAC: textHMAC, channelKind: channel.kind, channelHost: channel.host,
          channelSettings: channel.settings)),
      about: planned.key.dispatchID, causedBy: planned.cause)
  }

  /// The event in place of a planned attempt whose user's key isn't at hand: the notice is never
  /// sent, and no other waits for it.
  package func suppressedWithoutKey(_ planned: PlannedAttempt) -> EventDraft {
    draft(
      .notificationSuppressed(
        NotificationSuppressed(
          dispatchID: planned.key.dispatchID, modification: planned.key.modification,
          userID: planned.key.userID, kind: planned.kind, reason: .keyMissing)),
      about: planned.key.dispatchID, causedBy: planned.cause)
  }

  /// The events that say what came of an attempt, and what follows from it.
  ///
  /// A failure that may pass is followed by `notification.deferred` while another try can help, as
  /// ``RetrySchedule`` says. Otherwise the notice goes on to the next channel at once.
  package func record(
    _ outcome: AttemptOutcome, of attempt: EventID
  ) throws(Failure) -> [EventDraft] {
    let found = try ask { state throws(State.Failure) in try state.attempt(attempt) }
    guard let found else { throw .unknownAttempt(attempt) }
    switch outcome {
    case .unknown(let reason): return try lose(found, reason)
    case .reported(let report):
      return try take(report, of: found) + takeUnmatched(report.providerID, for: found)
    }
  }

  /// What was said of a message before anybody knew that this attempt had sent it.
  private func takeUnmatched(
    _ providerID: String?, for attempt: Attempt
  ) throws(Failure) -> [EventDraft] {
    guard let providerID else { return [] }
    let earlier = try ask { state throws(State.Failure) in
      try state.unmatchedResults(of: providerID)
    }
    var drafts: [EventDraft] = []
    for result in earlier {
      drafts += try take(ChannelReport(result), of: attempt)
    }
    return drafts
  }

  /// The events for attempts that nothing came back for, to be recorded once by whoever takes over
  /// the delivering: each is unknown, and what follows is the program's policy.
  ///
  /// - Parameter limit: At most so many attempts.
  package func recordLostAttempts(limit: Int) throws(Failure) -> [EventDraft] {
    let open = try ask { state throws(State.Failure) in try state.openAttempts(limit: limit) }
    var drafts: [EventDraft] = []
    for attempt in open { drafts += try lose(attempt, .crash) }
    return drafts
  }

  private func lose(_ attempt: Attempt, _ reason: UnknownReason) throws(Failure) -> [EventDraft] {
    let dispatch = try existing(attempt.notice.dispatchID)
    let program = try program(of: dispatch).definition
    let unknown = draft(
      .deliveryUnknown(
        DeliveryUnknown(attempt: attempt.event, dispatchID: dispatch.id, reason: reason)),
      about: dispatch.id, causedBy: attempt.event)
    switch program.unknownOutcome {
    case .hold: return [unknown]
    // A channel that never answers would be asked for ever.
    case .resend where reason == .timeout && attempt.number >= RetrySchedule.tries: return [unknown]
    case .resend:
      let settled = DeliverySettled(
        attempt: attempt.event, dispatchID: dispatch.id, decision: .resend,
        reason: "program \(program.id.text) sends again what may not have arrived")
      return [
        unknown, draft(.deliverySettled(settled), about: dispatch.id, causedBy: attempt.event),
      ]
    }
  }

  private func take(_ report: ChannelReport, of attempt: Attempt) throws(Failure) -> [EventDraft] {
    let key = attempt.notice
    let fails = !AttemptFate.reported(report.outcome).isTold
    let retry = fails && report.isRetryable == true ? try retryTime(of: attempt, report) : nil
    let detail = try sealed(report.detail, of: key.userID)
    let recorded = DeliveryRecorded(
      attempt: attempt.event, dispatchID: key.dispatchID, outcome: report.outcome,
      evidence: report.evidence, providerID: report.providerID, code: report.code,
      isRetryable: report.isRetryable.map { _ in retry != nil }, retryAfter: report.retryAfter,
      occurredAt: report.occurredAt,
      detail: detail,
      unmatched: report.unmatched)
    var drafts = [
      draft(.deliveryRecorded(recorded), about: key.dispatchID, causedBy: attempt.event)
    ]
    if let retry {
      let deferred = NotificationDeferred(
        dispatchID: key.dispatchID, modification: key.modification, userID: key.userID,
        channel: attempt.channel, kind: attempt.kind, until: retry, reason: .retry,
        after: attempt.event)
      drafts.append(
        draft(.notificationDeferred(deferred), about: key.dispatchID, causedBy: attempt.event))
    }
    return drafts
  }

  /// A provider's raw text under the user's key, or `nil` where that isn't at hand.
  ///
  /// Whoever is erased has no key any more, and nothing may be kept of it that names it.
  private func sealed(_ text: String?, of id: EntityID) throws(Failure) -> SealedText? {
    guard let text else { return nil }
    let user = try ask { state throws(State.Failure) in try state.user(id) }
    guard user?.erased == nil, context.personalData.hasKey(id) else { return nil }
    return context.personalData.seal(text, id, .resultDetail)
  }

  /// Whether another attempt of the notice is on its way or has arrived.
  private func isToldOtherwise(_ attempt: Attempt) throws(Failure) -> Bool {
    let all = try ask { state throws(State.Failure) in try state.attempts(of: attempt.notice) }
    return all.contains { $0.event != attempt.event && $0.standing.fate.isTold }
  }

  /// When to try again on the same channel, or `nil` where that can't help any more.
  ///
  /// The message has to be there at the notice's deadline; once that has passed, at the start.
  private func retryTime(
    of attempt: Attempt, _ report: ChannelReport
  ) throws(Failure) -> Instant? {
    let dispatch = try existing(attempt.notice.dispatchID)
    let notice = try ask { state throws(State.Failure) in try state.notice(attempt.notice) }
    // Only the last attempt moves its notice, and a later modification has taken over the rest.
    // What was taken and then given up on is tried again too, unless the user was told otherwise.
    guard let notice, notice.standing.lastAttempt == attempt.event,
      [.attempted, .unknown, .notified].contains(notice.standing.state),
      notice.standing.evidence < .acknowledged,
      dispatch.modification == attempt.notice.modification, try !isToldOtherwise(attempt)
    else { return nil }
    var horizon: Instant?
    if attempt.kind.hasDeadline {
      let program = try program(of: dispatch).definition
      let start = dispatch.start.instant
      let deadline = noticeDeadline(start: start, leadTime: program.leadTime)
      horizon = context.now < deadline ? deadline : start
    }
    return RetrySchedule.next(
      afterTry: attempt.number, of: attempt.event, at: context.now, until: horizon,
      notBefore: report.retryAfter)
  }
}
