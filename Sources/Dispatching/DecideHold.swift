import Bytes
import Events

/// Legal holds: each is one event, and none where it stands so already.
extension Decider {
  /// Decides `hold place`.
  ///
  /// An id stands for one hold for ever, also once it is released.
  package func decide(_ request: HoldRequest) throws(Failure) -> Decision {
    let known = try ask { state throws(State.Failure) in try state.hold(request.id) }
    let placed = LegalHoldPlaced(
      id: request.id, reason: request.reason, dispatchID: request.dispatchID,
      programID: request.programID, userID: request.userID, since: request.since,
      until: request.until)
    if let known {
      if known.released == nil, known.placed == placed { return .accepted([]) }
      let what = known.released == nil ? "another hold" : "a hold that was released"
      return .rejected(
        Rejection(reasons: [
          RejectionCode.holdExists.reason(
            "id", "\(request.id.text) is the id of \(what) (event \(known.event))")
        ]))
    }
    let missing = try unknownReasons(of: request)
    if !missing.isEmpty { return .rejected(Rejection(kind: .notFound, reasons: missing)) }
    if let since = request.since, let until = request.until, until <= since {
      return .rejected(
        Rejection(reasons: [
          RejectionCode.holdsNothing.reason(
            "until", "no event is recorded from \(since.text) on and before \(until.text)")
        ]))
    }
    return .accepted([draft(.legalHoldPlaced(placed))])
  }

  private func unknownReasons(of request: HoldRequest) throws(Failure) -> [RejectionReason] {
    var reasons: [RejectionReason] = []
    if let id = request.programID,
      try ask({ state throws(State.Failure) in try state.program(id) }) == nil
    {
      reasons.append(
        RejectionCode.unknownProgram.reason("program_id", "program \(id.text) is not defined"))
    }
    if let id = request.dispatchID,
      try ask({ state throws(State.Failure) in try state.dispatch(id) }) == nil
    {
      reasons.append(
        RejectionCode.unknownDispatch.reason(
          "dispatch_id", "there is no dispatch \(id.text)"))
    }
    if let id = request.userID,
      try ask({ state throws(State.Failure) in try state.user(id) }) == nil
    {
      reasons.append(
        RejectionCode.unknownUser.reason("user_id", "user \(id.text) is not defined"))
    }
    return reasons
  }

  /// Decides `hold release`.
  package func decide(_ request: HoldReleaseRequest) throws(Failure) -> Decision {
    let known = try ask { state throws(State.Failure) in try state.hold(request.id) }
    guard let known else {
      return .rejected(
        Rejection(
          kind: .notFound,
          reasons: [
            RejectionCode.unknownHold.reason("id", "hold \(request.id.text) was never placed")
          ]))
    }
    guard known.released == nil else { return .accepted([]) }
    return .accepted([
      draft(.legalHoldReleased(LegalHoldReleased(id: request.id, reason: request.reason)))
    ])
  }
}
