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
  ///
  /// - Parameter time: Events recorded after it are left out, with all that follow them.
  package func project(_ cursor: EventCursor, until time: Instant? = nil) throws(AuditError) {
    var cursor = cursor
    var count = 0
    var last: StoredEvent?
    do {
      while let stored = try next(&cursor) {
        if let time, stored.commit.time > time { break }
        if !views.isInTransaction { try inViews { () throws(ViewError) in try views.begin() } }
        try apply(stored)
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
  }

  private func next(_ cursor: inout EventCursor) throws(AuditError) -> StoredEvent? {
    do { return try cursor.read() } catch { throw .log(error) }
  }

  private func inViews<Result>(
    _ body: () throws(ViewError) -> Result
  ) throws(AuditError) -> Result {
    do { return try body() } catch { throw .views(error) }
  }

  private func apply(_ stored: StoredEvent) throws(AuditError) {
    let event: Event
    do { event = try Event(decoding: stored.line) } catch {
      throw .unreadableEvent(stored.id, error)
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

/// The views as a reader of the log builds them for itself: in memory, up to a moment of history.
package struct AuditViews {
  package let store: ViewStore

  /// - Parameters:
  ///   - limit: Only events before this id count.
  ///   - time: Only events recorded up to it count.
  package init(
    _ reader: LogReader, limit: UInt64 = .max, until time: Instant? = nil
  ) throws(AuditError) {
    do {
      store = try ViewStore(.temporary)
      try store.create()
    } catch {
      throw .views(error)
    }
    try Projector(views: store).project(reader.events(from: 0, to: limit), until: time)
  }
}
