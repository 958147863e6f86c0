package import Bytes
package import Dispatching
package import Events

/// What whole streams of dispatches come to: how each notice stands, and what proves it.
///
/// It is fed with all events of some dispatches, and of all programs, in the order of the log.
/// Other dispatches change nothing of these, so a long log can be taken in part by part. It keeps
/// no more than that asks for, and so is several times as fast as ``MemoryState``, with which a test
/// holds it to agree.
package struct DispatchHistory {
  private var programs: [EntityID: ProgramDefined] = [:]
  private var places: [EntityID: Int] = [:]
  private var streams: [DispatchStream] = []
  private var attemptPlaces: [EventID: Int] = [:]
  private var attempts: [AttemptRecord] = []

  package init() {}

  /// All that is known of a dispatch, be it only that somebody was told of it.
  package func stream(of dispatch: EntityID) -> DispatchStream? {
    places[dispatch].map { streams[$0] }
  }

  /// What was made of an attempt.
  package func attempt(_ event: EventID) -> AttemptRecord? {
    attemptPlaces[event].map { attempts[$0] }
  }

  /// What the results of an attempt come to.
  package func standing(of attempt: EventID) -> AttemptStanding? {
    attemptPlaces[attempt].map { attempts[$0].standing }
  }

  /// What is known of a notice's user.
  ///
  /// - Parameter horizon: How far the history reaches.
  package func told(
    _ notice: NoticeRecord, of modification: ModificationRecord, by horizon: Instant
  ) -> Told {
    var evidence = ToldEvidence(notice.answer)
    for place in notice.attempts {
      evidence.take(attempts[place].standing, attempts[place].proof)
    }
    return evidence.told(
      notice.userID, notice.standing, isEscalated: notice.escalation != nil,
      by: modification.deadline, horizon: horizon)
  }

  package mutating func take(_ event: Event) {
    switch event.payload {
    case .programDefined(let program): programs[program.id] = program
    case .dispatchRequested(let request):
      let place = place(of: request.dispatchID)
      guard streams[place].dispatch == nil else { return }
      set(place, 1, request.start.instant, request.programID)
      streams[place].dispatch = Dispatch(request, by: event.id, at: event.time)
    case .dispatchModified(let change):
      modify(change, by: event)
    case .dispatchCancelled(let change):
      add(.cancel(change), to: place(of: change.dispatchID), by: event)
    case .dispatchEnded(let change):
      add(.end(change), to: place(of: change.dispatchID), by: event)
    case .recipientsResolved(let chunk): resolve(chunk, at: event.time)
    case .notificationAttempted(let attempt): begin(attempt, by: event)
    case .notificationSuppressed(let notice):
      move(notice.dispatchID, notice.modification, notice.userID) {
        $0.standing.suppress(notice.reason, on: notice.channel, of: $0.channels)
      }
    case .notificationDeferred(let notice):
      move(notice.dispatchID, notice.modification, notice.userID) {
        $0.standing.defer(until: notice.until, on: notice.channel)
      }
    case .notificationEscalated(let step): escalate(step, by: event)
    case .deliveryRecorded(let result): take(result, by: event)
    case .deliveryUnknown(let lost):
      follow(lost.attempt, lost.dispatchID, event, false) { $0.standing.lose() }
    case .deliverySettled(let settled):
      follow(settled.attempt, settled.dispatchID, event, false) {
        $0.standing.settle(settled.decision)
      }
    case .acknowledgementRecorded(let answer):
      move(answer.dispatchID, answer.modification, answer.userID) {
        $0.answer = Proof.earlier($0.answer, Proof(answer, event))
        $0.standing.acknowledge(answer.opt == nil ? .acknowledged : .answered)
      }
    case .programRetired, .marketEventTypeDefined, .marketEventTypeRetired, .userGroupDefined,
      .userGroupRetired, .userDefined, .userEnrolled, .userWithdrawn, .userOptedOut, .userOptedIn,
      .userErased, .templatePublished, .templateWithdrawn, .rulePublished, .ruleWithdrawn,
      .legalHoldPlaced, .legalHoldReleased, .signalObserved, .dispatchRejected,
      .dispatchScheduled, .dispatchTriggered, .dispatchMissed, .deliveryUnmatched:
      break
    case .ledgerCreated, .ledgerRecovered, .ledgerRepaired, .ledgerKeyChanged, .ledgerTimeStamped,
      .ledgerArchived, .ledgerAttached, .ledgerDisposed, .ledgerExportIssued,
      .ledgerCorrectionRecorded:
      break
    }
  }

  private mutating func place(of dispatch: EntityID) -> Int {
    if let place = places[dispatch] { return place }
    places[dispatch] = streams.count
    streams.append(DispatchStream())
    return streams.count - 1
  }

  /// The program's lead time is the one that stood when the modification was recorded.
  private mutating func set(_ place: Int, _ number: Int, _ start: Instant, _ program: EntityID) {
    guard let leadTime = programs[program]?.leadTime else { return }
    let index = streams[place].index(of: number)
    streams[place].modifications[index].deadline = noticeDeadline(
      start: start, leadTime: leadTime)
  }

  private mutating func modify(_ change: DispatchModified, by event: Event) {
    let place = place(of: change.dispatchID)
    if let dispatch = streams[place].dispatch {
      let number = dispatch.modification + 1
      set(place, number, change.start.instant, dispatch.request.programID)
    }
    add(.modify(change), to: place, by: event)
  }

  private mutating func take(_ result: DeliveryRecorded, by event: Event) {
    follow(result.attempt, result.dispatchID, event, result.isRetryable ?? false) {
      $0.standing.report(result.outcome, evidence: result.evidence)
      if let proof = Proof(result, event, ofAttemptAt: $0.moment) {
        $0.proof = Proof.earlier($0.proof, proof)
      }
    }
  }

  private mutating func add(_ change: DispatchChange, to place: Int, by event: Event) {
    streams[place].dispatch?.add(
      Modification(event: event.id, recordedAt: event.time, change: change))
  }

  private mutating func resolve(_ chunk: RecipientsResolved, at time: Instant) {
    let place = place(of: chunk.dispatchID)
    let index = streams[place].index(of: chunk.modification)
    streams[place].modifications[index].resolve(chunk, at: time)
  }

  private mutating func begin(_ attempt: NotificationAttempted, by event: Event) {
    let place = place(of: attempt.dispatchID)
    let index = streams[place].index(of: attempt.modification)
    let notice = streams[place].modifications[index].place(of: attempt.userID)
    attemptPlaces[event.id] = attempts.count
    streams[place].modifications[index].notices[notice].attempts.append(attempts.count)
    attempts.append(
      AttemptRecord(
        event: event.id, place: place, index: index, notice: notice,
        dispatchID: attempt.dispatchID, number: attempt.modification, userID: attempt.userID,
        channel: attempt.channel, moment: event.moment))
    streams[place].modifications[index].move(notice) {
      $0.standing.attempt(event.id, on: attempt.channel)
    }
  }

  private mutating func move(
    _ dispatch: EntityID, _ number: Int, _ user: EntityID, _ change: (inout NoticeRecord) -> Void
  ) {
    let place = place(of: dispatch)
    let index = streams[place].index(of: number)
    let notice = streams[place].modifications[index].place(of: user)
    streams[place].modifications[index].move(notice, change)
  }

  /// Lets a notice follow what became of one of its attempts.
  private mutating func follow(
    _ id: EventID, _ dispatch: EntityID, _ event: Event, _ mayRetry: Bool,
    _ change: (inout AttemptRecord) -> Void
  ) {
    guard let place = attemptPlaces[id], attempts[place].dispatchID == dispatch else { return }
    let before = attempts[place].attempt
    change(&attempts[place])
    let (stream, index, notice) = (
      attempts[place].place, attempts[place].index, attempts[place].notice
    )
    let news = AttemptChange(
      attempt: before, after: attempts[place].standing, mayRetry: mayRetry)
    let attempts = attempts
    streams[stream].modifications[index].move(notice) { notice in
      let others = notice.attempts
      notice.standing.take(news, of: notice.channels, at: event.time) {
        others.map { attempts[$0].attempt }
      }
    }
  }

  private mutating func escalate(_ step: NotificationEscalated, by event: Event) {
    let place = place(of: step.dispatchID)
    let index = streams[place].index(of: step.modification)
    for user in step.userIDs {
      streams[place].modifications[index].add(
        user, on: step.channels, dueAt: event.time, by: event.id)
    }
  }
}

