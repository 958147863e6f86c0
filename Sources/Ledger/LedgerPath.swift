import EventLog
import Platform

/// Where everything of a ledger lies; the log's own paths are ``LogPath``'s.
package struct LedgerPath: Hashable, Sendable {
  /// The ledger's directory.
  package let directory: String

  package init(_ directory: String) { self.directory = directory }

  /// Where its keys lie; where they lie outside of the ledger, a symbolic link to there.
  package var keys: String { joinPath(directory, "keys") }

  /// What is locked while segments are moved to an archive or back.
  static let archiving = "index/archiving"

  static let configurationName = "config.json"
  package var configuration: String { joinPath(directory, Self.configurationName) }
  /// What one process at a time holds a lock on while it delivers.
  package static let delivering = "delivering"
  /// Where a server that holds the writer's lock is asked; a symbolic link where it listens elsewhere.
  package static let socketName = "serve.sock"
  package var socket: String { joinPath(directory, Self.socketName) }
  static let indexName = "index"
  static let viewsName = "views.db"
  package var index: String { joinPath(directory, Self.indexName) }
  package var views: String { joinPath(index, Self.viewsName) }

  static let signingKeyName = "signing-key"
  /// The key that a change of keys is about to put in place of the one before.
  static let nextSigningKeyName = "next-signing-key"
  var signingKey: String { joinPath(keys, Self.signingKeyName) }
  var nextSigningKey: String { joinPath(keys, Self.nextSigningKeyName) }
  /// The text of the checkpoint that was signed last, under this key or the one before.
  static let lastSignedName = "last-signed"
  /// What is locked while a checkpoint is signed.
  static let keyLockName = "lock"
  var idempotencyKey: String { joinPath(keys, "idempotency-key") }
  var orphansKey: String { joinPath(keys, "orphans-key") }
  /// Up to which event users' keys are known to be destroyed.
  static let erasedMarkName = "erased"
  var erasedMark: String { joinPath(keys, Self.erasedMarkName) }
  static let userKeysName = "users"
  var userKeys: String { joinPath(keys, Self.userKeysName) }
  /// One of the 256 files that hold users' keys, by the first byte of the hash of their ids.
  func userKeys(_ bucket: UInt8) -> String {
    let digits = String(bucket, radix: 16)
    return joinPath(userKeys, bucket < 16 ? "0\(digits)" : digits)
  }
}
