import Bytes
package import Events

extension MemoryState {
  /// Takes in the next event of the log.
  ///
  /// An event that refers to what isn't there changes nothing, as in the views.
  package mutating func apply(_ event: Event) {
    switch event.payload {
    case .programDefined(let program):
      programs[program.id] = Defined(version: event.id, definition: program)
    case .programRetired(let retired): programs[retired.id]?.retired = event.id
    case .marketEventTypeDefined(let type):
      eventTypes[type.id] = Defined(version: event.id, definition: type)
    case .marketEventTypeRetired(let retired): eventTypes[retired.id]?.retired = event.id
    case .userGroupDefined(let group):
      userGroups[group.id] = Defined(version: event.id, definition: group)
    case .userGroupRetired(let retired): userGroups[retired.id]?.retired = event.id
    case .userDefined(let user): define(user, by: event.id)
    case .userEnrolled(let change):
      enroll(change.userID, in: change.programID, at: change.at, by: event.id, true)
    case .userWithdrawn(let change):
      enroll(change.userID, in: change.programID, at: change.at, by: event.id, false)
    case .userOptedOut(let optOut):
      // An erased id is refused for ever: what a line says of it all the same means nothing.
      guard users[optOut.userID]?.erased == nil else { break }
      let scope = OptOutScope(programID: optOut.programID, channel: optOut.channel)
      optOuts[optOut.userID, default: []].insert(scope)
    case .userOptedIn(let optIn):
      let scope = OptOutScope(programID: optIn.programID, channel: optIn.channel)
      optOuts[optIn.userID]?.remove(scope)
    case .userErased(let erased): erase(erased.userID, by: event.id)
    case .dispatchRequested(let data): request(data, by: event)
    case .dispatchModified(let change): add(.modify(change), to: change.dispatchID, by: event)
    case .dispatchCancelled(let change): add(.cancel(change), to: change.dispatchID, by: event)
    case .dispatchEnded(let change): add(.end(change), to: change.dispatchID, by: event)
    case .recipientsResolved(let chunk): resolve(chunk, by: event)
    case .notificationAttempted(let attempt): begin(attempt, by: event)
    case .notificationSuppressed(let suppressed):
      let key = NoticeKey(
        dispatchID: suppressed.dispatchID, modification: suppressed.modification,
        userID: suppressed.userID)
      move(key) { $0.standing.suppress(suppressed.reason, on: suppressed.channel, of: $0.channels) }
    case .notificationDeferred(let deferred):
      let key = NoticeKey(
        dispatchID: deferred.dispatchID, modification: deferred.modification,
        userID: deferred.userID)
      move(key) { $0.standing.defer(until: deferred.until, on: deferred.channel) }
    case .notificationEscalated(let escalated): escalate(escalated, by: event)
    case .deliveryRecorded(let result):
      identify(result)
      follow(result.attempt, of: result.dispatchID, at: event, result.isRetryable ?? false) {
        $0.report(result.outcome, evidence: result.evidence)
      }
    case .deliveryUnknown(let unknown):
      follow(unknown.attempt, of: unknown.dispatchID, at: event, false) { $0.lose() }
    case .deliverySettled(let settled):
      follow(settled.attempt, of: settled.dispatchID, at: event, false) {
        $0.settle(settled.decision)
      }
    case .deliveryUnmatched(let result):
      if let id = result.providerID {
        unmatched[Array(id.utf8), default: []].append(
          UnmatchedResult(event: event.id, recorded: result))
      }
    case .acknowledgementRecorded(let answer): take(answer, by: event.id)
    case .dispatchScheduled, .dispatchTriggered, .dispatchMissed, .templatePublished,
      .templateWithdrawn, .rulePublished, .ruleWithdrawn, .signalObserved:
      waits.take(event)
    case .legalHoldPlaced(let hold): place(hold, by: event.id)
    case .legalHoldReleased(let hold): release(hold, by: event.id)
    case .dispatchRejected: break
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued,
      .ledgerCorrectionRecorded:
      break
    }
  }

