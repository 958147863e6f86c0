import Audit
import Bytes
import EventLog
import Events
import Foundation
import Platform
import Simulation
import Synchronization
import Testing

@Suite("Events that are counted while their checksums are checked")
struct CountTests {
  private struct NoEvent: Error {}
  typealias Rows = [String: [String: UInt64]]

  private static let backwards: Workers = { count, work in
    for piece in (0..<count).reversed() { work(piece) }
  }
  private static func threads(_ most: Int) -> Workers {
    { count, work in
      let next = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: most) { _ in
        while true {
          let piece = next.withLock { next in
            defer { next += 1 }
            return next
          }
          if piece >= count { return }
          work(piece)
        }
      }
    }
  }

  /// What a fold comes to that has every line parsed, one after the other.
  private static func naive(
    _ lines: [[UInt8]], by key: EventCounter.Key
  ) throws -> (rows: Rows, strays: UInt64) {
    var rows: Rows = [:]
    var strays: UInt64 = 0
    var attempts: [String: String] = [:]
    for line in lines {
      guard case .object(let event) = try JSON(parsing: line),
        case .object(let data)? = event["data"], case .string(let type)? = event["type"],
        case .string(let subject)? = event["subject"], case .string(let id)? = event["id"]
      else { throw NoEvent() }
      func text(_ key: String) -> String? {
        if case .string(let text)? = data[key] { text } else { nil }
      }
      func name(of kind: String) -> String? {
        subject.hasPrefix(kind + "/") ? String(subject.dropFirst(kind.count + 1)) : nil
      }
      var row: String?
      switch key {
      case .type: row = type
      case .dispatch: row = name(of: "dispatch")
      case .user: row = text("user_id") ?? name(of: "user")
      case .channel: row = text("channel")
      }
      let column: String? =
        switch type {
        case "notification.attempted.v1": "attempted"
        case "notification.suppressed.v1": "suppressed"
        case "notification.deferred.v1": "deferred"
        case "acknowledgement.recorded.v1": "acknowledged"
        case "delivery.unknown.v1": "unknown"
        case "delivery.recorded.v1": text("outcome")
        default: nil
        }
      if column == "attempted" { attempts[id] = row }
      if key == .user || key == .channel, row == nil, type.hasPrefix("delivery."),
        type != "delivery.unmatched.v1"
      {
        row = text("attempt").flatMap { attempts[$0] }
        if row == nil { strays += 1 }
      }
      guard let row else { continue }
      rows[row, default: [:]]["events", default: 0] += 1
      if let column, key != .type { rows[row, default: [:]][column, default: 0] += 1 }
    }
    return (rows, strays)
  }

  private static func counted(
    _ storage: any Storage, _ identity: LedgerIdentity, by key: EventCounter.Key,
    windowBytes: UInt64, workers: @escaping Workers
  ) throws -> (rows: Rows, names: [String], counter: EventCounter, report: LogReport) {
    let counter = EventCounter(identity, by: key)
    var verifier = LogVerifier(
      storage, identity: identity, judge: counter, windowBytes: windowBytes, checksTree: false,
      workers: workers)
    let report = try verifier.verify()
    counter.finish(size: report.size)
    var rows: Rows = [:]
    var names: [String] = []
    for row in counter.sortedRows() {
      let name = String(decoding: counter.name(of: row), as: UTF8.self)
      names.append(name)
      var sums = ["events": counter.events(of: row)]
      for column in EventCounter.Column.allCases where counter.sum(of: row, column) > 0 {
        sums[column.name] = counter.sum(of: row, column)
      }
      rows[name] = sums
    }
    return (rows, names, counter, report)
  }

  private static func check(
    _ storage: any Storage, _ identity: LedgerIdentity, isSimulated: Bool, _ what: String
  ) throws {
    var lines: [[UInt8]] = []
    var cursor = try LogReader(storage, identity: identity).events(from: 0)
    while let stored = try cursor.read() { lines.append(stored.line) }
    // A simulated disk notes each call, for one thread alone.
    let workers = [oneByOne, backwards] + (isSimulated ? [] : [threads(2), threads(7)])
    for key in EventCounter.Key.allCases {
      let expected = try naive(lines, by: key)
      for length: UInt64 in [300, 4_096, 1 << 30] {
        for (number, workers) in workers.enumerated() {
          let found = try counted(
            storage, identity, by: key, windowBytes: length, workers: workers)
          let comment = Comment(
            rawValue: "\(what), by \(key.rawValue), windows of \(length), workers \(number)")
          #expect(found.rows == expected.rows, comment)
          let names = expected.rows.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
          #expect(found.names == names, comment)
          #expect(found.counter.eventCount == UInt64(lines.count), comment)
          #expect(found.counter.strayCount == expected.strays, comment)
        }
      }
    }
  }

  @Test("come to what every line parsed comes to, in random histories", arguments: 1...6)
  func random(seed: UInt64) throws {
    let made = try RandomHistory(
      seed: 900 + seed, steps: 80, users: seed == 4 ? 600 : 24, strays: seed % 2 == 1,
      rules: seed % 3 == 0)
    try Self.check(
      RecordedHistory.disk(made.history.commits), AuditedHistory.identity, isSimulated: true,
      "seed \(seed)")
  }

  private static let kept = ["first-day", "recheck-sound", "small-segments"]

  @Test("come to that in each ledger that is kept here, whoever counts", arguments: kept)
  func golden(name: String) throws {
    let directory = RecheckStory.repository
      .appendingPathComponent("ledger/golden/\(name)/ledger").path
    let storage = try FileStorage.openForReading(directory: directory)
    let identity = try LedgerIdentity.read(from: storage)
    try Self.check(storage, identity, isSimulated: false, name)
  }

  @Test("leave out what isn't known to be durable")
  func notDurable() throws {
    let made = try RandomHistory(seed: 77, steps: 30)
    let commits = made.history.commits
    let disk = try RecordedHistory.disk(commits)
    let whole = try Self.counted(
      disk, AuditedHistory.identity, by: .type, windowBytes: 1 << 30, workers: oneByOne)
    // A log with a commit more, and the slots of before it.
    let last = try #require(commits.last)
    let more = last.map { event in
      RecordedHistory.draft(of: event).recorded(
        id: event.id + UInt64(last.count), time: event.time,
        source: AuditedHistory.identity.origin, actor: event.actor ?? "")
    }
    let longer = try RecordedHistory.disk(commits + [more])
    let before = try #require(disk.bytes(of: "head"))
    longer.setBytes(of: "head", to: before)
    for length: UInt64 in [300, 1 << 30] {
      let found = try Self.counted(
        longer, AuditedHistory.identity, by: .type, windowBytes: length, workers: oneByOne)
      // Only where no commit line tells that the last one is durable.
      #expect(found.report.notDurable > 0)
      #expect(found.rows == whole.rows && found.counter.eventCount == whole.counter.eventCount)
    }
  }
}

@Suite("Where texts of an event's data stand")
struct DataTextTests {
  @Test("is found among escapes, lists and objects, and only for texts of the data itself")
  func texts() throws {
    let data =
      #"{"attempt":"7","channel":"s\"m","list":[{"user_id":"no"},"channel"],"outcome":5,"#
      + #""user_id":"u\\"}"#
    let line = Array(("{\"data\":" + data + ",\"id\":\"user_id\"}").utf8)
    let texts = unsafe DataTexts(in: line.span.bytes, 8..<8 + data.utf8.count)
    func text(_ range: Range<Int>?) -> String? {
      range.map { String(decoding: line[$0], as: UTF8.self) }
    }
    #expect(text(texts.attempt) == "7")
    #expect(text(texts.channel) == #"s\"m"#)
    #expect(texts.outcome == nil)
    #expect(text(texts.user) == #"u\\"#)
  }
}
