package import Bytes
import Dispatching
package import Events

/// What a report tells of a dispatch beside its books: what happened to it, and who was left out.
package struct DispatchStory: Sendable {
  /// One thing that happened, in the order of the log.
  package struct Milestone: Hashable, Sendable {
    package let event: EventID
    package let time: Instant
    package let type: EventType
    package let actor: String?
    /// In a few words; it names no person but by id.
    package let what: String
  }

  /// Somebody who was considered and isn't a recipient.
  package struct Exclusion: Hashable, Sendable {
    package let modification: Int
    package let userID: EntityID
    package let reason: ExclusionReason
    package let detail: String?
  }

  package fileprivate(set) var milestones: [Milestone] = []
  package fileprivate(set) var exclusions: [Exclusion] = []
}

/// Collects the stories of dispatches, event after event.
///
/// Memory follows what is told of the wanted ones.
package struct StoryCollector {
  private let wants: (Event) -> Bool
  package private(set) var stories: [EntityID: DispatchStory] = [:]

  /// - Parameter wants: Whether the dispatch is told of that this `dispatch.requested` or
  ///   `dispatch.rejected` begins.
  package init(of wants: @escaping (Event) -> Bool) { self.wants = wants }

  package mutating func take(_ event: Event) {
    guard case .dispatch(let id) = event.subject else { return }
    if stories[id] == nil {
      switch event.payload {
      case .dispatchRequested, .dispatchRejected: if wants(event) { stories[id] = DispatchStory() }
      default: break
      }
    }
    guard stories[id] != nil else { return }
    if case .recipientsResolved(let chunk) = event.payload {
      stories[id]?.exclusions += chunk.exclusions.map { exclusion in
        DispatchStory.Exclusion(
          modification: chunk.modification, userID: exclusion.userID, reason: exclusion.reason,
          detail: exclusion.detail)
      }
    }
    if let what = words(for: event.payload) {
      stories[id]?.milestones.append(
        DispatchStory.Milestone(
          event: event.id, time: event.time, type: event.type, actor: event.actor, what: what))
    }
  }

  private func words(for payload: EventPayload) -> String? {
    switch payload {
    case .dispatchRequested(let request):
      "requested: \(times(request.start, request.end))\(request.isTest ? ", a drill" : "")"
    case .dispatchRejected(let rejected):
      "\(rejected.command.rawValue) rejected: "
        + rejected.reasons.map(\.message).joined(separator: "; ")
    case .dispatchScheduled(let scheduled):
      scheduled.executeAt.map { "waits until \($0.instant.text)" }
        ?? "waits for \(scheduled.executeIf ?? "a condition")"
    case .dispatchTriggered(let trigger):
      "executed, for \(trigger.nominal.text)"
        + (trigger.rule.map { " by the rule of event \($0)" } ?? "")
    case .dispatchMissed(let miss):
      "missed its time \(miss.nominal.text)\(miss.reason.map { ": \($0)" } ?? "")"
    case .dispatchModified(let change):
      "modification \(change.modification), \(change.reason): \(times(change.start, change.end))"
    case .dispatchCancelled(let change):
      "cancelled\(change.isLate == true ? " after its deadline" : ""), \(change.reason)"
    case .dispatchEnded(let change): "ended at \(change.end.instant.text), \(change.reason)"
    case .recipientsResolved(let chunk):
      chunk.totals.map {
        "modification \(chunk.modification) concerns \($0.recipients) recipients; "
          + "\($0.exclusions) were left out"
      }
    case .notificationEscalated(let step):
      "\(step.acknowledged) of \(step.required) answers within \(step.within.text): "
        + "\(step.userIDs.count) more users are told"
    case .deliverySettled(let settled):
      "attempt \(settled.attempt) settled as \(settled.decision.rawValue): \(settled.reason)"
    default: nil
    }
  }

  private func times(_ start: ZonedMoment, _ end: ZonedMoment?) -> String {
    "\(start.instant.text) to \(end?.instant.text ?? "further notice")"
  }
}
