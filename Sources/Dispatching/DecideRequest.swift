import Bytes
import Events

extension Decider {
  /// Decides a dispatch request: `dispatch.requested` and its resolution, or `dispatch.rejected`
  /// with every rule that it breaks.
  ///
  /// The resolution follows the request at once, so that whatever part of the drafts a first commit
  /// holds, it shows that the rest is missing.
  package func decide(_ request: DispatchRequest) throws(Failure) -> Decision {
    let program = try ask { state throws(State.Failure) in try state.program(request.programID) }
    let eventType = try ask { state throws(State.Failure) in
      try state.marketEventType(request.eventTypeID)
    }
    var reasons = reasonsOfCatalogue(request, program, eventType)
    let times = try moments(of: request, in: program?.definition)
    reasons += times.reasons
    if let program = program?.definition, let start = times.start {
      reasons += try reasonsOfCaps(
        program, start, times.end, isTest: request.isTest, except: context.dispatchID)
    }
    guard reasons.isEmpty, let program, let eventType, let start = times.start else {
      return reject(.request, of: context.dispatchID, request.document, reasons)
    }
    let requested = DispatchRequested(
      dispatchID: context.dispatchID, modification: 1, programID: request.programID,
      program: program.version, eventTypeID: request.eventTypeID, eventType: eventType.version,
      start: start, end: times.end, isTest: request.isTest,
      isLate: isLate(start.instant, times.end?.instant, program.definition.leadTime),
      attributes: request.attributes)
    let first = draft(.dispatchRequested(requested), about: context.dispatchID)
    // Whom a dispatch that waits concerns is resolved when it is executed.
    if let wait = request.wait {
      return .accepted([first, draft(scheduled(wait, times), about: context.dispatchID)])
    }
    let chunks = try resolve(
      ResolutionTask(
        dispatchID: context.dispatchID, modification: 1, basis: .rules, program: program,
        eventType: eventType, time: context.now, cause: context.nextID))
    return .accepted([first] + chunks)
  }

  private func scheduled(_ wait: DispatchRequest.Wait, _ times: RequestTimes) -> EventPayload {
    var scheduled = DispatchScheduled(
      dispatchID: context.dispatchID, executeAt: times.execution, grace: wait.grace)
    if case .condition(let condition) = wait.cause { scheduled.executeIf = condition.text }
    return .dispatchScheduled(scheduled)
  }

  /// A rejection that is recorded with the dispatch it is about.
  func reject(
    _ command: RejectedCommand, of dispatch: EntityID, _ document: JSONObject,
    _ reasons: [RejectionReason]
  ) -> Decision {
    let rejected = DispatchRejected(
      dispatchID: dispatch, command: command, reasons: reasons, request: document)
    return .rejected(
      Rejection(reasons: reasons, drafts: [draft(.dispatchRejected(rejected), about: dispatch)]))
  }

  /// Whether a first notice that leaves now comes after its deadline, or after the end.
  func isLate(_ start: Instant, _ end: Instant?, _ leadTime: ISODuration) -> Bool {
    noticeDeadline(start: start, leadTime: leadTime) < context.now
      || end.map { $0 <= context.now } ?? false
  }

  private func reasonsOfCatalogue(
    _ request: DispatchRequest, _ program: Defined<ProgramDefined>?,
    _ eventType: Defined<MarketEventTypeDefined>?
  ) -> [RejectionReason] {
    var reasons: [RejectionReason] = []
    let (programID, typeID) = (request.programID, request.eventTypeID)
    if program == nil {
      reasons.append(
        RejectionCode.unknownProgram.reason(
          "program_id", "program \(programID.text) is not defined"))
    } else if program?.retired != nil {
      reasons.append(
        RejectionCode.programRetired.reason("program_id", "program \(programID.text) is retired"))
    }
    if eventType == nil {
      reasons.append(
        RejectionCode.unknownEventType.reason(
          "event_type_id", "market event type \(typeID.text) is not defined"))
      return reasons
    }
    if eventType?.retired != nil {
      reasons.append(
        RejectionCode.eventTypeRetired.reason(
          "event_type_id", "market event type \(typeID.text) is retired"))
    }
    if let offered = program?.definition.eventTypeIDs, !offered.contains(typeID) {
      reasons.append(
        RejectionCode.eventTypeNotOffered.reason(
          "event_type_id",
          "program \(programID.text) doesn't offer market event type \(typeID.text)"))
    }
    return reasons
  }

  private struct RequestTimes {
    var start: ZonedMoment?
    var end: ZonedMoment?
    var execution: ZonedMoment?
    var reasons: [RejectionReason] = []
  }

  /// What the typed times mean in the program's zone, as far as that is known, and what is wrong.
  private func moments(
    of request: DispatchRequest, in program: ProgramDefined?
  ) throws(Failure) -> RequestTimes {
    var times = RequestTimes()
    if let zone = program?.timeZone {
      guard let rules = context.zone(zone) else { throw .zoneUnavailable(zone) }
      times.start = moment(request.start, "start_time", zone, rules, request.fold, &times.reasons)
      if let end = request.end {
        times.end = moment(end, "end_time", zone, rules, request.fold, &times.reasons)
      }
      switch request.wait?.cause {
      case .time(let time)?:
        times.execution = moment(
          time, "execute_at", zone, rules, request.fold, &times.reasons)
      case .condition(let condition)?:
        times.reasons += reasons(ofZones: condition, at: "execute_if")
      case nil: break
      }
    }
    if let end = request.end, isNotAfter(end, request.start, times) {
      times.reasons.append(
        RejectionCode.endBeforeStart.reason(
          "end_time", "the end \(end.text) is not after the start \(request.start.text)"))
    }
    return times
  }

  private func isNotAfter(_ end: TypedTime, _ start: TypedTime, _ times: RequestTimes) -> Bool {
    if let start = times.start, let end = times.end { return end.instant <= start.instant }
    return end.isAfter(start).map { !$0 } ?? false
  }

  /// What a typed time means, or `nil` and the reason why it means nothing.
  func moment(
    _ time: TypedTime, _ field: String, _ zone: ZoneName, _ rules: ZoneRules, _ fold: Fold?,
    _ reasons: inout [RejectionReason]
  ) -> ZonedMoment? {
    let meaning =
      context.recordedMeaning?(time, field, zone)
      ?? time.meaning(in: zone, rules: rules, tzdata: context.tzdata, fold: fold)
    if case .moment(let moment) = meaning { return moment }
    if let reason = meaning.refusal(of: time, field, in: zone) { reasons.append(reason) }
    return nil
  }

  /// The zones of a condition that nobody knows.
  func reasons(ofZones condition: Condition, at field: String) -> [RejectionReason] {
    condition.zones.filter { context.zone($0) == nil }.map { zone in
      RejectionCode.unknownTimeZone.reason(
        field, "the zone database \(context.tzdata) has no zone \(zone.text)")
    }
  }
}

extension TypedTime.Meaning {
  /// Why a time isn't taken, or `nil` where it is one moment.
  func refusal(of time: TypedTime, _ field: String, in zone: ZoneName) -> RejectionReason? {
    switch self {
    case .moment: nil
    case .gap:
      RejectionCode.timeInGap.reason(
        field, "clocks in \(zone.text) never show \(time.text): they are set forward over it")
    case .ambiguous(let first, let second):
      RejectionCode.timeAmbiguous.reason(
        field,
        "clocks in \(zone.text) show \(time.text) twice, at \(first.text) and at "
          + "\(second.text): say which with \"fold\", first or second")
    }
  }
}
