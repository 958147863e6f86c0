package import Bytes
package import Events

extension ViewStore {
  /// `DLvw`: what SQLite's header says in a database that holds views.
  static let applicationID: Int64 = 0x444C_7677
  /// The shape of the tables that say what the others are.
  static let layout = 1

  /// What the views are, held against a log of `next` events whose tree has this root.
  package func condition(next: EventID, root: Digest) -> ViewCondition {
    do throws(ViewError) {
      if let mismatch = try mismatch() { return mismatch }
      let cursor = try cursor()
      if cursor.next < next { return .behind(cursor) }
      if cursor.next > next { return .ahead(cursor) }
      return cursor.root == root ? .current : .otherRoot(cursor)
    } catch {
      return .unreadable(error)
    }
  }

  /// Makes the empty views, in place of whatever views stood there, in one transaction.
  ///
  /// Other processes that read the database see the old views until it is done.
  ///
  /// - Throws: An error with the remedy `.rebuild` where the file is damaged or isn't ours: close
  ///   it, delete ``files(of:)``, open it and create again.
  package func create() throws(ViewError) { try make { () throws(ViewError) in } }

  /// Makes the empty views, and lets `fill` put rows into them, in one transaction.
  func make(_ fill: () throws(ViewError) -> Void) throws(ViewError) {
    invariant(!database.isInTransaction, "views are made within a transaction")
    switch try applicationID() {
    case Self.applicationID: break
    case 0 where try isEmpty(): try database.execute("PRAGMA journal_mode=WAL")
    case let id: throw .foreign(applicationID: id)
    }
    try database.begin()
    do {
      try dropAll()
      try createAll()
      try fill()
      try database.commit()
    } catch {
      rollback()
      throw error
    }
  }

  /// The files that a database at `path` may consist of; deleting all of them deletes the views.
  package static func files(of path: String) -> [String] {
    ["", "-wal", "-shm", "-journal"].map { path + $0 }
  }

  /// What keeps this program from reading the rows, or `nil`.
  private func mismatch() throws(ViewError) -> ViewCondition? {
    let id = try applicationID()
    if id != Self.applicationID {
      if id == 0, try isEmpty() { return .absent }
      throw .foreign(applicationID: id)
    }
    let layout: Int? = try database.value("PRAGMA user_version")
    guard layout == Self.layout else {
      return .otherVersion(view: "layout", found: layout, wanted: Self.layout)
    }
    var found: [(name: String, version: Int)] = try database.rows(
      "SELECT name, version FROM projection ORDER BY name"
    ) { row throws(ViewError) in (name: try row.next(), version: try row.next()) }
    for view in ViewDefinition.all {
      let index = found.firstIndex { sameBytes($0.name, view.name) }
      let version = index.map { found.remove(at: $0).version }
      if version != view.version {
        return .otherVersion(view: view.name, found: version, wanted: view.version)
      }
    }
    return found.first.map { .otherVersion(view: $0.name, found: $0.version, wanted: nil) }
  }

  private func applicationID() throws(ViewError) -> Int64 {
    try database.value("PRAGMA application_id") ?? 0
  }

  private func isEmpty() throws(ViewError) -> Bool {
    try database.value("SELECT count(*) FROM sqlite_schema", as: Int.self) == 0
  }

  private func dropAll() throws(ViewError) {
    let tables: [String] = try database.rows(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ) { row throws(ViewError) in try row.next() }
    for table in tables {
      let quoted = table.split(separator: "\"", omittingEmptySubsequences: false)
      try database.execute("DROP TABLE \"\(quoted.joined(separator: "\"\""))\"")
    }
  }

  private func createAll() throws(ViewError) {
    try database.execute("PRAGMA application_id=\(Self.applicationID)")
    try database.execute("PRAGMA user_version=\(Self.layout)")
    try database.execute(
      """
      CREATE TABLE projection (name TEXT PRIMARY KEY, version INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
      CREATE TABLE cursor (
        one INTEGER PRIMARY KEY, next INTEGER NOT NULL, root TEXT NOT NULL,
        segment INTEGER NOT NULL, offset INTEGER NOT NULL
      ) STRICT;
      """)
    for view in ViewDefinition.all {
      try database.execute(view.schema)
      try database.run("INSERT INTO projection VALUES (?, ?)", view.name, view.version)
    }
    try database.run(
      "INSERT INTO cursor VALUES (1, 0, ?, 0, 0)", SHA256.hash([] as [UInt8]).hex)
  }
}
