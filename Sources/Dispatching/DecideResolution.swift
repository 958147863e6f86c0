import Bytes
package import Events

extension Decider {
  /// The events of a whole resolution.
  func resolve(_ task: ResolutionTask) throws(Failure) -> [EventDraft] {
    let resolution: Resolution
    switch task.basis {
    case .rules, .rulesAndEarlierRecipients: resolution = try resolveByRules(task)
    case .earlierRecipients: resolution = try resolveEarlierRecipients(task)
    }
    return resolution.chunks(of: task).map { chunk in
      draft(.recipientsResolved(chunk), about: task.dispatchID, causedBy: task.cause)
    }
  }

  /// The chunks that are missing of a resolution that a crash has cut between two commits.
  ///
  /// No other command's events stand between a request and its last chunk, so the state is still
  /// the one that the first chunks were decided from.
  package func finish(_ progress: ResolutionProgress) throws(Failure) -> [EventDraft] {
    let dispatch = try existing(progress.dispatchID)
    guard dispatch.modifications.indices.contains(progress.modification - 1) else {
      throw .undefined(.dispatch(progress.dispatchID))
    }
    let modification = dispatch.modifications[progress.modification - 1]
    let basis: ResolutionBasis
    switch modification.change {
    case .request: basis = .rules
    case .modify: basis = .rulesAndEarlierRecipients
    case .cancel, .end: basis = .earlierRecipients
    }
    // One that waited is resolved when it is executed, not when it was requested.
    let schedule = try ask { state throws(State.Failure) in try state.schedule(of: dispatch.id) }
    let trigger = basis == .rules ? schedule?.fate.flatMap { $0.didFire ? $0 : nil } : nil
    let chunks = try resolve(
      ResolutionTask(
        dispatchID: dispatch.id, modification: progress.modification, basis: basis,
        program: try program(of: dispatch), eventType: try eventType(of: dispatch),
        time: max(trigger?.recordedAt ?? modification.recordedAt, modification.recordedAt),
        cause: max(trigger?.event ?? modification.event, modification.event)))
    return Array(chunks.dropFirst(progress.chunks))
  }

  /// A dispatch that an event refers to.
  func existing(_ id: EntityID) throws(Failure) -> Dispatch {
    let dispatch = try ask { state throws(State.Failure) in try state.dispatch(id) }
    guard let dispatch else { throw .undefined(.dispatch(id)) }
    return dispatch
  }

  /// Its program as it stands now: policies and lead time are those of today.
  func program(of dispatch: Dispatch) throws(Failure) -> Defined<ProgramDefined> {
    let id = dispatch.request.programID
    let program = try ask { state throws(State.Failure) in try state.program(id) }
    guard let program else { throw .undefined(.program(id)) }
    return program
  }

  /// Its market event type as it stands now.
  func eventType(of dispatch: Dispatch) throws(Failure) -> Defined<MarketEventTypeDefined> {
    let id = dispatch.request.eventTypeID
    let type = try ask { state throws(State.Failure) in try state.marketEventType(id) }
    guard let type else { throw .undefined(.marketEventType(id)) }
    return type
  }

  private func resolveByRules(_ task: ResolutionTask) throws(Failure) -> Resolution {
    let groups = try reachedGroups(task)
    let ids = SortedSet(groups.map(\.definition.id))
    let program = task.program.definition
    let users = try ask { state throws(State.Failure) in
      try state.considered(groups: ids.elements, program: program.id, at: task.time)
    }
    let total = try ask { state throws(State.Failure) in try state.userCount() }
    var entries = users.map {
      ResolutionEntry($0, program: program, groups: ids, at: task.time)
    }
    var added = 0
    if task.basis == .rulesAndEarlierRecipients {
      added = try addEarlierRecipients(of: task, to: &entries)
    }
    return Resolution(
      entries: entries, userGroups: SortedSet(groups.map(\.version)),
      notConsidered: total - users.count - added)
  }

  /// Adds whoever was told of the modification before and is left out by groups or enrollment.
  ///
  /// - Returns: How many of the users that weren't considered are now.
  private func addEarlierRecipients(
    of task: ResolutionTask, to entries: inout [ResolutionEntry]
  ) throws(Failure) -> Int {
    let earlier = try resolveEarlierRecipients(task).entries
    var byUser: [EntityID: ResolutionEntry] = [:]
    for entry in earlier { byUser[entry.userID] = entry }
    for index in entries.indices {
      guard let told = byUser.removeValue(forKey: entries[index].userID) else { continue }
      if entries[index].isExcludedByRules { entries[index] = told }
    }
    var present = 0
    for entry in earlier where byUser[entry.userID] != nil {
      entries.append(entry)
      let user = try ask { state throws(State.Failure) in try state.user(entry.userID) }
      if user?.definition != nil { present += 1 }
    }
    entries.sort { $0.userID < $1.userID }
    return present
  }

  /// The type's groups that are defined and not retired: no other group reaches anybody.
  private func reachedGroups(_ task: ResolutionTask) throws(Failure) -> [Defined<UserGroupDefined>]
  {
    var groups: [Defined<UserGroupDefined>] = []
    for id in task.eventType.definition.userGroupIDs {
      let group = try ask { state throws(State.Failure) in try state.userGroup(id) }
      if let group, group.retired == nil { groups.append(group) }
    }
    return groups
  }

  private func resolveEarlierRecipients(_ task: ResolutionTask) throws(Failure) -> Resolution {
    let earlier = try ask { state throws(State.Failure) in
      try state.notices(of: task.dispatchID, modification: task.modification - 1)
    }
    var entries: [ResolutionEntry] = []
    var present = 0
    for notice in earlier {
      let id = notice.key.userID
      let user = try ask { state throws(State.Failure) in try state.user(id) }
      guard let user else { throw .undefined(.user(id)) }
      if user.definition != nil { present += 1 }
      entries.append(
        ResolutionEntry(id, version: user.version, choice(of: user, for: task.program.definition)))
    }
    let total = try ask { state throws(State.Failure) in try state.userCount() }
    return Resolution(
      entries: entries,
      userGroups: SortedSet(try reachedGroups(task).map(\.version)), notConsidered: total - present)
  }

  /// The channels of a user as it stands now.
  func choice(of user: User, for program: ProgramDefined) -> ChannelChoice {
    guard let definition = user.definition else { return .none(.noAddress, detail: "erased") }
    return ChannelChoice(of: program, contacts: definition.contacts, optOuts: user.optOuts)
  }
}
