import Bytes
import Dispatching
import Events

/// What the rules make of a recorded command or fact, on the state before its event.
struct Redecision {
  /// One event that a decision makes.
  enum Item {
    case draft(EventDraft)
    /// What an attempt takes from outside of history is taken from its event.
    case attempt(PlannedAttempt)
  }

  enum Outcome {
    /// The decision makes these, the event in question among them.
    case makes([Item])
    case broken(Finding.Kind, String)
    /// Nothing is wrong with it, and nothing follows from it.
    case sound
    /// This program has no rules for events of the type.
    case noRules
  }

  let state: MemoryState
  let event: Event
  /// What clocks show that a condition or a limit a day reads: no event stores it.
  let zones: TodaysZones

  typealias Rules = Decider<MemoryState>

  /// - Parameter zone: What the only zone that is asked for is taken to be.
  func decider(
    dispatchID: EntityID? = nil, zone: ZoneRules = .utc, tzdata: String = "",
    detail: SealedText? = nil, times: RecordedTimes? = nil
  ) -> Rules {
    guard let dispatchID = dispatchID ?? EntityID("none") else {
      fatalError("invariant broken: a word is no id")
    }
    func sealed(_ text: String, _ user: EntityID, _ field: PersonalField) -> SealedText {
      guard let detail else { fatalError("invariant broken: nothing is there to seal") }
      return detail
    }
    var context = DecisionContext(
      now: event.time, nextID: event.id, dispatchID: dispatchID, zone: { _ in zone },
      tzdata: tzdata, personalData: PersonalData(seal: sealed, open: { _, _, _ in nil }))
    if let times { context.recordedMeaning = times.meaning }
    return Rules(state: state, context: context)
  }

  /// What the rules make of the event.
  var outcome: Outcome {
    switch event.payload {
    case .dispatchRequested(let request): redo(request)
    case .dispatchRejected(let rejected): redo(rejected)
    case .dispatchEnded(let change): redo(change)
    case .dispatchCancelled(let change): redo(change)
    case .recipientsResolved:
      .broken(.unexpected, "nothing that was decided before asks for this resolution")
    case .notificationAttempted(let attempt):
      redo(
        NoticeKey(
          dispatchID: attempt.dispatchID, modification: attempt.modification,
          userID: attempt.userID))
    case .notificationSuppressed(let suppressed):
      redo(
        NoticeKey(
          dispatchID: suppressed.dispatchID, modification: suppressed.modification,
          userID: suppressed.userID))
    case .notificationDeferred:
      .broken(.unexpected, "no result before it lets the notice be tried again")
    case .deliveryRecorded(let result): redo(result)
    case .deliveryUnknown(let unknown): redo(unknown)
    case .deliverySettled(let settled): check(settled)
    case .dispatchScheduled:
      .broken(.unexpected, "no request in front of it asks for a time or a condition")
    case .dispatchTriggered(let trigger): redo(trigger)
    case .dispatchMissed(let miss): redo(miss)
    case .templatePublished, .templateWithdrawn, .rulePublished, .ruleWithdrawn, .signalObserved:
      publication
    case .dispatchModified, .notificationEscalated, .acknowledgementRecorded:
      .noRules
    case .userGroupDefined, .marketEventTypeDefined, .programDefined, .userDefined, .userEnrolled,
      .userWithdrawn, .userOptedOut, .userOptedIn:
      CatalogueCheck(state: state).outcome(of: event)
    case .programRetired, .marketEventTypeRetired, .userGroupRetired, .userErased,
      .legalHoldPlaced, .legalHoldReleased:
      .noRules
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued,
      .ledgerCorrectionRecorded:
      .sound
    }
  }

  // MARK: - Commands

  private func redo(_ requested: DispatchRequested) -> Outcome {
    if state.dispatch(requested.dispatchID) != nil {
      return .broken(.unexpected, "the dispatch was requested before")
    }
    let moments = [("start", requested.start)] + (requested.end.map { [("end", $0)] } ?? [])
    for (field, moment) in moments {
      if let problem = RecordedTimes.problem(of: moment, field) { return .broken(.time, problem) }
    }
    guard let request = DispatchRequest(recordedAs: requested) else {
      return .broken(.time, "its times are none")
    }
    return deciding { () throws(Rules.Failure) in
      let decider = self.decider(
        dispatchID: requested.dispatchID, times: RecordedTimes(of: requested))
      return accepted(try decider.decide(request))
    }
  }

