import Bytes
import Dispatching
import Events

extension Rechecker {
  /// Whether the event is part of what the request in front of it was recorded for: that it waits,
  /// or that a rule made it.
  func isBesideRequest(_ event: Event) -> Bool {
    guard let last = lastEvent, last.id + 1 == event.id, last.subject == event.subject else {
      return false
    }
    switch (last.payload, event.payload) {
    case (.dispatchRequested, .dispatchScheduled): return true
    case (.dispatchRequested, .dispatchTriggered(let trigger)): return trigger.rule != nil
    case (.dispatchRejected, .dispatchMissed(let miss)): return miss.rule != nil
    default: return false
    }
  }

  /// Judges such an event.
  mutating func judgeBeside(_ event: Event) {
    guard event.decider == DecisionContext.currentDecider else {
      if let decider = event.decider {
        tally.foreignDeciders[decider, default: 0] += 1
      } else {
        report(.noDecider, event, "it doesn't say by which rules it was decided")
      }
      return
    }
    let redecision = redecision(event)
    let outcome: Redecision.Outcome
    switch event.payload {
    case .dispatchScheduled(let scheduled):
      // It is resolved when it is executed, and not with its request.
      awaited.removeAll { $0.decision + 1 == event.id && $0.dispatch == scheduled.dispatchID }
      outcome = redecision.redoWaiting(scheduled)
    case .dispatchTriggered(let trigger):
      guard let rule = trigger.rule else { return }
      outcome = redecision.redoBeside(
        state.dispatch(trigger.dispatchID)?.request, rule, trigger.dispatchID)
    case .dispatchMissed(let miss):
      guard let rule = miss.rule else { return }
      outcome = redecision.redoBeside(nil, rule, miss.dispatchID)
    default: return
    }
    switch outcome {
    case .sound: tally.rechecked += 1
    case .noRules: tally.count(unjudged: event.type)
    case .broken(let kind, let message): report(kind, event, message)
    case .makes(let items): match(event, items)
    }
  }

  /// Finds what should have fired before a rule or a dispatch is changed, and neither fired nor was
  /// missed.
  mutating func noteUnfired(before event: Event) {
    let changed: EventID?
    switch event.payload {
    case .rulePublished(let rule): changed = state.rule(rule.id)?.version
    case .ruleWithdrawn(let rule): changed = state.rule(rule.id)?.version
    case .dispatchCancelled(let change): changed = state.schedule(of: change.dispatchID)?.event
    default: return
    }
    guard let changed else { return }
    tally.place.step = .unfired
    reportUnfired(as: event) { $0 == changed }
    (tally.place.step, tally.place.rank) = (.judgement, 0)
  }

  /// Finds what should have fired by the end of the history.
  mutating func noteUnfired() {
    guard let lastEvent else { return }
    tally.place.step = .unfired
    reportUnfired(as: lastEvent) { _ in true }
    tally.place.step = .judgement
    for (start, call, message) in redecision(lastEvent).unescalated
    where wanted == nil || wanted == call.dispatchID {
      (tally.place.rank, tally.place.name) = (start.microseconds, call.dispatchID.text)
      tally.add(
        Finding(
          event: call.attempt, kind: .missing, dispatch: call.dispatchID, message: message,
          differences: []))
    }
  }

  private mutating func reportUnfired(as event: Event, _ isMeant: (EventID) -> Bool) {
    for (index, one) in redecision(event).unfired.enumerated()
    where isMeant(one.event) && (wanted == nil || wanted == one.dispatch) {
      guard one.dispatch.map({ share.holds($0) }) ?? share.isFirst else { continue }
      // All shares look at all that waits, so an index is the same in each.
      tally.place.rank = Int64(index)
      tally.add(
        Finding(
          event: one.event, kind: .missing, dispatch: one.dispatch, message: one.message,
          differences: []))
    }
  }
}
