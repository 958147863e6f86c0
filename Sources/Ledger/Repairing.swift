import Audit
package import Bytes
import Dispatching
package import EventLog
package import Events
import Platform

extension Ledger {
  /// What a repair would do; nothing is changed.
  ///
  /// - Parameter copy: Another copy of the ledger, a backup for example.
  package func planRepair(
    _ choices: RepairChoices, from copy: (any Storage)?
  ) throws(LedgerError) -> RepairPlan {
    try inLog { () throws(LogError) in
      try RepairPlan(
        for: storage, identity: identity, choices: choices, copy: copy,
        judge: EventCheck(identity))
    }
  }

  /// Plans again under the writer's lock, does it, and records each step as `ledger.repaired`.
  ///
  /// A plan that has no step, or after which nothing could be recorded, isn't done.
  package func repair(
    _ choices: RepairChoices, from copy: (any Storage)?, reason: String?
  ) throws(LedgerError) -> RepairPlan {
    let head = try lockForWriting()
    let plan = try planRepair(choices, from: copy)
    guard plan.isWritable else { return plan }
    _ = try inLog { () throws(LogError) in
      try plan.apply(to: storage, identity: identity, head: head)
    }
    if plan.steps.isEmpty { return plan }
    let turn = try turn(holding: head)
    guard let state = Events.RecoveryState(rawValue: plan.before.state.rawValue),
      let root = TreeRoot(plan.after.root.base64)
    else { fatalError("invariant broken: no word for \(plan.before.state)") }
    let drafts = plan.steps.map { step in
      var repaired = LedgerRepaired(
        action: step.action, state: state, size: Int(plan.after.size), root: root, reason: reason)
      if let place = step.place {
        repaired.segment = place.segment
        repaired.offset = Int(place.range.lowerBound)
        repaired.length = place.range.count
        repaired.digest = HexDigest(place.digest.hex)
      }
      return EventDraft(.ledgerRepaired(repaired))
    }
    try turn.commit(drafts)
    return plan
  }
}

extension RepairStep {
  /// What the log calls it.
  package var action: RepairAction {
    switch self {
    case .fromCopy: .fromBackup
    case .cutTail: .acceptTail
    case .rebuildHead: .rebuildHead
    }
  }

  /// The bytes that it is about.
  package var place: (segment: UInt64, range: Range<UInt64>, digest: Digest)? {
    switch self {
    case .fromCopy(let segment, let range, let digest, _): (segment, range, digest)
    case .cutTail(let segment, let range, let digest): (segment, range, digest)
    case .rebuildHead: nil
    }
  }
}

extension Ledger {
  /// Another copy of this ledger, for reading.
  ///
  /// - Throws: `.noLedger`; `.log` with `.copyOfAnotherLedger`.
  package func otherCopy(in directory: String) throws(LedgerError) -> any Storage {
    guard
      try inFiles({ () throws(PlatformError) in
        try exists(joinPath(directory, LogPath.identity))
      })
    else { throw .noLedger(directory: directory) }
    let storage = try inStorage { () throws(StorageError) in
      try FileStorage.openForReading(directory: directory)
    }
    let other = try inLog { () throws(LogError) in try LedgerIdentity.read(from: storage) }
    guard other == identity else { throw .log(.copyOfAnotherLedger(origin: other.origin)) }
    return storage
  }
}
