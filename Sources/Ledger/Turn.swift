package import Bytes
package import Dispatching
package import EventLog
package import Events
import Merkle
import Platform
import Views

/// One holding of the writer's lock, or of a server that has it: decide, append, make durable, project; it
/// ends with the last reference.
package final class Turn {
  package let ledger: Ledger
  let log: any TurnLog
  /// The `time` of all events of this turn: the clock's, or the last event's where the clock is
  /// behind.
  package let now: Instant
  /// What the clock said, where that was earlier.
  private let clock: Instant?
  /// Who asks.
  private let actor: String
  /// What the turn's first commit came to.
  private(set) var firstReceipt: Receipt?

  init(ledger: Ledger, log: any TurnLog, actor: String? = nil) {
    self.ledger = ledger
    self.log = log
    self.actor = actor ?? log.actor ?? ledger.surroundings.actor
    let reading = ledger.surroundings.now()
    now = max(reading, log.lastTime)
    clock = reading < now ? reading : nil
  }

  /// What opening the log found and did.
  package var recovery: Recovery { log.recovery }
  /// How many events the ledger holds.
  package var size: UInt64 { log.frontier.size }
  package var durable: LogPosition { log.durable }
  package var root: Digest { log.frontier.root }
  var frontier: Frontier { log.frontier }
  private var views: ViewStore { ledger.views }

  /// A decider for one command, on the views as they stand and for events from `nextID` on.
  package func decider(nextID: EventID? = nil) throws(LedgerError) -> Decider<ViewState> {
    let random = try ledger.surroundings.randomBytes(10)
    guard let dispatchID = EntityID(timeOrderedUUID(at: now, random: random)) else {
      fatalError("invariant broken: a UUID is no id")
    }
    let surroundings = ledger.surroundings
    var context = DecisionContext(
      now: now, nextID: nextID ?? size, dispatchID: dispatchID,
      zone: { surroundings.rules(of: $0) }, tzdata: surroundings.tzdata,
      personalData: ledger.keys.personalData)
    context.subject = { [durable, size, ledger] event in
      guard event >= durable.size else { return ledger.subject(of: event, durable: durable) }
      // It shares its sync with what is decided here.
      return event < size ? (try? ledger.views.streams.subject(of: event)) ?? nil : nil
    }
    return Decider(state: ViewState(views), context: context)
  }

  /// Gives drafts their places and times.
  func events(
    of drafts: [EventDraft], key: IdempotencyKey? = nil, from first: EventID? = nil
  ) -> [Event] {
    let first = first ?? size
    return drafts.enumerated().map { index, draft in
      draft.recorded(
        id: first + UInt64(index), time: now, source: ledger.identity.origin,
        actor: actor, clock: clock,
        idempotencyKey: index == 0 ? key?.text : nil,
        idempotencyHash: index == 0 ? key?.hash : nil)
    }
  }

  /// Appends events as one commit, durably, and takes them into the views.
  ///
  /// - Throws: `.callTooLarge` before anything is written; `.log` with `.notWritten` or
  ///   `.outcomeUnknown`.
  @discardableResult
  package func commit(
    _ drafts: [EventDraft], key: IdempotencyKey? = nil
  ) throws(LedgerError) -> Receipt {
    let events = events(of: drafts, key: key)
    let lines = events.map { $0.encodeLine() }
    let bytes = lines.reduce(0) { $0 + $1.count + 1 }
    guard lines.count <= LogLimit.commitEvents, bytes <= LogLimit.commitBytes else {
      throw .callTooLarge(events: lines.count, bytes: bytes)
    }
    let receipt = try log.append(events, lines, at: now)
    firstReceipt = firstReceipt ?? receipt
    return receipt
  }

  /// Makes the stream indexes again from the log, unless a server has it.
  package func rebuildStreams() { log.rebuildStreams() }

  /// Makes what was appended durable, where others share its sync.
  func makeDurable() throws(LedgerError) { try log.makeDurable() }

  /// Closes the active segment, so that what it holds can be archived; false where it is empty.
  package func closeSegment() throws(LedgerError) -> Bool { try log.closeSegment(at: now) }

  /// Lets `body` see the views with `drafts` already in them, and forgets them again.
  func overlaying<Result>(
    _ body: (_ apply: ([EventDraft]) throws(LedgerError) -> Void) throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try inViews { () throws(ViewError) in try views.beginProvisional() }
    defer { views.endProvisional() }
    var next = size
    return try body { (drafts) throws(LedgerError) in
      for event in self.events(of: drafts, from: next) {
        // Where the line will stand isn't known yet, and no decision asks for it.
        let nowhere = EventLocation(segment: 0, offset: 0, length: 0)
        try inViews { () throws(ViewError) in
          try self.views.apply(event, at: nowhere, commit: event.id...event.id)
        }
        next += 1
      }
    }
  }

  // MARK: - What whoever opens does first

  /// Appends `ledger.recovered` for each file in `quarantine/` that no event names yet.
  func recordQuarantine() throws(LedgerError) {
    let names = try inStorage { () throws(StorageError) in
      try ledger.storage.list(LogPath.quarantineDirectory)
    }
    var drafts: [EventDraft] = []
    for name in names {
      let known = try inViews { () throws(ViewError) in try views.quarantineFiles.find(name) }
      guard known == nil else { continue }
      let file = try inStorage { () throws(StorageError) in
        try QuarantinedFile(named: name, in: ledger.storage)
      }
      guard let file, let digest = HexDigest(file.digest.hex) else { continue }
      let recovered = LedgerRecovered(
        file: name, segment: file.segment, offset: Int(file.offset), length: Int(file.length),
        digest: digest, state: file.reason.state)
      drafts.append(EventDraft(.ledgerRecovered(recovered)))
      ledger.tell(.quarantined(file.path))
    }
    if !drafts.isEmpty { try commit(drafts) }
  }

  /// Appends what is missing of a resolution that a crash cut between two commits.
  func finishResolutions() throws(LedgerError) {
    let unfinished = try inViews { () throws(ViewError) in
      try ViewState(views).unfinishedResolutions()
    }
    for progress in unfinished {
      let decider = try decider()
      let drafts = try inDecision { () throws(DecisionError<ViewError>) in
        try decider.finish(progress)
      }
      for part in CommitParts(drafts) { try commit(part) }
    }
  }
}

