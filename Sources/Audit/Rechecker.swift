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
  /// Which dispatches' events it makes again; of the others it keeps what those need.
  let share: Share
  private let foresight: Foresight
  private let keepsAccounts: Bool
  let zones: TodaysZones
  private(set) var fold: AccountFold
  var state: MemoryState { fold.state }
  private var clocks = ClockSteps()
  var awaited: [Awaited] = []
  /// Notices that this commit has planned already.
  private var planned: Set<NoticeKey> = []
  /// Dispatches whose resolutions can't be made again, because what asked for them is wrong or
  /// decided by rules that aren't here; and notices that such a change superseded.
  private var unjudged: Set<EntityID> = []
  private var keys: [String: EventID] = [:]
  var tally = Tally()
  /// Whether something that is wrong here can only be told from dispatches of other shares.
  private(set) var isEntangled = false
  /// The dispatches that are examined, as they were requested.
  private(set) var requests: [Request] = []
  private(set) var lastEvent: Event?
  /// The request of another share's dispatch that came last.
  private var lastElsewhere: Event?
  private let decoder = EventDecoder()

  /// A dispatch that was requested.
  struct Request {
    let event: EventID
    let dispatch: EntityID
  }

  /// - Parameters:
  ///   - wanted: Only what concerns this dispatch is examined; `nil`: everything.
  ///   - keepsAccounts: Whether the fold will be asked for accounts.
  ///   - foresight: Of the whole log; only where the share isn't the whole.
  init(
    of wanted: EntityID? = nil, share: Share = .whole, foresight: Foresight = Foresight(),
    keepsAccounts: Bool = true, today zones: TodaysZones
  ) {
    self.wanted = wanted
    self.share = share
    self.foresight = foresight
    self.zones = zones
    self.keepsAccounts = keepsAccounts
    fold = AccountFold(keepsAccounts: keepsAccounts)
  }

  /// Takes in the next line of the log.
  ///
  /// - Parameters:
  ///   - isFirst: Whether it is the first one of its commit.
  ///   - envelopes: Any reader; the same one serves for many lines.
  /// - Returns: Its event, where that was read.
  mutating func take(
    _ line: RawSpan, at id: EventID, isFirst: Bool, with envelopes: inout EnvelopeReader
  ) throws(EventError) -> Event? {
    if !share.isWhole, let view = envelopes.read(line), passesOver(view, of: line) {
      begin(id, isFirst)
      if share.isFirst, let note = clocks.finish() { tally.add(note) }
      passElsewhere()
      return nil
    }
    let event = try decoder.event(of: line)
    take(event, isFirst: isFirst)
    return event
  }

  /// Whether nothing of the line but that it is there matters to this share.
  private func passesOver(_ view: EnvelopeView, of line: RawSpan) -> Bool {
    guard let name = view.dispatchName(in: line), !share.holds(line.extracting(name)),
      let type = EventType(line.extracting(view.type)), !foresight.asked.asks(for: type)
    else { return false }
    if let key = view.idempotencyKey, share.holds(line.extracting(key)) { return false }
    return view.clock == nil || !share.isFirst
  }

  private mutating func begin(_ id: EventID, _ isFirst: Bool) {
    tally.place = Place(event: id)
    if isFirst { closeCommit() }
    tally.place.step = .sequence
  }

  private mutating func take(_ event: Event, isFirst: Bool) {
    begin(event.id, isFirst)
    let dispatch = event.dispatchID
    let isElsewhere = dispatch.map { !share.holds($0) } ?? false
    if share.isFirst, wanted == nil || wanted == dispatch, let note = clocks.take(event) {
      tally.add(note)
    }
    if wanted == nil || wanted == dispatch { checkKey(event) }
    if isElsewhere {
      passElsewhere()
      fold.apply(elsewhere: event, behind: lastElsewhere, foresight.asked)
      if event.type == .dispatchRequested { lastElsewhere = event }
      return
    }
    tally.place.step = .judgement
    if isExamined(event) {
      tally.examined += 1
      judge(event)
      tally.place.step = .books
      for problem in fold.balance(event) { report(.books, event, problem) }
    } else {
      interrupt(by: event)
      if wanted == nil { noteUnfired(before: event) }
    }
    if case .dispatchRequested(let request) = event.payload {
      if state.dispatch(request.dispatchID) != nil {
        isEntangled = true
      } else if keepsAccounts, wanted == nil || wanted == dispatch {
        requests.append(Request(event: event.id, dispatch: request.dispatchID))
      }
    }
    fold.apply(event)
    entangle(by: event)
    lastEvent = event
  }

  /// Whether the event, which belongs to this share's dispatches or to none, is judged here.
  private func isExamined(_ event: Event) -> Bool {
    if let wanted { return wanted == event.dispatchID }
    if event.dispatchID != nil { return true }
    guard !share.isWhole, case .deliveryUnmatched(let result) = event.payload else {
      return share.isFirst
    }
    // Whoever holds the attempt that it may be of can tell.
    if let named = result.attempt {
      return named < event.id && foresight.isAttempt(named)
        ? state.attempt(named) != nil : share.isFirst
    }
    let attempts = result.providerID.map { state.attempts(withProviderID: $0) } ?? []
    return attempts.count == 1 ? state.attempt(attempts[0]) != nil : share.isFirst
  }

  /// Takes in that another share's event stands here.
  ///
  /// Behind a resolution's first chunk it is out of order, be it for interrupting that, be it for being
  /// interrupted itself; which, the other knows.
  private mutating func passElsewhere() {
    if awaited.contains(where: { $0.nextChunk != nil && !$0.isInterrupted }) { isEntangled = true }
  }

  /// Looks whether other shares can take the event as `MemoryState.apply(elsewhere:behind:_:)` does.
  private mutating func entangle(by event: Event) {
    guard !share.isWhole else { return }
    switch event.payload {
    case .dispatchScheduled(let scheduled):
      let request = state.dispatch(scheduled.dispatchID)?.modifications.first?.event
      if request.map({ $0 + 1 }) != event.id { isEntangled = true }
    case .deliveryRecorded(let result):
      guard let id = result.providerID, foresight.asked.providerIDs.contains(Array(id.utf8)) else {
        return
      }
      if !state.isKnown(result.attempt, byProviderID: id) { isEntangled = true }
    default: break
    }
  }

  func redecision(_ event: Event) -> Redecision {
    Redecision(
      state: state, event: event, zones: zones, isAttemptElsewhere: foresight.isAttempt)
  }

  /// Takes in that the log ends here.
  ///
  /// - Parameter last: Its last event.
  mutating func finish(behind last: Event?) {
    lastEvent = last
    tally.place = Place(event: .max)
    closeCommit()
    tally.place.step = .interruption
    for rest in awaited {
      guard let chunk = rest.nextChunk else { continue }
      tally.place.rank = Int64(clamping: rest.decision)
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
    tally.place = Place(event: .max, step: .books)
    if let note = clocks.finish() { tally.add(note) }
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
    switch redecision(event).outcome {
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
      let redecision = redecision(event)
      draft = redecision.draft(of: attempt, as: attempted)
    case (.attempt(let attempt), .notificationSuppressed):
      let redecision = redecision(event)
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
    tally.place.step = .interruption
    defer { (tally.place.step, tally.place.rank) = (.judgement, 0) }
    for index in awaited.indices
    where awaited[index].nextChunk != nil && !awaited[index].isInterrupted {
      awaited[index].isInterrupted = true
      tally.place.rank = Int64(clamping: awaited[index].decision)
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
      tally.place.rank = Int64(clamping: rest.decision)
      // A first commit shows by its chunks that others are missing, and those may come later.
      if let chunk = rest.nextChunk, chunk > 0 { kept.append(rest) } else { reportMissing(rest) }
    }
    awaited = kept
    tally.place.rank = 0
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
    guard let key = event.idempotencyKey, share.holds(key: key) else { return }
    if let first = keys[key] {
      report(.keyRepeated, event, "its idempotency key was used by event \(first)")
    } else {
      keys[key] = event.id
    }
  }
}
