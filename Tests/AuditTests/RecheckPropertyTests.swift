import Audit
import Bytes
import Dispatching
import Events
import Simulation
import Testing

@Suite("Rechecking random histories", .timeLimit(.minutes(30)))
struct RecheckPropertyTests {
  private static let seeds: [UInt64] = Array(1...amount(12, long: 200))

  @Test("finds nothing in what the real decisions made", arguments: seeds)
  func sound(seed: UInt64) throws {
    let history = try RandomHistory(seed: seed, steps: 160).history
    let recheck = try history.recheck()
    #expect(recheck.findings == [], "seed \(seed)")
    #expect(recheck.examined == history.events.count, "seed \(seed)")
    #expect(recheck.rechecked == recheck.examined, "seed \(seed)")
    for account in try recheck.allAccounts() {
      for modification in account.modifications {
        #expect(
          modification.told.count == modification.recipients + modification.escalated,
          "seed \(seed)")
      }
    }
    let types = Set(history.events.map(\.type))
    #expect(types.count > 15, "seed \(seed): the history is too poor: \(types)")
  }

  @Test("finds nothing in what rules and schedules made due", arguments: seeds)
  func waiting(seed: UInt64) throws {
    let history = try RandomHistory(seed: seed, steps: 160, rules: true).history
    let recheck = try history.recheck()
    #expect(recheck.findings == [], "seed \(seed)")
    #expect(recheck.rechecked == recheck.examined, "seed \(seed)")
    let types = Set(history.events.map(\.type))
    #expect(
      types.isSuperset(of: [.dispatchScheduled, .dispatchTriggered, .signalObserved]),
      "seed \(seed)")
  }

  @Test("finds nothing where resolutions have several chunks, in one commit or in several")
  func chunks() throws {
    let history = try RandomHistory(seed: 99, steps: 40, users: 700).history
    #expect(
      history.events.contains {
        if case .recipientsResolved(let chunk) = $0.payload { chunk.chunk == 1 } else { false }
      })
    #expect(try history.recheck().findings == [])
  }

  @Test("says of each dispatch alone what it says of it in the whole ledger", arguments: [3, 4])
  func one(seed: UInt64) throws {
    var history = try RandomHistory(seed: seed, steps: 60).history
    try history.record([
      EventDraft(
        .dispatchCancelled(
          DispatchCancelled(dispatchID: history.dispatchID(1), modification: 9, reason: "r")))
    ])
    let whole = try history.recheck()
    for number in 1...history.dispatchCount {
      let id = history.dispatchID(number)
      let alone = try history.recheck(of: id)
      #expect(alone.findings == whole.findings.filter { $0.dispatch == id }, "seed \(seed)")
      #expect(
        try alone.allAccounts().map(\.id)
          == whole.allAccounts().map(\.id).filter { $0 == id }, "seed \(seed)")
    }
    #expect(throws: AuditError.self) { try history.recheck(of: AuditedHistory.id("nobody")) }
  }

  @Test(
    "goes through to the end of any well-formed ledger, whatever its events say",
    arguments: 1...amount(20 as UInt64, long: 400))
  func shuffled(seed: UInt64) throws {
    let history = try Self.shuffledHistory(seed: seed)
    let recheck = try history.recheck()
    #expect(recheck.findingCount > 0, "seed \(seed)")
    #expect(recheck.examined == history.events.count, "seed \(seed)")
    #expect(try recheck.report().count > 0)
  }

  static func shuffledHistory(seed: UInt64) throws -> RecordedHistory {
    var random = SeededRandom(seed: seed)
    let made = try RandomHistory(seed: seed, steps: 60).history
    var drafts = made.events.dropFirst().map(RecordedHistory.draft)
    // Some of them twice, some not at all, in any order, and wrong numbers of modifications.
    drafts = (0..<drafts.count).map { _ in
      drafts[Int.random(in: 0..<drafts.count, using: &random)]
    }
    RecheckStory.edit(&drafts, EventPayload.recipientsResolved) { chunk in
      chunk.modification = Int.random(in: 1...4, using: &random)
    }
    RecheckStory.edit(&drafts, EventPayload.notificationAttempted) { attempt in
      attempt.modification = Int.random(in: 1...3, using: &random)
      attempt.number = Int.random(in: 1...9, using: &random)
    }
    var history = try RecordedHistory()
    while !drafts.isEmpty {
      history.advance(seconds: Int64.random(in: 0...900, using: &random))
      let part = Array(drafts.prefix(Int.random(in: 1...6, using: &random)))
      drafts.removeFirst(part.count)
      try history.record(part)
    }
    return history
  }

  @Test("names each event that was changed, whichever way", arguments: Mutation.all)
  func mutated(mutation: Mutation) throws {
    var tried = 0
    for seed in Self.mutatedSeeds {
      let history = try #require(Self.histories[seed])
      var found = 0
      for (index, commit) in history.commits.enumerated() {
        for (place, event) in commit.enumerated() where found < 3 {
          let next = place + 1 < commit.count ? commit[place + 1] : nil
          guard let changed = mutation.change(event, next, history), changed != event else {
            continue
          }
          var commits = history.commits
          commits[index][place] = changed
          let findings = try RecordedHistory.recheck(commits).findings
          let ids = mutation.showsNext ? [event.id, event.id + 1] : [event.id]
          #expect(
            findings.contains { ids.contains($0.event) },
            "seed \(seed): \(mutation) of event \(event.id), \(event.type.rawValue), isn't found")
          found += 1
        }
      }
      tried += found
    }
    #expect(tried > 0, "no event of these histories can be changed so")
  }

  private static let mutatedSeeds: [UInt64] = [5, 6]

  private static let histories: [UInt64: RecordedHistory] = {
    var all: [UInt64: RecordedHistory] = [:]
    for seed in mutatedSeeds {
      all[seed] = try? RandomHistory(seed: seed, steps: 120).history
    }
    return all
  }()
}

