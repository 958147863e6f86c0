import Audit
import Bytes
import EventLog
import Events
import Merkle
import Platform
import Views

/// Snapshots: what the present needs of events that are archived (`FORMAT.md` §28).
extension Ledger {
  /// Builds views from the first event on, or from the snapshot that stands for what is archived.
  ///
  /// - Throws: `.log` with `.badSnapshot` where the log doesn't name the snapshot.
  func build(_ store: ViewStore, to end: LogPosition) throws(LedgerError) {
    let reader = try inLog { () throws(LogError) in
      try LogReader(storage, identity: identity, durable: end)
    }
    guard reader.first > 0 else {
      return try inAudit { () throws(AuditError) in
        try Projector(views: store, workers: { doAtOnce($0, $1) }).project(
          reader.events(from: 0))
      }
    }
    let snapshots = try snapshots(in: storage, reaching: reader.first)
    for snapshot in snapshots {
      try load(snapshot, into: store)
      try inAudit { () throws(AuditError) in
        try Projector(views: store, workers: { doAtOnce($0, $1) }).project(
          reader.events(from: snapshot.size))
      }
      // What vouches for it stands behind it. One that an interrupted call left isn't named.
      let archives = try inViews { () throws(ViewError) in try store.retention.archives() }
      let isNamed = archives.contains { archive in
        archive.end == snapshot.size
          && archive.snapshot.map { sameBytes(LogPath.snapshot($0.text), snapshot.path) } ?? false
      }
      if isNamed { return }
    }
    throw .log(.badSnapshot(path: snapshots.first?.path ?? LogPath.snapshotDirectory))
  }

  /// Makes views hold what a snapshot says, once its bytes are those that its name says.
  func load(_ snapshot: LogSnapshot, into store: ViewStore) throws(LedgerError) {
    let digest = try inLog { () throws(LogError) in try snapshot.digest() }
    guard sameBytes(LogPath.snapshot(digest.hex), snapshot.path) else {
      throw .log(.badSnapshot(path: snapshot.path))
    }
    var offset = snapshot.viewsOffset
    var failure: LogError?
    try inViews { () throws(ViewError) in
      try store.load {
        do throws(LogError) {
          let piece = try snapshot.piece(at: offset)
          offset += UInt64(piece.count)
          return piece
        } catch {
          failure = error
          return []
        }
      }
    }
    if let failure { throw .log(failure) }
  }

  /// The snapshot that stands for what is archived, or `nil` where there is none.
  func snapshot() throws(LedgerError) -> LogSnapshot? {
    if let openedSnapshot { return openedSnapshot }
    openedSnapshot = try snapshots(in: storage, reaching: firstEvent()).first
    return openedSnapshot
  }

  /// The snapshots of at least so many events as come before the log's first one, by their sizes: the
  /// first of them stands for these, unless an interrupted call left it.
  private func snapshots(
    in storage: any Storage, reaching first: EventID
  ) throws(LedgerError) -> [LogSnapshot] {
    let names = try inStorage { () throws(StorageError) in try storage.snapshots() }
    var found: [LogSnapshot] = []
    for name in names {
      let snapshot = try inLog { () throws(LogError) in
        try LogSnapshot(LogPath.snapshot(name), in: storage, of: identity.id)
      }
      if snapshot.size >= first { found.append(snapshot) }
    }
    return found.sorted { $0.size < $1.size }
  }

  /// The line of an event that the views remember the place of; of one that is archived, from the
  /// snapshot, if that holds it.
  func line(
    of event: EventID, at location: EventLocation, in reader: LogReader
  ) throws(LedgerError) -> [UInt8]? {
    if event < reader.first {
      return try snapshot().flatMap { (snapshot) throws(LedgerError) in
        try inLog { () throws(LogError) in try snapshot.line(of: event) }
      }
    }
    return try inLog { () throws(LogError) in
      try reader.line(segment: location.segment, offset: location.offset)
    }
  }

  // MARK: - Making one

