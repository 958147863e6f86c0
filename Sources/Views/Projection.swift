import Bytes
import Dispatching
import Events

extension ViewStore {
  /// What each type of event means to the views.
  ///
  /// Every event is counted and has its place in its stream; the types that end in `break` mean no
  /// more than that.
  func project(_ payload: EventPayload, by event: Fact) throws(ViewError) {
    switch payload {
    case .ledgerRecovered(let recovered): try quarantineFiles.record(recovered, by: event)
    case .programDefined(let program):
      try catalogue.programs.define(program.id, as: program, by: event.id)
    case .programRetired(let retired): try catalogue.programs.retire(retired.id, by: event.id)
    case .marketEventTypeDefined(let type):
      try catalogue.marketEventTypes.define(type.id, as: type, by: event.id)
    case .marketEventTypeRetired(let retired):
      try catalogue.marketEventTypes.retire(retired.id, by: event.id)
    case .userGroupDefined(let group):
      try catalogue.userGroups.define(group.id, as: group, by: event.id)
    case .userGroupRetired(let retired): try catalogue.userGroups.retire(retired.id, by: event.id)
    case .userDefined(let user): try users.define(user, by: event.id)
    case .userEnrolled(let enrolled):
      let change = EnrollmentChange(at: enrolled.at, event: event.id, enrolls: true)
      try enrollments.add(change, of: enrolled.userID, in: enrolled.programID)
    case .userWithdrawn(let withdrawn):
      let change = EnrollmentChange(at: withdrawn.at, event: event.id, enrolls: false)
      try enrollments.add(change, of: withdrawn.userID, in: withdrawn.programID)
    case .userOptedOut(let optOut): try optOuts.add(optOut, by: event.id)
    case .userOptedIn(let optIn): try optOuts.remove(optIn)
    case .userErased(let erased):
      try users.erase(erased.userID, by: event.id)
      try enrollments.erase(erased.userID)
      try optOuts.erase(erased.userID)
    case .dispatchRequested(let request): try dispatches.request(request, by: event)
    case .dispatchRejected(let rejected): try dispatches.reject(rejected, by: event)
    case .dispatchScheduled(let schedule):
      try dispatches.schedule(schedule, by: event)
      try schedules.add(schedule, by: event)
    case .dispatchTriggered(let trigger): try take(trigger, by: event)
    case .dispatchMissed(let miss): try take(miss, by: event)
    case .dispatchModified(let change):
      try dispatches.modify(change, by: event)
      try notices.change(change.dispatchID)
    case .dispatchCancelled(let change):
      try dispatches.cancel(change, by: event)
      try notices.change(change.dispatchID)
    case .dispatchEnded(let change):
      try dispatches.end(change, by: event)
      try notices.change(change.dispatchID)
    case .recipientsResolved(let chunk):
      try resolutions.take(chunk, by: event)
      try notices.resolve(chunk, by: event)
    case .notificationAttempted(let attempt): try take(attempt, by: event)
    case .notificationSuppressed(let suppressed): try take(suppressed)
    case .notificationDeferred(let deferred): try take(deferred)
    case .notificationEscalated(let escalated): try take(escalated, by: event)
    case .deliveryRecorded(let result): try follow(attempts.record(result, by: event), at: event)
    case .deliveryUnmatched(let result): try attempts.keep(result, by: event)
    case .deliveryUnknown(let unknown): try follow(attempts.lose(unknown, by: event), at: event)
    case .deliverySettled(let settled): try follow(attempts.settle(settled, by: event), at: event)
    case .acknowledgementRecorded(let answer): try take(answer, by: event)
    case .ledgerArchived(let part): try retention.archive(part, by: event)
    case .ledgerAttached(let attached): try retention.attach(attached, by: event)
    case .ledgerDisposed(let part): try retention.dispose(of: part, by: event)
    case .ledgerCreated, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerExportIssued, .ledgerCorrectionRecorded:
      break
    case .templatePublished(let template):
      try templates.published.define(template.id, as: template, by: event.id)
    case .templateWithdrawn(let withdrawn):
      try templates.published.retire(withdrawn.id, by: event.id)
    case .rulePublished(let rule): try rules.publish(rule, by: event)
    case .ruleWithdrawn(let withdrawn): try rules.withdraw(withdrawn.id, by: event)
    case .signalObserved(let observed): try signals.observe(observed, by: event)
    case .legalHoldPlaced(let hold): try retention.place(hold, by: event)
    case .legalHoldReleased(let hold): try retention.release(hold, by: event)
    }
  }

  private func take(_ trigger: DispatchTriggered, by event: Fact) throws(ViewError) {
    try dispatches.trigger(trigger, by: event)
    try schedules.end(trigger.dispatchID, by: event, didFire: true)
    try rules.fire(
      trigger.dispatchID, trigger.rule, for: trigger.nominal, by: event, didFire: true)
  }

  private func take(_ miss: DispatchMissed, by event: Fact) throws(ViewError) {
    try dispatches.miss(miss, by: event)
    try schedules.end(miss.dispatchID, by: event, didFire: false)
    try rules.fire(miss.dispatchID, miss.rule, for: miss.nominal, by: event, didFire: false)
  }

  private func take(_ attempt: NotificationAttempted, by event: Fact) throws(ViewError) {
    try attempts.begin(attempt, by: event)
    try notices.begin(attempt, by: event)
    let key = NoticeKey(
      dispatchID: attempt.dispatchID, modification: attempt.modification, userID: attempt.userID)
    try notices.move(key) { notice throws(ViewError) in
      notice.standing.attempt(event.id, on: attempt.channel)
    }
  }

  private func take(_ suppressed: NotificationSuppressed) throws(ViewError) {
    let key = NoticeKey(
      dispatchID: suppressed.dispatchID, modification: suppressed.modification,
      userID: suppressed.userID)
    try notices.move(key) { notice throws(ViewError) in
      notice.standing.suppress(
        suppressed.reason, on: suppressed.channel, of: notice.channels)
    }
  }

  private func take(_ deferred: NotificationDeferred) throws(ViewError) {
    let key = NoticeKey(
      dispatchID: deferred.dispatchID, modification: deferred.modification,
      userID: deferred.userID)
    try notices.move(key) { notice throws(ViewError) in
      notice.standing.defer(until: deferred.until, on: deferred.channel)
    }
  }

  private func take(_ escalated: NotificationEscalated, by event: Fact) throws(ViewError) {
    try notices.escalate(escalated, by: event)
  }

  private func take(_ answer: AcknowledgementRecorded, by event: Fact) throws(ViewError) {
    try acknowledgements.record(answer, by: event)
    let key = NoticeKey(
      dispatchID: answer.dispatchID, modification: answer.modification, userID: answer.userID)
    try notices.move(key) { notice throws(ViewError) in
      notice.standing.acknowledge(answer.opt == nil ? .acknowledged : .answered)
    }
  }

  /// Lets the notice follow what a result has made of one of its attempts.
  private func follow(_ change: AttemptChange?, at event: Fact) throws(ViewError) {
    guard let change else { return }
    let key = change.attempt.notice
    try notices.move(key) { notice throws(ViewError) in
      try notice.standing.take(change, of: notice.channels, at: event.time) {
        () throws(ViewError) in
        try attempts.list(of: key).map(\.attempt)
      }
    }
  }
}
