import Bytes
import Dispatching
import Events
import Platform

/// Hands notices to an e-mail relay (RFC 5321), over a connection that is encrypted first.
///
/// That the relay has taken a message is evidence 1: the next server has it, and nobody knows
/// whether the one behind it will. What the relay replied stands in the detail, where it often
/// names its queue's entry.
///
/// | what happened | outcome | another try |
/// |---|---|---|
/// | 2xx after the message's end | accepted | |
/// | 4xx at any point | failed | helps |
/// | 530, 534, 535, 538, login denied | failed | helps, once the settings are put right |
/// | any other 5xx | failed | doesn't |
/// | no host, no connection, no encryption, bad certificate, cut off or silent before the message's end | failed | helps |
/// | cut off or silent after the message's end | unknown | |
///
/// Faults of the settings count as passing, since the recipient's server has said nothing.
struct MailChannel: NetworkChannel {
  let identity: ChannelIdentity
  private let settings: MailSettings
  private let login: (user: String, password: String)?
  private let authorities: String?

  init(
    identity: ChannelIdentity, _ settings: MailSettings, _ code: ChannelCode,
    _ reader: SecretReader
  ) throws(ChannelError) {
    self.identity = identity
    self.settings = settings
    authorities = settings.authorities.map { joinPath(reader.directory, $0) }
    guard let (user, source) = settings.login else {
      login = nil
      return
    }
    do { login = (user, try reader.read(source)) } catch { throw .secret(code, source, error) }
  }

  var pace: ChannelPace { settings.pace }

  func request(
    for message: OutgoingMessage, at now: Instant
  ) throws(Unsendable) -> NetworkRequest {
    guard isMailbox(message.address) else { throw Unsendable(code: "invalid-address") }
    var request = self.request(.mail(from: settings.from, to: message.address))
    let mail = MailText(
      from: settings.from, fromName: settings.fromName, replyTo: settings.replyTo,
      to: message.address, messageID: message.messageID, date: now,
      subject: message.text.subject, body: message.text.body)
    request.body = mail.bytes
    return request
  }

  var trial: NetworkRequest? { request(.greet) }

  private func request(_ action: NetworkRequest.Action) -> NetworkRequest {
    let isImplicit = settings.security == .implicit
    var request = NetworkRequest(
      action: action,
      url: "\(isImplicit ? "smtps" : "smtp")://\(settings.host):\(settings.port)",
      schemes: isImplicit ? .smtps : .smtp, pace: settings.pace)
    request.login = login
    request.requiresTLS = settings.security != .none
    request.authorities = authorities
    return request
  }

  func outcome(of end: NetworkEnd) -> AttemptOutcome {
    let reply = SMTPReply(end.reply)
    let isDecided = !end.isSent || end.isAnsweredSinceSent
    if end.course == .answered, isDecided, let reply, (200..<300).contains(reply.code) {
      return .reported(
        ChannelReport(
          outcome: .accepted, evidence: .acceptedByProvider, code: reply.text,
          detail: end.reply))
    }
    guard isDecided else { return .unknown(.timeout) }
    guard let reply, reply.code >= 400 else {
      return .reported(
        ChannelReport(
          outcome: .failed, evidence: .none, code: end.course.code ?? "connection-lost",
          isRetryable: true))
    }
    let isAboutLogin = [530, 534, 535, 538].contains(reply.code) || end.course == .loginDenied
    return .reported(
      ChannelReport(
        outcome: .failed, evidence: .none, code: reply.text,
        isRetryable: reply.code < 500 || isAboutLogin, detail: end.reply))
  }
}

/// The numbers in a line that a mail server replied: `550 5.1.1 no such user`.
struct SMTPReply: Hashable {
  /// The reply code (RFC 5321 §4.2).
  let code: Int
  /// The enhanced code (RFC 3463), where there is one.
  let enhanced: String?

  init?(_ line: String) {
    let bytes = Array(line.utf8)
    guard bytes.count >= 3, bytes[..<3].allSatisfy({ (0x30...0x39).contains($0) }),
      let code = Int(String(decoding: bytes[..<3], as: UTF8.self)), (200..<600).contains(code),
      bytes.count == 3 || bytes[3] == UInt8(ascii: " ") || bytes[3] == UInt8(ascii: "-")
    else { return nil }
    self.code = code
    let word = bytes.dropFirst(4).prefix { $0 != UInt8(ascii: " ") }
    let parts = word.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    // A class, a subject and a detail; the class agrees with the code's.
    let isEnhanced =
      parts.count == 3 && parts[0].elementsEqual([bytes[0]])
      && parts.allSatisfy {
        (1...3).contains($0.count) && $0.allSatisfy { (0x30...0x39).contains($0) }
      }
    enhanced = isEnhanced ? String(decoding: word, as: UTF8.self) : nil
  }

  /// `550 5.1.1`.
  var text: String { enhanced.map { "\(code) \($0)" } ?? "\(code)" }
}
