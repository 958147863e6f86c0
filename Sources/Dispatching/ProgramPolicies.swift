package import Bytes
package import Events

extension QuietHours {
  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(["from", "to", "what", "reason"])
    let from = try reading.localTime("from")
    let to = try reading.localTime("to")
    if from == to { throw reading.failure("to", .duplicate(first: reading.path(of: "from"))) }
    let what: QuietHoursAction? = try reading.optionalWord("what")
    guard let what else { throw reading.failure("what", .missing) }
    self.init(from: from, to: to, what: what, reason: try reading.optionalReason())
  }
}

extension ProgramCaps {
  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(["dispatches_per_season", "season", "duration_per_dispatch"])
    let season = try reading.part("season").map { part throws(RequestError) in
      try part.allowOnly(["from", "through"])
      return Season(from: try part.monthDay("from"), through: try part.monthDay("through"))
    }
    self.init(
      dispatchesPerSeason: try reading.optionalOrdinal("dispatches_per_season"), season: season,
      durationPerDispatch: try reading.optionalDuration("duration_per_dispatch"))
    if season != nil, dispatchesPerSeason == nil {
      throw reading.failure("dispatches_per_season", .missing)
    }
  }
}

extension Escalation {
  init(_ reading: FieldReading) throws(RequestError) {
    try reading.allowOnly(["acknowledgements", "within", "user_ids", "user_group_id"])
    guard let acknowledgements = try reading.optionalOrdinal("acknowledgements") else {
      throw reading.failure("acknowledgements", .missing)
    }
    guard let within = try reading.optionalDuration("within") else {
      throw reading.failure("within", .missing)
    }
    let users = try reading.optionalIDs("user_ids", limit: CatalogueDocument.nameLimit)
    let group = try reading.optionalID("user_group_id")
    switch (users, group) {
    case (let users?, nil):
      guard !users.isEmpty else {
        throw reading.failure("user_ids", .badValue(found: "[]", expected: .notEmpty))
      }
      self.init(
        acknowledgements: acknowledgements, within: within, contacts: .users(SortedSet(users)))
    case (nil, let group?):
      self.init(acknowledgements: acknowledgements, within: within, contacts: .group(group))
    case (nil, nil): throw reading.failure("user_ids", .missing)
    case (_?, _?):
      throw reading.failure("user_ids", .contradicts(other: reading.path(of: "user_group_id")))
    }
  }
}

extension FieldReading {
  /// The object that a field holds, or `nil` where it is absent.
  func part(_ key: String) throws(RequestError) -> FieldReading? {
    try optionalJSON(key).map { json throws(RequestError) in
      try FieldReading(json, at: path(of: key))
    }
  }

  /// An ISO 8601 duration, or `nil` where the field is absent.
  func optionalDuration(_ key: String) throws(RequestError) -> ISODuration? {
    guard let text = try optionalString(key) else { return nil }
    guard let duration = ISODuration(text) else {
      throw failure(key, .badValue(found: text, expected: .duration))
    }
    return duration
  }

  /// A period of years, months and days, or `nil` where the field is absent.
  func optionalPeriod(_ key: String) throws(RequestError) -> Period? {
    guard let text = try optionalString(key) else { return nil }
    guard let period = Period(text) else {
      throw failure(key, .badValue(found: text, expected: .period))
    }
    return period
  }

  fileprivate func localTime(_ key: String) throws(RequestError) -> LocalTime {
    let time: LocalTime? = try optional(key, .localTime)
    guard let time else { throw failure(key, .missing) }
    return time
  }

  fileprivate func monthDay(_ key: String) throws(RequestError) -> MonthDay {
    let day: MonthDay? = try optional(key, .monthDay)
    guard let day else { throw failure(key, .missing) }
    return day
  }
}

extension ProgramCaps {
  /// The season, or the calendar year, that a start lies in, by clocks that stand at its offset all
  /// the year; `nil` where it lies outside.
  package func season(of start: ZonedMoment) -> Range<Instant>? {
    let offset = Int64(start.offsetSeconds)
    let civil = start.instant.adding(seconds: offset).civil
    func midnight(_ year: Int, _ day: MonthDay, days: Int64 = 0) -> Instant? {
      let time = CivilTime(year: year, month: day.month, day: day.day)
      return Instant(second: time.secondsFromEpoch + days * 86_400 - offset)
    }
    guard let first = MonthDay("01-01"), let last = MonthDay("12-31") else { return nil }
    let season = season ?? Season(from: first, through: last)
    let wraps = season.through < season.from
    // The one that began in the year before may still be on.
    for year in [civil.year - 1, civil.year] {
      guard let from = midnight(year, season.from),
        let until = midnight(wraps ? year + 1 : year, season.through, days: 1)
      else { continue }
      if from <= start.instant, start.instant < until { return from..<until }
    }
    return nil
  }
}

extension Decider {
  /// The caps of its program that a dispatch would go beyond.
  func reasonsOfCaps(
    _ program: ProgramDefined, _ start: ZonedMoment, _ end: ZonedMoment?, isTest: Bool,
    except dispatch: EntityID?
  ) throws(Failure) -> [RejectionReason] {
    guard let caps = program.caps else { return [] }
    var reasons: [RejectionReason] = []
    if let most = caps.durationPerDispatch, let end,
      start.instant.adding(seconds: most.seconds) < end.instant
    {
      reasons.append(
        RejectionCode.durationCap.reason(
          "end_time",
          "program \(program.id.text) may be called on for \(most.text) at a time, and this is longer"
        ))
    }
    if let most = caps.dispatchesPerSeason, !isTest, let season = caps.season(of: start) {
      let count = try ask { state throws(State.Failure) in
        try state.dispatchCount(of: program.id, starting: season, except: dispatch)
      }
      if count >= most {
        reasons.append(
          RejectionCode.seasonCap.reason(
            "start_time",
            "program \(program.id.text) may be called on \(most) times a season, and has been "
              + "\(count) times from \(season.lowerBound.text) on"))
      }
    }
    return reasons
  }
}
