import CCrypto

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
    hasher.update(first)
    hasher.update(second)
    return hasher.finish()
  }
}

/// A SHA-256 over bytes that arrive in any pieces; after each digest it is ready for the next.
///
/// Keep one for many digests: the first costs an allocation, the others none.
@safe package struct SHA256Hasher: ~Copyable, @unchecked Sendable {
  private let context: OpaquePointer

  package init() {
    unsafe context = unsafe allocated(EVP_MD_CTX_new())
    let started = unsafe EVP_DigestInit_ex2(context, LibraryAlgorithms.sha256, nil)
    invariant(started == 1, "SHA-256 didn't start")
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  package mutating func update(_ byte: UInt8) {
    unsafe withUnsafeBytes(of: byte) { unsafe update($0) }
  }

  package mutating func update(_ digest: Digest) {
    unsafe withUnsafeBytes(of: digest) { unsafe update($0) }
  }

  private func update(_ buffer: UnsafeRawBufferPointer) {
    let updated = unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    invariant(updated == 1, "SHA-256 didn't take \(buffer.count) bytes")
  }

  /// The digest of all bytes since the last one.
  package mutating func finish() -> Digest {
    let digest = unsafe Digest { buffer in
      let finished = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      invariant(finished == 1, "SHA-256 didn't finish")
    }
    let restarted = unsafe EVP_DigestInit_ex2(context, nil, nil)
    invariant(restarted == 1, "SHA-256 didn't start again")
    return digest
  }
}
