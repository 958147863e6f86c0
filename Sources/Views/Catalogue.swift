package import Dispatching
package import Events

/// Programs, market event types and user groups, each as it was last defined.
package struct Catalogue {
  let database: Database

  static let definition = ViewDefinition(
    name: "catalogue", version: 1,
    schema: """
      CREATE TABLE program (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, retired INTEGER, definition TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE market_event_type (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, retired INTEGER, definition TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE user_group (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, retired INTEGER, definition TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [
      .init(name: "program", keyColumns: 1), .init(name: "market_event_type", keyColumns: 1),
      .init(name: "user_group", keyColumns: 1),
    ])

  /// The programs.
  package var programs: Definitions<ProgramDefined> {
    Definitions(
      database: database,
      defining: "INSERT OR REPLACE INTO program VALUES (?, ?, NULL, ?)",
      retiring: "UPDATE program SET retired = ? WHERE id = ?",
      finding: "SELECT version, retired, definition FROM program WHERE id = ?",
      listing: "SELECT version, retired, definition FROM program ORDER BY id")
  }

  /// The market event types.
  package var marketEventTypes: Definitions<MarketEventTypeDefined> {
    Definitions(
      database: database,
      defining: "INSERT OR REPLACE INTO market_event_type VALUES (?, ?, NULL, ?)",
      retiring: "UPDATE market_event_type SET retired = ? WHERE id = ?",
      finding: "SELECT version, retired, definition FROM market_event_type WHERE id = ?",
      listing: "SELECT version, retired, definition FROM market_event_type ORDER BY id")
  }

  /// The user groups.
  package var userGroups: Definitions<UserGroupDefined> {
    Definitions(
      database: database,
      defining: "INSERT OR REPLACE INTO user_group VALUES (?, ?, NULL, ?)",
      retiring: "UPDATE user_group SET retired = ? WHERE id = ?",
      finding: "SELECT version, retired, definition FROM user_group WHERE id = ?",
      listing: "SELECT version, retired, definition FROM user_group ORDER BY id")
  }
}

extension Defined {
  init(_ row: inout Row) throws(ViewError) {
    self.init(
      version: try row.next(), retired: try row.next(), definition: try row.record())
  }
}

/// The things of one kind in the catalogue.
package struct Definitions<Definition: Record> {
  let database: Database
  let defining: StaticString
  let retiring: StaticString
  let finding: StaticString
  let listing: StaticString

  /// Takes the definition in place of any before it; what was retired is in use again.
  func define(_ id: EntityID, as definition: Definition, by event: EventID) throws(ViewError) {
    try database.run(defining, id, event, RecordText(definition))
  }

  func retire(_ id: EntityID, by event: EventID) throws(ViewError) {
    try database.run(retiring, event, id)
  }

  /// The thing that has this id, or `nil` where nothing ever had it.
  package func find(_ id: EntityID) throws(ViewError) -> Defined<Definition>? {
    try database.first(finding, id) { row throws(ViewError) in try Defined(&row) }
  }

  /// All of them, the retired ones too, by the bytes of their ids.
  package func list() throws(ViewError) -> [Defined<Definition>] {
    try database.rows(listing) { row throws(ViewError) in try Defined(&row) }
  }
}
