import Bytes
import Simulation
import Testing

@Suite struct CRC32CTests {
  struct File: Decodable {
    struct Vector: Decodable { let what, hex, crc32c: String }
    let vectors: [Vector]
  }

  private static let kernels = CRC32C.Kernel.allCases.filter(\.isAvailable)

  /// The definition, bit by bit: the checksums of the first 0, 1, 2… bytes.
  private static func reference(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
    var state: UInt32 = 0xFFFF_FFFF
    var checksums = [~state]
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0x82F6_3B78 : 0) }
      checksums.append(~state)
    }
    return checksums
  }

  private static func checksum(
    _ bytes: [UInt8], _ range: Range<Int>, with kernel: CRC32C.Kernel
  ) -> UInt32 {
    var crc = CRC32C()
    unsafe crc.update(bytes.span.extracting(range).bytes, with: kernel)
    return crc.value
  }

  private static func noise(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: 3_720)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  @Test("Every kernel gives every published checksum", arguments: kernels)
  func vectors(kernel: CRC32C.Kernel) throws {
    for vector in try VectorFile.load("crc32c", as: File.self).vectors {
      let bytes = try #require(Hex.decode(vector.hex.utf8))
      let expected = try #require(UInt32(vector.crc32c, radix: 16))
      #expect(Self.checksum(bytes, 0..<bytes.count, with: kernel) == expected, "\(vector.what)")
      var crc = CRC32C()
      crc.update(bytes)
      #expect(crc.value == expected, "\(vector.what)")
    }
  }

  @Test("Every kernel agrees with the definition on every length to 300 at every alignment to 15")
  func lengthsAndAlignments() {
    let bytes = Self.noise(316)
    for alignment in 0..<16 {
      let expected = Self.reference(bytes[alignment...])
      for length in 0...300 {
        for kernel in Self.kernels {
          let checksum = Self.checksum(bytes, alignment..<alignment + length, with: kernel)
          #expect(checksum == expected[length], "\(kernel), \(length) bytes at \(alignment)")
        }
      }
    }
  }

  @Test("Every kernel agrees with the definition where three streams begin, join and begin again")
  func longInput() {
    let bytes = Self.noise(5 * 768 + 32)
    let expected = Self.reference(bytes[3...])
    for block in 1...5 {
      for length in block * 768 - 17...block * 768 + 17 {
        for kernel in Self.kernels {
          let checksum = Self.checksum(bytes, 3..<3 + length, with: kernel)
          #expect(checksum == expected[length], "\(kernel), \(length) bytes")
        }
      }
    }
  }

  @Test("However the bytes are split in two, the checksum is the same", arguments: kernels)
  func splits(kernel: CRC32C.Kernel) {
    let bytes = Self.noise(1_600)
    let expected = Self.reference(bytes[...])[bytes.count]
    for split in 0...bytes.count {
      var crc = CRC32C()
      unsafe crc.update(bytes.span.extracting(..<split).bytes, with: kernel)
      unsafe crc.update(bytes.span.extracting(split...).bytes)
      #expect(crc.value == expected, "split at \(split)")
    }
  }

  @Test("The table is always there, and a kernel that the processor lacks stops the program")
  func availability() async {
    #expect(Self.kernels.contains(.table))
    #expect(Self.kernels.count < CRC32C.Kernel.allCases.count, "no processor has both kinds")
    await #expect(processExitsWith: .failure) {
      for kernel in CRC32C.Kernel.allCases where !kernel.isAvailable {
        var crc = CRC32C()
        unsafe crc.update([1].span.bytes, with: kernel)
      }
    }
  }
}
