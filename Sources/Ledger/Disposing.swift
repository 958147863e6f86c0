import Bytes
import Dispatching
import EventLog
import Events
import Platform
import Views

extension Ledger {
  /// Destroys an archive that nothing keeps any more, once `ledger.disposed` says so durably.
  ///
  /// Interrupted anywhere, the same call finishes what the certificate names; made again, it says when that
  /// was done. Other copies are out of reach.
  ///
  /// - Parameter isDry: Whether to say only what would be done.
  /// - Throws: `.archiving`; `.archive` with `.kept` and all that stands in the way, and otherwise.
  package func dispose(
    of directory: String, reason: String, isDry: Bool
  ) throws(LedgerError) -> ArchiveOutcome {
    let lock = try lockForArchiving()
    defer { withExtendedLifetime(lock) {} }
    if let outcome = try disposed(from: directory) { return outcome }
    let (files, description, turn, row) = try openRecorded(directory)
    let place = LogArchive(of: storage, identity: identity, in: files)
    let isFinishing = row.state == .disposed
    if !isFinishing {
      guard row.state == .archived, try firstEvent() >= row.end else {
        throw .archive(.isAttached(row.id))
      }
      try compare(description, place)
      let obstacles = try obstacles(to: description, files, now: turn.now)
      if !obstacles.isEmpty { throw .archive(.kept(row.id, obstacles)) }
    }
    var outcome = outcome(of: description, wasThere: isFinishing)
    if isFinishing { outcome.disposal = disposal(by: row.event) }
    if isDry { return outcome }
    if !isFinishing {
      try turn.commit(
        description.parts.map { part in
          EventDraft(
            .ledgerDisposed(
              LedgerDisposed(
                archiveID: part.archiveID, first: part.first, last: part.last, root: part.root,
                segments: part.segments, reason: reason)))
        })
    }
    try inLog { () throws(LogError) in
      try place.destroy(description.segments, leaving: note(of: row.id))
    }
    for name in ["log", "snapshot"] {
      // An empty directory that stays tells nothing.
      try? removeDirectory(joinPath(directory, name))
    }
    return outcome
  }

  /// What was disposed of in a directory in which nothing else is left; `nil` where that isn't so.
  private func disposed(from directory: String) throws(LedgerError) -> ArchiveOutcome? {
    let (isDisposed, isThere) = try inFiles { () throws(PlatformError) in
      let isDisposed = try exists(joinPath(directory, LogArchive.disposed))
      return (isDisposed, try exists(joinPath(directory, LogArchive.description)))
    }
    guard isDisposed, !isThere else { return nil }
    let bytes = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: directory).read(LogArchive.disposed, limit: 4_096)
    }
    guard let bytes, case .object(let object)? = try? JSON(parsing: Array(bytes.dropLast())),
      case .string(let text)? = object["archive_id"], let id = EntityID(text),
      bytes == note(of: id)
    else { throw .archive(.recordedOtherwise(directory: directory)) }
    _ = try takeTurn()
    let row = try inViews { () throws(ViewError) in try views.retention.archive(id) }
    guard let row, row.state == .disposed else { throw .archive(.notRecorded(id)) }
    return ArchiveOutcome(
      id: id, first: row.first, last: row.last, segments: row.segments.count,
      bytes: row.segments.reduce(0) { $0 + UInt64($1.bytes) }, wasThere: true,
      disposal: disposal(by: row.event))
  }

  private func disposal(by event: EventID) -> ArchiveOutcome.Disposal {
    var cursor = (try? LogReader(storage, identity: identity))?.events(from: event)
    let stored = (try? cursor?.read()) ?? nil
    let time = stored.flatMap { try? Event(decoding: $0.line).time }
    return ArchiveOutcome.Disposal(event: event, time: time)
  }

  /// What stays where an archive was disposed of: which it was.
  private func note(of archive: EntityID) -> [UInt8] {
    let object = JSONObject([
      .init(key: "archive_id", value: .string(archive.text)), .init(key: "format", value: 1),
      .init(key: "ledger_id", value: .string(identity.id.hex)),
      .init(key: "origin", value: .string(identity.origin)),
    ])
    return JSON.object(object).canonicalBytes + [UInt8(ascii: "\n")]
  }

  /// All that keeps events of an archive, the reasons of retention first, by their first events.
  private func obstacles(
    to description: ArchiveDescription, _ files: any Storage, now: Instant
  ) throws(LedgerError) -> [Obstacle] {
    let (programs, holds) = try inViews { () throws(ViewError) in
      (try views.catalogue.programs.list(), try views.retention.holds())
    }
    var survey = KeepingSurvey(
      views: views, programs: programs.map(\.definition),
      holds: holds.filter { $0.released == nil }.map(\.placed), now: now)
    let reader = try inLog { () throws(LogError) in
      try LogReader(UnionStorage(storage, with: [files]), identity: identity)
    }
    var cursor = reader.events(from: description.first, to: description.end)
    while let stored = try inLog({ () throws(LogError) in try cursor.read() }) {
      let event: Event
      do { event = try Event(decoding: stored.line) } catch {
        throw .unreadableEvent(stored.id, error)
      }
      try survey.take(event)
    }
    return survey.obstacles
  }
}

