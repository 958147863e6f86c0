package import Bytes
package import Merkle
package import Platform

/// Who signs a ledger's checkpoints: a seed that lies in `keys/`, or a command that has the key.
///
/// The file `keys/signing-key` holds the seed as 64 hex digits and a newline, or one canonical JSON
/// object and a newline: `{"command":"…","vkey":"…"}`.
package enum Signer {
  case seed(Ed25519.SigningKey, VerifierKey)
  /// `/bin/sh -c` gets the message on standard input and prints the 64 bytes of the signature in
  /// base64.
  case command(String, VerifierKey)

  /// How long a command may take; a hardware module that is asked over a network needs seconds.
  private static let patienceMilliseconds = 30_000
  private static let outputLimit = 4_096
  static let fileLimit = 64 << 10

  /// The signer with a seed of its own, or `nil` where the name can't be a key's.
  package init?(seed: [UInt8], name: String) {
    guard let key = Ed25519.SigningKey(seed: seed),
      let vkey = VerifierKey(name: name, key: key.publicKey)
    else { return nil }
    self = .seed(key, vkey)
  }

  /// Who signs for a ledger whose files lie there.
  ///
  /// - Throws: `.badKeyFile`, or what reading its file met.
  package init(of path: LedgerPath, origin: String) throws(LedgerError) {
    self = try KeyStore.signer(in: path.signingKey, origin: origin)
  }

  /// Reads the file's content, or gives `nil`.
  init?(file bytes: [UInt8], name: String) {
    guard bytes.last == UInt8(ascii: "\n") else { return nil }
    let text = Array(bytes.dropLast())
    if let seed = Hex.decode(text) {
      self.init(seed: seed, name: name)
      return
    }
    guard let json = try? JSON(parsing: text), case .object(let object) = json,
      case .string(let command)? = object["command"], case .string(let vkeyText)? = object["vkey"],
      let vkey = VerifierKey(text: vkeyText.utf8), sameBytes(vkey.name, name),
      object.members.count == 2
    else { return nil }
    self = .command(command, vkey)
  }

  /// The file's content for a command.
  static func file(command: String, vkey: VerifierKey) -> [UInt8] {
    let object: JSON = ["command": .string(command), "vkey": .string(vkey.text)]
    return object.canonicalBytes + [UInt8(ascii: "\n")]
  }

  /// The public key that its signatures verify under.
  package var vkey: VerifierKey {
    switch self {
    case .seed(_, let vkey), .command(_, let vkey): vkey
    }
  }

  /// The 64 bytes of the Ed25519 signature of `message`.
  ///
  /// - Throws: `.signing(.signerFailed)` where the command failed, or what it printed isn't this
  ///   key's signature.
  package func signature(of message: [UInt8]) throws(LedgerError) -> [UInt8] {
    switch self {
    case .seed(let key, _): return key.signature(of: message)
    case .command(let command, let vkey):
      let answer = try inFiles { () throws(PlatformError) in
        try runCommand(
          command, input: message, outputLimit: Self.outputLimit,
          timeoutMilliseconds: Self.patienceMilliseconds)
      }
      guard answer.isSuccess else { throw Self.failure(.ended(answer.end)) }
      let printed = answer.output.filter { $0 != UInt8(ascii: "\n") }
      guard let signature = Base64.decode(printed) else { throw Self.failure(.notBase64) }
      guard vkey.key.accepts(signature, of: message) else { throw Self.failure(.otherKey) }
      return signature
    }
  }

  private static func failure(_ failure: SignerFailure) -> LedgerError {
    .signing(.signerFailed(failure))
  }
}

/// Why a command that signs gave no signature.
package enum SignerFailure: Hashable, Sendable {
  case ended(CommandAnswer.End)
  /// What it printed isn't base64.
  case notBase64
  /// What it printed isn't the signature of the message under the ledger's key.
  case otherKey
}
