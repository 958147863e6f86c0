package import Bytes

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

/// Bytes that recovery set aside in `quarantine/`; nothing ever deletes them.
package struct QuarantinedFile: Hashable, Sendable {
  /// The path, relative to the ledger.
  package let path: String
  /// Where the bytes stood: the segment, and the offset in it.
  package let segment: UInt64
  package let offset: UInt64
  package let length: UInt64
  package let digest: Digest
}

extension QuarantinedFile {
  /// A file of `quarantine/`, as its name tells of it; `nil` where the name is of no such file.
  package init?(named name: String, in storage: any Storage) throws(StorageError) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    let isUnfinished = parts.count == 2
    guard isUnfinished || parts.count == 3, let first = parts.first, let last = parts.last,
      let digest = Digest(hex: last.utf8)
    else { return nil }
    let segment =
      isUnfinished
      ? LogPath.segment(named: String(first.dropLast(LogPath.unfinishedSuffix.count)))
      : LineReader.number(Array(first.utf8)[...])
    let offset = isUnfinished ? 0 : LineReader.number(Array(parts[1].utf8)[...])
    guard let segment, let offset else { return nil }
    let path = "\(LogPath.quarantineDirectory)/\(name)"
    let length = try storage.open(path, for: .reading).size()
    self.init(path: path, segment: segment, offset: offset, length: length, digest: digest)
  }
}

/// What is done to the last segment before a writer goes on with it.
struct TailRepair {
  let storage: any Storage
  let ledger: LedgerID
  let file: any StorageFile

  /// Copies the bytes from the valid log's end on to `quarantine/`, and synchronizes the copy.
  func setAside(
    from end: LogPosition, to fileLength: UInt64
  ) throws(StorageError) -> QuarantinedFile {
    let digest = try forEachPiece(of: file, end.offset..<fileLength) { (_, _) in }
    let path = LogPath.quarantined(segment: end.segment, offset: end.offset, digest: digest)
    let copy = try storage.openFresh(LogPath.unfinishedQuarantine)
    try forEachPiece(of: file, end.offset..<fileLength) { (bytes, offset) throws(StorageError) in
      try copy.writeFully(bytes, at: offset - end.offset)
    }
    try copy.synchronize()
    try storage.rename(LogPath.unfinishedQuarantine, to: path)
    try storage.synchronizeDirectory(LogPath.quarantineDirectory)
    return QuarantinedFile(
      path: path, segment: end.segment, offset: end.offset, length: fileLength - end.offset,
      digest: digest)
  }

  /// Moves a segment whose making was interrupted to `quarantine/`.
  func setAsideUnfinished(_ name: String) throws(StorageError) -> QuarantinedFile {
    let path = "\(LogPath.logDirectory)/\(name)"
    let unfinished = try storage.open(path, for: .reading)
    let length = try unfinished.size()
    let digest = try forEachPiece(of: unfinished, 0..<length) { (_, _) in }
    let newPath = "\(LogPath.quarantineDirectory)/\(name)-\(digest.hex)"
    try storage.rename(path, to: newPath)
    try storage.synchronizeDirectory(LogPath.quarantineDirectory)
    try storage.synchronizeDirectory(LogPath.logDirectory)
    let segment = LogPath.segment(named: String(name.dropLast(4))) ?? 0
    return QuarantinedFile(
      path: newPath, segment: segment, offset: 0, length: length, digest: digest)
  }

  /// Writes bytes over themselves and synchronizes, since the system may hold them in memory only.
  func writeAgain(_ range: Range<UInt64>) throws(StorageError) {
    try forEachPiece(of: file, range) { (bytes, offset) throws(StorageError) in
      try file.writeFully(bytes, at: offset)
    }
    try file.synchronize()
  }

  /// Reads a part of a file in pieces of at most a megabyte.
  ///
  /// - Returns: The SHA-256 of the whole part.
  @discardableResult
  private func forEachPiece(
    of file: any StorageFile, _ range: Range<UInt64>,
    _ body: ([UInt8], UInt64) throws(StorageError) -> Void
  ) throws(StorageError) -> Digest {
    var hasher = SHA256Hasher()
    var offset = range.lowerBound
    while offset < range.upperBound {
      var piece = [UInt8](repeating: 0, count: Int(min(1 << 20, range.upperBound - offset)))
      let count = try file.readFully(into: &piece, range: 0..<piece.count, at: offset)
      if count == 0 { break }
      piece.removeLast(piece.count - count)
      unsafe hasher.update(piece.span.bytes)
      try body(piece, offset)
      offset += UInt64(count)
    }
    return hasher.finish()
  }
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
