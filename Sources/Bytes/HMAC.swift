import CCrypto

/// HMAC-SHA-256 (RFC 2104).
package enum HMAC {
  /// The code of `message` under `key`, which may have any length.
  package static func sha256(_ message: [UInt8], key: [UInt8]) -> Digest {
    unsafe Digest { buffer in
      let code = unsafe message.span.withUnsafeBufferPointer { message in
        unsafe key.span.withUnsafeBufferPointer { key in
          unsafe CCrypto.HMAC(
            EVP_sha256(), key.baseAddress, Int32(key.count), message.baseAddress, message.count,
            buffer.baseAddress, nil)
        }
      }
      unsafe invariant(code != nil, "HMAC-SHA-256 failed")
    }
  }
}
