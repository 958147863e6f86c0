import Bytes
import Dispatching
import Events

/// What may be said of catalogue and users: an import's document isn't kept, so each event is checked
/// by itself.
struct CatalogueCheck {
  let state: MemoryState

  func outcome(of event: Event) -> Redecision.Outcome {
    switch event.payload {
    case .userGroupDefined(let group): return changes(state.userGroup(group.id), to: group)
    case .marketEventTypeDefined(let type):
      return missing(groups: type.userGroupIDs) ?? changes(state.marketEventType(type.id), to: type)
    case .programDefined(let program):
      for id in program.eventTypeIDs ?? [] where !stands(state.marketEventType(id)) {
        return .broken(.dangling, "market event type \(id.text) isn't there")
      }
      if case .group(let group)? = program.escalation?.contacts,
        let missing = missing(groups: [group])
      {
        return missing
      }
      return changes(state.program(program.id), to: program)
    case .userDefined(let user):
      let known = state.user(user.id)
      if known?.erased != nil { return erased(user.id) }
      if known?.definition == user { return Self.unchanged }
      return missing(groups: user.userGroupIDs) ?? .sound
    case .userEnrolled(let change):
      return check(change.userID) ?? missing(program: change.programID)
        ?? enrolls(change.userID, in: change.programID, at: change.at, true)
    case .userWithdrawn(let change):
      return check(change.userID)
        ?? enrolls(change.userID, in: change.programID, at: change.at, false)
    case .userOptedOut(let change):
      return check(change.userID) ?? change.programID.flatMap(missing(program:))
        ?? refuses(change.userID, change.channel, change.programID, true)
    case .userOptedIn(let change):
      return check(change.userID)
        ?? refuses(change.userID, change.channel, change.programID, false)
    case .userErased(let erased): return check(erased.userID) ?? .sound
    case .programRetired(let retired): return retires(state.program(retired.id), event.subject)
    case .marketEventTypeRetired(let retired):
      return retires(state.marketEventType(retired.id), event.subject)
    case .userGroupRetired(let retired):
      return retires(state.userGroup(retired.id), event.subject)
    default: return .noRules
    }
  }

  private static let unchanged = Redecision.Outcome.broken(
    .unexpected, "it changes nothing, and what changes nothing isn't recorded")

  private func changes<Definition>(
    _ known: Defined<Definition>?, to definition: Definition
  ) -> Redecision.Outcome {
    known?.retired == nil && known?.definition == definition ? Self.unchanged : .sound
  }

  /// Whether an enrollment or a withdrawal changes anything.
  private func enrolls(
    _ user: EntityID, in program: EntityID, at time: Instant, _ enrolls: Bool
  ) -> Redecision.Outcome {
    state.user(user)?.isEnrolled(in: program, at: time) == enrolls ? Self.unchanged : .sound
  }

  /// Whether an opt-out or an opt-in changes anything.
  private func refuses(
    _ user: EntityID, _ channel: ChannelCode?, _ program: EntityID?, _ refuses: Bool
  ) -> Redecision.Outcome {
    let scope = OptOutScope(programID: program, channel: channel)
    return state.user(user)?.optOuts.contains(scope) == refuses ? Self.unchanged : .sound
  }

  private func retires<Definition>(
    _ known: Defined<Definition>?, _ subject: Subject
  ) -> Redecision.Outcome {
    if let known { return known.retired == nil ? .sound : Self.unchanged }
    return .broken(.dangling, "\(subject.text) isn't there")
  }

  private func stands<Definition>(_ known: Defined<Definition>?) -> Bool {
    known.map { $0.retired == nil } ?? false
  }

  private func missing(groups: SortedSet<EntityID>) -> Redecision.Outcome? {
    groups.first { !stands(state.userGroup($0)) }.map {
      .broken(.dangling, "user group \($0.text) isn't there")
    }
  }

  private func missing(program: EntityID) -> Redecision.Outcome? {
    stands(state.program(program))
      ? nil : .broken(.dangling, "program \(program.text) isn't there")
  }

  private func check(_ user: EntityID) -> Redecision.Outcome? {
    guard let known = state.user(user) else {
      return .broken(.dangling, "user \(user.text) isn't there")
    }
    return known.erased == nil ? nil : erased(user)
  }

  private func erased(_ user: EntityID) -> Redecision.Outcome {
    .broken(.unexpected, "user \(user.text) was erased, and the id can't be used again")
  }
}
