import Bytes
package import Events

/// A published template that makes notices; what is wrong with one is found before it is published.
///
/// Which names it may use, and what they stand for, is in `EVENTS.md`, "Templates".
package struct NoticeTemplate: Equatable, Sendable {
  package let published: TemplatePublished
  private let title: Mustache?
  private let body: Mustache

  /// The most bytes of a rendered body.
  package static let outputLimit = 16_384
  /// The most bytes of a rendered subject line.
  package static let titleLimit = 1_024

  /// Parses the texts, and renders every kind of notice that they may come to be used for.
  ///
  /// A drill says TEST in all of them and nothing else does; a late notice says LATE and no other.
  package init(_ published: TemplatePublished) throws(TemplateError) {
    try self.init(checked: published)
    for content in samples {
      let text = try render(content)
      if published.title != nil { try check(text.subject, .subject, content) }
      try check(text.body, .body, content)
    }
  }

  /// Parses the texts of a template that was rendered in all ways before it was published.
  package init(checked published: TemplatePublished) throws(TemplateError) {
    self.published = published
    title = try published.title.map { text throws(TemplateError) in
      try Self.parse(text, .subject)
    }
    body = try Self.parse(published.body, .body)
  }

  /// What the template stands under in an attempt.
  package var version: TemplateVersion {
    TemplateVersion(id: published.id, version: published.version)
  }

  /// The notice; the same content gives the same bytes.
  ///
  /// - Throws: `.mustache` where the content is larger than any that a ledger can hold.
  package func render(
    _ content: NoticeContent, escaping: TextEscaping = .none
  ) throws(TemplateError) -> NoticeText {
    let values = JSON.object(content.variables)
    var text = try Self.render(body, values, .body, escaping, Self.outputLimit)
    if text.utf8.last != UInt8(ascii: "\n") { text += "\n" }
    guard let title else { return NoticeText(subject: content.builtinText().subject, body: text) }
    // A subject line is plain text on every channel.
    let line = try Self.render(title, values, .subject, .none, Self.titleLimit)
    return NoticeText(subject: oneLine(line), body: text)
  }

  private static func parse(
    _ text: String, _ part: TemplateError.Part
  ) throws(TemplateError) -> Mustache {
    let mustache: Mustache
    do { mustache = try Mustache(parsing: text) } catch {
      throw TemplateError(part: part, position: error.position, problem: .mustache(error.problem))
    }
    for name in mustache.names where !isKnown(name.name) {
      throw TemplateError(
        part: part, position: name.position,
        problem: .unknownVariable(
          name.name.text, suggestion: nearMiss(of: name.name.text, among: NoticeContent.names)))
    }
    return mustache
  }

  private static func isKnown(_ name: Mustache.Name) -> Bool {
    name.parts.isEmpty || NoticeContent.names.contains { sameBytes($0, name.text) }
  }

  private static func render(
    _ mustache: Mustache, _ values: JSON, _ part: TemplateError.Part, _ escaping: TextEscaping,
    _ limit: Int
  ) throws(TemplateError) -> String {
    do {
      let bytes = try mustache.render(values, escaping: escaping, missing: .fails, limit: limit)
      return String(decoding: bytes, as: UTF8.self)
    } catch {
      throw TemplateError(part: part, position: error.position, problem: .mustache(error.problem))
    }
  }

  private func check(
    _ text: String, _ part: TemplateError.Part, _ content: NoticeContent
  ) throws(TemplateError) {
    for (mark, isMeant) in [("TEST", content.isTest), ("LATE", content.isLate)]
    where says(text, mark) != isMeant {
      throw TemplateError(
        part: part, position: nil,
        problem: isMeant ? .markMissing(mark, content.kind) : .markUnmeant(mark, content.kind))
    }
  }

  /// Whether `word` stands in `text` between other characters than letters and digits.
  private func says(_ text: String, _ word: String) -> Bool {
    text.utf8.split { byte in
      !(decimalValue(byte) != nil || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte >= 0x80)
    }.contains { $0.elementsEqual(word.utf8) }
  }

  /// The largest content of each kind: what fits of them fits of all.
  private var samples: [NoticeContent] {
    let kinds = published.kinds?.elements ?? NoticeKind.allCases
    let languages: [String?] =
      published.language.map { [$0] } ?? [nil, String(repeating: "x", count: 35)]
    var samples: [NoticeContent] = []
    for kind in kinds {
      for isTest in [false, true] {
        for isLate in kind.hasDeadline ? [false, true] : [false] {
          for isOpenEnded in [false, true] {
            samples += languages.map { language in
              NoticeContent.largest(kind, isTest, isLate, isOpenEnded, language)
            }
          }
        }
      }
    }
    return samples
  }
}

