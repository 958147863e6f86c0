import Bytes
package import EventLog
import Events
import Merkle

/// What verifying a ledger came to.
package struct Verification: Sendable {
  package let identity: LedgerIdentity
  package let report: LogReport
  package let evidence: Evidence

  package enum Verdict: Int32, Hashable, Sendable {
    case whole = 0
    case violated = 4
    case needsRepair = 5
  }

  /// Reads the whole log once, in several parts at once where there are workers, and once more only where a checkpoint's size is no commit's end.
  package init(
    _ storage: any Storage, identity: LedgerIdentity, trust: Trust = Trust(),
    workers: @escaping Workers = oneByOne
  ) throws(LogError) {
    self.identity = identity
    let files = CheckpointFiles(storage)
    var own: [OwnCheckpoint] = []
    do {
      try files.forEach { note, place in
        guard let checkpoint = try? Checkpoint(text: note.text),
          sameBytes(checkpoint.origin, identity.origin)
        else { return }
        own.append(OwnCheckpoint(head: checkpoint.head, place: place))
      }
    } catch {
      throw .storage(error)
    }
    let pinned = trust.pinned.compactMap { try? Checkpoint(text: $0.text) }.map(\.head.size)
    let sizes = Set(own.map(\.head.size) + pinned)
    let collector = EvidenceCollector(identity, wanted: sizes)
    var verifier = LogVerifier(storage, identity: identity, judge: collector, workers: workers)
    report = try verifier.verify()
    let size = report.size
    let archived = report.archived ?? 0
    if let name = report.snapshot, !report.damage.contains(where: { $0.kind == .snapshot }) {
      let snapshot = try LogSnapshot(LogPath.snapshot(name), in: storage, of: identity.id)
      try collector.observe(snapshot, before: archived)
    }
    let stamped = collector.stamps.map { UInt64($0.stamped.size) }
    let asked = sizes.union(stamped).filter { $0 <= size }
    if asked.contains(where: { collector.roots[$0] == nil && $0 >= archived }) {
      let reader = try LogReader(storage, identity: identity)
      try collector.findRoots(of: asked, in: reader)
    }
    do {
      evidence = try Evidence(
        files, own.filter { $0.head.size >= archived || collector.roots[$0.head.size] != nil },
        collector, origin: identity.origin, size: size, archived: archived, trust)
    } catch {
      throw .storage(error)
    }
  }

  /// Events that no checkpoint covers yet.
  package var unsignedCount: UInt64 {
    report.size > evidence.signedSize ? report.size - evidence.signedSize : 0
  }

  /// The exit status of `FORMAT.md` §6.3, §7 and §18.
  package var verdict: Verdict {
    switch report.state {
    case .corrupt, .lostTail: .violated
    case _ where !report.damage.isEmpty || !evidence.findings.isEmpty: .violated
    case _ where !report.indexes.isEmpty: .violated
    case .headLost, .suspect: .needsRepair
    case .torn, .clean: .whole
    }
  }
}
