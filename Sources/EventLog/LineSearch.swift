import Bytes

/// Looks for commit lines and seals that are valid by themselves, wherever in a segment they stand
/// (`FORMAT.md` §6.1), from front to back and each byte once.
struct LineSearch {
  enum Line {
    case commit(CommitLine)
    case seal(SealLine)
  }

  private let file: any StorageFile
  private let segment: UInt64
  private let ledger: LedgerID

  private var buffer: [UInt8] = []
  /// Where the buffer's first byte stands in the segment, and how many of its bytes are read.
  private var bufferOffset: UInt64
  private var filled = 0
  private var index = 0
  private var isAtEnd = false

  init(_ file: any StorageFile, of segment: UInt64, in ledger: LedgerID, from offset: UInt64) {
    self.file = file
    self.segment = segment
    self.ledger = ledger
    bufferOffset = offset
  }

  /// Goes on from `offset` on, but never back.
  mutating func skip(to offset: UInt64) {
    guard offset > bufferOffset + UInt64(index) else { return }
    let distance = offset - bufferOffset
    if distance <= UInt64(filled) {
      index = Int(distance)
    } else {
      bufferOffset = offset
      filled = 0
      index = 0
    }
  }

  /// The next line and where it begins; `nil` where none follows.
  mutating func next() throws(StorageError) -> (line: Line, offset: UInt64)? {
    while true {
      guard
        let found = firstIndex(of: UInt8(ascii: "#"), in: buffer.span, from: index, to: filled)
      else {
        index = filled
        if isAtEnd { return nil }
        try refill()
        continue
      }
      index = found
      if filled - found < CommitLine.length, !isAtEnd {
        try refill()
        continue
      }
      index = found + 1
      if let line = line(at: found) { return (line, bufferOffset + UInt64(found)) }
    }
  }

  private func line(at found: Int) -> Line? {
    let rest = buffer[found..<filled]
    let offset = bufferOffset + UInt64(found)
    if let line = CommitLine(
      rest.prefix(CommitLine.length), in: ledger, segment: segment, offset: offset)
    {
      return .commit(line)
    }
    return SealLine(rest.prefix(SealLine.length), in: ledger, segment: segment, offset: offset)
      .map { .seal($0) }
  }

  /// Reads on, keeping what stands from the index on.
  private mutating func refill() throws(StorageError) {
    moveToFront(&buffer, index..<filled)
    bufferOffset += UInt64(index)
    filled -= index
    index = 0
    // It grows while it is used, so that a look at little costs little.
    if buffer.count < 1 << 18 {
      buffer += [UInt8](repeating: 0, count: max(buffer.count, 1 << 12))
    }
    let wanted = buffer.count - filled
    let count = try file.readFully(
      into: &buffer, range: filled..<buffer.count, at: bufferOffset + UInt64(filled))
    filled += count
    isAtEnd = count < wanted
  }

  /// The greatest `durable` of the commit lines from an offset on, or 0.
  static func greatestDurable(
    in file: any StorageFile, of segment: UInt64, in ledger: LedgerID, from offset: UInt64
  ) throws(StorageError) -> UInt64 {
    var search = LineSearch(file, of: segment, in: ledger, from: offset)
    var greatest: UInt64 = 0
    while let found = try search.next() {
      if case .commit(let line) = found.line { greatest = max(greatest, line.durable.size) }
    }
    return greatest
  }
}

/// The header of a segment, where it is valid by itself.
func readHeader(
  of segment: UInt64, in file: any StorageFile, _ ledger: LedgerID
) throws(StorageError) -> SegmentHeader? {
  var bytes = [UInt8](repeating: 0, count: SegmentHeader.length(first: segment))
  guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: 0) == bytes.count else {
    return nil
  }
  return SegmentHeader(bytes[...], segment: segment, in: ledger)
}

/// The commit line that stands at an offset, where it is valid by itself.
func readCommitLine(
  at offset: UInt64, of segment: UInt64, _ file: any StorageFile, _ ledger: LedgerID
) throws(StorageError) -> CommitLine? {
  var bytes = [UInt8](repeating: 0, count: CommitLine.length)
  guard try file.readFully(into: &bytes, range: 0..<bytes.count, at: offset) == bytes.count
  else { return nil }
  return CommitLine(bytes[...], in: ledger, segment: segment, offset: offset)
}