  private mutating func place(_ hold: LegalHoldPlaced, by event: EventID) {
    guard holds[hold.id] == nil else { return }
    holds[hold.id] = StandingHold(placed: hold, event: event)
  }

  private mutating func release(_ hold: LegalHoldReleased, by event: EventID) {
    guard holds[hold.id]?.released == nil else { return }
    holds[hold.id]?.released = event
  }

  private mutating func request(_ request: DispatchRequested, by event: Event) {
    guard dispatches[request.dispatchID] == nil else { return }
    dispatches[request.dispatchID] = Dispatch(request, by: event.id, at: event.time)
    dispatchesOfProgram[request.programID, default: []].append(request.dispatchID)
  }

  private mutating func take(_ answer: AcknowledgementRecorded, by event: EventID) {
    let key = NoticeKey(
      dispatchID: answer.dispatchID, modification: answer.modification, userID: answer.userID)
    answers[key, default: []].append(Answer(event: event, opt: answer.opt, at: answer.at))
    move(key) { $0.standing.acknowledge(answer.opt == nil ? .acknowledged : .answered) }
  }

  /// Keeps the first id that a provider gave to an attempt's message, and what was said of that id.
  private mutating func identify(_ result: DeliveryRecorded) {
    guard attempts[result.attempt]?.notice.dispatchID == result.dispatchID,
      let id = result.providerID.map({ Array($0.utf8) })
    else { return }
    if haveProviderID.insert(result.attempt).inserted {
      attemptsOfProvider[id, default: []].append(result.attempt)
    }
    if let taken = result.unmatched { unmatched[id]?.removeAll { $0.event == taken } }
  }

  private mutating func define(_ user: UserDefined, by event: EventID) {
    let before = users[user.id]
    // An erased id is refused for ever; should a line define it all the same, it stays erased.
    if before?.erased != nil { return }
    for group in before?.definition?.userGroupIDs ?? [] { members[group]?.remove(user.id) }
    for group in user.userGroupIDs { members[group, default: []].insert(user.id) }
    if before == nil { userTotal += 1 }
    var facts = before ?? UserFacts(version: event)
    facts.version = event
    facts.definition = user
    users[user.id] = facts
  }

  private mutating func enroll(
    _ user: EntityID, in program: EntityID, at time: Instant, by event: EventID, _ enrolls: Bool
  ) {
    guard users[user]?.erased == nil else { return }
    let change = EnrollmentChange(at: time, event: event, enrolls: enrolls)
    enrollments[user, default: [:]][program, default: []].append(change)
    everEnrolled[program, default: []].insert(user)
  }

  private mutating func erase(_ user: EntityID, by event: EventID) {
    for program in (enrollments[user] ?? [:]).keys { everEnrolled[program]?.remove(user) }
    enrollments[user] = nil
    optOuts[user] = nil
    guard var facts = users[user], facts.erased == nil else { return }
    for group in facts.definition?.userGroupIDs ?? [] { members[group]?.remove(user) }
    facts.erased = event
    facts.definition = nil
    users[user] = facts
    userTotal -= 1
  }

  private mutating func add(_ change: DispatchChange, to dispatch: EntityID, by event: Event) {
    dispatches[dispatch]?.add(
      Modification(event: event.id, recordedAt: event.time, change: change))
    calls[dispatch] = nil
  }

