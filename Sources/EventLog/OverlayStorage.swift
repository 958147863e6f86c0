/// A ledger's files with some of them replaced, to be read only: what a repair or backup would make.
final class OverlayStorage: Storage {
  private let base: any Storage
  private let files: [String: any StorageFile]
  private let names: [String: String]

  /// - Parameters:
  ///   - files: By their paths; each takes the place of a file, or stands where there is none.
  ///   - names: By paths as well, which files of the base are to stand there.
  init(
    _ base: any Storage, replacing files: [String: any StorageFile] = [:],
    renaming names: [String: String] = [:]
  ) {
    self.base = base
    self.files = files
    self.names = names
  }

  func open(
    _ path: String, for access: StorageAccess
  ) throws(StorageError) -> any StorageFile {
    guard access == .reading else { throw .readOnly(.open, path) }
    if let file = files[path] { return file }
    return try base.open(names[path] ?? path, for: .reading)
  }

  func list(_ directory: String) throws(StorageError) -> [String] {
    let prefix = directory + "/"
    let added = (Array(files.keys) + names.keys).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
    do {
      return Set(try base.list(directory) + added).sorted()
    } catch {
      guard error.isMissing, !added.isEmpty else { throw error }
      return added.sorted()
    }
  }

  // No test gets here: nothing is written to a storage that this module alone makes, for reading.
  func createDirectory(_ path: String) throws(StorageError) {
    throw .readOnly(.createDirectory, path)
  }

  func rename(_ path: String, to newPath: String) throws(StorageError) {
    throw .readOnly(.rename, path)
  }

  func removeFile(_ path: String) throws(StorageError) { throw .readOnly(.remove, path) }

  func synchronizeDirectory(_ path: String) throws(StorageError) {
    throw .readOnly(.synchronizeDirectory, path)
  }
}

/// Bytes that stand in two files at the same places: some ranges in a copy, the rest in a ledger's own.
final class MergedFile: StorageFile {
  private let own: (any StorageFile)?
  private let copy: (any StorageFile)?
  /// What is read from the copy, in order.
  private let copied: [Range<UInt64>]
  private let length: UInt64

  init(
    own: (any StorageFile)?, copy: (any StorageFile)?, copied: [Range<UInt64>], length: UInt64
  ) {
    self.own = own
    self.copy = copy
    self.copied = copied
    self.length = length
  }

  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    guard offset < length else { return 0 }
    let next = copied.first { $0.upperBound > offset }
    let isCopied = next.map { $0.lowerBound <= offset } ?? false
    let end = min(length, (isCopied ? next?.upperBound : next?.lowerBound) ?? length)
    guard let file = isCopied ? copy : own else { return 0 }
    let count = Int(min(UInt64(range.count), end - offset))
    return try file.read(
      into: &bytes, range: range.lowerBound..<range.lowerBound + count, at: offset)
  }

  func size() throws(StorageError) -> UInt64 { length }

  // No test gets to what follows: a file that this module alone makes is only read.
  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int {
    throw .readOnly(.write, "")
  }

  func truncate(to size: UInt64) throws(StorageError) { throw .readOnly(.truncate, "") }

  func synchronize() throws(StorageError) { throw .readOnly(.synchronize, "") }

  func tryLock() throws(StorageError) -> Bool { throw .readOnly(.lock, "") }
}

/// Bytes in memory, to be read only.
final class MemoryFile: StorageFile {
  private let content: [UInt8]

  init(_ content: [UInt8]) { self.content = content }

  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    guard offset < UInt64(content.count) else { return 0 }
    let part = content[Int(offset)...].prefix(range.count)
    bytes.replaceSubrange(range.lowerBound..<range.lowerBound + part.count, with: part)
    return part.count
  }

  // No test gets to what follows: a file that this module alone makes is only read, by its length.
  func size() throws(StorageError) -> UInt64 { UInt64(content.count) }

  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int {
    throw .readOnly(.write, "")
  }

  func truncate(to size: UInt64) throws(StorageError) { throw .readOnly(.truncate, "") }

  func synchronize() throws(StorageError) { throw .readOnly(.synchronize, "") }

  func tryLock() throws(StorageError) -> Bool { throw .readOnly(.lock, "") }
}

extension StorageError {
  /// What writing to something that is only read comes to (EROFS, which is 30 on every system we know).
  static func readOnly(_ operation: Operation, _ path: String) -> StorageError {
    StorageError(operation: operation, path: path, code: 30)
  }
}
