package import Bytes
package import Dispatching
package import Events

/// Whether a recipient was told in time (`EVENTS.md`, "Told in time").
package enum Verdict: String, CaseIterable, Hashable, Sendable {
  case onTime = "on-time"
  case late
  case never
  /// An attempt may have arrived, and nothing proves it.
  case unprovable
  /// The deadline is still to come.
  case open
}

/// What shows that a user was told.
package struct Proof: Hashable, Sendable {
  /// When, at the latest.
  package let at: Instant
  /// The event that says so.
  package let event: EventID
  package let evidence: EvidenceStrength
  /// Whether `at` is what a clock said that was behind.
  package let isByClock: Bool
}

/// What is known of one recipient of one modification.
package struct Told: Hashable, Sendable {
  package let userID: EntityID
  /// Told by escalation, beside the recipients.
  package let isEscalated: Bool
  package let state: NoticeState
  package let reason: SuppressionReason?
  /// The earliest.
  package let proof: Proof?
  /// `nil` where the notice has no deadline.
  package let verdict: Verdict?
  /// Whole minutes before the deadline, or begun ones after it; `nil` without a proof.
  package let minutes: Int64?
}

/// Collects what verdicts are made of, event after event.
struct Telling {
  struct ModificationKey: Hashable {
    var dispatchID: EntityID
    var number: Int
  }

  private struct Try {
    let moment: Instant
    var proof: Proof?
  }

  private var deadlines: [ModificationKey: Instant] = [:]
  private var tries: [EventID: Try] = [:]
  private var answers: [NoticeKey: Proof] = [:]
  /// Who is told beside the recipients.
  private var escalated: [ModificationKey: Set<EntityID>] = [:]

  /// Takes in an event, before the state does.
  mutating func take(_ event: Event, _ state: MemoryState) {
    switch event.payload {
    case .dispatchRequested(let request):
      guard state.dispatch(request.dispatchID) == nil else { return }
      set(request.dispatchID, 1, request.start.instant, request.programID, state)
    case .dispatchModified(let change):
      guard let dispatch = state.dispatch(change.dispatchID) else { return }
      set(
        dispatch.id, dispatch.modification + 1, change.start.instant, dispatch.request.programID,
        state)
    case .notificationAttempted: tries[event.id] = Try(moment: event.moment)
    case .deliveryRecorded(let result): take(result, event)
    case .acknowledgementRecorded(let answer):
      let key = NoticeKey(
        dispatchID: answer.dispatchID, modification: answer.modification, userID: answer.userID)
      answers[key] = Proof.earlier(answers[key], Proof(answer, event))
    case .dispatchRejected, .dispatchScheduled, .dispatchTriggered, .dispatchMissed,
      .dispatchCancelled, .dispatchEnded, .recipientsResolved, .notificationSuppressed,
      .notificationDeferred, .deliveryUnknown, .deliverySettled:
      break
    case .notificationEscalated(let step):
      let key = ModificationKey(dispatchID: step.dispatchID, number: step.modification)
      for user in step.userIDs {
        let notice = NoticeKey(
          dispatchID: step.dispatchID, modification: step.modification, userID: user)
        if state.notice(notice) == nil { escalated[key, default: []].insert(user) }
      }
    case .programDefined, .programRetired, .marketEventTypeDefined, .marketEventTypeRetired,
      .userGroupDefined, .userGroupRetired, .userDefined, .userEnrolled, .userWithdrawn,
      .userOptedOut, .userOptedIn, .userErased, .templatePublished, .templateWithdrawn,
      .rulePublished, .ruleWithdrawn, .legalHoldPlaced, .legalHoldReleased, .signalObserved:
      break
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued,
      .ledgerCorrectionRecorded, .deliveryUnmatched:
      break
    }
  }

  /// The program's lead time is the one that stood when the modification was recorded.
  private mutating func set(
    _ dispatch: EntityID, _ number: Int, _ start: Instant, _ program: EntityID,
    _ state: MemoryState
  ) {
    guard let leadTime = state.program(program)?.definition.leadTime else { return }
    deadlines[ModificationKey(dispatchID: dispatch, number: number)] =
      noticeDeadline(start: start, leadTime: leadTime)
  }

  private mutating func take(_ result: DeliveryRecorded, _ event: Event) {
    guard let known = tries[result.attempt],
      let proof = Proof(result, event, ofAttemptAt: known.moment)
    else { return }
    tries[result.attempt] = Try(moment: known.moment, proof: Proof.earlier(known.proof, proof))
  }

