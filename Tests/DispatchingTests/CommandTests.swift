import Bytes
import Dispatching
import Events
import Testing

@Suite("Commands")
struct CommandTests {
  private func parse(_ text: String) throws(RequestError) -> Command {
    try Command(parsing: Array(text.utf8))
  }

  private func refused(_ text: String) -> RequestError? {
    refusal(text) { bytes throws(RequestError) in try Command(parsing: bytes) }
  }

  static let names = [
    "import", "dispatch", "end", "cancel", "modify", "acknowledge", "opt-out", "opt-in", "enroll",
    "withdraw", "erase", "retire", "settle", "correct", "result", "observe", "hold-place",
    "hold-release",
  ]

  static let request =
    #"{"event_type_id":"1","program_id":1,"start_time":"08/27/2019 21:04"}"#

  @Test(
    "A command reads what it writes, and writes it in canonical form",
    arguments: [
      #"{"command":"dispatch","request":\#(request)}"#,
      #"{"catalogue":{"user_groups":[{"id":1,"name":"G"}]},"command":"import"}"#,
      #"{"command":"end","dispatch_id":"d-1","reason":"load is back"}"#,
      #"{"command":"cancel","dispatch_id":"d-1","reason":"not needed"}"#,
      #"{"command":"modify","dispatch_id":7,"end_time":"08/27/2019 22:04","reason":"r"}"#,
      #"{"channel":"sms","command":"opt-out","program_id":1,"reason":"STOP","user_id":"u"}"#,
      #"{"command":"opt-in","user_id":7}"#,
      #"{"command":"result","evidence":3,"outcome":"delivered","provider_id":"SM1"}"#,
      #"{"at":"2026-07-01T00:00:00Z","command":"enroll","program_id":1,"user_id":"u"}"#,
      #"{"command":"withdraw","program_id":1,"user_id":"u"}"#,
      #"{"command":"erase","reason":"r","user_id":"u"}"#,
      #"{"command":"retire","id":1,"kind":"event-type","reason":"replaced"}"#,
      #"{"attempt":"44","command":"settle","decision":"resend","reason":"r"}"#,
      #"{"command":"correct","correction":{"at":"x"},"event":42,"reason":"r"}"#,
      #"{"command":"acknowledge","dispatch_id":"d","modification":2,"opt":"in","user_id":7}"#,
    ])
  func inverse(line: String) throws {
    let command = try parse(line)
    #expect(JSON.object(command.document).canonicalBytes == Array(line.utf8))
    #expect(Command.canonicalBytes(of: [command, command]) == Array("[\(line),\(line)]".utf8))
  }

  @Test("Spacing and the order of keys make no other call; another form of an id does")
  func canonical() throws {
    let one = try parse(#"{"command":"dispatch","request":\#(Self.request)}"#)
    let spaced = try parse(
      """
      {"request": {"start_time":"08/27/2019 21:04", "program_id":1, "event_type_id":"1"},
       "command": "dispatch"}
      """)
    #expect(Command.canonicalBytes(of: [one]) == Command.canonicalBytes(of: [spaced]))
    let other = try parse(
      #"{"command":"dispatch","request":{"event_type_id":1,"program_id":1,"start_time":"08/27/2019 21:04"}}"#
    )
    #expect(Command.canonicalBytes(of: [one]) != Command.canonicalBytes(of: [other]))
  }

  @Test("Each way to be malformed has its path")
  func malformed() {
    #expect(refused("{}") == RequestError("command", .missing))
    #expect(
      refused(#"{"command":"ned"}"#)
        == RequestError(
          "command",
          .badValue(found: "ned", expected: .oneOf(Self.names))))
    #expect(refused(#"{"command":"dispatch"}"#) == RequestError("request", .missing))
    #expect(
      refused(#"{"command":"dispatch","request":[]}"#)
        == RequestError("request", .wrongKind(found: .array, expected: .object)))
    #expect(
      refused(#"{"command":"dispatch","request":{"start_time":"x"}}"#)
        == RequestError("request.start_time", .badValue(found: "x", expected: .time)))
    #expect(
      refused(#"{"command":"dispatch","request":{},"requst":{}}"#)
        == RequestError("requst", .unknownField(suggestion: "request")))
    #expect(refused(#"{"command":"import"}"#) == RequestError("catalogue", .missing))
    #expect(
      refused(#"{"command":"import","catalogue":{"users":[{"id":"u","name":1}]}}"#)
        == RequestError(
          "catalogue.users[0].name", .wrongKind(found: .integer, expected: .string)))
    #expect(refused(#"{"command":"end","dispatch_id":"d"}"#) == RequestError("reason", .missing))
    #expect(refused(#"{"command":"cancel","reason":"r"}"#) == RequestError("dispatch_id", .missing))
    #expect(
      refused(#"{"command":"end","dispatch_id":"d","reason":""}"#)
        == RequestError("reason", .badValue(found: "", expected: .text(limit: 1_024))))
    #expect(
      refused(#"{"command":"end","dispatch_id":"d","reason":"r","at":1}"#)
        == RequestError("at", .unknownField(suggestion: nil)))
  }
}
