import EventLog
import Platform

/// Where everything of a ledger lies; the log's own paths are ``LogPath``'s.
package struct LedgerPath: Hashable, Sendable {
  /// The ledger's directory.
  package let directory: String
  /// Where its keys lie, which may be elsewhere.
  package let keys: String

  package init(_ directory: String, keys: String? = nil) {
    self.directory = directory
    self.keys = keys ?? joinPath(directory, "keys")
  }

  package var configuration: String { joinPath(directory, "config.json") }
  /// What one process at a time holds a lock on while it delivers.
  package static let delivering = "delivering"
  package var index: String { joinPath(directory, "index") }
  package var views: String { joinPath(index, "views.db") }

  var signingKey: String { joinPath(keys, "signing-key") }
  var idempotencyKey: String { joinPath(keys, "idempotency-key") }
  var userKeys: String { joinPath(keys, "users") }
  /// One of the 256 files that hold users' keys, by the first byte of the hash of their ids.
  func userKeys(_ bucket: UInt8) -> String {
    let digits = String(bucket, radix: 16)
    return joinPath(userKeys, bucket < 16 ? "0\(digits)" : digits)
  }
}
