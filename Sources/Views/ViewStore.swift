import Bytes
package import Events

/// The views over a log: what its events come to, kept in one database and always disposable.
///
/// Rows and cursor change in the same transaction. A transaction may stay open while decisions look
/// things up in it: what they see is the log with all that is decided and not yet durable. It is
/// committed once the events are durable, and rolled back where appending them failed.
package final class ViewStore {
  package let database: Database
  /// What the open transaction has yet to write.
  private let transaction: TransactionRows
  /// The next event that the open transaction will take; before the first one, unknown.
  private var next: EventID = 0
  /// Events of the open transaction, by type: counted here, so that an event costs no row for it.
  private var uncounted: [EventType: Int] = [:]
  /// What held before ``beginProvisional()``, where that began within a transaction.
  private var beforeProvisional: (next: EventID, uncounted: [EventType: Int])?

  /// Opens the views; nothing is read or made yet: see ``condition(next:root:)`` and ``create()``.
  ///
  /// - Throws: `.refused` where SQLite can't open the file.
  package init(
    _ place: Database.Place,
    patienceMilliseconds: Int32 = Database.patienceMilliseconds
  ) throws(ViewError) {
    database = try Database(place, patienceMilliseconds: patienceMilliseconds)
    let transaction = TransactionRows(database: database)
    database.beforeReading = { () throws(ViewError) in try transaction.write() }
    self.transaction = transaction
  }

  /// Programs, market event types and user groups.
  package var catalogue: Catalogue { Catalogue(database: database) }
  /// Users, and who is in which group.
  package var users: Users { Users(database: database) }
  /// Who belonged to which program, when.
  package var enrollments: Enrollments { Enrollments(database: database) }
  /// What users refuse.
  package var optOuts: OptOuts { OptOuts(database: database) }
  /// Dispatches, their modifications, and rejected commands.
  package var dispatches: Dispatches { Dispatches(database: database) }
  /// How far each resolution has come, and who was left out.
  package var resolutions: Resolutions { Resolutions(database: database) }
  /// The recipients, what became of the notice to each, and what is due.
  package var notices: Notices { Notices(database: database, transaction: transaction) }
  /// Attempts and their results.
  package var attempts: Attempts { Attempts(database: database, transaction: transaction) }
  /// Users' answers.
  package var acknowledgements: Acknowledgements { Acknowledgements(database: database) }
  /// Templates.
  package var templates: Templates { Templates(database: database) }
  /// Rules, and what became of the times at which they were to fire.
  package var rules: Rules { Rules(database: database) }
  /// What dispatches wait for.
  package var schedules: Schedules { Schedules(database: database) }
  /// What was observed of signals.
  package var signals: Signals { Signals(database: database) }
  /// Which keys were used, for what.
  package var idempotencyKeys: IdempotencyKeys { IdempotencyKeys(database: database) }
  /// Which files of `quarantine/` an event names.
  package var quarantineFiles: QuarantineFiles { QuarantineFiles(database: database) }
  /// Where the events of each subject stand.
  package var streams: Streams { Streams(database: database, transaction: transaction) }
  /// Legal holds, and what became of archives.
  package var retention: Retention { Retention(database: database) }
  /// How many events of each type there are.
  package var typeCounts: TypeCounts { TypeCounts(database: database) }

  /// How much of the log the views hold, as of the last commit.
  package func cursor() throws(ViewError) -> Cursor {
    let cursor = try database.first("SELECT next, root, segment, offset FROM cursor") {
      row throws(ViewError) in try Cursor(&row)
    }
    guard let cursor else { throw .malformed(statement: "SELECT next FROM cursor", column: 0) }
    return cursor
  }

  /// Begins a transaction, and keeps every other process from writing until it ends.
  ///
  /// - Throws: An error with the remedy `.wait` where another process writes for too long.
  package func begin() throws(ViewError) {
    invariant(!database.isInTransaction, "a transaction begins within another")
    try database.begin()
    do {
      next = try cursor().next
    } catch {
      rollback()
      throw error
    }
  }

  /// Runs `body`, all of whose look-ups see the views of one moment, whoever writes meanwhile.
  package func reading<Result>(
    _ body: () throws(ViewError) -> Result
  ) throws(ViewError) -> Result {
    invariant(!database.isInTransaction, "a moment begins within a transaction")
    try database.execute("BEGIN")
    defer { rollback() }
    return try body()
  }

  /// Whether a transaction is open.
  package var isInTransaction: Bool { database.isInTransaction }

  /// Takes an event into every view; only within a transaction, in the order of the log.
  ///
  /// After an error the transaction is only good for ``rollback()``.
  ///
  /// - Parameters:
  ///   - location: Where its line stands, or will stand once it is durable.
  ///   - commit: The ids of the commit that it belongs to.
  /// - Throws: `.outOfOrder` where the event isn't the next one.
  package func apply(
    _ event: Event, at location: EventLocation, commit: ClosedRange<EventID>
  ) throws(ViewError) {
    invariant(database.isInTransaction, "an event is applied outside of a transaction")
    guard event.id == next else { throw .outOfOrder(expected: next, found: event.id) }
    let fact = Fact(id: event.id, time: event.time)
    if let key = event.idempotencyKey, let hash = event.idempotencyHash {
      try idempotencyKeys.record(key, hash, commit: commit, at: location)
    }
    try streams.add(fact, about: event.subject, at: location)
    try project(event.payload, by: fact)
    uncounted[event.type, default: 0] += 1
    next += 1
  }

  /// Leaves the next event out, as if it said nothing; only within a transaction.
  ///
  /// - Throws: `.outOfOrder` where the event isn't the next one.
  package func pass(over event: EventID) throws(ViewError) {
    invariant(database.isInTransaction, "an event is passed over outside of a transaction")
    guard event == next else { throw .outOfOrder(expected: next, found: event) }
    next += 1
  }

  /// Leaves all events out before one; only within a transaction.
  ///
  /// - Throws: `.outOfOrder` where that one was taken already.
  package func pass(before event: EventID) throws(ViewError) {
    invariant(database.isInTransaction, "events are passed over outside of a transaction")
    guard event >= next else { throw .outOfOrder(expected: next, found: event) }
    next = event
  }

  /// Makes all that was applied since ``begin()`` the views' content.
  ///
  /// - Parameter cursor: The log's end after the last event applied.
  /// - Throws: `.outOfOrder` where the cursor names another next event; the transaction stays open.
  package func commit(_ cursor: Cursor) throws(ViewError) {
    invariant(database.isInTransaction, "a commit without a transaction")
    guard cursor.next == next else { throw .outOfOrder(expected: next, found: cursor.next) }
    try transaction.write()
    for type in EventType.allCases {
      if let events = uncounted[type] { try typeCounts.add(events, of: type) }
    }
    try database.run(
      "UPDATE cursor SET next = ?, root = ?, segment = ?, offset = ?", cursor.next,
      cursor.root.hex, cursor.segment, cursor.offset)
    try database.commit()
    uncounted = [:]
  }

  /// Copies the write-ahead log's pages to where they belong and gives it up: the file alone holds
  /// the views from here on.
  package func makeSelfContained() throws(ViewError) {
    invariant(!database.isInTransaction, "a file is closed off within a transaction")
    let mode: String? = try database.value("PRAGMA journal_mode=DELETE")
    guard mode == "delete" else {
      throw .malformed(statement: "PRAGMA journal_mode=DELETE", column: 0)
    }
  }

  /// From here on what is applied is forgotten by ``endProvisional()``: all that was applied in the
  /// open transaction before stays, and where none is open one begins.
  package func beginProvisional() throws(ViewError) {
    guard isInTransaction else { return try begin() }
    try transaction.write()
    try database.execute("SAVEPOINT provisional")
    beforeProvisional = (next, uncounted)
  }

  /// Forgets all that was applied since ``beginProvisional()``.
  package func endProvisional() {
    guard let before = beforeProvisional else { return rollback() }
    beforeProvisional = nil
    transaction.forget()
    (next, uncounted) = before
    // Some errors have rolled back all of the transaction already.
    if isInTransaction { try? database.execute("ROLLBACK TO provisional; RELEASE provisional") }
  }

  /// Forgets all that was applied since ``begin()``; without a transaction it does nothing.
  package func rollback() {
    uncounted = [:]
    transaction.forget()
    // Some errors have rolled back already; then there is nothing left to forget.
    if database.isInTransaction { try? database.execute("ROLLBACK") }
  }
}

/// What of an event's envelope the views keep.
struct Fact {
  let id: EventID
  let time: Instant
}
