import Foundation
import Platform
import Testing

@Suite("Whole files")
struct WholeFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  // MARK: Reading

  @Test(
    "A file is read up to its limit, and refused beyond it",
    arguments: [0, 1, 65_535, 65_536, 65_537, 200_000])
  func readLimits(size: Int) throws {
    try directory.write(String(repeating: "x", count: size), to: "a")
    let path = directory.path("a")
    #expect(try readFile(path, limit: size).count == size)
    #expect(try readFile(path, limit: .max).count == size)
    #expect(try readFile(path, limit: size + 1) == [UInt8](repeating: 0x78, count: size))
    if size > 0 {
      #expect(throws: PlatformError.tooLarge(path: path, limit: size - 1)) {
        try readFile(path, limit: size - 1)
      }
    }
  }

  @Test("A file without an end is refused too")
  func endless() {
    #expect(throws: PlatformError.tooLarge(path: "/dev/zero", limit: 100_000)) {
      try readFile("/dev/zero", limit: 100_000)
    }
  }

  @Test("What can't be read is named")
  func unreadable() throws {
    let missing = directory.path("missing")
    #expect(throws: PlatformError.failed(.open, path: missing, code: ENOENT)) {
      try readFile(missing, limit: 10)
    }
    #expect(PlatformError.failed(.open, path: missing, code: ENOENT).isMissing)
    #expect(!PlatformError.failed(.open, path: missing, code: EACCES).isMissing)
    #expect(!PlatformError.tooLarge(path: missing, limit: 2).isMissing)
    #expect(throws: PlatformError.failed(.read, path: directory.path, code: EISDIR)) {
      try readFile(directory.path, limit: 10)
    }
    #expect(throws: PlatformError.failed(.open, path: "a\0b", code: EINVAL)) {
      try readFile("a\0b", limit: 10)
    }
  }

  // MARK: Replacing

  @Test("A file is replaced in one step, with its permissions, and nothing stays beside it")
  func replace() throws {
    let path = directory.path("config.json")
    try replaceFile(path, with: Array("one".utf8))
    #expect(try directory.permissions(of: "config.json") == 0o600)
    let old = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    try replaceFile(path, with: Array("two".utf8), permissions: 0o644)
    #expect(try directory.content(of: "config.json") == "two")
    #expect(try directory.permissions(of: "config.json") == 0o644)
    // Who had it open still sees the whole old content.
    #expect(try old.readToEnd() == Data("one".utf8))
    try replaceFile(path, with: [])
    #expect(try directory.content(of: "config.json") == "")
    #expect(try directory.names() == ["config.json"])
  }

  @Test("A symbolic link is replaced, not followed")
  func replaceLink() throws {
    try directory.write("kept", to: "target")
    try directory.link("link", to: "target")
    try replaceFile(directory.path("link"), with: Array("new".utf8))
    #expect(try directory.content(of: "target") == "kept")
    #expect(try FileStatus(of: directory.path("link")).kind == .regular)
  }

  @Test("A replacement that fails leaves the old content and no temporary file")
  func failedReplacement() async throws {
    try directory.write("old", to: "a")
    await #expect(processExitsWith: .success) { [path = directory.path as String] in
      try endBySignals()
      prepareProcess()
      try limitFileSize(to: 1_000)
      let file = "\(path)/a"
      #expect(throws: PlatformError.failed(.write, path: file, code: EFBIG)) {
        try replaceFile(file, with: [UInt8](repeating: 1, count: 1_001))
      }
    }
    #expect(try directory.content(of: "a") == "old")
    try FileManager.default.createDirectory(
      atPath: directory.path("d/full"), withIntermediateDirectories: true)
    for (name, code) in [("d", EISDIR), (".", EBUSY), ("..", EBUSY)] {
      let path = directory.path(name)
      let error = #expect(throws: PlatformError.self) { try replaceFile(path, with: [1]) }
      // Systems disagree on the reason for the last two.
      if name == "d" { #expect(error == .failed(.rename, path: path, code: code)) }
    }
    #expect(try directory.names() == ["a", "d"])
  }

  @Test(
    "A place that isn't there, or is a directory's name, is refused",
    arguments: ["x/a", "a/", "a\0", ""])
  func impossiblePlace(name: String) throws {
    let path = name.isEmpty ? "" : directory.path(name)
    let code = name == "x/a" ? ENOENT : EINVAL
    #expect(throws: PlatformError.failed(.open, path: path, code: code)) {
      try replaceFile(path, with: [1])
    }
    #expect(try directory.names().isEmpty)
  }

  // MARK: Directories

  @Test("Missing directories are made, those that exist stay as they are")
  func createTree() throws {
    try createDirectories(directory.path("a/b//c/"), permissions: 0o750)
    for name in ["a", "a/b", "a/b/c"] { #expect(try directory.permissions(of: name) == 0o750) }
    try createDirectories(directory.path("a/b/d"))
    #expect(try directory.permissions(of: "a/b") == 0o750)
    #expect(try directory.permissions(of: "a/b/d") == 0o700)
    try createDirectories(directory.path("a/b/d"))
    try createDirectories("/")
    try createDirectories(".")
    try directory.link("link", to: "a")
    try createDirectories(directory.path("link/e"))
    #expect(try namesInDirectory(directory.path("a")) == ["b", "e"])
  }

  @Test("No directory is made in a file or in place of one")
  func createTreeInFile() throws {
    try directory.write("", to: "file")
    for name in ["file", "file/a", "file/a/b"] {
      let path = directory.path(name)
      #expect(throws: PlatformError.failed(.createDirectory, path: path, code: ENOTDIR)) {
        try createDirectories(path)
      }
    }
    #expect(throws: PlatformError.failed(.createDirectory, path: "", code: EINVAL)) {
      try createDirectories("")
    }
    // A link that leads nowhere looks like a missing name, but can't be made.
    try directory.link("dangling", to: "nowhere")
    #expect(throws: PlatformError.self) { try createDirectories(directory.path("dangling/a")) }
    #expect(try directory.names() == ["file", "dangling"])
  }

  @Test("Names come and go")
  func names() throws {
    #expect(try !exists(directory.path("a")))
    try directory.write("", to: "a")
    try directory.link("dangling", to: "nowhere")
    try createDirectories(directory.path("d"))
    #expect(try exists(directory.path("a")))
    #expect(try exists(directory.path("dangling")))
    #expect(try exists(directory.path))
    #expect(throws: PlatformError.failed(.status, path: directory.path("a/b"), code: ENOTDIR)) {
      try exists(directory.path("a/b"))
    }
    #expect(try namesInDirectory(directory.path) == ["a", "d", "dangling"])
    #expect(throws: PlatformError.self) { try removeFile(directory.path("d")) }
    #expect(throws: PlatformError.failed(.remove, path: directory.path("a"), code: ENOTDIR)) {
      try removeDirectory(directory.path("a"))
    }
    try removeFile(directory.path("a"))
    try removeFile(directory.path("dangling"))
    try removeDirectory(directory.path("d"))
    #expect(throws: PlatformError.failed(.remove, path: directory.path("a"), code: ENOENT)) {
      try removeFile(directory.path("a"))
    }
    #expect(throws: PlatformError.failed(.list, path: directory.path("a"), code: ENOENT)) {
      try namesInDirectory(directory.path("a"))
    }
    #expect(try directory.names().isEmpty)
  }
}

