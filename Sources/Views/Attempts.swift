package import Bytes
package import Dispatching
package import Events

/// Attempts, and every result that came for one, or for none.
package struct Attempts {
  let database: Database
  let transaction: TransactionRows

  static let definition = ViewDefinition(
    name: "attempts", version: 2,
    schema: """
      CREATE TABLE attempt (
        event INTEGER PRIMARY KEY, dispatch TEXT NOT NULL, modification INTEGER NOT NULL,
        user TEXT NOT NULL, channel TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,
        is_late INTEGER NOT NULL, is_test INTEGER NOT NULL, address INTEGER NOT NULL,
        channel_kind TEXT NOT NULL, attempted_at INTEGER NOT NULL,
        fate TEXT NOT NULL, evidence INTEGER NOT NULL, is_contradicted INTEGER NOT NULL,
        provider_id TEXT
      ) STRICT;
      CREATE INDEX attempt_notice ON attempt (dispatch, modification, user);
      CREATE INDEX attempt_provider ON attempt (provider_id) WHERE provider_id IS NOT NULL;
      CREATE INDEX attempt_unresolved ON attempt (fate) WHERE fate IN ('open', 'unknown');
      CREATE TABLE result (
        attempt INTEGER NOT NULL, event INTEGER NOT NULL, dispatch TEXT NOT NULL,
        recorded_at INTEGER NOT NULL, says TEXT NOT NULL, evidence INTEGER NOT NULL,
        provider_id TEXT, code TEXT, is_retryable INTEGER, occurred_at INTEGER, reason TEXT,
        is_orphan INTEGER NOT NULL,
        PRIMARY KEY (attempt, event)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX result_orphan ON result (event) WHERE is_orphan = 1;
      CREATE TABLE unmatched_result (
        event INTEGER PRIMARY KEY, provider_id TEXT, taken_by INTEGER, detail TEXT NOT NULL
      ) STRICT;
      CREATE INDEX unmatched_provider ON unmatched_result (provider_id) WHERE taken_by IS NULL;
      """,
    tables: [
      .init(name: "attempt", keyColumns: 1), .init(name: "result", keyColumns: 2),
      .init(name: "unmatched_result", keyColumns: 1),
    ])

  /// The attempt that this event recorded, or `nil` where it recorded none.
  package func find(_ attempt: EventID) throws(ViewError) -> AttemptRow? {
    try transaction.attempt(attempt)
  }

  /// How many attempts were made to tell a user; it walks over all attempts.
  package func count(to user: EntityID) throws(ViewError) -> Int {
    try database.value("SELECT count(*) FROM attempt WHERE user = ?", user) ?? 0
  }

  /// The attempts of a dispatch by modification, then user, then position.
  package func list(of dispatch: EntityID) throws(ViewError) -> [AttemptRow] {
    try database.rows(
      "SELECT * FROM attempt WHERE dispatch = ? ORDER BY dispatch, modification, user, event",
      dispatch
    ) { row throws(ViewError) in try AttemptRow(&row) }
  }

  /// The attempts of one notice, in the order of the log.
  package func list(of notice: NoticeKey) throws(ViewError) -> [AttemptRow] {
    try database.rows(
      """
      SELECT * FROM attempt WHERE dispatch = ? AND modification = ? AND user = ? ORDER BY event
      """, notice.dispatchID, notice.modification, notice.userID
    ) { row throws(ViewError) in try AttemptRow(&row) }
  }

  /// The attempts that nothing came back for, in the order of the log; the cost follows their
  /// number.
  package func open() throws(ViewError) -> [AttemptRow] {
    try database.rows(
      """
      SELECT * FROM attempt WHERE fate = 'open' AND fate IN ('open', 'unknown') ORDER BY event
      """
    ) { row throws(ViewError) in try AttemptRow(&row) }
  }

  /// The attempts whose unknown outcome waits to be settled, in the order of the log.
  package func unknown() throws(ViewError) -> [AttemptRow] {
    try database.rows(
      """
      SELECT * FROM attempt WHERE fate = 'unknown' AND fate IN ('open', 'unknown') ORDER BY event
      """
    ) { row throws(ViewError) in try AttemptRow(&row) }
  }

  /// All that was said about an attempt, in the order of the log.
  package func results(of attempt: EventID) throws(ViewError) -> [ResultRow] {
    try database.rows("SELECT * FROM result WHERE attempt = ? ORDER BY event", attempt) {
      row throws(ViewError) in try ResultRow(&row)
    }
  }

  /// Results that match no attempt of their dispatch, in the order of the log.
  package func orphans() throws(ViewError) -> [ResultRow] {
    try database.rows("SELECT * FROM result WHERE is_orphan = 1 ORDER BY event") {
      row throws(ViewError) in try ResultRow(&row)
    }
  }

  /// The attempts whose message a provider gave this id to first, in the order of the log; at most
  /// two.
  package func find(providerID: String) throws(ViewError) -> [EventID] {
    try database.rows(
      "SELECT event FROM attempt WHERE provider_id = ? ORDER BY event LIMIT 2", providerID
    ) { row throws(ViewError) in try row.next() }
  }

  /// Results with this provider's id that no attempt has taken, in the order of the log.
  package func unmatched(providerID: String) throws(ViewError) -> [UnmatchedResult] {
    try database.rows(
      """
      SELECT event, detail FROM unmatched_result WHERE provider_id = ? AND taken_by IS NULL
      ORDER BY event
      """, providerID
    ) { row throws(ViewError) in
      UnmatchedResult(event: try row.next(), recorded: try row.record())
    }
  }

  /// All results that no attempt has taken, in the order of the log.
  package func unmatched() throws(ViewError) -> [UnmatchedResult] {
    try database.rows(
      "SELECT event, detail FROM unmatched_result WHERE taken_by IS NULL ORDER BY event"
    ) { row throws(ViewError) in
      UnmatchedResult(event: try row.next(), recorded: try row.record())
    }
  }

  func keep(_ result: DeliveryUnmatched, by event: Fact) throws(ViewError) {
    try database.run(
      "INSERT OR IGNORE INTO unmatched_result VALUES (?, ?, NULL, ?)", event.id,
      result.providerID, RecordText(result))
  }

  func begin(_ attempt: NotificationAttempted, by event: Fact) throws(ViewError) {
    try transaction.keep(AttemptRow(attempt, by: event))
  }

  func record(_ result: DeliveryRecorded, by event: Fact) throws(ViewError) -> AttemptChange? {
    let row = ResultRow(
      attempt: result.attempt, event: event.id, dispatchID: result.dispatchID,
      recordedAt: event.time, says: .reported(result.outcome), evidence: result.evidence,
      providerID: result.providerID, code: result.code, isRetryable: result.isRetryable,
      occurredAt: result.occurredAt)
    if let taken = result.unmatched,
      try find(result.attempt)?.notice.dispatchID == result.dispatchID
    {
      try database.run(
        "UPDATE unmatched_result SET taken_by = ? WHERE event = ? AND provider_id = ?", event.id,
        taken, result.providerID)
    }
    return try take(row) { $0.report(result.outcome, evidence: result.evidence) }
  }

  func lose(_ unknown: DeliveryUnknown, by event: Fact) throws(ViewError) -> AttemptChange? {
    let row = ResultRow(
      attempt: unknown.attempt, event: event.id, dispatchID: unknown.dispatchID,
      recordedAt: event.time, says: .unknown, reason: unknown.reason.rawValue)
    return try take(row) { $0.lose() }
  }

  func settle(_ settled: DeliverySettled, by event: Fact) throws(ViewError) -> AttemptChange? {
    let row = ResultRow(
      attempt: settled.attempt, event: event.id, dispatchID: settled.dispatchID,
      recordedAt: event.time, says: .settled(settled.decision), reason: settled.reason)
    return try take(row) { $0.settle(settled.decision) }
  }

  private func take(
    _ result: ResultRow, _ change: (inout AttemptStanding) -> Void
  ) throws(ViewError) -> AttemptChange? {
    guard var attempt = try find(result.attempt), attempt.notice.dispatchID == result.dispatchID
    else {
      try keep(result, isOrphan: true)
      return nil
    }
    try keep(result, isOrphan: false)
    let before = attempt
    change(&attempt.standing)
    if attempt.providerID == nil { attempt.providerID = result.providerID }
    if attempt != before { try transaction.keep(attempt) }
    return AttemptChange(
      attempt: before.attempt, after: attempt.standing, mayRetry: result.isRetryable ?? false)
  }

  private func keep(_ result: ResultRow, isOrphan: Bool) throws(ViewError) {
    try database.run(
      "INSERT OR IGNORE INTO result VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", result.attempt,
      result.event, result.dispatchID, result.recordedAt, result.says, result.evidence,
      result.providerID, result.code, result.isRetryable, result.occurredAt, result.reason,
      isOrphan)
  }
}

