import Bytes
import Dispatching
import EventLog
import Events
import Foundation
import Ledger
import Platform
import Testing
import Views

@Suite("Calls that share a sync")
struct CommitGroupTests {
  let directory: TemporaryLedger

  init() throws { directory = try TemporaryLedger() }

  private func call(
    _ line: String, key: String, expected: UInt64? = nil, actor: String = "user:one@host"
  ) throws -> GroupedCall {
    GroupedCall(
      commands: [try Command(parsing: Array(line.utf8))], entries: 1, key: key,
      expected: expected, actor: actor)
  }

  private func observe(_ key: String, expected: UInt64? = nil) throws -> GroupedCall {
    try call(
      #"{"command":"observe","signal":"load","value":"42.5"}"#, key: key, expected: expected)
  }

  private func request() -> String {
    #"{"command":"dispatch","request":\#(TemporaryLedger.openRequest)}"#
  }

  private func events(_ answer: GroupedAnswer) -> ClosedRange<UInt64>? {
    if case .done(let batch, _) = answer { batch.events } else { nil }
  }

  private func failure(_ answer: GroupedAnswer) -> LedgerError? {
    if case .failed(let error) = answer { error } else { nil }
  }

  @Test("each is decided on all before it, and is a commit of its own with its own root")
  func order() throws {
    let group = try CommitGroup(directory.open())
    let catalogue = TemporaryLedger.catalogue.replacingOccurrences(of: "\n", with: "")
    let answers = group.perform([
      try call(request(), key: "early"),
      try call(#"{"command":"import","catalogue":\#(catalogue)}"#, key: "catalogue"),
      try call(request(), key: "late", actor: "user:two@host"),
    ])
    group.settle(isIdle: true)
    let ranges = answers.compactMap { events($0) }
    #expect(ranges.count == 3)
    #expect(ranges.map(\.lowerBound) == [1, ranges[0].upperBound + 1, ranges[1].upperBound + 1])
    guard case .done(let rejected, _) = answers[0], case .done(let accepted, let place) = answers[2]
    else { return }
    #expect(CallReceipt(rejected).hasRejection && !CallReceipt(accepted).hasRejection)
    let ledger = try Ledger(
      LedgerPath(directory.path), surroundings: .system(), usesServer: false)
    let reader = try LogReader(ledger.storage, identity: ledger.identity)
    var cursor = reader.events(from: ranges[2].lowerBound, hint: place)
    let stored = try #require(try cursor.read())
    #expect(stored.commit.first == ranges[2].lowerBound && stored.commit.root == accepted.root)
    let event = try Event(decoding: stored.line)
    #expect(event.actor == "user:two@host" && event.idempotencyKey == "late")
    try group.close()
  }

  @Test("a key that another of the same group has is answered as that one, or refused")
  func keys() throws {
    let group = try CommitGroup(directory.withCatalogue())
    let answers = group.perform([
      try observe("k"), try observe("k"), try call(request(), key: "k"), try observe("k/2"),
    ])
    let first = try #require(events(answers[0]))
    guard case .earlier(let row, let entries) = answers[1] else {
      Issue.record("not answered as the first")
      return
    }
    #expect(row.first == first.lowerBound && row.last == first.upperBound && entries == 1)
    if case .keyReused("k", first.lowerBound)? = failure(answers[2]) {
    } else {
      Issue.record("another call with the same key was taken")
    }
    #expect(events(answers[3])?.lowerBound == first.upperBound + 1)
    try group.close()
  }

  @Test("an expected size counts what is decided before it in the group")
  func expectation() throws {
    let group = try CommitGroup(directory.withCatalogue())
    let size = group.durable.size
    let answers = group.perform([
      try observe("a", expected: size), try observe("b", expected: size),
      try observe("c", expected: size + 1),
    ])
    #expect(events(answers[0])?.lowerBound == size)
    if case .unexpectedSize(size, let found)? = failure(answers[1]) {
      #expect(found == size + 1)
    } else {
      Issue.record("an outdated size was taken")
    }
    #expect(events(answers[2])?.lowerBound == size + 1)
    try group.close()
  }

  @Test("several commands of one call and a correction of an event that isn't durable yet")
  func inOneGroup() throws {
    let group = try CommitGroup(directory.withCatalogue())
    let size = group.durable.size
    let two = GroupedCall(
      commands: [
        try Command(parsing: Array(request().utf8)), try Command(parsing: Array(request().utf8)),
      ], entries: 2, key: "two", expected: nil, actor: "user:one@host")
    let answers = group.perform([
      try observe("a"), two,
      try call(#"{"command":"correct","event":"\#(size)","reason":"r"}"#, key: "correct"),
      try call(#"{"command":"correct","event":"\#(size + 99)","reason":"r"}"#, key: "none"),
    ])
    #expect(events(answers[1]) == size + 1...size + 4)
    #expect(events(answers[2]) == size + 5...size + 5)
    if case .notFound? = failure(answers[3]) {} else { Issue.record("no such event was found") }
    group.settle(isIdle: true)
    try group.close()
    #expect(try directory.open().differenceFromLog(upTo: group.durable) == nil)
  }

  @Test("a sync that fails leaves all of the group unknown, and nothing is taken any more")
  func failedSync() throws {
    _ = try directory.withCatalogue()
    let storage = try FailingStorage(directory.path)
    let ledger = try Ledger(
      LedgerPath(directory.path), in: storage, surroundings: .system(actor: "user:test@host"))
    let group = try CommitGroup(ledger)
    let durable = group.durable.size
    #expect(events(group.perform([try observe("good")])[0]) != nil)
    group.settle(isIdle: false)
    storage.failSyncs(5)
    let answers = group.perform([
      try observe("a"), try observe("good"), try observe("b"), try observe("a"),
    ])
    for index in [0, 2, 3] {
      if case .log(.outcomeUnknown(let error))? = failure(answers[index]) {
        #expect(error.code == 5)
      } else {
        Issue.record("answer \(index) isn't unknown")
      }
    }
    // What was durable before stays so.
    if case .earlier(let row, _) = answers[1] {
      #expect(row.first == durable)
    } else {
      Issue.record("an older answer was taken back")
    }
    #expect(group.failure != nil)
    #expect(failure(group.perform([try observe("c")])[0]) != nil)
    #expect(throws: LedgerError.self) { try group.close() }
  }

  @Test("without room the commits that were cut are absent, and whole ones before are unknown")
  func noRoom() throws {
    _ = try directory.withCatalogue()
    for room in [0, 300, 800, 1_100] {
      let storage = try FailingStorage(directory.path)
      let ledger = try Ledger(
        LedgerPath(directory.path), in: storage, surroundings: .system(actor: "user:test@host"))
      do {
        let group = try CommitGroup(ledger)
        storage.failWrites(28, after: room)
        let answers = group.perform([
          try observe("a/\(room)"), try observe("b/\(room)"), try observe("c/\(room)"),
        ])
        var kinds = ""
        for answer in answers {
          switch failure(answer) {
          case .log(.outcomeUnknown)?: kinds += "u"
          case .log(.notWritten)?: kinds += "n"
          default: kinds += "?"
          }
        }
        #expect(kinds == (room < 800 ? "nnn" : "unn"), "\(room)")
      }
      // Whoever opens next finds a log that ends well, and what was unknown in it or not.
      let next = try directory.open()
      let size = try next.takeTurn().size
      for key in ["b", "c"] where try next.views.idempotencyKeys.find("\(key)/\(room)") != nil {
        Issue.record("\(key) was said to be absent, and is there")
      }
      #expect(size > 0)
    }
  }

  @Test("views that another process keeps locked stop decisions that need them, and lose nothing")
  func lockedViews() throws {
    let ledger = try directory.withCatalogue()
    let group = try CommitGroup(ledger)
    let other = try Database(.file(directory.path + "/index/views.db"))
    try other.begin()
    #expect(events(group.perform([try observe("a")])[0]) != nil)
    group.settle(isIdle: false)
    let refused = group.perform([try observe("b")])[0]
    if case .views? = failure(refused) {} else { Issue.record("decided on views that are behind") }
    try other.commit()
    let answers = group.perform([try observe("b"), try observe("a")])
    #expect(events(answers[0]) != nil)
    if case .earlier = answers[1] {} else { Issue.record("a key was forgotten") }
    group.settle(isIdle: true)
    try group.close()
    #expect(try directory.open().differenceFromLog(upTo: group.durable) == nil)
  }

  @Test("each command comes back from its canonical form as what it was")
  func roundTrips() throws {
    for line in [
      request(), #"{"command":"observe","signal":"load","value":"42.5","unit":"MW"}"#,
      #"{"command":"dispatch","request":{"program_id":"1","event_type_id":"1","start_time":"2099-08-27T21:04:00Z","test":true,"attributes":{"x":[1,{"y":null}]},"note":"n"}}"#,
      #"{"command":"opt-out","user_id":"u-1","channel":"sms"}"#,
      #"{"command":"enroll","user_id":"u-1","program_id":1,"at":"2026-01-01T00:00:00Z"}"#,
      #"{"command":"modify","dispatch_id":"x","open_ended":true,"reason":"r"}"#,
      #"{"command":"erase","user_id":"u-1","reason":"r"}"#,
      #"{"command":"import","catalogue":\#(TemporaryLedger.catalogue)}"#
        .replacingOccurrences(of: "\n", with: ""),
    ] {
      let command = try Command(parsing: Array(line.utf8))
      let again = try Command(parsing: JSON.object(command.document).canonicalBytes)
      #expect(again == command, "\(line)")
    }
  }
}
