import Bytes

extension EventError {
  /// The error in words, without the position of the line, which only the log knows.
  package var text: String {
    switch self {
    case .tooLong(let bytes):
      "the line is \(bytes) bytes long; an event has at most \(Event.lineLimit)"
    case .notJSON(let error):
      "the line is not JSON at byte \(error.offset)"
    case .notCanonical(let offset):
      "the line is not in canonical form at byte \(offset)"
    case .unknownType(let type, let id):
      "event \(id) is of the type \(quoted(type)), which this release doesn't know; "
        + "read the ledger with the release that wrote it, or a later one"
    case .unknownVersion(let name, let version, let id):
      "event \(id) is in version \(version) of the type \(name), which this release doesn't know; "
        + "read the ledger with the release that wrote it, or a later one"
    case .missingField(let path):
      "the field \(path) is missing"
    case .unknownField(let path):
      "the field \(quoted(path)) is unknown"
    case .wrongKind(let path, let expected):
      "\(named(path)) is not \(expected.text)"
    case .badValue(let path, let expected):
      "\(named(path)) is not \(expected.text)"
    case .wrongSubject(let found, let expected):
      "the subject is \(quoted(found)), but the data belongs to \(expected)"
    }
  }

  private func named(_ path: String) -> String {
    path.isEmpty ? "the line" : "the field \(path)"
  }
}

extension EventError.Kind {
  /// The kind with its article.
  package var text: String {
    switch self {
    case .object, .array, .integer: "an \(rawValue)"
    case .string, .boolean: "a \(rawValue)"
    }
  }
}

extension EventError.Form {
  /// The form in words, as they follow "is not".
  package var text: String {
    switch self {
    case .entityID: "an id of 1 to 128 letters, digits, _ or -"
    case .eventID: "the id of an event: a decimal number without leading zeros, in a string"
    case .channelCode: "a channel's code: a lower-case letter, then up to 31 of a-z, 0-9, _ or -"
    case .codeWord: "a code: a lower-case letter, then up to 63 of a-z, 0-9 or -"
    case .ledgerID: "a ledger's id: 32 lower-case hexadecimal digits"
    case .hexDigest: "a digest: 64 lower-case hexadecimal digits"
    case .treeRoot: "a root: 32 bytes in base 64"
    case .base64: "base 64 with padding"
    case .sealedText: "a sealed text: \(SealedText.prefix) and base 64"
    case .decimal: "a decimal number in a string"
    case .templateVersion: "a template and its version, like builtin/1"
    case .zoneName: "the name of a time zone, like America/New_York"
    case .instant: "an instant, like 2026-11-23T17:23:59.123456Z"
    case .duration: "a duration in days, hours, minutes and seconds, like P1DT12H or PT30M"
    case .period: "a period in years, months and days, like P7Y or P1Y6M"
    case .localTime: "a time on a clock, like 22:00"
    case .monthDay: "a month and a day that every year has, like 06-01"
    case .subject: "a subject, like dispatch/ID"
    case .specVersion: Envelope.specVersion
    case .oneOf(let words): "one of " + words.joined(separator: ", ")
    case .integer(let lower, let upper): integerText(from: lower, through: upper)
    case .notEmpty: "a list of at least one entry"
    case .atMost(let count): "a list of at most \(count) entries"
    case .ascending: "in ascending order, each entry once"
    case .distinct: "a list with each entry once"
    case .agreement(let other): "in agreement with \(other)"
    case .exactlyOne(let fields): "an object with exactly one of " + fields.joined(separator: ", ")
    }
  }

  private func integerText(from lower: Int, through upper: Int) -> String {
    if lower == upper { return "\(lower)" }
    return upper == Int(JSON.greatestInteger)
      ? "\(lower) or greater" : "within \(lower) and \(upper)"
  }
}

/// Text of unknown origin as a terminal may show it: in quotes, control characters escaped.
private func quoted(_ text: String) -> String {
  var bytes: [UInt8] = []
  appendCanonicalString(text, to: &bytes)
  return String(decoding: bytes, as: UTF8.self)
}
