import Bytes

/// Eight bytes of a text, to be asked together which of them belong to a class.
///
/// An answer has the high bit of each byte that does.
struct EightBytes {
  private let word: UInt64

  /// - Parameter word: Bytes of ASCII.
  init(_ word: UInt64) { self.word = word }

  /// The bytes from `first` through `last`.
  func bytes(_ first: Unicode.Scalar, _ last: Unicode.Scalar) -> UInt64 {
    // Bytes below 128: no sum is carried into the next byte.
    let atLeast = word &+ Self.each &* UInt64(0x80 - first.value)
    let beyond = word &+ Self.each &* UInt64(0x7F - last.value)
    return atLeast & ~beyond & Self.highBits
  }

  func bytes(_ one: Unicode.Scalar) -> UInt64 { bytes(one, one) }

  var lowerCaseAndDigits: UInt64 { bytes("a", "z") | bytes("0", "9") }
  var lettersAndDigits: UInt64 {
    // The bit that makes a capital small makes no letter of anything else.
    EightBytes(word | Self.each &* 0x20).bytes("a", "z") | bytes("0", "9")
  }

  private static var each: UInt64 { 0x0101_0101_0101_0101 }
  static var highBits: UInt64 { each &* 0x80 }
}

/// Whether all bytes of a text belong to a class.
@inline(__always)
func holdsOnly(_ text: RawSpan, _ found: (EightBytes) -> UInt64) -> Bool {
  func isWhole(_ word: UInt64) -> Bool {
    word & EightBytes.highBits == 0 && found(EightBytes(word)) == EightBytes.highBits
  }
  var offset = 0
  while offset &+ 8 <= text.byteCount {
    let word = unsafe text.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    guard isWhole(word) else { return false }
    offset &+= 8
  }
  let rest = text.byteCount &- offset
  guard rest > 0 else { return true }
  // Digits, which are in every class, stand for what isn't there.
  return isWhole(text.word(at: offset) | 0x3030_3030_3030_3030 << UInt64(8 &* rest))
}

extension [UInt8] {
  /// A copy of the bytes.
  init(_ bytes: RawSpan) { self = unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
}
