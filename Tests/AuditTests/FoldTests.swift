import Bytes
import Dispatching
import EventLog
import Events
import Ledger
import Simulation
import Testing
import Views

/// The state in memory and the views are two folds over the same events: neither knows the other.
@Suite("Memory and views", .timeLimit(.minutes(30)))
struct FoldTests {
  @Test(
    "answer alike at many points of a long history, whoever it speaks of before or after their time",
    arguments: 1...amount(4 as UInt64, long: 60))
  func histories(seed: UInt64) throws {
    let history = try RandomHistory(seed: seed, steps: 240, strays: true).history
    let types = Set(history.events.map(\.type))
    #expect(types.count > 18, "seed \(seed): the history is too poor: \(types)")
    var folds = try Folds(history.events, "seed \(seed)")
    for (index, commit) in history.commits.enumerated() {
      try folds.take(commit)
      if index % 16 == 15 || index == history.commits.count - 1 { try folds.compare() }
    }
    // Erasures are rare; the first history has one.
    if seed == 1 { #expect(types.contains(.userErased)) }
  }

  @Test("answer alike while resolutions of several chunks are unfinished")
  func unfinished() throws {
    let history = try RandomHistory(seed: 99, steps: 70, users: 600).history
    var folds = try Folds(history.events, "chunks")
    var unfinished = 0
    for (index, commit) in history.commits.enumerated() {
      try folds.take(commit)
      let isUnfinished = !folds.memory.unfinishedResolutions().isEmpty
      if isUnfinished { unfinished += 1 }
      if isUnfinished && unfinished < 4 || index == history.commits.count - 1 {
        try folds.compare()
      }
    }
    #expect(unfinished > 0)
  }

  @Test(
    "answer alike whatever well-formed events say, in whatever order",
    arguments: 1...amount(8 as UInt64, long: 400))
  func shuffled(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let made = try RandomHistory(seed: seed, steps: 60, strays: true).history
    var drafts = made.events.dropFirst().map(RecordedHistory.draft)
    // Some of them twice, some not at all, in any order, and wrong numbers.
    drafts = drafts.indices.map { _ in drafts[Int.random(in: drafts.indices, using: &random)] }
    RecheckStory.edit(&drafts, EventPayload.recipientsResolved) { chunk in
      chunk.modification = Int.random(in: 1...4, using: &random)
      chunk.chunk = Int.random(in: 0...2, using: &random)
    }
    RecheckStory.edit(&drafts, EventPayload.notificationAttempted) { attempt in
      attempt.modification = Int.random(in: 1...3, using: &random)
    }
    let total = UInt64(drafts.count)
    RecheckStory.edit(&drafts, EventPayload.deliveryRecorded) { result in
      result.attempt = UInt64.random(in: 0...total, using: &random)
    }
    RecheckStory.edit(&drafts, EventPayload.dispatchEnded) { change in
      change.modification = Int.random(in: 1...4, using: &random)
    }
    var history = try RecordedHistory()
    while !drafts.isEmpty {
      history.advance(seconds: Int64.random(in: 0...900, using: &random))
      let part = Array(drafts.prefix(Int.random(in: 1...6, using: &random)))
      drafts.removeFirst(part.count)
      try history.record(part)
    }
    var folds = try Folds(history.events, "seed \(seed)")
    for (index, commit) in history.commits.enumerated() {
      try folds.take(commit)
      if index % 12 == 11 || index == history.commits.count - 1 { try folds.compare() }
    }
  }

  @Test(
    "answer alike of templates, rules, signals and what waits, and make the same due",
    arguments: 1...amount(3 as UInt64, long: 60))
  func waiting(seed: UInt64) throws {
    let history = try RandomHistory(seed: seed, steps: 240, strays: seed % 2 == 0, rules: true)
      .history
    let types = Set(history.events.map(\.type))
    #expect(types.isSuperset(of: [.rulePublished, .signalObserved, .dispatchScheduled]))
    var folds = try Folds(history.events, "seed \(seed)")
    for (index, commit) in history.commits.enumerated() {
      try folds.take(commit)
      if index % 16 == 15 || index == history.commits.count - 1 {
        try folds.compare()
        try folds.compareWaiting()
      }
    }
  }

  @Test("keep nothing of what is said of a user who is erased")
  func erased() throws {
    var history = try RecordedHistory()
    try history.perform(
      RecordedHistory.importing(
        #"{"users":[{"id":"u-1","name":"Ada","program_ids":["1"],"opt_outs":[{"channel":"sms"}]}],"#
          + #""programs":[{"id":"1","name":"P","time_zone":"UTC","lead_time":"PT30M","#
          + #""communication_codes":["sms"]}]}"#))
    let (user, program) = (AuditedHistory.id("u-1"), AuditedHistory.id("1"))
    let before = try #require(history.state.user(user))
    #expect(before.enrollments.count == 1 && before.optOuts.count == 1)
    try history.record(.userErased(UserErased(userID: user)))
    let at = history.now
    try history.record(.userEnrolled(UserEnrolled(userID: user, programID: program, at: at)))
    try history.record(.userOptedOut(UserOptedOut(userID: user, channel: ChannelCode("sms"))))
    var folds = try Folds(history.events, "erased")
    for commit in history.commits { try folds.take(commit) }
    try folds.compare()
    let answer = try #require(folds.memory.user(user))
    #expect(answer.erased != nil && answer.definition == nil)
    #expect(answer.enrollments.isEmpty && answer.optOuts.isEmpty)
    #expect(try folds.store.enrollments.programs(of: user).isEmpty)
    #expect(try folds.store.optOuts.of(user).isEmpty)
  }
}

/// Both folds over one history, and every question that decisions ask of them.
struct Folds {
  private(set) var memory = MemoryState()
  let store: ViewStore
  private let views: ViewState
  private let trace: String
  private var now = AuditedHistory.identity.created
  private var next: EventID = 0

  private let programs: [EntityID]
  private let eventTypes: [EntityID]
  private let groups: [EntityID]
  private let users: [EntityID]
  private let dispatches: [EntityID]
  private let providers: [String]
  private let rules: [EntityID]
  private let templates: [EntityID]
  private let signals: [EntityID]
  private let modifications: Range<Int>

  /// - Parameters:
  ///   - events: All that will be taken in: every id that they name is asked for.
  ///   - trace: What a difference is told with.
  init(_ events: [Event], _ trace: String) throws {
    self.trace = trace
    store = try ViewStore(.temporary)
    try store.create()
    views = ViewState(store)
    var names = Names()
    for event in events { names.take(event.payload) }
    programs = names.programs.sorted()
    eventTypes = names.eventTypes.sorted()
    groups = names.groups.sorted()
    users = names.users.sorted()
    dispatches = names.dispatches.sorted()
    providers = names.providers.sorted()
    rules = names.rules.sorted()
    templates = names.templates.sorted()
    signals = names.signals.sorted()
    modifications = 0..<names.greatestModification + 2
  }

  mutating func take(_ commit: [Event]) throws {
    guard let first = commit.first, let last = commit.last else { return }
    try store.begin()
    for event in commit {
      memory.apply(event)
      try store.apply(
        event, at: EventLocation(segment: 0, offset: event.id, length: 1),
        commit: first.id...last.id)
    }
    try store.commit(
      Cursor(next: last.id + 1, root: SHA256.hash([] as [UInt8]), segment: 0, offset: last.id + 1))
    (now, next) = (last.time, last.id + 1)
  }

  /// Asks both everything, and records each difference.
  func compare() throws {
    for id in programs { same("program \(id)", memory.program(id), try views.program(id)) }
    for id in eventTypes {
      same("type \(id)", memory.marketEventType(id), try views.marketEventType(id))
    }
    for id in groups { same("group \(id)", memory.userGroup(id), try views.userGroup(id)) }
    for id in users { same("user \(id)", memory.user(id), try views.user(id)) }
    same("userCount", memory.userCount(), try views.userCount())
    try compareConsidered()
    for program in programs {
      for (from, until) in [(-90_000, 90_000), (-9_000_000, 0), (0, 300_000_000)]
        as [(Int64, Int64)]
      {
        let range = now.adding(seconds: from)..<now.adding(seconds: until)
        for other in [nil] + dispatches.prefix(3).map(Optional.some) {
          same(
            "count of \(program) in \(range)",
            memory.dispatchCount(of: program, starting: range, except: other),
            try views.dispatchCount(of: program, starting: range, except: other))
        }
      }
    }
    for id in dispatches { same("dispatch \(id)", memory.dispatch(id), try views.dispatch(id)) }
    same(
      "unfinished", memory.unfinishedResolutions(), try views.unfinishedResolutions())
    for dispatch in dispatches { try compareNotices(of: dispatch) }
    for time in times {
      for limit in [0, 1, 5, .max] {
        same(
          "due at \(time), \(limit)", memory.dueNotices(at: time, limit: limit),
          try views.dueNotices(at: time, limit: limit))
      }
    }
    for event in 0...next { same("attempt", memory.attempt(event), try views.attempt(event)) }
    for id in providers {
      same(
        "attempts of \(id)", memory.attempts(withProviderID: id),
        try views.attempts(withProviderID: id))
      same(
        "unmatched of \(id)", memory.unmatchedResults(of: id), try views.unmatchedResults(of: id))
    }
    for limit in [0, 1, 5, .max] {
      same(
        "open, \(limit)", memory.openAttempts(limit: limit), try views.openAttempts(limit: limit))
    }
  }

  /// Asks both what is published, observed and waited for, and what is due of it.
  func compareWaiting() throws {
    same("templates", memory.templates(), try views.templates())
    same("rules", memory.rules(), try views.rules())
    for id in templates { same("template \(id)", memory.template(id), try views.template(id)) }
    for id in rules {
      same("rule \(id)", memory.rule(id), try views.rule(id))
      same("firings \(id)", memory.firings(of: id), try views.firings(of: id))
    }
    same("waiting", memory.waitingSchedules(), try views.waitingSchedules())
    for id in dispatches {
      same("schedule \(id)", memory.schedule(of: id), try views.schedule(of: id))
    }
    for signal in signals {
      for time in times {
        for limit in [0, 1, 3, .max] {
          same(
            "\(signal) from \(time), \(limit)",
            memory.observations(of: signal, from: time, limit: limit),
            try views.observations(of: signal, from: time, limit: limit))
        }
      }
    }
    for time in times where time >= now {
      let context = DecisionContext(
        now: time, nextID: next, dispatchID: AuditedHistory.id("d-new"), zone: Zones.rules,
        tzdata: "test", personalData: Seals.personalData)
      let (one, other) = (
        Decider(state: memory, context: context), Decider(state: views, context: context)
      )
      same("watched at \(time)", try one.watchedDispatches(), try other.watchedDispatches())
      same("due at \(time)", try one.decideDue(limit: 9), try other.decideDue(limit: 9))
      same(
        "wake-up at \(time)", try one.nextWakeUp(after: time), try other.nextWakeUp(after: time))
    }
  }

  private func compareConsidered() throws {
    for program in programs {
      for groups in [[], groups] + groups.map({ [$0] }) {
        for time in [-9_000, 0, 9_000].map({ now.adding(seconds: $0) }) {
          same(
            "considered of \(groups), \(program), at \(time)",
            memory.considered(groups: groups, program: program, at: time),
            try views.considered(groups: groups, program: program, at: time))
        }
      }
    }
  }

  private func compareNotices(of dispatch: EntityID) throws {
    for number in modifications {
      same(
        "pending of \(dispatch) before \(number)",
        memory.pendingNotices(of: dispatch, before: number),
        try views.pendingNotices(of: dispatch, before: number))
      let notices = memory.notices(of: dispatch, modification: number)
      same(
        "notices of \(dispatch), \(number)", notices,
        try views.notices(of: dispatch, modification: number))
      for user in users {
        let key = NoticeKey(dispatchID: dispatch, modification: number, userID: user)
        same("notice \(key)", memory.notice(key), try views.notice(key))
        same("attempts of \(key)", memory.attempts(of: key), try views.attempts(of: key))
        same("answers of \(key)", memory.answers(of: key), try views.answers(of: key))
      }
    }
  }

  private var times: [Instant] {
    [-90_000, -9_000, -1, 0, 1, 9_000, 90_000].map { now.adding(seconds: $0) }
  }

  private func same<Answer: Equatable>(
    _ question: @autoclosure () -> String, _ memory: Answer, _ views: Answer
  ) {
    guard memory != views else { return }
    Issue.record(
      "\(trace), \(next) events, \(question()):\nmemory \(memory)\nviews  \(views)")
  }
}

/// Every id that events name, and one of each kind that none does.
private struct Names {
  var programs: Set<EntityID> = [AuditedHistory.id("nobody")]
  var eventTypes: Set<EntityID> = [AuditedHistory.id("nobody")]
  var groups: Set<EntityID> = [AuditedHistory.id("nobody")]
  var users: Set<EntityID> = [AuditedHistory.id("nobody")]
  var dispatches: Set<EntityID> = [AuditedHistory.id("nobody")]
  var providers: Set<String> = ["nobody's"]
  var rules: Set<EntityID> = [AuditedHistory.id("nobody")]
  var templates: Set<EntityID> = [AuditedHistory.id("nobody")]
  var signals: Set<EntityID> = [AuditedHistory.id("nothing")]
  var greatestModification = 1

  mutating func take(_ payload: EventPayload) {
    switch payload {
    case .programDefined(let program): programs.insert(program.id)
    case .marketEventTypeDefined(let type):
      eventTypes.insert(type.id)
      groups.formUnion(type.userGroupIDs)
    case .userGroupDefined(let group): groups.insert(group.id)
    case .userDefined(let user):
      users.insert(user.id)
      groups.formUnion(user.userGroupIDs)
    case .userEnrolled(let change):
      users.insert(change.userID)
      programs.insert(change.programID)
    case .userOptedOut(let optOut): users.insert(optOut.userID)
    case .userErased(let erased): users.insert(erased.userID)
    case .dispatchRequested(let request): dispatches.insert(request.dispatchID)
    case .dispatchRejected(let rejected): dispatches.insert(rejected.dispatchID)
    case .recipientsResolved(let chunk):
      dispatches.insert(chunk.dispatchID)
      greatestModification = max(greatestModification, chunk.modification)
    case .deliveryRecorded(let result):
      if let id = result.providerID { providers.insert(id) }
    case .deliveryUnmatched(let result):
      if let id = result.providerID { providers.insert(id) }
    case .rulePublished(let rule): rules.insert(rule.id)
    case .templatePublished(let template): templates.insert(template.id)
    case .signalObserved(let observed): signals.insert(observed.name)
    case .dispatchMissed(let miss): dispatches.insert(miss.dispatchID)
    case .notificationEscalated(let escalated): users.formUnion(escalated.userIDs)
    default: break
    }
  }
}
