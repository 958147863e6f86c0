import Bytes
import Dispatching
import Events

/// Makes every decision again, event after event, and keeps what differs (`FORMAT.md` §17).
///
/// It holds the state that decisions look things up in, and of each attempt when it was made; a
/// resolution's chunks wait until they come. The cost of an event is that of its decision.
struct Rechecker {
  /// What a decision makes beside the event that it was recognized by, and which is to come.
  struct Awaited {
    /// The first event of the decision.
    let decision: EventID
    let dispatch: EntityID?
    var items: ArraySlice<Redecision.Item>
    /// Whether another command's event stood before its end.
    var isInterrupted = false

    /// The number of the chunk that comes next, where one does.
    var nextChunk: Int? {
      if case .draft(let draft)? = items.first, case .recipientsResolved(let chunk) = draft.payload
      {
        chunk.chunk
      } else {
        nil
      }
    }
  }

  let wanted: EntityID?
  private let keepsAccounts: Bool
  let zones: TodaysZones
  private(set) var state = MemoryState()
  private(set) var telling = Telling()
  private var books = Books()
  private var clocks = ClockSteps()
  var awaited: [Awaited] = []
  /// Notices that this commit has planned already.
  private var planned: Set<NoticeKey> = []
  /// Dispatches whose resolutions can't be made again, because what asked for them is wrong or
  /// decided by rules that aren't here; and notices that such a change superseded.
  private var unjudged: Set<EntityID> = []
  private var keys: [String: EventID] = [:]
  var tally = Tally()
  /// The dispatches that are examined, as they were requested.
  private(set) var dispatches: [EntityID] = []
  private(set) var lastEvent: Event?
  /// When the last event was recorded.
  var lastTime: Instant? { lastEvent?.time }

  /// - Parameters:
  ///   - wanted: Only what concerns this dispatch is examined; `nil`: everything.
  ///   - keepsAccounts: Whether ``account(of:by:)`` will be asked for.
  init(of wanted: EntityID? = nil, keepsAccounts: Bool = true, today zones: TodaysZones) {
    self.wanted = wanted
    self.keepsAccounts = keepsAccounts
    self.zones = zones
  }

  /// Takes in the next event of the log.
  ///
  /// - Parameter isFirst: Whether it is the first one of its commit.
  mutating func take(_ event: Event, isFirst: Bool) {
    if isFirst { closeCommit() }
    tally.events += 1
    let dispatch = event.dispatchID
    if wanted == nil || wanted == dispatch {
      tally.examined += 1
      if let note = clocks.take(event) { tally.add(note) }
      checkKey(event)
      judge(event)
      for problem in books.take(event) { report(.books, event, problem) }
      if keepsAccounts, case .dispatchRequested(let request) = event.payload,
        state.dispatch(request.dispatchID) == nil
      {
        dispatches.append(request.dispatchID)
      }
    } else {
      interrupt(by: event)
    }
    if keepsAccounts { telling.take(event, state) }
    state.apply(event)
    lastEvent = event
  }

  /// Takes in that the log ends here.
  mutating func finish() {
    closeCommit()
    for rest in awaited {
      guard let chunk = rest.nextChunk else { continue }
      if rest.isInterrupted {
        reportMissing(rest)
      } else {
        tally.add(
          Note(
            first: rest.decision, last: rest.decision, kind: .unfinished,
            message: "the resolution ends before chunk \(chunk); whoever next opens the ledger for "
              + "writing finishes it"))
      }
    }
    awaited = []
    noteUnfired()
    if let note = clocks.finish() { tally.add(note) }
  }

  /// A dispatch's books and what is known of its recipients, as of the last event.
  ///
  /// - Parameter horizon: How far the history reaches.
  func account(of id: EntityID, by horizon: Instant) -> DispatchAccount? {
    guard let dispatch = state.dispatch(id) else { return nil }
    let modifications = dispatch.modifications.enumerated().map { index, modification in
      let sums = books.sums(of: id, modification: index + 1)
      return ModificationAccount(
        number: index + 1, event: modification.event,
        kind: dispatch.noticeKind(of: index + 1) ?? .update,
        deadline: telling.deadline(of: id, modification: index + 1),
        recipients: sums?.recipients ?? 0, exclusions: sums?.exclusions ?? 0,
        told: state.notices(of: id, modification: index + 1)
          .map { telling.told($0, by: horizon, state) })
    }
    return DispatchAccount(
      id: id, programID: dispatch.request.programID, isTest: dispatch.request.isTest,
      start: dispatch.start, end: dispatch.end, modifications: modifications)
  }

