/// What opening a log for writing did to its end.
package struct Recovery: Hashable, Sendable {
  /// What was set aside, in the order in which it was.
  package var quarantined: [QuarantinedFile] = []
  /// Events that were whole but not known to be durable, and are now.
  package var adopted: Range<UInt64> = 0..<0
  /// Whether both slots of `head` had to be made anew.
  package var isHeadRebuilt = false

  package init() {}
}

/// Makes a segment appear whole, with its header, or not at all.
struct SegmentMaker {
  let storage: any Storage
  let ledger: LedgerID

  func make(_ header: SegmentHeader) throws(StorageError) -> any StorageFile {
    let path = LogPath.segment(header.first)
    let unfinished = path + LogPath.unfinishedSuffix
    let file = try storage.openFresh(unfinished)
    try file.writeFully(header.encoded(in: ledger), at: 0)
    try file.synchronize()
    try storage.rename(unfinished, to: path)
    try storage.synchronizeDirectory(LogPath.logDirectory)
    return file
  }
}
