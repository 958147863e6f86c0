import Foundation
import Platform
import Testing

@Suite("Files of secrets")
struct SecretFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("are replaced as a whole, and nothing of the old content is left where it stood")
  func replace() throws {
    let names = (0..<150).map { "k\($0)" }
    for name in names { try directory.write("old secret of \(name)", to: name) }
    let held = try names.map { name in
      try FileHandle(forReadingFrom: URL(fileURLWithPath: directory.path(name)))
    }
    try replaceSecretFiles(names.map { (directory.path($0), Array("new \($0)".utf8)) })
    for (name, old) in zip(names, held) {
      #expect(try directory.content(of: name) == "new \(name)")
      #expect(try directory.permissions(of: name) == 0o600)
      let left = String(decoding: try old.readToEnd() ?? Data(), as: UTF8.self)
      #expect(left == String(repeating: "0", count: "old secret of \(name)".utf8.count))
    }
    #expect(try directory.names() == Set(names))
  }

  @Test("with another name keep their content under it, whether replaced or removed")
  func severalNames() throws {
    for name in ["a", "b"] {
      try directory.write("secret", to: name)
      try directory.addName("copy-of-\(name)", of: name)
    }
    try replaceSecretFiles([(directory.path("a"), Array("new".utf8))])
    try removeSecretFile(directory.path("b"))
    #expect(try directory.content(of: "copy-of-a") == "secret")
    #expect(try directory.content(of: "copy-of-b") == "secret")
    #expect(try directory.names() == ["a", "copy-of-a", "copy-of-b"])
  }

  @Test("are written over in part, and what stands beside that stays")
  func overwrite() throws {
    try directory.write("u-1 abcdef\nu-2 abcdef\n", to: "a")
    if let file = try ForgottenFile(directory.path("a")) { try file.overwrite([15..<21]) }
    #expect(try directory.content(of: "a") == "u-1 abcdef\nu-2 000000\n")
    #expect(try !isThere("missing"))
    try directory.link("link", to: "a")
    #expect(throws: PlatformError.self) { try isThere("link") }
  }

  private func isThere(_ name: String) throws -> Bool {
    if let file = try ForgottenFile(directory.path(name)) {
      try file.overwrite([])
      return true
    }
    return false
  }

  @Test("are removed, and leave no content to who has them open")
  func remove() throws {
    try directory.write("secret", to: "a")
    let held = try FileHandle(forReadingFrom: URL(fileURLWithPath: directory.path("a")))
    try removeSecretFile(directory.path("a"))
    #expect(try directory.names().isEmpty)
    #expect(try held.readToEnd() == Data("000000".utf8))
  }

  @Test("are of another version once they are another file or have other content")
  func versions() throws {
    let path = directory.path("a")
    #expect(try FileVersion(of: path) == nil)
    var seen: [FileVersion] = []
    for content in ["one", "two", "two", "three"] {
      try replaceFile(path, with: Array(content.utf8))
      let version = try #require(try FileVersion(of: path))
      #expect(!seen.contains(version))
      #expect(try FileVersion(of: path) == version)
      seen.append(version)
    }
  }
}
