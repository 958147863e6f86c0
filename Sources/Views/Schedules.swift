import Bytes
package import Dispatching
package import Events

/// What dispatches wait for, and how the waiting ended.
package struct Schedules {
  let database: Database

  static let definition = ViewDefinition(
    name: "schedules", version: 1,
    schema: """
      CREATE TABLE schedule (
        dispatch TEXT PRIMARY KEY, event INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
        detail TEXT NOT NULL, fate INTEGER, fate_at INTEGER, did_fire INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX schedule_waiting ON schedule (event) WHERE fate IS NULL;
      """,
    tables: [.init(name: "schedule", keyColumns: 1)])

  /// What a dispatch waits or waited for, or `nil` where it never did.
  package func find(_ dispatch: EntityID) throws(ViewError) -> Schedule? {
    try database.first(
      """
      SELECT event, recorded_at, detail, fate, fate_at, did_fire FROM schedule WHERE dispatch = ?
      """, dispatch
    ) { row throws(ViewError) in try Schedule(&row) }
  }

  /// Those that neither fired nor were missed, in the order of the log; the cost follows their
  /// number.
  package func waiting() throws(ViewError) -> [Schedule] {
    try database.rows(
      """
      SELECT event, recorded_at, detail, fate, fate_at, did_fire FROM schedule
      WHERE fate IS NULL ORDER BY event
      """
    ) { row throws(ViewError) in try Schedule(&row) }
  }

  func add(_ scheduled: DispatchScheduled, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR IGNORE INTO schedule VALUES (?, ?, ?, ?, NULL, NULL, NULL)",
      scheduled.dispatchID, event.id, event.time, RecordText(scheduled))
  }

  func end(_ dispatch: EntityID, by event: Fact, didFire: Bool) throws(ViewError) {
    try database.run(
      """
      UPDATE schedule SET fate = ?, fate_at = ?, did_fire = ? WHERE dispatch = ? AND fate IS NULL
      """, event.id, event.time, didFire, dispatch)
  }
}

extension Schedule {
  init(_ row: inout Row) throws(ViewError) {
    self.init(event: try row.next(), recordedAt: try row.next(), scheduled: try row.record())
    let event: EventID? = try row.next()
    let time: Instant? = try row.next()
    let didFire: Bool? = try row.next()
    if let event, let time, let didFire {
      fate = Fate(event: event, recordedAt: time, didFire: didFire)
    }
  }
}