/// What is wrong with a template, in which of its texts, and where.
package struct TemplateError: Error, Hashable, Sendable {
  package enum Part: String, Hashable, Sendable { case subject, body }

  package let part: Part
  /// Absent where it is the whole text.
  package let position: TextPosition?
  package let problem: Problem

  package enum Problem: Hashable, Sendable {
    case mustache(MustacheError.Problem)
    case unknownVariable(String, suggestion: String?)
    /// A drill or a late notice that doesn't say so.
    case markMissing(String, NoticeKind)
    /// Another one that does.
    case markUnmeant(String, NoticeKind)
  }

  package init(part: Part, position: TextPosition?, problem: Problem) {
    self.part = part
    self.position = position
    self.problem = problem
  }
}

extension NoticeContent {
  /// The names that a template may use, in the order of their list.
  package static let names = [
    "answer", "dispatch_id", "end", "end_date", "end_text", "end_time", "is_cancel", "is_end",
    "is_extend", "is_late", "is_open_ended", "is_real", "is_standby", "is_start", "is_test",
    "is_update", "kind", "kind_text", "language", "mark", "modification", "program", "reply_by",
    "start", "start_date", "start_time", "zone",
  ]

  /// What the names stand for: null where there is nothing.
  var variables: JSONObject {
    let program = oneLine(programName)
    func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
    let answersInTime = kind.hasDeadline && !isLate
    var values: [(String, JSON)] = [
      ("answer", .string(answer(program))), ("dispatch_id", .string(dispatchID.text)),
      ("end", text(end.map(local))), ("end_date", text(end.map(date))),
      ("end_text", .string(end.map(local) ?? "until further notice")),
      ("end_time", text(end.map(clock))), ("is_late", .bool(isLate)),
      ("is_open_ended", .bool(end == nil)), ("is_real", .bool(!isTest)),
      ("is_test", .bool(isTest)), ("kind", .string(kind.rawValue)),
      ("kind_text", .string(kind.says)), ("language", text(language.map(oneLine))),
      ("mark", .string((isTest ? "TEST" : "REAL") + (isLate ? " LATE" : ""))),
      ("modification", .integer(Int64(modification))), ("program", .string(program)),
      ("reply_by", text(answersInTime ? local(start) : nil)), ("start", .string(local(start))),
      ("start_date", .string(date(start))), ("start_time", .string(clock(start))),
      ("zone", .string(start.zone.text)),
    ]
    values += NoticeKind.allCases.map { ("is_\($0.rawValue)", .bool($0 == kind)) }
    return JSONObject(values.map { .init(key: $0.0, value: $0.1) })
  }

  /// `2019-08-27`, on the zone's clocks.
  private func date(_ moment: ZonedMoment) -> String { String(local(moment).prefix(10)) }

  /// `21:04`, on the zone's clocks.
  private func clock(_ moment: ZonedMoment) -> String {
    String(local(moment).dropFirst(11).prefix { $0 != " " })
  }

  /// As much as any content of the kind can say.
  fileprivate static func largest(
    _ kind: NoticeKind, _ isTest: Bool, _ isLate: Bool, _ isOpenEnded: Bool, _ language: String?
  ) -> NoticeContent {
    let name = String(repeating: "x", count: 128)
    let zone = String(repeating: "z", count: 64)
    guard let id = EntityID(name), let zone = ZoneName(zone),
      let instant = Instant(CivilTime(year: 2026, month: 11, day: 23, second: 59))
    else { fatalError("invariant broken: a sample of a notice can't be made") }
    let moment = ZonedMoment(
      instant: instant, zone: zone, text: "", offsetSeconds: -14_400, tzdata: "")
    return NoticeContent(
      dispatchID: id, modification: 999_999_999, programName: name + name, kind: kind,
      isTest: isTest, isLate: isLate, start: moment, end: isOpenEnded ? nil : moment,
      language: language)
  }
}