  private func redo(_ rejected: DispatchRejected) -> Outcome {
    switch rejected.command {
    case .request:
      if state.dispatch(rejected.dispatchID) != nil {
        return .broken(.unexpected, "the dispatch was requested before")
      }
      guard let request = try? DispatchRequest(rejected.request) else {
        return .broken(.differs, "what it keeps as the request is none")
      }
      // Which zones there were isn't stored, but for those that a moment names.
      if rejected.reasons.contains(where: { $0.code == RejectionCode.unknownTimeZone.word }) {
        return .noRules
      }
      return deciding { () throws(Rules.Failure) in
        let decider = self.decider(
          dispatchID: rejected.dispatchID, times: RecordedTimes(of: rejected, request))
        return self.rejected(try decider.decide(request))
      }
    case .end, .cancel:
      guard case .string(let text)? = rejected.request["dispatch_id"],
        let id = EntityID(text), id == rejected.dispatchID,
        case .string(let reason)? = rejected.request["reason"],
        let change = try? DispatchChangeRequest(dispatchID: id, reason: reason)
      else { return .broken(.differs, "what it keeps as the command is none") }
      return deciding { () throws(Rules.Failure) in
        let decider = self.decider()
        return self.rejected(
          rejected.command == .end
            ? try decider.decideEnd(change) : try decider.decideCancel(change))
      }
    case .modify: return .noRules
    }
  }

  private func redo(_ ended: DispatchEnded) -> Outcome {
    redo(ended.dispatchID, ended.reason) { change throws(Rules.Failure) in
      let clocks = ZoneRules.fixed(offsetSeconds: ended.end.offsetSeconds)
      return try self.decider(zone: clocks, tzdata: ended.end.tzdata).decideEnd(change)
    }
  }

  private func redo(_ cancelled: DispatchCancelled) -> Outcome {
    redo(cancelled.dispatchID, cancelled.reason) { change throws(Rules.Failure) in
      try self.decider().decideCancel(change)
    }
  }

  private func redo(
    _ dispatch: EntityID, _ reason: String,
    by decide: (DispatchChangeRequest) throws(Rules.Failure) -> Decision
  ) -> Outcome {
    guard let change = try? DispatchChangeRequest(dispatchID: dispatch, reason: reason) else {
      return .broken(.differs, "its reason is none that a command takes")
    }
    return deciding { () throws(Rules.Failure) in accepted(try decide(change)) }
  }

  private func accepted(_ decision: Decision) -> Outcome {
    switch decision {
    case .accepted(let drafts): return .makes(drafts.map { .draft($0) })
    case .rejected(let rejection):
      let reasons = rejection.reasons.map(\.message).joined(separator: "; ")
      return rejection.kind == .notFound
        ? .broken(.dangling, reasons) : .broken(.shouldBeRejected, reasons)
    }
  }

  private func rejected(_ decision: Decision) -> Outcome {
    switch decision {
    case .accepted: return .broken(.shouldBeAccepted, "what was asked for breaks no rule")
    case .rejected(let rejection):
      if rejection.drafts.isEmpty {
        return .broken(.dangling, rejection.reasons.map(\.message).joined(separator: "; "))
      }
      return .makes(rejection.drafts.map { .draft($0) })
    }
  }

  func deciding(_ decide: () throws(Rules.Failure) -> Outcome) -> Outcome {
    do { return try decide() } catch {
      switch error {
      case .zoneUnavailable(let zone):
        return .broken(.dangling, "zone \(zone.text) was asked for, and nothing tells of it")
      case .unknownAttempt(let id): return .broken(.noAttempt, "event \(id) is no attempt")
      case .undefined(let subject):
        return .broken(.dangling, "\(subject.text) isn't there to decide from")
      }
    }
  }

  // MARK: - Notices and what came of them

