import Bytes
import CommandLineInterface
import Ledger
import Platform

enum ServeCommand {
  static let socket = Option(
    "socket", "PATH", .text,
    help: "Listen there instead of serve.sock in the ledger, which then leads there")
  static let entry = OperatorCommand(
    "serve", "Hold the ledger for many writers at once, whose commits share a sync",
    details: """
      The other commands find the server by themselves, and do the same as without it: the same
      output, receipts and exit status, only that calls which wait together are made durable
      together. Who asks is recorded as the system says, and only the ledger's owner may ask. SIGTERM
      or SIGINT ends it: what it has accepted is finished. A command whose server dies before it has
      answered exits 76, and may be repeated with its --key.

      'repair' needs the ledger for itself and exits 75 while a server has it.
      """,
    examples: [
      Example("dispatch-ledger serve", "Until SIGTERM"),
      Example(
        "dispatch-ledger serve --socket /run/ledger.sock", "Where the folder can't hold a socket"),
    ], takes: [socket], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    do { try StopRequest.listen() } catch { throw CommandFailure(error) }
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let server = try inLedger { () throws(LedgerError) in
      try LedgerServer(ledger, at: invocation[socket]) { error in
        let failure = CommandFailure(error)
        return (failure.status.rawValue, failure.message)
      }
    }
    notes.print(to: &session)
    session.note("serving on \(server.path)")
    try session.flush()
    try inLedger { () throws(LedgerError) in
      try server.run { session.warn("no checkpoint was signed: \(CommandFailure($0).message)") }
    }
    notes.print(to: &session)
    return .done
  }
}

extension ServerStatus {
  /// The server in one line, for people.
  var text: String {
    let name = process > 0 ? "process \(process)" : "a process"
    return "\(name) serves since \(since.text); \(connections) connections, \(waiting) waiting"
  }

  var document: JSONObject {
    var document = JSONObject()
    document["connections"] = .integer(Int64(connections))
    document["process"] = process > 0 ? .integer(Int64(process)) : nil
    document["since"] = .string(since.text)
    document["waiting"] = .integer(Int64(waiting))
    return document
  }
}
