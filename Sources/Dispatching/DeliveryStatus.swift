package import Bytes
import Events

extension ProviderResults {
  /// Takes a delivery status notification: a `multipart/report` message whose
  /// `message/delivery-status` part says for each recipient what became of the message (RFC 3464).
  ///
  /// The attempt is in `Original-Envelope-Id`, or else in the `Message-ID` of the message that it
  /// returns. `delayed` is no failure: a server still tries; `relayed` and `expanded` end the trail
  /// without proof.
  ///
  /// - Parameter origin: The ledger's: an attempt of another one isn't taken for one of this.
  /// - Returns: One command a recipient.
  package static func deliveryStatus(
    _ message: [UInt8], origin: String
  ) throws(RequestError) -> [JSONObject] {
    guard message.count <= limitBytes else {
      throw RequestError(path: "", problem: .tooLarge(bytes: message.count, limit: limitBytes))
    }
    let lines = message.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
    let parts = parts(of: lines)
    guard let report = parts.first(where: { $0.isDeliveryStatus }) else {
      throw RequestError(path: "", problem: .badValue(found: nil, expected: .deliveryStatus))
    }
    var groups = report.body.split(omittingEmptySubsequences: true) { $0.isEmpty }
      .map { HeaderFields($0) }
    guard !groups.isEmpty else {
      throw RequestError(path: "Action", problem: .missing)
    }
    let ofMessage = groups.removeFirst()
    let returned = parts.lazy.compactMap {
      HeaderFields($0.body.prefix { !$0.isEmpty })["message-id"]
    }
    .first
    let id = ofMessage["original-envelope-id"].map(unescapedXtext) ?? returned
    guard let id else {
      throw RequestError(path: "Original-Envelope-Id", problem: .missing)
    }
    guard !groups.isEmpty else { throw RequestError(path: "Action", problem: .missing) }
    let detail = rawText(Array(report.body.joined(separator: [UInt8(ascii: "\n")])))
    var commands: [JSONObject] = []
    for group in groups {
      commands.append(try command(group, of: id, origin: origin, detail: detail))
    }
    return commands
  }

  private static func command(
    _ group: HeaderFields, of id: String, origin: String, detail: String
  ) throws(RequestError) -> JSONObject {
    guard let word = group["action"] else {
      throw RequestError(path: "Action", problem: .missing)
    }
    guard let action = Action(rawValue: word.lowercased()) else {
      let words = Action.allCases.map(\.rawValue)
      throw RequestError(path: "Action", problem: .badValue(found: word, expected: .oneOf(words)))
    }
    var command = JSONObject()
    command["command"] = "result"
    if let attempt = attempt(in: id, of: origin) {
      command["attempt"] = .string(String(attempt))
    } else {
      command["provider_id"] = .string(id)
    }
    let status = group["status"].map { String($0.prefix { $0 != " " }) } ?? ""
    let outcome = action.outcome(status: status)
    command["outcome"] = .string(outcome.rawValue)
    command["evidence"] = .integer(Int64(action.evidence.rawValue))
    if !status.isEmpty { command["code"] = .string(status) }
    if outcome == .undelivered || outcome == .expired { command["retryable"] = false }
    if !detail.isEmpty { command["detail"] = .string(detail) }
    return command
  }

  /// The attempt that an envelope's or a message's id names: `42`, `attempt-42`, `attempt-42@ORIGIN`,
  /// the last one in angle brackets too.
  private static func attempt(in id: String, of origin: String) -> EventID? {
    var text = id[...]
    if text.hasPrefix("<"), text.hasSuffix(">") { text = text.dropFirst().dropLast() }
    if text.hasPrefix("attempt-") { text = text.dropFirst("attempt-".count) }
    if let at = text.firstIndex(of: "@") {
      guard sameBytes(String(text[text.index(after: at)...]), origin) else { return nil }
      text = text[..<at]
    }
    return EventID(eventID: String(text))
  }

