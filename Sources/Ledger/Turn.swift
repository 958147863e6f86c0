package import Bytes
package import Dispatching
package import EventLog
package import Events
import Merkle
import Platform
import Views

/// One holding of the writer's lock: decide, append, make durable, project; it ends with the last
/// reference.
package final class Turn {
  package let ledger: Ledger
  private var writer: LogWriter
  /// The `time` of all events of this turn: the clock's, or the last event's where the clock is
  /// behind.
  package let now: Instant
  /// What the clock said, where that was earlier.
  private let clock: Instant?
  /// The stored hashes of the tree, as far as they could be brought to the log's end.
  private var tree: TreeIndex?

  init(ledger: Ledger, writer: consuming LogWriter) {
    self.ledger = ledger
    let reading = ledger.surroundings.now()
    now = max(reading, writer.lastTime)
    clock = reading < now ? reading : nil
    self.writer = writer
  }

  /// What opening the log found and did.
  package var recovery: Recovery { writer.recovery }
  /// How many events the ledger holds.
  package var size: UInt64 { writer.size }
  package var durable: LogPosition { writer.durable }
  package var root: Digest { writer.frontier.root }
  var frontier: Frontier { writer.frontier }
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
    context.subject = { [durable, ledger] in ledger.subject(of: $0, durable: durable) }
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
        actor: ledger.surroundings.actor, clock: clock,
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
    var frontier = writer.frontier
    let receipt: Receipt
    do {
      receipt = try writer.append(lines, time: now)
      try writer.synchronize()
    } catch {
      throw .log(error)
    }
    // What fails from here on loses nothing: the next turn catches up.
    do {
      try project(events, lines, receipt)
    } catch {
      views.rollback()
      ledger.tell(.viewsBehind(error))
    }
    do {
      try tree?.append(receipt.leaves, to: &frontier)
    } catch {
      tree = nil
    }
    return receipt
  }

  /// Closes the active segment, so that what it holds can be archived; false where it is empty.
  package func closeSegment() throws(LedgerError) -> Bool {
    do { return try writer.closeSegment(at: now) } catch { throw .log(error) }
  }

  private func project(
    _ events: [Event], _ lines: [[UInt8]], _ receipt: Receipt
  ) throws(ViewError) {
    try views.begin()
    var offset = receipt.bodyOffset
    for (event, line) in zip(events, lines) {
      let location = EventLocation(
        segment: receipt.segment, offset: offset, length: line.count)
      try views.apply(event, at: location, commit: receipt.first...receipt.size - 1)
      offset += UInt64(line.count + 1)
    }
    let end = writer.durable
    try views.commit(
      Cursor(next: end.size, root: receipt.root, segment: end.segment, offset: end.offset))
  }

  /// Lets `body` see the views with `drafts` already in them, and forgets them again.
  func overlaying<Result>(
    _ body: (_ apply: ([EventDraft]) throws(LedgerError) -> Void) throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try inViews { () throws(ViewError) in try views.begin() }
    defer { views.rollback() }
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

  /// Brings the stored hashes of the tree to the log's end; a call that can't do so goes on
  /// without.
  func catchUpTree() {
    tree = try? ledger.catchUpTree(to: self)
  }

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
