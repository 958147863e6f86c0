#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How much room there is on the file system that holds a path.
package struct DiskSpace: Hashable, Sendable {
  /// What this process may still write.
  package let freeBytes: UInt64
  package let totalBytes: UInt64

  package init(at path: String) throws(PlatformError) {
    self = try PlatformError.naming(.status, path) { () throws(Errno) in
      guard isWhole(path) else { throw Errno(EINVAL) }
      var buffer = statvfs()
      try systemCall { unsafe statvfs(path, &buffer) }
      let unit = UInt64(buffer.f_frsize)
      return DiskSpace(
        freeBytes: UInt64(buffer.f_bavail) &* unit, totalBytes: UInt64(buffer.f_blocks) &* unit)
    }
  }

  private init(freeBytes: UInt64, totalBytes: UInt64) {
    self.freeBytes = freeBytes
    self.totalBytes = totalBytes
  }
}
