package import Bytes
package import Dispatching
package import Events

/// Users as they were last defined, and who is in which group.
///
/// Names and addresses stay sealed here, and leave this view when their user is erased.
package struct Users {
  let database: Database

  static let definition = ViewDefinition(
    name: "users", version: 2,
    schema: """
      CREATE TABLE user (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, erased INTEGER, definition TEXT
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX user_erased ON user (erased) WHERE erased IS NOT NULL;
      CREATE TABLE membership (
        user_group TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (user_group, user)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE user_count (one INTEGER PRIMARY KEY, users INTEGER NOT NULL) STRICT;
      INSERT INTO user_count VALUES (1, 0);
      """,
    tables: [
      .init(name: "user", keyColumns: 1), .init(name: "membership", keyColumns: 2),
      .init(name: "user_count", keyColumns: 1),
    ])

  /// The user that has this id, or `nil` where nobody ever had it.
  package func find(_ id: EntityID) throws(ViewError) -> UserRow? {
    try database.first("SELECT * FROM user WHERE id = ?", id) { row throws(ViewError) in
      try UserRow(&row)
    }
  }

  /// Users by the bytes of their ids, erased ones too: at most `limit`, from the first after
  /// `after`.
  package func list(after: EntityID? = nil, limit: Int = .max) throws(ViewError) -> [UserRow] {
    try database.rows(
      "SELECT * FROM user WHERE id > ? ORDER BY id LIMIT ?", after?.text ?? "", limit
    ) { row throws(ViewError) in try UserRow(&row) }
  }

  /// How many users there are, without the erased ones; O(1).
  package func count() throws(ViewError) -> Int {
    try database.value("SELECT users FROM user_count") ?? 0
  }

  /// The last event that erased a user, or `nil` where none did; O(log n).
  package func lastErasure() throws(ViewError) -> EventID? {
    try database.first(
      "SELECT erased FROM user WHERE erased IS NOT NULL ORDER BY erased DESC LIMIT 1"
    ) { row throws(ViewError) in try row.next() }
  }

  /// Users that were erased by an event after `event`, in the order in which they were.
  ///
  /// - Parameters:
  ///   - event: `nil`: by any.
  ///   - limit: How many at most.
  package func erased(
    after event: EventID?, limit: Int
  ) throws(ViewError) -> [(id: EntityID, by: EventID)] {
    // Event 0 makes the ledger, so that no user is erased by it.
    try database.rows(
      "SELECT id, erased FROM user WHERE erased IS NOT NULL AND erased > ? ORDER BY erased LIMIT ?",
      event ?? 0, limit
    ) { row throws(ViewError) in (id: try row.next(), by: try row.next()) }
  }

  /// Ids by their bytes, and whether their users are erased.
  ///
  /// No definition is read.
  ///
  /// - Parameters:
  ///   - after: Only ids behind this one.
  ///   - limit: How many at most.
  package func ids(
    after: EntityID?, limit: Int
  ) throws(ViewError) -> [(id: EntityID, isErased: Bool)] {
    try database.rows(
      "SELECT id, erased FROM user WHERE id > ? ORDER BY id LIMIT ?", after?.text ?? "", limit
    ) { row throws(ViewError) in
      (id: try row.next(), isErased: try row.next(EventID?.self) != nil)
    }
  }

  /// The users in a group, by the bytes of their ids.
  package func members(of group: EntityID) throws(ViewError) -> [EntityID] {
    try database.rows(
      "SELECT user FROM membership WHERE user_group = ? ORDER BY user", group
    ) { row throws(ViewError) in try row.next() }
  }

  /// The users who concern a resolution, by the bytes of their ids: those in one of `groups`, and
  /// those enrolled in `program` at `time`.
  ///
  /// The cost follows the number of users found, not of all users.
  ///
  /// - Parameters:
  ///   - after: Only users behind this one, so that many can be taken in parts.
  ///   - limit: How many at most.
  package func considered(
    groups: some Sequence<EntityID>, program: EntityID, at time: Instant, after: EntityID? = nil,
    limit: Int = .max
  ) throws(ViewError) -> [ConsideredUser] {
    let list = JSON.array(groups.map { .string($0.text) })
    let users = try database.rows(
      """
      SELECT * FROM user WHERE id IN (
        SELECT user FROM json_each(?1) JOIN membership ON user_group = value
        UNION SELECT user FROM enrollment WHERE program = ?2 AND until > ?3 AND at <= ?3
      ) AND id > ?4 AND definition IS NOT NULL ORDER BY id LIMIT ?5
      """, String(decoding: list.canonicalBytes, as: UTF8.self), program, time, after?.text ?? "",
      limit
    ) { row throws(ViewError) in try UserRow(&row) }
    let enrollments = Enrollments(database: database)
    let optOuts = OptOuts(database: database)
    var considered: [ConsideredUser] = []
    considered.reserveCapacity(users.count)
    for user in users {
      guard let definition = user.definition else { continue }
      considered.append(
        ConsideredUser(
          version: user.version, definition: definition,
          enrollments: try enrollments.intervals(of: user.id, in: program),
          optOuts: try optOuts.of(user.id).map(\.scope)))
    }
    return considered
  }

  func define(_ user: UserDefined, by event: EventID) throws(ViewError) {
    let before = try find(user.id)
    // An erased id is refused for ever; should a line define it all the same, it stays erased.
    if before?.erased != nil { return }
    try database.run(
      "INSERT OR REPLACE INTO user VALUES (?, ?, NULL, ?)", user.id, event, RecordText(user))
    if before == nil { try database.run("UPDATE user_count SET users = users + 1") }
    let groups = before?.definition?.userGroupIDs ?? []
    for group in groups where !user.userGroupIDs.contains(group) { try leave(group, user.id) }
    for group in user.userGroupIDs where !groups.contains(group) {
      try database.run("INSERT OR IGNORE INTO membership VALUES (?, ?)", group, user.id)
    }
  }

  func erase(_ user: EntityID, by event: EventID) throws(ViewError) {
    guard let before = try find(user), before.erased == nil else { return }
    for group in before.definition?.userGroupIDs ?? [] { try leave(group, user) }
    try database.run("UPDATE user SET erased = ?, definition = NULL WHERE id = ?", event, user)
    try database.run("UPDATE user_count SET users = users - 1")
  }

  private func leave(_ group: EntityID, _ user: EntityID) throws(ViewError) {
    try database.run("DELETE FROM membership WHERE user_group = ? AND user = ?", group, user)
  }
}

/// A user as it stands.
package struct UserRow: Equatable, Sendable {
  package var id: EntityID
  /// The event that defined it so.
  package var version: EventID
  /// The event that erased it, where one did.
  package var erased: EventID?
  /// What it was defined as; absent once it is erased.
  package var definition: UserDefined?

  init(_ row: inout Row) throws(ViewError) {
    id = try row.next()
    version = try row.next()
    erased = try row.next()
    definition = try row.next(RecordText<UserDefined>?.self)?.value
  }
}