  /// The deadline of a modification's notices, where they have one.
  func deadline(of dispatch: EntityID, modification: Int) -> Instant? {
    deadlines[ModificationKey(dispatchID: dispatch, number: modification)]
  }

  /// What is known of a notice's user.
  ///
  /// - Parameters:
  ///   - horizon: How far the history reaches.
  ///   - state: After the last event.
  func told(_ notice: Notice, by horizon: Instant, _ state: MemoryState) -> Told {
    var evidence = ToldEvidence(answers[notice.key])
    for attempt in state.attempts(of: notice.key) {
      evidence.take(attempt.standing, tries[attempt.event]?.proof)
    }
    let key = ModificationKey(
      dispatchID: notice.key.dispatchID, number: notice.key.modification)
    let isEscalated = escalated[key]?.contains(notice.key.userID) ?? false
    return evidence.told(
      notice.key.userID, notice.standing, isEscalated: isEscalated, by: deadlines[key],
      horizon: horizon)
  }
}

extension Proof {
  /// What a result shows, where it shows that somebody was told.
  ///
  /// - Parameter moment: When the attempt was recorded.
  init?(_ result: DeliveryRecorded, _ event: Event, ofAttemptAt moment: Instant) {
    guard AttemptFate.reported(result.outcome).isTold, result.evidence >= .acceptedByProvider
    else { return nil }
    if let said = result.occurredAt, moment <= said, said <= event.moment {
      self.init(at: said, event: event.id, evidence: result.evidence, isByClock: false)
    } else {
      self.init(
        at: event.moment, event: event.id, evidence: result.evidence,
        isByClock: event.clock != nil)
    }
  }

  /// What a user's answer shows.
  init(_ answer: AcknowledgementRecorded, _ event: Event) {
    let isEarlier = answer.at <= event.moment
    self.init(
      at: isEarlier ? answer.at : event.moment, event: event.id,
      evidence: answer.opt == nil ? .acknowledged : .answered,
      isByClock: !isEarlier && event.clock != nil)
  }

  /// Of two with the same moment the first.
  static func earlier(_ one: Proof?, _ other: Proof) -> Proof {
    guard let one, one.at <= other.at else { return other }
    return one
  }
}

/// What the answers and attempts of one notice come to.
struct ToldEvidence {
  private var proof: Proof?
  private var mayHaveArrived = false

  init(_ answer: Proof?) { proof = answer }

  /// Takes in an attempt, and the earliest proof that its results gave.
  mutating func take(_ standing: AttemptStanding, _ proof: Proof?) {
    if standing.mayHaveArrived { mayHaveArrived = true }
    if standing.fate.isTold, !standing.isContradicted, let proof {
      self.proof = Proof.earlier(self.proof, proof)
    }
  }

  /// What is known of the user.
  ///
  /// - Parameters:
  ///   - isEscalated: Whether an escalation told the user beside the recipients: no deadline counts.
  ///   - deadline: The modification's, where there is one.
  ///   - horizon: How far the history reaches.
  func told(
    _ user: EntityID, _ standing: NoticeStanding, isEscalated: Bool, by deadline: Instant?,
    horizon: Instant
  ) -> Told {
    let limit = isEscalated ? nil : deadline
    let verdict = limit.map { limit -> Verdict in
      if let proof { return proof.at <= limit ? .onTime : .late }
      switch standing.state {
      case .pending, .attempted, .notified, .unknown: if horizon <= limit { return .open }
      case .failed, .suppressed: break
      }
      return mayHaveArrived ? .unprovable : .never
    }
    return Told(
      userID: user, isEscalated: isEscalated, state: standing.state, reason: standing.reason,
      proof: proof,
      verdict: verdict,
      minutes: limit.flatMap { limit in proof.map { Self.minutes(from: $0.at, to: limit) } })
  }

  /// Whole minutes before the limit, rounded down; or after it, rounded up.
  private static func minutes(from told: Instant, to limit: Instant) -> Int64 {
    let minute: Int64 = 60_000_000
    let span = limit.microseconds - told.microseconds
    return span >= 0 ? span / minute : (-span + minute - 1) / minute
  }
}

extension Event {
  /// When it was recorded, as verdicts take it: what the clock said.
  var moment: Instant { clock ?? time }
}

extension AttemptStanding {
  /// Whether it can't be ruled out that the message arrived.
  fileprivate var mayHaveArrived: Bool {
    if isContradicted { return true }
    return switch fate {
    case .open, .unknown, .settled: true
    case .reported: fate.isTold
    }
  }
}
