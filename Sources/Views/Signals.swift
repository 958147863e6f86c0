package import Bytes
package import Dispatching
package import Events

/// What was observed of signals.
package struct Signals {
  let database: Database

  // An observation counts once it is recorded and its time has come.
  static let definition = ViewDefinition(
    name: "signals", version: 1,
    schema: """
      CREATE TABLE observation (
        signal TEXT NOT NULL, event INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
        at INTEGER NOT NULL, counts_from INTEGER NOT NULL, value TEXT NOT NULL, unit TEXT,
        PRIMARY KEY (signal, event)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX observation_counts ON observation (signal, counts_from, event);
      CREATE INDEX observation_at ON observation (signal, at, event, counts_from);
      """,
    tables: [.init(name: "observation", keyColumns: 2)])

  /// The observation that counts at `time`, then those that count from later on; of these the last
  /// `limit`.
  package func observations(
    of signal: EntityID, from time: Instant, limit: Int
  ) throws(ViewError) -> [Observation] {
    let latest = try database.first(
      """
      SELECT event, recorded_at, at, value, unit FROM observation
      WHERE signal = ? AND counts_from <= ? ORDER BY at DESC, event DESC LIMIT 1
      """, signal, time
    ) { row throws(ViewError) in try Observation(&row) }
    let later = try database.rows(
      """
      SELECT event, recorded_at, at, value, unit FROM observation
      WHERE signal = ? AND counts_from > ? ORDER BY counts_from DESC, event DESC LIMIT ?
      """, signal, time, limit
    ) { row throws(ViewError) in try Observation(&row) }
    return (latest.map { [$0] } ?? []) + later.reversed()
  }

  /// Every signal's latest observation by its own time, by the bytes of their names.
  package func list() throws(ViewError) -> [(name: EntityID, latest: Observation)] {
    let names: [EntityID] = try database.rows(
      "SELECT DISTINCT signal FROM observation ORDER BY signal"
    ) { row throws(ViewError) in try row.next() }
    var list: [(name: EntityID, latest: Observation)] = []
    for name in names {
      let latest = try database.first(
        """
        SELECT event, recorded_at, at, value, unit FROM observation
        WHERE signal = ? ORDER BY at DESC, event DESC LIMIT 1
        """, name
      ) { row throws(ViewError) in try Observation(&row) }
      if let latest { list.append((name, latest)) }
    }
    return list
  }

  func observe(_ observed: SignalObserved, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT INTO observation VALUES (?, ?, ?, ?, ?, ?, ?)", observed.name, event.id, event.time,
      observed.at, max(observed.at, event.time), observed.value, observed.unit)
  }
}

extension Observation {
  init(_ row: inout Row) throws(ViewError) {
    self.init(
      event: try row.next(), recordedAt: try row.next(), at: try row.next(),
      value: try row.next(), unit: try row.next())
  }
}
