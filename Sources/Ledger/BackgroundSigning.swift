import EventLog
import Merkle
import Platform
import Synchronization
import Views

/// Signs checkpoints beside a server's commits, on a thread of its own: at most one a second.
final class BackgroundSigning {
  private let path: LedgerPath
  private let shared = Shared()
  /// Since when events wait for a checkpoint, on the monotonic clock; `nil` where none do.
  private var unsignedSince: UInt64?
  private var lastBegun: UInt64?

  private static let spanNanoseconds: UInt64 = 1_000_000_000

  private final class Shared: Sendable {
    let isBusy = Atomic(false)
    let failure = Mutex<LedgerError?>(nil)
  }

  init(_ path: LedgerPath) { self.path = path }

  /// Events were appended.
  func note() { unsignedSince = unsignedSince ?? SystemClock.monotonicNanoseconds() }

  /// How long it is until the next may be signed; `nil` where none is to be.
  var waitMilliseconds: Int? {
    guard unsignedSince != nil else { return nil }
    if shared.isBusy.load(ordering: .acquiring) { return 50 }
    guard let lastBegun else { return 0 }
    let now = SystemClock.monotonicNanoseconds()
    let end = lastBegun + Self.spanNanoseconds
    return now < end ? Int((end - now) / 1_000_000) + 1 : 0
  }

  /// Signs where events wait for it and a second has passed since the last time.
  func signIfDue(_ head: TreeHead) {
    guard waitMilliseconds == 0, !shared.isBusy.load(ordering: .acquiring) else { return }
    unsignedSince = nil
    lastBegun = SystemClock.monotonicNanoseconds()
    shared.isBusy.store(true, ordering: .releasing)
    let (path, shared) = (path, shared)
    let isStarted = startThread {
      do throws(LedgerError) {
        let ledger = try Ledger(path, surroundings: .system(), usesServer: false)
        try ledger.signCheckpoint(of: head)
        ledger.views.database.copyBack()
      } catch {
        shared.failure.withLock { $0 = error }
      }
      shared.isBusy.store(false, ordering: .releasing)
    }
    if !isStarted { shared.isBusy.store(false, ordering: .releasing) }
  }

  /// The same while others wait, once events have waited for a second.
  func signIfLate(_ head: TreeHead) {
    guard let unsignedSince,
      SystemClock.monotonicNanoseconds() - unsignedSince >= Self.spanNanoseconds
    else { return }
    signIfDue(head)
  }

  /// Why the last one couldn't be signed, once.
  func takeFailure() -> LedgerError? {
    shared.failure.withLock { failure in
      defer { failure = nil }
      return failure
    }
  }
}