extension QuarantinedFile.Reason {
  /// The state of the log in which files are set aside for this reason.
  fileprivate var state: Events.RecoveryState {
    switch self {
    case .torn, .unfinished: .torn
    case .suspect: .suspect
    case .replaced: .corrupt
    case .head: .headLost
    }
  }
}

/// The key of a call, and the hash that tells whether its content is the same.
package struct IdempotencyKey: Hashable, Sendable {
  package let text: String
  package let hash: HexDigest
}

/// Runs a decision.
func inDecision<Result>(
  _ body: () throws(DecisionError<ViewError>) -> Result
) throws(LedgerError) -> Result {
  do {
    return try body()
  } catch {
    switch error {
    case .state(let failure): throw .views(failure)
    case .zoneUnavailable(let zone): throw .zoneUnavailable(zone)
    case .unknownAttempt(let attempt): throw .inconsistent(.event(attempt))
    case .undefined(let subject): throw .inconsistent(.subject(subject))
    }
  }
}

/// Divides drafts into commits as large as commits may be.
struct CommitParts: Sequence {
  private let drafts: [EventDraft]
  /// What a line may be at most, so that the count alone decides.
  private static let drafts = LogLimit.commitBytes / (LogLimit.eventBytes + 1)

  init(_ drafts: [EventDraft]) { self.drafts = drafts }

  func makeIterator() -> some IteratorProtocol<[EventDraft]> {
    stride(from: 0, to: drafts.count, by: Self.drafts).lazy
      .map { Array(drafts[$0..<Swift.min($0 + Self.drafts, drafts.count)]) }.makeIterator()
  }
}
