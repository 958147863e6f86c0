import Bytes
package import Events

extension Decider {
  /// Every id that a catalogue uses and that neither it nor the ledger defines, every zone that
  /// nobody knows, every erased user: in the order of the lists, then of their entries.
  package func brokenReferences(
    of catalogue: CatalogueDocument
  ) throws(Failure) -> [RejectionReason] {
    var check = ReferenceCheck(decider: self, catalogue)
    for (index, type) in catalogue.eventTypes.enumerated() {
      try check.groups(type.userGroupIDs, at: "event_types[\(index)].user_group_ids")
    }
    for (index, program) in catalogue.programs.enumerated() {
      let path = "programs[\(index)]"
      check.zone(program.timeZone, at: "\(path).time_zone")
      for type in program.eventTypeIDs ?? [] {
        try check.eventType(type, at: "\(path).event_type_ids")
      }
      if case .group(let group)? = program.escalation?.contacts {
        try check.groups([group], at: "\(path).escalation.user_group_id")
      }
    }
    for (index, user) in catalogue.users.enumerated() {
      let path = "users[\(index)]"
      try check.notErased(user.id, at: "\(path).id")
      try check.groups(user.userGroupIDs, at: "\(path).user_group_ids")
      if let zone = user.timeZone { check.zone(zone, at: "\(path).time_zone") }
      for program in user.programIDs ?? [] {
        try check.program(program, at: "\(path).program_ids")
      }
      for (number, scope) in (user.optOuts ?? []).enumerated() {
        guard let program = scope.programID else { continue }
        try check.program(program, at: "\(path).opt_outs[\(number)].program_id")
      }
    }
    for (index, entry) in catalogue.templates.enumerated() {
      let path = "templates[\(index)]"
      switch entry {
      case .withdraw(let id, _): try check.published(template: id, at: "\(path).id")
      case .publish(let template):
        if let id = template.programID { try check.program(id, at: "\(path).program_id") }
        if let id = template.eventTypeID { try check.eventType(id, at: "\(path).event_type_id") }
      }
    }
    for (index, entry) in catalogue.rules.enumerated() {
      let path = "rules[\(index)]"
      switch entry {
      case .withdraw(let id, _): try check.published(rule: id, at: "\(path).id")
      case .publish(let entry):
        try check.program(entry.rule.programID, at: "\(path).program_id")
        if let text = entry.rule.condition, let condition = try? Condition(parsing: text) {
          for zone in condition.zones { check.zone(zone, at: "\(path).if") }
        }
        if let id = entry.rule.dispatchID {
          try check.waits(id, of: entry.rule.id, at: "\(path).dispatch_id")
        }
        try check.moment(of: entry, catalogue, at: "\(path).at")
      }
    }
    return check.reasons
  }
}

/// Finds what a catalogue refers to, each thing looked up once.
private struct ReferenceCheck<State: LedgerState> {
  typealias Failure = DecisionError<State.Failure>

  private let decider: Decider<State>
  private var groups: [EntityID: Standing]
  private var types: [EntityID: Standing]
  private var programs: [EntityID: Standing]
  private var zones: [ZoneName: Bool] = [:]
  private(set) var reasons: [RejectionReason] = []

  private enum Standing { case defined, retired, unknown }

  init(decider: Decider<State>, _ catalogue: CatalogueDocument) {
    self.decider = decider
    func defined(_ ids: [EntityID]) -> [EntityID: Standing] {
      Dictionary(uniqueKeysWithValues: ids.map { ($0, .defined) })
    }
    groups = defined(catalogue.userGroups.map(\.id))
    types = defined(catalogue.eventTypes.map(\.id))
    programs = defined(catalogue.programs.map(\.id))
  }

  mutating func groups(_ ids: some Sequence<EntityID>, at path: String) throws(Failure) {
    for id in ids {
      if groups[id] == nil {
        groups[id] = standing(
          of: try decider.ask { state throws(State.Failure) in try state.userGroup(id) })
      }
      note(groups[id], path, "user group \(id.text)", .unknownUserGroup, .userGroupRetired)
    }
  }

