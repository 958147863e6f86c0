package import Bytes
package import Dispatching
package import Events

/// The recipients of each modification, and what became of the notice to each of them.
package struct Notices {
  let database: Database
  let transaction: TransactionRows

  // `channels` holds the codes in order of preference, with a space between two. The columns from
  // `state` to `evidence` are the notice's standing. A silent call is the last modification of a
  // dispatch once it was attempted.
  static let definition = ViewDefinition(
    name: "notices", version: 3,
    schema: """
      CREATE TABLE notice (
        dispatch TEXT NOT NULL, modification INTEGER NOT NULL, user TEXT NOT NULL,
        version INTEGER, channels TEXT NOT NULL, state TEXT NOT NULL, channel TEXT, due_at INTEGER,
        reason TEXT, attempts INTEGER NOT NULL, last_attempt INTEGER, evidence INTEGER NOT NULL,
        PRIMARY KEY (dispatch, modification, user)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX notice_answered ON notice (dispatch, modification) WHERE evidence >= 4;
      CREATE INDEX notice_due ON notice (due_at, dispatch, modification, user)
        WHERE due_at IS NOT NULL;
      CREATE INDEX notice_due_on ON notice (channel, due_at, dispatch, modification, user)
        WHERE due_at IS NOT NULL;
      CREATE TABLE silent_call (
        dispatch TEXT PRIMARY KEY, modification INTEGER NOT NULL, attempt INTEGER NOT NULL,
        since INTEGER NOT NULL, start_at INTEGER NOT NULL, escalated INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX silent_call_start ON silent_call (start_at, dispatch) WHERE escalated IS NULL;
      """,
    tables: [.init(name: "notice", keyColumns: 3), .init(name: "silent_call", keyColumns: 1)])

  /// The notices of one modification, one for each recipient, by the bytes of the users' ids.
  package func list(of dispatch: EntityID, modification: Int) throws(ViewError) -> [NoticeRow] {
    try database.rows(
      "SELECT * FROM notice WHERE dispatch = ? AND modification = ? ORDER BY user", dispatch,
      modification
    ) { row throws(ViewError) in try NoticeRow(&row) }
  }

  /// One notice, or `nil` where the user is no recipient of the modification.
  package func find(_ key: NoticeKey) throws(ViewError) -> NoticeRow? {
    try transaction.notice(key)
  }

  /// How many notices to a user wait to be sent; it walks over all notices.
  package func pendingCount(of user: EntityID) throws(ViewError) -> Int {
    try database.value(
      "SELECT count(*) FROM notice WHERE user = ? AND due_at IS NOT NULL", user) ?? 0
  }

  /// How many notices of one modification stand how.
  package func counts(of dispatch: EntityID, modification: Int) throws(ViewError) -> NoticeCounts {
    let rows = try database.rows(
      """
      SELECT state, count(*) FROM notice WHERE dispatch = ? AND modification = ? GROUP BY state
      """, dispatch, modification
    ) { row throws(ViewError) in
      (state: try row.next(NoticeState.self), count: try row.next(Int.self))
    }
    var counts = NoticeCounts()
    for row in rows { counts[row.state] = row.count }
    return counts
  }

  /// The notices that are due at `time`, the longest due first, then by dispatch, modification and
  /// user; at most `limit`.
  ///
  /// The cost follows their number, not that of all notices.
  package func due(at time: Instant, limit: Int = .max) throws(ViewError) -> [NoticeRow] {
    try database.rows(
      """
      SELECT * FROM notice WHERE due_at <= ? ORDER BY due_at, dispatch, modification, user LIMIT ?
      """, time, limit
    ) { row throws(ViewError) in try NoticeRow(&row) }
  }

  /// Those of them whose next attempt is on `channel`.
  package func due(
    at time: Instant, on channel: ChannelCode, limit: Int
  ) throws(ViewError) -> [NoticeRow] {
    try database.rows(
      """
      SELECT * FROM notice WHERE channel = ? AND due_at <= ?
      ORDER BY due_at, dispatch, modification, user LIMIT ?
      """, channel, time, limit
    ) { row throws(ViewError) in try NoticeRow(&row) }
  }

  /// How many notices are due at `time` on each channel, by the bytes of its code.
  package func dueCounts(
    at time: Instant
  ) throws(ViewError) -> [(channel: ChannelCode, count: Int)] {
    try database.rows(
      """
      SELECT channel, count(*) FROM notice
      WHERE channel IS NOT NULL AND due_at <= ? GROUP BY channel ORDER BY channel
      """, time
    ) { row throws(ViewError) in (channel: try row.next(), count: try row.next()) }
  }

  /// How many notices are due at `time`.
  package func dueCount(at time: Instant) throws(ViewError) -> Int {
    try database.value("SELECT count(*) FROM notice WHERE due_at <= ?", time) ?? 0
  }

  /// When the first notice is due that is due at all.
  package func nextDue() throws(ViewError) -> Instant? {
    try database.value(
      "SELECT due_at FROM notice WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1")
  }

  /// The notices of earlier modifications that are still pending, by modification and user.
  package func superseded(
    of dispatch: EntityID, before modification: Int
  ) throws(ViewError) -> [NoticeRow] {
    try database.rows(
      """
      SELECT * FROM notice WHERE dispatch = ? AND modification < ? AND state = 'pending'
      ORDER BY modification, user
      """, dispatch, modification
    ) { row throws(ViewError) in try NoticeRow(&row) }
  }

  /// The dispatches whose last modification has been attempted and not been escalated, and that begin
  /// after `time`; by start and id.
  ///
  /// The cost follows their number.
  package func silentCalls(startingAfter time: Instant) throws(ViewError) -> [SilentCall] {
    try database.rows(
      """
      SELECT dispatch, modification, attempt, since FROM silent_call
      WHERE escalated IS NULL AND start_at > ? ORDER BY start_at, dispatch
      """, time
    ) { row throws(ViewError) in
      SilentCall(
        dispatchID: try row.next(), modification: try row.next(), attempt: try row.next(),
        since: try row.next())
    }
  }

  /// How many users have answered a modification that they have a notice of; counted to `limit`.
  package func answerCount(
    of dispatch: EntityID, modification: Int, limit: Int
  ) throws(ViewError) -> Int {
    try database.value(
      """
      SELECT count(*) FROM (
        SELECT 1 FROM notice WHERE dispatch = ? AND modification = ? AND evidence >= 4 LIMIT ?
      )
      """, dispatch, modification, limit) ?? 0
  }

  func resolve(_ chunk: RecipientsResolved, by event: Fact) throws(ViewError) {
    // Nothing is due before the chunk that says it is the last.
    let isWhole = chunk.isLast && chunk.chunk == 0
    for recipient in chunk.recipients {
      let key = NoticeKey(
        dispatchID: chunk.dispatchID, modification: chunk.modification, userID: recipient.userID)
      try add(
        key, user: recipient.user, recipient.channels.map(\.channel),
        dueAt: isWhole ? event.time : nil)
    }
    if chunk.isLast, !isWhole {
      try transaction.write()
      try database.run(
        """
        UPDATE notice SET due_at = ?
        WHERE dispatch = ? AND modification = ? AND state = 'pending' AND due_at IS NULL
        """, event.time, chunk.dispatchID, chunk.modification)
    }
  }

  /// Users who are told beside the recipients, on those of the program's channels that they have when
  /// they are told.
  func escalate(
    _ escalated: NotificationEscalated, by event: Fact
  ) throws(ViewError) {
    try database.run(
      "UPDATE silent_call SET escalated = ? WHERE dispatch = ? AND modification = ?", event.id,
      escalated.dispatchID, escalated.modification)
    for user in escalated.userIDs {
      let key = NoticeKey(
        dispatchID: escalated.dispatchID, modification: escalated.modification, userID: user)
      try add(key, user: nil, escalated.channels, dueAt: event.time)
    }
  }

  /// Adds a pending notice, unless there is one already.
  private func add(
    _ key: NoticeKey, user: EventID?, _ channels: [ChannelCode], dueAt: Instant?
  ) throws(ViewError) {
    guard try find(key) == nil else { return }
    let standing = NoticeStanding(channel: channels.first, dueAt: dueAt)
    try transaction.keep(
      NoticeRow(key: key, user: user, channels: channels, standing: standing))
  }

  /// Notes the first attempt of a dispatch's last modification, unless that cancels or ends it.
  func begin(_ attempt: NotificationAttempted, by event: Fact) throws(ViewError) {
    guard attempt.kind.hasDeadline else { return }
    try database.run(
      """
      INSERT OR IGNORE INTO silent_call
      SELECT id, modification, ?, ?, start_at, NULL FROM dispatch WHERE id = ? AND modification = ?
      """, event.id, event.time, attempt.dispatchID, attempt.modification)
  }

  /// Forgets what answers an earlier modification of the dispatch has had.
  func change(_ dispatch: EntityID) throws(ViewError) {
    try database.run("DELETE FROM silent_call WHERE dispatch = ?", dispatch)
  }

  /// Lets `move` change a notice's standing; does nothing where there is no such notice.
  func move(
    _ key: NoticeKey, _ move: (inout NoticeRow) throws(ViewError) -> Void
  ) throws(ViewError) {
    guard var notice = try find(key) else { return }
    let before = notice.standing
    try move(&notice)
    if notice.standing != before { try transaction.keep(notice) }
  }
}

