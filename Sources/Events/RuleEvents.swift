package import Bytes

/// `template.published.v1`: a version of the text that notices are made from.
package struct TemplatePublished: EventData {
  package static let type = EventType.templatePublished

  package var id: EntityID
  /// 1, and one more at each publication.
  package var version: Int
  /// The text, in Mustache's core.
  package var body: String
  /// The subject line, for channels that have one.
  package var title: String?
  /// Only for this program.
  package var programID: EntityID?
  /// Only for this market event type.
  package var eventTypeID: EntityID?
  /// Only for this channel.
  package var channel: ChannelCode?
  /// Only for this language (BCP 47).
  package var language: String?
  /// Only for these notices.
  package var kinds: SortedSet<NoticeKind>?

  package init(
    id: EntityID, version: Int, body: String, title: String? = nil, programID: EntityID? = nil,
    eventTypeID: EntityID? = nil, channel: ChannelCode? = nil, language: String? = nil,
    kinds: SortedSet<NoticeKind>? = nil
  ) {
    self.id = id
    self.version = version
    self.body = body
    self.title = title
    self.programID = programID
    self.eventTypeID = eventTypeID
    self.channel = channel
    self.language = language
    self.kinds = kinds
  }

  package var subject: Subject { .template(id) }
}

extension TemplatePublished {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    body = try reader.required("body")
    channel = try reader.optional("channel")
    eventTypeID = try reader.optional("event_type_id")
    id = try reader.required("id")
    kinds = try reader.optional("kinds")
    language = try reader.optional("language")
    programID = try reader.optional("program_id")
    title = try reader.optional("title")
    version = try reader.required("version")
  }

  package func check() throws(EventError) {
    try Check.integer("version", version, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("body", body)
    writer.set("channel", channel)
    writer.set("event_type_id", eventTypeID)
    writer.set("id", id)
    writer.set("kinds", kinds)
    writer.set("language", language)
    writer.set("program_id", programID)
    writer.set("title", title)
    writer.set("version", version)
  }
}

/// `template.withdrawn.v1`: a template is no longer used for new notices.
package struct TemplateWithdrawn: EventData {
  package static let type = EventType.templateWithdrawn

  package var id: EntityID
  package var reason: String?

  package init(id: EntityID, reason: String? = nil) {
    self.id = id
    self.reason = reason
  }

  package var subject: Subject { .template(id) }
}

extension TemplateWithdrawn {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    reason = try reader.optional("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("reason", reason)
  }
}

/// `rule.published.v1`: a version of a rule that makes or executes dispatches by itself.
package struct RulePublished: EventData {
  package static let type = EventType.rulePublished

  package var id: EntityID
  /// 1, and one more at each publication.
  package var version: Int
  /// The program that it dispatches.
  package var programID: EntityID
  /// The condition, over signals.
  package var condition: String?
  /// The time at which it fires, once.
  package var at: ZonedMoment?
  /// How long the condition must hold; absent: not at all.
  package var holdFor: ISODuration?
  /// How long after a firing none other comes.
  package var coolDown: ISODuration?
  /// Firings a day at most, in the program's zone.
  package var maxPerDay: Int?
  /// How old an observation may be and still count.
  package var staleAfter: ISODuration?
  /// How far beyond its bound a value must go back before the rule fires again.
  package var hysteresis: DecimalText?
  /// How late it may still fire.
  package var grace: ISODuration?
  /// The request that each firing makes a new dispatch of.
  package var request: JSONObject?
  /// The dispatch that the rule executes, once.
  package var dispatchID: EntityID?

  package init(
    id: EntityID, version: Int, programID: EntityID, condition: String? = nil,
    at: ZonedMoment? = nil, holdFor: ISODuration? = nil, coolDown: ISODuration? = nil,
    maxPerDay: Int? = nil, staleAfter: ISODuration? = nil, hysteresis: DecimalText? = nil,
    grace: ISODuration? = nil, request: JSONObject? = nil, dispatchID: EntityID? = nil
  ) {
    self.id = id
    self.version = version
    self.programID = programID
    self.condition = condition
    self.at = at
    self.holdFor = holdFor
    self.coolDown = coolDown
    self.maxPerDay = maxPerDay
    self.staleAfter = staleAfter
    self.hysteresis = hysteresis
    self.grace = grace
    self.request = request
    self.dispatchID = dispatchID
  }

  package var subject: Subject { .rule(id) }
}

