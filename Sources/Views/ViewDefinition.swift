/// What a view keeps in the database, and which of its shapes this program writes.
///
/// Whoever changes a view's schema or what its rows mean raises its version: a database of another
/// version is built again from the log.
struct ViewDefinition {
  let name: String
  let version: Int
  /// Statements that make the tables and their indexes.
  let schema: String
  let tables: [Table]

  /// A table whose first `keyColumns` columns are its primary key.
  struct Table {
    let name: String
    let keyColumns: Int
  }

  /// Every view, in the order in which they are made and compared.
  static let all = [
    Catalogue.definition, Users.definition, Enrollments.definition, OptOuts.definition,
    Dispatches.definition, Resolutions.definition, Notices.definition, Attempts.definition,
    Acknowledgements.definition, Templates.definition, Rules.definition, Schedules.definition,
    Signals.definition, IdempotencyKeys.definition, QuarantineFiles.definition,
    Streams.definition, TypeCounts.definition, Retention.definition,
  ]
}
