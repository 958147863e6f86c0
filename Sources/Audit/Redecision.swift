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
  /// Whether an event is an attempt, be it one that the state doesn't hold.
  let isAttemptElsewhere: (EventID) -> Bool

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
      tzdata: tzdata,
      personalData: PersonalData(
        seal: sealed, open: { _, _, _ in nil },
        sealOrphan: { text in
          guard let detail else { fatalError("invariant broken: nothing is there to seal") }
          return detail
        }, hasKey: { _ in detail != nil }))
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
    case .notificationDeferred(let deferred) where deferred.reason == .quietHours:
      redo(
        NoticeKey(
          dispatchID: deferred.dispatchID, modification: deferred.modification,
          userID: deferred.userID))
    case .notificationDeferred:
      .broken(.unexpected, "no result before it lets the notice be tried again")
    case .deliveryRecorded(let result): redo(result)
    case .deliveryUnmatched(let result): redo(result)
    case .deliveryUnknown(let unknown): redo(unknown)
    case .deliverySettled(let settled): redo(settled)
    case .dispatchModified(let change): redo(change)
    case .acknowledgementRecorded(let answer): redo(answer)
    case .dispatchScheduled:
      .broken(.unexpected, "no request in front of it asks for a time or a condition")
    case .dispatchTriggered(let trigger): redo(trigger)
    case .dispatchMissed(let miss): redo(miss)
    case .templatePublished, .templateWithdrawn, .rulePublished, .ruleWithdrawn, .signalObserved:
      publication
    case .notificationEscalated(let escalated): redo(escalated)
    case .userGroupDefined, .marketEventTypeDefined, .programDefined, .userDefined, .userEnrolled,
      .userWithdrawn, .userOptedOut, .userOptedIn, .programRetired, .marketEventTypeRetired,
      .userGroupRetired, .userErased:
      CatalogueCheck(state: state).outcome(of: event)
    case .legalHoldPlaced(let hold):
      redo { (rules) throws(Rules.Failure) in try rules.decide(HoldRequest(recordedAs: hold)) }
    case .legalHoldReleased(let hold):
      redo { (rules) throws(Rules.Failure) in
        try rules.decide(HoldReleaseRequest(recordedAs: hold))
      }
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
        dispatchID: requested.dispatchID, times: RecordedTimes(requested.start, requested.end))
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
      return redoRequest(rejected, request)
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
    case .modify: return redoModify(rejected)
    }
  }

  private func redo(_ modified: DispatchModified) -> Outcome {
    guard let dispatch = state.dispatch(modified.dispatchID) else {
      return .broken(.dangling, "dispatch \(modified.dispatchID.text) was never requested")
    }
    let moments = [("start", modified.start)] + (modified.end.map { [("end", $0)] } ?? [])
    for (field, moment) in moments where moment != dispatch.start && moment != dispatch.end {
      if let problem = RecordedTimes.problem(of: moment, field) { return .broken(.time, problem) }
    }
    guard let request = ModifyRequest(recordedAs: modified, of: dispatch) else {
      return .broken(.time, "its times are none")
    }
    guard isPrintable(request.reason, limit: DispatchChangeRequest.reasonLimit) else {
      return .broken(.differs, "its reason is none that a command takes")
    }
    return deciding { () throws(Rules.Failure) in
      let decider = self.decider(times: RecordedTimes(modified.start, modified.end))
      return accepted(try decider.decide(request))
    }
  }

  private func redoRequest(_ rejected: DispatchRejected, _ request: DispatchRequest) -> Outcome {
    let hasCaps = state.program(request.programID)?.definition.caps != nil
    // Only a cap depends on where the clocks of the program's zone stood.
    let quarters = !hasCaps ? [] : Array(stride(from: -50_400, through: 50_400, by: 900))
    let usual = deciding { () throws(Rules.Failure) in
      let decider = self.decider(
        dispatchID: rejected.dispatchID, times: RecordedTimes(of: rejected, request))
      return self.rejected(try decider.decide(request))
    }
    return firstFitting(usual, of: rejected, fold: request.fold, quarters) {
      (decider) throws(Rules.Failure) in
      try decider.decide(request)
    }
  }

  private func redoModify(_ rejected: DispatchRejected) -> Outcome {
    guard let request = try? ModifyRequest(FieldReading(rejected.request, at: "")),
      request.dispatchID == rejected.dispatchID
    else { return .broken(.differs, "what it keeps as the command is none") }
    let usual = state.dispatch(rejected.dispatchID)?.start.offsetSeconds ?? 0
    let offsets = [0, 3_600, -3_600, 1_800, -1_800].map { usual + $0 }
    return firstFitting(nil, of: rejected, fold: request.fold, offsets) {
      (decider) throws(Rules.Failure) in
      try decider.decide(request)
    }
  }

  /// What a rejected command's local times were taken to mean isn't kept: it is rejected as it
  /// should be where that follows for one of the offsets that clocks may have had.
  ///
  /// - Parameter usual: What it comes to for the likeliest; the first offset's where it is absent.
  private func firstFitting(
    _ usual: Outcome?, of rejected: DispatchRejected, fold: Fold?, _ offsets: [Int],
    _ decide: (Rules) throws(Rules.Failure) -> Decision
  ) -> Outcome {
    func fits(_ outcome: Outcome) -> Bool {
      guard case .makes(let items) = outcome, case .draft(let draft)? = items.first else {
        return false
      }
      return draft.payload == event.payload
    }
    if let usual, fits(usual) { return usual }
    var first = usual
    for start in offsets {
      // Clocks may be set between start and end.
      for step in [0, 3_600, -3_600] {
        let times = RecordedTimes(of: rejected, fold: fold) { field in
          field == RecordedTimes.end ? start + step : start
        }
        let outcome = deciding { () throws(Rules.Failure) in
          let decider = self.decider(
            dispatchID: rejected.dispatchID, zone: .fixed(offsetSeconds: start), times: times)
          return self.rejected(try decide(decider))
        }
        if fits(outcome) { return outcome }
        first = first ?? outcome
      }
    }
    return first ?? .noRules
  }

  private func redo(_ answer: AcknowledgementRecorded) -> Outcome {
    deciding { () throws(Rules.Failure) in
      accepted(try self.decider().decide(AcknowledgeRequest(recordedAs: answer)))
    }
  }

  /// What a decision that takes nothing but the command comes to; one that changes nothing isn't
  /// recorded.
  private func redo(_ decide: (Rules) throws(Rules.Failure) -> Decision) -> Outcome {
    deciding { () throws(Rules.Failure) in
      let decision = try decide(self.decider())
      if case .accepted(let drafts) = decision, drafts.isEmpty {
        return .broken(.unexpected, "it changes nothing, and what changes nothing isn't recorded")
      }
      return accepted(decision)
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

  func accepted(_ decision: Decision) -> Outcome {
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
}
