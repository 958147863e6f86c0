package import Dispatching
import EventLog
package import Events
import Views

/// What became of a request that was made with some key.
package enum EarlierRequest: Sendable {
  /// The dispatch as it stands.
  case dispatch(Dispatch)
  case rejected(DispatchRejected)
}

extension Ledger {
  /// What calls of one request each came to, by their keys; or else the dispatch that has one of the
  /// ids; `nil` where there is none.
  ///
  /// - Throws: As ``takeTurn()``; `.unconfirmedKey` where the log doesn't have what the views say.
  package func earlierRequests(
    _ calls: [(key: String, ids: [EntityID])]
  ) throws(LedgerError) -> [EarlierRequest?] {
    let turn = try takeTurn()
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: turn.durable)
    }
    var found: [EarlierRequest?] = []
    for (key, ids) in calls {
      guard let row = try inViews({ () throws(ViewError) in try views.idempotencyKeys.find(key) })
      else {
        found.append(try firstDispatch(of: ids).map { .dispatch($0) })
        continue
      }
      if row.first < reader.first {
        found.append(try archivedRequest(by: row))
        continue
      }
      var cursor = reader.events(from: row.first, hint: row.hint)
      guard let stored = try? cursor.read(), let event = try? Event(decoding: stored.line),
        event.idempotencyHash == row.hash
      else { throw .unconfirmedKey(key, event: row.first) }
      switch event.payload {
      case .dispatchRequested(let request):
        guard let dispatch = try firstDispatch(of: [request.dispatchID]) else {
          throw .unconfirmedKey(key, event: row.first)
        }
        found.append(.dispatch(dispatch))
      case .dispatchRejected(let rejected): found.append(.rejected(rejected))
      default: throw .unconfirmedKey(key, event: row.first)
      }
    }
    return found
  }

  /// What a call came to whose events are archived, as the views tell it.
  private func archivedRequest(by row: IdempotencyRow) throws(LedgerError) -> EarlierRequest? {
    try inViews { () throws(ViewError) in
      if let id = try views.dispatches.find(requestedBy: row.first) {
        return try ViewState(views).dispatch(id).map { .dispatch($0) }
      }
      return try views.dispatches.rejection(by: row.first).map { .rejected($0) }
    }
  }

  private func firstDispatch(of ids: [EntityID]) throws(LedgerError) -> Dispatch? {
    try inViews { () throws(ViewError) in
      for id in ids {
        if let dispatch = try ViewState(views).dispatch(id) { return dispatch }
      }
      return nil
    }
  }
}

extension IdempotencyRow {
  /// Where to look for the commit of its first event.
  var hint: LogPosition? {
    let line = UInt64(CommitLine.length)
    guard location.offset >= line else { return nil }
    return LogPosition(size: first, segment: location.segment, offset: location.offset - line)
  }
}
