import Bytes
import Dispatching
import Events
import Platform

/// Posts notices to the users' own addresses, signed as Standard Webhooks 1.0.0 says.
///
/// That the address answered 2xx is evidence 2: no provider stands between, the recipient's own
/// server has it. It isn't 3, which is a third party's word, nor does it say that anybody has read
/// it. A notice has the same `webhook-id` at each try, so that a receiver may drop the second.
///
/// | what happened | outcome | another try |
/// |---|---|---|
/// | 2xx | accepted | |
/// | 408, 425, 429, 5xx | failed | helps |
/// | 410, any other 4xx, 3xx: no address is followed to another | failed | doesn't |
/// | an address that mustn't be reached | failed | doesn't |
/// | no host, no connection, bad certificate, cut off before all was sent | failed | helps |
/// | cut off or silent after that | unknown | |
struct WebhookChannel: NetworkChannel {
  let identity: ChannelIdentity
  private let settings: WebhookSettings
  private let key: [UInt8]
  private let authorities: String?

  /// The bytes that a body stays under.
  static let bodyLimit = 20_000

  init(
    identity: ChannelIdentity, _ settings: WebhookSettings, _ code: ChannelCode,
    _ reader: SecretReader
  ) throws(ChannelError) {
    self.identity = identity
    self.settings = settings
    authorities = settings.authorities.map { joinPath(reader.directory, $0) }
    do throws(SecretProblem) {
      let text = try reader.read(settings.secret)
      guard text.hasPrefix("whsec_"), let key = Base64.decode(text.utf8.dropFirst(6)),
        (24...64).contains(key.count)
      else { throw SecretProblem.noSigningSecret }
      self.key = key
    } catch {
      throw .secret(code, settings.secret, error)
    }
  }

  var pace: ChannelPace { settings.pace }
  var trial: NetworkRequest? { nil }

  func request(
    for message: OutgoingMessage, at now: Instant
  ) throws(Unsendable) -> NetworkRequest {
    guard let address = WebAddress(message.address), address.isSecure || settings.allowsHTTP else {
      throw Unsendable(code: "invalid-address")
    }
    var request = NetworkRequest(
      action: .post, url: address.text, schemes: settings.allowsHTTP ? .any : .https,
      pace: settings.pace)
    request.body = message.notice(at: now).canonicalBytes
    guard request.body.count < Self.bodyLimit else { throw Unsendable(code: "body-too-long") }
    let seconds = floorDivide(now.microseconds, 1_000_000).quotient
    let signature = Self.signature(
      id: message.noticeID, seconds: seconds, body: request.body, key: key)
    request.headers = [
      "Content-Type: application/cloudevents+json", "webhook-id: \(message.noticeID)",
      "webhook-timestamp: \(seconds)", "webhook-signature: \(signature)",
      "User-Agent: dispatch-ledger",
    ]
    request.authorities = authorities
    request.addresses = AddressGuard(allowed: settings.allowedNetworks)
    return request
  }

  /// `v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body`.
  static func signature(id: String, seconds: Int64, body: [UInt8], key: [UInt8]) -> String {
    let code = HMAC.sha256(Array("\(id).\(seconds).".utf8) + body, key: key)
    return "v1,\(code.base64)"
  }

  func outcome(of end: NetworkEnd) -> AttemptOutcome {
    func failed(_ code: String, isRetryable: Bool) -> AttemptOutcome {
      .reported(
        ChannelReport(outcome: .failed, evidence: .none, code: code, isRetryable: isRetryable))
    }
    guard end.course == .answered, end.status > 0 else {
      if end.course == .addressRefused { return failed("address-refused", isRetryable: false) }
      if end.isSent { return .unknown(.timeout) }
      return failed(end.course.code ?? "connection-lost", isRetryable: true)
    }
    if (200..<300).contains(end.status) {
      return .reported(
        ChannelReport(outcome: .accepted, evidence: .handedOver, code: "http-\(end.status)"))
    }
    return failed(
      "http-\(end.status)",
      isRetryable: [408, 425, 429].contains(end.status) || end.status >= 500)
  }
}

extension OutgoingMessage {
  /// The notice as one object, as webhooks and commands get it (`FORMAT.md` §19).
  func notice(at now: Instant) -> JSON {
    let data: JSON = [
      "attempt": .string(String(attempt)), "channel": .string(channel.text),
      "dispatch_id": .string(dispatchID.text), "kind": .string(kind.rawValue),
      "modification": .integer(Int64(modification)), "number": .integer(Int64(number)),
      "start": .string(start.text), "subject": .string(text.subject), "test": .bool(isTest),
      "text": .string(text.body), "user_id": .string(userID.text),
    ]
    return [
      "data": data, "id": .string(noticeID), "source": .string(origin), "specversion": "1.0",
      "subject": .string("dispatch/\(dispatchID.text)"), "time": .string(now.text),
      "type": .string("notice.\(kind.rawValue).v1"),
    ]
  }
}
