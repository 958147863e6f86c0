package import Bytes
package import Dispatching
import EventLog
package import Events
import Merkle
import Platform
import Views

/// What a call of commands answers (design: one JSON object, keys only ever added).
package struct CallReceipt: Sendable {
  /// Whether an earlier call with the same key was answered again.
  package let isRepeated: Bool
  /// The ids of the events that hold it; `nil` where nothing had to be appended.
  package let events: ClosedRange<EventID>?
  /// The ledger's size and root after them.
  package let size: UInt64
  package let root: Digest
  package let results: [ReceiptResult]

  /// Whether a command was rejected.
  package var hasRejection: Bool {
    results.contains { result in
      if case .dispatch(let dispatch) = result { dispatch.outcome == .rejected } else { false }
    }
  }

  package var document: JSONObject {
    var document = JSONObject()
    document["first"] = events.map { .string(String($0.lowerBound)) }
    document["last"] = events.map { .string(String($0.upperBound)) }
    document["repeated"] = .bool(isRepeated)
    document["results"] = .array(results.map { .object($0.document) })
    document["root"] = .string(root.base64)
    document["size"] = .string(String(size))
    document["v"] = 1
    return document
  }
}

extension Ledger {
  /// Decides commands in order and appends what they come to as one commit.
  ///
  /// - Parameters:
  ///   - key: The same key with the same commands answers with the first call's receipt, for ever.
  ///   - expected: The size that the ledger must have.
  /// - Throws: `.keyReused`, `.unexpectedSize`, `.notFound`, `.refused`, `.callTooLarge`: nothing
  ///   was appended then. `.log` with `.outcomeUnknown`: the call may be repeated with its key.
  package func submit(
    _ commands: [Command], key: String, expected: UInt64? = nil
  ) throws(LedgerError) -> CallReceipt {
    let hash = try keys.idempotencyHash(of: Command.canonicalBytes(of: commands))
    let turn = try takeTurn()
    let known = try inViews { () throws(ViewError) in try views.idempotencyKeys.find(key) }
    if let known {
      guard known.hash == hash else { throw .keyReused(key: key, first: known.first) }
      return try repeated(known.first, turn)
    }
    if let expected, expected != turn.size {
      throw .unexpectedSize(expected: expected, found: turn.size)
    }
    try prepareKeys(for: commands)
    let drafts = try decide(commands, turn)
    let results = ReceiptResult.all(of: drafts.map(\.payload))
    guard !drafts.isEmpty else {
      return CallReceipt(
        isRepeated: false, events: nil, size: turn.size, root: turn.root, results: results)
    }
    let first = turn.size
    let idempotency = IdempotencyKey(text: key, hash: hash)
    if commands.count == 1, case .dispatch = commands[0] {
      // A resolution that doesn't fit in one commit follows in others; whoever opens finishes it.
      var rest = CommitParts(drafts).makeIterator()
      if let part = rest.next() { try turn.commit(part, key: idempotency) }
      while let part = rest.next() { try turn.commit(part) }
    } else {
      try turn.commit(drafts, key: idempotency)
    }
    return CallReceipt(
      isRepeated: false, events: first...turn.size - 1, size: turn.size, root: turn.root,
      results: results)
  }

  /// What the commands would append, without appending it.
  package func decideOnly(_ commands: [Command]) throws(LedgerError) -> [ReceiptResult] {
    let turn = try takeTurn()
    try prepareKeys(for: commands)
    return ReceiptResult.all(of: try decide(commands, turn).map(\.payload))
  }

  private func prepareKeys(for commands: [Command]) throws(LedgerError) {
    var users: [EntityID] = []
    for case .importCatalogue(let catalogue) in commands {
      for user in catalogue.users {
        let row = try inViews { () throws(ViewError) in try views.users.find(user.id) }
        if row?.erased == nil { users.append(user.id) }
      }
    }
    try keys.prepare(users)
  }

  private func decide(
    _ commands: [Command], _ turn: Turn
  ) throws(LedgerError) -> [EventDraft] {
    guard commands.count > 1 else {
      return try commands.first.map { (command) throws(LedgerError) in
        try decide(command, index: 0, turn.decider())
      } ?? []
    }
    return try turn.overlaying { (apply) throws(LedgerError) in
      var all: [EventDraft] = []
      for (index, command) in commands.enumerated() {
        let nextID = turn.size + UInt64(all.count)
        let drafts = try self.decide(command, index: index, turn.decider(nextID: nextID))
        if index < commands.count - 1 { try apply(drafts) }
        all += drafts
      }
      return all
    }
  }

  private func decide(
    _ command: Command, index: Int, _ decider: Decider<ViewState>
  ) throws(LedgerError) -> [EventDraft] {
    let decision = try inDecision { () throws(DecisionError<ViewError>) in
      try decider.decide(command)
    }
    if case .rejected(let rejection) = decision, rejection.drafts.isEmpty {
      switch rejection.kind {
      case .notFound: throw .notFound(index: index, rejection.reasons)
      case .brokenRules: throw .refused(index: index, rejection.reasons)
      }
    }
    return decision.drafts
  }

  /// Makes the receipt of an earlier call again, from the log alone.
  private func repeated(_ first: EventID, _ turn: Turn) throws(LedgerError) -> CallReceipt {
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: turn.durable)
    }
    var cursor = reader.events(from: first)
    var payloads: [EventPayload] = []
    var last: StoredEvent?
    while let stored = try inLog({ () throws(LogError) in try cursor.read() }) {
      let event: Event
      do { event = try Event(decoding: stored.line) } catch {
        throw .unreadableEvent(stored.id, error)
      }
      // The call's own commit, and those that only carry on with its last resolution.
      if let last, stored.commit.first != last.commit.first {
        guard case .recipientsResolved(let chunk) = event.payload,
          case .recipientsResolved(let before)? = payloads.last, !before.isLast,
          chunk.dispatchID == before.dispatchID
        else { break }
      }
      payloads.append(event.payload)
      last = stored
    }
    guard let last else {
      throw .log(.damaged(ids: first..<turn.size, segment: 0, offset: 0))
    }
    return CallReceipt(
      isRepeated: true, events: first...last.id, size: last.commit.end, root: last.commit.root,
      results: ReceiptResult.all(of: payloads))
  }
}
