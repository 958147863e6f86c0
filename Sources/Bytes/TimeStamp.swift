import CCrypto

/// Why bytes can't serve as a time stamp (RFC 3161).
package enum TimeStampError: Error, Hashable, Sendable {
  /// They aren't the DER form of a reply or token, or the token lacks what this reader needs.
  case malformed
  /// The authority answered with a refusal: the PKIStatus of RFC 3161 §2.4.2.
  case refused(status: Int)
  /// The token is about something else: another digest, or another algorithm.
  case otherDigest
  /// The signature isn't that of the certificate that the token carries.
  case badSignature
  /// The signature holds, but its certificate isn't one that the given authorities vouch for.
  case untrusted
}

/// Asks a time-stamping authority for its time (RFC 3161 §2.4.1).
package enum TimeStampRequest {
  /// The DER form of a request over a SHA-256 digest, whose reply is to carry the certificate.
  ///
  /// - Parameter nonce: 1...16 random bytes, which the reply repeats; the first one isn't zero.
  package static func der(digest: Digest, nonce: [UInt8]) -> [UInt8] {
    let request = unsafe allocated(TS_REQ_new())
    defer { unsafe TS_REQ_free(request) }
    let imprint = unsafe allocated(TS_MSG_IMPRINT_new())
    defer { unsafe TS_MSG_IMPRINT_free(imprint) }
    let algorithm = unsafe X509_ALGOR_new()
    defer { unsafe X509_ALGOR_free(algorithm) }
    let number = unsafe BN_bin2bn(nonce, Int32(nonce.count), nil)
    defer { unsafe BN_free(number) }
    let integer = unsafe BN_to_ASN1_INTEGER(number, nil)
    defer { unsafe ASN1_INTEGER_free(integer) }
    let bytes = digest.bytes
    var content: [UInt8] = []
    var isMade = unsafe X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nil) == 1
    isMade = unsafe isMade && TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1
    var message = bytes
    isMade = unsafe isMade && TS_MSG_IMPRINT_set_msg(imprint, &message, Int32(bytes.count)) == 1
    isMade = unsafe isMade && TS_REQ_set_version(request, 1) == 1
    isMade = unsafe isMade && TS_REQ_set_msg_imprint(request, imprint) == 1
    isMade = unsafe isMade && TS_REQ_set_nonce(request, integer) == 1
    isMade = unsafe isMade && TS_REQ_set_cert_req(request, 1) == 1
    if isMade { content = unsafe derBytes { unsafe i2d_TS_REQ(request, $0) } }
    invariant(!content.isEmpty, "libcrypto made no time-stamp request")
    return content
  }
}

