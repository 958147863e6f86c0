import Bytes
import CCurl

/// One exchange on its way: what curl reads from and writes to.
///
/// Unchecked, because it is handed from thread to thread, and used by one at a time.
@safe final class Transfer: @unchecked Sendable {
  let request: NetworkRequest
  /// What it is for, as whoever began it says.
  let ticket: Ticket
  let handle: OpaqueHandle
  fileprivate var position = 0
  fileprivate var hasGivenEnd = false
  fileprivate var reply: [UInt8] = []
  fileprivate var hasRepliedSinceSent = false
  fileprivate var answer: [UInt8] = []
  fileprivate var wasRefusedAddress = false
  /// Lists that curl reads until the transfer has ended.
  private var lists: [UnsafeMutablePointer<curl_slist>]

  /// The most bytes of an answer that are kept.
  fileprivate static let answerLimit = 64 << 10
  /// The most bytes of a reply's line that are kept.
  fileprivate static let replyLimit = 1_024

  init(_ request: NetworkRequest, for ticket: Ticket, on handle: OpaqueHandle) {
    self.request = request
    self.ticket = ticket
    self.handle = handle
    unsafe lists = []
    setUp()
  }

  deinit { unsafe lists.forEach { unsafe ledger_curl_slist_free_all($0) } }

  /// Whether all that the server needs for taking the message may have left.
  fileprivate var isSent: Bool {
    switch request.action {
    // Behind the last byte comes the line that ends the message, when curl has asked once more.
    case .mail: hasGivenEnd
    case .post: position == request.body.count
    case .get, .greet: false
    }
  }

  private func setUp() {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_NOPROGRESS, 1)
    set(CURLOPT_URL, request.url)
    unsafe ledger_curl_allow_schemes(handle.pointer, request.schemes.rawValue)
    // A proxy of the environment would be who connects, and no address could be judged.
    set(CURLOPT_PROXY, "")
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_CONNECTTIMEOUT_MS, request.pace.connectMilliseconds)
    set(CURLOPT_TIMEOUT_MS, request.pace.totalMilliseconds)
    // Of a mail server, also while it is taken leave of.
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, request.pace.totalMilliseconds / 1_000))
    set(CURLOPT_USE_SSL, request.requiresTLS ? Int(CURLUSESSL_ALL.rawValue) : 0)
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let authorities = request.authorities { set(CURLOPT_CAINFO, authorities) }
    if let login = request.login {
      set(CURLOPT_USERNAME, login.user)
      set(CURLOPT_PASSWORD, login.password)
    }
    unsafe ledger_curl_set_opener(handle.pointer, openSocket)
    unsafe ledger_curl_set_pointer(handle.pointer, CURLOPT_OPENSOCKETDATA, context)
    unsafe ledger_curl_set_io(handle.pointer, CURLOPT_WRITEFUNCTION, takeAnswer)
    unsafe ledger_curl_set_pointer(handle.pointer, CURLOPT_WRITEDATA, context)
    // Without a function to rewind, curl can't silently send a body again on another connection.
    unsafe ledger_curl_set_io(handle.pointer, CURLOPT_READFUNCTION, giveBody)
    unsafe ledger_curl_set_pointer(handle.pointer, CURLOPT_READDATA, context)
    switch request.action {
    case .mail(let from, let to):
      unsafe setReplies(context)
      set(CURLOPT_MAIL_FROM, from)
      set(CURLOPT_MAIL_RCPT, [to])
      set(CURLOPT_UPLOAD, 1)
    case .greet:
      unsafe setReplies(context)
      set(CURLOPT_CUSTOMREQUEST, "NOOP")
    case .post:
      set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
      set(CURLOPT_POST, 1)
      set(CURLOPT_POSTFIELDSIZE, request.body.count)
      // An empty `Expect:` keeps curl from asking before it sends the body.
      set(CURLOPT_HTTPHEADER, request.headers + ["Expect:"])
    case .get:
      set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
      set(CURLOPT_HTTPHEADER, request.headers)
    }
  }

  private func setReplies(_ context: UnsafeMutableRawPointer) {
    unsafe ledger_curl_set_io(handle.pointer, CURLOPT_HEADERFUNCTION, takeReply)
    unsafe ledger_curl_set_pointer(handle.pointer, CURLOPT_HEADERDATA, context)
  }

  private func set(_ option: CURLoption, _ value: Int) {
    unsafe checked(ledger_curl_set_long(handle.pointer, option, value), option)
  }

  private func set(_ option: CURLoption, _ text: String) {
    unsafe checked(ledger_curl_set_text(handle.pointer, option, text), option)
  }

  private func set(_ option: CURLoption, _ texts: [String]) {
    var list: UnsafeMutablePointer<curl_slist>?
    for text in texts { unsafe list = unsafe ledger_curl_slist_append(list, text) }
    if let list = unsafe list { unsafe lists.append(list) }
    unsafe checked(ledger_curl_set_list(handle.pointer, option, list), option)
  }

  private func checked(_ code: CURLcode, _ option: CURLoption) {
    invariant(code == CURLE_OK, "curl refuses option \(option.rawValue): \(code.rawValue)")
  }

  /// What the transfer came to, once curl says that it has ended.
  func end(_ code: CURLcode) -> NetworkEnd {
    let pointer = unsafe handle.pointer
    let status = unsafe ledger_curl_get_long(pointer, CURLINFO_RESPONSE_CODE)
    return NetworkEnd(
      course: wasRefusedAddress ? .addressRefused : NetworkEnd.Course(code), status: status,
      reply: oneLine(String(decoding: reply, as: UTF8.self), replacement: "?"), answer: answer,
      isSent: isSent, isAnsweredSinceSent: hasRepliedSinceSent,
      retryAfterSeconds: unsafe ledger_curl_retry_after(pointer),
      isReused: unsafe ledger_curl_get_long(pointer, CURLINFO_NUM_CONNECTS) == 0)
  }
}

