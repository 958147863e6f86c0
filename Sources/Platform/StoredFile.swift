import Bytes
import EventLog

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// One open file of a ``FileStorage``.
final class StoredFile: StorageFile, Sendable {
  private let descriptor: Descriptor
  private let path: String
  private let mayWrite: Bool
  private let mayLock: Bool

  init(_ descriptor: consuming Descriptor, path: String, mayWrite: Bool, mayLock: Bool) {
    self.descriptor = descriptor
    self.path = path
    self.mayWrite = mayWrite
    self.mayLock = mayLock
  }

  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    invariant(
      range.lowerBound >= 0 && range.upperBound <= bytes.count,
      "\(range) read into \(bytes.count) bytes")
    // Offsets may be read from a damaged file; no file has bytes beyond what `off_t` can say.
    guard let start = off_t(exactly: offset) else { return 0 }
    let wanted = min(range.count, Int(clamping: off_t.max - start))
    var filled = 0
    return try StorageError.naming(.read, path) { () throws(Errno) in
      while filled < wanted {
        let rest = range.lowerBound + filled..<range.lowerBound + wanted
        let count = try descriptor.read(into: &bytes, range: rest, at: start + off_t(filled))
        if count == 0 { break }
        filled += count
      }
      return filled
    }
  }

  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int {
    invariant(mayWrite, "\(path) was opened for reading and is written")
    invariant(!bytes.isEmpty, "no bytes are written to \(path)")
    return try StorageError.naming(.write, path) { () throws(Errno) in
      guard let start = off_t(exactly: offset) else { throw Errno(EFBIG) }
      let count = try descriptor.write(bytes, at: start)
      // POSIX leaves it open what 0 would mean here; who goes on with the rest must not spin on it.
      guard count > 0 else { throw Errno(EIO) }
      return count
    }
  }

  func size() throws(StorageError) -> UInt64 {
    try StorageError.naming(.size, path) { () throws(Errno) in
      try descriptor.status().size
    }
  }

  func truncate(to size: UInt64) throws(StorageError) {
    invariant(mayWrite, "\(path) was opened for reading and is truncated")
    try StorageError.naming(.truncate, path) { () throws(Errno) in
      guard let length = off_t(exactly: size) else { throw Errno(EFBIG) }
      try descriptor.withNumber { number throws(Errno) in
        try systemCall { ftruncate(number, length) }
      }
    }
  }

  func synchronize() throws(StorageError) {
    invariant(mayWrite, "\(path) was opened for reading and is synchronized")
    try StorageError.naming(.synchronize, path) { () throws(Errno) in
      try descriptor.synchronizeContent()
    }
  }

  func tryLock() throws(StorageError) -> Bool {
    invariant(mayLock, "\(path) is locked in a storage that only reads")
    do throws(Errno) {
      try descriptor.withNumber { number throws(Errno) in
        try systemCall { flock(number, LOCK_EX | LOCK_NB) }
      }
      return true
    } catch {
      if error.code == EWOULDBLOCK { return false }
      throw StorageError(operation: .lock, path: path, code: error.code)
    }
  }
}
