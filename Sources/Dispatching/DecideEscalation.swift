package import Bytes
package import Events

extension Decider {
  /// The events of what is to be escalated now, and when the next is, where nothing new is recorded.
  ///
  /// When that is, is in `EVENTS.md`, "Escalation of silence". The cost follows the number of
  /// dispatches that were attempted and haven't begun.
  ///
  /// - Parameter limit: No more is begun once there are so many events; each names at most 256 users.
  package func decideEscalations(
    limit: Int
  ) throws(Failure) -> (drafts: [EventDraft], next: Instant?) {
    var drafts: [EventDraft] = []
    var next: Instant?
    for call in try silentCalls() {
      let program = try program(of: try existing(call.dispatchID)).definition
      guard let policy = program.escalation else { continue }
      let until = call.since.adding(seconds: policy.within.seconds)
      if until <= context.now {
        guard drafts.count < limit else { return (drafts, context.now) }
        drafts += try escalate(call, policy, program)
      } else {
        next = min(next ?? until, until)
      }
    }
    return (drafts, next)
  }

  /// The events of one modification's escalation, where it is due; none where enough have answered.
  package func decideEscalation(of dispatch: EntityID) throws(Failure) -> [EventDraft] {
    guard let call = try silentCalls().first(where: { $0.dispatchID == dispatch }),
      case let program = try program(of: try existing(dispatch)).definition,
      let policy = program.escalation,
      call.since.adding(seconds: policy.within.seconds) <= context.now
    else { return [] }
    return try escalate(call, policy, program)
  }

  private func silentCalls() throws(Failure) -> [SilentCall] {
    try ask { state throws(State.Failure) in try state.silentCalls(startingAfter: context.now) }
  }

  private func escalate(
    _ call: SilentCall, _ policy: Escalation, _ program: ProgramDefined
  ) throws(Failure) -> [EventDraft] {
    let answers = try ask { state throws(State.Failure) in
      try state.answerCount(
        of: call.dispatchID, modification: call.modification, limit: policy.acknowledgements)
    }
    if answers >= policy.acknowledgements { return [] }
    var told: [EntityID] = []
    var unknown: [EntityID] = []
    for id in try contacts(of: policy) {
      let key = NoticeKey(
        dispatchID: call.dispatchID, modification: call.modification, userID: id)
      let isTold = try ask { state throws(State.Failure) in try state.notice(key) } != nil
      if isTold { continue }
      let user = try ask { state throws(State.Failure) in try state.user(id) }
      if user?.erased != nil { continue }
      if user != nil { told.append(id) } else { unknown.append(id) }
    }
    let size = NotificationEscalated.userLimit
    return stride(from: 0, through: max(0, told.count - 1), by: size).map { first in
      let step = NotificationEscalated(
        dispatchID: call.dispatchID, modification: call.modification, level: 1,
        userIDs: SortedSet(told[first..<min(first + size, told.count)]),
        unknownUserIDs: first == 0 && !unknown.isEmpty ? SortedSet(unknown) : nil,
        channels: program.communicationCodes, acknowledged: answers,
        required: policy.acknowledgements, within: policy.within)
      return draft(.notificationEscalated(step), about: call.dispatchID, causedBy: call.attempt)
    }
  }

  private func contacts(of policy: Escalation) throws(Failure) -> [EntityID] {
    switch policy.contacts {
    case .users(let users): users.elements
    case .group(let group):
      try ask { state throws(State.Failure) in try state.members(of: group) }
    }
  }
}
