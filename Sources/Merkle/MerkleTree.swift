package import Bytes

/// The hashes of an RFC 6962 §2.1 tree.
///
/// A leaf and a node are hashed behind different first bytes, so that neither can pass for the
/// other.
package enum MerkleTree {
  /// SHA-256(0x00 || entry).
  package static func leafHash(_ entry: RawSpan) -> Digest { SHA256.hash(prefix: 0x00, entry) }

  /// SHA-256(0x00 || entry).
  package static func leafHash(_ entry: [UInt8]) -> Digest { unsafe leafHash(entry.span.bytes) }

  /// Appends the leaf hash of each of many entries, which are parts of a buffer: sixteen at a time
  /// where the processor can.
  package static func appendLeafHashes(
    of entries: [BytePart], in bytes: RawSpan, to leaves: inout [Digest]
  ) {
    SHA256.append(prefix: 0x00, entries, of: bytes, to: &leaves)
  }

  /// SHA-256(0x01 || left || right).
  package static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
    SHA256.hash(prefix: 0x01, left, right)
  }

  /// The root of a tree without leaves: SHA-256 of nothing.
  package static let emptyRoot = SHA256.hash([])
}