/// Looks at each event of an archive for what keeps it.
private struct KeepingSurvey {
  /// Events are told of together that are kept by the same program or hold.
  private enum Keeper: Hashable {
    case program(EntityID?)
    case hold(EntityID)
  }

  private let views: ViewStore
  private let holds: [LegalHoldPlaced]
  private let now: Instant
  /// What each program says of retention, where it says anything.
  private let retention: [EntityID: Period]
  private let defined: Set<EntityID>
  /// What all programs say; `nil` where one says nothing, or there is none.
  private let longest: [Period]?
  private var programs: [EntityID: EntityID?] = [:]
  private var found: [Keeper: Obstacle] = [:]
  private var order: [Keeper] = []

  init(
    views: ViewStore, programs: [ProgramDefined], holds: [LegalHoldPlaced], now: Instant
  ) {
    self.views = views
    self.holds = holds
    self.now = now
    var retention: [EntityID: Period] = [:]
    for program in programs { retention[program.id] = program.retention }
    self.retention = retention
    defined = Set(programs.map(\.id))
    let all = programs.compactMap(\.retention)
    longest = all.count == programs.count && !all.isEmpty ? all : nil
  }

  /// The reasons of retention first.
  var obstacles: [Obstacle] {
    let all = order.compactMap { found[$0] }
    func isHold(_ obstacle: Obstacle) -> Bool {
      if case .hold = obstacle.reason { true } else { false }
    }
    return all.filter { !isHold($0) } + all.filter(isHold)
  }

  mutating func take(_ event: Event) throws(LedgerError) {
    let facts = EventFacts(event.payload)
    let program = try program(of: facts)
    if let reason = reason(for: event, of: program) { add(reason, by: .program(program), event) }
    for hold in holds where try covers(hold, event, facts, program) {
      add(.hold(hold.id), by: .hold(hold.id), event)
    }
  }

  private mutating func add(_ reason: Obstacle.Reason, by keeper: Keeper, _ event: Event) {
    guard let known = found[keeper] else {
      order.append(keeper)
      found[keeper] = Obstacle(reason: reason, first: event.id, last: event.id, count: 1)
      return
    }
    // Events' times ascend, so the last one is kept the longest.
    found[keeper] = Obstacle(
      reason: reason, first: known.first, last: event.id, count: known.count + 1)
  }

  /// What keeps an event by its age; `nil` where it is old enough.
  private func reason(for event: Event, of program: EntityID?) -> Obstacle.Reason? {
    let periods = program.map { id in retention[id].map { [$0] } } ?? longest
    guard let periods else { return .forEver(program: program) }
    let ends = periods.map { (period: $0, until: $0.end(from: event.time)) }
    guard let last = ends.max(by: { $0.until < $1.until }), last.until > now else { return nil }
    return .retention(program: program, last.period, until: last.until)
  }

  private func covers(
    _ hold: LegalHoldPlaced, _ event: Event, _ facts: EventFacts, _ program: EntityID?
  ) throws(LedgerError) -> Bool {
    if let since = hold.since, event.time < since { return false }
    if let until = hold.until, event.time >= until { return false }
    if let dispatch = hold.dispatchID, facts.dispatch != dispatch { return false }
    if let wanted = hold.programID, program != wanted { return false }
    guard let user = hold.userID else { return true }
    if facts.users.contains(user) { return true }
    guard let attempt = facts.attempt else { return false }
    let told = try inViews { () throws(ViewError) in try views.attempts.find(attempt) }
    return told?.notice.userID == user
  }

  /// The program that an event is of, by itself or by its dispatch; one that nothing defines is none.
  private mutating func program(of facts: EventFacts) throws(LedgerError) -> EntityID? {
    if let program = facts.program { return defined.contains(program) ? program : nil }
    guard let dispatch = facts.dispatch else { return nil }
    if let known = programs[dispatch] { return known }
    let views = views
    let found = try inViews { () throws(ViewError) in
      try views.dispatches.find(dispatch)?.programID
    }
    programs[dispatch] = .some(found)
    return found
  }
}
