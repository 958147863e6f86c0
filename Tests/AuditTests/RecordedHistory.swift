import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Merkle
import Platform
import Simulation
import Testing

/// A history made by the real decisions, commit by commit, that a log can be written from.
///
/// What a decision comes to may be doctored before it is recorded: everything after is then decided
/// from what was recorded, as by somebody who holds the writer's powers.
struct RecordedHistory {
  var state = MemoryState()
  /// What was recorded, by commit; the first is the ledger's creation.
  private(set) var commits: [[Event]] = []
  var now: Instant
  private var dispatches = 0
  private var keys = 0

  init() throws {
    now = AuditedHistory.identity.created
    guard let id = Events.LedgerID(AuditedHistory.identity.id.hex) else { fatalError("no id") }
    try record([
      EventDraft(
        .ledgerCreated(
          LedgerCreated(
            format: 1, ledgerID: id, origin: AuditedHistory.identity.origin,
            vkey: AuditedHistory.identity.verifierKey.text)))
    ])
  }

  /// A history that goes on after these commits.
  static func copy(
    of commits: [[Event]], at now: Instant, dispatches: Int = 0
  ) -> RecordedHistory {
    var history = RecordedHistory(commits: commits, now: now)
    history.dispatches = dispatches
    for event in history.events { history.state.apply(event) }
    return history
  }

  private init(commits: [[Event]], now: Instant) {
    self.commits = commits
    self.now = now
  }

  /// What an event says, to be recorded in another place.
  static func draft(of event: Event) -> EventDraft {
    EventDraft(
      event.payload, causation: event.causation, correlation: event.correlation,
      decider: event.decider)
  }

  var events: [Event] { commits.flatMap { $0 } }
  var nextID: EventID { commits.last?.last.map { $0.id + 1 } ?? 0 }
  func dispatchID(_ number: Int) -> EntityID { AuditedHistory.id("d-\(number)") }
  var lastDispatch: EntityID { dispatchID(dispatches) }
  var dispatchCount: Int { dispatches }

  mutating func advance(seconds: Int64) { now = now.adding(seconds: seconds) }

  // MARK: - Recording

  /// Appends drafts as one commit; where the clock was behind, it says so.
  @discardableResult
  mutating func record(
    _ drafts: [EventDraft], key: Bool = false, clockBehind seconds: Int64? = nil,
    doctored: (inout [EventDraft]) -> Void = { _ in }
  ) throws -> [Event] {
    var drafts = drafts
    doctored(&drafts)
    if drafts.isEmpty { return [] }
    var recorded: [Event] = []
    if key { keys += 1 }
    for (index, draft) in drafts.enumerated() {
      let event = draft.recorded(
        id: nextID + UInt64(index), time: now, source: AuditedHistory.identity.origin,
        actor: "user:test@host", clock: seconds.map { now.adding(seconds: -$0) },
        idempotencyKey: key && index == 0 ? "key-\(keys)" : nil,
        idempotencyHash: key && index == 0 ? HexDigest(String(repeating: "ab", count: 32)) : nil)
      recorded.append(try Event(decoding: event.encodeLine()))
    }
    for event in recorded { state.apply(event) }
    commits.append(recorded)
    return recorded
  }

  @discardableResult
  mutating func record(_ payload: EventPayload) throws -> Event {
    try record([EventDraft(payload, decider: DecisionContext.currentDecider)])[0]
  }

  // MARK: - Deciding

  func decider(_ state: MemoryState? = nil, nextID: EventID? = nil) -> Decider<MemoryState> {
    Decider(
      state: state ?? self.state,
      context: DecisionContext(
        now: now, nextID: nextID ?? self.nextID, dispatchID: dispatchID(dispatches + 1),
        zone: Zones.rules, tzdata: "test", personalData: Seals.personalData))
  }

  /// Decides lines of `append` in one call, and records what comes of them as one commit.
  ///
  /// - Parameter parts: How many events the commits hold at most.
  mutating func perform(
    _ lines: String..., parts: Int = .max, clockBehind seconds: Int64? = nil,
    doctored: (inout [EventDraft]) -> Void = { _ in }
  ) throws {
    var overlay = state
    var drafts: [EventDraft] = []
    for line in lines {
      let command = try Command(parsing: Array(line.utf8))
      let first = nextID + UInt64(drafts.count)
      let made = try decider(overlay, nextID: first).decide(command).drafts
      if case .dispatch = command { dispatches += 1 }
      for (index, draft) in made.enumerated() {
        overlay.apply(
          draft.recorded(id: first + UInt64(index), time: now, source: "overlay"))
      }
      drafts += made
    }
    doctored(&drafts)
    var rest = drafts[...]
    var isFirst = true
    while !rest.isEmpty {
      let part = Array(rest.prefix(parts))
      rest = rest.dropFirst(part.count)
      try record(part, key: isFirst, clockBehind: seconds)
      isFirst = false
    }
  }

