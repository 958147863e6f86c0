import Audit
import Bytes
import CommandLineInterface
import EventLog
import Merkle
import Platform

enum WitnessCommand {
  static let state = Option(
    "state", "DIR", .text, help: "Where the newest checkpoint of each log is remembered")
  static let signingKey = Option(
    "signing-key", "FILE", .text, help: "The witness's key, as --make-key writes it")
  static let log = Option(
    repeated: "log", "KEY", .text, help: "The key of a log to cosign: a verifier key or a file")
  static let makeKey = Option(
    "make-key", "NAME", .text, help: "Make a key of this name in --signing-key, and print its vkey")
  static let entry = AuditorCommand(
    "witness", "Cosign a checkpoint, if its ledger only grew",
    details: """
      Reads the body of C2SP tlog-witness's add-checkpoint on standard input and prints a
      cosignature/v1 line: at this time, this was the largest tree of this origin that I had seen.
      What it has seen is durable before it answers. Whatever carries the request, HTTP or a
      courier, is somebody else's.

      Refused: 65 malformed; 66 an unknown log; 77 no signature of it that holds; 3 another size
      than the request says, with the known one on standard output; 4 the proof is false, or the
      log shows another tree of that size: it has forked.
      """,
    examples: [
      Example(
        "ledger-audit witness --make-key example.com/w --signing-key w.key", "Once"),
      Example(
        "ledger-audit witness --state seen --signing-key w.key --log dr.vkey < request",
        "Prints a line for 'dispatch-ledger checkpoint --cosigned -'"),
    ], takes: [state, signingKey, log, makeKey], run: run)

  static func run(
    _ invocation: Invocation, _ world: AuditorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    guard let keyFile = invocation[signingKey] else {
      throw CommandFailure(.usage, "--signing-key names the witness's key")
    }
    if let name = invocation[makeKey] { return try make(name, in: keyFile, &session) }
    guard let directory = invocation[state], !invocation[log].isEmpty else {
      throw CommandFailure(.usage, "a witness needs --state and at least one --log")
    }
    let key = try WitnessKey(file: TextOrFile.file(keyFile))
    var logs: [NoteKey] = []
    for text in invocation[log] { logs.append(.ed25519(try TextOrFile.verifierKey(text))) }
    let bytes = try TextOrFile.file("-", limit: WitnessRequest.byteLimit)
    let request = try believing(.badInput) { () throws(EvidenceError) in
      try WitnessRequest(bytes)
    }
    let seen = try WitnessState(directory, origin: request.checkpoint.origin)
    let time = UInt64(max(0, world.now().microseconds / 1_000_000))
    let witness = Witness(key: key.publicKey, logs: logs)
    switch witness.answer(request, known: seen.head, time: time, sign: key.sign) {
    case .success(let answer):
      try seen.remember(answer.head)
      try session.print(answer.signature.line)
      return .done
    case .failure(let refusal): return try tell(refusal, &session)
    }
  }

  private static func tell(
    _ refusal: WitnessRefusal, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    switch refusal {
    case .malformed(let error): throw CommandFailure(.badInput, error.text)
    case .oldSizeBeyondCheckpoint:
      throw CommandFailure(.badInput, "the request's old size is greater than the checkpoint's")
    case .unknownLog(let origin):
      throw CommandFailure(.notFound, "'\(origin)' is none of the logs of --log")
    case .untrustedSignature(let error): throw CommandFailure(.permission, error.text)
    case .sizeConflict(let known):
      try session.print("\(known)")
      try session.flush()
      throw CommandFailure(
        .conflict, "the newest tree seen of this log has \(known) events",
        hint: "ask again with a proof from that size")
    case .rootConflict(let size):
      throw CommandFailure(
        .integrityViolation, "fork: another tree of \(size) events was seen of this log",
        hint: "keep both checkpoints: together they prove it")
    case .falseProof:
      throw CommandFailure(
        .integrityViolation, "the proof is false: the log isn't the continuation of what was seen")
    case .falseSigner: throw CommandFailure(.ourBug, "the witness's own signature doesn't hold")
    }
  }

