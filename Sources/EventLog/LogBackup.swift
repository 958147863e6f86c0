package import Bytes
import Merkle

/// A copy of a ledger, made beside its writer and without a lock (`FORMAT.md` §6.6).
package struct LogBackup {
  /// What a backup copied, and what it left as it was.
  package struct Outcome: Hashable, Sendable {
    /// How many events the copy holds, and where the last of them ends.
    package let end: LogPosition
    package let root: Digest
    package let copiedSegments: [UInt64]
    /// Closed segments that were there from an earlier backup.
    package let keptSegments: [UInt64]
    package let copiedBytes: UInt64
  }

  private let source: any Storage
  private let target: any Storage
  private let identity: LedgerIdentity
  private var copied: [UInt64] = []
  private var kept: [UInt64] = []
  private var copiedBytes: UInt64 = 0

  /// Copies all that is durable, and verifies the copy.
  ///
  /// Closed segments come whole, the last one up to the durable mark, `head` is made anew for the copy, and
  /// `LEDGER` is written last: what an interrupted backup leaves is no ledger, or the older backup.
  ///
  /// - Parameters:
  ///   - target: An empty directory, what an interrupted backup left, or with `isIncremental` an older backup.
  ///   - files: What else belongs to the copy, relative to the ledger; what isn't there is left out.
  ///   - check: What says whether an event is well formed.
  /// - Throws: `.needsRepair` where the ledger is damaged at its end; `.copyExists`, `.copyOfAnotherLedger`
  ///   and `.copyDiffers` before anything was written over; `.copyNotWhole`; `.storage`.
  package static func make(
    of source: any Storage, identity: LedgerIdentity, in target: any Storage, isIncremental: Bool,
    files: [String] = [], check: @escaping LogVerifier.EventCheck
  ) throws(LogError) -> Outcome {
    var backup = LogBackup(source: source, target: target, identity: identity)
    let isThere = try backup.checkTarget(isIncremental: isIncremental)
    // A checkpoint covers what was durable before it: copied first, it covers nothing that isn't.
    let staged = try reporting { () throws(StorageError) in
      try target.ensureDirectory(LogPath.quarantineDirectory)
      var staged: [String] = []
      for path in files where try backup.stage(path) { staged.append(path) }
      return staged
    }
    let reader = try LogReader(source, identity: identity)
    guard reader.end.state != .corrupt, reader.end.state != .lostTail else {
      throw .needsRepair(reader.end)
    }
    let end = try reader.durableEnd()
    try backup.compareWithTarget(reader, end)
    try backup.copySegments(reader, end)
    try backup.writeHead(check)
    let root = try backup.verify(end, check)
    try reporting { () throws(StorageError) in
      for path in staged { try backup.putInPlace(path) }
      for path in try backup.quarantined() where try backup.stage(path) {
        try backup.putInPlace(path)
      }
      if !isThere { try backup.write(identity.encoded, to: LogPath.identity) }
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

  /// - Returns: Whether the target holds a finished backup.
  private func checkTarget(isIncremental: Bool) throws(LogError) -> Bool {
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
  private func compareWithTarget(_ reader: LogReader, _ end: LogPosition) throws(LogError) {
    let there = try reporting { () throws(StorageError) in try target.segments() }
    for segment in there {
      guard segment <= end.segment, reader.segments.contains(segment) else {
        throw .copyDiffers(segment: segment)
      }
    }
    guard let last = there.last else { return }
    // What was copied last may have been open: its bytes must stand in the ledger's segment too.
    let isSame = try reporting { () throws(StorageError) in
      let ours = try source.open(LogPath.segment(last), for: .reading)
      let theirs = try target.open(LogPath.segment(last), for: .reading)
      let length = try theirs.size()
      guard length <= (try self.length(of: last, ours, end)) else { return false }
      return try forEachPiece(of: ours, 0..<length) { (_, _) in }
        == forEachPiece(of: theirs, 0..<length) { (_, _) in }
    }
    guard isSame else { throw .copyDiffers(segment: last) }
  }

  /// How many bytes of a segment are to be copied.
  private func length(
    of segment: UInt64, _ file: any StorageFile, _ end: LogPosition
  ) throws(StorageError) -> UInt64 {
    segment == end.segment ? end.offset : try file.size()
  }

  private mutating func copySegments(_ reader: LogReader, _ end: LogPosition) throws(LogError) {
    try reporting { () throws(StorageError) in
      for directory in [LogPath.logDirectory, LogPath.quarantineDirectory] {
        try target.ensureDirectory(directory)
      }
      try target.synchronizeDirectory(".")
    }
    let there = Set(try reporting { () throws(StorageError) in try target.segments() })
    for segment in reader.segments where segment <= end.segment {
      let path = LogPath.segment(segment)
      let (file, length) = try reporting { () throws(StorageError) in
        let file = try source.open(path, for: .reading)
        return (file, try self.length(of: segment, file, end))
      }
      if there.contains(segment), try isKept(segment, file, length) {
        kept.append(segment)
        continue
      }
      try reporting { () throws(StorageError) in try copy(file, length, to: path) }
      copied.append(segment)
      copiedBytes += length
    }
  }

  /// Whether the target's segment is what is to be copied: as long, and with the same last line or seal.
  ///
  /// All that it holds is checked in the end, when the whole copy is verified.
  private func isKept(
    _ segment: UInt64, _ file: any StorageFile, _ length: UInt64
  ) throws(LogError) -> Bool {
    try reporting { () throws(StorageError) in
      let theirs = try target.open(LogPath.segment(segment), for: .reading)
      guard try theirs.size() == length else { return false }
      let end = length - min(length, UInt64(SealLine.length))..<length
      return try forEachPiece(of: file, end) { (_, _) in }
        == forEachPiece(of: theirs, end) { (_, _) in }
    }
  }

  /// Makes a file appear with all its bytes, or not at all.
  private func copy(
    _ file: any StorageFile, _ length: UInt64, to path: String
  ) throws(StorageError) {
    try stage(file, length, for: path)
    try putInPlace(path)
  }

  /// Writes what is to become a file, durably, under another name.
  private func stage(
    _ file: any StorageFile, _ length: UInt64, for path: String
  ) throws(StorageError) {
    let made = try target.openFresh(path + LogPath.unfinishedSuffix)
    try forEachPiece(of: file, 0..<length) { (bytes, offset) throws(StorageError) in
      try made.writeFully(bytes, at: offset)
    }
    try made.synchronize()
  }

  private func putInPlace(_ path: String) throws(StorageError) {
    try target.rename(path + LogPath.unfinishedSuffix, to: path)
    try target.synchronizeDirectory(directory(of: path))
  }

  private func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
    try copy(MemoryFile(bytes), UInt64(bytes.count), to: path)
  }

  /// - Returns: Whether the ledger has that file.
  private func stage(_ path: String) throws(StorageError) -> Bool {
    let file: any StorageFile
    do {
      file = try source.open(path, for: .reading)
    } catch {
      guard error.isMissing else { throw error }
      return false
    }
    try stage(file, try file.size(), for: path)
    return true
  }

  private func directory(of path: String) -> String {
    path.split(separator: "/").dropLast().first.map(String.init) ?? "."
  }

  /// What lies in the ledger's quarantine and not yet in the copy's.
  private func quarantined() throws(StorageError) -> [String] {
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

  /// Makes `head` for what the copy holds.
  private func writeHead(_ check: LogVerifier.EventCheck) throws(LogError) {
    let slots = try reporting { () throws(StorageError) in
      try Head.slots(in: target, of: identity.id)
    }
    let survey = try LogSurvey(storage: target, identity: identity, slots: [], knownDurable: 0)
    guard let made = Head.made(from: survey, after: slots.first?.generation ?? 1) else {
      throw .needsRepair(survey.end)
    }
    try reporting { () throws(StorageError) in
      let bytes = made.sorted { $0.offset < $1.offset }.flatMap { $0.encoded(in: identity.id) }
      try write(bytes, to: LogPath.head)
    }
  }

  /// - Returns: The root of the copy's events.
  private func verify(
    _ end: LogPosition, _ check: @escaping LogVerifier.EventCheck
  ) throws(LogError) -> Digest {
    var verifier = LogVerifier(target, identity: identity, check: check)
    let report = try verifier.verify()
    guard report.state == .clean, report.damage.isEmpty, report.size == end.size else {
      throw .copyNotWhole(report)
    }
    return report.root
  }
}
