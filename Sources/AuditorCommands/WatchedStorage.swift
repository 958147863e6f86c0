import CommandLineInterface
import EventLog
import Synchronization

/// A ledger's files, and how far into its log the last read went.
///
/// Whatever walks over the log reads it through this, so that no walk has to know that it is
/// watched. Bytes aren't summed: some are read more than once.
final class WatchedStorage: Storage {
  private let files: any Storage
  private let progress: Progress
  private let lock = Mutex(())
  private let total: UInt64
  /// How many bytes the segments before one hold.
  private let before: [String: UInt64]

  init(_ files: any Storage, _ progress: Progress) {
    self.files = files
    self.progress = progress
    var bytes: UInt64 = 0
    var before: [String: UInt64] = [:]
    for name in (try? files.list("log")) ?? [] {
      before["log/\(name)"] = bytes
      bytes += (try? files.open("log/\(name)", for: .reading).size()) ?? 0
    }
    self.before = before
    total = bytes
  }

  /// Threads may read at once.
  fileprivate func tell(_ position: UInt64) {
    lock.withLock { _ in progress.advance(to: position, of: total) }
  }

  func open(_ path: String, for access: StorageAccess) throws(StorageError) -> any StorageFile {
    let file = try files.open(path, for: access)
    return before[path].map { WatchedFile(file, after: $0, of: self) } ?? file
  }

  func list(_ directory: String) throws(StorageError) -> [String] { try files.list(directory) }

  func createDirectory(_ path: String) throws(StorageError) { try files.createDirectory(path) }

  func rename(_ path: String, to newPath: String) throws(StorageError) {
    try files.rename(path, to: newPath)
  }

  func removeFile(_ path: String) throws(StorageError) { try files.removeFile(path) }

  func synchronizeDirectory(_ path: String) throws(StorageError) {
    try files.synchronizeDirectory(path)
  }
}

private final class WatchedFile: StorageFile {
  private let file: any StorageFile
  private let before: UInt64
  private let storage: WatchedStorage

  init(_ file: any StorageFile, after before: UInt64, of storage: WatchedStorage) {
    self.file = file
    self.before = before
    self.storage = storage
  }

  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    let count = try file.read(into: &bytes, range: range, at: offset)
    storage.tell(before + offset + UInt64(max(0, count)))
    return count
  }

  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int {
    try file.write(bytes, at: offset)
  }

  func size() throws(StorageError) -> UInt64 { try file.size() }
  func truncate(to size: UInt64) throws(StorageError) { try file.truncate(to: size) }
  func synchronize() throws(StorageError) { try file.synchronize() }
  func tryLock() throws(StorageError) -> Bool { try file.tryLock() }
}
