import Bytes
import Events
import Platform

/// The 256 files that hold users' keys: a line each, `ID KEY`, the key as 64 hex digits, by the bytes of
/// the ids.
///
/// They change only under the writer's lock, and what was read of one is good until somebody else has had
/// that: another process may have put another file in its place.
struct UserKeys {
  private struct Bucket {
    var version: FileVersion?
    var keys: [String: [UInt8]] = [:]
    /// Whether this process has looked at the file in this turn.
    var isTrusted = true
  }

  private let path: LedgerPath
  private var buckets: [UInt8: Bucket] = [:]

  /// What one file may hold at most.
  private static let fileLimit = 64 << 20
  private static let keyBytes = 32

  init(_ path: LedgerPath) { self.path = path }

  /// What was read is to be held against the files before it is used again.
  mutating func distrust() {
    for bucket in buckets.keys { buckets[bucket]?.isTrusted = false }
  }

  /// The user's key, or `nil` where there is none.
  mutating func key(
    of user: EntityID, in bucket: UInt8
  ) throws(LedgerError) -> [UInt8]? {
    try load(bucket)
    return buckets[bucket]?.keys[user.text]
  }

  /// The ids that have keys.
  mutating func users(in bucket: UInt8) throws(LedgerError) -> Set<String> {
    try load(bucket)
    return Set(buckets[bucket]?.keys.keys.map { $0 } ?? [])
  }

  /// Gives a user a key, which isn't durable before ``write(_:)``.
  mutating func set(_ key: [UInt8], of user: EntityID, in bucket: UInt8) {
    buckets[bucket, default: Bucket()].keys[user.text] = key
  }

  /// Makes files as they are to be, durably.
  mutating func write(_ changed: [UInt8]) throws(LedgerError) {
    let files = changed.map { bucket in
      let lines = (buckets[bucket]?.keys ?? [:])
        .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\($0.key) \(Hex.encode($0.value))\n" }
      return (path: path.userKeys(bucket), bytes: Array(lines.joined().utf8))
    }
    do {
      try inFiles { () throws(PlatformError) in try replaceSecretFiles(files) }
      for bucket in changed {
        let version = try version(of: bucket)
        buckets[bucket]?.version = version
      }
    } catch {
      // Nobody knows what the files hold now: they are read again.
      for bucket in changed { buckets[bucket] = nil }
      throw error
    }
  }

  /// Takes users' keys out of a file: first their bytes, where they stand, so that no crash leaves
  /// them; then their lines.
  mutating func destroy(_ users: [EntityID], in bucket: UInt8) throws(LedgerError) {
    buckets[bucket] = nil
    guard try version(of: bucket) != nil else { return }
    try load(bucket)
    let gone = Set(users.map(\.text))
    let file = path.userKeys(bucket)
    let bytes = try read(file)
    var ranges: [Range<Int>] = []
    var start = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if let (id, _) = try? entry(line, in: file), gone.contains(id) {
        let digits = start + id.utf8.count + 1
        ranges.append(digits..<start + line.count)
      }
      start += line.count + 1
    }
    if ranges.isEmpty { return }
    try inFiles { () throws(PlatformError) in
      if let found = try ForgottenFile(file) { try found.overwrite(ranges) }
    }
    for id in gone { buckets[bucket]?.keys[id] = nil }
    try write([bucket])
  }

  /// Takes away what calls that were interrupted left: files with keys and temporary names.
  func removeLeftovers() throws(LedgerError) {
    try inFiles { () throws(PlatformError) in
      let names = try namesInDirectory(path.userKeys).filter { $0.utf8.first == UInt8(ascii: ".") }
      if names.isEmpty { return }
      for name in names { try removeSecretFile(joinPath(path.userKeys, name)) }
      try synchronizeDirectory(path.userKeys)
    }
  }

  // MARK: - Reading

  private func version(of bucket: UInt8) throws(LedgerError) -> FileVersion? {
    try inFiles { () throws(PlatformError) in try FileVersion(of: path.userKeys(bucket)) }
  }

  private mutating func load(_ bucket: UInt8) throws(LedgerError) {
    if buckets[bucket]?.isTrusted == true { return }
    while true {
      let found = try version(of: bucket)
      if var known = buckets[bucket], known.version == found {
        known.isTrusted = true
        buckets[bucket] = known
        return
      }
      do {
        let keys = found == nil ? [:] : try keys(in: path.userKeys(bucket))
        buckets[bucket] = Bucket(version: found, keys: keys)
      } catch {
        // Whoever looks without the lock may meet a file that is just replaced.
        guard try version(of: bucket) != found else { throw error }
        continue
      }
      return
    }
  }

  private func read(_ file: String) throws(LedgerError) -> [UInt8] {
    try inFiles { () throws(PlatformError) in try readFile(file, limit: Self.fileLimit) }
  }

  private func keys(in file: String) throws(LedgerError) -> [String: [UInt8]] {
    var keys: [String: [UInt8]] = [:]
    for line in try read(file).split(separator: UInt8(ascii: "\n")) {
      let (id, key) = try entry(line, in: file)
      // What was destroyed, and whose line a crash has left.
      if key.allSatisfy({ $0 == 0 }) { continue }
      keys[id] = key
    }
    return keys
  }

  private func entry(
    _ line: ArraySlice<UInt8>, in file: String
  ) throws(LedgerError) -> (id: String, key: [UInt8]) {
    let parts = line.split(separator: UInt8(ascii: " "))
    guard parts.count == 2, let key = Hex.decode(parts[1]), key.count == Self.keyBytes else {
      throw .badKeyFile(path: file)
    }
    return (String(decoding: parts[0], as: UTF8.self), key)
  }
}
