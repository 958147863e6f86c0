import Bytes

/// A time on the clocks of a zone, `HH:MM`.
package struct LocalTime: CheckedText {
  package static let form = EventError.Form.localTime
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    guard text.byteCount == 5, text.byte(at: 2) == UInt8(ascii: ":"),
      let hour = twoDigits(text, at: 0), let minute = twoDigits(text, at: 3)
    else { return false }
    return hour < 24 && minute < 60
  }

  /// Minutes since midnight, as the clock shows it.
  package var minutes: Int {
    unsafe (twoDigits(text.utf8.span.bytes, at: 0) ?? 0) * 60
      + (twoDigits(text.utf8.span.bytes, at: 3) ?? 0)
  }
}

/// A day that every year has, `MM-DD`.
package struct MonthDay: CheckedText {
  package static let form = EventError.Form.monthDay
  package let text: String

  package init(accepted text: String) { self.text = text }

  package static func accepts(_ text: RawSpan) -> Bool {
    guard text.byteCount == 5, text.byte(at: 2) == UInt8(ascii: "-"),
      let month = twoDigits(text, at: 0), let day = twoDigits(text, at: 3)
    else { return false }
    // 2001 has no 29 February.
    return CivilTime(year: 2_001, month: month, day: day).isValid
  }

  package var month: Int { unsafe twoDigits(text.utf8.span.bytes, at: 0) ?? 1 }
  package var day: Int { unsafe twoDigits(text.utf8.span.bytes, at: 3) ?? 1 }
}

private func twoDigits(_ text: RawSpan, at offset: Int) -> Int? {
  guard let tens = decimalValue(text.byte(at: offset)),
    let ones = decimalValue(text.byte(at: offset + 1))
  else { return nil }
  return Int(tens) * 10 + Int(ones)
}

/// What becomes of what would be sent in quiet hours.
package enum QuietHoursAction: String, Word {
  case `defer`, override
}

/// When a program's users are left in peace, by the clocks of its zone.
package struct QuietHours: Record {
  /// When they begin.
  package var from: LocalTime
  /// When they end; over midnight where it is before ``from``, never the same.
  package var to: LocalTime
  package var what: QuietHoursAction
  package var reason: String?

  package init(from: LocalTime, to: LocalTime, what: QuietHoursAction, reason: String? = nil) {
    self.from = from
    self.to = to
    self.what = what
    self.reason = reason
  }
}

extension QuietHours {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    from = try reader.required("from")
    reason = try reader.optional("reason")
    to = try reader.required("to")
    what = try reader.required("what")
  }

  package func check() throws(EventError) {
    try Check.agreement("to", with: "from", to != from)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("from", from)
    writer.set("reason", reason)
    writer.set("to", to)
    writer.set("what", what)
  }
}

/// A part of each year, both days included.
package struct Season: Record {
  package var from: MonthDay
  /// Before ``from``: in the next year.
  package var through: MonthDay

  package init(from: MonthDay, through: MonthDay) {
    self.from = from
    self.through = through
  }
}

extension Season {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    from = try reader.required("from")
    through = try reader.required("through")
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("from", from)
    writer.set("through", through)
  }
}

/// How often and for how long a program may be called on.
package struct ProgramCaps: Record {
  /// Dispatches that begin in one season.
  package var dispatchesPerSeason: Int?
  /// Absent: the calendar year.
  package var season: Season?
  /// From the start of a dispatch to its end.
  package var durationPerDispatch: ISODuration?

  package init(
    dispatchesPerSeason: Int? = nil, season: Season? = nil,
    durationPerDispatch: ISODuration? = nil
  ) {
    self.dispatchesPerSeason = dispatchesPerSeason
    self.season = season
    self.durationPerDispatch = durationPerDispatch
  }
}

extension ProgramCaps {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    dispatchesPerSeason = try reader.optional("dispatches_per_season")
    durationPerDispatch = try reader.optional("duration_per_dispatch")
    season = try reader.optional("season")
  }

  package func check() throws(EventError) {
    try Check.integer("dispatches_per_season", dispatchesPerSeason, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("dispatches_per_season", dispatchesPerSeason)
    writer.set("duration_per_dispatch", durationPerDispatch)
    writer.set("season", season)
  }
}

/// Who is told too where too few acknowledge in time.
package struct Escalation: Record {
  /// How many are asked for.
  package var acknowledgements: Int
  /// In what time after the first attempt.
  package var within: ISODuration
  package var contacts: Contacts

  /// Who is told then; users need not be defined.
  package enum Contacts: Equatable, Sendable {
    case users(SortedSet<EntityID>)
    case group(EntityID)
  }

  package init(acknowledgements: Int, within: ISODuration, contacts: Contacts) {
    self.acknowledgements = acknowledgements
    self.within = within
    self.contacts = contacts
  }
}

extension Escalation {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    acknowledgements = try reader.required("acknowledgements")
    let group: EntityID? = try reader.optional("user_group_id")
    let users: SortedSet<EntityID>? = try reader.optional("user_ids")
    within = try reader.required("within")
    switch (users, group) {
    case (let users?, nil): contacts = .users(users)
    case (nil, let group?): contacts = .group(group)
    default:
      throw .badValue(.exactlyOne(["user_group_id", "user_ids"]))
    }
  }

  package func check() throws(EventError) {
    try Check.integer("acknowledgements", acknowledgements, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("acknowledgements", acknowledgements)
    if case .group(let group) = contacts { writer.set("user_group_id", group) }
    if case .users(let users) = contacts { writer.set("user_ids", users) }
    writer.set("within", within)
  }
}
