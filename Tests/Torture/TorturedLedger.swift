import Audit
import Bytes
import Channels
import Dispatching
import EventLog
import Events
import Foundation
import Ledger
import Platform
import Simulation
import Views

/// A disk in place of which another one comes when its power fails.
final class HeldDisk {
  var disk: SimulatedDisk
  init(_ disk: SimulatedDisk) { self.disk = disk }
}

/// One ledger that lives through a history.
final class TorturedLedger {
  private let template: LedgerTemplate
  private let canary: Histories.Canary?
  private var random: SeededRandom
  /// What keys and ids are made from.
  private var bytes: SeededRandom
  private let held: HeldDisk
  private var disk: SimulatedDisk {
    get { held.disk }
    set { held.disk = newValue }
  }
  /// Its keys and views.
  private let files: WatchedFiles
  private var now: Instant
  private var promises = Promises()
  private var dispatches: [String] = []
  private var keys = 0
  private var isFaultPlanned = false
  private var trouble: [String] = []

  init(
    _ template: LedgerTemplate, _ random: SeededRandom, canary: Histories.Canary?
  ) throws {
    self.template = template
    self.canary = canary
    self.random = random
    bytes = random
    let held = HeldDisk(template.disk.copy())
    self.held = held
    files = LedgerTemplate.watched(template.path.directory) { held.disk }
    guard let created = LedgerTemplate.created else { throw Broken("no such moment") }
    now = created.adding(seconds: 60)
    try files.put(template.files)
    lieIfPlanted()
  }

  private func lieIfPlanted() {
    if canary == .answersBeforeSync { disk.faultForEver = (0, .lyingSync) }
    if canary == .keysBeforeSync { files.faultForEver = (0, .lyingSync) }
  }

  // MARK: - Living

  func live(_ tally: inout Tally) throws {
    let before = tally.lost + tally.wrong
    try call(
      #"{"command":"import","catalogue":\#(LedgerTemplate.catalogue)}"#
        .replacingOccurrences(of: "\n", with: ""), &tally)
    for _ in 0..<chance(of: 12...28) {
      try pause(seconds: pick([0, 0, 0, 0, 1, 20, 400, 2_500, -3, -900]), &tally)
      plan(&tally)
      try step(&tally)
      try settle(&tally)
      guard tally.lost + tally.wrong == before else { return }
    }
    try end(&tally)
  }

  /// The clock goes on, while a worker looks at what becomes due, or it is set back.
  private func pause(seconds: Int64, _ tally: inout Tally) throws {
    var rest = seconds
    repeat {
      let part = min(rest, 100)
      now = now.adding(seconds: part)
      rest -= part
      // What nobody looked at in time, rechecking would rightly miss.
      if part > 0 { try deliver(&tally) }
    } while rest > 0
  }

