import Audit
import Bytes
import EventLog
import Events
import Export
import Ledger
import Merkle
import Simulation
import Torture
import Views

/// Whole ledgers, and files of their own that lie in them or come from others.
enum LedgerTargets {
  static let all = [
    // As files come from a disk, and as somebody makes them who knows how.
    FuzzTarget("ledgers", limit: 16_384) { examine(FileSections($0).disk(Self.unchanged)) },
    FuzzTarget("forged-ledgers", limit: 16_384) { examine(FileSections($0).disk(Self.forged)) },
    FuzzTarget("histories", limit: 8_192) { history($0) },
    FuzzTarget("bundles", limit: 16_384) { bundle($0) },
    FuzzTarget("identities", limit: 1_024) { bytes in
      guard let identity = try? LedgerIdentity(bytes) else { return }
      promise(identity.encoded == bytes, "an identity has another spelling")
    },
    FuzzTarget("archives", limit: 8_192) { bytes in
      let disk = SimulatedDisk()
      disk.setBytes(of: LogArchive.description, to: bytes)
      let identity = WrittenLedger.identity
      let found = try? ArchiveDescription.read(from: disk, named: "archive", of: identity)
      guard let found else { return }
      promise(found.encoded(of: identity) == bytes, "a description has another spelling")
    },
  ]

  @Sendable private static func unchanged(_ path: String, _ bytes: [UInt8]) -> [UInt8] {
    path == "head" ? FileSections.head(bytes) : bytes
  }

  @Sendable private static func forged(_ path: String, _ bytes: [UInt8]) -> [UInt8] {
    Forgery.file(path, unchanged(path, bytes), of: WrittenLedger.identity.id)
  }

  // MARK: - A ledger that somebody hands over

  private static func report(_ disk: SimulatedDisk) throws(LogError) -> LogReport {
    // In small windows, so that they end within what is damaged.
    var verifier = LogVerifier(
      disk, identity: WrittenLedger.identity, judge: EventCheck(WrittenLedger.identity),
      windowBytes: 300)
    return try verifier.verify()
  }

  /// What an auditor, an operator and the next writer do with it.
  private static func examine(_ disk: SimulatedDisk) {
    let identity = WrittenLedger.identity
    do {
      try disk.ensureDirectory("log")
      let verification = try Verification(disk, identity: identity)
      let report = verification.report
      promise(report == (try Self.report(disk)), "two verifications differ")
      let isWhole = report.damage.isEmpty && [.clean, .torn].contains(report.state)
      do {
        let reader = try LogReader(disk, identity: identity)
        try read(reader, report, isWhole: isWhole && report.archived == nil)
      } catch {
        promise(!isWhole, "a whole ledger can't be read: \(error)")
      }
      try open(disk.copy(), report, isWhole: isWhole)
      try repair(disk.copy())
    } catch {
      fatalError("broken: examining stopped with \(error)")
    }
  }

  private static func read(
    _ reader: LogReader, _ report: LogReport, isWhole: Bool
  ) throws(LogError) {
    let (recheck, replay) = (
      Result { try Recheck(reader, today: TodaysZones(tzdata: "none") { _ in nil }) },
      Result { try Replay(reader).transactionLogs() }
    )
    promise(
      try LogComparison(reader, reader) == (try LogComparison(reader, reader)),
      "two comparisons differ")
    guard isWhole else { return }
    promise(reader.size == report.size, "\(reader.size) events to read, \(report.size) verified")
    var frontier = Frontier()
    var cursor = reader.events(from: 0)
    while let stored = try cursor.read() {
      promise(stored.id == frontier.size, "event \(stored.id) comes after \(frontier.size)")
      frontier.append(leaf: MerkleTree.leafHash(stored.line))
    }
    promise(frontier.head == TreeHead(size: report.size, root: report.root), "another tree")
    if report.size > 0 {
      if case .failure(let error) = recheck { promise(false, "recheck stopped: \(error)") }
      if case .failure(let error) = replay { promise(false, "replay stopped: \(error)") }
    }
  }

  /// A writer goes on with a whole ledger, and with none that it says needs a repair.
  private static func open(
    _ disk: SimulatedDisk, _ report: LogReport, isWhole: Bool
  ) throws {
    let before = disk.copy()
    let head = try Head.open(in: disk)
    do {
      var writer = try LogWriter.open(disk, identity: WrittenLedger.identity, head: head)
      promise(writer.size >= report.size, "\(writer.size) events to go on with of \(report.size)")
      let time = writer.lastTime.adding(seconds: 1)
      let line = WrittenLedger.line(writer.size, time: time)
      _ = try writer.append([line], time: time)
      try writer.synchronize()
      guard isWhole else { return }
      let after = try Self.report(disk)
      promise(
        after.state == .clean && after.damage.isEmpty && after.size > report.size,
        "\(after.state) and \(after.damage) after an event was added")
    } catch {
      guard case LogError.needsRepair = error else {
        promise(!isWhole, "a writer can't go on: \(error)")
        return
      }
      promise(!isWhole, "a whole ledger needs a repair")
      for path in before.paths {
        promise(before.bytes(of: path) == disk.bytes(of: path), "refused, and \(path) was changed")
      }
    }
  }

