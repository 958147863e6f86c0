import Bytes
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
  package func project(_ cursor: EventCursor) throws(LedgerError) {
    var cursor = cursor
    var count = 0
    var last: StoredEvent?
    do {
      while let stored = try inLog({ () throws(LogError) in try cursor.read() }) {
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

  private func apply(_ stored: StoredEvent) throws(LedgerError) {
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

  private func commit(after stored: StoredEvent) throws(LedgerError) {
    let end = stored.commitEnd
    try inViews { () throws(ViewError) in
      try views.commit(
        Cursor(
          next: end.size, root: stored.commit.root, segment: end.segment, offset: end.offset))
    }
  }
}
