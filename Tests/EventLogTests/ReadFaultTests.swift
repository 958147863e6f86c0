import Bytes
import EventLog
import Merkle
import Simulation
import Testing

/// A reader that took a file that can't be opened for one that isn't there would answer as if the
/// ledger had less in it than it has.
@Suite("A call to the disk fails while something is read")
struct ReadFaultTests {
  /// What reads, and its answer as text.
  private let readers: [(name: String, read: (SimulatedDisk) throws -> String)] = [
    ("the events", { "\(try Workload.lines($0))" }),
    ("the report", { "\(try Workload.report($0))" }),
    ("the newest size", { "\(try Head.newestSize(in: $0, of: Workload.identity.id))" }),
    ("the writer", { "\(try Workload.open($0).size)" }),
    ("the newest checkpoint", { "\(try CheckpointFiles($0).readNewest() as Any)" }),
    (
      "all checkpoints",
      { disk in
        var notes = ""
        try CheckpointFiles(disk).forEach { note, place in notes += "\(note.text) \(place)" }
        return notes
      }
    ),
    (
      "a backup",
      { disk in
        let target = SimulatedDisk()
        let outcome = try LogBackup.make(
          of: disk, identity: Workload.identity, in: target, isIncremental: false,
          files: ["checkpoint", "checkpoints.log"], judge: Workload.Judge())
        return "\(outcome) \(target.paths.sorted())"
      }
    ),
  ]

  private static func disk() throws -> SimulatedDisk {
    let disk = Workload.finishedDisk()
    let key = try #require(Ed25519.SigningKey(seed: [UInt8](repeating: 7, count: 32)))
    let vkey = try #require(VerifierKey(name: Workload.identity.origin, key: key.publicKey))
    let report = try Workload.report(disk)
    let head = TreeHead(size: report.size, root: report.root)
    let checkpoint = try #require(Checkpoint(origin: Workload.identity.origin, head: head))
    try CheckpointFiles(disk).append(
      try #require(checkpoint.signed(by: vkey) { key.signature(of: $0) }))
    return disk
  }

  @Test("at any call, once: it says so, or answers as if nothing had happened", arguments: 0..<7)
  func everyCall(number: Int) throws {
    let (name, read) = readers[number]
    let whole = try Self.disk().copy()
    let clean = whole.copy()
    let expected = try read(clean)
    #expect(clean.operationCount > 0)
    var failed = 0
    for call in 0..<clean.operationCount {
      let disk = whole.copy()
      disk.faults[call] = .error(5)
      do {
        let answer = try read(disk)
        #expect(answer == expected, "\(name): \(clean.trace[call]), call \(call)")
      } catch {
        failed += 1
      }
    }
    #expect(failed > 0, "\(name)")
  }
}