  /// What is planned comes to what was foretold.
  private static func repair(_ disk: SimulatedDisk) throws {
    let plan = try RepairPlan(
      for: disk, identity: WrittenLedger.identity,
      choices: RepairChoices(acceptsTail: true, rebuildsHead: true),
      judge: EventCheck(WrittenLedger.identity))
    let head = try Head.open(in: disk)
    _ = try plan.apply(to: disk, identity: WrittenLedger.identity, head: head)
    let after = try report(disk)
    promise(after == plan.after, "repaired to \(after), foretold \(plan.after)")
  }

  // MARK: - A history of well-formed events that nobody decided

  /// Lines become events where they can, commits where a blank line stands; everything folds.
  private static func history(_ bytes: [UInt8]) {
    do {
      let disk = try written(bytes)
      let report = try Self.report(disk)
      promise(
        report.state == .clean && report.damage.isEmpty, "\(report.state), \(report.damage)")
      let reader = try LogReader(disk, identity: WrittenLedger.identity)
      _ = try Recheck(reader, today: TodaysZones(tzdata: "none") { _ in nil })
      _ = try Replay(reader).transactionLogs()
      let views = try folded(reader)
      promise(
        try views.contentDigest() == folded(reader).contentDigest(), "two folds differ")
    } catch {
      fatalError("broken: a history stopped with \(error)")
    }
  }

  private static func written(_ bytes: [UInt8]) throws -> SimulatedDisk {
    let identity = WrittenLedger.identity
    let disk = SimulatedDisk()
    var writer = try LogWriter.create(in: disk, identity: identity)
    let created = writer.lastTime
    _ = try writer.append([WrittenLedger.line(0, time: created)], time: created)
    let texts = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).prefix(24)
    for group in texts.split(whereSeparator: \.isEmpty) {
      var (time, lines) = (writer.lastTime, [] as [[UInt8]])
      for text in group {
        let id = writer.size + UInt64(lines.count)
        guard case .object(var object)? = try? JSON(parsing: Array(text)) else { continue }
        if lines.isEmpty, case .string(let given)? = object["time"],
          let given = Instant(text: given.utf8)
        {
          time = max(time, given)
        }
        object["id"] = .string(String(id))
        object["time"] = .string(time.text)
        object["source"] = .string(identity.origin)
        if !lines.isEmpty {
          object["idempotencykey"] = nil
          object["idempotencyhash"] = nil
        }
        let line = JSON.object(object).canonicalBytes
        // The wall clock is only said where it was set back.
        guard let event = try? Event(decoding: line), event.clock.map({ $0 < time }) ?? true
        else { continue }
        lines.append(line)
      }
      if !lines.isEmpty { _ = try writer.append(lines, time: time) }
    }
    try writer.synchronize()
    disk.setBytes(of: "LEDGER", to: identity.encoded)
    return disk
  }

  private static func folded(_ reader: LogReader) throws -> ViewStore {
    let views = try ViewStore(.temporary)
    try views.create()
    try views.begin()
    var last: StoredEvent?
    var cursor = reader.events(from: 0)
    while let stored = try cursor.read() {
      let place = EventLocation(
        segment: stored.segment, offset: stored.offset, length: stored.line.count)
      let commit = stored.commit.first...stored.commit.end - 1
      try views.apply(Event(decoding: stored.line), at: place, commit: commit)
      last = stored
    }
    guard let last else { fatalError("broken: a history without events") }
    try views.commit(
      Cursor(
        next: last.id + 1, root: last.commit.root, segment: last.commitEnd.segment,
        offset: last.commitEnd.offset))
    return views
  }

  // MARK: - A bundle

  private static func bundle(_ bytes: [UInt8]) {
    let disk = FileSections(bytes).disk()
    // Sums are made right, those of the list of sums last, as whoever makes a bundle up would do.
    for list in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
      guard let lines = disk.bytes(of: list) else { continue }
      let sums = lines.split(separator: 0x0A).flatMap { line -> [UInt8] in
        let name = String(decoding: line.dropFirst(66), as: UTF8.self)
        guard let file = disk.bytes(of: name) else { return line + [0x0A] }
        return Array("\(SHA256.hash(file).hex)  \(name)\n".utf8)
      }
      disk.setBytes(of: list, to: sums)
    }
    guard let check = try? BundleCheck(disk) else { return }
    guard check.problemCount == 0, let note = check.note,
      let head = (try? Checkpoint(text: note.text))?.head
    else { return }
    promise(check.eventCount <= head.size, "\(check.eventCount) events of \(head.size)")
    let ids = (disk.bytes(of: "data/events.jsonl") ?? []).split(separator: 0x0A)
      .compactMap { (try? Envelope(decoding: Array($0)))?.id }
    promise(zip(ids, ids.dropFirst()).allSatisfy(<), "events that don't ascend: \(ids)")
  }
}
