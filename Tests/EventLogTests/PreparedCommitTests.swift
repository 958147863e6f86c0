import Bytes
import EventLog
import Simulation
import Synchronization
import Testing

@Suite("Commits that are made ready while the one before becomes durable")
struct PreparedCommitTests {
  /// A life of such commits, into segments that roll.
  struct Life {
    private(set) var acknowledged: [[UInt8]] = []
    private(set) var commitEnds: Set<Int> = [0]
    private(set) var error: LogError?
    /// How often a commit was to be made ready, and was.
    private(set) var asked = 0
    private(set) var made = 0

    mutating func run(on disk: SimulatedDisk) {
      do throws(LogError) {
        var writer = try LogWriter.create(
          in: disk, identity: Workload.identity, segmentBytes: 4_000)
        var next = Self.lines(from: 0)
        var ready = try PreparedCommit(next)
        for _ in 0..<12 {
          let lines = next
          let receipt = try writer.stage(
            ready, time: max(writer.lastTime, Workload.time(writer.size)))
          commitEnds.insert(Int(receipt.size))
          next = Self.lines(from: receipt.size)
          let following = next
          let prepared = Mutex<[PreparedCommit]>([])
          asked += 1
          defer { made += prepared.withLock { $0.count } }
          try writer.synchronize(with: oneByOne) {
            guard let commit = try? PreparedCommit(following) else { return }
            prepared.withLock { $0.append(commit) }
          }
          acknowledged += lines
          if let commit = prepared.withLock({ $0.first }) { ready = commit }
        }
      } catch {
        self.error = error
      }
    }

    private static func lines(from first: UInt64) -> [[UInt8]] {
      (first..<first + 1 + first % 7).map(Workload.line)
    }
  }

  @Test("are what commits of the same lines are that were staged one after the other")
  func same() throws {
    let disk = SimulatedDisk()
    var life = Life()
    life.run(on: disk)
    #expect(life.error == nil && life.acknowledged.count > 20)
    #expect(disk.paths.count { $0.hasPrefix("log/") } > 1)
    let report = try Workload.report(disk)
    #expect(report.state == .clean && report.damage.isEmpty)
    #expect(try Workload.lines(disk) == life.acknowledged)
    let plain = SimulatedDisk()
    var writer = try LogWriter.create(
      in: plain, identity: Workload.identity, segmentBytes: 4_000)
    for (start, end) in zip(life.commitEnds.sorted(), life.commitEnds.sorted().dropFirst()) {
      _ = try writer.append(
        Array(life.acknowledged[start..<end]),
        time: max(writer.lastTime, Workload.time(writer.size)))
      try writer.synchronize()
    }
    for path in disk.paths where path.hasPrefix("log/") {
      #expect(disk.bytes(of: path) == plain.bytes(of: path), "\(path)")
    }
  }

  @Test("a call fails or the power does: only what was acknowledged is sure to be there")
  func failures() throws {
    let whole = SimulatedDisk()
    var life = Life()
    life.run(on: whole)
    for operation in 0..<whole.operationCount {
      for fault: SimulatedDisk.Fault in [.error(5), .crash] {
        let disk = SimulatedDisk()
        disk.faults[operation] = fault
        var life = Life()
        life.run(on: disk)
        let what = Comment(rawValue: "\(fault) at call \(operation)")
        // Where the log couldn't be begun, or its segment closed, nobody was asked to.
        #expect(life.made == life.asked, what)
        guard !life.acknowledged.isEmpty else { continue }
        let image = fault == .crash ? disk.crashImage { _ in true } : disk.copy()
        _ = try Workload.openAndAppend(2, to: image)
        let lines = try Workload.lines(image)
        let count = life.acknowledged.count
        #expect(Array(lines.prefix(count)) == life.acknowledged, what)
        #expect(life.commitEnds.contains(lines.count - 2), what)
      }
    }
  }

  @Test("nothing that a log can't hold is made ready")
  func limits() throws {
    #expect(throws: LogError.commitTooLarge(events: 0, bytes: 0)) { try PreparedCommit([]) }
    let long = [UInt8](repeating: UInt8(ascii: "{"), count: LogLimit.eventBytes + 1)
    #expect(throws: LogError.eventTooLong(bytes: long.count)) { try PreparedCommit([long]) }
  }
}
