import Bytes
import EventLog
import Events
import Merkle
import Platform
import Views

/// What a turn appends through: the log itself, or a server that holds it for many.
protocol TurnLog: AnyObject {
  /// What opening the log found and did.
  var recovery: Recovery { get }
  /// The tree of all events that the turn sees, durable or not.
  var frontier: Frontier { get }
  var durable: LogPosition { get }
  /// The time of the last commit; the next one's isn't earlier.
  var lastTime: Instant { get }
  /// Who asks, where that isn't the process's own to say.
  var actor: String? { get }

  /// Appends one commit, and takes it into the views; it is durable with the answer, unless others
  /// share its sync.
  func append(
    _ events: [Event], _ lines: [[UInt8]], at time: Instant
  ) throws(LedgerError) -> Receipt

  /// Returns once all that was appended is durable.
  func makeDurable() throws(LedgerError)

  /// Closes the active segment; false where it is empty.
  func closeSegment(at time: Instant) throws(LedgerError) -> Bool

  /// Brings the stored hashes of the tree and the stream indexes to the log's end; what can't be done
  /// is left.
  func catchUpIndexes()

  /// Makes the stream indexes again from the log; a server's are left to it.
  func rebuildStreams()
}

/// The log under the writer's lock, which goes with the last reference.
///
/// Grouped, commits wait for one sync that all of them share: they are in the views' open transaction
/// before the next decision, and only there.
final class HeldLog: TurnLog {
  private let ledger: Ledger
  private var writer: LogWriter
  /// The stored hashes of the tree, as far as they could be brought to the log's end.
  private var tree: TreeIndex?
  /// The tree that they are of.
  private var hashed: Frontier
  /// Leaves that aren't in them yet.
  private var unhashed: [Digest] = []
  /// The stream indexes, as far as they could be brought to the log's end.
  private var streams: StreamIndexes?
  /// Commits that aren't in them yet.
  private var unindexed: [(receipt: Receipt, lines: [[UInt8]])] = []
  /// Commits that aren't in the views yet.
  private var unprojected: [Commit] = []
  /// Events in the views' open transaction.
  private var uncommitted = 0
  /// Why the views don't follow; they are caught up from the log then.
  private(set) var viewFailure: ViewError?
  /// Why the writer is stopped.
  private(set) var failure: LogError?
  var isGrouped = false
  var hasUncommittedViews: Bool { uncommitted > 0 }

  private struct Commit {
    let events: [Event]
    let lengths: [Int]
    let receipt: Receipt
    let end: LogPosition
  }

  init(_ ledger: Ledger, _ writer: consuming LogWriter) {
    self.ledger = ledger
    hashed = writer.frontier
    self.writer = writer
  }

  var recovery: Recovery { writer.recovery }
  var frontier: Frontier { writer.frontier }
  var durable: LogPosition { writer.durable }
  var lastTime: Instant { writer.lastTime }
  var actor: String? { nil }
  /// How many events whole commits hold that were handed to the system.
  var handedOver: UInt64 { writer.handedOver }

  func append(
    _ events: [Event], _ lines: [[UInt8]], at time: Instant
  ) throws(LedgerError) -> Receipt {
    let receipt: Receipt
    do throws(LogError) {
      receipt = try writer.stage(lines, time: time)
    } catch {
      throw failed(error)
    }
    unprojected.append(
      Commit(events: events, lengths: lines.map(\.count), receipt: receipt, end: writer.end))
    unhashed += receipt.leaves
    if streams != nil { unindexed.append((receipt, lines)) }
    if isGrouped { return receipt }
    do throws(LogError) {
      try synchronize(projectingMeanwhile: lines.count >= Self.largeCommit)
    } catch {
      resetViews()
      unhashed = []
      unindexed = []
      throw failed(error)
    }
    projectAll()
    commitViews()
    storeIndexes()
    return receipt
  }

  /// Commits of fewer events aren't worth a thread.
  private static let largeCommit = 256

  /// Makes what was appended durable.
  ///
  /// - Parameter projecting: Whether it goes into the views' open transaction meanwhile, from another thread.
  private func synchronize(projectingMeanwhile projecting: Bool) throws(LogError) {
    guard projecting else { return try writer.synchronize() }
    // Nothing else uses the views while the writer waits, and the writer isn't what they are made of.
    let log = Handed(self)
    try writer.synchronize(with: { doAtOnce($0, $1) }) { log.value.projectAll() }
  }

