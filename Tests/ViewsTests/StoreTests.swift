import Bytes
import Events
import Foundation
import Simulation
import Testing
import Dispatching
import Views

@Suite("Views and the log that they are made from")
struct StoreTests {
  @Test(
    "One transaction, many, and some that are taken back give the same content",
    arguments: 1...amount(4 as UInt64, long: 60))
  func sameContent(seed: UInt64) throws {
    let commits = History(seed: seed, commits: 1_500).log.commits
    let atOnce = try ViewStore.empty()
    try atOnce.take(commits)
    let oneByOne = try ViewStore.empty()
    for commit in commits { try oneByOne.take([commit]) }
    #expect(try atOnce.contentDigest() == oneByOne.contentDigest(), "seed \(seed)")
    #expect(try atOnce.firstDifference(from: oneByOne) == nil)

    var random = SeededRandom(seed: seed)
    let takenBack = try ViewStore.empty()
    var rest = commits[...]
    while !rest.isEmpty {
      let group = rest.prefix(Int.random(in: 1...9, using: &random))
      try takenBack.begin()
      for commit in group { try takenBack.apply(commit) }
      if Bool.random(using: &random) {
        takenBack.rollback()
        continue
      }
      try takenBack.commit(group[group.endIndex - 1].end)
      rest = rest.dropFirst(group.count)
    }
    #expect(try takenBack.contentDigest() == atOnce.contentDigest(), "seed \(seed)")
    #expect(try atOnce.damage().isEmpty)
    #expect(!takenBack.isInTransaction)
  }

