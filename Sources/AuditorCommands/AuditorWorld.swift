package import Audit
package import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Platform
import Presentation

/// What the commands of `ledger-audit` work in: the clock, for phases, and the zone database, for
/// notes on what it would say otherwise today.
package struct AuditorWorld {
  package var now: () -> Instant
  package var zones: () -> TodaysZones

  package init(
    now: @escaping () -> Instant,
    zones: @escaping () -> TodaysZones = { AuditorWorld.systemZones }
  ) {
    self.now = now
    self.zones = zones
  }

  /// This machine.
  package static var system: AuditorWorld { AuditorWorld(now: SystemClock.now) }

  private static var systemZones: TodaysZones {
    let database = ZoneDatabase.system
    return TodaysZones(tzdata: database?.version ?? "unknown") { name in
      guard let bytes = (try? database?.zone(named: name.text)) ?? nil else { return nil }
      return try? ZoneRules(tzif: bytes)
    }
  }
}

typealias AuditorCommand = CommandEntry<AuditorWorld>

/// Options that every command of the program takes.
enum Global {
  static let ledger = Option(
    "ledger", "DIR", .text, default: ".", short: "C", environment: "DISPATCH_LEDGER",
    help: "The ledger's directory; nothing in it is opened for writing")
  static let with = Option(
    repeated: "with", "ARCHIVE", .text,
    help: "An archive of the ledger, whose events are read as if they were still in it")
  static let all: [any Declaration] = [
    ledger, with, StandardOption.json, StandardOption.quiet, StandardOption.color,
    StandardOption.noPager, StandardOption.help, StandardOption.version,
  ]
}

/// A ledger's files, open for reading.
struct AuditedLedger {
  let storage: any Storage
  let identity: LedgerIdentity

  init(_ invocation: Invocation) throws(CommandFailure) {
    try self.init(directory: invocation[Global.ledger], with: invocation[Global.with])
  }

  /// The files in a directory, and the segments that archives of the ledger hold.
  init(directory: String, with directories: [String]) throws(CommandFailure) {
    try self.init(directory: directory)
    var archives: [any Storage] = []
    for directory in directories {
      let archive: AuditedLedger
      do {
        archive = try AuditedLedger(directory: directory)
      } catch {
        guard error.status == .notFound else { throw error }
        throw CommandFailure(
          .notFound, "there is no finished archive in '\(directory)'",
          hint: "what --with names is a directory that 'dispatch-ledger archive' made")
      }
      guard archive.identity == identity else {
        throw CommandFailure(
          .badInput,
          "the archive in '\(directory)' is of another ledger, "
            + "'\(archive.identity.origin)'", hint: "give one that this ledger's 'archive' made")
      }
      archives.append(archive.storage)
    }
    if !archives.isEmpty { self.init(UnionStorage(storage, with: archives), identity) }
  }

  init(directory: String) throws(CommandFailure) {
    do {
      storage = try FileStorage.openForReading(directory: directory)
      identity = try LedgerIdentity.read(from: storage)
    } catch let error as StorageError {
      throw Self.failure(error, directory)
    } catch LogError.storage(let error) {
      throw Self.failure(error, directory)
    } catch LogError.unknownFormat(let format) {
      throw CommandFailure(
        .badInput, "the ledger has format \(format), and this program knows format 1",
        hint: "use a later release")
    } catch {
      throw CommandFailure(
        .badInput, "LEDGER in '\(directory)' isn't what a ledger's identity file is",
        hint: "the log itself names the ledger in its first event")
    }
  }

  private init(_ storage: any Storage, _ identity: LedgerIdentity) {
    self.storage = storage
    self.identity = identity
  }

  /// The same files, of which a person who watches is told how far their reading has come.
  func watched(_ label: String, _ session: inout Session) -> AuditedLedger {
    let progress = session.beginProgress(label, .bytes)
    guard progress.isWatched else { return self }
    return AuditedLedger(WatchedStorage(storage, progress), identity)
  }

  private static func failure(_ error: StorageError, _ directory: String) -> CommandFailure {
    guard !error.isMissing else {
      return CommandFailure(
        .notFound, "there is no ledger in '\(directory)'",
        hint: "-C or DISPATCH_LEDGER names another directory")
    }
    return CommandFailure(.log(.storage(error)))
  }

  func reader() throws(CommandFailure) -> LogReader {
    do {
      return try LogReader(storage, identity: identity)
    } catch {
      throw CommandFailure(.log(error))
    }
  }
}

extension CommandFailure {
  /// What a failure to read the ledger means.
  init(_ error: AuditError) {
    switch error {
    case .log(.storage(let error)):
      self.init(
        [1, 13].contains(error.code) ? .permission : .inputOutput,
        "\(error.operation.rawValue) of '\(error.path)' failed: \(errnoText(error.code))")
    case .log(.damaged(let ids, let segment, let offset)):
      self.init(
        .integrityViolation,
        "events from \(ids.lowerBound) on can't be read: \(LogPath.segment(segment)) is damaged at "
          + "byte \(offset)", stillGood: "what stands before them was read",
        hint: "'ledger-audit verify' tells all that is damaged")
    case .log(.archived(let ids, let archive, let isDisposed)):
      self.init(
        .notFound, archivedText(ids, archive, isDisposed: isDisposed),
        stillGood: "the ledger vouches for them by their root",
        hint: isDisposed
          ? "--first \(ids.upperBound) begins behind them, where a command takes it"
          : "--with ARCHIVE reads them there; or 'dispatch-ledger attach ARCHIVE'")
    case .log(.badSnapshot(let path)):
      self.init(
        .integrityViolation, "'\(path)' isn't a snapshot of this ledger, or isn't there",
        hint: "'ledger-audit verify' tells all that is damaged")
    case .log(.needsRepair(let end)):
      self.init(
        .integrityViolation, "the log can't be read: its end is \(end.state.rawValue)",
        hint: "'ledger-audit verify' tells all that is damaged")
    case .log(let error): self.init(.integrityViolation, "the log can't be read: \(error)")
    case .views(let error): self.init(error)
    case .unreadableEvent(let id, let reason):
      self.init(
        .integrityViolation, "event \(id) can't be read: \(reason.text)",
        hint: "a later release may know its type; 'ledger-audit verify' says whether it is damaged")
    case .noSuchDispatch(let id):
      self.init(
        .notFound, "there is no dispatch '\(id.text)' in the ledger",
        hint: "'ledger-audit list dispatch' shows those that there are")
    case .noSuchEvent(let id, let size):
      self.init(
        .notFound, "there is no event \(id): the ledger holds \(size) events",
        hint: size > 0 ? "the last one is \(size - 1)" : nil)
    }
  }
}

/// Runs what reads the ledger.
func auditing<Result>(
  _ body: () throws(AuditError) -> Result
) throws(CommandFailure) -> Result {
  do { return try body() } catch { throw CommandFailure(error) }
}
