import Bytes

/// A text that equals another one only where their bytes are the same.
///
/// Key ids and signatures are made over bytes, so `é` in one code point and in two are two names.
struct ByteText: Hashable, Sendable {
  let string: String

  init(_ string: String) { self.string = string }

  static func == (one: ByteText, other: ByteText) -> Bool { sameBytes(one.string, other.string) }

  func hash(into hasher: inout Hasher) {
    for byte in string.utf8 { hasher.combine(byte) }
  }
}
