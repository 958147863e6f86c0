import Bytes
import Dispatching
import Events
import Testing

@Suite("The built-in text")
struct NoticeTextTests {
  private func content(
    _ kind: NoticeKind = .start, isTest: Bool = false, isLate: Bool = false,
    program: String = "Peak Relief", end: String? = "2019-08-28T02:04:00Z"
  ) throws -> NoticeContent {
    func moment(_ time: String) throws -> ZonedMoment {
      ZonedMoment(
        instant: try Instant(time), zone: try #require(ZoneName("America/New_York")), text: time,
        offsetSeconds: -14_400, tzdata: "test")
    }
    return NoticeContent(
      dispatchID: try id("d-1"), modification: 1, programName: program, kind: kind, isTest: isTest,
      isLate: isLate, start: try moment("2019-08-28T01:04:00Z"), end: try end.map(moment))
  }

  @Test("A notice says program, REAL, kind, start, end, zone, how to answer, dispatch and number")
  func start() throws {
    let text = try content().builtinText()
    #expect(
      text.subject
        == "REAL: Peak Relief start, 2019-08-27 21:04 UTC-04:00 (America/New_York)")
    #expect(
      text.body == """
        REAL dispatch of Peak Relief: start
        Start: 2019-08-27 21:04 UTC-04:00 (America/New_York)
        End: 2019-08-27 22:04 UTC-04:00 (America/New_York)
        Answer before the start: tell the operator of Peak Relief "in" or "out" with the dispatch below
        Dispatch: d-1, modification 1

        """)
    #expect(text.bytes == Array("\(text.subject)\n\(text.body)".utf8))
  }

  @Test("A late drill without an end says all of that")
  func lateDrill() throws {
    let text = try content(isTest: true, isLate: true, end: nil).builtinText()
    #expect(text.subject.hasPrefix("TEST LATE: Peak Relief start, "))
    #expect(
      text.body == """
        TEST of a dispatch of Peak Relief: start
        This is a drill: nothing is to be done.
        LATE: this notice leaves after its deadline or after the end.
        Start: 2019-08-27 21:04 UTC-04:00 (America/New_York)
        End: until further notice
        Answer as soon as you can: tell the operator of Peak Relief "in" or "out" with the dispatch below
        Dispatch: d-1, modification 1

        """)
  }

  @Test("Each kind has words of its own")
  func kinds() throws {
    let first = try NoticeKind.allCases.map { kind in
      try content(kind).builtinText().body.split(separator: "\n").first ?? ""
    }
    #expect(Set(first).count == NoticeKind.allCases.count)
    #expect(try content(.cancel).builtinText().body.contains("Answer: none is needed"))
    #expect(try content(.end).builtinText().body.contains("END; it has ended"))
  }

  @Test("Nothing in a program's name begins another line or header")
  func injection() throws {
    let text = try content(program: "A\r\nBcc: x@y.z\u{2028}\u{1B}[2J\u{202E}").builtinText()
    #expect(!text.subject.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 })
    #expect(text.body.split(separator: "\n").count == 5)
    #expect(!text.body.unicodeScalars.contains { [0x1B, 0x0D, 0x202E].contains($0.value) })
  }
}
