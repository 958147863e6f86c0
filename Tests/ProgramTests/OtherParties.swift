import Bytes
import Foundation
import Merkle

/// A folder that goes with the last reference.
final class TemporaryFolder {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("folder-\(UUID().uuidString)").path

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What a shell script did wrong.
struct ScriptFailure: Error {
  let script: String
  let talk: String
}

private func script(_ text: String, in folder: String) throws {
  let ended = try Shell.run("/bin/sh", ["-c", "set -eu; cd \"$0\"; \(text)", folder])
  guard ended.status == 0 else { throw ScriptFailure(script: text, talk: ended.talk) }
}

/// A signing key that only openssl has, behind a command.
struct SigningCommand {
  let folder: String
  let origin: String
  let verifierKey: VerifierKey

  var vkey: String { verifierKey.text }
  var command: String { "\(folder)/sign" }

  init(in folder: String, origin: String = "example.com/hsm") throws {
    self.folder = folder
    self.origin = origin
    try script(
      """
      openssl genpkey -algorithm ed25519 -out hsm.pem
      openssl pkey -in hsm.pem -pubout -outform DER | tail -c 32 > hsm.pub
      cat > sign <<'SIGN'
      #!/bin/sh
      # openssl takes what it signs with Ed25519 from a file only.
      message=$(mktemp)
      cat > "$message"
      openssl pkeyutl -sign -rawin -inkey "$(dirname "$0")/hsm.pem" -in "$message" | base64 -w 0
      rm "$message"
      SIGN
      chmod 700 sign
      """, in: folder)
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "/hsm.pub")))
    guard let key = Ed25519.PublicKey(bytes: bytes), let vkey = VerifierKey(name: origin, key: key)
    else { throw ScriptFailure(script: "a key of \(bytes.count) bytes", talk: "") }
    verifierKey = vkey
  }

  func sign(_ message: [UInt8]) throws -> [UInt8] {
    let ended = try Shell.run(command, [], input: String(decoding: message, as: UTF8.self))
    return Base64.decode(ended.output.utf8) ?? []
  }

  func disable() throws { try script("chmod 000 hsm.pem; mv hsm.pem gone.pem", in: folder) }
  func enable() throws { try script("mv gone.pem hsm.pem; chmod 600 hsm.pem", in: folder) }
}

/// A time-stamping authority of openssl's.
struct StampingAuthority {
  let folder: String
  var root: String { folder + "/root.pem" }

  init(in folder: String) throws {
    self.folder = folder
    try script(
      """
      cat > tsa.cnf <<'CNF'
      [req]
      distinguished_name = dn
      [dn]
      [root]
      basicConstraints = critical,CA:true
      [stamper]
      extendedKeyUsage = critical,timeStamping
      [tsa]
      default_tsa = t
      [t]
      serial = ./serial
      signer_cert = ./stamper.pem
      signer_key = ./stamper.key
      signer_digest = sha256
      default_policy = 1.2.3.4
      digests = sha256
      crypto_device = builtin
      ess_cert_id_alg = sha256
      CNF
      openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 \
        -subj "/CN=Test root" -config tsa.cnf -extensions root
      openssl req -newkey rsa:2048 -nodes -keyout stamper.key -out stamper.csr \
        -subj "/CN=Time Stamping" -config tsa.cnf
      openssl x509 -req -in stamper.csr -CA root.pem -CAkey root.key -days 3650 -set_serial 7 \
        -extfile tsa.cnf -extensions stamper -out stamper.pem
      echo 01 > serial
      """, in: folder)
  }

  func query(over file: String) throws -> String {
    try script("openssl ts -query -data '\(file)' -sha256 -cert -out theirs.tsq", in: folder)
    return folder + "/theirs.tsq"
  }

  func answer(_ query: String) throws -> String {
    try script(
      "openssl ts -reply -config tsa.cnf -queryfile '\(query)' -out reply.tsr", in: folder)
    return folder + "/reply.tsr"
  }
}
