import Audit
import Bytes
import Dispatching
import Events
import Simulation
import Testing

@Suite("The history of dispatches that exports tell")
struct DispatchHistoryTests {
  @Test("It knows of every notice what a recheck knows", arguments: 0..<12 as Range<UInt64>)
  func agrees(seed: UInt64) throws {
    let many = seed % 3 == 2
    let made = try RandomHistory(
      seed: 400 + seed, steps: many ? 60 : 200, users: many ? 60 : 24, strays: seed % 2 == 1)
    var history = DispatchHistory()
    for event in made.history.events { history.take(event) }
    let recheck = try made.history.recheck()
    let horizon = try #require(made.history.events.last?.time)
    var count = 0
    for account in try recheck.allAccounts() {
      let stream = try #require(history.stream(of: account.id))
      #expect(stream.dispatch?.start == account.start)
      #expect(stream.dispatch?.modification == account.modifications.count)
      for expected in account.modifications {
        let modification = stream.modification(expected.number)
        #expect(modification?.deadline == expected.deadline)
        #expect(modification?.recipients ?? 0 == expected.recipients)
        #expect(modification?.exclusions ?? 0 == expected.exclusions)
        for told in expected.told {
          let known = try #require(modification)
          let notice = try #require(known.notice(to: told.userID))
          #expect(history.told(notice, of: known, by: horizon) == told, "seed \(400 + seed)")
          count += 1
        }
      }
    }
    #expect(count > 50)
  }
}
