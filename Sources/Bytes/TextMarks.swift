import CKernels

/// Finds the bytes of a line that don't stand for themselves in a JSON string.
///
/// These are the quotes, the backslashes, the controls and all bytes beyond ASCII. In a canonical
/// line most of them are quotes: the next mark behind an opening quote is where the string ends.
@safe package final class TextMarks {
  /// Room for the marks, kept from line to line.
  private var places: UnsafeMutableBufferPointer<UInt32>
  private var count = 0

  /// So many places behind the last mark read as the end of the line.
  private static let guards = 2

  package init() { unsafe places = .allocate(capacity: 4_096) }

  deinit { unsafe places.deallocate() }

  /// The marks of the last line, ascending.
  package var found: [UInt32] { unsafe Array(places[..<count]) }

  /// Finds the marks of `line`, which is shorter than 2^32 bytes.
  ///
  /// - Returns: The marks, and behind them twice the line's last place; until the next line's.
  @discardableResult
  package func find(in line: RawSpan) -> UnsafeBufferPointer<UInt32> {
    unsafe find(in: line) { bytes, count, places in unsafe text_marks(bytes, count, places) }
  }

  private func find(
    in line: RawSpan,
    by kernel: (UnsafeRawPointer?, Int, UnsafeMutablePointer<UInt32>?) -> Int
  ) -> UnsafeBufferPointer<UInt32> {
    invariant(line.byteCount < UInt32.max, "a line of \(line.byteCount) bytes has no marks")
    let room = line.byteCount + Int(TEXT_MARKS_SLACK) + Self.guards
    if unsafe places.count < room {
      unsafe places.deallocate()
      unsafe places = .allocate(capacity: room * 2)
    }
    count = unsafe line.withUnsafeBytes { bytes in
      unsafe kernel(bytes.baseAddress, bytes.count, places.baseAddress)
    }
    for index in 0..<Self.guards {
      unsafe places[count + index] = UInt32(truncatingIfNeeded: line.byteCount &- 1)
    }
    return unsafe UnsafeBufferPointer(rebasing: places[..<count])
  }
}

extension TextMarks {
  /// The implementations, which give the same answer on every input.
  package enum Kernel: UInt32, CaseIterable, Sendable {
    case plain = 0
    case avx2 = 1
    case avx512 = 2
    case neon = 3

    /// Whether the processor has the instructions.
    package var isAvailable: Bool { text_marks_has(rawValue) }
  }

  /// As ``find(in:)``, but by the kernel that is named, so that each can be tested.
  package func find(in line: RawSpan, with kernel: Kernel) {
    invariant(kernel.isAvailable, "the processor can't run \(kernel)")
    _ = unsafe find(in: line) { bytes, count, places in
      unsafe text_marks_with(kernel.rawValue, bytes, count, places)
    }
  }
}
