package import Bytes
package import Events

/// A dispatch that waits for a time or a condition, or a rule that makes or executes one: what
/// would come of it now, and why.
package struct WatchedDispatch: Equatable, Sendable {
  package enum Source: Equatable, Sendable {
    /// The rule and its version.
    case rule(EntityID, version: Int)
    /// The request's own `execute_at` or `execute_if`.
    case schedule
  }

  package enum Standing: Equatable, Sendable {
    /// It fires now.
    case fires
    /// It was to fire, and doesn't any more; why.
    case misses(String)
    /// The condition doesn't hold, or not long enough; or the time hasn't come. It is looked at
    /// again at `next` at the latest, where that is known without a new observation.
    case waits(next: Instant?)
    /// Nothing will ever come of this version; why.
    case isDone(String)
  }

  package var source: Source
  /// The `rule.published` or `dispatch.scheduled`.
  package var event: EventID
  /// The dispatch that is executed; absent where each firing makes a new one.
  package var dispatchID: EntityID?
  package var standing: Standing
  /// The time that it fires or should have fired at, where it is due.
  package var nominal: Instant?
  /// How late it may fire.
  package var grace: ISODuration
  /// What the condition comes to, at `nominal` where it is due, else now; absent without one.
  package var result: ComparisonResult?
  /// Each test of the condition, at the same time.
  package var trace: [TraceStep] = []

  /// Whether something is to be recorded of it now.
  package var isDue: Bool {
    switch standing {
    case .fires, .misses: true
    case .waits, .isDone: false
    }
  }

  /// One line for whoever asks what would fire: `rule solar-low/2 fires (2026-…): a <= 1 is true`.
  package var text: String {
    let name =
      switch source {
      case .rule(let id, let version): "rule \(id.text)/\(version)"
      case .schedule: "schedule of dispatch \(dispatchID?.text ?? "")"
      }
    let state =
      switch standing {
      case .fires: "fires"
      case .misses(let reason): "is missed: \(reason)"
      case .waits(let next): "waits" + (next.map { ", at the latest until \($0.text)" } ?? "")
      case .isDone(let reason): "is done: \(reason)"
      }
    let time = nominal.map { " (for \($0.text))" } ?? ""
    let steps = trace.map { step in
      "\(step.comparison) is \(step.result.rawValue)"
        + (step.value.map { " (\($0.text))" } ?? "")
    }
    return "\(name) \(state)\(time)" + (steps.isEmpty ? "" : "; \(steps.joined(separator: ", "))")
  }
}

extension Decider {
  /// The most observations of a signal that a condition is looked at along.
  package static var observationLimit: Int { 100_000 }

  /// All that waits for a time or a condition: schedules in the order of the log, then rules by id;
  /// withdrawn rules and cancelled dispatches left out.
  ///
  /// - Throws: `.zoneUnavailable` where a zone isn't known whose clocks a condition or a limit a day
  ///   reads.
  package func watchedDispatches() throws(Failure) -> [WatchedDispatch] {
    var watched: [WatchedDispatch] = []
    let schedules = try ask { state throws(State.Failure) in try state.waitingSchedules() }
    for schedule in schedules {
      if let one = try watch(schedule) { watched.append(one) }
    }
    let rules = try ask { state throws(State.Failure) in try state.rules() }
    for rule in rules where rule.withdrawn == nil { watched.append(try watch(rule)) }
    return watched
  }

  /// What a dispatch's own schedule comes to now; `nil` where it is cancelled or isn't there.
  package func watch(_ schedule: Schedule) throws(Failure) -> WatchedDispatch? {
    let scheduled = schedule.scheduled
    let id = scheduled.dispatchID
    let dispatch = try ask { state throws(State.Failure) in try state.dispatch(id) }
    guard let dispatch, !dispatch.isCancelled else { return nil }
    var watched = WatchedDispatch(
      source: .schedule, event: schedule.event, dispatchID: id, standing: .waits(next: nil),
      grace: grace(scheduled.grace))
    if let at = scheduled.executeAt {
      wait(until: at.instant, &watched)
    } else if let condition = condition(scheduled.executeIf) {
      try look(
        Watch(condition: condition, start: schedule.recordedAt), &watched)
    } else {
      watched.standing = .isDone("its condition can't be read by this release")
    }
    missIfEnded(dispatch, &watched)
    return watched
  }