  /// Writes the snapshot of the first `head.size` events into an archive.
  ///
  /// - Parameter files: The ledger's files, those of its archives included that hold these events.
  /// - Returns: Its SHA-256, which is its name.
  func writeSnapshot(
    of head: TreeHead, from files: any Storage, into archive: any Storage
  ) throws(LedgerError) -> Digest {
    let store = try inViews { () throws(ViewError) in
      let store = try ViewStore(.temporary)
      try store.create()
      return store
    }
    let reader = try inLog { () throws(LogError) in try LogReader(files, identity: identity) }
    let earlier =
      reader.first > 0 ? try snapshots(in: files, reaching: reader.first).first : nil
    if let earlier { try load(earlier, into: store) }
    let signed = try signedSizes(upTo: head.size)
    var roots = earlier?.roots ?? [:]
    var cursor = reader.events(from: earlier?.size ?? 0, to: head.size)
    try inAudit { () throws(AuditError) in
      _ = try Projector(views: store).project(
        next: { () throws(AuditError) in
          do throws(LogError) {
            guard let stored = try cursor.read() else { return nil }
            let end = stored.commit.end
            if signed.contains(end) { roots[end] = stored.commit.root }
            return stored
          } catch {
            throw .log(error)
          }
        }, to: nil)
    }
    let lines = try keptLines(of: store, in: reader, earlier, before: head.size)
    let heads = roots.keys.sorted().compactMap { size in
      roots[size].map { TreeHead(size: size, root: $0) }
    }
    let beginning = LogSnapshot.beginning(head, of: identity.id, roots: heads, events: lines)
    return try write(beginning, store, into: archive)
  }

  /// The sizes of the ledger's checkpoints, as far as they matter to a snapshot.
  private func signedSizes(upTo size: UInt64) throws(LedgerError) -> Set<UInt64> {
    var sizes: Set<UInt64> = []
    try inStorage { () throws(StorageError) in
      try CheckpointFiles(storage).forEach { note, _ in
        guard let checkpoint = try? Checkpoint(text: note.text),
          sameBytes(checkpoint.origin, identity.origin), checkpoint.head.size <= size
        else { return }
        sizes.insert(checkpoint.head.size)
      }
    }
    return sizes
  }

  /// The lines of the ledger's own events, and of those that define users as they stand.
  private func keptLines(
    of store: ViewStore, in reader: LogReader, _ earlier: LogSnapshot?, before size: UInt64
  ) throws(LedgerError) -> [(id: UInt64, line: [UInt8])] {
    let events = try inViews { () throws(ViewError) in
      var events = try store.streams.events(of: .ledger)
      for row in try store.users.list() where row.erased == nil {
        if let place = try store.streams.location(of: row.version, about: .user(row.id)) {
          events.append(StreamEvent(id: row.version, location: place))
        }
      }
      return events
    }
    var lines: [(id: UInt64, line: [UInt8])] = []
    for event in events.sorted(by: { $0.id < $1.id }) where event.id < size {
      let line = try inLog { () throws(LogError) in
        event.id < reader.first
          ? try earlier?.line(of: event.id)
          : try reader.line(segment: event.location.segment, offset: event.location.offset)
      }
      guard let line else { throw .inconsistent(.event(event.id)) }
      lines.append((event.id, line))
    }
    return lines
  }

  private func write(
    _ beginning: [UInt8], _ store: ViewStore, into archive: any Storage
  ) throws(LedgerError) -> Digest {
    let staged = LogPath.incoming
    let file = try inStorage { () throws(StorageError) in
      let file = try archive.openOrCreate(staged)
      try file.truncate(to: 0)
      return file
    }
    var hasher = SHA256Hasher()
    var offset: UInt64 = 0
    var failure: StorageError?
    func put(_ piece: [UInt8]) -> Bool {
      do throws(StorageError) {
        try file.writeFully(piece, at: offset)
        unsafe hasher.update(piece.span.bytes)
        offset += UInt64(piece.count)
        return true
      } catch {
        failure = error
        return false
      }
    }
    _ = put(beginning)
    if failure == nil { _ = try inViews { () throws(ViewError) in try store.writeText(put) } }
    if let failure { throw .log(.storage(failure)) }
    let digest = hasher.finish()
    try inStorage { () throws(StorageError) in
      try file.synchronize()
      try archive.rename(staged, to: LogPath.snapshot(digest.hex))
      try archive.synchronizeDirectory(LogPath.snapshotDirectory)
    }
    return digest
  }
}
