import Bytes

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// All bytes of a file, pipe or standard input (`-`), which may be at most `limit`.
package func readFile(_ path: String, limit: Int) throws(PlatformError) -> [UInt8] {
  try InputReader(path).readAll(limit: limit)
}

/// Gives `path` new content in one step, durably: whoever looks finds all of the old or the new.
///
/// The content is written under a temporary name beside it, `.` + 16 digits + `.tmp`, which is
/// removed again when something fails; after a crash it may stay. A symbolic link is replaced, not
/// followed.
///
/// - Parameter permissions: What the file gets, whatever the umask.
/// - Throws: For `.synchronizeDirectory` the new content is there, but may not survive a crash;
///   for anything else the old content is.
package func replaceFile(
  _ path: String, with bytes: [UInt8], permissions: UInt16 = 0o600
) throws(PlatformError) {
  let file = try UnpublishedFile(path, with: bytes, permissions: permissions)
  try file.synchronize()
  try file.publish()
  try synchronizeNames(beside: path, in: parentDirectory(of: path))
}

/// New content for a file, under a temporary name until it is given its own.
///
/// So many files can be made durable together: where each was written before the first is
/// synchronized, a journaling file system does it for all at once. What isn't published is removed.
package final class UnpublishedFile {
  private let path: String
  private let name: String
  private let directory: Descriptor
  private let file: Descriptor
  private var isPublished = false

  /// Writes the content; nothing of it is durable yet.
  package init(
    _ path: String, with bytes: [UInt8], permissions: UInt16 = 0o600
  ) throws(PlatformError) {
    let isFile = isWhole(path) && path.utf8.last != UInt8(ascii: "/")
    let name = ".\(Hex.encode(try randomBytes(8))).tmp"
    let parent = try PlatformError.naming(.open, path) { () throws(Errno) in
      guard isFile else { throw Errno(EINVAL) }
      return try Descriptor(opening: parentDirectory(of: path), flags: O_RDONLY | O_DIRECTORY)
    }
    file = try PlatformError.naming(.open, path) { () throws(Errno) in
      try Descriptor(
        opening: name, in: parent, flags: O_WRONLY | O_CREAT | O_EXCL, permissions: 0o600)
    }
    directory = parent
    self.path = path
    self.name = name
    try PlatformError.naming(.changePermissions, path) { () throws(Errno) in
      try file.setPermissions(mode_t(permissions))
    }
    try PlatformError.naming(.write, path) { () throws(Errno) in
      try file.withNumber { number throws(Errno) in try writeAll(bytes[...], to: number) }
    }
  }

  deinit { if !isPublished { try? directory.remove(name) } }

  /// Makes the content durable.
  package func synchronize() throws(PlatformError) {
    try PlatformError.naming(.synchronize, path) { () throws(Errno) in try file.synchronizeAll() }
  }

  /// Gives the content its name, in place of what had it; the name is durable only after
  /// ``synchronizeDirectory(_:)``.
  package func publish() throws(PlatformError) {
    try PlatformError.naming(.rename, path) { () throws(Errno) in
      try directory.rename(name, to: lastPart(of: path), in: directory)
    }
    isPublished = true
  }
}

/// Makes the names in a directory durable, as they are now.
package func synchronizeDirectory(_ path: String) throws(PlatformError) {
  try synchronizeNames(beside: path, in: path)
}

/// - Parameter path: What an error names.
private func synchronizeNames(
  beside path: String, in directory: String
) throws(PlatformError) {
  try PlatformError.naming(.synchronizeDirectory, path) { () throws(Errno) in
    try Descriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY).synchronizeAll()
  }
}

/// Makes a directory and all that are missing above it, durably; one that exists stays as it is.
///
/// - Parameter permissions: What each new one gets, whatever the umask.
package func createDirectories(
  _ path: String, permissions: UInt16 = 0o700
) throws(PlatformError) {
  try PlatformError.naming(.createDirectory, path) { () throws(Errno) in
    guard isWhole(path) else { throw Errno(EINVAL) }
    var missing: [String] = []
    var existing = path
    while !(try isDirectory(existing)) {
      missing.append(lastPart(of: existing))
      existing = parentDirectory(of: existing)
    }
    var parent = try Descriptor(opening: existing, flags: O_RDONLY | O_DIRECTORY)
    for name in missing.reversed() {
      // Another process may have made it meanwhile.
      do throws(Errno) {
        try parent.createDirectory(name)
      } catch {
        guard error.code == EEXIST else { throw error }
        parent = try Descriptor(opening: name, in: parent, flags: O_RDONLY | O_DIRECTORY)
        continue
      }
      let made = try Descriptor(opening: name, in: parent, flags: O_RDONLY | O_DIRECTORY)
      try made.setPermissions(mode_t(permissions))
      try parent.synchronizeAll()
      parent = made
    }
  }
}

/// Whether there is a directory of this name, perhaps by a symbolic link.
///
/// - Throws: ENOTDIR where the name is that of something else.
private func isDirectory(_ path: String) throws(Errno) -> Bool {
  do throws(Errno) {
    _ = try Descriptor(opening: path, flags: O_RDONLY | O_DIRECTORY)
    return true
  } catch {
    if error.code == ENOENT { return false }
    throw error
  }
}

/// Whether anything has this name, even a symbolic link that leads nowhere.
package func exists(_ path: String) throws(PlatformError) -> Bool {
  do throws(PlatformError) {
    _ = try FileStatus(of: path)
    return true
  } catch {
    if error.isMissing { return false }
    throw error
  }
}

/// Gives `path`, which nothing has as its name yet, as a symbolic link to `target`, durably.
package func createLink(_ path: String, to target: String) throws(PlatformError) {
  try PlatformError.naming(.createLink, path) { () throws(Errno) in
    guard isWhole(path), isWhole(target) else { throw Errno(EINVAL) }
    try systemCall { unsafe symlink(target, path) }
    try Descriptor(opening: parentDirectory(of: path), flags: O_RDONLY | O_DIRECTORY)
      .synchronizeAll()
  }
}

/// Gives a directory that exists the permissions and the group of `sharing`.
package func shareDirectory(_ path: String, as sharing: FileSharing) throws(PlatformError) {
  try PlatformError.naming(.changePermissions, path) { () throws(Errno) in
    let directory = try Descriptor(opening: path, flags: O_RDONLY | O_DIRECTORY)
    try sharing.apply(sharing.directoryPermissions, to: directory)
  }
}

/// Takes away a name of a file; a symbolic link goes itself.
package func removeFile(_ path: String) throws(PlatformError) {
  try PlatformError.naming(.remove, path) { () throws(Errno) in
    guard isWhole(path) else { throw Errno(EINVAL) }
    try systemCall { unsafe unlink(path) }
  }
}

/// Takes away an empty directory.
package func removeDirectory(_ path: String) throws(PlatformError) {
  try PlatformError.naming(.remove, path) { () throws(Errno) in
    guard isWhole(path) else { throw Errno(EINVAL) }
    try systemCall { unsafe rmdir(path) }
  }
}

/// The names in a directory, sorted by their bytes, without `.` and `..`.
package func namesInDirectory(_ path: String) throws(PlatformError) -> [String] {
  try PlatformError.naming(.list, path) { () throws(Errno) in
    try namesInDirectory(Descriptor(opening: path, flags: O_RDONLY | O_DIRECTORY))
  }
}
