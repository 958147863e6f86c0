package import Bytes

/// `dispatch.requested.v1`: a call on a program, accepted.
///
/// Its recipients follow in `recipients.resolved`.
package struct DispatchRequested: EventData {
  package static let type = EventType.dispatchRequested

  package var dispatchID: EntityID
  /// 1: a request is the first; each `dispatch.modified`, `.cancelled` or `.ended` takes the next
  /// number.
  package var modification: Int
  package var programID: EntityID
  /// The `program.defined` that was decided from.
  package var program: EventID
  package var eventTypeID: EntityID
  /// The `market-event-type.defined` that was decided from.
  package var eventType: EventID
  package var start: ZonedMoment
  /// When it ends; absent: open-ended until a `dispatch.ended`.
  package var end: ZonedMoment?
  /// A drill: every notice says TEST.
  package var isTest: Bool
  /// Whether the notice deadline or the end had passed when it was requested.
  package var isLate: Bool
  /// Fields of the request that nobody knows, as given.
  package var attributes: JSONObject?

  /// True exactly when `end` is absent.
  package var isOpenEnded: Bool { end == nil }

  package init(
    dispatchID: EntityID, modification: Int, programID: EntityID, program: EventID,
    eventTypeID: EntityID, eventType: EventID, start: ZonedMoment, end: ZonedMoment? = nil,
    isTest: Bool, isLate: Bool, attributes: JSONObject? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.programID = programID
    self.program = program
    self.eventTypeID = eventTypeID
    self.eventType = eventType
    self.start = start
    self.end = end
    self.isTest = isTest
    self.isLate = isLate
    self.attributes = attributes
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchRequested {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attributes = try reader.optional("attributes")
    dispatchID = try reader.required("dispatch_id")
    end = try reader.optional("end")
    eventType = try reader.required("event_type")
    eventTypeID = try reader.required("event_type_id")
    isLate = try reader.required("late")
    modification = try reader.required("modification")
    let isOpenEnded: Bool = try reader.required("open_ended")
    program = try reader.required("program")
    programID = try reader.required("program_id")
    start = try reader.required("start")
    isTest = try reader.required("test")
    try Check.agreement("open_ended", with: "end", isOpenEnded == self.isOpenEnded)
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
    try Check.integer("modification", modification, from: 1, through: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attributes", attributes)
    writer.set("dispatch_id", dispatchID)
    writer.set("end", end)
    writer.set("event_type", eventType)
    writer.set("event_type_id", eventTypeID)
    writer.set("late", isLate)
    writer.set("modification", modification)
    writer.set("open_ended", isOpenEnded)
    writer.set("program", program)
    writer.set("program_id", programID)
    writer.set("start", start)
    writer.set("test", isTest)
  }
}

/// One rule that a command broke.
package struct RejectionReason: Record {
  /// Which rule; the list grows with the decider.
  package var code: CodeWord
  /// The field of the request that broke it.
  package var field: String?
  /// The rule in words; names no person.
  package var message: String

  package init(code: CodeWord, field: String? = nil, message: String) {
    self.code = code
    self.field = field
    self.message = message
  }
}

extension RejectionReason {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    code = try reader.required("code")
    field = try reader.optional("field")
    message = try reader.required("message")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("code", code)
    writer.set("field", field)
    writer.set("message", message)
  }
}

/// `dispatch.rejected.v1`: a well-formed command that breaks a rule, with every rule that it
/// breaks.
///
/// A rejected request is a dispatch that never was; another rejected command leaves its dispatch as
/// it is.
package struct DispatchRejected: EventData {
  package static let type = EventType.dispatchRejected

  package var dispatchID: EntityID
  /// What was asked for.
  package var command: RejectedCommand
  /// At least one, in the order of the rules.
  package var reasons: [RejectionReason]
  /// The command as it was given, in canonical form.
  package var request: JSONObject

  package init(
    dispatchID: EntityID, command: RejectedCommand, reasons: [RejectionReason],
    request: JSONObject
  ) {
    self.dispatchID = dispatchID
    self.command = command
    self.reasons = reasons
    self.request = request
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchRejected {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    command = try reader.required("command")
    dispatchID = try reader.required("dispatch_id")
    reasons = try reader.required("reasons")
    request = try reader.required("request")
  }

  package func check() throws(EventError) {
    try Check.notEmpty("reasons", reasons)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("command", command)
    writer.set("dispatch_id", dispatchID)
    writer.set("reasons", reasons)
    writer.set("request", request)
  }
}

/// `dispatch.scheduled.v1`: the dispatch waits for a time or a condition; it is resolved when it
/// fires, once.
package struct DispatchScheduled: EventData {
  package static let type = EventType.dispatchScheduled

  package var dispatchID: EntityID
  /// When it fires.
  package var executeAt: ZonedMoment?
  /// The condition on which it fires, over signals.
  package var executeIf: String?
  /// How late it may still fire.
  package var grace: ISODuration?

  package init(
    dispatchID: EntityID, executeAt: ZonedMoment? = nil, executeIf: String? = nil,
    grace: ISODuration? = nil
  ) {
    self.dispatchID = dispatchID
    self.executeAt = executeAt
    self.executeIf = executeIf
    self.grace = grace
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchScheduled {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchID = try reader.required("dispatch_id")
    executeAt = try reader.optional("execute_at")
    executeIf = try reader.optional("execute_if")
    grace = try reader.optional("grace")
  }

  package func check() throws(EventError) {
    try Check.exactlyOne(["execute_at", "execute_if"], [executeAt != nil, executeIf != nil])
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatch_id", dispatchID)
    writer.set("execute_at", executeAt)
    writer.set("execute_if", executeIf)
    writer.set("grace", grace)
  }
}

/// `dispatch.triggered.v1`: a time came or a condition held: the dispatch is executed.
package struct DispatchTriggered: EventData {
  package static let type = EventType.dispatchTriggered

  package var dispatchID: EntityID
  /// The time that it should have fired at.
  package var nominal: Instant
  /// The `rule.published` that fired; absent where the request itself carried the condition.
  package var rule: EventID?
  /// The `signal.observed` events that were read.
  package var signals: SortedSet<EventID>
  /// Each comparison, in the order of the condition's text.
  package var trace: [TraceStep]

  package init(
    dispatchID: EntityID, nominal: Instant, rule: EventID? = nil, signals: SortedSet<EventID>,
    trace: [TraceStep]
  ) {
    self.dispatchID = dispatchID
    self.nominal = nominal
    self.rule = rule
    self.signals = signals
    self.trace = trace
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchTriggered {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchID = try reader.required("dispatch_id")
    nominal = try reader.required("nominal")
    rule = try reader.optional("rule")
    signals = try reader.required("signals")
    trace = try reader.required("trace")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatch_id", dispatchID)
    writer.set("nominal", nominal)
    writer.set("rule", rule)
    writer.set("signals", signals)
    writer.set("trace", trace)
  }
}

/// `dispatch.missed.v1`: a scheduled time passed, and its grace with it: the dispatch isn't
/// executed.
package struct DispatchMissed: EventData {
  package static let type = EventType.dispatchMissed

  package var dispatchID: EntityID
  /// The time that it should have fired at.
  package var nominal: Instant
  /// How late it could still have fired.
  package var grace: ISODuration
  /// The `rule.published` that should have fired.
  package var rule: EventID?
  /// Why it didn't.
  package var reason: String?

  package init(
    dispatchID: EntityID, nominal: Instant, grace: ISODuration, rule: EventID? = nil,
    reason: String? = nil
  ) {
    self.dispatchID = dispatchID
    self.nominal = nominal
    self.grace = grace
    self.rule = rule
    self.reason = reason
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchMissed {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchID = try reader.required("dispatch_id")
    grace = try reader.required("grace")
    nominal = try reader.required("nominal")
    reason = try reader.optional("reason")
    rule = try reader.optional("rule")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatch_id", dispatchID)
    writer.set("grace", grace)
    writer.set("nominal", nominal)
    writer.set("reason", reason)
    writer.set("rule", rule)
  }
}
