import Bytes
import Merkle

/// Keeps the stream indexes of a log that its writer has locked (`FORMAT.md` §31).
///
/// They are derived and never synchronized. What was appended is told to them once it is durable.
package struct StreamIndexes {
  private let storage: any Storage
  private let ledger: LedgerID
  private var active: OpenStreams

  /// Brings the indexes to the log's end: makes what is missing, and takes away what is of no segment.
  ///
  /// It costs what the indexes don't reach, and a look at the directory. A segment that is damaged
  /// gets an empty file, so that it isn't read again each time.
  ///
  /// - Throws: `.damaged` where the active segment can't be read; `.storage`.
  package init(
    catchingUp storage: any Storage, identity: LedgerIdentity, to durable: LogPosition
  ) throws(LogError) {
    self.storage = storage
    ledger = identity.id
    do {
      try storage.ensureDirectory(LogPath.streamDirectory)
      let paths = try storage.list(LogPath.streamDirectory)
        .map { "\(LogPath.streamDirectory)/\($0)" }
      let present = Set(paths)
      var wanted: Set = [LogPath.openStreams(durable.segment)]
      for segment in try storage.segments() where segment < durable.segment {
        let path = LogPath.streams(segment)
        wanted.insert(path)
        if !present.contains(path) { try Self.close(segment, in: storage, of: ledger) }
      }
      for path in paths where !wanted.contains(path) { try storage.removeFile(path) }
      active = try Self.open(durable, in: storage, of: ledger)
    } catch {
      throw .storage(error)
    }
  }

  /// Takes commits that are durable, in order.
  ///
  /// - Parameter commits: With the lines of their events, without newlines.
  package mutating func append(
    _ commits: [(receipt: Receipt, lines: [[UInt8]])]
  ) throws(StorageError) {
    for (receipt, lines) in commits {
      if receipt.segment != active.segment {
        try active.write()
        let closed = active.segment
        active = try OpenStreams(making: receipt.segment, in: storage, of: ledger)
        try Self.close(closed, in: storage, of: ledger)
        try storage.removeFile(LogPath.openStreams(closed))
      }
      active.append(Self.records(of: receipt, lines), of: receipt.root)
    }
    try active.write()
  }

  private static func records(of receipt: Receipt, _ lines: [[UInt8]]) -> [StreamRecord] {
    let commit = receipt.bodyOffset - UInt64(CommitLine.length)
    var (offset, number) = (receipt.bodyOffset, receipt.first - receipt.segment)
    var records: [StreamRecord] = []
    records.reserveCapacity(lines.count)
    for (line, leaf) in zip(lines, receipt.leaves) {
      let end = offset + UInt64(line.count)
      records.append(
        StreamRecord(
          key: unsafe StreamRecord.key(of: line.span.bytes), leaf: leaf, at: offset..<end,
          commit: commit, number: number))
      (offset, number) = (end + 1, number + 1)
    }
    return records
  }

  /// Takes all indexes away, so that they are made again.
  package static func remove(from storage: any Storage) throws(StorageError) {
    for name in try storage.list(LogPath.streamDirectory) {
      try storage.removeFile("\(LogPath.streamDirectory)/\(name)")
    }
  }

  /// Opens the active segment's index, and reads what it doesn't reach.
  private static func open(
    _ durable: LogPosition, in storage: any Storage, of ledger: LedgerID
  ) throws(StorageError) -> OpenStreams {
    let segment = durable.segment
    let log = try storage.open(LogPath.segment(segment), for: .reading)
    if var index = try OpenStreams(storage, of: segment, for: .writing, in: ledger),
      let end = try index.rewind(log), end.size <= durable.size,
      try extend(&index, log, ledger, from: end, to: durable.size)
    {
      return index
    }
    var index = try OpenStreams(making: segment, in: storage, of: ledger)
    // What can't be read has no index from there on; readers look at the log themselves.
    _ = try extend(&index, log, ledger, from: segmentBeginning(segment), to: durable.size)
    return index
  }

  /// - Returns: Whether the log could be read to its end.
  private static func extend(
    _ index: inout OpenStreams, _ log: any StorageFile, _ ledger: LedgerID,
    from start: LogPosition, to end: UInt64
  ) throws(StorageError) -> Bool {
    try forEachCommit(of: log, ledger, from: start, to: end) {
      (line, records) throws(StorageError) in
      index.append(records, of: line.root)
      try index.write()
    }
  }

  /// Makes the index of a closed segment, from what the active one's told, where that reaches its end.
  private static func close(
    _ segment: UInt64, in storage: any Storage, of ledger: LedgerID
  ) throws(StorageError) {
    let log = try storage.open(LogPath.segment(segment), for: .reading)
    var bytes: [UInt8] = []
    if let seal = try readSeal(of: segment, log, ledger) {
      var records =
        try OpenStreams(storage, of: segment, for: .reading, in: ledger)?
        .read(log)?.records ?? []
      if records.count != seal.count {
        records = []
        try forEachCommit(
          of: log, ledger, from: segmentBeginning(segment), to: segment + seal.count
        ) { records += $1 }
      }
      if records.count == seal.count {
        bytes = ClosedStreams.encoded(records, of: segment, seal, in: ledger) ?? []
      }
    }
    let path = LogPath.streams(segment)
    let unfinished = path + LogPath.unfinishedSuffix
    let file = try storage.openFresh(unfinished)
    if !bytes.isEmpty { try file.writeFully(bytes, at: 0) }
    try storage.rename(unfinished, to: path)
  }

  /// Reads the commits of a segment up to an event.
  ///
  /// - Returns: False where one can't be read.
  @discardableResult
  private static func forEachCommit(
    of log: any StorageFile, _ ledger: LedgerID, from start: LogPosition, to end: UInt64,
    _ body: (CommitLine, [StreamRecord]) throws(StorageError) -> Void
  ) throws(StorageError) -> Bool {
    var scanner = SegmentScanner(
      file: log, segment: start.segment, ledger: ledger, offset: start.offset, next: start.size,
      frontier: nil)
    while scanner.next < end {
      guard case .commit(let commit, let offset) = try scanner.readItem() else { return false }
      try body(commit, StreamRecord.all(of: commit, at: offset, scanner))
    }
    return true
  }
}