  func makeDurable() throws(LedgerError) {
    do throws(LogError) { try writer.synchronize() } catch { throw failed(error) }
  }

  func closeSegment(at time: Instant) throws(LedgerError) -> Bool {
    do throws(LogError) { return try writer.closeSegment(at: time) } catch {
      throw failed(error)
    }
  }

  private func failed(_ error: LogError) -> LedgerError {
    switch error {
    case .notWritten, .outcomeUnknown, .writerStopped: failure = failure ?? error
    default: break
    }
    return .log(error)
  }

  // MARK: - What follows the log

  /// Takes what was appended into the views' transaction, which stays open.
  func projectAll() {
    guard viewFailure == nil, !unprojected.isEmpty else { return }
    let views = ledger.views
    do throws(ViewError) {
      if uncommitted == 0 { try views.begin() }
      guard views.isInTransaction else {
        throw ViewError.malformed(statement: "a transaction that was rolled back", column: 0)
      }
      for commit in unprojected { try project(commit, into: views) }
      unprojected = []
    } catch {
      forgetViews(error)
    }
  }

  private func project(_ commit: Commit, into views: ViewStore) throws(ViewError) {
    var offset = commit.receipt.bodyOffset
    for (event, length) in zip(commit.events, commit.lengths) {
      let location = EventLocation(
        segment: commit.receipt.segment, offset: offset, length: length)
      try views.apply(
        event, at: location, commit: commit.receipt.first...commit.receipt.size - 1)
      offset += UInt64(length + 1)
    }
    uncommitted += commit.events.count
  }

  /// Makes what is in the transaction the views' content; all of it has to be durable.
  ///
  /// - Parameter least: Only where it is so many events.
  func commitViews(least: Int = 1) {
    guard uncommitted >= least, viewFailure == nil else { return }
    let end = writer.durable
    do throws(ViewError) {
      try ledger.views.commit(
        Cursor(
          next: end.size, root: writer.frontier.root, segment: end.segment, offset: end.offset))
      uncommitted = 0
    } catch {
      forgetViews(error)
    }
  }

  /// What fails here loses nothing: who has the lock next catches up.
  private func forgetViews(_ error: ViewError) {
    ledger.views.rollback()
    unprojected = []
    uncommitted = 0
    viewFailure = error
    ledger.tell(.viewsBehind(error))
  }

  /// Forgets what the transaction holds, and why the views don't follow.
  func resetViews() {
    ledger.views.rollback()
    unprojected = []
    uncommitted = 0
    viewFailure = nil
  }

  /// Lets the tree's hashes and the stream indexes follow; all that was appended has to be durable.
  func storeIndexes() {
    do throws(StorageError) {
      try tree?.append(unhashed, to: &hashed)
    } catch {
      tree = nil
    }
    unhashed = []
    do throws(StorageError) {
      try streams?.append(unindexed)
    } catch {
      streams = nil
    }
    unindexed = []
  }

  func rebuildStreams() {
    streams = nil
    try? StreamIndexes.remove(from: ledger.storage)
    catchUpIndexes()
  }

  func catchUpIndexes() {
    unhashed = []
    hashed = writer.frontier
    tree = try? ledger.catchUpTree(to: writer.frontier, durable: writer.durable)
    unindexed = []
    streams = try? StreamIndexes(
      catchingUp: ledger.storage, identity: ledger.identity, to: writer.durable)
  }

  // MARK: - A resident writer's

  /// Keeps the active segment filled ahead.
  func fillAhead(_ bytes: UInt64) { writer.fillAhead(bytes) }

  /// Makes `head` itself durable.
  func synchronizeHead() throws(LedgerError) {
    do { try writer.synchronizeHead() } catch { throw .log(error) }
  }

  /// Leaves the log as one that nobody has open.
  func close() throws(LedgerError) {
    do throws(LogError) {
      try writer.cutFill()
      try writer.synchronizeHead()
    } catch {
      throw failed(error)
    }
  }
}
