import Bytes
import CommandLineInterface
import EventLog
import Events
import Ledger
import Merkle
import Platform
import Views

/// One thing that `doctor` looked at.
struct Finding {
  enum Result: String { case ok, warning, problem }

  let name: String
  let result: Result
  let text: String
  /// What to do about it.
  let next: String?

  static func ok(_ name: String, _ text: String) -> Finding {
    Finding(name: name, result: .ok, text: text, next: nil)
  }

  static func warning(_ name: String, _ text: String, next: String?) -> Finding {
    Finding(name: name, result: .warning, text: text, next: next)
  }

  static func problem(_ name: String, _ text: String, next: String?) -> Finding {
    Finding(name: name, result: .problem, text: text, next: next)
  }
}

/// Looks at a ledger and its surroundings, and changes nothing of what is kept.
///
/// Each part is looked at by itself, so that what is wrong with one hides nothing of another.
struct Diagnosis {
  private let path: LedgerPath
  private let storage: FileStorage
  private let identity: LedgerIdentity
  private let now: Instant
  private let reader: LogReader?
  private(set) var findings: [Finding] = []

  /// Below these an operator has to act now, or soon.
  private static let scarceBytes: UInt64 = 64 << 20
  private static let lowBytes: UInt64 = 1 << 30

  init(_ path: LedgerPath, now: Instant) throws(CommandFailure) {
    self.path = path
    self.now = now
    do {
      storage = try FileStorage.openForReading(directory: path.directory)
      identity = try LedgerIdentity.read(from: storage)
    } catch let error as StorageError {
      throw error.isMissing
        ? CommandFailure(.noLedger(directory: path.directory)) : CommandFailure(error)
    } catch LogError.storage(let error) where error.isMissing {
      throw CommandFailure(.noLedger(directory: path.directory))
    } catch let error as LogError {
      throw CommandFailure(error)
    } catch {
      throw CommandFailure(.ourBug, "\(error)")
    }
    do {
      let found = try LogReader(storage, identity: identity)
      reader = found
      findings.append(Self.finding(on: found, identity))
    } catch {
      reader = nil
      let failure = CommandFailure(error)
      findings.append(.problem("log", failure.message, next: failure.hint))
    }
    findings += [checkpoint(), keys()] + files() + [disk(), clock()]
  }

  mutating func add(_ more: [Finding]) { findings += more }

  /// Whether the log can be written, so that it makes sense to look at what is due.
  var isWritable: Bool {
    guard let reader else { return false }
    return reader.end.state == .clean || reader.end.state == .torn
  }

  /// Size and root, where the log ends well.
  var head: TreeHead? { reader?.head }

  private static func finding(on reader: LogReader, _ identity: LedgerIdentity) -> Finding {
    let end = reader.end
    switch end.state {
    case .clean:
      let root = reader.head?.root.base64 ?? "not yet durable"
      return .ok(
        "log",
        "\(identity.origin) (\(identity.id.hex)): \(groupedText(reader.size)) events, root \(root)")
    case .torn:
      let torn = end.fileLength - min(end.fileLength, end.valid.offset)
      return .warning(
        "log", "a crash left \(torn) bytes after \(groupedText(end.valid.size)) whole events",
        next: "nothing by hand: the next command that writes sets them aside in quarantine/")
    case .suspect, .lostTail, .corrupt, .headLost:
      let failure = CommandFailure(LogError.needsRepair(end))
      return .problem("log", failure.message, next: failure.hint)
    }
  }

  private func checkpoint() -> Finding {
    let name = "checkpoint"
    let sign = "'dispatch-ledger checkpoint' signs one"
    do {
      guard let note = try CheckpointFiles(storage).readNewest(),
        let size = (try? Checkpoint(text: note.text))?.head.size
      else { return .warning(name, "there is none", next: sign) }
      let unsigned = (reader?.size ?? size) - min(reader?.size ?? size, size)
      return unsigned == 0
        ? .ok(name, "covers all \(groupedText(size)) events")
        : .warning(
          name, "covers \(groupedText(size)) events; \(groupedText(unsigned)) came since",
          next: sign)
    } catch {
      return .problem(name, CommandFailure(error).message, next: "see its permissions")
    }
  }