/// One try to tell one user on one channel.
package struct AttemptRow: Hashable, Sendable {
  /// The `notification.attempted`, whose id is the attempt's.
  package var event: EventID
  package var notice: NoticeKey
  package var channel: ChannelCode
  /// Which try it is for this notice and channel, from 1.
  package var number: Int
  package var kind: NoticeKind
  package var isLate: Bool
  package var isTest: Bool
  /// The `user.defined` that gave the address.
  package var address: EventID
  package var channelKind: CodeWord
  package var attemptedAt: Instant
  package var standing: AttemptStanding
  /// The first id that a provider gave to the message.
  package var providerID: String?

  init(_ attempt: NotificationAttempted, by event: Fact) {
    self.event = event.id
    notice = NoticeKey(
      dispatchID: attempt.dispatchID, modification: attempt.modification, userID: attempt.userID)
    channel = attempt.channel
    number = attempt.number
    kind = attempt.kind
    isLate = attempt.isLate
    isTest = attempt.isTest
    address = attempt.address
    channelKind = attempt.channelKind
    attemptedAt = event.time
    standing = AttemptStanding()
  }

  init(_ row: inout Row) throws(ViewError) {
    event = try row.next()
    notice = try NoticeKey(&row)
    channel = try row.next()
    number = try row.next()
    kind = try row.next()
    isLate = try row.next()
    isTest = try row.next()
    address = try row.next()
    channelKind = try row.next()
    attemptedAt = try row.next()
    standing = AttemptStanding(
      fate: try row.next(), evidence: try row.next(), isContradicted: try row.next())
    providerID = try row.next()
  }

  /// The attempt as decisions see it.
  package var attempt: Attempt {
    Attempt(
      event: event, notice: notice, channel: channel, number: number, kind: kind,
      standing: standing)
  }
}