/// An authority's statement that a digest existed at a time (RFC 3161 §2.4.2).
package struct TimeStampToken: Hashable, Sendable {
  /// The TimeStampToken in DER, as other tools read it.
  package let der: [UInt8]
  /// The time that the authority names, cut to microseconds.
  package let time: Instant
  /// What the authority was asked to stamp.
  package let digest: Digest
  /// The name in the signer's certificate, `CN=…,O=…` (RFC 2253).
  package let authority: String

  /// Reads a reply that grants a token (a TimeStampResp).
  package init(reply: [UInt8]) throws(TimeStampError) {
    let response = unsafe decoded(reply, TS_RESP_free) { unsafe d2i_TS_RESP(nil, $0, $1) }
    guard let response = unsafe response else { throw .malformed }
    defer { unsafe TS_RESP_free(response) }
    let info = unsafe TS_RESP_get_status_info(response)
    let status = unsafe Int(ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info)))
    guard status == 0 || status == 1 else { throw .refused(status: status) }
    let token = unsafe TS_RESP_get_token(response)
    guard let token = unsafe token else { throw .malformed }
    try unsafe self.init(token)
  }

  /// Reads a token alone.
  package init(der: [UInt8]) throws(TimeStampError) {
    let token = unsafe decoded(der, PKCS7_free) { unsafe d2i_PKCS7(nil, $0, $1) }
    guard let token = unsafe token else { throw .malformed }
    defer { unsafe PKCS7_free(token) }
    try unsafe self.init(token)
  }

  private init(_ token: UnsafeMutablePointer<PKCS7>) throws(TimeStampError) {
    // What libcrypto asks without looking: that this is signed data with content.
    guard unsafe OBJ_obj2nid(token.pointee.type) == NID_pkcs7_signed,
      let info = unsafe PKCS7_to_TS_TST_INFO(token)
    else { throw .malformed }
    defer { unsafe TS_TST_INFO_free(info) }
    let imprint = unsafe TS_TST_INFO_get_msg_imprint(info)
    var algorithm: OpaquePointer?
    unsafe X509_ALGOR_get0(&algorithm, nil, nil, TS_MSG_IMPRINT_get_algo(imprint))
    guard unsafe OBJ_obj2nid(algorithm) == NID_sha256 else { throw .otherDigest }
    let stamped = unsafe octets(of: TS_MSG_IMPRINT_get_msg(imprint))
    guard let digest = Digest(bytes: stamped) else { throw .otherDigest }
    let written = unsafe octets(of: TS_TST_INFO_get_time(info))
    guard let time = Instant(generalizedTime: written) else { throw .malformed }
    guard let authority = unsafe subject(ofSigner: token) else { throw .malformed }
    der = unsafe derBytes { unsafe i2d_PKCS7(token, $0) }
    self.digest = digest
    self.time = time
    self.authority = authority
  }

  /// Checks that the token stamps `digest` and that its signature holds.
  ///
  /// Certificates are judged as of the time that the token names, so that one which has expired
  /// since proves what it proved.
  ///
  /// - Parameter authorities: Certificates in PEM that are trusted; `nil` checks the signature
  ///   against the certificate in the token only, which proves nothing of who made it.
  /// - Throws: `.otherDigest`, `.badSignature`, `.untrusted`; `.malformed` also where `authorities`
  ///   holds no certificate.
  package func verify(_ digest: Digest, authorities: [UInt8]? = nil) throws(TimeStampError) {
    guard digest == self.digest else { throw .otherDigest }
    let token = unsafe decoded(der, PKCS7_free) { unsafe d2i_PKCS7(nil, $0, $1) }
    guard let token = unsafe token else { throw .malformed }
    defer { unsafe PKCS7_free(token) }
    guard unsafe isSigned(token, store: ownCertificates(token)) else { throw .badSignature }
    guard let authorities else { return }
    guard let store = unsafe trusted(authorities) else { throw .malformed }
    guard unsafe isSigned(token, store: store) else { throw .untrusted }
  }

  /// Whether the signature leads to a certificate of `store`, which this uses up.
  private func isSigned(
    _ token: UnsafeMutablePointer<PKCS7>, store: OpaquePointer
  ) -> Bool {
    let parameters = unsafe X509_STORE_get0_param(store)
    let seconds = time.microseconds / 1_000_000
    unsafe X509_VERIFY_PARAM_set_time(parameters, time_t(seconds))
    let context = unsafe allocated(TS_VERIFY_CTX_new())
    // Frees the store and the imprint too.
    defer { unsafe TS_VERIFY_CTX_free(context) }
    unsafe TS_VERIFY_CTX_set_store(context, store)
    let imprint = unsafe CRYPTO_memdup(digest.bytes, digest.bytes.count, #file, #line)
    unsafe TS_VERIFY_CTX_set_imprint(
      context, imprint?.assumingMemoryBound(to: UInt8.self), digest.bytes.count)
    unsafe TS_VERIFY_CTX_set_flags(
      context, Int32(TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_IMPRINT))
    defer { ERR_clear_error() }
    return unsafe TS_RESP_verify_token(context, token) == 1
  }

  /// A store that trusts the certificates of the token themselves.
  private func ownCertificates(_ token: UnsafeMutablePointer<PKCS7>) -> OpaquePointer {
    let store = unsafe allocated(X509_STORE_new())
    unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    if let certificates = unsafe token.pointee.d.sign?.pointee.cert {
      for index in 0..<max(0, unsafe OPENSSL_sk_num(certificates)) {
        let certificate = unsafe OpaquePointer(OPENSSL_sk_value(certificates, index))
        unsafe X509_STORE_add_cert(store, certificate)
      }
    }
    return unsafe store
  }

  /// A store of the certificates in a PEM text, or `nil` where it holds none.
  private func trusted(_ pem: [UInt8]) -> OpaquePointer? {
    let text = unsafe allocated(BIO_new_mem_buf(pem, Int32(clamping: pem.count)))
    defer { unsafe BIO_free(text) }
    let store = unsafe allocated(X509_STORE_new())
    var count = 0
    while let certificate = unsafe PEM_read_bio_X509(text, nil, nil, nil) {
      unsafe X509_STORE_add_cert(store, certificate)
      unsafe X509_free(certificate)
      count += 1
    }
    ERR_clear_error()
    if count > 0 { return unsafe store }
    unsafe X509_STORE_free(store)
    return nil
  }
}

