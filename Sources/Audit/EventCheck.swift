import Bytes
package import EventLog
import Events
import Merkle

/// Whether stored lines are the well-formed events that their places demand (`FORMAT.md` §4.2).
package struct EventCheck: Sendable {
  private let identity: LedgerIdentity

  package init(_ identity: LedgerIdentity) { self.identity = identity }

  /// Whether `line` is the event `id` of that commit; what its `data` holds is read too.
  package func callAsFunction(_ line: [UInt8], _ id: UInt64, _ commit: CommitLine) -> Bool {
    guard let event = try? Event(decoding: line) else { return false }
    return event.id == id && sameBytes(event.source, identity.origin)
      && event.time == commit.time
      && (event.clock.map { $0 < event.time } ?? true)
      && (event.idempotencyKey == nil || id == commit.first)
      && (id != 0 || isBeginning(event.payload))
  }

  /// Whether event 0 repeats what `LEDGER` says.
  private func isBeginning(_ payload: EventPayload) -> Bool {
    guard case .ledgerCreated(let created) = payload else { return false }
    return created.format == Int(LedgerIdentity.format)
      && sameBytes(created.ledgerID.text, identity.id.hex)
      && sameBytes(created.origin, identity.origin)
      && sameBytes(created.vkey, identity.verifierKey.text)
  }
}

/// What verifying a ledger came to.
package struct Verification: Sendable {
  package let identity: LedgerIdentity
  package let report: LogReport

  package enum Verdict: Int32, Hashable, Sendable {
    case whole = 0
    case violated = 4
    case needsRepair = 5
  }

  /// Reads the whole log.
  package init(_ storage: any Storage, identity: LedgerIdentity) throws(LogError) {
    let check = EventCheck(identity)
    var verifier = LogVerifier(storage, identity: identity) { check($0, $1, $2) }
    self.identity = identity
    report = try verifier.verify()
  }

  /// The exit status of `FORMAT.md` §6.3 and §7.
  package var verdict: Verdict {
    switch report.state {
    case .corrupt, .lostTail: .violated
    case _ where !report.damage.isEmpty: .violated
    case .headLost, .suspect: .needsRepair
    case .torn, .clean: .whole
    }
  }
}
