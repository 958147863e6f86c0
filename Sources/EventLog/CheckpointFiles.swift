import Bytes
package import Merkle

/// The signed checkpoints that lie in a ledger (`FORMAT.md` §18): `checkpoint` holds the newest one,
/// `checkpoints.log` all of them, each followed by an empty line.
package struct CheckpointFiles {
  package static let newest = "checkpoint"
  package static let all = "checkpoints.log"
  private static let noteLimit = 64 << 10
  /// The two bytes that end an entry; the line before them is a signature's.
  private static let signatureMark = Array("\u{2014} ".utf8)

  private let storage: any Storage

  package init(_ storage: any Storage) { self.storage = storage }

  /// What `checkpoint` holds, or `nil` where there is none or it isn't a note.
  package func readNewest() throws(StorageError) -> SignedNote? {
    guard let bytes = try storage.read(Self.newest, limit: Self.noteLimit) else { return nil }
    return try? SignedNote(bytes)
  }

  /// How many events the newest checkpoint says that there were; 0 where it says nothing of this log.
  ///
  /// Its signature isn't checked: whoever may write the file can stop the ledger in easier ways.
  func claimedSize(of identity: LedgerIdentity) throws(StorageError) -> UInt64 {
    guard let note = try readNewest(), let checkpoint = try? Checkpoint(text: note.text),
      sameBytes(checkpoint.origin, identity.origin), checkpoint.head.size <= LogLimit.greatestID
    else { return 0 }
    return checkpoint.head.size
  }

  /// Adds a note to `checkpoints.log`, durably, and then makes it the newest one.
  ///
  /// The caller holds the lock of the key that signed it. What an interrupted call left unfinished
  /// at the end of `checkpoints.log` is written over.
  package func append(_ note: SignedNote) throws(StorageError) {
    let file = try storage.openOrCreate(Self.all)
    if try file.size() == 0 { try storage.synchronizeDirectory(".") }
    let end = try Self.endOfLastEntry(file)
    if try file.size() > end { try file.truncate(to: end) }
    try file.writeFully(note.bytes + [UInt8(ascii: "\n")], at: end)
    try file.synchronize()
    try replaceNewest(with: note)
  }

  /// Makes a note the newest one, durably: one with more signatures, for example.
  package func replaceNewest(with note: SignedNote) throws(StorageError) {
    try storage.replace(Self.newest, with: note.bytes)
  }

  /// Hands each whole note of `checkpoints.log` to `body`, in its order, with the bytes of the file
  /// that it takes; what isn't a note is passed over.
  package func forEach(_ body: (SignedNote, Range<UInt64>) -> Void) throws(StorageError) {
    let file: any StorageFile
    do {
      file = try storage.open(Self.all, for: .reading)
    } catch {
      guard error.isMissing else { throw error }
      return
    }
    var rest: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var offset: UInt64 = 0
    while true {
      let count = try file.readFully(into: &buffer, range: 0..<buffer.count, at: offset)
      if count == 0 { return }
      let base = offset - UInt64(rest.count)
      offset += UInt64(count)
      rest.append(contentsOf: buffer[..<count])
      var start = 0
      for end in Self.ends(in: rest) {
        if let note = try? SignedNote(Array(rest[start..<end - 1])) {
          body(note, base + UInt64(start)..<base + UInt64(end - 1))
        }
        start = end
      }
      rest.removeFirst(start)
      // Longer than any entry: nothing that a ledger writes.
      if rest.count > Self.noteLimit { rest.removeAll() }
    }
  }

  /// The note that takes these bytes of `checkpoints.log`, as ``forEach(_:)`` told.
  package func note(at range: Range<UInt64>) throws(StorageError) -> SignedNote? {
    let file = try storage.open(Self.all, for: .reading)
    var bytes = [UInt8](repeating: 0, count: range.count)
    _ = try file.readFully(into: &bytes, range: 0..<bytes.count, at: range.lowerBound)
    return try? SignedNote(bytes)
  }

  /// Where each entry ends in `bytes`: after an empty line that follows a signature's.
  private static func ends(in bytes: [UInt8]) -> [Int] {
    var ends: [Int] = []
    var lineStart = 0
    var isSignature = false
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
      if index == lineStart, isSignature { ends.append(index + 1) }
      isSignature = bytes[lineStart...].starts(with: signatureMark)
      lineStart = index + 1
    }
    return ends
  }

  private static func endOfLastEntry(_ file: any StorageFile) throws(StorageError) -> UInt64 {
    let length = try file.size()
    let start = length - min(length, UInt64(2 * noteLimit))
    var bytes = [UInt8](repeating: 0, count: Int(length - start))
    let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: start)
    return start + UInt64(ends(in: Array(bytes.prefix(count))).last ?? 0)
  }
}
