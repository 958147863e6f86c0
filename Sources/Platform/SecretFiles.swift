#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Which file has a name, and as of when: another one, or another content, is another version.
package struct FileVersion: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64
  private let size: Int64
  private let changedSeconds: Int64
  private let changedNanoseconds: Int64

  /// Looks at what has the name `path`; `nil` where nothing has it.
  package init?(of path: String) throws(PlatformError) {
    let found: stat? = try PlatformError.naming(.status, path) { () throws(Errno) in
      guard isWhole(path) else { throw Errno(EINVAL) }
      var buffer = stat()
      do throws(Errno) {
        try systemCall { unsafe fstatat(AT_FDCWD, path, &buffer, AT_SYMLINK_NOFOLLOW) }
      } catch {
        if error.code == ENOENT { return nil }
        throw error
      }
      return buffer
    }
    guard let found else { return nil }
    device = UInt64(truncatingIfNeeded: found.st_dev)
    number = UInt64(truncatingIfNeeded: found.st_ino)
    size = Int64(found.st_size)
    #if canImport(Darwin)
      let changed = found.st_ctimespec
    #else
      let changed = found.st_ctim
    #endif
    changedSeconds = Int64(changed.tv_sec)
    changedNanoseconds = Int64(changed.tv_nsec)
  }
}

/// A file of secrets that loses them: what stands in it is written over in place.
///
/// Where a disk, a file system or a snapshot keeps what was written before (flash, copy on write,
/// journals of data), it stays there: no program can promise more.
package struct ForgottenFile: ~Copyable {
  private let path: String
  private let file: Descriptor

  /// Opens what has the name `path`, no symbolic link; `nil` where nothing has it.
  package init?(_ path: String) throws(PlatformError) {
    let opened: Int32? = try PlatformError.naming(.open, path) { () throws(Errno) in
      guard isWhole(path) else { throw Errno(EINVAL) }
      do throws(Errno) {
        return try systemCall { unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) }
      } catch {
        if error.code == ENOENT { return nil }
        throw error
      }
    }
    guard let opened else { return nil }
    self.path = path
    file = Descriptor(owning: opened)
  }

  /// Writes zeros, as text, over these bytes of the file, durably, and leaves the others.
  package func overwrite(_ ranges: [Range<Int>]) throws(PlatformError) {
    if ranges.isEmpty { return }
    for range in ranges { try fill(range) }
    try PlatformError.naming(.synchronize, path) { () throws(Errno) in
      try file.synchronizeContent()
    }
  }

  /// Writes zeros over the whole file, durably; but not where it has `names` or more names: another
  /// name may be somebody's copy.
  package func overwrite(unlessNamed names: UInt64) throws(PlatformError) {
    let status = try PlatformError.naming(.status, path) { () throws(Errno) in
      try file.status()
    }
    guard status.linkCount < names, status.size > 0 else { return }
    try overwrite([0..<Int(status.size)])
  }

  private func fill(_ range: Range<Int>) throws(PlatformError) {
    try PlatformError.naming(.write, path) { () throws(Errno) in
      let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: min(range.count, 1 << 16))
      var offset = range.lowerBound
      while offset < range.upperBound {
        let part = zeros.prefix(range.upperBound - offset)
        offset += try file.write(part, at: off_t(offset))
      }
    }
  }
}

/// Gives files of secrets in one directory new content, each in one step and all durably, and writes
/// over what they held before.
///
/// What a crash leaves of the old content is no file any more, but its bytes may lie on the disk. A
/// file that has other names keeps what it held under these.
///
/// - Throws: As ``replaceFile(_:with:permissions:)``; files before the one that failed may have been
///   replaced, each as a whole.
package func replaceSecretFiles(
  _ files: [(path: String, bytes: [UInt8])]
) throws(PlatformError) {
  guard let first = files.first else { return }
  // Some at a time, so that descriptors don't run out; each holds the new file and the old one.
  let atOnce = 64
  for start in stride(from: 0, to: files.count, by: atOnce) {
    let part = files[start..<min(start + atOnce, files.count)]
    var written: [(path: String, file: UnpublishedFile)] = []
    for (path, bytes) in part { written.append((path, try UnpublishedFile(path, with: bytes))) }
    for (_, file) in written { try file.synchronize() }
    var replaced: [Replaced] = []
    for (path, file) in written {
      if let old = try ForgottenFile(path) { replaced.append(Replaced(old)) }
      try file.publish()
    }
    try synchronizeDirectory(parentDirectory(of: first.path))
    // Its own name is gone by now, so that one name is somebody else's.
    for old in replaced { try old.file.overwrite(unlessNamed: 1) }
  }
}

/// Takes away a file of secrets, and writes over what it held unless it has other names.
package func removeSecretFile(_ path: String) throws(PlatformError) {
  if let file = try ForgottenFile(path) { try file.overwrite(unlessNamed: 2) }
  try removeFile(path)
}

/// Lets an array hold what can't be copied.
private final class Replaced {
  let file: ForgottenFile
  init(_ file: consuming ForgottenFile) { self.file = file }
}