/// A dispatch, and the notices of its modifications.
package struct DispatchStream {
  /// As it was requested and changed; `nil` where no event requested it.
  package fileprivate(set) var dispatch: Dispatch?
  fileprivate var modifications: [ModificationRecord] = []

  /// The modification of this number, be it only that events speak of it.
  package func modification(_ number: Int) -> ModificationRecord? {
    // By index here and below: a closure would be handed a copy of each.
    modifications.indices.first { modifications[$0].number == number }.map { modifications[$0] }
  }

  fileprivate mutating func index(of number: Int) -> Int {
    for index in modifications.indices where modifications[index].number == number {
      return index
    }
    modifications.append(ModificationRecord(number: number))
    return modifications.count - 1
  }
}

/// Whom a modification concerns, and by when they had to be told.
package struct ModificationRecord {
  package let number: Int
  package fileprivate(set) var deadline: Instant?
  /// How many its resolution holds; `nil` where it has none.
  package private(set) var recipients: Int?
  package private(set) var exclusions: Int?
  fileprivate var notices: [NoticeRecord] = []
  /// Where users' notices stand, once there are many.
  private var places: [EntityID: Int] = [:]
  private static let few = 16

  fileprivate init(number: Int) { self.number = number }

  /// The notice to a user, where there is one.
  package func notice(to user: EntityID) -> NoticeRecord? {
    guard let place = find(user), notices[place].isThere else { return nil }
    return notices[place]
  }

  private func find(_ user: EntityID) -> Int? {
    if notices.count > Self.few { return places[user] }
    for place in notices.indices where notices[place].userID == user { return place }
    return nil
  }

  /// Where the notice to a user stands, or will stand should there be one.
  fileprivate mutating func place(of user: EntityID) -> Int {
    if let place = find(user) { return place }
    notices.append(NoticeRecord(userID: user))
    let count = notices.count
    if count == Self.few + 1 {
      for (place, notice) in notices.enumerated() { places[notice.userID] = place }
    } else if count > Self.few {
      places[user] = count - 1
    }
    return count - 1
  }

  /// Changes what is known of a user; how a notice stands changes only where there is one.
  fileprivate mutating func move(_ place: Int, _ change: (inout NoticeRecord) -> Void) {
    if notices[place].isThere {
      change(&notices[place])
    } else {
      var record = notices[place]
      change(&record)
      notices[place].answer = record.answer
    }
  }

  fileprivate mutating func add(
    _ user: EntityID, on channels: [ChannelCode], dueAt time: Instant?, by step: EventID? = nil
  ) {
    let place = place(of: user)
    guard !notices[place].isThere else { return }
    notices[place].isThere = true
    notices[place].channels = channels
    notices[place].escalation = step
    notices[place].standing = NoticeStanding(channel: channels.first, dueAt: time)
  }

  fileprivate mutating func resolve(_ chunk: RecipientsResolved, at time: Instant) {
    recipients = (recipients ?? 0) + chunk.recipients.count
    exclusions = (exclusions ?? 0) + chunk.exclusions.count
    for recipient in chunk.recipients {
      add(recipient.userID, on: recipient.channels.map(\.channel), dueAt: nil)
    }
    guard chunk.isLast else { return }
    // Nothing is due before the chunk that says it is the last.
    for place in notices.indices
    where notices[place].isThere && notices[place].standing.state == .pending
      && notices[place].standing.dueAt == nil
    {
      notices[place].standing.dueAt = time
    }
  }
}

