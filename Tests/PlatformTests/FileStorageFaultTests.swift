import EventLog
import Foundation
import Platform
import Testing

@Suite("What real systems do to the files of a ledger")
struct FileStorageFaultTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("The lock holds between processes, and goes with a process that dies")
  func processes() async throws {
    let storage = try FileStorage.open(directory: directory.path)
    var file: (any StorageFile)? = try storage.open("head", for: .creating)
    #expect(try file?.tryLock() == true)
    await #expect(processExitsWith: .exitCode(7)) { [path = directory.path as String] in
      let other = try FileStorage.open(directory: path).open("head", for: .writing)
      exit(try other.tryLock() ? 8 : 7)
    }
    file = nil
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = directory.path as String] in
      let other = try FileStorage.open(directory: path).open("head", for: .writing)
      if try acquire(other, timeoutMilliseconds: 5_000) { kill(getpid(), SIGKILL) }
    }
    #expect(try acquire(storage.open("head", for: .writing), timeoutMilliseconds: 5_000))
  }

  @Test("Another implementation of the lock sees ours", .enabled(if: hasFlockProgram))
  func otherProgram() throws {
    let storage = try FileStorage.open(directory: directory.path)
    var file: (any StorageFile)? = try storage.open("head", for: .creating)
    #expect(try run("/usr/bin/flock", "-w", "5", directory.path("head"), "true") == 0)
    #expect(try file?.tryLock() == true)
    #expect(try run("/usr/bin/flock", "-n", directory.path("head"), "true") == 1)
    file = nil
    #expect(try run("/usr/bin/flock", "-w", "5", directory.path("head"), "true") == 0)
  }

  @Test("A program that is started doesn't inherit the lock")
  func inheritance() throws {
    let storage = try FileStorage.open(directory: directory.path)
    var file: (any StorageFile)? = try storage.open("head", for: .creating)
    #expect(try file?.tryLock() == true)
    // Unlike Foundation's `Process`, the shell's own starter hands on all that isn't marked.
    let reader = try unsafe #require(unsafe popen("cat >/dev/null", "w"))
    defer { unsafe pclose(reader) }
    file = nil
    // The tests beside this one start programs too: a copy of theirs may have it for a moment.
    #expect(try acquire(storage.open("head", for: .writing), timeoutMilliseconds: 5_000))
  }

  @Test("A limit on the size of files shortens a write, then refuses it")
  func shortWrite() async throws {
    await #expect(processExitsWith: .success) { [path = directory.path as String] in
      try endBySignals()
      prepareProcess()
      try limitFileSize(to: 1_000)
      let file = try FileStorage.open(directory: path).open("a", for: .creating)
      let bytes = [UInt8](repeating: 1, count: 600)
      try #require(try file.write(bytes[...], at: 0) == 600)
      try #require(try file.write(bytes[...], at: 600) == 400)
      #expect(throws: StorageError(operation: .write, path: "a", code: EFBIG)) {
        try file.write(bytes[400...], at: 1_000)
      }
      try #require(try file.size() == 1_000)
      #expect(throws: StorageError(operation: .truncate, path: "a", code: EFBIG)) {
        try file.truncate(to: 1_001)
      }
    }
  }

  @Test("A full disk refuses, and keeps what it took", .enabled(if: canMount))
  func fullDisk() throws {
    try #require(
      try run("/bin/mount", "-t", "tmpfs", "-o", "size=64k", "none", directory.path) == 0)
    defer { _ = try? run("/bin/umount", directory.path) }
    try fill()
  }

  private func fill() throws {
    let storage = try FileStorage.open(directory: directory.path)
    let file = try storage.open("a", for: .creating)
    let bytes = [UInt8](repeating: 1, count: 10_000)
    var offset: UInt64 = 0
    var failure: StorageError?
    while failure == nil {
      do throws(StorageError) {
        offset += UInt64(try file.write(bytes[...], at: offset))
      } catch {
        failure = error
      }
      try #require(offset <= 65_536)
    }
    #expect(failure == StorageError(operation: .write, path: "a", code: ENOSPC))
    #expect(try file.size() == offset)
    #expect(offset > 0)
    try file.synchronize()
  }
}

private let hasFlockProgram = FileManager.default.isExecutableFile(atPath: "/usr/bin/flock")

/// Whether this process may mount a file system: root may, but not in every container.
private let canMount: Bool = {
  guard isRoot, let directory = try? TemporaryDirectory(),
    (try? run("/bin/mount", "-t", "tmpfs", "-o", "size=64k", "none", directory.path)) == 0
  else { return false }
  return (try? run("/bin/umount", directory.path)) == 0
}()
