package import Bytes
package import Dispatching
import EventLog
package import Events
import Merkle
import Platform
import Views

/// What a call of commands answers (design: one JSON object, keys only ever added).
package struct CallReceipt: Sendable {
  /// What became of some of the call's entries: one commit, or none where nothing changed.
  package struct Batch: Sendable {
    /// Whether they were done before, by a call with the same key.
    package let isRepeated: Bool
    /// The entries, counted from 0.
    package let entries: Range<Int>
    /// The ids of the events that hold it.
    package let events: ClosedRange<EventID>?
    /// The ledger's size and root after them.
    package let size: UInt64
    package let root: Digest?
    let results: [ReceiptResult]
    /// Whether the events are archived, so that nothing more can be told of them.
    var isArchived = false

    var document: JSONObject {
      var document = JSONObject()
      document["entries"] = .integer(Int64(entries.upperBound))
      document["first"] = events.map { .string(String($0.lowerBound)) }
      document["last"] = events.map { .string(String($0.upperBound)) }
      document["repeated"] = .bool(isRepeated)
      if isArchived { document["archived"] = true }
      return document
    }
  }

  /// At least one; one alone where the call wasn't divided.
  package private(set) var batches: [Batch]
  package private(set) var results: [ReceiptResult]
  private let isDivided: Bool

  package init(_ first: Batch, isDivided: Bool = false) {
    batches = [first]
    results = first.results
    self.isDivided = isDivided
  }

  fileprivate mutating func add(_ batch: Batch) {
    ReceiptResult.add(batch.results, to: &results)
    batches.append(batch)
  }

  /// Whether all of it was answered before, by an earlier call with the same key.
  package var isRepeated: Bool {
    batches.contains(where: \.isRepeated)
      && batches.allSatisfy { $0.isRepeated || $0.events == nil }
  }

  /// From the first to the last event of it, or `nil` where nothing had to be appended.
  ///
  /// Of a call that was divided, events of others may stand between.
  package var events: ClosedRange<EventID>? {
    let all = batches.compactMap(\.events)
    guard let first = all.first, let last = all.last else { return nil }
    return first.lowerBound...last.upperBound
  }

  /// The ledger's size and root after them.
  package var size: UInt64 { batches[batches.count - 1].size }
  package var root: Digest? { batches[batches.count - 1].root }
  /// Whether it was done before and its events are archived, so that nothing more can be told of them.
  package var isArchived: Bool { batches.contains(where: \.isArchived) }

  /// Whether a command was rejected.
  package var hasRejection: Bool {
    results.contains { result in
      if case .dispatch(let dispatch) = result { dispatch.outcome == .rejected } else { false }
    }
  }

  package var document: JSONObject {
    var document = JSONObject()
    if isDivided || batches.count > 1 {
      document["batches"] = .array(batches.map { .object($0.document) })
    }
    document["first"] = events.map { .string(String($0.lowerBound)) }
    document["last"] = events.map { .string(String($0.upperBound)) }
    if isArchived { document["archived"] = true }
    document["repeated"] = .bool(isRepeated)
    document["results"] = .array(results.map { .object($0.document) })
    document["root"] = root.map { .string($0.base64) }
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
  /// - Throws: `.keyReused`, `.badKey`, `.unexpectedSize`, `.notFound`, `.refused`,
  ///   `.callTooLarge`: nothing was appended then. `.log` with `.outcomeUnknown`: the call may be
  ///   repeated with its key.
  package func submit(
    _ commands: [Command], key: String, expected: UInt64? = nil
  ) throws(LedgerError) -> CallReceipt {
    try submit(Call(commands), key: key, expected: expected)
  }

  /// Decides a call's entries in order, and appends what they come to as one commit or, divided, as
  /// one after each `batch` entries.
  ///
  /// A call that was cut between two commits goes on after the last one when it is repeated with
  /// its key, whatever `batch` is then. The lock is let go between two commits.
  ///
  /// - Parameters:
  ///   - expected: The size that the ledger must have before the first commit.
  ///   - report: Told what became of each part, once that is durable.
  /// - Throws: As for commands; what was reported is done all the same.
  package func submit(
    _ call: Call, key: String, expected: UInt64? = nil, batch: Int? = nil,
    report: (CallReceipt.Batch) -> Void = { _ in }
  ) throws(LedgerError) -> CallReceipt {
    let step = CallStep(
      call: call, keys: try CallKeys(key),
      hash: try keys.idempotencyHash(of: call.canonicalBytes), expected: expected,
      size: batch ?? call.count)
    let first: CallReceipt.Batch
    if let served = try askServer(step) {
      first = served
    } else {
      first = try perform(step, after: 0)
    }
    report(first)
    var receipt = CallReceipt(first, isDivided: batch != nil)
    var done = first.entries.upperBound
    while done < call.count {
      let next = try perform(step, after: done)
      report(next)
      receipt.add(next)
      done = next.entries.upperBound
    }
    return receipt
  }

  /// Does the entries that follow the first `done`, unless they were done before.
  private func perform(
    _ step: CallStep, after done: Int
  ) throws(LedgerError) -> CallReceipt.Batch {
    let turn = try takeTurn()
    defer { withExtendedLifetime(turn) {} }
    switch try decide(step, after: done, turn) {
    case .done(let batch): return batch
    case .earlier(let row, let entries): return try repeated(row, entries, turn.durable)
    }
  }

  /// Does the same in a turn; what was done before is only named.
  func decide(
    _ step: CallStep, after done: Int, _ turn: Turn
  ) throws(LedgerError) -> StepOutcome {
    let call = step.call
    if let earlier = try earlier(step, after: done) {
      return .earlier(earlier.row, done..<earlier.entries)
    }
    if done == 0, let expected = step.expected, expected != turn.size {
      throw .unexpectedSize(expected: expected, found: turn.size)
    }
    let end = done + min(step.size, call.count - done)
    let isWhole = done == 0 && end == call.count
    if done == 0, !isWhole, let catalogue = call.catalogue { try refuseBroken(catalogue, turn) }
    let commands = call.commands(done..<end)
    try prepareKeys(for: commands)
    let drafts = try decide(commands, from: call.catalogue == nil ? done : 0, turn)
    let results = ReceiptResult.all(of: drafts.map(\.payload))
    guard !drafts.isEmpty else {
      return .done(
        CallReceipt.Batch(
          isRepeated: false, entries: done..<end, events: nil, size: turn.size, root: turn.root,
          results: results))
    }
    let first = turn.size
    let key = IdempotencyKey(
      text: isWhole ? step.keys.text : step.keys.batch(upTo: end), hash: step.hash)
    if commands.count == 1, commands[0].isResolved {
      try commitResolution(drafts, key, turn)
    } else {
      try turn.commit(drafts, key: key)
    }
    try carryOut(erasuresIn: drafts, turn)
    return .done(
      CallReceipt.Batch(
        isRepeated: false, entries: done..<end, events: first...turn.size - 1, size: turn.size,
        root: turn.root, results: results))
  }

  /// Appends a request or a change with whom it concerns: a resolution that doesn't fit in one commit
  /// follows in others, and whoever opens finishes it.
  private func commitResolution(
    _ drafts: [EventDraft], _ key: IdempotencyKey, _ turn: Turn
  ) throws(LedgerError) {
    do {
      try turn.commit(drafts, key: key)
    } catch {
      guard case .callTooLarge = error else { throw error }
      var rest = CommitParts(drafts).makeIterator()
      if let part = rest.next() { try turn.commit(part, key: key) }
      while let part = rest.next() { try turn.commit(part) }
    }
  }

  /// The next commit of an earlier call with the same key, and how many entries are done with it.
  private func earlier(
    _ step: CallStep, after done: Int
  ) throws(LedgerError) -> (row: IdempotencyRow, entries: Int)? {
    let text = step.keys.text
    let found = try inViews { () throws(ViewError) -> (IdempotencyRow, Int)? in
      if done == 0, let row = try views.idempotencyKeys.find(text) { return (row, step.entries) }
      let bounds = step.keys.bounds(after: done)
      guard
        let row = try views.idempotencyKeys.first(after: bounds.lower, before: bounds.upper),
        let entries = step.keys.entries(upTo: row.key)
      else { return nil }
      return (row, entries)
    }
    guard let (row, entries) = found else { return nil }
    guard row.hash == step.hash, entries <= step.entries else {
      throw .keyReused(key: text, first: row.first)
    }
    return (row, entries)
  }

  /// Refuses a catalogue that is to be imported in parts before the first of them.
  private func refuseBroken(
    _ catalogue: CatalogueDocument, _ turn: Turn
  ) throws(LedgerError) {
    let decider = try turn.decider()
    let reasons = try inDecision { () throws(DecisionError<ViewError>) in
      try decider.brokenReferences(of: catalogue)
    }
    if !reasons.isEmpty { throw .refused(index: 0, reasons) }
  }

  /// What the call would append, without appending it.
  package func decideOnly(_ call: Call) throws(LedgerError) -> [ReceiptResult] {
    let commands = call.commands(0..<call.count)
    let turn = try takeTurn()
    try prepareKeys(for: commands)
    return ReceiptResult.all(of: try decide(commands, from: 0, turn).map(\.payload))
  }

  private func prepareKeys(for commands: [Command]) throws(LedgerError) {
    var users: [EntityID] = []
    for case .importCatalogue(let catalogue) in commands {
      for user in catalogue.users {
        let row = try inViews { () throws(ViewError) in try views.users.find(user.id) }
        if row?.erased == nil { users.append(user.id) }
      }
    }
    for case .result(let result) in commands where result.report.detail != nil {
      try keys.prepareForOrphans()
    }
    try keys.prepare(users)
  }

  private func decide(
    _ commands: [Command], from first: Int, _ turn: Turn
  ) throws(LedgerError) -> [EventDraft] {
    guard commands.count > 1 else {
      return try commands.first.map { (command) throws(LedgerError) in
        try decide(command, index: first, turn.decider())
      } ?? []
    }
    return try turn.overlaying { (apply) throws(LedgerError) in
      var all: [EventDraft] = []
      for (index, command) in commands.enumerated() {
        let nextID = turn.size + UInt64(all.count)
        let drafts = try self.decide(
          command, index: first + index, turn.decider(nextID: nextID))
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

  /// What an event is about, as its line says; `nil` where it can't be read.
  func subject(of event: EventID, durable: LogPosition) -> Subject? {
    guard let reader = try? LogReader(storage, identity: identity, durable: durable) else {
      return nil
    }
    if event < reader.first { return (try? views.streams.subject(of: event)) ?? nil }
    var cursor = reader.events(from: event)
    guard let stored = try? cursor.read(), stored.id == event else { return nil }
    return try? Event(decoding: stored.line).subject
  }

  /// Makes the receipt of an earlier commit again, from the log alone.
  func repeated(
    _ row: IdempotencyRow, _ entries: Range<Int>, _ durable: LogPosition
  ) throws(LedgerError) -> CallReceipt.Batch {
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: durable)
    }
    // The snapshot vouches for the key; what it came to is told by the archive alone.
    if row.first < reader.first {
      return CallReceipt.Batch(
        isRepeated: true, entries: entries, events: row.first...row.last, size: row.size,
        root: nil, results: [], isArchived: true)
    }
    var cursor = reader.events(from: row.first, hint: row.hint)
    // Where the views are wrong about the place, nothing that can be read stands there.
    guard let begun = try? cursor.read(), let first = try? Event(decoding: begun.line),
      let key = first.idempotencyKey, sameBytes(key, row.key), first.idempotencyHash == row.hash
    else { throw .unconfirmedKey(row.key, event: row.first) }
    var payloads = [first.payload]
    var last = begun
    while let stored = try inLog({ () throws(LogError) in try cursor.read() }) {
      let event: Event
      do { event = try Event(decoding: stored.line) } catch {
        throw .unreadableEvent(stored.id, error)
      }
      // The call's own commit, and those that only carry on with its last resolution.
      if stored.commit.first != last.commit.first {
        guard case .recipientsResolved(let before)? = payloads.last, !before.isLast else { break }
        // What a crash between them left is told of first.
        if event.subject == .ledger { continue }
        guard case .recipientsResolved(let chunk) = event.payload,
          chunk.dispatchID == before.dispatchID
        else { break }
      }
      payloads.append(event.payload)
      last = stored
    }
    return CallReceipt.Batch(
      isRepeated: true, entries: entries, events: row.first...last.id, size: last.commit.end,
      root: last.commit.root, results: ReceiptResult.all(of: payloads))
  }
}

extension Command {
  /// Whether it says whom a dispatch concerns, however many they are.
  fileprivate var isResolved: Bool {
    switch self {
    case .dispatch, .modify, .end, .cancel: true
    default: false
    }
  }
}

/// What became of some entries of a call.
enum StepOutcome {
  case done(CallReceipt.Batch)
  /// These entries were done before: the commit that a key's row names.
  case earlier(IdempotencyRow, Range<Int>)
}

/// What all steps of one call have in common.
struct CallStep {
  let call: Call
  /// How many entries the call has, as whoever made it counts them.
  let entries: Int
  let keys: CallKeys
  let hash: HexDigest
  let expected: UInt64?
  /// How many entries one commit holds at most.
  let size: Int

  init(
    call: Call, entries: Int? = nil, keys: CallKeys, hash: HexDigest, expected: UInt64?,
    size: Int? = nil
  ) {
    self.call = call
    self.entries = entries ?? call.count
    self.keys = keys
    self.hash = hash
    self.expected = expected
    self.size = size ?? call.count
  }
}
