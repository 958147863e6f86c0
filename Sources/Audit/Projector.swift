package import Bytes
package import EventLog
package import Events
package import Views

/// Feeds views with stored events, in transactions that end with a commit of the log.
package struct Projector {
  private let views: ViewStore
  private let workers: Workers
  /// So many events, or fewer at the end, are read and decoded while those before are applied.
  private static let eventsInBatch = 4_096

  private let isSparse: Bool

  /// - Parameter isSparse: Whether events are left out between those that are applied.
  package init(
    views: ViewStore, isSparse: Bool = false, workers: @escaping Workers = oneByOne
  ) {
    self.views = views
    self.isSparse = isSparse
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
    let applying = Handed(Application(views: views, point: point, isSparse: isSparse))
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
  private let isSparse: Bool
  private var count = 0
  private var last: StoredEvent?
  /// After so many events the transaction ends with the next commit.
  private static let eventsInTransaction = 50_000

  init(views: ViewStore, point: HistoryPoint?, isSparse: Bool) {
    self.views = views
    self.point = point
    self.isSparse = isSparse
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
    if isSparse { try views.pass(before: stored.id) }
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
    store = try Self.emptyStore()
    var cursor = try HistoryCursor(reader, to: point)
    let last = try Projector(views: store).project(
      next: { () throws(AuditError) in try cursor.read() }, to: point)
    moment = point.flatMap { $0.time ?? last?.time }
  }

  /// As much of the views as tells how one dispatch stands: its own events and its program's, without
  /// reading others' where the ledger has indexes of its streams.
  ///
  /// - Throws: `.noSuchEvent`.
  package init(
    _ reader: LogReader, of dispatch: EntityID, at point: HistoryPoint? = nil
  ) throws(AuditError) {
    store = try Self.emptyStore()
    var history = try HistoryStreams(reader, to: point)
    var events = try history.events(about: [.dispatch(dispatch)])[0]
    var programs: [Subject] = []
    for stored in events {
      // What can't be read stops the projection, which says so.
      guard let event = try? Event(decoding: stored.line),
        case .dispatchRequested(let request) = event.payload,
        !programs.contains(.program(request.programID))
      else { continue }
      programs.append(.program(request.programID))
    }
    for program in try history.events(about: programs) { events += program }
    events.sort { $0.id < $1.id }
    var rest = events[...]
    try Projector(views: store, isSparse: true).project(
      next: { () throws(AuditError) in rest.popFirst() }, to: point)
    moment = try point.map { (point) throws(AuditError) in try Self.time(of: point, reader) }
  }

  private static func time(
    of point: HistoryPoint, _ reader: LogReader
  ) throws(AuditError) -> Instant {
    switch point {
    case .recorded(let time), .known(let time): return time
    case .event(let id):
      var cursor = reader.events(from: id, to: id + 1)
      let stored: StoredEvent?
      do { stored = try cursor.read() } catch { throw .log(error) }
      guard let stored else { throw .noSuchEvent(id, size: reader.size) }
      return stored.commit.time
    }
  }

  private static func emptyStore() throws(AuditError) -> ViewStore {
    do {
      let store = try ViewStore(.temporary)
      try store.create()
      return store
    } catch {
      throw .views(error)
    }
  }
}
