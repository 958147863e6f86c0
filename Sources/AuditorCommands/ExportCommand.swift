import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Export
import Parquet
import Platform
import Presentation

enum ExportCommand {
  /// What an export is of.
  enum Format: String, CaseIterable, Sendable {
    case tlog, jsonl, cloudevents, csv, parquet, sqlite, openadr, bundle

    /// Whether it has several files, in a directory of their own.
    var isDirectory: Bool {
      switch self {
      case .tlog, .csv, .parquet, .openadr, .bundle: true
      case .jsonl, .cloudevents, .sqlite: false
      }
    }
  }

  static let format = Option(
    "format", "FORMAT", .oneOf(Format.self), default: "tlog",
    help: "What the files are, and how many")
  static let out = Option(
    required: "out", "PATH", .text,
    help: "A directory or file that doesn't exist yet; - is stdout, for lines")
  static let event = Option(
    repeated: "event", "ID", .integer(0...Int.max), help: "tlog: make a proof of this event too")
  static let tables = Option(
    "tables", "LIST", .tableList,
    help: "csv, parquet: only these tables, as in dispatches,recipients")
  static let partition = Option(
    "partition", "BY", .oneOf(ParquetSink.Partition.self),
    help: "parquet: a file for each day or month, in folders date=… or month=…")
  static let compression = Option(
    "compression", "HOW", .oneOf(ParquetCompression.self),
    help: "parquet: how pages are compressed; zstd unless given")
  static let leafHashes = Option(
    flag: "leaf-hashes", help: "jsonl, cloudevents: each line's leaf hash with it")
  static let proofs = Option(
    flag: "proofs",
    help: "bundle: a C2SP tlog-proof of each event, however many; without it, up to 10,000")
  static let resume = Option(
    flag: "resume", help: "Go on with what the same call began and didn't end")
  static let entry = AuditorCommand(
    "export", "Write the ledger in a form that other programs read",
    details: """
      FORMAT.md §22 to §24 and §26 specify the files. Each is written under another name, synced, and
      then renamed; a manifest says what they hold, and is written last. The same events and filters
      give the same bytes. 'dispatch-ledger record-export MANIFEST' puts on record what left the
      house.

      jsonl, cloudevents: the stored lines, byte for byte. csv: a directory of tables: dispatches,
      recipients (and who was left out, and why), attempts, results, rejections, findings. For the
      findings every decision is made again, as 'recheck' does, which takes its time and memory.
      parquet: the same tables as Apache Parquet files, for DuckDB, pandas, polars, Spark and others.
      sqlite: the views, whole. openadr: programs, events (one a dispatch) and reports (who was told)
      as OpenADR 3.1's JSON; drills and what else it has no place for are left out, and counted in
      the manifest. bundle: a BagIt bag of lines, tables and transaction logs, with the newest
      checkpoint, a proof of all lines together and, of up to 10,000 or with --proofs of however many
      (about 1.2 kB each), a C2SP tlog-proof of each.

      tlog, up to the newest checkpoint: checkpoint and vkey; tile/… and tile/entries/…, as any C2SP
      reader expects them; checkpoints/SIZE; consistency/SIZE1-SIZE2.json from each to the next; and
      of each --event inclusion/ID.json, proofs/ID.tlog-proof and proofs/ID.leaf. checkpoint is
      written last: without it the export isn't whole. It takes no filters.

      \(EventFilter.details)
      """,
    examples: [
      Example("ledger-audit export --format csv --out tables --since 2026-01-01", "For analysts"),
      Example(
        "ledger-audit export --format parquet --partition month --out lake", "For a data lake"),
      Example("ledger-audit export --format bundle --out bag", "For a regulator"),
      Example("ledger-audit export --format openadr --out vtn", "For a VTN"),
      Example("ledger-audit export --format jsonl --out - | jq .", "The stored lines"),
      Example("ledger-audit export --out tiles --event 30 --event 31", "All, with two proofs"),
    ],
    takes: [format, out, event, tables, partition, compression, leafHashes, proofs, resume]
      + EventFilter.options + HistoryOption.all, run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    try refuseMisplaced(invocation, now: world.now())
    if invocation[format] == .tlog { return try TileFiles.run(invocation, &session) }
    let run = try ExportRun(invocation, world, &session)
    if invocation[out] == "-" { return try run.print(&session) }
    let manifest = try run.write()
    if session.wantsJSON {
      try session.print(json: manifest)
    } else {
      session.note("\(run.fileCount(manifest)) in \(invocation[out])")
    }
    return .done
  }

  /// Refuses options that the format has no use for: what they ask for wouldn't be done.
  private static func refuseMisplaced(
    _ invocation: Invocation, now: Instant
  ) throws(CommandFailure) {
    let format = invocation[format]
    let isFiltered = !EventFilter(invocation, now: now).document.members.isEmpty
    let isOfMoment = try HistoryOption.point(invocation, now: now) != nil
    let isOfLines = format == .jsonl || format == .cloudevents
    let misplaced: [(String, Bool)] = [
      ("--event", !invocation[event].isEmpty && format != .tlog),
      ("--tables", invocation[tables] != nil && format != .csv && format != .parquet),
      ("--partition", invocation[partition] != nil && format != .parquet),
      ("--compression", invocation[compression] != nil && format != .parquet),
      ("--proofs", invocation[proofs] && format != .bundle),
      ("--leaf-hashes", invocation[leafHashes] && !isOfLines),
      ("--resume", invocation[resume] && (format == .tlog || invocation[out] == "-")),
      ("a filter", isFiltered && (format == .tlog || format == .sqlite)),
      ("--as-of or --known-at", isOfMoment && format == .tlog),
      ("--out -", invocation[out] == "-" && !isOfLines),
    ]
    if let what = misplaced.first(where: \.1)?.0 {
      throw CommandFailure(
        .usage, "\(what) doesn't go with --format \(format.rawValue)",
        notDone: "nothing was written")
    }
  }
}

extension ValueType<[ExportTable]> {
  fileprivate static var tableList: Self {
    ValueType("names of tables with commas between, as in attempts,results") { text in
      let names = text.split(separator: ",", omittingEmptySubsequences: false)
      let tables = ExportTable.all.filter { table in names.contains { $0 == table.name } }
      return tables.count == names.count ? tables : nil
    }
  }
}

/// The files of a C2SP tiled log.
private enum TileFiles {
  static func run(
    _ invocation: Invocation, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try AuditedLedger(invocation).watched("export", &session)
    let directory = invocation[ExportCommand.out]
    if (try? exists(directory)) ?? true {
      throw CommandFailure(
        .exists, "'\(directory)' is there already", notDone: "nothing was written")
    }
    var count = 0
    try exporting { () throws(ExportError) in
      let export = try TileExport(ledger.storage, identity: ledger.identity)
      try export.write(events: invocation[ExportCommand.event].map { UInt64($0) }) {
        (path, bytes) throws(ExportError) in
        try write(bytes, to: path, in: directory)
        count += 1
      }
    }
    session.note("\(count) files in \(directory)")
    return .done
  }

  private static func write(
    _ bytes: [UInt8], to path: String, in directory: String
  ) throws(ExportError) {
    let file = joinPath(directory, path)
    do {
      try createDirectories(parentDirectory(of: file))
      try replaceFile(file, with: bytes, permissions: 0o644)
    } catch {
      var code: Int32 = 5
      if case .failed(_, _, let reason) = error { code = reason }
      throw .notWritten(path: file, code: code)
    }
  }
}
