import Bytes
import EventLog
import Events
import Merkle

/// Judges events, and keeps what evidence is judged by while a verifier reads them once.
final class EvidenceCollector: EventJudge {
  private let check: EventCheck
  /// The sizes whose roots are asked for.
  private let wanted: Set<UInt64>
  private(set) var roots: [UInt64: Digest] = [:]
  private let first: KeyChain
  private var changes: [(event: EventID, change: LedgerKeyChanged)] = []
  private(set) var stamps: [(event: EventID, stamped: LedgerTimeStamped)] = []

  init(_ identity: LedgerIdentity, wanted: Set<UInt64>) {
    self.wanted = wanted
    check = EventCheck(identity)
    first = KeyChain(first: identity.verifierKey)
  }

  /// The keys, in the order of the events that name them.
  var chain: KeyChain {
    var chain = first
    for (event, change) in changes.sorted(by: { $0.event < $1.event }) {
      chain.add(change, by: event)
    }
    return chain
  }

  /// Takes what a snapshot keeps of the events before `limit`, which the log doesn't hold.
  func observe(_ snapshot: LogSnapshot, before limit: UInt64) throws(LogError) {
    for (size, root) in snapshot.roots where size < limit { roots[size] = root }
    for id in snapshot.events where id < limit {
      if let line = try snapshot.line(of: id) { keep(line, id) }
    }
    stamps.sort { $0.event < $1.event }
  }

  func another() -> any EventJudge { check.another() }

  func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool {
    check.accepts(line, id, of: commit)
  }

  func isNotable(_ line: RawSpan) -> Bool { check.isNotable(line) }

  func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? {
    keep(line, id)
    return check.note(line, id)
  }

  /// The verifier checks the commit's root.
  func pass(_ commit: CommitLine) {
    if wanted.contains(commit.end) { roots[commit.end] = commit.root }
  }

  private func keep(_ line: [UInt8], _ id: UInt64) {
    guard let event = try? Event(decoding: line) else { return }
    switch event.payload {
    case .ledgerKeyChanged(let change): changes.append((id, change))
    case .ledgerTimeStamped(let stamped): stamps.append((id, stamped))
    default: return
    }
  }

  /// Finds the roots of sizes that no commit of this log ends at, from one more pass.
  func findRoots(of sizes: Set<UInt64>, in reader: LogReader) throws(LogError) {
    let missing = sizes.filter { roots[$0] == nil && $0 >= reader.first }
    guard let last = missing.max() else { return }
    var frontier = try reader.beginning()
    if missing.contains(frontier.size) { roots[frontier.size] = frontier.root }
    var cursor = reader.events(from: reader.first, to: last)
    while let stored = try cursor.read() {
      frontier.append(leaf: MerkleTree.leafHash(stored.line))
      if missing.contains(frontier.size) { roots[frontier.size] = frontier.root }
    }
  }
}