extension NetworkEnd.Course {
  init(_ code: CURLcode) {
    self =
      switch code {
      case CURLE_OK: .answered
      case CURLE_COULDNT_RESOLVE_HOST: .hostNotFound
      case CURLE_COULDNT_CONNECT: .notConnected
      case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
        .badCertificate
      case CURLE_USE_SSL_FAILED, CURLE_SSL_CONNECT_ERROR: .notEncrypted
      case CURLE_LOGIN_DENIED: .loginDenied
      case CURLE_OPERATION_TIMEDOUT: .timedOut
      default: .lost
      }
  }
}

// MARK: - What curl calls

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private func giveBody(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context), let bytes = unsafe bytes else { return 0 }
  let rest = transfer.request.body[transfer.position...].prefix(size * count)
  unsafe rest.withUnsafeBytes { rest in
    unsafe UnsafeMutableRawBufferPointer(start: bytes, count: rest.count).copyMemory(from: rest)
  }
  transfer.position += rest.count
  if rest.isEmpty { transfer.hasGivenEnd = true }
  return rest.count
}

private func takeAnswer(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context) else { return 0 }
  let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  // What is over the limit is read and dropped, so that the connection can be used again.
  unsafe transfer.answer += piece.prefix(Transfer.answerLimit - transfer.answer.count)
  return size * count
}

private func takeReply(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let transfer = unsafe transfer(context) else { return 0 }
  let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  var line = unsafe Array(piece.prefix(Transfer.replyLimit))
  while let last = line.last, "\r\n".utf8.contains(last) { line.removeLast() }
  // curl takes its leave after a refusal and where it keeps enough connections; what is answered to
  // that (221) decides nothing.
  if line.starts(with: "221".utf8) { return size * count }
  if !isRefusal(transfer.reply) || isRefusal(line) { transfer.reply = line }
  if transfer.isSent { transfer.hasRepliedSinceSent = true }
  return size * count
}

/// Whether a mail server's line begins with a code of 400 or more.
private func isRefusal(_ line: [UInt8]) -> Bool {
  line.first == UInt8(ascii: "4") || line.first == UInt8(ascii: "5")
}

private func openSocket(
  _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype,
  _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  // CURL_SOCKET_BAD, a macro that isn't imported.
  let none: curl_socket_t = -1
  guard let transfer = unsafe transfer(context), let address = unsafe address else { return none }
  if let allowed = transfer.request.addresses {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = Int(unsafe ledger_curl_address(address, &bytes))
    guard count > 0, allowed.permits(NetworkAddress(bytes: Array(bytes.prefix(count)))) else {
      transfer.wasRefusedAddress = true
      return none
    }
  }
  // Another address of the same name may be allowed.
  transfer.wasRefusedAddress = false
  return unsafe ledger_curl_open_socket(address)
}
