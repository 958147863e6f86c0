#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Who is at the other end of a connection, as the system says, not as it claims.
package struct Peer: Hashable, Sendable {
  /// The numeric user that the process ran as when it connected, or began to listen.
  package let user: UInt32
  /// Its process; 0 where the system doesn't tell.
  package let process: Int32
}

/// A stream between two processes of this machine; reading and writing never wait.
package final class LocalConnection {
  package let peer: Peer
  fileprivate let descriptor: Descriptor

  fileprivate init(_ descriptor: consuming Descriptor) throws(Errno) {
    peer = try descriptor.withNumber { number throws(Errno) in try peerOfSocket(number) }
    self.descriptor = descriptor
  }

  package enum Transfer: Hashable, Sendable {
    case bytes(Int)
    /// Nothing can be done at the moment.
    case notNow
    /// The other end is gone.
    case ended
  }

  /// Appends at most `limit` bytes that have come.
  package func read(appendingTo bytes: inout [UInt8], limit: Int) -> Transfer {
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: limit))
    var count = 0
    let transfer = transfer { number throws(Errno) in
      count = try systemCall {
        unsafe bytes.withUnsafeMutableBytes { buffer in
          let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
          return unsafe recv(number, target.baseAddress, target.count, 0)
        }
      }
      return count
    }
    bytes.removeSubrange(start + count..<bytes.count)
    return transfer
  }

  /// Writes a prefix of bytes, which aren't empty.
  package func write(_ bytes: ArraySlice<UInt8>) -> Transfer {
    transfer { number throws(Errno) in
      try systemCall {
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe send(number, buffer.baseAddress, buffer.count, withoutSignal)
        }
      }
    }
  }

  private func transfer(_ call: (Int32) throws(Errno) -> Int) -> Transfer {
    do {
      let count = try descriptor.withNumber { number throws(Errno) in try call(number) }
      return count == 0 ? .ended : .bytes(count)
    } catch {
      return error.code == EAGAIN || error.code == EWOULDBLOCK ? .notNow : .ended
    }
  }

  /// Waits until something can be read, or the other end is gone.
  ///
  /// - Returns: False when the time is up.
  package func waitToRead(milliseconds: Int) -> Bool { wait(Int32(POLLIN), milliseconds) }

  /// Waits until something can be written, or the other end is gone.
  package func waitToWrite(milliseconds: Int) -> Bool { wait(Int32(POLLOUT), milliseconds) }

  private func wait(_ event: Int32, _ milliseconds: Int) -> Bool {
    var sockets = SocketPoll()
    let index = sockets.watch(self, event)
    sockets.wait(milliseconds: milliseconds)
    return sockets.isReady(index)
  }

  /// Connects to what listens under a path.
  ///
  /// - Returns: `nil` where nobody does.
  /// - Throws: `.failed(.connect, …)`.
  package static func open(_ path: String) throws(PlatformError) -> LocalConnection? {
    let found = try PlatformError.naming(.connect, path) {
      () throws(Errno) -> Optional<LocalConnection> in
      let socket = try localSocket()
      do throws(Errno) {
        unsafe try withAddress(of: path) { address, length throws(Errno) in
          try socket.withNumber { number throws(Errno) in
            try systemCall { unsafe connect(number, address, length) }
          }
        }
      } catch {
        switch error.code {
        // EAGAIN: more are waiting to be taken in than the system lets wait.
        case ENOENT, ECONNREFUSED, ENOTDIR, ENOTSOCK: return nil
        default: throw error
        }
      }
      return try LocalConnection(socket)
    }
    return found
  }
}

/// Listens under a path for others of this machine.
package final class LocalListener {
  package let path: String
  private let descriptor: Descriptor

  /// How many may wait to be taken in.
  private static let backlog: Int32 = 128

  /// Begins to listen; the file is for its owner alone, whatever the umask.
  ///
  /// The socket has another name until it can be connected to, and takes the place of one that a
  /// process has left which is gone.
  ///
  /// - Throws: `.failed(.listen, …)`, with EEXIST where the path names anything but a socket, or
  ///   EADDRINUSE where somebody listens there.
  package init(_ path: String) throws(PlatformError) {
    if let status = try? FileStatus(of: path) {
      guard status.kind == .special else {
        throw .failed(.listen, path: path, code: EEXIST)
      }
    }
    guard try LocalConnection.open(path) == nil else {
      throw .failed(.listen, path: path, code: EADDRINUSE)
    }
    let unfinished = path + ".new"
    descriptor = try PlatformError.naming(.listen, path) { () throws(Errno) in
      _ = try? removeFile(unfinished)
      let socket = try localSocket()
      // Where the system has it, the file is made so.
      try? socket.setPermissions(0o600)
      unsafe try withAddress(of: unfinished) { address, length throws(Errno) in
        try socket.withNumber { number throws(Errno) in
          try systemCall { unsafe bind(number, address, length) }
        }
      }
      do throws(Errno) {
        // Nobody can connect before somebody listens.
        try systemCall { unsafe chmod(unfinished, 0o600) }
        try socket.withNumber { number throws(Errno) in
          try systemCall { listen(number, Self.backlog) }
        }
        try systemCall { unsafe rename(unfinished, path) }
      } catch {
        _ = try? removeFile(unfinished)
        throw error
      }
      return socket
    }
    self.path = path
  }

  /// Takes in whoever waits; `nil` where nobody does, or where it is gone again.
  package func accept() -> LocalConnection? {
    do {
      return try descriptor.withNumber { number throws(Errno) in
        let taken = try systemCall { acceptNext(number) }
        return try LocalConnection(quiet(taken))
      }
    } catch {
      return nil
    }
  }

  fileprivate func watched(by sockets: inout SocketPoll) -> Int {
    var index = 0
    _ = try? descriptor.withNumber { number throws(Errno) in
      index = sockets.add(number, Int32(POLLIN))
    }
    return index
  }
}

