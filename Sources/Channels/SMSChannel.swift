import Bytes
import Dispatching
import Events
import Platform

/// Sends SMS through a provider that takes messages as Twilio does (API version 2010-04-01).
///
/// There is no key that would make a second call harmless: a message without an answer is unknown,
/// and so is one that a gateway on the way gave up on (502, 504).
///
/// | what the provider says | outcome | another try |
/// |---|---|---|
/// | 201 | accepted, with its id | |
/// | a code of ``Code/passing``, 408, 429, 500, 503 | failed | helps |
/// | 401, 403, 404 | failed | helps, once the settings are put right |
/// | any other code or 4xx | failed | doesn't |
/// | 3xx | failed | doesn't |
/// | nothing, before all was sent | failed | helps |
/// | nothing after it, or 502, 504 | unknown | |
struct SMSChannel: NetworkChannel {
  let identity: ChannelIdentity
  private let settings: SMSSettings
  private let token: String
  private let authorities: String?

  /// The most characters of a message, as the provider counts them: in units of UTF-16.
  static let bodyLimit = 1_600
  /// The longest that a message may be on its way.
  static let greatestValiditySeconds: Int64 = 36_000

  init(
    identity: ChannelIdentity, _ settings: SMSSettings, _ code: ChannelCode,
    _ reader: SecretReader
  ) throws(ChannelError) {
    self.identity = identity
    self.settings = settings
    authorities = settings.authorities.map { joinPath(reader.directory, $0) }
    do { token = try reader.read(settings.token) } catch {
      throw .secret(code, settings.token, error)
    }
  }

  var pace: ChannelPace { settings.pace }

  func request(
    for message: OutgoingMessage, at now: Instant
  ) throws(Unsendable) -> NetworkRequest {
    let body = text(of: message)
    guard body.utf16.count <= Self.bodyLimit else { throw Unsendable(code: "body-too-long") }
    var fields = [
      ("To", message.address), ("Body", body),
      ("ValidityPeriod", String(validitySeconds(of: message, at: now))),
    ]
    switch settings.sender {
    case .number(let number): fields.append(("From", number))
    case .messagingService(let id): fields.append(("MessagingServiceSid", id))
    }
    if let url = settings.statusCallback { fields.append(("StatusCallback", url)) }
    var request = self.request(.post, "/Messages.json")
    request.headers = ["Content-Type: application/x-www-form-urlencoded"]
    request.body = Array(
      fields.map { "\($0.0)=\(formEncoded($0.1))" }.joined(separator: "&").utf8)
    return request
  }

  var trial: NetworkRequest? { request(.get, ".json") }

  private func request(_ action: NetworkRequest.Action, _ path: String) -> NetworkRequest {
    var request = NetworkRequest(
      action: action,
      url: "\(settings.baseURL)/2010-04-01/Accounts/\(settings.accountSID)\(path)",
      schemes: settings.baseURL.hasPrefix("https://") ? .https : .any, pace: settings.pace)
    request.login = (settings.keySID ?? settings.accountSID, token)
    request.authorities = authorities
    return request
  }

  /// How many parts the message is sent in.
  func segments(_ message: OutgoingMessage) -> Int { SMSLength(text(of: message)).segments }

  /// The body says all that the subject does.
  private func text(of message: OutgoingMessage) -> String {
    var text = message.text.body
    while text.utf8.last == UInt8(ascii: "\n") { text.unicodeScalars.removeLast() }
    return text
  }

  /// Until the start; what can't help after it isn't delivered after it.
  private func validitySeconds(of message: OutgoingMessage, at now: Instant) -> Int64 {
    let rest = (message.start.microseconds - now.microseconds) / 1_000_000
    let late = settings.lateValiditySeconds
    // That a dispatch has ended or doesn't take place is worth knowing after its start too.
    let wanted = rest < 1 ? late : message.kind.hasDeadline ? rest : max(rest, late)
    return min(max(wanted, 1), Self.greatestValiditySeconds)
  }

  func outcome(of end: NetworkEnd) -> AttemptOutcome {
    guard end.course == .answered, end.status > 0 else {
      if end.isSent { return .unknown(.timeout) }
      return .reported(
        ChannelReport(
          outcome: .failed, evidence: .none, code: end.course.code ?? "connection-lost",
          isRetryable: true))
    }
    let answer = Answer(end.answer)
    switch end.status {
    case 200..<300:
      return .reported(
        ChannelReport(
          outcome: .accepted, evidence: .acceptedByProvider, providerID: answer.id,
          code: answer.status ?? String(end.status)))
    case 502, 504: return .unknown(.timeout)
    default:
      let isRetryable =
        answer.code.flatMap(Code.isRetryable)
        ?? [401, 403, 404, 408, 429, 500, 503].contains(end.status)
      return .reported(
        ChannelReport(
          outcome: .failed, evidence: .none,
          code: answer.code.map(String.init) ?? "http-\(end.status)", isRetryable: isRetryable,
          detail: answer.message))
    }
  }

  /// The provider's codes whose class isn't the one of the answer's status.
  enum Code {
    /// Queue overflow, a handset out of reach, unknown, too many requests.
    static let passing: Set<Int64> = [30_001, 30_003, 30_008, 20_429]
    /// Blocked, unknown handset, landline, filtered, opted out, no such number, no mobile number.
    static let lasting: Set<Int64> = [30_004, 30_005, 30_006, 30_007, 21_610, 21_211, 21_614]

    /// Whether another try may help, or `nil` where the code says nothing of it.
    static func isRetryable(_ code: Int64) -> Bool? {
      passing.contains(code) ? true : lasting.contains(code) ? false : nil
    }
  }

  /// What is known of the provider's JSON; whatever isn't as expected is taken as absent.
  private struct Answer {
    var id: String?
    var status: String?
    var code: Int64?
    var message: String?

    init(_ bytes: [UInt8]) {
      guard case .object(let object)? = try? JSON(parsing: bytes) else { return }
      id = Self.text(object["sid"], limit: 128)
      code = if case .integer(let code)? = object["code"] { code } else { nil }
      status = Self.text(object["status"], limit: 64)
      message = Self.text(object["message"], limit: 1_024)
    }

    private static func text(_ json: JSON?, limit: Int) -> String? {
      guard case .string(let text)? = json, isPrintable(text, limit: limit) else { return nil }
      return text
    }
  }
}

/// `text` as the value of a form's field: what isn't unreserved (RFC 3986 §2.3) is escaped.
func formEncoded(_ text: String) -> String {
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    if isAlphanumeric(byte) || "-._~".utf8.contains(byte) {
      bytes.append(byte)
    } else {
      bytes.append(UInt8(ascii: "%"))
      bytes += Hex.encode([byte]).utf8
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
