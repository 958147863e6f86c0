import Bytes
import CSQLite

/// A SQLite database, and the statements that were prepared on it.
///
/// A statement is prepared when it is first run and kept for the next time; it is known by the
/// place of its literal in the program, so that finding it again costs no comparison of texts. A
/// database belongs to whoever opened it: it isn't shared between threads.
@safe package final class Database {
  /// Where a database lies.
  package enum Place: Hashable, Sendable {
    /// In a file, which is made where there is none.
    case file(String)
    /// In memory only.
    case memory
    /// In memory, and beyond a few megabytes in a file that no other process can open and that is
    /// gone with this one.
    case temporary
  }

  /// How long a file's database is waited for while another process writes, where nothing else is
  /// set.
  package static let patienceMilliseconds: Int32 = 5_000

  /// Pages that the write-ahead log may hold while somebody goes on writing it.
  private static let longLog: Int32 = 1_000
  /// Where somebody else copies them back, so that no commit waits for the disk; beyond so many pages
  /// that isn't waited for.
  private static let overlongLog: Int32 = 16_000
  /// Pages that it may hold when its writer leaves: whoever comes next reads all of them first, at
  /// about 3 us a page, while copying them back costs two syncs.
  private static let leftLog: Int32 = 256

  /// What holds for the whole process; where another part of it has used SQLite before, nothing changes.
  private static let isConfigured = ledger_sqlite_leave_memory_uncounted() == SQLITE_OK

  private let connection: OpaquePointer
  /// Pages in the write-ahead log after the last commit of this connection; SQLite writes it.
  private let loggedPages: UnsafeMutablePointer<Int32>
  private var isSyncingNormally = false
  private var mostLoggedPages = longLog
  private var statements: [UInt: OpaquePointer]

  /// Opens the database; of a file's content nothing is read yet.
  ///
  /// Writing is with `synchronous=NORMAL`, which with a write-ahead log means: a crash of the
  /// machine may lose the last transactions, never the ones before them. At close the write-ahead
  /// log is copied back only when it is long, so that most one-shot commands pay neither for that
  /// nor for reading it.
  ///
  /// - Throws: `.refused` where SQLite can't open it.
  package init(
    _ place: Place, patienceMilliseconds: Int32 = patienceMilliseconds
  ) throws(ViewError) {
    let name: String
    switch place {
    case .file(let path): name = path
    case .memory: name = ":memory:"
    case .temporary: name = ""
    }
    _ = Self.isConfigured
    var opened: OpaquePointer?
    // No mutex: one thread at a time. No URI: a path is only ever a path.
    let flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let code = unsafe sqlite3_open_v2(name, &opened, flags, nil)
    guard let connection = unsafe opened else {
      throw .refused(code: code, message: "no memory is left", statement: name)
    }
    guard code == SQLITE_OK else {
      let message = unsafe String(cString: sqlite3_errmsg(connection))
      _ = unsafe sqlite3_close_v2(connection)
      throw .refused(code: code, message: message, statement: name)
    }
    unsafe self.connection = unsafe connection
    unsafe statements = [:]
    unsafe loggedPages = .allocate(capacity: 1)
    unsafe loggedPages.initialize(to: 0)
    try configure(patienceMilliseconds: patienceMilliseconds)
  }

  deinit { release() }

  private func configure(patienceMilliseconds: Int32) throws(ViewError) {
    // Whoever can write the file must not be able to make this program run what it holds.
    try set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    try set(SQLITE_DBCONFIG_DEFENSIVE, 1)
    try set(SQLITE_DBCONFIG_ENABLE_FKEY, 0)
    try set(SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
    try set(SQLITE_DBCONFIG_ENABLE_VIEW, 0)
    try set(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    _ = unsafe sqlite3_busy_timeout(connection, patienceMilliseconds)
    unsafe ledger_sqlite_count_pages(connection, loggedPages)
  }

  private func set(_ option: Int32, _ value: Int32) throws(ViewError) {
    let code = unsafe ledger_sqlite_configure(connection, option, value)
    try check(code, "sqlite3_db_config \(option)")
  }

  /// From now on another connection copies the write-ahead log back in time, by ``copyBack()``, and
  /// another writer is waited for no longer than this.
  package func leaveCopyingBack(patienceMilliseconds: Int32) {
    mostLoggedPages = Self.overlongLog
    _ = unsafe sqlite3_busy_timeout(connection, patienceMilliseconds)
  }

  /// Copies the write-ahead log's pages to where they belong, as far as nobody still reads older
  /// ones.
  package func copyBack() { copyBack(SQLITE_CHECKPOINT_PASSIVE) }

  /// Runs statements that take no parameters and whose answers nobody needs.
  package func execute(_ sql: String) throws(ViewError) {
    let code = unsafe sqlite3_exec(connection, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code, sql) }
  }

  /// Begins a transaction that writes; every other process has to wait for its end.
  package func begin() throws(ViewError) {
    if !isSyncingNormally {
      // Setting it reads the file, so it is left to the first one who needs it.
      try execute("PRAGMA synchronous=NORMAL")
      isSyncingNormally = true
    }
    try execute("BEGIN IMMEDIATE")
  }

  /// Ends the transaction and keeps what it wrote.
  package func commit() throws(ViewError) {
    try execute("COMMIT")
    if unsafe loggedPages.pointee >= mostLoggedPages { copyBack(SQLITE_CHECKPOINT_PASSIVE) }
  }

  /// Copies the write-ahead log's pages to where they belong, as far as nobody still reads older
  /// ones.
  ///
  /// What can't be done now is done another time, so that its errors are nobody's.
  private func copyBack(_ mode: Int32) {
    _ = unsafe sqlite3_wal_checkpoint_v2(connection, nil, mode, nil, nil)
  }

  /// Whether a transaction is open.
  package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(connection) == 0 }

  /// Rows that kept statements have walked over without an index's help: a measure for tests.
  package var fullScanSteps: Int {
    unsafe statements.values.reduce(0) { steps, statement in
      unsafe steps + Int(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0))
    }
  }

  /// Runs a statement that answers no rows.
  package func run<each Value: ColumnValue>(
    _ sql: StaticString, _ values: repeat each Value
  ) throws(ViewError) {
    let statement = unsafe try prepared(sql)
    unsafe try bind(repeat each values, to: statement, sql)
    let code = unsafe sqlite3_step(statement)
    // Resetting repeats the error that the step met, if it met one.
    let end = unsafe sqlite3_reset(statement)
    guard code == SQLITE_DONE || code == SQLITE_ROW, end == SQLITE_OK else {
      throw error(end == SQLITE_OK ? code : end, "\(sql)")
    }
  }

  /// Runs before anything is read, so that it finds what is yet to be written.
  var beforeReading: (() throws(ViewError) -> Void)?

  /// The rows that a statement answers, each made into a value by `read`.
  package func rows<each Value: ColumnValue, Result>(
    _ sql: StaticString, _ values: repeat each Value,
    read: (inout Row) throws(ViewError) -> Result
  ) throws(ViewError) -> [Result] {
    try beforeReading?()
    let statement = unsafe try prepared(sql)
    unsafe try bind(repeat each values, to: statement, sql)
    defer { _ = unsafe sqlite3_reset(statement) }
    var results: [Result] = []
    while unsafe try step(statement, sql) {
      var row = unsafe Row(statement: statement, sql: sql)
      results.append(try read(&row))
    }
    return results
  }

  /// The first row that a statement answers, or `nil` where it answers none.
  package func first<each Value: ColumnValue, Result>(
    _ sql: StaticString, _ values: repeat each Value,
    read: (inout Row) throws(ViewError) -> Result
  ) throws(ViewError) -> Result? {
    try beforeReading?()
    return try stored(sql, repeat each values, read: read)
  }

  /// The first row as the tables hold it, whatever is yet to be written: for whoever looks there first,
  /// and for tables whose rows are written at once.
  func stored<each Value: ColumnValue, Result>(
    _ sql: StaticString, _ values: repeat each Value,
    read: (inout Row) throws(ViewError) -> Result
  ) throws(ViewError) -> Result? {
    let statement = unsafe try prepared(sql)
    unsafe try bind(repeat each values, to: statement, sql)
    defer { _ = unsafe sqlite3_reset(statement) }
    guard unsafe try step(statement, sql) else { return nil }
    var row = unsafe Row(statement: statement, sql: sql)
    return try read(&row)
  }

  /// The one value that a statement answers, or `nil` where it answers no row.
  package func value<each Value: ColumnValue, Result: ColumnValue>(
    _ sql: StaticString, _ values: repeat each Value, as type: Result.Type = Result.self
  ) throws(ViewError) -> Result? {
    try first(sql, repeat each values) { row throws(ViewError) in try row.next() }
  }

  /// A cursor over the rows of a statement made of `sql`, which isn't kept.
  package func cursor(_ sql: String) throws(ViewError) -> RowCursor {
    try beforeReading?()
    var statement: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(connection, sql, -1, 0, &statement, nil)
    guard code == SQLITE_OK, let statement = unsafe statement else { throw error(code, sql) }
    return unsafe RowCursor(owner: self, statement: statement, sql: sql)
  }

  /// What puts rows into a table, which isn't kept.
  func writer(of table: String) throws(ViewError) -> RowWriter {
    let columns: Int32
    do {
      var statement: OpaquePointer?
      let sql = "SELECT * FROM \(table)"
      let code = unsafe sqlite3_prepare_v3(connection, sql, -1, 0, &statement, nil)
      guard code == SQLITE_OK, let statement = unsafe statement else { throw error(code, sql) }
      columns = unsafe sqlite3_column_count(statement)
      _ = unsafe sqlite3_finalize(statement)
    }
    let places = (0..<columns).map { _ in "?" }.joined(separator: ", ")
    let sql = "INSERT INTO \(table) VALUES (\(places))"
    var statement: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(connection, sql, -1, 0, &statement, nil)
    guard code == SQLITE_OK, let statement = unsafe statement else { throw error(code, sql) }
    return unsafe RowWriter(owner: self, statement: statement, sql: sql)
  }

  /// The error for `code`, with what SQLite says about it at this moment.
  func error(_ code: Int32, _ sql: String) -> ViewError {
    .refused(
      code: code, message: unsafe String(cString: sqlite3_errmsg(connection)), statement: sql)
  }

  private func check(_ code: Int32, _ sql: String) throws(ViewError) {
    guard code == SQLITE_OK else { throw error(code, sql) }
  }

  private func prepared(_ sql: StaticString) throws(ViewError) -> OpaquePointer {
    let key = unsafe UInt(bitPattern: sql.utf8Start)
    if let statement = unsafe statements[key] {
      invariant(
        unsafe sqlite3_stmt_busy(statement) == 0, "a statement runs within itself: \(sql)")
      return unsafe statement
    }
    var statement: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(
      connection, UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self),
      Int32(sql.utf8CodeUnitCount), UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement = unsafe statement else { throw error(code, "\(sql)") }
    unsafe statements[key] = unsafe statement
    return unsafe statement
  }

  private func bind<each Value: ColumnValue>(
    _ values: repeat each Value, to statement: OpaquePointer, _ sql: StaticString
  ) throws(ViewError) {
    var index: Int32 = 0
    var refusal = SQLITE_OK
    func bindNext(_ value: some ColumnValue) {
      index += 1
      let code = unsafe value.bind(to: statement, at: index)
      if refusal == SQLITE_OK { refusal = code }
    }
    repeat bindNext(each values)
    guard refusal == SQLITE_OK else { throw error(refusal, "\(sql)") }
    invariant(
      unsafe sqlite3_bind_parameter_count(statement) == index,
      "\(index) values for the parameters of \(sql)")
  }

  private func step(_ statement: OpaquePointer, _ sql: StaticString) throws(ViewError) -> Bool {
    switch unsafe sqlite3_step(statement) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw error(code, "\(sql)")
    }
  }

  private func release() {
    while let (_, statement) = unsafe statements.popFirst() {
      _ = unsafe sqlite3_finalize(statement)
    }
    if unsafe loggedPages.pointee >= Self.leftLog {
      // A log that was only copied, not cut, would be read and copied again by whoever comes next.
      _ = unsafe sqlite3_busy_timeout(connection, 0)
      copyBack(SQLITE_CHECKPOINT_TRUNCATE)
    }
    _ = unsafe sqlite3_close_v2(connection)
    unsafe loggedPages.deallocate()
  }
}
