import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Foundation
import Ledger
import Platform
import Simulation
import Views

/// Whole histories of a ledger: calls, a worker, a clock that steps both ways, a channel that
/// misbehaves, a disk that fails and loses power; against ``Promises``.
///
/// The ledger is the real one; its log lies on the simulated disk, its keys and views in files whose
/// calls are watched: they fail and lose power too.
package struct Histories {
  /// A bug that is planted to see that it is found.
  package enum Canary: Sendable {
    /// Syncs answer before anything is durable.
    case answersBeforeSync
    /// So do those of keys and views.
    case keysBeforeSync
    /// A fold forgets the first result.
    case forgetsResult
  }

  /// Whether keys and views can fail and lose power; not under a sanitizer.
  package static var seesKeys: Bool { WatchedFiles.isPossible }

  let seed: UInt64
  let canary: Canary?
  private let template: LedgerTemplate

  package init(seed: UInt64, canary: Canary? = nil) throws {
    self.seed = seed
    self.canary = canary
    template = try LedgerTemplate()
  }

  package func part() -> Part {
    Part("histories", count: 1_000, isEndless: true) { number, tally in
      let history = try TorturedLedger(
        template, SeededRandom(seed: seed, case: number), canary: canary)
      try history.live(&tally)
    }
  }
}

/// A new ledger that each history begins with, and the folder for its keys and views.
final class LedgerTemplate {
  let path: LedgerPath
  let disk = SimulatedDisk()
  /// What lies beside the log: the keys, and no views yet.
  let files: WatchedFiles.Files
  static let created = Instant(microseconds: 1_790_000_000_000_000)
  static let catalogue = """
    {"user_groups":[{"id":"g1","name":"1"},{"id":"g2","name":"2"}],
     "event_types":[{"id":"1","name":"Emergency","user_group_ids":["g1"]},
       {"id":"2","name":"Economic","user_group_ids":["g1","g2"]}],
     "programs":[{"id":"1","name":"Hold","time_zone":"America/New_York","lead_time":"PT30M",
        "communication_codes":["sms","console"]},
       {"id":"2","name":"Resend","time_zone":"Europe/Berlin","lead_time":"PT1H",
        "unknown_outcome":"resend","communication_codes":["console","sms"],
        "escalation":{"acknowledgements":1,"within":"PT5M","user_group_id":"g2"}}],
     "users":[\((0..<6).map(user).joined(separator: ","))]}
    """

  static func user(_ number: Int) -> String {
    let groups = number % 3 == 0 ? #""g1","g2""# : number % 3 == 1 ? #""g1""# : #""g2""#
    return """
      {"id":"u-\(number)","name":"N\(number)","user_group_ids":[\(groups)],
       "contacts":{"console":"u-\(number)","sms":"+1555123000\(number)"}}
      """
  }

  init() throws {
    let memory = "/dev/shm"
    let base =
      FileManager.default.fileExists(atPath: memory)
      ? URL(fileURLWithPath: memory) : FileManager.default.temporaryDirectory
    let directory = base.appendingPathComponent("torture-\(UUID().uuidString)").path
    path = LedgerPath(directory)
    guard let created = Self.created else { throw Broken("no such moment") }
    var random = SeededRandom(seed: 1)
    let surroundings = Surroundings(
      now: { created },
      random: { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } },
      zoneFile: { _ in nil }, tzdata: "test", actor: "user:test@host")
    _ = try Ledger.create(
      path, NewLedger(origin: "example.com/dr", configuration: Array("{}\n".utf8)),
      surroundings: surroundings)
    for name in ["log", "quarantine", "index"] { try disk.createDirectory(name) }
    try disk.synchronizeDirectory(".")
    for name in ["LEDGER", "head", "delivering", "log/0000000000000000.log"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name))
      disk.setBytes(of: name, to: Array(bytes))
    }
    try FileManager.default.createDirectory(
      atPath: path.index, withIntermediateDirectories: true)
    files = Self.watched(directory) { SimulatedDisk() }.files()
  }

  /// The keys and views of a ledger that lies there.
  static func watched(
    _ directory: String, beside disk: @escaping () -> SimulatedDisk
  ) -> WatchedFiles {
    WatchedFiles(directory, directories: ["keys", "keys/users", "index"], beside: disk)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.directory) }

  func removeViews() {
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: path.views + suffix)
    }
  }
}

/// The model: what whoever asked was told, and must find from then on.
struct Promises {
  /// Event lines that were acknowledged, in order.
  private(set) var lines: [[UInt8]] = []
  /// Calls that were answered: key, line, and the events that hold them.
  private(set) var calls: [(key: String, line: String, events: ClosedRange<EventID>?)] = []
  /// A call that was made and whose outcome nobody knows.
  var open: (key: String, line: String)?
  /// Whether the program said that it isn't in the log.
  var isOpenNotWritten = false
  /// Messages that came out of the channel, by their text, and by who they were for.
  private(set) var messages: [String: Int] = [:]
  private(set) var messagesTo: [String: Int] = [:]

  mutating func answered(
    _ key: String, _ line: String, _ events: ClosedRange<EventID>?, log: [[UInt8]],
    _ tally: inout Tally
  ) {
    calls.append((key, line, events))
    open = nil
    isOpenNotWritten = false
    found(log, &tally)
    let times = Self.count(key, in: log)
    tally.expect(times == (events == nil ? 0 : 1), "key \(key) stands \(times) times in the log")
  }

  /// How many events have this key.
  static func count(_ key: String, in log: [[UInt8]]) -> Int {
    let member = Array("\"idempotencykey\":\"\(key)\"".utf8)
    return log.count { line in
      line.indices.contains { line[$0] == member[0] && line[$0...].starts(with: member) }
    }
  }

  /// All of it is durable now, and the next one finds it.
  mutating func found(_ log: [[UInt8]], _ tally: inout Tally) {
    if log.count < lines.count || !zip(lines, log).allSatisfy({ $0 == $1 }) {
      tally.lose("\(log.count) events, \(lines.count) were acknowledged")
    }
    lines = log
  }

  mutating func sent(_ text: String) {
    messages[text, default: 0] += 1
    messagesTo[Self.user(of: text), default: 0] += 1
  }

  /// Who the line `To: u-3 (…) on sms` names.
  static func user(of text: String) -> String {
    let line = text.split(separator: "\n").first { $0.hasPrefix("To: ") } ?? ""
    return String(line.split(separator: " ").dropFirst().first ?? "")
  }

  /// Each message had its attempt in the log before it left.
  func check(_ log: [[UInt8]], _ tally: inout Tally, _ what: String) {
    var attempts: [String: Int] = [:]
    for line in log {
      let text = String(decoding: line, as: UTF8.self)
      guard text.contains("\"notification.attempted.v1\""),
        let start = text.range(of: "\"user_id\":\"")?.upperBound
      else { continue }
      attempts[String(text[start...].prefix { $0 != "\"" }), default: 0] += 1
    }
    for (user, count) in messagesTo.sorted(by: { $0.key < $1.key }) {
      if count > attempts[user, default: 0] {
        tally.lose("\(what): \(count) messages to \(user), \(attempts[user, default: 0]) attempts")
      }
    }
    for (text, count) in messages where count > 1 && text.contains("Hold") {
      tally.mistake("\(what): a notice that is held came \(count) times: \(text.prefix(90))")
    }
  }
}
