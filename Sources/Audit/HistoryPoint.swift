package import Bytes
package import EventLog
package import Events

/// A moment of a ledger's history (`EVENTS.md`, "Moments of history").
///
/// Commits are whole, so a ledger only ever stood as it did after one of them.
package enum HistoryPoint: Hashable, Sendable {
  /// After the commit that holds the event.
  case event(EventID)
  /// With all that was recorded up to and at the time.
  case recorded(Instant)
  /// With all of that which had happened by then.
  case known(Instant)

  /// Whether the events of a commit belong to the history up to this point.
  func holds(_ commit: CommitLine) -> Bool {
    switch self {
    case .event(let id): commit.first <= id
    case .recorded(let time), .known(let time): commit.time <= time
    }
  }

  /// Whether an event of such a commit does, too.
  package func holds(_ event: Event) -> Bool {
    if case .known(let time) = self { event.happenedAt <= time } else { true }
  }

  /// The moment itself, where the point names one.
  package var time: Instant? {
    switch self {
    case .event: nil
    case .recorded(let time), .known(let time): time
    }
  }
}

/// Walks over the stored events of a log up to a point of its history.
package struct HistoryCursor {
  private var cursor: EventCursor
  private let point: HistoryPoint?

  /// - Throws: `.noSuchEvent` where the point is an event that the log doesn't have.
  package init(_ reader: LogReader, to point: HistoryPoint?) throws(AuditError) {
    if case .event(let id) = point, id >= reader.size {
      throw .noSuchEvent(id, size: reader.size)
    }
    self.point = point
    cursor = reader.events(from: 0)
  }

  /// The next event, or `nil` after the last one.
  package mutating func read() throws(AuditError) -> StoredEvent? {
    let stored: StoredEvent?
    do { stored = try cursor.read() } catch { throw .log(error) }
    // Commits' times never decrease, so nothing behind the first one that is too late belongs here.
    guard let stored, point?.holds(stored.commit) ?? true else { return nil }
    return stored
  }
}
