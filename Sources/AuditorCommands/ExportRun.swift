import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Export
import Parquet
import Platform
import Presentation

/// One call of `export`, but for tiles.
struct ExportRun {
  private let invocation: Invocation
  private let world: AuditorWorld
  private let ledger: AuditedLedger
  private let reader: LogReader
  private let point: HistoryPoint?
  private let filter: EventFilter
  private let format: ExportCommand.Format
  /// When the call was made, or the interrupted one that it goes on with.
  private let now: Instant

  init(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) {
    self.invocation = invocation
    self.world = world
    ledger = try AuditedLedger(invocation).watched("export", &session)
    format = invocation[ExportCommand.format]
    let out = invocation[ExportCommand.out]
    let began =
      invocation[ExportCommand.resume]
      ? ExportPlace.beginning(of: out, isDirectory: format.isDirectory) : nil
    now = began ?? world.now()
    point = try HistoryOption.point(invocation, now: now)
    filter = EventFilter(invocation, now: now)
    let whole = try ledger.reader()
    if format == .bundle {
      let (storage, identity) = (ledger.storage, ledger.identity)
      let limit = try exporting { () throws(ExportError) in
        try BundleExport.limit(storage, identity)
      }
      guard limit <= whole.size else {
        throw CommandFailure(ExportError.otherRoot(size: limit))
      }
      reader = whole.limited(to: limit)
    } else {
      reader = whole
    }
  }

  /// As many threads as there are processors, up to four.
  private static let workers: Workers = { doAtOnce($0, $1) }

  private var style: LineExport.Style { format == .jsonl ? .jsonl : .cloudEvents }

  private func scope(upTo size: UInt64 = .max) -> ExportScope {
    var filter = filter
    let admits: ((Envelope) throws(EventError) -> Bool)? =
      filter.document.members.isEmpty
      ? nil : { (envelope) throws(EventError) in try filter.admits(envelope) }
    return ExportScope(
      reader.limited(to: size), at: point, user: filter.user, admits: admits)
  }

  /// Prints the lines to standard output.
  func print(_ session: inout Session) throws(CommandFailure) -> ExitStatus {
    let export = LineExport(
      scope(), style, leafHashes: invocation[ExportCommand.leafHashes], workers: Self.workers)
    var failure: CommandFailure?
    do throws(ExportError) {
      _ = try export.write { (bytes) throws(ExportError) in
        do throws(CommandFailure) {
          try session.write(bytes)
        } catch {
          failure = error
          throw .stopped
        }
      }
    } catch {
      throw failure ?? CommandFailure(error)
    }
    return .done
  }

  /// Writes the files.
  ///
  /// - Returns: The manifest.
  func write() throws(CommandFailure) -> JSONObject {
    let place = try ExportPlace(
      invocation[ExportCommand.out], isDirectory: format.isDirectory,
      resumes: invocation[ExportCommand.resume], plan: plan, size: reader.size)
    let scope = scope(upTo: place.size)
    let written: (range: ExportRange, files: [ExportedFile])
    switch format {
    case .csv:
      written = try writeTables(scope, place) { tables throws(ExportError) in
        try CSVSink(tables, in: place.storage, resumes: place.resumes)
      }
    case .parquet:
      written = try writeTables(scope, place) { tables throws(ExportError) in
        ParquetSink(
          tables, in: place.storage, compression, partition: invocation[ExportCommand.partition],
          program: "\(auditorTable.name) version \(auditorTable.version)", resumes: place.resumes)
      }
    case .sqlite: written = try writeDatabase(scope, place)
    case .openadr: return try writeOpenADR(scope, place)
    case .bundle: return try writeBundle(scope, place)
    case .jsonl, .cloudevents, .tlog:
      let leafHashes = invocation[ExportCommand.leafHashes]
      let lines = try exporting { () throws(ExportError) in
        try LineExport(scope, style, leafHashes: leafHashes, workers: Self.workers)
          .write(to: place.name ?? "", in: place.storage, resumes: place.resumes)
      }
      written = (lines.range, [lines.file])
    }
    let manifest = try place.writeManifest(written.range, written.files).object
    try place.removePlan()
    return manifest
  }

  /// How many files a manifest lists, for people.
  func fileCount(_ manifest: JSONObject) -> String {
    guard case .array(let files)? = manifest["files"] else { return "0 files" }
    return files.count == 1 ? "1 file" : "\(files.count) files"
  }

