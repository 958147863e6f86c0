package import Dispatching
package import Events

/// What users refuse.
package struct OptOuts {
  let database: Database

  // An empty program or channel stands for all of them.
  static let definition = ViewDefinition(
    name: "opt_outs", version: 1,
    schema: """
      CREATE TABLE opt_out (
        user TEXT NOT NULL, program TEXT NOT NULL, channel TEXT NOT NULL, event INTEGER NOT NULL,
        PRIMARY KEY (user, program, channel)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "opt_out", keyColumns: 3)])

  /// What `user` refuses: by program, then channel, each by bytes, those of all programs or all
  /// channels first.
  package func of(_ user: EntityID) throws(ViewError) -> [OptOut] {
    try database.rows(
      "SELECT program, channel, event FROM opt_out WHERE user = ? ORDER BY program, channel", user
    ) { row throws(ViewError) in try OptOut(&row) }
  }

  func add(_ optOut: UserOptedOut, by event: EventID) throws(ViewError) {
    try database.run(
      """
      INSERT OR REPLACE INTO opt_out SELECT ?1, ?2, ?3, ?4
      WHERE NOT EXISTS (SELECT 1 FROM user WHERE id = ?1 AND erased IS NOT NULL)
      """, optOut.userID, optOut.programID?.text ?? "", optOut.channel?.text ?? "", event)
  }

  /// Takes back the opt-out of the same channel and program, or of their absence, and no other.
  func remove(_ optIn: UserOptedIn) throws(ViewError) {
    try database.run(
      "DELETE FROM opt_out WHERE user = ? AND program = ? AND channel = ?", optIn.userID,
      optIn.programID?.text ?? "", optIn.channel?.text ?? "")
  }

  func erase(_ user: EntityID) throws(ViewError) {
    try database.run("DELETE FROM opt_out WHERE user = ?", user)
  }
}

/// A user's refusal that holds.
package struct OptOut: Hashable, Sendable {
  /// Only of this program's notices; absent: of all.
  package var programID: EntityID?
  /// Only on this channel; absent: on all.
  package var channel: ChannelCode?
  /// The `user.opted-out`.
  package var event: EventID

  init(_ row: inout Row) throws(ViewError) {
    programID = try row.next { (text: String) in OptOut.named(text, EntityID.init) }
    channel = try row.next { (text: String) in OptOut.named(text, ChannelCode.init) }
    event = try row.next()
  }

  /// What it refuses, as decisions see it.
  package var scope: OptOutScope { OptOutScope(programID: programID, channel: channel) }

  /// Nothing for the empty text, the value that any other spells, and no answer where it spells
  /// none.
  private static func named<Value>(_ text: String, _ make: (String) -> Value?) -> Value?? {
    if text.isEmpty { return .some(nil) }
    return make(text).map { .some($0) }
  }
}
