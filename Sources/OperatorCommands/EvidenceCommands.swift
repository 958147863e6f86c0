import Bytes
import CommandLineInterface
import EventLog
import Events
import Ledger
import Merkle
import Platform

enum CheckpointCommand {
  static let cosigned = Option(
    "cosigned", "FILE", .input, help: "Take in the cosignatures of a checkpoint; - is stdin")
  static let query = Option(
    "time-stamp-query", "FILE", .text,
    help: "Write an RFC 3161 request over the checkpoint, for a time-stamping authority")
  static let reply = Option(
    "time-stamp-reply", "FILE", .input, help: "Check an authority's answer and keep it")
  static let authorities = Option(
    "authorities", "FILE", .text, help: "With a reply: PEM certificates that must vouch for it")
  static let entry = OperatorCommand(
    "checkpoint", "Sign the ledger as it stands, and take in what others say of that",
    details: """
      Prints the newest checkpoint, a C2SP signed note. Each call that appends signs one; this signs
      one where that failed. Keep checkpoints elsewhere: only they show that a whole ledger was
      replaced by an older or an invented one.

      A time stamp is over the checkpoint's first three lines. To check one without this program:
        head -3 checkpoint > text; openssl ts -verify -data text -in reply.tsr -CAfile ca.pem
      """,
    examples: [
      Example("dispatch-ledger checkpoint > kept-elsewhere", "The newest checkpoint"),
      Example("dispatch-ledger checkpoint --cosigned witness.out", "What a witness answered"),
      Example("dispatch-ledger checkpoint --time-stamp-query query.tsq", "Ask for the time"),
    ], takes: [cosigned, query, reply, authorities], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    if let file = invocation[cosigned] {
      let bytes = try CallInput.read(file)
      let note = try inLedger { () throws(LedgerError) in try ledger.addCosignatures(bytes) }
      try session.write(note.bytes)
      return .done
    }
    if let file = invocation[reply] {
      return try keep(file, in: ledger, invocation, notes, world, &session)
    }
    let signed = try inLedger { () throws(LedgerError) in
      try ledger.signCheckpoint(isWaiting: true)
    }
    notes.print(to: &session)
    guard let note = signed else {
      throw CommandFailure(
        .locked, "another process is writing or signing", notDone: "nothing was signed")
    }
    if let path = invocation[query] {
      let request = try inLedger { () throws(LedgerError) in try ledger.timeStampQuery(over: note) }
      do { try replaceFile(path, with: request, permissions: 0o644) } catch {
        throw CommandFailure(error)
      }
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "checkpoint", value: .string(String(decoding: note.bytes, as: UTF8.self))),
          .init(key: "v", value: 1),
        ]))
    } else {
      try session.write(note.bytes)
    }
    return .done
  }

  private static func keep(
    _ file: Input, in ledger: Ledger, _ invocation: Invocation, _ notes: NoteBook,
    _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let bytes = try CallInput.read(file)
    let trusted = try invocation[authorities].map { (path) throws(CommandFailure) in
      do throws(PlatformError) {
        return try readFile(path, limit: 1 << 20)
      } catch {
        throw CommandFailure(error)
      }
    }
    let stamp = try inLedger { () throws(LedgerError) in
      try ledger.keepTimeStamp(reply: bytes, authorities: trusted)
    }
    notes.print(to: &session)
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "authority", value: .string(stamp.authority)),
          .init(key: "size", value: .string(String(stamp.size))),
          .init(key: "stamped_at", value: .string(stamp.stampedAt.text)),
          .init(key: "trusted", value: .bool(trusted != nil)), .init(key: "v", value: 1),
        ]))
    } else {
      try session.print(
        "\(stamp.size) events existed at \(stamp.stampedAt.text), says \(stamp.authority)")
    }
    if trusted == nil {
      session.warn("nobody vouched for the authority: --authorities names certificates that do")
    }
    return .done
  }
}

enum RotateCommands {
  static let log = OperatorCommand(
    "rotate log", "Close the log's active segment, and begin the next",
    details: """
      A segment is closed by itself at 64 MiB. Only closed ones can be archived, so closing one at a
      year's end lets the year be archived by itself.
      """,
    examples: [Example("dispatch-ledger rotate log", "At the end of a year")], takes: [],
    run: { (invocation, world, session) throws(CommandFailure) in
      let notes = NoteBook()
      let ledger = try world.open(invocation, notes)
      let (isClosed, size) = try inLedger { () throws(LedgerError) in
        let turn = try ledger.takeTurn()
        return (try turn.closeSegment(), turn.size)
      }
      notes.print(to: &session)
      if session.wantsJSON {
        try session.print(
          json: JSONObject([
            .init(key: "closed", value: .bool(isClosed)),
            .init(key: "size", value: .string(String(size))), .init(key: "v", value: 1),
          ]))
      } else {
        try session.print(
          isClosed
            ? "closed; the next segment begins with event \(size)"
            : "the active segment holds nothing yet")
      }
      return .done
    })
  static let reason = Option("reason", "TEXT", .text, help: "Why; it is recorded")
  static let compromised = Option(
    flag: "compromised", help: "Others may have the old key: what it signs from here on is void")
  static let key = OperatorCommand(
    "rotate key", "Put another signing key in place of the ledger's",
    details: """
      The new key is recorded in the log, and the next checkpoint is signed by both, so that whoever
      knows the old key can follow. The old one is gone then.

      With --compromised the newest checkpoint must carry a witness's cosignature: what the old key
      has signed beyond that size counts no more, and auditors must learn the new key elsewhere.
      """,
    examples: [
      Example("dispatch-ledger rotate key --reason 'yearly rotation'", "A new key of its own"),
      Example(
        "dispatch-ledger rotate key --signer 'hsm-sign dr' --signer-key \"$(cat vkey)\"",
        "From now on a command signs"),
    ], takes: [reason, compromised, InitCommand.signer, InitCommand.signerKey], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let signer = try InitCommand.commandSigner(invocation, origin: ledger.identity.origin)
    let changed = try inLedger { () throws(LedgerError) in
      let size = invocation[compromised] ? try ledger.cosignedSize() : nil
      return try ledger.changeKey(
        signer: signer, reason: invocation[reason], distrustedFrom: size)
    }
    notes.print(to: &session)
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "v", value: 1), .init(key: "vkey", value: .string(changed.vkey.text)),
        ]))
    } else {
      try session.print("vkey \(changed.vkey.text)")
      session.note("the newest checkpoint is signed by both keys; give auditors the new one")
    }
    return .done
  }
}
