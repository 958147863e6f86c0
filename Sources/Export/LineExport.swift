package import Audit
import Bytes
package import EventLog
import Events
import Merkle

/// The stored lines of a history's events, byte for byte (`FORMAT.md` §22).
package struct LineExport {
  /// How lines with their leaf hashes are spelled; without hashes both are the same.
  package enum Style: Hashable, Sendable {
    /// `{"event":…,"leaf":…}`
    case jsonl
    /// The event itself with the extension attribute `leafhash`.
    case cloudEvents
  }

  private let scope: ExportScope
  private let style: Style
  private let hasLeafHashes: Bool
  private let workers: Workers

  /// How many bytes are handed over at once, or somewhat more: what a processor's own cache holds.
  private static let capacity = 1 << 19
  /// So many are written before their digest is taken.
  private static let round = 1 << 22

  package init(
    _ scope: ExportScope, _ style: Style, leafHashes: Bool, workers: @escaping Workers = oneByOne
  ) {
    self.scope = scope
    self.style = style
    hasLeafHashes = leafHashes
    self.workers = workers
  }

  /// Hands over the lines with their newlines, many at a time.
  ///
  /// - Throws: `.noEvents` where the history has none; what `take` throws.
  package func write(
    _ take: ([UInt8]) throws(ExportError) -> Void
  ) throws(ExportError) -> ExportRange {
    if scope.isWhole, !hasLeafHashes {
      let bodies = try Bodies(scope)
      var bytes: [UInt8] = []
      repeat {
        bytes.removeAll(keepingCapacity: true)
        try bodies.read(Self.capacity, into: &bytes)
        if !bytes.isEmpty { try take(bytes) }
      } while !bytes.isEmpty
      return try bodies.range()
    }
    var bytes: [UInt8] = []
    var scanner = CanonicalScanner()
    let found = try scope.forEach { (stored, isTold) throws(ExportError) in
      guard isTold else { return }
      if hasLeafHashes {
        try append(stored, to: &bytes, &scanner)
      } else {
        bytes += stored.line
      }
      bytes.append(UInt8(ascii: "\n"))
      guard bytes.count >= Self.capacity else { return }
      try take(bytes)
      bytes.removeAll(keepingCapacity: true)
    }
    guard let range = scope.range(of: found) else { throw .noEvents }
    if !bytes.isEmpty { try take(bytes) }
    return range
  }

  /// What would be written.
  package func range() throws(ExportError) -> ExportRange {
    guard let range = scope.range(of: try scope.forEach { _, _ in }) else { throw .noEvents }
    return range
  }

  /// Writes the lines as one file.
  package func write(
    to path: String, in storage: any Storage, resumes: Bool
  ) throws(ExportError) -> (range: ExportRange, file: ExportedFile) {
    let file = try ExportFile(path, in: storage, resumes: resumes)
    if scope.isWhole, !hasLeafHashes {
      let range = try writeWhole(to: file)
      file.count(range.count)
      return (range, try file.finish())
    }
    let range = try write { (bytes) throws(ExportError) in try file.write(bytes) }
    file.count(range.count)
    return (range, try file.finish())
  }

  /// Writes the bodies of commits, which are the lines.
  ///
  /// While they are read, checked and written, the digest is taken of those before.
  private func writeWhole(to file: ExportFile) throws(ExportError) -> ExportRange {
    let work = Handed((bodies: try Bodies(scope), file: file, written: Buffer(), hashed: Buffer()))
    repeat {
      swap(&work.value.written.bytes, &work.value.hashed.bytes)
      _ = try doing(2, by: workers) { (piece) throws(ExportError) in
        let work = work.value
        if piece == 0 { return work.file.hash(work.hashed.bytes) }
        work.written.bytes.removeAll(keepingCapacity: true)
        var done = 0
        while done < Self.round {
          try work.bodies.read(Self.capacity, into: &work.written.bytes)
          if work.written.bytes.count == done { break }
          try work.file.writeUnhashed(work.written.bytes[done...])
          done = work.written.bytes.count
        }
      }
    } while !work.value.written.bytes.isEmpty
    return try work.value.bodies.range()
  }

  private func append(
    _ stored: StoredEvent, to bytes: inout [UInt8], _ scanner: inout CanonicalScanner
  ) throws(ExportError) {
    let line = stored.line
    let leaf = MerkleTree.leafHash(line).base64
    switch style {
    case .jsonl:
      bytes += Array("{\"event\":".utf8)
      bytes += line
      bytes += Array(",\"leaf\":\"\(leaf)\"}".utf8)
    case .cloudEvents:
      guard let view = unsafe EnvelopeView(line.span.bytes, with: &scanner) else {
        throw .audit(.unreadableEvent(stored.id, .missingField(path: "source")))
      }
      // Before `,"source":"`: no known attribute sorts between the two.
      let place = view.source.lowerBound - ",\"source\":\"".utf8.count
      bytes += line[..<place]
      bytes += Array(",\"leafhash\":\"\(leaf)\"".utf8)
      bytes += line[place...]
    }
  }
}

private final class Buffer {
  var bytes: [UInt8] = []
}

/// Reads the bodies of commits, one after the other.
private final class Bodies {
  private let scope: ExportScope
  private var cursor: HistoryCursor
  private var last: CommitLine?

  init(_ scope: ExportScope) throws(ExportError) {
    self.scope = scope
    do { cursor = try HistoryCursor(scope.reader, to: scope.point) } catch { throw .audit(error) }
  }

  /// Appends so many bytes or somewhat more; none after the last commit.
  func read(_ count: Int, into bytes: inout [UInt8]) throws(ExportError) {
    let end = bytes.count + count
    while bytes.count < end {
      let commit: CommitLine?
      do { commit = try cursor.readCommit(appendingTo: &bytes) } catch { throw .audit(error) }
      guard let commit else { return }
      last = commit
    }
  }

  /// What was read.
  func range() throws(ExportError) -> ExportRange {
    guard let last,
      let range = scope.range(
        of: ExportScope.Found(last: last, events: 0...last.end - 1, count: last.end))
    else { throw .noEvents }
    return range
  }
}
