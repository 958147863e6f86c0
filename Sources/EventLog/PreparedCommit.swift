import Bytes
import Merkle

/// The lines of one commit as they will stand in the log, hashed and checksummed.
///
/// All of it depends on the lines alone, so it can be made on another thread while the commit before it
/// becomes durable.
package struct PreparedCommit: Sendable {
  /// Room for the commit line, then the lines with their newlines.
  private var bytes: [UInt8]
  /// The leaf hash of each line.
  let leaves: [Digest]
  /// The CRC32C of the lines with their newlines.
  let checksum: UInt32

  /// Bytes of the lines with their newlines.
  var byteCount: Int { bytes.count - CommitLine.length }

  /// - Parameter lines: 1...65,536 canonical event lines of at most 65,535 bytes, without newlines.
  /// - Throws: `.commitTooLarge`, `.eventTooLong`.
  package init(_ lines: [[UInt8]]) throws(LogError) {
    let byteCount = try Self.checkedByteCount(of: lines)
    var bytes = [UInt8](repeating: 0, count: CommitLine.length)
    bytes.reserveCapacity(CommitLine.length + byteCount)
    var parts: [BytePart] = []
    parts.reserveCapacity(lines.count)
    for line in lines {
      invariant(
        line.first == UInt8(ascii: "{") && line.last == UInt8(ascii: "}"),
        "an event line doesn't stand between braces")
      parts.append(BytePart(bytes.count..<bytes.count + line.count))
      bytes.append(contentsOf: line)
      bytes.append(UInt8(ascii: "\n"))
    }
    var leaves: [Digest] = []
    unsafe MerkleTree.appendLeafHashes(of: parts, in: bytes.span.bytes, to: &leaves)
    var checksum = CRC32C()
    unsafe checksum.update(bytes.span.extracting(CommitLine.length..<bytes.count).bytes)
    self.bytes = bytes
    self.leaves = leaves
    self.checksum = checksum.value
  }

  /// The whole commit; `line` is its commit line.
  consuming func takeBytes(with line: [UInt8]) -> [UInt8] {
    bytes.replaceSubrange(0..<line.count, with: line)
    return bytes
  }

  private static func checkedByteCount(of lines: [[UInt8]]) throws(LogError) -> Int {
    var byteCount = 0
    for line in lines {
      guard line.count <= LogLimit.eventBytes else { throw .eventTooLong(bytes: line.count) }
      byteCount += line.count + 1
    }
    guard (1...LogLimit.commitEvents).contains(lines.count), byteCount <= LogLimit.commitBytes
    else { throw .commitTooLarge(events: lines.count, bytes: byteCount) }
    return byteCount
  }
}
