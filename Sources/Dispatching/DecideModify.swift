import Bytes
import Events

extension Decider {
  /// Decides `modify`: the dispatch has other times from now on, and whoever it concerns by the
  /// rules, or was told of it, is told.
  package func decide(_ request: ModifyRequest) throws(Failure) -> Decision {
    let found = try ask { state throws(State.Failure) in try state.dispatch(request.dispatchID) }
    guard let dispatch = found else { return unknownDispatch(request.dispatchID) }
    let program = try program(of: dispatch)
    let eventType = try eventType(of: dispatch)
    let times = try times(of: request, for: dispatch)
    var reasons = refusals(of: request, dispatch, program.definition, times)
    if times.areKnown, let start = times.start {
      reasons += try reasonsOfCaps(
        program.definition, start, times.end, isTest: dispatch.request.isTest,
        except: dispatch.id)
    }
    guard reasons.isEmpty, let start = times.start else {
      return reject(.modify, of: dispatch.id, request.document, reasons)
    }
    let modification = dispatch.modification + 1
    let modified = DispatchModified(
      dispatchID: dispatch.id, modification: modification, reason: request.reason, start: start,
      end: times.end,
      isLate: isLate(start.instant, times.end?.instant, program.definition.leadTime),
      attributes: dispatch.attributes)
    return try change(
      .dispatchModified(modified), of: dispatch, basis: .rulesAndEarlierRecipients, program,
      eventType)
  }

  /// A change about a dispatch that nobody requested: nothing could hold its rejection.
  func unknownDispatch(_ id: EntityID) -> Decision {
    let reason = RejectionCode.unknownDispatch.reason(
      "dispatch_id", "dispatch \(id.text) was never requested")
    return .rejected(Rejection(kind: .notFound, reasons: [reason]))
  }

  private struct ModifiedTimes {
    /// What it begins and ends at then, as far as that is known.
    var start: ZonedMoment?
    var end: ZonedMoment?
    /// Whether both are known, so that they can be held against each other.
    var areKnown = true
    var reasons: [RejectionReason] = []
  }

  /// Typed times are read on the clocks that the dispatch's start is told by; one that means the
  /// same instant as before stays as it was typed before.
  private func times(
    of request: ModifyRequest, for dispatch: Dispatch
  ) throws(Failure) -> ModifiedTimes {
    let zone = dispatch.start.zone
    guard let rules = context.zone(zone) else { throw .zoneUnavailable(zone) }
    var times = ModifiedTimes(start: dispatch.start, end: dispatch.end)
    if let typed = request.start {
      let moment = moment(typed, "start_time", zone, rules, request.fold, &times.reasons)
      if moment?.instant != dispatch.start.instant { times.start = moment }
      if moment == nil { times.areKnown = false }
    }
    if let typed = request.end {
      let moment = moment(typed, "end_time", zone, rules, request.fold, &times.reasons)
      if moment?.instant != dispatch.end?.instant { times.end = moment }
      if moment == nil { times.areKnown = false }
    } else if request.isOpenEnded {
      times.end = nil
    }
    return times
  }

  private func refusals(
    of request: ModifyRequest, _ dispatch: Dispatch, _ program: ProgramDefined,
    _ times: ModifiedTimes
  ) -> [RejectionReason] {
    var reasons: [RejectionReason] = []
    let id = dispatch.id.text
    if dispatch.request.isTest {
      reasons.append(
        RejectionCode.testDispatch.reason(
          "dispatch_id", "dispatch \(id) is a drill, and a drill can't be modified"))
    }
    let over = refusal(of: dispatch, program, .modify)
    if let over { reasons.append(over) }
    reasons += times.reasons
    guard times.areKnown, let start = times.start else { return reasons }
    if over == nil, start != dispatch.start, dispatch.start.instant <= context.now {
      reasons.append(
        RejectionCode.alreadyStarted.reason(
          "start_time",
          "dispatch \(id) began at \(dispatch.start.instant.text); only its end can be changed"))
    }
    if let end = times.end, end.instant <= start.instant {
      reasons.append(
        RejectionCode.endBeforeStart.reason(
          "end_time", "the end \(end.text) is not after the start \(start.text)"))
    } else if over == nil, let end = times.end, end != dispatch.end, end.instant <= context.now {
      reasons.append(
        RejectionCode.endPassed.reason(
          "end_time", "the end \(end.text) has passed; 'end' ends the dispatch now"))
    }
    if start == dispatch.start, times.end == dispatch.end {
      reasons.append(
        RejectionCode.changesNothing.reason(
          nil, "dispatch \(id) begins and ends at just these times already"))
    }
    return reasons
  }
}