  /// The text that an xtext stands for: `+` before two hexadecimal digits (RFC 3461 §4).
  private static func unescapedXtext(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "+"), let decoded = Hex.decode(rest.prefix(2).map(lowerCase)),
        decoded.count == 1
      {
        bytes += decoded
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The parts of a multipart message, at whatever depth of one boundary; one part where it is none.
  private static func parts(of lines: [ArraySlice<UInt8>]) -> [MessagePart] {
    let whole = MessagePart(lines[...])
    guard let boundary = whole.boundary else { return [whole] }
    let delimiter = Array("--\(boundary)".utf8)
    var parts: [MessagePart] = []
    var start: Int?
    for (index, line) in whole.body.enumerated() where line.starts(with: delimiter) {
      let rest = line.dropFirst(delimiter.count)
      guard
        rest.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
          || rest.starts(with: "--".utf8)
      else { continue }
      let place = whole.body.startIndex + index
      if let begun = start { parts.append(MessagePart(whole.body[begun..<place])) }
      start = rest.starts(with: "--".utf8) ? nil : place + 1
    }
    if let begun = start { parts.append(MessagePart(whole.body[begun...])) }
    return parts
  }

  /// What a server says of a recipient (RFC 3464 §2.3.3).
  private enum Action: String, CaseIterable {
    case failed, delayed, delivered, relayed, expanded

    /// What a status of `x.4.7` says is that the time was over (RFC 3463 §3.5).
    func outcome(status: String) -> OutcomeClass {
      switch self {
      case .failed: status.hasSuffix(".4.7") ? .expired : .undelivered
      case .delayed: .accepted
      case .delivered: .delivered
      case .relayed, .expanded: .inTransit
      }
    }

    var evidence: EvidenceStrength {
      switch self {
      case .delayed: .acceptedByProvider
      case .failed, .relayed, .expanded: .handedOver
      case .delivered: .confirmedByCarrier
      }
    }
  }
}

/// A message, or a part of one: header fields, an empty line, a body.
private struct MessagePart {
  let fields: HeaderFields
  let body: ArraySlice<ArraySlice<UInt8>>

  init(_ lines: ArraySlice<ArraySlice<UInt8>>) {
    let end = lines.firstIndex { $0.isEmpty } ?? lines.endIndex
    fields = HeaderFields(lines[..<end])
    body = lines[end...].dropFirst()
  }

  private var type: String { (fields["content-type"] ?? "").lowercased() }

  var isDeliveryStatus: Bool {
    type.hasPrefix("message/delivery-status") || type.hasPrefix("message/global-delivery-status")
  }

  /// What divides a `multipart/report`.
  var boundary: String? {
    guard type.hasPrefix("multipart/report"), let value = fields["content-type"] else { return nil }
    for parameter in value.split(separator: ";").dropFirst() {
      let text = parameter.drop { $0 == " " || $0 == "\t" }
      guard text.lowercased().hasPrefix("boundary=") else { continue }
      var boundary = text.dropFirst("boundary=".count)
      if boundary.hasPrefix("\"") { boundary = boundary.dropFirst().prefix { $0 != "\"" } }
      let trimmed = boundary.prefix { $0 != " " }
      return (1...70).contains(trimmed.utf8.count) ? String(trimmed) : nil
    }
    return nil
  }
}

/// Header fields with their continuation lines put together; of two with a name the first counts.
private struct HeaderFields {
  private var fields: [(name: String, value: String)] = []

  init(_ lines: some Sequence<ArraySlice<UInt8>>) {
    for line in lines {
      let isContinued = line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t")
      let text = String(decoding: line, as: UTF8.self)
      if isContinued, !fields.isEmpty {
        fields[fields.count - 1].value += " " + Self.trimmed(text[...])
      } else if let colon = text.firstIndex(of: ":") {
        fields.append(
          (text[..<colon].lowercased(), Self.trimmed(text[text.index(after: colon)...])))
      }
    }
  }

  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text = text.dropLast() }
    return String(text)
  }
}

/// The digit of a hexadecimal number as ``Hex`` takes it.
func lowerCase(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte) ? byte | 0x20 : byte
}