/// One thing that was said about an attempt; its sealed detail stands in the log only.
package struct ResultRow: Hashable, Sendable {
  package var attempt: EventID
  package var event: EventID
  package var dispatchID: EntityID
  package var recordedAt: Instant
  package var says: AttemptFate
  package var evidence: EvidenceStrength
  package var providerID: String?
  /// The provider's own code, raw.
  package var code: String?
  package var isRetryable: Bool?
  /// When it happened, as the provider says.
  package var occurredAt: Instant?
  /// How the result was lost, or why it was settled so.
  package var reason: String?

  init(
    attempt: EventID, event: EventID, dispatchID: EntityID, recordedAt: Instant,
    says: AttemptFate, evidence: EvidenceStrength = .none, providerID: String? = nil,
    code: String? = nil, isRetryable: Bool? = nil, occurredAt: Instant? = nil,
    reason: String? = nil
  ) {
    self.attempt = attempt
    self.event = event
    self.dispatchID = dispatchID
    self.recordedAt = recordedAt
    self.says = says
    self.evidence = evidence
    self.providerID = providerID
    self.code = code
    self.isRetryable = isRetryable
    self.occurredAt = occurredAt
    self.reason = reason
  }

  init(_ row: inout Row) throws(ViewError) {
    attempt = try row.next()
    event = try row.next()
    dispatchID = try row.next()
    recordedAt = try row.next()
    says = try row.next()
    evidence = try row.next()
    providerID = try row.next()
    code = try row.next()
    isRetryable = try row.next()
    occurredAt = try row.next()
    reason = try row.next()
  }
}