  func attempts(of account: DispatchAccount) -> [Attempt] {
    account.modifications.flatMap { modification in
      modification.told.flatMap { told in
        state.attempts(
          of: NoticeKey(
            dispatchID: account.id, modification: modification.number, userID: told.userID))
      }
    }
  }

  // MARK: - One event

  private mutating func judge(_ event: Event) {
    if let item = takeAwaited(event) {
      compare(item, event)
      return
    }
    if isBesideRequest(event) {
      judgeBeside(event)
      return
    }
    interrupt(by: event)
    noteUnfired(before: event)
    if event.isOfLedger, event.type != .deliveryUnmatched {
      tally.rechecked += 1
      return
    }
    guard let decider = event.decider else {
      report(.noDecider, event, "it doesn't say by which rules it was decided")
      giveUp(event)
      return
    }
    guard decider == DecisionContext.currentDecider else {
      tally.foreignDeciders[decider, default: 0] += 1
      giveUp(event)
      return
    }
    if event.isPartOfResolution, let dispatch = event.dispatchID, unjudged.contains(dispatch) {
      tally.followers += 1
      return
    }
    if let notice = event.plannedNotice, planned.contains(notice) {
      report(.unexpected, event, "the commit has dealt with this notice already")
      return
    }
    switch Redecision(state: state, event: event, zones: zones).outcome {
    case .sound: tally.rechecked += 1
    case .noRules:
      tally.count(unjudged: event.type)
      giveUp(event)
    case .broken(let kind, let message):
      report(kind, event, message)
      giveUp(event)
    case .makes(let items): match(event, items)
    }
    noteZones(event)
  }

  /// Compares the event with the decision's own of its kind; the others are awaited.
  mutating func match(_ event: Event, _ items: [Redecision.Item]) {
    if let notice = event.plannedNotice { planned.insert(notice) }
    awaited.append(Awaited(decision: event.id, dispatch: event.dispatchID, items: items[...]))
    if let item = takeAwaited(event) {
      compare(item, event)
    } else {
      awaited.removeLast()
      let instead = items.first.map { "; the rules make \($0.type.rawValue)" } ?? ""
      report(.unexpected, event, "nothing decides this here\(instead)")
    }
  }

  /// The awaited item that the event is, with those before it of its decision said to be missing.
  private mutating func takeAwaited(_ event: Event) -> Redecision.Item? {
    for index in awaited.indices.reversed() {
      guard let place = awaited[index].items.firstIndex(where: { $0.isPlace(of: event) }) else {
        continue
      }
      let item = awaited[index].items[place]
      if place > awaited[index].items.startIndex {
        var skipped = awaited[index]
        skipped.items = skipped.items[..<place]
        reportMissing(skipped)
      }
      awaited[index].items = awaited[index].items[(place + 1)...]
      if awaited[index].items.isEmpty { awaited.remove(at: index) }
      return item
    }
    return nil
  }

  private mutating func compare(_ item: Redecision.Item, _ event: Event) {
    let draft: EventDraft
    switch (item, event.payload) {
    case (.draft(let expected), _): draft = expected
    case (.attempt(let attempt), .notificationAttempted(let attempted)):
      let redecision = Redecision(state: state, event: event, zones: zones)
      draft = redecision.draft(of: attempt, as: attempted)
    case (.attempt(let attempt), .notificationSuppressed):
      let redecision = Redecision(state: state, event: event, zones: zones)
      draft = redecision.decider().suppressedWithoutKey(attempt)
    case (.attempt, _): fatalError("invariant broken: an attempt is compared with something else")
    }
    let found = EventDraft(
      event.payload, causation: event.causation, correlation: event.correlation,
      decider: event.decider)
    if draft == found {
      tally.rechecked += 1
      return
    }
    let differences = Difference.all(expected: draft.document, found: found.document)
    let isNumber = event.changesDispatch && differences.contains { $0.path == "data.modification" }
    report(
      isNumber ? .modification : .differs, event, "it isn't what the rules make of the decision",
      differences)
    // What follows bears the wrong number too, and would only say so again.
    if isNumber {
      awaited.removeAll { $0.decision == event.id }
      giveUp(event)
    }
  }

  /// Says once of each resolution that a command's event stands before its end.
  private mutating func interrupt(by event: Event) {
    if event.isOfLedger { return }
    for index in awaited.indices
    where awaited[index].nextChunk != nil && !awaited[index].isInterrupted {
      awaited[index].isInterrupted = true
      report(
        .order, event,
        "it stands before the last chunk of the resolution that event "
          + "\(awaited[index].decision) asks for", about: awaited[index].dispatch)
    }
  }

