import Bytes
package import EventLog
import Events
package import Merkle

/// Something in a bundle that isn't as `FORMAT.md` §23 demands.
package struct BundleProblem: Hashable, Sendable {
  /// The file, or the event's line within one.
  package let place: String
  /// What is wrong with it.
  package let message: String

  package init(_ place: String, _ message: String) {
    self.place = place
    self.message = message
  }
}

/// What a bundle holds, checked without the ledger.
package struct BundleCheck {
  /// At most so many are named; all are counted.
  private static let listed = 1_000
  private static let textLimit = 64 << 20

  package private(set) var problems: [BundleProblem] = []
  package private(set) var problemCount = 0
  /// How many files and events were checked.
  package private(set) var fileCount = 0
  package private(set) var eventCount: UInt64 = 0
  /// The checkpoint as it stands in the bundle; believe it only once its signatures are checked.
  package private(set) var note: SignedNote?
  private let storage: any Storage

  /// Checks a bundle's files, and that its events are those of the checkpoint in it.
  ///
  /// - Parameter storage: The bundle's directory.
  /// - Throws: `.storage` where it can't be read at all.
  package init(_ storage: any Storage) throws(StorageError) {
    self.storage = storage
    var listed: Set<String> = ["tagmanifest-sha256.txt"]
    for name in ["tagmanifest-sha256.txt", "manifest-sha256.txt"] {
      try checkSums(in: name, &listed)
    }
    for path in try files(in: ".") where !listed.contains(path) {
      add(path, "stands in no list of the bag")
    }
    if let bytes = try text("data/checkpoint") {
      note = try? SignedNote(bytes)
      if note == nil { add("data/checkpoint", "is no signed note") }
    }
    let head = note.flatMap { try? Checkpoint(text: $0.text) }?.head
    try checkEvents(head)
    try checkProofs(head)
  }

  private mutating func add(_ place: String, _ message: String) {
    problemCount += 1
    if problems.count < Self.listed {
      problems.append(BundleProblem(place, message))
    }
  }

  /// All of a file that is short; `nil`, and a problem, where it isn't there.
  private mutating func text(_ path: String) throws(StorageError) -> [UInt8]? {
    guard var reader = try lines(path) else { return nil }
    var bytes: [UInt8] = []
    while let line = try reader.read() {
      bytes += line + [UInt8(ascii: "\n")]
      if bytes.count > Self.textLimit { break }
    }
    return bytes
  }

  private mutating func lines(_ path: String) throws(StorageError) -> FileLines? {
    try open(path) { FileLines($0) }
  }

  private mutating func open<Reader>(
    _ path: String, _ read: (any StorageFile) throws(StorageError) -> Reader
  ) throws(StorageError) -> Reader? {
    do throws(StorageError) {
      return try read(try storage.open(path, for: .reading))
    } catch {
      guard Self.isOfTheFile(error) else { throw error }
      add(path, error.isMissing ? "is missing" : "can't be read (system error \(error.code))")
      return nil
    }
  }

  /// Whether it is the name or the kind of file that is wrong, and no fault of the disk: ENOENT,
  /// EINVAL, ENOTDIR, EISDIR, ELOOP, EOPNOTSUPP.
  private static func isOfTheFile(_ error: StorageError) -> Bool {
    [2, 20, 21, 22, 40, 62, 95, 102].contains(error.code)
  }

  private mutating func checkSums(in list: String, _ listed: inout Set<String>)
    throws(StorageError)
  {
    guard var reader = try lines(list) else { return }
    while let line = try reader.read() {
      let path = String(decoding: line.dropFirst(66), as: UTF8.self)
      guard line.count > 66, line[64..<66].elementsEqual("  ".utf8),
        let digest = Hex.decode(line.prefix(64)).flatMap({ Digest(bytes: $0) })
      else {
        add(list, "has a line that is no SHA-256 of a file")
        continue
      }
      listed.insert(path)
      guard let file = try lines(path) else { continue }
      fileCount += 1
      if try file.digest() != digest { add(path, "isn't what \(list) says") }
    }
  }

  /// All files below a directory; what is neither a file nor a directory is one of them.
  private func files(in directory: String) throws(StorageError) -> [String] {
    var found: [String] = []
    for name in try storage.list(directory) {
      let path = directory == "." ? name : "\(directory)/\(name)"
      do throws(StorageError) {
        _ = try storage.list(path)
      } catch {
        guard Self.isOfTheFile(error) else { throw error }
        found.append(path)
        continue
      }
      if path.utf8.count < 1_024 { found += try files(in: path) }
    }
    return found
  }

  /// A line of the events' file.
  private struct Line {
    let id: EventID
    let bytes: [UInt8]
  }

  private mutating func next(_ events: inout FileLines) throws(StorageError) -> Line? {
    while let bytes = try events.read() {
      eventCount += 1
      if let id = try? Envelope(decoding: bytes).id { return Line(id: id, bytes: bytes) }
      add("data/events.jsonl line \(eventCount)", "isn't an event: it was changed")
    }
    return nil
  }

  private mutating func checkEvents(_ head: TreeHead?) throws(StorageError) {
    guard var proof = try lines("data/tree-proof"), var events = try lines("data/events.jsonl")
    else { return }
    guard let header = try proof.read(), header.elementsEqual(TreeProof.header.utf8) else {
      return add("data/tree-proof", "is no tree proof")
    }
    var folded = TreeProofReader()
    var line = try next(&events)
    let whole = try wholeSize()
    var missing: EventID = 0
    while let bytes = try proof.read() {
      guard let part = folded.take(bytes) else {
        return add("data/tree-proof", "doesn't go on at leaf \(folded.size)")
      }
      while let event = line, event.id < folded.size {
        if event.id < missing {
          add("event \(event.id)", "stands twice, or behind a later one")
        } else if part.level > 0 || event.id < part.index {
          add("event \(event.id)", "isn't one that data/tree-proof proves where it stands")
        } else if MerkleTree.leafHash(event.bytes) != part.hash {
          add("event \(event.id)", "isn't the event of the checkpoint: it was changed")
        }
        if let whole, event.id < whole, missing < event.id {
          add("event \(missing)", "is missing, or stands at another place")
        }
        missing = event.id + 1
        line = try next(&events)
      }
    }
    if line != nil { add("data/events.jsonl", "holds more than the checkpoint's events") }
    if let whole, missing < whole { add("event \(missing)", "is missing") }
    if let head, head != TreeHead(size: folded.size, root: folded.root) {
      add("data/tree-proof", "doesn't lead to the checkpoint's root")
    }
  }

  /// Checks the proofs of single events; where there are some, each event has one.
  private mutating func checkProofs(_ head: TreeHead?) throws(StorageError) {
    let names: [String]
    do { names = try storage.list(BundleProofs.directory) } catch {
      guard Self.isOfTheFile(error) else { throw error }
      return
    }
    guard var events = try lines("data/events.jsonl") else { return }
    func next() throws(StorageError) -> Line? {
      while let bytes = try events.read() {
        if let id = try? Envelope(decoding: bytes).id { return Line(id: id, bytes: bytes) }
      }
      return nil
    }
    var line = try next()
    for name in names {
      let path = "\(BundleProofs.directory)/\(name)"
      let opened = try open(path) { (file) throws(StorageError) in try BundleProofs.Reader(file) }
      guard var reader = opened else { continue }
      while let bytes = try reader.read() {
        guard let proof = try? TransparencyProof(bytes) else {
          add(path, "holds something that is no C2SP tlog-proof")
          continue
        }
        while let event = line, event.id < proof.index {
          add("event \(event.id)", "has no proof of its own in \(BundleProofs.directory)")
          line = try next()
        }
        let place = "\(path) event \(proof.index)"
        guard let event = line, event.id == proof.index else {
          add(place, "is proved, and isn't there, or stands at another place")
          continue
        }
        if proof.note.bytes != note?.bytes {
          add(place, "isn't proved for the checkpoint of the bundle")
        } else if let head,
          !proof.proof.proves(leaf: MerkleTree.leafHash(event.bytes), at: event.id, in: head)
        {
          add(place, "isn't proved: the event or its proof was changed")
        }
        line = try next()
      }
    }
    while let event = line {
      add("event \(event.id)", "has no proof of its own in \(BundleProofs.directory)")
      line = try next()
    }
  }

  /// How many events there must be, from the first on; `nil` where filters chose some.
  private mutating func wholeSize() throws(StorageError) -> UInt64? {
    guard let bytes = try text("manifest.json"),
      case .object(let manifest)? = try? JSON(parsing: bytes)
    else { return nil }
    guard case .object(let filters)? = manifest["filters"], filters.members.isEmpty,
      manifest["known_at"] == nil, case .string(let size)? = manifest["size"]
    else { return nil }
    return EventID(eventID: size)
  }
}

