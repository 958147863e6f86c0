package import Bytes
package import Events

/// The ledger as it stands, held in memory: what recheck and the simulator decide from.
///
/// Fed by ``apply(_:)`` with every event in the order of the log.
package struct MemoryState: Sendable {
  var programs: [EntityID: Defined<ProgramDefined>] = [:]
  var eventTypes: [EntityID: Defined<MarketEventTypeDefined>] = [:]
  var userGroups: [EntityID: Defined<UserGroupDefined>] = [:]
  var users: [EntityID: UserFacts] = [:]
  /// By user, then by program; kept for users whom nothing has defined yet too.
  var enrollments: [EntityID: [EntityID: [EnrollmentChange]]] = [:]
  var optOuts: [EntityID: Set<OptOutScope>] = [:]
  /// Users without the erased ones.
  var userTotal = 0
  var members: [EntityID: Set<EntityID>] = [:]
  /// Who ever belonged to a program.
  var everEnrolled: [EntityID: Set<EntityID>] = [:]
  var dispatches: [EntityID: Dispatch] = [:]
  var dispatchesOfProgram: [EntityID: [EntityID]] = [:]
  /// Of programs with caps, dispatches that are held elsewhere.
  var counted: [EntityID: Counted] = [:]
  /// In the order in which they were begun.
  var unfinished: [ResolutionProgress] = []
  /// Those whose last chunk is recorded.
  var resolved: Set<ModificationKey> = []
  var noticeLists: [ModificationKey: [EntityID: Notice]] = [:]
  /// Which modifications of a dispatch have notices.
  var noticeNumbers: [EntityID: Set<Int>] = [:]
  var pending: Set<NoticeKey> = []
  var attempts: [EventID: Attempt] = [:]
  var attemptsOfNotice: [NoticeKey: [EventID]] = [:]
  var open: Set<EventID> = []
  /// By the bytes of the id that a provider gave first.
  var attemptsOfProvider: [[UInt8]: [EventID]] = [:]
  var haveProviderID: Set<EventID> = []
  /// By the bytes of their provider's id; those that no attempt has taken.
  var unmatched: [[UInt8]: [UnmatchedResult]] = [:]
  /// By the notice that they answer, whether there is one or not.
  var answers: [NoticeKey: [Answer]] = [:]
  /// The last modification of a dispatch once it was attempted, and whether it was escalated.
  var calls: [EntityID: (call: SilentCall, isEscalated: Bool)] = [:]
  var waits = WaitingFacts()
  var holds: [EntityID: StandingHold] = [:]

  package init() {}

  /// A user as it was last defined or erased.
  struct UserFacts: Sendable {
    var version: EventID
    var erased: EventID?
    var definition: UserDefined?
  }

  struct ModificationKey: Hashable, Sendable {
    var dispatchID: EntityID
    var number: Int
  }
}

extension MemoryState: LedgerState {
  package func program(_ id: EntityID) -> Defined<ProgramDefined>? { programs[id] }
  package func marketEventType(_ id: EntityID) -> Defined<MarketEventTypeDefined>? {
    eventTypes[id]
  }
  package func userGroup(_ id: EntityID) -> Defined<UserGroupDefined>? { userGroups[id] }

  package func user(_ id: EntityID) -> User? {
    guard let facts = users[id] else { return nil }
    let programs = (enrollments[id] ?? [:]).keys.sorted()
    return User(
      id: id, version: facts.version, erased: facts.erased, definition: facts.definition,
      enrollments: programs.map {
        Enrollment(programID: $0, intervals: intervals(of: id, in: $0))
      },
      optOuts: sortedOptOuts(of: id))
  }

  package func hold(_ id: EntityID) -> StandingHold? { holds[id] }

  package func userCount() -> Int { userTotal }

  package func considered(
    groups: [EntityID], program: EntityID, at time: Instant
  ) -> [ConsideredUser] {
    var ids: Set<EntityID> = []
    for group in groups { ids.formUnion(members[group] ?? []) }
    for id in everEnrolled[program] ?? [] {
      if intervals(of: id, in: program).contains(where: { $0.contains(time) }) { ids.insert(id) }
    }
    return ids.sorted().compactMap { id in
      guard let facts = users[id], let definition = facts.definition else { return nil }
      return ConsideredUser(
        version: facts.version, definition: definition,
        enrollments: intervals(of: id, in: program), optOuts: sortedOptOuts(of: id))
    }
  }

  package func dispatch(_ id: EntityID) -> Dispatch? { dispatches[id] }

