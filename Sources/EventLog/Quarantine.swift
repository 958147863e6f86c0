package import Bytes

/// Bytes that were set aside in `quarantine/`; nothing ever deletes them (`FORMAT.md` §6.4).
package struct QuarantinedFile: Hashable, Sendable {
  /// Why they were; all but the first and the last stand in the file's name.
  package enum Reason: String, CaseIterable, Hashable, Sendable {
    /// A crash tore them.
    case torn
    /// An operator gave them up, since nobody was told of them.
    case suspect
    /// The whole file of a segment, before a repaired one was put in its place.
    case replaced
    /// The file `head`, before it was made anew.
    case head
    /// A segment whose making was interrupted.
    case unfinished
  }

  /// The path, relative to the ledger.
  package let path: String
  package let reason: Reason
  /// Where the bytes stood: the segment, and the offset in it.
  package let segment: UInt64
  package let offset: UInt64
  package let length: UInt64
  package let digest: Digest
}

extension QuarantinedFile {
  /// A file of `quarantine/`, as its name tells of it; `nil` where the name is of no such file.
  package init?(named name: String, in storage: any Storage) throws(StorageError) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard (2...4).contains(parts.count), let last = parts.last,
      let digest = Digest(hex: last.utf8)
    else { return nil }
    let reason: Reason?
    let segment: UInt64?
    var offset: UInt64? = 0
    if parts.count == 2 {
      reason = .unfinished
      let suffix = LogPath.unfinishedSuffix
      segment =
        parts[0].hasSuffix(suffix)
        ? LogPath.segment(named: String(parts[0].dropLast(suffix.count))) : nil
    } else {
      reason = parts.count == 3 ? .torn : Reason(rawValue: parts[2])
      segment = LineReader.number(Array(parts[0].utf8)[...])
      offset = LineReader.number(Array(parts[1].utf8)[...])
    }
    guard let reason, let segment, let offset else { return nil }
    let path = "\(LogPath.quarantineDirectory)/\(name)"
    let length = try storage.open(path, for: .reading).size()
    self.init(
      path: path, reason: reason, segment: segment, offset: offset, length: length, digest: digest)
  }
}

/// Copies bytes to `quarantine/`, durably, before they are cut or replaced.
struct Quarantine {
  let storage: any Storage

  /// Copies a part of a file that stands at the same place in a segment.
  func copy(
    _ range: Range<UInt64>, of file: any StorageFile, segment: UInt64,
    reason: QuarantinedFile.Reason
  ) throws(StorageError) -> QuarantinedFile {
    try storage.ensureDirectory(LogPath.quarantineDirectory)
    let digest = try storage.copy(range, of: file, to: LogPath.unfinishedQuarantine).digest
    let path = LogPath.quarantined(
      segment: segment, offset: range.lowerBound, reason: reason, digest: digest)
    try storage.putInPlace(LogPath.unfinishedQuarantine, as: path)
    return QuarantinedFile(
      path: path, reason: reason, segment: segment, offset: range.lowerBound,
      length: UInt64(range.count), digest: digest)
  }

  /// Moves a segment whose making was interrupted.
  func move(unfinished name: String) throws(StorageError) -> QuarantinedFile {
    try storage.ensureDirectory(LogPath.quarantineDirectory)
    let path = "\(LogPath.logDirectory)/\(name)"
    let unfinished = try storage.open(path, for: .reading)
    let length = try unfinished.size()
    let digest = try forEachPiece(of: unfinished, 0..<length) { (_, _) in }
    let newPath = "\(LogPath.quarantineDirectory)/\(name)-\(digest.hex)"
    try storage.rename(path, to: newPath)
    try storage.synchronizeDirectory(LogPath.quarantineDirectory)
    try storage.synchronizeDirectory(LogPath.logDirectory)
    let suffix = LogPath.unfinishedSuffix
    let segment = LogPath.segment(named: String(name.dropLast(suffix.count))) ?? 0
    return QuarantinedFile(
      path: newPath, reason: .unfinished, segment: segment, offset: 0, length: length,
      digest: digest)
  }
}

/// Reads a part of a file in pieces of at most a megabyte.
///
/// - Returns: The SHA-256 of the whole part.
@discardableResult
func forEachPiece(
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
