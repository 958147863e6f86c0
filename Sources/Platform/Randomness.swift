package import Bytes

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Bytes from the system's cryptographic source.
///
/// - Parameter count: At most 256, which is all that the system promises to give at once.
package func randomBytes(_ count: Int) throws(PlatformError) -> [UInt8] {
  invariant((0...256).contains(count), "\(count) random bytes at once")
  var bytes = [UInt8](repeating: 0, count: count)
  try PlatformError.naming(.randomBytes, "") { () throws(Errno) in
    try systemCall {
      unsafe bytes.withUnsafeMutableBytes { buffer -> Int32 in
        guard let start = buffer.baseAddress else { return Int32(0) }
        return unsafe getentropy(start, buffer.count)
      }
    }
  }
  return bytes
}

/// A UUID of version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits.
///
/// So later ones sort behind earlier ones as text, except within one millisecond. A moment before
/// 1970 counts as 1970.
///
/// - Parameter random: 10 bytes, of which 74 bits are used.
package func timeOrderedUUID(at instant: Instant, random: [UInt8]) -> String {
  invariant(random.count == 10, "a UUID from \(random.count) random bytes")
  let milliseconds = UInt64(max(0, instant.microseconds) / 1_000)
  var bytes = (0..<6).map { UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * UInt64($0))) }
  bytes += random
  bytes[6] = 0x70 | bytes[6] & 0x0F
  bytes[8] = 0x80 | bytes[8] & 0x3F
  var text: [UInt8] = []
  text.reserveCapacity(36)
  for (index, byte) in bytes.enumerated() {
    if index >= 4, index <= 10, index.isMultiple(of: 2) { text.append(UInt8(ascii: "-")) }
    text.append(Hex.digit(byte >> 4))
    text.append(Hex.digit(byte & 0xF))
  }
  return String(decoding: text, as: UTF8.self)
}
