import CCrypto

/// AES-256 in Galois/counter mode (NIST SP 800-38D) with a nonce of 12 and a tag of 16 bytes.
///
/// A nonce must never serve twice under one key: whoever has two such texts can forge more.
package enum AESGCM {
  package static let keyByteCount = 32
  package static let nonceByteCount = 12
  package static let tagByteCount = 16

  /// The sealed text and its tag: `text.count + 16` bytes.
  ///
  /// `associatedData` isn't in the result, but ``open(_:key:nonce:associatedData:)`` demands the
  /// same.
  package static func seal(
    _ text: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
  ) -> [UInt8] {
    let cipher = Cipher(key: key, nonce: nonce, isSealing: true)
    cipher.authenticate(associatedData)
    var sealed = cipher.transform(text)
    invariant(cipher.finish(), "AES-256-GCM didn't seal")
    sealed.append(contentsOf: cipher.tag)
    return sealed
  }

  /// The text that was sealed, or `nil` where key, nonce, data or a bit of `sealed` is another.
  package static func open(
    _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
  ) -> [UInt8]? {
    guard sealed.count >= tagByteCount else { return nil }
    let cipher = Cipher(key: key, nonce: nonce, isSealing: false)
    cipher.authenticate(associatedData)
    let text = cipher.transform(Array(sealed.dropLast(tagByteCount)))
    cipher.expect(tag: Array(sealed.suffix(tagByteCount)))
    return cipher.finish() ? text : nil
  }
}

/// One use of a libcrypto cipher context.
@safe private struct Cipher: ~Copyable {
  private let context: OpaquePointer

  init(key: [UInt8], nonce: [UInt8], isSealing: Bool) {
    invariant(key.count == AESGCM.keyByteCount, "an AES-256 key of \(key.count) bytes")
    invariant(nonce.count == AESGCM.nonceByteCount, "a nonce of \(nonce.count) bytes")
    unsafe context = unsafe allocated(EVP_CIPHER_CTX_new())
    let started = unsafe EVP_CipherInit_ex2(
      context, LibraryAlgorithms.aes256GCM, key, nonce, isSealing ? 1 : 0, nil)
    invariant(started == 1, "AES-256-GCM didn't start")
  }

  deinit { unsafe EVP_CIPHER_CTX_free(context) }

  func authenticate(_ data: [UInt8]) {
    if data.isEmpty { return }
    var count: Int32 = 0
    let updated = unsafe EVP_CipherUpdate(context, nil, &count, data, Int32(data.count))
    invariant(updated == 1, "AES-256-GCM didn't take \(data.count) bytes of associated data")
  }

  func transform(_ text: [UInt8]) -> [UInt8] {
    if text.isEmpty { return [] }
    var count: Int32 = 0
    var output = [UInt8](repeating: 0, count: text.count)
    let updated = unsafe EVP_CipherUpdate(context, &output, &count, text, Int32(text.count))
    invariant(updated == 1 && Int(count) == text.count, "AES-256-GCM didn't take the text")
    return output
  }

  /// Completes the text; says whether the tag that was expected is the right one.
  func finish() -> Bool {
    var nothing: UInt8 = 0
    var count: Int32 = 0
    return unsafe EVP_CipherFinal_ex(context, &nothing, &count) == 1
  }

  var tag: [UInt8] {
    var tag = [UInt8](repeating: 0, count: AESGCM.tagByteCount)
    control(EVP_CTRL_AEAD_GET_TAG, &tag)
    return tag
  }

  func expect(tag: [UInt8]) {
    var tag = tag
    control(EVP_CTRL_AEAD_SET_TAG, &tag)
  }

  private func control(_ command: Int32, _ tag: inout [UInt8]) {
    let done = unsafe EVP_CIPHER_CTX_ctrl(context, command, Int32(AESGCM.tagByteCount), &tag)
    invariant(done == 1, "AES-256-GCM refused a tag")
  }
}
