import Bytes
import Dispatching
import EventLog
package import Events
import Views

/// What the erasure of a user comes to, and what it can't reach.
package struct ErasurePlan: Sendable {
  package enum Standing: Hashable, Sendable {
    /// No event defines the user.
    case unknown
    /// It was erased by this event.
    case erased(EventID)
    /// It has addresses on these channels.
    case defined(channels: [ChannelCode])
  }

  package let user: EntityID
  package let standing: Standing
  /// Whether its key is at hand, to be destroyed.
  package let hasKey: Bool
  /// Notices that wait, and won't be sent.
  package let pendingNotices: Int
  /// Attempts that were made: what left the house with them is with others.
  package let attempts: Int
  /// Exports that were handed out, of events that tell of the user.
  package let exports: [EntityID]
  /// Archived copies of the log that were made since the user is known.
  package let archives: Int
}

extension Ledger {
  /// What erasing a user would do; nothing is changed.
  package func planErasure(of user: EntityID) throws(LedgerError) -> ErasurePlan {
    let turn = try takeTurn()
    let row = try inViews { () throws(ViewError) in try views.users.find(user) }
    let standing: ErasurePlan.Standing =
      if let erased = row?.erased {
        .erased(erased)
      } else if let definition = row?.definition {
        .defined(channels: definition.contacts.map(\.channel))
      } else {
        .unknown
      }
    let (pending, attempts, first) = try inViews { () throws(ViewError) in
      (
        try views.notices.pendingCount(of: user), try views.attempts.count(to: user),
        try views.streams.events(of: .user(user)).first?.id
      )
    }
    let copies = try first.map { (first) throws(LedgerError) in
      try copiesHandedOut(since: first, durable: turn.durable)
    }
    return ErasurePlan(
      user: user, standing: standing, hasKey: try keys.hasKey(user), pendingNotices: pending,
      attempts: attempts, exports: copies?.exports ?? [], archives: copies?.archives ?? 0)
  }

  /// Exports and archives that the ledger's own stream tells of, of more events than `first`.
  private func copiesHandedOut(
    since first: EventID, durable: LogPosition
  ) throws(LedgerError) -> (exports: [EntityID], archives: Int) {
    var exports: [EntityID] = []
    var archives = 0
    let events = try inViews { () throws(ViewError) in try views.streams.events(of: .ledger) }
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: durable)
    }
    for event in events where event.id > first {
      guard let line = try line(of: event.id, at: event.location, in: reader),
        let decoded = try? Event(decoding: line)
      else { continue }
      switch decoded.payload {
      case .ledgerExportIssued(let issued) where UInt64(issued.size) > first:
        exports.append(issued.exportID)
      case .ledgerArchived: archives += 1
      default: break
      }
    }
    return (exports, archives)
  }

  /// Destroys the keys of erased users that a crash, or keys put back from an older copy, left.
  ///
  /// The cost follows what was erased since the last time; where nothing was, it is one look-up.
  func carryOutErasures() throws(LedgerError) {
    let last = try inViews { () throws(ViewError) in try views.users.lastErasure() }
    guard let last else { return }
    try keys.carryOutErasures(upTo: last) { after, limit throws(LedgerError) in
      try inViews { () throws(ViewError) in
        try self.views.users.erased(after: after, limit: limit)
      }
    }
  }

  /// Destroys the keys of the users whom events have just erased, once these are durable.
  ///
  /// - Throws: `.erasureUnfinished`: the events are durable, and whoever opens next tries again.
  func carryOut(erasuresIn drafts: [EventDraft], _ turn: Turn) throws(LedgerError) {
    let users: [EntityID] = drafts.compactMap { draft in
      if case .userErased(let erased) = draft.payload { erased.userID } else { nil }
    }
    if users.isEmpty { return }
    try turn.makeDurable()
    do {
      try keys.destroy(users)
      try carryOutErasures()
    } catch {
      throw .erasureUnfinished(error)
    }
  }

  /// How users' keys stand against what the events say.
  package struct KeyCount: Sendable {
    /// Users who aren't erased and whose key is missing; the first few, and how many.
    package var missing: [EntityID] = []
    package var missingCount = 0
    /// Users who are erased and whose key is there.
    package var undestroyedCount = 0
  }

  /// Looks whether each user has the key that it should have; the cost follows the number of users.
  package func countKeys() throws(LedgerError) -> KeyCount {
    var count = KeyCount()
    keys.beginTurn()
    var last: EntityID?
    while true {
      let after = last
      let users = try inViews { () throws(ViewError) in
        try views.users.ids(after: after, limit: 10_000)
      }
      guard let end = users.last?.id else { return count }
      for user in users {
        switch (try keys.hasKey(user.id), user.isErased) {
        case (true, true): count.undestroyedCount += 1
        case (false, false):
          count.missingCount += 1
          if count.missing.count < 5 { count.missing.append(user.id) }
        case (true, false), (false, true): break
        }
      }
      last = end
    }
  }
}