/// The name of the one who signed, from the certificate that the token carries.
private func subject(ofSigner token: UnsafeMutablePointer<PKCS7>) -> String? {
  guard let signers = unsafe PKCS7_get0_signers(token, nil, 0) else {
    ERR_clear_error()
    return nil
  }
  defer { unsafe OPENSSL_sk_free(signers) }
  guard unsafe OPENSSL_sk_num(signers) == 1 else { return nil }
  let certificate = unsafe OpaquePointer(OPENSSL_sk_value(signers, 0))
  let text = unsafe allocated(BIO_new(BIO_s_mem()))
  defer { unsafe BIO_free(text) }
  // XN_FLAG_RFC2253, but with UTF-8 as it is instead of escaped.
  let flags =
    UInt(XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_DN_REV | XN_FLAG_FN_SN)
    | UInt(ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT)
  let printed = unsafe X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, flags)
  guard printed >= 0 else { return nil }
  var bytes = [UInt8](repeating: 0, count: 1_024)
  let count = unsafe BIO_read(text, &bytes, Int32(bytes.count))
  return String(validating: bytes.prefix(max(0, Int(count))), as: UTF8.self)
}

/// Decodes DER that must be used up whole.
private func decoded<Value>(
  _ der: [UInt8], _ free: (Value?) -> Void,
  _ decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> Value?
) -> Value? {
  defer { ERR_clear_error() }
  return unsafe der.withUnsafeBufferPointer { buffer in
    var position = buffer.baseAddress
    let value = unsafe decode(&position, buffer.count)
    if unsafe position == buffer.baseAddress.map({ unsafe $0 + buffer.count }) { return value }
    free(value)
    return nil
  }
}

/// The DER form that one of libcrypto's encoders gives.
private func derBytes(
  _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
) -> [UInt8] {
  let count = Int(encode(nil))
  guard count > 0 else { return [] }
  var bytes = [UInt8](repeating: 0, count: count)
  unsafe bytes.withUnsafeMutableBufferPointer { buffer in
    var position = buffer.baseAddress
    _ = unsafe encode(&position)
  }
  return bytes
}

private func octets(of string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
  guard let string = unsafe string, let start = unsafe ASN1_STRING_get0_data(string) else {
    // No test gets here: libcrypto refuses a token without them.
    return []
  }
  let count = unsafe Int(ASN1_STRING_length(string))
  return unsafe Array(UnsafeBufferPointer(start: start, count: count))
}

extension Instant {
  /// The moment that ASN.1 writes `20261123172359Z` or with a fraction (X.680 §46).
  package init?(generalizedTime text: [UInt8]) {
    guard text.count >= 15, text.last == UInt8(ascii: "Z") else { return nil }
    let digits = text.prefix(14).map { UInt8($0 &- UInt8(ascii: "0")) }
    guard digits.allSatisfy({ $0 < 10 }) else { return nil }
    var fraction: [UInt8] = []
    if text.count > 15 {
      guard text[14] == UInt8(ascii: "."), text.count > 16 else { return nil }
      fraction = Array(text[15..<text.count - 1])
      guard fraction.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
        return nil
      }
    }
    func part(_ range: Range<Int>) -> String {
      String(decoding: text[range], as: UTF8.self)
    }
    let microseconds = (fraction.prefix(6) + repeatElement(UInt8(ascii: "0"), count: 6)).prefix(6)
    let written =
      "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):"
      + "\(part(12..<14)).\(String(decoding: microseconds, as: UTF8.self))Z"
    self.init(text: written.utf8)
  }
}
