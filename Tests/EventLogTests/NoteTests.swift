import Bytes
import EventLog
import Simulation
import Testing

@Suite("What a verifier notes of events")
struct NoteTests {
  /// Refuses one event, and has something to note of each.
  private final class Judge: EventJudge {
    private let refused: UInt64?
    private(set) var noted: [UInt64] = []
    private(set) var ends: [UInt64] = []

    init(refusing refused: UInt64?) { self.refused = refused }

    func another() -> any EventJudge { Judge(refusing: refused) }
    func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool { id != refused }
    func isNotable(_ line: RawSpan) -> Bool { true }

    func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? {
      #expect(line == Workload.line(id))
      noted.append(id)
      return nil
    }

    func pass(_ commit: CommitLine) { ends.append(commit.end) }
  }

  @Test("each that is accepted is noted once and in order, whichever other one of its commit isn't")
  func once() throws {
    let disk = SimulatedDisk()
    var workload = Workload()
    var writer = try LogWriter.create(
      in: disk, identity: Workload.identity, segmentBytes: 1_500)
    try workload.append(to: &writer, until: 20)
    let each: [UInt64?] = [nil] + (0..<20).map { $0 }
    for refused in each {
      for length: UInt64 in [1, 700, 1 << 20] {
        let judge = Judge(refusing: refused)
        var verifier = LogVerifier(
          disk, identity: Workload.identity, judge: judge, windowBytes: length)
        let report = try verifier.verify()
        let damaged: [Range<UInt64>] = refused.map { [$0..<$0 + 1] } ?? []
        #expect(report.damage.map(\.ids) == damaged)
        #expect(judge.noted == (0..<20).filter { $0 != refused }, "refusing \(refused as Any)")
        #expect(judge.ends == workload.commitEnds.sorted().map(UInt64.init))
      }
    }
  }
}
