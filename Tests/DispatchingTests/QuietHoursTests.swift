import Bytes
import Dispatching
import Events
import Testing

@Suite("Quiet hours")
struct QuietHoursTests {
  private func hours(_ from: String, _ to: String) throws -> QuietHours {
    QuietHours(
      from: try #require(LocalTime(from)), to: try #require(LocalTime(to)), what: .defer)
  }

  private func again(
    _ hours: QuietHours, _ time: String, in zone: String = "America/New_York"
  ) throws -> String? {
    hours.allowedAgain(from: try Instant(time), rules: try TestZones.rules(zone))?.text
  }

  @Test(
    "Sending is allowed at once outside of them, and at their end within",
    arguments: [
      ("22:00", "06:00", "2026-07-01T21:59:59-04:00", "2026-07-02T01:59:59.000000Z"),
      ("22:00", "06:00", "2026-07-01T22:00:00-04:00", "2026-07-02T10:00:00.000000Z"),
      ("22:00", "06:00", "2026-07-02T05:59:59.999999-04:00", "2026-07-02T10:00:00.000000Z"),
      ("22:00", "06:00", "2026-07-02T06:00:00-04:00", "2026-07-02T10:00:00.000000Z"),
      ("12:00", "13:30", "2026-07-01T12:59:00-04:00", "2026-07-01T17:30:00.000000Z"),
      ("00:00", "23:59", "2026-07-01T00:00:00-04:00", "2026-07-02T03:59:00.000000Z"),
      ("23:59", "00:00", "2026-07-01T23:59:00-04:00", "2026-07-02T04:00:00.000000Z"),
    ])
  func plain(from: String, to: String, time: String, allowed: String) throws {
    #expect(try again(hours(from, to), time) == allowed)
  }

  @Test("Where clocks are set forward over their end, they end when clocks are set")
  func gap() throws {
    // On 8 March 2026 clocks in New York go from 02:00 to 03:00, at 07:00 UTC.
    #expect(
      try again(hours("22:00", "02:30"), "2026-03-08T01:00:00-05:00")
        == "2026-03-08T07:00:00.000000Z")
    #expect(
      try again(hours("22:00", "02:00"), "2026-03-08T01:00:00-05:00")
        == "2026-03-08T07:00:00.000000Z")
    #expect(
      try again(hours("22:00", "03:30"), "2026-03-08T01:00:00-05:00")
        == "2026-03-08T07:30:00.000000Z")
    // Their beginning lies in the gap.
    #expect(
      try again(hours("02:30", "05:00"), "2026-03-08T03:00:00-04:00")
        == "2026-03-08T09:00:00.000000Z")
  }

  @Test("Where clocks are set back, they hold whenever clocks show a time within them")
  func fold() throws {
    // On 1 November 2026 clocks in New York go from 02:00 back to 01:00, at 06:00 UTC.
    let early = try hours("22:00", "01:30")
    #expect(try again(early, "2026-11-01T01:00:00-04:00") == "2026-11-01T05:30:00.000000Z")
    #expect(try again(early, "2026-11-01T01:45:00-04:00") == "2026-11-01T05:45:00.000000Z")
    #expect(try again(early, "2026-11-01T01:00:00-05:00") == "2026-11-01T06:30:00.000000Z")
    // From within them clocks go back to a time before they begin.
    #expect(
      try again(hours("01:30", "05:00"), "2026-11-01T01:45:00-04:00")
        == "2026-11-01T06:00:00.000000Z")
    #expect(
      try again(hours("22:00", "06:00"), "2026-10-31T22:00:00-04:00")
        == "2026-11-01T11:00:00.000000Z")
  }

  @Test(
    "It is the first second that is allowed, found by asking about each minute",
    arguments: [
      ("America/New_York", "2026-03-07T12:00:00Z"), ("America/New_York", "2026-10-31T12:00:00Z"),
      ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
      ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"), ("Europe/Berlin", "2026-03-28T12:00:00Z"),
      ("Pacific/Apia", "2011-12-29T00:00:00Z"), ("UTC", "2026-01-01T00:00:00Z"),
    ])
  func exhaustive(zone: String, start: String) throws {
    let rules = try TestZones.rules(zone)
    let begin = try Instant(start)
    for (from, to) in [
      ("22:00", "06:00"), ("01:30", "02:30"), ("02:15", "01:45"), ("00:00", "00:01"),
      ("02:00", "03:00"),
    ] {
      let hours = try hours(from, to)
      // Backwards, so that each minute's answer follows from the next one's.
      var expected: Instant?
      for minute in stride(from: Int64(4 * 1_440), through: 0, by: -1) {
        let time = begin.adding(seconds: minute * 60)
        let next = time.adding(seconds: 60)
        let isQuiet = hours.contains(time, rules: rules)
        expected = isQuiet ? expected : time
        guard let expected, minute < 2 * 1_440, minute % 7 == 0 || !isQuiet else { continue }
        #expect(
          hours.allowedAgain(from: time, rules: rules) == expected,
          "\(zone) \(from)-\(to) at \(time.text), before \(next.text)")
      }
    }
  }
}

