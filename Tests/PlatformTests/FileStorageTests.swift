import Bytes
import EventLog
import Foundation
import Platform
import Testing

@Suite("Files of a ledger in a directory")
struct FileStorageTests {
  let directory: TemporaryDirectory
  let storage: FileStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = try FileStorage.open(directory: directory.path)
  }

  private func error(_ operation: StorageError.Operation, _ path: String, _ code: Int32)
    -> StorageError
  {
    StorageError(operation: operation, path: path, code: code)
  }

  // MARK: Reading and writing

  @Test("What was written is read back, at its offset")
  func readBack() throws {
    let file = try storage.open("head", for: .creating)
    #expect(try file.write(Array("0123456789".utf8)[...], at: 0) == 10)
    #expect(try file.write(Array("xABy".utf8)[1..<3], at: 4) == 2)
    #expect(try file.size() == 10)
    try file.synchronize()
    var bytes = [UInt8](repeating: UInt8(ascii: "."), count: 8)
    #expect(try file.read(into: &bytes, range: 1..<7, at: 2) == 6)
    #expect(bytes == Array(".23AB67.".utf8))
    #expect(try directory.content(of: "head") == "0123AB6789")
  }

  @Test("A read at the end of a file gives what is there, and nothing beyond it")
  func readBeyondEnd() throws {
    let file = try storage.open("a", for: .creating)
    #expect(try file.write(Array("abc".utf8)[...], at: 0) == 3)
    var bytes = [UInt8](repeating: 0, count: 10)
    #expect(try file.read(into: &bytes, range: 0..<10, at: 1) == 2)
    #expect(bytes.prefix(3) == [UInt8(ascii: "b"), UInt8(ascii: "c"), 0])
    #expect(try file.read(into: &bytes, range: 0..<0, at: 0) == 0)
    for offset: UInt64 in [3, 4, 1 << 40, 1 << 62, UInt64(Int64.max), 1 << 63, .max] {
      #expect(try file.read(into: &bytes, range: 0..<10, at: offset) == 0, "at \(offset)")
    }
  }

  @Test("A whole file takes the room that it has, whatever it might have at most")
  func wholeFile() throws {
    try directory.write("text", to: "a")
    #expect(try storage.read("a", limit: 1 << 50) == Array("text".utf8))
    #expect(try storage.read("a", limit: 4) == Array("text".utf8))
    #expect(try storage.read("a", limit: 3) == nil)
    #expect(try storage.read("b", limit: 4) == nil)
  }

  @Test("A file can be cut and extended")
  func truncate() throws {
    let file = try storage.open("a", for: .creating)
    #expect(try file.write(Array("abcdef".utf8)[...], at: 0) == 6)
    try file.truncate(to: 2)
    #expect(try file.size() == 2)
    try file.truncate(to: 4)
    #expect(try directory.content(of: "a") == "ab\0\0")
  }

  @Test("Offsets that no file can have are refused, not trapped on")
  func impossibleOffsets() throws {
    let file = try storage.open("a", for: .creating)
    #expect(throws: error(.write, "a", EFBIG)) { try file.write([1][...], at: .max) }
    #expect(throws: error(.truncate, "a", EFBIG)) { try file.truncate(to: 1 << 63) }
  }

  // MARK: Names

  @Test("Names are listed by their bytes, however many there are")
  func listOrder() throws {
    #expect(try storage.list(".") == [])
    // Swift's own order of texts differs: it would put "é" written as two scalars beside "é".
    let names = ["Z", "a", "e\u{301}", "z", "\u{E9}", "10", "9", ".hidden", "-", "~", "a b"]
    for name in names { _ = try storage.open(name, for: .creating) }
    #expect(
      try storage.list(".")
        == ["-", ".hidden", "10", "9", "Z", "a", "a b", "e\u{301}", "z", "~", "\u{E9}"])
    #expect(try storage.list(".") == storage.list("."))
    try storage.createDirectory("log")
    let many = (0..<700).map { "\(padded($0, 16)).log" }
    for name in many.shuffled() { _ = try storage.open("log/\(name)", for: .creating) }
    #expect(try storage.list("log") == many)
  }

  @Test("A name that isn't UTF-8 is listed, repaired")
  func strangeName() throws {
    #if os(Linux)
      let code = "import os,sys; open(os.fsencode(sys.argv[1]) + b'/a\\xff', 'w')"
      try #require(try run("/usr/bin/env", "python3", "-c", code, directory.path) == 0)
      #expect(try storage.list(".") == ["a\u{FFFD}"])
    #endif
  }

  @Test("Renaming takes the place of what had the name")
  func rename() throws {
    try directory.write("new", to: "temporary")
    try directory.write("old", to: "final")
    try storage.rename("temporary", to: "final")
    try storage.synchronizeDirectory(".")
    #expect(try storage.list(".") == ["final"])
    #expect(try directory.content(of: "final") == "new")
    try storage.createDirectory("log")
    try storage.rename("final", to: "log/final")
    try storage.synchronizeDirectory("log")
    #expect(try storage.list("log") == ["final"])
  }

  @Test("What is missing is said to be missing")
  func missing() throws {
    #expect(throws: error(.open, "head", ENOENT)) { try storage.open("head", for: .reading) }
    #expect(throws: error(.open, "head", ENOENT)) { try storage.open("head", for: .writing) }
    #expect(throws: error(.open, "log/a", ENOENT)) { try storage.open("log/a", for: .creating) }
    #expect(throws: error(.list, "log", ENOENT)) { try storage.list("log") }
    #expect(throws: error(.rename, "a", ENOENT)) { try storage.rename("a", to: "b") }
    #expect(throws: error(.createDirectory, "a/b", ENOENT)) { try storage.createDirectory("a/b") }
    #expect(throws: error(.synchronizeDirectory, "log", ENOENT)) {
      try storage.synchronizeDirectory("log")
    }
    #expect(throws: PlatformError.failed(.status, path: "head", code: ENOENT)) {
      try storage.status(of: "head")
    }
    #expect(error(.open, "head", ENOENT).isMissing)
    #expect(!error(.open, "head", EIO).isMissing)
  }

  @Test("To create demands that the name is free")
  func exclusiveCreation() throws {
    try directory.write("kept", to: "head")
    #expect(throws: error(.open, "head", EEXIST)) { try storage.open("head", for: .creating) }
    #expect(try directory.content(of: "head") == "kept")
    try storage.createDirectory("log")
    #expect(throws: error(.createDirectory, "log", EEXIST)) { try storage.createDirectory("log") }
    #expect(throws: error(.createDirectory, "head", EEXIST)) {
      try storage.createDirectory("head")
    }
    // A dangling link is a name too: nothing is created where it leads.
    try directory.link("dangling", to: directory.path("elsewhere"))
    #expect(throws: error(.open, "dangling", EEXIST)) {
      try storage.open("dangling", for: .creating)
    }
    #expect(try directory.names() == ["head", "log", "dangling"])
  }

  // MARK: What is refused

  @Test(
    "A path that could leave the directory is refused",
    arguments: [
      "", "/", "/etc/passwd", "..", "../a", "a/..", "a/../b", "log/../../a", ".", "./a", "a/.",
      "a//b", "a/", "//", "a\0b", "\0",
    ])
  func strictPaths(path: String) throws {
    try storage.createDirectory("a")
    try directory.write("", to: "b")
    let accesses: [StorageAccess] = [.reading, .writing, .creating]
    for access in accesses {
      #expect(throws: error(.open, path, EINVAL)) { try storage.open(path, for: access) }
    }
    #expect(throws: error(.createDirectory, path, EINVAL)) { try storage.createDirectory(path) }
    #expect(throws: error(.rename, path, EINVAL)) { try storage.rename(path, to: "c") }
    #expect(throws: error(.rename, "b", EINVAL)) { try storage.rename("b", to: path) }
    if path != "." {
      #expect(throws: error(.list, path, EINVAL)) { try storage.list(path) }
      #expect(throws: error(.synchronizeDirectory, path, EINVAL)) {
        try storage.synchronizeDirectory(path)
      }
      #expect(throws: PlatformError.failed(.status, path: path, code: EINVAL)) {
        try storage.status(of: path)
      }
    }
    #expect(try storage.list(".") == ["a", "b"])
  }

  @Test("No symbolic link is followed, neither at the end of a path nor within it")
  func symbolicLinks() throws {
    let outside = try TemporaryDirectory()
    try outside.write("secret", to: "file")
    try directory.link("link", to: outside.path("file"))
    try directory.link("log", to: outside.path)
    try directory.write("inside", to: "target")
    try directory.link("near", to: "target")
    let accesses: [StorageAccess] = [.reading, .writing]
    for name in ["link", "near"] {
      for access in accesses {
        #expect(throws: error(.open, name, ELOOP)) { try storage.open(name, for: access) }
      }
      #expect(try storage.status(of: name).kind == .symbolicLink)
    }
    for access in accesses {
      #expect(throws: error(.open, "log/file", ENOTDIR)) {
        try storage.open("log/file", for: access)
      }
    }
    #expect(throws: error(.open, "log/new", ENOTDIR)) {
      try storage.open("log/new", for: .creating)
    }
    #expect(throws: error(.list, "log", ENOTDIR)) { try storage.list("log") }
    #expect(throws: error(.createDirectory, "log/new", ENOTDIR)) {
      try storage.createDirectory("log/new")
    }
    #expect(throws: error(.rename, "target", ENOTDIR)) {
      try storage.rename("target", to: "log/file")
    }
    // In place of a link comes the file itself; where the link led to isn't touched.
    try storage.rename("target", to: "link")
    #expect(try outside.content(of: "file") == "secret")
    #expect(try outside.names() == ["file"])
  }

  @Test("Only regular files are opened, and a FIFO doesn't make anybody wait")
  func specialFiles() throws {
    try storage.createDirectory("log")
    #expect(throws: error(.open, "log", EISDIR)) { try storage.open("log", for: .reading) }
    #expect(throws: error(.open, "log", EISDIR)) { try storage.open("log", for: .writing) }
    try directory.makePipe("pipe")
    #expect(throws: error(.open, "pipe", EOPNOTSUPP)) { try storage.open("pipe", for: .reading) }
    #expect(throws: error(.open, "pipe", EOPNOTSUPP)) { try storage.open("pipe", for: .writing) }
    #expect(try storage.status(of: "pipe").kind == .special)
    #expect(try storage.status(of: "log").kind == .directory)
    #expect(try storage.status(of: ".").kind == .directory)
  }

  @Test("A file that others may have written isn't opened by who writes")
  func untrusted() throws {
    try directory.write("{}", to: "config", permissions: 0o620)
    #expect(throws: error(.open, "config", EPERM)) { try storage.open("config", for: .reading) }
    #expect(throws: error(.open, "config", EPERM)) { try storage.open("config", for: .writing) }
    #expect(try storage.status(of: "config").whyUntrustworthy() == [.writableByGroup])
    try directory.setPermissions(0o644, of: "config")
    _ = try storage.open("config", for: .reading)
    // A backup may share files by hard links: they are read, but never written through.
    try directory.addName("copy", of: "config")
    _ = try storage.open("config", for: .reading)
    #expect(throws: error(.open, "config", EPERM)) { try storage.open("config", for: .writing) }
  }

  @Test("A file of somebody else isn't opened by who writes", .enabled(if: isRoot))
  func foreign() throws {
    try directory.write("{}", to: "config")
    try directory.giveAway("config", to: 12_345)
    #expect(throws: error(.open, "config", EPERM)) { try storage.open("config", for: .reading) }
    #expect(throws: error(.open, "config", EPERM)) { try storage.open("config", for: .writing) }
    let reader = try FileStorage.openForReading(directory: directory.path)
    _ = try reader.open("config", for: .reading)
  }

  // MARK: Locks

  @Test("One descriptor holds the lock; it goes with the last reference")
  func lock() throws {
    var first: (any StorageFile)? = try storage.open("head", for: .creating)
    let second = try storage.open("head", for: .writing)
    #expect(try first?.tryLock() == true)
    #expect(try first?.tryLock() == true)
    #expect(try second.tryLock() == false)
    // The lock is the descriptor's: closing another one of the same file doesn't drop it.
    _ = try storage.open("head", for: .reading)
    #expect(try second.tryLock() == false)
    first = nil
    // A program that another test starts may have a copy of the descriptor for a moment.
    #expect(try acquire(second, timeoutMilliseconds: 5_000))
  }
}
