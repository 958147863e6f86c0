package import Bytes
package import Dispatching
package import EventLog
import Events
package import Merkle
import Platform
package import Views

/// The one writer of a ledger for as long as a process lives: decides the calls of many one after the
/// other, and makes what they come to durable with one sync.
///
/// Each call is a commit of its own with its own receipt, decided on all that comes before it, durable or not. It
/// belongs to one thread.
package final class CommitGroup {
  private let ledger: Ledger
  private let log: HeldLog
  /// Whether views, tree and keys follow the log.
  private var isPrepared = true
  /// When the views' transaction began, on the monotonic clock.
  private var uncommittedSince: UInt64?

  /// How far the active segment is filled ahead.
  private static let fillBytes: UInt64 = 1 << 20
  /// So many events, or those of so long, are in the views' transaction before it is committed.
  private static let viewEvents = 4_096
  private static let viewNanoseconds: UInt64 = 1_000_000_000
  /// How long a process that writes the views past the lock is waited for.
  private static let viewPatienceMilliseconds: Int32 = 250

  /// Takes the writer's lock, for good.
  ///
  /// - Throws: As ``Ledger/takeTurn()``; `.serverHolds` where another process has it the same way.
  package init(_ ledger: Ledger) throws(LedgerError) {
    let turn = try ledger.turn(holding: ledger.lockForWriting())
    guard let log = turn.log as? HeldLog else {
      fatalError("invariant broken: a turn under the lock isn't the log's own")
    }
    ledger.views.database.leaveCopyingBack(patienceMilliseconds: Self.viewPatienceMilliseconds)
    self.ledger = ledger
    self.log = log
    log.isGrouped = true
    log.fillAhead(Self.fillBytes)
  }

  deinit { log.resetViews() }

  /// What is durable.
  package var durable: LogPosition { log.durable }
  /// Size and root of all that is durable; only where nothing waits for its sync.
  package var head: TreeHead { log.frontier.head }
  /// Why nothing can be appended any more.
  package var failure: LogError? { log.failure }

  // MARK: - Calls

  /// Decides calls in order, and makes all that they come to durable with one sync.
  ///
  /// - Returns: An answer for each, all of them durable; ``settle(isIdle:)`` follows.
  package func perform(_ calls: [GroupedCall]) -> [GroupedAnswer] {
    var answers = calls.map { call in answer(to: call) }
    do throws(LedgerError) { try log.makeDurable() } catch {
      for index in answers.indices { answers[index] = afterFailure(answers[index], error) }
      // Whoever opens next needs them.
      log.resetViews()
    }
    return answers
  }

  private func answer(to call: GroupedCall) -> GroupedAnswer {
    do throws(LedgerError) {
      try catchUp()
      let step = CallStep(
        call: Call(call.commands), entries: call.entries, keys: try CallKeys(call.key),
        hash: try ledger.keys.idempotencyHash(
          of: Command.canonicalBytes(of: call.commands)), expected: call.expected)
      let turn = Turn(ledger: ledger, log: log, actor: call.actor)
      switch try ledger.decide(step, after: 0, turn) {
      case .done(let batch): return .done(batch, place: turn.firstReceipt?.commitPlace)
      case .earlier(let row, let entries): return .earlier(row, entries: entries.upperBound)
      }
    } catch {
      return .failed(error)
    }
  }

  /// What an answer is worth after the writer has failed.
  private func afterFailure(
    _ answer: GroupedAnswer, _ error: LedgerError
  ) -> GroupedAnswer {
    let last: UInt64
    switch answer {
    case .done(let batch, _): last = batch.events?.lowerBound ?? batch.size - 1
    case .earlier(let row, _): last = row.first
    case .failed: return answer
    }
    if last < log.durable.size { return answer }
    guard case .log(let failure) = error, let storage = (log.failure ?? failure).storage else {
      return .failed(error)
    }
    return .failed(.log(last < log.handedOver ? .outcomeUnknown(storage) : .notWritten(storage)))
  }

  /// Lets the views follow all that was decided, as the next decision needs it.
  private func catchUp() throws(LedgerError) {
    if isPrepared {
      log.projectAll()
      if log.viewFailure == nil { return }
      isPrepared = false
    }
    try log.makeDurable()
    log.isGrouped = false
    defer { log.isGrouped = true }
    log.resetViews()
    try ledger.prepare(Turn(ledger: ledger, log: log))
    isPrepared = true
  }

  /// Does what may follow the answers: views, indexes, fill.
  ///
  /// - Parameter isIdle: Whether nobody waits.
  package func settle(isIdle: Bool) {
    guard log.failure == nil else { return }
    log.projectAll()
    log.storeIndexes()
    let now = SystemClock.monotonicNanoseconds()
    let since = uncommittedSince ?? now
    uncommittedSince = since
    let isDue = isIdle || now - since >= Self.viewNanoseconds
    log.commitViews(least: isDue ? 1 : Self.viewEvents)
    if !log.hasUncommittedViews { uncommittedSince = nil }
    log.fillAhead(Self.fillBytes)
  }

  /// Makes `head` itself durable.
  package func synchronizeHead() throws(LedgerError) { try log.synchronizeHead() }

  // MARK: - Turns of others

  /// Lets another process decide on the views as they are, and append by ``append(_:actor:)``, until
  /// ``takeBack()``; meanwhile nobody else may.
  package func lend() -> (position: LogPosition, lastTime: Instant, frontier: Frontier) {
    // Where the views can't follow, whoever has the turn meets that too.
    try? catchUp()
    settle(isIdle: true)
    log.isGrouped = false
    return (log.durable, log.lastTime, log.frontier)
  }

  /// Appends a commit that another process has decided, durably.
  ///
  /// - Returns: `nil` where it isn't one that could follow: nothing was appended.
  package func append(_ lines: [[UInt8]], actor: String) throws(LedgerError) -> Receipt? {
    var events: [Event] = []
    let decoder = EventDecoder()
    for line in lines {
      guard let event = try? decoder.event(of: line),
        event.id == log.frontier.size + UInt64(events.count),
        event.time == events.first?.time ?? event.time, event.time >= log.lastTime,
        sameBytes(event.source, ledger.identity.origin), sameBytes(event.actor ?? "", actor),
        events.isEmpty || event.idempotencyKey == nil
      else { return nil }
      events.append(event)
    }
    guard let first = events.first else { return nil }
    return try log.append(events, lines, at: first.time)
  }

  /// Closes the active segment, for whoever has the turn.
  package func closeSegment() throws(LedgerError) -> Bool {
    try Turn(ledger: ledger, log: log).closeSegment()
  }

  /// Ends another's turn.
  package func takeBack() {
    // What the other did to keys and views is looked at before the next decision.
    isPrepared = false
    log.isGrouped = true
  }

  // MARK: - The end

  /// Leaves the log as one that nobody has open; the lock goes with the last reference.
  package func close() throws(LedgerError) {
    settle(isIdle: true)
    try log.close()
  }
}

/// A call that somebody waits for.
package struct GroupedCall {
  package let commands: [Command]
  /// How many entries they are, as the caller counts them.
  package let entries: Int
  package let key: String
  package let expected: UInt64?
  /// Who asks.
  package let actor: String

  package init(
    commands: [Command], entries: Int, key: String, expected: UInt64?, actor: String
  ) {
    self.commands = commands
    self.entries = entries
    self.key = key
    self.expected = expected
    self.actor = actor
  }
}

package enum GroupedAnswer {
  /// What it came to, and where its first commit begins.
  case done(CallReceipt.Batch, place: LogPosition?)
  /// The first `entries` were done before, by the commit that the row names.
  case earlier(IdempotencyRow, entries: Int)
  case failed(LedgerError)
}

extension Receipt {
  /// Where the commit begins.
  fileprivate var commitPlace: LogPosition {
    LogPosition(size: first, segment: segment, offset: bodyOffset - UInt64(CommitLine.length))
  }
}

extension LogError {
  /// What the writer failed with.
  fileprivate var storage: StorageError? {
    switch self {
    case .notWritten(let error), .outcomeUnknown(let error), .storage(let error): error
    default: nil
    }
  }
}
