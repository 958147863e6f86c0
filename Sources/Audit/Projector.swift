package import Bytes
package import EventLog
import Events
package import Views

/// Feeds views with stored events, in transactions that end with a commit of the log.
package struct Projector {
  private let views: ViewStore
  private let workers: Workers
  /// So many events, or fewer at the end, are read and decoded while those before are applied.
  private static let eventsInBatch = 4_096

  package init(views: ViewStore, workers: @escaping Workers = oneByOne) {
    self.views = views
    self.workers = workers
  }

  /// Applies all that a cursor reads; what it reads ends with a commit.
  package func project(_ cursor: EventCursor) throws(AuditError) {
    var cursor = cursor
    try project(
      next: { () throws(AuditError) in
        do throws(LogError) { return try cursor.read() } catch { throw .log(error) }
      }, to: nil)
  }

  /// Applies what `next` gives and a point of history holds; what is left out is passed over.
  ///
  /// - Returns: The last commit that was read.
  @discardableResult
  package func project(
    next: @escaping () throws(AuditError) -> StoredEvent?, to point: HistoryPoint?
  ) throws(AuditError) -> CommitLine? {
    let reading = Handed(Reading(next: next))
    let applying = Handed(Application(views: views, point: point))
    do {
      var batch = try reading.value.read(Self.eventsInBatch)
      while batch.count == Self.eventsInBatch {
        let read = batch
        let pieces = try doing(2, by: workers) { (piece) throws(AuditError) in
          if piece == 1 { return try reading.value.read(Self.eventsInBatch) }
          try applying.value.apply(read)
          return []
        }
        batch = pieces[1]
      }
      try applying.value.apply(batch)
      return try applying.value.finish()
    } catch {
      views.rollback()
      throw error
    }
  }

}

private struct ReadEvent: Sendable {
  let stored: StoredEvent
  let event: Event
}

/// Events on their way out of the log.
private final class Reading {
  private let next: () throws(AuditError) -> StoredEvent?
  private let decoder = EventDecoder()

  init(next: @escaping () throws(AuditError) -> StoredEvent?) { self.next = next }

  /// The next events; fewer than `count` only at the end.
  func read(_ count: Int) throws(AuditError) -> [ReadEvent] {
    var batch: [ReadEvent] = []
    while batch.count < count, let stored = try next() {
      do {
        batch.append(ReadEvent(stored: stored, event: try decoder.event(of: stored.line)))
      } catch {
        throw .unreadableEvent(stored.id, error)
      }
    }
    return batch
  }
}

/// Events on their way into the views.
private final class Application {
  private let views: ViewStore
  private let point: HistoryPoint?
  private var count = 0
  private var last: StoredEvent?
  /// After so many events the transaction ends with the next commit.
  private static let eventsInTransaction = 50_000

  init(views: ViewStore, point: HistoryPoint?) {
    self.views = views
    self.point = point
  }

  func apply(_ batch: [ReadEvent]) throws(AuditError) {
    do {
      for read in batch {
        if !views.isInTransaction { try views.begin() }
        try apply(read)
        count += 1
        last = read.stored
        if count >= Self.eventsInTransaction, read.stored.id + 1 == read.stored.commit.end {
          try commit(after: read.stored)
          count = 0
        }
      }
    } catch {
      throw .views(error)
    }
  }

  private func apply(_ read: ReadEvent) throws(ViewError) {
    let stored = read.stored
    guard point?.holds(read.event) ?? true else { return try views.pass(over: stored.id) }
    let location = EventLocation(
      segment: stored.segment, offset: stored.offset, length: stored.line.count)
    try views.apply(
      read.event, at: location, commit: stored.commit.first...stored.commit.end - 1)
  }

  private func commit(after stored: StoredEvent) throws(ViewError) {
    let end = stored.commitEnd
    try views.commit(
      Cursor(
        next: stored.id + 1, root: stored.commit.root, segment: end.segment, offset: end.offset))
  }

  /// Ends the last transaction.
  ///
  /// - Returns: The commit of the last event.
  func finish() throws(AuditError) -> CommitLine? {
    do {
      if let last, views.isInTransaction { try commit(after: last) }
    } catch {
      throw .views(error)
    }
    return last?.commit
  }
}

/// The views as a reader of the log builds them for itself: in memory, up to a point of history.
package struct AuditViews {
  package let store: ViewStore
  /// When the ledger stood so; `nil` where it is as it stands.
  package let moment: Instant?

  /// - Throws: `.noSuchEvent`.
  package init(_ reader: LogReader, at point: HistoryPoint? = nil) throws(AuditError) {
    do {
      store = try ViewStore(.temporary)
      try store.create()
    } catch {
      throw .views(error)
    }
    var cursor = try HistoryCursor(reader, to: point)
    let last = try Projector(views: store).project(
      next: { () throws(AuditError) in try cursor.read() }, to: point)
    moment = point.flatMap { $0.time ?? last?.time }
  }
}
