package import EventLog

/// A disk in memory that keeps apart what is written and what is durable.
///
/// Every call of ``Storage`` and ``StorageFile`` is counted; a plan of faults says which of them
/// fail, write short or lie. After a crash, ``crashImage(keeping:)`` makes a disk on which each
/// unsynced sector was kept or lost as the caller chooses (`FORMAT.md` §9).
package final class SimulatedDisk: Storage {
  package enum Fault: Hashable, Sendable {
    /// The power fails: this call and all after it do nothing.
    case crash
    /// The call fails with this errno and changes nothing; for a sync, the pages count as clean.
    case error(Int32)
    /// A write takes only so many bytes, at least one.
    case shortWrite(Int)
    /// A write takes so many bytes less than it should, at least one.
    case shortBy(Int)
    /// A write takes half of its bytes.
    case halfWrite
    /// A sync, rename or truncation does what it should, and answers with this errno all the same.
    case falseError(Int32)
    /// A sync answers success and makes nothing durable.
    case lyingSync
  }

  package static let sectorBytes = 512
  static let inputOutputError: Int32 = 5
  /// How many earlier states of a sector are kept.
  private static let rememberedStates = 2

  fileprivate final class Node {
    var live: [UInt8] = []
    var durable: [UInt8] = []
    /// Sectors whose live bytes were not made durable since they were written, each with what it
    /// held after earlier writes since then: the system may have written that.
    var unsynced: [Int: [[UInt8]]] = [:]
    /// Whether the length changed since the last sync.
    var isLengthUnsynced = false
    var lockHolder: ObjectIdentifier?

    func bytes(ofSector sector: Int) -> [UInt8] {
      Array(live.dropFirst(sector * sectorBytes).prefix(sectorBytes))
    }

    /// Notes that a sector is about to change.
    func touch(_ sector: Int) {
      var states = unsynced[sector] ?? []
      if unsynced[sector] != nil { states.append(bytes(ofSector: sector)) }
      unsynced[sector] = states.suffix(rememberedStates)
    }
  }

  fileprivate var names: [String: Node] = [:]
  private var durableNames: [String: Node] = [:]
  private var directories: Set<String> = [""]
  private var durableDirectories: Set<String> = [""]
  /// Whether the power has failed: no call does anything any more.
  package private(set) var isOff = false

  /// How many calls there were.
  package private(set) var operationCount = 0
  /// What each call was, for the message of a failing test.
  package private(set) var trace: [String] = []
  /// Faults by the number of the call, counted from 0.
  package var faults: [Int: Fault] = [:]
  /// A fault for each call from this one on that has none of its own.
  package var faultForEver: (from: Int, fault: Fault)?

  package init() {}

  // MARK: - Looking and damaging

  package var paths: [String] { names.keys.sorted() }

  package func bytes(of path: String) -> [UInt8]? { names[path]?.live }

  /// Replaces a file's bytes as a fault of the medium would: durable at once.
  package func setBytes(of path: String, to bytes: [UInt8]) {
    let node = names[path] ?? Node()
    node.live = bytes
    node.durable = bytes
    node.unsynced = [:]
    node.isLengthUnsynced = false
    names[path] = node
    durableNames[path] = node
    directories.insert(Self.directory(of: path))
    durableDirectories.insert(Self.directory(of: path))
  }

  package func remove(_ path: String) {
    names[path] = nil
    durableNames[path] = nil
  }

  /// A disk of its own with the same files, all of them durable, and no faults.
  package func copy() -> SimulatedDisk {
    let copy = SimulatedDisk()
    copy.directories = directories
    copy.durableDirectories = directories
    for path in paths {
      if let bytes = bytes(of: path) { copy.setBytes(of: path, to: bytes) }
    }
    return copy
  }

  // MARK: - Crashing

  /// The power fails now.
  package func cutPower() { isOff = true }

  /// How many choices ``crashImage(keeping:)`` asks for: one for each sector, length and directory
  /// in doubt.
  package var choiceCount: Int {
    var count = 0
    _ = crashImage { _ in
      count += 1
      return true
    }
    return count
  }

  /// The disk as it may be found after the power failed now.
  ///
  /// - Parameter choose: Called with 0, 1, 2 … in a fixed order; whether that unsynced thing was
  ///   kept.
  package func crashImage(keeping choose: (Int) -> Bool) -> SimulatedDisk {
    var index = 0
    func next() -> Bool {
      defer { index += 1 }
      return choose(index)
    }
    let image = SimulatedDisk()
    image.directories = durableDirectories
    var kept = durableNames
    for directory in directories.sorted() {
      let live = names.filter { Self.directory(of: $0.key) == directory }
      let durable = durableNames.filter { Self.directory(of: $0.key) == directory }
      let isSame =
        live.keys.sorted() == durable.keys.sorted() && live.allSatisfy { durable[$0] === $1 }
      guard !isSame, next() else { continue }
      for path in durable.keys { kept[path] = nil }
      kept.merge(live) { _, new in new }
    }
    image.directories.formUnion(kept.keys.map(Self.directory(of:)))
    image.durableDirectories = image.directories
    for path in kept.keys.sorted() {
      guard let node = kept[path] else { continue }
      image.setBytes(of: path, to: Self.survivingBytes(of: node, next: next))
    }
    return image
  }

  private static func survivingBytes(of node: Node, next: () -> Bool) -> [UInt8] {
    var bytes = node.durable
    for (sector, states) in node.unsynced.sorted(by: { $0.key < $1.key }) {
      let kept = ([node.bytes(ofSector: sector)] + states.reversed()).filter { _ in next() }
      guard let state = kept.first else { continue }
      let start = sector * sectorBytes
      let end = start + state.count
      if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
      bytes.replaceSubrange(start..<end, with: state)
    }
    if node.isLengthUnsynced, next() {
      if bytes.count > node.live.count { bytes.removeLast(bytes.count - node.live.count) }
      bytes += [UInt8](repeating: 0, count: node.live.count - bytes.count)
    }
    return bytes
  }

  // MARK: - Storage

  package func open(
    _ path: String, for access: StorageAccess
  ) throws(StorageError) -> any StorageFile {
    try step(.open, path)
    switch (access, names[path]) {
    case (.creating, .some): throw StorageError(operation: .open, path: path, code: 17)
    case (.creating, nil):
      guard directories.contains(Self.directory(of: path)) else {
        throw StorageError(operation: .open, path: path, code: 2)
      }
      names[path] = Node()
    case (_, nil): throw StorageError(operation: .open, path: path, code: 2)
    case (_, .some): break
    }
    guard let node = names[path] else {
      throw StorageError(operation: .open, path: path, code: 2)
    }
    return SimulatedFile(disk: self, node: node, path: path, isWritable: access != .reading)
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    try step(.list, directory)
    let directory = directory == "." ? "" : directory
    guard directories.contains(directory) else {
      throw StorageError(operation: .list, path: directory, code: 2)
    }
    let inner = directories.filter { !$0.isEmpty }
    return (Array(names.keys) + inner).filter { Self.directory(of: $0) == directory }
      .map { $0.split(separator: "/").last.map(String.init) ?? $0 }.sorted()
  }

  package func createDirectory(_ path: String) throws(StorageError) {
    try step(.createDirectory, path)
    guard directories.insert(path).inserted else {
      throw StorageError(operation: .createDirectory, path: path, code: 17)
    }
  }

  package func rename(_ path: String, to newPath: String) throws(StorageError) {
    let fault = try step(.rename, path)
    guard let node = names.removeValue(forKey: path) else {
      throw StorageError(operation: .rename, path: path, code: 2)
    }
    names[newPath] = node
    try Self.fail(fault, .rename, path)
  }

  package func removeFile(_ path: String) throws(StorageError) {
    try step(.remove, path)
    guard names.removeValue(forKey: path) != nil else {
      throw StorageError(operation: .remove, path: path, code: 2)
    }
  }

  package func synchronizeDirectory(_ path: String) throws(StorageError) {
    let fault = try step(.synchronizeDirectory, path)
    if fault == .lyingSync { return }
    let path = path == "." ? "" : path
    durableDirectories.formUnion(directories.filter { Self.directory(of: $0) == path })
    durableNames = durableNames.filter { Self.directory(of: $0.key) != path }
    for (name, node) in names where Self.directory(of: name) == path { durableNames[name] = node }
    try Self.fail(fault, .synchronizeDirectory, path)
  }

  /// Tells of a failure of what was done.
  fileprivate static func fail(
    _ fault: Fault?, _ operation: StorageError.Operation, _ path: String
  ) throws(StorageError) {
    guard case .falseError(let code)? = fault else { return }
    throw StorageError(operation: operation, path: path, code: code)
  }

  private static func directory(of path: String) -> String {
    path.split(separator: "/").dropLast().joined(separator: "/")
  }

  /// Counts a call and applies its fault.
  @discardableResult
  fileprivate func step(
    _ operation: StorageError.Operation, _ path: String
  ) throws(StorageError) -> Fault? {
    let index = operationCount
    operationCount += 1
    trace.append("\(operation.rawValue) \(path)")
    var fault = faults[index]
    if fault == nil, let faultForEver, index >= faultForEver.from { fault = faultForEver.fault }
    if isOff || fault == .crash {
      isOff = true
      throw StorageError(operation: operation, path: path, code: Self.inputOutputError)
    }
    if case .error(let code)? = fault, operation != .synchronize {
      throw StorageError(operation: operation, path: path, code: code)
    }
    return fault
  }
}