  private func redo(_ key: NoticeKey) -> Outcome {
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
    return deciding { () throws(Rules.Failure) in
      let plan = try decider().plan(notice)
      return .makes(plan.suppressions.map { .draft($0) } + plan.attempts.map { .attempt($0) })
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
    guard let attempt = state.attempt(id) else {
      return (nil, .broken(.noAttempt, "event \(id) is no attempt that came before it"))
    }
    guard attempt.notice.dispatchID == dispatch else {
      return (nil, .broken(.noAttempt, "event \(id) is an attempt of another dispatch"))
    }
    return (attempt, .sound)
  }

  private func redo(_ result: DeliveryRecorded) -> Outcome {
    let found = attempt(result.attempt, of: result.dispatchID)
    guard found.attempt != nil else { return found.problem }
    let report = ChannelReport(
      outcome: result.outcome, evidence: result.evidence, providerID: result.providerID,
      code: result.code, isRetryable: result.isRetryable, occurredAt: result.occurredAt,
      detail: result.detail?.text)
    return record(.reported(report), of: result.attempt, detail: result.detail)
  }

  private func redo(_ unknown: DeliveryUnknown) -> Outcome {
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
  private func check(_ settled: DeliverySettled) -> Outcome {
    let found = attempt(settled.attempt, of: settled.dispatchID)
    guard let attempt = found.attempt else { return found.problem }
    guard attempt.standing.fate == .unknown else {
      return .broken(
        .unexpected,
        "the attempt's outcome isn't unknown: \(attempt.standing.fate.rawValue)")
    }
    return .sound
  }
}

/// What an import may say of the catalogue: its document isn't kept, so each event is checked by
/// itself.
private struct CatalogueCheck {
  let state: MemoryState

  func outcome(of event: Event) -> Redecision.Outcome {
    switch event.payload {
    case .userGroupDefined(let group): return changes(state.userGroup(group.id), to: group)
    case .marketEventTypeDefined(let type):
      return missing(groups: type.userGroupIDs) ?? changes(state.marketEventType(type.id), to: type)
    case .programDefined(let program):
      for id in program.eventTypeIDs ?? [] where !stands(state.marketEventType(id)) {
        return .broken(.dangling, "market event type \(id.text) isn't there")
      }
      return changes(state.program(program.id), to: program)
    case .userDefined(let user):
      let known = state.user(user.id)
      if known?.erased != nil { return erased(user.id) }
      if known?.definition == user { return Self.unchanged }
      return missing(groups: user.userGroupIDs) ?? .sound
    case .userEnrolled(let change):
      return check(change.userID) ?? missing(program: change.programID) ?? .sound
    case .userWithdrawn(let change): return check(change.userID) ?? .sound
    case .userOptedOut(let change):
      return check(change.userID) ?? change.programID.flatMap(missing(program:)) ?? .sound
    case .userOptedIn(let change): return check(change.userID) ?? .sound
    default: return .noRules
    }
  }

  private static let unchanged = Redecision.Outcome.broken(
    .unexpected, "it changes nothing, and what changes nothing isn't recorded")

  private func changes<Definition>(
    _ known: Defined<Definition>?, to definition: Definition
  ) -> Redecision.Outcome {
    known?.retired == nil && known?.definition == definition ? Self.unchanged : .sound
  }

  private func stands<Definition>(_ known: Defined<Definition>?) -> Bool {
    known.map { $0.retired == nil } ?? false
  }

  private func missing(groups: SortedSet<EntityID>) -> Redecision.Outcome? {
    groups.first { !stands(state.userGroup($0)) }.map {
      .broken(.dangling, "user group \($0.text) isn't there")
    }
  }

  private func missing(program: EntityID) -> Redecision.Outcome? {
    stands(state.program(program))
      ? nil : .broken(.dangling, "program \(program.text) isn't there")
  }

  private func check(_ user: EntityID) -> Redecision.Outcome? {
    guard let known = state.user(user) else {
      return .broken(.dangling, "user \(user.text) isn't there")
    }
    return known.erased == nil ? nil : erased(user)
  }

  private func erased(_ user: EntityID) -> Redecision.Outcome {
    .broken(.unexpected, "user \(user.text) was erased, and the id can't be used again")
  }
}