  private func keys() -> Finding {
    let name = "keys"
    do {
      let status = try FileStatus(ofDirectory: path.keys)
      guard status.owner == effectiveUser(), status.permissions & 0o077 == 0 else {
        let failure = CommandFailure(.untrustedKeys(path: path.keys))
        return .problem(name, failure.happened, next: failure.hint)
      }
    } catch {
      return .problem(
        name, CommandFailure(error).happened, next: "put keys/ back from a backup of the keys")
    }
    do {
      let signer = try Signer(of: path, origin: identity.origin)
      let how = if case .command = signer { "a command signs" } else { "a key of its own" }
      return .ok(name, "\(how): \(signer.vkey.text)")
    } catch {
      let failure = CommandFailure(error)
      return .problem(
        name, failure.happened, next: failure.hint ?? "put it back from a backup of the keys")
    }
  }

  /// A finding for each file that others may have written, or one that there is none.
  private func files() -> [Finding] {
    let segments = ["log", "snapshot"].flatMap { folder in
      (try? storage.list(folder))?.map { "\(folder)/\($0)" } ?? []
    }
    let names =
      [
        LogPath.identity, LogPath.head, CheckpointFiles.newest, CheckpointFiles.all, "config.json",
        "index/views.db",
      ]
      + segments
    var findings: [Finding] = []
    for (name, kind) in [".", "log", "snapshot", "index"].map({ ($0, FileStatus.Kind.directory) })
      + names.map({ ($0, .regular) })
    {
      guard let status = try? FileStatus(of: joinPath(path.directory, name)) else { continue }
      let reasons = status.whyUntrustworthy(expected: kind)
      guard !reasons.isEmpty, findings.count < 20 else { continue }
      findings.append(
        .problem(
          "permissions", "\(name) \(reasons.map(\.words).joined(separator: ", "))",
          next: "see who changed it, then make it yours and 'chmod go-w' it"))
    }
    return findings.isEmpty
      ? [.ok("permissions", "\(names.count) files are yours, and nobody else may write them")]
      : findings
  }

  private func disk() -> Finding {
    do {
      let space = try DiskSpace(at: path.directory)
      let text =
        "\(byteText(Double(space.freeBytes))) free of \(byteText(Double(space.totalBytes)))"
      if space.freeBytes < Self.scarceBytes {
        return .problem("disk", text, next: "make room: a call that can't be written exits 74")
      }
      return space.freeBytes < Self.lowBytes
        ? .warning("disk", text, next: "make room soon") : .ok("disk", text)
    } catch {
      return .problem("disk", CommandFailure(error).happened, next: nil)
    }
  }

  /// The clock against the newest event: what is recorded while it is behind gets that one's time.
  private func clock() -> Finding {
    guard let version = ZoneDatabase.system?.version else {
      return .problem("clock", "there is no zone database", next: "install the package tzdata")
    }
    guard let reader, reader.size > 0 else { return .ok("clock", "\(now.text), tzdata \(version)") }
    var cursor = reader.events(from: reader.size - 1)
    guard let stored = try? cursor.read(), let newest = try? Envelope(decoding: stored.line) else {
      return .warning("clock", "the newest event can't be read", next: "'ledger-audit verify'")
    }
    let behind = (newest.time.microseconds - now.microseconds) / 1_000_000
    guard behind > 0 else { return .ok("clock", "\(now.text), tzdata \(version)") }
    return .warning(
      "clock", "\(now.text) is \(behind) s behind the newest event",
      next: "set the clock (NTP): until it has caught up, deadlines are judged by a marked reading")
  }
}

extension FileStatus.Distrust {
  fileprivate var words: String {
    switch self {
    case .ownedBy(let user): "is owned by user \(user)"
    case .writableByGroup: "may be written by its group"
    case .writableByOthers: "may be written by anybody"
    case .wrongKind: "is another kind of file than it should be"
    case .severalLinks(let count): "has \(count) names"
    }
  }
}
