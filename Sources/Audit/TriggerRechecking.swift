import Bytes
import Dispatching
import Events

extension Redecision {
  /// A decider that knows the zones whose clocks conditions read.
  func watching(
    from first: EventID, dispatchID: EntityID? = nil, times: RecordedTimes? = nil
  ) -> Rules {
    let zones = zones
    var context = decider(dispatchID: dispatchID, times: times).context
    context.nextID = first
    context.zone = { zones.rules(of: $0) }
    return Rules(state: state, context: context)
  }

  /// What waits under the event's dispatch or rule, as it stood when the event was recorded.
  private func watched(
    _ dispatch: EntityID, _ rule: EventID?
  ) throws(Rules.Failure) -> WatchedDispatch? {
    let decider = watching(from: event.id)
    guard let rule else {
      return try state.schedule(of: dispatch).flatMap { schedule throws(Rules.Failure) in
        schedule.fate == nil ? try decider.watch(schedule) : nil
      }
    }
    guard let standing = state.rules().first(where: { $0.version == rule }),
      standing.withdrawn == nil
    else { return nil }
    return try decider.watch(standing)
  }

  func redo(_ trigger: DispatchTriggered) -> Outcome {
    redo(trigger.dispatchID, trigger.rule) { $0.standing == .fires }
  }

  func redo(_ miss: DispatchMissed) -> Outcome {
    redo(miss.dispatchID, miss.rule) { _ in true }
  }

  private func redo(
    _ dispatch: EntityID, _ rule: EventID?, _ fits: (WatchedDispatch) -> Bool
  ) -> Outcome {
    clocked { () throws(Rules.Failure) in
      guard let watched = try watched(dispatch, rule), watched.isDue else {
        return .broken(.unexpected, "nothing that waits was due then")
      }
      if watched.dispatchID == nil, watched.standing == .fires {
        return .broken(.unexpected, "no request of the rule stands in front of it")
      }
      guard fits(watched) else {
        return .broken(.unexpected, "it is late by more than its grace, or has ended")
      }
      let decider = watching(from: event.id, dispatchID: dispatch)
      return .makes(try decider.decide(watched, from: event.id).map { .draft($0) })
    }
  }

  /// What a rule's firing makes beside the request in front of it: the trigger, or the miss where
  /// the request was rejected; and whether the request is the rule's.
  func redoBeside(_ request: DispatchRequested?, _ rule: EventID, _ dispatch: EntityID) -> Outcome {
    clocked { () throws(Rules.Failure) in
      guard let watched = try watched(dispatch, rule), watched.standing == .fires,
        watched.dispatchID == nil
      else { return .broken(.unexpected, "the rule doesn't fire then") }
      let first = event.id - 1
      let decider = watching(
        from: first, dispatchID: dispatch, times: request.map { RecordedTimes($0.start, $0.end) })
      let drafts = try decider.decide(watched, from: first)
      guard drafts.count > 1, drafts[1].type == event.type else {
        return .broken(.unexpected, "the rule's request comes to something else")
      }
      if let request, drafts[0].payload != .dispatchRequested(request) {
        return .broken(.unexpected, "the request in front of it isn't the rule's")
      }
      return .makes([.draft(drafts[1])])
    }
  }

  /// The decision of a request that waits: what it makes beside the request itself.
  func redoWaiting(_ scheduled: DispatchScheduled) -> Outcome {
    guard let requested = state.dispatch(scheduled.dispatchID)?.request,
      let request = DispatchRequest(recordedAs: requested)?.waiting(recordedAs: scheduled)
    else { return .broken(.differs, "what it waits for is no time and no condition") }
    if let moment = scheduled.executeAt,
      let problem = RecordedTimes.problem(of: moment, "execute_at")
    {
      return .broken(.time, problem)
    }
    return deciding { () throws(Rules.Failure) in
      let decider = self.decider(
        dispatchID: requested.dispatchID,
        times: RecordedTimes(requested.start, requested.end, waiting: scheduled))
      switch try decider.decide(request) {
      case .rejected(let rejection):
        return .broken(
          .shouldBeRejected, rejection.reasons.map(\.message).joined(separator: "; "))
      case .accepted(let drafts): return .makes(drafts.dropFirst().map { .draft($0) })
      }
    }
  }

