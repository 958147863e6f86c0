import Audit
package import Bytes
import EventLog
package import Events
import Merkle
import Platform
import Views

/// What moving segments came to.
package struct ArchiveOutcome: Hashable, Sendable {
  package let id: EntityID
  package let first: EventID
  package let last: EventID
  package let segments: Int
  package let bytes: UInt64
  /// Whether the archive was there before, and only the ledger's own copies were removed, or nothing.
  package let wasThere: Bool
  /// What has disposed of it before, if something has, and when, if the ledger still holds that event.
  package var disposal: Disposal?

  package struct Disposal: Hashable, Sendable {
    package let event: EventID
    package let time: Instant?
  }
}

extension Ledger {
  /// Copies closed segments of which every event was recorded before a time to an archive, records it,
  /// and removes them here.
  ///
  /// Interrupted anywhere, the same call finishes it. In this order, each durable before the next:
  /// the copies, verified; the snapshot, there and here; `ledger.archived`; a checkpoint that covers
  /// it; the removal.
  ///
  /// - Returns: What the archive holds; `nil` where no segment is old enough.
  /// - Throws: `.archiving`, `.archive`, `.log` with `.copyNotWhole` where the ledger is damaged.
  package func archive(
    before time: Instant, to directory: String
  ) throws(LedgerError) -> ArchiveOutcome? {
    let lock = try lockForArchiving()
    defer { withExtendedLifetime(lock) {} }
    try inFiles { () throws(PlatformError) in try createDirectories(directory) }
    let files = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: directory)
    }
    let place = LogArchive(of: storage, identity: identity, in: files)
    do { try place.checkPlace() } catch {
      if case .copyExists = error { throw .archive(.occupied(directory: directory)) }
      throw .log(error)
    }
    try inFiles { () throws(PlatformError) in try shareDirectory(directory, as: .ownerOnly) }
    // What a crash left at the log's end is put right, and views follow.
    _ = try takeTurn()
    if let description = try ArchiveDescription.read(
      from: files, named: directory, of: identity)
    {
      try compare(description, place)
      return try finish(description, in: files, place, wasThere: true)
    }
    try refuseUnfinished()
    guard let description = try describe(before: time, place, files) else { return nil }
    return try finish(description, in: files, place, wasThere: false)
  }

  /// One process at a time moves segments.
  func lockForArchiving() throws(LedgerError) -> any StorageFile {
    let lock = try inStorage { () throws(StorageError) in
      try storage.openOrCreate(LedgerPath.archiving)
    }
    guard try inStorage({ () throws(StorageError) in try lock.tryLock() }) else {
      throw .archiving
    }
    return lock
  }

  /// Refuses to begin while the ledger holds some segments of an archive and not all.
  private func refuseUnfinished() throws(LedgerError) {
    let first = try firstEvent()
    let archives = try inViews { () throws(ViewError) in try views.retention.archives() }
    for archive in archives where archive.state == .archived && archive.end > first {
      throw .archive(.unfinished(archive.id))
    }
  }

  /// The first event that the ledger itself holds.
  func firstEvent() throws(LedgerError) -> EventID {
    try inLog { () throws(LogError) in try LogReader(storage, identity: identity).first }
  }

  /// Makes the copies and the snapshot, and what describes them; `nil` where nothing is old enough.
  private func describe(
    before time: Instant, _ place: LogArchive, _ files: any Storage
  ) throws(LedgerError) -> ArchiveDescription? {
    let ranges = try inLog { () throws(LogError) in try place.segments(before: time) }
    guard let end = ranges.last?.upperBound else { return nil }
    let (segments, frontier) = try inLog { () throws(LogError) in
      let segments = try place.copy(ranges)
      try place.verify(by: EventCheck(identity))
      return (segments, try place.frontier(at: end))
    }
    try keepSnapshotOfBeginning(ranges[0].lowerBound, in: files)
    let snapshot = try writeSnapshot(
      of: frontier.head, from: UnionStorage(storage, with: [files]), into: files)
    let description = try ArchiveDescription(segments, before: time, snapshot: snapshot) {
      (id) throws(LedgerError) in
      try inLog { () throws(LogError) in try place.frontier(at: id).root }
    }
    try inLog { () throws(LogError) in
      try place.put(description.encoded(of: identity), as: LogArchive.description)
    }
    return description
  }

  /// An archive that doesn't begin with event 0 has the snapshot too that its beginning stands on.
  private func keepSnapshotOfBeginning(
    _ first: EventID, in files: any Storage
  ) throws(LedgerError) {
    guard first > 0, let earlier = try snapshot() else { return }
    try inLog { () throws(LogError) in
      try LogArchive.copySnapshot(earlier.path, from: storage, to: files)
    }
  }

  /// Refuses an archive whose files aren't what describes them.
  func compare(
    _ description: ArchiveDescription, _ place: LogArchive
  ) throws(LedgerError) {
    let different = try inLog { () throws(LogError) in
      try place.firstDifferent(description.segments)
    }
    guard let (segment, isMissing) = different else { return }
    throw .archive(
      .differs(description.id, segment: segment.first, isMissing: isMissing))
  }

  /// Records an archive whose copies were verified, and removes the ledger's own segments.
  private func finish(
    _ description: ArchiveDescription, in files: any Storage, _ place: LogArchive, wasThere: Bool
  ) throws(LedgerError) -> ArchiveOutcome {
    let path = LogPath.snapshot(description.snapshot.text)
    try inLog { () throws(LogError) in
      try place.put(identity.encoded, as: LogPath.identity)
      try LogArchive.copySnapshot(path, from: files, to: storage)
    }
    openedSnapshot = nil
    try record(description, place)
    // Nothing goes before somebody who keeps a checkpoint can see that it went to an archive.
    guard try signCheckpoint(isWaiting: true) != nil else {
      throw .locked(milliseconds: patienceMilliseconds)
    }
    let turn = try takeTurn()
    try inLog { () throws(LogError) in
      try place.removeFromLedger(before: description.end)
      try LogArchive.removeSnapshots(but: path, from: storage)
    }
    withExtendedLifetime(turn) {}
    return outcome(of: description, wasThere: wasThere)
  }

  func outcome(of description: ArchiveDescription, wasThere: Bool) -> ArchiveOutcome {
    let segments = description.segments
    return ArchiveOutcome(
      id: description.id, first: description.first, last: description.end - 1,
      segments: segments.count, bytes: segments.reduce(0) { $0 + $1.bytes }, wasThere: wasThere)
  }

  /// Appends `ledger.archived`, unless it stands as archived already.
  private func record(
    _ description: ArchiveDescription, _ place: LogArchive
  ) throws(LedgerError) {
    let turn = try takeTurn()
    let known = try inViews { () throws(ViewError) in try views.retention.archive(description.id) }
    switch known?.state {
    case .archived? where known?.parts == description.parts: return
    case .disposed?:
      throw .archive(.disposed(description.id, event: known?.event ?? 0))
    case .archived?, .attached?, nil: break
    }
    // What isn't recorded yet must be the ledger's own: copies of its segments, and no others.
    let own = try inLog { () throws(LogError) in
      try place.ownSegments(from: description.first, to: description.end)
    }
    guard own == description.segments else {
      throw .archive(.recordedOtherwise(directory: description.id.text))
    }
    try turn.commit(description.parts.map { EventDraft(.ledgerArchived($0)) })
  }
}
