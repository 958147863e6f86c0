import Bytes
import Events

extension Decider {
  /// Decides the import of a catalogue: events only for what is new or otherwise than it stands, so
  /// none where nothing is.
  ///
  /// An entry that was retired is in use again. What an entry refers to must stand in the ledger or
  /// in the same document; else the import is rejected whole, with every such reference, and
  /// nothing is recorded of it.
  package func decide(_ catalogue: CatalogueDocument) throws(Failure) -> Decision {
    let reasons = try brokenReferences(of: catalogue)
    guard reasons.isEmpty else { return .rejected(Rejection(reasons: reasons)) }
    var drafts: [EventDraft] = []
    for group in catalogue.userGroups {
      let known = try ask { state throws(State.Failure) in try state.userGroup(group.id) }
      if !stands(known, as: group) { drafts.append(draft(.userGroupDefined(group))) }
    }
    for type in catalogue.eventTypes {
      let known = try ask { state throws(State.Failure) in try state.marketEventType(type.id) }
      if !stands(known, as: type) { drafts.append(draft(.marketEventTypeDefined(type))) }
    }
    for program in catalogue.programs {
      let known = try ask { state throws(State.Failure) in try state.program(program.id) }
      if !stands(known, as: program) { drafts.append(draft(.programDefined(program))) }
    }
    for user in catalogue.users {
      let known = try ask { state throws(State.Failure) in try state.user(user.id) }
      drafts += changes(of: user, from: known)
    }
    drafts += try publications(of: catalogue)
    return .accepted(drafts)
  }

  private func stands<Definition>(
    _ known: Defined<Definition>?, as definition: Definition
  ) -> Bool {
    known?.retired == nil && known?.definition == definition
  }

  /// The user's definition where it changes, then enrollments and opt-outs by difference.
  private func changes(of user: CatalogueUser, from known: User?) -> [EventDraft] {
    var drafts: [EventDraft] = []
    if known.map({ !isSame(user, $0) }) ?? true {
      drafts.append(draft(.userDefined(sealed(user))))
    }
    if let programs = user.programIDs {
      for program in programs where known?.isEnrolled(in: program, at: context.now) != true {
        drafts.append(
          draft(
            .userEnrolled(UserEnrolled(userID: user.id, programID: program, at: context.now))))
      }
      let left = (known?.enrollments ?? []).map(\.programID).filter { program in
        !programs.contains(program) && known?.isEnrolled(in: program, at: context.now) == true
      }
      drafts += left.map { program in
        draft(.userWithdrawn(UserWithdrawn(userID: user.id, programID: program, at: context.now)))
      }
    }
    if let optOuts = user.optOuts {
      let refused = known?.optOuts ?? []
      drafts += optOuts.filter { !refused.contains($0) }.map { scope in
        draft(
          .userOptedOut(
            UserOptedOut(userID: user.id, channel: scope.channel, programID: scope.programID)))
      }
      drafts += refused.filter { !optOuts.contains($0) }.map { scope in
        draft(
          .userOptedIn(
            UserOptedIn(userID: user.id, channel: scope.channel, programID: scope.programID)))
      }
    }
    return drafts
  }

  /// Whether the user stands as the entry says; what can't be opened any more is not the same.
  private func isSame(_ user: CatalogueUser, _ known: User) -> Bool {
    guard let definition = known.definition,
      definition.userGroupIDs == SortedSet(user.userGroupIDs),
      definition.timeZone == user.timeZone,
      definition.isTestRecipient == user.isTestRecipient,
      isSame(definition.language, user.language),
      isSame(context.personalData.open(definition.name, user.id, .name), user.name),
      definition.contacts.count == user.contacts.count
    else { return false }
    return zip(definition.contacts, user.contacts).allSatisfy { stored, given in
      stored.channel == given.channel && stored.problem == given.problem
        && isSame(
          context.personalData.open(stored.address, user.id, .address(stored.channel)),
          given.address)
    }
  }

  private func isSame(_ one: String?, _ other: String?) -> Bool {
    guard let one, let other else { return one == nil && other == nil }
    return sameBytes(one, other)
  }

  private func sealed(_ user: CatalogueUser) -> UserDefined {
    UserDefined(
      id: user.id, name: context.personalData.seal(user.name, user.id, .name),
      userGroupIDs: SortedSet(user.userGroupIDs),
      contacts: user.contacts.map { contact in
        Contact(
          channel: contact.channel,
          address: context.personalData.seal(contact.address, user.id, .address(contact.channel)),
          problem: contact.problem)
      },
      timeZone: user.timeZone, language: user.language, isTestRecipient: user.isTestRecipient)
  }
}
