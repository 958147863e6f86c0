import Audit
import CommandLineInterface
import EventLog
import Events
import Export
import Platform

enum ExportCommand {
  /// What an export is of.
  enum Format: String, CaseIterable, Sendable { case tlog }

  static let format = Option(
    "format", "FORMAT", .oneOf(Format.self), default: "tlog",
    help: "tlog: the static files of a C2SP tiled log")
  static let out = Option(required: "out", "DIR", .text, help: "A directory that doesn't exist yet")
  static let event = Option(
    repeated: "event", "ID", .integer(0...Int.max), help: "Make a proof of this event too")
  static let entry = AuditorCommand(
    "export", "Write the ledger in a form that other programs read",
    details: """
      tlog, up to the newest checkpoint: checkpoint and vkey; tile/… and tile/entries/…, as any C2SP
      reader expects them; checkpoints/SIZE; consistency/SIZE1-SIZE2.json from each to the next; and
      of each --event inclusion/ID.json, proofs/ID.tlog-proof and proofs/ID.leaf. checkpoint is
      written last: without it the export isn't whole.
      """,
    examples: [
      Example("ledger-audit export --out tiles --event 30 --event 31", "All, with two proofs")
    ], takes: [format, out, event], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try AuditedLedger(invocation)
    let directory = invocation[out]
    if (try? exists(directory)) ?? true {
      throw CommandFailure(
        .exists, "'\(directory)' is there already", notDone: "nothing was written")
    }
    var count = 0
    do throws(ExportError) {
      let export = try TileExport(ledger.storage, identity: ledger.identity)
      try export.write(events: invocation[event].map { UInt64($0) }) {
        (path, bytes) throws(ExportError) in
        try write(bytes, to: path, in: directory)
        count += 1
      }
    } catch {
      throw failure(error, directory)
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

  private static func failure(_ error: ExportError, _ directory: String) -> CommandFailure {
    switch error {
    case .log(let error): CommandFailure(.log(error))
    case .notWritten(let path, let code):
      CommandFailure(
        .inputOutput, "writing '\(path)' failed: \(errnoText(code))",
        notDone: "'\(directory)' isn't whole")
    case .noCheckpoint:
      CommandFailure(
        .notFound, "the ledger has no checkpoint that the files could be of",
        hint: "'dispatch-ledger checkpoint' signs one")
    case .otherRoot(let size):
      CommandFailure(
        .integrityViolation, "the log's first \(size) events aren't what its checkpoints say",
        notDone: "'\(directory)' isn't whole", hint: "'ledger-audit verify' tells more")
    }
  }
}
