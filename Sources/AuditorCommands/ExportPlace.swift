import Bytes
import CommandLineInterface
import EventLog
import Events
import Export
import Merkle
import Platform

/// Where an export's files go, and which export it is: an interrupted one is gone on with, another
/// one's files are left alone.
struct ExportPlace {
  let storage: FileStorage
  /// The directory that the files lie in, as it was named.
  let directory: String
  /// The name of the one file of a format that has one; else `nil`.
  let name: String?
  /// Whether files may be there already.
  let resumes: Bool
  /// How many events of the log it is of.
  let size: UInt64
  /// The manifest without what only the end of the export shows.
  private let plan: JSONObject

  private static let limit: UInt64 = 256 << 20

  /// Finds or makes the place, and writes the plan.
  ///
  /// - Parameters:
  ///   - out: The directory or file, as it was named.
  ///   - isDirectory: Whether the format has several files.
  ///   - plan: Without its size.
  ///   - size: Where nothing is resumed.
  init(
    _ out: String, isDirectory: Bool, resumes: Bool, plan: JSONObject, size: UInt64
  ) throws(CommandFailure) {
    let isThere = try Self.inFiles { () throws(PlatformError) in try exists(out) }
    name = isDirectory ? nil : lastPart(of: out)
    directory = isDirectory ? out : parentDirectory(of: out)
    try Self.refuse(insideOf: parentDirectory(of: out))
    do throws(StorageError) {
      if isDirectory, !isThere {
        storage = try FileStorage.create(directory: out)
      } else {
        storage = try FileStorage.open(directory: directory)
      }
    } catch {
      throw Self.failure(error)
    }
    let base = name.map { "\($0)." } ?? ""
    let names = [name, name.map { "\($0).partial" }, "\(base)plan", "\(base)plan.partial"]
    let standing: [String]
    do throws(StorageError) {
      let found = try storage.list(".")
      standing = isDirectory ? found : found.filter { names.contains($0) }
    } catch {
      throw Self.failure(error)
    }
    self.resumes = resumes && !standing.isEmpty
    var document = plan
    guard resumes || standing.isEmpty else {
      throw CommandFailure(
        .exists, "'\(out)' is there already", notDone: "nothing was written",
        hint: "--resume goes on with an export that was interrupted")
    }
    // Who was interrupted before the plan was whole has written nothing else.
    let planPartial = isDirectory ? "plan.json.partial" : "\(base)plan.partial"
    if standing.allSatisfy({ $0 == planPartial }) {
      self.size = size
    } else {
      self.size = try Self.pinnedSize(in: storage, base, of: plan, out)
    }
    document["size"] = .string(String(self.size))
    self.plan = document
    try write(document, to: planPath)
  }

  /// When the export began that is to be gone on with, where its times depend on that.
  ///
  /// - Parameters:
  ///   - out: The directory or file, as it was named.
  ///   - isDirectory: Whether the format has several files.
  static func beginning(of out: String, isDirectory: Bool) -> Instant? {
    let directory = isDirectory ? out : parentDirectory(of: out)
    let path = isDirectory ? "plan.json" : "\(lastPart(of: out)).plan"
    guard let storage = try? FileStorage.openForReading(directory: directory),
      let bytes = read(path, in: storage), case .object(let plan)? = try? JSON(parsing: bytes),
      case .string(let text)? = plan["asked_at"]
    else { return nil }
    return Instant(text: text.utf8)
  }

  private var planPath: String { name.map { "\($0).plan" } ?? "plan.json" }
  private var manifestPath: String { name.map { "\($0).manifest.json" } ?? "manifest.json" }

  /// Nothing is ever written where a ledger is, whatever its name.
  private static func refuse(insideOf directory: String) throws(CommandFailure) {
    guard (try? exists(joinPath(directory, "LEDGER"))) ?? false else { return }
    throw CommandFailure(
      .usage, "'\(directory)' is a ledger's directory", notDone: "nothing was written",
      hint: "--out names a place elsewhere")
  }

  /// The size of the export that stands there, which must be the one that is asked for.
  private static func pinnedSize(
    in storage: FileStorage, _ base: String, of plan: JSONObject, _ out: String
  ) throws(CommandFailure) -> UInt64 {
    let paths =
      base.isEmpty ? ["plan.json", "manifest.json"] : ["\(base)plan", "\(base)manifest.json"]
    for path in paths {
      guard let bytes = read(path, in: storage) else { continue }
      guard case .object(var found)? = try? JSON(parsing: bytes),
        case .string(let text)? = found["size"], let size = EventID(eventID: text)
      else { break }
      for key in ["events", "files", "first", "last", "left_out", "root", "size"] {
        found[key] = nil
      }
      guard found == plan else { break }
      return size
    }
    let isRelative = plan["asked_at"] != nil
    throw CommandFailure(
      .exists, "'\(out)' holds something else than this export", notDone: "nothing was written",
      hint: "an export is resumed by the call that began it"
        + (isRelative
          ? "; once it has ended, a time such as -2h means another one: its manifest has the times"
          : ""))
  }

