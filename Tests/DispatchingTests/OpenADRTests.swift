import Bytes
import Dispatching
import Events
import Testing

@Suite("What OpenADR's objects come to")
struct OpenADRTests {
  private func event(_ text: String) throws -> OpenADREvent {
    try #require(OpenADRDocument(parsing: Array(text.utf8)).events.first)
  }

  private func refused(_ text: String) -> RequestError? {
    refusal(text) { (bytes) throws(RequestError) in try OpenADRDocument(parsing: bytes) }
  }

  private static func timed(_ period: String, _ more: String = "") -> String {
    #"{"id":"e-1","programID":"p-1","intervalPeriod":{\#(period)}\#(more)}"#
  }

  @Test(
    "a duration is as long as it says, however it is spelled",
    arguments: [
      ("PT1H", 3_600_000_000), ("P0Y0M0DT1H0M0S", 3_600_000_000), ("PT90M", 5_400_000_000),
      ("P1DT1S", 86_401_000_000), ("P2W", 1_209_600_000_000), ("PT0.25S", 250_000),
      ("PT26H", 93_600_000_000),
    ] as [(String, Int64)])
  func durations(text: String, microseconds: Int64) throws {
    let event = try event(
      Self.timed(#""start":"2026-06-12T21:00:00+02:00","duration":"\#(text)""#))
    let start = try #require(OffsetTime(text: "2026-06-12T19:00:00Z".utf8)).instant
    let end = try #require(Instant(microseconds: start.microseconds + microseconds))
    #expect(event.window == .from("2026-06-12T21:00:00+02:00", at: start, until: end))
  }

  @Test(
    "a duration whose length isn't known is refused by its name",
    arguments: [
      "PT0S", "P1Y", "P1M", "-PT1H", "P", "PT", "P1DT", "1H", "PT1.5H", "PT1H2H", "P9998Y",
      "PT1000000000S", "PT.5S", "PT1.S", "PT0.1234567S", "PT1H ", "P1", "PT5M3H",
    ])
  func strangeDurations(text: String) {
    let error = refused(Self.timed(#""start":"2026-06-12T19:00:00Z","duration":"\#(text)""#))
    #expect(error?.path == "intervalPeriod.duration", "\(text)")
  }

  @Test("P9999Y is without an end, and the year 1 without length is cancelled")
  func windows() throws {
    let open = try event(Self.timed(#""start":"2026-06-12T19:00:00Z","duration":"P9999Y""#))
    let start = try #require(OffsetTime(text: "2026-06-12T19:00:00Z".utf8)).instant
    #expect(open.window == .from("2026-06-12T19:00:00Z", at: start, until: nil))
    for year1 in ["0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"] {
      let gone = try event(Self.timed(#""start":"\#(year1)","duration":"PT0S""#))
      #expect(gone.window == .cancelled)
    }
    let spaced = try event(Self.timed(#""start":"2026-06-12 19:00:00.000Z","duration":"PT1H""#))
    guard case .from(let text, _, _) = spaced.window else {
      Issue.record("it has a time")
      return
    }
    #expect(text == "2026-06-12T19:00:00.000Z")
  }

  @Test(
    "what a dispatch can't say is refused, with the field that says it",
    arguments: [
      (#"{"id":"e-1"}"#, "programID"),
      (#"{"programID":"p-1"}"#, "id"),
      (#"{"id":"e 1","programID":"p-1"}"#, "id"),
      (#"{"id":"e-1","programID":"p-1"}"#, "intervalPeriod"),
      (timed(#""start":"2026-06-12T19:00:00Z""#), "intervalPeriod.duration"),
      (timed(#""duration":"PT1H""#), "intervalPeriod.start"),
      (timed(#""start":"yesterday","duration":"PT1H""#), "intervalPeriod.start"),
      (timed(#""start":"2026-06-12T19:00:00","duration":"PT1H""#), "intervalPeriod.start"),
      (timed(#""start":"0001-01-01T00:00:00Z","duration":"PT1H""#), "intervalPeriod.start"),
      (
        timed(#""start":"2026-06-12T19:00:00Z","duration":"PT1H","randomizeStart":"PT5M""#),
        "intervalPeriod.randomizeStart"
      ),
      (
        timed(
          #""start":"2026-06-12T19:00:00Z","duration":"PT1H""#,
          #","intervals":[{"id":0,"payloads":[]},{"id":1,"payloads":[]}]"#), "intervals"
      ),
      (#"{"objectType":"VEN","id":"v"}"#, "objectType"),
      (#"[{"programName":"a"},{"programName":"a"}]"#, "[1]"),
      (#"[{"id":"e","programID":"p","targets":[7]}]"#, "[0].targets[0]"),
      (#"{"id":"e","programID":"p","intervalPeriod":[]}"#, "intervalPeriod"),
      (#"7"#, ""), (#"[1.5]"#, "[0]"), (#"[{"id":1e}]"#, ""),
    ])
  func refusals(text: String, path: String) {
    #expect(refused(text)?.path == path, "\(text)")
  }

  @Test("an interval's own period comes before the event's, and the event's duration before both")
  func overriding() throws {
    let text = Self.timed(
      #""start":"2026-06-12T19:00:00Z","duration":"PT1H""#,
      #","intervals":[{"id":0,"intervalPeriod":{"duration":"PT2H"},"payloads":[]}]"#)
    func hours(_ text: String) throws -> Int64? {
      guard case .from(_, let start, let end?) = try event(text).window else { return nil }
      return (end.microseconds - start.microseconds) / 3_600_000_000
    }
    #expect(try hours(text) == 2)
    #expect(try hours(text.dropLast() + #","duration":"PT3H"}"#) == 3)
    #expect(try hours(text.dropLast() + #","duration":null}"#) == 2)
  }

  @Test("payloads that an attribute says become it, all others are named")
  func payloads() throws {
    let text = Self.timed(
      #""start":"2026-06-12T19:00:00Z","duration":"PT1H""#,
      #"""
      ,"priority":0,"targets":null,"payloadDescriptors":[
       {"objectType":"EVENT_PAYLOAD_DESCRIPTOR","payloadType":"DISPATCH_SETPOINT","units":"KW"},
       {"objectType":"EVENT_PAYLOAD_DESCRIPTOR","payloadType":"DISPATCH_SETPOINT_RELATIVE","units":"PERCENT"}],
      "intervals":[{"id":0,"payloads":[
       {"type":"DISPATCH_SETPOINT","values":[41.75]},{"type":"DISPATCH_SETPOINT","values":[1]},
       {"type":"DISPATCH_SETPOINT_RELATIVE","values":[-1]},{"type":"SIMPLE","values":[4]},
       {"type":"DISPATCH_INSTRUCTION","values":["shed","A"]},{"type":"PRICE","values":[0.17]}]}]
      """#)
    let event = try event(text)
    let expected: JSONObject = ["instruction": ["shed", "A"], "setpoint_kw": "41.75"]
    #expect(event.attributes == expected)
    #expect(
      event.unmapped == [
        "priority", "intervals[0].payloads[1] DISPATCH_SETPOINT",
        "intervals[0].payloads[2] DISPATCH_SETPOINT_RELATIVE", "intervals[0].payloads[3] SIMPLE",
        "intervals[0].payloads[5] PRICE",
      ])
    #expect(event.original == text)
  }

  @Test("targets of 3.0.1 are what 3.1 says for them")
  func upcast() throws {
    let period = #""start":"2026-06-12T19:00:00Z","duration":"PT1H""#
    let new = try event(Self.timed(period, #","targets":["b","a","b"]"#))
    let old = try event(
      Self.timed(period, #","targets":[{"type":"GROUP","values":["b","a"]}]"#))
    let other = try event(
      Self.timed(period, #","targets":[{"type":"VEN_NAME","values":["a","b"]}]"#))
    #expect(new.targets == ["a", "b"] && new.areGroups)
    #expect(old.targets == ["a", "b"] && old.areGroups)
    #expect(other.targets == ["a", "b"] && !other.areGroups)
    let texts = [
      #"{"programName":"TOU","programLongName":"Time of Use"}"#,
      #"{"programName":"TOU","attributes":[{"type":"PROGRAM_LONG_NAME","values":["Time of Use"]}]}"#,
    ]
    for text in texts {
      let program = try #require(OpenADRDocument(parsing: Array(text.utf8)).programs.first)
      #expect(program.id.text == "TOU" && program.name == "Time of Use")
    }
  }

  @Test("each object of an array is kept as it stands there, to the byte")
  func originals() throws {
    let one =
      #"{"id":"a","programID":"p","intervalPeriod":{"start":"0001-01-01","duration":"PT0S"},"#
      + #""x":"],\"[{"}"#
    let two = one.replacing(#""id":"a""#, with: #"  "id"  : "b""#)
    let document = try OpenADRDocument(parsing: Array(" [ \(one) ,\n\(two)\t]\n".utf8))
    #expect(document.events.map(\.original) == [one, two])
    #expect(document.events.map(\.unmapped) == [["[0].x"], ["[1].x"]])
  }

  @Test("an attribute that a payload can't say has none")
  func unsayable() {
    let cases: [(OpenADR.Payload, JSON, [String]?)] = [
      (.setpoint, 5, ["5"]), (.setpoint, "1.50", ["1.50"]), (.setpoint, -5, nil),
      (.setpoint, "-0.5", nil), (.setpoint, "5 kW", nil), (.relativeSetpoint, "1e3", nil),
      (.level, 3, ["3"]), (.level, 4, nil), (.level, "3", nil),
      (.instruction, "a", [#""a""#]), (.instruction, "", nil), (.instruction, [], nil),
      (.instruction, ["a", 1], nil), (.instruction, ["a", ["b"]], nil),
      (.instruction, .string(String(repeating: "é", count: 129)), nil),
    ]
    for (payload, attribute, expected) in cases {
      let values = payload.values(of: attribute)?.map { String(decoding: $0, as: UTF8.self) }
      #expect(values == expected, "\(payload) \(attribute)")
    }
  }
}
