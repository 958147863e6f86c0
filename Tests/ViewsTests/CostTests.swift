import Events
import Foundation
import Simulation
import Testing
import Dispatching
import Views

/// What things cost, printed and not judged: a busy machine would fail any limit.
@Suite("What views cost", .serialized)
struct CostTests {
  /// A program of 256 users and `count` dispatches, each of which notifies all of them; `take` gets
  /// the commits by the ten thousand.
  private func deliver(
    _ count: Int, _ take: ([TestCommit]) throws -> Void
  ) rethrows -> TestLog {
    var log = TestLog()
    let users = (0..<256).map { EntityID.numbered("u-", $0) }
    log.append([Sample.program(), Sample.group(), Sample.eventType()])
    for user in users { log.append([Sample.user(user, channels: ["email", "sms"])]) }
    for number in 0..<count {
      let dispatch = EntityID.numbered("01938c2e-5b00-7c3a-9f10-2f6d1f2a", number)
      log.append(
        [Sample.request(dispatch), Sample.resolved(dispatch, users: users)], key: "k\(number)")
      let first = log.next
      log.append(users.map { Sample.attempted(dispatch, user: $0) })
      for attempt in first..<first + 256 {
        log.append([
          Sample.result(
            of: attempt, .accepted, .acceptedByProvider, dispatch: dispatch,
            providerID: "SM\(attempt)")
        ])
      }
      if log.commits.count >= 10_000 { try take(log.drain()) }
    }
    try take(log.drain())
    return log
  }

  private func microseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1_000
  }

  @Test("An event applied, in transactions of ten thousand commits")
  func applying() throws {
    // 2,000 make a million events.
    let count = amount(40, long: 2_000)
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let store = try ViewStore(.file(path))
      try store.create()
      var applying = 0.0
      let log = try deliver(count) { commits in
        applying += try microseconds { try store.take(commits) }
      }
      let events = Double(log.next)
      print("COST apply: \(applying / events) us an event, of \(events)")
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
      print("COST size: \(Double(size) / events) bytes an event")
      let digest = try microseconds { _ = try store.contentDigest() }
      print("COST digest: \(digest / events) us an event")
      let integrity = try microseconds { _ = try store.damage() }
      print("COST integrity_check: \(integrity / 1_000) ms")
    }
  }

  @Test("Each type of event applied")
  func applyingByType() throws {
    let store = try ViewStore.empty()
    var costs: [EventType: (total: Double, count: Int)] = [:]
    _ = try deliver(10) { commits in
      for commit in commits {
        try store.begin()
        for (event, location) in zip(commit.events, commit.locations) {
          let cost = try microseconds { try store.apply(event, at: location, commit: commit.ids) }
          costs[event.type, default: (0, 0)].total += cost
          costs[event.type, default: (0, 0)].count += 1
        }
        try store.commit(commit.end)
      }
    }
    for type in EventType.allCases {
      guard let cost = costs[type] else { continue }
      print("COST \(type.rawValue): \(cost.total / Double(cost.count)) us")
    }
  }

  @Test("A one-shot command: open, see the condition, look one thing up, apply one commit")
  func oneShot() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      var log: TestLog
      do {
        let store = try ViewStore(.file(path))
        try store.create()
        log = try deliver(20) { try store.take($0) }
      }
      var steps: [(name: String, total: Double)] = [
        ("open", 0), ("condition", 0), ("look-up", 0), ("apply", 0), ("commit", 0), ("close", 0),
      ]
      let rounds = 200
      for round in 0..<rounds {
        let more = log.append([
          Sample.request(.numbered("n-", round)),
          Sample.resolved(.numbered("n-", round), users: ["u-0001"]),
        ])
        var store: ViewStore?
        steps[0].total += try microseconds { store = try ViewStore(.file(path)) }
        steps[1].total += microseconds { _ = store?.condition(next: 0, root: .zero) }
        steps[2].total += try microseconds { _ = try store?.catalogue.programs.find("p") }
        try store?.begin()
        steps[3].total += try microseconds { try store?.apply(more) }
        steps[4].total += try microseconds { try store?.commit(more.end) }
        steps[5].total += microseconds { store = nil }
      }
      for step in steps { print("COST one-shot \(step.name): \(step.total / Double(rounds)) us") }
    }
  }

  @Test("What is due is found without looking at what isn't")
  func due() throws {
    let store = try ViewStore.empty()
    var log = try deliver(20) { try store.take($0) }
    try store.take([log.append([Sample.request("n"), Sample.resolved("n")])])
    var found = 0
    let cost = try microseconds {
      for _ in 0..<100 { found += try store.notices.due(at: .minute(100_000)).count }
    }
    #expect(found == 100)
    print("COST due: \(cost / 100) us for one of \(20 * 256 + 1) notices")
  }
}
