import Bytes
import Events
import Testing

struct ErrorTextTests {
  @Test("What an older reader prints names the type, the version and the event")
  func unknownTypes() {
    let advice = "; read the ledger with the release that wrote it, or a later one"
    #expect(
      EventError.unknownType("dispatch.paused.v1", id: 42).text
        == "event 42 is of the type \"dispatch.paused.v1\", which this release doesn't know"
        + advice)
    #expect(
      EventError.unknownVersion(name: "dispatch.requested", version: 2, id: 42).text
        == "event 42 is in version 2 of the type dispatch.requested, which this release doesn't "
        + "know" + advice)
  }

  @Test("Every error says what is wrong, and where in the line")
  func texts() {
    let texts: [(EventError, String)] = [
      (.tooLong(bytes: 70_000), "the line is 70000 bytes long; an event has at most 65535"),
      (
        .notJSON(JSONError(offset: 12, reason: .unexpectedEnd)),
        "the line is not JSON at byte 12"
      ),
      (.notCanonical(offset: 3), "the line is not in canonical form at byte 3"),
      (.missingField(path: "data.end"), "the field data.end is missing"),
      (.unknownField(path: "data.\u{1B}[2J"), #"the field "data.\u001b[2J" is unknown"#),
      (.wrongKind(path: "data.a", expected: .object), "the field data.a is not an object"),
      (.wrongKind(path: "", expected: .object), "the line is not an object"),
      (.wrongKind(path: "data.a", expected: .string), "the field data.a is not a string"),
      (
        .badValue(path: "data.reason", expected: .oneOf(["hold", "resend"])),
        "the field data.reason is not one of hold, resend"
      ),
      (
        .badValue(
          path: "data.modification",
          expected: .integer(from: 1, through: Int(JSON.greatestInteger))),
        "the field data.modification is not 1 or greater"
      ),
      (
        .badValue(path: "data.evidence", expected: .integer(from: 0, through: 5)),
        "the field data.evidence is not within 0 and 5"
      ),
      (
        .badValue(path: "data.modification", expected: .integer(from: 1, through: 1)),
        "the field data.modification is not 1"
      ),
      (
        .badValue(path: "data", expected: .exactlyOne(["a", "b"])),
        "the field data is not an object with exactly one of a, b"
      ),
      (
        .wrongSubject(found: "user/x", expected: "dispatch/d"),
        "the subject is \"user/x\", but the data belongs to dispatch/d"
      ),
    ]
    for (error, text) in texts { #expect(error.text == text) }
  }

  @Test("Every form has words of its own")
  func forms() {
    let forms: [EventError.Form] = [
      .entityID, .eventID, .channelCode, .codeWord, .ledgerID, .hexDigest, .treeRoot, .base64,
      .sealedText, .decimal, .templateVersion, .zoneName, .instant, .duration, .period, .subject,
      .specVersion, .notEmpty, .atMost(3), .ascending, .distinct, .agreement(with: "x"),
    ]
    let texts = Set(forms.map(\.text))
    #expect(texts.count == forms.count)
    #expect(texts.allSatisfy { !$0.isEmpty })
    #expect(Set(EventError.Kind.allCases.map(\.text)).count == EventError.Kind.allCases.count)
  }
}