/// Reads a file line by line; a line may have up to a megabyte.
struct FileLines {
  private let file: any StorageFile
  private var buffer: [UInt8] = []
  private var start = 0
  private var offset: UInt64 = 0
  private static let part = 1 << 18
  private static let lineLimit = 1 << 20

  init(_ file: any StorageFile) { self.file = file }

  /// The next line without its newline, or `nil` after the last one.
  mutating func read() throws(StorageError) -> [UInt8]? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        return Array(buffer[start..<end])
      }
      if buffer.count - start > Self.lineLimit {
        defer { start = buffer.count }
        return Array(buffer[start...])
      }
      buffer.removeSubrange(..<start)
      start = 0
      searched = buffer.count
      buffer.append(contentsOf: repeatElement(0, count: Self.part))
      let count = try file.readFully(
        into: &buffer, range: searched..<buffer.count, at: offset)
      buffer.removeSubrange((searched + count)...)
      offset += UInt64(count)
      if count == 0 {
        defer { start = buffer.count }
        return buffer.isEmpty ? nil : Array(buffer[start...])
      }
    }
  }

  /// SHA-256 of all of the file.
  func digest() throws(StorageError) -> Digest {
    try fileDigest(file).digest
  }
}

/// SHA-256 and length of a file.
func fileDigest(
  _ file: any StorageFile
) throws(StorageError) -> (digest: Digest, length: UInt64) {
  var hasher = SHA256Hasher()
  var bytes = [UInt8](repeating: 0, count: 1 << 18)
  var offset: UInt64 = 0
  while true {
    let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset)
    if count == 0 { return (hasher.finish(), offset) }
    unsafe hasher.update(bytes.span.bytes.extracting(0..<count))
    offset += UInt64(count)
  }
}