  private static func read(_ path: String, in storage: FileStorage) -> [UInt8]? {
    guard let file = try? storage.open(path, for: .reading), let size = try? file.size(),
      size <= limit
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    guard let count = try? file.readFully(into: &bytes, range: 0..<bytes.count, at: 0) else {
      return nil
    }
    return Array(bytes[..<count])
  }

  @discardableResult
  private func write(_ object: JSONObject, to path: String) throws(CommandFailure) -> ExportedFile {
    let bytes = JSON.object(object).canonicalBytes + [UInt8(ascii: "\n")]
    return try exporting { () throws(ExportError) in
      try ExportedFile(bytes, written: path, in: storage, resumes: resumes)
    }
  }

  /// Writes the manifest.
  ///
  /// - Parameter leftOut: How much of what the format has no place for.
  func writeManifest(
    _ range: ExportRange, _ files: [ExportedFile], leftOut: JSONObject? = nil
  ) throws(CommandFailure) -> (object: JSONObject, file: ExportedFile) {
    var object = plan
    object["asked_at"] = nil
    object["events"] = .string(String(range.count))
    object["files"] = .array(files.map(\.document))
    object["first"] = range.events.map { .string(String($0.lowerBound)) } ?? .null
    object["last"] = range.events.map { .string(String($0.upperBound)) } ?? .null
    object["left_out"] = leftOut.map { .object($0) }
    object["root"] = .string(range.head.root.base64)
    return (object, try write(object, to: manifestPath))
  }

  /// Takes the plan away, once all else is there.
  func removePlan() throws(CommandFailure) {
    try Self.inFiles { () throws(PlatformError) in
      try removeFile(joinPath(directory, planPath))
    }
  }

  private static func inFiles<Answer>(
    _ body: () throws(PlatformError) -> Answer
  ) throws(CommandFailure) -> Answer {
    do { return try body() } catch { throw CommandFailure(file: error) }
  }

  private static func failure(_ error: StorageError) -> CommandFailure {
    CommandFailure(
      [1, 13].contains(error.code) ? .permission : .inputOutput,
      "\(error.operation.rawValue) of '\(error.path)' failed: \(errnoText(error.code))",
      stillGood: "the ledger isn't concerned", notDone: "nothing was written")
  }
}

extension ExportedFile {
  fileprivate var document: JSON {
    [
      "bytes": .string(String(length)), "path": .string(path),
      "rows": rows.map { .string(String($0)) } ?? .null, "sha256": .string(digest.hex),
    ]
  }
}

/// Runs what writes an export.
func exporting<Result>(
  _ body: () throws(ExportError) -> Result
) throws(CommandFailure) -> Result {
  do { return try body() } catch { throw CommandFailure(error) }
}

extension CommandFailure {
  /// Why an export stopped.
  init(_ error: ExportError) {
    switch error {
    case .log(let error): self.init(.log(error))
    case .audit(let error): self.init(error)
    case .storage(let error):
      self.init(
        [1, 13].contains(error.code) ? .permission : .inputOutput,
        "\(error.operation.rawValue) of '\(error.path)' failed: \(errnoText(error.code))",
        stillGood: "the ledger isn't concerned", notDone: "the export isn't whole",
        hint: "--resume goes on with it")
    case .exists(let path):
      self.init(
        .exists, "'\(path)' is there already", notDone: "the export isn't whole",
        hint: "--resume goes on with an export that was interrupted")
    case .otherContent(let path):
      self.init(
        .conflict, "'\(path)' isn't what this export has there", notDone: "it was left as it is",
        hint: "the ledger, the program or the file is another than it was: export elsewhere")
    case .notWritten(let path, let code):
      self.init(
        .inputOutput, "writing '\(path)' failed: \(errnoText(code))",
        notDone: "the export isn't whole")
    case .noEvents:
      self.init(.notFound, "there was no event yet", notDone: "the export isn't whole")
    case .noCheckpoint:
      self.init(
        .notFound, "the ledger has no checkpoint that the files could be of",
        hint: "'dispatch-ledger checkpoint' signs one")
    case .otherRoot(let size):
      self.init(
        .integrityViolation, "the log's first \(size) events aren't what its checkpoints say",
        notDone: "the export isn't whole", hint: "'ledger-audit verify' tells more")
    case .stopped: self = .readerIsGone
    }
  }
}
