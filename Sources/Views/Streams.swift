package import Events

/// Where the events of each subject stand in the log.
package struct Streams {
  let database: Database
  let transaction: TransactionRows

  // A stream is numbered by its first event, so that a subject's text is kept once.
  static let definition = ViewDefinition(
    name: "streams", version: 1,
    schema: """
      CREATE TABLE stream (subject TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE stream_event (
        stream INTEGER NOT NULL, event INTEGER NOT NULL, segment INTEGER NOT NULL,
        offset INTEGER NOT NULL, length INTEGER NOT NULL,
        PRIMARY KEY (stream, event)
      ) STRICT, WITHOUT ROWID;
      """,
    tables: [.init(name: "stream", keyColumns: 1), .init(name: "stream_event", keyColumns: 2)])

  /// The events about a subject, in the order of the log.
  package func events(of subject: Subject) throws(ViewError) -> [StreamEvent] {
    try database.rows(
      """
      SELECT event, segment, offset, length FROM stream_event
      WHERE stream = (SELECT number FROM stream WHERE subject = ?) ORDER BY event
      """, subject.text
    ) { row throws(ViewError) in
      StreamEvent(id: try row.next(), location: try EventLocation(&row))
    }
  }

  /// Where one event about a subject stands, or `nil` where the subject has no such event.
  package func location(
    of event: EventID, about subject: Subject
  ) throws(ViewError) -> EventLocation? {
    try database.first(
      """
      SELECT segment, offset, length FROM stream_event
      WHERE stream = (SELECT number FROM stream WHERE subject = ?) AND event = ?
      """, subject.text, event
    ) { row throws(ViewError) in try EventLocation(&row) }
  }

  /// What an event is about, or `nil` where there is none of that id; all events are looked at.
  package func subject(of event: EventID) throws(ViewError) -> Subject? {
    try database.first(
      """
      SELECT subject FROM stream
      WHERE number = (SELECT stream FROM stream_event WHERE event = ?)
      """, event
    ) { row throws(ViewError) in try row.next { (text: String) in Subject(text) } }
  }

  /// How many events there are about a subject.
  package func count(of subject: Subject) throws(ViewError) -> Int {
    try database.value(
      """
      SELECT count(*) FROM stream_event WHERE stream = (SELECT number FROM stream WHERE subject = ?)
      """, subject.text) ?? 0
  }

  func add(_ event: Fact, about subject: Subject, at location: EventLocation) throws(ViewError) {
    var number = try transaction.stream(of: subject)
    if number == nil {
      try database.run("INSERT INTO stream VALUES (?, ?)", subject.text, event.id)
      transaction.remember(event.id, of: subject)
      number = event.id
    }
    try database.run(
      "INSERT OR IGNORE INTO stream_event VALUES (?, ?, ?, ?, ?)", number, event.id,
      location.segment, location.offset, location.length)
  }
}

/// An event of a stream, and where its line stands.
package struct StreamEvent: Hashable, Sendable {
  package var id: EventID
  package var location: EventLocation

  package init(id: EventID, location: EventLocation) {
    self.id = id
    self.location = location
  }
}