  mutating func eventType(_ id: EntityID, at path: String) throws(Failure) {
    if types[id] == nil {
      types[id] = standing(
        of: try decider.ask { state throws(State.Failure) in try state.marketEventType(id) })
    }
    note(types[id], path, "market event type \(id.text)", .unknownEventType, .eventTypeRetired)
  }

  mutating func program(_ id: EntityID, at path: String) throws(Failure) {
    if programs[id] == nil {
      programs[id] = standing(
        of: try decider.ask { state throws(State.Failure) in try state.program(id) })
    }
    note(programs[id], path, "program \(id.text)", .unknownProgram, .programRetired)
  }

  mutating func zone(_ name: ZoneName, at path: String) {
    let isKnown = zones[name] ?? (decider.context.zone(name) != nil)
    zones[name] = isKnown
    if isKnown { return }
    reasons.append(
      RejectionCode.unknownTimeZone.reason(
        path, "the zone database \(decider.context.tzdata) has no zone \(name.text)"))
  }

  mutating func notErased(_ id: EntityID, at path: String) throws(Failure) {
    let user = try decider.ask { state throws(State.Failure) in try state.user(id) }
    guard user?.erased != nil else { return }
    reasons.append(
      RejectionCode.userErased.reason(
        path, "user \(id.text) was erased, and the id can't be used again"))
  }

  mutating func published(template id: EntityID, at path: String) throws(Failure) {
    let known = try decider.ask { state throws(State.Failure) in try state.template(id) }
    if known != nil { return }
    reasons.append(
      RejectionCode.unknownTemplate.reason(path, "template \(id.text) was never published"))
  }

  mutating func published(rule id: EntityID, at path: String) throws(Failure) {
    let known = try decider.ask { state throws(State.Failure) in try state.rule(id) }
    if known != nil { return }
    reasons.append(RejectionCode.unknownRule.reason(path, "rule \(id.text) was never published"))
  }

  /// A rule executes only what waits, or what it was published for before.
  mutating func waits(_ id: EntityID, of rule: EntityID, at path: String) throws(Failure) {
    let known = try decider.ask { state throws(State.Failure) in try state.rule(rule) }
    if let known, known.withdrawn == nil, known.rule.dispatchID == id { return }
    let dispatch = try decider.ask { state throws(State.Failure) in try state.dispatch(id) }
    guard dispatch != nil else {
      reasons.append(
        RejectionCode.unknownDispatch.reason(path, "dispatch \(id.text) was never requested"))
      return
    }
    let schedule = try decider.ask { state throws(State.Failure) in try state.schedule(of: id) }
    if schedule?.fate == nil, schedule != nil, dispatch?.isCancelled == false { return }
    reasons.append(
      RejectionCode.notWaiting.reason(
        path, "dispatch \(id.text) doesn't wait for anything: it was executed, missed or cancelled")
    )
  }

  /// A rule's time must be one on the clocks of its program's zone.
  mutating func moment(
    of entry: CatalogueRule, _ catalogue: CatalogueDocument, at path: String
  ) throws(Failure) {
    guard let time = entry.at else { return }
    let zone = try decider.zone(ofProgram: entry.rule.programID, catalogue)
    guard let zone, let rules = decider.context.zone(zone) else { return }
    let meaning = time.meaning(
      in: zone, rules: rules, tzdata: decider.context.tzdata, fold: entry.fold)
    if let reason = meaning.refusal(of: time, path, in: zone) { reasons.append(reason) }
  }

  private func standing<Definition>(of known: Defined<Definition>?) -> Standing {
    guard let known else { return .unknown }
    return known.retired == nil ? .defined : .retired
  }

  private mutating func note(
    _ standing: Standing?, _ path: String, _ thing: String, _ unknown: RejectionCode,
    _ retired: RejectionCode
  ) {
    switch standing {
    case .unknown:
      reasons.append(unknown.reason(path, "\(thing) is defined neither here nor in the ledger"))
    case .retired: reasons.append(retired.reason(path, "\(thing) is retired"))
    case .defined, nil: break
    }
  }
}
