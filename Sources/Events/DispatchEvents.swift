package import Bytes

/// `dispatch.modified.v1`: the dispatch is otherwise from here on; both times are given, changed or
/// not.
package struct DispatchModified: EventData {
  package static let type = EventType.dispatchModified

  package var dispatchID: EntityID
  /// One more than before.
  package var modification: Int
  package var reason: String
  package var start: ZonedMoment
  /// When it ends; absent: open-ended.
  package var end: ZonedMoment?
  /// Whether the notice deadline had passed when it was modified.
  package var isLate: Bool
  /// All that is kept beside the known fields, as of this modification.
  package var attributes: JSONObject?

  /// True exactly when `end` is absent.
  package var isOpenEnded: Bool { end == nil }

  package init(
    dispatchID: EntityID, modification: Int, reason: String, start: ZonedMoment,
    end: ZonedMoment? = nil, isLate: Bool, attributes: JSONObject? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.reason = reason
    self.start = start
    self.end = end
    self.isLate = isLate
    self.attributes = attributes
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchModified {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    attributes = try reader.optional("attributes")
    dispatchID = try reader.required("dispatch_id")
    end = try reader.optional("end")
    isLate = try reader.required("late")
    modification = try reader.required("modification")
    let isOpenEnded: Bool = try reader.required("open_ended")
    reason = try reader.required("reason")
    start = try reader.required("start")
    try Check.agreement("open_ended", with: "end", isOpenEnded == self.isOpenEnded)
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("attributes", attributes)
    writer.set("dispatch_id", dispatchID)
    writer.set("end", end)
    writer.set("late", isLate)
    writer.set("modification", modification)
    writer.set("open_ended", isOpenEnded)
    writer.set("reason", reason)
    writer.set("start", start)
  }
}

/// `dispatch.cancelled.v1`: the dispatch doesn't take place, or stops as if it hadn't.
package struct DispatchCancelled: EventData {
  package static let type = EventType.dispatchCancelled

  package var dispatchID: EntityID
  /// One more than before.
  package var modification: Int
  package var reason: String
  /// Whether the program's cancel deadline had passed; absent where it has none.
  package var isLate: Bool?

  package init(
    dispatchID: EntityID, modification: Int, reason: String, isLate: Bool? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.reason = reason
    self.isLate = isLate
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchCancelled {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchID = try reader.required("dispatch_id")
    isLate = try reader.optional("late")
    modification = try reader.required("modification")
    reason = try reader.required("reason")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatch_id", dispatchID)
    writer.set("late", isLate)
    writer.set("modification", modification)
    writer.set("reason", reason)
  }
}

/// `dispatch.ended.v1`: the dispatch ends at `end`: an open-ended one at last, another one early.
package struct DispatchEnded: EventData {
  package static let type = EventType.dispatchEnded

  package var dispatchID: EntityID
  /// One more than before.
  package var modification: Int
  package var reason: String
  package var end: ZonedMoment

  package init(dispatchID: EntityID, modification: Int, reason: String, end: ZonedMoment) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.reason = reason
    self.end = end
  }

  package var subject: Subject { .dispatch(dispatchID) }
}

extension DispatchEnded {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchID = try reader.required("dispatch_id")
    end = try reader.required("end")
    modification = try reader.required("modification")
    reason = try reader.required("reason")
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatch_id", dispatchID)
    writer.set("end", end)
    writer.set("modification", modification)
    writer.set("reason", reason)
  }
}

/// A channel that a recipient will be told on.
package struct RecipientChannel: Record {
  package var channel: ChannelCode

  package init(channel: ChannelCode) {
    self.channel = channel
  }
}

extension RecipientChannel {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    channel = try reader.required("channel")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("channel", channel)
  }
}

/// A user whom a dispatch concerns.
package struct Recipient: Record {
  package var userID: EntityID
  /// The `user.defined` that was decided from.
  package var user: EventID
  /// At least one; in the order of the program's communication codes, each channel once.
  package var channels: [RecipientChannel]

  package init(userID: EntityID, user: EventID, channels: [RecipientChannel]) {
    self.userID = userID
    self.user = user
    self.channels = channels
  }
}

extension Recipient {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    channels = try reader.required("channels")
    user = try reader.required("user")
    userID = try reader.required("user_id")
  }

  package func check() throws(EventError) {
    try Check.notEmpty("channels", channels)
    try Check.distinct("channels", channels, by: \.channel)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("channels", channels)
    writer.set("user", user)
    writer.set("user_id", userID)
  }
}

/// A user who was considered and left out.
package struct Exclusion: Record {
  package var userID: EntityID
  /// The `user.defined` that was decided from.
  package var user: EventID
  package var reason: ExclusionReason
  /// More about the reason; names no person.
  package var detail: String?

  package init(userID: EntityID, user: EventID, reason: ExclusionReason, detail: String? = nil) {
    self.userID = userID
    self.user = user
    self.reason = reason
    self.detail = detail
  }
}