  private static func make(
    _ name: String, in path: String, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let isThere: Bool
    let seed: [UInt8]
    do throws(PlatformError) {
      isThere = try exists(path)
      seed = try randomBytes(Ed25519.seedByteCount)
    } catch {
      throw CommandFailure(file: error)
    }
    guard !isThere else {
      throw CommandFailure(.exists, "'\(path)' is there already", notDone: "no key was made")
    }
    guard let key = WitnessKey(name: name, seed: seed) else {
      throw CommandFailure(.usage, "'\(name)' can't be a key's name")
    }
    do { try replaceFile(path, with: key.file) } catch { throw CommandFailure(file: error) }
    try session.print(key.publicKey.text)
    return .done
  }
}

/// A witness's signing key: `NAME SEED` with the seed in hex, and a newline.
struct WitnessKey {
  let publicKey: CosignerKey
  private let key: Ed25519.SigningKey
  private let seed: [UInt8]

  init?(name: String, seed: [UInt8]) {
    guard let key = Ed25519.SigningKey(seed: seed),
      let publicKey = CosignerKey(name: name, key: key.publicKey)
    else { return nil }
    self.key = key
    self.seed = seed
    self.publicKey = publicKey
  }

  init(file bytes: [UInt8]) throws(CommandFailure) {
    let parts = bytes.dropLast().split(separator: UInt8(ascii: " "))
    guard bytes.last == UInt8(ascii: "\n"), parts.count == 2,
      let name = String(validating: parts[0], as: UTF8.self), let seed = Hex.decode(parts[1]),
      let key = WitnessKey(name: name, seed: seed)
    else {
      throw CommandFailure(.configuration, "--signing-key names a file that --make-key didn't make")
    }
    self = key
  }

  var file: [UInt8] { Array("\(publicKey.name) \(Hex.encode(seed))\n".utf8) }

  func sign(_ message: [UInt8]) -> [UInt8] { key.signature(of: message) }
}

/// What a witness has seen of one log.
///
/// It is a checkpoint's text in the file `<SHA-256 of the origin>`. The directory's lock is held until the last reference goes.
struct WitnessState {
  /// The newest tree that was cosigned.
  let head: TreeHead?
  private let storage: FileStorage
  private let lock: any StorageFile
  private let name: String
  private let origin: String

  init(_ directory: String, origin: String) throws(CommandFailure) {
    do { try createDirectories(directory) } catch { throw CommandFailure(file: error) }
    self.origin = origin
    let name = SHA256.hash(Array(origin.utf8)).hex
    self.name = name
    let storage = try storing { () throws(StorageError) in
      try FileStorage.open(directory: directory)
    }
    self.storage = storage
    lock = try storing { () throws(StorageError) in try storage.openOrCreate("lock") }
    let lock = lock
    guard try storing({ () throws(StorageError) in try acquire(lock, timeoutMilliseconds: 10_000) })
    else { throw CommandFailure(.locked, "another request is being answered") }
    let bytes = try storing { () throws(StorageError) in try storage.read(name, limit: 4_096) }
    let checkpoint = bytes.flatMap { try? Checkpoint(text: $0) }
    guard (bytes == nil) == (checkpoint == nil) else {
      throw CommandFailure(
        .integrityViolation, "what was seen of this log can't be read: '\(directory)/\(name)'",
        notDone: "nothing was cosigned")
    }
    head = checkpoint?.head
  }

  /// Makes the newest tree durable.
  func remember(_ head: TreeHead) throws(CommandFailure) {
    guard let checkpoint = Checkpoint(origin: origin, head: head) else {
      fatalError("invariant broken: a verified checkpoint can't be written")
    }
    try storing { () throws(StorageError) in try storage.replace(name, with: checkpoint.text) }
    withExtendedLifetime(lock) {}
  }
}

/// Runs calls on files that aren't a ledger's.
private func storing<Result>(
  _ calls: () throws(StorageError) -> Result
) throws(CommandFailure) -> Result {
  do { return try calls() } catch { throw CommandFailure(.log(.storage(error))) }
}
