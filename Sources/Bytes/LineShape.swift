/// What all canonical lines of one kind have in common, so that the next of them is seen at a glance.
///
/// Learnt from a line that is canonical: its keys, punctuation and words are constant, the strings
/// and integers between them are its values. Another line that has the same constants, and between
/// them strings without marks and canonical integers, is canonical too: the same keys stand in the
/// same order at the same depth. A line of any other shape may be canonical as well; that is for
/// ``CanonicalScanner`` to say.
@safe package struct LineShape: Sendable {
  /// A value, by what stands before it.
  private struct Run: BitwiseCopyable, Sendable {
    /// Where the constant before the value stands in ``constants``.
    let start: Int
    let count: Int
    /// How many marks the constant has.
    let marks: Int
    let isText: Bool
  }

  private var constants: [UInt8] = []
  private var runs: [Run] = []
  /// What stands behind the last value.
  private var last = Run(start: 0, count: 0, marks: 0, isText: false)

  /// Longer lines have too many shapes.
  package static let mostValues = 64
  private static let mostConstants = 4_096

  /// Learns the shape of a canonical line, and hands over where its values stand.
  ///
  /// - Returns: `nil` where a string has a mark, or where there is too much of all.
  package init?(of line: RawSpan, values: inout [Range<Int>]) {
    values.removeAll(keepingCapacity: true)
    var (index, runStart, marks) = (0, 0, 0)
    func run(to end: Int, isText: Bool) -> Run {
      Run(start: constants.count, count: end - runStart, marks: marks, isText: isText)
    }
    while index < line.byteCount {
      guard values.count < Self.mostValues, index < Self.mostConstants + 65_535 else { return nil }
      let first = line.byte(at: index)
      if first == UInt8(ascii: "\"") {
        guard let close = Self.end(ofPlainString: index, in: line) else { return nil }
        if line.byte(at: close + 1) == UInt8(ascii: ":") {
          marks += 2
          index = close + 2
          continue
        }
        marks += 1
        runs.append(run(to: index + 1, isText: true))
        for offset in runStart...index { constants.append(line.byte(at: offset)) }
        values.append(index + 1..<close)
        (runStart, marks, index) = (close, 1, close + 1)
      } else if first == UInt8(ascii: "-") || Self.isDigit(first) {
        runs.append(run(to: index, isText: false))
        for offset in runStart..<index { constants.append(line.byte(at: offset)) }
        let start = index
        repeat { index += 1 } while Self.isDigit(line.byte(at: index))
        values.append(start..<index)
        (runStart, marks) = (index, 0)
      } else {
        index += 1
      }
    }
    last = run(to: index, isText: false)
    for offset in runStart..<index { constants.append(line.byte(at: offset)) }
    guard constants.count <= Self.mostConstants else { return nil }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  /// The place of the quote that closes a string without other marks.
  private static func end(ofPlainString start: Int, in line: RawSpan) -> Int? {
    var index = start + 1
    while line.byte(at: index) != UInt8(ascii: "\"") {
      let byte = line.byte(at: index)
      if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\\") { return nil }
      index += 1
    }
    return index
  }

  /// Whether a line has this shape; then its values stand at `values`.
  ///
  /// - Parameters:
  ///   - marks: The line's own, with ``TextMarks/guards`` behind them.
  ///   - values: Has room for ``mostValues`` ranges.
  func matches(
    _ line: UnsafeRawBufferPointer, marks: UnsafeBufferPointer<UInt32>,
    values: UnsafeMutableBufferPointer<Range<Int>>
  ) -> Bool {
    // What stands last stops every integer.
    guard let bytes = unsafe line.baseAddress?.assumingMemoryBound(to: UInt8.self),
      unsafe bytes[line.count - 1] == UInt8(ascii: "}")
    else { return false }
    return unsafe constants.withUnsafeBufferPointer { constants in
      guard let constants = constants.baseAddress else { return false }
      var offset = 0
      var mark = 0
      @inline(__always) func takes(_ run: Run) -> Bool {
        guard offset &+ run.count <= line.count,
          unsafe sameBytes(bytes + offset, constants + run.start, run.count)
        else { return false }
        offset &+= run.count
        mark &+= run.marks
        return true
      }
      var index = 0
      for run in runs {
        guard takes(run) else { return false }
        let start = offset
        if run.isText {
          // The constants' marks were passed, so this one is the first at or behind the value.
          offset = unsafe Int(marks.baseAddress.unsafelyUnwrapped[mark])
          guard offset &- start <= JSONLimits.standardStringBytes else { return false }
        } else {
          guard start < line.count, let number = unsafe canonicalInteger(in: bytes, at: start)
          else { return false }
          offset = number.end
        }
        unsafe values[index] = Range(uncheckedBounds: (start, offset))
        index &+= 1
      }
      return takes(last) && offset == line.count
    }
  }
}
