package import Events

/// Which keys were used, for what, and which events it became.
package struct IdempotencyKeys {
  let database: Database

  static let definition = ViewDefinition(
    name: "idempotency_keys", version: 1,
    schema: """
      CREATE TABLE idempotency_key (
        key TEXT PRIMARY KEY, hash TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "idempotency_key", keyColumns: 1)])

  /// What the key was used for, or `nil` where it is new.
  package func find(_ key: String) throws(ViewError) -> IdempotencyRow? {
    try database.first("SELECT * FROM idempotency_key WHERE key = ?", key) {
      row throws(ViewError) in
      try IdempotencyRow(&row)
    }
  }

  /// The first key in the order of their bytes that comes after `lower` and before `upper`.
  package func first(
    after lower: String, before upper: String
  ) throws(ViewError) -> IdempotencyRow? {
    try database.first(
      "SELECT * FROM idempotency_key WHERE key > ? AND key < ? ORDER BY key LIMIT 1", lower, upper
    ) { row throws(ViewError) in
      try IdempotencyRow(&row)
    }
  }

  /// Should a key stand on several commits, it covers all of them.
  func record(
    _ key: String, _ hash: HexDigest, commit: ClosedRange<EventID>, at location: EventLocation
  ) throws(ViewError) {
    try database.run(
      """
      INSERT INTO idempotency_key VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET last = max(last, excluded.last)
      """, key, hash, commit.lowerBound, commit.upperBound, location.segment, location.offset,
      location.length)
  }
}

/// A key that was used.
package struct IdempotencyRow: Hashable, Sendable {
  package var key: String
  /// The HMAC of the command that it was used for first.
  package var hash: HexDigest
  package var first: EventID
  /// The last event of the last commit that the key stands on.
  package var last: EventID
  /// Where the line of `first` stands, which names the key.
  package var location: EventLocation

  /// How many events the log held after it.
  package var size: UInt64 { last + 1 }

  package init(
    key: String, hash: HexDigest, first: EventID, last: EventID, location: EventLocation
  ) {
    self.key = key
    self.hash = hash
    self.first = first
    self.last = last
    self.location = location
  }

  init(_ row: inout Row) throws(ViewError) {
    key = try row.next()
    hash = try row.next()
    first = try row.next()
    last = try row.next()
    location = try EventLocation(&row)
  }
}
