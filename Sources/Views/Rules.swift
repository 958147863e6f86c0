import Bytes
package import Dispatching
package import Events

/// Rules as they stand, and what became of the times at which they were to fire.
package struct Rules {
  let database: Database

  static let definition = ViewDefinition(
    name: "rules", version: 1,
    schema: """
      CREATE TABLE rule (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, published_at INTEGER NOT NULL,
        withdrawn INTEGER, definition TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE rule_version (event INTEGER PRIMARY KEY, rule TEXT NOT NULL) STRICT;
      CREATE TABLE firing (
        rule TEXT NOT NULL, event INTEGER NOT NULL, version INTEGER NOT NULL,
        nominal INTEGER NOT NULL, dispatch TEXT NOT NULL, did_fire INTEGER NOT NULL,
        PRIMARY KEY (rule, event)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [
      .init(name: "rule", keyColumns: 1), .init(name: "rule_version", keyColumns: 1),
      .init(name: "firing", keyColumns: 2),
    ])

  /// The rule that has this id, or `nil` where none was ever published.
  package func find(_ id: EntityID) throws(ViewError) -> StandingRule? {
    try database.first(
      "SELECT version, published_at, withdrawn, definition FROM rule WHERE id = ?", id
    ) { row throws(ViewError) in try StandingRule(&row) }
  }

  /// All of them, the withdrawn ones too, by the bytes of their ids.
  package func list() throws(ViewError) -> [StandingRule] {
    try database.rows(
      "SELECT version, published_at, withdrawn, definition FROM rule ORDER BY id"
    ) { row throws(ViewError) in try StandingRule(&row) }
  }

  /// What became of the times at which a rule was to fire, in the order of the log.
  package func firings(of rule: EntityID) throws(ViewError) -> [Firing] {
    try database.rows(
      """
      SELECT event, version, nominal, dispatch, did_fire FROM firing WHERE rule = ? ORDER BY event
      """, rule
    ) { row throws(ViewError) in
      Firing(
        event: try row.next(), version: try row.next(), nominal: try row.next(),
        dispatchID: try row.next(), didFire: try row.next())
    }
  }

  func publish(_ rule: RulePublished, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR REPLACE INTO rule VALUES (?, ?, ?, NULL, ?)", rule.id, event.id, event.time,
      RecordText(rule))
    try database.run("INSERT INTO rule_version VALUES (?, ?)", event.id, rule.id)
  }

  func withdraw(_ id: EntityID, by event: Fact) throws(ViewError) {
    try database.run("UPDATE rule SET withdrawn = ? WHERE id = ?", event.id, id)
  }

  /// Takes in that a version fired, or was missed; one that was never published means nothing.
  func fire(
    _ dispatch: EntityID, _ version: EventID?, for nominal: Instant, by event: Fact, didFire: Bool
  ) throws(ViewError) {
    guard let version else { return }
    try database.run(
      """
      INSERT INTO firing SELECT rule, ?1, ?2, ?3, ?4, ?5 FROM rule_version WHERE event = ?2
      """, event.id, version, nominal, dispatch, didFire)
  }
}

extension StandingRule {
  init(_ row: inout Row) throws(ViewError) {
    self.init(
      version: try row.next(), publishedAt: try row.next(), withdrawn: try row.next(),
      rule: try row.record())
  }
}