@Suite("What the system knows of a file")
struct FileStatusTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("Kind, size, permissions, links and owner are told")
  func told() throws {
    try directory.write("abc", to: "a", permissions: 0o640)
    try directory.addName("b", of: "a")
    try directory.link("link", to: "a")
    try directory.makePipe("pipe")
    let status = try FileStatus(of: directory.path("a"))
    #expect(status.kind == .regular)
    #expect(status.size == 3)
    #expect(status.permissions == 0o640)
    #expect(status.linkCount == 2)
    #expect(status.owner == effectiveUser())
    #expect(try FileStatus(of: directory.path("link")).kind == .symbolicLink)
    #expect(try FileStatus(of: directory.path("pipe")).kind == .special)
    #expect(try FileStatus(of: directory.path).kind == .directory)
    #expect(throws: PlatformError.failed(.status, path: "a\0", code: EINVAL)) {
      try FileStatus(of: "a\0")
    }
  }

  @Test("Every set of permissions is judged: only write access of others matters")
  func permissions() {
    for permissions: UInt16 in 0...0o7777 {
      let reasons = status(permissions: permissions).whyUntrustworthy(user: 7)
      #expect(reasons.contains(.writableByGroup) == (permissions & 0o020 != 0))
      #expect(reasons.contains(.writableByOthers) == (permissions & 0o002 != 0))
      #expect(reasons.isEmpty == (permissions & 0o022 == 0))
    }
  }

  @Test("Owner, kind and links are judged")
  func reasons() {
    #expect(status().whyUntrustworthy(user: 7) == [])
    #expect(status().whyUntrustworthy(user: 0) == [.ownedBy(user: 7)])
    #expect(status(linkCount: 2).whyUntrustworthy(user: 7) == [.severalLinks(2)])
    #expect(status(kind: .special).whyUntrustworthy(user: 7) == [.wrongKind(.special)])
    #expect(
      status(kind: .symbolicLink, permissions: 0o777).whyUntrustworthy(user: 7)
        == [.wrongKind(.symbolicLink)])
    // A directory has a link for each directory in it.
    let folder = status(kind: .directory, linkCount: 5)
    #expect(folder.whyUntrustworthy(expected: .directory, user: 7) == [])
    #expect(folder.whyUntrustworthy(user: 7) == [.wrongKind(.directory)])
    #expect(
      status(kind: .directory, permissions: 0o777).whyUntrustworthy(expected: .regular, user: 8)
        == [.wrongKind(.directory), .ownedBy(user: 7), .writableByGroup, .writableByOthers])
  }

  private func status(
    kind: FileStatus.Kind = .regular, permissions: UInt16 = 0o600, linkCount: UInt64 = 1
  ) -> FileStatus {
    FileStatus(
      kind: kind, owner: 7, group: 7, permissions: permissions, linkCount: linkCount, size: 0)
  }
}
