import CInterposer
import Foundation
import Simulation

/// Real files below one directory, of which is known what is durable, and whose calls may fail: what
/// ``SimulatedDisk`` is for the log, for the keys and the views beside it.
///
/// Only calls of the thread that watches are seen.
final class WatchedFiles {
  /// A file, whatever its names: it is held open, so that its number isn't given to another one.
  private final class Inode {
    let descriptor: Int32
    var durable: [UInt8]

    init?(_ path: String, durable: [UInt8]) {
      descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { return nil }
      self.durable = durable
    }

    deinit { close(descriptor) }

    var live: [UInt8] {
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = unsafe pread(descriptor, &piece, piece.count, off_t(bytes.count))
        guard count > 0 else { return bytes }
        bytes += piece[..<count]
      }
    }

    var number: UInt64? {
      var status = stat()
      return unsafe fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
    }
  }

  /// What lies in the directory: contents by their paths within it.
  typealias Files = [String: [UInt8]]

  /// Whether this can be done here; not where a sanitizer stands in the same place.
  static var isPossible: Bool { ledger_can_interpose() }

  private let root: String
  /// The directories whose names count, `""` for the root itself.
  private let directories: [String]
  private var inodes: [UInt64: Inode] = [:]
  private var durableNames: [String: UInt64] = [:]
  private let disk: () -> SimulatedDisk

  /// Faults by the number of the call, counted from 0.
  var faults: [Int: SimulatedDisk.Fault] = [:]
  /// A fault for each call from this one on that has none of its own.
  var faultForEver: (from: Int, fault: SimulatedDisk.Fault)?
  /// What each call was.
  private(set) var trace: [String] = []
  /// Whether a sync that is about to answer makes nothing durable.
  private var isLying = false

  /// - Parameter disk: Loses its power with these files, and they with it.
  init(_ root: String, directories: [String], beside disk: @escaping () -> SimulatedDisk) {
    // The system tells paths without links.
    self.root = URL(fileURLWithPath: root).resolvingSymlinksInPath().path
    self.directories = directories
    self.disk = disk
  }

  // MARK: - Watching

  /// Does something whose calls count.
  func watching<Result>(_ body: () throws -> Result) rethrows -> Result {
    let context = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    return unsafe try root.withCString { path in
      unsafe ledger_watch(
        path, context,
        { context, kind, path, length in
          guard let context = unsafe context, let path = unsafe path else {
            return ledger_answer(error: 0, limit: .max, does_it: true)
          }
          let files = unsafe Unmanaged<WatchedFiles>.fromOpaque(context).takeUnretainedValue()
          return unsafe files.answer(kind, String(cString: path), Int(length))
        },
        { context, kind, path, descriptor in
          guard let context = unsafe context, let path = unsafe path else { return }
          let files = unsafe Unmanaged<WatchedFiles>.fromOpaque(context).takeUnretainedValue()
          unsafe files.note(kind, String(cString: path), descriptor)
        })
      defer { ledger_watch(nil, nil, nil, nil) }
      return try body()
    }
  }

  private static let words = ["open", "write", "synchronize", "rename", "truncate", "remove"]

  private func answer(_ kind: Int32, _ path: String, _ length: Int) -> ledger_answer {
    let index = trace.count
    trace.append("\(Self.words[Int(kind)]) \(path.dropFirst(root.utf8.count + 1))")
    var fault = faults[index]
    if fault == nil, let faultForEver, index >= faultForEver.from { fault = faultForEver.fault }
    isLying = fault == .lyingSync
    if fault == .crash { disk().cutPower() }
    let through = ledger_answer(error: 0, limit: .max, does_it: true)
    if disk().isOff { return ledger_answer(error: EIO, limit: 0, does_it: false) }
    switch fault {
    case nil, .crash, .lyingSync: return through
    case .error(let code): return ledger_answer(error: code, limit: 0, does_it: false)
    case .falseError(let code):
      return ledger_answer(error: code, limit: 0, does_it: kind != LEDGER_CALL_WRITE)
    case .shortWrite(let limit):
      return ledger_answer(error: 0, limit: Int64(max(1, limit)), does_it: true)
    case .shortBy(let missing):
      return ledger_answer(error: 0, limit: Int64(max(1, length - missing)), does_it: true)
    case .halfWrite: return ledger_answer(error: 0, limit: Int64(max(1, length / 2)), does_it: true)
    }
  }

  private func note(_ kind: Int32, _ path: String, _ descriptor: Int32) {
    guard kind == LEDGER_CALL_SYNC && !isLying || kind == LEDGER_CALL_OPEN else { return }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return }
    let number = UInt64(status.st_ino)
    if status.st_mode & S_IFMT == S_IFDIR {
      if kind == LEDGER_CALL_SYNC { noteNames(in: String(path.dropFirst(root.utf8.count + 1))) }
    } else if kind == LEDGER_CALL_OPEN {
      // One that isn't known yet has just been made: nothing of it is durable.
      if inodes[number] == nil { inodes[number] = Inode(path, durable: []) }
    } else if let inode = inodes[number] {
      inode.durable = inode.live
    }
  }

  private func noteNames(in directory: String) {
    for path in durableNames.keys where Self.directory(of: path) == directory {
      durableNames[path] = nil
    }
    for (path, number) in liveNames(in: directory) { durableNames[path] = number }
    // Whatever has no name any more, and none to come back to, is gone.
    var named = Set(durableNames.values)
    for directory in directories { named.formUnion(liveNames(in: directory).values) }
    inodes = inodes.filter { named.contains($0.key) }
  }

  private static func directory(of path: String) -> String {
    path.split(separator: "/").dropLast().joined(separator: "/")
  }

  private func liveNames(in directory: String) -> [String: UInt64] {
    var names: [String: UInt64] = [:]
    let folder = directory.isEmpty ? root : "\(root)/\(directory)"
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      var status = stat()
      guard unsafe lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG
      else { continue }
      names[directory.isEmpty ? name : "\(directory)/\(name)"] = UInt64(status.st_ino)
    }
    return names
  }

  // MARK: - Files as they are, and as they may be found

  /// What lies there now.
  func files() -> Files {
    var files: Files = [:]
    for directory in directories {
      for path in liveNames(in: directory).keys {
        let bytes = FileManager.default.contents(atPath: "\(root)/\(path)")
        files[path] = bytes.map(Array.init)
      }
    }
    return files
  }

  /// The files as they may be found after the power failed now.
  ///
  /// - Parameter choose: Whether an unsynced sector, or the names of a directory, were kept.
  func image(keeping choose: () -> Bool) -> Files {
    var names = durableNames
    for directory in directories {
      let live = liveNames(in: directory)
      let durable = durableNames.filter { Self.directory(of: $0.key) == directory }
      guard live != durable, choose() else { continue }
      for path in durable.keys { names[path] = nil }
      names.merge(live) { _, new in new }
    }
    var files: Files = [:]
    // The index of SQLite's log is in memory only.
    for (path, number) in names.sorted(by: { $0.key < $1.key }) where !path.hasSuffix("-shm") {
      guard let inode = inodes[number] else { continue }
      files[path] = Self.mixed(inode.durable, inode.live, choose)
    }
    return files
  }

  private static func mixed(
    _ durable: [UInt8], _ live: [UInt8], _ choose: () -> Bool
  ) -> [UInt8] {
    if durable == live { return durable }
    var bytes = durable
    let sector = SimulatedDisk.sectorBytes
    for start in stride(from: 0, to: live.count, by: sector) {
      let end = min(start + sector, live.count)
      let isSame = end <= durable.count && durable[start..<end] == live[start..<end]
      guard !isSame, choose() else { continue }
      if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
      bytes.replaceSubrange(start..<end, with: live[start..<end])
    }
    if live.count < bytes.count, choose() { bytes.removeLast(bytes.count - live.count) }
    return bytes
  }

  /// Puts files there in place of all that lie there; they are durable, and nothing fails any more.
  func put(_ files: Files) throws {
    let manager = FileManager.default
    for directory in directories {
      for path in liveNames(in: directory).keys where files[path] == nil {
        try manager.removeItem(atPath: "\(root)/\(path)")
      }
    }
    for (path, bytes) in files {
      let place = "\(root)/\(path)"
      if let there = manager.contents(atPath: place), Array(there) == bytes { continue }
      try? manager.removeItem(atPath: place)
      guard
        manager.createFile(
          atPath: place, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
      else { throw Broken("\(place) can't be written") }
    }
    begin()
  }

  /// Takes what lies there for durable; nothing fails any more, and calls are counted anew.
  func begin() {
    (faults, faultForEver, trace, isLying) = ([:], nil, [], false)
    (inodes, durableNames) = ([:], [:])
    for directory in directories {
      for (path, number) in liveNames(in: directory) {
        let bytes = FileManager.default.contents(atPath: "\(root)/\(path)").map(Array.init) ?? []
        inodes[number] = Inode("\(root)/\(path)", durable: bytes)
        durableNames[path] = number
      }
    }
  }
}