extension RulePublished {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    at = try reader.optional("at")
    coolDown = try reader.optional("cool_down")
    dispatchID = try reader.optional("dispatch_id")
    holdFor = try reader.optional("for")
    grace = try reader.optional("grace")
    hysteresis = try reader.optional("hysteresis")
    id = try reader.required("id")
    condition = try reader.optional("if")
    maxPerDay = try reader.optional("max_per_day")
    programID = try reader.required("program_id")
    request = try reader.optional("request")
    staleAfter = try reader.optional("stale_after")
    version = try reader.required("version")
  }

  package func check() throws(EventError) {
    try Check.integer("version", version, from: 1)
    try Check.integer("max_per_day", maxPerDay, from: 1)
    try Check.exactlyOne(["dispatch_id", "request"], [dispatchID != nil, request != nil])
    try Check.exactlyOne(["at", "if"], [at != nil, condition != nil])
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("at", at)
    writer.set("cool_down", coolDown)
    writer.set("dispatch_id", dispatchID)
    writer.set("for", holdFor)
    writer.set("grace", grace)
    writer.set("hysteresis", hysteresis)
    writer.set("id", id)
    writer.set("if", condition)
    writer.set("max_per_day", maxPerDay)
    writer.set("program_id", programID)
    writer.set("request", request)
    writer.set("stale_after", staleAfter)
    writer.set("version", version)
  }
}

/// `rule.withdrawn.v1`: a rule no longer fires.
package struct RuleWithdrawn: EventData {
  package static let type = EventType.ruleWithdrawn

  package var id: EntityID
  package var reason: String?

  package init(id: EntityID, reason: String? = nil) {
    self.id = id
    self.reason = reason
  }

  package var subject: Subject { .rule(id) }
}

extension RuleWithdrawn {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    reason = try reader.optional("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("reason", reason)
  }
}

/// `legal-hold.placed.v1`: events are held: nothing that it covers may be disposed of.
///
/// It covers the events that fit all of the fields that limit it; without any, the whole ledger.
package struct LegalHoldPlaced: EventData {
  package static let type = EventType.legalHoldPlaced

  package var id: EntityID
  package var reason: String
  /// Only this dispatch.
  package var dispatchID: EntityID?
  /// Only this program.
  package var programID: EntityID?
  /// Only this user.
  package var userID: EntityID?
  /// Only events recorded at this time or later.
  package var since: Instant?
  /// Only events recorded before this time.
  package var until: Instant?

  package init(
    id: EntityID, reason: String, dispatchID: EntityID? = nil, programID: EntityID? = nil,
    userID: EntityID? = nil, since: Instant? = nil, until: Instant? = nil
  ) {
    self.id = id
    self.reason = reason
    self.dispatchID = dispatchID
    self.programID = programID
    self.userID = userID
    self.since = since
    self.until = until
  }

  package var subject: Subject { .legalHold(id) }
}

extension LegalHoldPlaced {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchID = try reader.optional("dispatch_id")
    id = try reader.required("id")
    programID = try reader.optional("program_id")
    reason = try reader.required("reason")
    since = try reader.optional("since")
    until = try reader.optional("until")
    userID = try reader.optional("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatch_id", dispatchID)
    writer.set("id", id)
    writer.set("program_id", programID)
    writer.set("reason", reason)
    writer.set("since", since)
    writer.set("until", until)
    writer.set("user_id", userID)
  }
}

/// `legal-hold.released.v1`: a hold no longer holds.
package struct LegalHoldReleased: EventData {
  package static let type = EventType.legalHoldReleased

  package var id: EntityID
  package var reason: String

  package init(id: EntityID, reason: String) {
    self.id = id
    self.reason = reason
  }

  package var subject: Subject { .legalHold(id) }
}

extension LegalHoldReleased {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    reason = try reader.required("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("reason", reason)
  }
}

/// `signal.observed.v1`: a value that conditions may read.
package struct SignalObserved: EventData {
  package static let type = EventType.signalObserved

  /// The signal's name.
  package var name: EntityID
  /// Its value.
  package var value: DecimalText
  /// The value's unit.
  package var unit: String?
  /// When it was so; not when it was recorded.
  package var at: Instant

  package init(name: EntityID, value: DecimalText, unit: String? = nil, at: Instant) {
    self.name = name
    self.value = value
    self.unit = unit
    self.at = at
  }

  package var subject: Subject { .signal(name) }
}

extension SignalObserved {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    at = try reader.required("at")
    name = try reader.required("name")
    unit = try reader.optional("unit")
    value = try reader.required("value")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("at", at)
    writer.set("name", name)
    writer.set("unit", unit)
    writer.set("value", value)
  }
}

/// One comparison of a condition, as it was evaluated.
package struct TraceStep: Record {
  /// Its text, as published.
  package var comparison: String
  /// What it came to.
  package var result: ComparisonResult
  /// The `signal.observed` that it read; absent where there was none.
  package var signal: EventID?
  /// The value that it read.
  package var value: DecimalText?

  package init(
    comparison: String, result: ComparisonResult, signal: EventID? = nil,
    value: DecimalText? = nil
  ) {
    self.comparison = comparison
    self.result = result
    self.signal = signal
    self.value = value
  }
}

extension TraceStep {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    comparison = try reader.required("comparison")
    result = try reader.required("result")
    signal = try reader.optional("signal")
    value = try reader.optional("value")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("comparison", comparison)
    writer.set("result", result)
    writer.set("signal", signal)
    writer.set("value", value)
  }
}
