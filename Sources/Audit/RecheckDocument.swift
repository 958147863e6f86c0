package import Bytes
package import Dispatching
import EventLog
package import Events

/// One modification's books.
package struct ModificationAccount: Sendable {
  package let number: Int
  package let event: EventID
  package let kind: NoticeKind
  /// When its notices had to be there; `nil` where they may come at any time.
  package let deadline: Instant?
  package let recipients: Int
  package let exclusions: Int
  /// By user, with those who are told by escalation.
  package let told: [Told]

  package var escalated: Int { told.count(where: \.isEscalated) }

  /// How many notices stand so.
  package func count(_ state: NoticeState) -> Int { told.count { $0.state == state } }
}

/// How many recipients were told in time, and how many weren't.
package struct VerdictCounts: Sendable {
  private var counts: [Verdict: Int] = [:]

  package init() {}

  package subscript(verdict: Verdict) -> Int { counts[verdict, default: 0] }

  /// Adds those of a modification.
  package mutating func add(_ modification: ModificationAccount) {
    for told in modification.told {
      if let verdict = told.verdict { counts[verdict, default: 0] += 1 }
    }
  }

  var document: JSON {
    .object(
      JSONObject(
        Verdict.allCases.map { .init(key: $0.rawValue, value: .integer(Int64(self[$0]))) }))
  }
}

extension Recheck {
  /// The report that `FORMAT.md` §17 specifies, in pieces.
  package var document: RecheckDocument { RecheckDocument(of: self) }
}

/// Spells a recheck's report, one dispatch after the other.
package struct RecheckDocument {
  private let recheck: Recheck
  private var accounts: AccountCursor
  private var (real, test) = (VerdictCounts(), VerdictCounts())
  private var written = 0
  private var isAtEnd = false

  init(of recheck: Recheck) {
    self.recheck = recheck
    accounts = recheck.accounts
  }

  /// The next bytes, or `nil` behind the last ones.
  ///
  /// - Throws: `.log`, `.unreadableEvent`.
  package mutating func read() throws(AuditError) -> [UInt8]? {
    if isAtEnd { return nil }
    var bytes: [UInt8] = []
    if written == 0 { begin(&bytes) }
    guard let account = try accounts.read() else {
      end(&bytes)
      return bytes
    }
    for modification in account.modifications {
      if account.isTest { test.add(modification) } else { real.add(modification) }
    }
    if written > 0 { bytes.append(UInt8(ascii: ",")) }
    account.document.appendCanonical(to: &bytes)
    written += 1
    return bytes
  }

  private func begin(_ bytes: inout [UInt8]) {
    let counts: JSON = [
      "examined": .integer(Int64(recheck.examined)),
      "findings": .integer(Int64(recheck.findingCount)),
      "notes": .integer(Int64(recheck.noteCount)),
      "rechecked": .integer(Int64(recheck.rechecked)),
    ]
    bytes += "{\"counts\":".utf8
    counts.appendCanonical(to: &bytes)
    bytes += ",\"dispatches\":[".utf8
  }

  private mutating func end(_ bytes: inout [UInt8]) {
    isAtEnd = true
    let rest = JSONObject([
      .init(key: "findings", value: .array(recheck.findings.map(\.document))),
      .init(key: "ledger_id", value: .string(recheck.identity.id.hex)),
      .init(
        key: "not_rechecked",
        value: .array(
          recheck.omissions.map { ["what": .string($0.what), "why": .string($0.why)] })),
      .init(key: "notes", value: .array(recheck.notes.map(\.document))),
      .init(key: "origin", value: .string(recheck.identity.origin)),
      .init(key: "root", value: recheck.root.map { .string($0.base64) } ?? .null),
      .init(key: "size", value: .string(String(recheck.size))),
      .init(key: "v", value: 1),
      .init(key: "verdicts", value: ["real": real.document, "test": test.document]),
    ])
    bytes += "],".utf8
    bytes += JSON.object(rest).canonicalBytes.dropFirst()
  }
}

extension DispatchAccount {
  fileprivate var document: JSON {
    [
      "dispatch": .string(id.text),
      "modifications": .array(modifications.map(\.document)),
      "program_id": .string(programID.text),
      "test": .bool(isTest),
    ]
  }
}

extension ModificationAccount {
  fileprivate var document: JSON {
    var document = JSONObject()
    document["considered"] = .integer(Int64(recipients + exclusions))
    document["deadline"] = deadline.map { .string($0.text) }
    document["escalated"] = escalated > 0 ? .integer(Int64(escalated)) : nil
    document["event"] = .string(String(event))
    document["exclusions"] = .integer(Int64(exclusions))
    document["kind"] = .string(kind.rawValue)
    document["modification"] = .integer(Int64(number))
    document["notices"] = .object(
      JSONObject(
        NoticeState.allCases.map { .init(key: $0.rawValue, value: .integer(Int64(count($0)))) }))
    document["recipients"] = .integer(Int64(recipients))
    document["told"] = .array(told.map(\.document))
    return .object(document)
  }
}

extension Told {
  fileprivate var document: JSON {
    var document = JSONObject()
    document["clock"] = proof?.isByClock == true ? true : nil
    document["escalated"] = isEscalated ? true : nil
    document["event"] = proof.map { .string(String($0.event)) }
    document["evidence"] = proof.map { .integer(Int64($0.evidence.rawValue)) }
    document["minutes"] = minutes.map { .integer($0) }
    document["reason"] = reason.map { .string($0.rawValue) }
    document["state"] = .string(state.rawValue)
    document["told_at"] = proof.map { .string($0.at.text) }
    document["user"] = .string(userID.text)
    document["verdict"] = verdict.map { .string($0.rawValue) }
    return .object(document)
  }
}

extension Finding {
  fileprivate var document: JSON {
    var document = JSONObject()
    if !differences.isEmpty {
      document["differences"] = .array(
        differences.map { difference in
          var entry = JSONObject()
          entry["expected"] = difference.expected.map { .string($0) }
          entry["found"] = difference.found.map { .string($0) }
          entry["path"] = .string(difference.path)
          return .object(entry)
        })
    }
    document["dispatch"] = dispatch.map { .string($0.text) }
    document["event"] = .string(String(event))
    document["kind"] = .string(kind.rawValue)
    document["message"] = .string(message)
    return .object(document)
  }
}

extension Note {
  fileprivate var document: JSON {
    [
      "first": .string(String(first)), "kind": .string(kind.rawValue),
      "last": .string(String(last)), "message": .string(message),
    ]
  }
}
