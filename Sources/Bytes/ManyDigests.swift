import CKernels

/// A part of a buffer: `count` bytes from `start` on.
package struct BytePart: BitwiseCopyable, Sendable {
  // Laid out as the kernels' `sha256_part`.
  package let start: UInt32
  package let count: UInt32

  /// - Parameter range: Ends below 2^32, and holds fewer than 2^28 bytes.
  package init(_ range: Range<Int>) {
    start = UInt32(range.lowerBound)
    count = UInt32(range.count)
  }

  package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

extension SHA256 {
  /// The implementations that hash many messages at once, which give the same answer.
  package enum Kernel: Hashable, CaseIterable, Sendable {
    /// libcrypto, one message after the other.
    case library
    /// Sixteen messages at a time, in the lanes of AVX-512.
    case avx512

    /// Whether the processor has the instructions.
    package var isAvailable: Bool {
      self == .library || sha256_many_has(UInt32(SHA256_MANY_AVX512.rawValue))
    }
  }

  /// The fastest kernel that the processor has.
  private static let fastest = Kernel.avx512.isAvailable ? Kernel.avx512 : .library

  /// As many lanes have to be at work before sixteen are faster than one message after the other.
  private static let fewest = 4

  /// Appends the digest of each of many messages: `prefix`, and a part of `bytes` behind it.
  package static func append(
    prefix: UInt8, _ parts: [BytePart], of bytes: RawSpan, to digests: inout [Digest],
    with kernel: Kernel? = nil
  ) {
    let before = digests.count
    digests.append(contentsOf: repeatElement(Digest(), count: parts.count))
    let kernel = kernel ?? (parts.count < fewest ? .library : fastest)
    if kernel == .library {
      for (index, part) in parts.enumerated() {
        digests[before + index] = hash(prefix: prefix, bytes.extracting(part.range))
      }
      return
    }
    invariant(
      parts.allSatisfy { $0.range.upperBound <= bytes.byteCount && $0.count < 1 << 28 },
      "a message doesn't lie in its buffer")
    unsafe digests.withUnsafeMutableBytes { digests in
      unsafe bytes.withUnsafeBytes { bytes in
        unsafe parts.withUnsafeBytes { parts in
          unsafe sha256_many_with(
            UInt32(SHA256_MANY_AVX512.rawValue), prefix, bytes.baseAddress,
            parts.baseAddress?.assumingMemoryBound(to: sha256_part.self),
            parts.count / MemoryLayout<BytePart>.stride,
            digests.baseAddress.map { unsafe $0 + before * Digest.byteCount })
        }
      }
    }
  }
}
