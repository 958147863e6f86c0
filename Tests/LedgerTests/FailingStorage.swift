import EventLog
import Foundation
import Platform

/// A ledger's files, of which the log's fail when they are told to.
final class FailingStorage: Storage, @unchecked Sendable {
  private let files: FileStorage
  private let condition = NSCondition()
  private var syncCode: Int32?
  private var writeCode: Int32?
  private var wholeBytes = 0
  private var isHeld = false
  private var waiting = 0

  init(_ directory: String) throws { files = try FileStorage.openAsShared(directory: directory) }

  /// From now on the next sync of a segment waits for ``release(syncCode:)``.
  func hold() { condition.withLock { isHeld = true } }

  /// Returns once a sync waits.
  func waitUntilHeld() {
    condition.lock()
    while waiting == 0 { condition.wait() }
    condition.unlock()
  }

  /// Lets the sync that waits succeed, and all later ones fail.
  func release(syncCode: Int32) {
    condition.withLock {
      isHeld = false
      self.syncCode = syncCode
      condition.broadcast()
    }
  }

  func failSyncs(_ code: Int32) { condition.withLock { syncCode = code } }

  /// From now on segments take so many more bytes, and then fail.
  func failWrites(_ code: Int32, after bytes: Int) {
    condition.withLock { (writeCode, wholeBytes) = (code, bytes) }
  }

  fileprivate func beforeSync(_ path: String) throws(StorageError) {
    condition.lock()
    let code = syncCode
    waiting += 1
    condition.broadcast()
    while isHeld { condition.wait() }
    waiting -= 1
    condition.unlock()
    if let code { throw StorageError(operation: .synchronize, path: path, code: code) }
  }

  fileprivate func room(for count: Int, _ path: String) throws(StorageError) -> Int {
    let (code, room) = condition.withLock {
      let room = writeCode == nil ? count : min(count, wholeBytes)
      if writeCode != nil { wholeBytes -= room }
      return (writeCode, room)
    }
    if room == 0, let code { throw StorageError(operation: .write, path: path, code: code) }
    return room
  }

  func open(
    _ path: String, for access: StorageAccess
  ) throws(StorageError) -> any StorageFile {
    let file = try files.open(path, for: access)
    let fails = path.hasPrefix("log/") && access != .reading
    return fails ? FailingFile(file, path, self) : file
  }

  func list(_ directory: String) throws(StorageError) -> [String] { try files.list(directory) }
  func createDirectory(_ path: String) throws(StorageError) { try files.createDirectory(path) }
  func removeFile(_ path: String) throws(StorageError) { try files.removeFile(path) }
  func rename(_ path: String, to newPath: String) throws(StorageError) {
    try files.rename(path, to: newPath)
  }
  func synchronizeDirectory(_ path: String) throws(StorageError) {
    try files.synchronizeDirectory(path)
  }
}

private final class FailingFile: StorageFile {
  private let file: any StorageFile
  private let path: String
  private let storage: FailingStorage

  init(_ file: any StorageFile, _ path: String, _ storage: FailingStorage) {
    self.file = file
    self.path = path
    self.storage = storage
  }

  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    try file.read(into: &bytes, range: range, at: offset)
  }

  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int {
    try file.write(bytes.prefix(try storage.room(for: bytes.count, path)), at: offset)
  }

  func size() throws(StorageError) -> UInt64 { try file.size() }
  func truncate(to size: UInt64) throws(StorageError) { try file.truncate(to: size) }
  func synchronize() throws(StorageError) {
    try storage.beforeSync(path)
    try file.synchronize()
  }
  func tryLock() throws(StorageError) -> Bool { try file.tryLock() }
}
