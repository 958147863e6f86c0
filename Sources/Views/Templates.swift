import Dispatching
package import Events

/// Templates, each as it was last published.
package struct Templates {
  let database: Database

  static let definition = ViewDefinition(
    name: "templates", version: 1,
    schema: """
      CREATE TABLE template (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, withdrawn INTEGER, definition TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "template", keyColumns: 1)])

  /// The templates; what is withdrawn is `retired`.
  package var published: Definitions<TemplatePublished> {
    Definitions(
      database: database,
      defining: "INSERT OR REPLACE INTO template VALUES (?, ?, NULL, ?)",
      retiring: "UPDATE template SET withdrawn = ? WHERE id = ?",
      finding: "SELECT version, withdrawn, definition FROM template WHERE id = ?",
      listing: "SELECT version, withdrawn, definition FROM template ORDER BY id")
  }
}
