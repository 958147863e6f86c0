import Bytes
import CommandLineInterface
import EventLog
import Events
import Ledger
import Platform

enum RecordExportCommand {
  static let manifest = Argument("MANIFEST", .input, help: "The manifest that export wrote")
  static let id = Option(
    "id", "ID", .exportID, help: "The export's name (default: from the manifest's SHA-256)")
  static let recipient = Option(
    "to", "BODY", .text, help: "Whom it was for; names no person, and is never erased")
  static let reason = Option("reason", "TEXT", .text, help: "Why; names no person either")
  static let entry = OperatorCommand(
    "record-export", "Put on record that an export left the house",
    details: """
      Appends ledger.export-issued with the manifest's SHA-256, which names that of every file of
      the export. The manifest must be of this ledger's own history. Repeating the call appends
      nothing; another export under the same id is refused with 3.
      """,
    examples: [
      Example(
        "dispatch-ledger record-export bag/manifest.json --to FERC --reason 'request 26-114'",
        "A bundle")
    ], takes: [manifest, id, recipient, reason], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let bytes = try CallInput.read(invocation[manifest])
    let ledger = try world.open(invocation, notes)
    guard case .object(let object)? = try? JSON(parsing: bytes) else { throw malformed("JSON") }
    guard case .string(let ledgerID)? = object["ledger_id"] else { throw malformed("ledger_id") }
    guard sameBytes(ledgerID, ledger.identity.id.hex) else {
      throw CommandFailure(
        .badInput, "the manifest is of the ledger \(ledgerID), not of this one",
        notDone: "nothing was appended")
    }
    let issued = try issued(object, bytes, invocation)
    let recorded = try inLedger { () throws(LedgerError) in try ledger.recordExport(issued) }
    notes.print(to: &session)
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "event", value: .string(String(recorded.event))),
          .init(key: "export_id", value: .string(issued.exportID.text)),
          .init(key: "repeated", value: .bool(recorded.isRepeated)),
          .init(key: "v", value: 1),
        ]))
    } else {
      try session.print(
        "export \(issued.exportID.text) is on record as event \(recorded.event)"
          + (recorded.isRepeated ? ", and was before" : ""))
    }
    return .done
  }

  private static func malformed(_ key: String) -> CommandFailure {
    CommandFailure(
      .badInput, "the file isn't an export's manifest: its \(key) isn't what it should be",
      notDone: "nothing was appended")
  }

  private static func issued(
    _ object: JSONObject, _ bytes: [UInt8], _ invocation: Invocation
  ) throws(CommandFailure) -> LedgerExportIssued {
    guard object["v"] == 1 else { throw malformed("v") }
    guard case .string(let word)? = object["format"], let format = CodeWord(word) else {
      throw malformed("format")
    }
    guard case .string(let text)? = object["size"], let size = EventID(eventID: text) else {
      throw malformed("size")
    }
    guard case .string(let text)? = object["root"], let root = TreeRoot(text) else {
      throw malformed("root")
    }
    guard case .object(let filters)? = object["filters"] else { throw malformed("filters") }
    guard case .array? = object["files"] else { throw malformed("files") }
    let digest = SHA256.hash(bytes).hex
    guard let exportID = invocation[id] ?? EntityID(String(digest.prefix(32))),
      let hash = HexDigest(digest)
    else { throw malformed("SHA-256") }
    return LedgerExportIssued(
      exportID: exportID, format: format, size: Int(size), root: root, digest: hash,
      length: bytes.count, filters: filters.members.isEmpty ? nil : filters,
      issuedTo: invocation[recipient], reason: invocation[reason])
  }
}

extension ValueType<EntityID> {
  fileprivate static var exportID: Self {
    ValueType("an id of 1 to 128 letters, digits, _ and -") { EntityID($0) }
  }
}
