import Dispatching
import Events

/// What an open transaction keeps at hand: rows that it has yet to write, and what it has looked up.
///
/// A notice is made by one event and moved by two more, an attempt by one and one, mostly soon after
/// each other. Kept back until the transaction ends, each is written once. Whatever reads the tables
/// has them written first (``Database/beforeReading``), but for look-ups by key, which look here.
final class TransactionRows {
  private unowned let database: Database
  private var notices = KeptRows<NoticeKey, NoticeRow>()
  private var attempts = KeptRows<EventID, AttemptRow>()
  private var streams: [Subject: EventID] = [:]

  /// Rows that are kept before they are written, and subjects that are remembered before they are
  /// forgotten; some 100 MB at most.
  private static let most = 100_000

  init(database: Database) { self.database = database }

  /// The row as the transaction sees it.
  func notice(_ key: NoticeKey) throws(ViewError) -> NoticeRow? {
    if let row = notices[key] { return row }
    return try database.stored(
      "SELECT * FROM notice WHERE dispatch = ? AND modification = ? AND user = ?", key.dispatchID,
      key.modification, key.userID
    ) { row throws(ViewError) in try NoticeRow(&row) }
  }

  func keep(_ notice: NoticeRow) throws(ViewError) {
    notices[notice.key] = notice
    try writeIfMany()
  }

  /// The row as the transaction sees it.
  func attempt(_ event: EventID) throws(ViewError) -> AttemptRow? {
    if let row = attempts[event] { return row }
    return try database.stored("SELECT * FROM attempt WHERE event = ?", event) {
      row throws(ViewError) in try AttemptRow(&row)
    }
  }

  func keep(_ attempt: AttemptRow) throws(ViewError) {
    attempts[attempt.event] = attempt
    try writeIfMany()
  }

  /// The number of a subject's stream; `nil` before its first event.
  func stream(of subject: Subject) throws(ViewError) -> EventID? {
    if let number = streams[subject] { return number }
    let number: EventID? = try database.stored(
      "SELECT number FROM stream WHERE subject = ?", subject.text
    ) { row throws(ViewError) in try row.next() }
    if let number { remember(number, of: subject) }
    return number
  }

  func remember(_ number: EventID, of subject: Subject) {
    if streams.count >= Self.most { streams.removeAll(keepingCapacity: true) }
    streams[subject] = number
  }

  private func writeIfMany() throws(ViewError) {
    if notices.rows.count + attempts.rows.count >= Self.most { try write() }
  }

  /// Writes all rows that are kept.
  func write() throws(ViewError) {
    for row in notices.rows { try row.write(to: database) }
    notices.removeAll()
    for row in attempts.rows { try row.write(to: database) }
    attempts.removeAll()
  }

  /// Forgets everything: the transaction, or a part of it, is taken back.
  func forget() {
    notices.removeAll()
    attempts.removeAll()
    streams.removeAll(keepingCapacity: true)
  }
}

/// Rows by their keys, in the order in which each came first.
private struct KeptRows<Key: Hashable, Row> {
  private(set) var rows: [Row] = []
  private var places: [Key: Int] = [:]

  subscript(key: Key) -> Row? {
    get { places[key].map { rows[$0] } }
    set {
      guard let newValue else { return }
      if let place = places[key] {
        rows[place] = newValue
      } else {
        places[key] = rows.count
        rows.append(newValue)
      }
    }
  }

  mutating func removeAll() {
    if rows.isEmpty { return }
    rows.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
  }
}

extension NoticeRow {
  fileprivate func write(to database: Database) throws(ViewError) {
    try database.run(
      """
      INSERT INTO notice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET state = excluded.state, channel = excluded.channel,
        due_at = excluded.due_at, reason = excluded.reason, attempts = excluded.attempts,
        last_attempt = excluded.last_attempt, evidence = excluded.evidence
      """, key.dispatchID, key.modification, key.userID, user, ChannelList(channels),
      standing.state, standing.channel, standing.dueAt, standing.reason, standing.attempts,
      standing.lastAttempt, standing.evidence)
  }
}

extension AttemptRow {
  fileprivate func write(to database: Database) throws(ViewError) {
    try database.run(
      """
      INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET fate = excluded.fate, evidence = excluded.evidence,
        is_contradicted = excluded.is_contradicted, provider_id = excluded.provider_id
      """, event, notice.dispatchID, notice.modification, notice.userID, channel, number, kind,
      isLate, isTest, address, channelKind, attemptedAt, standing.fate, standing.evidence,
      standing.isContradicted, providerID)
  }
}
