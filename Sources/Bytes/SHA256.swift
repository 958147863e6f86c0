import CCrypto
import Synchronization

/// SHA-256 (FIPS 180-4), computed by libcrypto.
package enum SHA256 {
  /// The digest of `bytes`.
  package static func hash(_ bytes: RawSpan) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    return hasher.finish()
  }

  /// The digest of `bytes`.
  package static func hash(_ bytes: [UInt8]) -> Digest {
    unsafe hash(bytes.span.bytes)
  }

  /// The digest of `prefix` and `bytes` behind it.
  package static func hash(prefix: UInt8, _ bytes: RawSpan) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update(prefix)
    hasher.update(bytes)
    return hasher.finish()
  }

  /// The digest of `prefix` and two digests behind it.
  package static func hash(prefix: UInt8, _ first: Digest, _ second: Digest) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update(prefix)
    hasher.update(first, second)
    return hasher.finish()
  }
}

/// A SHA-256 over bytes that arrive in any pieces; after each digest it is ready for the next.
@safe package struct SHA256Hasher: ~Copyable, @unchecked Sendable {
  private let context: OpaquePointer
  private var isStarted = false

  /// The address of a context that nobody uses now, or 0: making one costs as much as hashing a
  /// line.
  private static let spare = Atomic<UInt>(0)

  package init() {
    let spare = unsafe OpaquePointer(bitPattern: Self.spare.exchange(0, ordering: .acquiring))
    unsafe context = unsafe spare ?? allocated(EVP_MD_CTX_new())
  }

  deinit {
    let own = unsafe UInt(bitPattern: context)
    let other = Self.spare.exchange(own, ordering: .acquiringAndReleasing)
    unsafe EVP_MD_CTX_free(OpaquePointer(bitPattern: other))
  }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  package mutating func update(_ byte: UInt8) {
    unsafe withUnsafeBytes(of: byte) { unsafe update($0) }
  }

  /// The bytes of one digest, then of another.
  package mutating func update(_ first: Digest, _ second: Digest) {
    unsafe withUnsafeBytes(of: (first, second)) { unsafe update($0) }
  }

  private mutating func update(_ buffer: UnsafeRawBufferPointer) {
    start()
    let updated = unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    invariant(updated == 1, "SHA-256 didn't take \(buffer.count) bytes")
  }

  /// The digest of all bytes since the last one.
  package mutating func finish() -> Digest {
    start()
    isStarted = false
    return unsafe Digest { buffer in
      let finished = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      invariant(finished == 1, "SHA-256 didn't finish")
    }
  }

  private mutating func start() {
    if isStarted { return }
    let started = unsafe EVP_DigestInit_ex2(context, LibraryAlgorithms.sha256, nil)
    invariant(started == 1, "SHA-256 didn't start")
    isStarted = true
  }
}
