import EventLog
import Platform

extension Ledger {
  /// What one file of keys may hold at most.
  private static let keyFileLimit = 64 << 20
  /// What is in `keys/` for one machine alone.
  private static let uncopiedKeyFiles = [LedgerPath.keyLockName]

  /// Copies all of `keys/` into a directory of its own, 0700 with files 0600, durably.
  ///
  /// Nobody writes meanwhile, and keys of erased users are destroyed first. An older copy is written anew, and
  /// what is no longer among the keys goes from it; an interrupted one is finished by another call.
  ///
  /// - Parameter isIncremental: Whether an older copy may stand there.
  /// - Returns: How many files the copy has.
  /// - Throws: `.keysNotApart` where it would lie within a ledger, a backup or the keys themselves;
  ///   `.keyCopyExists`, `.untrustedKeys`.
  package func backUpKeys(
    to directory: String, isIncremental: Bool
  ) throws(LedgerError) -> Int {
    let turn = try takeTurn()
    defer { withExtendedLifetime(turn) {} }
    let target = try inFiles { () throws(PlatformError) in try absolutePath(directory) }
    try refuseBesideKeys(target)
    try inFiles { () throws(PlatformError) in try createDirectories(target) }
    // What `..` behind a name that wasn't there has led to is known only now.
    try refuseBesideKeys(target)
    let status = try inFiles { () throws(PlatformError) in try FileStatus(ofDirectory: target) }
    guard status.owner == effectiveUser(), status.permissions & 0o077 == 0 else {
      throw .untrustedKeys(path: target)
    }
    let old = try inFiles { () throws(PlatformError) in try namesInDirectory(target) }
    guard old.isEmpty || isIncremental else { throw .keyCopyExists(path: target) }
    let users = joinPath(target, LedgerPath.userKeysName)
    try inFiles { () throws(PlatformError) in try createDirectories(users) }

    let copiedUsers = try copyKeyFiles(from: path.userKeys, to: users)
    // The mark comes last: while it isn't there, or is an older one, whoever opens the ledger with this
    // copy destroys what it still holds of erased users.
    let copied = try copyKeyFiles(
      from: path.keys, to: target, last: LedgerPath.erasedMarkName)
    return copiedUsers + copied
  }

  /// Refuses a directory that is, or lies in, a ledger, a backup or the keys; what of it isn't there yet
  /// is left out.
  private func refuseBesideKeys(_ target: String) throws(LedgerError) {
    let isApart = try inFiles { () throws(PlatformError) in
      var existing = target
      while try !exists(existing) { existing = parentDirectory(of: existing) }
      let keys = try canonicalPath(path.keys)
      var folder = try canonicalPath(existing)
      while folder != keys, try !exists(joinPath(folder, LogPath.identity)) {
        let parent = parentDirectory(of: folder)
        if parent == folder { return true }
        folder = parent
      }
      return false
    }
    if !isApart { throw .keysNotApart(path: target) }
  }

  private func copyKeyFiles(
    from source: String, to target: String, last: String? = nil
  ) throws(LedgerError) -> Int {
    try inFiles { () throws(PlatformError) in
      var files: [(name: String, bytes: [UInt8])] = []
      for name in try namesInDirectory(source)
      where name.utf8.first != UInt8(ascii: ".") && !Self.uncopiedKeyFiles.contains(name) {
        let file = joinPath(source, name)
        guard try FileStatus(of: file).kind == .regular else { continue }
        files.append((name, try readFile(file, limit: Self.keyFileLimit)))
      }
      func write(_ some: some Sequence<(name: String, bytes: [UInt8])>) throws(PlatformError) {
        try replaceSecretFiles(some.map { (joinPath(target, $0.name), $0.bytes) })
      }
      try write(files.filter { $0.name != last })
      for name in try namesInDirectory(target) where !files.contains(where: { $0.name == name }) {
        let file = joinPath(target, name)
        if try FileStatus(of: file).kind == .regular { try removeSecretFile(file) }
      }
      try synchronizeDirectory(target)
      try write(files.filter { $0.name == last })
      return files.count
    }
  }
}
