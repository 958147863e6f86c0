import Bytes
package import EventLog

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The files of one ledger in a directory of the operating system.
///
/// The directory is opened once and every path is walked from there, part by part, so that no
/// symbolic link below it is ever followed and a directory that is renamed meanwhile stays the same
/// one. Paths with empty parts, `.`, `..` or a zero byte are refused (EINVAL); the directory itself
/// is `.`. Files are regular ones: a FIFO, socket or device is refused (EOPNOTSUPP).
///
/// A storage that was opened for writing refuses (EPERM) files that it can't trust:
/// ``FileStatus/whyUntrustworthy(expected:user:)`` of ``status(of:)`` gives the reasons. Several
/// links to a file only matter when it is to be written; one that is only read may be locked all
/// the same. A storage that was opened for reading reads whatever it may.
package final class FileStorage: Storage, Sendable {
  /// The directory as it was named, for messages.
  package let directory: String
  private let root: Descriptor
  private let purpose: Purpose

  private enum Purpose {
    case reading
    case writing(FileSharing)
  }

  /// Opens a directory that exists, to read and write; new files are shared as `sharing` says.
  package static func open(
    directory: String, sharing: FileSharing = .ownerOnly
  ) throws(StorageError) -> FileStorage {
    try FileStorage(directory, for: .writing(sharing))
  }

  /// Opens a directory that exists, to read and write; new files are shared as it is.
  package static func openAsShared(directory: String) throws(StorageError) -> FileStorage {
    let root = try StorageError.naming(.open, directory) { () throws(Errno) in
      try Descriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY)
    }
    let status = try StorageError.naming(.open, directory) { () throws(Errno) in
      try root.status()
    }
    return FileStorage(root, named: directory, for: .writing(FileSharing(asOf: status)))
  }

  /// Opens a directory that exists, to read: nothing is opened for writing and no lock is taken.
  ///
  /// To ask it for either is an error of ours.
  package static func openForReading(directory: String) throws(StorageError) -> FileStorage {
    try FileStorage(directory, for: .reading)
  }

  /// Makes a directory that doesn't exist yet, durably, and opens it to read and write.
  ///
  /// - Throws: EEXIST where something has that name, ENOENT where its parent is missing.
  package static func create(
    directory: String, sharing: FileSharing = .ownerOnly
  ) throws(StorageError) -> FileStorage {
    try StorageError.naming(.createDirectory, directory) { () throws(Errno) in
      guard isWhole(directory) else { throw Errno(EINVAL) }
      let parent = try Descriptor(
        opening: parentDirectory(of: directory), flags: O_RDONLY | O_DIRECTORY)
      let made = try makeDirectory(lastPart(of: directory), in: parent, sharing: sharing)
      try parent.synchronizeAll()
      return FileStorage(made, named: directory, for: .writing(sharing))
    }
  }

  private convenience init(_ directory: String, for purpose: Purpose) throws(StorageError) {
    // Whoever names the ledger may name it by a symbolic link: this one path is followed.
    let root = try StorageError.naming(.open, directory) { () throws(Errno) in
      try Descriptor(opening: directory, flags: O_RDONLY | O_DIRECTORY)
    }
    self.init(root, named: directory, for: purpose)
  }

  private init(_ root: consuming Descriptor, named directory: String, for purpose: Purpose) {
    self.root = root
    self.directory = directory
    self.purpose = purpose
  }

  package func open(
    _ path: String, for access: StorageAccess
  ) throws(StorageError) -> any StorageFile {
    try StorageError.naming(.open, path) { () throws(Errno) in
      switch purpose {
      case .reading:
        invariant(access == .reading, "\(path) opened for writing in a storage that only reads")
        let file = try openExisting(path, flags: O_RDONLY)
        return StoredFile(file, path: path, mayWrite: false, mayLock: false)
      case .writing(let sharing):
        switch access {
        case .reading:
          let file = try openTrusted(path, flags: O_RDONLY) { distrust in
            if case .severalLinks = distrust { false } else { true }
          }
          return StoredFile(file, path: path, mayWrite: false, mayLock: true)
        case .writing:
          let file = try openTrusted(path, flags: O_RDWR) { _ in true }
          return StoredFile(file, path: path, mayWrite: true, mayLock: true)
        case .creating:
          let file = try create(path, sharing: sharing)
          return StoredFile(file, path: path, mayWrite: true, mayLock: true)
        }
      }
    }
  }

  /// Makes a file for bytes on their way: it has no name, and is gone with its last reference.
  package func openScratch() throws(StorageError) -> any StorageFile {
    let random: [UInt8]
    do { random = try randomBytes(8) } catch {
      throw StorageError(operation: .open, path: "a scratch file", code: EIO)
    }
    let name = ".\(Hex.encode(random)).scratch"
    let file = try open(name, for: .creating)
    try StorageError.naming(.open, name) { () throws(Errno) in try root.remove(name) }
    return file
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    try StorageError.naming(.list, directory) { () throws(Errno) in
      try namesInDirectory(openDirectory(directory))
    }
  }

  package func createDirectory(_ path: String) throws(StorageError) {
    let sharing = sharingForWriting("create the directory \(path)")
    try StorageError.naming(.createDirectory, path) { () throws(Errno) in
      try inParent(of: path) { parent, name throws(Errno) in
        _ = try makeDirectory(name, in: parent, sharing: sharing)
      }
    }
  }

  package func rename(_ path: String, to newPath: String) throws(StorageError) {
    _ = sharingForWriting("rename \(path)")
    try StorageError.naming(.rename, path) { () throws(Errno) in
      try inParent(of: path) { parent, name throws(Errno) in
        try inParent(of: newPath) { newParent, newName throws(Errno) in
          try parent.rename(name, to: newName, in: newParent)
        }
      }
    }
  }

  package func removeFile(_ path: String) throws(StorageError) {
    _ = sharingForWriting("remove \(path)")
    try StorageError.naming(.remove, path) { () throws(Errno) in
      try inParent(of: path) { parent, name throws(Errno) in try parent.remove(name) }
    }
  }

  package func synchronizeDirectory(_ path: String) throws(StorageError) {
    _ = sharingForWriting("synchronize the directory \(path)")
    try StorageError.naming(.synchronizeDirectory, path) { () throws(Errno) in
      try openDirectory(path).synchronizeAll()
    }
  }

  /// What the system knows of a file or directory below this one, or of the directory itself (`.`).
  package func status(of path: String) throws(PlatformError) -> FileStatus {
    try PlatformError.naming(.status, path) { () throws(Errno) in
      if path == "." { return try root.status() }
      return try inParent(of: path) { parent, name throws(Errno) in
        try parent.status(of: name)
      }
    }
  }
}

