import CCrypto

/// Ed25519 signatures (RFC 8032), which need no randomness: equal messages have equal signatures.
package enum Ed25519 {
  package static let seedByteCount = 32
  package static let keyByteCount = 32
  package static let signatureByteCount = 64

  /// A private key, which follows from a secret seed.
  package struct SigningKey: Sendable, CustomReflectable {
    private let seed: [UInt8]

    /// What anybody may know of it.
    package let publicKey: PublicKey

    /// The key of exactly 32 bytes, or `nil`.
    package init?(seed: some Collection<UInt8>) {
      guard seed.count == seedByteCount else { return nil }
      self.seed = Array(seed)
      publicKey = PublicKey(ofKeyWithSeed: self.seed)
    }

    /// The 64 bytes of the signature of `message`.
    package func signature(of message: [UInt8]) -> [UInt8] {
      let key = KeyHandle(seed: seed)
      return key.sign(message)
    }

    /// Nothing, so that no printed or dumped value shows the seed.
    package var customMirror: Mirror { Mirror(self, children: []) }
  }

  /// A public key.
  package struct PublicKey: Hashable, Sendable {
    package let bytes: [UInt8]

    /// The key of exactly 32 bytes, or `nil`.
    ///
    /// Bytes that are no point of the curve make a key that accepts no signature.
    package init?(bytes: some Collection<UInt8>) {
      guard bytes.count == keyByteCount else { return nil }
      self.bytes = Array(bytes)
    }

    fileprivate init(ofKeyWithSeed seed: [UInt8]) { bytes = KeyHandle(seed: seed).publicBytes }

    /// Whether the owner of this key made `signature` for `message`.
    package func accepts(_ signature: [UInt8], of message: [UInt8]) -> Bool {
      signature.count == signatureByteCount
        && KeyHandle(publicBytes: bytes).verify(signature, of: message)
    }
  }
}

/// One use of a libcrypto key.
@safe private struct KeyHandle: ~Copyable {
  private let key: OpaquePointer

  init(seed: [UInt8]) {
    unsafe key = unsafe allocated(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count))
  }

  init(publicBytes bytes: [UInt8]) {
    unsafe key = unsafe allocated(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count))
  }

  deinit { unsafe EVP_PKEY_free(key) }

  var publicBytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Ed25519.keyByteCount)
    var count = bytes.count
    let got = unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &count)
    invariant(got == 1 && count == bytes.count, "Ed25519 gave no public key")
    return bytes
  }

  func sign(_ message: [UInt8]) -> [UInt8] {
    let context = unsafe allocated(EVP_MD_CTX_new())
    defer { unsafe EVP_MD_CTX_free(context) }
    let started = unsafe EVP_DigestSignInit(context, nil, nil, nil, key)
    invariant(started == 1, "Ed25519 didn't start to sign")
    var signature = [UInt8](repeating: 0, count: Ed25519.signatureByteCount)
    var count = signature.count
    let signed = unsafe EVP_DigestSign(context, &signature, &count, message, message.count)
    invariant(signed == 1 && count == signature.count, "Ed25519 didn't sign")
    return signature
  }

  func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    let context = unsafe allocated(EVP_MD_CTX_new())
    defer { unsafe EVP_MD_CTX_free(context) }
    let started = unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key)
    invariant(started == 1, "Ed25519 didn't start to verify")
    return unsafe EVP_DigestVerify(
      context, signature, signature.count, message, message.count) == 1
  }
}
