import Bytes

/// Where the log's files lie, relative to the ledger's directory (`FORMAT.md` §1).
package enum LogPath {
  package static let identity = "LEDGER"
  package static let head = "head"
  package static let logDirectory = "log"
  package static let quarantineDirectory = "quarantine"
  /// What the present needs of events that are archived (`FORMAT.md` §28).
  package static let snapshotDirectory = "snapshot"
  /// The ending of a segment that is being made.
  static let unfinishedSuffix = ".new"
  /// The hashes of the tree, which are derived.
  static let tree = "index/tree"
  /// Where the events of each stream stand, which is derived too (`FORMAT.md` §31).
  package static let streamDirectory = "index/streams"
  static let unfinishedQuarantine = "quarantine/incoming.new"

  /// The path of the segment whose first event has the id `first`.
  package static func segment(_ first: UInt64) -> String {
    "log/\(padded(first, 16)).log"
  }

  /// The stream index of a closed segment.
  static func streams(_ segment: UInt64) -> String { "\(streamDirectory)/\(padded(segment, 16))" }

  /// The stream index of the active segment, which grows with it.
  static func openStreams(_ segment: UInt64) -> String { streams(segment) + ".open" }

  /// What is on its way to or from an archive.
  package static let incoming = "snapshot/incoming.new"

  /// The path of the snapshot whose bytes have this SHA-256.
  package static func snapshot(_ digest: String) -> String { "snapshot/\(digest)" }

  /// The inverse of ``segment(_:)`` for a name within `log/`; `nil` for a name of any other form.
  static func segment(named name: String) -> UInt64? {
    let bytes = Array(name.utf8)
    guard bytes.count == 20, bytes.suffix(4).elementsEqual(".log".utf8),
      let first = LineReader.number(bytes.prefix(16)), first <= LogLimit.greatestID
    else { return nil }
    return first
  }

  /// Where bytes that are set aside are kept, named by what and where they were.
  static func quarantined(
    segment: UInt64, offset: UInt64, reason: QuarantinedFile.Reason, digest: Digest
  ) -> String {
    let word = reason == .torn ? "" : reason.rawValue + "-"
    return "quarantine/\(padded(segment, 16))-\(padded(offset, 12))-\(word)\(digest.hex)"
  }
}

/// What the log holds at most (`FORMAT.md` §8); each is checked before anything is written.
package enum LogLimit {
  /// Bytes of an event line without its newline: an entry of a tile has a two-byte length.
  package static let eventBytes = 65_535
  /// Bytes of a commit's event lines with their newlines: what a reader must hold at once.
  package static let commitBytes = 8_388_608
  package static let commitEvents = 65_536
  /// 2^53 - 1: every JSON reader keeps such numbers exactly.
  package static let greatestID: UInt64 = 9_007_199_254_740_991
  /// Bytes that a segment holds before it is closed, where nothing else was set.
  package static let segmentBytes: UInt64 = 64 << 20
  /// The twelve digits that an offset has.
  static let greatestOffset: UInt64 = 999_999_999_999
}

/// The place where a line of the log's own stands; its checksum covers it (`FORMAT.md` §3).
struct Place {
  let ledger: LedgerID
  let path: String
  let offset: UInt64

  /// Takes the text `LEDGER PATH OFFSET` and a newline.
  func append(to checksum: inout CRC32C) {
    unsafe checksum.update(ledger.hex.utf8.span.bytes)
    checksum.update(UInt8(ascii: " "))
    unsafe checksum.update(path.utf8.span.bytes)
    checksum.update(UInt8(ascii: " "))
    var unit: UInt64 = 1
    while offset / unit >= 10 { unit *= 10 }
    while unit > 0 {
      checksum.update(UInt8(ascii: "0") + UInt8(offset / unit % 10))
      unit /= 10
    }
    checksum.update(UInt8(ascii: "\n"))
  }
}

/// A ledger's 128 random bits, that no other ledger has.
package struct LedgerID: Hashable, Sendable {
  /// 32 lower-case digits.
  package let hex: String

  package init?(hex: String) {
    guard Hex.decode(hex.utf8)?.count == 16 else { return nil }
    self.hex = hex
  }
}

/// How much of a log is meant: `size` events, the last of which ends at `offset` of `segment`.
package struct LogPosition: Hashable, Sendable {
  /// A number of events, so also the id of the next one.
  package var size: UInt64
  /// A segment, named by the id of its first event.
  package var segment: UInt64
  /// Bytes from the segment's beginning.
  package var offset: UInt64

  package init(size: UInt64, segment: UInt64, offset: UInt64) {
    self.size = size
    self.segment = segment
    self.offset = offset
  }
}

extension Storage {
  /// The names of all segments, in order; none where there is no directory of them.
  func segments() throws(StorageError) -> [UInt64] {
    do {
      return try list(LogPath.logDirectory).compactMap(LogPath.segment(named:))
    } catch {
      guard error.isMissing else { throw error }
      return []
    }
  }
}
