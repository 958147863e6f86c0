import Bytes
package import Channels
package import Dispatching
import EventLog
package import Events
import Platform
import Views

/// What one run of delivering did.
package struct DeliveryReport: Hashable, Sendable {
  package var attempts = 0
  /// Taken by the channel.
  package var accepted = 0
  package var failed = 0
  package var unknown = 0
  package var suppressed = 0
  /// Attempts of an earlier run that nothing came back for.
  package var lost = 0
  /// Channels that due notices wait for and that aren't set up, with how many wait.
  package var unsendable: [ChannelCode: Int] = [:]

  package init() {}
}

extension Ledger {
  /// The most attempts that one commit holds, whatever room the channels have: at most so many are
  /// unknown after a crash.
  private static let attemptsAtOnce = 256

  /// Sends what is due until nothing more is: each attempt is durable before it leaves, each
  /// outcome after.
  ///
  /// The writer's lock is held for each commit only, so that others append meanwhile.
  ///
  /// - Parameter shouldStop: Asked between commits; what is in flight is finished and recorded.
  /// - Throws: `.delivering` where another process delivers.
  package func deliver(
    through channels: ChannelSet, log: @escaping (SenderNote) -> Void = { _ in },
    shouldStop: () -> Bool = { false }
  ) throws(LedgerError) -> DeliveryReport {
    let lock = try inStorage { () throws(StorageError) in
      try storage.open(LedgerPath.delivering, for: .writing)
    }
    guard try inStorage({ () throws(StorageError) in try lock.tryLock() }) else {
      throw .delivering
    }
    defer { withExtendedLifetime(lock) {} }
    var report = DeliveryReport()
    report.lost = try recordLostAttempts()
    let sender = Sender(channels, now: surroundings.now, log: log)
    while !shouldStop() {
      let batch = try recordAttempts(channels, sender, &report)
      if !batch.isAnythingDue { break }
      for message in batch.messages { sender.begin(message) }
      // Where a channel has no room, its limit a second or a pause keeps the rest waiting.
      if batch.messages.isEmpty { _ = sender.finished(waitingMilliseconds: 20) }
      while sender.inFlight > 0 {
        let outcomes = sender.finished(waitingMilliseconds: 1_000)
        if !outcomes.isEmpty { try record(outcomes, &report) }
      }
    }
    return report
  }

  /// What is to be sent now.
  private struct Batch {
    var messages: [OutgoingMessage] = []
    /// Whether more can be done, now or as soon as a channel has room.
    var isAnythingDue = false
  }

  /// What is due, without sending it.
  package func planNotices(
    through channels: ChannelSet, limit: Int
  ) throws(LedgerError) -> NoticePlan {
    let turn = try takeTurn()
    let decider = try turn.decider()
    return try inDecision { () throws(DecisionError<ViewError>) in
      try decider.planNotices(limit: limit) { channels[$0] != nil }
    }
  }

  private func recordLostAttempts() throws(LedgerError) -> Int {
    var lost = 0
    while true {
      let turn = try takeTurn()
      let decider = try turn.decider()
      let drafts = try inDecision { () throws(DecisionError<ViewError>) in
        try decider.recordLostAttempts(limit: 1_000)
      }
      if drafts.isEmpty { return lost }
      lost += drafts.count { if case .deliveryUnknown = $0.payload { true } else { false } }
      try turn.commit(drafts)
    }
  }

  /// Plans what is due and makes the attempts durable.
  ///
  /// No channel gets more than it has room for.
  private func recordAttempts(
    _ channels: ChannelSet, _ sender: Sender, _ report: inout DeliveryReport
  ) throws(LedgerError) -> Batch {
    let turn = try takeTurn()
    let decider = try turn.decider()
    var room: [ChannelCode: Int] = [:]
    let plan = try inDecision { () throws(DecisionError<ViewError>) in
      try decider.planNotices(limit: Self.attemptsAtOnce) { code in
        // A notice that may be sent on a channel is then attempted on it.
        let rest = room[code] ?? sender.room(on: code)
        room[code] = max(0, rest - 1)
        return rest > 0
      }
    }
    let missing = plan.unsendable.filter { channels[$0.channel] == nil }
    report.unsendable = Dictionary(missing.map { ($0.channel, 1) }, uniquingKeysWith: +)
    var batch = Batch()
    batch.isAnythingDue = !plan.isEmpty || missing.count < plan.unsendable.count
    if plan.isEmpty { return batch }
    var drafts = plan.suppressions
    for planned in plan.attempts {
      guard let channel = channels[planned.channel] else { continue }
      let hmac = try keys.textHMAC(of: planned.text.bytes, user: planned.key.userID)
      let attempt = turn.size + UInt64(drafts.count)
      drafts.append(
        decider.attempted(planned, through: channel.identity, textHMAC: hmac))
      batch.messages.append(
        OutgoingMessage(
          attempt: attempt, origin: identity.origin, dispatchID: planned.key.dispatchID,
          modification: planned.key.modification, userID: planned.key.userID,
          channel: planned.channel, number: planned.number, kind: planned.kind,
          isTest: planned.isTest, start: planned.start, address: try address(of: planned),
          text: planned.text))
    }
    try turn.commit(drafts)
    report.suppressed += plan.suppressions.count
    report.attempts += batch.messages.count
    return batch
  }

  /// Opens an address, once the line that the views remember says the same.
  private func address(of planned: PlannedAttempt) throws(LedgerError) -> String {
    let user = planned.key.userID
    let location = try inViews { () throws(ViewError) in
      try views.streams.location(of: planned.user, about: .user(user))
    }
    let reader = try inLog { () throws(LogError) in try LogReader(storage, identity: identity) }
    guard let location,
      let line = try inLog({ () throws(LogError) in
        try reader.line(segment: location.segment, offset: location.offset)
      }),
      let event = try? Event(decoding: line), event.id == planned.user,
      case .userDefined(let defined) = event.payload,
      defined.contacts.contains(where: {
        $0.channel == planned.channel && $0.address == planned.address
      }),
      let address = keys.open(planned.address, user, .address(planned.channel))
    else { throw .unconfirmedAddress(user: user, event: planned.user) }
    return address
  }

  private func record(
    _ outcomes: [(attempt: EventID, outcome: AttemptOutcome)], _ report: inout DeliveryReport
  ) throws(LedgerError) {
    let turn = try takeTurn()
    let decider = try turn.decider()
    var drafts: [EventDraft] = []
    for (attempt, outcome) in outcomes {
      drafts += try inDecision { () throws(DecisionError<ViewError>) in
        try decider.record(outcome, of: attempt)
      }
      switch outcome {
      case .unknown: report.unknown += 1
      case .reported(let said):
        switch said.outcome {
        case .accepted, .inTransit, .delivered: report.accepted += 1
        case .undelivered, .failed, .expired, .cancelled: report.failed += 1
        }
      }
    }
    if !drafts.isEmpty { try turn.commit(drafts) }
  }
}