// MARK: - Walking

extension FileStorage {
  private func sharingForWriting(_ what: String) -> FileSharing {
    switch purpose {
    case .writing(let sharing): return sharing
    case .reading: fatalError("invariant broken: asked to \(what) in a storage that only reads")
    }
  }

  private func openExisting(_ path: String, flags: Int32) throws(Errno) -> Descriptor {
    let file = try inParent(of: path) { parent, name throws(Errno) in
      try Descriptor(opening: name, in: parent, flags: flags)
    }
    switch try file.status().kind {
    case .regular: return file
    case .directory: throw Errno(EISDIR)
    case .symbolicLink, .special: throw Errno(EOPNOTSUPP)
    }
  }

  /// Looks at the open file, not at its name, which may be another's by then.
  private func openTrusted(
    _ path: String, flags: Int32, matters: (FileStatus.Distrust) -> Bool
  ) throws(Errno) -> Descriptor {
    let file = try openExisting(path, flags: flags)
    let reasons = try file.status().whyUntrustworthy()
    guard !reasons.contains(where: matters) else { throw Errno(EPERM) }
    return file
  }

  private func create(_ path: String, sharing: FileSharing) throws(Errno) -> Descriptor {
    try inParent(of: path) { parent, name throws(Errno) in
      let file = try Descriptor(
        opening: name, in: parent, flags: O_RDWR | O_CREAT | O_EXCL, permissions: 0o600)
      do throws(Errno) {
        try sharing.apply(sharing.filePermissions, to: file)
      } catch {
        try? parent.remove(name)
        throw error
      }
      return file
    }
  }

  /// Hands over the open directory that holds the last part of `path`, and that part.
  private func inParent<Answer: ~Copyable>(
    of path: String, _ body: (borrowing Descriptor, String) throws(Errno) -> Answer
  ) throws(Errno) -> Answer {
    guard isWhole(path) else { throw Errno(EINVAL) }
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
    let isStrict = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    guard isStrict, let name = parts.last else { throw Errno(EINVAL) }
    if parts.count == 1 { return try body(root, name) }
    var parent = try Descriptor(opening: parts[0], in: root, flags: O_RDONLY | O_DIRECTORY)
    for part in parts[1..<parts.count - 1] {
      parent = try Descriptor(opening: part, in: parent, flags: O_RDONLY | O_DIRECTORY)
    }
    return try body(parent, name)
  }

  private func openDirectory(_ path: String) throws(Errno) -> Descriptor {
    if path == "." {
      return try Descriptor(opening: ".", in: root, flags: O_RDONLY | O_DIRECTORY)
    }
    return try inParent(of: path) { parent, name throws(Errno) in
      try Descriptor(opening: name, in: parent, flags: O_RDONLY | O_DIRECTORY)
    }
  }
}

/// Makes one directory with exactly the permissions that `sharing` says, and opens it.
private func makeDirectory(
  _ name: String, in parent: borrowing Descriptor, sharing: FileSharing
) throws(Errno) -> Descriptor {
  try parent.createDirectory(name)
  do throws(Errno) {
    let made = try Descriptor(opening: name, in: parent, flags: O_RDONLY | O_DIRECTORY)
    try sharing.apply(sharing.directoryPermissions, to: made)
    return made
  } catch {
    try? parent.removeDirectory(name)
    throw error
  }
}