private final class SimulatedFile: StorageFile {
  private let disk: SimulatedDisk
  private let node: SimulatedDisk.Node
  private let path: String
  private let isWritable: Bool

  init(disk: SimulatedDisk, node: SimulatedDisk.Node, path: String, isWritable: Bool) {
    self.disk = disk
    self.node = node
    self.path = path
    self.isWritable = isWritable
  }

  deinit {
    if node.lockHolder == ObjectIdentifier(self) { node.lockHolder = nil }
  }

  func read(
    into bytes: inout [UInt8], range: Range<Int>, at offset: UInt64
  ) throws(StorageError) -> Int {
    try disk.step(.read, path)
    guard offset < UInt64(node.live.count) else { return 0 }
    let start = Int(offset)
    let count = min(range.count, node.live.count - start)
    bytes.replaceSubrange(
      range.lowerBound..<range.lowerBound + count, with: node.live[start..<start + count])
    return count
  }

  func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(StorageError) -> Int {
    let fault = try disk.step(.write, path)
    guard isWritable, !bytes.isEmpty else {
      throw StorageError(operation: .write, path: path, code: 9)
    }
    var count = bytes.count
    switch fault {
    case .shortWrite(let limit): count = max(1, min(count, limit))
    case .shortBy(let missing): count = max(1, count - missing)
    case .halfWrite: count = max(1, count / 2)
    default: break
    }
    let start = Int(offset)
    let end = start + count
    for sector in start / SimulatedDisk.sectorBytes...(end - 1) / SimulatedDisk.sectorBytes {
      node.touch(sector)
    }
    if node.live.count < end {
      node.live += [UInt8](repeating: 0, count: end - node.live.count)
      node.isLengthUnsynced = true
    }
    node.live.replaceSubrange(start..<end, with: bytes.prefix(count))
    return count
  }

