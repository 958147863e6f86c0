import Bytes
import Testing

@Suite struct CRC32Tests {
  @Test("The CRC-32 of zlib gives the published checksums")
  func vectors() {
    // The check value of the catalogue of parametrised CRC algorithms, and what gzip(1) stores.
    let vectors: [(String, UInt32)] = [
      ("", 0), ("123456789", 0xCBF4_3926), ("a", 0xE8B7_BE43),
      ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
    ]
    for (text, checksum) in vectors { #expect(CRC32.checksum(of: Array(text.utf8)) == checksum) }
    #expect(CRC32.checksum(of: [UInt8](repeating: 0, count: 32)) == 0x190A_55AD)
    #expect(CRC32.checksum(of: [UInt8](repeating: 0xFF, count: 32)) == 0xFF6C_AB0B)
  }
}
