package import Events

/// How many events of each type there are.
package struct TypeCounts {
  let database: Database

  static let definition = ViewDefinition(
    name: "type_counts", version: 1,
    schema: """
      CREATE TABLE type_count (type TEXT PRIMARY KEY, events INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "type_count", keyColumns: 1)])

  /// How many events of each type there were at the last commit, by the bytes of the types; a type
  /// of which there are none is left out.
  package func list() throws(ViewError) -> [TypeCount] {
    try database.rows("SELECT * FROM type_count ORDER BY type") { row throws(ViewError) in
      TypeCount(type: try row.next(), events: try row.next())
    }
  }

  func add(_ events: Int, of type: EventType) throws(ViewError) {
    try database.run(
      """
      INSERT INTO type_count VALUES (?, ?)
      ON CONFLICT DO UPDATE SET events = events + excluded.events
      """, type, events)
  }
}

/// How many events of one type there are.
package struct TypeCount: Hashable, Sendable {
  package var type: EventType
  package var events: Int
}
