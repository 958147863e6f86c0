import EventLog
import Events
import Platform
import Views

extension Ledger {
  /// Brings an archive's segments back into the log, once they were checked, and records it.
  ///
  /// Interrupted anywhere, the same call finishes it: segments come the newest first, each durable
  /// before the next, so that the log is one at any moment.
  ///
  /// - Throws: `.archiving`, `.archive`.
  package func attach(
    _ directory: String, reason: String?
  ) throws(LedgerError) -> ArchiveOutcome {
    let lock = try lockForArchiving()
    defer { withExtendedLifetime(lock) {} }
    let (files, description, turn, row) = try openRecorded(directory)
    if row.state == .disposed {
      throw .archive(.disposed(row.id, event: row.event))
    }
    let first = try firstEvent()
    if row.state == .attached, first <= row.first {
      return outcome(of: description, wasThere: true)
    }
    guard first <= row.end else { throw .archive(.notNext(row.id, first: first)) }
    let place = LogArchive(of: storage, identity: identity, in: files)
    try compare(description, place)
    try bringSnapshotOfBeginning(row, files)
    try inLog { () throws(LogError) in try place.bringBack(description.segments) }
    let attached = LedgerAttached(
      archiveID: row.id, first: row.first, last: row.last, reason: reason)
    try turn.commit([EventDraft(.ledgerAttached(attached))])
    return outcome(of: description, wasThere: false)
  }

  /// Opens an archive of this ledger, and takes a turn in which it is found recorded as it says.
  func openRecorded(
    _ directory: String
  ) throws(LedgerError) -> (
    files: FileStorage, description: ArchiveDescription, turn: Turn, row: ArchiveRow
  ) {
    let files = try openArchive(directory)
    let description = try recorded(in: files, named: directory)
    let turn = try takeTurn()
    return (files, description, turn, try row(of: description, directory))
  }

  /// Opens the directory of an archive that is there, for reading.
  func openArchive(_ directory: String) throws(LedgerError) -> FileStorage {
    let description = joinPath(directory, LogArchive.description)
    guard try inFiles({ () throws(PlatformError) in try exists(description) }) else {
      throw .archive(.notThere(directory: directory))
    }
    return try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: directory)
    }
  }

  /// What describes an archive of this ledger.
  func recorded(
    in files: any Storage, named directory: String
  ) throws(LedgerError) -> ArchiveDescription {
    let place = LogArchive(of: storage, identity: identity, in: files)
    do { try place.checkPlace() } catch {
      if case .copyExists = error { throw .archive(.occupied(directory: directory)) }
      throw .log(error)
    }
    guard
      let description = try ArchiveDescription.read(from: files, named: directory, of: identity)
    else { throw .archive(.notThere(directory: directory)) }
    return description
  }

  /// What the ledger has recorded of an archive, which must be what describes it.
  func row(
    of description: ArchiveDescription, _ directory: String
  ) throws(LedgerError) -> ArchiveRow {
    let row = try inViews { () throws(ViewError) in try views.retention.archive(description.id) }
    guard let row else { throw .archive(.notRecorded(description.id)) }
    guard row.parts == description.parts else {
      throw .archive(.recordedOtherwise(directory: directory))
    }
    return row
  }

  /// Of an archive that doesn't begin with event 0, the log begins where another archive ends: that
  /// one's snapshot stands for what is before.
  private func bringSnapshotOfBeginning(
    _ row: ArchiveRow, _ files: any Storage
  ) throws(LedgerError) {
    guard row.first > 0 else { return }
    let archives = try inViews { () throws(ViewError) in try views.retention.archives() }
    guard let snapshot = archives.last(where: { $0.end == row.first })?.snapshot else {
      throw .inconsistent(.event(row.first))
    }
    try inLog { () throws(LogError) in
      try LogArchive.copySnapshot(
        LogPath.snapshot(snapshot.text), from: files, to: storage)
    }
  }
}