  package func dispatchCount(
    of program: EntityID, starting range: Range<Instant>, except other: EntityID?
  ) -> Int {
    (dispatchesOfProgram[program] ?? []).count { id in
      guard id != other else { return false }
      if let one = counted[id] {
        return !one.isTest && !one.isCancelled && range.contains(one.start)
      }
      guard let dispatch = dispatches[id] else { return false }
      return !dispatch.request.isTest && !dispatch.isCancelled
        && range.contains(dispatch.start.instant)
    }
  }

  package func unfinishedResolutions() -> [ResolutionProgress] { unfinished }

  package func notices(of dispatch: EntityID, modification: Int) -> [Notice] {
    let list = noticeLists[ModificationKey(dispatchID: dispatch, number: modification)] ?? [:]
    return list.values.sorted { $0.key.userID < $1.key.userID }
  }

  package func notice(_ key: NoticeKey) -> Notice? {
    noticeLists[ModificationKey(dispatchID: key.dispatchID, number: key.modification)]?[key.userID]
  }

  package func dueNotices(at time: Instant, limit: Int) -> [Notice] {
    dueNotices(at: time, limit: limit) { _ in true }
  }

  package func dueNotices(at time: Instant, on channel: ChannelCode, limit: Int) -> [Notice] {
    dueNotices(at: time, limit: limit) { $0.standing.channel == channel }
  }

  private func dueNotices(
    at time: Instant, limit: Int, where counts: (Notice) -> Bool
  ) -> [Notice] {
    var due: [(at: Instant, notice: Notice)] = []
    for key in pending {
      if let notice = notice(key), let at = notice.standing.dueAt, at <= time, counts(notice) {
        due.append((at, notice))
      }
    }
    due.sort { one, other in
      one.at == other.at ? one.notice.key < other.notice.key : one.at < other.at
    }
    return due.prefix(limit).map(\.notice)
  }

  package func pendingNotices(of dispatch: EntityID, before modification: Int) -> [Notice] {
    // By the dispatch's own lists: `pending` holds the notices of all others too.
    let earlier = (noticeNumbers[dispatch] ?? []).filter { $0 < modification }
    return earlier.sorted().flatMap { number in
      notices(of: dispatch, modification: number).filter { pending.contains($0.key) }
    }
  }

  package func attempt(_ event: EventID) -> Attempt? { attempts[event] }

  package func attempts(of notice: NoticeKey) -> [Attempt] {
    (attemptsOfNotice[notice] ?? []).compactMap { attempts[$0] }
  }

  package func attempts(withProviderID id: String) -> [EventID] {
    (attemptsOfProvider[Array(id.utf8)] ?? []).sorted().prefix(2).map { $0 }
  }

  package func unmatchedResults(of providerID: String) -> [UnmatchedResult] {
    unmatched[Array(providerID.utf8)] ?? []
  }

  package func answers(of notice: NoticeKey) -> [Answer] { answers[notice] ?? [] }

  package func silentCalls(startingAfter time: Instant) -> [SilentCall] {
    var silent: [(start: Instant, call: SilentCall)] = []
    for (call, isEscalated) in calls.values where !isEscalated {
      guard let start = dispatches[call.dispatchID]?.start.instant, start > time else { continue }
      silent.append((start, call))
    }
    silent.sort { ($0.start, $0.call.dispatchID) < ($1.start, $1.call.dispatchID) }
    return silent.map(\.call)
  }

  package func answerCount(of dispatch: EntityID, modification: Int, limit: Int) -> Int {
    let list = noticeLists[ModificationKey(dispatchID: dispatch, number: modification)] ?? [:]
    return min(limit, list.values.count { $0.standing.evidence >= .acknowledged })
  }

  package func members(of group: EntityID) -> [EntityID] { (members[group] ?? []).sorted() }

  package func openAttempts(limit: Int) -> [Attempt] {
    open.sorted().prefix(limit).compactMap { attempts[$0] }
  }
}

extension MemoryState {
  private func intervals(of user: EntityID, in program: EntityID) -> [EnrollmentInterval] {
    let changes = enrollments[user]?[program] ?? []
    return EnrollmentInterval.all(
      of: changes.sorted { ($0.at, $0.event) < ($1.at, $1.event) })
  }

  private func sortedOptOuts(of user: EntityID) -> [OptOutScope] {
    (optOuts[user] ?? []).sorted { one, other in
      let (left, right) = (one.programID?.text ?? "", other.programID?.text ?? "")
      if left != right { return left.utf8.lexicographicallyPrecedes(right.utf8) }
      return (one.channel?.text ?? "").utf8.lexicographicallyPrecedes(
        (other.channel?.text ?? "").utf8)
    }
  }
}