@Suite("Policies of programs")
struct ProgramPolicyTests {
  private func program(_ members: String) -> String {
    #"""
    {"programs":[{"id":1,"name":"P","time_zone":"America/New_York","communication_codes":["sms"],
      \#(members)}],"event_types":[{"id":1,"name":"E","user_group_ids":["g"]}],
     "user_groups":[{"id":"g","name":"G"}],
     "users":[{"id":"u","name":"U","user_group_ids":["g"],"contacts":{"sms":"+15551230001"}}]}
    """#
  }

  static let whole = #"""
    "cancel_deadline":"PT1H","test_recipients_only":true,
    "caps":{"dispatches_per_season":2,"duration_per_dispatch":"PT4H",
      "season":{"from":"06-01","through":"09-30"}},
    "quiet_hours":{"from":"22:00","to":"06:00","what":"override","reason":"tariff"},
    "escalation":{"acknowledgements":3,"within":"PT15M","user_group_id":"g"}
    """#

  @Test("Policies are read, stored as they are, and absent where nobody gave them")
  func stored() throws {
    var world = try World()
    try world.importing(program(Self.whole))
    let stored = try #require(world.state.program(try id("1"))).definition
    #expect(stored.cancelDeadline?.text == "PT1H" && stored.testRecipientsOnly == true)
    #expect(stored.caps?.dispatchesPerSeason == 2)
    #expect(stored.caps?.durationPerDispatch?.text == "PT4H")
    #expect(stored.caps?.season?.through.text == "09-30")
    #expect(stored.quietHours?.what == .override && stored.quietHours?.to.minutes == 360)
    #expect(stored.escalation?.contacts == .group(try id("g")))
    #expect(try world.importing(program(Self.whole)).drafts.isEmpty)
    try world.importing(program(#""lead_time":"PT0S""#))
    let plain = try #require(world.state.program(try id("1"))).definition
    #expect(plain.caps == nil && plain.quietHours == nil && plain.escalation == nil)
    #expect(plain.cancelDeadline == nil && plain.testRecipientsOnly == nil)
  }

  @Test(
    "A policy that is wrong is refused by its path",
    arguments: [
      (
        #""cancel_deadline":"1h""#, "cancel_deadline",
        RequestError.Problem.badValue(found: "1h", expected: .duration)
      ),
      (#""caps":[]"#, "caps", .wrongKind(found: .array, expected: .object)),
      (
        #""caps":{"dispatches_per_season":0}"#, "caps.dispatches_per_season",
        .badValue(found: "0", expected: .ordinal)
      ),
      (
        #""caps":{"season":{"from":"06-01","through":"09-30"}}"#, "caps.dispatches_per_season",
        .missing
      ),
      (
        #""caps":{"dispatches_per_season":1,"season":{"from":"02-29","through":"09-30"}}"#,
        "caps.season.from", .badValue(found: "02-29", expected: .monthDay)
      ),
      (#""caps":{"hours":4}"#, "caps.hours", .unknownField(suggestion: nil)),
      (#""quiet_hours":{"from":"22:00","to":"06:00"}"#, "quiet_hours.what", .missing),
      (
        #""quiet_hours":{"from":"24:00","to":"06:00","what":"defer"}"#, "quiet_hours.from",
        .badValue(found: "24:00", expected: .localTime)
      ),
      (
        #""quiet_hours":{"from":"6:00","to":"06:00","what":"defer"}"#, "quiet_hours.from",
        .badValue(found: "6:00", expected: .localTime)
      ),
      (
        #""quiet_hours":{"from":"06:00","to":"06:00","what":"defer"}"#, "quiet_hours.to",
        .duplicate(first: "programs[0].quiet_hours.from")
      ),
      (
        #""quiet_hours":{"from":"22:00","to":"06:00","what":"defer","reason":"a\nb"}"#,
        "quiet_hours.reason", .badValue(found: "a\nb", expected: .text(limit: 1_024))
      ),
      (#""escalation":{"acknowledgements":1,"within":"PT5M"}"#, "escalation.user_ids", .missing),
      (
        #""escalation":{"acknowledgements":1,"within":"PT5M","user_ids":["u"],"user_group_id":"g"}"#,
        "escalation.user_ids", .contradicts(other: "programs[0].escalation.user_group_id")
      ),
      (
        #""escalation":{"acknowledgements":1,"within":"PT5M","user_ids":[]}"#,
        "escalation.user_ids", .badValue(found: "[]", expected: .notEmpty)
      ),
      (
        #""test_recipients_only":"yes""#, "test_recipients_only",
        .wrongKind(found: .string, expected: .boolean)
      ),
    ])
  func refused(members: String, path: String, problem: RequestError.Problem) {
    let error = refusal(program(members)) { bytes throws(RequestError) in
      try CatalogueDocument(parsing: bytes)
    }
    #expect(error == RequestError("programs[0].\(path)", problem))
  }

  @Test("An escalation to a group that isn't there is refused, as any reference is")
  func dangling() throws {
    var world = try World()
    let escalation =
      #""escalation":{"acknowledgements":1,"within":"PT5M","user_group_id":"nobody"}"#
    let decision = try world.importing(program(escalation))
    #expect(decision.codes == ["unknown-user-group"])
    #expect(decision.fields == ["programs[0].escalation.user_group_id"])
  }

  @Test("A season's cap counts what begins in it: no drill, nothing cancelled, nothing outside")
  func seasonCap() throws {
    var world = try World(at: "2026-05-01T00:00:00Z")
    try world.importing(program(Self.whole))
    func ask(_ start: String, _ members: String = "") throws -> [String] {
      try world.perform(
        #"{"command":"dispatch","request":{"start_time":"\#(start)"\#(members),"program_id":1,"event_type_id":1}}"#
      ).codes
    }
    #expect(try ask("05/31/2026 23:59").isEmpty)
    #expect(try ask("06/01/2026 00:00").isEmpty)
    #expect(try ask("07/01/2026 10:00", #","test":true"#).isEmpty)
    #expect(try ask("09/30/2026 23:59").isEmpty)
    let last = world.dispatchID(world.dispatches)
    #expect(try ask("08/01/2026 10:00") == ["season-cap"])
    #expect(try ask("08/01/2026 10:00", #","test":true"#).isEmpty)
    #expect(try ask("10/01/2026 00:00").isEmpty)
    #expect(try ask("06/01/2027 00:00").isEmpty)
    // The dispatch itself isn't counted when it is moved; another one that is moved in, is.
    #expect(try world.modify(last, #""start_time":"08/01/2026 10:00""#).codes.isEmpty)
    #expect(
      try world.modify(world.dispatchID(1), #""start_time":"06/02/2026 10:00""#).codes == [
        "season-cap"
      ])
    try world.change("cancel", last)
    #expect(try ask("08/01/2026 10:00").isEmpty)
  }

  @Test("A season may go over the new year, and without one it is the calendar year")
  func seasons() throws {
    let zone = try #require(ZoneName("America/New_York"))
    func season(_ caps: ProgramCaps, _ time: String) throws -> String? {
      let instant = try Instant(time)
      return caps.season(
        of: ZonedMoment(
          instant: instant, zone: zone, text: time, offsetSeconds: -18_000, tzdata: "test")
      ).map { "\($0.lowerBound.text.prefix(13)) \($0.upperBound.text.prefix(13))" }
    }
    let year = ProgramCaps(dispatchesPerSeason: 1)
    #expect(try season(year, "2026-12-31T23:59:59-05:00") == "2026-01-01T05 2027-01-01T05")
    #expect(try season(year, "2027-01-01T00:00:00-05:00") == "2027-01-01T05 2028-01-01T05")
    let winter = ProgramCaps(
      dispatchesPerSeason: 1,
      season: Season(
        from: try #require(MonthDay("11-01")), through: try #require(MonthDay("03-31"))))
    #expect(try season(winter, "2026-10-31T23:59:59-05:00") == nil)
    #expect(try season(winter, "2026-11-01T00:00:00-05:00") == "2026-11-01T05 2027-04-01T05")
    #expect(try season(winter, "2027-03-31T23:59:59-05:00") == "2026-11-01T05 2027-04-01T05")
    #expect(try season(winter, "2027-04-01T00:00:00-05:00") == nil)
  }

  @Test("A dispatch lasts as long as the program allows, to the second, when asked and modified")
  func durationCap() throws {
    var world = try World(at: "2026-05-01T00:00:00Z")
    try world.importing(program(Self.whole))
    let start = "2026-05-02T00:00:00Z"
    let dispatch = try world.request(start, "2026-05-02T04:00:00Z")
    let line =
      #"{"start_time":"\#(start)","end_time":"2026-05-02T04:00:01Z","program_id":1,"event_type_id":1}"#
    let decision = try world.perform(#"{"command":"dispatch","request":\#(line)}"#)
    #expect(decision.codes == ["duration-cap"] && decision.fields == ["end_time"])
    #expect(
      try world.modify(dispatch, #""end_time":"2026-05-02T04:00:01Z""#).codes == ["duration-cap"])
    // Nobody knows how long an open-ended one will last.
    #expect(try world.modify(dispatch, #""open_ended":true"#).codes.isEmpty)
  }
}
