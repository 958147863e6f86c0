package import Bytes
import Events

/// What providers and mail servers say of messages, as the commands that `append` takes.
package enum ProviderResults {
  /// The most bytes of one message or callback.
  package static let limitBytes = 1 << 20

  /// Takes a Twilio status callback: an `application/x-www-form-urlencoded` body with `MessageSid`
  /// and `MessageStatus` (Twilio, "Outbound Message Status in Status Callbacks").
  ///
  /// `RawDlrDoneDate` has no time zone, so no time is taken from it; the whole body is kept as the
  /// raw text. Callbacks may repeat and come in any order.
  package static func twilio(_ body: some Collection<UInt8>) throws(RequestError) -> JSONObject {
    let fields = try formFields(Array(body))
    func field(_ name: String) throws(RequestError) -> String? {
      let found = fields.filter { sameBytes($0.name, name) }
      guard found.count < 2 else {
        throw RequestError(path: name, problem: .duplicate(first: name))
      }
      return found.first?.value
    }
    guard let sid = try field("MessageSid") else {
      throw RequestError(path: "MessageSid", problem: .missing)
    }
    guard let word = try field("MessageStatus") else {
      throw RequestError(path: "MessageStatus", problem: .missing)
    }
    guard let status = TwilioStatus(rawValue: word) else {
      let words = TwilioStatus.allCases.map(\.rawValue)
      throw RequestError(
        path: "MessageStatus", problem: .badValue(found: word, expected: .oneOf(words)))
    }
    var command = JSONObject()
    command["command"] = "result"
    command["provider_id"] = .string(sid)
    command["outcome"] = .string(status.outcome.rawValue)
    command["evidence"] = .integer(Int64(status.outcome.usualEvidence.rawValue))
    if let code = try field("ErrorCode"), !code.isEmpty {
      command["code"] = .string(code)
      if status.outcome == .failed || status.outcome == .undelivered {
        command["retryable"] = .bool(TwilioStatus.passingCodes.contains(code))
      }
    }
    command["detail"] = .string(rawText(body))
    return command
  }

  /// At most as much of a raw text as is kept.
  static func rawText(_ bytes: some Collection<UInt8>) -> String {
    // What isn't UTF-8 takes three bytes where it took one.
    var text = String(decoding: bytes.prefix(ResultReport.detailLimit), as: UTF8.self)
    while text.utf8.count > ResultReport.detailLimit { text.removeLast() }
    return text
  }

  /// The fields of a form, in order: names and values with `+` for a space and `%` before two
  /// hexadecimal digits (WHATWG URL, application/x-www-form-urlencoded).
  private static func formFields(
    _ body: [UInt8]
  ) throws(RequestError) -> [(name: String, value: String)] {
    var fields: [(String, String)] = []
    for part in body.split(separator: UInt8(ascii: "&")) {
      let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
      fields.append(
        (try unescaped(part[..<end]), try unescaped(part[end...].dropFirst())))
    }
    return fields
  }

  private static func unescaped(_ text: ArraySlice<UInt8>) throws(RequestError) -> String {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let decoded = Hex.decode(rest.prefix(2).map(lowerCase)) else {
          throw notAForm
        }
        bytes += decoded
        rest = rest.dropFirst(2)
      default: bytes.append(byte)
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw notAForm }
    return text
  }

  private static var notAForm: RequestError {
    RequestError(path: "", problem: .badValue(found: nil, expected: .form))
  }
}

/// What Twilio calls the state of an outbound message.
private enum TwilioStatus: String, CaseIterable {
  case accepted, scheduled, queued, sending, sent, delivered, undelivered, failed, canceled, read

  /// Codes of what may pass: a full queue, a handset that is off, an unknown error, too many calls.
  static let passingCodes = ["30001", "30003", "30008", "20429"]

  var outcome: OutcomeClass {
    switch self {
    case .accepted, .scheduled, .queued, .sending: .accepted
    case .sent: .inTransit
    case .delivered, .read: .delivered
    case .undelivered: .undelivered
    case .failed: .failed
    case .canceled: .cancelled
    }
  }
}