  @Test(
    "Views read from their text are the same, and write the same text; a changed text isn't taken",
    arguments: 1...amount(3 as UInt64, long: 30))
  func text(seed: UInt64) throws {
    let store = try ViewStore.empty()
    try store.take(History(seed: seed, commits: 800).log.commits)
    func text(_ store: ViewStore) throws -> [UInt8] {
      var text: [UInt8] = []
      #expect(
        try store.writeText { piece in
          text += piece
          return true
        })
      return text
    }
    func load(_ text: [UInt8], into store: ViewStore) throws {
      var rest = text[...]
      try store.load {
        let piece = rest.prefix(1_000)
        rest = rest.dropFirst(1_000)
        return Array(piece)
      }
    }
    let whole = try text(store)
    let copy = try ViewStore(.memory)
    try load(whole, into: copy)
    #expect(try copy.firstDifference(from: store) == nil)
    #expect(try text(copy) == whole)
    #expect(try copy.damage().isEmpty)
    // What fails leaves what was there.
    let digest = try copy.contentDigest()
    for cut in [0, 7, whole.count / 3, whole.count - 1] {
      #expect(throws: ViewError.self) { try load(Array(whole[..<cut]), into: copy) }
    }
    #expect(throws: ViewError.self) { try load(whole + [0x0A], into: copy) }
    let version = try #require(
      String(decoding: whole, as: UTF8.self).range(of: "t9:catalogue" + "i1;"))
    let other = String(decoding: whole, as: UTF8.self)
      .replacingCharacters(in: version, with: "t9:cataloguei7;")
    #expect(throws: ViewError.otherText(table: "projection")) {
      try load(Array(other.utf8), into: copy)
    }
    #expect(try copy.contentDigest() == digest)
  }

  @Test(
    "After any history the books balance, and only pending notices are due",
    arguments: 1...amount(4 as UInt64, long: 60))
  func booksBalance(seed: UInt64) throws {
    let store = try ViewStore.empty()
    try store.take(History(seed: seed, commits: 1_500).log.commits)
    var due: Set<NoticeKey> = []
    var open: [EventID] = []
    var unknown: [EventID] = []
    for dispatch in try store.dispatches.list() {
      for number in 1...dispatch.modification {
        let notices = try store.notices.list(of: dispatch.id, modification: number)
        let counts = try store.notices.counts(of: dispatch.id, modification: number)
        let resolution = try #require(
          try store.resolutions.find(dispatch.id, modification: number))
        #expect(counts.total == notices.count)
        #expect(counts.total == resolution.recipients)
        #expect(
          try store.resolutions.exclusions(of: dispatch.id, modification: number).count
            == resolution.exclusions)
        for notice in notices {
          let standing = notice.standing
          #expect((standing.dueAt != nil) == (standing.state == .pending))
          #expect((standing.reason != nil) == (standing.state == .suppressed))
          if standing.dueAt != nil { due.insert(notice.key) }
          let attempts = try store.attempts.list(of: notice.key)
          #expect(attempts.count == standing.attempts)
          #expect(attempts.last?.event == standing.lastAttempt)
          if attempts.contains(where: { $0.standing.fate.isTold }) {
            #expect(standing.state == .notified, "seed \(seed), \(notice.key)")
          }
        }
      }
      for attempt in try store.attempts.list(of: dispatch.id) {
        if attempt.standing.fate == .open { open.append(attempt.event) }
        if attempt.standing.fate == .unknown { unknown.append(attempt.event) }
      }
    }
    #expect(try store.attempts.open().map(\.event) == open.sorted())
    #expect(try store.attempts.unknown().map(\.event) == unknown.sorted())
    let found = try store.notices.due(at: .minute(1_000_000))
    #expect(Set(found.map(\.key)) == due)
    #expect(
      found.map(\.standing.dueAt)
        == found.map(\.standing.dueAt).sorted { ($0 ?? .day) < ($1 ?? .day) })
  }

  @Test("Every documented event is taken, whatever the views know of what it names")
  func everyEvent() throws {
    let document = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../ledger/EVENTS.md")
    var log = TestLog()
    for line in try String(contentsOf: document, encoding: .utf8).split(separator: "\n") {
      if line.hasPrefix("{\"actor\"") {
        log.append([try Event(decoding: Array(line.utf8)).payload])
      }
    }
    #expect(Set(log.commits.flatMap(\.events).map(\.type)) == Set(EventType.allCases))
    for order in [log.commits.flatMap(\.events), log.commits.flatMap(\.events).reversed()] {
      var again = TestLog()
      for event in order { again.append([event.payload]) }
      let store = try ViewStore.empty()
      try store.take(again.commits)
      #expect(try store.typeCounts.list().reduce(0) { $0 + $1.events } == order.count)
      #expect(try store.cursor() == again.commits.last?.end)
    }
  }

  @Test("What is decided and not yet durable is seen within the transaction, and gone with it")
  func overlay() throws {
    let store = try ViewStore.empty()
    var log = TestLog()
    let commit = log.append([Sample.program(), Sample.request()], key: "k")
    try store.begin()
    try store.apply(commit)
    #expect(try store.dispatches.find("d") != nil)
    #expect(try store.idempotencyKeys.find("k") != nil)
    store.rollback()
    #expect(try store.dispatches.find("d") == nil)
    #expect(try store.idempotencyKeys.find("k") == nil)
    #expect(try store.cursor() == .start)
    #expect(try store.typeCounts.list().isEmpty)
    store.rollback()
  }

  @Test("An event that isn't the next one is refused, and so is a cursor")
  func outOfOrder() throws {
    let store = try ViewStore.empty()
    var log = TestLog()
    let first = log.append([Sample.program()])
    let second = log.append([Sample.group()])
    try store.begin()
    #expect(throws: ViewError.outOfOrder(expected: 0, found: 1)) { try store.apply(second) }
    try store.apply(first)
    #expect(throws: ViewError.outOfOrder(expected: 1, found: 0)) { try store.apply(first) }
    #expect(throws: ViewError.outOfOrder(expected: 1, found: 2)) { try store.commit(second.end) }
    try store.commit(first.end)
    #expect(try store.cursor() == first.end)
  }

  @Test("A key names its hash, its events and where the first one stands")
  func keys() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.program())
    let first = try fixture.append(Sample.request(), Sample.resolved(), key: "k")
    let row = try #require(try fixture.store.idempotencyKeys.find("k"))
    #expect(row.hash == .test(1))
    #expect(row.first == first)
    #expect(row.last == first + 1)
    #expect(row.size == first + 2)
    #expect(row.location == fixture.log.commits.last?.locations.first)
    #expect(try fixture.store.idempotencyKeys.find("K") == nil)
    // No call puts its key on two commits; should one stand there, it covers both.
    try fixture.append(Sample.request("d2"), key: "k")
    let longer = try #require(try fixture.store.idempotencyKeys.find("k"))
    #expect(longer.first == first)
    #expect(longer.last == first + 2)
    #expect(longer.location == row.location)
  }

  @Test("Keys are found in the order of their bytes, between bounds that aren't part of it")
  func keysBetween() throws {
    var fixture = try Fixture()
    for key in ["k", "k/2", "k/10", "k0", "l"] { try fixture.append(Sample.program(), key: key) }
    let keys = fixture.store.idempotencyKeys
    #expect(try keys.first(after: "k/", before: "k0")?.key == "k/10")
    #expect(try keys.first(after: "k/10", before: "k0")?.key == "k/2")
    #expect(try keys.first(after: "k/2", before: "k0") == nil)
  }

  @Test("Every event is found where its stream says that it stands", arguments: [7 as UInt64])
  func streams(seed: UInt64) throws {
    let commits = History(seed: seed, commits: 400).log.commits
    let store = try ViewStore.empty()
    try store.take(commits)
    var expected: [Subject: [StreamEvent]] = [:]
    for commit in commits {
      for (event, location) in zip(commit.events, commit.locations) {
        expected[event.subject, default: []].append(
          StreamEvent(id: event.id, location: location))
        #expect(try store.streams.location(of: event.id, about: event.subject) == location)
      }
    }
    for (subject, events) in expected {
      #expect(try store.streams.events(of: subject) == events)
      #expect(try store.streams.count(of: subject) == events.count)
    }
    #expect(try store.streams.events(of: .rule("none")).isEmpty)
    #expect(try store.streams.location(of: 0, about: .rule("none")) == nil)
  }

  @Test("A quarantined file is named by its event, or by none")
  func quarantine() throws {
    var fixture = try Fixture()
    let event = try fixture.append(Sample.recovered("b"), Sample.recovered("a"))
    let files = fixture.store.quarantineFiles
    #expect(try files.find("b") == event)
    #expect(try files.find("c") == nil)
    #expect(try files.list().map(\.recovered.file) == ["a", "b"])
  }

  @Test("Events are counted by type")
  func counts() throws {
    var fixture = try Fixture()
    try fixture.append(Sample.program(), Sample.program("q"), Sample.group())
    try fixture.append(Sample.group())
    let counts = try fixture.store.typeCounts.list()
    #expect(counts.map(\.type) == [.programDefined, .userGroupDefined])
    #expect(counts.map(\.events) == [2, 2])
  }

  @Test("The first row that differs is named by table and key")
  func difference() throws {
    var one = try Fixture()
    var other = try Fixture()
    for fixture in [one, other] {
      #expect(try fixture.store.contentDigest() == one.store.contentDigest())
    }
    try one.append(Sample.user("u-1"), Sample.request("d"))
    try other.append(Sample.user("u-1", channels: ["email"]), Sample.request("d"))
    var difference = try #require(try one.store.firstDifference(from: other.store))
    #expect(difference.table == "user")
    #expect(difference.key == ["u-1"])
    #expect(difference.here != nil && difference.there != nil)
    #expect(try one.store.contentDigest() != other.store.contentDigest())

    let more = one.log.append([Sample.user("u-0")])
    try one.store.take([more])
    difference = try #require(try one.store.firstDifference(from: other.store))
    #expect(difference.key == ["u-0"])
    #expect(difference.there == nil)
  }

  @Test("A row that only one side has is missing on the other")
  func missing() throws {
    let one = try ViewStore.empty()
    let other = try ViewStore.empty()
    var left = TestLog()
    try one.take([left.append([Sample.user("u-1"), Sample.user("u-2")])])
    var right = TestLog()
    try other.take([right.append([Sample.user("u-2"), Sample.user("u-3")])])
    let difference = try #require(try one.firstDifference(from: other))
    // Both logs were of the same length, so that the cursors say the same.
    #expect(difference.table == "user")
    #expect(difference.key == ["u-1"])
    #expect(difference.here != nil)
    #expect(difference.there == nil)
    let mirrored = try #require(try other.firstDifference(from: one))
    #expect(mirrored.key == ["u-1"])
    #expect(mirrored.here == nil)
    #expect(mirrored.there != nil)
  }

  @Test("Look-ups follow what they find: none walks over a table")
  func noScans() throws {
    let store = try ViewStore.empty()
    try store.take(History(seed: 8, commits: 1_500).log.commits)
    let key = NoticeKey(dispatchID: "d-0003", modification: 1, userID: "u-0001")
    _ = try store.catalogue.programs.find("p-1")
    _ = try store.users.find("u-0001")
    _ = try store.users.count()
    _ = try store.users.members(of: "g-1")
    _ = try store.users.considered(groups: ["g-1", "g-2"], program: "p-2", at: .minute(0))
    _ = try store.enrollments.programs(of: "u-0001")
    _ = try store.dispatches.find("d-0003")
    _ = try store.dispatches.modifications(of: "d-0003")
    _ = try store.dispatches.rejections(of: "d-0003")
    _ = try store.dispatches.list(program: "p-1", after: "d-0003", limit: 5)
    _ = try store.resolutions.find("d-0003", modification: 1)
    _ = try store.resolutions.exclusions(of: "d-0003", modification: 1)
    _ = try store.notices.find(key)
    _ = try store.notices.list(of: "d-0003", modification: 1)
    _ = try store.notices.counts(of: "d-0003", modification: 1)
    _ = try store.notices.due(at: .minute(100))
    _ = try store.notices.superseded(of: "d-0003", before: 2)
    _ = try store.attempts.list(of: "d-0003")
    _ = try store.attempts.list(of: key)
    _ = try store.attempts.open()
    _ = try store.attempts.unknown()
    _ = try store.attempts.find(providerID: "SM1")
    _ = try store.attempts.unmatched(providerID: "SM1")
    _ = try store.dispatches.count(of: "p-0001", starting: .minute(0)..<(.minute(9)), except: nil)
    _ = try store.acknowledgements.list(of: "d-0003")
    _ = try store.idempotencyKeys.find("key 7")
    _ = try store.quarantineFiles.find("file 1")
    _ = try store.streams.events(of: .dispatch("d-0003"))
    let indexed = store.database.fullScanSteps
    #expect(indexed == 0)
    // The measure does measure: a list of everything is walked over.
    _ = try store.users.list()
    _ = try store.catalogue.programs.list()
    #expect(store.database.fullScanSteps > 0)
  }

  @Test("A schema that changes raises its view's version")
  func pinnedSchema() throws {
    let store = try ViewStore.empty()
    let lines: [String] = try store.database.rows(
      """
      SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL
      UNION ALL SELECT name || version FROM projection ORDER BY 1
      """
    ) { row throws(ViewError) in try row.next() }
    // Another digest means: raise the version of the view that changed, then write it down here.
    #expect(
      SHA256.hash(Array(lines.joined(separator: "\n").utf8)).hex
        == "3cacc699797051600226ad2a2060a5bc42201539a678fb553498f74d1ecbdc19")
  }
}
