package import Bytes
package import Dispatching
package import Events

/// Dispatches as they stand, each of their modifications, and the commands that were rejected.
///
/// Facts only: whether a dispatch is far, near, active or completed follows from them and the time.
package struct Dispatches {
  let database: Database

  static let definition = ViewDefinition(
    name: "dispatches", version: 2,
    schema: """
      CREATE TABLE dispatch (
        id TEXT PRIMARY KEY, requested INTEGER NOT NULL, program TEXT NOT NULL,
        event_type TEXT NOT NULL, is_test INTEGER NOT NULL, modification INTEGER NOT NULL,
        start_at INTEGER NOT NULL, end_at INTEGER, cancelled INTEGER, ended INTEGER,
        scheduled INTEGER, execute_at INTEGER, triggered INTEGER, missed INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX dispatch_program ON dispatch (program, id);
      CREATE INDEX dispatch_start ON dispatch (program, start_at)
        WHERE is_test = 0 AND cancelled IS NULL;
      CREATE TABLE modification (
        dispatch TEXT NOT NULL, number INTEGER NOT NULL, event INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL, change TEXT NOT NULL, detail TEXT NOT NULL,
        PRIMARY KEY (dispatch, number)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE rejection (
        dispatch TEXT NOT NULL, event INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (dispatch, event)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [
      .init(name: "dispatch", keyColumns: 1), .init(name: "modification", keyColumns: 2),
      .init(name: "rejection", keyColumns: 2),
    ])

  /// The dispatch that has this id, or `nil` where none was ever accepted.
  package func find(_ id: EntityID) throws(ViewError) -> DispatchRow? {
    try database.first("SELECT * FROM dispatch WHERE id = ?", id) { row throws(ViewError) in
      try DispatchRow(&row)
    }
  }

  /// The dispatch that this event requested, or `nil`; all of them are looked at.
  package func find(requestedBy event: EventID) throws(ViewError) -> EntityID? {
    try database.value("SELECT id FROM dispatch WHERE requested = ?", event)
  }

  /// What this event rejected, or `nil`; all rejections are looked at.
  package func rejection(by event: EventID) throws(ViewError) -> DispatchRejected? {
    try database.first("SELECT detail FROM rejection WHERE event = ?", event) {
      row throws(ViewError) in try row.record()
    }
  }

  /// Dispatches by the bytes of their ids, which is the order of their requests where the ids are
  /// ours: at most `limit`, from the first after `after`.
  package func list(
    program: EntityID? = nil, after: EntityID? = nil, limit: Int = .max
  ) throws(ViewError) -> [DispatchRow] {
    guard let program else {
      return try database.rows(
        "SELECT * FROM dispatch WHERE id > ? ORDER BY id LIMIT ?", after?.text ?? "", limit
      ) { row throws(ViewError) in try DispatchRow(&row) }
    }
    return try database.rows(
      "SELECT * FROM dispatch WHERE program = ? AND id > ? ORDER BY id LIMIT ?", program,
      after?.text ?? "", limit
    ) { row throws(ViewError) in try DispatchRow(&row) }
  }

  /// How many dispatches of a program begin in `range`, no drills and none that is cancelled, and
  /// not `other`; the cost follows their number.
  package func count(
    of program: EntityID, starting range: Range<Instant>, except other: EntityID?
  ) throws(ViewError) -> Int {
    try database.value(
      """
      SELECT count(*) FROM dispatch
      WHERE program = ? AND start_at >= ? AND start_at < ? AND is_test = 0 AND cancelled IS NULL
        AND id <> ?
      """, program, range.lowerBound, range.upperBound, other?.text ?? "") ?? 0
  }

  /// The request and all that changed it since, by number from 1.
  package func modifications(of dispatch: EntityID) throws(ViewError) -> [ModificationRow] {
    try database.rows(
      "SELECT * FROM modification WHERE dispatch = ? ORDER BY number", dispatch
    ) { row throws(ViewError) in try ModificationRow(&row) }
  }

  /// One modification, or `nil` where the dispatch hasn't come to it.
  package func modification(
    _ number: Int, of dispatch: EntityID
  ) throws(ViewError) -> ModificationRow? {
    try database.first(
      "SELECT * FROM modification WHERE dispatch = ? AND number = ?", dispatch, number
    ) { row throws(ViewError) in try ModificationRow(&row) }
  }

  /// The rejected commands that named this dispatch, in the order of the log.
  package func rejections(of dispatch: EntityID) throws(ViewError) -> [RejectionRow] {
    try database.rows(
      "SELECT event, recorded_at, detail FROM rejection WHERE dispatch = ? ORDER BY event", dispatch
    ) { row throws(ViewError) in
      RejectionRow(event: try row.next(), recordedAt: try row.next(), rejected: try row.record())
    }
  }

  func request(_ request: DispatchRequested, by event: Fact) throws(ViewError) {
    // Were a line to request a dispatch twice, the first one would stand.
    guard try nextNumber(of: request.dispatchID) == nil else { return }
    try database.run(
      """
      INSERT INTO dispatch (
        id, requested, program, event_type, is_test, modification, start_at, end_at
      ) VALUES (?, ?, ?, ?, ?, 1, ?, ?)
      """, request.dispatchID, event.id, request.programID, request.eventTypeID, request.isTest,
      request.start.instant, request.end?.instant)
    try record(.request, 1, of: request.dispatchID, request, by: event)
  }

  func modify(_ change: DispatchModified, by event: Fact) throws(ViewError) {
    guard let number = try nextNumber(of: change.dispatchID) else { return }
    try database.run(
      "UPDATE dispatch SET modification = ?, start_at = ?, end_at = ? WHERE id = ?",
      number, change.start.instant, change.end?.instant, change.dispatchID)
    try record(.modify, number, of: change.dispatchID, change, by: event)
  }

  func cancel(_ change: DispatchCancelled, by event: Fact) throws(ViewError) {
    guard let number = try nextNumber(of: change.dispatchID) else { return }
    try database.run(
      "UPDATE dispatch SET modification = ?, cancelled = ? WHERE id = ?", number, event.id,
      change.dispatchID)
    try record(.cancel, number, of: change.dispatchID, change, by: event)
  }

  func end(_ change: DispatchEnded, by event: Fact) throws(ViewError) {
    guard let number = try nextNumber(of: change.dispatchID) else { return }
    try database.run(
      "UPDATE dispatch SET modification = ?, ended = ?, end_at = ? WHERE id = ?", number, event.id,
      change.end.instant, change.dispatchID)
    try record(.end, number, of: change.dispatchID, change, by: event)
  }

  func reject(_ rejected: DispatchRejected, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR REPLACE INTO rejection VALUES (?, ?, ?, ?)", rejected.dispatchID, event.id,
      event.time, RecordText(rejected))
  }

  func schedule(_ schedule: DispatchScheduled, by event: Fact) throws(ViewError) {
    try database.run(
      "UPDATE dispatch SET scheduled = ?, execute_at = ? WHERE id = ?", event.id,
      schedule.executeAt?.instant, schedule.dispatchID)
  }

  func trigger(_ trigger: DispatchTriggered, by event: Fact) throws(ViewError) {
    try database.run(
      "UPDATE dispatch SET triggered = ? WHERE id = ?", event.id, trigger.dispatchID)
  }

  func miss(_ miss: DispatchMissed, by event: Fact) throws(ViewError) {
    try database.run("UPDATE dispatch SET missed = ? WHERE id = ?", event.id, miss.dispatchID)
  }

  /// The number of the dispatch's next modification, or `nil` where none was ever accepted.
  ///
  /// A modification has the number of its place, which is what its event says too, unless the event
  /// is wrong.
  private func nextNumber(of dispatch: EntityID) throws(ViewError) -> Int? {
    try database.stored("SELECT modification + 1 FROM dispatch WHERE id = ?", dispatch) {
      row throws(ViewError) in try row.next()
    }
  }

  private func record(
    _ change: DispatchChange.Kind, _ number: Int, of dispatch: EntityID, _ detail: some Record,
    by event: Fact
  ) throws(ViewError) {
    try database.run(
      "INSERT INTO modification VALUES (?, ?, ?, ?, ?, ?)", dispatch, number, event.id,
      event.time, change, RecordText(detail))
  }
}

/// A dispatch as it stands.
package struct DispatchRow: Equatable, Sendable {
  package var id: EntityID
  /// The `dispatch.requested`.
  package var requested: EventID
  package var programID: EntityID
  package var eventTypeID: EntityID
  package var isTest: Bool
  /// The number of the last modification.
  package var modification: Int
  package var start: Instant
  /// Absent: open-ended until a `dispatch.ended`.
  package var end: Instant?
  /// The event that cancelled it.
  package var cancelled: EventID?
  /// The event that ended it.
  package var ended: EventID?
  /// The event that made it wait for a time or a condition.
  package var scheduled: EventID?
  /// The time that it waits for; absent where it waits for a condition, or for nothing.
  package var executeAt: Instant?
  /// The event that made it go on.
  package var triggered: EventID?
  /// The event that says it never will.
  package var missed: EventID?

  init(_ row: inout Row) throws(ViewError) {
    id = try row.next()
    requested = try row.next()
    programID = try row.next()
    eventTypeID = try row.next()
    isTest = try row.next()
    modification = try row.next()
    start = try row.next()
    end = try row.next()
    cancelled = try row.next()
    ended = try row.next()
    scheduled = try row.next()
    executeAt = try row.next()
    triggered = try row.next()
    missed = try row.next()
  }
}

extension DispatchChange {
  enum Kind: String, ColumnValue { case request, modify, cancel, end }

  init(_ kind: Kind, _ row: inout Row) throws(ViewError) {
    switch kind {
    case .request: self = .request(try row.record())
    case .modify: self = .modify(try row.record())
    case .cancel: self = .cancel(try row.record())
    case .end: self = .end(try row.record())
    }
  }
}

/// A modification of a dispatch; the first is its request.
package struct ModificationRow: Equatable, Sendable {
  package var dispatchID: EntityID
  package var number: Int
  package var event: EventID
  package var recordedAt: Instant
  package var change: DispatchChange

  init(_ row: inout Row) throws(ViewError) {
    dispatchID = try row.next()
    number = try row.next()
    event = try row.next()
    recordedAt = try row.next()
    change = try DispatchChange(try row.next(), &row)
  }
}

/// A command on a dispatch that was rejected.
package struct RejectionRow: Equatable, Sendable {
  package var event: EventID
  package var recordedAt: Instant
  package var rejected: DispatchRejected
}
