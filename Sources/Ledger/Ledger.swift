import Audit
import Bytes
import Dispatching
package import EventLog
import Events
import Merkle
import Platform
package import Views

/// A ledger that is open for writing: its files, keys and views, but not yet the writer's lock.
///
/// The lock is held for one ``Turn``: whoever takes it reads `head` again and catches up, so that
/// each decision is made on all that is durable.
package final class Ledger {
  package let path: LedgerPath
  package let identity: LedgerIdentity
  package let storage: any Storage
  package private(set) var views: ViewStore
  let surroundings: Surroundings
  let keys: KeyStore
  /// How long the writer's lock is waited for.
  let patienceMilliseconds: Int
  /// Tells whoever runs the call what was put right on the way.
  package var tell: (LedgerNote) -> Void = { _ in }
  /// The server that holds the writer's lock, where one runs.
  let server: ServerAccess
  /// The snapshot that stands for what is archived, once it was asked for.
  var openedSnapshot: LogSnapshot?

  /// Opens the ledger in a directory.
  ///
  /// - Parameter usesServer: Whether a server that holds the lock is asked, and not waited for.
  /// - Throws: `.noLedger`, `.log` with `.badIdentity` or `.unknownFormat`, `.views`.
  package convenience init(
    _ path: LedgerPath, surroundings: Surroundings, patienceMilliseconds: Int = 10_000,
    usesServer: Bool = true
  ) throws(LedgerError) {
    guard
      try inFiles({ () throws(PlatformError) in
        try exists(joinPath(path.directory, LogPath.identity))
      })
    else { throw .noLedger(directory: path.directory) }
    let description = joinPath(path.directory, LogArchive.description)
    if try inFiles({ () throws(PlatformError) in try exists(description) }) {
      throw .isArchive(directory: path.directory)
    }
    let storage = try inStorage { () throws(StorageError) in
      try FileStorage.openAsShared(directory: path.directory)
    }
    try Self.refuseUntrusted(storage, path, [".", LogPath.logDirectory], .directory)
    try self.init(
      path, in: storage, surroundings: surroundings, patienceMilliseconds: patienceMilliseconds,
      usesServer: usesServer)
  }

  /// Opens the ledger whose log and `LEDGER` lie in `storage`; keys and views lie at the path.
  package init(
    _ path: LedgerPath, in storage: any Storage, surroundings: Surroundings,
    patienceMilliseconds: Int = 10_000, usesServer: Bool = false
  ) throws(LedgerError) {
    self.path = path
    self.surroundings = surroundings
    self.patienceMilliseconds = patienceMilliseconds
    self.storage = storage
    let identity = try inLog { () throws(LogError) in try LedgerIdentity.read(from: storage) }
    self.identity = identity
    server = ServerAccess(
      usesServer ? path.socket : nil, ledgerID: identity.id.hex, surroundings: surroundings)
    keys = try KeyStore(path, ledgerID: identity.id.hex, surroundings: surroundings)
    if let files = storage as? FileStorage {
      views = try Self.openViews(of: path, in: files)
    } else {
      try inStorage { () throws(StorageError) in try storage.ensureDirectory(LedgerPath.indexName) }
      views = try inViews { () throws(ViewError) in try ViewStore(.file(path.views)) }
    }
  }

  /// Waits for the writer's lock, recovers the log's end where that is needed, and catches up; or asks
  /// the server that has the lock.
  ///
  /// - Throws: `.locked` when another process holds the lock for too long; `.log` with
  ///   `.needsRepair`.
  package func takeTurn() throws(LedgerError) -> Turn {
    guard server.isAllowed else { return try turn(holding: lockForWriting()) }
    let deadline = Patience(milliseconds: patienceMilliseconds)
    while true {
      if let log = try server.takeTurn(within: deadline) {
        keys.beginTurn()
        let turn = Turn(ledger: self, log: log)
        try catchUp(to: turn)
        return turn
      }
      // A server may begin while its lock is waited for.
      if let head = try lock(milliseconds: min(deadline.restMilliseconds, 1_000)) {
        return try turn(holding: head)
      }
      guard deadline.restMilliseconds > 0 else {
        throw .locked(milliseconds: patienceMilliseconds)
      }
    }
  }

  /// Waits for the writer's lock.
  ///
  /// - Returns: `head`, open for writing and locked until the last reference goes.
  /// - Throws: `.serverHolds` where a server has it, which isn't waited for.
  func lockForWriting() throws(LedgerError) -> any StorageFile {
    if try server.connected() != nil { throw .serverHolds }
    guard let head = try lock(milliseconds: patienceMilliseconds) else {
      throw .locked(milliseconds: patienceMilliseconds)
    }
    return head
  }

  private func lock(milliseconds: Int) throws(LedgerError) -> (any StorageFile)? {
    try inStorage { () throws(StorageError) -> (any StorageFile)? in
      let head = try Head.open(in: storage)
      let isTaken = try acquire(
        head, turnstile: LogPath.identity, in: storage, timeoutMilliseconds: milliseconds)
      return isTaken ? head : nil
    }
  }

  /// Begins a turn under a lock that is held.
  func turn(holding head: any StorageFile) throws(LedgerError) -> Turn {
    let known = (try? views.cursor().next) ?? 0
    let log: HeldLog
    do throws(LogError) {
      log = HeldLog(
        self,
        try LogWriter.open(
          storage, identity: identity, head: head, knownDurable: known,
          segmentBytes: surroundings.segmentBytes))
    } catch {
      throw .log(error)
    }
    let turn = Turn(ledger: self, log: log)
    if turn.recovery.isHeadRebuilt { tell(.headRebuilt) }
    if !turn.recovery.adopted.isEmpty { tell(.adopted(turn.recovery.adopted)) }
    try prepare(turn)
    return turn
  }

  /// Does what whoever has the lock does first: views, tree and keys follow the log, and what a crash
  /// has left is recorded and finished.
  func prepare(_ turn: Turn) throws(LedgerError) {
    keys.beginTurn()
    try catchUp(to: turn)
    try carryOutErasures()
    turn.log.catchUpIndexes()
    try turn.recordQuarantine()
    try turn.finishResolutions()
  }

  // MARK: - Views

  /// Brings the views to the log's end, building them anew where they can't be trusted.
  private func catchUp(to turn: Turn) throws(LedgerError) {
    let end = turn.durable
    switch views.condition(next: end.size, root: turn.root) {
    case .current: return
    case .behind(let cursor):
      let hint = LogPosition(size: cursor.next, segment: cursor.segment, offset: cursor.offset)
      do {
        try project(from: hint, to: end)
        return
      } catch {
        switch error {
        case .log(.damaged), .log(.archived): tell(.viewsRebuilt(.behind(cursor)))
        default: throw error
        }
      }
    case .absent: break
    case let condition: tell(.viewsRebuilt(condition))
    }
    try rebuildViews(to: end)
  }

  /// Builds the views from the first event on.
  package func rebuildViews(to end: LogPosition) throws(LedgerError) {
    do {
      try views.create()
    } catch {
      guard error.remedy == .rebuild else { throw .views(error) }
      for file in ViewStore.files(of: path.views) {
        try inFiles { () throws(PlatformError) in if try exists(file) { try removeFile(file) } }
      }
      let storage = try inStorage { () throws(StorageError) in
        try FileStorage.openAsShared(directory: path.directory)
      }
      views = try Self.openViews(of: path, in: storage)
      try inViews { () throws(ViewError) in try views.create() }
    }
    try build(views, to: end)
  }

  /// Applies the events from a position on to the views, in transactions that end with a commit of
  /// the log.
  private func project(from hint: LogPosition?, to end: LogPosition) throws(LedgerError) {
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: end)
    }
    try inAudit { () throws(AuditError) in
      try Projector(views: views, workers: { doAtOnce($0, $1) }).project(
        reader.events(from: hint?.size ?? 0, hint: hint))
    }
  }
}

