import Audit
import Bytes
import CommandLineInterface
import EventLog
import Merkle
import Platform

enum VerifyCommand {
  static let vkey = Option(
    "vkey", "KEY", .text,
    help: "A key that you know to be the ledger's: a C2SP verifier key, or a file of it")
  static let pinned = Option(
    repeated: "pinned", "NOTE", .text,
    help: "A checkpoint that you kept, or a file of it: the ledger must have grown from it")
  static let policy = Option(
    "policy", "FILE", .text,
    help: "A C2SP tlog-policy, or a file of it, that the newest checkpoint must meet")
  static let authorities = Option(
    "authorities", "FILE", .text, help: "PEM certificates that may vouch for time stamps")
  static let allSigned = Option(
    flag: "all-signed", help: "Exit with 4 where events aren't covered by a checkpoint")
  static let entry = AuditorCommand(
    "verify", "Check every byte of the ledger, and what its signatures prove",
    details: """
      Recomputes every checksum, hash and root, checks every event's form and place, and says what
      can't be vouched for. With --json it prints the report that FORMAT.md §7 and §18 specify, the
      same that any other implementation prints.

      Without --vkey, what passes is consistent in itself and nothing more: whoever may write the
      files could have made them. With it, each event up to the newest checkpoint is what the key's
      holder signed. An old key will do: changes of keys are followed.

      --pinned tells a rollback (the ledger is shorter than what you kept) from a fork (it has
      another history). What was cut back to the pinned size or beyond, only a newer checkpoint or a
      witness can show.
      """,
    examples: [
      Example("ledger-audit verify -C ledger", "Exit status 0, 4 for damage, 5 for a doubtful end"),
      Example(
        "ledger-audit verify --vkey dr.vkey --pinned last-year.checkpoint", "Authenticate it"),
    ], takes: [vkey, pinned, policy, authorities, allSigned], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let trust = try trust(invocation)
    let ledger = try AuditedLedger(invocation).watched("verify", &session)
    let verification: Verification
    do {
      verification = try Verification(
        ledger.storage, identity: ledger.identity, trust: trust
      ) { doAtOnce($0, $1) }
    } catch {
      throw CommandFailure(.log(error))
    }
    if session.wantsJSON {
      try session.print(json: verification.document)
    } else {
      try VerificationText(verification, trust).print(to: &session)
    }
    if invocation[allSigned], verification.unsignedCount > 0 { return .integrityViolation }
    switch verification.verdict {
    case .whole: return .done
    case .violated: return .integrityViolation
    case .needsRepair: return .needsRepair
    }
  }

  private static func trust(_ invocation: Invocation) throws(CommandFailure) -> Trust {
    var trust = Trust()
    if let text = invocation[vkey] {
      trust.key = try TextOrFile.verifierKey(text)
    }
    for text in invocation[pinned] { trust.pinned.append(try TextOrFile.note(text)) }
    if let text = invocation[policy] { trust.policy = try TextOrFile.policy(text) }
    if let path = invocation[authorities] { trust.authorities = try TextOrFile.file(path) }
    return trust
  }
}
