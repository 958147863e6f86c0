import Audit
import Bytes
import CommandLineInterface
import EventLog
import Merkle

extension Verification {
  /// The report that every verifier prints (`FORMAT.md` §7 and §18).
  var document: JSONObject {
    guard case .object(var document) = report.json(of: identity) else {
      fatalError("invariant broken: a report is no object")
    }
    document["authenticated"] = .bool(evidence.isAuthenticated)
    document["evidence"] = .array(
      evidence.findings.map { finding in
        var object = JSONObject()
        if let last = finding.ids.last {
          object["first"] = .string(String(finding.ids.lowerBound))
          object["last"] = .string(String(last))
        }
        object["what"] = .string(finding.kind.rawValue)
        return .object(object)
      })
    document["signed"] = .string(String(evidence.signedSize))
    document["signer"] = evidence.signer.map { .string($0.text) }
    document["time_stamps"] = .array(
      evidence.stamps.map { stamp in
        [
          "authority": .string(stamp.authority), "event": .string(String(stamp.event)),
          "size": .string(String(stamp.size)), "stamped_at": .string(stamp.time.text),
          "standing": .string(stamp.standing.rawValue),
        ]
      })
    return document
  }
}

/// Tells a person what verifying came to.
struct VerificationText {
  private let verification: Verification
  private let trust: Trust
  private var report: LogReport { verification.report }
  private var evidence: Evidence { verification.evidence }

  init(_ verification: Verification, _ trust: Trust) {
    self.verification = verification
    self.trust = trust
  }

  func print(to session: inout Session) throws(CommandFailure) {
    let identity = verification.identity
    for damage in report.damage {
      try session.print(
        "\(damage.kind.rawValue): \(text(damage.ids)), \(LogPath.segment(damage.segment)) "
          + "byte \(damage.offset)", style: .bad)
    }
    for path in verification.report.indexes {
      try session.print(
        "index: \(path) isn't what the log says, and may hide events from 'replay', 'show' and 'log'",
        style: .bad)
    }
    for finding in evidence.findings { try print(finding, to: &session) }
    var block: KeyValueBlock = [
      "ledger": "\(identity.origin) (\(identity.id.hex))", "state": report.state.rawValue,
      "events": "\(report.size) whole and durable", "root": report.root.base64,
    ]
    if let archived = report.archived {
      block.append(
        "archived", "events 0 to \(archived - 1), by root only; --with ARCHIVE checks them too")
    }
    if let signer = evidence.signer {
      block.append("signed", "\(evidence.signedSize) by \(signer.text)")
    }
    try session.print(block)
    for stamp in evidence.stamps {
      try session.print(
        "time stamp: \(stamp.size) events existed at \(stamp.time.text), "
          + "says \(stamp.authority) (event \(stamp.event), \(stamp.standing.rawValue))")
    }
    if report.notDurable > 0 {
      try session.print("\(report.notDurable) more events are whole, but not yet durable")
    }
    if verification.unsignedCount > 0 {
      try session.print("\(verification.unsignedCount) events are not yet signed")
    }
    if !verification.report.indexes.isEmpty {
      session.note("'dispatch-ledger view rebuild' makes the indexes again from the log")
    }
    try printConclusion(to: &session)
  }

  private func printConclusion(to session: inout Session) throws(CommandFailure) {
    guard verification.verdict == .whole else { return }
    if evidence.isAuthenticated {
      try session.print(
        "authenticated up to event \(evidence.signedSize - 1)", style: .good)
      let pinned = trust.pinned.compactMap { try? Checkpoint(text: $0.text) }.map(\.head.size)
      let older = pinned.max().map { "an older copy of \($0) events or more" } ?? "an older copy"
      try session.print(
        "what this can't see: that \(older) was put back whole; a newer checkpoint kept elsewhere "
          + "or a witness can")
    } else {
      try session.print("internally consistent, not authenticated", style: .good)
    }
  }

  private func print(
    _ finding: EvidenceFinding, to session: inout Session
  ) throws(CommandFailure) {
    let ids = text(finding.ids)
    let what =
      switch finding.kind {
      case .otherKey: "the trusted key isn't one of this ledger's; \(ids) were made by others"
      case .unsigned: "the trusted key has signed nothing that covers \(ids)"
      case .rollback: "\(ids) were signed and aren't there: the ledger was cut back"
      case .fork: "\(ids): they aren't what was signed, or not all of them"
      case .policy: "\(ids): too few of the policy's witnesses have signed the newest checkpoint"
      case .pinned: "a pinned checkpoint isn't one that this ledger's keys have signed"
      case .archived:
        "a pinned checkpoint is of \(ids), which are archived: --with ARCHIVE judges it"
      }
    try session.print("\(finding.kind.rawValue): \(what)", style: .bad)
    guard let note = finding.note else { return }
    // The note itself is the proof, and can be shown to others.
    for line in String(decoding: note.bytes, as: UTF8.self).split(separator: "\n") {
      try session.print("  \(line)")
    }
  }

  private func text(_ ids: Range<UInt64>) -> String {
    guard let last = ids.last else { return "no events" }
    return "events \(ids.lowerBound) to \(last)"
  }
}
