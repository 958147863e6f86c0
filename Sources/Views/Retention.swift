import Bytes
package import Dispatching
package import Events

/// Legal holds, and what became of archives.
package struct Retention {
  let database: Database

  static let definition = ViewDefinition(
    name: "retention", version: 1,
    schema: """
      CREATE TABLE legal_hold (
        id TEXT PRIMARY KEY, event INTEGER NOT NULL, released INTEGER, detail TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE archive (
        id TEXT PRIMARY KEY, state TEXT NOT NULL, event INTEGER NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE archive_part (
        archive TEXT NOT NULL, first INTEGER NOT NULL, event INTEGER NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (archive, first)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [
      .init(name: "legal_hold", keyColumns: 1), .init(name: "archive", keyColumns: 1),
      .init(name: "archive_part", keyColumns: 2),
    ])

  // MARK: - Holds

  /// The hold of this id, released or not; `nil` where none was ever placed.
  package func hold(_ id: EntityID) throws(ViewError) -> StandingHold? {
    try database.first("SELECT event, released, detail FROM legal_hold WHERE id = ?", id) {
      row throws(ViewError) in try StandingHold(&row)
    }
  }

  /// All holds, the released ones too, by the bytes of their ids.
  package func holds() throws(ViewError) -> [StandingHold] {
    try database.rows("SELECT event, released, detail FROM legal_hold ORDER BY id") {
      row throws(ViewError) in try StandingHold(&row)
    }
  }

  func place(_ hold: LegalHoldPlaced, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR IGNORE INTO legal_hold VALUES (?, ?, NULL, ?)", hold.id, event.id,
      RecordText(hold))
  }

  func release(_ hold: LegalHoldReleased, by event: Fact) throws(ViewError) {
    try database.run(
      "UPDATE legal_hold SET released = ? WHERE id = ? AND released IS NULL", event.id, hold.id)
  }

  // MARK: - Archives

  /// The archive of this id, or `nil` where none was ever recorded.
  package func archive(_ id: EntityID) throws(ViewError) -> ArchiveRow? {
    let row = try database.first(
      "SELECT id, state, event, first, last FROM archive WHERE id = ?", id
    ) { row throws(ViewError) in try ArchiveRow(&row) }
    return try row.map(withParts)
  }

  /// All archives, by their first events.
  package func archives() throws(ViewError) -> [ArchiveRow] {
    let rows: [ArchiveRow] = try database.rows(
      "SELECT id, state, event, first, last FROM archive ORDER BY first, last, id"
    ) { row throws(ViewError) in try ArchiveRow(&row) }
    var archives: [ArchiveRow] = []
    for row in rows { archives.append(try withParts(row)) }
    return archives
  }

  private func withParts(_ row: ArchiveRow) throws(ViewError) -> ArchiveRow {
    var row = row
    row.parts = try database.rows(
      "SELECT detail FROM archive_part WHERE archive = ? ORDER BY first", row.id
    ) { row throws(ViewError) in try row.record() }
    return row
  }

  /// Of more than 256 segments several events tell of one archive, each of a part of them.
  func archive(_ part: LedgerArchived, by event: Fact) throws(ViewError) {
    try database.run(
      """
      INSERT INTO archive VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET state = excluded.state, event = excluded.event,
        first = min(first, excluded.first), last = max(last, excluded.last)
      """, part.archiveID, ArchiveRow.State.archived.rawValue, event.id, part.first, part.last)
    try database.run(
      "INSERT OR REPLACE INTO archive_part VALUES (?, ?, ?, ?)", part.archiveID, part.first,
      event.id, RecordText(part))
  }

  func attach(_ attached: LedgerAttached, by event: Fact) throws(ViewError) {
    try move(attached.archiveID, to: .attached, by: event)
  }

  func dispose(of part: LedgerDisposed, by event: Fact) throws(ViewError) {
    try move(part.archiveID, to: .disposed, by: event)
  }

  private func move(
    _ archive: EntityID, to state: ArchiveRow.State, by event: Fact
  ) throws(ViewError) {
    try database.run(
      "UPDATE archive SET state = ?, event = ? WHERE id = ?", state.rawValue, event.id, archive)
  }
}

extension StandingHold {
  fileprivate init(_ row: inout Row) throws(ViewError) {
    let event: EventID = try row.next()
    let released: EventID? = try row.next()
    self.init(placed: try row.record(), event: event, released: released)
  }
}

/// Segments that were copied out of the ledger, and what became of them.
package struct ArchiveRow: Equatable, Sendable {
  package enum State: String, CaseIterable, Sendable {
    /// Its segments are in the archive alone.
    case archived
    /// They were brought back.
    case attached
    /// They were destroyed.
    case disposed
  }

  package var id: EntityID
  package var state: State
  /// The event that made it so.
  package var event: EventID
  package var first: EventID
  package var last: EventID
  /// What was recorded of it, in order; of more than 256 segments in several parts.
  package var parts: [LedgerArchived] = []

  /// The event after its last one.
  package var end: EventID { last + 1 }
  /// Its files, ascending.
  package var segments: [ArchivedSegment] { parts.flatMap(\.segments) }
  /// SHA-256 of the snapshot as of its end.
  package var snapshot: HexDigest? { parts.last?.snapshot }
  /// The root of all events up to and with its last one.
  package var root: TreeRoot? { parts.last?.root }

  fileprivate init(_ row: inout Row) throws(ViewError) {
    id = try row.next()
    state = try row.next { (text: String) in State(rawValue: text) }
    event = try row.next()
    first = try row.next()
    last = try row.next()
  }
}
