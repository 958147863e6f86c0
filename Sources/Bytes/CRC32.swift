/// The CRC-32 of zlib, gzip and PNG (ISO-HDLC, RFC 1952 §8): of the ASCII text `123456789` it is
/// `cbf43926`.
///
/// Only formats of others ask for it; the ledger's own checksum is ``CRC32C``.
package enum CRC32 {
  /// The state after each byte alone.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { state, _ in state >> 1 ^ (state & 1 == 1 ? 0xEDB8_8320 : 0) }
  }

  /// The checksum of `bytes`; 0 where there are none.
  package static func checksum(of bytes: [UInt8]) -> UInt32 {
    let table = table
    var state: UInt32 = 0xFFFF_FFFF
    for byte in bytes { state = state >> 8 ^ table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] }
    return ~state
  }
}
