import Bytes
import Merkle

/// Commits that were encoded and not yet handed to the system, which stand behind each other in the file.
struct StagedCommits {
  /// What may wait before some of it is written.
  static let limit = 1 << 20

  private(set) var bytes: [UInt8] = []
  /// Where they begin in the segment.
  private var offset: UInt64 = 0
  /// Where each commit ends.
  private var ends: [LogPosition] = []
  private var start = 0
  private var parts: [BytePart] = []
  /// After a write that failed: how many events the commits hold that may stand there as a whole.
  private(set) var wholeSize: UInt64?

  /// Begins a commit at a place of the segment: room for its line, then its events.
  ///
  /// - Parameter count: Its length in bytes.
  mutating func begin(at offset: UInt64, bytes count: Int) {
    if ends.isEmpty { self.offset = offset }
    start = bytes.count
    bytes.reserveCapacity(start + count)
    bytes.append(contentsOf: repeatElement(0, count: CommitLine.length))
  }

  mutating func add(_ line: [UInt8]) {
    bytes.append(contentsOf: line)
    bytes.append(UInt8(ascii: "\n"))
  }

  /// The CRC32C of the events of the commit that was begun last.
  var checksum: UInt32 {
    var checksum = CRC32C()
    unsafe checksum.update(
      bytes.span.extracting(start + CommitLine.length..<bytes.count).bytes)
    return checksum.value
  }

  /// The leaf hashes of the commit that was begun last: `lines` are all that was added to it.
  mutating func leaves(of lines: [[UInt8]]) -> [Digest] {
    var start = start + CommitLine.length
    parts.removeAll(keepingCapacity: true)
    for line in lines {
      parts.append(BytePart(start..<start + line.count))
      start += line.count + 1
    }
    var leaves: [Digest] = []
    unsafe MerkleTree.appendLeafHashes(of: parts, in: bytes.span.bytes, to: &leaves)
    return leaves
  }

  mutating func finish(with line: [UInt8], end: LogPosition) {
    bytes.replaceSubrange(start..<start + line.count, with: line)
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
    bytes.removeAll(keepingCapacity: bytes.capacity <= 2 * Self.limit)
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
