package import Bytes
package import Events

/// How a notice stands.
package enum NoticeState: String, Hashable, Sendable, CaseIterable {
  /// It is to be attempted, from its due time on.
  case pending
  /// An attempt is on its way, and nothing came back.
  case attempted
  /// A channel took it, or its user has answered.
  case notified
  /// Every channel was tried, and none took it.
  case failed
  /// It will not be attempted, for a reason that is recorded.
  case suppressed
  /// The last attempt's outcome is unknown, and waits to be settled.
  case unknown
}

/// Which notice is meant: there is one for each user whom a modification concerns.
package struct NoticeKey: Hashable, Comparable, Sendable {
  package var dispatchID: EntityID
  package var modification: Int
  package var userID: EntityID

  package init(dispatchID: EntityID, modification: Int, userID: EntityID) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
  }

  /// By dispatch, modification and user.
  package static func < (one: NoticeKey, other: NoticeKey) -> Bool {
    if one.dispatchID != other.dispatchID { return one.dispatchID < other.dispatchID }
    return (one.modification, one.userID) < (other.modification, other.userID)
  }
}

/// How a notice stands, and what comes next.
///
/// Only events move it. A notice that is due stays due until an event says what was done about it:
/// that a later modification supersedes it, or that its deadline has passed, is for whoever decides
/// to see and to record.
package struct NoticeStanding: Hashable, Sendable {
  package var state: NoticeState
  /// The channel of the next attempt while it is pending, else that of the last one.
  package var channel: ChannelCode?
  /// When to attempt it; absent unless it is pending, and while its resolution isn't complete.
  package var dueAt: Instant?
  /// Why it is suppressed.
  package var reason: SuppressionReason?
  package var attempts: Int
  package var lastAttempt: EventID?
  /// The strongest evidence that its user was told.
  package var evidence: EvidenceStrength

  package init(
    state: NoticeState = .pending, channel: ChannelCode? = nil, dueAt: Instant? = nil,
    reason: SuppressionReason? = nil, attempts: Int = 0, lastAttempt: EventID? = nil,
    evidence: EvidenceStrength = .none
  ) {
    self.state = state
    self.channel = channel
    self.dueAt = dueAt
    self.reason = reason
    self.attempts = attempts
    self.lastAttempt = lastAttempt
    self.evidence = evidence
  }

  /// Takes in a `notification.attempted`.
  package mutating func attempt(_ event: EventID, on channel: ChannelCode) {
    // Wrapping: the number may come from a damaged row, which must not stop the program.
    attempts &+= 1
    lastAttempt = event
    self.channel = channel
    if state != .notified { move(to: .attempted) }
  }

  /// Takes in what an attempt's fate has become; a user who has answered was told, whatever it is.
  ///
  /// - Parameters:
  ///   - channel: The attempt's.
  ///   - channels: The notice's, in order of preference.
  ///   - mayRetry: Whether another try on the same channel may help.
  ///   - time: When it became known.
  package mutating func follow(
    _ fate: AttemptFate, on channel: ChannelCode, of channels: [ChannelCode], mayRetry: Bool,
    at time: Instant
  ) {
    if evidence >= .acknowledged {
      move(to: .notified)
      return
    }
    switch fate {
    case .open: move(to: .attempted)
    case .unknown: move(to: .unknown)
    case .reported where fate.isTold, .settled(.delivered): move(to: .notified)
    case .settled(.resend): wait(on: channel, until: time)
    case .settled(.abandon): failOver(from: channel, of: channels, at: time, or: .failed)
    case .reported:
      if mayRetry {
        wait(on: channel, until: time)
      } else {
        failOver(from: channel, of: channels, at: time, or: .failed)
      }
    }
  }

  /// Takes in a `notification.suppressed`; who was told stays told.
  package mutating func suppress(
    _ reason: SuppressionReason, on channel: ChannelCode?, of channels: [ChannelCode]
  ) {
    if state == .notified { return }
    guard let channel else {
      move(to: .suppressed)
      self.reason = reason
      return
    }
    guard state == .pending, channel == self.channel else { return }
    failOver(from: channel, of: channels, at: dueAt, or: .suppressed)
    if state == .suppressed { self.reason = reason }
  }

  /// Takes in a `notification.deferred`; who was told stays told.
  package mutating func `defer`(until time: Instant, on channel: ChannelCode) {
    if state != .notified { wait(on: channel, until: time) }
  }

  /// Takes in an answer of the user to this modification.
  ///
  /// A notice that is still to be sent stays so: that the answer makes it needless is a decision.
  package mutating func acknowledge(_ evidence: EvidenceStrength) {
    self.evidence = max(self.evidence, evidence)
    switch state {
    case .attempted, .unknown, .failed: move(to: .notified)
    case .pending, .notified, .suppressed: break
    }
  }

  /// Takes in what a result has made of one of the notice's attempts.
  ///
  /// - Parameters:
  ///   - channels: The notice's, in order of preference.
  ///   - time: When the result was recorded.
  ///   - attempts: All attempts of the notice; asked for only where the others matter.
  package mutating func take<Failure>(
    _ change: AttemptChange, of channels: [ChannelCode], at time: Instant,
    attempts: () throws(Failure) -> [Attempt]
  ) throws(Failure) {
    guard change.after != change.attempt.standing else { return }
    let before = change.attempt.standing.fate
    let after = change.after.fate
    if after.isTold {
      evidence = max(evidence, change.after.evidence)
    } else if case (.reported, .reported) = (before, after), !before.isTold {
      // It had failed, and has failed otherwise: what comes next was decided by the first news.
      return
    } else if self.attempts > 1,
      try attempts().contains(where: {
        $0.event != change.attempt.event && $0.standing.fate.isTold
      })
    {
      return
    }
    guard let (fate, channel) = try deciding(change, attempts: attempts) else { return }
    follow(fate, on: channel, of: channels, mayRetry: change.mayRetry, at: time)
  }

  /// The fate that decides what comes next, and the channel that it was met on; `nil` where nothing
  /// changes.
  private func deciding<Failure>(
    _ change: AttemptChange, attempts: () throws(Failure) -> [Attempt]
  ) throws(Failure) -> (AttemptFate, ChannelCode)? {
    if change.after.fate.isTold { return (change.after.fate, change.attempt.channel) }
    if change.attempt.event == lastAttempt {
      switch state {
      case .attempted, .unknown, .notified: return (change.after.fate, change.attempt.channel)
      case .pending, .failed, .suppressed: return nil
      }
    }
    // An earlier attempt that had told the user no longer has: the last one decides.
    guard state == .notified,
      let last = try attempts().first(where: { $0.event == lastAttempt })
    else { return nil }
    return (last.standing.fate, last.channel)
  }

  private mutating func move(to state: NoticeState) {
    self.state = state
    dueAt = nil
    reason = nil
  }

  private mutating func wait(on channel: ChannelCode, until time: Instant?) {
    move(to: .pending)
    self.channel = channel
    dueAt = time
  }

  /// Goes on to the channel behind `channel`, and to `state` where there is none.
  private mutating func failOver(
    from channel: ChannelCode, of channels: [ChannelCode], at time: Instant?, or state: NoticeState
  ) {
    let next = channels.drop { $0 != channel }.dropFirst().first
    if let next { wait(on: next, until: time) } else { move(to: state) }
  }
}

/// What a result has made of an attempt.
package struct AttemptChange: Sendable {
  /// As it was before.
  package let attempt: Attempt
  package let after: AttemptStanding
  /// Whether another try on the same channel may help.
  package let mayRetry: Bool

  package init(attempt: Attempt, after: AttemptStanding, mayRetry: Bool) {
    self.attempt = attempt
    self.after = after
    self.mayRetry = mayRetry
  }
}