/// Waits for any of many sockets, and for the wish to stop.
package struct SocketPoll {
  private var requests: [pollfd] = []

  package init() {}

  package mutating func removeAll() { requests.removeAll(keepingCapacity: true) }

  /// - Returns: What ``isReady(_:)`` knows it by.
  package mutating func watch(_ listener: LocalListener) -> Int { listener.watched(by: &self) }

  package mutating func watchToRead(_ connection: LocalConnection) -> Int {
    watch(connection, Int32(POLLIN))
  }

  package mutating func watchToWrite(_ connection: LocalConnection) -> Int {
    watch(connection, Int32(POLLOUT))
  }

  /// From now on ``wait(milliseconds:)`` ends when a process is to end in good order.
  package mutating func watchStopRequest() { _ = add(StopRequest.descriptor, Int32(POLLIN)) }

  fileprivate mutating func watch(_ connection: LocalConnection, _ event: Int32) -> Int {
    var index = 0
    _ = try? connection.descriptor.withNumber { number throws(Errno) in
      index = add(number, event)
    }
    return index
  }

  fileprivate mutating func add(_ number: Int32, _ event: Int32) -> Int {
    requests.append(pollfd(fd: number, events: Int16(event), revents: 0))
    return requests.count - 1
  }

  /// Returns once one of them is ready or the time is up, or earlier.
  package mutating func wait(milliseconds: Int) {
    for index in requests.indices { requests[index].revents = 0 }
    _ = unsafe poll(&requests, nfds_t(requests.count), Int32(clamping: milliseconds))
  }

  /// Whether it can be read or written, or the other end is gone.
  package func isReady(_ index: Int) -> Bool { requests[index].revents != 0 }
}

// MARK: - Calls

private func acceptNext(_ number: Int32) -> Int32 { accept(number, nil, nil) }

/// Makes a descriptor one that never waits, and that the children of other calls don't inherit.
private func quiet(_ number: Int32) throws(Errno) -> Descriptor {
  let descriptor = Descriptor(owning: number)
  try systemCall { fcntl(number, F_SETFD, FD_CLOEXEC) }
  try systemCall { fcntl(number, F_SETFL, O_NONBLOCK) }
  return descriptor
}

#if canImport(Darwin)
  /// SIGPIPE is ignored by the process (``prepareProcess()``).
  private let withoutSignal: Int32 = 0

  private func localSocket() throws(Errno) -> Descriptor {
    try quiet(try systemCall { socket(AF_UNIX, SOCK_STREAM, 0) })
  }

  private func peerOfSocket(_ number: Int32) throws(Errno) -> Peer {
    var (user, group) = (uid_t.max, gid_t.max)
    try systemCall { unsafe getpeereid(number, &user, &group) }
    return Peer(user: user, process: 0)
  }
#else
  private let withoutSignal = Int32(MSG_NOSIGNAL)

  private func localSocket() throws(Errno) -> Descriptor {
    try quiet(try systemCall { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) })
  }

  /// The C library's `ucred` is three numbers: process, user, group.
  private func peerOfSocket(_ number: Int32) throws(Errno) -> Peer {
    var numbers: [UInt32] = [0, .max, .max]
    var length = socklen_t(MemoryLayout<UInt32>.stride * numbers.count)
    try systemCall {
      unsafe getsockopt(number, SOL_SOCKET, SO_PEERCRED, &numbers, &length)
    }
    return Peer(user: numbers[1], process: Int32(bitPattern: numbers[0]))
  }
#endif

/// Hands over the address of a path.
///
/// An address holds 107 bytes: a longer path is reached through its directory's descriptor, where
/// the system has `/proc`.
private func withAddress(
  of path: String,
  _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
) throws(Errno) {
  guard isWhole(path) else { throw Errno(EINVAL) }
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let room = MemoryLayout.size(ofValue: address.sun_path)
  if path.utf8.count < room { return unsafe try withFilled(&address, path, body) }
  let directory = try Descriptor(
    opening: parentDirectory(of: path), flags: O_RDONLY | O_DIRECTORY)
  try directory.withNumber { number throws(Errno) in
    let short = "/proc/self/fd/\(number)/\(lastPart(of: path))"
    guard short.utf8.count < room else { throw Errno(ENAMETOOLONG) }
    unsafe try withFilled(&address, short, body)
  }
}

private func withFilled(
  _ address: inout sockaddr_un, _ path: String,
  _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
) throws(Errno) {
  unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
    for (index, byte) in path.utf8.enumerated() { unsafe room[index] = byte }
  }
  let length = socklen_t(MemoryLayout<sockaddr_un>.size)
  let failure: Errno? = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
      do throws(Errno) {
        unsafe try body(pointer, length)
        return nil
      } catch {
        return error
      }
    }
  }
  if let failure { throw failure }
}
