package import Bytes
package import EventLog
import Events
package import Views

/// Feeds views with stored events, in transactions that end with a commit of the log.
package struct Projector {
  private let views: ViewStore
  /// After so many events the transaction ends with the next commit.
  private static let eventsInTransaction = 50_000

  package init(views: ViewStore) { self.views = views }

  /// Applies all that a cursor reads; what it reads ends with a commit.
  package func project(_ cursor: EventCursor) throws(AuditError) {
    var cursor = cursor
    try project(next: { () throws(AuditError) in try Self.read(&cursor) }, to: nil)
  }

  private static func read(_ cursor: inout EventCursor) throws(AuditError) -> StoredEvent? {
    do { return try cursor.read() } catch { throw .log(error) }
  }

  /// Applies what `next` gives and a point of history holds; what is left out is passed over.
  ///
  /// - Returns: The last commit that was read.
  @discardableResult
  package func project(
    next: () throws(AuditError) -> StoredEvent?, to point: HistoryPoint?
  ) throws(AuditError) -> CommitLine? {
    var count = 0
    var last: StoredEvent?
    do {
      while let stored = try next() {
        if !views.isInTransaction { try inViews { () throws(ViewError) in try views.begin() } }
        try apply(stored, to: point)
        count += 1
        last = stored
        if count >= Self.eventsInTransaction, stored.id + 1 == stored.commit.end {
          try commit(after: stored)
          count = 0
        }
      }
      if let last, views.isInTransaction { try commit(after: last) }
    } catch {
      views.rollback()
      throw error
    }
    return last?.commit
  }

  private func inViews<Result>(
    _ body: () throws(ViewError) -> Result
  ) throws(AuditError) -> Result {
    do { return try body() } catch { throw .views(error) }
  }

  private func apply(_ stored: StoredEvent, to point: HistoryPoint?) throws(AuditError) {
    let event: Event
    do { event = try Event(decoding: stored.line) } catch {
      throw .unreadableEvent(stored.id, error)
    }
    guard point?.holds(event) ?? true else {
      try inViews { () throws(ViewError) in try views.pass(over: event.id) }
      return
    }
    let location = EventLocation(
      segment: stored.segment, offset: stored.offset, length: stored.line.count)
    try inViews { () throws(ViewError) in
      try views.apply(event, at: location, commit: stored.commit.first...stored.commit.end - 1)
    }
  }

  private func commit(after stored: StoredEvent) throws(AuditError) {
    let end = stored.commitEnd
    try inViews { () throws(ViewError) in
      try views.commit(
        Cursor(
          next: stored.id + 1, root: stored.commit.root, segment: end.segment, offset: end.offset))
    }
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