/// What is known of one user of a modification.
package struct NoticeRecord {
  package let userID: EntityID
  /// In order of preference.
  package fileprivate(set) var channels: [ChannelCode] = []
  package fileprivate(set) var standing = NoticeStanding()
  fileprivate var isThere = false
  /// The `notification.escalated` that added it; `nil` where a resolution did.
  fileprivate var escalation: EventID?
  /// Where its attempts stand.
  fileprivate var attempts: [Int] = []
  fileprivate var answer: Proof?

  fileprivate init(userID: EntityID) { self.userID = userID }

  /// Whether it is an escalation's, and this one's.
  package func isAdded(by step: EventID) -> Bool { escalation == step }
}

/// What became of an attempt.
package struct AttemptRecord {
  fileprivate let event: EventID
  fileprivate let place: Int
  fileprivate let index: Int
  fileprivate let notice: Int
  package let dispatchID: EntityID
  /// The modification that it tells of.
  package let number: Int
  package let userID: EntityID
  fileprivate let channel: ChannelCode
  fileprivate let moment: Instant
  package fileprivate(set) var standing = AttemptStanding()
  fileprivate var proof: Proof?

  fileprivate init(
    event: EventID, place: Int, index: Int, notice: Int, dispatchID: EntityID, number: Int,
    userID: EntityID, channel: ChannelCode, moment: Instant
  ) {
    self.event = event
    self.place = place
    self.index = index
    self.notice = notice
    self.dispatchID = dispatchID
    self.number = number
    self.userID = userID
    self.channel = channel
    self.moment = moment
  }

  /// As rules look at it; which try it was, and what it said, none of these asks.
  fileprivate var attempt: Attempt {
    Attempt(
      event: event,
      notice: NoticeKey(dispatchID: dispatchID, modification: number, userID: userID),
      channel: channel, number: 1, kind: .start, standing: standing)
  }
}
