import Bytes
import Channels
import CommandLineInterface
import EventLog
import Ledger
import Merkle
import Platform

enum InitCommand {
  static let origin = Option(
    "origin", "NAME", .text, help: "The ledger's name in signed statements (default: ledger)")
  static let keys = Option("keys", "DIR", .text, help: "Where the keys are to lie instead")
  static let signer = Option("signer", "CMD", .text, help: "The command that signs checkpoints")
  static let signerKey = Option(
    "signer-key", "VKEY", .text, help: "The public key of --signer, as a C2SP verifier key")
  static let group = Option(
    "group", "NAME", .text, help: "Let this group read all but the keys")
  static let entry = OperatorCommand(
    "init", "Make a new ledger",
    details: """
      Makes the directory where it is missing, an Ed25519 key and an HMAC key under keys/,
      config.json with the console as its only channel, and the log with its first event.
      With --keys the keys lie elsewhere, and keys is a symbolic link to there. With --signer a
      command has the signing key: it gets the message on standard input and prints the 64 bytes of
      its Ed25519 signature in base64; --signer-key says under which key they verify.
      """,
    examples: [
      Example("dispatch-ledger init -C ledger --origin example.com/dr", "A ledger in ./ledger"),
      Example("dispatch-ledger init -C ledger --group audit", "One that auditors may read"),
    ], takes: [origin, keys, signer, signerKey, group], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let directory: String
    do {
      directory = try absolutePath(invocation[Global.ledger])
    } catch {
      throw CommandFailure(error)
    }
    let new = try newLedger(invocation)
    let identity = try inLedger { () throws(LedgerError) in
      try Ledger.create(
        LedgerPath(directory), new, surroundings: world.surroundings(invocation[Global.actor]))
    }
    _ = try world.open(invocation, NoteBook())
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "directory", value: .string(directory)),
          .init(key: "ledger_id", value: .string(identity.id.hex)),
          .init(key: "origin", value: .string(identity.origin)),
          .init(key: "v", value: 1),
          .init(key: "vkey", value: .string(identity.verifierKey.text)),
        ]))
    } else {
      try session.print([
        "ledger": directory, "origin": identity.origin, "id": identity.id.hex,
        "vkey": identity.verifierKey.text,
      ])
    }
    return .done
  }

  private static func newLedger(_ invocation: Invocation) throws(CommandFailure) -> NewLedger {
    var new = NewLedger(
      origin: invocation[origin] ?? "ledger", configuration: Configuration.initial)
    let name = invocation[group]
    do throws(PlatformError) {
      if let path = invocation[keys] { new.keys = try absolutePath(path) }
      if let name { new.group = try groupNumber(named: name) }
    } catch {
      throw CommandFailure(error)
    }
    if let name, new.group == nil {
      throw CommandFailure(.usage, "there is no group '\(name)'", notDone: "nothing was made")
    }
    new.signer = try commandSigner(invocation, origin: new.origin)
    return new
  }

  /// The command that --signer and --signer-key name, or `nil` where neither is given.
  static func commandSigner(
    _ invocation: Invocation, origin: String
  ) throws(CommandFailure) -> Signer? {
    switch (invocation[signer], invocation[signerKey]) {
    case (nil, nil): return nil
    case (let command?, let text?):
      guard let vkey = VerifierKey(text: text.utf8), sameBytes(vkey.name, origin) else {
        throw CommandFailure(
          .usage, "--signer-key isn't a verifier key of '\(origin)'",
          notDone: "nothing was made", hint: "\(origin)+<key id>+<base64>")
      }
      return .command(command, vkey)
    default:
      throw CommandFailure(
        .usage, "--signer and --signer-key belong together", notDone: "nothing was made")
    }
  }
}
