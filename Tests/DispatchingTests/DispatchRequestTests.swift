import Bytes
import Dispatching
import Events
import Testing

@Suite("Dispatch requests")
struct DispatchRequestTests {
  private func parse(_ text: String) throws(RequestError) -> DispatchRequest {
    try DispatchRequest(parsing: Array(text.utf8))
  }

  /// A request with `members` behind the four that it needs.
  private func request(_ members: String) -> String {
    """
    {"start_time":"08/27/2019 21:04","program_id":1,"event_type_id":"1"\(members)}
    """
  }

  private func refused(_ members: String) -> RequestError? {
    refusal(request(members)) { bytes throws(RequestError) in try DispatchRequest(parsing: bytes) }
  }

  private func refusedWhole(_ text: String) -> RequestError? {
    refusal(text) { bytes throws(RequestError) in try DispatchRequest(parsing: bytes) }
  }

  @Test("The original service's closed and open-ended requests are taken as they are")
  func originals() throws {
    let closed = try parse(
      """
      {"start_time":"08/27/2019 21:04", "end_time":"08/27/2019 22:04", "program_id":1, "event_type_id":"1"}
      """)
    #expect(closed.start.reading == .local(try civil("2019-08-27T21:04:00")))
    #expect(closed.end?.reading == .local(try civil("2019-08-27T22:04:00")))
    #expect(closed.programID == EntityID("1"))
    #expect(closed.eventTypeID == EntityID("1"))
    #expect(!closed.isTest)
    #expect(closed.attributes == nil)
    #expect(closed.fold == nil)
    #expect(try parse(request("")).end == nil)
  }

  @Test("One id in two forms is one id")
  func ids() throws {
    let text = #"{"start_time":"08/27/2019 21:04","program_id":"1","event_type_id":1}"#
    let one = try parse(text)
    let other = try parse(request(""))
    #expect(one.programID == other.programID)
    #expect(one.eventTypeID == other.eventTypeID)
    #expect(one.document != other.document)
  }

