package import Bytes

/// A way to reach a user on one channel, as judged when it was recorded.
package struct Contact: Record {
  package var channel: ChannelCode
  /// Phone number, e-mail address or whatever the channel sends to.
  package var address: SealedText
  /// Why the address isn't valid; there exactly when `valid` is false.
  package var problem: AddressProblem?

  /// Whether the channel can send to the address.
  package var isValid: Bool { problem == nil }

  package init(channel: ChannelCode, address: SealedText, problem: AddressProblem? = nil) {
    self.channel = channel
    self.address = address
    self.problem = problem
  }
}

extension Contact {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    address = try reader.required("address")
    channel = try reader.required("channel")
    problem = try reader.optional("problem")
    let isValid: Bool = try reader.required("valid")
    try Check.agreement("valid", with: "problem", isValid == self.isValid)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("address", address)
    writer.set("channel", channel)
    writer.set("problem", problem)
    writer.set("valid", isValid)
  }
}

/// `user.defined.v1`: a participant as it stands from here on; the whole of it, not a change.
///
/// Enrollments and opt-outs are events of their own.
package struct UserDefined: EventData {
  package static let type = EventType.userDefined

  /// The user's id: opaque, nothing personal.
  package var id: EntityID
  /// The user's name.
  package var name: SealedText
  /// The groups that the user is in.
  package var userGroupIDs: SortedSet<EntityID>
  /// How to reach the user, ascending by `channel`, each channel once.
  package var contacts: [Contact]
  /// The zone to show times in, where it isn't the program's.
  package var timeZone: ZoneName?
  /// The language to write in (BCP 47).
  package var language: String?
  /// Whether drills reach the user where they reach test recipients only; absent: no.
  package var isTestRecipient: Bool?

  package init(
    id: EntityID, name: SealedText, userGroupIDs: SortedSet<EntityID>, contacts: [Contact],
    timeZone: ZoneName? = nil, language: String? = nil, isTestRecipient: Bool? = nil
  ) {
    self.id = id
    self.name = name
    self.userGroupIDs = userGroupIDs
    self.contacts = contacts.sorted { $0.channel < $1.channel }
    self.timeZone = timeZone
    self.language = language
    self.isTestRecipient = isTestRecipient
  }

  package var subject: Subject { .user(id) }
}

extension UserDefined {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    contacts = try reader.required("contacts")
    id = try reader.required("id")
    language = try reader.optional("language")
    name = try reader.required("name")
    isTestRecipient = try reader.optional("test_recipient")
    timeZone = try reader.optional("time_zone")
    userGroupIDs = try reader.required("user_group_ids")
  }

  package func check() throws(EventError) {
    try Check.ascending("contacts", contacts, by: \.channel)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("contacts", contacts)
    writer.set("id", id)
    writer.set("language", language)
    writer.set("name", name)
    writer.set("test_recipient", isTestRecipient)
    writer.set("time_zone", timeZone)
    writer.set("user_group_ids", userGroupIDs)
  }
}

/// `user.enrolled.v1`: the user belongs to a program from `at` on.
package struct UserEnrolled: EventData {
  package static let type = EventType.userEnrolled

  package var userID: EntityID
  package var programID: EntityID
  /// From when on.
  package var at: Instant
  package var reason: String?

  package init(userID: EntityID, programID: EntityID, at: Instant, reason: String? = nil) {
    self.userID = userID
    self.programID = programID
    self.at = at
    self.reason = reason
  }

  package var subject: Subject { .user(userID) }
}

extension UserEnrolled {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    at = try reader.required("at")
    programID = try reader.required("program_id")
    reason = try reader.optional("reason")
    userID = try reader.required("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("at", at)
    writer.set("program_id", programID)
    writer.set("reason", reason)
    writer.set("user_id", userID)
  }
}

/// `user.withdrawn.v1`: the user no longer belongs to a program from `at` on.
package struct UserWithdrawn: EventData {
  package static let type = EventType.userWithdrawn

  package var userID: EntityID
  package var programID: EntityID
  /// From when on.
  package var at: Instant
  package var reason: String?

  package init(userID: EntityID, programID: EntityID, at: Instant, reason: String? = nil) {
    self.userID = userID
    self.programID = programID
    self.at = at
    self.reason = reason
  }

  package var subject: Subject { .user(userID) }
}

extension UserWithdrawn {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    at = try reader.required("at")
    programID = try reader.required("program_id")
    reason = try reader.optional("reason")
    userID = try reader.required("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("at", at)
    writer.set("program_id", programID)
    writer.set("reason", reason)
    writer.set("user_id", userID)
  }
}

/// `user.opted-out.v1`: the user refuses notices.
package struct UserOptedOut: EventData {
  package static let type = EventType.userOptedOut

  package var userID: EntityID
  /// Only on this channel; absent: on all.
  package var channel: ChannelCode?
  /// Only for this program; absent: for all.
  package var programID: EntityID?
  /// How it became known; names no person.
  package var reason: String?

  package init(
    userID: EntityID, channel: ChannelCode? = nil, programID: EntityID? = nil,
    reason: String? = nil
  ) {
    self.userID = userID
    self.channel = channel
    self.programID = programID
    self.reason = reason
  }

  package var subject: Subject { .user(userID) }
}

extension UserOptedOut {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    channel = try reader.optional("channel")
    programID = try reader.optional("program_id")
    reason = try reader.optional("reason")
    userID = try reader.required("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("channel", channel)
    writer.set("program_id", programID)
    writer.set("reason", reason)
    writer.set("user_id", userID)
  }
}

/// `user.opted-in.v1`: the user takes back an opt-out of the same channel and program, or their
/// absence.
package struct UserOptedIn: EventData {
  package static let type = EventType.userOptedIn

  package var userID: EntityID
  /// Only on this channel; absent: on all.
  package var channel: ChannelCode?
  /// Only for this program; absent: for all.
  package var programID: EntityID?
  /// How it became known; names no person.
  package var reason: String?

  package init(
    userID: EntityID, channel: ChannelCode? = nil, programID: EntityID? = nil,
    reason: String? = nil
  ) {
    self.userID = userID
    self.channel = channel
    self.programID = programID
    self.reason = reason
  }

  package var subject: Subject { .user(userID) }
}

extension UserOptedIn {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    channel = try reader.optional("channel")
    programID = try reader.optional("program_id")
    reason = try reader.optional("reason")
    userID = try reader.required("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("channel", channel)
    writer.set("program_id", programID)
    writer.set("reason", reason)
    writer.set("user_id", userID)
  }
}

/// `user.erased.v1`: the user's key is destroyed after this: names and addresses can't be read
/// again, and the id is refused for ever.
package struct UserErased: EventData {
  package static let type = EventType.userErased

  package var userID: EntityID
  package var reason: String?

  package init(userID: EntityID, reason: String? = nil) {
    self.userID = userID
    self.reason = reason
  }

  package var subject: Subject { .user(userID) }
}

extension UserErased {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    reason = try reader.optional("reason")
    userID = try reader.required("user_id")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("reason", reason)
    writer.set("user_id", userID)
  }
}
