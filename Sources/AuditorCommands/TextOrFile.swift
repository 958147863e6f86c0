import Bytes
import CommandLineInterface
import Merkle
import Platform

/// Values that are given as text or as the name of a file.
enum TextOrFile {
  static func verifierKey(_ text: String) throws(CommandFailure) -> VerifierKey {
    let bytes = try bytes(text)
    let line = bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes
    guard let key = VerifierKey(text: line) else {
      throw CommandFailure(
        .badInput, "'\(text)' is neither a verifier key nor a file of one",
        hint: "NAME+KEYID+BASE64, as 'dispatch-ledger init' prints")
    }
    return key
  }

  static func note(_ text: String) throws(CommandFailure) -> SignedNote {
    let bytes = try bytes(text)
    return try believing(.badInput) { () throws(EvidenceError) in try SignedNote(bytes) }
  }

  static func policy(_ text: String) throws(CommandFailure) -> TrustPolicy {
    let bytes = try bytes(text)
    return try believing(.badInput) { () throws(EvidenceError) in try TrustPolicy(bytes) }
  }

  /// All of a file, or of standard input where its name is `-`.
  static func file(_ path: String, limit: Int = 1 << 20) throws(CommandFailure) -> [UInt8] {
    do { return try readFile(path, limit: limit) } catch { throw CommandFailure(file: error) }
  }

  /// A file's content, or the text itself where there is no such file.
  private static func bytes(_ text: String) throws(CommandFailure) -> [UInt8] {
    let isFile = (try? exists(text)) ?? false
    return isFile ? try file(text) : Array(text.utf8)
  }
}