  private var plan: JSONObject {
    var plan = JSONObject()
    switch point {
    case .event(let id)?: plan["as_of"] = .string(String(id))
    case .recorded(let time)?: plan["as_of"] = .string(time.text)
    case .known(let time)?: plan["known_at"] = .string(time.text)
    case nil: break
    }
    if filter.isRelative || HistoryOption.isRelative(invocation) {
      plan["asked_at"] = .string(now.text)
    }
    if invocation[ExportCommand.proofs] { plan["proofs"] = true }
    plan["filters"] = .object(filter.document)
    plan["format"] = .string(format.rawValue)
    if invocation[ExportCommand.leafHashes] { plan["leaf_hashes"] = true }
    plan["ledger_id"] = .string(ledger.identity.id.hex)
    plan["origin"] = .string(ledger.identity.origin)
    plan["program"] = .string("\(auditorTable.name) \(auditorTable.version)")
    if format == .parquet {
      plan["compression"] = .string(compression.rawValue)
      plan["partition"] = invocation[ExportCommand.partition].map { .string($0.rawValue) }
    }
    if [.csv, .parquet, .bundle].contains(format) {
      plan["tables"] = .array(tables.map { .string($0.name) })
    }
    plan["v"] = 1
    return plan
  }

  private var compression: ParquetCompression { invocation[ExportCommand.compression] ?? .zstd }

  private var tables: [ExportTable] { invocation[ExportCommand.tables] ?? ExportTable.all }

  private func tableExport(
    _ scope: ExportScope, _ place: ExportPlace
  ) throws(CommandFailure) -> TableExport {
    var findings: [Finding] = []
    if tables.contains(.findings) {
      let (world, point) = (world, point)
      findings = try auditing { () throws(AuditError) in
        try Recheck(
          scope.reader, at: point, keepsAccounts: false, workers: Self.workers,
          today: world.zones()
        ).findings
      }
    }
    return TableExport(scope, findings: findings, workers: Self.workers) {
      () throws(StorageError) in
      try place.storage.openScratch()
    }
  }

  private func writeTables<Sink: ExportSink>(
    _ scope: ExportScope, _ place: ExportPlace,
    to sink: ([ExportTable]) throws(ExportError) -> Sink
  ) throws(CommandFailure) -> (range: ExportRange, files: [ExportedFile]) {
    let export = try tableExport(scope, place)
    let tables = tables
    return try exporting { () throws(ExportError) in
      var sink = try sink(tables)
      return try export.write(to: &sink)
    }
  }

  private func writeBundle(
    _ scope: ExportScope, _ place: ExportPlace
  ) throws(CommandFailure) -> JSONObject {
    let tables = try tableExport(scope, place)
    let (storage, hasLogs) = (ledger.storage, filter.choosesWholeDispatches)
    let bundle = try exporting { () throws(ExportError) in
      try BundleExport(
        of: scope, storage, into: place.storage, resumes: place.resumes, workers: Self.workers
      ) { () throws(StorageError) in
        try place.storage.openScratch()
      }
    }
    let provesEach = invocation[ExportCommand.proofs]
    let payload = try exporting { () throws(ExportError) in
      try bundle.writePayload(tables, hasTransactionLogs: hasLogs, provesEach: provesEach)
    }
    let manifest = try place.writeManifest(payload.range, payload.files)
    try exporting { () throws(ExportError) in
      try bundle.writeTags(payload.files, manifest.file)
    }
    try place.removePlan()
    return manifest.object
  }

  private func writeOpenADR(
    _ scope: ExportScope, _ place: ExportPlace
  ) throws(CommandFailure) -> JSONObject {
    let written = try exporting { () throws(ExportError) in
      var export = OpenADRExport(scope) { () throws(StorageError) in
        try place.storage.openScratch()
      }
      return try export.write(in: place.storage, resumes: place.resumes)
    }
    let manifest = try place.writeManifest(
      written.range, written.files, leftOut: written.leftOut)
    try place.removePlan()
    return manifest.object
  }

  /// SQLite writes the file itself, so an interrupted one is begun again.
  private func writeDatabase(
    _ scope: ExportScope, _ place: ExportPlace
  ) throws(CommandFailure) -> (range: ExportRange, files: [ExportedFile]) {
    let name = place.name ?? ""
    let partial = "\(name).partial"
    let path = joinPath(place.directory, partial)
    let isThere = (try? place.storage.open(name, for: .reading)) != nil
    if place.resumes, !isThere {
      for ending in ["", "-wal", "-shm", "-journal"] where (try? exists(path + ending)) ?? false {
        do { try removeFile(path + ending) } catch { throw CommandFailure(file: error) }
      }
    }
    let (reader, point) = (scope.reader, point)
    return try exporting { () throws(ExportError) in
      let range = try LineExport(scope, .jsonl, leafHashes: false).range()
      if isThere {
        return (range, [try ExportedFile(standing: name, in: place.storage)])
      }
      do throws(StorageError) {
        _ = try place.storage.open(partial, for: .creating)
      } catch {
        throw .storage(error)
      }
      try SQLiteExport.write(reader, at: point, to: path, workers: Self.workers)
      return (range, [try ExportedFile(finishing: partial, as: name, in: place.storage)])
    }
  }
}
