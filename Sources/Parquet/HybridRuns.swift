/// Parquet's RLE/bit-packing hybrid, and its plain booleans, which are its packed bits of width 1.
///
/// Source: `Encodings.md` of Apache Parquet.
enum HybridRuns {
  /// How many equal values make a run: eight, since packed values come in groups of eight.
  private static let least = 8

  /// Appends `numbers`, each below 2^`width`, as runs of equal ones and packed groups of others.
  ///
  /// Only the last packed group may be filled up, with zeros: a reader takes what an earlier one
  /// was filled up with for values.
  static func append<Number: FixedWidthInteger & UnsignedInteger>(
    _ numbers: ArraySlice<Number>, width: Int, to bytes: inout [UInt8]
  ) {
    var packed = numbers.startIndex
    var index = packed
    while index < numbers.endIndex {
      var end = index + 1
      while end < numbers.endIndex, numbers[end] == numbers[index] { end += 1 }
      // What the group before still needs is taken from the run.
      let needed = (8 - (index - packed) % 8) % 8
      if end - index - needed >= least {
        appendPacked(numbers[packed..<index + needed], width: width, to: &bytes)
        bytes.append(varint: UInt64(end - index - needed) << 1)
        for byte in 0..<(width + 7) / 8 {
          bytes.append(UInt8(truncatingIfNeeded: UInt64(numbers[index]) >> (8 * byte)))
        }
        packed = end
      }
      index = end
    }
    appendPacked(numbers[packed...], width: width, to: &bytes)
  }

  private static func appendPacked<Number: FixedWidthInteger & UnsignedInteger>(
    _ numbers: ArraySlice<Number>, width: Int, to bytes: inout [UInt8]
  ) {
    if numbers.isEmpty { return }
    let groups = (numbers.count + 7) / 8
    bytes.append(varint: UInt64(groups) << 1 | 1)
    let end = bytes.count + groups * width
    pack(numbers, width: width, to: &bytes)
    while bytes.count < end { bytes.append(0) }
  }

  /// Appends the low `width` bits of each number, the lowest bit first, and zeros up to a byte.
  static func pack<Number: FixedWidthInteger & UnsignedInteger>(
    _ numbers: ArraySlice<Number>, width: Int, to bytes: inout [UInt8]
  ) {
    var bits: UInt64 = 0
    var count = 0
    for number in numbers {
      bits |= UInt64(number) << count
      count += width
      while count >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: bits))
        bits >>= 8
        count -= 8
      }
    }
    if count > 0 { bytes.append(UInt8(truncatingIfNeeded: bits)) }
  }

  /// The bits that numbers up to `greatest` need; at least 1, since not every reader takes a width
  /// of none.
  static func width(of greatest: Int) -> Int { max(1, Int.bitWidth - greatest.leadingZeroBitCount) }
}