  /// What a rule comes to now.
  package func watch(_ standing: StandingRule) throws(Failure) -> WatchedDispatch {
    let rule = standing.rule
    var watched = WatchedDispatch(
      source: .rule(rule.id, version: rule.version), event: standing.version,
      dispatchID: rule.dispatchID, standing: .waits(next: nil), grace: grace(rule.grace))
    let firings = try ask { state throws(State.Failure) in try state.firings(of: rule.id) }
    let last = firings.last { $0.version == standing.version }
    if last != nil, rule.at != nil || rule.dispatchID != nil {
      watched.standing = .isDone("it has fired or was missed, once")
      return watched
    }
    var executes: Dispatch?
    guard rule.dispatchID != nil || RuleRequest(of: rule) != nil else {
      watched.standing = .isDone("its request can't be read by this release")
      return watched
    }
    if let id = rule.dispatchID {
      let schedule = try ask { state throws(State.Failure) in try state.schedule(of: id) }
      executes = try ask { state throws(State.Failure) in try state.dispatch(id) }
      guard let executes, let schedule, schedule.fate == nil, !executes.isCancelled else {
        watched.standing = .isDone("dispatch \(id.text) isn't waiting")
        return watched
      }
    }
    if let at = rule.at {
      wait(until: at.instant, &watched)
    } else if let condition = condition(rule.condition) {
      try look(try watch(of: standing, condition, firings, after: last), &watched)
    } else {
      watched.standing = .isDone("its condition can't be read by this release")
    }
    if let executes { missIfEnded(executes, &watched) }
    return watched
  }

  private func watch(
    of standing: StandingRule, _ condition: Condition, _ firings: [Firing], after last: Firing?
  ) throws(Failure) -> Watch {
    let rule = standing.rule
    var watch = Watch(
      condition: condition, start: last?.nominal ?? standing.publishedAt, isArmed: last == nil,
      holdFor: rule.holdFor, staleAfter: rule.staleAfter, hysteresis: rule.hysteresis)
    // What participants are spared counts over all versions of the rule.
    let fired = firings.filter(\.didFire)
    if let coolDown = rule.coolDown {
      watch.notBefore = fired.map(\.nominal).max()?.adding(seconds: coolDown.seconds)
    }
    if let limit = rule.maxPerDay {
      let program = try ask { state throws(State.Failure) in try state.program(rule.programID) }
      guard let program else { throw .undefined(.program(rule.programID)) }
      var cap = Watch.Cap(limit: limit, zone: try rules(of: program.definition.timeZone))
      for firing in fired {
        cap.fired[LocalClock(at: firing.nominal, in: cap.zone).day, default: 0] += 1
      }
      watch.cap = cap
    }
    return watch
  }

  private func wait(until time: Instant, _ watched: inout WatchedDispatch) {
    if time <= context.now {
      due(at: time, &watched)
    } else {
      watched.standing = .waits(next: time)
    }
  }

  private func look(_ watch: Watch, _ watched: inout WatchedDispatch) throws(Failure) {
    var observations: [EntityID: [Observation]] = [:]
    for signal in watch.condition.signals {
      observations[signal] = try ask { state throws(State.Failure) in
        try state.observations(of: signal, from: watch.start, limit: Self.observationLimit)
      }
    }
    var zones: [ZoneName: ZoneRules] = [:]
    for zone in watch.condition.zones { zones[zone] = try rules(of: zone) }
    switch watch.look(until: context.now, observations, zones) {
    case .due(let nominal, let trace):
      (watched.result, watched.trace) = (.holds, trace)
      due(at: nominal, &watched)
    case .waiting(let result, let next, let trace):
      (watched.result, watched.trace) = (result, trace)
      watched.standing = .waits(next: next)
    }
  }

  private func due(at nominal: Instant, _ watched: inout WatchedDispatch) {
    watched.nominal = nominal
    let isInTime = context.now <= nominal.adding(seconds: watched.grace.seconds)
    watched.standing =
      isInTime ? .fires : .misses("nothing looked at it within \(watched.grace.text)")
  }

  /// What has ended isn't executed.
  private func missIfEnded(_ dispatch: Dispatch, _ watched: inout WatchedDispatch) {
    guard case .fires = watched.standing, let end = dispatch.end?.instant, end <= context.now
    else { return }
    watched.standing = .misses("the dispatch ended at \(end.text)")
  }

  private func condition(_ text: String?) -> Condition? {
    text.flatMap { try? Condition(parsing: $0) }
  }

  /// The rules of a zone that the decision can't do without.
  func rules(of zone: ZoneName) throws(Failure) -> ZoneRules {
    guard let rules = context.zone(zone) else { throw .zoneUnavailable(zone) }
    return rules
  }
}
