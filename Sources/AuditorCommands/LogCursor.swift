import Audit
import Bytes
import CommandLineInterface
import EventLog
import Platform

/// The file in which a reader of the log keeps how far it has come.
///
/// One canonical JSON object and a newline: `ledger_id`, `next` (the id of the next event), and
/// `size` and `root` (hex) of the ledger with the commit that holds the event before that.
struct LogCursorFile {
  private let path: String
  private let identity: LedgerIdentity
  /// What the file says.
  private var next: UInt64 = 0

  /// Reads the file, and checks it against the log.
  ///
  /// - Returns: The file, and where reading goes on: at the log's first event where there is none.
  static func open(
    _ path: String, _ identity: LedgerIdentity, _ reader: LogReader
  ) throws(CommandFailure) -> (file: LogCursorFile, position: LogRunPosition) {
    var file = LogCursorFile(path: path, identity: identity)
    guard let cursor = try file.read() else { return (file, LogRunPosition(next: 0)) }
    guard cursor.next <= reader.size else {
      throw CommandFailure(
        .integrityViolation,
        "'\(path)' has read events up to \(cursor.next - 1), and the log holds \(reader.size)",
        stillGood: "nothing was printed, and the file is as it was",
        hint: "events were lost, or this is an older copy: 'ledger-audit verify' tells more")
    }
    var events = reader.events(from: cursor.next - 1)
    let stored: StoredEvent?
    do { stored = try events.read() } catch { throw CommandFailure(.log(error)) }
    guard let commit = stored?.commit, commit.end == cursor.size, commit.root.hex == cursor.root
    else {
      throw CommandFailure(
        .integrityViolation,
        "'\(path)' has read event \(cursor.next - 1) in another history than this log's",
        stillGood: "nothing was printed, and the file is as it was",
        hint: "the log was replaced or altered: compare it with a copy that you trust")
    }
    file.next = cursor.next
    return (file, LogRunPosition(next: cursor.next, commit: commit))
  }

  private init(path: String, identity: LedgerIdentity) {
    self.path = path
    self.identity = identity
  }

  private struct Content {
    let next: UInt64
    let size: UInt64
    let root: String
  }

  private func read() throws(CommandFailure) -> Content? {
    let bytes: [UInt8]
    do {
      guard try exists(path) else { return nil }
      bytes = try readFile(path, limit: 4_096)
    } catch {
      throw CommandFailure(file: error)
    }
    guard case .object(let object)? = try? JSON(parsing: bytes),
      case .string(let id)? = object["ledger_id"], case .string(let root)? = object["root"],
      let next = Self.number(object["next"]), let size = Self.number(object["size"]), next > 0,
      object["v"] == 1
    else {
      throw CommandFailure(
        .badInput, "'\(path)' isn't a cursor file", notDone: "nothing was printed",
        hint: "name another, or remove it to begin with the first event")
    }
    guard sameBytes(id, identity.id.hex) else {
      throw CommandFailure(
        .badInput, "'\(path)' belongs to the ledger \(id), and this is \(identity.id.hex)",
        notDone: "nothing was printed", hint: "keep one cursor file for each ledger")
    }
    return Content(next: next, size: size, root: root)
  }

  private static func number(_ json: JSON?) -> UInt64? {
    guard case .string(let text)? = json else { return nil }
    return UInt64(text)
  }

  /// Keeps a position, in one step and durably, unless the file has read further already.
  mutating func write(_ position: LogRunPosition) throws(CommandFailure) {
    guard position.next > next, let commit = position.commit else { return }
    var object = JSONObject()
    object["ledger_id"] = .string(identity.id.hex)
    object["next"] = .string(String(position.next))
    object["root"] = .string(commit.root.hex)
    object["size"] = .string(String(commit.end))
    object["v"] = 1
    do {
      try replaceFile(path, with: JSON.object(object).canonicalBytes + [UInt8(ascii: "\n")])
    } catch {
      throw CommandFailure(file: error)
    }
    next = position.next
  }
}

extension CommandFailure {
  /// A file beside the ledger can't be read or written.
  init(file error: PlatformError) {
    guard case .failed(let operation, let path, let code) = error else {
      self.init(.badInput, "the file is too large to be what it should be")
      return
    }
    self.init(
      [1, 13].contains(code) ? .permission : .inputOutput,
      "\(operation.rawValue) of '\(path)' failed: \(errnoText(code))",
      stillGood: "the ledger isn't concerned")
  }
}
