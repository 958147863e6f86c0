import Foundation
import Platform
import Testing

@Suite("A socket of this machine's own")
struct LocalSocketTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func send(_ text: String, over connection: LocalConnection) -> LocalConnection.Transfer {
    connection.write(Array(text.utf8)[...])
  }

  private func text(from connection: LocalConnection) -> String {
    var bytes: [UInt8] = []
    _ = connection.waitToRead(milliseconds: 10_000)
    _ = connection.read(appendingTo: &bytes, limit: 100)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("carries bytes both ways, and each end knows the other's user from the system")
  func bothWays() throws {
    let path = directory.path("s")
    let listener = try LocalListener(path)
    #expect(listener.accept() == nil)
    let client = try #require(try LocalConnection.open(path))
    let server = try #require(listener.accept())
    #expect(client.peer.user == effectiveUser() && server.peer.user == effectiveUser())
    #if os(Linux)
      #expect(server.peer.process == ProcessInfo.processInfo.processIdentifier)
    #endif
    var nothing: [UInt8] = []
    #expect(server.read(appendingTo: &nothing, limit: 10) == .notNow)
    #expect(!server.waitToRead(milliseconds: 0))
    #expect(send("hello", over: client) == .bytes(5))
    #expect(text(from: server) == "hello")
    #expect(send("there", over: server) == .bytes(5))
    #expect(text(from: client) == "there")
  }

  @Test("tells when the other end is gone")
  func gone() throws {
    let path = directory.path("s")
    let listener = try LocalListener(path)
    var client = try LocalConnection.open(path)
    let server = try #require(listener.accept())
    #expect(client != nil)
    client = nil
    var bytes: [UInt8] = []
    #expect(server.waitToRead(milliseconds: 10_000))
    #expect(server.read(appendingTo: &bytes, limit: 10) == .ended)
    #expect(send("x", over: server) == .ended)
  }

  @Test("its file is its owner's alone, whatever the umask, and replaces one that was left")
  func place() throws {
    let path = directory.path("s")
    for mask: mode_t in [0, 0o077, 0o777] {
      let before = umask(mask)
      defer { umask(before) }
      // A listener that goes leaves its file, as one that was killed does.
      _ = try LocalListener(path)
      #expect(try directory.permissions(of: "s") == 0o600, "\(mask)")
      #expect(try LocalConnection.open(path) == nil)
      #expect(try directory.names() == ["s"])
    }
  }

  @Test("takes no place where something else lies, or where somebody listens")
  func taken() throws {
    try directory.write("x", to: "file")
    #expect(throws: PlatformError.failed(.listen, path: directory.path("file"), code: EEXIST)) {
      _ = try LocalListener(directory.path("file"))
    }
    let listener = try LocalListener(directory.path("s"))
    #expect(throws: PlatformError.failed(.listen, path: directory.path("s"), code: EADDRINUSE)) {
      _ = try LocalListener(directory.path("s"))
    }
    #expect(listener.path == directory.path("s"))
    #expect(try LocalConnection.open(directory.path("nothing")) == nil)
    #expect(try LocalConnection.open(directory.path("file")) == nil)
  }

  #if os(Linux)
    @Test("is reached under a path that is longer than an address may be")
    func longPath() throws {
      var path = directory.path
      for _ in 0..<8 { path += "/" + String(repeating: "d", count: 30) }
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true)
      let listener = try LocalListener(path + "/s")
      let client = try #require(try LocalConnection.open(path + "/s"))
      #expect(send("hello", over: client) == .bytes(5))
      #expect(text(from: try #require(listener.accept())) == "hello")
      #expect(try FileStatus(of: path + "/s").permissions == 0o600)
    }
  #endif

  @Test("many are waited for at once")
  func many() throws {
    let path = directory.path("s")
    let listener = try LocalListener(path)
    var pairs: [(client: LocalConnection, server: LocalConnection)] = []
    for _ in 0..<20 {
      let client = try #require(try LocalConnection.open(path))
      pairs.append((client, try #require(listener.accept())))
    }
    for chosen in [3, 19] {
      #expect(send("x", over: pairs[chosen].client) == .bytes(1))
      var sockets = SocketPoll()
      let indices = pairs.map { sockets.watchToRead($0.server) }
      let waiting = sockets.watch(listener)
      sockets.wait(milliseconds: 10_000)
      #expect(indices.filter { sockets.isReady($0) } == [indices[chosen]])
      #expect(!sockets.isReady(waiting))
      #expect(text(from: pairs[chosen].server) == "x")
    }
  }
}
