import CKernels

/// A CRC-32C (Castagnoli) over bytes that arrive in any pieces.
///
/// The convention is that of iSCSI (RFC 3720 appendix B.4), ext4 and SCTP: the checksum of the
/// ASCII text `123456789` is `e3069283`. It finds accidents, not forgeries.
package struct CRC32C: Sendable {
  /// The register, not yet complemented.
  private var state: UInt32 = 0xFFFF_FFFF

  package init() {}

  /// The checksum of all bytes so far; 0 where there were none.
  package var value: UInt32 { ~state }

  package mutating func update(_ bytes: RawSpan) {
    state = unsafe bytes.withUnsafeBytes { buffer in
      unsafe checksum_crc32c_update(state, buffer.baseAddress, buffer.count)
    }
  }

  package mutating func update(_ byte: UInt8) {
    state = unsafe withUnsafeBytes(of: byte) {
      unsafe checksum_crc32c_update(state, $0.baseAddress, 1)
    }
  }

  package mutating func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }
}

extension CRC32C {
  /// The implementations, which give the same answer on every input.
  package enum Kernel: UInt32, CaseIterable, Sendable {
    case table = 0
    case sse42 = 1
    case armv8 = 2

    /// Whether the processor has the instructions.
    package var isAvailable: Bool { checksum_crc32c_has(rawValue) }
  }

  /// As ``update(_:)-(RawSpan)``, but by the kernel that is named, so that each can be tested.
  package mutating func update(_ bytes: RawSpan, with kernel: Kernel) {
    invariant(kernel.isAvailable, "the processor can't run \(kernel)")
    state = unsafe bytes.withUnsafeBytes { buffer in
      unsafe checksum_crc32c_update_with(
        kernel.rawValue, state, buffer.baseAddress, buffer.count)
    }
  }
}
