import Bytes
import Dispatching
import Events
import Testing

@Suite("Templates of notices")
struct NoticeTemplateTests {
  static let good = "{{mark}} {{program}}: {{kind_text}}, {{start}} to {{end_text}}"

  private func published(
    _ body: String, title: String? = nil, kinds: SortedSet<NoticeKind>? = nil,
    language: String? = nil
  ) throws -> TemplatePublished {
    TemplatePublished(
      id: try id("t"), version: 3, body: body, title: title, language: language, kinds: kinds)
  }

  private func refusal(
    _ body: String, title: String? = nil, kinds: SortedSet<NoticeKind>? = nil,
    language: String? = nil
  ) throws -> TemplateError? {
    let template = try published(body, title: title, kinds: kinds, language: language)
    do throws(TemplateError) {
      _ = try NoticeTemplate(template)
      return nil
    } catch { return error }
  }

  private func content(
    _ kind: NoticeKind = .start, isTest: Bool = false, isLate: Bool = false,
    isOpenEnded: Bool = false
  ) throws -> NoticeContent {
    func moment(_ text: String) throws -> ZonedMoment {
      ZonedMoment(
        instant: try Instant(text), zone: try #require(ZoneName("America/New_York")), text: text,
        offsetSeconds: -14_400, tzdata: "test")
    }
    return NoticeContent(
      dispatchID: try id("d-1"), modification: 2, programName: "Peak {{kind}}\u{7}", kind: kind,
      isTest: isTest, isLate: isLate, start: try moment("2019-08-28T01:04:00Z"),
      end: isOpenEnded ? nil : try moment("2019-08-28T02:04:30Z"), language: "en-GB")
  }

