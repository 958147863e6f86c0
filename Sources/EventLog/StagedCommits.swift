import Bytes

/// Commits that were encoded and not yet handed to the system, which stand behind each other in the file.
struct StagedCommits {
  /// What may wait before some of it is written.
  static let limit = 1 << 20

  private(set) var bytes: [UInt8] = []
  /// Where they begin in the segment.
  private var offset: UInt64 = 0
  /// Where each commit ends.
  private var ends: [LogPosition] = []
  /// After a write that failed: how many events the commits hold that may stand there as a whole.
  private(set) var wholeSize: UInt64?

  /// Adds a commit that is to stand at a place of the segment, right behind the one before it.
  mutating func add(
    _ commit: consuming PreparedCommit, line: [UInt8], at offset: UInt64, end: LogPosition
  ) {
    if ends.isEmpty { self.offset = offset }
    if bytes.isEmpty {
      bytes = commit.takeBytes(with: line)
    } else {
      bytes += commit.takeBytes(with: line)
    }
    ends.append(end)
  }

  /// Hands all of it to the system, and forgets it.
  ///
  /// - Throws: Where a call failed; some prefix may have been written then, never all.
  mutating func write(to file: any StorageFile) throws(StorageError) {
    var written = 0
    do throws(StorageError) {
      while written < bytes.count {
        written += try file.write(bytes[written...], at: offset + UInt64(written))
      }
    } catch {
      // A commit ends with a newline, which fill has stand there already.
      let reached = offset + UInt64(written) + 1
      wholeSize = ends.last { $0.offset <= reached }?.size
      throw error
    }
    bytes = []
    ends.removeAll(keepingCapacity: true)
  }
}

/// Newlines that the writer has written ahead of itself in the active segment.
struct SegmentFill {
  /// Where they end; no more than the log's end where there are none.
  private var end: UInt64 = 0
  /// Whether the system refused them once: there is no room, or something worse that the next sync
  /// tells of.
  private var isRefused = false

  mutating func extend(
    _ file: any StorageFile, from offset: UInt64, by count: UInt64, limit: UInt64
  ) {
    let start = max(end, offset)
    let target = min(offset + count, limit)
    guard !isRefused, start < offset + count / 2, start < target else { return }
    do {
      try file.writeFully(
        [UInt8](repeating: UInt8(ascii: "\n"), count: Int(target - start)), at: start)
      end = target
    } catch {
      // Some of it may stand there.
      end = target
      isRefused = true
    }
  }

  /// Takes away what stands behind the log's end.
  ///
  /// - Returns: Whether there was anything.
  mutating func cut(_ file: any StorageFile, at offset: UInt64) throws(StorageError) -> Bool {
    guard end > offset else { return false }
    try file.truncate(to: offset)
    end = offset
    return true
  }
}
