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

extension Storage {
  /// Makes a directory where there is none of that name.
  func ensureDirectory(_ path: String) throws(StorageError) {
    do {
      try createDirectory(path)
    } catch {
      guard error.alreadyExists else { throw error }
    }
  }

  /// Opens a file that is empty, whether or not one of that name was there.
  func openFresh(_ path: String) throws(StorageError) -> any StorageFile {
    do {
      return try open(path, for: .creating)
    } catch {
      guard error.alreadyExists else { throw error }
      let file = try open(path, for: .writing)
      try file.truncate(to: 0)
      return file
    }
  }
}
