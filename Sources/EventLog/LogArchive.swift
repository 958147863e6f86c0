package import Bytes
package import Merkle

/// Moves closed segments between a ledger and an archive (`FORMAT.md` §28).
///
/// Each step may be interrupted anywhere and done again: what is there is compared, never overwritten.
package struct LogArchive {
  /// A segment, as it is to be or was copied.
  package struct Segment: Hashable, Sendable {
    package let first: UInt64
    /// The id after its last event.
    package let end: UInt64
    package let bytes: UInt64
    package let digest: Digest

    package init(first: UInt64, end: UInt64, bytes: UInt64, digest: Digest) {
      self.first = first
      self.end = end
      self.bytes = bytes
      self.digest = digest
    }
  }

  /// The names in an archive's directory that are its own.
  package static let description = "ARCHIVE"
  /// What is left where an archive was disposed of.
  package static let disposed = "DISPOSED"
  private static let names: Set = [
    description, disposed, LogPath.identity, LogPath.logDirectory, LogPath.snapshotDirectory,
  ]

  private let ledger: any Storage
  private let archive: any Storage
  private let identity: LedgerIdentity

  package init(
    of ledger: any Storage, identity: LedgerIdentity, in archive: any Storage
  ) {
    self.ledger = ledger
    self.archive = archive
    self.identity = identity
  }

  // MARK: - What is to be archived

  /// The closed segments from the first on of which every event was recorded before a time; never the
  /// last one.
  ///
  /// - Throws: `.damaged`, `.needsRepair`, `.storage`.
  package func segments(before time: Instant) throws(LogError) -> [Range<UInt64>] {
    let reader = try LogReader(ledger, identity: identity)
    var found: [Range<UInt64>] = []
    for (segment, next) in zip(reader.segments, reader.segments.dropFirst()) {
      var cursor = reader.events(from: segment, to: next)
      var last = segment
      while let stored = try cursor.read() {
        guard stored.commit.time < time else { return found }
        last = stored.id
      }
      guard last + 1 == next else { return found }
      found.append(segment..<next)
    }
    return found
  }

  /// The tree of the events before a segment, as its header tells it.
  ///
  /// - Throws: `.damaged`, `.storage`.
  package func frontier(at segment: UInt64) throws(LogError) -> Frontier {
    let header = try reporting { () throws(StorageError) in
      try readHeader(
        of: segment, in: ledger.open(LogPath.segment(segment), for: .reading), identity.id)
    }
    guard let header else {
      throw .damaged(ids: segment..<segment + 1, segment: segment, offset: 0)
    }
    return header.frontier
  }

  // MARK: - To the archive

  /// Refuses a directory that holds anything which isn't an archive's.
  ///
  /// - Throws: `.copyExists`; `.copyOfAnotherLedger`; `.storage`.
  package func checkPlace() throws(LogError) {
    let (names, log) = try reporting { () throws(StorageError) in
      let names = try archive.list(".")
      let hasLog = names.contains(LogPath.logDirectory)
      return (names, hasLog ? try archive.list(LogPath.logDirectory) : [])
    }
    let suffix = LogPath.unfinishedSuffix
    func isOwn(_ name: String) -> Bool {
      Self.names.contains(name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name)
    }
    func isSegment(_ name: String) -> Bool {
      let name = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      return LogPath.segment(named: name) != nil
    }
    guard names.allSatisfy(isOwn), log.allSatisfy(isSegment) else { throw .copyExists }
    let found: LedgerIdentity
    do {
      found = try LedgerIdentity.read(from: archive)
    } catch {
      guard case .storage(let error) = error, error.isMissing else { throw error }
      return
    }
    guard found == identity else { throw .copyOfAnotherLedger(origin: found.origin) }
  }

  /// Copies segments, durably, and reads each copy again.
  ///
  /// - Throws: `.copyDiffers` where another file of that name is there; `.storage`.
  package func copy(_ ranges: [Range<UInt64>]) throws(LogError) -> [Segment] {
    try reporting { () throws(StorageError) in
      try archive.ensureDirectory(LogPath.logDirectory)
      try archive.ensureDirectory(LogPath.snapshotDirectory)
      try archive.synchronizeDirectory(".")
    }
    var copied: [Segment] = []
    for range in ranges {
      let path = LogPath.segment(range.lowerBound)
      let segment = try reporting { () throws(StorageError) in
        let file = try ledger.open(path, for: .reading)
        let length = try file.size()
        let digest = try forEachPiece(of: file, 0..<length) { (_, _) in }
        return Segment(
          first: range.lowerBound, end: range.upperBound, bytes: length, digest: digest)
      }
      if try !isThere(segment, in: archive) {
        try place(segment, from: ledger, in: archive, staged: path + LogPath.unfinishedSuffix)
      }
      copied.append(segment)
    }
    return copied
  }

  /// Verifies the whole ledger with the archive's files in place of its own.
  ///
  /// - Throws: `.copyNotWhole`; `.storage`.
  package func verify(by judge: any EventJudge) throws(LogError) {
    let both = UnionStorage(archive, over: ledger)
    var verifier = LogVerifier(both, identity: identity, judge: judge)
    let report = try verifier.verify()
    guard report.state == .clean || report.state == .torn, report.damage.isEmpty else {
      throw .copyNotWhole(report)
    }
  }

  /// Puts a file into the archive, durably, under its name; one that is there already must be the
  /// same.
  ///
  /// - Throws: `.copyExists` where it is another; `.storage`.
  package func put(_ bytes: [UInt8], as path: String) throws(LogError) {
    if let found = try content(of: path, limit: bytes.count) {
      guard found == bytes else { throw .copyExists }
      return
    }
    try reporting { () throws(StorageError) in
      if try exists(path, in: archive) {
        throw StorageError(operation: .rename, path: path, code: 17)
      }
      try archive.replace(path, with: bytes)
    }
  }

  private func content(of path: String, limit: Int) throws(LogError) -> [UInt8]? {
    try reporting { () throws(StorageError) in try archive.read(path, limit: limit) }
  }

  // MARK: - Comparing, removing, bringing back

  /// The first of these segments that isn't in the archive as it was recorded; `nil` where all are.
  package func firstDifferent(
    _ segments: [Segment]
  ) throws(LogError) -> (segment: Segment, isMissing: Bool)? {
    for segment in segments {
      do {
        if try !isThere(segment, in: archive) { return (segment, true) }
      } catch {
        guard case .copyDiffers = error else { throw error }
        return (segment, false)
      }
    }
    return nil
  }

  /// Removes the ledger's own files of segments before `end`, the oldest first, so that what is left
  /// is always an end of the log; durably.
  package func removeFromLedger(before end: UInt64) throws(LogError) {
    try reporting { () throws(StorageError) in
      for segment in try ledger.segments() where segment < end {
        try ledger.removeFile(LogPath.segment(segment))
        // Names may reach the disk in any order, and a gap would look like damage.
        try ledger.synchronizeDirectory(LogPath.logDirectory)
      }
    }
  }

  /// Brings segments back into the ledger, the newest first, each durable before the next.
  ///
  /// - Throws: `.copyDiffers` where the ledger has another file of that name; `.damaged` where the
  ///   archive's isn't what was recorded; `.storage`.
  package func bringBack(_ segments: [Segment]) throws(LogError) {
    try reporting { () throws(StorageError) in
      try ledger.ensureDirectory(LogPath.snapshotDirectory)
      try ledger.synchronizeDirectory(".")
    }
    for segment in segments.reversed() where try !isThere(segment, in: ledger) {
      try place(
        segment, from: archive, in: ledger,
        staged: LogPath.incoming)
    }
  }

  /// Destroys an archive's files; what describes it goes last, so that this can be done again.
  ///
  /// - Parameter note: What stays there in its place.
  package func destroy(_ segments: [Segment], leaving note: [UInt8]) throws(LogError) {
    try reporting { () throws(StorageError) in
      for segment in segments {
        for suffix in ["", LogPath.unfinishedSuffix] {
          try remove(LogPath.segment(segment.first) + suffix)
        }
      }
      try archive.synchronizeDirectory(LogPath.logDirectory)
      for name in try archive.list(LogPath.snapshotDirectory) {
        try remove("\(LogPath.snapshotDirectory)/\(name)")
      }
      try archive.synchronizeDirectory(LogPath.snapshotDirectory)
      try remove(LogPath.identity)
      try archive.synchronizeDirectory(".")
      try archive.replace(Self.disposed, with: note)
      try remove(Self.description)
      try archive.synchronizeDirectory(".")
    }
  }

  private func remove(_ path: String) throws(StorageError) {
    do throws(StorageError) { try archive.removeFile(path) } catch {
      guard error.isMissing else { throw error }
    }
  }

  /// The ledger's own segments from one event on up to another, with what they hold; none where
  /// they don't begin and end there.
  package func ownSegments(from first: UInt64, to end: UInt64) throws(LogError) -> [Segment] {
    try reporting { () throws(StorageError) in
      let names = try ledger.segments()
      guard names.contains(first), names.contains(end) else { return [] }
      var found: [Segment] = []
      for (segment, next) in zip(names, names.dropFirst()) where (first..<end).contains(segment) {
        let file = try ledger.open(LogPath.segment(segment), for: .reading)
        let length = try file.size()
        let digest = try forEachPiece(of: file, 0..<length) { (_, _) in }
        found.append(Segment(first: segment, end: next, bytes: length, digest: digest))
      }
      return found
    }
  }

  // MARK: - Snapshots

  /// Copies a snapshot, durably, unless the target has it.
  ///
  /// - Throws: `.badSnapshot` where it isn't there, or its bytes aren't those that its name says.
  package static func copySnapshot(
    _ path: String, from source: any Storage, to target: any Storage
  ) throws(LogError) {
    let isThere = try reporting { () throws(StorageError) in
      try target.ensureDirectory(LogPath.snapshotDirectory)
      try target.synchronizeDirectory(".")
      return try target.snapshots().contains { LogPath.snapshot($0) == path }
    }
    let origin = isThere ? target : source
    let digest = try reporting { () throws(StorageError) -> Digest? in
      let file: any StorageFile
      do throws(StorageError) { file = try origin.open(path, for: .reading) } catch {
        guard error.isMissing else { throw error }
        return nil
      }
      if isThere { return try forEachPiece(of: file, 0..<file.size()) { (_, _) in } }
      return try target.copy(0..<file.size(), of: file, to: LogPath.incoming).digest
    }
    guard let digest, LogPath.snapshot(digest.hex) == path else {
      throw .badSnapshot(path: path)
    }
    if !isThere {
      try reporting { () throws(StorageError) in
        try target.putInPlace(LogPath.incoming, as: path)
      }
    }
  }

  /// Removes all snapshots but one.
  package static func removeSnapshots(
    but path: String, from storage: any Storage
  ) throws(LogError) {
    try reporting { () throws(StorageError) in
      for name in try storage.snapshots() where LogPath.snapshot(name) != path {
        try storage.removeFile(LogPath.snapshot(name))
      }
      try storage.synchronizeDirectory(LogPath.snapshotDirectory)
    }
  }

  // MARK: - One segment

  private func exists(_ path: String, in storage: any Storage) throws(StorageError) -> Bool {
    do {
      _ = try storage.open(path, for: .reading)
      return true
    } catch {
      guard error.isMissing else { throw error }
      return false
    }
  }

  /// Whether a storage has the segment, with these bytes.
  ///
  /// - Throws: `.copyDiffers` where it has another file of that name.
  private func isThere(_ segment: Segment, in storage: any Storage) throws(LogError) -> Bool {
    let path = LogPath.segment(segment.first)
    let isSame = try reporting { () throws(StorageError) -> Bool? in
      guard try exists(path, in: storage) else { return nil }
      let file = try storage.open(path, for: .reading)
      guard try file.size() == segment.bytes else { return false }
      return try forEachPiece(of: file, 0..<segment.bytes) { (_, _) in } == segment.digest
    }
    guard let isSame else { return false }
    guard isSame else { throw .copyDiffers(segment: segment.first) }
    return true
  }

  /// Copies a segment under another name, reads the copy again, and gives it its name.
  private func place(
    _ segment: Segment, from source: any Storage, in target: any Storage, staged: String
  ) throws(LogError) {
    let path = LogPath.segment(segment.first)
    let (written, found) = try reporting { () throws(StorageError) in
      let file = try source.open(path, for: .reading)
      let copy = try target.copy(0..<file.size(), of: file, to: staged)
      let again = try forEachPiece(of: copy.file, 0..<copy.file.size()) { (_, _) in }
      return (copy.digest, again)
    }
    guard written == segment.digest, found == segment.digest else {
      throw .damaged(ids: segment.first..<segment.end, segment: segment.first, offset: 0)
    }
    try reporting { () throws(StorageError) in
      try target.putInPlace(staged, as: path)
      if !staged.hasPrefix(LogPath.logDirectory + "/") {
        try target.synchronizeDirectory(LogPath.snapshotDirectory)
      }
    }
  }
}

extension UnionStorage {
  /// The archive's segments in front, and the ledger's files for all else.
  convenience init(_ archive: any Storage, over ledger: any Storage) {
    self.init(ledger, with: [archive], isArchiveFirst: true)
  }
}
