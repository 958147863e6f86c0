import Bytes
package import Dispatching
package import Events

/// Who belonged to which program, when.
///
/// A change says from when on it holds, and may come late or out of order. At any time that change
/// holds whose `at` is the latest not after it; of two with the same `at`, the one recorded later.
/// So intervals are made from all changes of a user and program, each time that one is added.
package struct Enrollments {
  let database: Database

  // A change that begins an interval has the interval's end in `until`, and the end of time where
  // nothing has ended it; other changes have null.
  static let definition = ViewDefinition(
    name: "enrollments", version: 1,
    schema: """
      CREATE TABLE enrollment (
        user TEXT NOT NULL, program TEXT NOT NULL, at INTEGER NOT NULL, event INTEGER NOT NULL,
        enrolls INTEGER NOT NULL, until INTEGER,
        PRIMARY KEY (user, program, at, event)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX enrollment_running ON enrollment (program, until) WHERE until IS NOT NULL;
      """,
    tables: [.init(name: "enrollment", keyColumns: 4)])

  /// The intervals in which `user` belonged to `program`, in order of time.
  package func intervals(
    of user: EntityID, in program: EntityID
  ) throws(ViewError) -> [EnrollmentInterval] {
    EnrollmentInterval.all(of: try changes(of: user, in: program))
  }

  /// Every program that `user` ever belonged to, with the intervals in order of time; by the bytes
  /// of the programs' ids.
  package func programs(of user: EntityID) throws(ViewError) -> [Enrollment] {
    let programs: [EntityID] = try database.rows(
      "SELECT DISTINCT program FROM enrollment WHERE user = ? ORDER BY program", user
    ) { row throws(ViewError) in try row.next() }
    var enrollments: [Enrollment] = []
    for program in programs {
      enrollments.append(
        Enrollment(programID: program, intervals: try intervals(of: user, in: program)))
    }
    return enrollments
  }

  func add(
    _ change: EnrollmentChange, of user: EntityID, in program: EntityID
  ) throws(ViewError) {
    try database.run(
      """
      INSERT OR REPLACE INTO enrollment SELECT ?1, ?2, ?3, ?4, ?5, NULL
      WHERE NOT EXISTS (SELECT 1 FROM user WHERE id = ?1 AND erased IS NOT NULL)
      """, user, program, change.at, change.event, change.enrolls)
    for interval in try intervals(of: user, in: program) {
      try database.run(
        """
        UPDATE enrollment SET until = ? WHERE user = ? AND program = ? AND at = ? AND event = ?
        """, interval.until?.microseconds ?? .max, user, program, interval.from,
        interval.enrolled)
    }
    try clearOthers(of: user, in: program)
  }

  /// An interval that an earlier one has swallowed begins nothing any more.
  private func clearOthers(of user: EntityID, in program: EntityID) throws(ViewError) {
    let changes = try changes(of: user, in: program)
    let beginnings = EnrollmentInterval.all(of: changes).map(\.enrolled)
    for change in changes where !beginnings.contains(change.event) {
      try database.run(
        """
        UPDATE enrollment SET until = NULL
        WHERE user = ? AND program = ? AND at = ? AND event = ? AND until IS NOT NULL
        """, user, program, change.at, change.event)
    }
  }

  /// Nobody belongs to anything once erased, whatever a line says of it later.
  func erase(_ user: EntityID) throws(ViewError) {
    try database.run("DELETE FROM enrollment WHERE user = ?", user)
  }

  private func changes(
    of user: EntityID, in program: EntityID
  ) throws(ViewError) -> [EnrollmentChange] {
    try database.rows(
      """
      SELECT at, event, enrolls FROM enrollment WHERE user = ? AND program = ? ORDER BY at, event
      """, user, program
    ) { row throws(ViewError) in
      EnrollmentChange(at: try row.next(), event: try row.next(), enrolls: try row.next())
    }
  }
}