  private func chance(of range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
  private func chance(_ percent: Int) -> Bool { chance(of: 1...100) <= percent }
  private func pick<Element>(_ elements: [Element]) -> Element {
    elements[chance(of: 0...elements.count - 1)]
  }

  /// Something happens during the next step, to the log's disk or to the files beside it, or nothing.
  private func plan(_ tally: inout Tally) {
    isFaultPlanned = false
    let isBeside = WatchedFiles.isPossible && chance(40)
    let call =
      (isBeside ? files.trace.count : disk.operationCount) + chance(of: 0...pick([12, 40, 160]))
    switch chance(of: 1...100) {
    case ..<26:
      if isBeside { files.faults[call] = .crash } else { disk.faults[call] = .crash }
    case ..<46 where canary == nil:
      isFaultPlanned = true
      let fault: SimulatedDisk.Fault = pick([
        .error(5), .error(28), .error(24), .halfWrite, .shortBy(1), .falseError(5),
      ])
      switch (isBeside, chance(30)) {
      case (true, true): files.faultForEver = (call, fault)
      case (true, false): files.faults[call] = fault
      case (false, true): disk.faultForEver = (call, fault)
      case (false, false): disk.faults[call] = fault
      }
    default: break
    }
  }

  private func step(_ tally: inout Tally) throws {
    if let open = promises.open { return try call(open.line, key: open.key, &tally) }
    switch chance(of: 1...100) {
    case ..<8 where !promises.calls.isEmpty: try repeatCall(&tally)
    case ..<34: try deliver(&tally)
    case ..<40: try attempting { ledger in _ = try ledger.signCheckpoint() }
    case ..<66: try call(request(), &tally)
    default: try call(another(), &tally)
    }
  }

  private func request() -> String {
    let start = now.adding(seconds: pick([-600, 900, 3_000, 90_000])).text
    let end = pick(["", #","end_time":"\#(now.adding(seconds: 99_000).text)""#])
    let wait = pick(["", "", "", #","execute_at":"\#(now.adding(seconds: 300).text)""#])
    return #"{"command":"dispatch","request":{"start_time":"\#(start)"\#(end)\#(wait),"#
      + #""program_id":"\#(pick(["1", "1", "2"]))","event_type_id":"\#(pick(["1", "2", "9"]))"}}"#
  }

  private func another() -> String {
    let user = "u-\(chance(of: 0...6))"
    let ofUser = pick([
      #"{"command":"opt-out","user_id":"\#(user)","channel":"sms"}"#,
      #"{"command":"opt-in","user_id":"\#(user)","channel":"sms"}"#,
      #"{"command":"erase","user_id":"\#(user)","reason":"r"}"#,
      #"{"command":"import","catalogue":{"users":[\#(LedgerTemplate.user(chance(of: 0...8)))]}}"#
        .replacingOccurrences(of: "\n", with: ""),
    ])
    guard !dispatches.isEmpty, chance(70) else { return ofUser }
    let dispatch = #""dispatch_id":"\#(pick(dispatches))""#
    return pick([
      #"{"command":"end",\#(dispatch),"reason":"r"}"#,
      #"{"command":"cancel",\#(dispatch),"reason":"r"}"#,
      #"{"command":"modify",\#(dispatch),"reason":"r","end_time":"\#(now.adding(seconds: 88_000).text)"}"#,
      #"{"command":"acknowledge",\#(dispatch),"user_id":"\#(user)"}"#,
    ])
  }

  // MARK: - Calling

  private func open() throws -> Ledger {
    let surroundings = Surroundings(
      now: { [self] in now },
      random: { [self] count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &bytes) } },
      zoneFile: { name in (try? ZoneDatabase.system?.zone(named: name)) ?? nil }, tzdata: "test",
      actor: "user:test@host")
    var small = surroundings
    small.segmentBytes = 9_000
    return try Ledger(template.path, in: disk, surroundings: small)
  }

  /// Runs something whose failure is told, and lets the process end.
  ///
  /// - Returns: Whether it went well.
  @discardableResult
  private func attempting(_ body: (Ledger) throws -> Void) throws -> Bool {
    do {
      try files.watching { try body(try open()) }
      return true
    } catch let error as LedgerError {
      switch error {
      case .notFound, .refused: return false
      default:
        // Nothing fails by itself.
        guard isHit || canary != nil else { throw error }
        trouble.append("\(error)")
        return false
      }
    }
  }

  /// Whether what was planned has come.
  private var isHit: Bool { disk.isOff || isFaultPlanned }

  private func call(_ line: String, key: String? = nil, _ tally: inout Tally) throws {
    let isRepeated = key != nil
    if key == nil { keys += 1 }
    let key = key ?? "k\(keys)"
    let command = try Command(parsing: Array(line.utf8))
    promises.open = (key, line)
    promises.isOpenNotWritten = false
    var receipt: CallReceipt?
    var rejected = false
    try attempting { ledger in
      do {
        receipt = try ledger.submit([command], key: key)
      } catch let error as LedgerError {
        if case .log(.notWritten) = error, !isRepeated { promises.isOpenNotWritten = true }
        if case .notFound = error { rejected = true }
        if case .refused = error { rejected = true }
        throw error
      }
    }
    if rejected { promises.open = nil }
    guard let receipt else { return }
    // One that waits isn't changed: where its time had passed when it was asked for, and it was changed
    // before anybody looked, rechecking says so.
    for case .dispatch(let result) in receipt.results
    where result.outcome == .requested && !result.isScheduled {
      if !dispatches.contains(result.dispatchID.text) { dispatches.append(result.dispatchID.text) }
    }
    answered = (key, line, receipt.events)
  }

  private var answered: (key: String, line: String, events: ClosedRange<EventID>?)?

  /// A call that was answered gets the same answer again.
  private func repeatCall(_ tally: inout Tally) throws {
    let earlier = pick(promises.calls)
    let command = try Command(parsing: Array(earlier.line.utf8))
    try attempting { ledger in
      let receipt = try ledger.submit([command], key: earlier.key)
      guard earlier.events != nil else { return }
      tally.expect(
        receipt.isRepeated && receipt.events == earlier.events,
        "\(earlier.key) again: \(receipt.events as Any) after \(earlier.events as Any)")
    }
  }

  private func deliver(_ tally: inout Tally) throws {
    let settings = #"{"channels":{"sms":{"kind":"console"},"console":{"kind":"console"}}}"#
    let channels = try ChannelSet(
      Configuration(parsing: Array(settings.utf8)), directory: "/",
      print: { [self] bytes in
        promises.sent(String(decoding: bytes, as: UTF8.self))
        if chance(20) { checkSent() }
        return chance(15) ? 5 : nil
      })
    try attempting { ledger in
      _ = try Worker(ledger, through: channels).deliverOnce()
    }
    if let early { tally.lose(early) }
  }

  private var early: String?

  /// A message has just left: its attempt must be durable.
  private func checkSent() {
    var tally = Tally()
    let image = disk.crashImage { _ in false }
    promises.check(Self.storedLines(image), &tally, "sent before it was durable")
    early = early ?? tally.failures.first?.text
  }

  // MARK: - After each step

  private func lines(_ disk: SimulatedDisk) throws -> [[UInt8]] {
    let reader = try LogReader(disk, identity: LedgerIdentity.read(from: disk))
    var cursor = reader.events(from: 0)
    var lines: [[UInt8]] = []
    while let stored = try cursor.read() { lines.append(stored.line) }
    return lines
  }

  /// All event lines that stand in the segments.
  ///
  /// A reader shows less before somebody has opened the ledger to write: the mark isn't durable with
  /// every commit.
  private static func storedLines(_ disk: SimulatedDisk) -> [[UInt8]] {
    disk.paths.filter { $0.hasPrefix("log/") && $0.hasSuffix(".log") }
      .flatMap { (disk.bytes(of: $0) ?? []).split(separator: 0x0A).map(Array.init) }
      .filter { $0.first == UInt8(ascii: "{") }
  }

  /// The step has ended, well or not, and the next process comes.
  private func settle(_ tally: inout Tally) throws {
    let isCrashed = disk.isOff
    if isFaultPlanned { tally.faults += 1 }
    (disk.faults, disk.faultForEver) = ([:], nil)
    (files.faults, files.faultForEver) = ([:], nil)
    if isCrashed {
      tally.crashes += 1
      let found = files.image { Bool.random(using: &random) }
      disk = disk.crashImage { _ in Bool.random(using: &random) }
      try files.put(WatchedFiles.isPossible ? found : files.files())
      if chance(25) { template.removeViews() }
    }
    if isCrashed {
      let stored = Self.storedLines(disk)
      if !stored.starts(with: promises.lines) {
        tally.lose("\(stored.count) events after a crash, \(promises.lines.count) acknowledged")
      }
    }
    lieIfPlanted()
    if let answered {
      self.answered = nil
      // What was answered may be durable without being marked so, until it is opened.
      try turn()
      promises.answered(
        answered.key, answered.line, answered.events, log: try lines(disk), &tally)
    } else if isCrashed || isFaultPlanned {
      try turn()
      let log = try lines(disk)
      promises.found(log, &tally)
      if let open = promises.open {
        let times = Promises.count(open.key, in: log)
        tally.expect(
          times == 0 || times == 1 && !promises.isOpenNotWritten,
          "\(open.key) stands \(times) times in the log, not written: \(promises.isOpenNotWritten)")
      }
    }
  }

  /// Opens the ledger, as any process does first.
  private func turn() throws {
    isFaultPlanned = false
    try files.watching { _ = try open().takeTurn() }
  }

  /// No fault any more: everything must be in order.
  private func end(_ tally: inout Tally) throws {
    if let open = promises.open {
      try call(open.line, key: open.key, &tally)
      try settle(&tally)
      tally.expect(promises.open == nil, "a call isn't answered without any fault")
    }
    try deliver(&tally)
    let ledger = try open()
    _ = try ledger.takeTurn()
    let keys = try ledger.countKeys()
    if keys.missingCount > 0 { tally.lose("the keys of \(keys.missing) are gone") }
    tally.expect(keys.undestroyedCount == 0, "\(keys.undestroyedCount) keys of erased users")
    let log = try lines(disk)
    promises.found(log, &tally)
    promises.check(log, &tally, "in the end")
    for call in promises.calls where call.events != nil {
      let times = Promises.count(call.key, in: log)
      tally.expect(times == 1, "\(call.key) stands \(times) times in the log")
    }
    var verifier = LogVerifier(
      disk, identity: ledger.identity, judge: EventCheck(ledger.identity))
    let report = try verifier.verify()
    tally.expect(
      report.state == .clean && report.damage.isEmpty && report.size == UInt64(log.count),
      "verifying: \(report.state), \(report.damage)")
    let reader = try LogReader(disk, identity: ledger.identity)
    let rebuilt = try rebuild(reader)
    if try rebuilt.contentDigest() != ledger.views.contentDigest() {
      let difference = try rebuilt.firstDifference(from: ledger.views)
      tally.mistake("views differ from a rebuild: \(difference as Any)")
    }
    let recheck = try Recheck(reader, today: Self.zones)
    tally.expect(recheck.findings.isEmpty, "recheck: \(recheck.findings.prefix(2))")
    let replayed = try Replay(reader).transactionLogs()
    tally.expect(
      dispatches.count <= replayed.count, "\(replayed.count) logs of \(dispatches.count) dispatches"
    )
  }

  private static var zones: TodaysZones {
    TodaysZones(tzdata: "test") { name in
      guard let bytes = (try? ZoneDatabase.system?.zone(named: name.text)) ?? nil else {
        return nil
      }
      return try? ZoneRules(tzif: bytes)
    }
  }

  /// Views made from the log alone.
  private func rebuild(_ reader: LogReader) throws -> ViewStore {
    let views = try ViewStore(.temporary)
    try views.create()
    try views.begin()
    var isForgotten = canary != .forgetsResult
    var last: StoredEvent?
    var cursor = reader.events(from: 0)
    while let stored = try cursor.read() {
      let event = try Event(decoding: stored.line)
      if !isForgotten, event.type == .deliveryRecorded {
        isForgotten = true
        try views.pass(over: event.id)
      } else {
        let place = EventLocation(
          segment: stored.segment, offset: stored.offset, length: stored.line.count)
        try views.apply(event, at: place, commit: stored.commit.first...stored.commit.end - 1)
      }
      last = stored
    }
    guard let last else { throw Broken("no events") }
    try views.commit(
      Cursor(
        next: last.id + 1, root: last.commit.root, segment: last.commitEnd.segment,
        offset: last.commitEnd.offset))
    return views
  }
}
