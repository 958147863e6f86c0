import Audit
import Bytes
import CommandLineInterface
import EventLog
import Events
import Merkle
import Platform

enum ProveCommand {
  static let id = Argument(
    repeated: "ID", .integer(0...Int.max), atLeast: 0, help: "The event that is to be proved")
  static let out = Option(
    "out", "FILE", .text, help: "Write FILE, and the event's bytes beside it, ending in .leaf")
  static let fromSize = Option("from-size", "N", .integer(1...Int.max), help: "An older size")
  static let toSize = Option("to-size", "M", .integer(1...Int.max), help: "A newer size")
  static let entry = AuditorCommand(
    "prove", "Prove that an event is in the ledger, or that the ledger only grew",
    details: """
      The proof of an event is a C2SP tlog-proof for the newest checkpoint: with the event's bytes
      and the ledger's key, anybody can check it without the ledger. A proof of growth is one JSON
      object: size1, root1, size2, root2, hashes.
      """,
    examples: [
      Example(
        "ledger-audit prove 41 --out 41.tlog-proof", "41.tlog-proof, and the event in 41.leaf"),
      Example("ledger-audit proof check 41.tlog-proof --vkey dr.vkey", "Without the ledger"),
      Example("ledger-audit prove --from-size 30 --to-size 68", "That 68 events begin with the 30"),
    ], takes: [id, out, fromSize, toSize], usage: "prove ID [--out FILE]", run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let ledger = try AuditedLedger(invocation).watched("prove", &session)
    let prover = try proving { () throws(Prover.Failure) in
      try Prover(ledger.storage, identity: ledger.identity)
    }
    switch (invocation[id].count, invocation[fromSize], invocation[toSize]) {
    case (1, nil, nil):
      return try proveInclusion(UInt64(invocation[id][0]), prover, invocation[out], &session)
    case (0, let old?, let new?):
      return try proveGrowth(UInt64(old), UInt64(new), prover, invocation[out], &session)
    default:
      throw CommandFailure(.usage, "name one event, or --from-size and --to-size")
    }
  }

  private static func proveInclusion(
    _ id: EventID, _ prover: Prover, _ path: String?, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let made = try proving { () throws(Prover.Failure) in try prover.inclusion(of: id) }
    guard
      let proof = TransparencyProof(index: id, proof: made.proof, note: prover.note)
    else { fatalError("invariant broken: the proof of event \(id) can't be written") }
    guard let path else {
      try session.write(proof.bytes)
      return .done
    }
    try write(proof.bytes, to: path)
    try write(made.line, to: leafPath(of: path))
    session.note("the proof is \(path), the event's bytes are \(leafPath(of: path))")
    return .done
  }

  private static func proveGrowth(
    _ old: UInt64, _ new: UInt64, _ prover: Prover, _ path: String?, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let made = try proving { () throws(Prover.Failure) in
      try prover.consistency(from: old, to: new)
    }
    guard let made else {
      throw CommandFailure(
        .notFound,
        "there are no such sizes: the older is at most the newer, and that at most the ledger's")
    }
    let document = JSONObject([
      .init(key: "hashes", value: .array(made.proof.hashes.map { .string($0.base64) })),
      .init(key: "root1", value: .string(made.old.root.base64)),
      .init(key: "root2", value: .string(made.new.root.base64)),
      .init(key: "size1", value: .string(String(old))),
      .init(key: "size2", value: .string(String(new))), .init(key: "v", value: 1),
    ])
    guard let path else {
      try session.print(json: document)
      return .done
    }
    try write(JSON.object(document).canonicalBytes + [UInt8(ascii: "\n")], to: path)
    return .done
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
    do { try replaceFile(path, with: bytes, permissions: 0o644) } catch {
      throw CommandFailure(file: error)
    }
  }

  /// `41.tlog-proof` -> `41.leaf`.
  static func leafPath(of path: String) -> String {
    let ending = ".tlog-proof"
    return (path.hasSuffix(ending) ? String(path.dropLast(ending.count)) : path) + ".leaf"
  }
}

