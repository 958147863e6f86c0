import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Foundation
import Ledger
import Platform
import Simulation

/// The erasure of a user, whose calls of the log's disk and of the files beside it may fail.
final class Erasure {
  /// The disk and the files that one erasure works on, and what it answered.
  final class Trial {
    let held: HeldDisk
    let files: WatchedFiles
    var isAnswered = false
    var error: LedgerError?

    init(_ held: HeldDisk, _ files: WatchedFiles) {
      (self.held, self.files) = (held, files)
    }
  }

  private static let user = "u-1"
  private static let key = "erase"
  private let template: LedgerTemplate
  private let base: SimulatedDisk
  /// The keys, and the views as of the last event.
  private let files: WatchedFiles.Files
  private let lines: [[UInt8]]
  private let now: Instant
  private let command: Command

  init() throws {
    template = try LedgerTemplate()
    guard let created = LedgerTemplate.created else { throw Broken("no such moment") }
    now = created.adding(seconds: 60)
    command = try Command(
      parsing: Array(#"{"command":"erase","user_id":"\#(Self.user)","reason":"r"}"#.utf8))
    let disk = template.disk.copy()
    let catalogue = LedgerTemplate.catalogue.replacingOccurrences(of: "\n", with: "")
    let start = now.adding(seconds: 90_000).text
    let path = template.path
    let watched = LedgerTemplate.watched(path.directory) { disk }
    try watched.put(template.files)
    for (number, line) in [
      #"{"command":"import","catalogue":\#(catalogue)}"#,
      #"{"command":"dispatch","request":{"start_time":"\#(start)","program_id":"1","#
        + #""event_type_id":"1"}}"#,
    ].enumerated() {
      let ledger = try Self.open(path, disk, now)
      _ = try ledger.submit([Command(parsing: Array(line.utf8))], key: "k\(number)")
    }
    base = disk.copy()
    files = watched.files().filter { !$0.key.hasSuffix("-shm") }
    lines = Self.stored(disk)
  }

  private static func open(
    _ path: LedgerPath, _ disk: SimulatedDisk, _ now: Instant
  ) throws -> Ledger {
    var random = SeededRandom(seed: UInt64(disk.operationCount))
    let surroundings = Surroundings(
      now: { now },
      random: { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } },
      zoneFile: { name in (try? ZoneDatabase.system?.zone(named: name)) ?? nil }, tzdata: "test",
      actor: "user:test@host")
    return try Ledger(path, in: disk, surroundings: surroundings)
  }

  private static func stored(_ disk: SimulatedDisk) -> [[UInt8]] {
    disk.paths.filter { $0.hasPrefix("log/") && $0.hasSuffix(".log") }
      .flatMap { (disk.bytes(of: $0) ?? []).split(separator: 0x0A).map(Array.init) }
      .filter { $0.first == UInt8(ascii: "{") }
  }

  func begin() throws -> Trial {
    let held = HeldDisk(base.copy())
    let watched = LedgerTemplate.watched(template.path.directory) { held.disk }
    try watched.put(files)
    return Trial(held, watched)
  }

  func perform(on trial: Trial) throws {
    do {
      try trial.files.watching {
        let ledger = try Self.open(template.path, trial.held.disk, now)
        _ = try ledger.submit([command], key: Self.key)
      }
      trial.isAnswered = true
    } catch let error as LedgerError {
      trial.error = error
    }
  }

  /// Looks at the ledger as the next process finds it, with and without a power failure before.
  func judge(
    _ trial: Trial, _ tally: inout Tally, _ random: inout SeededRandom, _ what: String
  ) throws {
    var images = [(name: "as it is", disk: trial.held.disk.copy(), files: trial.files.files())]
    for (name, percent) in [("nothing kept", 0), ("all kept", 100), ("some kept", 50)] {
      func choose() -> Bool { Int.random(in: 1...100, using: &random) <= percent }
      let files = trial.files.image { choose() }
      let disk = trial.held.disk.crashImage { _ in choose() }
      images.append(("power lost, \(name)", disk, files))
    }
    tally.crashes += images.count - 1
    for image in images {
      try judge(image.disk, image.files, trial, &tally, "\(what), \(image.name)")
    }
  }

  private func judge(
    _ disk: SimulatedDisk, _ files: WatchedFiles.Files, _ trial: Trial, _ tally: inout Tally,
    _ what: String
  ) throws {
    try trial.files.put(files)
    let ledger = try Self.open(template.path, disk, now)
    _ = try ledger.takeTurn()
    let found = Self.stored(disk)
    if !found.starts(with: lines) { tally.lose("\(what): \(found.count) events") }
    let isRecorded = Promises.count(Self.key, in: found) == 1
    if trial.isAnswered, !isRecorded { tally.lose("\(what): answered, and not there") }
    if case .log(.notWritten)? = trial.error {
      tally.expect(!isRecorded, "\(what): said not to be written, and it is there")
    }
    let before = try ledger.countKeys()
    if before.missingCount > 0 { tally.lose("\(what): the keys of \(before.missing) are gone") }
    tally.expect(before.undestroyedCount == 0, "\(what): an erased user's key is there")
    _ = try ledger.submit([command], key: Self.key)
    let after = Self.stored(disk)
    let times = Promises.count(Self.key, in: after)
    tally.expect(times == 1, "\(what): asked for again, it stands \(times) times in the log")
    let keys = try ledger.countKeys()
    tally.expect(
      keys.missingCount == 0 && keys.undestroyedCount == 0, "\(what): keys in the end: \(keys)")
    let name = Array("\(Self.user) ".utf8)
    for (path, bytes) in trial.files.files() where path.hasPrefix("keys/users/") {
      let isThere = bytes.split(separator: 0x0A).contains { $0.starts(with: name) }
      tally.expect(!isThere, "\(what): \(path) still names the user")
    }
    var verifier = LogVerifier(
      disk, identity: ledger.identity, judge: EventCheck(ledger.identity))
    let report = try verifier.verify()
    tally.expect(
      report.state == .clean && report.damage.isEmpty, "\(what): \(report.state), \(report.damage)")
  }
}