  /// What depends on clocks that nobody here knows can't be decided again.
  func clocked(_ decide: () throws(Rules.Failure) -> Outcome) -> Outcome {
    deciding { () throws(Rules.Failure) in
      do throws(Rules.Failure) { return try decide() } catch {
        switch error {
        case .zoneUnavailable: return .noRules
        case .state, .unknownAttempt, .undefined: throw error
        }
      }
    }
  }

  /// Modifications that should have been escalated before their dispatch began, and weren't, where the
  /// program's policy is the one that stood at their first attempt.
  ///
  /// One that was due within the last minute isn't held against anybody.
  var unescalated: [(start: Instant, call: SilentCall, message: String)] {
    guard let epoch = Instant(microseconds: 0) else { return [] }
    return state.silentCalls(startingAfter: epoch).compactMap { call in
      guard let dispatch = state.dispatch(call.dispatchID),
        let program = state.program(dispatch.request.programID), program.version < call.attempt,
        let policy = program.definition.escalation
      else { return nil }
      let start = dispatch.start.instant
      let until = call.since.adding(seconds: policy.within.seconds)
      let answers = state.answerCount(
        of: call.dispatchID, modification: call.modification, limit: policy.acknowledgements)
      guard start <= event.time, until.adding(seconds: 60) <= start,
        answers < policy.acknowledgements
      else { return nil }
      return (
        start, call,
        "\(answers) of \(policy.acknowledgements) answers had come at \(until.text), and nobody else "
          + "was told"
      )
    }
  }

  /// Rules and dispatches that should have fired by now, and neither did nor were missed.
  ///
  /// What was overdue when it was recorded, since the clock had been set back or somebody named a time
  /// that was over, nobody can have looked at before: it has its grace from then on.
  var unfired: [(event: EventID, dispatch: EntityID?, message: String)] {
    let decider = watching(from: event.id)
    let watched = (try? decider.watchedDispatches()) ?? []
    return watched.compactMap { one in
      guard case .misses = one.standing, let nominal = one.nominal else { return nil }
      if let recorded = recorded(one), nominal < recorded,
        event.time <= recorded.adding(seconds: one.grace.seconds)
      {
        return nil
      }
      let name =
        switch one.source {
        case .rule(let id, let version): "rule \(id.text)/\(version)"
        case .schedule: "the dispatch"
        }
      return (
        one.event, one.dispatchID,
        "\(name) should have fired at \(nominal.text), and neither fired nor was missed"
      )
    }
  }

  /// When what waits was recorded.
  private func recorded(_ watched: WatchedDispatch) -> Instant? {
    switch watched.source {
    case .rule(let id, _): state.rule(id)?.publishedAt
    case .schedule: watched.dispatchID.flatMap { state.schedule(of: $0)?.recordedAt }
    }
  }

  /// Templates and rules: whether these rules would publish them.
  var publication: Outcome {
    switch event.payload {
    case .templatePublished(let template):
      let known = state.template(template.id)
      if let outcome = next(template.version, known?.definition.version) { return outcome }
      do { _ = try NoticeTemplate(template) } catch { return .broken(.differs, error.text) }
      return missing(template.programID) ?? .sound
    case .templateWithdrawn(let withdrawn):
      return withdraw(state.template(withdrawn.id).map { $0.retired != nil })
    case .rulePublished(let rule):
      if let outcome = next(rule.version, state.rule(rule.id)?.rule.version) { return outcome }
      if let text = rule.condition {
        do { _ = try Condition(parsing: text) } catch { return .broken(.differs, error.text) }
      }
      if let at = rule.at, let problem = RecordedTimes.problem(of: at, "at") {
        return .broken(.time, problem)
      }
      return missing(rule.programID) ?? .sound
    case .ruleWithdrawn(let withdrawn):
      return withdraw(state.rule(withdrawn.id).map { $0.withdrawn != nil })
    default: return .sound
    }
  }

  private func next(_ version: Int, _ known: Int?) -> Outcome? {
    let expected = (known ?? 0) + 1
    return version == expected
      ? nil : .broken(.differs, "its version is \(version), and the next one is \(expected)")
  }

  private func withdraw(_ isWithdrawn: Bool?) -> Outcome {
    switch isWithdrawn {
    case nil: .broken(.dangling, "what it withdraws was never published")
    case true?: .broken(.unexpected, "it was withdrawn before")
    case false?: .sound
    }
  }

  private func missing(_ program: EntityID?) -> Outcome? {
    guard let program else { return nil }
    if let known = state.program(program), known.retired == nil { return nil }
    return .broken(.dangling, "program \(program.text) isn't there")
  }
}
