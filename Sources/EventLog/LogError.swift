/// Why the log can't do what was asked.
package enum LogError: Error, Hashable, Sendable {
  /// A system call failed, and nothing was changed that a later opening doesn't put right.
  case storage(StorageError)
  /// `LEDGER` isn't what `FORMAT.md` §2 says.
  case badIdentity
  /// The ledger is of a format that this program doesn't know.
  case unknownFormat(Int64)
  /// The end of the log isn't what a crash leaves; nothing is written until an operator decided.
  case needsRepair(LogEnd)
  /// Bytes that were durable don't verify. What stands outside of `ids` can still be read.
  case damaged(ids: Range<UInt64>, segment: UInt64, offset: UInt64)
  /// These events lie in an archive; what stands behind them can be read.
  ///
  /// - archive: The archive's id, where the log tells it.
  /// - isDisposed: Whether it was destroyed since.
  case archived(ids: Range<UInt64>, archive: String?, isDisposed: Bool)
  /// A snapshot isn't what `FORMAT.md` §28 says, or not the one that the log names.
  case badSnapshot(path: String)
  /// The commit isn't in the log: writing it failed before its last byte. Nothing else is lost.
  case notWritten(StorageError)
  /// Nobody knows whether the commits since the last success are durable: a sync failed.
  case outcomeUnknown(StorageError)
  /// A commit of so many events and bytes is larger than a commit may be.
  case commitTooLarge(events: Int, bytes: Int)
  /// An event line is longer than 65,535 bytes.
  case eventTooLong(bytes: Int)
  /// An earlier failure stopped this writer; the ledger has to be opened again.
  case writerStopped
  /// A finished copy is there already, and nobody asked to go on with it.
  case copyExists
  /// Where a copy was to be made or used, there is one of another ledger.
  case copyOfAnotherLedger(origin: String)
  /// The copy that is there holds events that the ledger doesn't hold, in this segment at the latest.
  case copyDiffers(segment: UInt64)
  /// What was copied doesn't verify, because what it was copied from doesn't.
  case copyNotWhole(LogReport)
}

/// Runs calls of the storage, whose failure here means only that something couldn't be read.
func reporting<Result>(
  _ calls: () throws(StorageError) -> Result
) throws(LogError) -> Result {
  do {
    return try calls()
  } catch {
    throw .storage(error)
  }
}
