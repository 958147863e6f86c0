import Bytes
import Events
import Foundation
import Simulation
import Testing
import Dispatching
import Views

@Suite("Views in a file")
struct FileTests {
  let commits = History(seed: 11, commits: 300).log.commits

  func copyFiles(from path: String, to copy: String) throws {
    for (from, to) in zip(ViewStore.files(of: path), ViewStore.files(of: copy)) {
      try? FileManager.default.removeItem(atPath: to)
      if FileManager.default.fileExists(atPath: from) {
        try FileManager.default.copyItem(atPath: from, toPath: to)
      }
    }
  }

  /// What the views hold that are made from the first `next` events.
  func digest(upTo next: EventID) throws -> Digest {
    let store = try ViewStore.empty()
    try store.take(commits.prefix { $0.end.next <= next })
    return try store.contentDigest()
  }

  @Test("A reader's look-ups are of one moment, while another process writes")
  func oneMoment() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let writer = try ViewStore(.file(path))
      try writer.create()
      try writer.take(commits.prefix(100))
      let reader = try ViewStore(.file(path))
      let (before, during) = try reader.reading { () throws(ViewError) in
        let before = try reader.cursor().next
        // Not this module's error: whatever goes wrong here, the cursors tell.
        try? writer.take(commits.dropFirst(100))
        return (before, try reader.cursor().next)
      }
      #expect(before == during)
      #expect(try reader.cursor() == commits.last?.end)
    }
  }

  @Test("The write-ahead log doesn't grow without end under one-shot writers")
  func boundedLog() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      try ViewStore(.file(path)).create()
      var longest = 0
      for commit in commits {
        try ViewStore(.file(path)).take([commit])
        let log = try FileManager.default.attributesOfItem(atPath: path + "-wal")
        longest = max(longest, log[.size] as? Int ?? 0)
      }
      // 256 pages, and those of one commit.
      #expect(longest < 400 * 4_120, "\(longest) bytes")
      #expect(longest > 100 * 4_120, "\(longest) bytes")
    }
  }

  @Test("Views are absent, then behind, then current")
  func conditions() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let end = commits[2].end
      var store = try ViewStore(.file(path))
      #expect(store.condition(next: 0, root: Cursor.start.root) == .absent)
      try store.create()
      #expect(store.condition(next: 0, root: Cursor.start.root) == .current)
      #expect(store.condition(next: end.next, root: end.root) == .behind(.start))
      try store.take(commits.prefix(3))
      store = try ViewStore(.file(path))
      #expect(store.condition(next: end.next, root: end.root) == .current)
      #expect(store.condition(next: end.next, root: .zero) == .otherRoot(end))
      #expect(store.condition(next: end.next + 1, root: .zero) == .behind(end))
      #expect(store.condition(next: end.next - 1, root: .zero) == .ahead(end))
    }
  }

  @Test("A process that dies leaves rows and cursor of one moment, wherever it stood")
  func killed() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let copy = directory.appending(path: "copy.db").path
      let store = try ViewStore(.file(path))
      try store.create()
      var committed: EventID = 0
      for (number, group) in commits.chunked(by: 25).enumerated() {
        try store.begin()
        for commit in group { try store.apply(commit) }
        for isCommitted in [false, true] {
          if isCommitted {
            let end = try #require(group.last).end
            try store.commit(end)
            committed = end.next
          }
          guard number.isMultiple(of: 3) else { continue }
          try copyFiles(from: path, to: copy)
          let survivor = try ViewStore(.file(copy))
          #expect(try survivor.cursor().next == committed)
          #expect(try survivor.contentDigest() == digest(upTo: committed))
          #expect(try survivor.damage().isEmpty)
        }
      }
    }
  }

  @Test("Views of another version, or with a view more or less, say which")
  func otherVersion() throws {
    let changes: [(sql: String, view: String, found: Int?, wanted: Int?)] = [
      ("UPDATE projection SET version = 99 WHERE name = 'notices'", "notices", 99, 3),
      ("DELETE FROM projection WHERE name = 'users'", "users", nil, 2),
      ("INSERT INTO projection VALUES ('weather', 3)", "weather", 3, nil),
      ("PRAGMA user_version=7", "layout", 7, 1),
    ]
    for change in changes {
      try withTemporaryDirectory { directory in
        let path = directory.appending(path: "views.db").path
        try ViewStore(.file(path)).create()
        try Database(.file(path)).execute(change.sql)
        let store = try ViewStore(.file(path))
        #expect(
          store.condition(next: 0, root: .zero)
            == .otherVersion(view: change.view, found: change.found, wanted: change.wanted))
        // They are made anew where they stand, whatever tables the other version had.
        try Database(.file(path)).execute("CREATE TABLE \"we\"\"ather\" (value)")
        try store.create()
        #expect(store.condition(next: 0, root: Cursor.start.root) == .current)
        #expect(try store.firstDifference(from: .empty()) == nil)
      }
    }
  }

  @Test("Views that are made anew forget all that they held")
  func createdAgain() throws {
    let store = try ViewStore.empty()
    try store.take(commits)
    #expect(try store.contentDigest() != ViewStore.empty().contentDigest())
    try store.create()
    #expect(try store.contentDigest() == ViewStore.empty().contentDigest())
  }

  @Test("A file that is no database, or another program's, is never touched")
  func foreign() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      try Data("What is this? Certainly no database, but long enough to be one.".utf8)
        .write(to: URL(filePath: path))
      let store = try ViewStore(.file(path))
      guard case .unreadable(let error) = store.condition(next: 0, root: .zero) else {
        Issue.record("a text was taken for views")
        return
      }
      #expect(error.remedy == .rebuild)
      #expect(throws: ViewError.self) { try store.create() }

      let other = directory.appending(path: "other.db").path
      try Database(.file(other)).execute("CREATE TABLE thing (value)")
      let stranger = try ViewStore(.file(other))
      #expect(
        stranger.condition(next: 0, root: .zero) == .unreadable(.foreign(applicationID: 0)))
      #expect(throws: ViewError.foreign(applicationID: 0)) { try stranger.create() }
      #expect(try Database(.file(other)).value("SELECT count(*) FROM thing", as: Int.self) == 0)
    }
  }

  @Test("A flipped byte is an error, damage, a difference, or without any effect; never a trap")
  func flipped() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      do {
        let store = try ViewStore(.file(path))
        try store.create()
        try store.take(commits)
      }
      try Database(.file(path)).execute("PRAGMA wal_checkpoint(TRUNCATE)")
      let whole = try Data(contentsOf: URL(filePath: path))
      let expected = try ViewStore.empty()
      try expected.take(commits)
      let end = try #require(commits.last).end
      let copy = directory.appending(path: "copy.db").path
      var random = SeededRandom(seed: 3)
      var outcomes: [String: Int] = [:]
      for round in 0..<400 {
        // The first page, which says how to read all others, gets a fourth of the flips.
        let range = round.isMultiple(of: 4) ? 0..<4_096 : 0..<whole.count
        let place = Int.random(in: range, using: &random)
        var bytes = whole
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        for file in ViewStore.files(of: copy) { try? FileManager.default.removeItem(atPath: file) }
        try bytes.write(to: URL(filePath: copy))
        outcomes[outcome(of: copy, end: end, expected: expected), default: 0] += 1
      }
      #expect(outcomes["difference", default: 0] > 0)
      #expect(outcomes["error", default: 0] + outcomes["damage", default: 0] > 0)
      #expect(outcomes.values.reduce(0, +) == 400, "\(outcomes)")
    }
  }

  @Test("A database that is cut short is an error or a difference, never a trap")
  func cut() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      do {
        let store = try ViewStore(.file(path))
        try store.create()
        try store.take(commits)
      }
      try Database(.file(path)).execute("PRAGMA wal_checkpoint(TRUNCATE)")
      let whole = try Data(contentsOf: URL(filePath: path))
      let expected = try ViewStore.empty()
      try expected.take(commits)
      let end = try #require(commits.last).end
      for length in stride(from: 1, to: whole.count, by: whole.count / 60) {
        let copy = directory.appending(path: "copy.db").path
        for file in ViewStore.files(of: copy) { try? FileManager.default.removeItem(atPath: file) }
        try whole.prefix(length).write(to: URL(filePath: copy))
        let outcome = outcome(of: copy, end: end, expected: expected)
        #expect(outcome != "none", "\(length) bytes")
      }
    }
  }

  @Test("A torn write-ahead log leaves an earlier moment, whole")
  func tornLog() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "views.db").path
      let copy = directory.appending(path: "copy.db").path
      let store = try ViewStore(.file(path))
      try store.create()
      for group in commits.chunked(by: 30) { try store.take(group) }
      let ends = Set(commits.map(\.end.next) + [0])
      let log = try Data(contentsOf: URL(filePath: path + "-wal"))
      var random = SeededRandom(seed: 5)
      for _ in 0..<40 {
        try copyFiles(from: path, to: copy)
        try? FileManager.default.removeItem(atPath: copy + "-shm")
        var bytes = log
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 0x40
        try bytes.write(to: URL(filePath: copy + "-wal"))
        let survivor = try ViewStore(.file(copy))
        guard let next = try? survivor.cursor().next else { continue }
        #expect(ends.contains(next))
        #expect(try survivor.contentDigest() == digest(upTo: next))
      }
    }
  }

  /// Reads all there is in the views at `path`, and says what came of it.
  private func outcome(of path: String, end: Cursor, expected: ViewStore) -> String {
    do {
      let store = try ViewStore(.file(path))
      let condition = store.condition(next: end.next, root: end.root)
      if case .unreadable = condition { return "error" }
      // Look-ups and changes may find anything, but they come back.
      readEverything(store)
      applyMore(store, after: end)
      if condition != .current { return "difference" }
      if try store.firstDifference(from: expected) != nil { return "difference" }
      return try store.damage().isEmpty ? "none" : "damage"
    } catch {
      return "error"
    }
  }

  private func readEverything(_ store: ViewStore) {
    _ = try? store.catalogue.programs.list()
    _ = try? store.users.list()
    _ = try? store.users.considered(groups: History.groups, program: "p-2", at: .minute(0))
    for number in 0..<5 {
      let dispatch = EntityID.numbered("d-", number)
      _ = try? store.dispatches.modifications(of: dispatch)
      _ = try? store.notices.list(of: dispatch, modification: 1)
      _ = try? store.attempts.list(of: dispatch)
      _ = try? store.streams.events(of: .dispatch(dispatch))
    }
    _ = try? store.dispatches.list()
    _ = try? store.notices.due(at: .minute(100_000))
    _ = try? store.attempts.open()
    _ = try? store.attempts.orphans()
    _ = try? store.quarantineFiles.list()
    _ = try? store.typeCounts.list()
  }

  /// Applies what could come next, and takes it back.
  private func applyMore(_ store: ViewStore, after end: Cursor) {
    defer { store.rollback() }
    var log = TestLog()
    while log.next < end.next { log.append([Sample.group()]) }
    let more = log.append([
      Sample.request("new"), Sample.resolved("new", users: ["u-0001", "u-0002"]),
      Sample.attempted("new", user: "u-0001"), Sample.user("u-0003"),
    ])
    guard (try? store.begin()) != nil else { return }
    try? store.apply(more)
  }
}

extension Digest {
  /// A root that no tree has.
  static var zero: Digest { SHA256.hash([0]) }
}

extension Array {
  func chunked(by count: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
  }
}
