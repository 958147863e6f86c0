import Bytes
import Merkle

/// Where the subject stands in an event line.
package enum EventLine {
  /// What stands at least between the subject's closing quote and the line's end.
  private static let rest = #","time":"","type":""}"#.utf8.count + Instant.textLength

  /// The bytes of the envelope's `subject`, as they are stored, found without parsing the line.
  ///
  /// It stands after `data`, so it is the last member of that name; within strings quotes are
  /// escaped, so no text can look like it.
  ///
  /// - Parameter line: Where the line stands in `bytes`, without its newline.
  /// - Returns: `nil` where the line can't be an event's that is well formed.
  package static func subject(in bytes: [UInt8], _ line: Range<Int>) -> Range<Int>? {
    guard let subject = unsafe subject(in: bytes.span.extracting(line).bytes) else { return nil }
    return line.lowerBound + subject.lowerBound..<line.lowerBound + subject.upperBound
  }

  /// As ``subject(in:_:)``, of one line.
  static func subject(in line: RawSpan) -> Range<Int>? {
    let (pattern, following): (StaticString, StaticString) = (#""subject":""#, #","time":""#)
    let width = pattern.utf8CodeUnitCount
    var index = line.byteCount - rest - width - 1
    while index >= 0 {
      defer { index -= 1 }
      guard line.byte(at: index) == UInt8(ascii: "\""),
        line.byte(at: index + 1) == UInt8(ascii: "s"),
        line.holds(pattern, in: index..<index + width)
      else { continue }
      let start = index + width
      guard
        let end = (start..<line.byteCount).first(where: {
          line.byte(at: $0) == UInt8(ascii: "\"")
        }), end + rest < line.byteCount,
        // What follows is what follows the envelope's: `time`, and nothing nested.
        line.holds(following, in: end + 1..<end + 1 + following.utf8CodeUnitCount),
        !(end..<line.byteCount - 1).contains(where: { line.byte(at: $0) == UInt8(ascii: "}") })
      else { return nil }
      return start..<end
    }
    return nil
  }
}

/// Where an event stands, in a stream index (`FORMAT.md` §31).
struct StreamRecord: Hashable, Sendable {
  static let length = 24

  // As three numbers, so that making, comparing and writing one costs next to nothing.
  private let words: (UInt64, UInt64, UInt64)

  /// What a stream is looked up by: the CRC32C of its subject.
  var key: UInt32 { UInt32(truncatingIfNeeded: words.0 >> 32) }
  /// The first bytes of the event's leaf hash.
  var leaf: UInt32 { UInt32(truncatingIfNeeded: words.0) }
  /// Where the event line begins in the segment.
  var offset: UInt64 { words.1 >> 16 }
  /// Its bytes, without the newline.
  var byteCount: Int { Int(words.1 & 0xFFFF) }
  /// Where its commit line begins; 0 where the record is wrong.
  var commitOffset: UInt64 { offset - min(offset, words.2 >> 32) }
  /// How many events of the segment stand before it.
  var number: UInt64 { words.2 & 0xFFFF_FFFF }

  /// - Parameters:
  ///   - range: Where the line stands in the segment, without its newline.
  ///   - commit: Where its commit line begins.
  ///   - number: Below 2^32.
  init(key: UInt32, leaf: Digest, at range: Range<UInt64>, commit: UInt64, number: UInt64) {
    words = (
      UInt64(key) << 32 | UInt64(leaf.prefix),
      range.lowerBound << 16 | UInt64(range.count),
      (range.lowerBound - commit) << 32 | number & 0xFFFF_FFFF
    )
  }

  /// - Parameter start: Where ``length`` bytes of a record begin.
  init(_ bytes: [UInt8], at start: Int) {
    words = (
      word(bytes, at: start), word(bytes, at: start + 8), word(bytes, at: start + 16)
    )
  }

  /// Writes it over the bytes from `start` on.
  func write(to bytes: inout [UInt8], at start: Int) {
    writeWord(words.0, to: &bytes, at: start)
    writeWord(words.1, to: &bytes, at: start + 8)
    writeWord(words.2, to: &bytes, at: start + 16)
  }

  static func key(_ subject: RawSpan) -> UInt32 {
    var checksum = CRC32C()
    checksum.update(subject)
    return checksum.value
  }

  /// The key of a line's subject; that of no bytes where it has none.
  static func key(of line: RawSpan) -> UInt32 { key(of: line, at: EventLine.subject(in: line)) }

  static func key(of line: RawSpan, at subject: Range<Int>?) -> UInt32 {
    subject.map { key(line.extracting($0)) } ?? CRC32C().value
  }

  static func == (one: StreamRecord, other: StreamRecord) -> Bool { one.words == other.words }

  func hash(into hasher: inout Hasher) { hasher.combine(words.1) }

  /// The records of a commit that a scanner has just read.
  static func all(
    of commit: CommitLine, at offset: UInt64, _ scanner: SegmentScanner
  ) -> [StreamRecord] {
    let body = offset + UInt64(CommitLine.length)
    let first = scanner.eventRanges.first?.lowerBound ?? 0
    return scanner.eventRanges.enumerated().map { index, range in
      let line = unsafe scanner.buffer.span.extracting(range).bytes
      let start = body + UInt64(range.lowerBound - first)
      return StreamRecord(
        key: key(of: line), leaf: MerkleTree.leafHash(line),
        at: start..<start + UInt64(range.count), commit: offset,
        number: commit.first - scanner.segment + UInt64(index))
    }
  }
}

/// Eight bytes as a number, the greatest first.
func word(_ bytes: [UInt8], at start: Int) -> UInt64 {
  // The bounds are checked, and every bit pattern is a number.
  UInt64(
    bigEndian: unsafe bytes.span.bytes.unsafeLoadUnaligned(
      fromByteOffset: start, as: UInt64.self))
}

/// The inverse of ``word(_:at:)``.
func writeWord(_ word: UInt64, to bytes: inout [UInt8], at start: Int) {
  invariant(start >= 0 && start + 8 <= bytes.count, "a number is written beyond its buffer")
  unsafe bytes.withUnsafeMutableBytes {
    unsafe $0.storeBytes(of: word.bigEndian, toByteOffset: start, as: UInt64.self)
  }
}

extension CRC32C {
  /// Takes a number's eight bytes, the greatest first.
  mutating func update(word: UInt64) {
    unsafe withUnsafeBytes(of: word.bigEndian) { unsafe update(RawSpan(_unsafeBytes: $0)) }
  }
}
