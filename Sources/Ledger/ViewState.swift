package import Bytes
package import Dispatching
package import Events
package import Views

/// What decisions look up, answered by the views; ``MemoryState`` is the other implementation.
package struct ViewState: LedgerState {
  private let views: ViewStore

  package init(_ views: ViewStore) { self.views = views }

  package func program(_ id: EntityID) throws(ViewError) -> Defined<ProgramDefined>? {
    try views.catalogue.programs.find(id)
  }

  package func marketEventType(
    _ id: EntityID
  ) throws(ViewError) -> Defined<MarketEventTypeDefined>? {
    try views.catalogue.marketEventTypes.find(id)
  }

  package func userGroup(_ id: EntityID) throws(ViewError) -> Defined<UserGroupDefined>? {
    try views.catalogue.userGroups.find(id)
  }

  package func user(_ id: EntityID) throws(ViewError) -> User? {
    guard let row = try views.users.find(id) else { return nil }
    return User(
      id: id, version: row.version, erased: row.erased, definition: row.definition,
      enrollments: try views.enrollments.programs(of: id),
      optOuts: try views.optOuts.of(id).map(\.scope))
  }

  package func hold(_ id: EntityID) throws(ViewError) -> StandingHold? {
    try views.retention.hold(id)
  }

  package func userCount() throws(ViewError) -> Int { try views.users.count() }

  package func considered(
    groups: [EntityID], program: EntityID, at time: Instant
  ) throws(ViewError) -> [ConsideredUser] {
    try views.users.considered(groups: groups, program: program, at: time)
  }

  package func dispatch(_ id: EntityID) throws(ViewError) -> Dispatch? {
    let modifications = try views.dispatches.modifications(of: id)
    guard let first = modifications.first, case .request(let request) = first.change else {
      return nil
    }
    var dispatch = Dispatch(request, by: first.event, at: first.recordedAt)
    for row in modifications.dropFirst() {
      dispatch.add(
        Modification(event: row.event, recordedAt: row.recordedAt, change: row.change))
    }
    return dispatch
  }

  package func dispatchCount(
    of program: EntityID, starting range: Range<Instant>, except other: EntityID?
  ) throws(ViewError) -> Int {
    try views.dispatches.count(of: program, starting: range, except: other)
  }

  package func unfinishedResolutions() throws(ViewError) -> [ResolutionProgress] {
    try views.resolutions.unfinished().map { row in
      ResolutionProgress(
        dispatchID: row.dispatchID, modification: row.modification, chunks: row.chunks)
    }
  }

  package func notices(
    of dispatch: EntityID, modification: Int
  ) throws(ViewError) -> [Notice] {
    try views.notices.list(of: dispatch, modification: modification).map(Self.notice)
  }

  package func notice(_ key: NoticeKey) throws(ViewError) -> Notice? {
    try views.notices.find(key).map(Self.notice)
  }

  package func dueNotices(at time: Instant, limit: Int) throws(ViewError) -> [Notice] {
    try views.notices.due(at: time, limit: limit).map(Self.notice)
  }

  package func dueNotices(
    at time: Instant, on channel: ChannelCode, limit: Int
  ) throws(ViewError) -> [Notice] {
    try views.notices.due(at: time, on: channel, limit: limit).map(Self.notice)
  }

  package func pendingNotices(
    of dispatch: EntityID, before modification: Int
  ) throws(ViewError) -> [Notice] {
    try views.notices.superseded(of: dispatch, before: modification).map(Self.notice)
  }

  package func attempt(_ event: EventID) throws(ViewError) -> Attempt? {
    try views.attempts.find(event)?.attempt
  }

  package func attempts(of notice: NoticeKey) throws(ViewError) -> [Attempt] {
    try views.attempts.list(of: notice).map(\.attempt)
  }

  package func attempts(withProviderID id: String) throws(ViewError) -> [EventID] {
    try views.attempts.find(providerID: id)
  }

  package func unmatchedResults(of providerID: String) throws(ViewError) -> [UnmatchedResult] {
    try views.attempts.unmatched(providerID: providerID)
  }

  package func answers(of notice: NoticeKey) throws(ViewError) -> [Answer] {
    try views.acknowledgements.list(of: notice).map { row in
      Answer(event: row.event, opt: row.opt, at: row.answeredAt)
    }
  }

  package func silentCalls(startingAfter time: Instant) throws(ViewError) -> [SilentCall] {
    try views.notices.silentCalls(startingAfter: time)
  }

  package func answerCount(
    of dispatch: EntityID, modification: Int, limit: Int
  ) throws(ViewError) -> Int {
    try views.notices.answerCount(of: dispatch, modification: modification, limit: limit)
  }

  package func members(of group: EntityID) throws(ViewError) -> [EntityID] {
    try views.users.members(of: group)
  }

  package func openAttempts(limit: Int) throws(ViewError) -> [Attempt] {
    try views.attempts.open().prefix(limit).map(\.attempt)
  }

  private static func notice(_ row: NoticeRow) -> Notice {
    Notice(key: row.key, channels: row.channels, standing: row.standing)
  }
}

extension ViewState {
  package func template(_ id: EntityID) throws(ViewError) -> Defined<TemplatePublished>? {
    try views.templates.published.find(id)
  }

  package func templates() throws(ViewError) -> [Defined<TemplatePublished>] {
    try views.templates.published.list()
  }

  package func rule(_ id: EntityID) throws(ViewError) -> StandingRule? { try views.rules.find(id) }

  package func rules() throws(ViewError) -> [StandingRule] { try views.rules.list() }

  package func firings(of rule: EntityID) throws(ViewError) -> [Firing] {
    try views.rules.firings(of: rule)
  }

  package func schedule(of dispatch: EntityID) throws(ViewError) -> Schedule? {
    try views.schedules.find(dispatch)
  }

  package func waitingSchedules() throws(ViewError) -> [Schedule] {
    try views.schedules.waiting()
  }

  package func observations(
    of signal: EntityID, from time: Instant, limit: Int
  ) throws(ViewError) -> [Observation] {
    try views.signals.observations(of: signal, from: time, limit: limit)
  }
}
