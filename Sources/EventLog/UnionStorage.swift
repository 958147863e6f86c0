/// A ledger's files, and the segments and snapshots of archives where the ledger has none of that name;
/// to be read only.
package final class UnionStorage: Storage {
  private let base: any Storage
  private let archives: [any Storage]
  /// Whether a segment is taken from an archive where both have it.
  private let isArchiveFirst: Bool

  package init(
    _ base: any Storage, with archives: [any Storage], isArchiveFirst: Bool = false
  ) {
    self.base = base
    self.archives = archives
    self.isArchiveFirst = isArchiveFirst
  }

  package func open(
    _ path: String, for access: StorageAccess
  ) throws(StorageError) -> any StorageFile {
    guard access == .reading else { throw .readOnly(.open, path) }
    let others = isArchived(path) ? archives : []
    var missing = StorageError(operation: .open, path: path, code: 2)
    for files in isArchiveFirst ? others + [base] : [base] + others {
      do {
        return try files.open(path, for: .reading)
      } catch {
        guard error.isMissing else { throw error }
        missing = error
      }
    }
    throw missing
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    let names = try base.list(directory)
    guard directory == LogPath.logDirectory else { return names }
    var all = Set(names)
    for archive in archives {
      all.formUnion(try archive.list(directory).filter { LogPath.segment(named: $0) != nil })
    }
    return all.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Whether an archive has files of this kind too: segments and snapshots.
  private func isArchived(_ path: String) -> Bool {
    let prefix = LogPath.logDirectory + "/"
    if path.hasPrefix(LogPath.snapshotDirectory + "/") { return true }
    return path.hasPrefix(prefix)
      && LogPath.segment(named: String(path.dropFirst(prefix.count))) != nil
  }

  /// Refused, as all that writes: whoever reads a ledger with its archives writes nothing.
  package func createDirectory(_ path: String) throws(StorageError) {
    throw .readOnly(.createDirectory, path)
  }

  /// Refused.
  package func rename(_ path: String, to newPath: String) throws(StorageError) {
    throw .readOnly(.rename, path)
  }

  /// Refused.
  package func removeFile(_ path: String) throws(StorageError) { throw .readOnly(.remove, path) }

  /// Refused.
  package func synchronizeDirectory(_ path: String) throws(StorageError) {
    throw .readOnly(.synchronizeDirectory, path)
  }
}