extension Exclusion {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    detail = try reader.optional("detail")
    reason = try reader.required("reason")
    user = try reader.required("user")
    userID = try reader.required("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("detail", detail)
    writer.set("reason", reason)
    writer.set("user", user)
    writer.set("user_id", userID)
  }
}

/// The books of a whole resolution, over all its chunks.
package struct ResolutionTotals: Record {
  /// Users whom the dispatch concerns.
  package var recipients: Int
  /// Users considered and left out.
  package var exclusions: Int
  /// All other users: counted, not listed.
  package var notConsidered: Int

  /// Whom the basis names; `recipients` + `exclusions`.
  package var considered: Int { recipients + exclusions }

  package init(recipients: Int, exclusions: Int, notConsidered: Int) {
    self.recipients = recipients
    self.exclusions = exclusions
    self.notConsidered = notConsidered
  }
}

extension ResolutionTotals {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    let considered: Int = try reader.required("considered")
    exclusions = try reader.required("exclusions")
    notConsidered = try reader.required("not_considered")
    recipients = try reader.required("recipients")
    try Check.agreement("considered", with: "recipients", considered == self.considered)
  }

  package func check() throws(EventError) {
    try Check.integer("recipients", recipients, from: 0)
    try Check.integer("exclusions", exclusions, from: 0)
    try Check.integer("not_considered", notConsidered, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("considered", considered)
    writer.set("exclusions", exclusions)
    writer.set("not_considered", notConsidered)
    writer.set("recipients", recipients)
  }
}

/// `recipients.resolved.v1`: whom a modification of a dispatch concerns, and who was left out and
/// why.
///
/// One event holds at most 256 entries; a larger resolution goes on in the next chunk, and nothing
/// is sent before the last one. Over all chunks the users ascend by `user_id`, recipients and
/// exclusions taken together.
package struct RecipientsResolved: EventData {
  package static let type = EventType.recipientsResolved

  package var dispatchID: EntityID
  package var modification: Int
  /// Number of this part, from 0.
  package var chunk: Int
  /// Who was considered.
  package var basis: ResolutionBasis
  /// The `program.defined` that was decided from.
  package var program: EventID
  /// The `market-event-type.defined` that was decided from.
  package var eventType: EventID
  /// The `user-group.defined` events that were decided from.
  package var userGroups: SortedSet<EventID>
  /// Ascending by `user_id`.
  package var recipients: [Recipient]
  /// Ascending by `user_id`; at most 256 with the recipients.
  package var exclusions: [Exclusion]
  /// The sums over all chunks; there exactly when `is_last` is true.
  package var totals: ResolutionTotals?

  /// Whether this is the last part.
  package var isLast: Bool { totals != nil }

  package init(
    dispatchID: EntityID, modification: Int, chunk: Int, basis: ResolutionBasis = .rules,
    program: EventID, eventType: EventID, userGroups: SortedSet<EventID>, recipients: [Recipient],
    exclusions: [Exclusion], totals: ResolutionTotals? = nil
  ) {
    self.dispatchID = dispatchID
    self.modification = modification
    self.chunk = chunk
    self.basis = basis
    self.program = program
    self.eventType = eventType
    self.userGroups = userGroups
    self.recipients = recipients.sorted { $0.userID < $1.userID }
    self.exclusions = exclusions.sorted { $0.userID < $1.userID }
    self.totals = totals
  }

  package var subject: Subject { .dispatch(dispatchID) }

  /// The most recipients and exclusions together that one event holds.
  package static let entryLimit = 256
}

extension RecipientsResolved {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    basis = try reader.required("basis")
    chunk = try reader.required("chunk")
    dispatchID = try reader.required("dispatch_id")
    eventType = try reader.required("event_type")
    exclusions = try reader.required("exclusions")
    let isLast: Bool = try reader.required("is_last")
    modification = try reader.required("modification")
    program = try reader.required("program")
    recipients = try reader.required("recipients")
    totals = try reader.optional("totals")
    userGroups = try reader.required("user_groups")
    try Check.agreement("is_last", with: "totals", isLast == self.isLast)
  }

  package func check() throws(EventError) {
    try Check.integer("modification", modification, from: 1)
    try Check.integer("chunk", chunk, from: 0)
    try Check.ascending("recipients", recipients, by: \.userID)
    try Check.ascending("exclusions", exclusions, by: \.userID)
    try Check.atMost(Self.entryLimit, "exclusions", recipients.count + exclusions.count)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("basis", basis)
    writer.set("chunk", chunk)
    writer.set("dispatch_id", dispatchID)
    writer.set("event_type", eventType)
    writer.set("exclusions", exclusions)
    writer.set("is_last", isLast)
    writer.set("modification", modification)
    writer.set("program", program)
    writer.set("recipients", recipients)
    writer.set("totals", totals)
    writer.set("user_groups", userGroups)
  }
}