/// One way to change one event that leaves a well-formed ledger.
struct Mutation: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Whether the event behind it may be the one that no longer fits.
  var showsNext = false
  /// The changed event, or `nil` where this can't be done to it.
  let change: @Sendable (_ event: Event, _ next: Event?, _ history: RecordedHistory) -> Event?

  private static func of<Data: EventData>(
    _ name: String, _ payload: @escaping @Sendable (Data) -> EventPayload, showsNext: Bool = false,
    _ change: @escaping @Sendable (inout Data) -> Void
  ) -> Mutation {
    Mutation(testDescription: name, showsNext: showsNext) { event, _, _ in
      guard var data = event.payload.data as? Data else { return nil }
      change(&data)
      var event = event
      event.payload = payload(data)
      return event
    }
  }

  static let all = requests + resolutions + changes + attempts + results + envelopes

  private static let requests: [Mutation] = [
    .of("late turned over", EventPayload.dispatchRequested) { $0.isLate.toggle() },
    .of("another program's version", EventPayload.dispatchRequested) { $0.program += 1 },
    .of("another type's version", EventPayload.dispatchRequested) { $0.eventType += 1 },
    .of("another program", EventPayload.dispatchRequested) {
      $0.programID = AuditedHistory.id($0.programID.text == "1" ? "2" : "1")
    },
    .of("a start that its text isn't", EventPayload.dispatchRequested) {
      $0.start.instant = $0.start.instant.adding(seconds: 3_600)
    },
    .of("another offset of a local time", EventPayload.dispatchRequested) {
      if $0.start.text.utf8.contains(UInt8(ascii: "/")) { $0.start.offsetSeconds += 3_600 }
    },
    .of("another zone", EventPayload.dispatchRequested) {
      $0.start.zone = ZoneName("Africa/Lagos") ?? $0.start.zone
    },
    .of("an end before the start", EventPayload.dispatchRequested) {
      $0.end = $0.start
    },
    .of("another reason of a rejection", EventPayload.dispatchRejected) {
      $0.reasons[0].code = RejectionCode.userErased.word
    },
    .of("other words of a rejection", EventPayload.dispatchRejected) {
      $0.reasons[0].message += "."
    },
    .of("a reason more", EventPayload.dispatchRejected) { $0.reasons.append($0.reasons[0]) },
    .of("a reason less", EventPayload.dispatchRejected) {
      // That a time lies in a gap or comes twice is known from its reason alone.
      let times = [RejectionCode.timeInGap.word, RejectionCode.timeAmbiguous.word]
      guard let index = $0.reasons.firstIndex(where: { !times.contains($0.code) }),
        $0.reasons.count > 1
      else { return }
      $0.reasons.remove(at: index)
    },
  ]

  private static let resolutions: [Mutation] = [
    .of("a recipient less", EventPayload.recipientsResolved) {
      if !$0.recipients.isEmpty { $0.recipients.removeLast() }
    },
    .of("an exclusion less", EventPayload.recipientsResolved) {
      if !$0.exclusions.isEmpty { $0.exclusions.removeFirst() }
    },
    .of("a recipient made an exclusion", EventPayload.recipientsResolved) {
      guard let last = $0.recipients.popLast() else { return }
      $0.exclusions.append(Exclusion(userID: last.userID, user: last.user, reason: .optedOut))
      $0.exclusions.sort { $0.userID < $1.userID }
    },
    .of("another reason of an exclusion", EventPayload.recipientsResolved) {
      guard !$0.exclusions.isEmpty else { return }
      $0.exclusions[0].reason = .programExcludes
    },
    .of("a channel less", EventPayload.recipientsResolved) {
      guard let index = $0.recipients.firstIndex(where: { $0.channels.count > 1 }) else { return }
      $0.recipients[index].channels.removeLast()
    },
    .of("another version of a user", EventPayload.recipientsResolved) {
      if !$0.recipients.isEmpty { $0.recipients[0].user -= 1 }
    },
    .of("a total", EventPayload.recipientsResolved) { $0.totals?.recipients += 1 },
    .of("the count of those who weren't considered", EventPayload.recipientsResolved) {
      $0.totals?.notConsidered += 1
    },
    .of("another basis", EventPayload.recipientsResolved) {
      $0.basis = $0.basis == .rules ? .earlierRecipients : .rules
    },
    .of("a group less", EventPayload.recipientsResolved) {
      $0.userGroups = SortedSet($0.userGroups.dropLast())
    },
    .of("another chunk", EventPayload.recipientsResolved) { $0.chunk += 1 },
    .of("another modification of a chunk", EventPayload.recipientsResolved) {
      $0.modification += 1
    },
  ]

  private static let changes: [Mutation] = [
    .of("a number too high", EventPayload.dispatchEnded) { $0.modification += 1 },
    .of("a number doubled", EventPayload.dispatchCancelled) { $0.modification -= 1 },
    .of("a modify's number", EventPayload.dispatchModified) { $0.modification += 1 },
    .of("a modify's late turned over", EventPayload.dispatchModified) { $0.isLate.toggle() },
    .of("another start of a modify", EventPayload.dispatchModified) {
      $0.start.instant = $0.start.instant.adding(seconds: 60)
    },
    .of("a modify that changes nothing it may", EventPayload.dispatchModified) {
      $0.attributes = JSONObject([.init(key: "note", value: "other")])
    },
    .of("an answer's mark more", EventPayload.acknowledgementRecorded) {
      let marks = $0.marks
      let other = AcknowledgementMark.allCases.first { !marks.contains($0) }
      if let other { $0.marks = SortedSet(marks + [other]) }
    },
    .of("an answer's marks gone", EventPayload.acknowledgementRecorded) { $0.marks = [] },
    .of("an answer to a modification to come", EventPayload.acknowledgementRecorded) {
      $0.modification += 100
    },
    .of("a settlement's dispatch", EventPayload.deliverySettled) {
      $0.dispatchID = AuditedHistory.id("never")
    },
    .of("another end", EventPayload.dispatchEnded) {
      $0.end.instant = $0.end.instant.adding(seconds: 60)
    },
    .of("a change of a dispatch that never was", EventPayload.dispatchEnded) {
      $0.dispatchID = AuditedHistory.id("never")
    },
    .of("another reason of a suppression", EventPayload.notificationSuppressed) {
      $0.reason = .testMode
    },
    .of("another user of a suppression", EventPayload.notificationSuppressed) {
      $0.userID = AuditedHistory.id("nobody")
    },
    .of("a suppression on one channel", EventPayload.notificationSuppressed) {
      if $0.channel == nil { $0.channel = ChannelCode("sms") }
    },
  ]

  private static let attempts: [Mutation] = [
    .of("an attempt to a stranger", EventPayload.notificationAttempted) {
      $0.userID = AuditedHistory.id("nobody")
    },
    .of("another channel", EventPayload.notificationAttempted) {
      $0.channel = ChannelCode($0.channel.text == "sms" ? "email" : "sms") ?? $0.channel
    },
    .of("another number of a try", EventPayload.notificationAttempted) { $0.number += 1 },
    .of("another kind", EventPayload.notificationAttempted) { $0.kind = .standby },
    .of("an attempt's late turned over", EventPayload.notificationAttempted) {
      $0.isLate.toggle()
    },
    .of("an attempt's test turned over", EventPayload.notificationAttempted) {
      $0.isTest.toggle()
    },
    .of("another address", EventPayload.notificationAttempted) { $0.address += 1 },
    .of("another modification of an attempt", EventPayload.notificationAttempted) {
      $0.modification += 1
    },
    Mutation(testDescription: "an attempt of another dispatch") { event, _, history in
      guard case .notificationAttempted(var attempt) = event.payload else { return nil }
      let other = history.dispatchID(1)
      guard attempt.dispatchID != other else { return nil }
      attempt.dispatchID = other
      var event = event
      event.payload = .notificationAttempted(attempt)
      return event
    },
  ]

  private static let results: [Mutation] = [
    .of("a result of no attempt", EventPayload.deliveryRecorded) { $0.attempt = 0 },
    .of("a result of a later attempt", EventPayload.deliveryRecorded) { $0.attempt += 100_000 },
    .of("a loss of no attempt", EventPayload.deliveryUnknown) { $0.attempt = 1 },
    .of("a settlement of no attempt", EventPayload.deliverySettled) { $0.attempt = 1 },
    .of("a result that came of none before", EventPayload.deliveryRecorded) {
      if $0.unmatched == nil { $0.unmatched = 1 }
    },
    Mutation(testDescription: "an unmatched result that fits an attempt") { event, _, history in
      guard case .deliveryUnmatched(var result) = event.payload,
        let attempt = history.events.first(where: { $0.type == .notificationAttempted }),
        attempt.id < event.id
      else { return nil }
      result.attempt = attempt.id
      var event = event
      event.payload = .deliveryUnmatched(result)
      return event
    },
    .of("a retry that can't be", EventPayload.deliveryRecorded) {
      if $0.isRetryable == false { $0.isRetryable = true }
    },
    Mutation(testDescription: "a failure made a success", showsNext: true) { event, next, _ in
      guard case .deliveryRecorded(var result) = event.payload, result.outcome == .failed,
        next?.type == .notificationDeferred
      else { return nil }
      result.outcome = .delivered
      var event = event
      event.payload = .deliveryRecorded(result)
      return event
    },
    Mutation(testDescription: "another settlement by the program") { event, _, _ in
      // What an operator has decided could have been decided otherwise.
      guard case .deliverySettled(var settled) = event.payload,
        settled.reason.hasPrefix("program ")
      else { return nil }
      settled.decision = .abandon
      var event = event
      event.payload = .deliverySettled(settled)
      return event
    },
    .of("another time of a retry", EventPayload.notificationDeferred) {
      $0.until = $0.until.adding(seconds: 1)
    },
    .of("another reason of a retry", EventPayload.notificationDeferred) {
      $0.reason = .rateLimited
    },
  ]

  private static let envelopes: [Mutation] = [
    Mutation(testDescription: "no decider") { event, _, _ in
      guard event.decider != nil else { return nil }
      var event = event
      event.decider = nil
      return event
    },
    Mutation(testDescription: "another cause") { event, _, _ in
      guard let cause = event.causation else { return nil }
      var event = event
      event.causation = cause + 1
      return event
    },
    Mutation(testDescription: "another correlation") { event, _, _ in
      guard event.correlation != nil else { return nil }
      var event = event
      event.correlation = "d-0"
      return event
    },
    Mutation(testDescription: "a key that was used before") { event, _, history in
      guard let key = event.idempotencyKey, key != "key-1" else { return nil }
      var event = event
      event.idempotencyKey = "key-1"
      return event
    },
  ]
}
