import Bytes
import Events
import Testing

/// The forms of values: each accepts what its grammar says, and nothing beside it.
struct ValueTests {
  @Test("An id has 1 to 128 letters, digits, underscores and hyphens")
  func entityIDs() {
    let longest = String(repeating: "a", count: 128)
    for text in ["1", "u-7", "_", "-", "Zz09_-", longest] {
      #expect(EntityID(text)?.text == text)
    }
    for text in ["", " ", "a b", "a/b", "a.b", "é", "e\u{301}", "１", longest + "a", "a\n", "a\0"] {
      #expect(EntityID(text) == nil, "\(text)")
    }
  }

  @Test("A number and its decimal text are one id in a catalogue, and nothing else is")
  func lenientIDs() {
    #expect(EntityID(input: 1) == EntityID("1"))
    #expect(EntityID(input: "1") == EntityID("1"))
    #expect(EntityID(input: -7)?.text == "-7")
    for json in [JSON.null, true, [], ["id": 1], "", "a b"] {
      #expect(EntityID(input: json) == nil)
    }
  }

  @Test("Ids are ordered by their bytes")
  func order() throws {
    let texts = ["-", "0", "10", "9", "A", "Z", "_", "a", "aa", "b"]
    let ids = try texts.map { try #require(EntityID($0)) }
    #expect(ids.reversed().sorted() == ids)
  }

  @Test("A position is decimal, without leading zeros, within 2^53 - 1")
  func eventIDs() {
    #expect(EventID(eventID: "0") == 0)
    #expect(EventID(eventID: "9007199254740991") == 9_007_199_254_740_991)
    for text in [
      "", "-1", "+1", "00", "01", "1.0", " 1", "9007199254740992", "99999999999999999999",
    ] {
      #expect(EventID(eventID: text) == nil, "\(text)")
    }
  }

  @Test(
    "A duration is as long as its parts",
    arguments: [
      ("PT0S", 0), ("PT30M", 1_800), ("PT60M", 3_600), ("PT1H", 3_600), ("P1D", 86_400),
      ("P1DT12H", 129_600), ("PT21H30M15S", 77_415), ("P7DT1S", 604_801), ("PT007S", 7),
      ("P999999999DT999999999H999999999M999999999S", 999_999_999 * 90_061),
    ] as [(String, Int64)])
  func durations(text: String, seconds: Int64) throws {
    let duration = try #require(ISODuration(text))
    #expect(duration.text == text)
    #expect(duration.seconds == seconds)
  }

  @Test("Two spellings of a length are as long as each other, and not equal")
  func durationSpellings() {
    #expect(ISODuration("PT60M")?.seconds == ISODuration("PT1H")?.seconds)
    #expect(ISODuration("PT60M") != ISODuration("PT1H"))
  }

  @Test("A duration takes days, hours, minutes and seconds, in that order, and nothing else")
  func refusedDurations() {
    let refused = [
      "", "P", "T", "PT", "P1", "PT1", "1D", "p1d", "-PT1S", "+PT1S", "P-1D", "P1W", "P1Y", "P1M",
      "P1DT", "PT1.5S", "PT1,5S", "P1H", "PT1D", "PT1S1M", "PT1H1H", "P1D1D", "PT1HT1M",
      "P1234567890D", "PT1H ", " PT1H", "PT１H", "PT1H\n", "PD", "PTS", "P1DT1D", "PT1M30",
    ]
    for text in refused { #expect(ISODuration(text) == nil, "\(text)") }
  }

  @Test(
    "A period ends on the calendar: on the month's last day where it has no such day",
    arguments: [
      ("P7Y", "2026-11-30T12:00:00.000001Z", "2033-11-30T12:00:00.000001Z"),
      ("P1Y", "2024-02-29T23:00:00.000000Z", "2025-02-28T23:00:00.000000Z"),
      ("P4Y", "2024-02-29T23:00:00.000000Z", "2028-02-29T23:00:00.000000Z"),
      ("P1M", "2026-01-31T00:00:00.000000Z", "2026-02-28T00:00:00.000000Z"),
      ("P14M1D", "2026-12-31T00:00:00.000000Z", "2028-03-01T00:00:00.000000Z"),
      ("P90D", "2026-11-30T00:00:00.000000Z", "2027-02-28T00:00:00.000000Z"),
      ("P0D", "2026-11-30T00:00:00.000000Z", "2026-11-30T00:00:00.000000Z"),
      ("P9999Y", "2026-11-30T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"),
    ])
  func periods(text: String, start: String, end: String) throws {
    let period = try #require(Period(text))
    #expect(period.text == text)
    #expect(period.end(from: try #require(Instant(text: start.utf8))).text == end)
  }

  @Test("A period takes years, months and days, in that order, and nothing else")
  func refusedPeriods() {
    for text in [
      "", "P", "7Y", "p7y", "P7", "P-1Y", "+P1Y", "P1.5Y", "P1W", "PT1H", "P1DT1H", "P1D1Y",
      "P1M1Y", "P12345Y", "P1Y ", "P１Y", "PY", "P1Y1Y",
    ] { #expect(Period(text) == nil, "\(text)") }
  }

  @Test("A decimal has one sign at most, no leading zeros, and digits on both sides of its point")
  func decimals() {
    let longest = "1." + String(repeating: "0", count: 38)
    for text in ["0", "0.0", "42.5", "-0.5", "-42", "10.0", "1234567890.000", longest] {
      #expect(DecimalText(text)?.text == text)
    }
    for text in [
      "", "-", ".", ".5", "5.", "-.5", "01", "-01.5", "00", "-0", "-0.0", "+1", "1e3", "1,5",
      "1.2.3", " 1", "１", longest + "0", "NaN", "--1",
    ] {
      #expect(DecimalText(text) == nil, "\(text)")
    }
  }

  @Test("A sealed text is its mark, and a nonce and a tag at least")
  func sealedTexts() throws {
    let sealed = (0..<28).map { UInt8($0) }
    let text = try #require(SealedText(sealed: sealed))
    #expect(text.sealed == sealed)
    #expect(SealedText(text.text) == text)
    #expect(SealedText(sealed: Array(sealed.dropLast())) == nil)
    for wrong in [
      "", "sealed:1:", "sealed:2:" + Base64.encode(sealed), Base64.encode(sealed),
      text.text + "=", String(text.text.dropLast()), " " + text.text, "+15551234567",
    ] {
      #expect(SealedText(wrong) == nil, "\(wrong)")
    }
  }

  @Test("Digests, roots, ledger ids and base 64 have one spelling")
  func bytes() {
    let hex = String(repeating: "0f", count: 32)
    #expect(HexDigest(hex)?.text == hex)
    for wrong in ["", String(hex.dropLast(2)), hex + "00", hex.uppercased(), "g" + hex.dropFirst()]
    {
      #expect(HexDigest(wrong) == nil, "\(wrong)")
    }
    let id = String(repeating: "0f", count: 16)
    #expect(LedgerID(id)?.text == id)
    #expect(LedgerID(hex) == nil)
    #expect(LedgerID(id.uppercased()) == nil)
    let root = Base64.encode([UInt8](repeating: 7, count: 32))
    #expect(TreeRoot(root)?.text == root)
    #expect(TreeRoot(Base64.encode([UInt8](repeating: 7, count: 31))) == nil)
    #expect(Base64Text("") == nil)
    #expect(Base64Text("AA==")?.text == "AA==")
    #expect(Base64Text("AB==") == nil)
    #expect(Base64Text("AA") == nil)
  }

  @Test("Codes of channels and code words begin with a lower-case letter")
  func codes() {
    for text in ["sms", "e-mail", "a", "web_hook", "s3", "a" + String(repeating: "b", count: 31)] {
      #expect(ChannelCode(text)?.text == text)
    }
    for text in ["", "SMS", "3s", "-a", "a b", "é", "a" + String(repeating: "b", count: 32)] {
      #expect(ChannelCode(text) == nil, "\(text)")
    }
    for text in ["unknown-program", "a", "a1", "a" + String(repeating: "b", count: 63)] {
      #expect(CodeWord(text)?.text == text)
    }
    for text in ["", "A", "a_b", "1a", "a.b", "a" + String(repeating: "b", count: 64)] {
      #expect(CodeWord(text) == nil, "\(text)")
    }
  }

  @Test("A template's version is a name and a number from 1")
  func templateVersions() throws {
    #expect(TemplateVersion.builtin.text == "builtin/1")
    #expect(TemplateVersion("builtin/1") == .builtin)
    #expect(TemplateVersion(id: try #require(EntityID("peak")), version: 12).text == "peak/12")
    for text in ["", "builtin", "builtin/", "/1", "a/0", "a/-1", "a/01", "a/+1", "a/1/2", "a b/1"] {
      #expect(TemplateVersion(text) == nil, "\(text)")
    }
  }

  @Test("A zone's name is parts of letters, digits and three signs, divided by slashes")
  func zones() {
    for text in ["UTC", "America/New_York", "Etc/GMT+5", "America/Port-au-Prince", "EST5EDT"] {
      #expect(ZoneName(text)?.text == text)
    }
    let long = String(repeating: "a", count: 65)
    for text in ["", "/", "America/", "/UTC", "a//b", "../etc", "a b", "Zürich", long] {
      #expect(ZoneName(text) == nil, "\(text)")
    }
  }

  @Test("A sorted set has each element once, in order, whatever it was made from")
  func sortedSets() throws {
    let set: SortedSet<EventID> = [5, 3, 5, 0, 10, 3]
    #expect(Array(set) == [0, 3, 5, 10])
    for id: EventID in 0...12 { #expect(set.contains(id) == [0, 3, 5, 10].contains(id)) }
    #expect(!SortedSet<EventID>([]).contains(0))
    #expect(set.meets([1, 2, 10]))
    #expect(!set.meets([1, 2, 11]))
    #expect(!set.meets([]))
  }

  @Test("A subject's text names it, and nothing else is a subject")
  func subjects() throws {
    let id = try #require(EntityID("x-1"))
    let subjects: [Subject] = [
      .ledger, .program(id), .marketEventType(id), .userGroup(id), .user(id), .template(id),
      .rule(id), .legalHold(id), .signal(id), .dispatch(id),
    ]
    #expect(
      subjects.map(\.text) == [
        "ledger", "program/x-1", "market-event-type/x-1", "user-group/x-1", "user/x-1",
        "template/x-1", "rule/x-1", "legal-hold/x-1", "signal/x-1", "dispatch/x-1",
      ])
    for subject in subjects { #expect(Subject(subject.text) == subject) }
    for text in ["", "/", "ledger/", "ledger/1", "dispatch", "dispatch/", "dispatch/a/b", "x/1"] {
      #expect(Subject(text) == nil, "\(text)")
    }
  }
}
