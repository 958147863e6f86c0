import Audit
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
  private static let capacity = 1 << 17

  package init(_ scope: ExportScope, _ style: Style, leafHashes: Bool) {
    self.scope = scope
    self.style = style
    hasLeafHashes = leafHashes
  }

  /// Hands over the lines with their newlines, many at a time.
  ///
  /// - Throws: `.noEvents` where the history has none; what `take` throws.
  package func write(
    _ take: ([UInt8]) throws(ExportError) -> Void
  ) throws(ExportError) -> ExportRange {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.capacity + 65_536)
    var scanner = CanonicalScanner()
    let read = try scope.forEach { (stored, isTold) throws(ExportError) in
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
    guard let read else { throw .noEvents }
    if !bytes.isEmpty { try take(bytes) }
    return read.range
  }

  /// What would be written.
  package func range() throws(ExportError) -> ExportRange {
    guard let read = try scope.forEach({ _, _ in }) else { throw .noEvents }
    return read.range
  }

  /// Writes the lines as one file.
  package func write(
    to path: String, in storage: any Storage, resumes: Bool
  ) throws(ExportError) -> (range: ExportRange, file: ExportedFile) {
    let file = try ExportFile(path, in: storage, resumes: resumes)
    let range = try write { (bytes) throws(ExportError) in try file.write(bytes) }
    file.count(range.count)
    return (range, try file.finish())
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
