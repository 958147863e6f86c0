import Bytes

/// Moves a part of a buffer to its beginning.
func moveToFront(_ buffer: inout [UInt8], _ range: Range<Int>) {
  if range.isEmpty { return }
  unsafe buffer.withUnsafeMutableBytes { bytes in
    guard let base = bytes.baseAddress else { return }
    unsafe base.copyMemory(from: base + range.lowerBound, byteCount: range.count)
  }
}

extension StorageFile {
  /// Reads on until the range is full or the file ends.
  package func readFully(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    var count = 0
    while count < range.count {
      let rest = range.lowerBound + count..<range.upperBound
      let read = try self.read(into: &bytes, range: rest, at: offset + UInt64(count))
      if read == 0 { break }
      count += read
    }
    return count
  }

  /// Writes on until every byte was handed over.
  ///
  /// - Throws: Where a call failed; some prefix of `bytes` may have been written then, never all.
  package func writeFully(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
    var written = 0
    while written < bytes.count {
      written += try write(bytes[written...], at: offset + UInt64(written))
    }
  }
}

extension Storage {
  /// Makes a directory where there is none of that name.
  package func ensureDirectory(_ path: String) throws(StorageError) {
    do {
      try createDirectory(path)
    } catch {
      guard error.alreadyExists else { throw error }
    }
  }

  /// Gives a file new content in one step, durably: whoever looks finds all of the old or the new.
  ///
  /// What an interrupted try leaves, the path with `.new` behind it, the next one writes over.
  package func replace(_ path: String, with bytes: [UInt8]) throws(StorageError) {
    let unfinished = path + LogPath.unfinishedSuffix
    let file = try openFresh(unfinished)
    if !bytes.isEmpty { try file.writeFully(bytes, at: 0) }
    try file.synchronize()
    try putInPlace(unfinished, as: path)
  }

  /// Gives a file that is durable its name, durably, in place of whatever had it.
  func putInPlace(_ unfinished: String, as path: String) throws(StorageError) {
    try rename(unfinished, to: path)
    let parts = path.split(separator: "/")
    try synchronizeDirectory(parts.count > 1 ? parts.dropLast().joined(separator: "/") : ".")
  }

  /// Writes a part of a file, from its beginning on, into one that is empty before; durably.
  ///
  /// - Returns: The new file, and the SHA-256 of what was written.
  func copy(
    _ range: Range<UInt64>, of file: any StorageFile, to path: String
  ) throws(StorageError) -> (file: any StorageFile, digest: Digest) {
    let made = try openFresh(path)
    let digest = try forEachPiece(of: file, range) { (bytes, offset) throws(StorageError) in
      try made.writeFully(bytes, at: offset - range.lowerBound)
    }
    try made.synchronize()
    return (made, digest)
  }

  /// All bytes of a file of at most `limit` bytes, or `nil` where there is none, a longer one, or one
  /// that grows meanwhile.
  package func read(_ path: String, limit: Int) throws(StorageError) -> [UInt8]? {
    do {
      let file = try open(path, for: .reading)
      let size = try file.size()
      guard size <= UInt64(limit) else { return nil }
      // Room for what there is, and not for what there may be.
      var bytes = [UInt8](repeating: 0, count: Int(size) + 1)
      let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: 0)
      return count > Int(size) ? nil : Array(bytes.prefix(count))
    } catch {
      guard error.isMissing else { throw error }
      return nil
    }
  }

  /// Opens a file to write, which is empty where there was none of that name.
  package func openOrCreate(_ path: String) throws(StorageError) -> any StorageFile {
    do {
      return try open(path, for: .writing)
    } catch {
      guard error.isMissing else { throw error }
    }
    do {
      return try open(path, for: .creating)
    } catch {
      // Another process made it meanwhile.
      guard error.alreadyExists else { throw error }
      return try open(path, for: .writing)
    }
  }

  /// Opens a file that is empty, whether or not one of that name was there.
  func openFresh(_ path: String) throws(StorageError) -> any StorageFile {
    do {
      return try open(path, for: .creating)
    } catch {
      guard error.alreadyExists else { throw error }
      let file = try open(path, for: .writing)
      try file.truncate(to: 0)
      return file
    }
  }
}
