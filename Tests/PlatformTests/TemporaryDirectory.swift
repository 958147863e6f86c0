import Foundation
import Platform
import Testing

/// A directory that a test has for itself; it goes with the last reference.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    let name = "platform-tests-\(UUID().uuidString)"
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: place, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    path = place.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file past the code under test.
  func write(_ content: String, to name: String, permissions: Int = 0o600) throws {
    try Data(content.utf8).write(to: URL(fileURLWithPath: path(name)))
    try setPermissions(permissions, of: name)
  }

  func setPermissions(_ permissions: Int, of name: String) throws {
    try FileManager.default.setAttributes(
      [.posixPermissions: permissions], ofItemAtPath: path(name))
  }

  func link(_ name: String, to destination: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path(name), withDestinationPath: destination)
  }

  func addName(_ newName: String, of name: String) throws {
    try FileManager.default.linkItem(atPath: path(name), toPath: path(newName))
  }

  func makePipe(_ name: String) throws {
    try #require(unsafe mkfifo(path(name), 0o600) == 0)
  }

  /// Gives a file to another user and group; only root may.
  func giveAway(_ name: String, to user: UInt32) throws {
    try #require(unsafe chown(path(name), user, user) == 0)
  }

  func content(of name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
  }

  func permissions(of name: String) throws -> UInt16 {
    try FileStatus(of: path(name)).permissions
  }

  /// What is in the directory, as another implementation lists it.
  func names() throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: path))
  }
}

let isRoot = effectiveUser() == 0

/// Runs a program of the system and waits for it.
@discardableResult
func run(_ program: String, _ arguments: String...) throws -> Int32 {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.standardOutput = FileHandle.nullDevice
  process.standardError = FileHandle.nullDevice
  try process.run()
  process.waitUntilExit()
  return process.terminationStatus
}

/// Forbids this process to write files beyond a size; for processes of a test's own only.
func limitFileSize(to size: UInt) throws {
  var limits = rlimit(rlim_cur: numericCast(size), rlim_max: numericCast(size))
  #if canImport(Darwin)
    try #require(unsafe setrlimit(RLIMIT_FSIZE, &limits) == 0)
  #else
    try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limits) == 0)
  #endif
}

/// Lets these signals end this process again, whatever it has inherited from who started it.
func endBySignals() throws {
  for number in [SIGPIPE, SIGXFSZ] {
    signal(number, SIG_DFL)
    try unblock(number)
  }
}

/// Lets a signal reach this thread; those of a pool have all signals blocked.
func unblock(_ number: Int32) throws {
  var mask = sigset_t()
  try #require(unsafe sigemptyset(&mask) == 0)
  try #require(unsafe sigaddset(&mask, number) == 0)
  try #require(unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil) == 0)
}
