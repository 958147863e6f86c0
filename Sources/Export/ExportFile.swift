import Bytes
package import EventLog

/// Makes one file of an export: under a temporary name, `NAME.partial`, until it is whole and
/// synced; then under its own.
///
/// What an interrupted run left is gone on with where that was asked for: bytes that stand there
/// already are compared with those to be written, and only what differs or is missing is written. A
/// file that was whole has to be the same.
final class ExportFile {
  private let storage: any Storage
  private let path: String
  private let partial: String
  private let file: any StorageFile
  /// How long the file was.
  private let earlier: UInt64
  private let isWhole: Bool
  private var written: UInt64 = 0
  private var buffer: [UInt8] = []
  private var hasher = SHA256Hasher()
  private var rows: UInt64?

  private static let capacity = 1 << 20
  private static let directly = 1 << 17

  /// - Parameter resumes: Whether what stands there under either name is of the same export.
  /// - Throws: `.exists`, where something has the name and isn't to be gone on with.
  init(_ path: String, in storage: any Storage, resumes: Bool) throws(ExportError) {
    self.storage = storage
    self.path = path
    partial = "\(path).partial"
    buffer.reserveCapacity(Self.capacity + 65_536)
    var whole: (any StorageFile)?
    do throws(StorageError) {
      whole = try storage.open(path, for: .reading)
    } catch {
      guard error.isMissing else { throw .storage(error) }
    }
    if let whole {
      guard resumes else { throw .exists(path: path) }
      (file, isWhole) = (whole, true)
    } else {
      (file, isWhole) = (try Self.opened(partial, in: storage, resumes), false)
    }
    do { earlier = try file.size() } catch { throw .storage(error) }
  }

  private static func opened(
    _ path: String, in storage: any Storage, _ resumes: Bool
  ) throws(ExportError) -> any StorageFile {
    do throws(StorageError) {
      return try storage.open(path, for: .creating)
    } catch {
      guard error.alreadyExists else { throw .storage(error) }
      guard resumes else { throw .exists(path: path) }
    }
    do { return try storage.open(path, for: .writing) } catch { throw .storage(error) }
  }

  /// Lets `body` append to what is to be written.
  @inline(__always)
  func write(_ body: (inout [UInt8]) -> Void) throws(ExportError) {
    body(&buffer)
    if buffer.count >= Self.capacity { try flush() }
  }

  func write(_ bytes: [UInt8]) throws(ExportError) {
    if bytes.count < Self.directly {
      try write { $0 += bytes }
    } else {
      try flush()
      try put(bytes)
    }
  }

  /// Takes in that a row or line is complete.
  @inline(__always)
  func countRow() { rows = (rows ?? 0) + 1 }

  /// Takes in that so many more are.
  func count(_ more: UInt64) { rows = (rows ?? 0) + more }

  private func flush() throws(ExportError) {
    if buffer.isEmpty { return }
    try put(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private func put(_ bytes: [UInt8]) throws(ExportError) {
    hash(bytes)
    try writeUnhashed(bytes[...])
  }

  /// Takes bytes into the digest, in their order; they are written by ``writeUnhashed(_:)``, which
  /// another thread may do meanwhile.
  func hash(_ bytes: [UInt8]) { unsafe hasher.update(bytes.span.bytes) }

  /// Writes bytes whose digest is taken by ``hash(_:)``; nothing else may have been written.
  func writeUnhashed(_ bytes: ArraySlice<UInt8>) throws(ExportError) {
    do throws(StorageError) {
      if try !isStored(bytes) {
        guard !isWhole else { throw Self.other }
        var rest = bytes
        while !rest.isEmpty {
          let count = try file.write(rest, at: written + UInt64(bytes.count - rest.count))
          rest = rest.dropFirst(count)
        }
      }
    } catch {
      throw error == Self.other ? .otherContent(path: path) : .storage(error)
    }
    written += UInt64(bytes.count)
  }

  /// Whether the bytes stand in the file already, at their place.
  private func isStored(_ bytes: ArraySlice<UInt8>) throws(StorageError) -> Bool {
    guard written + UInt64(bytes.count) <= earlier else { return false }
    var stored = [UInt8](repeating: 0, count: bytes.count)
    let count = try file.readFully(into: &stored, range: 0..<stored.count, at: written)
    return count == stored.count && stored.elementsEqual(bytes)
  }

  /// Stands for bytes that aren't those of this export; no call answers so.
  private static let other = StorageError(operation: .read, path: "", code: 0)

  /// Makes the file durable and gives it its name.
  func finish() throws(ExportError) -> ExportedFile {
    try flush()
    guard !isWhole || written == earlier else { throw .otherContent(path: path) }
    if !isWhole {
      do {
        if earlier > written { try file.truncate(to: written) }
        try file.synchronize()
        try storage.rename(partial, to: path)
        try storage.synchronizeDirectory(parentPath(of: path))
      } catch {
        throw .storage(error)
      }
    }
    return ExportedFile(path: path, length: written, digest: hasher.finish(), rows: rows)
  }
}

extension ExportedFile {
  /// Writes a file of these bytes, durably.
  ///
  /// - Throws: `.exists`, `.otherContent`, `.storage`.
  package init(
    _ bytes: [UInt8], written path: String, in storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    let file = try ExportFile(path, in: storage, resumes: resumes)
    try file.write(bytes)
    self = try file.finish()
  }

  /// A file that has its name already.
  ///
  /// - Throws: `.storage`.
  package init(standing path: String, in storage: any Storage) throws(ExportError) {
    do throws(StorageError) {
      let (digest, length) = try fileDigest(storage.open(path, for: .reading))
      self.init(path: path, length: length, digest: digest, rows: nil)
    } catch {
      throw .storage(error)
    }
  }

  /// Makes a file that somebody else wrote durable, and gives it its name.
  ///
  /// - Throws: `.storage`.
  package init(
    finishing partial: String, as path: String, in storage: any Storage
  ) throws(ExportError) {
    do throws(StorageError) {
      let file = try storage.open(partial, for: .writing)
      let (digest, length) = try fileDigest(file)
      try file.synchronize()
      try storage.rename(partial, to: path)
      try storage.synchronizeDirectory(parentPath(of: path))
      self.init(path: path, length: length, digest: digest, rows: nil)
    } catch {
      throw .storage(error)
    }
  }
}

/// The directory of a path within a storage; `.` where that is its top.
func parentPath(of path: String) -> String {
  let parts = path.utf8.split(separator: UInt8(ascii: "/"))
  return parts.count < 2
    ? "." : parts.dropLast().map { String(Substring($0)) }.joined(separator: "/")
}
