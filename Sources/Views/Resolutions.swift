package import Events

/// How far the resolution of each modification has come, and who was left out; the recipients are
/// the notices.
package struct Resolutions {
  let database: Database

  static let definition = ViewDefinition(
    name: "resolutions", version: 1,
    schema: """
      CREATE TABLE resolution (
        dispatch TEXT NOT NULL, modification INTEGER NOT NULL, chunks INTEGER NOT NULL,
        first_event INTEGER NOT NULL, last_event INTEGER, last_user TEXT,
        recipients INTEGER NOT NULL, exclusions INTEGER NOT NULL, not_considered INTEGER,
        PRIMARY KEY (dispatch, modification)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX resolution_unfinished ON resolution (first_event) WHERE last_event IS NULL;
      CREATE TABLE exclusion (
        dispatch TEXT NOT NULL, modification INTEGER NOT NULL, user TEXT NOT NULL,
        version INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT,
        PRIMARY KEY (dispatch, modification, user)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [
      .init(name: "resolution", keyColumns: 2), .init(name: "exclusion", keyColumns: 3),
    ])

  /// How far the resolution has come, or `nil` where no chunk of it is recorded.
  package func find(
    _ dispatch: EntityID, modification: Int
  ) throws(ViewError) -> ResolutionRow? {
    try database.first(
      "SELECT * FROM resolution WHERE dispatch = ? AND modification = ?", dispatch, modification
    ) { row throws(ViewError) in try ResolutionRow(&row) }
  }

  /// Resolutions of which the last chunk is missing, in the order in which they were begun; mostly
  /// none, and the cost follows their number.
  package func unfinished() throws(ViewError) -> [ResolutionRow] {
    try database.rows(
      "SELECT * FROM resolution WHERE last_event IS NULL ORDER BY first_event"
    ) { row throws(ViewError) in try ResolutionRow(&row) }
  }

  /// Who was considered and left out, by the bytes of their ids.
  package func exclusions(
    of dispatch: EntityID, modification: Int
  ) throws(ViewError) -> [Exclusion] {
    try database.rows(
      """
      SELECT user, version, reason, detail FROM exclusion
      WHERE dispatch = ? AND modification = ? ORDER BY user
      """, dispatch, modification
    ) { row throws(ViewError) in
      Exclusion(
        userID: try row.next(), user: try row.next(), reason: try row.next(),
        detail: try row.next())
    }
  }

  func take(_ chunk: RecipientsResolved, by event: Fact) throws(ViewError) {
    let lastUser = max(
      chunk.recipients.last?.userID.text ?? "", chunk.exclusions.last?.userID.text ?? "")
    try database.run(
      """
      INSERT INTO resolution VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)
      ON CONFLICT DO UPDATE SET chunks = chunks + 1, last_event = coalesce(last_event, ?4),
        last_user = coalesce(?5, last_user), recipients = recipients + ?6,
        exclusions = exclusions + ?7, not_considered = ?8
      """, chunk.dispatchID, chunk.modification, event.id, chunk.isLast ? event.id : nil,
      EntityID(lastUser), chunk.recipients.count, chunk.exclusions.count,
      chunk.totals?.notConsidered)
    for exclusion in chunk.exclusions {
      try database.run(
        "INSERT OR IGNORE INTO exclusion VALUES (?, ?, ?, ?, ?, ?)", chunk.dispatchID,
        chunk.modification, exclusion.userID, exclusion.user, exclusion.reason, exclusion.detail)
    }
  }
}

extension ExclusionReason: ColumnValue {}

/// The resolution of one modification, as far as it has come.
package struct ResolutionRow: Equatable, Sendable {
  package var dispatchID: EntityID
  package var modification: Int
  /// Chunks recorded; so also the number of the next one.
  package var chunks: Int
  package var first: EventID
  /// The chunk that says it is the last; absent while it is missing.
  package var last: EventID?
  /// The greatest user of all chunks so far: the next chunk goes on behind it.
  package var lastUser: EntityID?
  /// Recipients of all chunks so far.
  package var recipients: Int
  package var exclusions: Int
  /// Users who were counted, not listed; known with the last chunk.
  package var notConsidered: Int?

  init(_ row: inout Row) throws(ViewError) {
    dispatchID = try row.next()
    modification = try row.next()
    chunks = try row.next()
    first = try row.next()
    last = try row.next()
    lastUser = try row.next()
    recipients = try row.next()
    exclusions = try row.next()
    notConsidered = try row.next()
  }
}
