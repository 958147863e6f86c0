import Bytes
import Foundation
import Testing

/// A time-stamping authority of openssl's own, with a root that vouches for it and one that doesn't.
final class Authority {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("authority-\(UUID().uuidString)").path

  private static let script = #"""
    set -eu
    cat > tsa.cnf <<'CNF'
    [req]
    distinguished_name = dn
    [dn]
    [root]
    basicConstraints = critical,CA:true
    [stamper]
    extendedKeyUsage = critical,timeStamping
    [server]
    extendedKeyUsage = serverAuth
    [tsa]
    default_tsa = t
    [t]
    serial = ./serial
    signer_cert = ./stamper.pem
    signer_key = ./stamper.key
    signer_digest = sha256
    default_policy = 1.2.3.4
    digests = sha256, sha512
    crypto_device = builtin
    accuracy = millisecs:500
    clock_precision_digits = 3
    ess_cert_id_alg = sha256
    CNF
    root() {
      openssl req -x509 -newkey ed25519 -nodes -keyout "$1.key" -out "$1.pem" -days 3650 \
        -subj "/CN=$2" -config tsa.cnf -extensions root 2>/dev/null
    }
    root root "Test root"
    root other "Another root"
    openssl req -newkey rsa:2048 -nodes -keyout stamper.key -out stamper.csr \
      -subj "/O=Example Trust/CN=Time Stamping 3" -config tsa.cnf 2>/dev/null
    openssl x509 -req -in stamper.csr -CA root.pem -CAkey root.key -days 3650 -set_serial 7 \
      -extfile tsa.cnf -extensions stamper -out stamper.pem 2>/dev/null
    echo 01 > serial
    """#

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try shell(Self.script)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  @discardableResult
  func shell(_ script: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(script)")
    return String(decoding: text, as: UTF8.self)
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
  }

  /// The reply to a request of ours.
  func reply(to request: [UInt8]) throws -> [UInt8] {
    try write(request, to: "request.tsq")
    try shell("openssl ts -reply -config tsa.cnf -queryfile request.tsq -out reply.tsr 2>/dev/null")
    return try read("reply.tsr")
  }
}

@Suite("Time stamps of RFC 3161") struct TimeStampTests {
  let text = Array("example.com/dr\n42\n4Y+9…\n".utf8)
  let nonce: [UInt8] = [0x5A, 1, 2, 3, 4, 5, 6, 7]

  @Test("openssl reads our request: the digest, the nonce, and that a certificate is wanted")
  func request() throws {
    let authority = try Authority()
    let digest = SHA256.hash(text)
    try authority.write(TimeStampRequest.der(digest: digest, nonce: nonce), to: "ours.tsq")
    let shown = try authority.shell("openssl ts -query -in ours.tsq -text")
    #expect(shown.contains("Hash Algorithm: sha256"))
    #expect(shown.contains("Nonce: 0x5A01020304050607"))
    #expect(shown.contains("Certificate required: yes"))
    // Every byte but the nonce is what openssl makes itself.
    try authority.write(text, to: "text")
    try authority.shell("openssl ts -query -data text -sha256 -cert -no_nonce -out theirs.tsq")
    let theirs = try authority.read("theirs.tsq")
    let ours = TimeStampRequest.der(digest: digest, nonce: nonce)
    #expect(ours.count == theirs.count + 10)
    #expect(ours.dropFirst(2).starts(with: theirs.dropFirst(2).dropLast(3)))
  }

  @Test("A reply names its time and authority, and is trusted as far as the root says")
  func reply() throws {
    let authority = try Authority()
    let digest = SHA256.hash(text)
    let before = Date().timeIntervalSince1970
    let reply = try authority.reply(to: TimeStampRequest.der(digest: digest, nonce: nonce))
    let token = try TimeStampToken(reply: reply)
    #expect(token.digest == digest)
    #expect(token.authority == "CN=Time Stamping 3,O=Example Trust")
    let seconds = Double(token.time.microseconds) / 1e6
    #expect(seconds > before - 1 && seconds < Date().timeIntervalSince1970 + 1)
    #expect(try TimeStampToken(der: token.der) == token)
    try token.verify(digest)
    try token.verify(digest, authorities: authority.read("root.pem"))
    #expect(throws: TimeStampError.untrusted) {
      try token.verify(digest, authorities: authority.read("other.pem"))
    }
    #expect(throws: TimeStampError.malformed) { try token.verify(digest, authorities: text) }
    #expect(throws: TimeStampError.otherDigest) { try token.verify(SHA256.hash([])) }
    // openssl agrees on what we kept.
    try authority.write(token.der, to: "token.der")
    try authority.write(text, to: "text")
    let verdict = try authority.shell(
      "openssl ts -verify -data text -in token.der -token_in -CAfile root.pem 2>&1")
    #expect(verdict.contains("Verification: OK"))
  }

  @Test("Each changed byte of a token is refused, or changes nothing that is vouched for")
  func changed() throws {
    let authority = try Authority()
    let digest = SHA256.hash(text)
    let root = try authority.read("root.pem")
    let reply = try authority.reply(to: TimeStampRequest.der(digest: digest, nonce: nonce))
    let token = try TimeStampToken(reply: reply)
    var accepted = 0
    for index in token.der.indices {
      var bytes = token.der
      bytes[index] ^= 0x01
      guard let changed = try? TimeStampToken(der: bytes),
        (try? changed.verify(digest, authorities: root)) != nil
      else { continue }
      accepted += 1
      #expect(changed.time == token.time && changed.digest == digest, "byte \(index)")
    }
    // What isn't signed: a few bytes of the wrapping that no reader takes a fact from.
    #expect(accepted < 40, "\(accepted) of \(token.der.count) bytes don't matter")
    for count in 0..<token.der.count {
      #expect(throws: TimeStampError.malformed) {
        try TimeStampToken(der: Array(token.der.prefix(count)))
      }
    }
    #expect(throws: TimeStampError.malformed) { try TimeStampToken(der: token.der + [0]) }
  }

  @Test("A refusal says its status, and a digest of another kind isn't taken for ours")
  func refused() throws {
    let authority = try Authority()
    try authority.write(text, to: "text")
    try authority.shell("openssl ts -query -data text -sha1 -out sha1.tsq")
    let refused = try authority.reply(to: authority.read("sha1.tsq"))
    #expect(throws: TimeStampError.refused(status: 2)) { try TimeStampToken(reply: refused) }
    try authority.shell("openssl ts -query -data text -sha512 -cert -out sha512.tsq")
    let other = try authority.reply(to: authority.read("sha512.tsq"))
    #expect(throws: TimeStampError.otherDigest) { try TimeStampToken(reply: other) }
    #expect(throws: TimeStampError.malformed) { try TimeStampToken(reply: []) }
    #expect(throws: TimeStampError.malformed) { try TimeStampToken(reply: text) }
  }

  @Test("Times of ASN.1 are read with and without a fraction, and nothing else is")
  func times() {
    func read(_ text: String) -> String? { Instant(generalizedTime: Array(text.utf8))?.text }
    #expect(read("20261123172359Z") == "2026-11-23T17:23:59.000000Z")
    #expect(read("20261123172359.1Z") == "2026-11-23T17:23:59.100000Z")
    #expect(read("20261123172359.1234567Z") == "2026-11-23T17:23:59.123456Z")
    for bad in [
      "", "20261123172359", "20261123172359.Z", "20261123172359,1Z", "2026112317235Z",
      "20261123172359.1xZ", "20261323172359Z", "202611231723590Z", "20261123172359+0100",
    ] {
      #expect(read(bad) == nil, "\(bad)")
    }
  }
}
