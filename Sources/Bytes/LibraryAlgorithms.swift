import CCrypto

/// The algorithms of libcrypto, each looked up once: a lookup costs more than hashing a line.
///
/// They are never changed or freed after they are made, so every thread may use them.
enum LibraryAlgorithms {
  nonisolated(unsafe) static let sha256 = unsafe found(EVP_MD_fetch(nil, "SHA2-256", nil))
  nonisolated(unsafe) static let aes256GCM =
    unsafe found(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil))

  private static func found(_ algorithm: OpaquePointer?) -> OpaquePointer {
    guard let algorithm = unsafe algorithm else {
      // No test gets here: there is no libcrypto 3 without them.
      fatalError(
        "invariant broken: libcrypto lacks an algorithm that this program can't do without")
    }
    return unsafe algorithm
  }
}

/// Unwraps what libcrypto allocates.
///
/// It gives `nil` only where memory has run out, which no caller can mend and no test bring about.
func allocated(_ object: OpaquePointer?) -> OpaquePointer {
  guard let object = unsafe object else {
    fatalError("invariant broken: libcrypto has no memory left")
  }
  return unsafe object
}
