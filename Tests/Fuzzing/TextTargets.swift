import Bytes
import CommandLineInterface
import Dispatching
import Events

/// Small languages: templates, conditions, times, time zones.
enum TextTargets {
  static let all = [
    FuzzTarget("templates", limit: 4_096) { template($0) },
    FuzzTarget("conditions", limit: 4_200) { condition($0) },
    FuzzTarget("times", limit: 128) { bytes in if let text = text(bytes) { time(text) } },
    FuzzTarget("zones", limit: 8_192) { zone($0) },
  ]

  // MARK: - Templates

  private static let values: JSON = [
    "a": "&<>\"", "b": ["x", ["c": "{{a}}"], [], .null], "c": ["d": ["e": 7]], "yes": true,
    "no": false, "none": .null, "n": -9_007_199_254_740_991, "program": "Peak",
  ]

  /// A subject line, NUL, and a body.
  private static func template(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
      .map { text($0) }
    guard let first = parts[0], let body = parts.count > 1 ? parts[1] : first,
      let id = EntityID("t")
    else { return }
    if let mustache = try? Mustache(parsing: body) {
      for escaping in TextEscaping.allCases {
        for missing in [MissingValue.prints, .fails] {
          let output = try? mustache.render(
            values, escaping: escaping, missing: missing, limit: NoticeTemplate.outputLimit)
          promise((output?.count ?? 0) <= NoticeTemplate.outputLimit, "more output than allowed")
        }
      }
    }
    let title = parts.count > 1 ? first : nil
    let published = TemplatePublished(id: id, version: 1, body: body, title: title)
    guard let template = try? NoticeTemplate(published) else { return }
    for content in contents {
      guard let notice = try? template.render(content, escaping: .none) else {
        fatalError("broken: a template that was published can't be rendered")
      }
      promise(!notice.subject.contains("\n"), "a subject line of two lines")
    }
  }

  /// Notices of every kind.
  private static let contents: [NoticeContent] = NoticeKind.allCases.flatMap { kind in
    [false, true].flatMap { isTest in
      [nil, "de"].map { language in
        guard let id = EntityID("0192"), let zone = ZoneName("Europe/Berlin"),
          let start = Instant(CivilTime(year: 2026, month: 7, day: 1))
        else { fatalError("a notice of the tests can't be made") }
        let moment = ZonedMoment(
          instant: start, zone: zone, text: "", offsetSeconds: 7_200, tzdata: "")
        return NoticeContent(
          dispatchID: id, modification: 1, programName: "A & B", kind: kind, isTest: isTest,
          isLate: false, start: moment, end: language == nil ? nil : moment, language: language)
      }
    }
  }

  // MARK: - Conditions

  private static func condition(_ bytes: [UInt8]) {
    guard let text = text(bytes) else { return }
    let condition: Condition
    do { condition = try Condition(parsing: text) } catch {
      promise(error.position.line >= 1 && error.position.column >= 1, "a place before the text")
      return
    }
    promise((try? Condition(parsing: text)) == condition, "two readings differ")
    promise(condition.text == text, "a condition has another text")
    guard let now = Instant(CivilTime(year: 2026, month: 11, day: 23)),
      let value = DecimalText("42.5"), let margin = DecimalText("0.5")
    else { fatalError("a reading of the tests can't be made") }
    var reading = ConditionReading(now: now)
    promise(
      condition.trace(reading).allSatisfy { $0.result == .noData },
      "an answer without data")
    for signal in condition.signals {
      reading.observations[signal] = Observation(event: 1, recordedAt: now, at: now, value: value)
    }
    let zones = Dictionary(
      condition.zones.map { ($0, ZoneRules.fixed(offsetSeconds: 3_600)) }
    ) { first, _ in first }
    var whole = ConditionReading(now: now, zones: zones)
    whole.observations = reading.observations
    for margin in [nil, margin] {
      whole.margin = margin
      promise(
        condition.trace(whole).count == condition.trace(reading).count, "two traces differ in tests"
      )
      _ = condition.evaluate(whole)
    }
  }

  // MARK: - Times

  private static func time(_ text: String) {
    if let instant = Instant(text: text.utf8) {
      promise(instant.text == text, "an instant has another spelling")
    }
    if let time = OffsetTime(text: text.utf8) {
      promise(abs(time.offsetSeconds) < 86_400, "an offset of a day")
      promise(Instant(text: time.instant.text.utf8) == time.instant, "no instant of the calendar")
    }
    if let typed = TypedTime(text) { promise(typed.text == text, "a time has another text") }
    if let duration = ISODuration(text) {
      promise(duration.text == text && duration.seconds >= 0, "a duration of another length")
    }
    if let decimal = DecimalText(text) { promise(decimal.text == text, "another number") }
    guard let human = HumanTime(text) else { return }
    for year in [1, 2026, 9999] {
      guard let now = Instant(CivilTime(year: year, month: 12, day: 31)) else { continue }
      let instant = human.instant(at: now)
      promise(Instant(text: instant.text.utf8) == instant, "no instant of the calendar")
    }
  }

  private static func zone(_ bytes: [UInt8]) {
    guard let rules = try? ZoneRules(tzif: bytes) else { return }
    for year in [1, 1900, 1970, 2026, 2038, 9999] {
      for month in [1, 6, 12] {
        let civil = CivilTime(year: year, month: month, day: 31 - month % 2, hour: 2, minute: 30)
        guard let instant = Instant(civil) else { continue }
        promise(abs(rules.offset(at: instant)) < 26 * 3_600, "an offset of more than a day")
        _ = rules.resolve(civil)
      }
    }
  }
}
