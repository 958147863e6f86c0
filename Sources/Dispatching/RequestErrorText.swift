import Bytes
import Events

extension RequestError {
  /// The error as a sentence's beginning and what to do about it, in one line without a period.
  ///
  /// What was typed is quoted with everything escaped that isn't printable ASCII.
  package var text: String {
    let place = path.isEmpty ? "the document" : visible(path)
    switch problem {
    case .notJSON(let error):
      return "\(place) is not JSON: \(error.reason.text) at byte \(error.offset)"
    case .missing: return "\(place) is missing"
    case .unknownField(let suggestion?):
      return "\(place) is no field that is known here; did you mean \(suggestion)?"
    case .unknownField(nil): return "\(place) is no field that is known here"
    case .nearMiss(let suggestion):
      return "\(place) looks like \(suggestion) misspelt; write \(suggestion), or put the field "
        + "into \"attributes\" where it is meant as it stands"
    case .wrongKind(let found, let expected):
      return "\(place) is \(found.text), but should be \(expected.text)"
    case .badValue(let found?, let expected):
      return "\(place) is \"\(visible(found))\", but should be \(expected.text)"
    case .badValue(nil, let expected): return "\(place) should be \(expected.text)"
    case .duplicate(let first): return "\(place) says again what \(visible(first)) says"
    case .contradicts(let other): return "\(place) contradicts \(visible(other))"
    case .template(let error): return "\(place): \(error.text)"
    case .condition(let error): return "\(place): \(error.text)"
    case .tooLarge(let bytes, let limit):
      return "\(place) has \(bytes) bytes in canonical form; at most \(limit) can be kept"
    case .tooDeep(let limit): return "\(place) nests more than \(limit) levels"
    }
  }
}

extension RequestError.Kind {
  /// The kind with its article.
  package var text: String {
    switch self {
    case .null: "null"
    case .boolean, .string: "a \(rawValue)"
    case .integer, .array, .object: "an \(rawValue)"
    }
  }
}

extension RequestError.Form {
  /// The form in words, as they follow "should be".
  package var text: String {
    switch self {
    case .id: "a number or string of 1 to 128 letters, digits, _ or -"
    case .channelCode: "a channel's code: a lower-case letter, then up to 31 of a-z, 0-9, _ or -"
    case .timeZone: "the name of a time zone, such as America/New_York"
    case .duration: "a duration such as PT30M or P1DT12H: days, hours, minutes, seconds"
    case .period: "a period such as P7Y or P1Y6M: years, months, days"
    case .time: "a time: MM/DD/YYYY HH:MM in the program's zone, or RFC 3339 with an offset"
    case .instant: "an RFC 3339 time with an offset, such as 2026-11-23T17:23:59Z"
    case .localTime: "a time on a clock, from 00:00 to 23:59"
    case .monthDay: "a month and a day that every year has, such as 06-01"
    case .ordinal: "a whole number from 1 on"
    case .form: "a form's body, NAME=VALUE&…, URL-encoded"
    case .deliveryStatus: "JSON Lines, Twilio's callbacks, or a delivery status notification"
    case .eventID: "the id of an event, a whole number from 0 on"
    case .text(let limit): "printable text of 1 to \(limit) bytes"
    case .language: "a language tag such as en or pt-BR"
    case .oneOf(let words): "one of \(words.joined(separator: ", "))"
    case .notEmpty: "a list of at least one entry"
    case .entries(let limit): "a list of at most \(limit) entries"
    case .bytes(let limit): "text of at most \(limit) bytes"
    case .described(let words): words
    case .decimal: "a decimal number as a string, such as \"42.5\""
    case .signalName:
      "a signal's name: a letter or _, then up to 127 letters, digits, _ or -, and none of "
        + conditionWords.joined(separator: " ")
    case .unit: "a unit of 1 to 32 characters without spaces, such as USD/MWh"
    case .otherThan(let taken): "another id than \(taken)"
    }
  }
}

extension JSONError.Reason {
  /// The reason in words, as they stand before a position.
  package var text: String {
    switch self {
    case .unexpectedEnd: "it ends too early"
    case .unexpectedByte(let byte): "unexpected byte 0x\(Hex.encode([byte]))"
    case .duplicateKey(let key): "the key \"\(visible(key))\" stands twice"
    case .notAnInteger: "a number with a fraction or an exponent (write quantities as strings)"
    case .leadingZero: "a number with a leading zero"
    case .negativeZero: "a zero with a sign"
    case .integerOutOfRange: "a number beyond 2^53 - 1"
    case .invalidUTF8: "invalid UTF-8"
    case .controlCharacter: "a control character that isn't escaped"
    case .invalidEscape: "an invalid escape"
    case .loneSurrogate: "half of a surrogate pair"
    case .noncharacter: "a code point that is no character"
    case .stringTooLong(let limit): "a string of more than \(limit) bytes"
    case .tooDeep(let limit): "more than \(limit) levels of nesting"
    case .trailingBytes: "something after the document's end"
    }
  }
}

/// At most 64 characters of `text`, fit for a terminal: whatever isn't printable ASCII is escaped.
func visible(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars.prefix(64) {
    shown += scalar == "\"" ? "\\\"" : scalar.escaped(asASCII: true)
  }
  return text.unicodeScalars.count > 64 ? shown + "…" : shown
}
