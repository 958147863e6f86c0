import Audit
import Bytes
import Dispatching
import Events
import Ledger
import Testing

/// What is due is executed once, wherever whoever looked at it died.
@Suite("What is due fires once")
struct OnceOnlyTests {
  /// A rule that makes dispatches of 700 recipients, and a dispatch that waits, both due now.
  private func due() throws -> RecordedHistory {
    var history = try RecordedHistory()
    history.advance(seconds: 60)
    let users = (0..<700).map {
      #"{"id":"u-\#($0)","name":"N","user_group_ids":["g"],"contacts":{"email":"n@example.com"}}"#
    }
    try history.perform(
      RecordedHistory.importing(
        """
        {"programs":[{"id":"1","name":"P","time_zone":"UTC","communication_codes":["email"]}],
         "event_types":[{"id":"1","name":"E","user_group_ids":["g"]}],
         "user_groups":[{"id":"g","name":"G"}],"users":[\(users.joined(separator: ","))],
         "rules":[{"id":"r","program_id":"1","if":"a < 1","request":{"event_type_id":"1"}}]}
        """))
    try history.request("2026-11-24T09:00:00Z", members: #","execute_if":"a < 1""#)
    history.advance(seconds: 60)
    try history.perform(RecordedHistory.observing("a", "0"))
    return history
  }

  @Test("over a crash after any number of events of it, in memory and through the views")
  func crashes() throws {
    var before = try due()
    for done in 0...1 {
      let decided = try before.decider().decideDue(limit: 9)
      // What of a decision is durable at all holds its first chunk.
      for count in [0] + Array((done == 0 ? 3 : 2)...decided.count) {
        var history = before
        if count > 0 { try history.record(Array(decided.prefix(count))) }
        try restart(&history, dispatches: done == 0 && count == 0 ? 1 : 2, "\(done), \(count)")
      }
      try before.record(decided)
    }
    #expect(try before.decider().decideDue(limit: 9).isEmpty)
  }

  /// Goes on with what the log alone says, and finds everything executed once.
  private func restart(
    _ history: inout RecordedHistory, dispatches: Int, _ trace: String
  ) throws {
    history = .copy(of: history.commits, at: history.now, dispatches: dispatches)
    var folds = try Folds(history.events, trace)
    for commit in history.commits { try folds.take(commit) }
    try folds.compareWaiting()
    for progress in history.state.unfinishedResolutions() {
      try history.record(try history.decider().finish(progress))
    }
    try history.look()
    let triggered = history.events.filter { $0.type == .dispatchTriggered }
    #expect(triggered.count == 2, "\(trace)")
    #expect(Set(triggered.map(\.subject)).count == 2, "\(trace)")
    #expect(history.state.unfinishedResolutions().isEmpty)
    #expect(try history.recheck().findings == [], "\(trace)")
    #expect(try history.decider().decideDue(limit: 9).isEmpty)
    let notices = (1...3).flatMap {
      history.state.notices(of: history.dispatchID($0), modification: 1)
    }
    #expect(notices.count == 1_400, "\(trace)")
  }
}
