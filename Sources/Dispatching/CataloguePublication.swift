import Bytes
package import Events

/// What a catalogue says of one template or rule: its text, or that it is no longer used.
package enum CataloguePublication<Published: Equatable & Sendable>: Equatable, Sendable {
  /// Its version is given when it is decided, and is 1 until then.
  case publish(Published)
  case withdraw(EntityID, reason: String?)
}

extension CataloguePublication where Published == TemplatePublished {
  package var id: EntityID {
    switch self {
    case .publish(let template): template.id
    case .withdraw(let id, _): id
    }
  }

  init(_ entry: FieldReading) throws(RequestError) {
    if let withdrawal = try entry.withdrawal() {
      self = .withdraw(withdrawal.id, reason: withdrawal.reason)
      return
    }
    try entry.allowOnly([
      "id", "program_id", "event_type_id", "channel", "language", "kinds", "subject", "body",
      "withdrawn",
    ])
    let id = try entry.id("id")
    guard !sameBytes(id.text, "builtin") else {
      throw entry.failure("id", .badValue(found: id.text, expected: .otherThan("builtin")))
    }
    let language = try entry.optionalString("language")
    if let language, !CatalogueUser.isLanguageTag(language) {
      throw entry.failure("language", .badValue(found: language, expected: .language))
    }
    let template = TemplatePublished(
      id: id, version: 1, body: try entry.string("body"),
      title: try entry.optionalString("subject"), programID: try entry.optionalID("program_id"),
      eventTypeID: try entry.optionalID("event_type_id"),
      channel: try entry.optional("channel", .channelCode), language: language,
      kinds: try Self.kinds(of: entry))
    do { _ = try NoticeTemplate(template) } catch {
      throw entry.failure(error.part.rawValue, .template(error))
    }
    self = .publish(template)
  }

  private static func kinds(of entry: FieldReading) throws(RequestError) -> SortedSet<NoticeKind>? {
    let elements = try entry.optionalList("kinds", limit: NoticeKind.allCases.count)
    guard let elements else { return nil }
    guard !elements.isEmpty else {
      throw entry.failure("kinds", .badValue(found: "[]", expected: .notEmpty))
    }
    return SortedSet(
      try elements.map { json, path throws(RequestError) in
        let text = try FieldReading.string(json, at: path)
        guard let kind = NoticeKind(rawValue: text) else {
          throw RequestError(
            path: path,
            problem: .badValue(
              found: text, expected: .oneOf(NoticeKind.allCases.map(\.rawValue))))
        }
        return kind
      })
  }
}

/// A rule as a catalogue defines it, its time still as typed.
package struct CatalogueRule: Equatable, Sendable {
  /// Without its `at`.
  package let rule: RulePublished
  package let at: TypedTime?
  package let fold: Fold?
}

extension CataloguePublication where Published == CatalogueRule {
  package var id: EntityID {
    switch self {
    case .publish(let entry): entry.rule.id
    case .withdraw(let id, _): id
    }
  }

  init(_ entry: FieldReading) throws(RequestError) {
    if let withdrawal = try entry.withdrawal() {
      self = .withdraw(withdrawal.id, reason: withdrawal.reason)
      return
    }
    try entry.allowOnly([
      "id", "program_id", "if", "at", "fold", "for", "cool_down", "max_per_day", "stale_after",
      "hysteresis", "grace", "request", "dispatch_id", "withdrawn",
    ])
    let programID = try entry.id("program_id")
    let condition = try entry.optionalCondition("if")
    var at: TypedTime?
    if let text = try entry.optionalString("at") {
      guard let time = TypedTime(text) else {
        throw entry.failure("at", .badValue(found: text, expected: .time))
      }
      if condition != nil { throw entry.failure("at", .duplicate(first: entry.path(of: "if"))) }
      for field in ["for", "cool_down", "max_per_day", "stale_after", "hysteresis"]
      where entry.optionalJSON(field) != nil {
        throw entry.failure(field, .duplicate(first: entry.path(of: "at")))
      }
      at = time
    } else if condition == nil {
      throw entry.failure("if", .missing)
    }
    let rule = RulePublished(
      id: try entry.id("id"), version: 1, programID: programID, condition: condition?.text,
      holdFor: try entry.optionalDuration("for"),
      coolDown: try entry.optionalDuration("cool_down"),
      maxPerDay: try entry.optionalOrdinal("max_per_day"),
      staleAfter: try entry.optionalDuration("stale_after"),
      hysteresis: try entry.optionalMargin("hysteresis"),
      grace: try entry.optionalDuration("grace"),
      request: try Self.request(of: entry, programID),
      dispatchID: try entry.optionalID("dispatch_id"))
    switch (rule.request, rule.dispatchID) {
    case (nil, nil): throw entry.failure("request", .missing)
    case (_?, _?):
      throw entry.failure("dispatch_id", .duplicate(first: entry.path(of: "request")))
    case (_?, nil), (nil, _?): break
    }
    self = .publish(CatalogueRule(rule: rule, at: at, fold: try entry.optionalWord("fold")))
  }

  private static func request(
    of entry: FieldReading, _ program: EntityID
  ) throws(RequestError) -> JSONObject? {
    guard let json = entry.optionalJSON("request") else { return nil }
    let path = entry.path(of: "request")
    let object = try FieldReading(json, at: path).object
    do { _ = try RuleRequest(object, program) } catch { throw error.within(path) }
    return object
  }
}

extension FieldReading {
  /// What `"withdrawn":true` says, or `nil` where it doesn't stand.
  fileprivate func withdrawal() throws(RequestError) -> (id: EntityID, reason: String?)? {
    guard try bool("withdrawn", default: false) else { return nil }
    try allowOnly(["id", "withdrawn", "reason"])
    var reason: String?
    if optionalJSON("reason") != nil {
      reason = try printable("reason", limit: DispatchChangeRequest.reasonLimit)
    }
    return (try id("id"), reason)
  }

  /// A decimal that isn't negative.
  fileprivate func optionalMargin(_ key: String) throws(RequestError) -> DecimalText? {
    let margin: DecimalText? = try optional(key, .decimal)
    if let margin, margin.text.utf8.first == UInt8(ascii: "-") {
      throw failure(key, .badValue(found: margin.text, expected: .decimal))
    }
    return margin
  }
}
