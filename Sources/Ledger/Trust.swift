import EventLog
import Platform
import Views

extension Ledger {
  /// Refuses what others may have put in the place of a ledger's own.
  ///
  /// The storage judges the files that it opens; this judges what lies around them, and what others
  /// open.
  ///
  /// - Parameter names: What isn't there is passed over.
  /// - Throws: `.untrusted`.
  static func refuseUntrusted(
    _ storage: FileStorage, _ path: LedgerPath, _ names: [String], _ kind: FileStatus.Kind
  ) throws(LedgerError) {
    for name in names {
      let status: FileStatus
      do { status = try storage.status(of: name) } catch {
        if error.isMissing { continue }
        throw .file(error)
      }
      guard status.whyUntrustworthy(expected: kind).isEmpty else {
        throw .untrusted(path: name == "." ? path.directory : joinPath(path.directory, name))
      }
    }
  }

  /// Opens the views' database, and makes an empty one first where there is none.
  ///
  /// SQLite would give it what permissions the umask leaves; to the files beside it, it gives those that
  /// the database has.
  static func openViews(
    of path: LedgerPath, in storage: FileStorage
  ) throws(LedgerError) -> ViewStore {
    let directory = LedgerPath.indexName
    try inStorage { () throws(StorageError) in try storage.ensureDirectory(directory) }
    try refuseUntrusted(storage, path, [directory], .directory)
    let database = "\(directory)/\(LedgerPath.viewsName)"
    try refuseUntrusted(storage, path, ViewStore.files(of: database), .regular)
    if try inFiles({ () throws(PlatformError) in try !exists(path.views) }) {
      do { _ = try storage.open(database, for: .creating) } catch {
        // Another process made it meanwhile.
        guard error.alreadyExists else { throw .log(.storage(error)) }
      }
    }
    return try inViews { () throws(ViewError) in try ViewStore(.file(path.views)) }
  }
}
