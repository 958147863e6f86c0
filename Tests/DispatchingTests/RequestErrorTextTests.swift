import Bytes
import Dispatching
import Testing

@Suite("The words of request errors")
struct RequestErrorTextTests {
  @Test("Each problem says where, what was found and what to do")
  func problems() {
    let cases: [(RequestError, String)] = [
      (
        RequestError("", .notJSON(JSONError(offset: 4, reason: .duplicateKey("a\u{1B}b")))),
        #"the document is not JSON: the key "a\u{1B}b" stands twice at byte 4"#
      ),
      (RequestError("start_time", .missing), "start_time is missing"),
      (
        RequestError("user", .unknownField(suggestion: "users")),
        "user is no field that is known here; did you mean users?"
      ),
      (RequestError("x", .unknownField(suggestion: nil)), "x is no field that is known here"),
      (
        RequestError("end_tiem", .nearMiss(suggestion: "end_time")),
        "end_tiem looks like end_time misspelt; write end_time, or put the field into "
          + #""attributes" where it is meant as it stands"#
      ),
      (
        RequestError("test", .wrongKind(found: .string, expected: .boolean)),
        "test is a string, but should be a boolean"
      ),
      (
        RequestError("a[0]", .wrongKind(found: .null, expected: .object)),
        "a[0] is null, but should be an object"
      ),
      (
        RequestError("fold", .badValue(found: "3\"", expected: .oneOf(["first", "second"]))),
        #"fold is "3\"", but should be one of first, second"#
      ),
      (
        RequestError("name", .badValue(found: nil, expected: .text(limit: 256))),
        "name should be printable text of 1 to 256 bytes"
      ),
      (
        RequestError("users[1]", .duplicate(first: "users[0]")),
        "users[1] says again what users[0] says"
      ),
      (
        RequestError(
          "rules[0].if",
          .condition(
            ConditionError(
              position: TextPosition(line: 1, column: 9),
              problem: .expected("a decimal number", found: "x\"")))),
        #"rules[0].if: at 1:9 "x\"" stands where a decimal number should be"#
      ),
      (
        RequestError(
          "templates[2].body",
          .template(
            TemplateError(
              part: .body, position: TextPosition(line: 2, column: 3),
              problem: .unknownVariable("strat", suggestion: "start")))),
        #"templates[2].body: the body at 2:3 names "strat", which no notice has; did you mean start?"#
      ),
      (
        RequestError("", .tooLarge(bytes: 9, limit: 8)),
        "the document has 9 bytes in canonical form; at most 8 can be kept"
      ),
      (RequestError("", .tooDeep(limit: 14)), "the document nests more than 14 levels"),
    ]
    for (error, text) in cases { #expect(error.text == text) }
  }

  @Test("Each form and each reason has words of its own, fit for a terminal")
  func forms() {
    let forms: [RequestError.Form] = [
      .id, .channelCode, .timeZone, .duration, .period, .time, .text(limit: 1), .language,
      .oneOf(["a"]),
      .notEmpty, .entries(limit: 1), .bytes(limit: 1),
    ]
    #expect(Set(forms.map(\.text)).count == forms.count)
    let reasons: [JSONError.Reason] = [
      .unexpectedEnd, .unexpectedByte(7), .duplicateKey("k"), .notAnInteger, .leadingZero,
      .negativeZero, .integerOutOfRange, .invalidUTF8, .controlCharacter, .invalidEscape,
      .loneSurrogate, .noncharacter, .stringTooLong(limit: 1), .tooDeep(limit: 1), .trailingBytes,
    ]
    #expect(Set(reasons.map(\.text)).count == reasons.count)
    let long = RequestError(
      "f", .badValue(found: String(repeating: "é\n", count: 90), expected: .id))
    #expect(long.text.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 >= 0x80 })
    #expect(long.text.contains("…"))
  }

  @Test("A part's error names the whole's path")
  func within() {
    let error = RequestError("contacts.sms", .missing)
    #expect(error.within("users[3]").path == "users[3].contacts.sms")
    #expect(RequestError("", .missing).within("request").path == "request")
    #expect(RequestError("[1]", .missing).within("a").path == "a[1]")
  }
}
