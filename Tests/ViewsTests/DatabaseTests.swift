import Bytes
import Events
import Foundation
import Testing
import Dispatching
import Views

@Suite("The database beneath the views")
struct DatabaseTests {
  func table() throws -> Database {
    let database = try Database(.memory)
    try database.execute("CREATE TABLE thing (value ANY) STRICT")
    return database
  }

  func roundTrip<Value: ColumnValue & Equatable>(_ values: Value...) throws {
    for value in values {
      let database = try table()
      try database.run("INSERT INTO thing VALUES (?)", value)
      #expect(try database.value("SELECT value FROM thing", as: Value.self) == value)
    }
  }

  @Test("A value comes back as it was bound")
  func values() throws {
    try roundTrip(Int64.min, -1, 0, 1, Int64.max)
    try roundTrip(0, UInt64(Int64.max))
    try roundTrip(true, false)
    try roundTrip(
      "", "a", "text with \u{0} within", "e\u{301}", String(repeating: "ü", count: 9_000))
    try roundTrip([UInt8](), [0], [UInt8](repeating: 7, count: 70_000))
    try roundTrip(String?.none, "text")
    try roundTrip(Instant.day, .minute(-5))
    try roundTrip(EntityID("u-1"), nil)
    try roundTrip(SuppressionReason.optedOut)
    try roundTrip(EvidenceStrength.answered)
  }

  @Test("Texts that look alike but differ in bytes are two texts")
  func bytesNotCharacters() throws {
    let database = try table()
    try database.run("INSERT INTO thing VALUES (?)", "e\u{301}")
    let found: Int? = try database.value("SELECT count(*) FROM thing WHERE value = ?", "\u{e9}")
    #expect(found == 0)
  }

  @Test("A column that holds something else is an error")
  func mismatch() throws {
    let database = try table()
    for value in ["1", "", "a b"] {
      try database.run("DELETE FROM thing")
      try database.run("INSERT INTO thing VALUES (?)", value)
      #expect(throws: ViewError.malformed(statement: "SELECT value FROM thing", column: 0)) {
        try database.value("SELECT value FROM thing", as: Int.self)
      }
      #expect(throws: ViewError.malformed(statement: "SELECT 1, value FROM thing", column: 1)) {
        try database.first("SELECT 1, value FROM thing") { row throws(ViewError) in
          (try row.next(Bool.self), try row.next(ChannelCode.self))
        }
      }
    }
    for value in [9, -1, Int64.max] {
      try database.run("UPDATE thing SET value = ?", value)
      #expect(throws: ViewError.self) {
        try database.value("SELECT value FROM thing", as: Bool.self)
      }
      #expect(throws: ViewError.self) {
        try database.value("SELECT value FROM thing", as: EvidenceStrength.self)
      }
    }
    #expect(throws: ViewError.self) {
      try database.value("SELECT value FROM thing", as: Instant.self)
    }
    try database.execute("UPDATE thing SET value = CAST(x'FFFE' AS TEXT)")
    #expect(throws: ViewError.self) {
      try database.value("SELECT value FROM thing", as: String.self)
    }
  }

  @Test("A position that no log has is refused, not cut")
  func tooBig() throws {
    let database = try table()
    #expect(throws: ViewError.self) {
      try database.run("INSERT INTO thing VALUES (?)", UInt64(Int64.max) + 1)
    }
    #expect(try database.value("SELECT count(*) FROM thing", as: Int.self) == 0)
  }

  @Test("An error names SQLite's code and the statement, and what can be done")
  func errors() throws {
    let database = try table()
    let failure = #expect(throws: ViewError.self) {
      try database.run("INSERT INTO nowhere VALUES (1)")
    }
    guard case .refused(let code, let message, let statement)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(code == 1)
    #expect(message == "no such table: nowhere")
    #expect(statement == "INSERT INTO nowhere VALUES (1)")
    #expect(failure?.remedy == .rebuild)
    // The connection is as good as it was.
    try database.run("INSERT INTO thing VALUES (?)", 1)
  }

  @Test("A statement that failed runs again")
  func runsAgain() throws {
    let database = try Database(.memory)
    try database.execute("CREATE TABLE thing (value INTEGER PRIMARY KEY) STRICT")
    func insert(_ value: Int) throws { try database.run("INSERT INTO thing VALUES (?)", value) }
    try insert(1)
    #expect(throws: ViewError.self) { try insert(1) }
    try insert(2)
    #expect(
      try database.rows("SELECT value FROM thing ORDER BY value") { row throws(ViewError) in
        try row.next(Int.self)
      } == [1, 2])
  }

  @Test("A database that can't be opened says so, and that the system is to be mended")
  func cannotOpen() {
    let failure = #expect(throws: ViewError.self) {
      let database = try Database(.file("/nowhere/at/all/views.db"))
      try database.execute("CREATE TABLE thing (value)")
    }
    #expect(failure?.remedy == .mendSystem)
  }

  @Test("Another process that writes for too long is waited for and then named")
  func busy() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let first = try Database(.file(path))
      try first.execute("CREATE TABLE thing (value)")
      try first.execute("BEGIN IMMEDIATE")
      let second = try Database(.file(path), patienceMilliseconds: 10)
      let failure = #expect(throws: ViewError.self) { try second.execute("BEGIN IMMEDIATE") }
      #expect(failure?.remedy == .wait)
    }
  }

  @Test("What a file brings along is never run: no trigger fires, no view is read")
  func nothingIsRun() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let database = try Database(.file(path))
      try database.execute(
        """
        CREATE TABLE thing (value); CREATE VIEW look AS SELECT 1;
        CREATE TRIGGER tell AFTER INSERT ON thing BEGIN DELETE FROM thing; END;
        """)
      try database.run("INSERT INTO thing VALUES (?)", 1)
      #expect(try database.value("SELECT count(*) FROM thing", as: Int.self) == 1)
      #expect(throws: ViewError.self) { try database.value("SELECT * FROM look", as: Int.self) }
    }
  }
}
