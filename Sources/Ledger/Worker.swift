package import Bytes
package import Channels
import Dispatching
import EventLog
package import Events
import Platform
import Views

/// Sends what is due: the one process of a ledger that does, on one thread.
///
/// Each attempt is durable before its message leaves, and each outcome is recorded once it is known. A round of
/// the worker records what came back and what leaves next in one commit; while that is made durable, more comes
/// back for the next one. The writer's lock is held for each commit only, so that others append meanwhile.
package final class Worker {
  private let ledger: Ledger
  private let channels: ChannelSet
  private let sender: Sender
  private let log: (WorkerNote) -> Void
  private let lock: any StorageFile
  private var report = DeliveryReport()
  /// What came of messages and isn't recorded yet.
  private var outcomes: [Sender.Finished] = []
  /// Since when events wait for a checkpoint, on the monotonic clock; `nil` where none do.
  private var unsignedSince: UInt64?

  /// When times and conditions are to be looked at again; `nil` where nothing waits for a time.
  private var wakeUp: Instant?
  /// The log's size when they were looked at last.
  private var sizeLookedAt: UInt64?
  /// The log's size as of the last round; `nil` where the worker wasn't busy since.
  private var sizeOfRound: UInt64?
  /// Whether the last round suppressed or put off what was due.
  private var hasHeldBack = false

  /// At most so many dispatches that waited are executed or missed in one commit, and so many
  /// escalations begun.
  private static let firingsAtOnce = 100
  /// Between two checkpoints of a long run.
  private static let signingNanoseconds: UInt64 = 1_000_000_000
  /// How long to wait for a channel that is set up and has no room, and for events of others.
  private static let pauseMilliseconds = 20
  private static let idleMilliseconds = 100

  /// Takes the lock of whoever delivers, and records what an earlier run left open.
  ///
  /// - Parameter log: Told what no event tells; it must not fail.
  /// - Throws: `.delivering` where another process delivers.
  package init(
    _ ledger: Ledger, through channels: ChannelSet, log: @escaping (WorkerNote) -> Void = { _ in }
  ) throws(LedgerError) {
    self.ledger = ledger
    self.channels = channels
    self.log = log
    lock = try inStorage { () throws(StorageError) in
      try ledger.storage.open(LedgerPath.delivering, for: .writing)
    }
    let lock = lock
    guard try inStorage({ () throws(StorageError) in try lock.tryLock() }) else {
      throw .delivering
    }
    sender = Sender(channels, now: ledger.surroundings.now) { log(.sender($0)) }
    report.lost = try recordLostAttempts()
    log(.started(channels: channels.codes, lost: report.lost))
  }

  /// Sends until nothing more is due and nothing is on its way.
  ///
  /// - Parameter shouldStop: Asked between rounds; what is on its way is finished and recorded.
  package func deliverOnce(
    shouldStop: () -> Bool = { false }
  ) throws(LedgerError) -> DeliveryReport {
    while true {
      let isStopping = shouldStop()
      if !isStopping { try fireWhatIsDue() }
      let isBusy = try round(mayBegin: !isStopping)
      if isBusy { continue }
      if isStopping { return try finish() }
      sizeOfRound = nil
      guard try isHeldUp() else { return try finish() }
      outcomes += sender.finished(waitingMilliseconds: Self.pauseMilliseconds)
    }
  }

  /// Sends what is due, now and whenever something is, until it is to stop.
  ///
  /// - Parameters:
  ///   - intake: Called between rounds: takes in what others have left, and says whether it has appended
  ///     anything.
  ///   - wait: Waits so long, and says whether the worker is to stop.
  package func watch(
    intake: () throws(LedgerError) -> Bool, wait: (_ milliseconds: Int) -> Bool
  ) throws(LedgerError) -> DeliveryReport {
    var size = try knownSize()
    while true {
      let isStopping = wait(0)
      if !isStopping {
        if try intake() {
          noteAppended()
          sizeOfRound = nil
        }
        try fireWhatIsDue()
      }
      let isBusy = try round(mayBegin: !isStopping)
      if isBusy { continue }
      if isStopping { break }
      sizeOfRound = nil
      if try isHeldUp() {
        outcomes += sender.finished(waitingMilliseconds: Self.pauseMilliseconds)
        continue
      }
      try signIfDue(isIdle: true)
      size = try idle(from: size, intake, wait)
    }
    return try finish()
  }

  // MARK: - A round

  /// Records what came back, begins what is due, and waits for the next that comes back.
  ///
  /// - Returns: Whether anything is on its way or was done.
  private func round(mayBegin: Bool) throws(LedgerError) -> Bool {
    hasHeldBack = false
    let messages = try commit(mayBegin: mayBegin)
    for message in messages { sender.begin(message) }
    // Behind what was suppressed or put off more may be due.
    guard sender.inFlight > 0 else { return hasHeldBack }
    // What could begin has begun: nothing more is to be done before something has ended.
    outcomes += sender.finished(waitingMilliseconds: 1_000)
    try signIfDue(isIdle: false)
    return true
  }

  /// Makes one commit of what came back and of the attempts that leave next.
  ///
  /// - Returns: What is to be sent now.
  private func commit(mayBegin: Bool) throws(LedgerError) -> [OutgoingMessage] {
    if outcomes.isEmpty, !mayBegin { return [] }
    let turn = try takeTurn()
    let decider = try turn.decider()
    var drafts = try record(outcomes, decider)
    var messages: [OutgoingMessage] = []
    var suppressed = 0
    if mayBegin {
      // What came back is about notices that aren't due, so that neither plan changes the other.
      let plan = try inDecision { () throws(DecisionError<ViewError>) in
        try decider.planNotices(room: room())
      }
      drafts += plan.heldBack
      try add(plan.attempts, to: &drafts, &messages, from: turn, decider)
      let withoutKey = plan.attempts.count - messages.count
      suppressed = plan.suppressionCount + withoutKey
      hasHeldBack = !plan.heldBack.isEmpty || withoutKey > 0
    }
    if !drafts.isEmpty {
      let before = turn.size
      try turn.commit(drafts)
      noteAppended()
      // What was sent moves no time or condition but those of answers, which are noted with it.
      if sizeLookedAt == before { sizeLookedAt = turn.size }
    }
    sizeOfRound = turn.size
    outcomes = []
    report.suppressed += suppressed
    report.attempts += messages.count
    return messages
  }

  /// How many messages each channel takes now.
  private func room() -> [ChannelCode: Int] {
    Dictionary(uniqueKeysWithValues: channels.codes.map { ($0, sender.room(on: $0)) })
  }

  private func add(
    _ attempts: [PlannedAttempt], to drafts: inout [EventDraft],
    _ messages: inout [OutgoingMessage], from turn: Turn, _ decider: Decider<ViewState>
  ) throws(LedgerError) {
    if attempts.isEmpty { return }
    let reader = try inLog { () throws(LogError) in
      try LogReader(ledger.storage, identity: ledger.identity, durable: turn.durable)
    }
    for planned in attempts {
      guard let channel = channels[planned.channel] else { continue }
      if let within = planned.answersWithin {
        let overdue = turn.now.adding(seconds: within.seconds)
        wakeUp = min(wakeUp ?? overdue, overdue)
      }
      guard let parts = try ledger.personalParts(of: planned, in: reader) else {
        drafts.append(decider.suppressedWithoutKey(planned))
        report.withoutKey += 1
        continue
      }
      messages.append(
        OutgoingMessage(
          attempt: turn.size + UInt64(drafts.count), origin: ledger.identity.origin,
          dispatchID: planned.key.dispatchID, modification: planned.key.modification,
          userID: planned.key.userID, channel: planned.channel, number: planned.number,
          kind: planned.kind, isTest: planned.isTest, start: planned.start,
          address: parts.address, text: planned.text))
      drafts.append(decider.attempted(planned, through: channel.identity, textHMAC: parts.textHMAC))
    }
  }

  /// The events that say what came back.
  private func record(
    _ outcomes: [Sender.Finished], _ decider: Decider<ViewState>
  ) throws(LedgerError) -> [EventDraft] {
    var drafts: [EventDraft] = []
    for (attempt, outcome) in outcomes {
      let made = try inDecision { () throws(DecisionError<ViewError>) in
        try decider.record(outcome, of: attempt)
      }
      drafts += made
      report.count(outcome)
      if let note = WorkerNote(attempt, outcome, made) { log(note) }
    }
    return drafts
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

  /// A turn; while messages are on their way, their outcomes must be recorded, so that a lock that is
  /// held for long is waited for.
  private func takeTurn() throws(LedgerError) -> Turn {
    while true {
      do {
        return try ledger.takeTurn()
      } catch {
        guard case .locked(let milliseconds) = error, !outcomes.isEmpty || sender.inFlight > 0
        else { throw error }
        log(.waitingForLock(milliseconds: milliseconds))
      }
    }
  }

  // MARK: - Times and conditions

  /// Executes the dispatches that waited for a time or condition which has come, records those that
  /// were missed, and escalates what too few have answered in time; looks only where something was
  /// appended or a time has come.
  private func fireWhatIsDue() throws(LedgerError) {
    while true {
      let size = if let sizeOfRound { sizeOfRound } else { try knownSize() }
      let isTime = wakeUp.map { $0 <= ledger.surroundings.now() } ?? false
      guard isTime || size != sizeLookedAt else { return }
      let turn = try takeTurn()
      let decider = try turn.decider()
      let (drafts, next) = try inDecision { () throws(DecisionError<ViewError>) in
        try Self.decideWhatIsDue(decider)
      }
      wakeUp = next
      sizeLookedAt = turn.size
      if drafts.isEmpty { return }
      // The first commit shows what was decided; whoever opens next finishes a long resolution.
      for part in CommitParts(drafts) { try turn.commit(part) }
      sizeOfRound = nil
      noteAppended()
    }
  }

  private static func decideWhatIsDue(
    _ decider: Decider<ViewState>
  ) throws(DecisionError<ViewError>) -> (drafts: [EventDraft], next: Instant?) {
    let now = decider.context.now
    let drafts = try decider.decideDue(limit: firingsAtOnce)
    if !drafts.isEmpty { return (drafts, now) }
    let (escalations, overdue) = try decider.decideEscalations(limit: firingsAtOnce)
    if !escalations.isEmpty { return (escalations, now) }
    let next = try decider.nextWakeUp(after: now)
    guard let next, let overdue else { return ([], next ?? overdue) }
    return ([], min(next, overdue))
  }

  // MARK: - Between rounds

  /// Whether notices are due on a channel that is set up and takes none at the moment.
  private func isHeldUp() throws(LedgerError) -> Bool {
    try isAnythingDue(on: channels.codes.filter { sender.room(on: $0) == 0 })
  }

  /// Waits until a notice is due, somebody has appended, or the worker is to stop.
  ///
  /// - Returns: The log's size.
  private func idle(
    from size: UInt64, _ intake: () throws(LedgerError) -> Bool,
    _ wait: (_ milliseconds: Int) -> Bool
  ) throws(LedgerError) -> UInt64 {
    let next = try inViews { () throws(ViewError) in try ledger.views.notices.nextDue() }
    while !wait(Self.idleMilliseconds) {
      if try intake() {
        noteAppended()
        break
      }
      let found = try knownSize()
      if found != size { return found }
      if let wakeUp, wakeUp <= ledger.surroundings.now() { break }
      // A notice that is due and can't be sent stays due: it doesn't end the waiting.
      if let next, next <= ledger.surroundings.now(), try isAnythingDue(on: channels.codes) {
        break
      }
    }
    return try knownSize()
  }

  private func isAnythingDue(on codes: [ChannelCode]) throws(LedgerError) -> Bool {
    if codes.isEmpty { return false }
    let now = ledger.surroundings.now()
    return try inViews { () throws(ViewError) in
      for code in codes
      where try !ledger.views.notices.due(at: now, on: code, limit: 1).isEmpty { return true }
      return false
    }
  }

  private func knownSize() throws(LedgerError) -> UInt64 {
    try inStorage { () throws(StorageError) in
      try Head.newestSize(in: ledger.storage, of: ledger.identity.id)
    }
  }

  private func noteAppended() {
    unsignedSince = unsignedSince ?? SystemClock.monotonicNanoseconds()
  }

  private func signIfDue(isIdle: Bool) throws(LedgerError) {
    guard let since = unsignedSince else { return }
    let now = SystemClock.monotonicNanoseconds()
    guard isIdle || now - since >= Self.signingNanoseconds else { return }
    unsignedSince = nil
    if ledger.isServed { return }
    do {
      try ledger.signCheckpoint()
    } catch {
      log(.unsigned(error))
    }
  }

  private func finish() throws(LedgerError) -> DeliveryReport {
    let now = ledger.surroundings.now()
    let due = try inViews { () throws(ViewError) in try ledger.views.notices.dueCounts(at: now) }
    for (code, count) in due where channels[code] == nil { report.unsendable[code] = count }
    log(.stopped(report))
    return report
  }
}

extension DeliveryReport {
  fileprivate mutating func count(_ outcome: AttemptOutcome) {
    switch outcome {
    case .unknown: unknown += 1
    case .reported(let said):
      switch said.outcome {
      case .accepted, .inTransit, .delivered: accepted += 1
      case .undelivered, .failed, .expired, .cancelled: failed += 1
      }
    }
  }
}

/// What a worker does that no event tells, or what whoever watches it wants to see at once.
///
/// Nothing in it names a person: events are meant by their ids.
package enum WorkerNote {
  case started(channels: [ChannelCode], lost: Int)
  /// A try has failed; `retry` is when the next one on this channel is made, if one is.
  case failed(EventID, code: String?, retry: Instant?)
  case unknown(EventID, UnknownReason)
  case sender(SenderNote)
  case waitingForLock(milliseconds: Int)
  /// No checkpoint could be signed.
  case unsigned(LedgerError)
  case stopped(DeliveryReport)

  /// What is worth a note of an outcome, with the events that it came to.
  init?(_ attempt: EventID, _ outcome: AttemptOutcome, _ drafts: [EventDraft]) {
    switch outcome {
    case .unknown(let reason): self = .unknown(attempt, reason)
    case .reported(let report):
      if AttemptFate.reported(report.outcome).isTold { return nil }
      var retry: Instant?
      for draft in drafts {
        if case .notificationDeferred(let deferred) = draft.payload { retry = deferred.until }
      }
      self = .failed(attempt, code: report.code, retry: retry)
    }
  }
}