  @Test("A template says what it was made to, and a value is never read as a template")
  func rendering() throws {
    let body = """
      {{mark}} {{program}} {{kind}} {{modification}}
      {{#end}}
      until {{end}} ({{end_date}} {{end_time}})
      {{/end}}
      {{^end}}
      open
      {{/end}}
      {{#reply_by}}by {{reply_by}}{{/reply_by}} {{#language}}{{language}}{{/language}} {{dispatch_id}} {{start_time}} {{zone}}
      """
    let template = try NoticeTemplate(published(body, title: "{{mark}}: {{start_date}}"))
    #expect(template.version.text == "t/3")
    let text = try template.render(content())
    #expect(text.subject == "REAL: 2019-08-27")
    #expect(
      text.body == """
        REAL Peak {{kind}}  start 2
        until 2019-08-27 22:04:30 UTC-04:00 (America/New_York) (2019-08-27 22:04:30)
        by 2019-08-27 21:04 UTC-04:00 (America/New_York) en-GB d-1 21:04 America/New_York

        """)
    let drill = try template.render(content(.cancel, isTest: true, isOpenEnded: true))
    #expect(drill.subject == "TEST: 2019-08-27")
    #expect(drill.body == "TEST Peak {{kind}}  cancel 2\nopen\n en-GB d-1 21:04 America/New_York\n")
    #expect(try template.render(content(isLate: true)).body.hasPrefix("REAL LATE Peak"))
    let plain = try NoticeTemplate(published(Self.good))
    #expect(try plain.render(content()).subject == content().builtinText().subject)
  }

  @Test("Every name that a template may use is a variable, and no other")
  func names() throws {
    for name in NoticeContent.names {
      #expect(try refusal("{{mark}} {{#\(name)}}{{/\(name)}}") == nil, "\(name)")
    }
    #expect(
      try refusal("{{mark}}\n {{strat}}")
        == TemplateError(
          part: .body, position: TextPosition(line: 2, column: 2),
          problem: .unknownVariable("strat", suggestion: "start")))
    #expect(
      try refusal("{{mark}}{{#is_cancel}}{{^is_test}}{{program.name}}{{/is_test}}{{/is_cancel}}")
        == TemplateError(
          part: .body, position: TextPosition(line: 1, column: 35),
          problem: .unknownVariable("program.name", suggestion: nil)))
    #expect(
      try refusal(Self.good, title: "{{mark}}{{x}}")
        == TemplateError(
          part: .subject, position: TextPosition(line: 1, column: 9),
          problem: .unknownVariable("x", suggestion: nil)))
  }

  @Test("What not every notice has, or what is no text, is an error and never a blank")
  func missing() throws {
    func problem(_ name: String) throws -> TemplateError.Problem? {
      try refusal("{{mark}} {{\(name)}}")?.problem
    }
    for name in ["end", "end_date", "end_time", "reply_by", "language"] {
      #expect(try problem(name) == .mustache(.noValue(name)))
      #expect(try refusal("{{mark}} {{#\(name)}}{{\(name)}}{{/\(name)}}") == nil)
    }
    for name in ["is_test", "is_late", "is_open_ended", "is_end"] {
      #expect(try problem(name) == .mustache(.noText(name)))
    }
    #expect(try problem("end_text") == nil)
    // Only users of the language get it.
    #expect(try refusal("{{mark}} {{language}}", language: "en") == nil)
    // Whatever these kinds are, they are told in time to answer, or late.
    #expect(
      try refusal("{{mark}} {{^is_late}}{{reply_by}}{{/is_late}}", kinds: [.start, .update]) == nil)
    #expect(
      try refusal("{{mark}} {{^is_late}}{{reply_by}}{{/is_late}}", kinds: [.start, .end])?.problem
        == .mustache(.noValue("reply_by")))
  }

  @Test("A drill says TEST and a late notice LATE in every text, and no other does")
  func marks() throws {
    func problem(_ body: String, title: String? = nil) throws -> TemplateError? {
      try refusal(body, title: title)
    }
    func error(
      _ part: TemplateError.Part, _ problem: TemplateError.Problem
    ) -> TemplateError { TemplateError(part: part, position: nil, problem: problem) }
    #expect(try problem("{{program}}") == error(.body, .markMissing("LATE", .standby)))
    #expect(
      try problem("{{#is_late}}LATE{{/is_late}} load")
        == error(.body, .markMissing("TEST", .standby)))
    #expect(try problem("TEST {{mark}}") == error(.body, .markUnmeant("TEST", .standby)))
    #expect(try problem("{{mark}} LATE") == error(.body, .markUnmeant("LATE", .standby)))
    // A word that holds the letters isn't the mark, nor is a smaller one.
    #expect(
      try problem("TESTED {{#is_late}}LATE{{/is_late}} test")
        == error(.body, .markMissing("TEST", .standby)))
    #expect(
      try problem("{{#is_test}}*TEST*{{/is_test}} {{#is_late}}-LATE-{{/is_late}} LATER") == nil)
    #expect(
      try problem("{{^is_cancel}}{{mark}}{{/is_cancel}}")
        == error(.body, .markMissing("TEST", .cancel)))
    #expect(
      try problem(Self.good, title: "{{program}}")
        == error(.subject, .markMissing("LATE", .standby)))
    #expect(try problem(Self.good, title: "{{mark}}") == nil)
  }

  @Test("A template that could make more than a notice holds is refused")
  func limits() throws {
    let many = String(repeating: "{{program}}", count: 64)
    #expect(try refusal("{{mark}} " + many)?.problem == .mustache(.outputTooLong(limit: 16_384)))
    #expect(try refusal("{{mark}} " + String(repeating: "{{program}}", count: 60)) == nil)
    #expect(
      try refusal(Self.good, title: "{{mark}} " + String(repeating: "{{program}}", count: 4))?
        .problem
        == .mustache(.outputTooLong(limit: 1_024)))
  }

  @Test("The nearest template is taken, whatever else is there, and without one the built-in text")
  func choice() throws {
    let use = TemplateUse(
      programID: try id("1"), eventTypeID: try id("7"), channel: try #require(ChannelCode("sms")),
      language: "en-GB", kind: .start)
    func template(
      _ name: String, program: String? = nil, type: String? = nil, channel: String? = nil,
      language: String? = nil, kinds: SortedSet<NoticeKind>? = nil
    ) throws -> Defined<TemplatePublished> {
      Defined(
        version: 1,
        definition: TemplatePublished(
          id: try id(name), version: 1, body: Self.good, programID: try program.map(id),
          eventTypeID: try type.map(id), channel: channel.flatMap { ChannelCode($0) },
          language: language, kinds: kinds))
    }
    // Each is nearer than all behind it, and the last ones don't fit.
    let ordered = [
      try template("a", program: "1", type: "7"), try template("b", program: "1", channel: "sms"),
      try template("c", program: "1"), try template("d", type: "7"),
      try template("e", channel: "sms", language: "en-gb"),
      try template("f", channel: "sms", language: "EN"), try template("g", channel: "sms"),
      try template("h", language: "en", kinds: [.start]), try template("i", language: "en"),
      try template("j", kinds: [.start, .cancel]), try template("k"),
      try template("l", program: "2"), try template("m", type: "8"),
      try template("n", channel: "email"), try template("o", language: "e"),
      try template("p", language: "en-US"), try template("q", kinds: [.cancel]),
    ]
    let content = try content()
    for first in ordered.indices {
      let rest = ordered[first...].reversed()
      let found = content.composed(by: Array(rest), for: use)
      let name = ordered[first].definition.id.text
      #expect(found.version.text == (name > "k" ? "builtin/1" : "\(name)/1"), "\(name)")
    }
    #expect(content.composed(by: [], for: use).text == content.builtinText())
    var withdrawn = ordered[0]
    withdrawn.retired = 5
    #expect(content.composed(by: [withdrawn, ordered[2]], for: use).version.text == "c/1")
    var broken = ordered[0]
    broken.definition.body = "{{"
    #expect(content.composed(by: [broken, ordered[2]], for: use).version.text == "c/1")
    var stranger = use
    stranger.language = nil
    #expect(content.composed(by: [ordered[8]], for: stranger).version == .builtin)
  }

  @Test("A catalogue publishes templates with versions, and withdraws them")
  func publication() throws {
    var world = try World()
    try world.importing(smallCatalogue)
    let entry =
      #"{"id":"t","program_id":1,"channel":"sms","subject":"{{mark}}","body":"{{mark}} x"}"#
    let catalogue = #"{"templates":[\#(entry)]}"#
    #expect(try world.importing(catalogue).drafts.map(\.type) == [.templatePublished])
    #expect(try world.importing(catalogue).drafts.isEmpty)
    #expect(world.state.template(try id("t"))?.definition.version == 1)
    #expect(
      try world.importing(catalogue.replacing(" x", with: " y")).drafts.count == 1)
    #expect(world.state.template(try id("t"))?.definition.version == 2)
    let withdrawal = #"{"templates":[{"id":"t","withdrawn":true,"reason":"old"}]}"#
    #expect(try world.importing(withdrawal).drafts.map(\.type) == [.templateWithdrawn])
    #expect(try world.importing(withdrawal).drafts.isEmpty)
    #expect(world.state.template(try id("t"))?.retired != nil)
    #expect(try world.importing(catalogue.replacing(" x", with: " y")).drafts.count == 1)
    #expect(world.state.template(try id("t"))?.definition.version == 3)
    #expect(world.state.template(try id("t"))?.retired == nil)
    #expect(
      try world.importing(#"{"templates":[{"id":"z","withdrawn":true}]}"#).codes == [
        "unknown-template"
      ])
    #expect(
      try world.importing(catalogue.replacing("\"program_id\":1", with: "\"program_id\":9")).fields
        == ["templates[0].program_id"])
    func refused(_ entry: String) -> String? {
      do throws(RequestError) {
        _ = try CatalogueDocument(parsing: Array(#"{"templates":[\#(entry)]}"#.utf8))
        return nil
      } catch { return error.text }
    }
    #expect(
      refused(#"{"id":"builtin","body":"{{mark}}"}"#)
        == #"templates[0].id is "builtin", but should be another id than builtin"#)
    #expect(
      refused(#"{"id":"t","body":"x\n{{end}}"}"#)
        == "templates[0].body: the body at 2:1 prints {{end}}, which some notices don't have; "
        + "put it into {{#end}}…{{/end}}")
    #expect(refused(#"{"id":"t","body":"{{mark}}","kinds":[]}"#) != nil)
    #expect(refused(#"{"id":"t","body":"{{mark}}","kinds":["halt"]}"#) != nil)
    #expect(refused(#"{"id":"t","body":"{{mark}}","title":"x"}"#) != nil)
    #expect(refused(#"{"id":"t"}"#) == "templates[0].body is missing")
  }
}
