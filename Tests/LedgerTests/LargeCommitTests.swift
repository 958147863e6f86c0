import Dispatching
import EventLog
import Ledger
import Platform
import Testing

@Suite("Commits so large that the views take them while they become durable")
struct LargeCommitTests {
  let directory: TemporaryLedger

  init() throws { directory = try TemporaryLedger() }

  private func observations(_ count: Int) throws -> [Command] {
    try (0..<count).map { number in
      let line = #"{"command":"observe","signal":"load-\#(number % 7)","value":"\#(number).5"}"#
      return try Command(parsing: Array(line.utf8))
    }
  }

  @Test("are in the log and the views as smaller ones are")
  func views() throws {
    _ = try directory.withCatalogue()
    let ledger = try directory.open()
    let receipt = try ledger.submit(Call(try observations(1_000)), key: "many", batch: 300)
    #expect(receipt.batches.count == 4)
    #expect(try ledger.differenceFromLog(upTo: ledger.takeTurn().durable) == nil)
    let repeated = try ledger.submit(Call(try observations(1_000)), key: "many", batch: 300)
    #expect(repeated.isRepeated)
  }

  @Test("leave no trace in the views where their sync fails")
  func failedSync() throws {
    _ = try directory.withCatalogue()
    let storage = try FailingStorage(directory.path)
    let ledger = try Ledger(
      LedgerPath(directory.path), in: storage, surroundings: .system(actor: "user:test@host"))
    let commands = try observations(300)
    _ = try ledger.submit(commands, key: "good")
    let durable = try ledger.takeTurn().durable
    storage.failSyncs(5)
    do {
      _ = try ledger.submit(commands, key: "bad")
      Issue.record("a sync that failed was taken for one that didn't")
    } catch {
      guard case .log(.outcomeUnknown(let failure)) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(failure.code == 5)
    }
    #expect(try ledger.differenceFromLog(upTo: durable) == nil)
    // The bytes are there, as it happens: whoever opens next takes them.
    let next = try directory.open()
    let turn = try next.takeTurn()
    #expect(turn.size == durable.size + 300)
    #expect(try next.differenceFromLog(upTo: turn.durable) == nil)
  }
}
