import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Testing
import Views

@Suite("A moment of history", .timeLimit(.minutes(30)))
struct HistoryPointTests {
  private func reader(_ commits: some Sequence<[Event]>) throws -> LogReader {
    try LogReader(
      try RecordedHistory.disk(Array(commits)), identity: AuditedHistory.identity)
  }

  private func texts(_ reader: LogReader, at point: HistoryPoint? = nil) throws -> [String] {
    try Replay(reader, at: point).transactionLogs().map(\.text)
  }

  private func digest(_ reader: LogReader, at point: HistoryPoint? = nil) throws -> Digest {
    try AuditViews(reader, at: point).store.contentDigest()
  }

  @Test(
    "as of any event is what replay and the views gave when its commit was the last",
    arguments: [21, 22] as [UInt64])
  func everyCommit(seed: UInt64) throws {
    let history = try RandomHistory(seed: seed, steps: 25).history
    let whole = try reader(history.commits)
    for (index, commit) in history.commits.enumerated() {
      let then = try reader(history.commits.prefix(index + 1))
      let (texts, digest) = (try texts(then), try digest(then))
      for id in Set([commit[0].id, commit[commit.count / 2].id, commit[commit.count - 1].id]) {
        #expect(try self.texts(whole, at: .event(id)) == texts, "seed \(seed), event \(id)")
        #expect(try self.digest(whole, at: .event(id)) == digest, "seed \(seed), event \(id)")
      }
      let moment = try AuditViews(whole, at: .event(commit[0].id)).moment
      #expect(moment == commit[0].time)
      let recheck = try RecordedHistory.recheck(history.commits, at: .event(commit[0].id))
      #expect(recheck.size == then.size && recheck.findings == [], "seed \(seed)")
    }
  }

  @Test("as of a time has all that was recorded up to it, whole commits at once")
  func everyTime() throws {
    let history = try RandomHistory(seed: 23, steps: 25).history
    let whole = try reader(history.commits)
    for time in Set(history.commits.map { $0[0].time }) {
      for (point, time) in [(time, time), (time.adding(seconds: -1), time.adding(seconds: -1))] {
        let then = try reader(history.commits.prefix { $0[0].time <= time })
        #expect(try texts(whole, at: .recorded(point)) == texts(then))
        #expect(try digest(whole, at: .recorded(point)) == digest(then))
      }
    }
    #expect(throws: AuditError.self) { try texts(whole, at: .event(whole.size)) }
    #expect(throws: AuditError.self) { try digest(whole, at: .event(whole.size)) }
  }

  @Test("known at a time leaves out what had been recorded and hadn't happened")
  func known() throws {
    var history = try RecordedHistory()
    history.advance(seconds: 60)
    try history.perform(RecordedHistory.importing(RecheckStory.catalogue))
    let user = AuditedHistory.id("u-1")
    let soon = history.now.adding(seconds: 600)
    try history.record(
      .userEnrolled(UserEnrolled(userID: user, programID: AuditedHistory.id("1"), at: soon)))
    try history.request("11/23/2026 21:04")
    history.advance(seconds: 60)
    let ahead = history.now.adding(seconds: 300)
    try history.deliver { _ in .reported(.accepted, .acceptedByProvider, at: ahead) }
    let whole = try reader(history.commits)

    func intervals(_ point: HistoryPoint) throws -> Int {
      try AuditViews(whole, at: point).store.enrollments.programs(of: user)
        .flatMap(\.intervals).count
    }
    #expect(try intervals(.recorded(soon.adding(seconds: -1))) == 1)
    #expect(try intervals(.known(soon.adding(seconds: -1))) == 0)
    #expect(try intervals(.known(soon)) == 1)

    func results(_ point: HistoryPoint) throws -> Int {
      let log = try #require(try Replay(whole, at: point).transactionLogs().first)
      return log.lines.count { $0.contains(" delivery.recorded.v1 ") }
    }
    #expect(try results(.recorded(history.now)) == 3)
    #expect(try results(.known(history.now)) == 0)
    #expect(try results(.known(ahead)) == 3)
    #expect(try texts(whole, at: .known(ahead.adding(seconds: 600))) == texts(whole))
  }
}