enum ProofCheckCommand {
  static let file = Argument(
    "FILE", .input, help: "A C2SP tlog-proof, or the directory of a bundle; - is stdin")
  static let event = Option(
    "event", "FILE", .text, help: "The event's bytes (default: FILE ending in .leaf)")
  static let vkey = Option(
    "vkey", "KEY", .text, help: "The ledger's key: a C2SP verifier key, or a file of it")
  static let policy = Option(
    "policy", "FILE", .text, help: "A C2SP tlog-policy, or a file of it: logs and witnesses")
  static let entry = AuditorCommand(
    "proof check", "Check the proof of an event, or a bundle; no ledger is needed",
    details: """
      Of a bundle (FORMAT.md §23) each file is checked against its lists, and each event against the
      checkpoint in it; what was changed is named.


      Size and root are those of the checkpoint in the proof, once it is verified: signed by --vkey,
      or as --policy demands. The exit status is 4 where the proof doesn't hold.
      """,
    examples: [
      Example("ledger-audit proof check 41.tlog-proof --vkey dr.vkey", "With 41.leaf beside it"),
      Example("ledger-audit proof check bag --vkey dr.vkey", "A bundle that export made"),
    ], takes: [file, event, vkey, policy], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let path = if case .file(let path) = invocation[file] { path } else { "-" }
    let trust = try trust(invocation)
    if path != "-", (try? FileStatus(ofDirectory: path)) != nil {
      return try BundleChecking.run(path, keys: trust.keys, policy: trust.policy, &session)
    }
    let bytes = try TextOrFile.file(path, limit: TransparencyProof.byteLimit)
    let proof = try believing(.badInput) { () throws(EvidenceError) in
      try TransparencyProof(bytes)
    }
    var leafPath = invocation[event]
    if leafPath == nil, path != "-" { leafPath = ProveCommand.leafPath(of: path) }
    guard let leafPath else {
      throw CommandFailure(.usage, "a proof on standard input needs --event FILE")
    }
    let line = try TextOrFile.file(leafPath)
    let leaf = MerkleTree.leafHash(line.last == UInt8(ascii: "\n") ? Array(line.dropLast()) : line)
    let verified = try believing(.integrityViolation) { () throws(EvidenceError) in
      guard let policy = trust.policy else {
        return try proof.verified(leaf: leaf, logs: trust.keys)
      }
      return try proof.verified(leaf: leaf, policy: policy, logs: trust.keys)
    }
    try print(proof, verified, &session)
    return .done
  }

  /// Whose signatures the caller believes.
  private static func trust(
    _ invocation: Invocation
  ) throws(CommandFailure) -> (keys: [NoteKey], policy: TrustPolicy?) {
    var keys: [NoteKey] = []
    if let text = invocation[vkey] { keys.append(.ed25519(try TextOrFile.verifierKey(text))) }
    let policy = try invocation[policy].map { (text) throws(CommandFailure) in
      try TextOrFile.policy(text)
    }
    guard policy != nil || !keys.isEmpty else {
      throw CommandFailure(.usage, "a proof is believed for --vkey KEY or --policy FILE alone")
    }
    return (keys, policy)
  }

  private static func print(
    _ proof: TransparencyProof, _ verified: VerifiedCheckpoint, _ session: inout Session
  ) throws(CommandFailure) {
    let checkpoint = verified.checkpoint
    guard session.wantsJSON else {
      try session.print(
        "event \(proof.index) is one of the \(checkpoint.head.size) events of \(checkpoint.origin)",
        style: .good)
      for cosignature in verified.cosignatures {
        try session.print("cosigned by \(cosignature.key.name) at \(cosignature.time)")
      }
      return
    }
    try session.print(
      json: JSONObject([
        .init(
          key: "cosigners",
          value: .array(verified.cosignatures.map { .string($0.key.name) })),
        .init(key: "index", value: .string(String(proof.index))),
        .init(key: "origin", value: .string(checkpoint.origin)),
        .init(key: "root", value: .string(checkpoint.head.root.base64)),
        .init(key: "size", value: .string(String(checkpoint.head.size))),
        .init(key: "v", value: 1),
      ]))
  }
}

/// Runs what makes proofs.
func proving<Result>(
  _ body: () throws(Prover.Failure) -> Result
) throws(CommandFailure) -> Result {
  do { return try body() } catch {
    switch error {
    case .log(let error): throw CommandFailure(.log(error))
    case .noCheckpoint:
      throw CommandFailure(
        .notFound, "the ledger has no checkpoint that a proof could lead to",
        hint: "'dispatch-ledger checkpoint' signs one")
    case .notSigned(let size):
      throw CommandFailure(
        .notFound, "the newest checkpoint covers \(size) events, and not this one",
        hint: "'dispatch-ledger checkpoint' signs the newer ones too")
    case .otherRoot(let size):
      throw CommandFailure(
        .integrityViolation, "the log's first \(size) events aren't what the checkpoint says",
        hint: "'ledger-audit verify' tells which were altered or are missing")
    }
  }
}

/// Runs what reads or checks a piece of evidence.
func believing<Result>(
  _ status: ExitStatus, _ body: () throws(EvidenceError) -> Result
) throws(CommandFailure) -> Result {
  do { return try body() } catch { throw CommandFailure(status, error.text) }
}
