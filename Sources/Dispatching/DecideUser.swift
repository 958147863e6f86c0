import Bytes
import Events

/// Users' wishes and enrollments, and what is no longer used: each is one event, and none where it
/// stands so already.
extension Decider {
  package func decide(_ request: OptRequest) throws(Failure) -> Decision {
    let known = try user(request.userID)
    guard let user = known.user else { return .rejected(known.refusal) }
    // Whoever takes a refusal back may do so of a program that is no longer used.
    if request.isOut, let program = request.scope.programID,
      let refusal = try refusal(ofProgram: program)
    {
      return .rejected(refusal)
    }
    guard user.optOuts.contains(request.scope) != request.isOut else { return .accepted([]) }
    let (channel, program) = (request.scope.channel, request.scope.programID)
    let payload: EventPayload =
      request.isOut
      ? .userOptedOut(
        UserOptedOut(
          userID: user.id, channel: channel, programID: program, reason: request.reason))
      : .userOptedIn(
        UserOptedIn(userID: user.id, channel: channel, programID: program, reason: request.reason))
    return .accepted([draft(payload)])
  }

  package func decide(_ request: EnrollmentRequest) throws(Failure) -> Decision {
    let known = try user(request.userID)
    guard let user = known.user else { return .rejected(known.refusal) }
    // Whoever leaves may leave a program that is no longer used.
    if let refusal = try refusal(ofProgram: request.programID, retiredToo: request.enrolls) {
      return .rejected(refusal)
    }
    let at = request.at ?? context.now
    guard user.isEnrolled(in: request.programID, at: at) != request.enrolls else {
      return .accepted([])
    }
    let payload: EventPayload =
      request.enrolls
      ? .userEnrolled(
        UserEnrolled(
          userID: user.id, programID: request.programID, at: at, reason: request.reason))
      : .userWithdrawn(
        UserWithdrawn(
          userID: user.id, programID: request.programID, at: at, reason: request.reason))
    return .accepted([draft(payload)])
  }

  /// Decides `erase`: once, and for ever.
  package func decide(_ request: EraseRequest) throws(Failure) -> Decision {
    let id = request.userID
    let found = try ask { state throws(State.Failure) in try state.user(id) }
    guard let found else { return .rejected(try user(id).refusal) }
    guard found.erased == nil else { return .accepted([]) }
    return .accepted([draft(.userErased(UserErased(userID: id, reason: request.reason)))])
  }

  package func decide(_ request: RetireRequest) throws(Failure) -> Decision {
    let (id, reason) = (request.id, request.reason)
    switch request.kind {
    case .program:
      let known = try ask { state throws(State.Failure) in try state.program(id) }
      return retire(
        known.map { $0.retired == nil }, .programRetired(ProgramRetired(id: id, reason: reason)),
        .unknownProgram, "program \(id.text)")
    case .eventType:
      let known = try ask { state throws(State.Failure) in try state.marketEventType(id) }
      return retire(
        known.map { $0.retired == nil },
        .marketEventTypeRetired(MarketEventTypeRetired(id: id, reason: reason)),
        .unknownEventType, "market event type \(id.text)")
    case .userGroup:
      let known = try ask { state throws(State.Failure) in try state.userGroup(id) }
      return retire(
        known.map { $0.retired == nil },
        .userGroupRetired(UserGroupRetired(id: id, reason: reason)), .unknownUserGroup,
        "user group \(id.text)")
    }
  }

  private func retire(
    _ stands: Bool?, _ payload: EventPayload, _ unknown: RejectionCode, _ thing: String
  ) -> Decision {
    guard let stands else {
      return .rejected(
        Rejection(kind: .notFound, reasons: [unknown.reason("id", "\(thing) is not defined")]))
    }
    return .accepted(stands ? [draft(payload)] : [])
  }

  /// The user, or why nothing can be recorded of it.
  private func user(_ id: EntityID) throws(Failure) -> (user: User?, refusal: Rejection) {
    let found = try ask { state throws(State.Failure) in try state.user(id) }
    if found?.erased != nil {
      let reason = RejectionCode.userErased.reason(
        "user_id", "user \(id.text) was erased, and the id can't be used again")
      return (nil, Rejection(reasons: [reason]))
    }
    let reason = RejectionCode.unknownUser.reason("user_id", "user \(id.text) is not defined")
    return (found, Rejection(kind: .notFound, reasons: [reason]))
  }

  private func refusal(
    ofProgram id: EntityID, retiredToo: Bool = true
  ) throws(Failure) -> Rejection? {
    let found = try ask { state throws(State.Failure) in try state.program(id) }
    guard let found else {
      let reason = RejectionCode.unknownProgram.reason(
        "program_id", "program \(id.text) is not defined")
      return Rejection(kind: .notFound, reasons: [reason])
    }
    guard found.retired != nil, retiredToo else { return nil }
    return Rejection(reasons: [
      RejectionCode.programRetired.reason("program_id", "program \(id.text) is retired")
    ])
  }
}

/// What operators decide about what is recorded already.
extension Decider {
  /// Decides `settle`; only an unknown outcome waits for that.
  ///
  /// After `resend` the notice is due on its channel again, after `abandon` on the next one.
  package func decide(_ request: SettleRequest) throws(Failure) -> Decision {
    let found = try ask { state throws(State.Failure) in try state.attempt(request.attempt) }
    guard let attempt = found else {
      let reason = RejectionCode.unknownAttempt.reason(
        "attempt", "event \(request.attempt) is no attempt")
      return .rejected(Rejection(kind: .notFound, reasons: [reason]))
    }
    guard attempt.standing.fate == .unknown else {
      let reason = RejectionCode.outcomeKnown.reason(
        "attempt",
        "the outcome of attempt \(request.attempt) isn't unknown: it is "
          + attempt.standing.fate.rawValue)
      return .rejected(Rejection(reasons: [reason]))
    }
    let dispatch = attempt.notice.dispatchID
    let settled = DeliverySettled(
      attempt: request.attempt, dispatchID: dispatch, decision: request.decision,
      reason: request.reason)
    return .accepted([
      draft(.deliverySettled(settled), about: dispatch, causedBy: request.attempt)
    ])
  }

  /// Decides `correct`: the event stays as it is, and this says what is right.
  package func decide(_ request: CorrectRequest) throws(Failure) -> Decision {
    guard request.event < context.nextID, let subject = context.subject(request.event) else {
      let reason = RejectionCode.unknownEvent.reason(
        "event", "event \(request.event) isn't in the ledger")
      return .rejected(Rejection(kind: .notFound, reasons: [reason]))
    }
    return .accepted([
      draft(
        .ledgerCorrectionRecorded(
          LedgerCorrectionRecorded(
            event: request.event, eventSubject: subject.text, reason: request.reason,
            correction: request.correction)), causedBy: request.event)
    ])
  }
}