/// What a call put right on its way, for one line on standard error.
package enum LedgerNote: Hashable, Sendable {
  /// Both slots of `head` were lost, and made anew from the log.
  case headRebuilt
  /// Events that a crash left whole but not known to be durable are part of the ledger.
  case adopted(Range<UInt64>)
  /// Bytes that a crash tore were set aside under this path.
  case quarantined(String)
  case viewsRebuilt(ViewCondition)
  /// The events are durable, but the views couldn't take them in; the next call does.
  case viewsBehind(ViewError)
}

extension Ledger {
  /// A key that no call had before, for one that was given none.
  package func newKey() throws(LedgerError) -> String {
    timeOrderedUUID(at: surroundings.now(), random: try surroundings.randomBytes(10))
  }

  /// Builds the views aside and compares them row by row.
  ///
  /// - Returns: What differs first, in words; `nil` where nothing does.
  package func differenceFromLog(upTo end: LogPosition) throws(LedgerError) -> String? {
    let fresh = try inViews { () throws(ViewError) in
      let fresh = try ViewStore(.temporary)
      try fresh.create()
      return fresh
    }
    try build(fresh, to: end)
    return try inViews { () throws(ViewError) in
      try views.firstDifference(from: fresh).map { "\($0)" }
    }
  }
}