extension NoticeKey {
  init(_ row: inout Row) throws(ViewError) {
    self.init(
      dispatchID: try row.next(), modification: try row.next(), userID: try row.next())
  }
}

/// The notice to one recipient of one modification.
package struct NoticeRow: Hashable, Sendable {
  package var key: NoticeKey
  /// The `user.defined` that the resolution was decided from; absent for an escalation.
  package var user: EventID?
  /// In order of preference; for an escalation all of the program's.
  package var channels: [ChannelCode]
  package var standing: NoticeStanding

  init(key: NoticeKey, user: EventID?, channels: [ChannelCode], standing: NoticeStanding) {
    self.key = key
    self.user = user
    self.channels = channels
    self.standing = standing
  }

  init(_ row: inout Row) throws(ViewError) {
    key = try NoticeKey(&row)
    user = try row.next()
    channels = try row.next(ChannelList.self).codes
    let state: NoticeState = try row.next()
    standing = NoticeStanding(
      state: state, channel: try row.next(), dueAt: try row.next(), reason: try row.next(),
      attempts: try row.next(), lastAttempt: try row.next(), evidence: try row.next())
  }
}

/// How many notices of a modification stand how.
package struct NoticeCounts: Hashable, Sendable {
  package var pending = 0
  package var attempted = 0
  package var notified = 0
  package var failed = 0
  package var suppressed = 0
  package var unknown = 0

  package init() {}

  /// All recipients.
  package var total: Int { NoticeState.allCases.reduce(0) { $0 + self[$1] } }

  package subscript(state: NoticeState) -> Int {
    get {
      switch state {
      case .pending: pending
      case .attempted: attempted
      case .notified: notified
      case .failed: failed
      case .suppressed: suppressed
      case .unknown: unknown
      }
    }
    set {
      switch state {
      case .pending: pending = newValue
      case .attempted: attempted = newValue
      case .notified: notified = newValue
      case .failed: failed = newValue
      case .suppressed: suppressed = newValue
      case .unknown: unknown = newValue
      }
    }
  }
}

/// Channel codes in one column, with a space between two: no code holds one.
struct ChannelList: ColumnValue {
  let codes: [ChannelCode]

  init(_ codes: [ChannelCode]) { self.codes = codes }

  func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
    unsafe codes.map(\.text).joined(separator: " ").bind(to: statement, at: index)
  }

  init?(of statement: OpaquePointer, at index: Int32) {
    guard let text = unsafe String(of: statement, at: index) else { return nil }
    let words = text.utf8.split(separator: UInt8(ascii: " "))
    codes = words.compactMap { ChannelCode(String(Substring($0))) }
    if codes.count != words.count { return nil }
  }
}