  /// What follows from this event can't be made again.
  private mutating func giveUp(_ event: Event) {
    if event.changesDispatch, let dispatch = event.dispatchID { unjudged.insert(dispatch) }
  }

  private mutating func closeCommit() {
    planned = []
    var kept: [Awaited] = []
    for rest in awaited {
      // A first commit shows by its chunks that others are missing, and those may come later.
      if let chunk = rest.nextChunk, chunk > 0 { kept.append(rest) } else { reportMissing(rest) }
    }
    awaited = kept
  }

  // MARK: - What is found

  mutating func report(
    _ kind: Finding.Kind, _ event: Event, _ message: String, _ differences: [Difference] = [],
    about dispatch: EntityID? = nil
  ) {
    tally.add(
      Finding(
        event: event.id, kind: kind, dispatch: dispatch ?? event.dispatchID, message: message,
        differences: Array(differences.prefix(Difference.limit))))
  }

  private mutating func reportMissing(_ rest: Awaited) {
    for item in rest.items.prefix(Difference.limit) {
      tally.add(
        Finding(
          event: rest.decision, kind: .missing, dispatch: rest.dispatch,
          message: "the decision makes \(item.description) too, and it isn't there",
          differences: []))
    }
  }

  private mutating func checkKey(_ event: Event) {
    guard let key = event.idempotencyKey else { return }
    if let first = keys[key] {
      report(.keyRepeated, event, "its idempotency key was used by event \(first)")
    } else {
      keys[key] = event.id
    }
  }

  private mutating func noteZones(_ event: Event) {
    var messages: [String] = []
    switch event.payload {
    case .dispatchRequested(let request):
      messages =
        [RecordedTimes.otherwise(request.start, "start", zones)].compactMap { $0 }
        + (request.end.flatMap { RecordedTimes.otherwise($0, "end", zones) }.map { [$0] } ?? [])
    case .dispatchRejected(let rejected) where rejected.command == .request:
      if let request = try? DispatchRequest(rejected.request),
        let zone = state.program(request.programID)?.definition.timeZone
      {
        messages = RecordedTimes.otherwise(rejected, request, in: zone, zones)
      }
    case .dispatchModified(let change):
      messages =
        [RecordedTimes.otherwise(change.start, "start", zones)].compactMap { $0 }
        + (change.end.flatMap { RecordedTimes.otherwise($0, "end", zones) }.map { [$0] } ?? [])
    case .dispatchEnded(let change):
      messages = [RecordedTimes.otherwise(change.end, "end", zones)].compactMap { $0 }
    default: break
    }
    for message in messages {
      tally.add(Note(first: event.id, last: event.id, kind: .zone, message: message))
    }
  }
}

/// Findings, notes and how much was looked at.
struct Tally {
  /// As many findings, and as many notes, are listed; all are counted.
  static let limit = 1_000

  var events = 0
  /// Events that were looked at.
  var examined = 0
  /// Events that the rules make just so.
  var rechecked = 0
  /// Events that this program has no rules for, by type.
  private(set) var unjudged: [EventType: Int] = [:]
  /// Events that follow from what can't be made again.
  var followers = 0
  /// Events decided by rules that this program doesn't have, by their number.
  var foreignDeciders: [Int: Int] = [:]
  private(set) var findings: [Finding] = []
  private(set) var findingCount = 0
  private(set) var notes: [Note] = []
  private(set) var noteCount = 0

  mutating func add(_ finding: Finding) {
    findingCount += 1
    if findings.count < Self.limit { findings.append(finding) }
  }

  mutating func add(_ note: Note) {
    noteCount += 1
    if notes.count < Self.limit { notes.append(note) }
  }

  mutating func count(unjudged type: EventType) { unjudged[type, default: 0] += 1 }
}

/// Runs of commits whose clock was behind.
private struct ClockSteps {
  private var run: (first: EventID, last: EventID, worst: Int64)?

  /// Takes in an event.
  ///
  /// - Returns: The note on a run that has ended before it.
  mutating func take(_ event: Event) -> Note? {
    guard let clock = event.clock else { return finish() }
    let behind = event.time.microseconds - clock.microseconds
    run = (run?.first ?? event.id, event.id, max(run?.worst ?? 0, behind))
    return nil
  }

  mutating func finish() -> Note? {
    guard let ended = run else { return nil }
    run = nil
    return Note(
      first: ended.first, last: ended.last, kind: .clock,
      message: "the clock was behind by up to \(Self.seconds(ended.worst)) s")
  }

  private static func seconds(_ microseconds: Int64) -> String {
    let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
    return "\(microseconds / 1_000_000).\(fraction)"
  }
}
