import Bytes
package import EventLog
import Events
import Merkle

/// The file `ARCHIVE`: what an archive holds, as the ledger records it (`FORMAT.md` §28).
package struct ArchiveDescription: Equatable {
  /// At least one; of more than 256 segments, several of one id.
  let parts: [LedgerArchived]

  var id: EntityID { parts[0].archiveID }
  var first: EventID { parts[0].first }
  /// The id after its last event.
  var end: EventID { parts[parts.count - 1].last + 1 }
  var snapshot: HexDigest { parts[0].snapshot }
  var segments: [LogArchive.Segment] { parts.flatMap(\.logSegments) }

  /// A description is far smaller than any archive whose segments it could list.
  private static let limit = 64 << 20

  init(parts: [LedgerArchived]) {
    invariant(!parts.isEmpty, "an archive of nothing")
    self.parts = parts
  }

  /// Describes segments that were copied.
  ///
  /// - Parameter roots: The root of all events before an id; asked for each part's end.
  init(
    _ segments: [LogArchive.Segment], before: Instant, snapshot: Digest,
    root: (UInt64) throws(LedgerError) -> Digest
  ) throws(LedgerError) {
    guard let first = segments.first, let last = segments.last,
      let digest = HexDigest(snapshot.hex)
    else { fatalError("invariant broken: an archive of nothing") }
    let mark = try root(last.end).hex.prefix(8)
    guard let id = EntityID("\(first.first)-\(last.end - 1)-\(mark)") else {
      fatalError("invariant broken: two numbers and eight digits are no id")
    }
    var parts: [LedgerArchived] = []
    for start in stride(from: 0, to: segments.count, by: LedgerArchived.segmentLimit) {
      let some = segments[start..<min(segments.count, start + LedgerArchived.segmentLimit)]
      let end = some[some.endIndex - 1].end
      guard let root = TreeRoot(try root(end).base64) else {
        fatalError("invariant broken: a root isn't one")
      }
      parts.append(
        LedgerArchived(
          archiveID: id, before: before, first: some[some.startIndex].first, last: end - 1,
          root: root, segments: some.map(ArchivedSegment.init), snapshot: digest))
    }
    self.init(parts: parts)
  }

  /// The file's bytes.
  package func encoded(of ledger: LedgerIdentity) -> [UInt8] {
    let parts = parts.map { part in (try? JSON(parsing: part.canonicalBytes)) ?? .null }
    let object = JSONObject([
      .init(key: "format", value: 1), .init(key: "ledger_id", value: .string(ledger.id.hex)),
      .init(key: "origin", value: .string(ledger.origin)),
      .init(key: "parts", value: .array(parts)),
    ])
    return JSON.object(object).canonicalBytes + [UInt8(ascii: "\n")]
  }

  /// Reads it; `nil` where there is none.
  ///
  /// - Throws: `.archive` with `.recordedOtherwise` where it isn't one of this ledger.
  package static func read(
    from archive: any Storage, named directory: String, of ledger: LedgerIdentity
  ) throws(LedgerError) -> ArchiveDescription? {
    let bytes = try inStorage { () throws(StorageError) in
      try archive.read(LogArchive.description, limit: limit)
    }
    guard let bytes else { return nil }
    guard let lines = try? JSON(parsing: Array(bytes.dropLast())), case .object(let object) = lines,
      case .array(let elements)? = object["parts"],
      let parts = try? elements.map({ try LedgerArchived(json: $0) }),
      let first = parts.first, parts.allSatisfy({ $0.archiveID == first.archiveID })
    else { throw .archive(.recordedOtherwise(directory: directory)) }
    let description = ArchiveDescription(parts: parts)
    guard description.isWhole, description.encoded(of: ledger) == bytes else {
      throw .archive(.recordedOtherwise(directory: directory))
    }
    return description
  }

  /// Whether its segments follow each other without a gap, each where its part says.
  private var isWhole: Bool {
    var next = first
    for part in parts {
      guard part.first == next, part.snapshot == snapshot else { return false }
      for segment in part.segments {
        guard segment.segment == next, segment.events > 0 else { return false }
        next += UInt64(segment.events)
        guard next <= LogLimit.greatestID else { return false }
      }
      guard part.last + 1 == next else { return false }
    }
    return true
  }
}

extension LedgerArchived {
  /// How many segments one event tells of.
  static let segmentLimit = 256

  var logSegments: [LogArchive.Segment] {
    segments.compactMap { segment in
      Digest(hex: segment.digest.text.utf8).map {
        LogArchive.Segment(
          first: segment.segment, end: segment.segment + UInt64(segment.events),
          bytes: UInt64(segment.bytes), digest: $0)
      }
    }
  }
}

extension ArchivedSegment {
  fileprivate init(_ segment: LogArchive.Segment) {
    guard let digest = HexDigest(segment.digest.hex) else {
      fatalError("invariant broken: a digest isn't one")
    }
    self.init(
      segment: segment.first, events: Int(segment.end - segment.first),
      bytes: Int(segment.bytes), digest: digest)
  }
}