  func size() throws(StorageError) -> UInt64 {
    try disk.step(.size, path)
    return UInt64(node.live.count)
  }

  func truncate(to size: UInt64) throws(StorageError) {
    let fault = try disk.step(.truncate, path)
    let length = Int(size)
    if node.live.count > length {
      node.live.removeLast(node.live.count - length)
    } else {
      node.live += [UInt8](repeating: 0, count: length - node.live.count)
    }
    node.isLengthUnsynced = true
    node.unsynced = node.unsynced.filter { $0.key * SimulatedDisk.sectorBytes < length }
    try SimulatedDisk.fail(fault, .truncate, path)
  }

  func synchronize() throws(StorageError) {
    let fault = try disk.step(.synchronize, path)
    if fault == .lyingSync { return }
    if case .error(let code)? = fault {
      // The system drops the pages' dirty marks: what they hold is never written any more.
      node.unsynced = [:]
      node.isLengthUnsynced = false
      throw StorageError(operation: .synchronize, path: path, code: code)
    }
    var durable = node.durable
    if durable.count > node.live.count { durable.removeLast(durable.count - node.live.count) }
    durable += [UInt8](repeating: 0, count: node.live.count - durable.count)
    for sector in node.unsynced.keys {
      let start = sector * SimulatedDisk.sectorBytes
      let end = min(start + SimulatedDisk.sectorBytes, node.live.count)
      if start < end { durable.replaceSubrange(start..<end, with: node.live[start..<end]) }
    }
    node.durable = durable
    node.unsynced = [:]
    node.isLengthUnsynced = false
    try SimulatedDisk.fail(fault, .synchronize, path)
  }

  func tryLock() throws(StorageError) -> Bool {
    try disk.step(.lock, path)
    guard node.lockHolder == nil || node.lockHolder == ObjectIdentifier(self) else { return false }
    node.lockHolder = ObjectIdentifier(self)
    return true
  }
}
