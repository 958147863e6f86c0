package import Bytes

/// `program.defined.v1`: a program as it stands from here on; the whole of it, not a change.
package struct ProgramDefined: EventData {
  package static let type = EventType.programDefined

  package var id: EntityID
  package var name: String
  /// The zone that its times are read and shown in.
  package var timeZone: ZoneName
  /// The channels that it notifies on, in order of preference, each once.
  package var communicationCodes: [ChannelCode]
  /// How long before the start a notice must be there.
  package var leadTime: ISODuration
  /// Whether only enrolled users are concerned.
  package var enrollmentRequired: Bool
  /// What becomes of an attempt whose outcome is unknown.
  package var unknownOutcome: UnknownOutcomePolicy
  /// What becomes of a first notice after its deadline.
  package var lateNotice: LateNoticePolicy
  /// The market event types that it allows; absent: any.
  package var eventTypeIDs: SortedSet<EntityID>?
  /// How long before the start a cancel must come so that it isn't late; absent: none is.
  package var cancelDeadline: ISODuration?
  /// Absent: without limit.
  package var caps: ProgramCaps?
  /// Absent: never.
  package var quietHours: QuietHours?
  /// Absent: nobody is told beside the recipients.
  package var escalation: Escalation?
  /// How long its events are kept at least; absent: for ever.
  package var retention: Period?
  /// Whether drills reach test recipients only; absent: they reach all.
  package var testRecipientsOnly: Bool?
  /// Anything else that was said about it, as given.
  package var attributes: JSONObject?

  package init(
    id: EntityID, name: String, timeZone: ZoneName, communicationCodes: [ChannelCode],
    leadTime: ISODuration, enrollmentRequired: Bool, unknownOutcome: UnknownOutcomePolicy,
    lateNotice: LateNoticePolicy, eventTypeIDs: SortedSet<EntityID>? = nil,
    cancelDeadline: ISODuration? = nil, caps: ProgramCaps? = nil, quietHours: QuietHours? = nil,
    escalation: Escalation? = nil, retention: Period? = nil, testRecipientsOnly: Bool? = nil,
    attributes: JSONObject? = nil
  ) {
    self.id = id
    self.name = name
    self.timeZone = timeZone
    self.communicationCodes = communicationCodes
    self.leadTime = leadTime
    self.enrollmentRequired = enrollmentRequired
    self.unknownOutcome = unknownOutcome
    self.lateNotice = lateNotice
    self.eventTypeIDs = eventTypeIDs
    self.cancelDeadline = cancelDeadline
    self.caps = caps
    self.quietHours = quietHours
    self.escalation = escalation
    self.retention = retention
    self.testRecipientsOnly = testRecipientsOnly
    self.attributes = attributes
  }

  package var subject: Subject { .program(id) }
}

extension ProgramDefined {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attributes = try reader.optional("attributes")
    cancelDeadline = try reader.optional("cancel_deadline")
    caps = try reader.optional("caps")
    communicationCodes = try reader.required("communication_codes")
    enrollmentRequired = try reader.required("enrollment_required")
    escalation = try reader.optional("escalation")
    eventTypeIDs = try reader.optional("event_type_ids")
    id = try reader.required("id")
    lateNotice = try reader.required("late_notice")
    leadTime = try reader.required("lead_time")
    name = try reader.required("name")
    quietHours = try reader.optional("quiet_hours")
    retention = try reader.optional("retention")
    testRecipientsOnly = try reader.optional("test_recipients_only")
    timeZone = try reader.required("time_zone")
    unknownOutcome = try reader.required("unknown_outcome")
  }

  package func check() throws(EventError) {
    try Check.distinct("communication_codes", communicationCodes, by: \.self)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attributes", attributes)
    writer.set("cancel_deadline", cancelDeadline)
    writer.set("caps", caps)
    writer.set("communication_codes", communicationCodes)
    writer.set("enrollment_required", enrollmentRequired)
    writer.set("escalation", escalation)
    writer.set("event_type_ids", eventTypeIDs)
    writer.set("id", id)
    writer.set("late_notice", lateNotice)
    writer.set("lead_time", leadTime)
    writer.set("name", name)
    writer.set("quiet_hours", quietHours)
    writer.set("retention", retention)
    writer.set("test_recipients_only", testRecipientsOnly)
    writer.set("time_zone", timeZone)
    writer.set("unknown_outcome", unknownOutcome)
  }
}

/// `program.retired.v1`: a program is no longer used; what was decided from it stays decided.
package struct ProgramRetired: EventData {
  package static let type = EventType.programRetired

  package var id: EntityID
  package var reason: String?

  package init(id: EntityID, reason: String? = nil) {
    self.id = id
    self.reason = reason
  }

  package var subject: Subject { .program(id) }
}

extension ProgramRetired {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    reason = try reader.optional("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("reason", reason)
  }
}

/// `market-event-type.defined.v1`: a class of dispatches, and the user groups that it reaches.
package struct MarketEventTypeDefined: EventData {
  package static let type = EventType.marketEventTypeDefined

  package var id: EntityID
  package var name: String
  /// The groups that it reaches; they need not be defined.
  package var userGroupIDs: SortedSet<EntityID>

  package init(id: EntityID, name: String, userGroupIDs: SortedSet<EntityID>) {
    self.id = id
    self.name = name
    self.userGroupIDs = userGroupIDs
  }

  package var subject: Subject { .marketEventType(id) }
}

extension MarketEventTypeDefined {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    name = try reader.required("name")
    userGroupIDs = try reader.required("user_group_ids")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("name", name)
    writer.set("user_group_ids", userGroupIDs)
  }
}

/// `market-event-type.retired.v1`: a market event type is no longer used; what was decided from it
/// stays decided.
package struct MarketEventTypeRetired: EventData {
  package static let type = EventType.marketEventTypeRetired

  package var id: EntityID
  package var reason: String?

  package init(id: EntityID, reason: String? = nil) {
    self.id = id
    self.reason = reason
  }

  package var subject: Subject { .marketEventType(id) }
}

extension MarketEventTypeRetired {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    reason = try reader.optional("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("reason", reason)
  }
}

/// `user-group.defined.v1`: a set used for targeting; the users name their groups, a group doesn't
/// list its users.
package struct UserGroupDefined: EventData {
  package static let type = EventType.userGroupDefined

  package var id: EntityID
  package var name: String

  package init(id: EntityID, name: String) {
    self.id = id
    self.name = name
  }

  package var subject: Subject { .userGroup(id) }
}

extension UserGroupDefined {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    name = try reader.required("name")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("name", name)
  }
}

/// `user-group.retired.v1`: a user group is no longer used; what was decided from it stays decided.
package struct UserGroupRetired: EventData {
  package static let type = EventType.userGroupRetired

  package var id: EntityID
  package var reason: String?

  package init(id: EntityID, reason: String? = nil) {
    self.id = id
    self.reason = reason
  }

  package var subject: Subject { .userGroup(id) }
}

extension UserGroupRetired {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    id = try reader.required("id")
    reason = try reader.optional("reason")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("id", id)
    writer.set("reason", reason)
  }
}