  private mutating func resolve(_ chunk: RecipientsResolved, by event: Event) {
    let key = ModificationKey(dispatchID: chunk.dispatchID, number: chunk.modification)
    for recipient in chunk.recipients where noticeLists[key]?[recipient.userID] == nil {
      let channels = recipient.channels.map(\.channel)
      let notice = Notice(
        key: NoticeKey(
          dispatchID: chunk.dispatchID, modification: chunk.modification,
          userID: recipient.userID),
        channels: channels, standing: NoticeStanding(channel: channels.first))
      insert(notice)
    }
    let index = unfinished.firstIndex {
      $0.dispatchID == chunk.dispatchID && $0.modification == chunk.modification
    }
    if chunk.isLast {
      if let index { unfinished.remove(at: index) }
      resolved.insert(key)
      // Nothing is due before the chunk that says it is the last.
      for user in noticeLists[key, default: [:]].keys {
        guard let notice = noticeLists[key]?[user] else { continue }
        if notice.standing.state == .pending, notice.standing.dueAt == nil {
          noticeLists[key]?[user]?.standing.dueAt = event.time
        }
      }
    } else if let index {
      unfinished[index].chunks += 1
    } else if !resolved.contains(key) {
      unfinished.append(
        ResolutionProgress(
          dispatchID: chunk.dispatchID, modification: chunk.modification, chunks: 1))
    }
  }

  /// Users who are told beside the recipients, on those of the program's channels that they have when
  /// they are told.
  private mutating func escalate(_ escalated: NotificationEscalated, by event: Event) {
    let key = ModificationKey(dispatchID: escalated.dispatchID, number: escalated.modification)
    let channels = escalated.channels
    if calls[escalated.dispatchID]?.call.modification == escalated.modification {
      calls[escalated.dispatchID]?.isEscalated = true
    }
    for user in escalated.userIDs where noticeLists[key]?[user] == nil {
      let notice = Notice(
        key: NoticeKey(
          dispatchID: escalated.dispatchID, modification: escalated.modification, userID: user),
        channels: channels,
        standing: NoticeStanding(channel: channels.first, dueAt: event.time))
      insert(notice)
    }
  }

  private mutating func insert(_ notice: Notice) {
    let (dispatch, number) = (notice.key.dispatchID, notice.key.modification)
    let list = ModificationKey(dispatchID: dispatch, number: number)
    noticeLists[list, default: [:]][notice.key.userID] = notice
    noticeNumbers[dispatch, default: []].insert(number)
    pending.insert(notice.key)
  }

  private mutating func begin(_ attempted: NotificationAttempted, by event: Event) {
    let key = NoticeKey(
      dispatchID: attempted.dispatchID, modification: attempted.modification,
      userID: attempted.userID)
    attempts[event.id] = Attempt(
      event: event.id, notice: key, channel: attempted.channel, number: attempted.number,
      kind: attempted.kind, standing: AttemptStanding())
    attemptsOfNotice[key, default: []].append(event.id)
    open.insert(event.id)
    move(key) { $0.standing.attempt(event.id, on: attempted.channel) }
    if attempted.kind.hasDeadline, calls[key.dispatchID] == nil,
      dispatches[key.dispatchID]?.modification == key.modification
    {
      let call = SilentCall(
        dispatchID: key.dispatchID, modification: key.modification, attempt: event.id,
        since: event.time)
      calls[key.dispatchID] = (call, false)
    }
  }

  private mutating func follow(
    _ attempt: EventID, of dispatch: EntityID, at event: Event, _ mayRetry: Bool,
    _ change: (inout AttemptStanding) -> Void
  ) {
    guard let before = attempts[attempt], before.notice.dispatchID == dispatch else { return }
    var after = before.standing
    change(&after)
    attempts[attempt]?.standing = after
    if after.fate != .open { open.remove(attempt) }
    let others = attempts(of: before.notice)
    let news = AttemptChange(attempt: before, after: after, mayRetry: mayRetry)
    move(before.notice) { notice in
      notice.standing.take(news, of: notice.channels, at: event.time) { others }
    }
  }

  /// Lets `change` change a notice's standing; does nothing where there is no such notice.
  private mutating func move(_ key: NoticeKey, _ change: (inout Notice) -> Void) {
    guard var notice = notice(key) else { return }
    change(&notice)
    let list = ModificationKey(dispatchID: key.dispatchID, number: key.modification)
    noticeLists[list]?[key.userID] = notice
    if notice.standing.state == .pending { pending.insert(key) } else { pending.remove(key) }
  }
}
