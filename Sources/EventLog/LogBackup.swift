package import Bytes
import Merkle

/// A copy of a ledger, made beside its writer and without a lock (`FORMAT.md` §6.6).
///
/// Everything is written under another name first; only when the copy as it will be was verified, the
/// files get their names. So an older copy is as it was until then, and each file is whole.
package struct LogBackup {
  /// What a backup copied, and what it left as it was.
  package struct Outcome: Hashable, Sendable {
    /// How many events the copy holds, and where the last of them ends.
    package let end: LogPosition
    package let root: Digest
    package let copiedSegments: [UInt64]
    /// Segments that were there from an earlier backup.
    package let keptSegments: [UInt64]
    package let copiedBytes: UInt64
  }

  private let source: any Storage
  private let target: any Storage
  private let identity: LedgerIdentity
  /// What is written under another name, in the order in which it will get its own.
  private var staged: [String] = []
  private var copied: [UInt64] = []
  private var kept: [UInt64] = []
  private var copiedBytes: UInt64 = 0

  /// Copies all that is durable, and verifies the copy.
  ///
  /// Closed segments come whole, the last one up to the durable mark, `head` is made anew for the
  /// copy, and `LEDGER` appears last: what an interrupted backup leaves is no ledger, or the older
  /// backup, or some of the newer one's segments beside the older one's.
  ///
  /// - Parameters:
  ///   - target: An empty directory, what an interrupted backup left, or with `isIncremental` an
  ///     older backup.
  ///   - files: What else belongs to the copy, relative to the ledger; what isn't there is left out.
  ///   - judge: What says whether events are well formed.
  /// - Throws: `.needsRepair` where the ledger is damaged at its end; `.copyExists`,
  ///   `.copyOfAnotherLedger`, `.copyDiffers` and `.copyNotWhole`, after which the target is as it
  ///   was but for files whose names end with `.new`; `.storage`.
  package static func make(
    of source: any Storage, identity: LedgerIdentity, in target: any Storage, isIncremental: Bool,
    files: [String] = [], judge: any EventJudge
  ) throws(LogError) -> Outcome {
    var backup = LogBackup(source: source, target: target, identity: identity)
    let isThere = try backup.checkIdentity(isIncremental: isIncremental)
    // A checkpoint covers what was durable before it: copied first, it covers nothing that isn't.
    var others = backup
    try reporting { () throws(StorageError) in
      for directory in [
        LogPath.logDirectory, LogPath.quarantineDirectory, LogPath.snapshotDirectory,
      ] {
        try target.ensureDirectory(directory)
        // The names that an interrupted backup gave may be in memory only, and what has one is kept.
        try target.synchronizeDirectory(directory)
      }
      try target.synchronizeDirectory(".")
      for path in files { try others.stage(path) }
    }
    let reader = try LogReader(source, identity: identity)
    guard reader.end.state != .corrupt, reader.end.state != .lostTail else {
      throw .needsRepair(reader.end)
    }
    let end = try reader.durableEnd()
    try backup.checkSegments(reader, end)
    try backup.stageSegments(reader, end)
    try backup.stageHead()
    try backup.stageSnapshots()
    let root = try backup.verify(end, judge)
    try reporting { () throws(StorageError) in
      for path in try backup.newInQuarantine() { try others.stage(path) }
      for path in backup.staged + others.staged { try backup.putInPlace(path) }
      if !isThere {
        try backup.stage(identity.encoded, as: LogPath.identity)
        try backup.putInPlace(LogPath.identity)
      }
    }
    return Outcome(
      end: end, root: root, copiedSegments: backup.copied, keptSegments: backup.kept,
      copiedBytes: backup.copiedBytes)
  }

  private init(source: any Storage, target: any Storage, identity: LedgerIdentity) {
    self.source = source
    self.target = target
    self.identity = identity
  }

  /// The copy as it will be, as far as it is staged.
  private var future: OverlayStorage {
    let names = staged.map { ($0, $0 + LogPath.unfinishedSuffix) }
    return OverlayStorage(target, renaming: Dictionary(uniqueKeysWithValues: names))
  }

  // MARK: - What is there already

  /// - Returns: Whether the target holds a finished backup.
  private func checkIdentity(isIncremental: Bool) throws(LogError) -> Bool {
    let found: LedgerIdentity
    do {
      found = try LedgerIdentity.read(from: target)
    } catch {
      guard case .storage(let error) = error, error.isMissing else { throw error }
      return false
    }
    guard found == identity else { throw .copyOfAnotherLedger(origin: found.origin) }
    guard isIncremental else { throw .copyExists }
    return true
  }

  /// Refuses a target whose events aren't the beginning of the ledger's: it may be the only good copy.
  ///
  /// The last segment that is there may have been open: its bytes must stand in the ledger's too.
  /// The others must be as long as the ledger's, and end with the same seal; all that they hold is
  /// checked when the whole copy is verified.
  private func checkSegments(_ reader: LogReader, _ end: LogPosition) throws(LogError) {
    let there = try reporting { () throws(StorageError) in try target.segments() }
    for segment in there {
      guard segment <= end.segment, reader.segments.contains(segment) else {
        throw .copyDiffers(segment: segment)
      }
      let isSame = try reporting { () throws(StorageError) in
        let ours = try source.open(LogPath.segment(segment), for: .reading)
        let theirs = try target.open(LogPath.segment(segment), for: .reading)
        let length = try self.length(of: segment, ours, end)
        let lengthThere = try theirs.size()
        let isLast = segment == there.last
        guard lengthThere == length || isLast && lengthThere < length else { return false }
        let start = isLast ? 0 : length - min(length, UInt64(SealLine.length))
        return try forEachPiece(of: ours, start..<lengthThere) { (_, _) in }
          == forEachPiece(of: theirs, start..<lengthThere) { (_, _) in }
      }
      guard isSame else { throw .copyDiffers(segment: segment) }
    }
  }

  /// How many bytes of a segment are to be copied.
  private func length(
    of segment: UInt64, _ file: any StorageFile, _ end: LogPosition
  ) throws(StorageError) -> UInt64 {
    segment == end.segment ? end.offset : try file.size()
  }

  // MARK: - Staging

  private mutating func stageSegments(_ reader: LogReader, _ end: LogPosition) throws(LogError) {
    let there = Set(try reporting { () throws(StorageError) in try target.segments() })
    for segment in reader.segments where segment <= end.segment {
      try reporting { () throws(StorageError) in
        let path = LogPath.segment(segment)
        let file = try source.open(path, for: .reading)
        let length = try length(of: segment, file, end)
        if there.contains(segment), try target.open(path, for: .reading).size() == length {
          kept.append(segment)
          return
        }
        try stage(file, length, as: path)
        copied.append(segment)
        copiedBytes += length
      }
    }
  }

  private mutating func stageHead() throws(LogError) {
    let slots = try reporting { () throws(StorageError) in
      try Head.slots(in: target, of: identity.id)
    }
    let survey = try LogSurvey(storage: future, identity: identity, slots: [], knownDurable: 0)
    guard let made = Head.made(from: survey, after: slots.first?.generation ?? 1) else {
      throw .needsRepair(survey.end)
    }
    try reporting { () throws(StorageError) in
      try stage(Head.encoded(made, in: identity.id), as: LogPath.head)
    }
  }

  /// Stages a file of the ledger's, if there is one.
  private mutating func stage(_ path: String) throws(StorageError) {
    let file: any StorageFile
    do {
      file = try source.open(path, for: .reading)
    } catch {
      guard error.isMissing else { throw error }
      return
    }
    try stage(file, try file.size(), as: path)
  }

  private mutating func stage(_ bytes: [UInt8], as path: String) throws(StorageError) {
    try stage(MemoryFile(bytes), UInt64(bytes.count), as: path)
  }

  /// Writes what is to become a file, durably, under another name.
  private mutating func stage(
    _ file: any StorageFile, _ length: UInt64, as path: String
  ) throws(StorageError) {
    _ = try target.copy(0..<length, of: file, to: path + LogPath.unfinishedSuffix)
    staged.append(path)
  }

  private func putInPlace(_ path: String) throws(StorageError) {
    try target.putInPlace(path + LogPath.unfinishedSuffix, as: path)
  }

  /// A snapshot never changes: what is there under its name is left as it is.
  private mutating func stageSnapshots() throws(LogError) {
    try reporting { () throws(StorageError) in
      let there = Set(try target.snapshots())
      for name in try source.snapshots() where !there.contains(name) {
        try stage(LogPath.snapshot(name))
      }
    }
  }

  /// What lies in the ledger's quarantine and not yet in the copy's.
  private func newInQuarantine() throws(StorageError) -> [String] {
    do {
      let there = Set(try target.list(LogPath.quarantineDirectory))
      return try source.list(LogPath.quarantineDirectory)
        .filter { !there.contains($0) && !$0.hasSuffix(LogPath.unfinishedSuffix) }
        .map { "\(LogPath.quarantineDirectory)/\($0)" }
    } catch {
      guard error.isMissing else { throw error }
      return []
    }
  }

  /// - Returns: The root of the copy's events.
  private func verify(_ end: LogPosition, _ judge: any EventJudge) throws(LogError) -> Digest {
    var verifier = LogVerifier(future, identity: identity, judge: judge)
    let report = try verifier.verify()
    guard report.state == .clean, report.damage.isEmpty, report.size == end.size else {
      throw .copyNotWhole(report)
    }
    return report.root
  }
}
