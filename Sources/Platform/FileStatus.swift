#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What the system knows of a file without reading it.
package struct FileStatus: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case regular, directory, symbolicLink
    /// A device, FIFO or socket.
    case special
  }

  package let kind: Kind
  /// The numeric user and group that it belongs to.
  package let owner: UInt32
  package let group: UInt32
  /// The twelve permission bits (`0o600`).
  package let permissions: UInt16
  /// How many names the file has.
  package let linkCount: UInt64
  /// The length in bytes.
  package let size: UInt64

  package init(
    kind: Kind, owner: UInt32, group: UInt32, permissions: UInt16, linkCount: UInt64, size: UInt64
  ) {
    self.kind = kind
    self.owner = owner
    self.group = group
    self.permissions = permissions
    self.linkCount = linkCount
    self.size = size
  }

  /// Looks at what has the name `path`, and at a symbolic link itself rather than where it leads.
  ///
  /// - Throws: `.failed(.status, …)`, with ENOENT where nothing has the name.
  package init(of path: String) throws(PlatformError) {
    self = try PlatformError.naming(.status, path) { () throws(Errno) in
      guard isWhole(path) else { throw Errno(EINVAL) }
      return try FileStatus(named: path, in: AT_FDCWD)
    }
  }

  /// Looks at a directory, through symbolic links where its path has some.
  package init(ofDirectory path: String) throws(PlatformError) {
    self = try PlatformError.naming(.status, path) { () throws(Errno) in
      try Descriptor(opening: path, flags: O_RDONLY | O_DIRECTORY).status()
    }
  }

  init(named name: String, in directory: Int32) throws(Errno) {
    var buffer = stat()
    try systemCall { unsafe fstatat(directory, name, &buffer, AT_SYMLINK_NOFOLLOW) }
    self.init(buffer)
  }

  init(of descriptor: Int32) throws(Errno) {
    var buffer = stat()
    try systemCall { unsafe fstat(descriptor, &buffer) }
    self.init(buffer)
  }

  private init(_ buffer: stat) {
    kind =
      switch buffer.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFLNK: .symbolicLink
      default: .special
      }
    owner = buffer.st_uid
    group = buffer.st_gid
    permissions = UInt16(buffer.st_mode & 0o7777)
    linkCount = UInt64(buffer.st_nlink)
    size = UInt64(max(0, buffer.st_size))
  }
}

// MARK: - Trust

extension FileStatus {
  /// A reason not to rely on a file: somebody else may have written it, or may yet.
  package enum Distrust: Hashable, Sendable {
    case ownedBy(user: UInt32)
    case writableByGroup
    case writableByOthers
    /// Another kind of file than was expected.
    case wrongKind(Kind)
    /// A regular file has other names, under which others may reach it.
    case severalLinks(UInt64)
  }

  /// All reasons for `user` not to rely on a file that should be of the kind `expected`.
  ///
  /// - Parameter user: By default the one that this process acts for (`geteuid`).
  package func whyUntrustworthy(
    expected: Kind = .regular, user: UInt32 = effectiveUser()
  ) -> [Distrust] {
    var reasons: [Distrust] = []
    if kind != expected { reasons.append(.wrongKind(kind)) }
    if owner != user { reasons.append(.ownedBy(user: owner)) }
    // What a symbolic link's own bits say, no system heeds.
    if kind != .symbolicLink {
      if permissions & 0o020 != 0 { reasons.append(.writableByGroup) }
      if permissions & 0o002 != 0 { reasons.append(.writableByOthers) }
    }
    if kind == .regular, linkCount > 1 { reasons.append(.severalLinks(linkCount)) }
    return reasons
  }
}

/// The number of the user that this process acts for.
package func effectiveUser() -> UInt32 { geteuid() }

// MARK: - Sharing

/// Who besides the owner may read what is created.
package enum FileSharing: Hashable, Sendable {
  /// Files 0600, directories 0700.
  case ownerOnly
  /// Files 0640, directories 0750, both of the group with this number.
  case group(UInt32)

  /// How a file that was created here is shared, so that later ones can be shared like it.
  package init(asOf status: FileStatus) {
    self = status.permissions & 0o040 != 0 ? .group(status.group) : .ownerOnly
  }

  var filePermissions: mode_t {
    switch self {
    case .ownerOnly: 0o600
    case .group: 0o640
    }
  }

  var directoryPermissions: mode_t {
    switch self {
    case .ownerOnly: 0o700
    case .group: 0o750
    }
  }

  /// Gives a new file or directory its group and exactly these permissions, whatever the umask.
  func apply(_ permissions: mode_t, to descriptor: borrowing Descriptor) throws(Errno) {
    if case .group(let group) = self {
      // An owner of all ones stays as it is. A change of group may clear bits, so it comes first.
      try descriptor.withNumber { number throws(Errno) in
        try systemCall { fchown(number, uid_t.max, group) }
      }
    }
    try descriptor.setPermissions(permissions)
  }
}
