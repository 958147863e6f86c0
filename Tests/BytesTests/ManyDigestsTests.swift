import Bytes
import Simulation
import Testing

@Suite struct ManyDigestsTests {
  private static let kernels = SHA256.Kernel.allCases.filter(\.isAvailable)

  private static func noise(_ count: Int) -> [UInt8] {
    var random = SeededRandom(seed: 180_4)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  /// One message through the other way into libcrypto.
  private static func expected(_ prefix: UInt8, _ bytes: [UInt8], _ part: BytePart) -> Digest {
    SHA256.hash([prefix] + bytes[part.range])
  }

  @Test("Every kernel agrees with libcrypto on every length to 4,096 at every alignment to 63")
  func lengthsAndAlignments() {
    let bytes = Self.noise(4_096 + 64)
    for kernel in Self.kernels {
      for length in 0...4_096 {
        let parts = [BytePart(length % 64..<length % 64 + length), BytePart(0..<4_096 - length)]
        var digests: [Digest] = []
        unsafe SHA256.append(
          prefix: UInt8(length % 256), parts, of: bytes.span.bytes, to: &digests, with: kernel)
        for (part, digest) in zip(parts, digests)
        where digest != Self.expected(UInt8(length % 256), bytes, part) {
          Issue.record("\(kernel): \(part.count) bytes at \(part.start)")
        }
      }
      for alignment in 0..<64 {
        for length in 0..<200 {
          let part = BytePart(alignment..<alignment + length)
          var digests: [Digest] = []
          unsafe SHA256.append(
            prefix: 0, [part], of: bytes.span.bytes, to: &digests, with: kernel)
          if digests != [Self.expected(0, bytes, part)] {
            Issue.record("\(kernel): \(length) bytes at \(alignment)")
          }
        }
      }
    }
  }

  @Test("Each of any number of messages gets its own digest", arguments: kernels)
  func mixtures(kernel: SHA256.Kernel) {
    let bytes = Self.noise(10_000)
    var random = SeededRandom(seed: 16)
    for count in Array(0...50) + [1_000] {
      let parts = (0..<count).map { _ in
        let start = Int.random(in: 0...9_000, using: &random)
        return BytePart(start..<start + Int.random(in: 0...700, using: &random))
      }
      // What was there stays.
      var digests = [SHA256.hash([])]
      unsafe SHA256.append(prefix: 1, parts, of: bytes.span.bytes, to: &digests, with: kernel)
      let expected = parts.map { Self.expected(1, bytes, $0) }
      let isSame = digests == [SHA256.hash([])] + expected
      #expect(isSame, "\(count) messages")
    }
  }
}
