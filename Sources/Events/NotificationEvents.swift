package import Bytes

/// `notification.attempted.v1`: one try to tell one user on one channel, durable before anything
/// leaves.
///
/// The attempt's id is the id of this event.
package struct NotificationAttempted: EventData {
  package static let type = EventType.notificationAttempted

  package var dispatchID: EntityID
  package var modification: Int
  package var userID: EntityID
  package var channel: ChannelCode
  /// Which try it is for this modification, user and channel, from 1.
  package var number: Int
  /// What the notice says.
  package var kind: NoticeKind
  /// Whether it says LATE.
  package var isLate: Bool
  /// Whether it says TEST.
  package var isTest: Bool
  /// The `user.defined` that gave the address.
  package var address: EventID
  /// Why it was sent in quiet hours, where it was.
  package var quietHours: QuietHoursPassing?
  /// What the text was made from.
  package var template: TemplateVersion
  /// HMAC-SHA-256 of the text under the user's key.
  package var textHMAC: HexDigest
  /// How the channel sends: `console`, `spool`, …; the list grows.
  package var channelKind: CodeWord
  /// The host that it sends through.
  package var channelHost: String?
  /// SHA-256 of the channel's settings in canonical form, without secrets.
  package var channelSettings: HexDigest

  package init(
    dispatchID: EntityID, modification: Int, userID: EntityID, channel: ChannelCode, number: Int,
    kind: NoticeKind, isLate: Bool, isTest: Bool, address: EventID,
    quietHours: QuietHoursPassing? = nil, template: TemplateVersion, textHMAC: HexDigest,
    channelKind: CodeWord, channelHost: String? = nil, channelSettings: HexDigest
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
    self.channel = channel
    self.number = number
    self.kind = kind
    self.isLate = isLate
    self.isTest = isTest
    self.address = address
    self.quietHours = quietHours
    self.template = template
    self.textHMAC = textHMAC
    self.channelKind = channelKind
    self.channelHost = channelHost
    self.channelSettings = channelSettings
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension NotificationAttempted {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    address = try reader.required("address")
    channel = try reader.required("channel")
    channelHost = try reader.optional("channel_host")
    channelKind = try reader.required("channel_kind")
    channelSettings = try reader.required("channel_settings")
    dispatchID = try reader.required("dispatch_id")
    kind = try reader.required("kind")
    isLate = try reader.required("late")
    modification = try reader.required("modification")
    number = try reader.required("number")
    quietHours = try reader.optional("quiet_hours")
    template = try reader.required("template")
    isTest = try reader.required("test")
    textHMAC = try reader.required("text_hmac")
    userID = try reader.required("user_id")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
    try Check.integer("number", number, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("address", address)
    writer.set("channel", channel)
    writer.set("channel_host", channelHost)
    writer.set("channel_kind", channelKind)
    writer.set("channel_settings", channelSettings)
    writer.set("dispatch_id", dispatchID)
    writer.set("kind", kind)
    writer.set("late", isLate)
    writer.set("modification", modification)
    writer.set("number", number)
    writer.set("quiet_hours", quietHours)
    writer.set("template", template)
    writer.set("test", isTest)
    writer.set("text_hmac", textHMAC)
    writer.set("user_id", userID)
  }
}

/// `notification.suppressed.v1`: a notice that is never attempted.
package struct NotificationSuppressed: EventData {
  package static let type = EventType.notificationSuppressed

  package var dispatchID: EntityID
  package var modification: Int
  package var userID: EntityID
  /// Only on this channel; absent: on all.
  package var channel: ChannelCode?
  /// What the notice would have said.
  package var kind: NoticeKind
  package var reason: SuppressionReason
  /// More about the reason; names no person.
  package var detail: String?

  package init(
    dispatchID: EntityID, modification: Int, userID: EntityID, channel: ChannelCode? = nil,
    kind: NoticeKind, reason: SuppressionReason, detail: String? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
    self.channel = channel
    self.kind = kind
    self.reason = reason
    self.detail = detail
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension NotificationSuppressed {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    channel = try reader.optional("channel")
    detail = try reader.optional("detail")
    dispatchID = try reader.required("dispatch_id")
    kind = try reader.required("kind")
    modification = try reader.required("modification")
    reason = try reader.required("reason")
    userID = try reader.required("user_id")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("channel", channel)
    writer.set("detail", detail)
    writer.set("dispatch_id", dispatchID)
    writer.set("kind", kind)
    writer.set("modification", modification)
    writer.set("reason", reason)
    writer.set("user_id", userID)
  }
}

/// `notification.deferred.v1`: a notice that will be attempted later.
package struct NotificationDeferred: EventData {
  package static let type = EventType.notificationDeferred

  package var dispatchID: EntityID
  package var modification: Int
  package var userID: EntityID
  package var channel: ChannelCode
  /// What the notice will say.
  package var kind: NoticeKind
  /// Not before this time.
  package var until: Instant
  package var reason: DeferralReason
  /// The attempt that this is a retry of.
  package var after: EventID?

  package init(
    dispatchID: EntityID, modification: Int, userID: EntityID, channel: ChannelCode,
    kind: NoticeKind, until: Instant, reason: DeferralReason, after: EventID? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.userID = userID
    self.channel = channel
    self.kind = kind
    self.until = until
    self.reason = reason
    self.after = after
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension NotificationDeferred {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    after = try reader.optional("after")
    channel = try reader.required("channel")
    dispatchID = try reader.required("dispatch_id")
    kind = try reader.required("kind")
    modification = try reader.required("modification")
    reason = try reader.required("reason")
    until = try reader.required("until")
    userID = try reader.required("user_id")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("after", after)
    writer.set("channel", channel)
    writer.set("dispatch_id", dispatchID)
    writer.set("kind", kind)
    writer.set("modification", modification)
    writer.set("reason", reason)
    writer.set("until", until)
    writer.set("user_id", userID)
  }
}

/// `notification.escalated.v1`: too few have acknowledged in time: the next contacts are told too.
package struct NotificationEscalated: EventData {
  package static let type = EventType.notificationEscalated
  /// As many users fit in a line, whatever their ids.
  package static let userLimit = 256

  package var dispatchID: EntityID
  package var modification: Int
  /// Which step it is, from 1.
  package var level: Int
  /// The users who are told now, at most ``userLimit``; none where all contacts are told already.
  package var userIDs: SortedSet<EntityID>
  /// Contacts who aren't told, since no event defines them.
  package var unknownUserIDs: SortedSet<EntityID>?
  /// Those of the program, in order of preference, each once.
  package var channels: [ChannelCode]
  /// Acknowledgements that had come.
  package var acknowledged: Int
  /// Acknowledgements that were asked for.
  package var required: Int
  /// In what time.
  package var within: ISODuration

  package init(
    dispatchID: EntityID, modification: Int, level: Int, userIDs: SortedSet<EntityID>,
    unknownUserIDs: SortedSet<EntityID>? = nil, channels: [ChannelCode], acknowledged: Int,
    required: Int, within: ISODuration
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.level = level
    self.userIDs = userIDs
    self.unknownUserIDs = unknownUserIDs
    self.channels = channels
    self.acknowledged = acknowledged
    self.required = required
    self.within = within
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension NotificationEscalated {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    acknowledged = try reader.required("acknowledged")
    channels = try reader.required("channels")
    dispatchID = try reader.required("dispatch_id")
    level = try reader.required("level")
    modification = try reader.required("modification")
    required = try reader.required("required")
    unknownUserIDs = try reader.optional("unknown_user_ids")
    userIDs = try reader.required("user_ids")
    within = try reader.required("within")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
    try Check.integer("level", level, from: 1)
    try Check.distinct("channels", channels, by: \.self)
    try Check.atMost(Self.userLimit, "user_ids", userIDs.count)
    try Check.integer("acknowledged", acknowledged, from: 0)
    try Check.integer("required", required, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("acknowledged", acknowledged)
    writer.set("channels", channels)
    writer.set("dispatch_id", dispatchID)
    writer.set("level", level)
    writer.set("modification", modification)
    writer.set("required", required)
    writer.set("unknown_user_ids", unknownUserIDs)
    writer.set("user_ids", userIDs)
    writer.set("within", within)
  }
}