  /// Records what is due, until nothing is.
  ///
  /// - Parameter parts: How many events the commits hold at most, 3 or more: a trigger is never
  ///   apart from what it stands beside and from its first chunk.
  @discardableResult
  mutating func look(parts: Int = .max) throws -> [Event] {
    var recorded: [Event] = []
    for _ in 0..<1_000 {
      let drafts = try decider().decideDue(limit: parts == .max ? 9 : 1)
      if drafts.isEmpty { return recorded }
      let new = Subject.dispatch(dispatchID(dispatches + 1))
      if drafts.contains(where: { $0.subject == new }) { dispatches += 1 }
      var rest = drafts[...]
      while !rest.isEmpty {
        recorded += try record(Array(rest.prefix(parts)))
        rest = rest.dropFirst(parts)
      }
    }
    Issue.record("what is due doesn't end")
    return recorded
  }

  /// Records what is to be escalated now, and goes on to when something else is, up to `time`.
  mutating func escalate(until time: Instant) throws {
    while true {
      let (drafts, next) = try decider().decideEscalations(limit: 9)
      try record(drafts)
      if !drafts.isEmpty { continue }
      guard let next, next <= time else { break }
      now = next
    }
    now = time
  }

  static func observing(
    _ signal: String, _ value: String, unit: String? = nil, at time: Instant? = nil
  ) -> String {
    let unit = unit.map { #","unit":"\#($0)""# } ?? ""
    let at = time.map { #","at":"\#($0.text)""# } ?? ""
    return #"{"command":"observe","signal":"\#(signal)","value":"\#(value)"\#(unit)\#(at)}"#
  }

  mutating func request(
    _ start: String, end: String? = nil, program: String = "1", type: String = "1",
    members: String = "", parts: Int = .max, doctored: (inout [EventDraft]) -> Void = { _ in }
  ) throws {
    try perform(
      Self.request(start, end: end, program: program, type: type, members: members), parts: parts,
      doctored: doctored)
  }

  static func request(
    _ start: String, end: String? = nil, program: String = "1", type: String = "1",
    members: String = ""
  ) -> String {
    let end = end.map { #","end_time":"\#($0)""# } ?? ""
    return """
      {"command":"dispatch","request":{"start_time":"\(start)"\(end)\(members),\
      "program_id":"\(program)","event_type_id":"\(type)"}}
      """
  }

  static func change(_ command: String, _ dispatch: EntityID) -> String {
    #"{"command":"\#(command)","dispatch_id":"\#(dispatch.text)","reason":"because"}"#
  }

  static func modify(_ dispatch: EntityID, _ fields: String) -> String {
    #"{"command":"modify","dispatch_id":"\#(dispatch.text)","reason":"because",\#(fields)}"#
  }

  static func acknowledge(
    _ dispatch: EntityID, _ user: EntityID, _ members: String = ""
  ) -> String {
    #"{"command":"acknowledge","dispatch_id":"\#(dispatch.text)","user_id":"\#(user.text)"\#(members)}"#
  }

  static func settle(_ attempt: EventID, _ decision: Settlement) -> String {
    #"{"command":"settle","attempt":"\#(attempt)","decision":"\#(decision.rawValue)","#
      + #""reason":"asked the site"}"#
  }

  static func importing(_ catalogue: String) -> String {
    #"{"command":"import","catalogue":\#(catalogue)}"#
  }

  // MARK: - Delivering

  /// Records what is due as attempts, one commit, and what came of them, another one.
  ///
  /// - Parameters:
  ///   - channels: Those that are set up; `nil`: all.
  ///   - outcome: What comes of an attempt; `nil`: nothing comes back.
  ///   - doctored: Changes the attempts before they are recorded.
  /// - Returns: The attempts.
  @discardableResult
  mutating func deliver(
    limit: Int = 32, channels: Set<String>? = nil, delaySeconds: Int64 = 1,
    outcome: (NotificationAttempted) -> AttemptOutcome? = { _ in .accepted },
    doctored: (inout [EventDraft]) -> Void = { _ in }
  ) throws -> [Event] {
    let decider = decider()
    let plan = try decider.planNotices(limit: limit) { channels?.contains($0.text) ?? true }
    let identity = ChannelIdentity(
      kind: try #require(CodeWord("spool")), settings: try #require(Self.digest))
    let drafts =
      try plan.heldBack
      + plan.attempts.map {
        decider.attempted($0, through: identity, textHMAC: try #require(Self.digest))
      }
    let recorded = try record(drafts, doctored: doctored)
    advance(seconds: delaySeconds)
    var results: [EventDraft] = []
    for event in recorded {
      guard case .notificationAttempted(let attempt) = event.payload,
        let outcome = outcome(attempt)
      else { continue }
      results += try self.decider().record(outcome, of: event.id)
    }
    try record(results)
    return recorded
  }

  static let digest = HexDigest(String(repeating: "cd", count: 32))

  // MARK: - As a log

  /// A log of these commits, written by the real writer.
  static func disk(_ commits: [[Event]]) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: AuditedHistory.identity)
    for commit in commits {
      _ = try writer.append(commit.map { $0.encodeLine() }, time: commit[0].time)
      try writer.synchronize()
    }
    try writer.synchronizeHead()
    disk.setBytes(of: "LEDGER", to: AuditedHistory.identity.encoded)
    return disk
  }

  static func recheck(
    _ commits: [[Event]], at point: HistoryPoint? = nil, of dispatch: EntityID? = nil
  ) throws -> Recheck {
    let reader = try LogReader(try disk(commits), identity: AuditedHistory.identity)
    return try Recheck(reader, at: point, of: dispatch, today: Zones.today)
  }

  func recheck(
    at point: HistoryPoint? = nil, of dispatch: EntityID? = nil
  ) throws -> Recheck {
    try Self.recheck(commits, at: point, of: dispatch)
  }
}

extension Recheck {
  /// All accounts, in order.
  func allAccounts() throws -> [DispatchAccount] {
    var (cursor, all) = (accounts, [] as [DispatchAccount])
    while let account = try cursor.read() { all.append(account) }
    return all
  }

  /// The report, without its newline.
  func report() throws -> [UInt8] {
    var (document, all) = (document, [] as [UInt8])
    while let bytes = try document.read() { all += bytes }
    return all
  }
}

/// The system's zones.
enum Zones {
  static func rules(_ name: ZoneName) -> ZoneRules? {
    guard let bytes = (try? ZoneDatabase.system?.zone(named: name.text)) ?? nil else { return nil }
    return try? ZoneRules(tzif: bytes)
  }

  static var today: TodaysZones { TodaysZones(tzdata: "today", find: rules) }
}

/// Sealing that anybody can open: the bytes of user, field and text, as long as a real seal.
enum Seals {
  static var personalData: PersonalData {
    PersonalData(
      seal: seal, open: open, sealOrphan: { seal($0, AuditedHistory.id("orphans"), .resultDetail) },
      hasKey: { _ in true })
  }

  private static func seal(
    _ text: String, _ user: EntityID, _ field: PersonalField
  ) -> SealedText {
    let bytes = [UInt8](repeating: 0, count: 28) + Array("\(user.text)|\(field.text)|\(text)".utf8)
    guard let sealed = SealedText(sealed: bytes) else { fatalError("too short to be sealed") }
    return sealed
  }

  private static func open(
    _ sealed: SealedText, _ user: EntityID, _ field: PersonalField
  ) -> String? {
    let text = String(decoding: sealed.sealed.dropFirst(28), as: UTF8.self)
    let prefix = "\(user.text)|\(field.text)|"
    return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
  }
}

extension AttemptOutcome {
  static let accepted = reported(.accepted, .acceptedByProvider)
  static let refused = AttemptOutcome.reported(
    ChannelReport(outcome: .failed, evidence: .none, code: "30006", isRetryable: false))
  static let busy = AttemptOutcome.reported(
    ChannelReport(
      outcome: .failed, evidence: .none, code: "20429", isRetryable: true, detail: "busy"))

  static func reported(
    _ outcome: OutcomeClass, _ evidence: EvidenceStrength, at time: Instant? = nil
  ) -> AttemptOutcome {
    .reported(ChannelReport(outcome: outcome, evidence: evidence, occurredAt: time))
  }
}
