package import Bytes
package import Events

extension Decider {
  /// What times and conditions make due now, the longest due first: dispatches that are missed, and
  /// one that is executed, which is the last.
  ///
  /// So the first commit of the events holds the trigger and a first chunk, however many users there
  /// are, and shows whether it is done. Whoever records them decides again until there are none.
  ///
  /// - Parameter limit: At most so many dispatches are missed or executed; with 1,000, they are in
  ///   one commit.
  package func decideDue(limit: Int) throws(Failure) -> [EventDraft] {
    var due = try watchedDispatches().filter(\.isDue)
    due.sort { one, other in
      (one.nominal ?? context.now, one.event) < (other.nominal ?? context.now, other.event)
    }
    var drafts: [EventDraft] = []
    var executed: Set<EntityID> = []
    for watched in due.prefix(max(0, limit)) {
      // Its own schedule and a rule may come due together: the first one executes it.
      guard executed.insert(watched.dispatchID ?? context.dispatchID).inserted else { continue }
      drafts += try decide(watched, from: context.nextID + EventID(drafts.count))
      if watched.standing == .fires { break }
    }
    return drafts
  }

  /// When times and conditions are to be looked at again at the latest, where nothing new is
  /// recorded: `time` itself where something is due then, `nil` where nothing waits for a time.
  package func nextWakeUp(after time: Instant) throws(Failure) -> Instant? {
    var later = context
    later.now = time
    let watched = try Decider(state: state, context: later).watchedDispatches()
    return watched.compactMap { one in
      switch one.standing {
      case .fires, .misses: time
      case .waits(let next): next
      case .isDone: nil
      }
    }.min()
  }

  /// The events of what is due, the first of which gets the id `first`.
  package func decide(
    _ watched: WatchedDispatch, from first: EventID
  ) throws(Failure) -> [EventDraft] {
    var later = context
    later.nextID = first
    return try Decider(state: state, context: later).decide(watched)
  }

  private func decide(_ watched: WatchedDispatch) throws(Failure) -> [EventDraft] {
    guard let nominal = watched.nominal else { return [] }
    let rule: EventID?
    switch watched.source {
    case .rule: rule = watched.event
    case .schedule: rule = nil
    }
    let id = watched.dispatchID ?? context.dispatchID
    func missed(_ reason: String, causedBy cause: EventID) -> EventDraft {
      draft(
        .dispatchMissed(
          DispatchMissed(
            dispatchID: id, nominal: nominal, grace: watched.grace, rule: rule, reason: reason)),
        about: id, causedBy: cause)
    }
    switch watched.standing {
    case .waits, .isDone: return []
    case .misses(let reason): return [missed(reason, causedBy: watched.event)]
    case .fires: break
    }
    let triggered = EventPayload.dispatchTriggered(
      DispatchTriggered(
        dispatchID: id, nominal: nominal, rule: rule,
        signals: SortedSet(watched.trace.compactMap(\.signal)), trace: watched.trace))
    if watched.dispatchID != nil {
      return [draft(triggered, about: id, causedBy: watched.event)]
        + (try resolveTriggered(try existing(id), cause: context.nextID))
    }
    guard case .rule(let ruleID, _) = watched.source,
      let standing = try ask({ state throws(State.Failure) in try state.rule(ruleID) }),
      let request = RuleRequest(of: standing.rule)
    else { throw .undefined(.dispatch(id)) }
    let leadTime = try ask { state throws(State.Failure) in
      try state.program(standing.rule.programID)
    }?.definition.leadTime
    switch try decide(request.request(at: context.now, leadTime: leadTime)) {
    case .accepted(let drafts):
      // The trigger stands beside the request, so that no first commit holds one without the other.
      return drafts.prefix(1) + [draft(triggered, about: id, causedBy: context.nextID)]
        + drafts.dropFirst()
    case .rejected(let rejection):
      return rejection.drafts + [missed("the request was rejected", causedBy: context.nextID)]
    }
  }

  /// Whom a dispatch that waited concerns, as of when it is executed.
  private func resolveTriggered(
    _ dispatch: Dispatch, cause: EventID
  ) throws(Failure) -> [EventDraft] {
    try resolve(
      ResolutionTask(
        dispatchID: dispatch.id, modification: dispatch.modification, basis: .rules,
        program: try program(of: dispatch), eventType: try eventType(of: dispatch),
        time: context.now, cause: cause))
  }
}

/// The request that a rule makes at each firing.
package struct RuleRequest: Equatable, Sendable {
  private let document: JSONObject
  private let startAfter: ISODuration?
  private let duration: ISODuration?

  /// The fields that a rule's request has and others haven't.
  static let fields = ["start_after", "duration"]

  /// The request of a rule that was checked when it was published; `nil` where it makes none.
  package init?(of rule: RulePublished) {
    guard let request = rule.request, let made = try? RuleRequest(request, rule.programID) else {
      return nil
    }
    self = made
  }

  /// Takes a request without times, or with its own: `start_after` from the firing on, absent the
  /// program's lead time; `duration` from the start on, absent open-ended.
  init(_ object: JSONObject, _ program: EntityID) throws(RequestError) {
    let reading = FieldReading(object, at: "")
    var document = object
    for field in Self.fields { document[field] = nil }
    if document["program_id"] == nil { document["program_id"] = .string(program.text) }
    startAfter = try reading.optionalDuration("start_after")
    duration = try reading.optionalDuration("duration")
    for (own, relative) in [("start_time", startAfter), ("end_time", duration)]
    where object[own] != nil && relative != nil {
      throw reading.failure(
        own == "start_time" ? "start_after" : "duration", .duplicate(first: own))
    }
    if object["start_time"] != nil && object["end_time"] == nil && duration != nil {
      throw reading.failure("duration", .duplicate(first: "start_time"))
    }
    for field in ["execute_at", "execute_if", "execute_grace"] where object[field] != nil {
      throw reading.failure(field, .unknownField(suggestion: nil))
    }
    self.document = document
    guard let sample = Instant(CivilTime(year: 2026, month: 1, day: 1)) else { return }
    let request = try DispatchRequest(times(at: sample, leadTime: nil))
    guard request.programID == program else {
      throw reading.failure(
        "program_id", .badValue(found: request.programID.text, expected: .oneOf([program.text])))
    }
  }

  /// The request that a firing at `time` makes.
  func request(at time: Instant, leadTime: ISODuration?) -> DispatchRequest {
    guard let request = try? DispatchRequest(times(at: time, leadTime: leadTime)) else {
      fatalError("invariant broken: a rule's request was well formed and isn't any more")
    }
    return request
  }

  private func times(at time: Instant, leadTime: ISODuration?) -> JSONObject {
    var document = document
    if document["start_time"] == nil {
      let start = time.adding(seconds: (startAfter ?? leadTime)?.seconds ?? 0)
      document["start_time"] = .string(start.text)
      if let duration {
        document["end_time"] = .string(start.adding(seconds: duration.seconds).text)
      }
    }
    return document
  }
}
