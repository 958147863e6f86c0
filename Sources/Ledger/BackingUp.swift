import Audit
package import EventLog
import Platform

extension Ledger {
  /// Copies the ledger but its keys into a directory, beside whoever writes, and verifies the copy.
  package func backUp(
    to directory: String, isIncremental: Bool
  ) throws(LedgerError) -> LogBackup.Outcome {
    try inFiles { () throws(PlatformError) in try createDirectories(directory) }
    let target = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: directory)
    }
    return try inLog { () throws(LogError) in
      try LogBackup.make(
        of: storage, identity: identity, in: target, isIncremental: isIncremental,
        files: [CheckpointFiles.newest, CheckpointFiles.all, LedgerPath.configurationName],
        judge: EventCheck(identity))
    }
  }
}
