import Bytes
import Events

extension Decider {
  /// Decides `end`: an open-ended dispatch ends at last, another one early, both now.
  package func decideEnd(_ change: DispatchChangeRequest) throws(Failure) -> Decision {
    try decide(change, as: .end) { dispatch, modification throws(Failure) in
      let zone = dispatch.start.zone
      guard let rules = context.zone(zone) else { throw .zoneUnavailable(zone) }
      let end = ZonedMoment(
        instant: context.now, zone: zone, text: context.now.text,
        offsetSeconds: rules.offset(at: context.now), tzdata: context.tzdata)
      return .dispatchEnded(
        DispatchEnded(
          dispatchID: dispatch.id, modification: modification, reason: change.reason, end: end))
    }
  }

  /// Decides `cancel`: the dispatch doesn't take place, or stops as if it hadn't.
  ///
  /// After the program's deadline it is late, and no less a cancel: people must be told.
  package func decideCancel(_ change: DispatchChangeRequest) throws(Failure) -> Decision {
    try decide(change, as: .cancel) { dispatch, modification throws(Failure) in
      let deadline = try program(of: dispatch).definition.cancelDeadline
      let isLate = deadline.map {
        dispatch.start.instant.adding(seconds: -$0.seconds) < context.now
      }
      return .dispatchCancelled(
        DispatchCancelled(
          dispatchID: dispatch.id, modification: modification, reason: change.reason,
          isLate: isLate))
    }
  }

  /// A change raises the modification number, is resolved anew, and supersedes what of the
  /// modification before is still to be sent.
  private func decide(
    _ change: DispatchChangeRequest, as command: RejectedCommand,
    _ payload: (Dispatch, Int) throws(Failure) -> EventPayload
  ) throws(Failure) -> Decision {
    let found = try ask { state throws(State.Failure) in try state.dispatch(change.dispatchID) }
    guard let dispatch = found else { return unknownDispatch(change.dispatchID) }
    let program = try program(of: dispatch)
    let eventType = try eventType(of: dispatch)
    if let reason = refusal(of: dispatch, program.definition, command) {
      return reject(command, of: dispatch.id, change.document, [reason])
    }
    return try self.change(
      try payload(dispatch, dispatch.modification + 1), of: dispatch, basis: .earlierRecipients,
      program, eventType)
  }

  // With at most so many chunks and so many notices superseded, all that a change comes to is in its
  // own commit. Where there are more, the notices stay pending, and whoever plans them next finds
  // them superseded; so the chunks alone go on in other commits.
  private static var changeChunks: Int { 64 }
  private static var changeNotices: Int { 5_000 }

  /// The events of a change that breaks no rule.
  func change(
    _ payload: EventPayload, of dispatch: Dispatch, basis: ResolutionBasis,
    _ program: Defined<ProgramDefined>, _ eventType: Defined<MarketEventTypeDefined>
  ) throws(Failure) -> Decision {
    let modification = dispatch.modification + 1
    let schedule = try ask { state throws(State.Failure) in try state.schedule(of: dispatch.id) }
    // Nobody was told yet of a dispatch that waits, and whom it concerns is resolved when it is executed.
    let isWaiting = schedule.map { $0.fate == nil } ?? false
    let chunks =
      isWaiting
      ? []
      : try resolve(
        ResolutionTask(
          dispatchID: dispatch.id, modification: modification, basis: basis,
          program: program, eventType: eventType, time: context.now, cause: context.nextID))
    var superseded = try ask { state throws(State.Failure) in
      try state.pendingNotices(of: dispatch.id, before: modification)
    }
    if chunks.count > Self.changeChunks || superseded.count > Self.changeNotices { superseded = [] }
    return .accepted(
      [draft(payload, about: dispatch.id)] + chunks
        + superseded.map { supersede($0, of: dispatch, by: context.nextID) })
  }

  /// Says that a later modification has taken a notice's place.
  func supersede(_ notice: Notice, of dispatch: Dispatch, by cause: EventID) -> EventDraft {
    suppress(notice, of: dispatch, .superseded, causedBy: cause)
  }

  /// Says that a notice, or its part on one channel, is never attempted.
  func suppress(
    _ notice: Notice, of dispatch: Dispatch, _ reason: SuppressionReason,
    on channel: ChannelCode? = nil, detail: String? = nil, causedBy cause: EventID
  ) -> EventDraft {
    let key = notice.key
    let kind = dispatch.noticeKind(of: key.modification)
    return draft(
      .notificationSuppressed(
        NotificationSuppressed(
          dispatchID: key.dispatchID, modification: key.modification, userID: key.userID,
          channel: channel, kind: kind ?? .update, reason: reason, detail: detail)),
      about: key.dispatchID, causedBy: cause)
  }

  /// Why a dispatch can't be changed at the time, or `nil`.
  func refusal(
    of dispatch: Dispatch, _ program: ProgramDefined, _ command: RejectedCommand
  ) -> RejectionReason? {
    let phase = DispatchPhase(
      start: dispatch.start.instant, end: dispatch.end?.instant,
      isCancelled: dispatch.isCancelled, leadTime: program.leadTime, now: context.now)
    let id = dispatch.id.text
    switch phase {
    case .completed:
      let end = dispatch.end?.instant.text ?? ""
      return RejectionCode.alreadyCompleted.reason(
        "dispatch_id", "dispatch \(id) was completed at \(end)")
    case .cancelled:
      return RejectionCode.alreadyCancelled.reason("dispatch_id", "dispatch \(id) is cancelled")
    case .far, .near:
      guard command == .end else { return nil }
      return RejectionCode.notStarted.reason(
        "dispatch_id",
        "dispatch \(id) begins only at \(dispatch.start.instant.text); cancel it instead")
    case .active: return nil
    }
  }
}
