import Bytes
import CZstd

/// The frame that libzstd makes of `bytes`.
///
/// Each by a context of its own, so that it follows from `bytes` and libzstd's version alone.
func zstdFrame(_ bytes: [UInt8]) -> [UInt8] {
  unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { buffer, count in
    count = unsafe ZSTD_compress(
      buffer.baseAddress, buffer.count, bytes, bytes.count, ZSTD_CLEVEL_DEFAULT)
    // It fails where memory has run out, and for no input.
    invariant(ZSTD_isError(count) == 0, "libzstd didn't compress \(bytes.count) bytes")
  }
}
