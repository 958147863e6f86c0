package import Events

/// The files in `quarantine/` that an event names; recovery writes one for each of the others.
package struct QuarantineFiles {
  let database: Database

  static let definition = ViewDefinition(
    name: "quarantine_files", version: 1,
    schema: """
      CREATE TABLE quarantine_file (
        name TEXT PRIMARY KEY, event INTEGER NOT NULL, detail TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "quarantine_file", keyColumns: 1)])

  /// The event that names this file, or `nil` where none does.
  package func find(_ name: String) throws(ViewError) -> EventID? {
    try database.value("SELECT event FROM quarantine_file WHERE name = ?", name)
  }

  /// All of them, by the bytes of their names.
  package func list() throws(ViewError) -> [QuarantineRow] {
    try database.rows("SELECT event, detail FROM quarantine_file ORDER BY name") {
      row throws(ViewError) in
      QuarantineRow(event: try row.next(), recovered: try row.record())
    }
  }

  func record(_ recovered: LedgerRecovered, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR IGNORE INTO quarantine_file VALUES (?, ?, ?)", recovered.file, event.id,
      RecordText(recovered))
  }
}

/// A file of bytes that recovery set aside.
package struct QuarantineRow: Equatable, Sendable {
  package var event: EventID
  package var recovered: LedgerRecovered
}
