package import Bytes
package import Dispatching
package import Events

/// What users have answered, strangers and late ones too.
package struct Acknowledgements {
  let database: Database

  // `marks` holds the words in their order, with a space between two.
  static let definition = ViewDefinition(
    name: "acknowledgements", version: 1,
    schema: """
      CREATE TABLE acknowledgement (
        dispatch TEXT NOT NULL, modification INTEGER NOT NULL, user TEXT NOT NULL,
        event INTEGER NOT NULL, answered_at INTEGER NOT NULL, opt TEXT, marks TEXT NOT NULL,
        PRIMARY KEY (dispatch, modification, user, event)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "acknowledgement", keyColumns: 4)])

  /// The answers to a dispatch by modification, then user, then position.
  package func list(of dispatch: EntityID) throws(ViewError) -> [AcknowledgementRow] {
    try database.rows(
      "SELECT * FROM acknowledgement WHERE dispatch = ? ORDER BY modification, user, event",
      dispatch
    ) { row throws(ViewError) in try AcknowledgementRow(&row) }
  }

  /// The answers of one user to one modification, in the order of the log.
  package func list(of notice: NoticeKey) throws(ViewError) -> [AcknowledgementRow] {
    try database.rows(
      """
      SELECT * FROM acknowledgement WHERE dispatch = ? AND modification = ? AND user = ?
      ORDER BY event
      """, notice.dispatchID, notice.modification, notice.userID
    ) { row throws(ViewError) in try AcknowledgementRow(&row) }
  }

  func record(_ answer: AcknowledgementRecorded, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR IGNORE INTO acknowledgement VALUES (?, ?, ?, ?, ?, ?, ?)", answer.dispatchID,
      answer.modification, answer.userID, event.id, answer.at, answer.opt,
      answer.marks.map(\.rawValue).joined(separator: " "))
  }
}

extension OptAnswer: ColumnValue {}

/// One answer to one modification of a dispatch.
package struct AcknowledgementRow: Equatable, Sendable {
  /// The modification and user that it counts for.
  package var notice: NoticeKey
  package var event: EventID
  package var answeredAt: Instant
  /// Absent: only that the notice was seen.
  package var opt: OptAnswer?
  package var marks: SortedSet<AcknowledgementMark>

  init(_ row: inout Row) throws(ViewError) {
    notice = try NoticeKey(&row)
    event = try row.next()
    answeredAt = try row.next()
    opt = try row.next()
    marks = try row.next { (text: String) in
      let words = text.split(separator: " ")
      let marks = words.compactMap { AcknowledgementMark(rawValue: String($0)) }
      return marks.count == words.count ? SortedSet(marks) : nil
    }
  }
}
