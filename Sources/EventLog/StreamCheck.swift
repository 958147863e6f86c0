import Bytes
import Merkle

/// Compares the stream indexes with a log that a verifier reads: a forged one may hide events.
struct StreamCheck {
  private let storage: any Storage
  private let ledger: LedgerID
  /// Indexes that readers would take and that aren't what the log says, in order.
  private(set) var wrong: [(segment: UInt64, path: String)] = []
  private var segment: UInt64 = 0
  /// Whether the segment has an index, so that its records are needed.
  private(set) var isNeeded = false
  private var records: [StreamRecord] = []

  init(_ storage: any Storage, of ledger: LedgerID) {
    self.storage = storage
    self.ledger = ledger
  }

  private var paths: [String] { [LogPath.streams(segment), LogPath.openStreams(segment)] }

  /// Begins with a segment.
  mutating func begin(_ segment: UInt64) {
    self.segment = segment
    records.removeAll(keepingCapacity: true)
    isNeeded = paths.contains { (try? storage.open($0, for: .reading)) != nil }
  }

  /// Takes the next ones of the segment.
  mutating func take(_ next: [StreamRecord]) { records += next }

  /// Compares what the segment's indexes hold with the records that were taken.
  ///
  /// What it says counts only where the segment is undamaged.
  mutating func end(_ log: any StorageFile) throws(StorageError) {
    guard isNeeded else { return }
    if let index = try ClosedStreams(storage, of: segment, log, in: ledger),
      // Otherwise it was closed meanwhile.
      index.count == records.count, let seal = try readSeal(of: segment, log, ledger),
      let bytes = ClosedStreams.encoded(records, of: segment, seal, in: ledger),
      try !index.isWhole(bytes)
    {
      wrong.append((segment, LogPath.streams(segment)))
    }
    if let found = try OpenStreams(storage, of: segment, for: .reading, in: ledger)?.read(log) {
      // It may have gone on meanwhile.
      let count = min(found.records.count, records.count)
      if found.records[..<count] != records[..<count] {
        wrong.append((segment, LogPath.openStreams(segment)))
      }
    }
  }
}
