package import Bytes
package import Merkle

/// What the present needs of events that are archived, in a file of `snapshot/` (`FORMAT.md` §28).
///
/// Opening one reads its checkpoints and event lines, not what the views hold.
package struct LogSnapshot {
  /// How many events it is as of.
  package let size: UInt64
  /// The root of these.
  package let root: Digest
  /// The roots of smaller trees that were signed, by their sizes.
  package private(set) var roots: [UInt64: Digest] = [:]
  /// The events whose lines it holds, ascending.
  package private(set) var events: [UInt64] = []
  /// Where what the views hold begins in the file.
  package private(set) var viewsOffset: UInt64 = 0
  /// The path, relative to the ledger.
  package let path: String

  private let file: any StorageFile
  private var lines: [UInt64: Range<UInt64>] = [:]

  static let viewsMark = Array("#views\n".utf8)

  /// Opens a snapshot.
  ///
  /// - Throws: `.badSnapshot` where there is none or it isn't one of this ledger; `.storage`.
  package init(
    _ path: String, in storage: any Storage, of ledger: LedgerID
  ) throws(LogError) {
    self.path = path
    do {
      file = try storage.open(path, for: .reading)
    } catch {
      guard error.isMissing else { throw .storage(error) }
      throw .badSnapshot(path: path)
    }
    var lines = LineCursor(file)
    guard let header = try lines.next(), let (size, root) = Self.header(header, ledger) else {
      throw .badSnapshot(path: path)
    }
    self.size = size
    self.root = root
    try read(&lines)
  }

  private mutating func read(_ lines: inout LineCursor) throws(LogError) {
    var last: UInt64?
    while let line = try lines.next() {
      if line.elementsEqual(Self.viewsMark) {
        viewsOffset = lines.offset
        return
      }
      if let (size, root) = Self.checkpoint(line) {
        guard events.isEmpty, size > last ?? 0, size <= self.size else { break }
        roots[size] = root
        last = size
        continue
      }
      if events.isEmpty { last = nil }
      let start = lines.offset
      guard let id = Self.event(line), last.map({ id > $0 }) ?? true, id < size,
        let text = try lines.next(), text.first == UInt8(ascii: "{"), text.count > 2,
        text[text.endIndex - 2] == UInt8(ascii: "}")
      else { break }
      events.append(id)
      self.lines[id] = start..<lines.offset - 1
      last = id
    }
    throw .badSnapshot(path: path)
  }

  /// The line of an event, without its newline; `nil` where the snapshot doesn't hold it.
  package func line(of id: UInt64) throws(LogError) -> [UInt8]? {
    guard let range = lines[id] else { return nil }
    var bytes = [UInt8](repeating: 0, count: range.count)
    let count = try reporting { () throws(StorageError) in
      try file.readFully(into: &bytes, range: 0..<bytes.count, at: range.lowerBound)
    }
    return count == bytes.count ? bytes : nil
  }

  /// The SHA-256 of all of it.
  package func digest() throws(LogError) -> Digest {
    try reporting { () throws(StorageError) in
      try forEachPiece(of: file, 0..<file.size()) { (_, _) in }
    }
  }

  /// The bytes from an offset on, at most a mebibyte of them; none at the end.
  package func piece(at offset: UInt64) throws(LogError) -> [UInt8] {
    try reporting { () throws(StorageError) in
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      let count = try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset)
      return Array(bytes.prefix(count))
    }
  }

  // MARK: - Its lines

  private static func header(_ line: [UInt8], _ ledger: LedgerID) -> (UInt64, Digest)? {
    guard var reader = LineReader(line[...], word: "snapshot"),
      reader.number("format", width: 1) == 1,
      let name = reader.field("ledger", width: 32), name.elementsEqual(ledger.hex.utf8),
      let size = reader.number("size", width: 16), size <= LogLimit.greatestID,
      let root = reader.hash("root"), reader.isAtNewline
    else { return nil }
    return (size, root)
  }

  private static func checkpoint(_ line: [UInt8]) -> (UInt64, Digest)? {
    guard var reader = LineReader(line[...], word: "checkpoint"),
      let size = reader.number("size", width: 16), let root = reader.hash("root"),
      reader.isAtNewline
    else { return nil }
    return (size, root)
  }

  private static func event(_ line: [UInt8]) -> UInt64? {
    guard var reader = LineReader(line[...], word: "event"),
      let id = reader.number("id", width: 16), reader.isAtNewline
    else { return nil }
    return id
  }

  /// The lines before what the views hold.
  ///
  /// - Parameters:
  ///   - roots: Of smaller trees that were signed, ascending by size.
  ///   - events: Lines without newlines, ascending by id.
  package static func beginning(
    _ head: TreeHead, of ledger: LedgerID, roots: [TreeHead],
    events: [(id: UInt64, line: [UInt8])]
  ) -> [UInt8] {
    var text = "#snapshot format=1 ledger=\(ledger.hex) size=\(padded(head.size, 16)) "
    text += "root=\(head.root.hex)\n"
    for root in roots {
      text += "#checkpoint size=\(padded(root.size, 16)) root=\(root.root.hex)\n"
    }
    var bytes = Array(text.utf8)
    for event in events {
      bytes += Array("#event id=\(padded(event.id, 16))\n".utf8)
      bytes += event.line
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes + viewsMark
  }
}

