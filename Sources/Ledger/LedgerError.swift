import Audit
package import Bytes
import Dispatching
package import EventLog
package import Events
package import Platform
package import Views

/// Why the loop can't do what was asked; what a person reads is made at the edge.
package indirect enum LedgerError: Error {
  /// There is no `LEDGER` in the directory.
  case noLedger(directory: String)
  /// A ledger is there already, or something that isn't the leftover of an interrupted `init`.
  case exists(directory: String)
  /// The name can't be a ledger's origin.
  case badOrigin(String)
  /// The log can't be read or written.
  case log(LogError)
  /// A file beside the log can't be.
  case file(PlatformError)
  /// The views can't be read or made.
  case views(ViewError)
  /// Another process held the writer's lock for longer than was waited.
  case locked(milliseconds: Int)
  /// A server has the writer's lock for as long as it runs, and what was asked isn't its to do.
  case serverHolds
  /// A server went away between a request and its answer: nobody knows whether it was done.
  case serverGone
  /// A server answered what no server of this version does.
  case badServer
  /// Another process is delivering.
  case delivering
  /// The ledger has another size than the caller expected.
  case unexpectedSize(expected: UInt64, found: UInt64)
  /// The idempotency key was used for other content.
  case keyReused(key: String, first: EventID)
  /// The text can't be the key of a call.
  case badKey(String)
  /// The views name a key that the log's line doesn't confirm.
  case unconfirmedKey(String, event: EventID)
  /// A command is about something that doesn't exist; nothing of the call was recorded.
  case notFound(index: Int, [RejectionReason])
  /// A command that breaks rules, and of which no stream could hold the rejection.
  case refused(index: Int, [RejectionReason])
  /// The call doesn't fit into one commit: so many events and bytes.
  case callTooLarge(events: Int, bytes: Int)
  /// The zone database doesn't know a zone that the ledger uses.
  case zoneUnavailable(ZoneName)
  /// The system has no random numbers to give.
  case noRandomness
  /// A key file isn't what `keys/` holds.
  case badKeyFile(path: String)
  /// `keys` isn't a directory of the caller's own that nobody else may enter.
  case untrustedKeys(path: String)
  /// A file or directory of the ledger is somebody else's, or may be written by others, or isn't what it
  /// should be.
  case untrusted(path: String)
  /// `user.erased` is durable, and its user's key couldn't be destroyed yet.
  case erasureUnfinished(LedgerError)
  /// A copy of the keys would lie where it isn't apart from a ledger or its keys.
  case keysNotApart(path: String)
  /// There are files already where a copy of the keys is to lie.
  case keyCopyExists(path: String)
  /// A key, a signature or a time stamp isn't what it should be.
  case signing(SigningError)
  /// The views name an address that the log's line doesn't confirm.
  case unconfirmedAddress(user: EntityID, event: EventID)
  /// An event refers to what no event before it made: a fault of the program that wrote it.
  case inconsistent(Reference)
  /// A line of the log isn't an event that this program can read.
  case unreadableEvent(EventID, EventError)
  /// An export says of the first so many events what they don't come to.
  case otherHistory(size: UInt64)
  /// Another process moves segments to an archive or back.
  case archiving
  /// The directory is an archive, which nothing is written into.
  case isArchive(directory: String)
  /// An archive can't be made, brought back or disposed of.
  case archive(ArchiveFailure)
  /// The export's id stands for another one.
  case exportKnown(EntityID, event: EventID)
}

/// Why an archive can't be made, brought back or disposed of.
package enum ArchiveFailure: Error {
  /// There is no archive there, or none that is finished.
  case notThere(directory: String)
  /// The directory holds what isn't an archive's, or another archive.
  case occupied(directory: String)
  /// What describes the archive can't be read, or isn't what the ledger recorded of it.
  case recordedOtherwise(directory: String)
  /// The ledger has recorded no archive of this id.
  case notRecorded(EntityID)
  /// A file of the archive isn't there, or isn't what the ledger recorded.
  case differs(EntityID, segment: EventID, isMissing: Bool)
  /// An archive before it was begun or brought back and isn't finished.
  case unfinished(EntityID)
  /// Later events than the archive's are archived too, and must be brought back first.
  case notNext(EntityID, first: EventID)
  /// The archive was disposed of.
  case disposed(EntityID, event: EventID)
  /// The ledger itself holds events of the archive, since it was attached or isn't finished.
  case isAttached(EntityID)
  /// Nothing may be disposed of that retention or a hold keeps.
  case kept(EntityID, [Obstacle])
}

/// Why some events of an archive may not be disposed of.
package struct Obstacle: Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    /// They are kept until a day by the retention of their program; of all programs, where they belong to
    /// none.
    case retention(program: EntityID?, Period, until: Instant)
    /// Their program says nothing of retention, or some program does, where they belong to none.
    case forEver(program: EntityID?)
    /// A legal hold covers them.
    case hold(EntityID)
  }

  package let reason: Reason
  package let first: EventID
  package let last: EventID
  package let count: Int
}

/// Why nothing was signed, or what others signed wasn't taken in.
package enum SigningError: Error {
  /// The key has signed a checkpoint of more events than the ledger has: an old copy was put back.
  case signedMore(signed: UInt64, found: UInt64)
  /// The key has signed another history of the first `size` events than the ledger has.
  case signedOther(size: UInt64)
  /// The ledger has no checkpoint, or none that is meant.
  case noCheckpoint
  /// What should be a witness's signatures of the newest checkpoint isn't that.
  case noCosignature
  /// Nobody but the ledger has signed its newest checkpoint.
  case notCosigned
  /// An authority's answer isn't a time stamp.
  case timeStamp(TimeStampError)
  /// The command that signs gave no signature.
  case signerFailed(SignerFailure)
}

/// What an event refers to.
package enum Reference: Hashable, Sendable {
  case event(EventID)
  case subject(Subject)
}

/// Runs what may fail with a log's error.
func inLog<Result>(_ body: () throws(LogError) -> Result) throws(LedgerError) -> Result {
  do { return try body() } catch { throw .log(error) }
}

/// Runs what may fail with a call of the storage.
func inStorage<Result>(
  _ body: () throws(StorageError) -> Result
) throws(LedgerError) -> Result {
  do { return try body() } catch { throw .log(.storage(error)) }
}

/// Runs what may fail with a call of the operating system.
func inFiles<Result>(_ body: () throws(PlatformError) -> Result) throws(LedgerError) -> Result {
  do { return try body() } catch { throw .file(error) }
}

/// Runs what may fail with the views' error.
func inViews<Result>(_ body: () throws(ViewError) -> Result) throws(LedgerError) -> Result {
  do { return try body() } catch { throw .views(error) }
}

/// Runs what reads the log into views.
func inAudit<Result>(_ body: () throws(AuditError) -> Result) throws(LedgerError) -> Result {
  do {
    return try body()
  } catch {
    switch error {
    case .log(let failure): throw .log(failure)
    case .views(let failure): throw .views(failure)
    case .unreadableEvent(let id, let reason): throw .unreadableEvent(id, reason)
    case .noSuchDispatch(let id): throw .inconsistent(.subject(.dispatch(id)))
    case .noSuchEvent(let id, _): throw .inconsistent(.event(id))
    }
  }
}
