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

  /// - Parameter part: Only these ids; `nil`: all.
  /// - Throws: `.noSuchEvent` where the point is an event that the log doesn't have.
  package init(
    _ reader: LogReader, to point: HistoryPoint?, in part: Range<EventID>? = nil
  ) throws(AuditError) {
    if case .event(let id) = point, id >= reader.size {
      throw .noSuchEvent(id, size: reader.size)
    }
    self.point = point
    cursor = reader.events(from: part?.lowerBound ?? 0, to: part?.upperBound ?? .max)
  }

  /// The next event, or `nil` after the last one.
  package mutating func read() throws(AuditError) -> StoredEvent? {
    let stored: StoredEvent?
    do { stored = try cursor.read() } catch { throw .log(error) }
    // Commits' times never decrease, so nothing behind the first one that is too late belongs here.
    guard let stored, point?.holds(stored.commit) ?? true else { return nil }
    return stored
  }

  /// Appends the lines of the next commit, each with its newline, as they are stored.
  ///
  /// - Returns: The commit, or `nil` after the last one. Of a `.known` point what hadn't happened
  ///   yet is among the lines.
  package mutating func readCommit(
    appendingTo bytes: inout [UInt8]
  ) throws(AuditError) -> CommitLine? {
    let before = bytes.count
    let commit: CommitLine?
    do { commit = try cursor.readCommit(appendingTo: &bytes) } catch { throw .log(error) }
    guard let commit, point?.holds(commit) ?? true else {
      bytes.removeSubrange(before...)
      return nil
    }
    return commit
  }
}

/// Reads whole streams of a log up to a point of its history.
struct HistoryStreams {
  private var streams: StreamReader
  private let point: HistoryPoint?

  /// - Throws: `.noSuchEvent` where the point is an event that the log doesn't have.
  init(_ reader: LogReader, to point: HistoryPoint?) throws(AuditError) {
    if case .event(let id) = point, id >= reader.size {
      throw .noSuchEvent(id, size: reader.size)
    }
    streams = StreamReader(reader)
    self.point = point
  }

  /// The events about some subjects, which differ, each subject's in the order of the log.
  ///
  /// - Returns: Of a `.known` point what hadn't happened yet is among them.
  mutating func events(about subjects: [Subject]) throws(AuditError) -> [[StoredEvent]] {
    let found: [[StoredEvent]]
    do { found = try streams.events(about: subjects.map(\.text)) } catch { throw .log(error) }
    return found.map { events in events.filter { point?.holds($0.commit) ?? true } }
  }
}