/// Reads a file's lines, each with its newline and at most as long as an event's may be.
private struct LineCursor {
  private let file: any StorageFile
  private var buffer: [UInt8] = []
  private var index = 0
  /// Where the next line begins.
  private(set) var offset: UInt64 = 0
  private static let limit = LogLimit.eventBytes + 1

  init(_ file: any StorageFile) { self.file = file }

  /// The next line, or `nil` where the rest of the file holds none.
  mutating func next() throws(LogError) -> [UInt8]? {
    while true {
      if let end = firstIndex(
        of: UInt8(ascii: "\n"), in: buffer.span, from: index, to: buffer.count)
      {
        let line = Array(buffer[index...end])
        guard line.count <= Self.limit else { return nil }
        offset += UInt64(line.count)
        index = end + 1
        return line
      }
      guard buffer.count - index < Self.limit else { return nil }
      buffer.removeFirst(index)
      index = 0
      var more = [UInt8](repeating: 0, count: 1 << 18)
      let place = offset + UInt64(buffer.count)
      let count = try reporting { () throws(StorageError) in
        try file.readFully(into: &more, range: 0..<more.count, at: place)
      }
      if count == 0 { return nil }
      buffer += more.prefix(count)
    }
  }
}

extension Storage {
  /// The names of the files in `snapshot/` that are named like snapshots.
  package func snapshots() throws(StorageError) -> [String] {
    do {
      return try list(LogPath.snapshotDirectory).filter { Digest(hex: $0.utf8) != nil }
    } catch {
      guard error.isMissing else { throw error }
      return []
    }
  }
}

/// What events tell of the archive that holds one event (`FORMAT.md` §28).
struct ArchiveStory {
  private let event: UInt64
  private(set) var archive: String?
  private(set) var isDisposed = false

  private static let archived = Array("\"type\":\"ledger.archived.v1\"}".utf8)
  private static let disposed = Array("\"type\":\"ledger.disposed.v1\"}".utf8)

  init(_ event: UInt64) { self.event = event }

  /// Takes the next event of the log.
  mutating func take(_ line: [UInt8]) {
    let isDisposal = line.suffix(Self.disposed.count).elementsEqual(Self.disposed)
    guard isDisposal || line.suffix(Self.archived.count).elementsEqual(Self.archived),
      case .object(let envelope)? = try? JSON(parsing: line),
      case .object(let data)? = envelope["data"], case .string(let id)? = data["archive_id"],
      case .string(let first)? = data["first"], case .string(let last)? = data["last"],
      let first = UInt64(first), let last = UInt64(last), first <= event, event <= last
    else { return }
    archive = id
    isDisposed = isDisposal
  }
}
