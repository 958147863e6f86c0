import Audit
import EventLog
import Events
import Simulation
import Testing
import Views

@Suite("The history of one dispatch", .timeLimit(.minutes(30)))
struct StreamTests {
  static let identity = AuditedHistory.identity
  static let folder = "index/streams"

  /// A log of random history in short segments, whose indexes followed it from the beginning.
  private func ledger(_ history: RecordedHistory) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.createDirectory("index")
    var writer = try LogWriter.create(in: disk, identity: Self.identity, segmentBytes: 30_000)
    var indexes = try StreamIndexes(
      catchingUp: disk, identity: Self.identity, to: writer.durable)
    for commit in history.commits {
      let lines = commit.map { $0.encodeLine() }
      let receipt = try writer.append(lines, time: commit[0].time)
      try writer.synchronize()
      try indexes.append([(receipt, lines)])
    }
    try writer.synchronizeHead()
    disk.setBytes(of: "LEDGER", to: Self.identity.encoded)
    return disk
  }

  private func reader(_ disk: SimulatedDisk) throws -> LogReader {
    try LogReader(disk, identity: Self.identity)
  }

  private func files(_ disk: SimulatedDisk) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try disk.list(Self.folder) {
      files[name] = disk.bytes(of: "\(Self.folder)/\(name)")
    }
    return files
  }

  private func wrong(_ disk: SimulatedDisk) throws -> [String] {
    try Verification(disk, identity: Self.identity).report.indexes
  }

  /// What is told of each dispatch, by its index.
  private func texts(_ disk: SimulatedDisk, _ ids: [EntityID]) throws -> [String] {
    try Replay(try reader(disk)).transactionLogs(of: ids).map(\.text)
  }

  @Test(
    "is by its index what it is by reading everything, of each dispatch and at each moment",
    arguments: [31, 32, 33] as [UInt64])
  func same(seed: UInt64) throws {
    let history = try RandomHistory(seed: seed, steps: 40, strays: true, rules: true).history
    let disk = try ledger(history)
    let reader = try reader(disk)
    #expect(reader.segments.count >= 3)
    #expect(try wrong(disk) == [])
    let moments = [3, 2, 1].map { history.commits[history.commits.count * $0 / 4][0] }
    let points: [HistoryPoint?] =
      [nil] + moments.flatMap { [.event($0.id), .recorded($0.time), .known($0.time)] }
    for point in points {
      let all = try Replay(reader, at: point).transactionLogs()
      #expect(all.count > (point == nil ? 3 : 0), "seed \(seed)")
      let whole = try AuditViews(reader, at: point)
      for log in all {
        let id = log.dispatchID
        #expect(try Replay(reader, at: point).transactionLogs(of: [id]) == [log], "seed \(seed)")
        let views = try AuditViews(reader, of: id, at: point)
        #expect(views.moment == whole.moment)
        #expect(try told(views.store, of: id) == told(whole.store, of: id), "seed \(seed)")
      }
    }
    #expect(throws: AuditError.self) {
      try Replay(reader).transactionLogs(of: [AuditedHistory.id("nobody")])
    }
    #expect(throws: AuditError.self) {
      try Replay(reader, at: .event(reader.size)).transactionLogs(of: [])
    }
  }

  /// All that `show dispatch` prints is made of.
  private func told(_ store: ViewStore, of id: EntityID) throws -> [String] {
    guard let row = try store.dispatches.find(id) else {
      return try store.dispatches.rejections(of: id).map { "\($0)" }
    }
    let program = try store.catalogue.programs.find(row.programID)
    var told = ["\(row)", "\(String(describing: program))"]
    for modification in try store.dispatches.modifications(of: id) {
      let number = modification.number
      told.append("\(modification)")
      told.append("\(try store.notices.list(of: id, modification: number))")
      told.append("\(try store.notices.counts(of: id, modification: number))")
      told.append("\(try store.resolutions.exclusions(of: id, modification: number))")
    }
    told.append("\(String(describing: try store.schedules.find(id)))")
    return told
  }

  @Test("is the same whatever became of an index: lost, cut, altered, of another ledger or day")
  func damaged() throws {
    let history = try RandomHistory(seed: 34, steps: 40).history
    let disk = try ledger(history)
    let logs = try Replay(try reader(disk)).transactionLogs()
    let ids = logs.map(\.dispatchID)
    let texts = logs.map(\.text)
    let files = try files(disk)
    #expect(files.count == (try reader(disk)).segments.count)
    let other = try self.files(ledger(try RandomHistory(seed: 35, steps: 40).history))
    let earlier = RecordedHistory.copy(
      of: Array(history.commits.prefix(history.commits.count / 2)), at: history.now)
    let before = try self.files(ledger(earlier))
    for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
      let path = "\(Self.folder)/\(name)"
      var variants: [[UInt8]] = [[], Array(bytes.dropLast()), bytes + [0]]
      variants += stride(from: 1, to: bytes.count, by: 97).map { Array(bytes.prefix($0)) }
      variants += stride(from: 0, to: bytes.count, by: 41).map { place in
        var altered = bytes
        altered[place] ^= 4
        return altered
      }
      variants += [other, before].compactMap { $0[name] }
      variants += files.values.filter { $0 != bytes }
      for (number, variant) in variants.enumerated() {
        disk.setBytes(of: path, to: variant)
        #expect(try self.texts(disk, ids) == texts, "\(name), variant \(number)")
      }
      disk.remove(path)
      #expect(try self.texts(disk, ids) == texts, "\(name) lost")
      disk.setBytes(of: path, to: bytes)
    }
  }

  @Test("a writer brings the indexes to the log's end from wherever they were")
  func caughtUp() throws {
    let history = try RandomHistory(seed: 36, steps: 40).history
    let disk = try ledger(history)
    let files = try files(disk)
    let end = try reader(disk).end.valid
    func catchUp() throws -> [String: [UInt8]] {
      _ = try StreamIndexes(catchingUp: disk, identity: Self.identity, to: end)
      return try self.files(disk)
    }
    #expect(try catchUp() == files)
    let open = try #require(files.keys.first { $0.hasSuffix(".open") })
    let bytes = try #require(files[open])
    for length in stride(from: 0, to: bytes.count, by: 13) {
      disk.setBytes(of: "\(Self.folder)/\(open)", to: Array(bytes.prefix(length)))
      #expect(try catchUp() == files, "\(length) bytes")
    }
    for place in stride(from: 0, to: 101, by: 7) {
      var altered = bytes
      altered[place] ^= 1
      disk.setBytes(of: "\(Self.folder)/\(open)", to: altered)
      #expect(try catchUp() == files, "byte \(place)")
    }
    // What is of no segment goes, and what is missing is made.
    disk.setBytes(of: "\(Self.folder)/0000000000999999", to: bytes)
    for name in files.keys { disk.remove("\(Self.folder)/\(name)") }
    #expect(try catchUp() == files)
    try StreamIndexes.remove(from: disk)
    #expect(try disk.list(Self.folder) == [])
    #expect(try catchUp() == files)
  }

  @Test("damage in the log is told by whoever reads there, and by nobody else")
  func damagedLog() throws {
    let history = try RandomHistory(seed: 37, steps: 40).history
    let disk = try ledger(history)
    let reader = try reader(disk)
    let logs = try Replay(reader).transactionLogs()
    let digits = "\(reader.segments[1])"
    let path = "log/\(String(repeating: "0", count: 16 - digits.count))\(digits).log"
    let bytes = try #require(disk.bytes(of: path))
    var altered = bytes
    // In one of a dispatch's own events.
    var streams = StreamReader(reader)
    let stored = try logs.flatMap { try streams.events(about: "dispatch/\($0.dispatchID.text)") }
      .first { $0.segment == reader.segments[1] }
    altered[Int(try #require(stored).offset) + 20] ^= 1
    disk.setBytes(of: path, to: altered)
    var (read, refused) = (0, 0)
    for log in logs {
      do throws(AuditError) {
        let again = try Replay(reader).transactionLogs(of: [log.dispatchID])
        #expect(again == [log])
        read += 1
      } catch {
        guard case .log(.damaged) = error else { throw error }
        refused += 1
      }
    }
    #expect(read > 0 && refused > 0)
    // Without its index all of the segment has to be read.
    disk.remove(path.replacing("log/", with: Self.folder + "/").replacing(".log", with: ""))
    #expect(throws: AuditError.self) {
      for log in logs { _ = try Replay(reader).transactionLogs(of: [log.dispatchID]) }
    }
    // A segment that can't be indexed isn't read again for it.
    _ = try StreamIndexes(catchingUp: disk, identity: Self.identity, to: reader.end.valid)
    #expect(try files(disk).values.count { $0.isEmpty } == 1)
  }

  @Test("a forged index hides events from a reader, and verifying tells of it")
  func forged() throws {
    let history = try RandomHistory(seed: 38, steps: 40).history
    let disk = try ledger(history)
    let logs = try Replay(try reader(disk)).transactionLogs()
    for (name, bytes) in try files(disk).sorted(by: { $0.key < $1.key }) {
      let path = "\(Self.folder)/\(name)"
      let forged =
        name.hasSuffix(".open") ? ForgedStreams.open(bytes) : ForgedStreams.closed(bytes)
      disk.setBytes(of: path, to: forged)
      let verification = try Verification(disk, identity: Self.identity)
      #expect(verification.verdict == .violated && verification.report.indexes == [path])
      #expect(verification.report.damage == [])
      var hidden = 0
      for log in logs {
        let told = try? Replay(try reader(disk)).transactionLogs(of: [log.dispatchID])
        if told != [log] { hidden += 1 }
      }
      #expect(hidden > 0, "\(name)")
      if name.hasSuffix(".open") {
        // Nobody takes one whose last commit isn't this log's.
        disk.setBytes(of: path, to: ForgedStreams.open(bytes, isOfAnotherHistory: true))
        #expect(try texts(disk, logs.map(\.dispatchID)) == logs.map(\.text))
        #expect(try wrong(disk) == [])
      }
      disk.setBytes(of: path, to: bytes)
      #expect(try Verification(disk, identity: Self.identity).verdict == .whole)
    }
  }
}
