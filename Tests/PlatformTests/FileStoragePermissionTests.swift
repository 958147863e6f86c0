import EventLog
import Foundation
import Platform
import Testing

@Suite("What is created, and for whom")
struct FileStoragePermissionTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("Files are made 0600 and directories 0700")
  func ownerOnly() throws {
    let storage = try FileStorage.create(directory: directory.path("ledger"))
    try storage.createDirectory("log")
    _ = try storage.open("log/0", for: .creating)
    #expect(try directory.permissions(of: "ledger") == 0o700)
    #expect(try directory.permissions(of: "ledger/log") == 0o700)
    #expect(try directory.permissions(of: "ledger/log/0") == 0o600)
    #expect(FileSharing(asOf: try storage.status(of: "log/0")) == .ownerOnly)
  }

  @Test("A group's files are made 0640 and its directories 0750", .enabled(if: isRoot))
  func group() throws {
    let sharing = FileSharing.group(54_321)
    let storage = try FileStorage.create(directory: directory.path("ledger"), sharing: sharing)
    try storage.createDirectory("log")
    _ = try storage.open("log/0", for: .creating)
    for (name, permissions) in [("ledger", 0o750), ("ledger/log", 0o750), ("ledger/log/0", 0o640)] {
      let status = try FileStatus(of: directory.path(name))
      #expect(status.permissions == UInt16(permissions))
      #expect(status.group == 54_321)
      #expect(status.owner == effectiveUser())
      #expect(FileSharing(asOf: status) == sharing)
    }
  }

  @Test("A group that one isn't in leaves nothing behind", .disabled(if: isRoot))
  func foreignGroup() throws {
    let storage = try FileStorage.open(directory: directory.path, sharing: .group(54_321))
    #expect(throws: StorageError(operation: .open, path: "a", code: EPERM)) {
      try storage.open("a", for: .creating)
    }
    #expect(throws: StorageError(operation: .createDirectory, path: "b", code: EPERM)) {
      try storage.createDirectory("b")
    }
    #expect(try directory.names().isEmpty)
  }

  @Test("The umask changes nothing", arguments: [0o000, 0o022, 0o077, 0o277, 0o777])
  func mask(umask mask: Int) async throws {
    // The umask belongs to the process, so another process changes its own.
    await #expect(processExitsWith: .success) {
      [path = directory.path as String, mask = mask as Int] in
      umask(mode_t(mask))
      let own = FileSharing.group(getegid())
      for (name, sharing) in [("own", FileSharing.ownerOnly), ("group", own)] {
        let storage = try FileStorage.create(directory: "\(path)/\(name)", sharing: sharing)
        try storage.createDirectory("log")
        _ = try storage.open("log/0", for: .creating)
      }
    }
    #expect(try directory.permissions(of: "own") == 0o700)
    #expect(try directory.permissions(of: "own/log") == 0o700)
    #expect(try directory.permissions(of: "own/log/0") == 0o600)
    #expect(try directory.permissions(of: "group") == 0o750)
    #expect(try directory.permissions(of: "group/log") == 0o750)
    #expect(try directory.permissions(of: "group/log/0") == 0o640)
  }

  @Test("A ledger's directory is made once, in a directory that exists")
  func create() throws {
    let path = directory.path("ledger")
    _ = try FileStorage.create(directory: path + "/")
    #expect(throws: StorageError(operation: .createDirectory, path: path, code: EEXIST)) {
      try FileStorage.create(directory: path)
    }
    let deep = directory.path("a/b")
    #expect(throws: StorageError(operation: .createDirectory, path: deep, code: ENOENT)) {
      try FileStorage.create(directory: deep)
    }
    for path in [".", "/", "..", "/tmp/.."] {
      #expect(throws: StorageError(operation: .createDirectory, path: path, code: EEXIST)) {
        try FileStorage.create(directory: path)
      }
    }
    #expect(throws: StorageError(operation: .createDirectory, path: "", code: EINVAL)) {
      try FileStorage.create(directory: "")
    }
  }

  @Test("A ledger may be named by a symbolic link, but must be a directory that exists")
  func open() throws {
    try directory.link("link", to: directory.path)
    try directory.write("", to: "file")
    #expect(try FileStorage.open(directory: directory.path("link")).list(".") == ["file", "link"])
    for (name, code) in [("file", ENOTDIR), ("missing", ENOENT), ("a\0b", EINVAL)] {
      let path = directory.path(name)
      #expect(throws: StorageError(operation: .open, path: path, code: code)) {
        try FileStorage.open(directory: path)
      }
      #expect(throws: StorageError(operation: .open, path: path, code: code)) {
        try FileStorage.openForReading(directory: path)
      }
    }
  }

  @Test("A directory that is renamed meanwhile stays the same one")
  func renamedDirectory() throws {
    let storage = try FileStorage.create(directory: directory.path("ledger"))
    try FileManager.default.moveItem(
      atPath: directory.path("ledger"), toPath: directory.path("moved"))
    _ = try storage.open("head", for: .creating)
    #expect(try storage.list(".") == ["head"])
    _ = try directory.content(of: "moved/head")
  }
}

@Suite("A storage that only reads")
struct ReadingStorageTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("abc", to: "head", permissions: 0o466)
  }

  @Test("It reads whatever it may, trustworthy or not")
  func reads() throws {
    let storage = try FileStorage.openForReading(directory: directory.path)
    let file = try storage.open("head", for: .reading)
    var bytes: [UInt8] = [0, 0, 0]
    #expect(try file.read(into: &bytes, range: 0..<3, at: 0) == 3)
    #expect(bytes == Array("abc".utf8))
    #expect(try file.size() == 3)
    #expect(try storage.list(".") == ["head"])
    #expect(
      try storage.status(of: "head").whyUntrustworthy() == [.writableByGroup, .writableByOthers])
  }

  @Test("To ask it for more is an error of ours", arguments: 0..<9)
  func refusals(call: Int) async throws {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { [path = directory.path as String, call = call as Int] in
      let storage = try FileStorage.openForReading(directory: path)
      switch call {
      case 0: _ = try storage.open("head", for: .writing)
      case 1: _ = try storage.open("new", for: .creating)
      case 2: try storage.createDirectory("new")
      case 3: try storage.rename("head", to: "new")
      case 4: try storage.synchronizeDirectory(".")
      case 5: _ = try storage.open("head", for: .reading).write([1], at: 0)
      case 6: try storage.open("head", for: .reading).truncate(to: 0)
      case 7: try storage.open("head", for: .reading).synchronize()
      default: _ = try storage.open("head", for: .reading).tryLock()
      }
    }
    let errors = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(errors.contains("invariant broken: "))
    #expect(try directory.content(of: "head") == "abc")
    #expect(try directory.names() == ["head"])
  }
}