  @Test("Unknown fields and those within attributes are kept, whatever they hold")
  func attributes() throws {
    let parsed = try parse(request(#","megawatts":"1.5","attributes":{"end_tiem":[null,{"a":1}]}"#))
    #expect(
      parsed.attributes == (try JSONObject(#"{"end_tiem":[null,{"a":1}],"megawatts":"1.5"}"#)))
    #expect(try parse(request(#","attributes":{}"#)).attributes == nil)
  }

  @Test("Marking a request as a drill changes what it says, once")
  func drill() throws {
    var parsed = try parse(request(""))
    parsed.markAsTest()
    #expect(parsed.isTest)
    #expect(parsed == (try parse(request(#","test":true"#))))
  }

  @Test(
    "A time is RFC 3339 or month, day, year, hour and minute, and a day of the calendar",
    arguments: [
      ("08/27/2019 21:04", true), ("2019-08-27T21:04:00-04:00", true),
      ("2019-08-28T01:04:00.5Z", true), ("02/29/2024 00:00", true), ("02/29/2023 00:00", false),
      ("8/27/2019 21:04", false), ("08/27/2019 24:00", false), ("08/27/2019 21:60", false),
      ("08/27/2019 21:04:00", false), ("27/08/2019 21:04", false), ("08-27-2019 21:04", false),
      ("2019-08-27 21:04", false), ("2019-08-27T21:04:00", false), ("", false),
      ("08/27/2019  21:04", false), ("00/27/2019 21:04", false), ("08/27/0000 21:04", false),
    ])
  func times(text: String, isTime: Bool) {
    #expect((TypedTime(text) != nil) == isTime)
  }

  @Test("Each way to be malformed names the field, what it found and what it expected")
  func malformed() {
    #expect(refused("") == nil)
    #expect(
      refusedWhole("{") == RequestError("", .notJSON(JSONError(offset: 1, reason: .unexpectedEnd))))
    #expect(refusedWhole("[]") == RequestError("", .wrongKind(found: .array, expected: .object)))
    #expect(refusedWhole("{}") == RequestError("start_time", .missing))
    #expect(
      refusedWhole(#"{"start_time":"08/27/2019 21:04","event_type_id":1}"#)
        == RequestError("program_id", .missing))
    #expect(
      refusedWhole(#"{"start_time":"08/27/2019 21:04","program_id":1}"#)
        == RequestError("event_type_id", .missing))
    #expect(
      refusedWhole(#"{"start_time":1,"program_id":1,"event_type_id":1}"#)
        == RequestError("start_time", .wrongKind(found: .integer, expected: .string)))
    #expect(
      refused(#","end_time":"tomorrow""#)
        == RequestError("end_time", .badValue(found: "tomorrow", expected: .time)))
    #expect(
      refused(#","end_time":null"#)
        == RequestError("end_time", .wrongKind(found: .null, expected: .string)))
    #expect(
      refusedWhole(#"{"start_time":"08/27/2019 21:04","program_id":"a b","event_type_id":1}"#)
        == RequestError("program_id", .badValue(found: "a b", expected: .id)))
    #expect(
      refusedWhole(#"{"start_time":"08/27/2019 21:04","program_id":true,"event_type_id":1}"#)
        == RequestError("program_id", .wrongKind(found: .boolean, expected: .string)))
    #expect(
      refused(#","test":"true""#)
        == RequestError("test", .wrongKind(found: .string, expected: .boolean)))
    #expect(
      refused(#","fold":"third""#)
        == RequestError("fold", .badValue(found: "third", expected: .oneOf(["first", "second"]))))
    #expect(
      refused(#","attributes":[]"#)
        == RequestError("attributes", .wrongKind(found: .array, expected: .object)))
    #expect(
      refused(#","mw":1,"attributes":{"mw":2}"#)
        == RequestError("mw", .duplicate(first: "attributes.mw")))
    #expect(
      refused(#","execute_at":"tomorrow""#)
        == RequestError("execute_at", .badValue(found: "tomorrow", expected: .time)))
    #expect(
      refused(#","execute_if":"a <""#)
        == RequestError(
          "execute_if",
          .condition(
            ConditionError(
              position: TextPosition(line: 1, column: 4),
              problem: .expected("a decimal number", found: "")))))
    #expect(
      refused(#","execute_at":"08/27/2019 20:00","execute_if":"a < 1""#)
        == RequestError("execute_if", .duplicate(first: "execute_at")))
    #expect(refused(#","execute_grace":"PT5M""#) == RequestError("execute_at", .missing))
    #expect(
      refused(#","execute_if":"a < 1","execute_grace":"5""#)
        == RequestError("execute_grace", .badValue(found: "5", expected: .duration)))
  }

  @Test("A request larger or deeper than its events can hold is refused, one that fits is taken")
  func limits() throws {
    func filled(_ bytes: Int) -> String {
      let text = String(repeating: "x", count: 9_990)
      return (0..<bytes / 10_000).map { #","long\#($0)":"\#(text)""# }.joined()
    }
    #expect(refused(filled(30_000)) == nil)
    let large = refused(filled(40_000))
    guard case .tooLarge(_, 32_768)? = large?.problem else {
      Issue.record("\(String(describing: large))")
      return
    }
    func nested(_ levels: Int) -> String {
      #","deep":"# + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(refused(nested(13)) == nil)
    #expect(refused(nested(14)) == RequestError("", .tooDeep(limit: 14)))
  }

  @Test(
    "A field that may be a known one misspelt is refused with the one that was meant",
    arguments: [
      ("end_tiem", "end_time"), ("End_Time", "end_time"), ("endTime", "end_time"),
      ("end-time", "end_time"), ("endtime", "end_time"), ("end time", "end_time"),
      ("end_times", "end_time"), ("ed_time", "end_time"), ("edn_timee", "end_time"),
      ("START_TIME", "start_time"), ("strat_time", "start_time"), ("start_tme", "start_time"),
      ("programId", "program_id"), ("program", "program_id"), ("program_ids", "program_id"),
      ("eventTypeID", "event_type_id"), ("event_type", "event_type_id"), ("tets", "test"),
      ("Test", "test"), ("tests", "test"), ("Fold", "fold"), ("attribute", "attributes"),
      ("executeAt", "execute_at"), ("execute_iff", "execute_if"),
    ])
  func nearMisses(field: String, meant: String) {
    #expect(
      refused(#","\#(field)":"x""#) == RequestError(field, .nearMiss(suggestion: meant)))
    #expect(refused(#","attributes":{"\#(field)":"x"}"#) == nil)
  }

  @Test(
    "A field that is far from every known one is an attribute",
    arguments: [
      "megawatts", "region", "operator_note", "priority", "end", "reason", "", "x",
      "start_time_of_the_other_program", "zone",
    ])
  func farFields(field: String) throws {
    let parsed = try parse(request(#","\#(field)":"x""#))
    #expect(parsed.attributes?.members.map(\.key) == [field])
  }
}
