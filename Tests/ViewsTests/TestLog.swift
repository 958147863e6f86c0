import Bytes
import Events
import Foundation
import Dispatching
import Views

/// A commit as a log holds it: its events, and where their lines stand.
struct TestCommit {
  var events: [Event]
  var locations: [EventLocation]
  /// The log's end behind it.
  var end: Cursor

  var ids: ClosedRange<EventID> { events[0].id...events[events.count - 1].id }
}

/// Makes commits as a log would, without writing one: a minute passes between two of them.
struct TestLog {
  private(set) var commits: [TestCommit] = []
  private(set) var next: EventID = 0
  private var offset: UInt64 = 200
  var time = Instant.day

  /// The next commit, of these payloads.
  @discardableResult
  mutating func append(_ payloads: [EventPayload], key: String? = nil) -> TestCommit {
    time = time.adding(seconds: 60)
    var commit = TestCommit(events: [], locations: [], end: .start)
    offset += 300
    for (index, payload) in payloads.enumerated() {
      let isKeyed = key != nil && index == 0
      let event = Event(
        id: next, time: time, source: "acme/dr", idempotencyKey: isKeyed ? key : nil,
        idempotencyHash: isKeyed ? .test(1) : nil, payload: payload)
      let length = event.encodeLine().count
      commit.events.append(event)
      commit.locations.append(EventLocation(segment: 0, offset: offset, length: length))
      next += 1
      offset += UInt64(length) + 1
    }
    commit.end = Cursor(
      next: next, root: SHA256.hash(Array("root \(next)".utf8)), segment: 0, offset: offset)
    commits.append(commit)
    return commit
  }

  /// The commits since the last call, which the log forgets.
  mutating func drain() -> [TestCommit] {
    defer { commits = [] }
    return commits
  }
}

extension ViewStore {
  /// A store in memory with empty views.
  static func empty() throws -> ViewStore {
    let store = try ViewStore(.memory)
    try store.create()
    return store
  }

  /// Applies the commits' events in one transaction.
  func take(_ commits: some BidirectionalCollection<TestCommit>) throws {
    guard let last = commits.last else { return }
    try begin()
    for commit in commits { try apply(commit) }
    try self.commit(last.end)
  }

  /// Applies the commit's events in the open transaction.
  func apply(_ commit: TestCommit) throws {
    for (event, location) in zip(commit.events, commit.locations) {
      try apply(event, at: location, commit: commit.ids)
    }
  }
}

/// A store together with the log that it is made from.
struct Fixture {
  var log = TestLog()
  let store: ViewStore

  init() throws { store = try .empty() }

  /// Appends the payloads as one commit, applies it, and answers the first event's id.
  @discardableResult
  mutating func append(_ payloads: EventPayload..., key: String? = nil) throws -> EventID {
    let commit = log.append(payloads, key: key)
    try store.take([commit])
    return commit.ids.lowerBound
  }
}

extension Cursor {
  /// The beginning of a log.
  static let start = Cursor(next: 0, root: SHA256.hash([] as [UInt8]), segment: 0, offset: 0)
}

/// Runs `body` with the path of a directory that is gone afterwards.
func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let directory = FileManager.default.temporaryDirectory.appending(path: "views-\(UUID())")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory)
}
